"""`archnet sweep`: many trials of one experiment, on this machine or a cluster."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from archnet.cli.options import (
    KEPT_RUNS,
    RESUME_HINT,
    AllowOption,
    BreakLockOption,
    DataOption,
    JsonFlag,
    RetryOption,
    RootOption,
    check_retry,
    echo,
    hint_if_interrupted,
    parse_overrides,
    print_json,
    print_paths,
    set_option,
)
from archnet.cli.process.command_help import CommandGroup, Commands
from archnet.cli.start.document_completion import complete_documents
from archnet.errors import RunError

if TYPE_CHECKING:
    from archnet.spec.sweeps.sweep import Sweep
    from archnet.sweep.results.leaderboard import Leaderboard, LeaderboardRow
    from archnet.sweep.results.trials import Trial

REFRESH_SECONDS = 2
"""Interval at which the live table reads the folder."""


class _FileFirst(CommandGroup):
    """A group whose first argument may be a file: `archnet sweep FILE` is `archnet sweep run FILE`."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        is_run = bool(args) and args[0] not in self.commands and args[0] != "--help"
        return super().parse_args(ctx, ["run", *args] if is_run else args)


sweep_app = Commands(
    cls=_FileFirst,
    help="Run many trials of one experiment, on this machine or a cluster: archnet sweep FILE. Its options: "
    "archnet sweep run --help. Resume an interrupted sweep with: archnet sweep FILE --resume",
    epilog="Examples:\n\narchnet sweep sweep_width\n\narchnet sweep status runs/sweep_width",
    no_args_is_help=True,
)

SweepFolder = Annotated[Path, typer.Argument(help="The sweep's folder.", metavar="DIR")]


@sweep_app.command()
def run(
    file: Annotated[
        Path,
        typer.Argument(
            help="Sweep: a file or a name (archnet list).", metavar="FILE", autocompletion=complete_documents
        ),
    ],
    data: DataOption = None,
    root: RootOption = None,
    settings: Annotated[
        list[str] | None,
        set_option("Override any key of the base experiment except its architecture, such as training.epochs=5."),
    ] = None,
    out: Annotated[Path | None, typer.Option(help="Sweep folder. Default: runs/<sweep>.", metavar="DIR")] = None,
    allow: AllowOption = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Resume an interrupted sweep; finished trials are kept.")
    ] = False,
    retry: RetryOption = False,
    address: Annotated[
        str | None,
        typer.Option(help='Join a Ray cluster, such as "auto" or HOST:6379; its machines share the folder.'),
    ] = None,
    break_lock: BreakLockOption = False,
    trials: Annotated[int | None, typer.Option(help="Number of trials. Default: that of the file.", min=1)] = None,
    as_json: JsonFlag = False,
) -> None:
    """Run a sweep, or resume an interrupted sweep with --resume. `archnet sweep FILE` is equivalent.

    Infeasible trials are rejected before they start. Failed trials are listed with the reason; the others continue.

    The exit code is 1 if no trial finished successfully.

    Examples:
        archnet sweep sweep_width

        archnet sweep sweep_luna16_small --data npz:luna16_candidates_2d.npz

        archnet sweep sweep_luna16_small --data npz:luna16_candidates_2d.npz --resume --trials 20
    """
    from archnet.api.console import progress, show_messages
    from archnet.files.strict_json import read_document
    from archnet.spec.sweeps.document import parse_sweep

    check_retry(retry=retry, resume=resume)
    overrides = parse_overrides(root, settings, allow)
    sweep = parse_sweep(read_document(file), trials=trials, data=data, overrides=overrides)
    folder = out or Path("runs") / sweep.name
    from archnet.sweep.open_files import require_open_files

    require_open_files()
    from archnet.files.locks import break_foreign_locks
    from archnet.sweep.ray_session import SessionRunner
    from archnet.sweep.run import lock_sweep_folder, reset_failed_runs, run_sweep

    with ExitStack() as block:
        block.enter_context(break_foreign_locks(is_wanted=break_lock))
        block.enter_context(lock_sweep_folder(folder))
        if retry:
            reset_failed_runs(folder)
        block.enter_context(hint_if_interrupted(RESUME_HINT, KEPT_RUNS))
        block.enter_context(show_messages())
        on_trial_end = block.enter_context(show_progress(sweep, folder))
        board = run_sweep(
            sweep,
            folder,
            resume=resume,
            runner=SessionRunner(address=address),
            progress=progress,
            on_trial_end=on_trial_end,
        )
    _print_board(board, folder, is_running=False, as_json=as_json)
    if not as_json:
        print_paths([folder / "leaderboard.csv", folder / "sweep.html"], as_json)
    if board.best is None:
        raise typer.Exit(1)


@contextmanager
def show_progress(sweep: Sweep, folder: Path) -> Iterator[Callable[[Trial], None]]:
    """Show a live table while the block runs; if stderr is not a terminal, print a line for each finished trial."""
    from rich.live import Live

    from archnet.api.console import stderr
    from archnet.sweep.report.status_table import sweep_table, trial_line
    from archnet.sweep.results.leaderboard import read_leaderboard

    if not stderr.is_terminal:
        yield lambda trial: stderr.print(trial_line(trial), soft_wrap=True)
        return
    cache: dict[int, LeaderboardRow] = {}
    render_table = lambda: sweep_table(read_leaderboard(sweep, folder, cache), is_running=True)  # noqa: E731
    with Live(get_renderable=render_table, console=stderr, refresh_per_second=1 / REFRESH_SECONDS, transient=True):
        yield lambda trial: None


@sweep_app.command()
def status(folder: SweepFolder, as_json: JsonFlag = False) -> None:
    """Show the state of a sweep, finished or running: its best trials, the running ones, and why others failed.

    Examples:
        archnet sweep status runs/sweep_width

        archnet sweep status runs/sweep_width --json
    """
    from archnet.sweep.run import is_sweep_running

    _print_board(_read_board(folder), folder, is_running=is_sweep_running(folder), as_json=as_json)


@sweep_app.command()
def best(
    folder: SweepFolder,
    out: Annotated[
        Path | None,
        typer.Option(help="Write the architecture to this file. Default: print it.", metavar="FILE"),
    ] = None,
    as_json: JsonFlag = False,
) -> None:
    """Write the architecture of the best trial on the validation set.

    Examples:
        archnet sweep best runs/sweep_width --out best.json

        archnet sweep best runs/sweep_width
    """
    from archnet.files.atomic import write_text
    from archnet.files.documents.house_style import compact_json
    from archnet.files.strict_json import slugify
    from archnet.sweep.results.architecture import best_architecture

    document = best_architecture(_read_board(folder), folder, slugify(out.stem) if out else None)
    text = compact_json(document)
    if out is None:
        echo(text)
        return
    if out.exists():
        raise RunError(f"{out}: the file exists and is not overwritten. Choose a different name.")
    print_paths([write_text(out, text + "\n")], as_json)


def _read_board(folder: Path) -> Leaderboard:
    from archnet.sweep.results.leaderboard import read_leaderboard
    from archnet.sweep.results.trials import read_sweep

    sweep = read_sweep(folder)
    if sweep is None:
        raise RunError(f"{folder}: contains no sweep. Name the folder of a sweep, such as runs/NAME.")
    return read_leaderboard(sweep, folder)


def _print_board(board: Leaderboard, folder: Path, *, is_running: bool, as_json: bool) -> None:
    from archnet.sweep.results.choice_optimism import choice_optimism

    optimism = None if is_running else choice_optimism(board, folder)
    if as_json:
        document = board.to_document() | {"optimism": optimism}
        print_json({"folder": str(folder), "is_under_way": is_running, **document})
        return
    from archnet.api.console import stdout
    from archnet.sweep.report.status_table import sweep_table

    stdout.print(sweep_table(board, is_running=is_running, optimism=optimism))
