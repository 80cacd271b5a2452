"""The activations: values stored for the backward pass, and suitable initial weights."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

ActivationName = Literal[
    "relu",
    "tanh",
    "sigmoid",
    "leaky_relu",
    "elu",
    "selu",
    "gelu",
    "silu",
    "softplus",
    "relu6",
    "hard_sigmoid",
    "hard_silu",
]
Initializer = Literal["he_normal", "lecun_normal", "glorot_uniform"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Activation:
    """One activation function.

    Attributes:
        num_stored: Values stored for the backward pass per output value, in addition to the output, measured; see
            `experiments/bench_memory.py`.
        initializer: Initializer that preserves the scale of the signal: He normal for the ReLU family (He et al. 2015,
            doi:10.1109/ICCV.2015.123), LeCun normal for selu (Klambauer et al. 2017, arXiv:1706.02515), Glorot uniform
            for the others (Glorot and Bengio 2010).
    """

    num_stored: float = 0.0
    initializer: Initializer = "he_normal"


ACTIVATIONS: Final[dict[ActivationName, Activation]] = {
    "relu": Activation(),
    "tanh": Activation(initializer="glorot_uniform"),
    "sigmoid": Activation(initializer="glorot_uniform"),
    "leaky_relu": Activation(num_stored=1.0),
    "elu": Activation(),
    "selu": Activation(initializer="lecun_normal"),
    "gelu": Activation(num_stored=3.0),
    "silu": Activation(num_stored=1.25),
    "softplus": Activation(num_stored=1.0),
    "relu6": Activation(num_stored=1.0),
    "hard_sigmoid": Activation(num_stored=1.0, initializer="glorot_uniform"),
    "hard_silu": Activation(num_stored=2.0),
}

LINEAR: Final = Activation(initializer="glorot_uniform")
"""No activation."""


def get_activation(name: ActivationName | None) -> Activation:
    """Properties of an activation; null means linear."""
    return LINEAR if name is None else ACTIVATIONS[name]


def num_stored_tensors(activation: ActivationName | None, drop_out: float) -> float:
    """Tensors stored for an operation followed by activation and dropout, in multiples of its output size.

    Dropout stores its mask, as numbers, and its output.
    """
    return 1 + 2 * (drop_out > 0) + get_activation(activation).num_stored
