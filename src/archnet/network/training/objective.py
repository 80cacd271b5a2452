"""The objective: the loss of a batch under augmentation and dropout, and its gradient."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from archnet.network.augmentation.augment import augment
from archnet.network.backend import backend_module
from archnet.network.scaling import build_scaling, raw_input_shape, two_logits
from archnet.network.training.dropout import CaseKeys
from archnet.network.training.losses import case_losses, confusion_counts
from archnet.network.training.mixup import mix_images
from archnet.network.training.optimization.optimizers import LossScale
from archnet.network.training.training_twin import build_training_twin
from archnet.spec.experiment import Training
from archnet.spec.view import InputLimits

Tensor = Any
StepOutputs = tuple[Tensor, Tensor]
"""The loss, a scalar, and the confusion counts, (classes, classes), of the cases."""


class Objective:
    """The loss of a network's training twin, without the penalty on the weights.

    Attributes:
        training: The options, with resolved `precision`.
        twin: The network in training.
        loss_scale: Scale of the float16 loss; None in other precisions.
    """

    def __init__(self, network: keras.Model, limits: InputLimits, training: Training) -> None:
        self.training = training
        self.scaling = build_scaling(limits, raw_input_shape(network, limits))
        self.keys = CaseKeys()
        self.twin = build_training_twin(network, self.keys, training.precision)
        self.loss_scale = LossScale() if training.precision == "float16" else None

    @property
    def num_classes(self) -> int:
        """Number of classes; two for a network with a single logit."""
        return int(two_logits(self.twin.output).shape[-1])

    def gradients(self, batch: dict[str, Tensor]) -> tuple[StepOutputs, list[Tensor]]:
        """Compute the outputs of a batch, and the gradient of its scaled loss for each trainable weight."""
        factor = self.loss_scale.factor.value if self.loss_scale else 1.0

        def scaled_loss() -> tuple[Tensor, StepOutputs]:
            logits = self._logits(batch)
            losses = case_losses(logits, self._shares(batch), self.training)
            loss = ops.sum(losses * batch["weights"])
            return loss * factor, (loss, confusion_counts(logits, batch["labels"], batch["weights"] > 0))

        self.keys.batch = batch["keys"]
        try:
            outputs, gradients = backend_module().value_and_gradients(
                scaled_loss, self.twin.trainable_variables, self.twin.non_trainable_variables
            )
        finally:
            self.keys.batch = None
        return outputs, gradients

    def _shares(self, batch: dict[str, Tensor]) -> Tensor:
        """(N, classes) share of each class in the labels of a batch."""
        return batch["soft"] if "soft" in batch else ops.one_hot(batch["labels"], self.num_classes, dtype="float32")

    def _logits(self, batch: dict[str, Tensor]) -> Tensor:
        scaled = self.scaling(batch["images"])
        if "partners" in batch:
            scaled = mix_images(scaled, self.scaling(batch["partners"]), batch["shares"])
        if self.training.augmentation:
            scaled = augment(self.training.augmentation, scaled, batch["uniforms"])
        return two_logits(self.twin(scaled, training=True))
