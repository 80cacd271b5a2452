"""Training: epochs over shuffled, augmented batches; the best weights by validation are kept; can be continued."""

from __future__ import annotations

import math
import time
from contextlib import AbstractContextManager, closing
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Protocol

import keras
import numpy as np
from numpy.typing import NDArray

from archnet.network.backend import devices, execution_record
from archnet.network.build import build_inference_model
from archnet.network.examples import Examples
from archnet.network.predict import Predictor
from archnet.network.prefetch import prefetch_items
from archnet.network.training.batches import Batch, TrainingBatches, epoch_samples
from archnet.network.training.checkpoint import Checkpoint, read_checkpoint_record
from archnet.network.training.failures import divergence_error, translate_errors
from archnet.network.training.history import HistoryRow, TrainingProgress, should_stop
from archnet.network.training.precision import resolve_precision
from archnet.network.training.trainer import StepOutputs, Trainer, read_outputs
from archnet.network.training.validation import validation_metrics
from archnet.spec.experiment import Training
from archnet.spec.memory import MemoryEstimate


class Callback(Protocol):
    """Is told how training goes."""

    def on_step(self, epoch: int, step: int, num_steps: int, logs: dict[str, float]) -> None:
        """After each step; epochs and steps count from 1."""

    def on_epoch(self, row: dict[str, float]) -> None:
        """After each epoch, with its row of history.csv."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Execution:
    """How a training is carried out; but for rounding it does not change the result.

    Attributes:
        micro_batch: Cases that go through the network at once; null is a whole batch. Several devices divide them,
            and batch norm sees each device's.
        checkpoint: Folder in which the training is kept, and from which it goes on if it is there; null keeps nothing.
        checkpoint_seconds: How often it is kept within an epoch; it always is at the end of one.
        ids: (N,) names of the training cases, for messages.
        memory: What the training takes, for messages.
    """

    micro_batch: int | None = None
    checkpoint: Path | None = None
    checkpoint_seconds: float = 60.0
    ids: NDArray[np.str_] | None = None
    memory: MemoryEstimate | None = None


def resolve_execution(
    network: keras.Model, limits: tuple[float, float], training: Training, execution: Execution
) -> tuple[Training, Execution]:
    """The options with nothing left open: what "auto" means here, or what a training began with that goes on.

    Args:
        network: Of `build`, with fresh weights.
        limits: Raw values that become 0 and 1.
        training: The options.
        execution: How it is carried out.

    Raises:
        RunError: The checkpoint is damaged.
    """
    record = read_checkpoint_record(execution.checkpoint) or {}
    micro_batch = record.get("micro_batch", execution.micro_batch)
    num_cases = min(micro_batch or training.batch_size, training.batch_size)
    precision = record.get("training", {}).get("precision")
    with translate_errors(num_cases, training.batch_size, execution.memory):
        training = resolve_precision(network, limits, training, num_cases, precision)
    return training, replace(execution, micro_batch=micro_batch)


def train(  # noqa: PLR0913 - the parts of an experiment meet here
    network: keras.Model,
    limits: tuple[float, float],
    examples: Examples,
    validation: Examples | None,
    training: Training,
    *,
    positive: int,
    callback: Callback,
    execution: Execution = Execution(),
) -> list[HistoryRow]:
    """Trains a network in place and leaves the weights in it that `best_metric` asks for.

    Args:
        network: Of `build`, with fresh weights.
        limits: Raw values that become 0 and 1.
        examples: The training set.
        validation: The validation set; null if there is none.
        training: The options.
        positive: Class whose recall is told.
        callback: Is told of every step and epoch.
        execution: How it is carried out.

    Returns:
        The rows of history.csv, one an epoch.

    Raises:
        RunError: The loss is no longer a number, memory has run out, or the checkpoint cannot be used.
    """
    training, execution = resolve_execution(network, limits, training, execution)
    samples = epoch_samples(examples, training, positive)
    batches = TrainingBatches(examples=examples, samples=samples, training=training, micro_batch=execution.micro_batch)
    loop = TrainingLoop(Trainer(network, limits, training, batches.steps_per_epoch), batches, positive, callback)
    loop.ids, loop.memory = execution.ids, execution.memory
    device_batch_size = -(-min(execution.micro_batch or training.batch_size, training.batch_size) // len(devices()))
    evaluator = Evaluator(network, limits, validation, positive, device_batch_size) if validation is not None else None
    loop.run(network, evaluator, _create_checkpoint(execution, network, limits, batches))
    return loop.progress.history


def _create_checkpoint(
    execution: Execution, network: keras.Model, limits: tuple[float, float], batches: TrainingBatches
) -> Checkpoint:
    """Keeps the training, and with it what must be the same to continue it; a GPU may have another number."""
    execution_now = execution_record()
    record = {
        "training": asdict(batches.training),
        "micro_batch": batches.micro_batch,
        "devices": [name.partition(" ")[2] or name for name in execution_now["devices"]],
        "deterministic": execution_now["deterministic"],
        "limits": limits,
        "classes": np.bincount(batches.samples.labels).tolist(),
        "weights": [list(weight.shape) for weight in network.weights],
    }
    return Checkpoint(folder=execution.checkpoint, record=record, interval_seconds=execution.checkpoint_seconds)


class Evaluator:
    """The validation set, and the network's model that it is shown to, at most as many cases at once as in training."""

    def __init__(
        self, network: keras.Model, limits: tuple[float, float], validation: Examples, positive: int, batch_size: int
    ) -> None:
        self.predictor = Predictor(build_inference_model(network, limits), batch_size)
        self.validation = validation
        self.positive = positive

    def evaluate(self, training: Training) -> HistoryRow:
        """The validation columns of history.csv."""
        probabilities = self.predictor.predict(self.validation.images, self.validation.rows)
        metrics = validation_metrics(probabilities, self.validation.labels, self.positive, training)
        return {f"validation_{name}": value for name, value in metrics.items()}


class TrainingLoop:
    """A training on its way.

    Attributes:
        trainer: Of the network.
        batches: Of the training set.
        positive: Class whose recall is told.
        callback: Is told of every step and epoch.
        progress: Where it stands.
        ids: Names of the training cases, if they have any.
        memory: What the training takes, if that is known.
    """

    def __init__(self, trainer: Trainer, batches: TrainingBatches, positive: int, callback: Callback) -> None:
        self.trainer = trainer
        self.batches = batches
        self.positive = positive
        self.callback = callback
        self.progress = TrainingProgress()
        self.ids: NDArray[np.str_] | None = None
        self.memory: MemoryEstimate | None = None

    def run(self, network: keras.Model, evaluator: Evaluator | None, checkpoint: Checkpoint) -> None:
        """Goes on from where the checkpoint stands, to the end, and leaves the weights in the network."""
        training = self.batches.training
        self.progress = checkpoint.load(self.trainer.state) or self.progress
        for epoch in range(len(self.progress.history), training.epochs):
            if should_stop(self.progress.history, training.early_stopping):
                break
            row = self._train_epoch(epoch, checkpoint)
            network.set_weights(self.trainer.current_weights())
            row |= evaluator.evaluate(training) if evaluator else {}
            if math.isnan(row.get("validation_loss", 0.0)):
                raise divergence_error(f"the loss is nan on the validation set after epoch {epoch + 1}")
            self.progress.end_epoch(row, training.best_metric, network.get_weights())
            checkpoint.save(self.trainer.state, self.progress)
            self.callback.on_epoch(row)
        network.set_weights(self.progress.best_weights or self.trainer.current_weights())

    def _train_epoch(self, epoch: int, checkpoint: Checkpoint) -> HistoryRow:
        """One epoch, or what is left of it.

        What a step told is read when the next one is under way, so that an accelerator does not wait for the reading.
        """
        tally = self.progress.tally
        start = time.perf_counter() - tally.seconds
        pending: tuple[Batch, list[StepOutputs]] | None = None
        with closing(prefetch_items(self.batches.epoch_batches(epoch, tally.num_steps))) as batches:
            for batch in batches:
                outputs = self._train_batch(batch)
                if pending:
                    self._record_batch(epoch, *pending)
                pending = (batch, outputs)
                if checkpoint.is_due():
                    self._record_batch(epoch, *pending)
                    pending = None
                    tally.seconds = time.perf_counter() - start
                    checkpoint.save(self.trainer.state, self.progress)
        if pending:
            self._record_batch(epoch, *pending)
        means = {f"train_{name}": value for name, value in tally.means(self.positive).items()}
        seconds = time.perf_counter() - start
        rate = self.trainer.learning_rate()
        return {"epoch": epoch + 1, "seconds": seconds, "cases": tally.num_cases, "learning_rate": rate, **means}

    def _train_batch(self, batch: Batch) -> list[StepOutputs]:
        with self._translate_errors(batch):
            return self.trainer.step(batch.micro_batches)

    def _translate_errors(self, batch: Batch) -> AbstractContextManager[None]:
        return translate_errors(len(batch.micro_batches[0]["labels"]), self.batches.training.batch_size, self.memory)

    def _record_batch(self, epoch: int, batch: Batch, outputs: list[StepOutputs]) -> None:
        with self._translate_errors(batch):
            loss, counts = read_outputs(outputs)
        if not math.isfinite(loss):
            names = [str(row if self.ids is None else self.ids[row]) for row in batch.rows]
            raise divergence_error(f"the loss is {loss} in epoch {epoch + 1} at step {batch.number}", names)
        tally = self.progress.tally
        tally.add(loss, counts)
        self.callback.on_step(epoch + 1, tally.num_steps, self.batches.steps_per_epoch, tally.means(self.positive))
