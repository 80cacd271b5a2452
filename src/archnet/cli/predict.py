"""`archnet predict`: class probabilities of whole scans, or of candidates in scans."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from archnet.cli.options import (
    JsonFlag,
    SeriesOption,
    echo,
    print_findings,
    print_json,
    print_messages,
    print_scan_warnings,
    print_trainings,
)
from archnet.errors import DataError, pluralize

if TYPE_CHECKING:
    from archnet.inference.predict_files import CandidateResult, ScanResult


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
        bool | None,
        typer.Option(
            "--tta/--no-tta",
            help="Test-time augmentation: average over the flips and rotations on which the network was trained. "
            "Default: as in the run's evaluation (evaluation.tta).",
        ),
    ] = None,
    series: SeriesOption = None,
    strict: Annotated[
        bool,
        typer.Option("--strict", help="Fail if a candidate lies outside its scan (default: its probability is empty)."),
    ] = False,
    as_json: JsonFlag = False,
) -> None:
    """Predict class probabilities of whole scans, or of candidates as a LUNA16 submission.

    Scans are preprocessed like the run's training data. Input that is not a chest CT in Hounsfield units is rejected;
    out-of-distribution scans (voxel size, extent or intensity) and scans that a run was trained on trigger a warning.

    Examples:
        archnet predict runs/mosmed/ct3d patient.nii.gz

        archnet predict runs/mosmed/ct3d scans --no-tta

        archnet predict runs/mosmed/ct3d dicom_folder --json

        archnet predict runs/luna16/arch3dsm --also runs/luna16/archsm /data/LUNA16 --candidates candidates.csv
        --out submission.csv
    """
    from archnet.api.console import progress, show_messages
    from archnet.inference.predict_files import predict_candidate_files, predict_scan_files
    from archnet.inference.scan_paths import find_named_scans
    from archnet.inference.trained_run import check_case_kind, read_trained_runs

    runs = read_trained_runs([run, *(also or [])])
    remedy = "Name their list with --candidates and the file to write with --out."
    check_case_kind(runs[0], {"--candidates": candidates, "--out": out}, remedy)
    found = find_named_scans(scans, series)
    if candidates:
        with show_messages():
            result = predict_candidate_files(runs, found, candidates, out, tta=tta, strict=strict, progress=progress)
        print_findings(result.findings)
        print_scan_warnings(result.warnings)
        print_trainings(result.trained_on)
        _print_counts(result, as_json=as_json)
        _fail_if_rejected(result)
    else:
        with show_messages():
            scan_result = predict_scan_files(runs, found, tta=tta, progress=progress)
        print_findings(scan_result.findings)
        print_scan_warnings(scan_result.warnings)
        print_trainings(scan_result.trained_on)
        _print_scans(scan_result, as_json=as_json)
        _fail_if_rejected(scan_result)


def _print_counts(result: CandidateResult, *, as_json: bool) -> None:
    """Print how many candidates a submission contains, and how many were left out."""
    if as_json:
        print_json(result.to_document())
    elif result.num_candidates:
        echo(
            f"Wrote {result.out}: the probability of {result.positive} of "
            f"{pluralize(result.num_candidates, 'candidate')} in {pluralize(result.num_scans, 'scan')}"
            f"{', with test-time augmentation' if result.tta else ''}."
        )
    if result.num_left_out:
        print_messages([f"{pluralize(result.num_left_out, 'candidate')} of scans that were not given are left out."])


def _print_scans(result: ScanResult, *, as_json: bool) -> None:
    """Print the class probabilities, one row for each scan."""
    if as_json:
        print_json(result.to_document())
    elif result.by_scan:
        from archnet.api.console import stdout
        from archnet.inference.predictions_table import predictions_table

        stdout.print(predictions_table(result))


def _fail_if_rejected(result: ScanResult | CandidateResult) -> None:
    """Exit with code 2 if a scan was rejected or has no probability; all others have been predicted.

    Raises:
        DataError: The reasons, one per line.
    """
    if result.rejected or result.undefined:
        raise DataError("\n".join([*result.rejected.values(), *result.undefined.values()]))
