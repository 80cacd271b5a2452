"""The compiler: an `Arch` becomes a Keras model, one rule per layer type, 2D and 3D from the same code."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from itertools import pairwise, starmap
from typing import Any, Final

import keras

from archnet.network.build.attention import ATTENTION_RULES
from archnet.network.build.blocks import BLOCK_RULES
from archnet.network.build.builder import BATCH_NORM_MOMENTUM, Builder, Tensor
from archnet.network.build.plain import PLAIN_RULES
from archnet.network.build.views import VIEWS_RULES
from archnet.spec.arch import Arch, PlannedLayer
from archnet.spec.layers import Layer, Shape
from archnet.spec.layers.planned_layer import plan_input_shape

RULES: Final[dict[type[Layer], Callable[[Any, Tensor, Builder], Tensor]]] = {
    **PLAIN_RULES,
    **ATTENTION_RULES,
    **BLOCK_RULES,
    **VIEWS_RULES,
}
"""The rule of each layer type."""


def build(
    arch: Arch,
    input_shape: Shape | None = None,
    num_classes: int = 2,
    *,
    plan: Sequence[PlannedLayer] | None = None,
    seed: int = 0,
    batch_norm_momentum: float = BATCH_NORM_MOMENTUM,
) -> keras.Model:
    """Build the network that computes logits from images scaled to [0, 1].

    Args:
        arch: The architecture.
        input_shape: (height, width[, depth]) for one channel, or with channels last; see `Arch.plan`.
        num_classes: Classes of the data.
        plan: Result of `Arch.plan` for these arguments; computed if None.
        seed: Seed of the initial weights and of dropout.
        batch_norm_momentum: Momentum of the moving statistics of batch norm.

    Returns:
        (N, *input_shape) float32 -> (N, num_classes) logits, or (N, 1) where T is "sigmoid". Its attribute
        `penalized_names` lists the L2-penalized Keras layers; `layer_names` lists the names of the Keras
        operations of each layer of the architecture.

    Raises:
        DocumentError: A layer does not fit its input.
    """
    plan = plan or arch.plan(input_shape, num_classes)
    builder = Builder(rules=RULES, seed=seed, batch_norm_momentum=batch_norm_momentum)
    inputs = keras.Input(plan_input_shape(plan), name="images")
    tensors = [inputs]
    for layer in arch.layers:
        tensors.append(builder.chain([layer.with_num_classes(num_classes)], tensors[-1]))
    network = keras.Model(inputs, tensors[-1], name=re.sub(r"\W", "_", arch.name))
    network.penalized_names = tuple(builder.penalized_names)
    network.layer_names = tuple(starmap(_names_between, pairwise(tensors)))
    return network


def _names_between(start: Tensor, end: Tensor) -> frozenset[str]:
    """The names of the operations between two tensors."""
    names: set[str] = set()
    stack, known = [end], {id(start)}
    while stack:
        tensor = stack.pop()
        if id(tensor) in known:
            continue
        known.add(id(tensor))
        operation, node_index, _ = tensor._keras_history
        names.add(operation.name)
        stack += operation._inbound_nodes[node_index].input_tensors
    return frozenset(names)
