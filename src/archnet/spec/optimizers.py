"""The optimizers and learning-rate schedules: names, defaults, options. `network/training` has the Keras classes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

OptimizerName = Literal["adam", "adamw", "sgd", "rmsprop"]
ScheduleName = Literal["constant", "exponential", "cosine"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Optimizer:
    """Defaults and state of an optimizer.

    Attributes:
        learning_rate: Default learning rate after the warm-up.
        weight_decay: Default decoupled weight decay; null means none.
        momentum: Default momentum; 0 without momentum.
        has_momentum: Whether `training.momentum` is one of its options.
        num_slots: Number of variables per weight without momentum.
    """

    learning_rate: float
    weight_decay: float | None = None
    momentum: float = 0.0
    has_momentum: bool = False
    num_slots: int

    def defaults(self) -> dict[str, float | None]:
        """Default values of the options in a document."""
        return {"learning_rate": self.learning_rate, "weight_decay": self.weight_decay, "momentum": self.momentum}

    def slots(self, momentum: float) -> int:
        """Number of variables per weight; momentum adds one."""
        return self.num_slots + (self.has_momentum and momentum > 0)


OPTIMIZERS: Final[Mapping[OptimizerName, Optimizer]] = {
    "adam": Optimizer(learning_rate=0.001, num_slots=2),
    "adamw": Optimizer(learning_rate=0.002, weight_decay=0.01, num_slots=2),
    "sgd": Optimizer(learning_rate=0.01, momentum=0.9, has_momentum=True, num_slots=0),
    "rmsprop": Optimizer(learning_rate=0.001, has_momentum=True, num_slots=1),
}

DEFAULT_OPTIMIZER: Final[OptimizerName] = "adamw"

SCHEDULES: Final[Mapping[ScheduleName, tuple[str, ...]]] = {
    "constant": (),
    "exponential": ("decay_rate", "decay_steps", "staircase"),
    "cosine": (),
}
"""The options of each learning-rate schedule."""
