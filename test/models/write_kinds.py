"""Writes the small models that tests of the contract's kinds use, each with golden vectors that numpy answered."""

import json
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto as T
from onnx import helper, numpy_helper

OUT = Path(__file__).resolve().parent / "kinds"

DTYPES = {
    "float32": T.FLOAT,
    "float64": T.DOUBLE,
    "float16": T.FLOAT16,
    "int8": T.INT8,
    "int16": T.INT16,
    "int32": T.INT32,
    "int64": T.INT64,
    "uint8": T.UINT8,
    "uint16": T.UINT16,
    "uint32": T.UINT32,
    "uint64": T.UINT64,
    "bool": T.BOOL,
    "string": T.STRING,
}


def write(name, nodes, inputs, outputs, weights=None, golden=None):
    """inputs, outputs: name -> (type, shape). golden: list of (input, output) as JSON."""
    infos = lambda tensors: [helper.make_tensor_value_info(n, *what) for n, what in tensors.items()]
    initializers = [numpy_helper.from_array(array, n) for n, array in (weights or {}).items()]
    graph = helper.make_graph(nodes, name, infos(inputs), infos(outputs), initializers)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], producer_name="afield-tests")
    model.ir_version = 8
    onnx.checker.check_model(model)
    (OUT / f"{name}.onnx").write_bytes(model.SerializeToString())
    vectors = [{"input": given, "output": answer} for given, answer in golden]
    (OUT / f"{name}.golden.json").write_text(json.dumps(vectors, indent=1) + "\n")


def tensor(array):
    array = np.asarray(array)
    data = [str(x) if array.dtype in (np.int64, np.uint64) else x.item() for x in array.flat]
    return {"dims": list(array.shape), "data": data}


def echo():
    """Gives every tensor back as it came, one of each type."""
    nodes = [helper.make_node("Identity", [d], [f"{d}_out"]) for d in DTYPES]
    limits = {d: np.iinfo(d) for d in DTYPES if "int" in d}
    sample = {d: np.array([[i.min, i.max]], d) for d, i in limits.items()}
    sample["float16"] = np.array([[-65504, 2**-24]], np.float16)
    sample["float32"] = np.array([[3.4e38, -1e-45]], np.float32)
    sample["float64"] = np.array([[1e308, -5e-324]], np.float64)
    sample["bool"] = np.array([[True, False]])
    vector = {d: tensor(a) for d, a in sample.items()}
    vector["string"] = {"dims": [1, 2], "data": ["", "zwölf 🦊"]}
    write(
        "echo",
        nodes,
        {d: (t, ["N", 2]) for d, t in DTYPES.items()},
        {f"{d}_out": (t, ["N", 2]) for d, t in DTYPES.items()},
        golden=[(vector, {f"{d}_out": t for d, t in vector.items()})],
    )


def counter():
    """A leaky sum over frames, and a count of them: two states, one of them int64."""
    nodes = [
        helper.make_node("Mul", ["memory", "keep"], ["kept"]),
        helper.make_node("Add", ["kept", "frame"], ["memory_next"]),
        helper.make_node("ReduceSum", ["memory_next", "axis"], ["level"], keepdims=0),
        helper.make_node("Add", ["count", "one"], ["count_next"]),
    ]
    weights = {
        "keep": np.array(0.5, np.float32),
        "axis": np.array([1], np.int64),
        "one": np.array([1], np.int64),
    }
    frame = np.array([[1, 2, 3]], np.float32)
    memory = np.array([[4, 0, -2]], np.float32)
    after = memory * np.float32(0.5) + frame
    write(
        "counter",
        nodes,
        {"frame": (T.FLOAT, [1, 3]), "memory": (T.FLOAT, [1, 3]), "count": (T.INT64, [1])},
        {"level": (T.FLOAT, [1]), "memory_next": (T.FLOAT, [1, 3]), "count_next": (T.INT64, [1])},
        weights,
        [
            ({"frame": tensor(frame)}, {"level": float(frame.sum()), "frames": 1}),
            (
                {"frame": tensor(frame), "memory": tensor(memory), "count": tensor(np.array([7]))},
                {"level": float(after.sum()), "frames": 8},
            ),
        ],
    )


def pets():
    """A linear classifier of three classes that says its class too, as scikit-learn's do."""
    rng = np.random.default_rng(5)
    weights = rng.normal(size=(4, 3)).astype(np.float32)
    nodes = [
        helper.make_node("MatMul", ["x", "w"], ["logits"]),
        helper.make_node("ArgMax", ["logits"], ["class"], axis=1, keepdims=0),
        helper.make_node("ReduceMax", ["logits"], ["best"], axes=[1], keepdims=0),
    ]
    golden = []
    labels = ["cat", "dog", "fox"]
    for x in rng.normal(size=(6, 4)).astype(np.float32):
        logits = (x.astype(np.float64) @ weights.astype(np.float64)).tolist()
        shares = (np.exp(logits) / np.exp(logits).sum()).tolist()
        order = np.argsort(logits)[::-1].tolist()
        scored = [{"label": labels[i], "score": shares[i]} for i in order]
        best = logits[order[0]]
        answer = {
            "pet": scored[0],
            "said": scored[0]["label"],
            "best_two": scored[:2],
            "strength": best,
            "sure": best >= 1,
            "level": "low" if best < 0.5 else "fair" if best < 1.5 else "high",
            "logits": {"dims": [1, 3], "data": logits},
        }
        golden.append(({"x": tensor(x.reshape(1, 4))}, answer))
    write(
        "pets",
        nodes,
        {"x": (T.FLOAT, ["N", 4])},
        {"logits": (T.FLOAT, ["N", 3]), "class": (T.INT64, ["N"]), "best": (T.FLOAT, ["N"])},
        {"w": weights},
        golden,
    )


def columns():
    """A record whose fields go into tensors of different types."""
    nodes = [
        helper.make_node("Cast", ["age"], ["age_f"], to=T.FLOAT),
        helper.make_node("Cast", ["member"], ["member_f"], to=T.FLOAT),
        helper.make_node("Mul", ["member_f", "bonus"], ["extra"]),
        helper.make_node("Add", ["age_f", "extra"], ["score"]),
        helper.make_node("Identity", ["comment"], ["comment_out"]),
        helper.make_node("Identity", ["plan"], ["plan_out"]),
    ]
    record = {"order": "A-17", "age": 41, "member": True, "plan": "gold", "comment": "gut, aber 🐌"}
    other = {"order": 18, "age": -3, "member": False, "plan": "basic", "comment": ""}
    text = lambda value: {"dims": [1, 1], "data": [value]}
    write(
        "columns",
        nodes,
        {
            "age": (T.INT64, ["N", 1]),
            "member": (T.BOOL, ["N", 1]),
            "plan": (T.STRING, ["N", 1]),
            "comment": (T.STRING, ["N", 1]),
        },
        {
            "score": (T.FLOAT, ["N", 1]),
            "comment_out": (T.STRING, ["N", 1]),
            "plan_out": (T.STRING, ["N", 1]),
        },
        {"bonus": np.array(10, np.float32)},
        [
            (r, {"score": s, "comment_out": text(r["comment"]), "plan_out": text(r["plan"]), "order": r["order"]})
            for r, s in ((record, 51), (other, -3))
        ],
    )


def pick():
    """Looks numbers up in a table of eight, and fails to run for any that is beyond its end."""
    table = np.arange(8, dtype=np.float32) ** 2
    write(
        "pick",
        [helper.make_node("Gather", ["table", "at"], ["value"], axis=0)],
        {"at": (T.INT64, ["N", 1])},
        {"value": (T.FLOAT, ["N", 1])},
        {"table": table},
        [({"at": tensor(np.array([[3]]))}, {"value": 9})],
    )


if __name__ == "__main__":
    OUT.mkdir(exist_ok=True)
    for make in (echo, counter, pets, columns, pick):
        make()
