"""`archnet froc`: evaluate a submission with the LUNA16 protocol."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from archnet.cli.options import JsonFlag, echo, print_json
from archnet.errors import DocumentError, pluralize
from archnet.files.atomic import check_output_path

if TYPE_CHECKING:
    from archnet.evaluation.froc.curve import Froc

_PICTURES, _POINTS = (".png", ".svg", ".pdf"), ".csv"


def froc(
    submission: Annotated[
        Path,
        typer.Argument(
            help="The marks: a csv file with seriesuid, coordX, coordY, coordZ, probability.", metavar="SUBMISSION"
        ),
    ],
    annotations: Annotated[
        Path, typer.Option(help="Nodules: LUNA16's annotations.csv (center and diameter_mm).", metavar="CSV")
    ],
    excluded: Annotated[
        Path,
        typer.Option(help="Irrelevant findings, ignored in scoring: LUNA16's annotations_excluded.csv.", metavar="CSV"),
    ],
    series: Annotated[
        Path, typer.Option(help="Scans to evaluate: LUNA16's seriesuids.csv, one UID per line.", metavar="CSV")
    ],
    max_marks: Annotated[
        int | None,
        typer.Option(
            help="Keep at most the N best marks per scan; ties at the cutoff are dropped.",
            metavar="N",
            min=1,
        ),
    ] = None,
    bootstraps: Annotated[int, typer.Option(help="Number of bootstrap resamples of scans; 0: none.", min=0)] = 1000,
    seed: Annotated[int, typer.Option(help="Seed of the resamples.", min=0)] = 0,
    include_training_scans: Annotated[
        bool,
        typer.Option(
            "--include-training-scans",
            help="Also evaluate scans that the networks were trained on, as listed by `archnet predict`.",
        ),
    ] = False,
    by: Annotated[
        Literal["diameter"] | None,
        typer.Option(help="Also evaluate the nodules of each diameter: under 6, 6 to 8, 8 to 15 and over 15 mm."),
    ] = None,
    out: Annotated[
        list[Path] | None,
        typer.Option(
            help="Write the curve: a picture (.png, .svg, .pdf) or its points (.csv). May be repeated.", metavar="FILE"
        ),
    ] = None,
    as_json: JsonFlag = False,
) -> None:
    """Evaluate a submission with the LUNA16 protocol: FROC curve, seven sensitivities and CPM, with 95% intervals.

    Marks and findings of series that are not listed are left out. Listed series without marks count as scans. Scans
    that the networks were trained on are left out if `archnet predict` listed them next to the submission.

    Examples:
        archnet froc submission.csv --annotations annotations.csv --excluded annotations_excluded.csv
        --series seriesuids.csv --out froc.png --out froc.csv

        archnet froc submission.csv --annotations annotations.csv --excluded annotations_excluded.csv
        --series seriesuids.csv --by diameter
    """
    _check_output_names(out or [])
    for path in out or []:
        check_output_path(path, (submission, annotations, excluded, series))
    from archnet.evaluation.froc.curve import compute_froc
    from archnet.evaluation.froc.lists import leave_out_training_series, read_lists
    from archnet.evaluation.strata.froc_strata import compute_froc_by_diameter, froc_strata_document

    marks, reference = read_lists(submission, annotations, excluded, series)
    num_training = 0
    if not include_training_scans:
        marks, reference, num_training = leave_out_training_series(submission, marks, reference)
    result = compute_froc(marks, reference, max_marks=max_marks, bootstraps=bootstraps, seed=seed)
    if result.hits.num_unlisted:
        echo(
            f"Warning: {result.hits.num_unlisted:,} of {len(marks.series):,} marks are of series that {series} "
            "does not list; they are left out.",
            err=True,
        )
    if num_training:
        echo(
            f"Warning: left out {pluralize(num_training, 'scan')} of {series} that the networks were trained on. To "
            "include such scans, add --include-training-scans.",
            err=True,
        )
    strata = (
        compute_froc_by_diameter(marks, reference, max_marks=max_marks, bootstraps=bootstraps, seed=seed) if by else {}
    )
    if as_json:
        by_diameter = {"by_diameter": froc_strata_document(strata)} if by else {}
        print_json({**result.to_document(), **by_diameter, "num_training_scans_left_out": num_training})
    else:
        _print_summary(result, strata if by else None)
    for path in out or []:
        _write_curve_file(path, result, submission.stem)
        echo(f"Wrote {path}", err=as_json)


def _check_output_names(out: list[Path]) -> None:
    for path in out:
        if path.suffix.lower() not in (*_PICTURES, _POINTS):
            raise DocumentError(
                f"--out {path}: expected a file name ending in .png, .svg or .pdf (the curve) or .csv (its points)."
            )


def _print_summary(result: Froc, strata: Mapping[str, Froc] | None) -> None:
    from archnet.api.console import stdout
    from archnet.report.froc_table import froc_summary
    from archnet.report.strata.froc_strata_table import froc_strata_table

    stdout.print(froc_summary(result))
    if strata:
        stdout.print("", froc_strata_table(strata))
    elif strata is not None:
        stdout.print("All nodules are in one stratum of diameters.")


def _write_curve_file(path: Path, result: Froc, name: str) -> None:
    if path.suffix.lower() == _POINTS:
        from archnet.evaluation.froc.lists import write_curve

        write_curve(path, result.curve)
    else:
        from archnet.report.figures.froc import write_froc_figure

        write_froc_figure(path, {name: result})
