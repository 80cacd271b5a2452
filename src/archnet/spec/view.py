"""View: the part of a case that a network sees, as its input shape and as an array scaled to [0, 1]."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from archnet.errors import RunError
from archnet.spec.datasets import DATASETS
from archnet.spec.experiment import Experiment
from archnet.spec.section_options import common_crop_size


def network_input(values: NDArray[Any], experiment: Experiment) -> NDArray[Any]:
    """Select what a network sees of cases (N, height, width[, depth]): a NumPy view of shape (N, *input_shape)."""
    shape = input_shape(experiment, values.shape[1:])
    if len(shape) == 3 and values.ndim == 4 and shape[-1] == 1:
        values = values[..., values.shape[-1] // 2]
    return values if values.shape[1:] == shape else values[..., np.newaxis]


def input_shape(experiment: Experiment, shape: tuple[int, ...]) -> tuple[int, ...]:
    """The input shape of a network on cases of shape (height, width[, depth]), channels last.

    Raises:
        RunError: A 3D network on 2D data.
    """
    if experiment.arch.rank == 3:
        if len(shape) == 2:
            raise RunError(
                f"{experiment.arch.document.source}: a 3D network needs volumes, but the cases of "
                f'"{experiment.data.name}" are single slices of {shape[0]}x{shape[1]}. Take a 2D architecture.'
            )
        return (*shape, 1)
    if experiment.data.view == "slices-as-channels" and len(shape) == 3:
        return shape
    return (*shape[:2], 1)


def describe_other_size(experiment: Experiment) -> tuple[str, str] | None:
    """What differs between the crops and the input that the network was designed for, and how to change it.

    Returns:
        Two sentences; null where nothing differs, the architecture does not say, or the cases are not cut from scans.
    """
    designed, size = experiment.arch.input_shape, experiment.data.crop_size
    if designed is None or size is None or size[: len(designed)] == designed:
        return None
    wanted = common_crop_size([designed], DATASETS[experiment.data.name].defaults["crop_size"])
    seen, other = ("x".join(map(str, shape)) for shape in (size[: len(designed)], designed))
    message = (
        f"{experiment.arch.name} was designed for {other} voxels (input_shape), but data.crop_size gives it {seen}."
    )
    remedy = (
        f"Set data.crop_size={list(wanted)}, or leave it out and run only architectures with the same input_shape "
        "together."
    )
    return message, remedy


def scale_to_unit(values: NDArray[Any], limits: tuple[float, float]) -> NDArray[np.float32]:
    """Map raw values linearly so that the limits become 0 and 1, and clip to [0, 1], as the saved model does.

    Args:
        values: Raw values (HU) of any shape and type.
        limits: Raw values that become 0 and 1.

    >>> scale_to_unit(np.array([-2000, -1000, -300, 400], np.int16), (-1000, 400)).tolist()
    [0.0, 0.0, 0.5, 1.0]
    """
    low, high = limits
    scaled: NDArray[np.float32] = ((np.asarray(values, np.float32) - low) / (high - low)).clip(0, 1)
    return scaled


def scale_from_unit(scaled: NDArray[Any], limits: tuple[float, float]) -> NDArray[np.float32]:
    """Map values in [0, 1] back to raw values: the inverse of `scale_to_unit` within the limits.

    >>> scale_from_unit(np.array([0, 0.5, 1], np.float32), (-1000, 400)).tolist()
    [-1000.0, -300.0, 400.0]
    """
    low, high = limits
    values: NDArray[np.float32] = np.asarray(scaled, np.float32) * np.float32(high - low) + np.float32(low)
    return values
