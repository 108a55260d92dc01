"""Trains `content-check` and writes what `afield publish` reads. Run with Debian's python3-sklearn and python3-onnx.

The messages in data/messages.csv are made up: see README.md beside this file.
"""

import os

# Read when numpy is imported: one thread and one kernel (AVX2) keep the bytes the same.
os.environ["OPENBLAS_NUM_THREADS"] = "1"
os.environ.setdefault("OPENBLAS_CORETYPE", "Haswell")

import csv
import hashlib
import json
import unicodedata
from pathlib import Path

import numpy as np
import onnx
import sklearn
from onnx import TensorProto, helper, numpy_helper
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score, roc_auc_score
from sklearn.model_selection import cross_val_score, train_test_split
from sklearn.pipeline import make_pipeline

EXAMPLE = Path(__file__).resolve().parent.parent
VERSION = "1.0.0"
LABELS = ["fine", "advertising"]

# A word is two or more letters, digits or _, for scikit-learn and for the graph (RE2) alike.
SKLEARN_WORD = r"(?u)\b\w\w+\b"
GRAPH_WORD = r"[\pL\pN_][\pL\pN_]+"

# Beside messages of the held-out set: nothing to go by, only unknown words, capitals, other scripts, full-width
# letters that NFKC makes plain ones, letters and marks apart, an emoji, words repeated.
GOLDEN_EXTRAS = [
    "",
    "?!",
    "xyzzy plugh",
    "BUY NOW AND SAVE",
    "Ｂｕｙ ｎｏｗ!",
    "Où est le café? Cafe\u0301!",
    "最新のノートはどこですか",
    "Earn money 💸 now now now",
]


def normalise(text):
    """As the contract says: `normalize: "NFKC"`."""
    return unicodedata.normalize("NFKC", text)


def pipeline():
    return make_pipeline(
        TfidfVectorizer(token_pattern=SKLEARN_WORD, ngram_range=(1, 2), lowercase=True),
        LogisticRegression(C=30, max_iter=1000),
    )


def to_onnx(model):
    """text string [batch] -> probabilities float32 [batch, 2], in the order of LABELS.

    The steps are scikit-learn's own: lower case, words, counts of words and pairs, times idf, divided by the
    Euclidean length, logistic regression.
    """
    vectorizer, classifier = (step for _, step in model.steps)
    columns = sorted(vectorizer.vocabulary_.items(), key=lambda entry: (entry[0].count(" "), entry[1]))
    words = [(term, column) for term, column in columns if " " not in term]
    pairs = [(term.split(" "), column) for term, column in columns if " " in term]
    nodes = [
        helper.make_node("StringNormalizer", ["text"], ["lower"], case_change_action="LOWER"),
        helper.make_node(
            "Tokenizer",
            ["lower"],
            ["words"],
            domain="com.microsoft",
            mark=0,
            mincharnum=1,
            # No word of the vocabulary, so that shorter messages are filled up with what counts for nothing.
            pad_value="",
            tokenexp=GRAPH_WORD,
        ),
        helper.make_node(
            "TfIdfVectorizer",
            ["words"],
            ["counts"],
            mode="TF",
            min_gram_length=1,
            max_gram_length=2,
            max_skip_count=0,
            ngram_counts=[0, len(words)],
            ngram_indexes=[column for _, column in columns],
            pool_strings=[term for term, _ in words] + [word for pair, _ in pairs for word in pair],
        ),
        helper.make_node("Mul", ["counts", "idf"], ["weighted"]),
        helper.make_node("ReduceL2", ["weighted"], ["length"], axes=[1], keepdims=1),
        helper.make_node("Max", ["length", "tiny"], ["divisor"]),
        helper.make_node("Div", ["weighted", "divisor"], ["features"]),
        helper.make_node("Gemm", ["features", "coefficients", "intercept"], ["logits"]),
        helper.make_node("Softmax", ["logits"], ["probabilities"], axis=1),
    ]
    # Two columns from the one of a binary classifier: softmax of (0, z) is (1 - sigmoid(z), sigmoid(z)).
    weights = {
        "idf": vectorizer.idf_,
        "tiny": np.array([1e-12]),
        "coefficients": np.column_stack([np.zeros_like(classifier.coef_[0]), classifier.coef_[0]]),
        "intercept": np.array([0.0, classifier.intercept_[0]]),
    }
    graph = helper.make_graph(
        nodes,
        "content-check",
        [helper.make_tensor_value_info("text", TensorProto.STRING, ["batch"])],
        [helper.make_tensor_value_info("probabilities", TensorProto.FLOAT, ["batch", len(LABELS)])],
        [numpy_helper.from_array(np.asarray(value, dtype=np.float32), name) for name, value in weights.items()],
    )
    made = helper.make_model(
        graph,
        ir_version=8,
        opset_imports=[helper.make_opsetid("", 13), helper.make_opsetid("com.microsoft", 1)],
        producer_name="content-check/train.py",
    )
    onnx.checker.check_model(made)
    return made.SerializeToString()


def answers(model, texts):
    """What scikit-learn says of each text: the truth that the export is held to."""
    scores = model.predict_proba([normalise(text) for text in texts])[:, 1]
    return [round(float(score), 6) for score in scores]


def main():
    data = (EXAMPLE / "data" / "messages.csv").read_bytes()
    rows = list(csv.DictReader(data.decode("utf-8").splitlines()))
    texts = [normalise(row["text"]) for row in rows]
    labels = [LABELS.index(row["label"]) for row in rows]
    train_x, test_x, train_y, test_y = train_test_split(
        texts, labels, test_size=0.25, random_state=11, stratify=labels
    )
    model = pipeline().fit(train_x, train_y)
    scores = answers(model, test_x)
    metrics = {
        "accuracy": round(accuracy_score(test_y, [score >= 0.5 for score in scores]), 4),
        "auc": round(roc_auc_score(test_y, scores), 4),
        "cross_validated_accuracy": round(cross_val_score(pipeline(), texts, labels, cv=10).mean(), 4),
        "rows_train": len(train_y),
        "rows_test": len(test_y),
        "data_sha256": hashlib.sha256(data).hexdigest(),
        "framework": f"scikit-learn {sklearn.__version__}",
    }
    golden_texts = [*GOLDEN_EXTRAS, *test_x[:8]]
    golden = [
        {
            "input": text,
            "output": {
                "verdict": {
                    "label": LABELS[int(score >= 0.5)],
                    "score": round(max(score, 1 - score), 6),
                },
                "advertising": score,
            },
        }
        for text, score in zip(golden_texts, answers(model, golden_texts))
    ]
    held_out = [
        {"text": text, "label": LABELS[label], "advertising": score}
        for text, label, score in zip(test_x, test_y, scores)
    ]
    exported = to_onnx(model)
    stem = EXAMPLE / "models" / f"content-check-{VERSION}"
    Path(f"{stem}.onnx").write_bytes(exported)
    write_json(f"{stem}.metrics.json", metrics)
    write_json(f"{stem}.golden.json", golden)
    write_json(EXAMPLE / "data" / "held-out.json", held_out)
    print(VERSION, len(exported), "bytes", len(model[0].vocabulary_), "terms", metrics)


def write_json(path, value):
    Path(path).write_text(json.dumps(value, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
