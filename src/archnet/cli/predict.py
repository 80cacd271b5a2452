"""`archnet predict`: what trained networks say of scans, or of candidates in scans."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from archnet.cli.options import JsonFlag, check_output_path, print_json
from archnet.errors import DataError, RunError, pluralize

if TYPE_CHECKING:
    from archnet.inference.predict import Ensemble, ScanPredictions
    from archnet.inference.trained_run import TrainedRun


def predict(
    run: Annotated[
        Path,
        typer.Argument(help="A run folder, or an experiment's folder: the mean of all its networks.", metavar="RUN"),
    ],
    scans: Annotated[
        list[Path],
        typer.Argument(
            help="Scans (.mhd, .mha, .nii, .nii.gz, .nrrd), DICOM folders, or folders of scans.", metavar="SCAN..."
        ),
    ],
    also: Annotated[
        list[Path] | None,
        typer.Option(help="Another run to average with, one that sees the same cases. May be repeated.", metavar="RUN"),
    ] = None,
    candidates: Annotated[
        Path | None,
        typer.Option(
            help="Candidates to judge: a csv file with seriesuid, coordX, coordY, coordZ (mm, LPS). A scan's uid is "
            "its file name without the ending, or its SeriesInstanceUID.",
            metavar="CSV",
        ),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(help="With --candidates: the submission to write; one that is there is replaced.", metavar="CSV"),
    ] = None,
    tta: Annotated[
        bool,
        typer.Option(
            "--tta",
            help="Average over symmetries: of a crop the eight of its axial slice, of a whole scan its mirror image.",
        ),
    ] = False,
    as_json: JsonFlag = False,
) -> None:
    """Tell how probable each class is: of whole scans, or of candidates in LUNA16's submission form.

    Scans are prepared as the run's training data were. One that is no chest CT in Hounsfield units is refused; one
    whose voxels, extent or values lie outside those of training is warned about.

    Examples:
        archnet predict runs/mosmed/ct3d patient.nii.gz

        archnet predict runs/mosmed/ct3d dicom_folder --tta --json

        archnet predict runs/luna16/arch3dsm --also runs/luna16/archsm /data/LUNA16 --candidates candidates.csv
        --out submission.csv
    """
    from archnet.inference.scan_paths import scan_paths
    from archnet.inference.trained_run import read_trained_runs

    runs = read_trained_runs([run, *(also or [])])
    _check_kind(runs[0], candidates, out)
    scan_files = scan_paths(scans)
    if candidates and out:
        check_output_path(out, (candidates, *scan_files))
        _predict_candidates(runs, scan_files, candidates, out, tta=tta, as_json=as_json)
    else:
        _predict_scans(runs, scan_files, tta=tta, as_json=as_json)


def _check_kind(run: TrainedRun, candidates: Path | None, out: Path | None) -> None:
    """That the options are those which runs of this kind need.

    Raises:
        RunError: One is missing or too many, or the run was trained on arrays.
    """
    if run.kind == "arrays":
        raise RunError(
            f"{run.folder}: this run was trained on the arrays of an .npz file. They do not tell how they were cut "
            "from scans, so that no scan can be cut alike. Predict with a run on luna16, mosmed or folder data."
        )
    if run.kind == "candidates" and not (candidates and out):
        raise RunError(
            f"{run.folder}: this run judges candidates, not whole scans. Name their list with --candidates and the "
            "file to write with --out."
        )
    if run.kind == "whole scans" and (candidates or out):
        raise RunError(f"{run.folder}: this run judges whole scans, not candidates. Leave out --candidates and --out.")


def _predict_candidates(
    runs: list[TrainedRun], scans: list[Path], candidates: Path, out: Path, *, tta: bool, as_json: bool
) -> None:
    from archnet.cli.console import progress
    from archnet.inference.candidates import candidate_crops, read_candidate_list, write_submission
    from archnet.inference.predict import predict as predicted
    from archnet.inference.scan_paths import scans_by_name

    by_name = scans_by_name(scans)
    candidate_list = read_candidate_list(candidates, by_name)
    recipe = candidate_crops(runs[0], candidate_list, by_name)
    recipe.check(progress)
    results = predicted(_load_ensemble(runs, tta=tta), recipe, progress)
    probabilities = results.probabilities[:, runs[0].positive]
    _print_warnings(results)
    if results.is_predicted.any():
        write_submission(out, candidate_list, probabilities)
    counts = {
        "num_candidates": int(results.is_predicted.sum()),
        "num_left_out": candidate_list.num_left_out,
        "num_scans": len(recipe.scans) - len(results.rejected),
    }
    if as_json:
        print_json({**_result_document(runs, results, tta=tta), "out": str(out), **counts})
    elif results.is_predicted.any():
        typer.echo(
            f"Wrote {out}: the probability of {runs[0].classes[runs[0].positive]} of "
            f"{pluralize(counts['num_candidates'], 'candidate')} in {pluralize(counts['num_scans'], 'scan')}."
        )
    if candidate_list.num_left_out:
        typer.echo(
            f"{pluralize(candidate_list.num_left_out, 'candidate')} of scans that were not given are left out.",
            err=True,
        )
    _fail_if_rejected(results)


def _predict_scans(runs: list[TrainedRun], scans: list[Path], *, tta: bool, as_json: bool) -> None:
    from archnet.cli.console import progress
    from archnet.inference.predict import predict as predicted
    from archnet.inference.predict import whole_scans

    results = predicted(_load_ensemble(runs, tta=tta), whole_scans(runs[0], scans), progress)
    _print_warnings(results)
    rows = [
        {"scan": str(scan), "probabilities": dict(zip(runs[0].classes, row, strict=True))}
        for scan, row, is_there in zip(scans, results.probabilities.tolist(), results.is_predicted, strict=True)
        if is_there
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
    """What is told to machines of any prediction."""
    return {
        "runs": [str(run.folder) for run in runs],
        "classes": list(runs[0].classes),
        "tta": tta,
        "warnings": {str(path): sentences for path, sentences in results.warnings.items()},
        "refused": {str(path): reason for path, reason in results.rejected.items()},
    }


def _print_warnings(results: ScanPredictions) -> None:
    for path, sentences in results.warnings.items():
        for sentence in sentences:
            typer.echo(f"Warning: {path} is unlike the training data: {sentence}", err=True)


def _fail_if_rejected(results: ScanPredictions) -> None:
    """Ends with exit code 2 if a scan was not judged, once all others have been.

    Raises:
        DataError: The reasons, one a line.
    """
    if results.rejected:
        raise DataError("\n".join(results.rejected.values()))
