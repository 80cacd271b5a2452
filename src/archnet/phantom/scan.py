"""A synthetic chest scan: body, lungs, vessel tree, nodules, and vessels that look like nodules in a single slice.

Nodules and through-plane vessels are drawn in the same way: first a cross-section (radius, outline, HU, position), then
its continuation along the depth, which differs. The central slices of both therefore have the same distribution, and
only the slices above and below distinguish them. An in-plane vessel is elongated in a single slice.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from archnet.phantom.body import (
    NUM_SLICES,
    SPACING_MM,
    STEP_X_MM,
    STEP_Y_MM,
    STEP_Z_MM,
    Body,
    direction,
    draw_body,
    simulate_scan,
)

THROUGH_PLANE: Final = 0.4
"""Share of through-plane vessels among the candidates that are not nodules; the rest are in-plane vessels."""

_NODULES = 0.2
_MARGIN_SLICES = 4
_MARGIN_MM = 10.0
_CLEAR_HU = -650.0
_MIN_DISTANCE_MM = 17.0
_MIN_DISTANCE_SLICES = 7
_EDGE_MM = 1.6

Array = NDArray[np.float32]


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A position in a scan that a detector would mark.

    Attributes:
        index: Index of the mark, (z, y, x), fractional in the plane.
        centre: Centre of the marked object, (z, y, x).
        kind: "nodule", "through" or "in-plane".
        diameter_mm: Diameter in the central slice.
    """

    index: tuple[float, float, float]
    centre: tuple[float, float, float]
    kind: str
    diameter_mm: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """The central slice of an object, drawn independently of its kind.

    Attributes:
        waves: Amplitude and phase of the second, third and fourth harmonic of the outline.
    """

    centre_mm: tuple[float, float, float]
    radius_mm: float
    hu: float
    waves: tuple[tuple[float, float], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Level:
    """Scale and shift of an object in a slice above or below its central slice."""

    scale: float
    shift_mm: tuple[float, float]


def draw_scan(
    rng: np.random.Generator, num_candidates: int, through_plane: float = THROUGH_PLANE
) -> tuple[NDArray[np.int16], list[Candidate]]:
    """Draw a scan in HU, (z, y, x), and its candidates.

    Args:
        through_plane: Share of through-plane vessels, which look like nodules in one slice, among the candidates
            that are not nodules.
    """
    body = draw_body(rng)
    sections = [draw_section(rng, place) for place in _draw_points(rng, body, num_candidates)]
    kinds = _draw_kinds(rng, len(sections), through_plane)
    for section, kind in zip(sections, kinds, strict=True):
        DRAW_FUNCTIONS[kind](rng, body, section)
    hu = simulate_scan(rng, body)
    return hu, [_mark_candidate(rng, section, kind) for section, kind in zip(sections, kinds, strict=True)]


def draw_section(rng: np.random.Generator, centre_mm: tuple[float, float, float]) -> Section:
    """Draw a roundish, slightly irregular cross-section."""
    amplitudes = np.abs(rng.normal(0, [0.10, 0.05, 0.02]))
    phases = rng.uniform(0, 2 * math.pi, 3)
    return Section(
        centre_mm=centre_mm,
        radius_mm=float(rng.uniform(4.4, 7.2)),
        hu=float(rng.uniform(-60, 70)),
        waves=tuple(zip(amplitudes.tolist(), phases.tolist(), strict=True)),
    )


def _draw_nodule(rng: np.random.Generator, body: Body, section: Section) -> None:
    """Draw a nodule: its section closes above and below, as in an ellipsoid."""
    reach_mm = section.radius_mm * rng.uniform(0.6, 1.05)
    lean = rng.normal(0, 0.15, 2)

    def level(depth_mm: float) -> Level | None:
        if abs(depth_mm) >= reach_mm:
            return None
        scale = math.sqrt(1 - (depth_mm / reach_mm) ** 2)
        return Level(scale=scale, shift_mm=(float(lean[0] * depth_mm), float(lean[1] * depth_mm)))

    _draw_levels(body, section, level)


def _draw_through_vessel(rng: np.random.Generator, body: Body, section: Section) -> None:
    """Draw a through-plane vessel: its section continues above and below, tilted, bent and tapering, until it ends."""
    angle, tilt = rng.uniform(0, 2 * math.pi), math.tan(rng.uniform(0, math.radians(20)))
    bend = rng.normal(0, 0.006, 2)
    taper = rng.uniform(-0.012, 0.012)
    ends_mm = np.where(rng.random(2) < 0.15, rng.uniform(6, 11, 2), rng.uniform(16, 32, 2))

    def level(depth_mm: float) -> Level | None:
        left_mm = float(ends_mm[int(depth_mm > 0)]) - abs(depth_mm)
        if left_mm <= 0:
            return None
        run_x, run_y = tilt * math.cos(angle) * depth_mm, tilt * math.sin(angle) * depth_mm
        return Level(
            scale=(1 + taper * depth_mm) * min(1.0, math.sqrt(left_mm / 4)),
            shift_mm=(float(run_x + bend[0] * depth_mm**2), float(run_y + bend[1] * depth_mm**2)),
        )

    _draw_levels(body, section, level)


def _draw_in_plane_vessel(rng: np.random.Generator, body: Body, section: Section) -> None:
    """Draw an in-plane vessel, which one slice shows lengthwise: it winds away on both sides and tapers."""
    angle = rng.uniform(0, 2 * math.pi)
    for first in (angle, angle + math.pi):
        place, turn, radius = np.array(section.centre_mm), first, section.radius_mm * 0.52
        bend, rise = rng.normal(0, 0.22), rng.normal(0, 0.1)
        for _ in range(int(rng.integers(3, 6))):
            step = np.array([math.cos(turn), math.sin(turn), rise]) * 6.5
            body.draw_vessel(place, place + step, (radius, radius * 0.9), section.hu)
            place, turn, radius = place + step, turn + bend, radius * 0.9


DRAW_FUNCTIONS: dict[str, Callable[[np.random.Generator, Body, Section], None]] = {
    "nodule": _draw_nodule,
    "through": _draw_through_vessel,
    "in-plane": _draw_in_plane_vessel,
}


def _draw_levels(body: Body, section: Section, level: Callable[[float], Level | None]) -> None:
    """Paint a section slice by slice, each with its own scale and shift."""
    centre_x, centre_y, centre_z = section.centre_mm
    for z in range(NUM_SLICES):
        place = level(z * STEP_Z_MM - centre_z)
        if place is not None:
            x_mm, y_mm = centre_x + place.shift_mm[0], centre_y + place.shift_mm[1]
            _draw_outline(body, z, (x_mm, y_mm), section, place.scale)


def _draw_outline(body: Body, z: int, centre_mm: tuple[float, float], section: Section, scale: float) -> None:
    reach = section.radius_mm * scale * 1.5 + 2 * _EDGE_MM
    box, (_, y, x) = body.neighbourhood((*centre_mm, z * STEP_Z_MM), (reach, reach, 0.0))
    across, down = x - centre_mm[0], y - centre_mm[1]
    angle = direction(down, across)
    outline = np.ones_like(angle)
    for number, (amplitude, phase) in enumerate(section.waves, start=2):
        outline += amplitude * np.cos(number * angle + phase)
    reach_mm = (section.radius_mm * scale * outline).astype(np.float32)
    body.paint(box, np.sqrt(across**2 + down**2) - reach_mm, section.hu, _EDGE_MM)


def _draw_kinds(rng: np.random.Generator, count: int, through_plane: float) -> list[str]:
    """Draw the kind of each candidate in random order; scans with equal counts have equal numbers of each kind."""
    num_nodules = round(_NODULES * count)
    num_through = min(round(through_plane * (1 - _NODULES) * count), count - num_nodules)
    kinds = ["nodule"] * num_nodules + ["through"] * num_through + ["in-plane"] * (count - num_nodules - num_through)
    return [str(kind) for kind in rng.permutation(kinds)]


def _draw_points(rng: np.random.Generator, body: Body, count: int) -> list[tuple[float, float, float]]:
    """Draw points (x, y, z) in mm away from the lung border, vessels and each other; z is the centre of a slice."""
    from scipy import ndimage

    margin = round(_MARGIN_MM / STEP_X_MM)
    inner = ndimage.maximum_filter(body.hu, size=(3, 2 * margin + 1, 2 * margin + 1)) < _CLEAR_HU
    inner &= body.lung > 0.99  # air outside the body and in the trachea is also free of vessels
    inner[:_MARGIN_SLICES] = inner[-_MARGIN_SLICES:] = False
    voxels = rng.permutation(np.argwhere(inner))
    points_mm: list[NDArray[np.float64]] = []
    for z, y, x in voxels[: 100 * count]:
        place = np.array([x + rng.uniform(-0.5, 0.5), y + rng.uniform(-0.5, 0.5), z]) * SPACING_MM
        if all(_is_apart(place, other) for other in points_mm):
            points_mm.append(place)
        if len(points_mm) == count:
            break
    return [(float(x), float(y), float(z)) for x, y, z in points_mm]


def _is_apart(one: NDArray[np.float64], other: NDArray[np.float64]) -> bool:
    across = math.hypot(one[0] - other[0], one[1] - other[1])
    return across > _MIN_DISTANCE_MM or abs(one[2] - other[2]) > _MIN_DISTANCE_SLICES * STEP_Z_MM


def _mark_candidate(rng: np.random.Generator, section: Section, kind: str) -> Candidate:
    """Draw the mark of a detector: in the right slice, slightly off centre."""
    x, y, z = section.centre_mm
    off_x, off_y = rng.normal(0, 0.7, 2)
    return Candidate(
        index=(z / STEP_Z_MM, (y + off_y) / STEP_Y_MM, (x + off_x) / STEP_X_MM),
        centre=(z / STEP_Z_MM, y / STEP_Y_MM, x / STEP_X_MM),
        kind=kind,
        diameter_mm=2 * section.radius_mm,
    )
