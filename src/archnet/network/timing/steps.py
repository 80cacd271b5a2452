"""The speed of training steps, and of a matrix multiplication for comparison."""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import Final

import numpy as np
from keras import ops

from archnet.network.training.batches import Batch
from archnet.network.training.trainer import Trainer, delay_reading, read_outputs

MATRIX_SIZE: Final = 2048
"""Side of the square matrices: large enough to approach the peak rate of a processor."""

_TRIALS: Final = 3


def measure_matmul_rate(precision: str) -> float:
    """Measure the multiply-adds per second of one matrix multiplication in Keras; the best of several runs.

    Args:
        precision: Precision of the matrices: "float32", "bfloat16" or "float16".
    """
    numbers = np.random.default_rng(0).random((MATRIX_SIZE, MATRIX_SIZE), np.float32)
    matrix = ops.cast(ops.convert_to_tensor(numbers), precision)
    seconds = []
    for _ in range(1 + _TRIALS):  # the first run warms up
        start = time.perf_counter()
        float(ops.convert_to_numpy(ops.cast(ops.matmul(matrix, matrix)[0, 0], "float32")))
        seconds.append(time.perf_counter() - start)
    return float(MATRIX_SIZE**3 / min(seconds[1:]))


def measure_seconds(trainer: Trainer, batches: Iterable[Batch]) -> float:
    """Measure the time of training steps, including reading the outputs as in training."""
    start = time.perf_counter()
    for outputs, _ in delay_reading(trainer.train_step(batch.micro_batches) for batch in batches):
        read_outputs(outputs)
    return time.perf_counter() - start
