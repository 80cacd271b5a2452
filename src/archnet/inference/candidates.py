"""Unlabelled candidate lists, and submissions in LUNA16's format."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from archnet.data.candidates import Candidates, CropGrid, read_candidates
from archnet.data.crops import CandidateCrops
from archnet.errors import DataError
from archnet.files.atomic import write_text
from archnet.files.csv_rows import excerpt
from archnet.files.luna16_lists import POINT, PROBABILITY, SERIES_UID, point_rows_text
from archnet.imaging.volume import Point
from archnet.inference.trained_run import TrainedRun


def read_candidate_list(path: Path, series: Collection[str]) -> tuple[Candidates, int]:
    """Read the candidates of some series, and the number of other candidates; classes in the list are ignored.

    Raises:
        DataError: The list is missing or damaged, or names none of the series.
    """
    if not path.is_file():
        raise DataError(f"{path}: no such file. Name a list with the columns {', '.join((SERIES_UID, *POINT))}.")
    candidates = read_candidates(path, has_labels=False)
    wanted = set(series)
    rows = np.flatnonzero([uid in wanted for uid in candidates.series])
    num_all = len(candidates.series)
    if not len(rows):
        hint = "It is empty."
        if num_all:
            given = excerpt([min(series)])
            hint = f"The first one is in scan {excerpt(candidates.series[:1])}; a given scan is {given}."
        raise DataError(f"{path}: none of its candidates ({num_all:,}) is in a given scan. {hint}")
    return candidates.select(rows), num_all - len(rows)


def candidate_recipe(
    run: TrainedRun, candidates: Candidates, scans: Mapping[str, Path], series: str | None = None
) -> CandidateCrops:
    """The recipe that extracts candidates as cases of a run, as in its training.

    Args:
        run: A run on candidates.
        candidates: Points in the scans.
        scans: By series uid, from `scans_by_name`.
        series: The CT series to read in DICOM folders that contain several.
    """
    grid = CropGrid(shape=run.crop_size, spacing_mm=run.experiment.data.spacing_mm)
    lines = range(len(candidates.series)) if candidates.lines is None else candidates.lines.tolist()
    ids = np.array([f"{uid}#{line}" for uid, line in zip(candidates.series, lines, strict=True)])
    recipe = candidates.crops(scans, ids, grid)
    recipe.series = series
    return recipe


def point_recipe(run: TrainedRun, scan: Path, point_mm: Point, series: str | None = None) -> CandidateCrops:
    """The recipe of the crop around a point of a scan."""
    unknown = np.array([-1], np.int64)
    candidate = Candidates(source="--at", series=[str(scan)], points_mm=np.array([point_mm]), labels=unknown)
    return candidate_recipe(run, candidate, {str(scan): scan}, series)


def write_submission(
    path: Path, candidates: Candidates, probabilities: NDArray[np.float64], is_outside: NDArray[np.bool_]
) -> None:
    """Write a file in LUNA16's submission format atomically.

    Candidates outside their scan have an empty probability; other candidates with a NaN probability are omitted.

    Args:
        path: The file.
        candidates: The candidates.
        probabilities: (n,) of the nodule class.
        is_outside: (n,) whether a candidate lies outside its scan.
    """
    columns = (candidates.series, candidates.points_mm.tolist(), probabilities.tolist(), is_outside.tolist())
    lines = (
        (uid, *point, "" if outside else probability)
        for uid, point, probability, outside in zip(*columns, strict=True)
        if outside or not math.isnan(probability)
    )
    write_text(path, point_rows_text(PROBABILITY, lines))
