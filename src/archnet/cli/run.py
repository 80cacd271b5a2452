"""`archnet run`: train and evaluate architectures, and write run folders."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from archnet.cli.options import (
    KEPT_RUNS,
    RESUME_HINT,
    AllowOption,
    BaselineOption,
    BreakLockOption,
    DataOption,
    DeterministicOption,
    DeviceOption,
    JsonFlag,
    MemoryOption,
    ResumeOption,
    RootOption,
    SeriesOption,
    SetOption,
    StrictOption,
    TrackOption,
    flag_setting,
    hint_if_interrupted,
    load_command_experiments,
    print_json,
    print_messages,
)
from archnet.cli.start.document_completion import complete_documents

if TYPE_CHECKING:
    from archnet.evaluation.comparison.comparison import Comparison


def run(
    files: Annotated[
        list[Path],
        typer.Argument(
            help="Architectures, or one experiment: files or names (archnet list).",
            metavar="ARCH...|EXPERIMENT",
            autocompletion=complete_documents,
        ),
    ],
    data: DataOption = None,
    root: RootOption = None,
    series: SeriesOption = None,
    settings: SetOption = None,
    out: Annotated[
        Path | None,
        typer.Option(
            help="Experiment folder. Default: runs/<experiment>, or runs/<experiment>-2 and so on after a change.",
            metavar="DIR",
        ),
    ] = None,
    seed: Annotated[
        int | None, typer.Option(help="Seed for initialization, shuffling and augmentation (training.seed).", min=0)
    ] = None,
    memory: MemoryOption = None,
    device: DeviceOption = None,
    deterministic: DeterministicOption = False,
    strict: StrictOption = False,
    allow: AllowOption = None,
    resume: ResumeOption = False,
    overwrite: Annotated[
        bool,
        typer.Option(
            "--overwrite",
            help="Replace the latest runs, or those in --out; they are kept aside until the new ones are finished.",
        ),
    ] = False,
    baseline: BaselineOption = False,
    track: TrackOption = None,
    break_lock: BreakLockOption = False,
    as_json: JsonFlag = False,
) -> None:
    """Train architectures, evaluate them on the test set, and write run folders with reports.

    Two or more architectures are trained on the same split and compared.

    If the settings have changed since an experiment was run, the new runs get a numbered folder, and the first line
    says what has changed. The same settings are not run twice.

    Unset options follow the default recipe: values such as batch size and number of epochs are chosen from the data
    and printed.

    Examples:
        archnet run arch3dsm --data phantom

        archnet run archsm arch3dsm --data luna16 --root /data/LUNA16

        archnet run luna16_seed_protocol --set training.epochs=5
    """
    keys = {"training.seed": seed, "training.memory": memory, "data.series": series}
    flags = [setting for key, value in keys.items() for setting in flag_setting(key, value)]
    experiments, notes = load_command_experiments(files, data, root, [*(settings or []), *flags], allow or ())
    print_messages(notes)
    from archnet.api.experiments import run_all

    with hint_if_interrupted(RESUME_HINT, KEPT_RUNS):
        runs = run_all(
            experiments,
            out=out,
            device=device,
            deterministic=deterministic,
            strict=strict,
            resume=resume,
            overwrite=overwrite,
            baseline=baseline,
            track=track,
            break_lock=break_lock,
            progress=True,
        )
    if as_json:
        print_json([{"folder": str(run.folder), "metrics": run.metrics} for run in runs])
    else:
        _print_runs([run.folder for run in runs], runs.comparison if len(runs) > 1 else None)


def _print_runs(folders: list[Path], comparison: Comparison | None) -> None:
    from archnet.api.console import stdout
    from archnet.report.data_findings import findings_note, recorded_findings
    from archnet.report.run_files import read_run
    from archnet.report.terminal.terminal_tables import comparison_table, run_summary

    for folder in folders:
        stdout.rule(folder.name)
        run = read_run(folder)
        stdout.print(run_summary(run))
        if len(folders) == 1:
            _print_strata(run.metrics.get("strata", {}), [folder.name])
        note = findings_note(recorded_findings(run.data))
        if note:
            stdout.print(note, style="yellow", soft_wrap=True)
        stdout.print(f"Pictures: {folder / 'figures'}", soft_wrap=True)
        stdout.print(f"Report:   {folder / 'report.html'}", soft_wrap=True)
    if comparison is not None:
        stdout.rule("comparison")
        stdout.print(comparison_table(comparison))
        _print_strata(comparison.strata, [row.run for row in comparison.rows])
        stdout.print(f"Report:   {folders[0].parent / 'report.html'}", soft_wrap=True)


def _print_strata(strata: Mapping[str, Any], names: list[str]) -> None:
    from archnet.api.console import stdout
    from archnet.report.strata.strata_tables import short_strata_tables

    tables = short_strata_tables(strata, names)
    if tables is not None:
        stdout.print("", tables)
