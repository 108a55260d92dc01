"""What the definitions of all three tokenizers say alike."""


def piece(kind, name):
    """Of a post-processor's template."""
    return {kind: {"id": name, "type_id": 0}}


def added_token(token_id, content):
    flags = {"single_word": False, "lstrip": False, "rstrip": False, "normalized": False, "special": True}
    return {"id": token_id, "content": content, **flags}
