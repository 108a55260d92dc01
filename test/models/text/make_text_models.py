"""Writes two small tokenizers, what they make of some texts, and a model that takes tokens.

The expectations come from the few lines below, written from the algorithms' descriptions (WordPiece: greedy longest
match after BERT's cleaning; BPE: merges in their order over GPT-2's bytes), never from the library under test.
Run with Debian's python3-onnx, then format the JSON: `npx prettier --write test/models/text`.
"""

import json
import re
import unicodedata
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

HERE = Path(__file__).resolve().parent

TEXTS = [
    "",
    "hello world",
    "Hello, World!",
    "unaffable tokens, tokenized",
    "  spaces \t and\nlines  ",
    "Café déjà vu",
    "Cafe\u0301",
    "naïve 東京 text",
    "emoji 🙂 here",
    "wholly unknownword 42 2042",
    "don't can't they'll",
    "a" * 120,
    "the quick brown fox jumps over the lazy dog and the lazy dog sleeps",
]

# --- WordPiece, as BERT uses it -------------------------------------------------------------------------------

WORDPIECE = (
    "[PAD] [UNK] [CLS] [SEP] [MASK] hello world un ##aff ##able token ##s ##ized , ! . ' a b c d e f the quick "
    "brown fox jump over lazy dog and sleep space ##e line cafe deja vu naive 東 京 text here emoji 4 ##2 ##0 ##4 2 "
    "don t can they ll ##d who ##lly"
).split(" ")


def is_punctuation(char):
    code = ord(char)
    ascii_mark = 33 <= code <= 47 or 58 <= code <= 64 or 91 <= code <= 96 or 123 <= code <= 126
    return ascii_mark or unicodedata.category(char).startswith("P")


def bert_words(text):
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
        piece = ""
        for char in word:
            if is_punctuation(char):
                yield from filter(None, [piece, char])
                piece = ""
            else:
                piece += char
        if piece:
            yield piece


def wordpiece(word):
    if len(word) > 100:
        return ["[UNK]"]
    pieces, start = [], 0
    while start < len(word):
        prefix = "##" if start else ""
        ends = range(len(word), start, -1)
        end = next((end for end in ends if prefix + word[start:end] in WORDPIECE), None)
        if end is None:
            return ["[UNK]"]
        pieces.append(prefix + word[start:end])
        start = end
    return pieces


def wordpiece_ids(text):
    tokens = [piece for word in bert_words(text) for piece in wordpiece(word)]
    return [WORDPIECE.index(token) for token in ["[CLS]", *tokens, "[SEP]"]]


def wordpiece_definition():
    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    piece = lambda kind, name: {kind: {"id": name, "type_id": 0}}
    return {
        "version": "1.0",
        "truncation": None,
        "padding": None,
        "added_tokens": [added_token(WORDPIECE.index(token), token) for token in special],
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
                name: {"id": name, "ids": [WORDPIECE.index(name)], "tokens": [name]} for name in ["[CLS]", "[SEP]"]
            },
        },
        "decoder": {"type": "WordPiece", "prefix": "##", "cleanup": True},
        "model": {
            "type": "WordPiece",
            "unk_token": "[UNK]",
            "continuing_subword_prefix": "##",
            "max_input_chars_per_word": 100,
            "vocab": {token: i for i, token in enumerate(WORDPIECE)},
        },
    }


def added_token(token_id, content):
    flags = {"single_word": False, "lstrip": False, "rstrip": False, "normalized": False, "special": True}
    return {"id": token_id, "content": content, **flags}


# --- byte-level BPE, as GPT-2 uses it -------------------------------------------------------------------------

# Python's re has no \p{L}: letters are word characters without digits and _.
GPT2_WORD = re.compile(r"'(?:s|t|re|ve|m|ll|d)| ?[^\W\d_]+| ?\d+| ?(?:[^\s\w]|_)+|\s+(?!\S)|\s+")
CORPUS = "the lazy dog and the quick fox, hello world, hello there, they'll don't café naïve the the"


def byte_alphabet():
    kept = [*range(33, 127), *range(161, 173), *range(174, 256)]
    others = [byte for byte in range(256) if byte not in kept]
    return {byte: chr(byte) for byte in kept} | {byte: chr(256 + i) for i, byte in enumerate(others)}


BYTES = byte_alphabet()


def byte_words(text):
    return [[BYTES[byte] for byte in word.encode("utf-8")] for word in GPT2_WORD.findall(text)]


def merge(word, pair):
    merged, i = [], 0
    while i < len(word):
        both = tuple(word[i : i + 2]) == pair
        merged.append("".join(pair) if both else word[i])
        i += 2 if both else 1
    return merged


def learn_merges(count):
    words, merges = byte_words(CORPUS), []
    for _ in range(count):
        pairs = [pair for word in words for pair in zip(word, word[1:])]
        if not pairs:
            break
        best = max(sorted(set(pairs)), key=pairs.count)
        merges.append(best)
        words = [merge(word, best) for word in words]
    return merges


MERGES = learn_merges(40)
BPE = ["<s>", "</s>", *BYTES.values(), *("".join(pair) for pair in MERGES)]


def bpe(word):
    while True:
        known = [pair for pair in zip(word, word[1:]) if pair in MERGES]
        if not known:
            return word
        word = merge(word, min(known, key=MERGES.index))


def bpe_ids(text):
    tokens = [token for word in byte_words(text) for token in bpe(word)]
    return [BPE.index(token) for token in ["<s>", *tokens, "</s>"]]


def bpe_definition():
    return {
        "version": "1.0",
        "truncation": None,
        "padding": None,
        "added_tokens": [added_token(0, "<s>"), added_token(1, "</s>")],
        "normalizer": None,
        "pre_tokenizer": {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": True},
        "post_processor": {
            "type": "RobertaProcessing",
            "sep": ["</s>", 1],
            "cls": ["<s>", 0],
            "trim_offsets": True,
            "add_prefix_space": False,
        },
        "decoder": {"type": "ByteLevel", "add_prefix_space": True, "trim_offsets": True, "use_regex": True},
        "model": {
            "type": "BPE",
            "dropout": None,
            "unk_token": None,
            "continuing_subword_prefix": None,
            "end_of_word_suffix": None,
            "fuse_unk": False,
            "byte_fallback": False,
            "vocab": {token: i for i, token in enumerate(BPE)},
            "merges": [" ".join(pair) for pair in MERGES],
        },
    }


# --- a model that takes tokens --------------------------------------------------------------------------------

WIDTH, CLASSES = 8, 3


def tokens_model():
    """ids, mask int64 [batch, tokens] -> scores float32 [batch, 3]: the mean of the tokens' vectors, projected."""
    random = np.random.default_rng(20261121)
    weights = {
        "vectors": random.normal(size=(len(WORDPIECE), WIDTH)).astype(np.float32),
        "projection": random.normal(size=(WIDTH, CLASSES)).astype(np.float32),
        "last": np.array([2], dtype=np.int64),
    }
    nodes = [
        helper.make_node("Gather", ["vectors", "ids"], ["embedded"]),
        helper.make_node("Cast", ["mask"], ["kept"], to=TensorProto.FLOAT),
        helper.make_node("Unsqueeze", ["kept", "last"], ["column"]),
        helper.make_node("Mul", ["embedded", "column"], ["masked"]),
        helper.make_node("ReduceSum", ["masked", "one"], ["sum"], keepdims=0),
        helper.make_node("ReduceSum", ["kept", "one"], ["count"], keepdims=1),
        helper.make_node("Div", ["sum", "count"], ["mean"]),
        helper.make_node("MatMul", ["mean", "projection"], ["scores"]),
    ]
    shape = ["batch", "tokens"]
    graph = helper.make_graph(
        nodes,
        "tokens-classifier",
        [helper.make_tensor_value_info(name, TensorProto.INT64, shape) for name in ["ids", "mask"]],
        [helper.make_tensor_value_info("scores", TensorProto.FLOAT, ["batch", CLASSES])],
        [numpy_helper.from_array(value, name) for name, value in weights.items()]
        + [numpy_helper.from_array(np.array([1], dtype=np.int64), "one")],
    )
    model = helper.make_model(graph, ir_version=8, opset_imports=[helper.make_opsetid("", 13)])
    onnx.checker.check_model(model, full_check=True)

    def score(text, max_tokens=16):
        ids = wordpiece_ids(text)
        ids = ids if len(ids) <= max_tokens else [*ids[: max_tokens - 1], ids[-1]]
        scores = weights["vectors"][ids].mean(axis=0) @ weights["projection"]
        return [round(float(value), 5) for value in scores]

    golden = [
        {"input": text, "output": {f"score_{i}": value for i, value in enumerate(score(text))}} for text in TEXTS
    ]
    return model.SerializeToString(), golden


def write_json(name, value):
    (HERE / name).write_text(json.dumps(value, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def main():
    write_json("wordpiece.json", wordpiece_definition())
    write_json("bpe.json", bpe_definition())
    write_json(
        "vectors.json",
        [{"text": text, "wordpiece": wordpiece_ids(text), "bpe": bpe_ids(text)} for text in TEXTS],
    )
    model, golden = tokens_model()
    (HERE / "tokens-classifier.onnx").write_bytes(model)
    write_json("tokens-classifier.golden.json", golden)


if __name__ == "__main__":
    main()
