"""Exports a scikit-learn pipeline to ONNX, with what `afield publish` reads beside it.

Run with Debian's python3-sklearn and python3-onnx. The data is Fisher's Iris, which comes with scikit-learn.
"""

import json
from pathlib import Path

import numpy as np
import onnx
import sklearn
from onnx import TensorProto, helper, numpy_helper
from sklearn.datasets import load_iris
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score, precision_score, recall_score, roc_auc_score
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

HERE = Path(__file__).resolve().parent
FIELDS = ["sepal_length", "sepal_width", "petal_length", "petal_width"]
SPECIES = ["setosa", "versicolor", "virginica"]


def to_onnx(pipeline):
    """measurements float32 [batch, 4] (cm) -> shares float32 [batch, 3], which add up to 1.

    The scaler is part of the graph: what is learned from data must not be written a second time in JavaScript.
    """
    scaler, classifier = (step for _, step in pipeline.steps)
    weights = {
        "mean": scaler.mean_,
        "scale": scaler.scale_,
        "weight": classifier.coef_.T,
        "bias": classifier.intercept_,
    }
    nodes = [
        helper.make_node("Sub", ["measurements", "mean"], ["centred"]),
        helper.make_node("Div", ["centred", "scale"], ["standardised"]),
        helper.make_node("Gemm", ["standardised", "weight", "bias"], ["scores"]),
        helper.make_node("Softmax", ["scores"], ["shares"], axis=1),
    ]
    graph = helper.make_graph(
        nodes,
        "iris",
        [helper.make_tensor_value_info("measurements", TensorProto.FLOAT, ["batch", len(FIELDS)])],
        [helper.make_tensor_value_info("shares", TensorProto.FLOAT, ["batch", len(SPECIES)])],
        [numpy_helper.from_array(value.astype(np.float32), name) for name, value in weights.items()],
    )
    model = helper.make_model(graph, ir_version=8, opset_imports=[helper.make_opsetid("", 13)])
    onnx.checker.check_model(model, full_check=True)
    return model


def golden_vectors(pipeline, rows):
    """What scikit-learn itself answers, in float64: the truth that the export is held to."""
    return [
        {
            "input": dict(zip(FIELDS, map(float, row))),
            "output": {
                "species": {"label": SPECIES[shares.argmax()], "score": round(float(shares.max()), 6)}
            },
        }
        for row, shares in zip(rows, pipeline.predict_proba(rows))
    ]


def main():
    features, species = load_iris(return_X_y=True)
    train_x, test_x, train_y, test_y = train_test_split(
        features, species, test_size=0.3, random_state=7, stratify=species
    )
    pipeline = make_pipeline(StandardScaler(), LogisticRegression()).fit(train_x, train_y)

    shares = pipeline.predict_proba(test_x)
    answers = shares.argmax(axis=1)
    metrics = {
        "accuracy": round(float(accuracy_score(test_y, answers)), 4),
        "precision": round(float(precision_score(test_y, answers, average="macro")), 4),
        "recall": round(float(recall_score(test_y, answers, average="macro")), 4),
        "auc": round(float(roc_auc_score(test_y, shares, multi_class="ovr")), 4),
        "rows_train": len(train_y),
        "rows_test": len(test_y),
        "framework": f"scikit-learn {sklearn.__version__}",
    }

    onnx.save(to_onnx(pipeline), str(HERE / "iris.onnx"))
    (HERE / "iris.golden.json").write_text(json.dumps(golden_vectors(pipeline, test_x[:12]), indent=2) + "\n")
    (HERE / "iris.metrics.json").write_text(json.dumps(metrics, indent=2) + "\n")
    print(metrics)


if __name__ == "__main__":
    main()
