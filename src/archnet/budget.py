"""How a batch of an experiment goes through its network within the memory that the process may take."""

from __future__ import annotations

import logging
from collections.abc import Sequence

from archnet.errors import RunError
from archnet.machine import free_memory_bytes
from archnet.spec.arch import PlannedLayer
from archnet.spec.experiment import Experiment
from archnet.spec.layers import BatchNorm, Convolution, FullyConnected, Residual
from archnet.spec.memory import MicroBatch, bytes_of, gigabytes, memory_of, micro_batch

log = logging.getLogger("archnet.device")


def passes(experiment: Experiment, plan: tuple[PlannedLayer, ...], *, on_accelerator: bool = False) -> MicroBatch:
    """How a batch goes through the network; by default within what is free on this machine.

    Args:
        experiment: Its `training` decides.
        plan: The network's layers.
        on_accelerator: The network's memory is not the process's, so that only `training.memory` limits it.

    Raises:
        RunError: One case alone takes more.
    """
    training = experiment.training
    budget = free_memory_bytes() if training.memory is None else bytes_of(training.memory)
    if training.memory is None and on_accelerator:
        budget = None
    try:
        return micro_batch(memory_of(plan, training), training.batch_size, budget)
    except ValueError as error:
        told = "on this machine" if training.memory is None else f"training.memory {training.memory}"
        free = f"{gigabytes(budget or 0)} are free" if training.memory is None else "is too little"
        raise RunError(f"{experiment.arch.name}: {told} {free}: {error}") from None


def tell(micro: MicroBatch, plan: Sequence[PlannedLayer], *, is_own_budget: bool) -> None:
    """Writes the plan into the log, with what it changes.

    Args:
        micro: Of `passes`.
        plan: The network's layers.
        is_own_budget: Nobody has set the budget.
    """
    log.info(micro.told())
    if micro.num_parts == 1:
        return
    if is_own_budget:
        log.warning(
            "a whole batch does not fit into the memory that is free now, so it goes through the network in parts. "
            f'To get the same parts again, give training.memory, such as "{gigabytes(micro.budget_bytes or 0)}".'
        )
    if any(has_batch_norm(row) for row in plan):
        log.warning(
            f"batch norm takes its statistics from the {micro.size} cases that go through the network at once, not "
            f"from the {micro.batch_size} of the batch, so the result is not that of a whole batch. Give more memory, "
            f"or set training.batch_size to {micro.size} and a lower learning rate."
        )


def has_batch_norm(row: PlannedLayer) -> bool:
    """Whether a layer normalises over the cases that go through the network at once."""
    layer = row.layer
    return isinstance(layer, BatchNorm) or (
        isinstance(layer, Convolution | FullyConnected | Residual) and layer.batch_norm
    )
