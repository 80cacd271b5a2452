"""The `froc` folder of a run: a submission and LUNA16's lists in the format of `archnet froc`, and the curve."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from archnet.evaluation.froc.curve import Froc, compute_froc
from archnet.evaluation.froc.hits import Findings, Marks, ReferenceStandard
from archnet.evaluation.froc.lists import read_findings, read_marks, read_series
from archnet.evaluation.strata.froc_strata import compute_froc_by_diameter, froc_strata_document
from archnet.files.atomic import write_json, write_text
from archnet.files.luna16_lists import (
    ANNOTATIONS_FILE,
    DIAMETER,
    EXCLUDED_FILE,
    PROBABILITY,
    SERIES_FILE,
    point_rows_text,
    series_text,
)

FINDING_LISTS: Final = (ANNOTATIONS_FILE, EXCLUDED_FILE)
SUBMISSION: Final = "froc/submission.csv"
SERIES: Final = f"froc/{SERIES_FILE}"


def has_froc_lists(folder: Path) -> bool:
    """Whether a run folder contains all inputs of its FROC analysis."""
    names = (SUBMISSION, SERIES, *(f"froc/{name}" for name in FINDING_LISTS))
    return all((folder / name).is_file() for name in names)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SubmissionFroc:
    """The FROC of a submission.

    Attributes:
        of_all: FROC of all nodules.
        by_diameter: FROC of the nodules of each stratum of diameters; empty if there is only one.
    """

    of_all: Froc
    by_diameter: Mapping[str, Froc]

    def to_document(self) -> dict[str, Any]:
        """The results, JSON-ready: those of all nodules, and the list `by_diameter` if there are strata."""
        strata = froc_strata_document(self.by_diameter)
        return {**self.of_all.to_document(), **({"by_diameter": strata} if strata else {})}


def evaluate_submission(folder: Path, bootstraps: int) -> SubmissionFroc:
    """Evaluate the submission of a folder with its lists.

    Args:
        folder: A run folder, or a folder with the lists of several runs.
        bootstraps: Number of resamples of scans for the intervals.

    Raises:
        DataError: A list is damaged.
    """
    nodules, excluded = (read_findings(folder / "froc" / name) for name in FINDING_LISTS)
    reference = ReferenceStandard(series=read_series(folder / SERIES), nodules=nodules, excluded=excluded)
    marks = read_marks(folder / SUBMISSION)
    return SubmissionFroc(
        of_all=compute_froc(marks, reference, bootstraps=bootstraps),
        by_diameter=compute_froc_by_diameter(marks, reference, bootstraps=bootstraps),
    )


def write_froc_curve(folder: Path, result: SubmissionFroc) -> None:
    """Write froc/curve.json, which the report draws, unless the scans have no nodules."""
    if result.of_all.hits.num_nodules.any():
        strata = {name: _curve_document(froc) for name, froc in result.by_diameter.items()}
        document = {**_curve_document(result.of_all), **({"by_diameter": strata} if strata else {})}
        write_json(folder / "froc/curve.json", document)


def _curve_document(result: Froc) -> dict[str, Any]:
    """The curve, JSON-ready; the confidence band is given at `BAND_RATES`."""
    return {
        "false_positives_per_scan": result.curve.false_positives_per_scan.tolist(),
        "sensitivity": result.curve.sensitivity.tolist(),
        "band": None if result.band is None else result.band.tolist(),
    }


def write_submission(folder: Path, marks: Marks) -> None:
    """Write the submission."""
    _write_rows(folder / SUBMISSION, PROBABILITY, (marks.series, marks.points_mm, marks.scores))


def write_findings(folder: Path, name: str, findings: Findings) -> None:
    """Write one of `FINDING_LISTS`."""
    columns = (findings.series, findings.points_mm, findings.diameters_mm)
    _write_rows(folder / "froc" / name, DIAMETER, columns)


def write_series(folder: Path, series: Iterable[str]) -> None:
    """Write the list of scans, each series uid once, sorted."""
    write_text(folder / SERIES, series_text(sorted(set(series))))


def _write_rows(path: Path, last_column: str, columns: tuple[Sequence[str], Any, Any]) -> None:
    """Write rows of series, point and one number."""
    series, points_mm, numbers = columns
    rows = zip(series, points_mm.tolist(), numbers.tolist(), strict=True)
    write_text(path, point_rows_text(last_column, ((uid, *point, number) for uid, point, number in rows)))
