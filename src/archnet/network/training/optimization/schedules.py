"""Learning-rate schedules with a linear warm-up."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

import keras
from keras import ops
from keras.optimizers.schedules import LearningRateSchedule

from archnet.spec.experiment import Schedule, Training
from archnet.spec.optimizers import ScheduleName

Tensor = Any
Rates = Any
"""A constant learning rate, or a Keras schedule."""


class WarmUp(LearningRateSchedule):
    """A linear warm-up to the full learning rate, then a schedule.

    Attributes:
        rates: The schedule, or the constant rate.
        num_steps: Number of warm-up steps; the next step is the first of the schedule.
    """

    def __init__(self, rates: LearningRateSchedule | float, num_steps: int) -> None:
        self.rates = rates
        self.num_steps = num_steps

    def __call__(self, step: Tensor) -> Tensor:
        """Learning rate of a step, counted from 0."""
        step = ops.cast(step, "float32")
        later = ops.maximum(step - self.num_steps, 0.0)
        full = self.rates(later) if isinstance(self.rates, LearningRateSchedule) else self.rates
        return full * ops.minimum((step + 1) / (self.num_steps + 1), 1.0)


def learning_rate(training: Training, steps_per_epoch: int) -> Rates:
    """Create the learning rate or its schedule.

    Args:
        training: The options.
        steps_per_epoch: Number of steps per epoch.
    """
    warmup_steps = round(training.warmup_epochs * steps_per_epoch)
    decay_steps = max(steps_per_epoch * training.epochs - warmup_steps, 1)
    rates = SCHEDULE_RULES[training.schedule.type](float(training.learning_rate), training.schedule, decay_steps)
    return WarmUp(rates, warmup_steps) if warmup_steps else rates


def _constant(rate: float, schedule: Schedule, num_steps: int) -> Rates:
    return rate


def _exponential(rate: float, schedule: Schedule, num_steps: int) -> Rates:
    return keras.optimizers.schedules.ExponentialDecay(
        rate, schedule.decay_steps, schedule.decay_rate, staircase=schedule.staircase
    )


def _cosine(rate: float, schedule: Schedule, num_steps: int) -> Rates:
    return keras.optimizers.schedules.CosineDecay(rate, num_steps)


SCHEDULE_RULES: Final[Mapping[ScheduleName, Callable[[float, Schedule, int], Rates]]] = {
    "constant": _constant,
    "exponential": _exponential,
    "cosine": _cosine,
}
"""The learning rate after the warm-up, from its initial value, the options, and the number of remaining steps."""
