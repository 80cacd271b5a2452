"""Which layers of two functional networks correspond.

The graphs are walked in parallel; the order of `model.layers` plays no part. Operations that learn nothing and have one
input are passed (activations, pooling, padding, dropout, reshaping, rescaling), submodels are opened, and merges pair
their inputs:

- by what leads to them, where the inputs of a merge differ (a sum of a shortcut and a block, in whatever order);
- by their order, where they are alike in all that they do: the networks are then equal either way;
- by the names of their layers, where they learn arrays of the same shapes and differ in the operations between.

Where none of these decides, two assignments fit, and the match is refused. A kernel's form does not matter: a dense
layer matches a 1x1 convolution, a depthwise convolution one with a group for each channel, and a separable one the two
of which it consists.

    pairs = match_layers(source, target)     # every weight of both networks, or ValueError
    move_weights(pairs)                      # kernels, biases, statistics; reshaped
    pairs = match_tensors(source, target)    # every tensor of two networks that are built alike, or ValueError
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import keras
from keras import ops

from archnet.network.weights.forms import structural_forms
from archnet.network.weights.graph import Graph, Step, read_graph, step_text
from archnet.network.weights.walk import Pair, Walk

Tensor = Any


def match_layers(source: keras.Model, target: keras.Model) -> list[Pair]:
    """Pair everything that two networks of one structure learn.

    Args:
        source: A functional model; preprocessing layers (Rescaling, Normalization) are passed.
        target: Another one.

    Returns:
        The pairs, from the inputs to the outputs.

    Raises:
        ValueError: The networks differ, or two assignments fit.
    """
    one, two = read_graph(source), read_graph(target)
    walk = Walk(one, two, structural_forms(one, two))
    walk.pair_upstream([(one.trunks[a], two.trunks[b]) for a, b in _outputs(one, two)])
    return walk.pairs()


def move_weights(pairs: Iterable[Pair]) -> None:
    """Copy the arrays of each pair's source to its target, reshaped."""
    for pair in pairs:
        for name, variable in pair.target.variables.items():
            variable.assign(ops.reshape(pair.source.variables[name].value, variable.shape))


def match_tensors(source: keras.Model, target: keras.Model) -> list[tuple[Tensor, Tensor]]:
    """Pair the tensors of two networks that are built alike, operation by operation.

    Args:
        source: A functional model, such as one read from a file.
        target: Another one, such as one built from the same architecture.

    Returns:
        (tensor of source, tensor of target) for each operation, from the inputs to the outputs. A tensor of a submodel
        belongs to the submodel's own graph.

    Raises:
        ValueError: An operation, the number of its inputs or the shape of its output differs.
    """
    one, two = read_graph(source), read_graph(target)
    found: dict[Step, Step] = {}
    stack = list(_outputs(one, two))
    while stack:
        a, b = stack.pop()
        if found.setdefault(b, a) is not a:
            raise ValueError(f"{step_text(a)} and {step_text(found[b])} of {one.name} fit {step_text(b)}")
        if (a.kind, a.number, len(a.inputs), a.tensor.shape) != (b.kind, b.number, len(b.inputs), b.tensor.shape):
            raise ValueError(f"{one.name} has {step_text(a)} where {two.name} has {step_text(b)}")
        stack += [pair for pair in zip(a.inputs, b.inputs, strict=True) if pair[1] not in found]
    return [(found[step].tensor, step.tensor) for step in two.steps if step in found]


def _outputs(one: Graph, two: Graph) -> Iterator[tuple[Step, Step]]:
    if len(one.outputs) != len(two.outputs):
        raise ValueError(f"{one.name} has {len(one.outputs)} outputs, {two.name} has {len(two.outputs)}")
    yield from zip(one.outputs, two.outputs, strict=True)
