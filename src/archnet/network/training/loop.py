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
from archnet.network.build import with_probabilities
from archnet.network.predict import Predictor
from archnet.network.training.batches import Examples, Step, Steps, entries_of
from archnet.network.training.checkpoint import Checkpoint, kept_record
from archnet.network.training.failures import diverged, explained
from archnet.network.training.precision import with_precision
from archnet.network.training.prefetch import ahead
from archnet.network.training.progress import Progress, Row, is_stopped
from archnet.network.training.trainer import Told, Trainer, told_values
from archnet.network.training.validation import validation_metrics
from archnet.spec.experiment import Training
from archnet.spec.memory import Memory


class Watcher(Protocol):
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
    memory: Memory | None = None


def settled(
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
    kept = kept_record(execution.checkpoint) or {}
    micro_batch = kept.get("micro_batch", execution.micro_batch)
    num_cases = min(micro_batch or training.batch_size, training.batch_size)
    precision = kept.get("training", {}).get("precision")
    with explained(num_cases, training.batch_size, execution.memory):
        training = with_precision(network, limits, training, num_cases, precision)
    return training, replace(execution, micro_batch=micro_batch)


def train(  # noqa: PLR0913 - the parts of an experiment meet here
    network: keras.Model,
    limits: tuple[float, float],
    examples: Examples,
    validation: Examples | None,
    training: Training,
    *,
    positive: int,
    watcher: Watcher,
    execution: Execution = Execution(),
) -> list[Row]:
    """Trains a network in place and leaves the weights in it that `best_metric` asks for.

    Args:
        network: Of `build`, with fresh weights.
        limits: Raw values that become 0 and 1.
        examples: The training set.
        validation: The validation set; null if there is none.
        training: The options.
        positive: Class whose recall is told.
        watcher: Is told of every step and epoch.
        execution: How it is carried out.

    Returns:
        The rows of history.csv, one an epoch.

    Raises:
        RunError: The loss is no longer a number, memory has run out, or the checkpoint cannot be used.
    """
    training, execution = settled(network, limits, training, execution)
    entries = entries_of(examples, training, positive)
    steps = Steps(examples=examples, entries=entries, training=training, micro_batch=execution.micro_batch)
    course = Course(Trainer(network, limits, training, steps.num_steps), steps, positive, watcher)
    course.ids, course.memory = execution.ids, execution.memory
    at_once = -(-min(execution.micro_batch or training.batch_size, training.batch_size) // len(devices()))
    judge = Judge(network, limits, validation, positive, at_once) if validation is not None else None
    course.run(network, judge, _checkpoint(execution, network, limits, steps))
    return course.progress.history


def _checkpoint(execution: Execution, network: keras.Model, limits: tuple[float, float], steps: Steps) -> Checkpoint:
    """Keeps the training, and with it what must be the same to continue it; a GPU may have another number."""
    here = execution_record()
    record = {
        "training": asdict(steps.training),
        "micro_batch": steps.micro_batch,
        "devices": [name.partition(" ")[2] or name for name in here["devices"]],
        "deterministic": here["deterministic"],
        "limits": limits,
        "classes": np.bincount(steps.entries.labels).tolist(),
        "weights": [list(weight.shape) for weight in network.weights],
    }
    return Checkpoint(folder=execution.checkpoint, record=record, seconds=execution.checkpoint_seconds)


class Judge:
    """The validation set, and the network's model that it is shown to, at most as many cases at once as in training."""

    def __init__(
        self, network: keras.Model, limits: tuple[float, float], validation: Examples, positive: int, at_once: int
    ) -> None:
        self.predictor = Predictor(with_probabilities(network, limits), at_once)
        self.validation = validation
        self.positive = positive

    def row(self, training: Training) -> Row:
        """The validation columns of history.csv."""
        probabilities = self.predictor.probabilities(self.validation.images, self.validation.rows)
        metrics = validation_metrics(probabilities, self.validation.labels, self.positive, training)
        return {f"validation_{name}": value for name, value in metrics.items()}


class Course:
    """A training on its way.

    Attributes:
        trainer: Of the network.
        steps: Of the training set.
        positive: Class whose recall is told.
        watcher: Is told of every step and epoch.
        progress: Where it stands.
        ids: Names of the training cases, if they have any.
        memory: What the training takes, if that is known.
    """

    def __init__(self, trainer: Trainer, steps: Steps, positive: int, watcher: Watcher) -> None:
        self.trainer = trainer
        self.steps = steps
        self.positive = positive
        self.watcher = watcher
        self.progress = Progress()
        self.ids: NDArray[np.str_] | None = None
        self.memory: Memory | None = None

    def run(self, network: keras.Model, judge: Judge | None, checkpoint: Checkpoint) -> None:
        """Goes on from where the checkpoint stands, to the end, and leaves the weights in the network."""
        training = self.steps.training
        self.progress = checkpoint.load(self.trainer.state) or self.progress
        for epoch in range(len(self.progress.history), training.epochs):
            if is_stopped(self.progress.history, training.early_stopping):
                break
            row = self._epoch(epoch, checkpoint)
            network.set_weights(self.trainer.current_weights())
            row |= judge.row(training) if judge else {}
            if math.isnan(row.get("validation_loss", 0.0)):
                raise diverged(f"the loss is nan on the validation set after epoch {epoch + 1}")
            self.progress.end_epoch(row, training.best_metric, network.get_weights())
            checkpoint.save(self.trainer.state, self.progress)
            self.watcher.on_epoch(row)
        network.set_weights(self.progress.best_weights or self.trainer.current_weights())

    def _epoch(self, epoch: int, checkpoint: Checkpoint) -> Row:
        """One epoch, or what is left of it.

        What a step told is read when the next one is under way, so that an accelerator does not wait for the reading.
        """
        tally = self.progress.tally
        start = time.perf_counter() - tally.seconds
        untold: tuple[Step, list[Told]] | None = None
        with closing(ahead(self.steps.of_epoch(epoch, tally.num_steps))) as steps:
            for step in steps:
                told = self._told(step)
                if untold:
                    self._tell(epoch, *untold)
                untold = (step, told)
                if checkpoint.is_due():
                    self._tell(epoch, *untold)
                    untold = None
                    tally.seconds = time.perf_counter() - start
                    checkpoint.save(self.trainer.state, self.progress)
        if untold:
            self._tell(epoch, *untold)
        means = {f"train_{name}": value for name, value in tally.means(self.positive).items()}
        seconds = time.perf_counter() - start
        rate = self.trainer.learning_rate()
        return {"epoch": epoch + 1, "seconds": seconds, "cases": tally.num_cases, "learning_rate": rate, **means}

    def _told(self, step: Step) -> list[Told]:
        with self._explained(step):
            return self.trainer.step(step.parts)

    def _explained(self, step: Step) -> AbstractContextManager[None]:
        return explained(len(step.parts[0]["labels"]), self.steps.training.batch_size, self.memory)

    def _tell(self, epoch: int, step: Step, told: list[Told]) -> None:
        with self._explained(step):
            loss, counts = told_values(told)
        if not math.isfinite(loss):
            names = [str(row if self.ids is None else self.ids[row]) for row in step.rows]
            raise diverged(f"the loss is {loss} in epoch {epoch + 1} at step {step.number}", names)
        tally = self.progress.tally
        tally.add(loss, counts)
        self.watcher.on_step(epoch + 1, tally.num_steps, self.steps.num_steps, tally.means(self.positive))
