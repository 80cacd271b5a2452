"""A network in training: the step, with everything that changes from one step to the next."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
from keras import ops
from numpy.typing import NDArray

from archnet.network.augmentation.augment import augment
from archnet.network.backend import backend_module, devices
from archnet.network.build import scaling, two_logits
from archnet.network.training.dropout import CaseKeys
from archnet.network.training.losses import case_losses, confusion_counts, penalised_weights
from archnet.network.training.optimizers import LossScale, WeightAverage, optimizer
from archnet.network.training.twin import training_twin
from archnet.spec.experiment import Training

Tensor = Any
MicroBatchArrays = dict[str, NDArray[Any]]
StepOutputs = tuple[Tensor, Tensor]
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

    def __init__(
        self, network: keras.Model, limits: tuple[float, float], training: Training, steps_per_epoch: int
    ) -> None:
        self.training = training
        self.scaling = scaling(limits)
        self.keys = CaseKeys()
        self.twin = training_twin(network, self.keys, training.precision)
        self.weights = self.twin.trainable_variables
        self.optimizer = optimizer(training, steps_per_epoch)
        self.optimizer.build(self.weights)
        self.average = WeightAverage(self.weights, training.ema) if training.ema is not None else None
        self.loss_scale = LossScale() if training.precision == "float16" else None
        penalised_ids = {id(weight) for weight in penalised_weights(self.twin)}
        self.penalties = [training.l2 if id(weight) in penalised_ids else 0.0 for weight in self.weights]
        self.gradient_sums: list[keras.Variable] = []
        self.state = [*self.twin.weights, *self.optimizer.variables, *self._own_variables()]
        self.num_devices = len(devices())
        self._outputs_and_gradients = backend_module().replicate(self._compute_gradients, self.twin.weights)
        self._compiled_train = backend_module().compile_graph(self._train, self.state)

    def _own_variables(self) -> list[keras.Variable]:
        return [variable for part in (self.average, self.loss_scale) if part for variable in part.variables]

    def step(self, micro_batches: Sequence[MicroBatchArrays]) -> list[StepOutputs]:
        """Changes the weights by one batch.

        Args:
            micro_batches: The batch in one or more parts, each with `images` (raw values), `labels`, `keys`,
                `uniforms`, and `weights` that are the cases' shares in the batch's loss. Gradients are accumulated
                over the parts before the weights change, so that the step is the whole batch's.

        Returns:
            What adds up to the batch's loss and confusion counts.
        """
        micro_batches = [_pad(micro_batch, self.num_devices) for micro_batch in micro_batches]
        if len(micro_batches) == 1:
            return [self._compiled_train(micro_batches[0])]
        if not self.gradient_sums:
            self._create_sums()
        return [*(self._compiled_add(micro_batch) for micro_batch in micro_batches), self._compiled_apply()]

    def _create_sums(self) -> None:
        self.gradient_sums = [keras.Variable(ops.zeros(weight.shape), trainable=False) for weight in self.weights]
        compiled = backend_module().compile_graph
        self._compiled_add = compiled(self._add_gradients, [*self.state, *self.gradient_sums])
        self._compiled_apply = compiled(self._apply_sums, [*self.state, *self.gradient_sums])

    def current_weights(self) -> list[NDArray[Any]]:
        """The weights that a model of this step has, in the network's order: averaged where that is asked for."""
        averages = self.average.values if self.average else self.weights
        value_of = {id(weight): value for weight, value in zip(self.weights, averages, strict=True)}
        return [ops.convert_to_numpy(value_of.get(id(weight), weight)) for weight in self.twin.weights]

    def learning_rate(self) -> float:
        """Of the next step."""
        return float(ops.convert_to_numpy(self.optimizer.learning_rate))

    def _train(self, batch: dict[str, Tensor]) -> StepOutputs:
        (loss, counts), gradients = self._outputs_and_gradients(batch)
        return loss + self._update(gradients), counts

    def _add_gradients(self, batch: dict[str, Tensor]) -> StepOutputs:
        outputs, gradients = self._outputs_and_gradients(batch)
        for total, gradient in zip(self.gradient_sums, gradients, strict=True):
            total.assign_add(gradient)
        return outputs

    def _apply_sums(self) -> StepOutputs:
        penalty = self._update([total.value for total in self.gradient_sums])
        for total in self.gradient_sums:
            total.assign(ops.zeros_like(total.value))
        num_classes = two_logits(self.twin.output).shape[-1]
        return penalty, ops.zeros((num_classes, num_classes))

    def _compute_gradients(self, batch: dict[str, Tensor]) -> tuple[StepOutputs, list[Tensor]]:
        factor = self.loss_scale.factor.value if self.loss_scale else 1.0

        def scaled_loss() -> tuple[Tensor, StepOutputs]:
            logits = self._logits(batch["images"], batch["uniforms"])
            losses = case_losses(logits, batch["labels"], self.training)
            loss = ops.sum(losses * batch["weights"])
            return loss * factor, (loss, confusion_counts(logits, batch["labels"], batch["weights"] > 0))

        self.keys.batch = batch["keys"]
        try:
            outputs, gradients = backend_module().value_and_gradients(
                scaled_loss, self.weights, self.twin.non_trainable_variables
            )
        finally:
            self.keys.batch = None
        return outputs, gradients

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


def _pad(micro_batch: MicroBatchArrays, num_devices: int) -> MicroBatchArrays:
    """A part with at least a case for each device: some come again, with weight 0, and count for nothing."""
    count = len(micro_batch["labels"])
    if count >= num_devices:
        return micro_batch
    padded = {name: array[np.arange(num_devices) % count] for name, array in micro_batch.items()}
    padded["weights"][count:] = 0
    return padded


def read_outputs(outputs: Sequence[StepOutputs]) -> tuple[float, NDArray[np.float64]]:
    """A batch's loss and confusion counts, read from the device."""
    losses, counts = zip(*outputs, strict=True)
    return (
        float(sum(float(ops.convert_to_numpy(loss)) for loss in losses)),
        np.sum([ops.convert_to_numpy(count) for count in counts], axis=0, dtype=np.float64),
    )
