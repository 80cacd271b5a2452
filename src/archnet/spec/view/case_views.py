"""Test-time augmentation: the flips and rotations of a case over which probabilities are averaged.

Only those count that the training applied to cases of every class: of others it is not known that they keep the class.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from archnet.spec.augmentations import AXES, Augmentation, trained_symmetries
from archnet.spec.experiment import Experiment

Images = NDArray[Any]


@dataclass(frozen=True, slots=True, order=True, kw_only=True)
class CaseView:
    """An exact view of cases: flips along depth and width, then a rotation in the axial plane.

    Attributes:
        turns: Rotation in the axial plane, in quarter turns from the height axis to the width axis, 0 to 3.
        is_mirrored: Whether the width is flipped.
        is_upside_down: Whether the depth is flipped.
    """

    turns: int = 0
    is_mirrored: bool = False
    is_upside_down: bool = False

    def __call__(self, images: Images) -> Images:
        """The view of images (N, height, width[, depth]), with or without channels, as a NumPy view."""
        if self.is_upside_down:
            images = images[:, :, :, ::-1]
        return np.rot90(images[:, :, ::-1] if self.is_mirrored else images, self.turns, axes=(1, 2))


IDENTITY: Final = CaseView()


def compose_views(turns: Sequence[int], axes: Sequence[str]) -> tuple[CaseView, ...]:
    """All distinct combinations of rotations and flips; the first is the identity.

    >>> len(compose_views(range(4), ["height", "width", "depth"])), len(compose_views([0], ["height", "width"]))
    (16, 4)

    Args:
        turns: Rotations in quarter turns, with 0.
        axes: Axes that may be flipped.
    """
    flips = product(*((False, True) if axis in axes else (False,) for axis in AXES))
    return tuple(
        sorted(
            {
                # a flip along the height is one along the width, rotated twice
                CaseView(turns=(turn + 2 * height) % 4, is_mirrored=height != width, is_upside_down=depth)
                for (height, width, depth), turn in product(flips, turns)
            }
        )
    )


def trained_views(augmentations: Sequence[Augmentation], rank: int) -> tuple[CaseView, ...]:
    """The views of a case that a training applies to every class; only the identity without flips and rotations.

    Args:
        augmentations: The augmentation of the training.
        rank: Spatial axes of the network; a 2D network ignores flips along the depth.
    """
    return compose_views(*trained_symmetries(augmentations, rank))


def evaluated_views(experiment: Experiment) -> tuple[CaseView, ...]:
    """The views over which the evaluation of an experiment averages; only the identity without `evaluation.tta`."""
    if not experiment.evaluation.tta:
        return (IDENTITY,)
    return trained_views(experiment.training.augmentation, experiment.arch.rank)
