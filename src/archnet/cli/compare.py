"""`archnet compare` and `archnet report`: compare finished runs, and regenerate their reports."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from archnet.cli.options import BreakLockOption, JsonFlag, echo, print_json, print_paths

RunFolders = Annotated[list[Path], typer.Argument(help="Run folders, or an experiment folder.", metavar="RUN...")]


def compare(
    runs: RunFolders,
    noninferior: Annotated[
        float | None,
        typer.Option(
            help="Non-inferiority margin, such as 0.02: test whether each architecture is worse than the reference by "
            "less than this margin, on the first difference of its table (one-sided, 2.5%).",
            metavar="MARGIN",
        ),
    ] = None,
    by: Annotated[
        list[str] | None,
        typer.Option(
            help="Attribute of the cases (column of cases.csv) that stratifies the results, such as diameter_mm or "
            "scanner; may be repeated. Default: all attributes except those that every scan has, such as its spacing.",
            metavar="COLUMN",
        ),
    ] = None,
    stack: Annotated[
        bool,
        typer.Option(
            "--stack",
            help="Add a row for each network combined with each baseline, by a logistic regression that is fitted on "
            "validation cases or on the test cases of other folds. Each combination gets a run folder, in the folder "
            "stacked next to the runs of the network.",
        ),
    ] = False,
    as_json: JsonFlag = False,
) -> None:
    """Compare architectures on the same test cases: paired differences with intervals and p values, metrics, costs.

    Runs of one architecture that differ only in fold or seed are pooled, whatever their folders. 2D networks come
    before 3D networks, baselines last; the first network is the reference for the others. Runs on different
    cases are rejected.

    Examples:
        archnet compare runs/luna16/archsm runs/luna16/arch3dsm

        archnet compare runs/luna16 --by diameter_mm --by slice_spacing_mm

        archnet compare runs/phantom_2d_vs_3d --json

        archnet compare runs/luna16/archsm runs/luna16/arch3dsm --noninferior 0.02

        archnet compare runs/luna16 --stack
    """
    from archnet.api.finished_runs import compare as compare_runs
    from archnet.report.strata.strata_tables import strata_tables

    result = compare_runs(runs, noninferior=noninferior, stack=stack)
    strata = strata_tables(result.strata, [row.run for row in result.rows], by or ())
    if as_json:
        from archnet.report.sentences.comparison_document import comparison_document

        print_json(comparison_document(result))
    else:
        from archnet.api.console import stdout
        from archnet.report.terminal.terminal_tables import comparison_table

        stdout.print(comparison_table(result))
        if strata is not None:
            stdout.print("", strata)


def report(
    runs: RunFolders,
    repair: Annotated[
        bool,
        typer.Option("--repair", help="Regenerate missing or changed files where this needs no training."),
    ] = False,
    accept_edits: Annotated[
        bool,
        typer.Option("--accept-edits", help="Accept files that you changed; all later reports state this."),
    ] = False,
    checklist: Annotated[
        list[str] | None,
        typer.Option(
            help="Fill a reporting checklist from each run, as a page and a csv file: claim, tripod-ai or stard-ai; "
            "may be repeated.",
            metavar="NAME",
        ),
    ] = None,
    figures: Annotated[
        str,
        typer.Option(help="Formats of the figures of a run: svg, or svg,pdf (vectors with embedded fonts)."),
    ] = "svg",
    break_lock: BreakLockOption = False,
    as_json: JsonFlag = False,
) -> None:
    """Recompute metrics.json from predictions.csv, and regenerate the figures and report.html.

    For the folder of an experiment or a versus, the comparison is rewritten as well. A file that has changed since its
    run finished is an error, unless --repair regenerates it or --accept-edits accepts it.

    Examples:
        archnet report runs/luna16/arch3dsm

        archnet report runs/luna16

        archnet report --repair runs/luna16/arch3dsm

        archnet report runs/luna16/arch3dsm --checklist claim --figures svg,pdf
    """
    from archnet.api.finished_runs import write_report

    paths = write_report(
        runs,
        repair=repair,
        accept_edits=accept_edits,
        break_lock=break_lock,
        checklists=checklist or (),
        figures=figures.split(","),
    )
    print_paths(paths, as_json)
    for path in paths if checklist else ():
        if path.suffix == ".csv":
            from archnet.report.paper.checklists.filled_checklist import written_sentence

            echo(written_sentence(path), err=True)
