"""The centre and size of a nodule, from the contours of a reader."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

_SMALLEST_AREA = 0.5
"""Area in pixels of a contour that is a point or a line, which readers drew for the smallest nodules."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Contour:
    """One contour.

    Attributes:
        points: (n, 2) column and row of each vertex, in pixels.
        z_mm: World position of its slice.
        is_inside: Whether the nodule is inside; else the contour is a hole.
    """

    points: NDArray[np.float64]
    z_mm: float
    is_inside: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class NoduleShape:
    """Position and size of a nodule according to a reader.

    Attributes:
        column: Column of the centre, in pixels.
        row: Row of the centre, in pixels.
        z_mm: World position of the centre.
        radius_pixels: Radius of a circle with the area of the largest contour.
    """

    column: float
    row: float
    z_mm: float
    radius_pixels: float


def measure_contours(contours: Sequence[Contour]) -> NoduleShape:
    """Compute the centre of mass of the areas inside contours, and the radius of the largest. Holes are ignored.

    Raises:
        ValueError: There is no contour that includes the nodule.
    """
    outlines = [contour for contour in contours if contour.is_inside]
    if not outlines:
        raise ValueError("has no contour")
    areas, centres = zip(*(area_and_centre(contour.points) for contour in outlines), strict=True)
    weights = np.array(areas) / sum(areas)
    column, row = (weights @ np.array(centres)).tolist()
    z_mm = float(weights @ np.array([contour.z_mm for contour in outlines]))
    return NoduleShape(column=column, row=row, z_mm=z_mm, radius_pixels=math.sqrt(max(areas) / math.pi))


def area_and_centre(points: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
    """The area of a closed polygon (n, 2) and its centre of mass (2,), by the shoelace formula.

    A point or a line has a small area, and the mean of its vertices as its centre.

    >>> area, centre = area_and_centre(np.array([[0.0, 0.0], [4.0, 0.0], [4.0, 2.0], [0.0, 2.0]]))
    >>> area, centre.tolist()
    (8.0, [2.0, 1.0])
    """
    middle = points.mean(axis=0)
    closed = np.concatenate([points, points[:1]]) - middle
    (x, y), (next_x, next_y) = closed[:-1].T, closed[1:].T
    cross = x * next_y - next_x * y
    signed_area = float(cross.sum()) / 2
    if abs(signed_area) < _SMALLEST_AREA:
        return _SMALLEST_AREA, middle
    centre = np.array([((x + next_x) * cross).sum(), ((y + next_y) * cross).sum()]) / (6 * signed_area)
    return abs(signed_area), middle + centre
