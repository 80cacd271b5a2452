"""The training loop: epochs, validation, checkpoints, and the best weights at the end."""

from __future__ import annotations

import hashlib
import math
import time
from contextlib import AbstractContextManager, closing
from dataclasses import asdict
from typing import Protocol

import keras
import numpy as np

from archnet.network.backend import devices, execution_record
from archnet.network.examples import Examples
from archnet.network.predict import Predictor
from archnet.network.prefetch import prefetch_items
from archnet.network.scaling import build_inference_model
from archnet.network.training.batches import Batch
from archnet.network.training.checkpoint import Checkpoint
from archnet.network.training.failures import divergence_error, translate_errors
from archnet.network.training.history import HistoryRow, TrainingProgress, check_history, should_stop
from archnet.network.training.objective import StepOutputs
from archnet.network.training.setup import TrainingData, TrainingSetup
from archnet.network.training.trainer import delay_reading, read_outputs
from archnet.network.training.validation import validation_metrics
from archnet.spec.experiment import Training
from archnet.spec.metrics import history_column
from archnet.spec.sampling import cases_at_once


class Callback(Protocol):
    """Receives reports during training."""

    def on_step(self, epoch: int, step: int, num_steps: int, logs: dict[str, float]) -> None:
        """Called after each step; epochs and steps count from 1."""

    def on_epoch(self, row: dict[str, float]) -> None:
        """Called after each epoch, with its row of history.csv."""


def train(setup: TrainingSetup, callback: Callback) -> list[HistoryRow]:
    """Train a network in place; it ends with the weights that `best_metric` selects.

    Args:
        setup: The training.
        callback: Receives a report after every step and epoch.

    Returns:
        The rows of history.csv, one per epoch.

    Raises:
        RunError: The loss is NaN, memory has run out, or the checkpoint cannot be used.
    """
    loop, checkpoint = TrainingLoop(setup, callback), _create_checkpoint(setup)
    loop.fit(_create_evaluator(setup), checkpoint)
    if setup.execution.keeps_weights_only and not loop.progress.is_finished:
        checkpoint.finish(setup.network.get_weights(), loop.progress)
    return loop.progress.history


def _create_evaluator(setup: TrainingSetup) -> Evaluator | None:
    """Create an evaluator with at most as many cases per batch as in training; None without a validation set."""
    if setup.data.validation is None:
        return None
    batch_size = cases_at_once(setup.training.batch_size, setup.execution.micro_batch, len(devices()))
    predictor = Predictor(build_inference_model(setup.network, setup.data.limits), batch_size)
    return Evaluator(predictor, setup.data.validation, setup.data)


def _create_checkpoint(setup: TrainingSetup) -> Checkpoint:
    """Create the checkpoint, with the settings that must be equal to resume; the number of a GPU may differ."""
    execution_now = execution_record()
    record = {
        "training": {key: value for key, value in asdict(setup.training).items() if key != "members"},
        "micro_batch": setup.execution.micro_batch,
        "devices": [name.partition(" ")[2] or name for name in execution_now["devices"]],
        "deterministic": execution_now["deterministic"],
        "limits": setup.data.limits.to_document(),
        "classes": np.unique(setup.batches.samples.labels, return_counts=True)[1].tolist(),
        "weights": [list(weight.shape) for weight in setup.network.weights],
        **_label_digests(setup.data),
    }
    return Checkpoint(
        folder=setup.execution.checkpoint, record=record, interval_seconds=setup.execution.checkpoint_seconds
    )


def _label_digests(data: TrainingData) -> dict[str, str]:
    """SHA-256 of the soft labels and of the case weights, by the training options that use them."""
    sets = [part for part in (data.examples, data.validation) if part is not None]
    columns = {
        "soft_labels": [part.soft for part in sets if part.soft is not None],
        "case_weights": [part.weights for part in sets if part.weights is not None],
    }
    return {
        name: hashlib.sha256(b"".join(values.tobytes() for values in parts)).hexdigest()
        for name, parts in columns.items()
        if parts
    }


class Evaluator:
    """Evaluates the network on the validation set.

    Attributes:
        predictor: Predicts with the network's weights.
        validation: The validation set.
        data: The cases and classes of the training.
    """

    def __init__(self, predictor: Predictor, validation: Examples, data: TrainingData) -> None:
        self.predictor = predictor
        self.validation = validation
        self.data = data

    def evaluate(self, training: Training) -> HistoryRow:
        """Compute the validation columns of history.csv."""
        probabilities = self.predictor.predict(self.validation.images, self.validation.rows)
        data = self.data
        metrics = validation_metrics(probabilities, self.validation, data.positive, training, data.classes)
        return {history_column("validation", name): value for name, value in metrics.items()}


class TrainingLoop:
    """A training in progress.

    Attributes:
        setup: The training.
        callback: Receives a report after every step and epoch.
        steps_per_epoch: Number of steps per epoch.
        progress: The epochs so far.
    """

    def __init__(self, setup: TrainingSetup, callback: Callback) -> None:
        self.setup = setup
        self.callback = callback
        self.steps_per_epoch = setup.batches.steps_per_epoch
        self.progress = TrainingProgress()

    @property
    def network(self) -> keras.Model:
        """The network that receives the weights after each epoch."""
        return self.setup.network

    def fit(self, evaluator: Evaluator | None, checkpoint: Checkpoint) -> None:
        """Train from the checkpoint to the end, and copy the weights to the network."""
        training, trainer = self.setup.training, self.setup.trainer
        self.progress = checkpoint.load(trainer.state) or self.progress
        check_history(self.progress.history, training, trainer.objective.num_classes)
        for epoch in range(len(self.progress.history), training.epochs):
            if self.progress.is_finished or should_stop(self.progress.history, training.early_stopping):
                break
            trainer.begin_epoch(epoch)
            row = self._train_epoch(epoch, checkpoint)
            self.network.set_weights(trainer.current_weights())
            row |= evaluator.evaluate(training) if evaluator else {}
            if math.isnan(row.get(history_column("validation", "loss"), 0.0)):
                raise divergence_error(f"the loss is nan on the validation set after epoch {epoch + 1}")
            self.progress.end_epoch(row, training.best_metric, self.network.get_weights())
            checkpoint.save(trainer.state, self.progress)
            self.callback.on_epoch(row)
        self.network.set_weights(self.progress.best_weights or trainer.current_weights())

    def _train_epoch(self, epoch: int, checkpoint: Checkpoint) -> HistoryRow:
        """Train one epoch, or the rest of it."""
        tally, trainer = self.progress.tally, self.setup.trainer
        start = time.perf_counter() - tally.seconds
        with closing(prefetch_items(self.setup.batches.epoch_batches(epoch, tally.num_steps))) as batches:
            steps = ((batch, self._train_batch(batch)) for batch in batches)
            for (batch, outputs), is_due in delay_reading(steps, checkpoint.is_due):
                self._record_batch(epoch, batch, outputs)
                if is_due:
                    tally.seconds = time.perf_counter() - start
                    checkpoint.save(trainer.state, self.progress)
        values = tally.means(self.setup.data.positive, self.setup.data.classes)
        means = {history_column("train", name): value for name, value in values.items()}
        seconds, rate = time.perf_counter() - start, trainer.learning_rate()
        return {"epoch": epoch + 1, "seconds": seconds, "cases": tally.num_cases, "learning_rate": rate, **means}

    def _train_batch(self, batch: Batch) -> list[StepOutputs]:
        with self._translate_errors(batch):
            return self.setup.trainer.train_step(batch.micro_batches)

    def _translate_errors(self, batch: Batch) -> AbstractContextManager[None]:
        num_cases = len(batch.micro_batches[0]["labels"])
        return translate_errors(num_cases, self.setup.training.batch_size, self.setup.execution.memory)

    def _record_batch(self, epoch: int, batch: Batch, outputs: list[StepOutputs]) -> None:
        with self._translate_errors(batch):
            loss, counts = read_outputs(outputs)
        if not math.isfinite(loss):
            ids = self.setup.execution.ids
            names = [str(row if ids is None else ids[row]) for row in batch.rows]
            raise divergence_error(f"the loss is {loss} in epoch {epoch + 1} at step {batch.number}", names)
        tally = self.progress.tally
        tally.add(loss, counts, len(batch.rows))
        logs = tally.means(self.setup.data.positive)
        self.callback.on_step(epoch + 1, tally.num_steps, self.steps_per_epoch, logs)
