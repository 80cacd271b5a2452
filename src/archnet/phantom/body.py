"""The body around the phantom's candidates: chest wall, ribs, spine, heart, airways, lungs and their vessel tree."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

SHAPE = (36, 224, 224)
SPACING_MM = (1.35, 1.35, 2.5)
NUM_SLICES, NUM_ROWS, NUM_COLUMNS = SHAPE
STEP_X_MM, STEP_Y_MM, STEP_Z_MM = SPACING_MM
MIDDLE_X_MM, MIDDLE_Y_MM = NUM_COLUMNS * STEP_X_MM / 2, NUM_ROWS * STEP_Y_MM / 2
HEIGHT_MM = NUM_SLICES * STEP_Z_MM

_LUNG_HU = -865.0
_FAT_HU, _MUSCLE_HU, _BLOOD_HU, _BONE_HU = -95.0, 48.0, 40.0, 330.0
_THINNEST_MM = 0.8
_NOISE_HU = 28.0

Array = NDArray[np.float32]
Box = tuple[slice, slice, slice]
Grid = tuple[Array, Array, Array]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Body:
    """HU before noise, and a lung mask; painting changes `hu` in place.

    Attributes:
        hu: (z, y, x).
        lung: Lung share of each voxel, 0 to 1, (z, y, x).
    """

    hu: Array
    lung: Array

    def paint(self, box: Box, distance_mm: Array, hu: float, edge_mm: float) -> None:
        """Raise lung voxels of a box to `hu` where the signed distance to a surface is negative, with a soft edge."""
        share = _inside_share(distance_mm, edge_mm) * self.lung[box]
        painted = np.where(share > 0, _LUNG_HU + share * np.float32(hu - _LUNG_HU), -np.inf)
        self.hu[box] = np.maximum(self.hu[box], painted)

    def neighbourhood(
        self, centre_mm: tuple[float, float, float], reach_mm: tuple[float, float, float]
    ) -> tuple[Box, Grid]:
        """The box around a point (x, y, z), and the coordinates (z, y, x) in mm of its voxels, for broadcasting."""
        spans = []
        for centre, reach, step, length in zip(centre_mm, reach_mm, SPACING_MM, reversed(SHAPE), strict=True):
            low, high = math.ceil((centre - reach) / step - 1e-6), math.floor((centre + reach) / step + 1e-6)
            spans.append(slice(max(low, 0), max(min(high + 1, length), 0)))
        columns, rows, slices = spans
        box = (slices, rows, columns)
        return box, _grid(box)

    def draw_vessel(
        self, start: NDArray[np.float64], end: NDArray[np.float64], radii_mm: tuple[float, float], hu: float
    ) -> None:
        """Draw a straight, round-ended vessel between two points (x, y, z) in mm, from one radius to another."""
        reach = np.abs(end - start) / 2 + max(radii_mm) + 2
        middle = (start + end) / 2
        box, (z, y, x) = self.neighbourhood(tuple(middle.tolist()), tuple(reach.tolist()))
        along = end - start
        away = (x - start[0], y - start[1], z - start[2])
        part = np.clip(sum(a * b for a, b in zip(away, along, strict=True)) / float(along @ along), 0, 1)
        gap = np.sqrt(sum((a - part * b) ** 2 for a, b in zip(away, along, strict=True)))
        self.paint(box, gap - (radii_mm[0] + part * (radii_mm[1] - radii_mm[0])), hu, 1.6)


def draw_body(rng: np.random.Generator) -> Body:
    """Draw a chest with lungs and vessel tree."""
    grid = _grid((slice(0, NUM_SLICES), slice(0, NUM_ROWS), slice(0, NUM_COLUMNS)))
    size = rng.uniform(0.95, 1.04)
    hu = _chest_wall(rng, grid, size)
    lung = _lungs(rng, grid, size)
    hu += np.where(hu > -500, 160 * pattern(rng, (0.8, 2.5, 2.5)), 0)
    hu += lung * (_lung_texture(rng, grid) - hu)
    _draw_airways(hu, grid)
    body = Body(hu=hu, lung=lung)
    for side in (-1.0, 1.0):
        hilum = np.array([MIDDLE_X_MM + side * 24, MIDDLE_Y_MM + 2, HEIGHT_MM * 0.5])
        for _ in range(7):
            tilt, turn = rng.uniform(-0.7, 0.7), rng.uniform(-1.2, 1.2)
            heading = np.array([side * math.cos(turn), math.sin(turn), tilt])
            draw_branch(rng, body, hilum + rng.normal(0, 4, 3), heading, float(rng.uniform(3.0, 4.4)))
    return body


def simulate_scan(rng: np.random.Generator, body: Body) -> NDArray[np.int16]:
    """Simulate the scan of a body: HU with noise, rounded to integers, (z, y, x)."""
    from scipy import ndimage

    noise = ndimage.gaussian_filter(rng.standard_normal(SHAPE, dtype=np.float32), (0.0, 0.6, 0.6))
    hu = np.rint(body.hu + noise * (_NOISE_HU / noise.std()))
    whole: NDArray[np.int16] = np.clip(hu, -1024, 3071).astype(np.int16)
    return whole


def _grid(box: Box) -> Grid:
    """Coordinates in mm of the voxels of a box as (z, y, x), each along its own axis."""
    z, y, x = (
        np.arange(span.start, max(span.stop, span.start), dtype=np.float32) * np.float32(step)
        for span, step in zip(box, reversed(SPACING_MM), strict=True)
    )
    return z[:, None, None], y[None, :, None], x[None, None, :]


def _ellipse(x: Array, y: Array, half_axes_mm: tuple[Array | float, Array | float]) -> Array:
    """Approximate signed distance in mm to an ellipse around (0, 0), negative inside."""
    a, b = half_axes_mm
    distance: Array = (np.sqrt((x / a) ** 2 + (y / b) ** 2) - 1) * np.minimum(a, b)
    return distance


def _shell(x: Array, y: Array, half_axes_mm: tuple[float, float], thickness_mm: float) -> Array:
    """Approximate signed distance in mm to a layer around an ellipse, negative inside."""
    distance: Array = np.abs(_ellipse(x, y, half_axes_mm)) - np.float32(thickness_mm / 2)
    return distance


def direction(down: Array, across: Array) -> NDArray[np.float64]:
    """Angles in radians, in double precision: NumPy's single-precision arctan2 differs between processors."""
    angle: NDArray[np.float64] = np.arctan2(down.astype(np.float64), across.astype(np.float64))
    return angle


def _inside_share(distance_mm: Array, edge_mm: float = 1.6) -> Array:
    share: Array = np.clip(0.5 - distance_mm / edge_mm, 0, 1)
    return share


def _chest_wall(rng: np.random.Generator, grid: Grid, size: float) -> Array:
    """Air, fat, muscle, ribs, spine, breastbone, heart and aorta."""
    z, y, x = grid
    across, down = x - MIDDLE_X_MM, y - MIDDLE_Y_MM
    hu = np.full(SHAPE, -1000, dtype=np.float32)
    _paint_over(hu, _ellipse(across, down, (142 * size, 104 * size)), _FAT_HU)
    _paint_over(hu, _ellipse(across, down, (128 * size, 92 * size)), _MUSCLE_HU)
    turn = direction(down, across)
    gaps = (7 * (np.cos(9 * np.abs(turn) + z * 0.16 + rng.uniform(0, 6)) - 0.35)).astype(np.float32)
    _paint_over(hu, np.maximum(_shell(across, down, (119 * size, 85 * size), 7.0), -gaps), _BONE_HU)
    _paint_over(hu, _ellipse(across, down - 62 * size, (19, 16)), _BONE_HU * 0.65)
    _paint_over(hu, _shell(across, down - 62 * size, (18.5, 15.5), 2.0), _BONE_HU)
    _paint_over(hu, _ellipse(across, down - 84 * size, (8, 7)), 20.0)
    _paint_over(hu, _shell(across, down - 84 * size, (10.5, 9.5), 4.0), _BONE_HU)
    _paint_over(hu, _ellipse(across, down + 80 * size, (17, 5)), _BONE_HU * 0.7)
    return hu


def _lungs(rng: np.random.Generator, grid: Grid, size: float) -> Array:
    """Lung share of every voxel: two lungs without the mediastinum, heart, aorta and diaphragm."""
    z, y, x = grid
    across, down = x - MIDDLE_X_MM, y - MIDDLE_Y_MM
    height = z / HEIGHT_MM
    narrowing = 1 - 0.16 * height**2
    lung = np.zeros(SHAPE, dtype=np.float32)
    for side in (-1.0, 1.0):
        turn = direction(down, across - side * 58)
        wave = (0.03 * np.sin(3 * turn + rng.uniform(0, 6) + z * 0.02)).astype(np.float32)
        outline = _ellipse(across - side * 58 * size, down - 2, (52 * size * narrowing, 76 * size * narrowing))
        np.maximum(lung, _inside_share(outline + wave * 60), out=lung)
    heart = _ellipse(across - 20, down + 22, (52 - 40 * height, 40 - 22 * height))
    aorta = _ellipse(across - 21, down - 38, (12.0, 12.0))
    middle = _ellipse(across, down - 12, (22.0, 62.0))
    rise = np.sqrt(np.maximum(1 - ((z + 12) / 30) ** 2, 1e-6))
    dome = _ellipse(np.abs(across) - 56, down - 4, (50 * rise, 70 * rise))
    for organ in (heart, aorta, middle, dome):
        lung *= 1 - _inside_share(organ)
    return lung


def _lung_texture(rng: np.random.Generator, grid: Grid) -> Array:
    """Lung tissue with a fine and a coarse texture: darker in anterior and denser in posterior (dependent) regions."""
    from scipy import ndimage

    coarse = ndimage.zoom(rng.standard_normal((6, 14, 14)), np.array(SHAPE) / (6, 14, 14), order=1)
    slope = 0.25 * (grid[1] - MIDDLE_Y_MM)
    texture: Array = (_LUNG_HU + slope + 16 * coarse + 110 * pattern(rng, (0.6, 1.2, 1.2))).astype(np.float32)
    return texture


def pattern(rng: np.random.Generator, width: tuple[float, float, float]) -> Array:
    """Random texture with a grain width (z, y, x) in voxels."""
    from scipy import ndimage

    grains: Array = ndimage.gaussian_filter(rng.standard_normal(SHAPE, dtype=np.float32), width)
    return grains


def _draw_airways(hu: Array, grid: Grid) -> None:
    """Draw the trachea and, below the carina, the two main bronchi."""
    z, y, x = grid
    fork = HEIGHT_MM * 0.62
    spread = np.maximum(fork - z, 0) * 0.9
    for side in (-1.0, 1.0):
        tube = _ellipse(x - MIDDLE_X_MM - side * spread, y - MIDDLE_Y_MM - 4, (7.5, 7.0))
        _paint_over(hu, np.where(spread < 22, tube, np.float32(99)), -990.0)


def _paint_over(hu: Array, distance_mm: Array, value: float) -> None:
    hu += _inside_share(distance_mm) * (np.float32(value) - hu)


def draw_branch(
    rng: np.random.Generator, body: Body, start: NDArray[np.float64], heading: NDArray[np.float64], radius_mm: float
) -> None:
    """Draw a branch and, at its end, two thinner ones (the sum of their cross-sections is slightly larger)."""
    heading = heading / np.linalg.norm(heading)
    end = start + heading * radius_mm * rng.uniform(5.5, 8.5)
    body.draw_vessel(start, end, (radius_mm, radius_mm * 0.9), _BLOOD_HU)
    if radius_mm < _THINNEST_MM:
        return
    for share in (rng.uniform(0.68, 0.85), rng.uniform(0.55, 0.75)):
        draw_branch(rng, body, end, heading + rng.normal(0, [0.42, 0.42, 0.35]), radius_mm * share)
