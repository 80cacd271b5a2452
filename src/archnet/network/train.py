"""Training: epochs over shuffled, augmented batches in graph mode; the best weights by validation are kept."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from typing import Any, Protocol

import keras
import numpy as np
from numpy.typing import NDArray

from archnet.errors import RunError
from archnet.evaluation.metrics import confusion_matrix, matrix_metrics
from archnet.evaluation.ranking import auc, ranking
from archnet.network.augment import draw_uniforms
from archnet.network.batches import Entries, Examples, batches, case_weights, entries_of, epoch_order
from archnet.network.training_model import TrainingModel, optimizer
from archnet.spec.experiment import EarlyStopping, Training


class Watcher(Protocol):
    """Is told how training goes."""

    def on_step(self, epoch: int, step: int, num_steps: int, logs: dict[str, float]) -> None:
        """After each step; epochs and steps count from 1."""

    def on_epoch(self, row: dict[str, float]) -> None:
        """After each epoch, with its row of history.csv."""


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
    entries = entries_of(examples, training, positive)
    num_steps = math.ceil(len(epoch_order(entries, training, 0)) / training.batch_size)
    model = TrainingModel(network, limits, training)
    # XLA makes 3D convolutions on the CPU many times slower under TensorFlow.
    jit_compile = False if keras.backend.backend() == "tensorflow" else "auto"
    model.compile(optimizer=optimizer(training, num_steps * training.epochs), jit_compile=jit_compile)
    history: list[dict[str, float]] = []
    best = BestWeights(network, training, has_validation=validation is not None)
    for epoch in range(training.epochs):
        row = _train_epoch(model, examples, entries, epoch, Tally(positive), watcher)
        if validation is not None:
            row |= _validated(model, validation, positive, training.batch_size)
        history.append(row)
        watcher.on_epoch(row)
        best.update(row)
        if is_stopped(history, training.early_stopping):
            break
    best.restore()
    return history


class Tally:
    """Sums an epoch's steps up: mean loss, accuracy and recall of the cases so far."""

    def __init__(self, positive: int) -> None:
        self.positive = positive
        self.loss = 0.0
        self.matrix: Any = 0

    def add(self, loss: float, matrix: NDArray[np.float32]) -> None:
        """Takes in a step: its mean loss, and its confusion matrix (K, K)."""
        self.loss += loss * float(matrix.sum())
        self.matrix = self.matrix + matrix.astype(np.int64)

    @property
    def num_cases(self) -> int:
        """Cases taken in."""
        return int(self.matrix.sum())

    def means(self) -> dict[str, float]:
        """`loss`, `accuracy` and `recall` (NaN before the first positive case)."""
        metrics = matrix_metrics(self.matrix)
        return {
            "loss": self.loss / self.num_cases,
            "accuracy": float(metrics["accuracy"]),
            "recall": float(metrics["recall"][self.positive]),
        }


def _train_epoch(
    model: TrainingModel, examples: Examples, entries: Entries, epoch: int, tally: Tally, watcher: Watcher
) -> dict[str, float]:
    training = model.options
    start = time.perf_counter()
    steps = list(batches(epoch_order(entries, training, epoch), training.batch_size))
    uniforms = draw_uniforms(training.augmentation, entries.turns, training.seed, epoch)
    weights = case_weights(entries, training)
    for step, chosen in enumerate(steps, start=1):
        rows = entries.rows[chosen]
        inputs = {"images": examples.batch(rows), "uniforms": uniforms[chosen]}
        logs = model.train_on_batch(inputs, examples.labels[rows], sample_weight=weights[chosen], return_dict=True)
        _check_finite(float(logs["loss"]), epoch, step)
        tally.add(float(logs["loss"]), model.confusion.counts.numpy())
        watcher.on_step(epoch + 1, step, len(steps), tally.means())
    return {
        "epoch": epoch + 1,
        "seconds": time.perf_counter() - start,
        "cases": tally.num_cases,
        "learning_rate": float(model.optimizer.learning_rate),
        **{f"train_{name}": value for name, value in tally.means().items()},
    }


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
        for rows in batches(np.arange(len(validation)), batch_size)
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
