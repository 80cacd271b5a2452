"""Benchmark of a network on this machine: training speed, time in the input pipeline, and memory."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass, replace
from itertools import chain, count, islice
from typing import Any, Final

import numpy as np

from archnet.files.progress import Progress, no_progress
from archnet.machine import peak_memory_bytes, reset_peak_memory, resident_memory_bytes
from archnet.network.backend import devices, is_on_gpu
from archnet.network.prefetch import prefetch_items
from archnet.network.timing.steps import measure_matmul_rate, measure_seconds
from archnet.network.training.batches import Batch
from archnet.network.training.failures import translate_errors
from archnet.network.training.setup import Execution, TrainingData, build_training
from archnet.runs.benchmark.workload import Workload
from archnet.runs.planning.micro_batch import choose_micro_batch
from archnet.spec.cost import network_cost
from archnet.spec.layers.planned_layer import plan_input_shape
from archnet.spec.memory import estimate_memory

PRODUCTS_PER_STEP: Final = 3
"""A training step has the multiply-adds of three forward passes: one forward, and backward for weights and inputs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BenchmarkResult:
    """The result of `archnet bench`; shares are medians over rounds that measure both sides one after the other.

    Attributes:
        arch: Name of the architecture.
        data: Name of the data.
        input_shape: Channels last.
        batch_size: Number of cases per step.
        micro_batch: Number of cases per micro-batch.
        precision: The compute dtype.
        num_steps: Number of steps per round.
        num_rounds: Number of rounds.
        load: Load average of the machine over a minute (1 per core is full load); None if the system has none.
        first_step_seconds: Time of the first step, which builds the graph.
        step_samples_per_second: Training speed with batches in memory.
        pipeline_samples_per_second: Training speed with batches read from the crop store.
        pipeline_share: The second speed as a share of the first.
        matmul_macs_per_second: Rate of a matrix multiplication on this machine in the same precision.
        matmul_share: Share of that rate that the network reaches, a step counted as three forward passes.
        memory_bytes: Peak memory of the process above its memory before the network was built; None if unknown, and on
            a GPU, which has its own memory.
        predicted_memory_bytes: Predicted value of `memory_bytes`.
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

    def to_document(self) -> dict[str, Any]:
        """One JSON-ready object."""
        return {**asdict(self), "input_shape": list(self.input_shape)}


def measure(
    workload: Workload, num_steps: int, num_rounds: int = 5, progress: Progress = no_progress
) -> BenchmarkResult:
    """Train for some rounds of steps and measure.

    Args:
        workload: The network, cases and options.
        num_steps: Number of steps per round, over several epochs if necessary.
        num_rounds: Number of rounds; each runs the same steps on batches in memory and through the pipeline.
        progress: Wraps the rounds.

    Raises:
        RunError: There is not enough memory, or the device does not support the options.
    """
    memory, batch_size = estimate_memory(workload.plan, workload.training), workload.training.batch_size
    with translate_errors(_micro_batch_size(workload), batch_size, memory):
        return _measure_rounds(workload, num_steps, num_rounds, progress)


def _micro_batch_size(workload: Workload) -> int:
    """The micro-batch size that `archnet run` would choose."""
    return choose_micro_batch(workload, workload.plan, on_accelerator=is_on_gpu(), num_devices=len(devices())).size


def _measure_rounds(workload: Workload, num_steps: int, num_rounds: int, progress: Progress) -> BenchmarkResult:
    if workload.training.precision != "auto":
        measure_matmul_rate(workload.training.precision)  # its memory is not that of the training
    before = resident_memory_bytes()
    reset_peak_memory()
    timed_training = TimedTraining(workload)
    first_seconds = measure_seconds(timed_training.trainer, timed_training.iterate_steps(0, 1))
    numbers = progress(range(1 + num_rounds), "rounds", 1 + num_rounds)
    rounds = [timed_training.time_round(number, num_steps) for number in numbers][1:]  # the first one is a warm-up
    peak = None if is_on_gpu() else peak_memory_bytes()
    batch_size, micro_batch = workload.training.batch_size, timed_training.micro_batch
    memory = estimate_memory(workload.plan, replace(workload.training, precision=timed_training.precision))
    return BenchmarkResult(
        arch=workload.arch.name,
        data=workload.data,
        input_shape=plan_input_shape(workload.plan),
        batch_size=batch_size,
        micro_batch=micro_batch,
        precision=timed_training.precision,
        num_steps=num_steps,
        num_rounds=num_rounds,
        load=os.getloadavg()[0] if hasattr(os, "getloadavg") else None,
        first_step_seconds=first_seconds,
        **_median_rates(rounds, network_cost(workload.plan).num_macs),
        memory_bytes=None if before is None or peak is None else peak - before,
        predicted_memory_bytes=memory.training_bytes(batch_size, micro_batch),
    )


def _median_rates(rounds: Sequence[tuple[float, float, float]], num_macs: int) -> dict[str, float]:
    """The fields of `BenchmarkResult` that are medians over rounds of `TimedTraining.time_round`."""
    step_rates, pipeline_rates, matmul_rates = np.array(rounds).T
    values = {
        "step_samples_per_second": step_rates,
        "pipeline_samples_per_second": pipeline_rates,
        "pipeline_share": pipeline_rates / step_rates,
        "matmul_macs_per_second": matmul_rates,
        "matmul_share": PRODUCTS_PER_STEP * num_macs * step_rates / matmul_rates,
    }
    return {name: float(np.median(value)) for name, value in values.items()}


class TimedTraining:
    """A training of a workload that can be timed.

    Attributes:
        trainer: The network's trainer.
        steps: The batches.
        precision: The compute dtype.
        micro_batch: Number of cases per micro-batch.
    """

    def __init__(self, workload: Workload) -> None:
        self.micro_batch = _micro_batch_size(workload)
        data = TrainingData(limits=workload.limits, examples=workload.examples, positive=workload.positive)
        execution = Execution(micro_batch=self.micro_batch)
        setup = build_training(workload.arch, workload.plan, workload.num_classes, data, workload.training, execution)
        self.steps, self.trainer, self.precision = setup.batches, setup.trainer, setup.training.precision

    def iterate_steps(self, epoch: int, num_steps: int) -> Iterator[Batch]:
        """The first steps from the beginning of an epoch."""
        return islice(chain.from_iterable(map(self.steps.epoch_batches, count(epoch))), num_steps)

    def time_round(self, number: int, num_steps: int) -> tuple[float, float, float]:
        """Samples per second in memory and through the pipeline for the same steps, and the matrix multiplication rate.

        The two alternate in running first, so that changes of the machine's load affect both equally.
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
