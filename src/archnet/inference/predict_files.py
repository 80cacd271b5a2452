"""Predict scan files: whole scans, or listed candidates in scans as a LUNA16 submission."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from archnet.data.checks.findings import Finding
from archnet.data.checks.outside_candidates import PlacedPoints, find_outside
from archnet.data.recipe import Recipe
from archnet.errors import DataError
from archnet.evaluation.froc.lists import write_training_series
from archnet.files.atomic import check_output_path
from archnet.files.progress import Progress, no_progress
from archnet.imaging import list_scan_files
from archnet.imaging.scan_files import scans_by_name
from archnet.inference.candidates import candidate_recipe, read_candidate_list, write_submission
from archnet.inference.predict import Ensemble, ScanPredictions, predict_scans, whole_scan_recipe
from archnet.inference.scan_paths import FoundScans
from archnet.inference.trained_run import TrainedOn, TrainedRun


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ScanResult:
    """Class probabilities of whole scans.

    Attributes:
        runs: Folders of the runs whose probabilities are averaged.
        classes: The K class names.
        tta: Whether test-time augmentation is used.
        scans: Paths of the N scans.
        probabilities: Shape (N, K); rows of rejected scans are NaN.
        warnings: Out-of-distribution warnings, by scan.
        rejected: Reasons for rejection, by scan.
        trained_on: Runs that were trained on a scan, by scan.
        undefined: Reasons why probabilities of a scan or its candidates are NaN, by scan.
        unknown_runs: Runs of an older archnet, which did not record their training scans.
        findings: Skipped files in folders, and skipped candidates of the list.
    """

    runs: tuple[Path, ...]
    classes: tuple[str, ...]
    tta: bool
    scans: tuple[Path, ...]
    probabilities: NDArray[np.float64]
    warnings: dict[Path, list[str]]
    rejected: dict[Path, str]
    trained_on: dict[Path, list[TrainedOn]]
    undefined: dict[Path, str]
    unknown_runs: tuple[Path, ...]
    findings: tuple[Finding, ...] = ()

    @property
    def is_predicted(self) -> NDArray[np.bool_]:
        """(N,) whether a scan has probabilities."""
        return ~np.isnan(self.probabilities[:, 0])

    @property
    def by_scan(self) -> dict[Path, dict[str, float]]:
        """Class probabilities by scan, without rejected scans and those for which the networks output NaN."""
        without = self.rejected | self.undefined
        rows = zip(self.scans, self.probabilities.tolist(), strict=True)
        return {scan: dict(zip(self.classes, row, strict=True)) for scan, row in rows if scan not in without}

    def to_document(self) -> dict[str, Any]:
        """The result, JSON-ready, as `archnet predict --json` prints it."""
        rows = [{"scan": str(scan), "probabilities": row} for scan, row in self.by_scan.items()]
        return {**_shared_document(self), "scans": rows}


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class CandidateResult:
    """Class probabilities of candidates in scans.

    Attributes:
        runs: Folders of the runs whose probabilities are averaged.
        classes: The K class names.
        positive: Name of the class whose probability the submission holds.
        tta: Whether test-time augmentation is used.
        series: Series UIDs of the scans of the N candidates.
        points_mm: World positions (x, y, z) in mm, LPS, shape (N, 3).
        probabilities: Shape (N, K); rows of candidates in rejected scans are NaN.
        num_scans: Number of predicted scans.
        num_left_out: Number of listed candidates whose scans were not given.
        num_outside: Number of candidates outside their scan; their probabilities are NaN.
        out: Path of the submission; None if none was requested.
        warnings: Out-of-distribution warnings, by scan.
        rejected: Reasons for rejection, by scan.
        trained_on: Runs that were trained on a scan, by scan.
        undefined: Reasons why probabilities of a scan or its candidates are NaN, by scan.
        unknown_runs: Runs of an older archnet, which did not record their training scans.
        findings: Skipped files in folders, and skipped candidates of the list.
    """

    runs: tuple[Path, ...]
    classes: tuple[str, ...]
    positive: str
    tta: bool
    series: tuple[str, ...]
    points_mm: NDArray[np.float64]
    probabilities: NDArray[np.float64]
    num_scans: int
    num_left_out: int
    num_outside: int
    out: Path | None
    warnings: dict[Path, list[str]]
    rejected: dict[Path, str]
    trained_on: dict[Path, list[TrainedOn]]
    undefined: dict[Path, str]
    unknown_runs: tuple[Path, ...]
    findings: tuple[Finding, ...] = ()

    @property
    def is_predicted(self) -> NDArray[np.bool_]:
        """(N,) whether a candidate has probabilities."""
        return ~np.isnan(self.probabilities[:, 0])

    @property
    def num_candidates(self) -> int:
        """Number of predicted candidates."""
        return int(np.count_nonzero(self.is_predicted))

    def to_document(self) -> dict[str, Any]:
        """The result, JSON-ready, as `archnet predict --candidates --json` prints it."""
        counts = {name: getattr(self, name) for name in ("num_candidates", "num_left_out", "num_outside", "num_scans")}
        return {**_shared_document(self), "out": self.out and str(self.out), **counts}


def _shared_document(result: ScanResult | CandidateResult) -> dict[str, Any]:
    return {
        "runs": [str(run) for run in result.runs],
        "classes": list(result.classes),
        "tta": result.tta,
        "warnings": {str(path): sentences for path, sentences in result.warnings.items()},
        "refused": {str(path): reason for path, reason in result.rejected.items()},
        "undefined": {str(path): reason for path, reason in result.undefined.items()},
        "trained_on": {str(path): [run.to_document() for run in runs] for path, runs in result.trained_on.items()},
        "unknown_training": [str(run) for run in result.unknown_runs],
        "findings": [finding.to_document() for finding in result.findings],
    }


def predict_scan_files(
    runs: Sequence[TrainedRun],
    scans: FoundScans,
    *,
    tta: bool | None = None,
    progress: Progress = no_progress,
) -> ScanResult:
    """Predict whole scans.

    Args:
        runs: Runs on whole scans, from `read_trained_runs`.
        scans: From `find_named_scans`.
        tta: Test-time augmentation; see `Ensemble`.
        progress: Wraps the scans.
    """
    found = _predict(runs, whole_scan_recipe(runs[0], scans.paths, scans.series), tta, progress)
    return ScanResult(
        runs=tuple(run.folder for run in runs),
        classes=runs[0].classes,
        tta=found.tta,
        scans=scans.paths,
        probabilities=found.probabilities,
        warnings=found.warnings,
        rejected=found.rejected,
        trained_on=found.trained_on,
        undefined=found.undefined,
        unknown_runs=_unknown_runs(runs),
        findings=scans.findings,
    )


def predict_candidate_files(  # noqa: PLR0913 - the options of `archnet predict`, by name
    runs: Sequence[TrainedRun],
    scans: FoundScans,
    candidates: Path,
    out: Path | None = None,
    *,
    tta: bool | None = None,
    strict: bool = False,
    progress: Progress = no_progress,
) -> CandidateResult:
    """Predict the candidates of a list, and write them as a LUNA16 submission.

    Scans that a run was trained on are listed in a file next to it, so that `archnet froc` excludes them.

    Args:
        runs: Runs on candidates, from `read_trained_runs`.
        scans: From `find_named_scans`.
        candidates: The list: a csv file with seriesuid, coordX, coordY, coordZ (mm, LPS).
        out: Path of the submission; None writes none.
        tta: Test-time augmentation; see `Ensemble`.
        strict: Fail if a candidate lies outside its scan.
        progress: Wraps the scans.

    Raises:
        ArchnetError: The list is missing or damaged, many of its candidates lie outside their scans, or `out` would
            replace an input.
    """
    check_output_path(out, (candidates, *scans.paths, *_data_files(out, scans.paths)))
    by_name = scans_by_name(scans.paths, series=scans.series)
    candidate_list, num_left_out = read_candidate_list(candidates, by_name)
    points = candidate_list.place(by_name, progress, scans.series)
    is_outside, outside = _find_outside(points, candidate_list.source, strict)
    inside = np.flatnonzero(~is_outside)
    recipe = candidate_recipe(runs[0], candidate_list.select(inside), by_name, scans.series)
    found = _predict(runs, recipe, tta, progress)
    probabilities = np.full((len(is_outside), len(runs[0].classes)), np.nan)
    probabilities[inside] = found.probabilities
    if out is not None and found.is_predicted.any():
        write_submission(out, candidate_list, probabilities[:, runs[0].positive], is_outside)
        trained = {name for name, path in by_name.items() if path in found.trained_on}
        write_training_series(out, sorted(trained & set(candidate_list.series)))
    return CandidateResult(
        runs=tuple(run.folder for run in runs),
        classes=runs[0].classes,
        positive=runs[0].classes[runs[0].positive],
        tta=found.tta,
        series=tuple(candidate_list.series),
        points_mm=candidate_list.points_mm,
        probabilities=probabilities,
        num_scans=len(recipe.scans) - len(found.rejected),
        num_left_out=num_left_out,
        num_outside=len(is_outside) - len(inside),
        out=out,
        warnings=found.warnings,
        rejected=found.rejected,
        trained_on=found.trained_on,
        undefined=found.undefined,
        unknown_runs=_unknown_runs(runs),
        findings=(*scans.findings, *outside),
    )


def _unknown_runs(runs: Sequence[TrainedRun]) -> tuple[Path, ...]:
    return tuple(run.folder for run in runs if run.training_scans is None)


def _find_outside(points: PlacedPoints, source: str, strict: bool) -> tuple[NDArray[np.bool_], tuple[Finding, ...]]:
    """Find the candidates outside their scan, and the finding that counts them.

    Raises:
        DataError: There are many, or with `strict`, any.
    """
    is_outside = points.is_outside()
    findings = find_outside(points, is_outside, source, is_prediction=True)
    for finding in findings:
        if finding.severity == "error":
            raise DataError(finding.text)
        if strict:
            raise DataError(f"{finding.message} Correct the list, or omit --strict.")
    return is_outside, findings


def _data_files(out: Path | None, scans: Sequence[Path]) -> list[Path]:
    """All files of the scans, such as the .raw file of a .mhd, if an output may overwrite one of them."""
    files: list[Path] = []
    for scan in scans if out is not None and out.exists() else ():
        with suppress(DataError):  # unreadable scans are rejected later
            files += list_scan_files(scan)
    return files


def _predict(runs: Sequence[TrainedRun], recipe: Recipe, tta: bool | None, progress: Progress) -> ScanPredictions:
    from archnet.network.backend import start_quietly

    start_quietly()
    return predict_scans(Ensemble(runs, tta=tta), recipe, progress)
