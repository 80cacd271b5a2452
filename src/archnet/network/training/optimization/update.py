"""The update of the weights: L2 penalty, optimizer, moving average, and the skipped steps of float16."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
from keras import ops
from numpy.typing import NDArray

from archnet.network.training.optimization.optimizers import LossScale, WeightAverage, build_optimizer
from archnet.spec.experiment import Training

Tensor = Any


class L2Penalty:
    """The penalty λ/2·Σw² on kernels and biases.

    Attributes:
        weights: All trainable weights.
        factors: λ of each weight; 0 if it is not penalized. Frozen weights are not penalized either.
    """

    def __init__(self, weights: Sequence[keras.Variable], penalized: Sequence[keras.Variable], l2: float) -> None:
        penalized_ids = {id(weight) for weight in penalized}
        self.weights = weights
        self.factors = [l2 if id(weight) in penalized_ids else 0.0 for weight in weights]

    def value(self) -> Tensor:
        """Compute the penalty, a scalar."""
        penalty = ops.convert_to_tensor(0.0)
        for factor, weight in self._active():
            penalty += factor / 2 * ops.sum(ops.square(weight.value))
        return penalty

    def add_gradient(self, gradients: Sequence[Tensor]) -> list[Tensor]:
        """Add the gradient of the penalty to that of the loss, for the weights that are not frozen."""
        return [
            gradient + factor * weight.value
            for gradient, (factor, weight) in zip(gradients, self._active(), strict=True)
        ]

    def _active(self) -> list[tuple[float, keras.Variable]]:
        return [pair for pair in zip(self.factors, self.weights, strict=True) if pair[1].trainable]


class WeightUpdate:
    """Updates the weights from gradients.

    Attributes:
        twin: The network in training.
        weights: All trainable weights, including frozen ones.
        optimizer: The Keras optimizer.
        average: The moving average of the weights; None without `training.ema`.
        penalty: The L2 penalty; None without `training.l2`.
        loss_scale: The scale of the gradients; None without scaling.
    """

    def __init__(
        self,
        twin: keras.Model,
        training: Training,
        steps_per_epoch: int,
        penalty: L2Penalty | None,
        loss_scale: LossScale | None,
    ) -> None:
        self.twin = twin
        self.weights = twin.trainable_variables
        self.optimizer = build_optimizer(training, steps_per_epoch)
        self.optimizer.build(self.weights)
        self.average = WeightAverage(self.weights, training.ema) if training.ema is not None else None
        self.penalty = penalty
        self.loss_scale = loss_scale

    @property
    def active_weights(self) -> list[keras.Variable]:
        """The weights that are currently not frozen."""
        return [weight for weight in self.weights if weight.trainable]

    @property
    def variables(self) -> list[keras.Variable]:
        """All variables except the weights that change in a step."""
        own = [variable for part in (self.average, self.loss_scale) if part for variable in part.variables]
        return [*self.optimizer.variables, *own]

    def apply(self, gradients: list[Tensor]) -> Tensor:
        """Update the weights that are not frozen, and return the penalty before the update."""
        penalty = self.penalty.value() if self.penalty else ops.convert_to_tensor(0.0)
        if self.loss_scale:
            self._apply_if_finite(gradients, self.loss_scale)
        else:
            self._apply(gradients)
        return penalty

    def _apply(self, gradients: list[Tensor]) -> None:
        if self.penalty:
            gradients = self.penalty.add_gradient(gradients)
        self.optimizer.apply(gradients, self.active_weights)
        if self.average:
            self.average.update()

    def _apply_if_finite(self, gradients: list[Tensor], scale: LossScale) -> None:
        """Apply a float16 step, or skip it if a gradient has overflowed."""
        is_finite = ops.all(ops.stack([ops.all(ops.isfinite(gradient)) for gradient in gradients]))
        changing = [*self.weights, *self.optimizer.variables, *(self.average.variables if self.average else [])]
        before = [ops.copy(variable.value) for variable in changing]
        self._apply([ops.where(is_finite, gradient / scale.factor.value, 0.0) for gradient in gradients])
        for variable, value in zip(changing, before, strict=True):
            variable.assign(ops.where(is_finite, variable.value, value))
        scale.update(is_finite)

    def current_weights(self) -> list[NDArray[Any]]:
        """The current weights, in the order of the network: averages if `training.ema` is set."""
        averages = self.average.values if self.average else self.weights
        value_of = {id(weight): value for weight, value in zip(self.weights, averages, strict=True)}
        return [ops.convert_to_numpy(value_of.get(id(weight), weight)) for weight in self.twin.weights]
