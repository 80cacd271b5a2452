"""View: the part of a case that a network sees, as its input shape and as an array."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from archnet.errors import RunError
from archnet.spec.experiment import Experiment


def network_input(values: NDArray[Any], experiment: Experiment) -> NDArray[Any]:
    """What a network sees of cases (N, height, width[, depth]), a view of shape (N, *input_shape)."""
    shape = input_shape(experiment, values.shape[1:])
    if len(shape) == 3 and values.ndim == 4 and shape[-1] == 1:
        values = values[..., values.shape[-1] // 2]
    return values if values.shape[1:] == shape else values[..., np.newaxis]


def input_shape(experiment: Experiment, shape: tuple[int, ...]) -> tuple[int, ...]:
    """What a network sees of cases of a (height, width[, depth]): its input shape, channels last.

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
