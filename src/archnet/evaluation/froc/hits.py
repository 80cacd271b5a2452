"""Hits: match marks of a detector with nodules by the rules of LUNA16's evaluation.

Reference: Setio et al. 2017, doi:10.1016/j.media.2017.06.015.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from archnet.evaluation.uncertainty.ratio import Floats
from archnet.files.luna16_lists import are_hits


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Marks:
    """Marks of a detector: positions with scores.

    Attributes:
        series: Series uid of each of M marks.
        points_mm: World positions (x, y, z), LPS, shape (M, 3).
        scores: Confidence of each mark, shape (M,).
    """

    series: Sequence[str]
    points_mm: Floats
    scores: Floats

    def __post_init__(self) -> None:
        """Reject columns of different lengths.

        Raises:
            ValueError: A column has a different length from `series`.
        """
        _check_shapes(len(self.series), self.points_mm, self.scores)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Findings:
    """Findings annotated by readers.

    Attributes:
        series: Series uid of each of F findings.
        points_mm: World positions (x, y, z) of their centres, LPS, shape (F, 3).
        diameters_mm: Shape (F,); a negative one is unknown and counts as 10 mm.
    """

    series: Sequence[str]
    points_mm: Floats
    diameters_mm: Floats

    def __post_init__(self) -> None:
        """Reject columns of different lengths.

        Raises:
            ValueError: A column has a different length from `series`.
        """
        _check_shapes(len(self.series), self.points_mm, self.diameters_mm)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ReferenceStandard:
    """The reference standard of LUNA16's evaluation.

    Attributes:
        series: Unique uids of the evaluated scans, including those without marks and nodules. Marks and findings of
            other series are ignored.
        nodules: The nodules to detect.
        excluded: Findings that count neither way: a mark that hits nothing but one of these is ignored.
    """

    series: Sequence[str]
    nodules: Findings
    excluded: Findings

    def __post_init__(self) -> None:
        """Reject a list that is empty or has a duplicate.

        Raises:
            ValueError: The list is empty or has a duplicate.
        """
        if not len(self.series) or len(set(self.series)) != len(self.series):
            raise ValueError("the list of series must have at least one uid, and each only once")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Hits:
    """Detected nodules with the score of their best mark, and false positives.

    Attributes:
        scans: Index of each of the N entries in the list of series.
        scores: Shape (N,).
        is_nodule: True for a detected nodule, False for a false positive, shape (N,).
        num_nodules: Number of nodules of each scan, detected or missed, shape (S,).
        num_marks: Number of marks in the listed series, after `max_marks`.
        num_unlisted: Number of marks on unlisted series, which are ignored.
        num_ignored: Number of marks that hit only excluded findings.
        num_double: Number of marks beyond the best one of each nodule; a mark in two nodules may count for both.
    """

    scans: NDArray[np.int64]
    scores: Floats
    is_nodule: NDArray[np.bool_]
    num_nodules: NDArray[np.int64]
    num_marks: int
    num_unlisted: int
    num_ignored: int
    num_double: int

    @property
    def num_true_positives(self) -> int:
        """Number of detected nodules."""
        return int(self.is_nodule.sum())

    @property
    def num_false_positives(self) -> int:
        """Number of false positives."""
        return len(self.is_nodule) - self.num_true_positives

    @property
    def num_false_negatives(self) -> int:
        """Number of missed nodules."""
        return int(self.num_nodules.sum()) - self.num_true_positives


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _ScanHits:
    """The hits of one scan."""

    scores: Floats
    is_nodule: NDArray[np.bool_]
    num_marks: int
    num_ignored: int
    num_double: int


def match_marks(marks: Marks, reference: ReferenceStandard, max_marks: int | None = None) -> Hits:
    """Match marks with findings: a mark hits a finding if its distance to the centre is less than the radius.

    A mark in several nodules counts for each; one that hits a nodule is neither ignored nor a false positive.

    Args:
        marks: Marks of one detector.
        reference: Scans and findings.
        max_marks: Maximum number of marks per scan, the best ones; ties at the cutoff are dropped.
    """
    series = reference.series
    all_rows = _rows_by_scan(marks.series, series)
    mark_rows = [_keep_best(rows, marks.scores, max_marks) for rows in all_rows]
    nodule_rows = _rows_by_scan(reference.nodules.series, series)
    excluded_rows = _rows_by_scan(reference.excluded.series, series)
    scans = [
        _scan_hits(
            marks.scores[rows],
            in_nodule=_is_inside(reference.nodules, nodules, marks.points_mm[rows]),
            in_excluded=_is_inside(reference.excluded, excluded, marks.points_mm[rows]),
        )
        for rows, nodules, excluded in zip(mark_rows, nodule_rows, excluded_rows, strict=True)
    ]
    return Hits(
        scans=np.repeat(np.arange(len(scans)), [len(scan.scores) for scan in scans]),
        scores=np.concatenate([scan.scores for scan in scans]),
        is_nodule=np.concatenate([scan.is_nodule for scan in scans]),
        num_nodules=np.array([len(rows) for rows in nodule_rows]),
        num_marks=sum(scan.num_marks for scan in scans),
        num_unlisted=len(marks.series) - sum(map(len, all_rows)),
        num_ignored=sum(scan.num_ignored for scan in scans),
        num_double=sum(scan.num_double for scan in scans),
    )


def _rows_by_scan(series: Sequence[str], scan_uids: Sequence[str]) -> list[NDArray[np.int64]]:
    """The indices of the rows of each listed series, in order."""
    scan_index = {uid: place for place, uid in enumerate(scan_uids)}
    scans = np.array([scan_index.get(uid, -1) for uid in series])
    order = np.argsort(scans, kind="stable")
    ends = np.searchsorted(scans[order], np.arange(len(scan_uids) + 1))
    return [order[start:end] for start, end in pairwise(ends.tolist())]


def _keep_best(rows: NDArray[np.int64], scores: Floats, max_marks: int | None) -> NDArray[np.int64]:
    if max_marks is None or len(rows) <= max_marks:
        return rows
    best_left_out = np.sort(scores[rows])[::-1][max_marks]
    best_rows: NDArray[np.int64] = rows[scores[rows] > best_left_out]
    return best_rows


def _is_inside(findings: Findings, rows: NDArray[np.int64], points_mm: Floats) -> NDArray[np.bool_]:
    """Whether each of M points is in each of the findings `rows`, shape (len(rows), M)."""
    return are_hits(points_mm, findings.points_mm[rows], findings.diameters_mm[rows])


def _scan_hits(scores: Floats, *, in_nodule: NDArray[np.bool_], in_excluded: NDArray[np.bool_]) -> _ScanHits:
    """The hits of one scan's M marks, given whether each is in its nodules and excluded findings, (findings, M)."""
    is_found, has_hit = in_nodule.any(axis=1), in_nodule.any(axis=0)
    is_ignored = in_excluded.any(axis=0) & ~has_hit
    true_positive_scores = np.where(in_nodule, scores, -np.inf).max(axis=1, initial=-np.inf)[is_found]
    false_positive_scores = scores[~has_hit & ~is_ignored]
    return _ScanHits(
        scores=np.concatenate([true_positive_scores, false_positive_scores]),
        is_nodule=np.repeat([True, False], [len(true_positive_scores), len(false_positive_scores)]),
        num_marks=len(scores),
        num_ignored=int(is_ignored.sum()),
        num_double=int(in_nodule.sum() - is_found.sum()),
    )


def _check_shapes(num_rows: int, points_mm: Floats, values: Floats) -> None:
    if points_mm.shape != (num_rows, 3) or values.shape != (num_rows,):
        raise ValueError(f"{num_rows} series do not fit points of shape {points_mm.shape} and values of {values.shape}")
