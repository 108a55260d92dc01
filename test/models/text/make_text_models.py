"""Writes three small tokenizers, what they make of some texts, and a model that takes tokens.

The expectations come from a few lines written from the algorithms' descriptions, in wordpiece.py, bpe.py and
unigram.py, never from the library under test.
Run with Debian's python3-onnx, then format the JSON: `npx prettier --write test/models/text`.
"""

import json
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

import bpe
import unigram
import wordpiece

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


WIDTH, CLASSES = 8, 3


def tokens_model():
    """ids, mask int64 [batch, tokens] -> scores float32 [batch, 3]: the mean of the tokens' vectors, projected."""
    random = np.random.default_rng(20261121)
    weights = {
        "vectors": random.normal(size=(len(wordpiece.VOCABULARY), WIDTH)).astype(np.float32),
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
        ids = wordpiece.ids(text)
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
    write_json("wordpiece.json", wordpiece.definition())
    write_json("bpe.json", bpe.definition())
    write_json("unigram.json", unigram.definition())
    write_json(
        "vectors.json",
        [
            {"text": text, "wordpiece": wordpiece.ids(text), "bpe": bpe.ids(text), "unigram": unigram.ids(text)}
            for text in TEXTS
        ],
    )
    model, golden = tokens_model()
    (HERE / "tokens-classifier.onnx").write_bytes(model)
    write_json("tokens-classifier.golden.json", golden)


if __name__ == "__main__":
    main()
