"""Model files of the right shapes that know next to nothing, so that what they give can be told beforehand."""

from pathlib import Path

import numpy
import onnx
from onnx import TensorProto, helper, numpy_helper

from cl_ml_tools.models import ARCFACE, CLIP, DINO

VERSION = [helper.make_opsetid("", 13)]


def save(path: Path, nodes: list[onnx.NodeProto], weights: dict[str, object], inputs: object, outputs: object) -> Path:
    graph = helper.make_graph(
        nodes,
        "tiny",
        inputs,
        outputs,
        [numpy_helper.from_array(numpy.asarray(value), name) for name, value in weights.items()],
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    onnx.save(helper.make_model(graph, opset_imports=VERSION, ir_version=8), str(path))
    return path


def embedder(path: Path, size: int, *, side: int = 224, channels_last: bool = False, tokens: int = 0) -> Path:
    """The mean red, green and blue of a picture as the first three of `size` numbers; then ones.

    With `tokens`, a sequence, of which the first row is that and the others are zeros.
    """
    shape = [1, side, side, 3] if channels_last else [1, 3, side, side]
    spread = numpy.zeros((3, size), dtype=numpy.float32)
    spread[:, :3] = numpy.eye(3)
    rest = numpy.ones(size, dtype=numpy.float32)
    rest[:3] = 0
    nodes = [
        helper.make_node("ReduceMean", ["picture"], ["mean"], axes=[1, 2] if channels_last else [2, 3], keepdims=0),
        helper.make_node("Gemm", ["mean", "spread", "rest"], ["row"]),
    ]
    weights: dict[str, object] = {"spread": spread, "rest": rest}
    given = [1, size]
    if tokens:
        given = [1, tokens, size]
        weights |= {"at": numpy.array([1]), "zeros": numpy.zeros((1, tokens - 1, size), dtype=numpy.float32)}
        nodes += [
            helper.make_node("Unsqueeze", ["row", "at"], ["first"]),
            helper.make_node("Concat", ["first", "zeros"], ["vector"], axis=1),
        ]
    else:
        nodes.append(helper.make_node("Identity", ["row"], ["vector"]))
    takes = [helper.make_tensor_value_info("picture", TensorProto.FLOAT, shape)]
    gives = [helper.make_tensor_value_info("vector", TensorProto.FLOAT, given)]
    return save(path, nodes, weights, takes, gives)


def of_one(path: Path, node: str) -> Path:
    """What one node gives of a picture."""
    takes = [helper.make_tensor_value_info("picture", TensorProto.FLOAT, [1, 3, 224, 224])]
    gives = [helper.make_tensor_value_info("given", TensorProto.INT64 if node == "Size" else TensorProto.FLOAT, None)]
    return save(path, [helper.make_node(node, ["picture"], ["given"])], {}, takes, gives)


def yunet(path: Path) -> Path:
    """Takes each bright square of the grid of 32 pixels for a face of that size, with its landmarks in the middle."""
    nodes: list[onnx.NodeProto] = []
    weights: dict[str, object] = {}
    gives = []
    for stride in (8, 16, 32):
        for kind, channels in (("cls", 1), ("obj", 1), ("bbox", 4), ("kps", 10)):
            name = f"{kind}_{stride}"
            kernel = numpy.zeros((channels, 3, stride, stride), dtype=numpy.float32)
            bias = numpy.zeros(channels, dtype=numpy.float32)
            if kind == "cls" and stride == 32:
                kernel += 1 / (3 * stride * stride * 255)
            if kind == "obj":
                bias += 1
            if kind in {"bbox", "kps"}:
                bias += 0.5
            if kind == "bbox":
                # The logarithm of the size in strides.
                bias[2:] = 0
            weights |= {f"{name}_w": kernel, f"{name}_b": bias, f"{name}_s": numpy.array([1, -1, channels])}
            nodes += [
                helper.make_node(
                    "Conv", ["input", f"{name}_w", f"{name}_b"], [f"{name}_c"],
                    strides=[stride, stride], kernel_shape=[stride, stride],
                ),
                helper.make_node("Transpose", [f"{name}_c"], [f"{name}_t"], perm=[0, 2, 3, 1]),
                helper.make_node("Reshape", [f"{name}_t", f"{name}_s"], [name]),
            ]  # fmt: skip
            shape = [1, (640 // stride) ** 2, channels]
            gives.append(helper.make_tensor_value_info(name, TensorProto.FLOAT, shape))
    order = [f"{kind}_{stride}" for kind in ("cls", "obj", "bbox", "kps") for stride in (8, 16, 32)]
    gives.sort(key=lambda info: order.index(info.name))
    takes = [helper.make_tensor_value_info("input", TensorProto.FLOAT, [1, 3, 640, 640])]
    return save(path, nodes, weights, takes, gives)


def all_but_yunet(folder: Path) -> None:
    """Fill a models folder."""
    embedder(folder / CLIP.name, 512)
    embedder(folder / DINO.name, 384, tokens=3)
    embedder(folder / ARCFACE.name, 128, side=112, channels_last=True)


def apart(path: Path, name: str, *, least: int = 0) -> Path:
    """The same model with its weights in a file of this name beside it; those of fewer bytes than `least` stay."""
    onnx.save(onnx.load(path), path, save_as_external_data=True, location=name, size_threshold=least)
    return path


def of_version(path: Path, *, ir: int | None = None, opset: int | None = None) -> Path:
    """The same model as one of other versions of ONNX."""
    model = onnx.load(path)
    model.ir_version = ir or model.ir_version
    model.opset_import[0].version = opset or model.opset_import[0].version
    onnx.save(model, path)
    return path


def taking(path: Path, kind: int) -> Path:
    """The same model, taking numbers of another kind and as many pictures as one likes."""
    model = onnx.load(path)
    given = model.graph.input[0]
    given.type.tensor_type.elem_type = kind
    given.type.tensor_type.shape.dim[0].dim_param = "batch"
    first = model.graph.node[0]
    first.input[0] = "floats"
    model.graph.node.insert(0, helper.make_node("Cast", [given.name], ["floats"], to=TensorProto.FLOAT))
    onnx.save(model, path)
    return path


def taking_words_too(path: Path) -> Path:
    """The same model, taking words beside the picture, as CLIP does where both encoders are in one file."""
    model = onnx.load(path)
    model.graph.input.append(helper.make_tensor_value_info("input_ids", TensorProto.INT64, [1, 77]))
    onnx.save(model, path)
    return path
