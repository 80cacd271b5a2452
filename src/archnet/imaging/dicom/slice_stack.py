"""Stack slices, given in any order, into a box of voxels, or explain why this is impossible."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import islice

import numpy as np
from numpy.typing import NDArray

from archnet.errors import pluralize

# Positions may have only one decimal, so equal distances can appear to differ by this much.
_UNEVEN_MM = 0.1
# Such rounding can shift two positions sideways by this much, which is less than half a pixel.
_SIDEWAYS_MM = 0.2
_SAME_PLACE_MM = 0.01
_SAME_PIXEL_MM = 1e-4
_SAME_DIRECTION = 1e-3
# Largest deviation of a gap from a multiple of the usual gap, in usual gaps.
_MULTIPLE_TOLERANCE = 0.2
_MAX_NAMES = 3

Floats = NDArray[np.float64]
Point = tuple[float, float, float]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Slice:
    """The geometry of one slice.

    Attributes:
        name: The name of the slice in messages.
        position_mm: World position (x, y, z) of the centre of its first pixel, LPS.
        axes: World directions of increasing column and row index (six numbers).
        pixel_mm: Distance between neighbouring columns (x) and rows (y), in mm.
        shape: Number of rows and columns.
    """

    name: str
    position_mm: Point
    axes: tuple[float, ...]
    pixel_mm: tuple[float, float]
    shape: tuple[int, int]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Stack:
    """The geometry of a box of voxels made of slices.

    Attributes:
        order: Indices of the slices, sorted along the normal (column direction x row direction).
        shape: Number of slices, rows and columns.
        spacing_mm: (x, y, z); z is the mean distance between neighbouring slices along the normal.
        origin_mm: Position of the first slice of `order`.
        direction: (3, 3); its columns are the world directions of the x, y and z index axes.
    """

    order: tuple[int, ...]
    shape: tuple[int, int, int]
    spacing_mm: Point
    origin_mm: Point
    direction: Floats


def stack(slices: Sequence[Slice]) -> Stack:
    """Stack slices into a box, in the order of their positions.

    Raises:
        ValueError: The slices do not form a box: sizes, pixels or directions differ, slices are duplicated, missing,
            unevenly spaced or shifted sideways (gantry tilt), or there is only one. The message names the slices.
    """
    if len(slices) < 2:
        raise ValueError("expected at least two slices, got 1")
    _require_alike(slices)
    first, *_ = slices
    across, down = _split_axes(first.axes)
    normal = np.cross(across, down)
    positions_mm = np.array([slice_.position_mm for slice_ in slices])
    order = np.argsort(positions_mm @ normal, kind="stable")
    names = [slices[index].name for index in order]
    along_mm = positions_mm[order] @ normal
    _require_single(names, along_mm)
    _require_even(names, along_mm)
    _require_upright(names, positions_mm[order], along_mm, normal)
    return Stack(
        order=tuple(order.tolist()),
        shape=(len(slices), *first.shape),
        spacing_mm=(*first.pixel_mm, float(along_mm[-1] - along_mm[0]) / (len(slices) - 1)),
        origin_mm=slices[order[0]].position_mm,
        direction=np.stack([across, down, normal], axis=1),
    )


def abbreviated_list(names: Sequence[str]) -> str:
    """Format the first names of a list, and the number of the others.

    >>> abbreviated_list(["a", "b", "c", "d", "e"])
    'a, b, c and 2 more'
    """
    more = f" and {len(names) - _MAX_NAMES} more" if len(names) > _MAX_NAMES else ""
    return ", ".join(names[:_MAX_NAMES]) + more


def _require_alike(slices: Sequence[Slice]) -> None:
    names = [slice_.name for slice_ in slices]
    shapes = np.array([slice_.shape for slice_ in slices])
    _require_same(names, shapes, 0, lambda shape: f"{shape[1]:.0f} x {shape[0]:.0f} pixels")
    pixels_mm = np.array([slice_.pixel_mm for slice_ in slices])
    _require_same(names, pixels_mm, _SAME_PIXEL_MM, lambda mm: f"pixels of {mm[0]:g} x {mm[1]:g} mm")
    axes = np.array([slice_.axes for slice_ in slices])
    _require_same(names, axes, _SAME_DIRECTION, lambda six: f"the axes {_format_vector(six)}")


def _split_axes(axes: Sequence[float]) -> Floats:
    """Split the six numbers of two axes into two rows."""
    across_down = np.reshape(axes, (2, 3))
    if not np.allclose(across_down @ across_down.T, np.eye(2), atol=_SAME_DIRECTION):
        raise ValueError(f"the axes {_format_vector(axes)} of its slices are not perpendicular unit vectors")
    return across_down


def _require_same(names: list[str], values: Floats, tolerance: float, describe: Callable[[Floats], str]) -> None:
    rounded, counts = np.unique(np.round(values, 3), axis=0, return_counts=True)
    usual = values[np.abs(values - rounded[counts.argmax()]).sum(axis=1).argmin()]
    odd = np.flatnonzero((np.abs(values - usual) > tolerance).any(axis=1))
    if len(odd):
        raise ValueError(
            f"its slices are inconsistent: {_describe_groups(names, values, odd, describe(usual), describe)}"
        )


def _describe_groups(
    names: list[str], values: Floats, odd: NDArray[np.int64], usual: str, describe: Callable[[Floats], str]
) -> str:
    """The usual value, and the odd values with the names of their slices."""
    groups: dict[str, list[str]] = {}
    for index in odd:
        groups.setdefault(describe(values[index]), []).append(names[index])
    told = [
        f"{abbreviated_list(group)} {'has' if len(group) == 1 else 'have'} {text}"
        for text, group in islice(groups.items(), _MAX_NAMES)
    ]
    left = sum(map(len, groups.values())) - sum(map(len, islice(groups.values(), _MAX_NAMES)))
    told += [f"{pluralize(left, 'slice')} {'differs' if left == 1 else 'differ'} in other ways"] if left else []
    return "; ".join([f"{'most' if 2 * len(odd) < len(names) else 'some'} have {usual}", *told])


def _require_single(names: list[str], along_mm: Floats) -> None:
    duplicates = np.flatnonzero(np.diff(along_mm) < _SAME_PLACE_MM)
    if len(duplicates):
        pairs = abbreviated_list(
            [f"{names[index]} and {names[index + 1]} (at {along_mm[index]:.2f} mm)" for index in duplicates]
        )
        raise ValueError(f"slices have the same position: {pairs}; remove one of each")


def _require_even(names: list[str], along_mm: Floats) -> None:
    """Check that the distances between slices are equal; `along_mm` is ascending."""
    gaps_mm = np.diff(along_mm)
    usual_mm = float(np.sort(gaps_mm)[len(gaps_mm) // 2])
    even_mm = np.linspace(along_mm[0], along_mm[-1], len(along_mm))
    if np.abs(along_mm - even_mm).max() <= min(_UNEVEN_MM, usual_mm / 4):
        return
    multiples = np.rint(gaps_mm / usual_mm)
    if (np.abs(gaps_mm / usual_mm - multiples) <= _MULTIPLE_TOLERANCE).all() and (multiples > 1).any():
        holes = np.flatnonzero(multiples > 1).tolist()
        places = abbreviated_list(
            [f"{multiples[index] - 1:.0f} between {_pair(names, along_mm, index)}" for index in holes]
        )
        raise ValueError(f"slices are missing: {places}; copy the whole series again")
    deviation_mm = np.abs(gaps_mm - usual_mm)
    odd = np.flatnonzero(deviation_mm > min(_UNEVEN_MM, deviation_mm.max() / 2)).tolist()
    places = abbreviated_list([f"{gaps_mm[index]:.3f} mm between {_pair(names, along_mm, index)}" for index in odd])
    raise ValueError(f"its slices are not evenly spaced: usually {usual_mm:.3f} mm apart, but {places}")


def _require_upright(names: list[str], positions_mm: Floats, along_mm: Floats, normal: Floats) -> None:
    """Check that each slice is straight above the previous one."""
    distance_mm = along_mm - along_mm[0]
    sideways_mm = positions_mm - positions_mm[0] - distance_mm[:, None] * normal
    if np.linalg.norm(sideways_mm, axis=1).max() <= _SIDEWAYS_MM:
        return
    slope = distance_mm @ sideways_mm / (distance_mm @ distance_mm)
    residual_mm = np.linalg.norm(sideways_mm - distance_mm[:, None] * slope, axis=1)
    if residual_mm.max() <= _SIDEWAYS_MM:
        tilt = math.degrees(math.atan(float(np.linalg.norm(slope))))
        raise ValueError(
            f"the gantry was tilted by {tilt:.1f} degrees, so its slices ({names[0]} to {names[-1]}) do not form a "
            f"box: each is shifted by {np.linalg.norm(slope) * distance_mm[1]:.2f} mm relative to the one below it; "
            f"correct the tilt first, for example with dcm2niix, and use the .nii.gz"
        )
    middle_mm = np.sort(sideways_mm, axis=0)[len(names) // 2]
    offset_mm = np.linalg.norm(sideways_mm - middle_mm, axis=1)
    shifts = abbreviated_list(
        [f"{names[index]} by {offset_mm[index]:.2f} mm" for index in np.flatnonzero(offset_mm > _SIDEWAYS_MM)]
    )
    raise ValueError(f"its slices are shifted sideways: {shifts}")


def _format_vector(numbers: Iterable[float]) -> str:
    return f"({', '.join(f'{number:g}' for number in numbers)})"


def _pair(names: list[str], along_mm: Floats, index: int) -> str:
    below, above = (f"{names[i]} (at {along_mm[i]:.2f} mm)" for i in (index, index + 1))
    return f"{below} and {above}"
