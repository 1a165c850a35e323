"""PAT with its head as an ONNX model: WEIGHTS.h5 MODEL.onnx HEADS.

Written out in the operators that onnxruntime is fastest with, from the published names. Keras's
own export (through tf2onnx) holds the shapes as computations and layer norm in eight pieces, and
takes a fifth longer in onnxruntime.
"""

import sys

import h5py
import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

DIM, MINUTES = 96, 10_080


class Graph:
    """Nodes one after another, each with one output."""

    def __init__(self, weights):
        self.weights, self.nodes, self.constants = weights, [], []

    def constant(self, array):
        name = f"c{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(np.ascontiguousarray(array), name))
        return name

    def node(self, operator, *inputs, **attributes):
        names = [x if isinstance(x, str) else self.constant(x) for x in inputs]
        name = f"n{len(self.nodes)}"
        self.nodes.append(helper.make_node(operator, names, [name], **attributes))
        return name

    def affine(self, x, layer, rows=None, scale=1.0):
        kernel, bias = (self.weights[f"{layer}/{part}:0"][()] for part in ("kernel", "bias"))
        kernel = kernel.reshape(rows or len(kernel), -1) * np.float32(scale)
        product = self.node("MatMul", x, kernel)
        return self.node("Add", product, bias.ravel() * np.float32(scale))

    def norm(self, x, layer):
        gamma, beta = (self.weights[f"{layer}/{part}:0"][()] for part in ("gamma", "beta"))
        return self.node("LayerNormalization", x, gamma, beta, axis=-1, epsilon=1e-6)

    def attention(self, x, layer, heads):
        def of_heads(name, order, scale=1.0):
            flat = self.affine(x, f"{layer}/{name}", scale=scale)
            split = self.node("Reshape", flat, np.array([0, 0, heads, DIM]))
            return self.node("Transpose", split, perm=order)

        query = of_heads("query", [0, 2, 1, 3], DIM**-0.5)
        key, value = of_heads("key", [0, 2, 3, 1]), of_heads("value", [0, 2, 1, 3])
        scores = self.node("Softmax", self.node("MatMul", query, key), axis=-1)
        mixed = self.node("Transpose", self.node("MatMul", scores, value), perm=[0, 2, 1, 3])
        flat = self.node("Reshape", mixed, np.array([0, 0, heads * DIM]))
        return self.affine(flat, f"{layer}/attention_output", rows=heads * DIM)

    def block(self, x, layer, heads):
        mixed = self.node("Add", x, self.attention(x, f"{layer}_attention", heads))
        hidden = self.norm(mixed, f"{layer}_norm1")
        change = self.node("Relu", self.affine(hidden, f"{layer}_ff1"))
        change = self.affine(change, f"{layer}_ff2")
        return self.norm(self.node("Add", hidden, change), f"{layer}_norm2")


def positions(tokens):
    waves = np.exp(-2 * np.arange(DIM // 2) * np.log(10_000) / DIM)
    angles = np.arange(tokens)[:, None] * waves
    return np.concatenate([np.sin(angles), np.cos(angles)], axis=1).astype(np.float32)


def exported(weights, heads):
    graph = Graph(weights)
    patch = weights["dense/dense/kernel:0"].shape[0]
    patches = graph.node("Reshape", "weeks", np.array([-1, MINUTES // patch, patch]))
    x = graph.node("Add", graph.affine(patches, "dense/dense"), positions(MINUTES // patch))
    layers = sum(name.startswith("encoder_layer_") for name in weights)
    for layer in (f"encoder_layer_{n + 1}" for n in range(layers)):
        x = graph.block(x, f"{layer}_transformer/{layer}", heads)
    pooled = graph.node("ReduceMean", x, np.array([1]), keepdims=0)
    hidden = graph.node("Relu", graph.affine(pooled, "dense_128/dense_128"))
    output = graph.node("Sigmoid", graph.affine(hidden, "output/output"))
    weeks = helper.make_tensor_value_info("weeks", TensorProto.FLOAT, ["n", MINUTES])
    result = helper.make_tensor_value_info(output, TensorProto.FLOAT, ["n", 1])
    whole = helper.make_graph(graph.nodes, "pat", [weeks], [result], graph.constants)
    return helper.make_model(whole, opset_imports=[helper.make_opsetid("", 20)], ir_version=10)


with h5py.File(sys.argv[1]) as file:
    onnx.save(exported(file, int(sys.argv[3])), sys.argv[2])
