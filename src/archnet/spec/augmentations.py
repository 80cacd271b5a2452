"""The augmentations' names and parameters; `network/augment.py` owns what they do to images.

All of them act on training cases only, in the axial plane unless they say otherwise.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

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
    """Turns each case by a random multiple of 90 degrees in the axial plane; exact."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Flip:
    """Mirrors each case along each named axis with probability 1/2; exact.

    Attributes:
        axes: Axes to mirror; "depth" is left out for 2D networks.
    """

    axes: tuple[Axis, ...] = ("height", "width")


@dataclass(frozen=True, slots=True, kw_only=True)
class Rotate:
    """Turns each case in the axial plane by a random angle: linear interpolation, air outside, clipped to [0, 1].

    Attributes:
        degrees: Angles to choose from with equal chance.
    """

    degrees: tuple[float, ...] = (-20.0, -10.0, -5.0, 5.0, 10.0, 20.0)


Augmentation = RotatedCopies | RightAngles | Flip | Rotate

AUGMENTATIONS: Final[dict[str, type[Augmentation]]] = {
    "rotated_copies": RotatedCopies,
    "right_angles": RightAngles,
    "flip": Flip,
    "rotate": Rotate,
}
