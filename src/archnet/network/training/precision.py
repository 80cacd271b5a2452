"""The compute dtype of a training: the given one, or with "auto" bfloat16 if it is faster on this machine."""

from __future__ import annotations

import dataclasses
import logging
import statistics
import time
from pathlib import Path
from typing import Final

import keras
import numpy as np

from archnet.network.augmentation.augment import num_uniforms
from archnet.network.backend import backend_module
from archnet.network.scaling import raw_input_shape
from archnet.network.training.precision_check import check_precision, find_disagreement
from archnet.network.training.trainer import MicroBatchArrays, Trainer, read_outputs
from archnet.spec.experiment import Precision, Training
from archnet.spec.view import InputLimits

MIN_SPEEDUP: Final = 1.1
"""Minimum speed-up of bfloat16 in the trial; a smaller one may be due to chance."""

_ROUNDS: Final = 3
_PROCESSOR: Final = Path("/proc/cpuinfo")
_FLAGS: Final = {"avx512_bf16", "amx_bf16", "bf16"}

log = logging.getLogger("archnet")


def resolve_precision(
    network: keras.Model,
    limits: InputLimits,
    training: Training,
    num_cases: int,
    saved: Precision | None = None,
) -> Training:
    """Replace the precision "auto" by the choice for this machine.

    Args:
        network: The network to train; the trial uses twins of it.
        limits: Raw values that are mapped to 0 and 1.
        training: The options.
        num_cases: Number of cases per micro-batch.
        saved: The precision of the checkpoint, if the training resumes.

    Raises:
        RunError: This machine computes a layer incorrectly in the precision of the options or the checkpoint.
    """
    if training.precision == "auto" and saved is None:
        return dataclasses.replace(training, precision=_choose_correct_precision(network, limits, training, num_cases))
    precision = saved if saved and training.precision == "auto" else training.precision
    check_precision(network, precision)
    return dataclasses.replace(training, precision=precision)


def _choose_correct_precision(
    network: keras.Model, limits: InputLimits, training: Training, num_cases: int
) -> Precision:
    """The faster precision, or float32 with a warning if this machine computes the faster one incorrectly."""
    precision, reason = _choose_precision(network, limits, training, num_cases)
    if (found := find_disagreement(network, precision)) is not None:
        log.warning("precision float32: %s", found.text(precision))
        return "float32"
    log.info("precision %s: %s", precision, reason)
    return precision


def _choose_precision(
    network: keras.Model, limits: InputLimits, training: Training, num_cases: int
) -> tuple[Precision, str]:
    if not has_bfloat16():
        return "float32", "this machine does not support bfloat16"
    batch = _trial_batch(network, limits, training, num_cases)
    names: tuple[Precision, ...] = ("float32", "bfloat16")
    trainers = {
        name: Trainer(network, limits, dataclasses.replace(training, precision=name), steps_per_epoch=1)
        for name in names
    }
    seconds: dict[Precision, list[float]] = {name: [] for name in trainers}
    for _ in range(1 + _ROUNDS):  # the first round compiles
        for name, trainer in trainers.items():
            start = time.perf_counter()
            read_outputs(trainer.train_step([batch]))
            seconds[name].append(time.perf_counter() - start)
    times, half_times = (statistics.median(seconds[name][1:]) for name in trainers)
    reason = f"a step takes {times:.3g} s in float32 and {half_times:.3g} s in bfloat16"
    return ("bfloat16" if times > MIN_SPEEDUP * half_times else "float32"), reason


def _trial_batch(network: keras.Model, limits: InputLimits, training: Training, num_cases: int) -> MicroBatchArrays:
    generator = np.random.default_rng(0)
    shape = (num_cases, *raw_input_shape(network, limits))
    return {
        "images": generator.uniform(*limits.hull, shape).astype(np.float32),
        "labels": np.zeros(num_cases, np.int32),
        "weights": np.full(num_cases, 1 / num_cases, np.float32),
        "uniforms": generator.random((num_cases, num_uniforms(training.augmentation)), np.float32),
        "keys": generator.integers(0, 1 << 32, num_cases, np.uint32),
    }


def has_bfloat16() -> bool:
    """Whether the training device, CPU or GPU, supports bfloat16."""
    on_accelerator: bool | None = backend_module().accelerator_has_bfloat16()
    if on_accelerator is not None:
        return on_accelerator
    if not _PROCESSOR.is_file():
        return False
    lines = _PROCESSOR.read_text().splitlines()
    return any(_FLAGS & set(line.split()) for line in lines if line.lower().startswith(("flags", "features")))
