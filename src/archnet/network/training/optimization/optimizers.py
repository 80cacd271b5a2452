"""The optimizers, the moving average of the weights, and the loss scale."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import keras
from keras import ops

from archnet.network.training.optimization.schedules import learning_rate
from archnet.spec.experiment import Training
from archnet.spec.optimizers import OPTIMIZERS, OptimizerName

Tensor = Any

INITIAL_LOSS_SCALE: Final = 2.0**15
GROWTH_STEPS: Final = 2000
"""Initial scale of a float16 loss, and the number of finite steps after which it doubles."""


def _adamw(weight_decay: float | None, **options: Any) -> keras.optimizers.Optimizer:
    return keras.optimizers.AdamW(weight_decay=weight_decay or 0.0, **options)  # Keras does not accept None


OPTIMIZER_RULES: Final[Mapping[OptimizerName, Callable[..., keras.optimizers.Optimizer]]] = {
    "adam": keras.optimizers.Adam,
    "adamw": _adamw,
    "sgd": keras.optimizers.SGD,
    "rmsprop": keras.optimizers.RMSprop,
}


def build_optimizer(training: Training, steps_per_epoch: int) -> keras.optimizers.Optimizer:
    """Create the Keras optimizer with the learning rate, decay, momentum and clipping of the options.

    Whole numbers in JSON are integers here, even if they are written as 0.0 or 1.0, which Keras rejects.
    """
    has_momentum = OPTIMIZERS[training.optimizer].has_momentum
    return OPTIMIZER_RULES[training.optimizer](
        learning_rate=learning_rate(training, steps_per_epoch),
        global_clipnorm=training.clip_norm,
        weight_decay=training.weight_decay,
        **({"momentum": float(training.momentum)} if has_momentum else {}),
    )


class WeightAverage:
    """The exponential moving average of weights (Polyak and Juditsky 1992, doi:10.1137/0330046).

    The decay grows with the number of steps, up to `decay`, so that the initial weights fade.

    Attributes:
        values: The averages, in the order of the weights.
        num_steps: Number of steps.
    """

    def __init__(self, weights: Sequence[keras.Variable], decay: float) -> None:
        self.weights = weights
        self.decay = decay
        self.values = [_variable(ops.convert_to_numpy(weight)) for weight in weights]
        self.num_steps = _variable(0.0)

    @property
    def variables(self) -> list[keras.Variable]:
        """All variables that change in a step."""
        return [*self.values, self.num_steps]

    def update(self) -> None:
        """Update the averages after a step; frozen weights equal their averages."""
        self.num_steps.assign_add(1.0)
        decay = ops.minimum(self.decay, self.num_steps.value / (self.num_steps.value + 9))
        for value, weight in zip(self.values, self.weights, strict=True):
            if weight.trainable:
                value.assign(decay * value.value + (1 - decay) * weight.value)


class LossScale:
    """Loss scale that keeps float16 gradients above the smallest float16 number (Micikevicius et al. 2018).

    arXiv:1710.03740. A step whose gradients overflow is skipped and halves the scale.
    """

    def __init__(self) -> None:
        self.factor = _variable(INITIAL_LOSS_SCALE)
        self.good_steps = _variable(0.0)

    @property
    def variables(self) -> list[keras.Variable]:
        """All variables that change in a step."""
        return [self.factor, self.good_steps]

    def update(self, is_finite: Tensor) -> None:
        """Adapt the scale.

        Args:
            is_finite: Whether the gradients of the step were finite, a boolean scalar.
        """
        good_steps = self.good_steps.value + 1
        is_due = good_steps >= GROWTH_STEPS
        grown = ops.where(is_due, self.factor.value * 2, self.factor.value)
        self.factor.assign(ops.where(is_finite, grown, ops.maximum(self.factor.value / 2, 1.0)))
        self.good_steps.assign(ops.where(ops.logical_and(is_finite, ops.logical_not(is_due)), good_steps, 0.0))


def _variable(value: Any) -> keras.Variable:
    return keras.Variable(value, trainable=False, dtype="float32")
