"""A training before its first step: network, options with "auto" resolved, batches, trainer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import keras
import numpy as np
from numpy.typing import NDArray

from archnet.network.build.network import build
from archnet.network.examples import Examples
from archnet.network.initialization.initialize import InitialWeights, initialize
from archnet.network.training.batches import TrainingBatches, epoch_samples
from archnet.network.training.failures import translate_errors
from archnet.network.training.precision import resolve_precision
from archnet.network.training.trainer import Trainer
from archnet.spec.arch import Arch, PlannedLayer
from archnet.spec.experiment import Precision, Training
from archnet.spec.memory import MemoryEstimate
from archnet.spec.sampling import cases_at_once
from archnet.spec.view import InputLimits


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class TrainingData:
    """The cases that a network is trained and validated on.

    Attributes:
        limits: Raw values that are mapped to 0 and 1.
        examples: The training set.
        validation: The validation set; None if there is none.
        positive: Index of the positive class.
        classes: Names of the classes, for the history of more than two; if empty, values per class are omitted.
    """

    limits: InputLimits
    examples: Examples
    validation: Examples | None = None
    positive: int = 1
    classes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Execution:
    """Options for the execution of a training, which change results only by rounding.

    Attributes:
        micro_batch: Number of cases per micro-batch; None is a whole batch. Several devices divide these cases, and
            batch norm uses those of each device.
        precision: The compute dtype that was chosen when a resumed training began; None chooses it now.
        is_resumed: Whether the weights will come from a checkpoint.
        checkpoint: Folder of the checkpoint, from which the training resumes if it exists; None writes no checkpoint.
        checkpoint_seconds: Interval of checkpoints within an epoch; there is always one at the end of an epoch.
        keeps_weights_only: Whether the checkpoint of the finished training is reduced to its final weights, because
            other trainings of the same run follow.
        ids: (N,) names of the training cases, for messages.
        memory: Predicted memory of the training, for messages.
    """

    micro_batch: int | None = None
    precision: Precision | None = None
    is_resumed: bool = False
    checkpoint: Path | None = None
    checkpoint_seconds: float = 60.0
    keeps_weights_only: bool = False
    ids: NDArray[np.str_] | None = None
    memory: MemoryEstimate | None = None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class TrainingSetup:
    """A training that is ready to start.

    Attributes:
        network: The network with initial weights; it receives the trained weights at the end.
        data: Training and validation set.
        execution: How the training is executed.
        batches: The training set in batches, with every option resolved.
        trainer: Trains a twin of the network.
        initial: Origin of transferred weights; None if there are none, or they come from a checkpoint.
    """

    network: keras.Model
    data: TrainingData
    execution: Execution
    batches: TrainingBatches
    trainer: Trainer
    initial: InitialWeights | None = None

    @property
    def training(self) -> Training:
        """The options, with every "auto" resolved."""
        return self.batches.training


def build_training(
    arch: Arch,
    plan: Sequence[PlannedLayer],
    num_classes: int,
    data: TrainingData,
    training: Training,
    execution: Execution,
) -> TrainingSetup:
    """Build a network and set up its training; see `set_up_training`.

    Args:
        arch: The architecture.
        plan: Its planned layers for these data.
        num_classes: Number of classes of the data.
        data: Training and validation set.
        training: The options.
        execution: How the training is executed.

    Raises:
        RunError: The initial weights cannot be used, or memory has run out.
    """
    network = build(
        arch,
        data.examples.images.shape[1:],
        num_classes,
        plan=plan,
        seed=training.seed,
        batch_norm_momentum=training.batch_norm_momentum,
    )
    initial = initialize(network, training.init) if training.init and not execution.is_resumed else None
    return replace(set_up_training(network, data, training, execution), initial=initial)


def set_up_training(
    network: keras.Model, data: TrainingData, training: Training, execution: Execution
) -> TrainingSetup:
    """Resolve "auto" for this machine, and create the trainer.

    Args:
        network: Result of `build`, with initial weights.
        data: Training and validation set.
        training: The options.
        execution: How the training is executed.

    Raises:
        RunError: Memory has run out in the trial of the precision "auto", or this machine computes a layer incorrectly
            in the precision.
    """
    num_cases = cases_at_once(training.batch_size, execution.micro_batch)
    with translate_errors(num_cases, training.batch_size, execution.memory):
        training = resolve_precision(network, data.limits, training, num_cases, execution.precision)
    samples = epoch_samples(data.examples, training, data.positive)
    batches = TrainingBatches(
        examples=data.examples,
        samples=samples,
        training=training,
        num_classes=max(2, network.output_shape[-1]),
        micro_batch=execution.micro_batch,
    )
    trainer = Trainer(network, data.limits, training, batches.steps_per_epoch)
    return TrainingSetup(network=network, data=data, execution=execution, batches=batches, trainer=trainer)
