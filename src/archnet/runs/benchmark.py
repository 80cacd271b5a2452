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
from archnet.network.training.batches import Batch, Examples, TrainingBatches, epoch_samples
from archnet.network.training.failures import translate_errors
from archnet.network.training.precision import resolve_precision
from archnet.network.training.prefetch import prefetch_items
from archnet.network.training.speed import measure_matmul_rate, measure_seconds
from archnet.network.training.trainer import Trainer
from archnet.runs.micro_batch import choose_micro_batch
from archnet.runs.preparation import plan_network, prepare, resolve_auto_from_data
from archnet.spec.arch import Arch, PlannedLayer
from archnet.spec.augmentations import shape_problem
from archnet.spec.cost import network_cost
from archnet.spec.experiment import Experiment, Training
from archnet.spec.layers import Shape
from archnet.spec.memory import estimate_memory

PRODUCTS_PER_STEP: Final = 3
"""A step multiplies as much as three forward passes: one, and backward for the weights and for the layer before."""

NOISE_HU: Final = (-1000, 400)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Workload:
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
class BenchmarkResult:
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


def load_data_workload(experiment: Experiment, progress: Progress = silent) -> Workload:
    """An experiment's network on its training set.

    Raises:
        ArchnetError: The data cannot be used, or the network does not fit them.
    """
    dataset = open_dataset(experiment.data, progress)
    experiment = resolve_auto_from_data(experiment, dataset)
    plan = plan_network(experiment, dataset)
    prepared = prepare(dataset, [experiment], progress)[0]
    members = np.flatnonzero(prepared.sets == "train")
    examples = Examples(
        images=prepared.network_input(experiment), rows=prepared.rows[members], labels=prepared.cases.labels[members]
    )
    return Workload(
        arch=experiment.arch,
        plan=plan,
        training=experiment.training,
        data=experiment.data.name,
        examples=examples,
        limits=prepared.limits,
        num_classes=len(prepared.cases.classes),
        positive=prepared.cases.positive,
    )


def make_noise_workload(
    arch: Arch, training: Training, shape: Shape | None = None, num_classes: int = 2, num_batches: int = 4
) -> Workload:
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
    return Workload(
        arch=arch,
        plan=plan,
        training=training,
        data="noise",
        examples=examples,
        limits=NOISE_HU,
        num_classes=num_classes,
    )


def measure(workload: Workload, num_steps: int, num_rounds: int = 5, progress: Progress = silent) -> BenchmarkResult:
    """Trains for some rounds of steps and tells how that went.

    Args:
        workload: What is measured.
        num_steps: Of each round; beyond an epoch the next one begins.
        num_rounds: In each, the same steps run on batches in memory and on batches gathered meanwhile.
        progress: Wraps the rounds.

    Raises:
        RunError: Memory does not suffice, or the device lacks what the options need.
    """
    memory, batch_size = estimate_memory(workload.plan, workload.training), workload.training.batch_size
    with translate_errors(_micro_batch_size(workload), batch_size, memory):
        return _measure_rounds(workload, num_steps, num_rounds, progress)


def _micro_batch_size(workload: Workload) -> int:
    """Cases that go through the network at once, as `archnet run` would decide."""
    return choose_micro_batch(workload, workload.plan, on_accelerator=is_on_gpu(), num_devices=len(devices())).size


def _measure_rounds(workload: Workload, num_steps: int, num_rounds: int, progress: Progress) -> BenchmarkResult:
    if workload.training.precision != "auto":
        measure_matmul_rate(workload.training.precision)  # what it takes in memory is not the training's
    before = resident_memory_bytes()
    reset_peak_memory()
    timed_training = TimedTraining(workload)
    first_seconds = measure_seconds(timed_training.trainer, timed_training.iterate_steps(0, 1))
    numbers = progress(range(1 + num_rounds), "rounds", 1 + num_rounds)
    rounds = [timed_training.time_round(number, num_steps) for number in numbers][1:]  # the first one warms up
    peak = None if is_on_gpu() else peak_memory_bytes()
    step_rates, pipeline_rates, matmul_rates = np.array(rounds).T
    cost, batch_size = network_cost(workload.plan), workload.training.batch_size
    memory = estimate_memory(workload.plan, replace(workload.training, precision=timed_training.precision))
    return BenchmarkResult(
        arch=workload.arch.name,
        data=workload.data,
        input_shape=tuple(workload.plan[0].input_shape),
        batch_size=batch_size,
        micro_batch=timed_training.micro_batch,
        precision=timed_training.precision,
        num_steps=num_steps,
        num_rounds=num_rounds,
        load=os.getloadavg()[0] if hasattr(os, "getloadavg") else None,
        first_step_seconds=first_seconds,
        step_samples_per_second=float(np.median(step_rates)),
        pipeline_samples_per_second=float(np.median(pipeline_rates)),
        pipeline_share=float(np.median(pipeline_rates / step_rates)),
        matmul_macs_per_second=float(np.median(matmul_rates)),
        matmul_share=float(np.median(PRODUCTS_PER_STEP * cost.num_macs * step_rates / matmul_rates)),
        memory_bytes=None if before is None or peak is None else peak - before,
        predicted_memory_bytes=memory.training_bytes(batch_size, timed_training.micro_batch),
    )


class TimedTraining:
    """A network in training on its cases, timed.

    Attributes:
        trainer: Of the network.
        steps: Of the cases.
        precision: In which the network computes.
        micro_batch: Cases that go through the network at once.
    """

    def __init__(self, workload: Workload) -> None:
        training, examples = workload.training, workload.examples
        network = build(
            workload.arch,
            workload.plan[0].input_shape,
            workload.num_classes,
            seed=training.seed,
            batch_norm_momentum=training.batch_norm_momentum,
        )
        self.micro_batch = _micro_batch_size(workload)
        training = resolve_precision(network, workload.limits, training, min(self.micro_batch, len(examples)))
        entries = epoch_samples(examples, training, workload.positive)
        self.steps = TrainingBatches(
            examples=examples, samples=entries, training=training, micro_batch=self.micro_batch
        )
        self.trainer = Trainer(network, workload.limits, training, self.steps.steps_per_epoch)
        self.precision = training.precision

    def iterate_steps(self, epoch: int, num_steps: int) -> Iterator[Batch]:
        """Steps from the beginning of an epoch on."""
        return islice(chain.from_iterable(map(self.steps.epoch_batches, count(epoch))), num_steps)

    def time_round(self, number: int, num_steps: int) -> tuple[float, float, float]:
        """Samples a second of the same steps in memory and gathered meanwhile, and the rate of a multiplication.

        Either comes first in every other round, so that what changes on the machine meets both alike.
        """
        steps_in_memory = list(self.iterate_steps(number, num_steps))
        num_samples = sum(len(step.rows) for step in steps_in_memory)
        sides: list[Callable[[], float]] = [
            lambda: measure_seconds(self.trainer, steps_in_memory),
            lambda: self._pipeline_seconds(number, num_steps),
        ]
        order = (1, 0) if number % 2 else (0, 1)
        seconds = {side: sides[side]() for side in order}
        return num_samples / seconds[0], num_samples / seconds[1], measure_matmul_rate(self.precision)

    def _pipeline_seconds(self, epoch: int, num_steps: int) -> float:
        with closing(prefetch_items(self.iterate_steps(epoch, num_steps))) as steps:
            return measure_seconds(self.trainer, steps)
