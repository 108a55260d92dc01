"""WordPiece, as BERT uses it: its cleaning, then greedily the longest piece."""

import re
import unicodedata

from template import added_token, piece

VOCABULARY = (
    "[PAD] [UNK] [CLS] [SEP] [MASK] hello world un ##aff ##able token ##s ##ized , ! . ' a b c d e f the quick "
    "brown fox jump over lazy dog and sleep space ##e line cafe deja vu naive 東 京 text here emoji 4 ##2 ##0 ##4 2 "
    "don t can they ll ##d who ##lly"
).split(" ")


def is_punctuation(char):
    code = ord(char)
    ascii_mark = 33 <= code <= 47 or 58 <= code <= 64 or 91 <= code <= 96 or 123 <= code <= 126
    return ascii_mark or unicodedata.category(char).startswith("P")


def words_of(text):
    text = "".join(
        " " if char.isspace() else char
        for char in text
        if char.isspace() or unicodedata.category(char) not in ("Cc", "Cf")
    )
    text = re.sub(r"([\u4e00-\u9fff])", r" \1 ", text)
    text = "".join(
        char for char in unicodedata.normalize("NFD", text.lower()) if unicodedata.category(char) != "Mn"
    )
    for word in text.split():
        run = ""
        for char in word:
            if is_punctuation(char):
                yield from filter(None, [run, char])
                run = ""
            else:
                run += char
        if run:
            yield run


def pieces_of(word):
    if len(word) > 100:
        return ["[UNK]"]
    pieces, start = [], 0
    while start < len(word):
        prefix = "##" if start else ""
        ends = range(len(word), start, -1)
        end = next((end for end in ends if prefix + word[start:end] in VOCABULARY), None)
        if end is None:
            return ["[UNK]"]
        pieces.append(prefix + word[start:end])
        start = end
    return pieces


def ids(text):
    tokens = [one for word in words_of(text) for one in pieces_of(word)]
    return [VOCABULARY.index(token) for token in ["[CLS]", *tokens, "[SEP]"]]


def definition():
    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    return {
        "version": "1.0",
        "truncation": None,
        "padding": None,
        "added_tokens": [added_token(VOCABULARY.index(token), token) for token in special],
        "normalizer": {
            "type": "BertNormalizer",
            "clean_text": True,
            "handle_chinese_chars": True,
            "strip_accents": None,
            "lowercase": True,
        },
        "pre_tokenizer": {"type": "BertPreTokenizer"},
        "post_processor": {
            "type": "TemplateProcessing",
            "single": [
                piece("SpecialToken", "[CLS]"),
                piece("Sequence", "A"),
                piece("SpecialToken", "[SEP]"),
            ],
            "pair": [],
            "special_tokens": {
                name: {"id": name, "ids": [VOCABULARY.index(name)], "tokens": [name]} for name in ["[CLS]", "[SEP]"]
            },
        },
        "decoder": {"type": "WordPiece", "prefix": "##", "cleanup": True},
        "model": {
            "type": "WordPiece",
            "unk_token": "[UNK]",
            "continuing_subword_prefix": "##",
            "max_input_chars_per_word": 100,
            "vocab": {token: i for i, token in enumerate(VOCABULARY)},
        },
    }
