"""The augmentations' names and parameters; `network/augment.py` owns what they do to images.

All of them act on training cases only, on values scaled to [0, 1], where 0 is air. Where a key holds two numbers, each
case draws its own value between them. A 2D network leaves out what is said of the depth.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal, get_args

Axis = Literal["height", "width", "depth"]


@dataclass(frozen=True, slots=True, kw_only=True)
class RotatedCopies:
    """Adds to the training set a copy of each case for each angle, turned in the axial plane: the published recipe.

    Attributes:
        angles: Counter-clockwise degrees, multiples of 90.
        of: The cases that are copied.
    """

    angles: tuple[int, ...] = (90, 180, 270)
    of: Literal["positive", "all"] = "positive"


@dataclass(frozen=True, slots=True, kw_only=True)
class RightAngles:
    """Turns each case by a random multiple of 90 degrees in the axial plane; exact.

    With `Flip` along one axis these are the eight symmetries of a square slice.
    """


@dataclass(frozen=True, slots=True, kw_only=True)
class Flip:
    """Mirrors each case along each named axis with probability 1/2; exact.

    Attributes:
        axes: Axes to mirror.
    """

    axes: tuple[Axis, ...] = ("height", "width")


@dataclass(frozen=True, slots=True, kw_only=True)
class Rotate:
    """Turns each case in the axial plane by a random angle: linear interpolation, air outside, clipped to [0, 1].

    Attributes:
        degrees: Angles to choose from with equal chance.
    """

    degrees: tuple[float, ...] = (-20.0, -10.0, -5.0, 5.0, 10.0, 20.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Shift:
    """Moves each case by a random whole number of voxels along each axis; exact, air comes in from outside.

    Attributes:
        height: Largest shift along this axis, either way.
        width: Likewise.
        depth: Likewise.
    """

    height: int = 4
    width: int = 4
    depth: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Zoom:
    """Enlarges each case about its centre by a random factor: linear interpolation, air outside.

    Attributes:
        factor: Smallest and largest; above 1 things grow. The same along all axes.
        axes: Axes that are zoomed.
    """

    factor: tuple[float, float] = (0.9, 1.1)
    axes: tuple[Axis, ...] = ("height", "width", "depth")


@dataclass(frozen=True, slots=True, kw_only=True)
class Intensity:
    """Multiplies the values of each case by a random scale and adds a random shift, clipped to [0, 1].

    Attributes:
        scale: Smallest and largest.
        shift: Smallest and largest; 0.05 is 70 HU when the window is [-1000, 400].
    """

    scale: tuple[float, float] = (0.9, 1.1)
    shift: tuple[float, float] = (-0.05, 0.05)


@dataclass(frozen=True, slots=True, kw_only=True)
class Noise:
    """Adds Gaussian noise to each voxel, clipped to [0, 1].

    Attributes:
        std: Smallest and largest standard deviation; 0.02 is 28 HU when the window is [-1000, 400].
    """

    std: tuple[float, float] = (0.0, 0.02)


@dataclass(frozen=True, slots=True, kw_only=True)
class Cutout:
    """Fills a box at a random place inside each case with air.

    Attributes:
        share: Of each side of the case, that the box takes.
    """

    share: float = 0.25


Augmentation = RotatedCopies | RightAngles | Flip | Rotate | Shift | Zoom | Intensity | Noise | Cutout

AUGMENTATIONS: Final[dict[str, type[Augmentation]]] = {
    "rotated_copies": RotatedCopies,
    "right_angles": RightAngles,
    "flip": Flip,
    "rotate": Rotate,
    "shift": Shift,
    "zoom": Zoom,
    "intensity": Intensity,
    "noise": Noise,
    "cutout": Cutout,
}


def shape_problem(augmentations: Sequence[Augmentation], shape: tuple[int, ...]) -> str | None:
    """Why the augmentations cannot act on images of (height, width[, depth]), if so."""
    rotations = [entry for entry in augmentations if isinstance(entry, RightAngles | RotatedCopies)]
    are_half_turns = all(isinstance(entry, RotatedCopies) and set(entry.angles) <= {180} for entry in rotations)
    if rotations and not are_half_turns and shape[0] != shape[1]:
        return f"turning by 90 degrees needs square slices, but these are {shape[0]}x{shape[1]}. Leave it out."
    for entry in augmentations:
        for axis, size in zip(get_args(Axis), shape, strict=False):
            if isinstance(entry, Shift) and getattr(entry, axis) >= size:
                return f"shift.{axis} {getattr(entry, axis)} can move all out of {size} voxels. Keep it below {size}."
    return None
