"""`archnet predict`: what trained networks say of scans, or of candidates in scans."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from archnet.cli.options import JsonFlag, check_output_path, print_json, print_messages, print_scan_warnings
from archnet.errors import DataError, pluralize

if TYPE_CHECKING:
    from archnet.inference.predict import Ensemble, ScanPredictions
    from archnet.inference.trained_run import TrainedRun


def predict(
    run: Annotated[
        Path,
        typer.Argument(help="A run folder, or an experiment folder, to average all its networks.", metavar="RUN"),
    ],
    scans: Annotated[
        list[Path],
        typer.Argument(
            help="Scans (.mhd, .mha, .nii, .nii.gz, .nrrd), DICOM folders, or folders of scans.", metavar="SCAN..."
        ),
    ],
    also: Annotated[
        list[Path] | None,
        typer.Option(help="Another run to average with; it must use the same input. May be repeated.", metavar="RUN"),
    ] = None,
    candidates: Annotated[
        Path | None,
        typer.Option(
            help="Candidates to classify: a csv file with seriesuid, coordX, coordY, coordZ (mm, LPS). A scan's uid is "
            "its file name without the ending, or its SeriesInstanceUID.",
            metavar="CSV",
        ),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(help="With --candidates: the submission to write; an existing file is replaced.", metavar="CSV"),
    ] = None,
    tta: Annotated[
        bool,
        typer.Option(
            "--tta",
            help="Test-time augmentation: average over axial symmetries (crops) or mirror images (whole scans).",
        ),
    ] = False,
    as_json: JsonFlag = False,
) -> None:
    """Predict class probabilities: of whole scans, or of candidates as a LUNA16 submission.

    Scans are prepared as the run's training data were. Input that is no chest CT in Hounsfield units is rejected;
    out-of-distribution scans (voxel size, extent or intensity) trigger a warning.

    Examples:
        archnet predict runs/mosmed/ct3d patient.nii.gz

        archnet predict runs/mosmed/ct3d dicom_folder --tta --json

        archnet predict runs/luna16/arch3dsm --also runs/luna16/archsm /data/LUNA16 --candidates candidates.csv
        --out submission.csv
    """
    from archnet.inference.scan_paths import scan_paths
    from archnet.inference.trained_run import check_case_kind, read_trained_runs

    runs = read_trained_runs([run, *(also or [])])
    remedy = "Name their list with --candidates and the file to write with --out."
    check_case_kind(runs[0], {"--candidates": candidates, "--out": out}, remedy)
    scan_files = scan_paths(scans)
    if candidates and out:
        check_output_path(out, (candidates, *scan_files))
        _predict_candidates(runs, scan_files, candidates, out, tta=tta, as_json=as_json)
    else:
        _predict_scans(runs, scan_files, tta=tta, as_json=as_json)


def _predict_candidates(
    runs: list[TrainedRun], scans: list[Path], candidates: Path, out: Path, *, tta: bool, as_json: bool
) -> None:
    from archnet.cli.console import progress
    from archnet.inference.candidates import candidate_recipe, read_candidate_list, write_submission
    from archnet.inference.predict import predict_scans
    from archnet.inference.scan_paths import scans_by_name

    by_name = scans_by_name(scans)
    candidate_list, num_left_out = read_candidate_list(candidates, by_name)
    recipe = candidate_recipe(runs[0], candidate_list, by_name)
    recipe.check(progress)
    results = predict_scans(_load_ensemble(runs, tta=tta), recipe, progress)
    print_scan_warnings(results.warnings)
    if results.is_predicted.any():
        write_submission(out, candidate_list, results.probabilities[:, runs[0].positive])
    counts = {
        "num_candidates": int(results.is_predicted.sum()),
        "num_left_out": num_left_out,
        "num_scans": len(recipe.scans) - len(results.rejected),
    }
    if as_json:
        print_json({**_result_document(runs, results, tta=tta), "out": str(out), **counts})
    _print_counts(runs[0], None if as_json else out, counts)
    _fail_if_rejected(results)


def _print_counts(run: TrainedRun, out: Path | None, counts: dict[str, int]) -> None:
    """Print what a submission holds, unless `out` is null, and what was left out."""
    if out and counts["num_candidates"]:
        typer.echo(
            f"Wrote {out}: the probability of {run.classes[run.positive]} of "
            f"{pluralize(counts['num_candidates'], 'candidate')} in {pluralize(counts['num_scans'], 'scan')}."
        )
    if counts["num_left_out"]:
        print_messages([f"{pluralize(counts['num_left_out'], 'candidate')} of scans that were not given are left out."])


def _predict_scans(runs: list[TrainedRun], scans: list[Path], *, tta: bool, as_json: bool) -> None:
    from archnet.cli.console import progress
    from archnet.inference.predict import predict_scans, whole_scan_recipe

    results = predict_scans(_load_ensemble(runs, tta=tta), whole_scan_recipe(runs[0], scans), progress)
    print_scan_warnings(results.warnings)
    rows = [
        {"scan": str(scan), "probabilities": dict(zip(runs[0].classes, row, strict=True))}
        for scan, row, is_predicted in zip(scans, results.probabilities.tolist(), results.is_predicted, strict=True)
        if is_predicted
    ]
    if as_json:
        print_json({**_result_document(runs, results, tta=tta), "scans": rows})
    else:
        _print_sentences(runs, rows, is_single_scan=len(scans) == 1)
    _fail_if_rejected(results)


def _print_sentences(runs: list[TrainedRun], rows: list[dict[str, Any]], *, is_single_scan: bool) -> None:
    """A line for each class, as the CT tutorial words it."""
    subject = "This model is" if len(runs) == 1 else f"The mean of {len(runs)} models is"
    for row in rows:
        if not is_single_scan:
            typer.echo(f"{row['scan']}:")
        for name, probability in row["probabilities"].items():
            typer.echo(f"{subject} {100 * probability:.2f} percent confident that CT scan is {name}")


def _load_ensemble(runs: list[TrainedRun], *, tta: bool) -> Ensemble:
    from archnet.inference.predict import Ensemble
    from archnet.network.backend import start_quietly

    start_quietly()
    return Ensemble(runs, tta=tta)


def _result_document(runs: list[TrainedRun], results: ScanPredictions, *, tta: bool) -> dict[str, Any]:
    """The part of the JSON result that scans and candidates share."""
    return {
        "runs": [str(run.folder) for run in runs],
        "classes": list(runs[0].classes),
        "tta": tta,
        "warnings": {str(path): sentences for path, sentences in results.warnings.items()},
        "refused": {str(path): reason for path, reason in results.rejected.items()},
    }


def _fail_if_rejected(results: ScanPredictions) -> None:
    """Exit with code 2 if a scan was rejected, after all others were predicted.

    Raises:
        DataError: The reasons, one a line.
    """
    if results.rejected:
        raise DataError("\n".join(results.rejected.values()))
