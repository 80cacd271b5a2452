"""A network with what it needs in training only: augmentation, the loss, its penalty, the optimizer."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from archnet.network.augment import augment
from archnet.network.build import scaling, two_logits
from archnet.spec.experiment import Schedule, Training

Tensor = Any


class ConfusionMatrix(keras.metrics.Metric):
    """Rows truth, columns prediction, counted over a batch; tells its accuracy."""

    def __init__(self, num_classes: int) -> None:
        super().__init__(name="accuracy")
        self.num_classes = num_classes
        self.counts = self.add_weight(shape=(num_classes, num_classes), initializer="zeros", name="counts")

    def update_state(self, y_true: Tensor, y_pred: Tensor, sample_weight: Tensor | None = None) -> None:
        truth = ops.one_hot(y_true, self.num_classes, dtype="float32")
        called = ops.one_hot(ops.argmax(y_pred, axis=-1), self.num_classes, dtype="float32")
        self.counts.assign_add(ops.matmul(ops.transpose(truth), called))

    def result(self) -> Tensor:
        return ops.trace(self.counts) / ops.maximum(ops.sum(self.counts), 1)


class TrainingModel(keras.Model):
    """A network with what it needs in training only: scaling, augmentation, the loss and its penalty."""

    def __init__(self, network: keras.Model, limits: tuple[float, float], training: Training) -> None:
        super().__init__()
        self.network = network
        self.scaling = scaling(limits)
        self.options = training
        self.confusion = ConfusionMatrix(2 if network.output_shape[-1] == 1 else network.output_shape[-1])
        self.penalised = [
            weight
            for layer in network.layers
            if hasattr(layer, "kernel")
            for weight in (layer.kernel, layer.bias)
        ]  # fmt: skip

    def call(self, inputs: dict[str, Tensor], training: bool = False) -> Tensor:
        images = self.scaling(inputs["images"])
        if training and self.options.augmentation:
            images = augment(self.options.augmentation, images, inputs["uniforms"])
        return two_logits(self.network(images, training=training))

    def compute_loss(
        self,
        x: Tensor = None,
        y: Tensor = None,
        y_pred: Tensor = None,
        sample_weight: Tensor = None,
        training: bool = True,
    ) -> Tensor:
        """Weighted cross-entropy with label smoothing, plus λ/2·Σw²."""
        num_classes = self.confusion.num_classes
        smoothing = self.options.label_smoothing
        target = ops.one_hot(y, num_classes, dtype="float32") * (1 - smoothing) + smoothing / num_classes
        losses = -ops.sum(target * ops.log_softmax(y_pred), axis=-1)
        loss = ops.mean(losses if sample_weight is None else losses * sample_weight)
        if self.options.l2:
            loss += self.options.l2 / 2 * sum(ops.sum(ops.square(weight)) for weight in self.penalised)
        return loss

    def compute_metrics(self, x: Tensor, y: Tensor, y_pred: Tensor, sample_weight: Tensor = None) -> dict[str, Tensor]:
        self.confusion.update_state(y, y_pred)
        return dict(self.get_metrics_result())


def learning_rate(training: Training, num_steps: int) -> float | keras.optimizers.schedules.LearningRateSchedule:
    """The learning rate over the steps.

    Args:
        training: The options.
        num_steps: Of the whole training, for schedules that end with it.
    """
    schedule: Schedule = training.schedule
    if schedule.type == "exponential":
        return keras.optimizers.schedules.ExponentialDecay(
            training.learning_rate, schedule.decay_steps, schedule.decay_rate, staircase=schedule.staircase
        )
    if schedule.type == "cosine":
        return keras.optimizers.schedules.CosineDecay(training.learning_rate, num_steps)
    return training.learning_rate


def optimizer(training: Training, num_steps: int) -> keras.optimizers.Optimizer:
    """Keras's optimizer of that name with the options' learning rate, decay and clipping."""
    options: dict[str, Any] = {
        "learning_rate": learning_rate(training, num_steps),
        "global_clipnorm": training.clip_norm,
        "weight_decay": training.weight_decay,
    }
    if training.optimizer == "sgd":
        return keras.optimizers.SGD(momentum=training.momentum, **options)
    if training.optimizer == "rmsprop":
        return keras.optimizers.RMSprop(momentum=training.momentum, **options)
    if training.optimizer == "adamw":
        return keras.optimizers.AdamW(**{**options, "weight_decay": training.weight_decay or 0.0})
    return keras.optimizers.Adam(**options)
