"""Writes a half-precision and an 8-bit file beside an ONNX model, for GPUs and for small downloads.

Run with Debian's python3-onnx, which is all that it needs. What the model takes and gives stays float32, so one contract
fits all of the files. It converts the weights and the arithmetic of plain graphs; for large ones, onnxconverter-common
(`float16.convert_float_to_float16(model, keep_io_types=True)`) and onnxruntime's `quantize_dynamic` do more.
"""

import sys
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper


def half(model):
    """float16 weights and arithmetic between two casts."""
    graph = model.graph
    for tensor in graph.initializer:
        if tensor.data_type == TensorProto.FLOAT:
            values = numpy_helper.to_array(tensor).astype(np.float16)
            tensor.CopyFrom(numpy_helper.from_array(values, tensor.name))
    inside = {}
    for value in graph.input:
        inside[value.name] = f"{value.name}_half"
    for value in graph.output:
        inside[value.name] = f"{value.name}_half"
    for node in graph.node:
        node.input[:] = [inside.get(name, name) for name in node.input]
        node.output[:] = [inside.get(name, name) for name in node.output]
    casts_in = [
        helper.make_node("Cast", [value.name], [inside[value.name]], to=TensorProto.FLOAT16)
        for value in graph.input
    ]
    casts_out = [
        helper.make_node("Cast", [inside[value.name]], [value.name], to=TensorProto.FLOAT)
        for value in graph.output
    ]
    nodes = [*casts_in, *graph.node, *casts_out]
    del graph.node[:]
    graph.node.extend(nodes)
    return model


def eight_bit(model):
    """Matrices as int8 with a scale for each column, turned back into float32 when they are used."""
    graph = model.graph
    for tensor in list(graph.initializer):
        values = numpy_helper.to_array(tensor)
        if values.dtype != np.float32 or values.ndim != 2:
            continue
        scale = np.maximum(np.abs(values).max(axis=0), 1e-12) / 127
        parts = {
            f"{tensor.name}_int8": np.round(values / scale).astype(np.int8),
            f"{tensor.name}_scale": scale.astype(np.float32),
            f"{tensor.name}_zero": np.zeros(scale.shape, np.int8),
        }
        graph.node.insert(0, helper.make_node("DequantizeLinear", list(parts), [tensor.name], axis=1))
        graph.initializer.remove(tensor)
        graph.initializer.extend(numpy_helper.from_array(value, name) for name, value in parts.items())
    return model


def main(path):
    for variant, convert in {"fp16": half, "int8": eight_bit}.items():
        model = convert(onnx.load(path))
        onnx.checker.check_model(model, full_check=True)
        to = path.with_suffix(f".{variant}.onnx")
        onnx.save(model, to)
        print(f"{to.name}: {to.stat().st_size:,} bytes")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
