"""`archnet run`: train architectures, evaluate them, and leave run folders."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from archnet.cli.options import (
    RESUME_HINT,
    BaselineOption,
    DataOption,
    DeterministicOption,
    DeviceOption,
    JsonFlag,
    MemoryOption,
    ResumeOption,
    RootOption,
    SetOption,
    StrictOption,
    TrackOption,
    hint_if_interrupted,
    load_command_experiments,
    print_json,
    print_messages,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from archnet.runs.result import Run
    from archnet.runs.runner import RunOptions
    from archnet.spec.experiment import Experiment
    from archnet.tracking.mlflow_store import MlflowStore


def run(
    files: Annotated[
        list[Path], typer.Argument(help="Architecture files, or one experiment file.", metavar="ARCH...|EXPERIMENT")
    ],
    data: DataOption = None,
    root: RootOption = None,
    settings: SetOption = None,
    out: Annotated[
        Path | None, typer.Option(help="The experiment's folder; otherwise runs/<experiment>.", metavar="DIR")
    ] = None,
    seed: Annotated[
        int | None, typer.Option(help="Seed for initialization, shuffling and augmentation (training.seed).", min=0)
    ] = None,
    memory: MemoryOption = None,
    device: DeviceOption = None,
    deterministic: DeterministicOption = False,
    strict: StrictOption = False,
    resume: ResumeOption = False,
    baseline: BaselineOption = False,
    track: TrackOption = None,
    as_json: JsonFlag = False,
) -> None:
    """Train architectures, evaluate them on the test set, and write run folders with reports.

    Two or more architectures are trained on the same split and compared.

    Unset options follow the default recipe: values such as batch size and number of epochs are chosen from the data
    and printed.

    Examples:
        archnet run archs/arch3dsm.json --data phantom

        archnet run archs/archsm.json archs/arch3dsm.json --data luna16 --root /data/LUNA16

        archnet run experiments/luna16_seed_protocol.json --set training.epochs=5
    """
    flags = [*_override("training.seed", seed), *_override("training.memory", memory)]
    experiments, notes = load_command_experiments(files, data, root, [*(settings or []), *flags])
    print_messages(notes)
    from archnet.runs.runner import RunOptions

    options = RunOptions(strict=strict, resume=resume, device=device, deterministic=deterministic)
    store = _open_store(experiments[0], out) if track else None
    with hint_if_interrupted(RESUME_HINT):
        runs = _make_runs(experiments, out, options, with_baselines=baseline)
    if store:
        for finished_run in runs:
            store.add(finished_run.folder)
    if as_json:
        print_json([{"folder": str(run.folder), "metrics": run.metrics} for run in runs])
    else:
        _print_runs([run.folder for run in runs])


def _override(key: str, value: int | str | None) -> list[str]:
    """A flag that is short for a key, in the form of `--set`."""
    return [] if value is None else [f"{key}={json.dumps(value)}"]


def _open_store(experiment: Experiment, out: Path | None) -> MlflowStore:
    """The tracking store, opened before anything is trained."""
    from archnet.runs.folder import experiment_folder
    from archnet.tracking.mlflow_store import MlflowStore

    return MlflowStore(experiment_folder(experiment, out).parent)


def _make_runs(
    experiments: Sequence[Experiment], out: Path | None, options: RunOptions, *, with_baselines: bool
) -> list[Run]:
    from dataclasses import replace

    from archnet.cli.console import progress, show_training
    from archnet.runs.baselines import run_baselines
    from archnet.runs.runner import run_experiments

    with show_training() as display:
        options = replace(options, progress=progress, callback=display)
        runs = run_experiments(experiments, out=out, options=options)
        return runs + (run_baselines(experiments, out=out, progress=progress) if with_baselines else [])


def _print_runs(folders: list[Path]) -> None:
    from archnet.cli.console import stdout
    from archnet.evaluation.comparison import compare
    from archnet.evaluation.run_folder import read_json
    from archnet.report.terminal_tables import comparison_table, run_summary

    for folder in folders:
        stdout.rule(folder.name)
        stdout.print(run_summary(read_json(folder / "metrics.json")))
        stdout.print(f"Pictures: {folder / 'figures'}", soft_wrap=True)
        stdout.print(f"Report:   {folder / 'report.html'}", soft_wrap=True)
    if len(folders) > 1:
        stdout.rule("comparison")
        stdout.print(comparison_table(compare(folders)))
        stdout.print(f"Report:   {folders[0].parent / 'report.html'}", soft_wrap=True)
