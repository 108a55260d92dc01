"""Trains the three published versions of `learner-risk` and writes what `afield publish` reads.

Everything here is SYNTHETIC: see `synthetic_learners`. Run with Debian's python3-sklearn and python3-onnx.
"""

import os

# Read when numpy is imported. Sums depend on the number of threads and on the kernels picked for the processor:
# one thread and one kernel (AVX2) keep the bytes the same.
os.environ["OPENBLAS_NUM_THREADS"] = "1"
os.environ.setdefault("OPENBLAS_CORETYPE", "Haswell")

import hashlib
import json
from pathlib import Path

import numpy as np
import onnx
import sklearn
from onnx import TensorProto, helper, numpy_helper
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import precision_score, recall_score, roc_auc_score
from sklearn.model_selection import train_test_split
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

EXAMPLE = Path(__file__).resolve().parent.parent
THRESHOLD = 0.7  # needs_support is risk_score >= THRESHOLD
ROWS = 8000

# (hours_studied, quiz_score): both ends of both ranges, ordinary weeks, and both sides of THRESHOLD.
GOLDEN_INPUTS = [
    (60, 0),
    (0, 0),
    (0, 100),
    (60, 100),
    (12.5, 61),
    (3, 42),
    (8.5, 55),
    (20, 35),
    (25.5, 70),
    (32, 88),
    (45, 30),
    (54.5, 50),
]


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


def synthetic_learners(rows, seed):
    """SYNTHETIC data: made from the formula below plus noise. It describes no real learners and says
    nothing about real studying.

    A low score matters most together with very few hours, or with very many (work that does not pay off).
    That interaction is what a logistic regression on the two columns cannot express and a small network can.

    Returns hours_studied in hours a week (0 to 60, one decimal), quiz_score in points (0 to 100, whole)
    and needs_support (0 or 1), each of shape [rows].
    """
    u = np.random.default_rng(seed).random((rows, 5))
    hours = np.round(60 * np.minimum(u[:, 0], 0.35 * u[:, 0] + 0.65 * u[:, 1]), 1)
    score = np.round(100 * (0.65 * u[:, 2] + 0.35 * u[:, 3])).astype(int)
    low_score = sigmoid((58 - score) / 7)
    few_hours = sigmoid((14 - hours) / 3)
    many_hours = sigmoid((hours - 45) / 3)
    risk = sigmoid(-3.2 + 2.2 * few_hours + 1.4 * low_score + low_score * (4.0 * few_hours + 3.6 * many_hours))
    return hours, score, (u[:, 4] < risk).astype(int)


def to_csv(hours, score, label):
    lines = [f"{h:.1f},{s},{y}" for h, s, y in zip(hours, score, label)]
    return ("hours_studied,quiz_score,needs_support\n" + "\n".join(lines) + "\n").encode("ascii")


def network(random_state):
    # alpha is strong on purpose: a smooth surface, and an optimiser that converges instead of being cut off.
    return MLPClassifier(
        (16, 8), activation="tanh", solver="lbfgs", alpha=1.0, max_iter=2000, random_state=random_state
    )


def dense_layers(classifier):
    """The classifier as (weight [in, out], bias [out]) pairs; the last pair is followed by a sigmoid."""
    if isinstance(classifier, LogisticRegression):
        return [(classifier.coef_.T, classifier.intercept_)]
    return list(zip(classifier.coefs_, classifier.intercepts_))


def to_onnx(pipeline, version, swap_statistics=False):
    """features float32 [batch, 2] (hours_studied, quiz_score) -> risk float32 [batch, 1], 0 to 1.

    `swap_statistics` writes each column's mean and scale into the other column's place: a mistake that
    leaves every shape, type and range as it should be.
    """
    scaler, classifier = (step for _, step in pipeline.steps)
    order = [1, 0] if swap_statistics else [0, 1]
    weights = {"mean": scaler.mean_[order], "scale": scaler.scale_[order]}
    nodes = [
        helper.make_node("Sub", ["features", "mean"], ["centred"]),
        helper.make_node("Div", ["centred", "scale"], ["standardised"]),
    ]
    layers = dense_layers(classifier)
    previous = "standardised"
    for i, (weight, bias) in enumerate(layers, 1):
        last = i == len(layers)
        weights |= {f"weight_{i}": weight, f"bias_{i}": bias}
        activated = "risk" if last else f"hidden_{i}"
        nodes += [
            helper.make_node("Gemm", [previous, f"weight_{i}", f"bias_{i}"], [f"dense_{i}"]),
            helper.make_node("Sigmoid" if last else "Tanh", [f"dense_{i}"], [activated]),
        ]
        previous = activated
    graph = helper.make_graph(
        nodes,
        "learner-risk",
        [helper.make_tensor_value_info("features", TensorProto.FLOAT, ["batch", 2])],
        [helper.make_tensor_value_info("risk", TensorProto.FLOAT, ["batch", 1])],
        [numpy_helper.from_array(value.astype(np.float32), name) for name, value in weights.items()],
    )
    model = helper.make_model(
        graph, ir_version=8, opset_imports=[helper.make_opsetid("", 13)], producer_name="learner-risk/train.py"
    )
    helper.set_model_props(model, {"version": version, "training_data": "synthetic"})
    onnx.checker.check_model(model, full_check=True)
    return model.SerializeToString()


def golden_vectors(pipeline):
    """What the training framework itself answers, in float64: the truth an export is held to."""
    risks = pipeline.predict_proba(np.array(GOLDEN_INPUTS, dtype=np.float64))[:, 1]
    return [
        {"input": {"hours_studied": h, "quiz_score": s}, "output": {"risk_score": round(float(risk), 6)}}
        for (h, s), risk in zip(GOLDEN_INPUTS, risks)
    ]


def one_line(vector):
    """One vector as one line of JSON, spaced as the repository's formatter spaces it."""
    return "  " + json.dumps(vector).replace("{", "{ ").replace("}", " }")


def evaluate(pipeline, features, label):
    risk = pipeline.predict_proba(features)[:, 1]
    decision = risk >= THRESHOLD
    return {
        "auc": round(float(roc_auc_score(label, risk)), 4),
        "precision": round(float(precision_score(label, decision)), 4),
        "recall": round(float(recall_score(label, decision)), 4),
    }


def main():
    hours, score, label = synthetic_learners(ROWS, seed=20261104)
    csv = to_csv(hours, score, label)
    features = np.column_stack([hours, score]).astype(np.float64)
    train_x, test_x, train_y, test_y = train_test_split(
        features, label, test_size=0.25, random_state=7, stratify=label
    )

    (EXAMPLE / "data").mkdir(exist_ok=True)
    (EXAMPLE / "models").mkdir(exist_ok=True)
    (EXAMPLE / "data" / "synthetic.csv").write_bytes(csv)

    # 3.0.0 is broken ON PURPOSE, in its export only: its metrics are good, its golden vectors disagree.
    versions = [
        ("1.0.0", LogisticRegression(), False),
        ("2.0.0", network(random_state=2), False),
        ("3.0.0", network(random_state=3), True),
    ]
    for version, classifier, broken in versions:
        pipeline = make_pipeline(StandardScaler(), classifier).fit(train_x, train_y)
        model = to_onnx(pipeline, version, swap_statistics=broken)
        scores = evaluate(pipeline, test_x, test_y)
        metrics = {
            **scores,
            "rows_train": len(train_y),
            "rows_test": len(test_y),
            "data_sha256": hashlib.sha256(csv).hexdigest(),
            "framework": f"scikit-learn {sklearn.__version__}",
        }
        vectors = ",\n".join(one_line(vector) for vector in golden_vectors(pipeline))
        stem = EXAMPLE / "models" / f"learner-risk-{version}"
        Path(f"{stem}.onnx").write_bytes(model)
        Path(f"{stem}.golden.json").write_text(f"[\n{vectors}\n]\n")
        Path(f"{stem}.metrics.json").write_text(json.dumps(metrics, indent=2) + "\n")
        print(f"{version}  {len(model)} bytes  {scores}")


if __name__ == "__main__":
    main()
