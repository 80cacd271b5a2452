"""How a gradient becomes a change of the weights: the optimizer, its learning rate over the steps, their average."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import keras
from keras import ops
from keras.optimizers.schedules import LearningRateSchedule

from archnet.spec.experiment import Schedule, Training

Tensor = Any

INITIAL_LOSS_SCALE: Final = 2.0**15
GROWTH_STEPS: Final = 2000
"""A float16 loss is scaled by as much as its gradients stand; tried twice as large after this many good steps."""


class WarmUp(LearningRateSchedule):
    """A learning rate that grows evenly to its full value first; then its schedule begins.

    Attributes:
        rates: The schedule, or the constant rate.
        num_steps: Of the growth; the step that follows is the schedule's first.
    """

    def __init__(self, rates: LearningRateSchedule | float, num_steps: int) -> None:
        self.rates = rates
        self.num_steps = num_steps

    def __call__(self, step: Tensor) -> Tensor:
        """Of a step, from 0."""
        step = ops.cast(step, "float32")
        later = ops.maximum(step - self.num_steps, 0.0)
        full = self.rates(later) if isinstance(self.rates, LearningRateSchedule) else self.rates
        return full * ops.minimum((step + 1) / (self.num_steps + 1), 1.0)

    def get_config(self) -> dict[str, Any]:
        """The arguments of the constructor."""
        return {"rates": self.rates, "num_steps": self.num_steps}


def learning_rate(training: Training, steps_per_epoch: int) -> float | LearningRateSchedule:
    """The learning rate over the steps.

    Args:
        training: The options.
        steps_per_epoch: Steps of an epoch.
    """
    warmup_steps = round(training.warmup_epochs * steps_per_epoch)
    rates = _learning_rate_decay(training, steps_per_epoch * training.epochs - warmup_steps)
    return WarmUp(rates, warmup_steps) if warmup_steps else rates


def _learning_rate_decay(training: Training, num_steps: int) -> float | LearningRateSchedule:
    schedule: Schedule = training.schedule
    rate = float(training.learning_rate)
    if schedule.type == "exponential":
        return keras.optimizers.schedules.ExponentialDecay(
            rate, schedule.decay_steps, schedule.decay_rate, staircase=schedule.staircase
        )
    if schedule.type == "cosine":
        return keras.optimizers.schedules.CosineDecay(rate, max(num_steps, 1))
    return rate


def optimizer(training: Training, steps_per_epoch: int) -> keras.optimizers.Optimizer:
    """Keras's optimizer of that name with the options' learning rate, decay and clipping.

    Whole numbers come as integers from JSON, also where they are written 0.0 or 1.0; Keras refuses these.
    """
    momentum = float(training.momentum)
    options: dict[str, Any] = {
        "learning_rate": learning_rate(training, steps_per_epoch),
        "global_clipnorm": training.clip_norm,
        "weight_decay": training.weight_decay,
    }
    if training.optimizer == "sgd":
        return keras.optimizers.SGD(momentum=momentum, **options)
    if training.optimizer == "rmsprop":
        return keras.optimizers.RMSprop(momentum=momentum, **options)
    if training.optimizer == "adamw":
        return keras.optimizers.AdamW(**{**options, "weight_decay": training.weight_decay or 0.0})
    return keras.optimizers.Adam(**options)


class WeightAverage:
    """The exponential moving average of weights (Polyak and Juditsky 1992, doi:10.1137/0330046).

    Its memory grows with the steps taken, up to `decay`, so that it does not cling to the starting weights.

    Attributes:
        values: The averages, in the weights' order.
        num_steps: Steps taken.
    """

    def __init__(self, weights: Sequence[keras.Variable], decay: float) -> None:
        self.weights = weights
        self.decay = decay
        self.values = [_variable(ops.convert_to_numpy(weight)) for weight in weights]
        self.num_steps = _variable(0.0)

    @property
    def variables(self) -> list[keras.Variable]:
        """Everything that changes from step to step."""
        return [*self.values, self.num_steps]

    def update(self) -> None:
        """Takes the weights of a step in."""
        self.num_steps.assign_add(1.0)
        decay = ops.minimum(self.decay, self.num_steps.value / (self.num_steps.value + 9))
        for value, weight in zip(self.values, self.weights, strict=True):
            value.assign(decay * value.value + (1 - decay) * weight.value)


class LossScale:
    """The factor that keeps float16 gradients above the smallest float16 number (Micikevicius et al. 2018).

    arXiv:1710.03740. A step whose gradients overflow is left out and halves it.
    """

    def __init__(self) -> None:
        self.factor = _variable(INITIAL_LOSS_SCALE)
        self.good_steps = _variable(0.0)

    @property
    def variables(self) -> list[keras.Variable]:
        """Everything that changes from step to step."""
        return [self.factor, self.good_steps]

    def update(self, is_finite: Tensor) -> None:
        """Takes in whether a step's gradients were finite, a boolean scalar."""
        good_steps = self.good_steps.value + 1
        is_due = good_steps >= GROWTH_STEPS
        grown = ops.where(is_due, self.factor.value * 2, self.factor.value)
        self.factor.assign(ops.where(is_finite, grown, ops.maximum(self.factor.value / 2, 1.0)))
        self.good_steps.assign(ops.where(ops.logical_and(is_finite, ops.logical_not(is_due)), good_steps, 0.0))


def _variable(value: Any) -> keras.Variable:
    return keras.Variable(value, trainable=False, dtype="float32")
