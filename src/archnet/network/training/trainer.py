"""A network in training: the step, with everything that changes from one step to the next."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
from keras import ops
from numpy.typing import NDArray

from archnet.network.augmentation.augment import augment
from archnet.network.backend import beneath_keras, devices
from archnet.network.build import scaling, two_logits
from archnet.network.training.dropout import CaseKeys
from archnet.network.training.losses import case_losses, confusion_counts, penalised
from archnet.network.training.optimizers import Average, LossScale, optimizer
from archnet.network.training.twin import training_twin
from archnet.spec.experiment import Training

Tensor = Any
Batch = dict[str, NDArray[Any]]
Told = tuple[Tensor, Tensor]
"""The loss, a scalar, and the confusion counts, (classes, classes), of cases that went through the network."""


class Trainer:
    """Trains a twin of a network, step by step.

    Attributes:
        training: The options; its `precision` is decided.
        twin: The network in training.
        optimizer: Keras's.
        state: Everything that changes from step to step and must be kept to continue.
        num_devices: That the cases of a step are divided among.
    """

    def __init__(self, network: keras.Model, limits: tuple[float, float], training: Training, epoch_steps: int) -> None:
        self.training = training
        self.scaling = scaling(limits)
        self.keys = CaseKeys()
        self.twin = training_twin(network, self.keys, training.precision)
        self.weights = self.twin.trainable_variables
        self.optimizer = optimizer(training, epoch_steps)
        self.optimizer.build(self.weights)
        self.average = Average(self.weights, training.ema) if training.ema is not None else None
        self.loss_scale = LossScale() if training.precision == "float16" else None
        concerned = {id(weight) for weight in penalised(self.twin)}
        self.penalties = [training.l2 if id(weight) in concerned else 0.0 for weight in self.weights]
        self.sums: list[keras.Variable] = []
        self.state = [*self.twin.weights, *self.optimizer.variables, *self._own_variables()]
        self.num_devices = len(devices())
        self._told_and_gradients = beneath_keras().replicated(self._gradients, self.twin.weights)
        self._whole = beneath_keras().compiled(self._train, self.state)

    def _own_variables(self) -> list[keras.Variable]:
        return [variable for part in (self.average, self.loss_scale) if part for variable in part.variables]

    def step(self, parts: Sequence[Batch]) -> list[Told]:
        """Changes the weights by one batch.

        Args:
            parts: The batch in one or more parts, each with `images` (raw values), `labels`, `keys`, `uniforms`, and
                `weights` that are the cases' shares in the batch's loss. The gradients of all parts are added up
                before the weights change, so that the step is the whole batch's.

        Returns:
            What adds up to the batch's loss and confusion counts.
        """
        parts = [_filled(part, self.num_devices) for part in parts]
        if len(parts) == 1:
            return [self._whole(parts[0])]
        if not self.sums:
            self._begin_sums()
        return [*(self._add(part) for part in parts), self._finish()]

    def _begin_sums(self) -> None:
        self.sums = [keras.Variable(ops.zeros(weight.shape), trainable=False) for weight in self.weights]
        compiled = beneath_keras().compiled
        self._add = compiled(self._add_gradients, [*self.state, *self.sums])
        self._finish = compiled(self._apply_sums, [*self.state, *self.sums])

    def current_weights(self) -> list[NDArray[Any]]:
        """The weights that a model of this step has, in the network's order: averaged where that is asked for."""
        averages = self.average.values if self.average else self.weights
        told = {id(weight): value for weight, value in zip(self.weights, averages, strict=True)}
        return [ops.convert_to_numpy(told.get(id(weight), weight)) for weight in self.twin.weights]

    def learning_rate(self) -> float:
        """Of the next step."""
        return float(ops.convert_to_numpy(self.optimizer.learning_rate))

    def _train(self, batch: dict[str, Tensor]) -> Told:
        (loss, counts), gradients = self._told_and_gradients(batch)
        return loss + self._update(gradients), counts

    def _add_gradients(self, batch: dict[str, Tensor]) -> Told:
        told, gradients = self._told_and_gradients(batch)
        for total, gradient in zip(self.sums, gradients, strict=True):
            total.assign_add(gradient)
        return told

    def _apply_sums(self) -> Told:
        penalty = self._update([total.value for total in self.sums])
        for total in self.sums:
            total.assign(ops.zeros_like(total.value))
        num_classes = two_logits(self.twin.output).shape[-1]
        return penalty, ops.zeros((num_classes, num_classes))

    def _gradients(self, batch: dict[str, Tensor]) -> tuple[Told, list[Tensor]]:
        factor = self.loss_scale.factor.value if self.loss_scale else 1.0

        def scaled_loss() -> tuple[Tensor, Told]:
            logits = self._logits(batch["images"], batch["uniforms"])
            losses = case_losses(logits, batch["labels"], self.training)
            loss = ops.sum(losses * batch["weights"])
            return loss * factor, (loss, confusion_counts(logits, batch["labels"], batch["weights"] > 0))

        self.keys.batch = batch["keys"]
        try:
            told, gradients = beneath_keras().value_and_gradients(
                scaled_loss, self.weights, self.twin.non_trainable_variables
            )
        finally:
            self.keys.batch = None
        return told, gradients

    def _logits(self, images: Tensor, uniforms: Tensor) -> Tensor:
        scaled = self.scaling(images)
        if self.training.augmentation:
            scaled = augment(self.training.augmentation, scaled, uniforms)
        return two_logits(self.twin(scaled, training=True))

    def _update(self, gradients: list[Tensor]) -> Tensor:
        """Changes the weights; gives the penalty on what they were."""
        penalty = ops.convert_to_tensor(0.0)
        if self.training.l2:
            for factor, weight in zip(self.penalties, self.weights, strict=True):
                penalty += factor / 2 * ops.sum(ops.square(weight.value))
        if self.loss_scale:
            self._apply_if_finite(gradients, self.loss_scale)
        else:
            self._apply(gradients)
        return penalty

    def _apply(self, gradients: list[Tensor]) -> None:
        if self.training.l2:
            gradients = [
                gradient + factor * weight.value
                for gradient, factor, weight in zip(gradients, self.penalties, self.weights, strict=True)
            ]
        self.optimizer.apply(gradients, self.weights)
        if self.average:
            self.average.update()

    def _apply_if_finite(self, gradients: list[Tensor], scale: LossScale) -> None:
        """With float16: the step, or none where a gradient has overflowed."""
        is_finite = ops.all(ops.stack([ops.all(ops.isfinite(gradient)) for gradient in gradients]))
        changing = [*self.weights, *self.optimizer.variables, *(self.average.variables if self.average else [])]
        before = [ops.copy(variable.value) for variable in changing]
        self._apply([ops.where(is_finite, gradient / scale.factor.value, 0.0) for gradient in gradients])
        for variable, value in zip(changing, before, strict=True):
            variable.assign(ops.where(is_finite, variable.value, value))
        scale.update(is_finite)


def _filled(part: Batch, num_devices: int) -> Batch:
    """A part with at least a case for each device: some come again, with weight 0, and count for nothing."""
    count = len(part["labels"])
    if count >= num_devices:
        return part
    filled = {name: array[np.arange(num_devices) % count] for name, array in part.items()}
    filled["weights"][count:] = 0
    return filled


def told_values(told: Sequence[Told]) -> tuple[float, NDArray[np.float64]]:
    """A batch's loss and confusion counts, read from the device."""
    losses, counts = zip(*told, strict=True)
    return (
        float(sum(float(ops.convert_to_numpy(loss)) for loss in losses)),
        np.sum([ops.convert_to_numpy(count) for count in counts], axis=0, dtype=np.float64),
    )
