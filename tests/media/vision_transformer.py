"""A vision transformer of real size with weights that mean nothing: what a model costs, without having one."""

from pathlib import Path

import numpy
import onnx
from onnx import TensorProto, helper, numpy_helper

# ViT-S/14, as DINOv2 has it.
WIDTH, HEADS, LAYERS, PATCH, SIDE = 384, 6, 12, 14, 224
TOKENS = (SIDE // PATCH) ** 2 + 1


def vision_transformer(path: Path, seed: int = 14) -> Path:
    """Write ViT-S/14 of 224 × 224 pixels: 22 million weights, 9 billion operations a picture, 384 numbers."""
    random = numpy.random.default_rng(seed)
    weights: list[onnx.TensorProto] = []
    nodes: list[onnx.NodeProto] = []

    def weight(name: str, *shape: int, scale: float = 0.02) -> str:
        values = random.standard_normal(shape, dtype=numpy.float32) * numpy.float32(scale)
        weights.append(numpy_helper.from_array(values, name))
        return name

    def constant(name: str, values: list[int] | float) -> str:
        kind = numpy.int64 if isinstance(values, list) else numpy.float32
        weights.append(numpy_helper.from_array(numpy.asarray(values, dtype=kind), name))
        return name

    def node(kind: str, *inputs: str, **attributes: object) -> str:
        name = f"{kind}_{len(nodes)}"
        nodes.append(helper.make_node(kind, list(inputs), [name], **attributes))
        return name

    def linear(name: str, taken: str, given: int, wide: int) -> str:
        product = node("MatMul", taken, weight(f"{name}_w", given, wide))
        return node("Add", product, weight(f"{name}_b", wide))

    def normal(name: str, taken: str) -> str:
        ones = numpy_helper.from_array(numpy.ones(WIDTH, dtype=numpy.float32), f"{name}_s")
        weights.append(ones)
        return node("LayerNormalization", taken, f"{name}_s", weight(f"{name}_b", WIDTH), axis=-1)

    heads = constant("heads", [1, TOKENS, HEADS, WIDTH // HEADS])
    flat = constant("flat", [1, TOKENS, WIDTH])
    scale = constant("scale", (WIDTH // HEADS) ** -0.5)

    patches = node(
        "Conv", "picture", weight("patch", WIDTH, 3, PATCH, PATCH), kernel_shape=[PATCH, PATCH], strides=[PATCH, PATCH]
    )
    rows = node("Reshape", patches, constant("rows", [1, WIDTH, -1]))
    tokens = node("Concat", weight("cls", 1, 1, WIDTH), node("Transpose", rows, perm=[0, 2, 1]), axis=1)
    seen = node("Add", tokens, weight("place", 1, TOKENS, WIDTH))
    for layer in range(LAYERS):
        norm = normal(f"{layer}_first", seen)
        query, key, value = (
            node("Reshape", linear(f"{layer}_{part}", norm, WIDTH, WIDTH), heads) for part in ("q", "k", "v")
        )
        scores = node("MatMul", node("Transpose", query, perm=[0, 2, 1, 3]), node("Transpose", key, perm=[0, 2, 3, 1]))
        attention = node("Softmax", node("Mul", scores, scale), axis=-1)
        mixed = node("MatMul", attention, node("Transpose", value, perm=[0, 2, 1, 3]))
        joined = node("Reshape", node("Transpose", mixed, perm=[0, 2, 1, 3]), flat)
        seen = node("Add", seen, linear(f"{layer}_out", joined, WIDTH, WIDTH))
        wide = linear(f"{layer}_up", normal(f"{layer}_second", seen), WIDTH, 4 * WIDTH)
        # GELU by its error function.
        half = node(
            "Add", node("Erf", node("Div", wide, constant(f"{layer}_root", 2**0.5))), constant(f"{layer}_one", 1.0)
        )
        bent = node("Mul", node("Mul", wide, half), constant(f"{layer}_half", 0.5))
        seen = node("Add", seen, linear(f"{layer}_down", bent, 4 * WIDTH, WIDTH))
    last = normal("last", seen)
    nodes.append(helper.make_node("Identity", [last], ["vector"]))
    graph = helper.make_graph(
        nodes,
        "vit",
        [helper.make_tensor_value_info("picture", TensorProto.FLOAT, [1, 3, SIDE, SIDE])],
        [helper.make_tensor_value_info("vector", TensorProto.FLOAT, [1, TOKENS, WIDTH])],
        weights,
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.save(model, str(path))
    return path
