"""Split the batches of an experiment into micro-batches that fit the memory of the process."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import replace
from math import ceil
from typing import Protocol

from archnet.errors import RunError
from archnet.machine import free_memory_bytes
from archnet.spec.arch import Arch, PlannedLayer
from archnet.spec.experiment import Training
from archnet.spec.memory import MicroBatch, estimate_memory, gigabytes_text, parse_bytes, plan_micro_batches

log = logging.getLogger("archnet.device")


class TrainingSpec(Protocol):
    """An architecture with training options, such as an experiment."""

    @property
    def arch(self) -> Arch:
        """The architecture."""

    @property
    def training(self) -> Training:
        """The options."""


def choose_micro_batch(
    experiment: TrainingSpec, plan: tuple[PlannedLayer, ...], *, on_accelerator: bool = False, num_devices: int = 1
) -> MicroBatch:
    """Choose the micro-batch size, by default for the free memory of this machine.

    Args:
        experiment: The experiment with its training options.
        plan: The network's layers.
        on_accelerator: Whether the network uses the memory of a device, so that only `training.memory` limits it.
        num_devices: Number of devices that share the cases; the budget and the peak are those of each device.

    Raises:
        RunError: A single case exceeds the limit.
    """
    training = experiment.training
    budget = free_memory_bytes() if training.memory is None else parse_bytes(training.memory)
    if training.memory is None and on_accelerator:
        budget = None
    try:
        share = plan_micro_batches(estimate_memory(plan, training), ceil(training.batch_size / num_devices), budget)
        size = min(share.size * num_devices, training.batch_size)
        return replace(share, batch_size=training.batch_size, size=size)
    except ValueError as error:
        limit_text = "on this machine" if training.memory is None else f"training.memory {training.memory}"
        shortage_text = f"{gigabytes_text(budget or 0)} are free" if training.memory is None else "is too little"
        raise RunError(f"{experiment.arch.name}: {limit_text} {shortage_text}: {error}") from None


def restore_micro_batch(
    micro: MicroBatch, size: int, experiment: TrainingSpec, plan: tuple[PlannedLayer, ...], num_devices: int = 1
) -> MicroBatch:
    """The micro-batches of a resumed training: those of its start, regardless of the currently free memory.

    Args:
        micro: Result of `choose_micro_batch`.
        size: Number of cases per micro-batch.
        experiment: The experiment with its training options.
        plan: The network's layers.
        num_devices: Number of devices that share the cases.
    """
    memory, batch_size = estimate_memory(plan, experiment.training), experiment.training.batch_size
    return replace(
        micro, size=size, peak_bytes=memory.peak_bytes(ceil(batch_size / num_devices), ceil(size / num_devices))
    )


def log_micro_batch(
    micro: MicroBatch, plan: Sequence[PlannedLayer], *, is_default_budget: bool, num_devices: int = 1
) -> None:
    """Log the micro-batches and their effects.

    Args:
        micro: Result of `choose_micro_batch`.
        plan: The network's layers.
        is_default_budget: Whether the budget is the machine's free memory.
        num_devices: Number of devices that share the cases.
    """
    log.info(micro.describe())
    if num_devices > 1:
        log.info(f"{num_devices} devices share each batch and sum their gradients; the memory is per device.")
    cases_per_device = ceil(micro.size / num_devices)
    if cases_per_device == micro.batch_size:
        return
    if is_default_budget and micro.num_micro_batches > 1:
        log.warning(
            "a whole batch does not fit in the free memory, so gradients are accumulated over micro-batches. "
            f'To get the same micro-batches again, set training.memory to "{gigabytes_text(micro.budget_bytes or 0)}".'
        )
    if any(row.layer.normalizes_batch(row.input_shape) for row in plan):
        log.warning(
            f"batch norm statistics are computed over {cases_per_device} cases"
            f"{' per device' * (num_devices > 1)}, not over the full batch of {micro.batch_size}, so results "
            f"differ from those without splitting. {_remedy(micro, num_devices)}."
        )


def _remedy(micro: MicroBatch, num_devices: int) -> str:
    if micro.num_micro_batches == 1:
        return "Use one device, or multiply the batch size by the number of devices"
    smaller = f"set training.batch_size to {micro.size} and a lower learning rate"
    return ("Allow more memory, or " if num_devices == 1 else "Use one device, allow more memory, or ") + smaller
