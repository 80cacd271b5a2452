"""Training: epochs over shuffled, augmented batches in graph mode; the best weights by validation are kept."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol

import keras
import numpy as np
from keras import ops
from numpy.typing import NDArray

from archnet.errors import RunError
from archnet.evaluation.metrics import confusion_matrix, matrix_metrics
from archnet.evaluation.ranking import auc, ranking
from archnet.network.augment import augment, copies, draw_uniforms
from archnet.network.build import scaling, two_logits
from archnet.spec.experiment import EarlyStopping, Schedule, Training

Tensor = Any

_ORDER_STREAM: Final = 1 << 32
"""Keeps the random numbers of the data order apart from those of the augmentation, which are keyed by the epoch."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Examples:
    """Cases as a network sees them.

    Attributes:
        images: (all cases, height, width[, depth], channels) raw values; may be memory-mapped.
        rows: (N,) the cases of this set among all.
        labels: (N,) index of the class.
    """

    images: NDArray[Any]
    rows: NDArray[np.int64]
    labels: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.labels)

    def batch(self, rows: NDArray[np.int64]) -> NDArray[np.float32]:
        """The images of some cases of this set, in memory."""
        return np.asarray(self.images[self.rows[rows]], np.float32)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Entries:
    """What an epoch goes through: training cases and their rotated copies.

    Attributes:
        rows: (M,) case of each entry.
        turns: (M,) fixed turn of each entry, as a share of 360 degrees.
        labels: (M,) class of each entry.
    """

    rows: NDArray[np.int64]
    turns: NDArray[np.float32]
    labels: NDArray[np.int64]


class Watcher(Protocol):
    """Is told how training goes."""

    def on_step(self, epoch: int, step: int, num_steps: int, logs: dict[str, float]) -> None:
        """After each step; epochs and steps count from 1."""

    def on_epoch(self, row: dict[str, float]) -> None:
        """After each epoch, with its row of history.csv."""


class ConfusionMatrix(keras.metrics.Metric):
    """Rows truth, columns prediction, counted over the batches of an epoch; tells accuracy and recall."""

    def __init__(self, num_classes: int, positive: int) -> None:
        super().__init__(name="confusion_matrix")
        self.num_classes = num_classes
        self.positive = positive
        self.counts = self.add_weight(shape=(num_classes, num_classes), initializer="zeros", name="counts")

    def update_state(self, y_true: Tensor, y_pred: Tensor, sample_weight: Tensor | None = None) -> None:
        truth = ops.one_hot(y_true, self.num_classes, dtype="float32")
        called = ops.one_hot(ops.argmax(y_pred, axis=-1), self.num_classes, dtype="float32")
        self.counts.assign_add(ops.matmul(ops.transpose(truth), called))

    def result(self) -> dict[str, Tensor]:
        row = self.counts[self.positive]
        return {
            "accuracy": ops.trace(self.counts) / ops.maximum(ops.sum(self.counts), 1),
            "recall": row[self.positive] / ops.maximum(ops.sum(row), 1),
        }


class TrainingModel(keras.Model):
    """A network with what it needs in training only: scaling, augmentation, the loss and its penalty."""

    def __init__(
        self, network: keras.Model, limits: tuple[float, float], training: Training, confusion: ConfusionMatrix
    ) -> None:
        super().__init__()
        self.network = network
        self.scaling = scaling(limits)
        self.options = training
        self.confusion = confusion
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


def epoch_order(entries: Entries, training: Training, epoch: int) -> NDArray[np.int64]:
    """The entries of one epoch in random order; with "oversample" the same number of each class.

    Args:
        entries: Of the training set.
        training: Its `seed` and `balance`.
        epoch: From 0; every epoch has its own order.
    """
    generator = np.random.Generator(np.random.Philox(key=np.array([training.seed, _ORDER_STREAM + epoch], np.uint64)))
    if training.balance != "oversample":
        return generator.permutation(len(entries.rows))
    present = np.unique(entries.labels)
    share = math.ceil(len(entries.rows) / len(present))
    drawn = [_repeated(np.flatnonzero(entries.labels == label), share, generator) for label in present]
    return generator.permutation(np.concatenate(drawn))


def _repeated(members: NDArray[np.int64], count: int, generator: np.random.Generator) -> NDArray[np.int64]:
    """`count` members, each as often as any other or once more."""
    rounds = [generator.permutation(members) for _ in range(math.ceil(count / len(members)))]
    return np.concatenate(rounds)[:count]


def entries_of(examples: Examples, training: Training, positive: int) -> Entries:
    """The training cases and the copies that the augmentation adds."""
    rows, turns = copies(training.augmentation, examples.labels == positive)
    return Entries(rows=rows, turns=turns, labels=examples.labels[rows])


def case_weights(entries: Entries, training: Training) -> NDArray[np.float32]:
    """(M,) weight of each entry in the loss; with "weights" every class weighs the same in all, 1 on average."""
    if training.balance != "weights":
        return np.ones(len(entries.rows), np.float32)
    present, inverse, counts = np.unique(entries.labels, return_inverse=True, return_counts=True)
    return (len(entries.rows) / (len(present) * counts[inverse])).astype(np.float32)


def train(  # noqa: PLR0913 - the parts of an experiment meet here
    network: keras.Model,
    limits: tuple[float, float],
    examples: Examples,
    validation: Examples | None,
    training: Training,
    *,
    positive: int,
    watcher: Watcher,
) -> list[dict[str, float]]:
    """Trains a network in place and leaves the weights in it that `best_metric` asks for.

    Args:
        network: Of `build`, with fresh weights.
        limits: Raw values that become 0 and 1.
        examples: The training set.
        validation: The validation set; null if there is none.
        training: The options.
        positive: Class whose recall is told.
        watcher: Is told of every step and epoch.

    Returns:
        The rows of history.csv, one an epoch.

    Raises:
        RunError: The loss is no longer a number.
    """
    num_classes = 2 if network.output_shape[-1] == 1 else network.output_shape[-1]
    entries = entries_of(examples, training, positive)
    num_steps = math.ceil(len(epoch_order(entries, training, 0)) / training.batch_size)
    model = TrainingModel(network, limits, training, ConfusionMatrix(num_classes, positive))
    # XLA makes 3D convolutions on the CPU many times slower under TensorFlow.
    jit_compile = False if keras.backend.backend() == "tensorflow" else "auto"
    model.compile(optimizer=optimizer(training, num_steps * training.epochs), jit_compile=jit_compile)
    history: list[dict[str, float]] = []
    best = BestWeights(network, training, has_validation=validation is not None)
    for epoch in range(training.epochs):
        row = _train_epoch(model, examples, entries, epoch, watcher)
        if validation is not None:
            row |= _validated(model, validation, positive, training.batch_size)
        history.append(row)
        watcher.on_epoch(row)
        best.update(row)
        if is_stopped(history, training.early_stopping):
            break
    best.restore()
    return history


def _train_epoch(
    model: TrainingModel, examples: Examples, entries: Entries, epoch: int, watcher: Watcher
) -> dict[str, float]:
    training = model.options
    start = time.perf_counter()
    order = epoch_order(entries, training, epoch)
    uniforms = draw_uniforms(training.augmentation, entries.turns, training.seed, epoch)
    weights = case_weights(entries, training)
    batches = list(_batches(order, training.batch_size))
    logs: dict[str, float] = {}
    model.reset_metrics()
    for step, chosen in enumerate(batches, start=1):
        rows = entries.rows[chosen]
        inputs = {"images": examples.batch(rows), "uniforms": uniforms[chosen]}
        logs = model.train_on_batch(inputs, examples.labels[rows], sample_weight=weights[chosen], return_dict=True)
        logs = {key: float(value) for key, value in logs.items()}
        _check_finite(logs["loss"], epoch, step)
        watcher.on_step(epoch + 1, step, len(batches), logs)
    return {
        "epoch": epoch + 1,
        "seconds": time.perf_counter() - start,
        "learning_rate": float(ops.convert_to_numpy(model.optimizer.learning_rate)),
        "train_loss": logs["loss"],
        "train_accuracy": logs["accuracy"],
        "train_recall": logs["recall"],
    }


def _batches(order: NDArray[np.int64], batch_size: int) -> Iterator[NDArray[np.int64]]:
    for start in range(0, len(order), batch_size):
        yield order[start : start + batch_size]


def _check_finite(loss: float, epoch: int, step: int) -> None:
    if not math.isfinite(loss):
        raise RunError(
            f"the loss is {loss} in epoch {epoch + 1} at step {step}: training has diverged. "
            "Lower training.learning_rate, or set training.clip_norm to 1."
        )


def _validated(model: TrainingModel, validation: Examples, positive: int, batch_size: int) -> dict[str, float]:
    """Loss, accuracy, recall and AUC on the validation set."""
    empty = np.zeros((len(validation), 0), np.float32)
    logits = [
        model.predict_on_batch({"images": validation.batch(rows), "uniforms": empty[rows]})
        for rows in _batches(np.arange(len(validation)), batch_size)
    ]
    probabilities = _softmax(np.concatenate(logits).astype(np.float64))
    truth = validation.labels
    matrix = confusion_matrix(truth, probabilities.argmax(axis=1), probabilities.shape[1])
    told = np.clip(probabilities[np.arange(len(truth)), truth], 1e-12, 1)
    ranked = ranking(probabilities[:, positive], truth == positive)
    return {
        "validation_loss": float(-np.log(told).mean()),
        "validation_accuracy": float((matrix.trace()) / matrix.sum()),
        "validation_recall": float(matrix_metrics(matrix)["recall"][positive]),
        "validation_auc": float(auc(*ranked.counts(np.ones(len(truth))))),
    }


def _softmax(logits: NDArray[np.float64]) -> NDArray[np.float64]:
    shifted = np.exp(logits - logits.max(axis=1, keepdims=True))
    return np.asarray(shifted / shifted.sum(axis=1, keepdims=True))


def is_better(metric: str, value: float, best: float | None) -> bool:
    """Whether a validation value beats the best so far; nothing beats with NaN."""
    if math.isnan(value):
        return False
    return best is None or (value < best if metric == "loss" else value > best)


def is_stopped(history: Sequence[dict[str, float]], stopping: EarlyStopping | None) -> bool:
    """Whether the watched validation metric has had no better epoch for `patience` epochs."""
    key = f"validation_{stopping.metric}" if stopping else ""
    if stopping is None or key not in history[-1]:
        return False
    best: float | None = None
    best_epoch = 0
    for epoch, row in enumerate(history, start=1):
        if is_better(stopping.metric, row[key], best):
            best, best_epoch = row[key], epoch
    return len(history) - best_epoch >= stopping.patience


class BestWeights:
    """Keeps a copy of a network's weights at the best validation value so far."""

    def __init__(self, network: keras.Model, training: Training, *, has_validation: bool) -> None:
        self.network = network
        self.metric = training.best_metric if has_validation else None
        self.value: float | None = None
        self.weights: list[NDArray[np.float32]] | None = None

    def update(self, row: dict[str, float]) -> None:
        """Looks at an epoch's row."""
        value = row[f"validation_{self.metric}"] if self.metric else 0.0
        if self.metric and is_better(self.metric, value, self.value):
            self.value, self.weights = value, self.network.get_weights()

    def restore(self) -> None:
        """Puts the best weights back, if any were kept; otherwise the last ones stay."""
        if self.weights is not None:
            self.network.set_weights(self.weights)
