"""Half precision as a GPU computes it, in ONNX Runtime on the CPU.

This has no kernels in half: it computes such a graph in float from end to end, so that an overflow or a rounding would
never be seen in it.  Here every value is rounded explicitly.
"""

from __future__ import annotations

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper, shape_inference


def rounded(model: onnx.ModelProto) -> onnx.ModelProto:
    """A graph in float each value of which is rounded where the given graph has it in half precision.

    Sums inside a convolution stay in float, as in a GPU's tensor cores.

    Args:
        model: The typed graph; without half precision in it the result is the same graph.
    """
    graph = shape_inference.infer_shapes(model).graph
    half = {entry.name for entry in graph.value_info if entry.type.tensor_type.elem_type == TensorProto.FLOAT16}
    nodes: list[onnx.NodeProto] = []
    for node in graph.node:
        nodes.append(node)
        for place, name in enumerate(node.output):
            if name in half:
                node.output[place] = f"{name}.exact"
                nodes.append(helper.make_node("Cast", [f"{name}.exact"], [f"{name}.rounded"], to=TensorProto.FLOAT16))
                nodes.append(helper.make_node("Cast", [f"{name}.rounded"], [name], to=TensorProto.FLOAT))
    weights = [_in_float(tensor) for tensor in graph.initializer]
    del graph.node[:], graph.initializer[:], graph.value_info[:]
    graph.node.extend(nodes)
    graph.initializer.extend(weights)
    return helper.make_model(graph, opset_imports=model.opset_import, ir_version=model.ir_version)


def _in_float(tensor: onnx.TensorProto) -> onnx.TensorProto:
    """A weight in half precision with the same values in float; any other as it is."""
    if tensor.data_type != TensorProto.FLOAT16:
        return tensor
    return numpy_helper.from_array(numpy_helper.to_array(tensor).astype(np.float32), tensor.name)
