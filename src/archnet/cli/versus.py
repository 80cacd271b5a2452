"""`archnet versus`: 2D, 2.5D and 3D twins of one architecture, trained alike and compared."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from archnet.cli.options import (
    KEPT_RUNS,
    RESUME_HINT,
    AllowOption,
    BreakLockOption,
    DataOption,
    JsonFlag,
    ResumeOption,
    RetryOption,
    RootOption,
    SetOption,
    check_retry,
    hint_if_interrupted,
    load_command_experiments,
    print_json,
    print_messages,
    print_paths,
)
from archnet.cli.start.document_completion import complete_documents
from archnet.errors import DocumentError

if TYPE_CHECKING:
    from archnet.versus.plan.versus_plan import VersusPlan
    from archnet.versus.results.versus_result import VersusResult

_FORM_LISTS: Final = ("2d,2.5d,3d", "2d,3d", "2d,2.5d", "2.5d,3d")
_RULE_LISTS: Final = ("none", "macs", "parameters", "none,macs", "none,macs,parameters")


def versus(
    file: Annotated[
        Path,
        typer.Argument(
            help="Architecture or experiment: a file or a name (archnet list).",
            metavar="ARCH|EXPERIMENT",
            autocompletion=complete_documents,
        ),
    ],
    data: DataOption = None,
    root: RootOption = None,
    forms: Annotated[
        str, typer.Option(help="Forms to compare.", metavar="FORM,...", autocompletion=lambda: list(_FORM_LISTS))
    ] = "2d,2.5d,3d",
    match: Annotated[
        str,
        typer.Option(
            help="How the twins are scaled: none (same widths), macs (same cost), parameters (same number of weights). "
            "Each value answers a separate question.",
            metavar="RULE,...",
            autocompletion=lambda: list(_RULE_LISTS),
        ),
    ] = "none",
    seeds: Annotated[int, typer.Option(help="Number of training seeds per network.", min=1, max=1000)] = 5,
    folds: Annotated[int | None, typer.Option(help="Number of cross-validation folds.", min=2, max=1000)] = None,
    noninferior: Annotated[
        float | None,
        typer.Option(
            help="Non-inferiority margin, such as 0.02: test whether the cheaper form is worse by less than this "
            "(one-sided, 2.5%).",
            metavar="MARGIN",
        ),
    ] = None,
    sweep_address: Annotated[
        str | None,
        typer.Option(help='Join a Ray cluster, such as "auto" or HOST:6379; its machines share the folder.'),
    ] = None,
    cpus: Annotated[float, typer.Option(help="CPU cores per run.", min=0.01, max=4096)] = 1,
    gpus: Annotated[float, typer.Option(help="GPUs per run; 0.5 lets two runs share one.", min=0, max=64)] = 0,
    settings: SetOption = None,
    out: Annotated[
        Path | None, typer.Option(help="Folder. Default: runs/<experiment>-versus-<architecture>.", metavar="DIR")
    ] = None,
    allow: AllowOption = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Print the plan with the expected hours, and write nothing.")
    ] = False,
    resume: ResumeOption = False,
    retry: RetryOption = False,
    break_lock: BreakLockOption = False,
    as_json: JsonFlag = False,
) -> None:
    """Compare the 2D, 2.5D and 3D forms of one architecture on the same cases, each with several training seeds.

    The twins have the widths of the architecture, its cost, or its number of weights. The plan is printed first: the
    number of runs, and the hours that they take on this machine, estimated from a few training steps. The runs are
    those of a sweep: parallel, resumable, on this machine or a cluster.

    Examples:
        archnet versus res2d --data phantom --dry-run

        archnet versus res2d --data npz:cubes.npz --match none,macs --seeds 3

        archnet versus arch3dsm --data luna16 --forms 2d,3d --noninferior 0.02 --resume
    """
    from archnet.spec.sweeps.sweep import Resources
    from archnet.versus.plan.form_names import parse_forms, parse_matches
    from archnet.versus.plan.versus_plan import VersusOptions, plan_versus

    _check_numbers(noninferior, gpus)
    check_retry(retry=retry, resume=resume)
    options = VersusOptions(
        forms=parse_forms(forms),
        matches=parse_matches(match),
        seeds=seeds,
        folds=folds,
        resources=Resources(cpus=cpus, gpus=gpus),
        margin=noninferior,
    )
    experiments, notes = load_command_experiments([file], data, root, settings or [], allow or ())
    print_messages(notes)
    from archnet.api.console import progress, show_messages

    with show_messages():
        plan = plan_versus(experiments, options, progress)
        folder = out or Path("runs") / plan.name
        document = _make_plan(plan, folder, resume=resume, is_dry=dry_run, as_json=as_json)
        if dry_run:
            return
        result = _run(plan, folder, document, sweep_address, retry=retry, break_lock=break_lock)
    _print_result(result, folder, as_json=as_json)


def _check_numbers(margin: float | None, gpus: float) -> None:
    """Check numbers beyond the limits of the options.

    Raises:
        DocumentError: The margin is not between 0 and 1, or runs take a fraction of several GPUs.
    """
    if margin is not None and not 0 < margin < 1:
        raise DocumentError(f"--noninferior {margin:g}: expected a margin above 0 and below 1, such as 0.02.")
    if gpus > 1 and not gpus.is_integer():
        raise DocumentError(f"--gpus {gpus:g}: expected a number from 0 to 1, or a whole number of GPUs.")


def _make_plan(plan: VersusPlan, folder: Path, *, resume: bool, is_dry: bool, as_json: bool) -> dict[str, Any]:
    """Measure and print the plan; a resumed comparison reuses its measurements."""
    from archnet.api.console import progress, stderr, stdout
    from archnet.sweep.open_files import require_open_files
    from archnet.sweep.tune import require_ray
    from archnet.versus.plan.duration import measure_durations, total_seconds
    from archnet.versus.plan.plan_file import plan_document, read_durations
    from archnet.versus.report.versus_table import plan_table
    from archnet.versus.run_versus import check_versus_folder, count_finished_runs

    if not is_dry:
        require_ray()
        require_open_files()
        check_versus_folder(folder, resume=resume)
    durations = (read_durations(folder, plan) if resume else None) or measure_durations(plan, progress=progress)
    num_finished = count_finished_runs(folder) if resume else 0
    document = plan_document(plan, durations)
    if is_dry and as_json:
        print_json(document)
    else:
        console = stdout if is_dry else stderr
        console.print(plan_table(plan, document, num_finished, total_seconds(plan, durations, num_finished)))
    return document


def _run(
    plan: VersusPlan, folder: Path, document: dict[str, Any], address: str | None, *, retry: bool, break_lock: bool
) -> VersusResult:
    from archnet.api.console import progress
    from archnet.cli.sweep import show_progress
    from archnet.files.locks import break_foreign_locks
    from archnet.sweep.ray_session import SessionRunner
    from archnet.sweep.run import lock_sweep_folder, reset_failed_runs
    from archnet.versus.run_versus import run_versus

    with ExitStack() as block:
        block.enter_context(break_foreign_locks(is_wanted=break_lock))
        block.enter_context(lock_sweep_folder(folder))
        if retry:
            reset_failed_runs(folder)
        block.enter_context(hint_if_interrupted(RESUME_HINT, KEPT_RUNS))
        on_trial_end = block.enter_context(show_progress(plan.sweep, folder))
        runner = SessionRunner(address=address)
        return run_versus(plan, folder, document, runner=runner, progress=progress, on_trial_end=on_trial_end)


def _print_result(result: VersusResult, folder: Path, *, as_json: bool) -> None:
    from archnet.api.console import stdout
    from archnet.versus.report.versus_document import versus_document
    from archnet.versus.report.versus_table import versus_table

    if as_json:
        print_json({"folder": str(folder), **versus_document(result)})
        return
    stdout.print(versus_table(result))
    print_paths([folder / "versus.json", folder / "report.html"], as_json)
