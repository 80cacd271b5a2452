"""How fast a training goes: its steps, and the machine's matrix multiplication to measure them by."""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import Final

import numpy as np
from keras import ops

from archnet.network.training.batches import Batch
from archnet.network.training.trainer import StepOutputs, Trainer, read_outputs

MATRIX_SIZE: Final = 2048
"""Of the square matrices that are multiplied: large enough for a processor to come near its peak."""

_TRIALS: Final = 3


def measure_matmul_rate(precision: str) -> float:
    """Multiply-adds a second that one matrix multiplication reaches through Keras on this machine; the best of a few.

    Args:
        precision: Of the matrices: "float32", "bfloat16" or "float16".
    """
    numbers = np.random.default_rng(0).random((MATRIX_SIZE, MATRIX_SIZE), np.float32)
    matrix = ops.cast(ops.convert_to_tensor(numbers), precision)
    seconds = []
    for _ in range(1 + _TRIALS):  # the first one warms up
        start = time.perf_counter()
        float(ops.convert_to_numpy(ops.cast(ops.matmul(matrix, matrix)[0, 0], "float32")))
        seconds.append(time.perf_counter() - start)
    return float(MATRIX_SIZE**3 / min(seconds[1:]))


def measure_seconds(trainer: Trainer, batches: Iterable[Batch]) -> float:
    """What some steps take; what a step told is read when the next one is under way, as in training."""
    start = time.perf_counter()
    pending: list[StepOutputs] | None = None
    for batch in batches:
        outputs = trainer.step(batch.micro_batches)
        if pending:
            read_outputs(pending)
        pending = outputs
    if pending:
        read_outputs(pending)
    return time.perf_counter() - start
