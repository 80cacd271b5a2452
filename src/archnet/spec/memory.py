"""Predict the memory of a training, and plan the micro-batches that fit into a budget.

The prediction counts the tensors that TensorFlow keeps on a CPU. It is calibrated against measured peaks of resident
memory; see `experiments/bench_memory.py`. TensorFlow does not return memory to the system, so the peak is decisive.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from math import ceil, prod
from typing import Final

from archnet.files.documents.json_text import json_text
from archnet.files.strict_json import path_text
from archnet.spec.arch import PlannedLayer
from archnet.spec.experiment import Training
from archnet.spec.layers.planned_layer import count_parameters, plan_input_shape
from archnet.spec.optimizers import OPTIMIZERS
from archnet.spec.sampling import cases_at_once

FLOAT_BYTES: Final = 4
"""Number of bytes of a float32 value."""

PROCESS_BYTES: Final = 850_000_000
"""Memory of `archnet run` before it builds a network: Python, TensorFlow and the libraries for data and reports."""

HEADROOM: Final = 0.15
"""Share of a budget that a plan leaves free: predictions can be too low, and peaks vary by 10% between runs."""

_WEIGHT_COPIES: Final = 6.5
"""Copies of the weights: network, training twin, gradient, and temporary copies for updating and reading."""

_COPIES_PER_SLOT: Final = 1.5
"""Copies of the weights per optimizer slot, with its share of the update."""

_EMA_COPIES: Final = 3.25
_ACCUMULATOR_COPIES: Final = 1.25
_BEST_WEIGHTS_COPIES: Final = 2.0

_NUM_PREFETCHED_BATCHES: Final = 5
"""Number of whole batches: one being gathered, two ready, one in the network, one whose loss is being read."""

_RAW_BYTES: Final = 2
"""Bytes of a prefetched voxel: HU are int16."""

_INPUT_VALUES: Final = 3
"""float32 values per voxel while an image is scaled."""

_AUGMENTED_VALUES: Final = 16
"""float32 values per voxel while an image is augmented: the positions of a rotation and the gathered values."""

_MIXED_VALUES: Final = 5
"""float32 values per voxel while an image is mixed with its partner: those of the partner, and both products."""

_MEMORY_SIZE: Final = re.compile(r"(\d+(?:\.\d+)?) ?(?:([kKMGT])(i?))?B?")


def parse_bytes(memory: str | int) -> int:
    """Parse the value of `training.memory` to bytes.

    >>> parse_bytes("4GB"), parse_bytes("1.5 GiB"), parse_bytes(2048)
    (4000000000, 1610612736, 2048)

    Raises:
        ValueError: The text is not a number of bytes.
    """
    match = _MEMORY_SIZE.fullmatch(str(memory))
    if match is None:
        raise ValueError(
            f'{json_text(str(memory))} is not a memory size. Use "4GB", "512MB", "2GiB" or a number of bytes.'
        )
    number, prefix, is_binary = match.groups()
    if len(number) > 20:
        raise ValueError(
            f'"{number[:20]}..." is a number of {len(number):,} characters, more memory than any machine has.'
        )
    power = "kMGT".index(prefix.replace("K", "k")) + 1 if prefix else 0
    return round(float(number) * (1024.0 if is_binary else 1000.0) ** power)


@dataclass(frozen=True, slots=True, kw_only=True)
class MemoryEstimate:
    """Predicted memory of the training of a planned network, in bytes.

    Attributes:
        weight_bytes: Weights, gradients, the optimizer's slots, averages and best weights.
        accumulator_bytes: Gradient sums, if a batch is split into micro-batches.
        prefetch_bytes_per_case: Memory per case in the batches that are gathered in the background.
        network_bytes_per_case: Memory per case in the network: values stored for the backward pass, and the peak of
            temporary values.
        largest_layer: The layer with the largest share of that, with its location, such as "ATT at $.layers[3]".
        largest_layer_bytes: Memory of that layer.
    """

    weight_bytes: int
    accumulator_bytes: int
    prefetch_bytes_per_case: int
    network_bytes_per_case: int
    largest_layer: str = field(default="", compare=False)
    largest_layer_bytes: int = 0

    def training_bytes(self, batch_size: int, micro_batch: int | None = None) -> int:
        """Peak memory of a training, without the process itself.

        Args:
            batch_size: Number of cases per step.
            micro_batch: Number of cases per micro-batch; null is the whole batch.
        """
        num_at_once = cases_at_once(batch_size, micro_batch)
        accumulators = self.accumulator_bytes if num_at_once < batch_size else 0
        return (
            self.weight_bytes
            + accumulators
            + batch_size * self.prefetch_bytes_per_case
            + num_at_once * self.network_bytes_per_case
        )

    def peak_bytes(self, batch_size: int, micro_batch: int | None = None) -> int:
        """Peak resident memory of the training process; see `training_bytes`."""
        return PROCESS_BYTES + self.training_bytes(batch_size, micro_batch)


def estimate_memory(plan: tuple[PlannedLayer, ...], training: Training | None = None) -> MemoryEstimate:
    """Predict the memory of a training.

    Args:
        plan: Result of `Arch.plan`.
        training: The options; null uses the default ones.
    """
    training = training or Training()
    weights = FLOAT_BYTES * count_parameters(plan)
    voxels = prod(plan_input_shape(plan))
    value_bytes = FLOAT_BYTES if training.precision in ("float32", "auto") else FLOAT_BYTES // 2
    image = voxels * (
        _INPUT_VALUES + (_MIXED_VALUES if training.mixup else 0) + (_AUGMENTED_VALUES if training.augmentation else 0)
    )
    num_images = 2 if training.mixup else 1
    largest = max(plan, key=_num_own_values)
    return MemoryEstimate(
        weight_bytes=round(weights * _weight_copies(training)),
        accumulator_bytes=round(weights * _ACCUMULATOR_COPIES),
        prefetch_bytes_per_case=num_images * voxels * _RAW_BYTES * _NUM_PREFETCHED_BATCHES,
        network_bytes_per_case=round(FLOAT_BYTES * image + value_bytes * _num_peak_values(plan)),
        largest_layer=f"{largest.type} at {path_text(largest.path)}",
        largest_layer_bytes=round(value_bytes * _num_own_values(largest)),
    )


def _num_own_values(row: PlannedLayer) -> float:
    return row.num_stored_values + row.num_transient_values


def _weight_copies(training: Training) -> float:
    return (
        _WEIGHT_COPIES
        + _COPIES_PER_SLOT * OPTIMIZERS[training.optimizer].slots(training.momentum)
        + (_EMA_COPIES if training.ema is not None else 0)
        + (_BEST_WEIGHTS_COPIES if training.best_metric else 0)
        + (training.members - 1)  # the trained networks of an ensemble
    )


def _num_peak_values(plan: tuple[PlannedLayer, ...]) -> float:
    """Maximum number of values per case at any time of the backward pass.

    The backward pass starts with all stored values, and frees those of each layer after processing it.
    """
    pending = {(row.path, row.repeat): row.num_pending_gradients for row in plan}
    num_repeats = {row.path: len(row.repeat) for row in plan}
    stored = peak = 0.0
    for number, row in enumerate(plan):
        stored += row.num_stored_values
        if number and _is_overwritten(plan[number - 1], row):
            stored -= row.num_planes * prod(row.input_shape)
        outer_paths = (path for end in range(len(row.path)) if (path := row.path[:end]) in num_repeats)
        num_pending = sum(pending[path, row.repeat[: num_repeats[path]]] for path in outer_paths)
        is_first = row.path == plan[0].path[: len(row.path)]
        num_transient = row.num_transient_values + (0 if is_first else row.num_input_gradients)
        peak = max(peak, stored + num_transient + num_pending)
    return peak


def _is_overwritten(before: PlannedLayer, row: PlannedLayer) -> bool:
    """Whether a layer's output overwrites that of the previous layer in the same list."""
    is_in_front = before.path == (*row.path[:-1], int(row.path[-1]) - 1)
    return is_in_front and row.layer.overwrites_input and not before.layer.is_output_stored


@dataclass(frozen=True, slots=True, kw_only=True)
class MicroBatch:
    """The split of a batch into micro-batches.

    Attributes:
        batch_size: Number of cases per step.
        size: Number of cases per micro-batch.
        peak_bytes: Predicted peak resident memory of the process.
        budget_bytes: Limit on that memory; null means no limit.
    """

    batch_size: int
    size: int
    peak_bytes: int
    budget_bytes: int | None

    @property
    def num_micro_batches(self) -> int:
        """Number of micro-batches per step."""
        return ceil(self.batch_size / self.size)

    def describe(self) -> str:
        """Describe the plan in one sentence."""
        peak = f"predicted peak memory {gigabytes_text(self.peak_bytes)}"
        budget = "" if self.budget_bytes is None else f" of {gigabytes_text(self.budget_bytes)}"
        if self.num_micro_batches == 1:
            return f"batch size {self.batch_size}, no gradient accumulation; {peak}{budget}."
        return (
            f"batch size {self.batch_size}: gradient accumulation over {self.num_micro_batches} micro-batches "
            f"of at most {self.size} cases; {peak}{budget}."
        )

    def to_document(self) -> dict[str, int | None]:
        """The plan as a JSON-ready object."""
        return {
            "batch_size": self.batch_size,
            "micro_batch": self.size,
            "parts": self.num_micro_batches,
            "training_bytes": self.peak_bytes,
            "memory_bytes": self.budget_bytes,
        }


def plan_micro_batches(memory: MemoryEstimate, batch_size: int, budget_bytes: int | None = None) -> MicroBatch:
    """Split a batch into the fewest micro-batches, of similar sizes, whose predicted peak is within a budget.

    Args:
        memory: Result of `estimate_memory`.
        batch_size: Number of cases per step.
        budget_bytes: Limit on the memory of the whole process; null means no limit.

    Raises:
        ValueError: One case alone does not fit.
    """
    size = batch_size
    limit_bytes = None if budget_bytes is None else (1 - HEADROOM) * budget_bytes
    if limit_bytes is not None and memory.peak_bytes(batch_size) > limit_bytes:
        spare_bytes = limit_bytes - memory.peak_bytes(batch_size, 1)
        if spare_bytes < 0:
            raise ValueError(_out_of_budget_message(memory, batch_size))
        max_size = 1 + int(spare_bytes // memory.network_bytes_per_case)
        size = ceil(batch_size / ceil(batch_size / max_size))
    return MicroBatch(
        batch_size=batch_size, size=size, peak_bytes=memory.peak_bytes(batch_size, size), budget_bytes=budget_bytes
    )


def _out_of_budget_message(memory: MemoryEstimate, batch_size: int) -> str:
    needed = memory.peak_bytes(batch_size, 1)
    parts = {
        "the process": PROCESS_BYTES,
        "weights and gradients": memory.weight_bytes + memory.accumulator_bytes,
        "the cases that are read ahead": batch_size * memory.prefetch_bytes_per_case,
        "one case in the network": memory.network_bytes_per_case,
    }
    parts_text = ", ".join(f"{gigabytes_text(size)} {name}" for name, size in parts.items())
    if memory.largest_layer:
        parts_text += f", of that {gigabytes_text(memory.largest_layer_bytes)} {memory.largest_layer}"
    return (
        f"a micro-batch of one case already takes {gigabytes_text(needed)} ({parts_text}). Give at least "
        f"{gigabytes_text(needed / (1 - HEADROOM))}, make the crop smaller (data.crop_size), or give the network's "
        "first layers fewer num_output or a stride."
    )


def gigabytes_text(num_bytes: float) -> str:
    """Format a number of bytes in GB, rounded up so that a budget of that size suffices."""
    return f"{ceil(num_bytes / 1e7) / 100:.2f} GB"
