"""The augmentations: names, parameters and valid shapes; `network/augmentation` implements them.

All act only on training cases, on values scaled to [0, 1], where 0 is air. If a key has two numbers, a value between
them is drawn for each case. A 2D network ignores parameters for the depth.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, ClassVar, Final, Literal

Axis = Literal["height", "width", "depth"]
AXES: Final[tuple[Axis, ...]] = ("height", "width", "depth")


@dataclass(frozen=True, slots=True, kw_only=True)
class Augmentation:
    """One augmentation with its parameters.

    Attributes:
        name: The `type` in a document.
    """

    name: ClassVar[str]

    def to_document(self) -> dict[str, Any]:
        """The augmentation as a JSON object, with every parameter."""
        parameters = {key: list(value) if isinstance(value, tuple) else value for key, value in asdict(self).items()}
        return {"type": self.name, **parameters}

    def shape_problem(self, shape: tuple[int, ...]) -> str | None:
        """Explain why the augmentation does not support images of (height, width[, depth]); null if it does."""
        return None

    def copy_angles(self, *, is_positive: bool) -> tuple[int, ...]:
        """Angles in degrees of the rotated copies that it adds to the training set.

        Args:
            is_positive: Whether the copied case belongs to the positive class.
        """
        return ()

    def turns(self) -> tuple[int, ...]:
        """Rotations in quarter turns that cases of every class undergo, besides none."""
        return ()

    def flipped_axes(self) -> tuple[Axis, ...]:
        """Axes along which cases of every class are flipped."""
        return ()


@dataclass(frozen=True, slots=True, kw_only=True)
class RotatedCopies(Augmentation):
    """Adds a copy of each case for each angle to the training set, rotated in the axial plane, as published.

    Attributes:
        angles: Angles in degrees, counter-clockwise, multiples of 90.
        of: The cases to copy.
    """

    name: ClassVar[str] = "rotated_copies"
    angles: tuple[int, ...] = (90, 180, 270)
    of: Literal["positive", "all"] = "positive"

    def shape_problem(self, shape: tuple[int, ...]) -> str | None:
        return None if set(self.angles) <= {180} else _square_slice_problem(shape)

    def copy_angles(self, *, is_positive: bool) -> tuple[int, ...]:
        return self.angles if is_positive or self.of == "all" else ()

    def turns(self) -> tuple[int, ...]:
        return tuple(angle // 90 % 4 for angle in self.angles) if self.of == "all" else ()


@dataclass(frozen=True, slots=True, kw_only=True)
class RightAngles(Augmentation):
    """Rotates each case by a random multiple of 90 degrees in the axial plane, without interpolation.

    Together with `Flip` along one axis, this gives the eight symmetries of a square slice.
    """

    name: ClassVar[str] = "right_angles"

    def turns(self) -> tuple[int, ...]:
        return (1, 2, 3)

    def shape_problem(self, shape: tuple[int, ...]) -> str | None:
        return _square_slice_problem(shape)


@dataclass(frozen=True, slots=True, kw_only=True)
class Flip(Augmentation):
    """Flips each case along each of the given axes with probability 1/2.

    Attributes:
        axes: Axes to flip.
    """

    name: ClassVar[str] = "flip"
    axes: tuple[Axis, ...] = ("height", "width")

    def flipped_axes(self) -> tuple[Axis, ...]:
        return self.axes


@dataclass(frozen=True, slots=True, kw_only=True)
class Rotate(Augmentation):
    """Rotates each case in the axial plane by a random angle: linear interpolation, air outside, clipped to [0, 1].

    Attributes:
        degrees: Angles to choose from with equal probability.
    """

    name: ClassVar[str] = "rotate"
    degrees: tuple[float, ...] = (-20.0, -10.0, -5.0, 5.0, 10.0, 20.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Shift(Augmentation):
    """Shifts each case by a random whole number of voxels along each axis, and fills the gap with air.

    Attributes:
        height: Largest shift along the height, in either direction.
        width: Largest shift along the width.
        depth: Largest shift along the depth.
    """

    name: ClassVar[str] = "shift"
    height: int = 4
    width: int = 4
    depth: int = 0

    def shape_problem(self, shape: tuple[int, ...]) -> str | None:
        for axis, size in zip(AXES, shape, strict=False):
            limit = getattr(self, axis)
            if limit >= size:
                return f"shift.{axis} {limit} can move all out of {size} voxels. Keep it below {size}."
        return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Zoom(Augmentation):
    """Zooms into each case around its centre by a random factor: linear interpolation, air outside.

    Attributes:
        factor: Smallest and largest factor, the same along all axes; factors above 1 enlarge.
        axes: Axes to zoom.
    """

    name: ClassVar[str] = "zoom"
    factor: tuple[float, float] = (0.9, 1.1)
    axes: tuple[Axis, ...] = ("height", "width", "depth")


@dataclass(frozen=True, slots=True, kw_only=True)
class Intensity(Augmentation):
    """Multiplies the values of each case by a random scale and adds a random shift, clipped to [0, 1].

    Attributes:
        scale: Smallest and largest scale.
        shift: Smallest and largest shift; 0.05 is 70 HU if the window is [-1000, 400].
    """

    name: ClassVar[str] = "intensity"
    scale: tuple[float, float] = (0.9, 1.1)
    shift: tuple[float, float] = (-0.05, 0.05)


@dataclass(frozen=True, slots=True, kw_only=True)
class Noise(Augmentation):
    """Adds Gaussian noise to each voxel, clipped to [0, 1].

    Attributes:
        std: Smallest and largest standard deviation; 0.02 is 28 HU if the window is [-1000, 400].
    """

    name: ClassVar[str] = "noise"
    std: tuple[float, float] = (0.0, 0.02)


@dataclass(frozen=True, slots=True, kw_only=True)
class Cutout(Augmentation):
    """Fills a box at a random position inside each case with air.

    Attributes:
        share: Length of the box, as a share of each side of the case.
    """

    name: ClassVar[str] = "cutout"
    share: float = 0.25


AUGMENTATIONS: Final[dict[str, type[Augmentation]]] = {
    kind.name: kind for kind in (RotatedCopies, RightAngles, Flip, Rotate, Shift, Zoom, Intensity, Noise, Cutout)
}


def shape_problem(augmentations: Sequence[Augmentation], shape: tuple[int, ...]) -> str | None:
    """Explain why augmentations do not support images of (height, width[, depth]); null if they do."""
    return next(filter(None, (entry.shape_problem(shape) for entry in augmentations)), None)


def _square_slice_problem(shape: tuple[int, ...]) -> str | None:
    if shape[0] == shape[1]:
        return None
    return f"turning by 90 degrees needs square slices, but these are {shape[0]}x{shape[1]}. Leave it out."


NO_SYMMETRIES: Final = (
    "averages over the flips and rotations by right angles on which the network is trained, but training.augmentation "
    "has none for it."
)
NO_SYMMETRIES_REMEDY: Final = (
    'Add {"type": "flip"} to training.augmentation if flips do not change the classes, or remove this option.'
)
"""Problem and remedy of `evaluation.tta` without symmetries."""


def trained_symmetries(augmentations: Sequence[Augmentation], rank: int) -> tuple[list[int], list[Axis]]:
    """The rotations and flips that a training applies to cases of every class.

    Args:
        augmentations: The augmentation of the training.
        rank: Spatial axes of the network; a 2D network ignores flips along the depth.

    Returns:
        Rotations in the axial plane in quarter turns, with 0, and the axes that are flipped.
    """
    turns = {0, *(turn for entry in augmentations for turn in entry.turns())}
    flipped = {axis for entry in augmentations for axis in entry.flipped_axes()}
    return sorted(turns), [axis for axis in AXES[:rank] if axis in flipped]
