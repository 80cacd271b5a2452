"""Candidate lists without labels, and LUNA16's submission form."""

from __future__ import annotations

import csv
import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from archnet.data.crops import CandidateCrops
from archnet.errors import DataError
from archnet.files.atomic import atomic_write
from archnet.files.csv_rows import excerpt, read_rows
from archnet.inference.trained_run import TrainedRun

POINT_COLUMNS: Final = ("seriesuid", "coordX", "coordY", "coordZ")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class CandidateList:
    """Candidates in the scans that were given.

    Attributes:
        path: The list's file.
        series: Series uid of each candidate.
        points_mm: (N, 3) world positions (x, y, z), LPS.
        lines: Line in the file, from 1.
        num_left_out: Number of candidates in other series.
    """

    path: Path
    series: list[str]
    points_mm: NDArray[np.float64]
    lines: list[int]
    num_left_out: int


def read_candidate_list(path: Path, series: Collection[str]) -> CandidateList:
    """Read the candidates of some series; columns other than the uid and the position are ignored.

    Raises:
        DataError: The list is missing or damaged, or names none of the series.
    """
    if not path.is_file():
        raise DataError(f"{path}: no such file. Name a list with the columns {', '.join(POINT_COLUMNS)}.")
    wanted, candidates, first_uid = set(series), [], ""
    num_rows = 0
    for line, (uid, *values) in read_rows(path, POINT_COLUMNS):
        num_rows, first_uid = num_rows + 1, first_uid or uid
        if uid in wanted:
            candidates.append((uid, _parse_point(values, f"{path} line {line}"), line))
    if not candidates:
        hint = (
            f"The first names {excerpt([first_uid])}; there is {excerpt([min(series)])}."
            if first_uid
            else "It is empty."
        )
        raise DataError(f"{path}: none of its {num_rows:,} candidates lies in a scan that was given. {hint}")
    return CandidateList(
        path=path,
        series=[uid for uid, _, _ in candidates],
        points_mm=np.array([point for _, point, _ in candidates], np.float64),
        lines=[line for _, _, line in candidates],
        num_left_out=num_rows - len(candidates),
    )


def _parse_point(values: Sequence[str], location: str) -> list[float]:
    try:
        point = [float(value) for value in values]
    except ValueError:
        point = [math.nan]
    if not all(map(math.isfinite, point)):
        raise DataError(f"{location}: a position must be three numbers in mm, got {excerpt(values)}.")
    return point


def candidate_crops(run: TrainedRun, candidates: CandidateList, scans: Mapping[str, Path]) -> CandidateCrops:
    """The recipe by which candidates become a run's cases, as in its training.

    Args:
        run: A run on candidates.
        candidates: The candidates.
        scans: The scans by series uid, see `scans_by_name`.
    """
    return CandidateCrops(
        source=str(candidates.path),
        ids=np.array([f"{uid}#{line}" for uid, line in zip(candidates.series, candidates.lines, strict=True)]),
        scan_of_row=[scans[uid] for uid in candidates.series],
        points_mm=candidates.points_mm,
        location=lambda row: f"{candidates.path} line {candidates.lines[row]}",
        shape=run.crop_size,
        spacing_mm=run.experiment.data.spacing_mm,
    )


def write_submission(path: Path, candidates: CandidateList, probabilities: NDArray[np.float64]) -> None:
    """Write a LUNA16 submission by atomic rename; candidates whose probability is NaN are left out."""
    with atomic_write(path) as draft, draft.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow([*POINT_COLUMNS, "probability"])
        rows = zip(candidates.series, candidates.points_mm.tolist(), probabilities.tolist(), strict=True)
        writer.writerows([uid, *point, probability] for uid, point, probability in rows if not math.isnan(probability))
