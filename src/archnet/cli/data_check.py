"""`archnet data check`: summarize a data set and report its problems."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from archnet.cli.options import (
    KEPT_SCANS,
    AllowOption,
    DataSetOption,
    JsonFlag,
    RootOption,
    SeriesOption,
    flag_setting,
    hint_if_interrupted,
    print_json,
    print_paths,
)
from archnet.spec.datasets import dataset_names


def check(
    data: Annotated[
        str,
        typer.Argument(help=f"Data set: {dataset_names()}; or an experiment or sweep file.", metavar="DATA|EXPERIMENT"),
    ],
    root: RootOption = None,
    series: SeriesOption = None,
    settings: DataSetOption = None,
    allow: AllowOption = None,
    all: Annotated[  # named like `--all`
        bool, typer.Option("--all", help="Also check candidates that are not drawn, which extracts all crops.")
    ] = False,
    quick: Annotated[
        bool, typer.Option("--quick", help="Check only the lists: extract no crops, read no voxels.")
    ] = False,
    html: Annotated[
        Path | None,
        typer.Option(help="Write a page with histograms and pictures of cases.", metavar="FILE"),
    ] = None,
    as_json: JsonFlag = False,
) -> None:
    """Check a data set: summarize it, report problems, and suggest fixes. Nothing is trained.

    archnet run, archnet sweep and archnet data prepare run the same checks and stop at errors. Only this command
    searches for near-duplicates, which takes a few milliseconds a case; runs use its result.

    The exit code is 2 if these data would stop a run, 0 if there are only warnings, notes and allowed errors.

    Examples:
        archnet data check luna16 --root /data/LUNA16

        archnet data check npz:cubes.npz --html check.html

        archnet data check luna16_small --allow near_duplicates
    """
    from archnet.api.check_data import check_data
    from archnet.spec.overrides import parse_override

    settings = [*(settings or []), *flag_setting("data.series", series)]
    pairs = [text.partition("=")[0].strip() for text in settings]
    values = [parse_override(text)[1] for text in settings]
    with hint_if_interrupted(KEPT_SCANS, KEPT_SCANS):
        result = check_data(
            data,
            root=root,
            settings=dict(zip(pairs, values, strict=True)),
            allow=allow or (),
            all=all,
            quick=quick,
            html=html,
            progress=True,
        )
    if as_json:
        print_json(result.to_document())
    else:
        from archnet.api.console import stdout
        from archnet.report.data_check_table import data_check_table

        stdout.print(data_check_table(result.to_document()))
        print_paths([html] if html else [], as_json)
    if not result.is_usable:
        raise typer.Exit(2)
