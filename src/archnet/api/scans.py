"""Apply trained networks to new scans: `predict` and `explain`."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Literal, overload

from archnet.api.display import ProgressOption, show_progress
from archnet.api.paths import Paths, as_paths
from archnet.errors import DataError
from archnet.files.path_argument import output_file, output_folder, path_argument

if TYPE_CHECKING:
    from archnet.inference.explain import Explanation
    from archnet.inference.predict_files import CandidateResult, ScanResult
    from archnet.inference.trained_run import TrainedOn

log = logging.getLogger("archnet")


@overload
def predict(
    run: Paths,
    scans: Paths,
    *,
    also: Paths = ...,
    candidates: None = None,
    tta: bool | None = ...,
    series: str | None = ...,
    progress: ProgressOption = ...,
) -> ScanResult: ...


@overload
def predict(
    run: Paths,
    scans: Paths,
    *,
    also: Paths = ...,
    candidates: PathLike[str] | str,
    out: PathLike[str] | str | None = ...,
    tta: bool | None = ...,
    series: str | None = ...,
    strict: bool = ...,
    progress: ProgressOption = ...,
) -> CandidateResult: ...


def predict(  # noqa: PLR0913 - the options of `archnet predict`, by name
    run: Paths,
    scans: Paths,
    *,
    also: Paths = (),
    candidates: PathLike[str] | str | None = None,
    out: PathLike[str] | str | None = None,
    tta: bool | None = None,
    series: str | None = None,
    strict: bool = False,
    progress: ProgressOption = None,
) -> ScanResult | CandidateResult:
    """Predict class probabilities of whole scans, or of candidates in scans.

    Scans are preprocessed like the run's training data. A scan that is unreadable or not a chest CT in Hounsfield units
    is rejected with a warning, and its probabilities are NaN. Out-of-distribution scans trigger a warning, and so do
    scans that a run was trained on.

    >>> result = archnet.predict("runs/mosmed/ct3d", "patient.nii.gz")  # doctest: +SKIP
    >>> result.probabilities, result.classes  # doctest: +SKIP
    >>> archnet.predict(run, "/data/LUNA16", candidates="candidates.csv").probabilities  # doctest: +SKIP

    Args:
        run: A run or run folder. Several runs, or all runs of an experiment folder, are averaged.
        scans: Scans (.mhd, .mha, .nii, .nii.gz, .nrrd), DICOM folders, or folders of scans.
        also: Other runs to average with; they must use the same input.
        candidates: Candidates to classify: a csv file with seriesuid, coordX, coordY, coordZ (mm, LPS).
        out: With `candidates`: the LUNA16 submission to write; an existing file is replaced.
        tta: Test-time augmentation: average over the flips and rotations on which each network was trained. None (the
            default) averages for runs that were evaluated so (`evaluation.tta`).
        series: The CT series to read in DICOM folders that contain several, by its uid, number or description.
        strict: Fail if a candidate lies outside its scan. By default its probabilities are NaN, with a warning.
        progress: None (the default) shows progress in notebooks and on terminals, True always, False never.

    Returns:
        A `ScanResult`, or with `candidates` a `CandidateResult`: `probabilities` of shape (N, K), float64, for N scans
        or candidates and K `classes`, with `warnings`, `rejected`, `undefined` and `trained_on`
        by scan.

    Raises:
        ArchnetError: The runs, the scans and the options are incompatible, or no scan is predicted.
    """
    from archnet.inference.predict_files import predict_candidate_files, predict_scan_files
    from archnet.inference.scan_paths import find_named_scans
    from archnet.inference.trained_run import check_case_kind, read_trained_runs

    runs = read_trained_runs([*as_paths(run, "run"), *as_paths(also, "also")])
    candidate_list = None if candidates is None else path_argument(candidates, "candidates")
    submission = None if out is None else output_file(out)
    options = {"candidates": candidates, **({"out": out} if out is not None else {})}
    check_case_kind(runs[0], options, "Pass their list as candidates=.")
    found = find_named_scans(as_paths(scans, "scans"), series)
    if not found.paths:
        raise DataError("scans: expected at least one, got none. Pass a scan, a DICOM folder, or a folder of scans.")
    result: ScanResult | CandidateResult
    with show_progress(progress) as display:
        if candidate_list is None:
            result = predict_scan_files(runs, found, tta=tta, progress=display.progress)
        else:
            result = predict_candidate_files(
                runs,
                found,
                candidate_list,
                submission,
                tta=tta,
                strict=strict,
                progress=display.progress,
            )
        for finding in result.findings:
            log.log(logging.INFO if finding.severity == "note" else logging.WARNING, finding.text)
        _warn(result.warnings, result.trained_on, result.rejected)
        for reason in result.undefined.values():
            log.warning(reason)
    reasons = result.rejected | result.undefined
    if len(reasons) == len(found.paths) and not result.is_predicted.any():
        raise DataError("\n".join(reasons.values()))
    return result


def _warn(
    warnings: Mapping[Path, Sequence[str]],
    trained_on: Mapping[Path, Sequence[TrainedOn]],
    rejected: Mapping[Path, str],
) -> None:
    for scan, sentences in warnings.items():
        for sentence in sentences:
            log.warning("%s is out of distribution: %s", scan, sentence)
    for scan, runs in trained_on.items():
        for run in runs:
            log.warning("%s %s", scan, run.sentence)
    for reason in rejected.values():
        log.warning("rejected: %s", reason)


def explain(  # noqa: PLR0913 - the options of `archnet explain`, by name
    run: PathLike[str] | str,
    scan: PathLike[str] | str,
    *,
    at: Sequence[float] | None = None,
    method: Literal["gradcam", "occlusion"] = "gradcam",
    class_name: str | None = None,
    series: str | None = None,
    out: PathLike[str] | str | None = None,
    progress: ProgressOption = None,
) -> Explanation:
    """Explain a prediction with a saliency map; notebooks display its picture.

    >>> archnet.explain("runs/mosmed/ct3d", "patient.nii.gz", out="explanations").files  # doctest: +SKIP
    >>> archnet.explain(run, "scan.mhd", at=(-100.6, 67.3, -231.8)).scan_heat  # doctest: +SKIP

    Args:
        run: A run or run folder.
        scan: A scan (.mhd, .mha, .nii, .nii.gz, .nrrd) or a DICOM folder.
        at: For a run on candidates: the candidate's world position (x, y, z) in mm, LPS.
        method: "gradcam": evidence for the class in the last feature map. "occlusion" (slower): drop in its probability
            when a box is replaced by air.
        class_name: The class to explain (`--class`). Defaults to the run's positive class.
        series: The CT series to read in a DICOM folder that contains several, by its uid, number or description.
        out: Folder for a picture of slices (.png) and the heat map on the scan's own grid (.nii.gz). None (the default)
            writes no files.
        progress: None (the default) shows progress in notebooks and on terminals, True always, False never.

    Returns:
        The explanation: the case `image` (height, width, depth) scaled to [0, 1], its heat map `heat`, that map on the
        scan's grid `scan_heat` (z, y, x), LPS, and the `probability` of the class.

    Raises:
        ArchnetError: The run, the scan, the point and the class are incompatible, or the scan is rejected.
    """
    from archnet.evaluation.run_folder import find_named_run
    from archnet.inference.explanation_files import explain_file, write_explanation

    folder = None if out is None else output_folder(out)
    with show_progress(progress) as display:
        explanation = explain_file(
            find_named_run(path_argument(run, "run")),
            path_argument(scan, "scan"),
            at=None if at is None else _point(at),
            method=method,
            class_name=class_name,
            series=series,
            progress=display.progress,
        )
        _warn({explanation.scan: explanation.warnings}, {explanation.scan: explanation.trained_on}, {})
        if explanation.is_empty:
            text = "the heat map is empty: no evidence for %s was found. Choose a different class with class_name=."
            log.warning(text, explanation.class_name)
    return explanation if folder is None else write_explanation(explanation, folder)


def _point(at: Sequence[float]) -> tuple[float, float, float]:
    try:
        x, y, z = map(float, at)
    except (TypeError, ValueError):
        raise DataError(f"at={at!r}: expected three numbers in mm, such as at=(-100.6, 67.3, -231.8).") from None
    return x, y, z
