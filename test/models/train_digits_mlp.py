"""Trains the digits model that tests and benchmarks use, on the digits images inside scikit-learn."""

import os

# Read when numpy is imported. Sums depend on the number of threads and on the kernels picked for the processor:
# one thread and one kernel (AVX2) keep the bytes the same.
os.environ["OPENBLAS_NUM_THREADS"] = "1"
os.environ.setdefault("OPENBLAS_CORETYPE", "Haswell")

import json
import warnings
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from sklearn.datasets import load_digits
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import train_test_split
from sklearn.neural_network import MLPClassifier

HERE = Path(__file__).resolve().parent
PIXEL_MAX = 16  # load_digits holds whole numbers 0 to 16
EPOCHS = 12


def train(images, digits):
    """Stops early, by design: a longer run answers 1.0 to everything, and golden vectors that are all
    ones and zeros would not notice a slightly wrong model."""
    classifier = MLPClassifier((256, 256), activation="relu", alpha=0.01, max_iter=EPOCHS, random_state=1)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        return classifier.fit(images / PIXEL_MAX, digits)


def to_onnx(classifier):
    """pixels float32 [batch, 64], 0 to 16, row by row -> probabilities float32 [batch, 10], sum 1."""
    weights = {"pixel_max": np.array(PIXEL_MAX)}
    nodes = [helper.make_node("Div", ["pixels", "pixel_max"], ["scaled"])]
    previous = "scaled"
    last = len(classifier.coefs_)
    for i, (weight, bias) in enumerate(zip(classifier.coefs_, classifier.intercepts_), 1):
        weights |= {f"weight_{i}": weight, f"bias_{i}": bias}
        nodes.append(helper.make_node("Gemm", [previous, f"weight_{i}", f"bias_{i}"], [f"dense_{i}"]))
        if i == last:
            nodes.append(helper.make_node("Softmax", [f"dense_{i}"], ["probabilities"], axis=1))
        else:
            nodes.append(helper.make_node("Relu", [f"dense_{i}"], [f"hidden_{i}"]))
            previous = f"hidden_{i}"
    graph = helper.make_graph(
        nodes,
        "digits-mlp",
        [helper.make_tensor_value_info("pixels", TensorProto.FLOAT, ["batch", 64])],
        [helper.make_tensor_value_info("probabilities", TensorProto.FLOAT, ["batch", 10])],
        [numpy_helper.from_array(value.astype(np.float32), name) for name, value in weights.items()],
    )
    model = helper.make_model(
        graph, ir_version=8, opset_imports=[helper.make_opsetid("", 13)], producer_name="train_digits_mlp.py"
    )
    onnx.checker.check_model(model, full_check=True)
    return model.SerializeToString()


def golden_vectors(classifier, images, digits):
    """The first held-out image of each digit, with the framework's own float64 answer."""
    chosen = images[[int(np.argmax(digits == digit)) for digit in range(10)]]
    return [
        {
            "input": {f"pixel_{i:02d}": int(value) for i, value in enumerate(image)},
            "output": {f"p{i}": round(float(value), 6) for i, value in enumerate(probabilities)},
        }
        for image, probabilities in zip(chosen, classifier.predict_proba(chosen / PIXEL_MAX))
    ]


def main():
    images, digits = load_digits(return_X_y=True)
    train_x, test_x, train_y, test_y = train_test_split(
        images, digits, test_size=0.25, random_state=7, stratify=digits
    )
    classifier = train(train_x, train_y)
    model = to_onnx(classifier)
    (HERE / "digits-mlp.onnx").write_bytes(model)
    # 5e-06 is 5e-6 to the repository's formatter.
    golden = json.dumps(golden_vectors(classifier, test_x, test_y), indent=2).replace("e-0", "e-")
    (HERE / "digits-mlp.golden.json").write_text(golden + "\n")
    accuracy = classifier.score(test_x / PIXEL_MAX, test_y)
    print(f"digits-mlp  {len(model)} bytes  held-out accuracy {accuracy:.4f} on {len(test_y)} images")


if __name__ == "__main__":
    main()
