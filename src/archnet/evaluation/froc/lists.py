"""Read the lists of LUNA16's evaluation, and write the curve."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from archnet.errors import DataError
from archnet.evaluation.froc.curve import FrocCurve
from archnet.evaluation.froc.hits import Findings, Marks, ReferenceStandard
from archnet.files.atomic import write_text
from archnet.files.csv_rows import csv_text, excerpt, parse_finite
from archnet.files.luna16_lists import DIAMETER, PROBABILITY, SERIES_UID, read_point_rows


def read_marks(path: Path) -> Marks:
    """Read a submission: seriesuid, coordX, coordY, coordZ, probability; it may be empty.

    Rows with an empty probability are skipped: archnet writes them for candidates outside their scan.

    Raises:
        DataError: A column is missing, or a value is not what its column holds.
    """
    series, numbers = _read_columns(path, PROBABILITY, skips_empty=True)
    return Marks(series=series, points_mm=numbers[:, :3], scores=numbers[:, 3])


def read_findings(path: Path) -> Findings:
    """Read annotations: seriesuid, coordX, coordY, coordZ, diameter_mm.

    Raises:
        DataError: A column is missing, or a value is not what its column holds.
    """
    series, numbers = _read_columns(path, DIAMETER)
    return Findings(series=series, points_mm=numbers[:, :3], diameters_mm=numbers[:, 3])


def read_series(path: Path) -> list[str]:
    """Read series uids, one per line; a first line "seriesuid" is a header.

    Raises:
        DataError: The list is empty or damaged, or a uid occurs twice.
    """
    lines: dict[str, int] = {}
    for line, text in enumerate(_read_text(path).splitlines(), start=1):
        uid = text.strip()
        if not uid or (line == 1 and uid == SERIES_UID):
            continue
        if "," in uid:
            raise DataError(f"{path} line {line}: expected one series uid, got {excerpt([uid])}.")
        if uid in lines:
            raise DataError(f"{path} line {line}: {excerpt([uid])} is already on line {lines[uid]}. Remove one.")
        lines[uid] = line
    if not lines:
        raise DataError(f"{path}: contains no series. Write the uid of each scan, one per line.")
    return list(lines)


def read_lists(submission: Path, annotations: Path, excluded: Path, series: Path) -> tuple[Marks, ReferenceStandard]:
    """Read a submission and its reference standard.

    Raises:
        DataError: A list is missing or damaged, or no nodule or no mark is in a listed series.
    """
    series_uids = read_series(series)
    marks, nodules = read_marks(submission), read_findings(annotations)
    if not nodules.series:
        raise DataError(f"{annotations}: contains no nodules, so there is no sensitivity to compute.")
    for path, uids in ((annotations, nodules.series), (submission, marks.series)):
        if uids and not set(uids) & set(series_uids):
            raise DataError(
                f"{path}: none of its rows has a series uid that {series} lists. "
                f"The first row has {excerpt([uids[0]])}; the first series in the list is {excerpt([series_uids[0]])}."
            )
    return marks, ReferenceStandard(series=series_uids, nodules=nodules, excluded=read_findings(excluded))


def training_series_path(submission: Path) -> Path:
    """The path of the list of training scans next to a submission."""
    return submission.with_name(f"{submission.stem}.training_scans.csv")


def write_training_series(submission: Path, series: Sequence[str]) -> None:
    """Write the list of training scans next to a submission; without series, remove an existing list."""
    path = training_series_path(submission)
    if series:
        write_text(path, csv_text([SERIES_UID], ([uid] for uid in series)))
    else:
        path.unlink(missing_ok=True)


def leave_out_training_series(
    submission: Path, marks: Marks, reference: ReferenceStandard
) -> tuple[Marks, ReferenceStandard, int]:
    """Exclude the scans that the networks of a submission were trained on.

    Returns:
        The marks and the reference standard of the other scans, and the number of excluded scans.

    Raises:
        DataError: The list of training scans is damaged, or no nodule is left.
    """
    path = training_series_path(submission)
    trained = set(read_series(path)) if path.is_file() else set()
    kept = [uid for uid in reference.series if uid not in trained]
    if not set(kept) & set(reference.nodules.series):
        raise DataError(
            f"{path}: the networks were trained on all scans with nodules. Evaluate them on other scans, or include "
            "these with --include-training-scans."
        )
    is_kept = np.array([uid not in trained for uid in marks.series], bool)
    kept_marks = Marks(
        series=[uid for uid in marks.series if uid not in trained],
        points_mm=marks.points_mm[is_kept],
        scores=marks.scores[is_kept],
    )
    return kept_marks, replace(reference, series=kept), len(reference.series) - len(kept)


def write_curve(path: Path, curve: FrocCurve) -> Path:
    """Write a csv file with a line for each point of the curve, by atomic rename."""
    columns = (curve.false_positives_per_scan, curve.sensitivity, curve.thresholds)
    rows = zip(*(column.tolist() for column in columns), strict=True)
    return write_text(path, csv_text(["false_positives_per_scan", "sensitivity", "threshold"], rows))


def _read_columns(path: Path, last_column: str, *, skips_empty: bool = False) -> tuple[list[str], NDArray[np.float64]]:
    """Series uids, and the other columns as an (N, 4) array of finite numbers.

    Args:
        skips_empty: Leave out rows whose last column is empty.
    """
    _check_is_file(path)
    series, numbers = [], []
    for row in read_point_rows(path, last_column):
        if skips_empty and not row.word:
            continue
        series.append(row.uid)
        numbers.append([*row.point_mm, *parse_finite([row.word], [last_column], path, row.line)])
    return series, np.array(numbers, dtype=np.float64).reshape(-1, 4)


def _read_text(path: Path) -> str:
    _check_is_file(path)
    try:
        return path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise DataError(f"{path}: not a readable list ({error}). Save it as text in UTF-8.") from error


def _check_is_file(path: Path) -> None:
    if not path.is_file():
        raise DataError(f"{path}: no such file. Name one of LUNA16's lists, or a file in the same format.")
