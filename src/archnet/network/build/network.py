"""The compiler: an `Arch` becomes a Keras model, one rule per layer type, 2D and 3D from the same code."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any, Final

import keras

from archnet.network.build.blocks import BLOCK_RULES
from archnet.network.build.builder import BATCH_NORM_MOMENTUM, Builder, Tensor
from archnet.network.build.plain import PLAIN_RULES
from archnet.network.build.views import VIEWS_RULES
from archnet.spec.arch import Arch, PlannedLayer
from archnet.spec.layers import Layer, Shape
from archnet.spec.layers.planned_layer import plan_input_shape

RULES: Final[dict[type[Layer], Callable[[Any, Tensor, Builder], Tensor]]] = {
    **PLAIN_RULES,
    **BLOCK_RULES,
    **VIEWS_RULES,
}
"""How each layer type is built."""


def build(
    arch: Arch,
    input_shape: Shape | None = None,
    num_classes: int = 2,
    *,
    plan: Sequence[PlannedLayer] | None = None,
    seed: int = 0,
    batch_norm_momentum: float = BATCH_NORM_MOMENTUM,
) -> keras.Model:
    """The network that gives logits for images scaled to [0, 1].

    Args:
        arch: The architecture.
        input_shape: (height, width[, depth]) for one channel, or with channels last; see `Arch.plan`.
        num_classes: Classes of the data.
        plan: Result of `Arch.plan` for these arguments; null plans here.
        seed: Seed of the starting weights and of dropout.
        batch_norm_momentum: Share of their old values that the moving statistics of batch norm keep in a step.

    Returns:
        (N, *input_shape) float32 -> (N, num_classes) logits, or (N, 1) where T is "sigmoid". Its attribute
        `penalized_names` lists the Keras layers that the L2 penalty concerns.

    Raises:
        DocumentError: A layer does not fit what reaches it.
    """
    plan = plan or arch.plan(input_shape, num_classes)
    builder = Builder(rules=RULES, seed=seed, batch_norm_momentum=batch_norm_momentum)
    inputs = keras.Input(plan_input_shape(plan), name="images")
    outputs = builder.chain((layer.with_num_classes(num_classes) for layer in arch.layers), inputs)
    network = keras.Model(inputs, outputs, name=re.sub(r"\W", "_", arch.name))
    network.penalized_names = tuple(builder.penalized_names)
    return network
