"""Match the layers of two functional networks.

The graphs are traversed in parallel; the order of `model.layers` does not matter. Operations without weights that have
one input are skipped (activations, pooling, padding, dropout, reshaping, rescaling), submodels are expanded, and the
inputs of a merge are paired:

- by their structure, if it differs (a sum of a shortcut and a block, in any order);
- by their order, if they are equivalent: the networks are then equal either way;
- by the names of their layers, if their weights have the same shapes but the operations between them differ.

Otherwise the match is ambiguous and rejected. The form of a kernel does not matter: a dense layer matches a 1x1
convolution, a depthwise convolution matches a grouped one with one channel per group, and a separable convolution
matches its two parts.

    pairs = match_layers(source, target)     # every weight of both networks, or ValueError
    move_weights(pairs)                      # kernels, biases, statistics; reshaped
    pairs = match_tensors(source, target)    # every tensor of two identical networks, or ValueError
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
    """Pair the weights of two networks with the same structure.

    Args:
        source: A functional model; preprocessing layers (Rescaling, Normalization) are skipped.
        target: Another one.

    Returns:
        The pairs, from the inputs to the outputs.

    Raises:
        ValueError: The networks differ, or the match is ambiguous.
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
    """Pair the tensors of two identical networks, operation by operation.

    Args:
        source: A functional model, such as one loaded from a file.
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
            raise ValueError(f"{step_text(a)} and {step_text(found[b])} of {one.name} match {step_text(b)}")
        if (a.kind, a.number, len(a.inputs), a.tensor.shape) != (b.kind, b.number, len(b.inputs), b.tensor.shape):
            raise ValueError(f"{one.name} has {step_text(a)} where {two.name} has {step_text(b)}")
        stack += [pair for pair in zip(a.inputs, b.inputs, strict=True) if pair[1] not in found]
    return [(found[step].tensor, step.tensor) for step in two.steps if step in found]


def _outputs(one: Graph, two: Graph) -> Iterator[tuple[Step, Step]]:
    if len(one.outputs) != len(two.outputs):
        raise ValueError(f"{one.name} has {len(one.outputs)} outputs, {two.name} has {len(two.outputs)}")
    yield from zip(one.outputs, two.outputs, strict=True)
