"""Candidates outside their scan: a few are ignored; many mean that the list does not match the scans."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import permutations, product
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from archnet.data.checks.findings import Finding, is_or_are
from archnet.data.checks.left_out import MAX_CASES
from archnet.errors import DataError, pluralize
from archnet.files.progress import Progress, no_progress
from archnet.imaging import Volume, nearest_index, read_frame
from archnet.imaging.scan_files import series_to_read

MAX_SHARE: Final = 0.01
"""Share of candidates outside their scan above which they are an error."""

MAX_SCAN_SHARE: Final = 0.5
"""Minimum share of one scan's candidates outside it that is an error."""

_MAX_NAMES: Final = 3
_CAUSES: Final = (
    "Usual causes: RAS coordinates instead of LPS, axes in a different order, voxel indices instead of millimetres, "
    "or the list of a different scan."
)

_ERROR_REMEDIES: Final = (
    "Correct the list (positions in mm, LPS). If the check is allowed, candidates outside their scan are left out.",
    "Correct the list (positions in mm, LPS).",
)
"""Remedies in a data set, and in a prediction or if no candidate is inside."""

_WARNING_REMEDIES: Final = (
    "They are left out; --strict makes them an error.",
    "Their probabilities are empty; --strict makes them an error.",
)

Points = NDArray[np.float64]
Convert = Callable[[Points, Volume], Points]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PlacedPoints:
    """Candidates, and the grids of their scans.

    Attributes:
        series: The scan of each candidate.
        points_mm: (n, 3) world positions (x, y, z), LPS.
        labels: (n,) 1 is a nodule, 0 is not a nodule, -1 is unknown.
        row_name: Function that names a row, such as by its line in the list.
        frames: The grid of each scan whose header can be read.
        names: The file name of each scan.
    """

    series: Sequence[str]
    points_mm: Points
    labels: NDArray[np.int64]
    row_name: Callable[[int], str]
    frames: Mapping[str, Volume]
    names: Mapping[str, str]

    def rows_by_scan(self) -> dict[str, NDArray[np.int64]]:
        """The rows of each scan whose header can be read."""
        rows: dict[str, list[int]] = {}
        for row, uid in enumerate(self.series):
            rows.setdefault(uid, []).append(row)
        return {uid: np.array(members, np.int64) for uid, members in rows.items() if uid in self.frames}

    def is_outside(self) -> NDArray[np.bool_]:
        """(n,) whether a candidate is outside its scan; false for scans without a readable header."""
        is_outside = np.zeros(len(self.series), np.bool_)
        for uid, rows in self.rows_by_scan().items():
            is_outside[rows] = is_outside_frame(self.frames[uid], self.points_mm[rows])
        return is_outside


def read_frames(
    scans: Mapping[str, Path], progress: Progress = no_progress, series: str | None = None
) -> dict[str, Volume]:
    """Read the grids of scans from their headers; the reader of a scan reports its problems.

    Args:
        scans: Paths by series uid.
        progress: Wraps the scans.
        series: The CT series to read in DICOM folders that contain several.
    """
    frames: dict[str, Volume] = {}
    for uid, path in progress(scans.items(), "Checking scans", len(scans)):
        try:
            frames[uid] = read_frame(path, series_to_read(path, series))
        except DataError:
            continue
    return frames


def is_outside_frame(frame: Volume, points_mm: Points) -> NDArray[np.bool_]:
    """(n,) whether the nearest voxel of a point is outside the scan."""
    indices = nearest_index(frame, points_mm)
    is_outside: NDArray[np.bool_] = np.any((indices < 0) | (indices >= frame.hu.shape), axis=1)
    return is_outside


def find_outside(
    points: PlacedPoints, is_outside: NDArray[np.bool_], source: str, *, is_prediction: bool = False
) -> tuple[Finding, ...]:
    """Create a finding that counts the candidates outside their scan; none if all are inside.

    It is an error if these are more than 1% of all candidates, at least half of one scan's candidates, or include a
    nodule.

    Args:
        points: The candidates.
        is_outside: (n,) result of `PlacedPoints.is_outside`.
        source: The name of the list.
        is_prediction: Whether the candidates outside stay in the list; in a data set they are ignored.
    """
    rows = np.flatnonzero(is_outside)
    if not len(rows):
        return ()
    num_checked = sum(uid in points.frames for uid in points.series)
    reasons = list(_error_reasons(points, is_outside, num_checked))
    subject = f"{len(rows):,} of the {num_checked:,} candidates in {source}"
    place = "lies outside its scan" if len(rows) == 1 else "lie outside their scans"
    sentences = [f"{subject} {place}: {_examples(points, rows)}."]
    if reasons:
        sentences += [*reasons, _CAUSES, *_guess(points)]
    return (
        Finding(
            check="outside_candidates",
            severity="error" if reasons else "warning",
            message=" ".join(sentences),
            cases=tuple(points.row_name(row) for row in rows[:MAX_CASES].tolist()),
            remedy=(_ERROR_REMEDIES if reasons else _WARNING_REMEDIES)[is_prediction or bool(is_outside.all())],
        ),
    )


def _error_reasons(points: PlacedPoints, is_outside: NDArray[np.bool_], num_checked: int) -> Iterator[str]:
    share = np.count_nonzero(is_outside) / num_checked
    if share > MAX_SHARE:
        yield f"That is {_percent(share)} of all candidates."
    fullest, largest = max(
        ((uid, float(is_outside[rows].mean())) for uid, rows in points.rows_by_scan().items()), key=lambda pair: pair[1]
    )
    if largest >= MAX_SCAN_SHARE:
        yield f"It is {_percent(largest)} of the candidates in {points.names[fullest]}."
    num_nodules = int(np.count_nonzero(is_outside & (points.labels == 1)))
    if num_nodules:
        yield f"Among them {is_or_are(num_nodules)} {pluralize(num_nodules, 'nodule')}."


def _percent(share: float) -> str:
    return f"{100 * share:.3g}%"


def _examples(points: PlacedPoints, rows: NDArray[np.int64]) -> str:
    texts = []
    for row in rows[:_MAX_NAMES].tolist():
        x, y, z = (round(value, 3) for value in points.points_mm[row].tolist())
        texts.append(f"{points.row_name(row)}, ({x}, {y}, {z}) mm in {points.names[points.series[row]]}")
    if len(rows) > _MAX_NAMES:
        num_scans = len({points.series[row] for row in rows.tolist()})
        texts.append(f"{len(rows) - _MAX_NAMES:,} more, in {pluralize(num_scans, 'scan')} in total")
    return "; ".join(texts)


def _guess(points: PlacedPoints) -> Iterator[str]:
    """The first cause whose correction would put 99% of the candidates inside their scans, as a sentence."""
    rows_by_scan = points.rows_by_scan()
    num_points = sum(map(len, rows_by_scan.values()))
    for condition, convert in _HYPOTHESES.items():
        num_outside = 0
        for uid, rows in rows_by_scan.items():
            frame = points.frames[uid]
            num_outside += int(np.count_nonzero(is_outside_frame(frame, convert(points.points_mm[rows], frame))))
            if num_outside > MAX_SHARE * num_points:
                break
        else:
            number = "all" if not num_outside else f"{num_points - num_outside:,} of {num_points:,}"
            yield f"{condition}, {number} would be inside."
            return


def _reorder(axes: tuple[int, ...], signs: tuple[int, ...]) -> Convert:
    return lambda points, _: points[:, axes] * np.array(signs)


def _to_world(points: Points, frame: Volume) -> Points:
    """World positions of voxel indices (x, y, z)."""
    return _from_corner(points * np.array(frame.spacing_mm), frame)


def _from_corner(points: Points, frame: Volume) -> Points:
    """World positions of coordinates in mm relative to the first voxel."""
    world: Points = points @ frame.direction.T + np.array(frame.origin_mm)
    return world


def _hypotheses() -> Iterator[tuple[str, Convert]]:
    """Possible coordinate conventions, likeliest first, with their conversions to LPS millimetres."""
    yield "With x and y negated (RAS instead of LPS)", _reorder((0, 1, 2), (-1, -1, 1))
    yield "With the axes in the order z, y, x", _reorder((2, 1, 0), (1, 1, 1))
    yield "Interpreted as voxel indices (x, y, z)", _to_world
    yield "Interpreted as voxel indices (z, y, x)", lambda points, frame: _to_world(points[:, ::-1], frame)
    yield "Interpreted as millimetres from the first voxel", _from_corner
    every_sign = [signs for signs in product((1, -1), repeat=3) if signs != (1, 1, 1)]
    yield from ((f"With {_negated(signs)}", _reorder((0, 1, 2), signs)) for signs in every_sign)
    for axes in permutations(range(3)):
        order = f"With the axes in the order {', '.join('xyz'[axes.index(axis)] for axis in range(3))}"
        if axes != (0, 1, 2):
            yield order, _reorder(axes, (1, 1, 1))
            yield from ((f"{order} and {_negated(signs)}", _reorder(axes, signs)) for signs in every_sign)


def _negated(signs: tuple[int, ...]) -> str:
    *others, last = (axis for axis, sign in zip("xyz", signs, strict=True) if sign < 0)
    return f"{', '.join(others)} and {last} negated" if others else f"{last} negated"


_HYPOTHESES: Final = dict(_hypotheses())
