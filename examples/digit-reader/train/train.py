"""Trains `digit-reader` and writes what `afield publish` and the page read. Run with Debian's python3-sklearn,
python3-onnx and python3-pil.

Everything works on the pixels that a browser gets: the data set's 0 to 16 as 8-bit grey levels, white on black.
"""

import os

# Read when numpy is imported: one thread and one kernel (AVX2) keep the bytes the same.
os.environ["OPENBLAS_NUM_THREADS"] = "1"
os.environ.setdefault("OPENBLAS_CORETYPE", "Haswell")

import base64
import csv
import hashlib
import json
from pathlib import Path

import numpy as np
import onnx
import sklearn
from onnx import TensorProto, helper, numpy_helper
from PIL import Image
from sklearn.datasets import load_digits
from sklearn.metrics import accuracy_score
from sklearn.model_selection import train_test_split
from sklearn.neural_network import MLPClassifier

EXAMPLE = Path(__file__).resolve().parent.parent
VERSION = "1.0.0"
SIDE = 8
SEED = 7
SPRITE_COLUMNS = 30
LEVELS = 16 / 255


def pixels_of(digits):
    """Grey levels 0 to 255 from the data set's 0 to 16: uint8 [n, 8, 8]."""
    return np.rint(digits * 255 / 16).astype(np.uint8)


def features(pixels):
    """As the contract says: `scale` 16 / 255, row by row. float64 [n, 64]."""
    return pixels.reshape(len(pixels), -1) * LEVELS


def varied(pixels, labels):
    """What people draw is bolder and stands elsewhere: the digits as they are, moved by a pixel, and in two tones."""
    empty = np.pad(pixels, ((0, 0), (1, 1), (1, 1)))
    moved = [
        empty[:, 1 - dy : 1 - dy + SIDE, 1 - dx : 1 - dx + SIDE]
        for dx, dy in ((0, 0), (1, 0), (-1, 0), (0, 1), (0, -1))
    ]
    two_tones = [np.where(pixels >= level, 255, 0).astype(np.uint8) for level in (96, 144)]
    every = [*moved, *two_tones]
    return np.concatenate(every), np.tile(labels, len(every))


def to_onnx(model):
    """x float32 [batch, 1, 8, 8], 0 to 16 -> probabilities float32 [batch, 10]."""
    (w1, w2), (b1, b2) = model.coefs_, model.intercepts_
    nodes = [
        helper.make_node("Flatten", ["x"], ["row"], axis=1),
        helper.make_node("Gemm", ["row", "w1", "b1"], ["hidden"]),
        helper.make_node("Relu", ["hidden"], ["active"]),
        helper.make_node("Gemm", ["active", "w2", "b2"], ["logits"]),
        helper.make_node("Softmax", ["logits"], ["probabilities"], axis=1),
    ]
    graph = helper.make_graph(
        nodes,
        "digit-reader",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["batch", 1, SIDE, SIDE])],
        [helper.make_tensor_value_info("probabilities", TensorProto.FLOAT, ["batch", 10])],
        [
            numpy_helper.from_array(np.asarray(value, dtype=np.float32), name)
            for name, value in {"w1": w1, "b1": b1, "w2": w2, "b2": b2}.items()
        ],
    )
    made = helper.make_model(
        graph,
        ir_version=8,
        opset_imports=[helper.make_opsetid("", 13)],
        producer_name="digit-reader/train.py",
    )
    onnx.checker.check_model(made)
    return made.SerializeToString()


def golden_vector(image, probabilities):
    rgba = np.dstack([image, image, image, np.full_like(image, 255)])
    best = np.argsort(-probabilities, kind="stable")[:3]
    scored = [{"label": str(i), "score": round(float(probabilities[i]), 6)} for i in best]
    return {
        "input": {"width": SIDE, "height": SIDE, "rgba": base64.b64encode(rgba.tobytes()).decode()},
        "output": {"digit": scored[0], "candidates": scored},
    }


def write_held_out(images, labels, probabilities):
    """One sprite of all images, row by row, and a line each in data/held-out.csv."""
    rows = -(-len(images) // SPRITE_COLUMNS)
    sprite = np.zeros((rows * SIDE, SPRITE_COLUMNS * SIDE), np.uint8)
    for i, image in enumerate(images):
        y, x = divmod(i, SPRITE_COLUMNS)
        sprite[y * SIDE : (y + 1) * SIDE, x * SIDE : (x + 1) * SIDE] = image
    Image.fromarray(sprite, "L").save(EXAMPLE / "data" / "held-out.png", optimize=True)
    with open(EXAMPLE / "data" / "held-out.csv", "w", newline="") as file:
        out = csv.writer(file, lineterminator="\n")
        out.writerow(["label", "predicted", *[f"p{digit}" for digit in range(10)]])
        for label, row in zip(labels, probabilities):
            out.writerow([label, row.argmax(), *[f"{p:.6f}" for p in row]])


def main():
    digits = load_digits()
    pixels = pixels_of(digits.images)
    train_x, test_x, train_y, test_y = train_test_split(
        pixels, digits.target, test_size=0.25, random_state=SEED, stratify=digits.target
    )
    seen_x, seen_y = varied(train_x, train_y)
    model = MLPClassifier((64,), alpha=0.01, max_iter=300, random_state=SEED).fit(features(seen_x), seen_y)
    probabilities = model.predict_proba(features(test_x))
    metrics = {
        "accuracy": round(accuracy_score(test_y, probabilities.argmax(1)), 4),
        "wrong": int((probabilities.argmax(1) != test_y).sum()),
        "images_train": len(train_y),
        "images_test": len(test_y),
        "data_sha256": hashlib.sha256(pixels.tobytes() + digits.target.astype(np.uint8).tobytes()).hexdigest(),
        "framework": f"scikit-learn {sklearn.__version__}",
    }
    # Two of each digit, and an image of nothing.
    chosen = [int(i) for digit in range(10) for i in np.flatnonzero(test_y == digit)[:2]]
    golden = [golden_vector(test_x[i], probabilities[i]) for i in chosen]
    nothing = np.zeros((1, SIDE, SIDE), np.uint8)
    golden.append(golden_vector(nothing[0], model.predict_proba(features(nothing))[0]))
    exported = to_onnx(model)
    stem = EXAMPLE / "models" / f"digit-reader-{VERSION}"
    Path(f"{stem}.onnx").write_bytes(exported)
    Path(f"{stem}.metrics.json").write_text(json.dumps(metrics, indent=2) + "\n")
    Path(f"{stem}.golden.json").write_text(json.dumps(golden, indent=2) + "\n")
    write_held_out(test_x, test_y, probabilities)
    print(VERSION, len(exported), "bytes", model.n_iter_, "epochs", metrics)


if __name__ == "__main__":
    main()
