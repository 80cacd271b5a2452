"""The commands on architectures, experiments and runs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from archnet.cli.options import (
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
    load_command_experiments,
    parse_input_shape,
    print_json,
    print_paths,
)
from archnet.errors import DocumentError, pluralize

if TYPE_CHECKING:
    from collections.abc import Sequence

    from archnet.runs.result import Run
    from archnet.spec.arch import PlannedLayer
    from archnet.spec.experiment import Experiment
    from archnet.spec.memory import MicroBatch
    from archnet.tracking.mlflow_store import MlflowStore


def check(
    files: Annotated[list[Path], typer.Argument(help="Architecture, experiment or sweep files.", metavar="FILE...")],
    input_text: Annotated[str | None, typer.Option("--input", help="Spatial input, such as 64x64x10.")] = None,
    as_json: JsonFlag = False,
) -> None:
    """Validate JSON files: every problem of every file, each with its place. Exit code 2 if there is one."""
    results = [_check_file(path, input_text) for path in files]
    if as_json:
        print_json(results)
    for result in results if not as_json else ():
        for warning in result["warnings"]:
            typer.echo(f"warning: {warning}", err=True)
        typer.echo(result["says"] if result["valid"] else "\n".join(result["problems"]), err=not result["valid"])
    if not all(result["valid"] for result in results):
        raise typer.Exit(2)


def _check_file(path: Path, input_text: str | None) -> dict[str, Any]:
    from archnet.files.strict_json import read_document
    from archnet.spec.arch import parse_arch
    from archnet.spec.cost import network_cost
    from archnet.spec.resolve import is_arch, parse_experiments
    from archnet.spec.sweeps.document import parse_sweep
    from archnet.spec.sweeps.sweep import is_sweep

    result: dict[str, Any] = {"file": str(path), "valid": True, "problems": [], "warnings": []}
    try:
        document = read_document(path)
        if is_arch(document.value):
            arch = parse_arch(document)
            plan = arch.plan(parse_input_shape(input_text))
            sizes = "x".join(map(str, plan[0].input_shape))
            description = (
                f"{arch.rank}D, {len(plan)} layers, {network_cost(plan).num_parameters:,} parameters at {sizes}"
            )
            result["warnings"] = arch.warnings()
        elif is_sweep(document.value):
            sweep = parse_sweep(document)
            description = (
                f"a sweep of {pluralize(sweep.num_trials, 'trial')} over {', '.join(sweep.space) or 'folds and seeds'}"
            )
        else:
            experiments = parse_experiments(document)
            names = dict.fromkeys(experiment.arch.name for experiment in experiments)
            description = f"an experiment with {', '.join(names)}"
            result["warnings"] = [text for experiment in experiments for text in experiment.arch.warnings()]
        return {**result, "says": f"{path}: valid: {description}"}
    except DocumentError as error:
        return {**result, "valid": False, "problems": str(error).splitlines()}


def show(
    file: Annotated[Path, typer.Argument(help="Architecture file; for --augment an experiment file, too.")],
    input_text: Annotated[
        str | None, typer.Option("--input", help="Spatial input, such as 64x64x10; otherwise the file's own.")
    ] = None,
    classes: Annotated[int, typer.Option(help="Number of classes.", min=2)] = 2,
    batch: Annotated[int, typer.Option(help="Batch size for the memory that training takes.", min=1)] = 64,
    memory: MemoryOption = None,
    augment: Annotated[
        Path | None,
        typer.Option(help="Draw into this PNG what the augmentation does to a case of the data.", metavar="PNG"),
    ] = None,
    data: DataOption = None,
    root: RootOption = None,
    settings: SetOption = None,
    as_json: JsonFlag = False,
) -> None:
    """Show a network: layers, shapes, parameters, multiply-adds, memory. With --augment: the augmentation instead."""
    if augment:
        print_paths(
            [_draw_augmentation(load_command_experiments([file], data, root, settings or [])[0], augment)], as_json
        )
        return
    from archnet.spec.arch import parse_arch
    from archnet.spec.cost import network_summary
    from archnet.spec.resolve import read_arch_document

    arch = parse_arch(read_arch_document(file))
    plan = arch.plan(parse_input_shape(input_text), classes)
    summary = network_summary(plan, _choose_micro_batch(plan, batch, memory))
    for warning in arch.warnings():
        typer.echo(f"warning: {warning}", err=True)
    if as_json:
        print_json(summary)
    else:
        from archnet.cli.console import stdout
        from archnet.report.network_table import network_table

        stdout.print(network_table(arch.name, summary))


def _choose_micro_batch(plan: tuple[PlannedLayer, ...], batch_size: int, memory: str | None) -> MicroBatch:
    from archnet.spec.memory import estimate_memory, parse_bytes, plan_micro_batches

    try:
        return plan_micro_batches(estimate_memory(plan), batch_size, None if memory is None else parse_bytes(memory))
    except ValueError as error:
        raise DocumentError(f"--memory {memory}: {error}") from None


def _draw_augmentation(experiment: Experiment, path: Path) -> Path:
    from archnet.cli.console import progress
    from archnet.network.backend import start_quietly
    from archnet.runs.preview import draw_case

    start_quietly()
    return draw_case(experiment, "first", path, progress)


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
        int | None, typer.Option(help="Seed of weights, order and augmentation (training.seed).", min=0)
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
    """Train architectures, judge them on the test set, and leave a run folder with a report.

    Two or more architectures are trained on the same split and compared.

    What is not set follows the default recipe: batch size, epochs and the like are picked from the data, and told.

    Examples:
        archnet run archs/arch3dsm.json --data phantom

        archnet run archs/archsm.json archs/arch3dsm.json --data luna16 --root /data/LUNA16

        archnet run experiments/luna16_seed_protocol.json --set training.epochs=5
    """
    from archnet.cli.console import progress, show_training

    experiments = load_command_experiments(
        files, data, root, [*(settings or []), *_seed_setting(seed), *_memory_setting(memory)]
    )
    from archnet.api import run_all

    store = _open_store(experiments[0], out) if track else None
    try:
        with show_training() as display:
            runs = run_all(
                experiments,
                out=out,
                progress=progress,
                callback=display,
                strict=strict,
                resume=resume,
                device=device,
                deterministic=deterministic,
            )
            runs += _run_baselines(experiments, out) if baseline else []
    except KeyboardInterrupt:
        typer.echo("Interrupted. Nothing is lost: the same command with --resume goes on where it stopped.", err=True)
        raise
    if store:
        for finished_run in runs:
            store.add(finished_run.folder)
    if as_json:
        print_json([{"folder": str(run.folder), "metrics": run.metrics} for run in runs])
    else:
        _print_runs([run.folder for run in runs])


def _run_baselines(experiments: Sequence[Experiment], out: Path | None) -> list[Run]:
    from archnet.cli.console import progress
    from archnet.runs.baselines import run_baselines

    return run_baselines(experiments, out=out, progress=progress)


def _open_store(experiment: Experiment, out: Path | None) -> MlflowStore:
    """The tracking store, opened before anything is trained."""
    from archnet.runs.folder import experiment_folder
    from archnet.tracking.mlflow_store import MlflowStore

    return MlflowStore(experiment_folder(experiment, out).parent)


def _seed_setting(seed: int | None) -> list[str]:
    return [] if seed is None else [f"training.seed={seed}"]


def _memory_setting(memory: str | None) -> list[str]:
    return [] if memory is None else [f"training.memory={json.dumps(memory)}"]


def compare(
    runs: Annotated[list[Path], typer.Argument(help="Run folders, or an experiment's folder.", metavar="RUN...")],
    as_json: JsonFlag = False,
) -> None:
    """Compare architectures on the same test cases: paired tests, differences with intervals, metrics, costs.

    Runs of one architecture that differ in fold or seed alone are taken together. The architecture with the fewest
    multiply-adds is the one that the others are compared to. Runs on different cases are refused.

    Examples:
        archnet compare runs/luna16/archsm runs/luna16/arch3dsm

        archnet compare runs/phantom_2d_vs_3d --json
    """
    from archnet.evaluation.comparison import compare as compared

    comparison = compared(runs)
    if as_json:
        from archnet.report.comparison_wording import comparison_document

        print_json(comparison_document(comparison))
    else:
        from archnet.cli.console import stdout
        from archnet.report.terminal import comparison_table

        stdout.print(comparison_table(comparison))


def report(
    runs: Annotated[list[Path], typer.Argument(help="Run folders, or an experiment's folder.", metavar="RUN...")],
    as_json: JsonFlag = False,
) -> None:
    """Recompute metrics.json from predictions.csv, and draw the figures and report.html again.

    Of an experiment's folder the comparison is written again, too.

    Examples:
        archnet report runs/luna16/arch3dsm

        archnet report runs/luna16
    """
    from archnet.runs.rereport import regenerate_reports

    print_paths(regenerate_reports(runs), as_json)


def _print_runs(folders: list[Path]) -> None:
    from archnet.cli.console import stdout
    from archnet.evaluation.comparison import compare as compared
    from archnet.evaluation.run_folder import read_json
    from archnet.report.terminal import comparison_table, run_summary

    for folder in folders:
        stdout.rule(folder.name)
        stdout.print(run_summary(read_json(folder / "metrics.json")))
        stdout.print(f"Pictures: {folder / 'figures'}", soft_wrap=True)
        stdout.print(f"Report:   {folder / 'report.html'}", soft_wrap=True)
    if len(folders) > 1:
        stdout.rule("comparison")
        stdout.print(comparison_table(compared(folders)))
        stdout.print(f"Report:   {folders[0].parent / 'report.html'}", soft_wrap=True)
