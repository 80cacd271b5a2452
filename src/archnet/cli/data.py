"""`archnet data`: inspect data sets, fetch them, extract crops, generate the phantom."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from archnet.cli.data_check import check
from archnet.cli.datasets.data_prune import print_user_files, prune
from archnet.cli.options import (
    KEPT_SCANS,
    AllowOption,
    BreakLockOption,
    DataOption,
    DataSetOption,
    JsonFlag,
    RootOption,
    SeriesOption,
    StrictOption,
    echo,
    flag_setting,
    hint_if_interrupted,
    load_command_experiments,
    parse_overrides,
    print_json,
    print_messages,
    print_paths,
)
from archnet.cli.process.command_help import CommandGroup, Commands
from archnet.errors import DocumentError
from archnet.spec.datasets import FETCHABLE_DATASETS, dataset_names

if TYPE_CHECKING:
    from archnet.spec.experiment import Experiment

data_app = Commands(
    cls=CommandGroup,
    help="Check and inspect data sets, fetch public ones, extract crops, generate the phantom.",
    epilog="Examples:\n\narchnet data info phantom\n\narchnet data check luna16 --root /data/LUNA16",
    no_args_is_help=True,
)


data_app.command()(check)


@data_app.command()
def info(
    data: Annotated[
        str | None,
        typer.Argument(help=f"Data set: {dataset_names()}. Without one: all files outside run folders, with sizes."),
    ] = None,
    root: RootOption = None,
    series: SeriesOption = None,
    settings: DataSetOption = None,
    picture: Annotated[
        str | None,
        typer.Option(help='Draw this case with and without augmentation; "first" is the first positive case.'),
    ] = None,
    out: Annotated[Path, typer.Option(help="Path of the picture.")] = Path("case.png"),
    as_json: JsonFlag = False,
) -> None:
    """Summarize a data set: classes, groups, shape, the sets of the default split, its folder and its crop store.

    Without a data set, list everything that archnet keeps outside run folders, with paths and sizes: crop stores,
    generated phantoms, fetched data, the last error, shell completion, and caches shared with other programs.

    Examples:
        archnet data info

        archnet data info luna16 --root /data/LUNA16

        archnet data info phantom --picture first --out nodule.png
    """
    if data is None:
        if root or series or settings or picture:
            raise DocumentError("Name the data set, such as: archnet data info luna16 --root DIR.")
        _print_user_files(as_json)
        return
    from archnet.api.console import progress
    from archnet.runs.preview import draw_case, summarize_data
    from archnet.spec.resolve import data_experiments

    experiment = data_experiments(
        data, parse_overrides(root, [*(settings or []), *flag_setting("data.series", series)])
    )[0]
    summary = summarize_data(experiment, progress)
    if picture:
        from archnet.network.backend import start_quietly

        start_quietly()
        summary["picture"] = str(draw_case(experiment, picture, out, progress))
    if as_json:
        print_json(summary)
    else:
        _print_summary(summary)


def _print_summary(summary: dict[str, Any]) -> None:
    width = max(map(len, summary))
    for key, value in summary.items():
        text = ", ".join(f"{name}: {count}" for name, count in value.items()) if isinstance(value, dict) else value
        echo(f"{key:<{width}} {text}")


def _print_user_files(as_json: bool) -> None:
    from archnet.data.user_files.user_files import list_user_files

    found = list_user_files()
    if as_json:
        print_json(found.to_document())
        return
    print_user_files(found)
    if found.num_items:
        echo("Remove everything of archnet's own with: archnet data prune --all")


@data_app.command()
def prepare(
    files: Annotated[
        list[Path] | None,
        typer.Argument(help="Experiment or architecture files; not needed with --data.", metavar="[FILE...]"),
    ] = None,
    data: DataOption = None,
    root: RootOption = None,
    series: SeriesOption = None,
    settings: DataSetOption = None,
    strict: StrictOption = False,
    allow: AllowOption = None,
    break_lock: BreakLockOption = False,
    as_json: JsonFlag = False,
) -> None:
    """Extract the crops of an experiment in advance, so that runs start immediately. Repeat the command to resume.

    Examples:
        archnet data prepare --data luna16 --root /data/LUNA16

        archnet data prepare luna16_seed_protocol --strict
    """
    settings = [*(settings or []), *flag_setting("data.series", series)]
    if files:
        experiments, notes = load_command_experiments(files, data, root, settings, allow or ())
        print_messages(notes)
    elif data:
        from archnet.spec.resolve import data_experiments

        experiments = data_experiments(data, parse_overrides(root, settings, allow))
    else:
        raise DocumentError("Name an experiment file, or a data set with --data NAME.")
    from archnet.files.locks import break_foreign_locks

    with hint_if_interrupted(KEPT_SCANS, KEPT_SCANS), break_foreign_locks(is_wanted=break_lock):
        _prepare_crops(experiments, strict, as_json)


def _prepare_crops(experiments: tuple[Experiment, ...], strict: bool, as_json: bool) -> None:
    from archnet.api.console import progress, show_messages
    from archnet.data import open_dataset
    from archnet.runs import preparation
    from archnet.runs.log import log_findings

    with show_messages():
        dataset = open_dataset(experiments[0].data, progress)
        first = preparation.prepare(dataset, experiments, progress, strict=strict, is_preview=True)[0]
        log_findings(first.findings, experiments[0].data)
    size = first.values.nbytes
    if as_json:
        print_json({"crops": len(first.values), "bytes": size, "missing": [asdict(scan) for scan in first.lost_scans]})
    else:
        echo(f"{len(first.values):,} crops of {'x'.join(map(str, first.shape))}, {size / 1e6:,.1f} MB")


data_app.command()(prune)


@data_app.command()
def fetch(
    name: Annotated[str, typer.Argument(help=f"Data set: {' or '.join(FETCHABLE_DATASETS)}.", metavar="NAME")],
    root: RootOption = None,
    subsets: Annotated[
        list[int] | None,
        typer.Option("--subset", help="A subset of LUNA16, 0 to 9; may be repeated. Default: all ten.", metavar="N"),
    ] = None,
    break_lock: BreakLockOption = False,
    as_json: JsonFlag = False,
) -> None:
    """Download a public data set, verify it and unpack it. Repeat the command to resume an interrupted fetch.

    Examples:
        archnet data fetch mosmed

        archnet data fetch luna16 --root /data/LUNA16 --subset 0 --subset 1
    """
    from archnet.api.console import progress, stderr
    from archnet.fetching import catalogue
    from archnet.files.locks import break_foreign_locks
    from archnet.files.user_folders import data_home

    def print_message(text: str) -> None:
        stderr.print(text, soft_wrap=True)

    with break_foreign_locks(is_wanted=break_lock):
        paths = catalogue.fetch(name, root or data_home() / name, subsets, progress, print_message)
    print_paths(paths, as_json)


@data_app.command()
def phantom(
    out: Annotated[Path, typer.Option(help="A new folder for the scans and lists.", metavar="DIR")],
    layout: Annotated[
        Literal["luna16", "mosmed"],
        typer.Option(help="luna16: nodule candidates. mosmed: whole scans, healthy or with ground-glass patches."),
    ] = "luna16",
    scans: Annotated[int, typer.Option(help="Number of scans.", min=1)] = 36,
    candidates: Annotated[
        int | None,
        typer.Option(help="luna16: candidates per scan (default 28); about a fifth are nodules.", min=5),
    ] = None,
    through_plane: Annotated[
        float | None,
        typer.Option(
            help="luna16: share of the non-nodule candidates that are through-plane vessels, which look like nodules "
            "in a single slice (default 0.4).",
            metavar="SHARE",
            min=0,
            max=1,
        ),
    ] = None,
    seed: Annotated[int, typer.Option(help="Seed of the random generator.", min=0)] = 0,
    as_json: JsonFlag = False,
) -> None:
    """Write a phantom in a public data set's layout. Use it with --data luna16 or --data mosmed and --root DIR.

    Examples:
        archnet data phantom --out phantom --scans 12

        archnet data phantom --out MosMed --layout mosmed --seed 1
    """
    from archnet.api.console import progress
    from archnet.phantom.layouts import Phantom, generate_phantom

    given = {"num_candidates": candidates, "through_plane": through_plane}
    content: dict[str, Any] = {key: value for key, value in given.items() if value is not None}
    if content and layout != "luna16":
        option = "--candidates" if candidates is not None else "--through-plane"
        raise DocumentError(f"{option}: only --layout luna16 has candidates. Omit {option}.")
    generate_phantom(out, Phantom(layout=layout, num_scans=scans, seed=seed, **content), progress)
    print_paths([out], as_json)
