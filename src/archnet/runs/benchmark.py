"""How fast an architecture trains on this machine, where the time goes, and how much memory it takes."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import asdict, dataclass, replace
from itertools import chain, count, islice
from typing import Any, Final

import numpy as np

from archnet.data import open_dataset
from archnet.files.progress import Progress, silent
from archnet.machine import peak_memory_bytes, reset_peak_memory, resident_memory_bytes
from archnet.network.backend import devices, is_on_gpu
from archnet.network.build import build
from archnet.network.training.batches import Examples, Step, Steps, entries_of
from archnet.network.training.failures import explained
from archnet.network.training.precision import with_precision
from archnet.network.training.prefetch import ahead
from archnet.network.training.speed import matmul_rate, seconds_of
from archnet.network.training.trainer import Trainer
from archnet.runs.micro_batch import passes
from archnet.runs.preparation import picked_for, plan_for, prepare
from archnet.spec.arch import Arch, PlannedLayer
from archnet.spec.augmentations import shape_problem
from archnet.spec.cost import cost_of
from archnet.spec.experiment import Experiment, Training
from archnet.spec.layers import Shape
from archnet.spec.memory import memory_of

PRODUCTS_PER_STEP: Final = 3
"""A step multiplies as much as three forward passes: one, and backward for the weights and for the layer before."""

NOISE_HU: Final = (-1000, 400)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Subject:
    """What is measured: a network, cases and training options.

    Attributes:
        arch: The architecture.
        plan: Its layers on these cases.
        training: The options.
        data: Where the cases are from, for people.
        examples: The training cases.
        limits: Raw values that become 0 and 1.
        num_classes: Classes of the data.
        positive: Class whose copies an augmentation may add.
    """

    arch: Arch
    plan: tuple[PlannedLayer, ...]
    training: Training
    data: str
    examples: Examples
    limits: tuple[float, float]
    num_classes: int
    positive: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """What `archnet bench` found; a share is the median over rounds in which both sides ran one after the other.

    Attributes:
        arch: Name of the architecture.
        data: Where the cases are from.
        input_shape: Channels last.
        batch_size: Cases a step.
        micro_batch: Cases that went through the network at once.
        precision: In which the network computed.
        num_steps: Steps of a round.
        num_rounds: Rounds.
        load: Processes that the machine was busy with, on average over a minute (1 for each core is full); null where
            the system doesn't tell.
        first_step_seconds: Of the first step, which builds the graph.
        step_samples_per_second: Of training on batches that lie in memory.
        pipeline_samples_per_second: Of training on batches that are gathered from the store meanwhile.
        pipeline_share: The second as a share of the first.
        matmul_macs_per_second: That one matrix multiplication reaches here in the same precision.
        matmul_share: Of that rate the network reaches, a step counted as three forward passes.
        memory_bytes: The process's peak above what it held before the network was built; null where not known, and
            on a GPU, which has its own memory.
        predicted_memory_bytes: What is predicted for that.
    """

    arch: str
    data: str
    input_shape: tuple[int, ...]
    batch_size: int
    micro_batch: int
    precision: str
    num_steps: int
    num_rounds: int
    load: float | None
    first_step_seconds: float
    step_samples_per_second: float
    pipeline_samples_per_second: float
    pipeline_share: float
    matmul_macs_per_second: float
    matmul_share: float
    memory_bytes: int | None
    predicted_memory_bytes: int

    def as_json(self) -> dict[str, Any]:
        """One JSON-ready object."""
        return {**asdict(self), "input_shape": list(self.input_shape)}


def subject_on_data(experiment: Experiment, progress: Progress = silent) -> Subject:
    """An experiment's network on its training set.

    Raises:
        ArchnetError: The data cannot be used, or the network does not fit them.
    """
    dataset = open_dataset(experiment.data, progress)
    experiment = picked_for(experiment, dataset)
    plan = plan_for(experiment, dataset)
    prepared = prepare(dataset, [experiment], progress)[0]
    members = np.flatnonzero(prepared.sets == "train")
    examples = Examples(
        images=prepared.seen(experiment), rows=prepared.rows[members], labels=prepared.cases.labels[members]
    )
    return Subject(
        arch=experiment.arch,
        plan=plan,
        training=experiment.training,
        data=experiment.data.name,
        examples=examples,
        limits=prepared.limits,
        num_classes=len(prepared.cases.classes),
        positive=prepared.cases.positive,
    )


def subject_on_noise(
    arch: Arch, training: Training, shape: Shape | None = None, num_classes: int = 2, num_batches: int = 4
) -> Subject:
    """A network on random HU.

    Args:
        arch: The architecture.
        training: The options; of an augmentation that nobody has asked for, what can act on the shape.
        shape: (height, width[, depth]); null is the architecture's own.
        num_classes: Classes.
        num_batches: So many full batches are there.

    Raises:
        DocumentError: The network does not fit the shape.
    """
    plan = arch.plan(shape, num_classes)
    if "augmentation" in training.auto:
        size = plan[0].input_shape[: arch.rank]
        entries = tuple(entry for entry in training.augmentation if shape_problem([entry], size) is None)
        training = replace(training, augmentation=entries)
    num_cases = num_batches * training.batch_size
    images = np.random.default_rng(0).integers(*NOISE_HU, (num_cases, *plan[0].input_shape), np.int16)
    rows = np.arange(num_cases)
    examples = Examples(images=images, rows=rows, labels=rows % num_classes)
    return Subject(
        arch=arch,
        plan=plan,
        training=training,
        data="noise",
        examples=examples,
        limits=NOISE_HU,
        num_classes=num_classes,
    )


def measure(subject: Subject, num_steps: int, num_rounds: int = 5, progress: Progress = silent) -> Measured:
    """Trains for some rounds of steps and tells how that went.

    Args:
        subject: What is measured.
        num_steps: Of each round; beyond an epoch the next one begins.
        num_rounds: In each, the same steps run on batches in memory and on batches gathered meanwhile.
        progress: Wraps the rounds.

    Raises:
        RunError: Memory does not suffice, or the device lacks what the options need.
    """
    memory, batch_size = memory_of(subject.plan, subject.training), subject.training.batch_size
    with explained(_at_once(subject), batch_size, memory):
        return _measured(subject, num_steps, num_rounds, progress)


def _at_once(subject: Subject) -> int:
    """Cases that go through the network at once, as `archnet run` would decide."""
    return passes(subject, subject.plan, on_accelerator=is_on_gpu(), num_devices=len(devices())).size


def _measured(subject: Subject, num_steps: int, num_rounds: int, progress: Progress) -> Measured:
    if subject.training.precision != "auto":
        matmul_rate(subject.training.precision)  # what it takes in memory is not the training's
    before = resident_memory_bytes()
    reset_peak_memory()
    pace = Pace(subject)
    first_seconds = seconds_of(pace.trainer, pace.steps_from(0, 1))
    numbers = progress(range(1 + num_rounds), "rounds", 1 + num_rounds)
    rounds = [pace.round(number, num_steps) for number in numbers][1:]  # the first one warms up
    peak = None if is_on_gpu() else peak_memory_bytes()
    in_memory, gathered, rates = np.array(rounds).T
    cost, batch_size = cost_of(subject.plan), subject.training.batch_size
    memory = memory_of(subject.plan, replace(subject.training, precision=pace.precision))
    return Measured(
        arch=subject.arch.name,
        data=subject.data,
        input_shape=tuple(subject.plan[0].input_shape),
        batch_size=batch_size,
        micro_batch=pace.micro_batch,
        precision=pace.precision,
        num_steps=num_steps,
        num_rounds=num_rounds,
        load=os.getloadavg()[0] if hasattr(os, "getloadavg") else None,
        first_step_seconds=first_seconds,
        step_samples_per_second=float(np.median(in_memory)),
        pipeline_samples_per_second=float(np.median(gathered)),
        pipeline_share=float(np.median(gathered / in_memory)),
        matmul_macs_per_second=float(np.median(rates)),
        matmul_share=float(np.median(PRODUCTS_PER_STEP * cost.num_macs * in_memory / rates)),
        memory_bytes=None if before is None or peak is None else peak - before,
        predicted_memory_bytes=memory.training(batch_size, pace.micro_batch),
    )


class Pace:
    """A network in training on its cases, timed.

    Attributes:
        trainer: Of the network.
        steps: Of the cases.
        precision: In which the network computes.
        micro_batch: Cases that go through the network at once.
    """

    def __init__(self, subject: Subject) -> None:
        training, examples = subject.training, subject.examples
        network = build(
            subject.arch,
            subject.plan[0].input_shape,
            subject.num_classes,
            seed=training.seed,
            batch_norm_momentum=training.batch_norm_momentum,
        )
        self.micro_batch = _at_once(subject)
        training = with_precision(network, subject.limits, training, min(self.micro_batch, len(examples)))
        entries = entries_of(examples, training, subject.positive)
        self.steps = Steps(examples=examples, entries=entries, training=training, micro_batch=self.micro_batch)
        self.trainer = Trainer(network, subject.limits, training, self.steps.num_steps)
        self.precision = training.precision

    def steps_from(self, epoch: int, num_steps: int) -> Iterator[Step]:
        """Steps from the beginning of an epoch on."""
        return islice(chain.from_iterable(map(self.steps.of_epoch, count(epoch))), num_steps)

    def round(self, number: int, num_steps: int) -> tuple[float, float, float]:
        """Samples a second of the same steps in memory and gathered meanwhile, and the rate of a multiplication.

        Either comes first in every other round, so that what changes on the machine meets both alike.
        """
        held = list(self.steps_from(number, num_steps))
        num_samples = sum(len(step.rows) for step in held)
        sides: list[Callable[[], float]] = [
            lambda: seconds_of(self.trainer, held),
            lambda: self._gathered_seconds(number, num_steps),
        ]
        order = (1, 0) if number % 2 else (0, 1)
        seconds = {side: sides[side]() for side in order}
        return num_samples / seconds[0], num_samples / seconds[1], matmul_rate(self.precision)

    def _gathered_seconds(self, epoch: int, num_steps: int) -> float:
        with closing(ahead(self.steps_from(epoch, num_steps))) as steps:
            return seconds_of(self.trainer, steps)
