"""The part of a case that a network receives, and the size for which it was designed."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from archnet.errors import RunError
from archnet.spec.datasets import DATASETS
from archnet.spec.experiment import Experiment
from archnet.spec.section_options import common_crop_size


def network_input(values: NDArray[Any], experiment: Experiment) -> NDArray[Any]:
    """Select the part of cases that a network receives: a NumPy view in raw values, before windows become channels.

    Args:
        values: (N, height, width[, depth]), with `data.channels` channels last if there is more than one.
        experiment: The architecture and the data.

    Returns:
        (N, height, width[, depth], channels), without the depth for a 2D network.
    """
    has_channels = experiment.data.channels > 1
    input_shape(experiment, values.shape[1:-1] if has_channels else values.shape[1:])
    if experiment.data.view == "slices-as-channels" and values.ndim == 4:
        return values
    images = values if has_channels else values[..., np.newaxis]
    return images[..., images.shape[-2] // 2, :] if images.ndim - 2 > experiment.arch.rank else images


def input_shape(experiment: Experiment, shape: tuple[int, ...]) -> tuple[int, ...]:
    """The input shape of a network on cases of shape (height, width[, depth]), channels last.

    Raises:
        RunError: A 3D network on 2D data.
    """
    num_channels = experiment.data.num_input_channels
    if experiment.arch.rank == 3:
        if len(shape) == 2:
            raise RunError(
                f"{experiment.arch.document.source}: a 3D network needs volumes, but the cases of "
                f'"{experiment.data.name}" are single slices of {shape[0]}x{shape[1]}. Use a 2D architecture.'
            )
        return (*shape, num_channels)
    if experiment.data.view == "slices-as-channels" and len(shape) == 3:
        return shape
    return (*shape[:2], num_channels)


def describe_other_size(experiment: Experiment) -> tuple[str, str] | None:
    """Compare the crops with the input size for which the network was designed.

    Returns:
        Problem and remedy; null if the sizes agree or the architecture has none, or for cases that are not crops.
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
        f"Set data.crop_size={list(wanted)}, or omit it and run only architectures with the same input_shape together."
    )
    return message, remedy
