"""The state of a sweep on a terminal: the best so far, what runs, and what was refused or failed, with the reason."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from archnet.report.wording import decimals, duration, short_count
from archnet.sweep.leaderboard import Leaderboard, LeaderboardRow, hyperparameter_names, hyperparameter_text
from archnet.sweep.trials import FAILED, FINISHED, REFUSED, RUNNING, STATES, STOPPED, Trial

NUM_BEST: Final = 10
"""Trials that a terminal shows of the best, and of those with a reason."""

MAX_NAME_LETTERS: Final = 24
"""Of axes' names that have a column each; longer ones are written into one, so that the table fits 80 columns."""


def sweep_table(board: Leaderboard, *, is_running: bool) -> RenderableType:
    """The counts, the best trials, those that run, and those that were refused or failed.

    Args:
        board: Of the sweep.
        is_running: Somebody works at it; else what "runs" was interrupted.
    """
    ranked = [row for row in board.rows if row.trial.state in (FINISHED, STOPPED)]
    running = [row for row in board.rows if row.trial.state == RUNNING]
    parts: list[RenderableType] = [Text(headline(board, is_running=is_running), style="bold")]
    if ranked or running:
        parts.append(_trials_table(board, [*ranked[:NUM_BEST], *running], is_running=is_running))
    bad = [row.trial for row in board.rows if row.trial.state in (REFUSED, FAILED)]
    return Group(*parts, *_reason_lines(bad))


def headline(board: Leaderboard, *, is_running: bool) -> str:
    """The counts in one line."""
    counts = ", ".join(
        f"{board.count(state)} {_state_text(state, is_running)}" for state in STATES if board.count(state)
    )
    left = board.seconds_left() if is_running else None
    return f"{board.sweep.name}: {counts}" + (f"; about {duration(left)} left" if left else "")


def _state_text(state: str, is_running: bool) -> str:
    return "interrupted" if state == RUNNING and not is_running else state


def _trials_table(board: Leaderboard, rows: Sequence[LeaderboardRow], *, is_running: bool) -> Table:
    hyperparameters = list(board.sweep.space)
    table = Table(box=None, pad_edge=False, header_style="dim")
    for name in ("trial", board.sweep.metric, "epochs", "parameters", "multiply-adds"):
        table.add_column(name, justify="right", no_wrap=True)
    names = hyperparameter_names(hyperparameters)
    is_wide = sum(map(len, names)) > MAX_NAME_LETTERS
    for name in (*(["values"] if is_wide else names), "state"):
        table.add_column(name, overflow="fold")
    if is_wide:
        table.caption, table.caption_justify = f"values: {', '.join(names)}", "left"
    for row in rows:
        trial = row.trial
        numbers = [
            str(trial.number),
            value_text(row),
            str(row.epochs),
            short_count(trial.parameters),
            short_count(trial.macs),
        ]
        style = "bold" if board.best is row else "dim" if trial.state == STOPPED else None
        values = [hyperparameter_text(trial.values[key]) for key in hyperparameters]
        table.add_row(
            *numbers, *([", ".join(values)] if is_wide else values), _state_text(trial.state, is_running), style=style
        )
    return table


def value_text(row: LeaderboardRow) -> str:
    """A trial's metric, with its spread where it has several runs."""
    return decimals(row.value) + (f" ± {decimals(row.spread)}" if row.spread is not None else "")


def _reason_lines(trials: Sequence[Trial]) -> Iterable[Text]:
    """Each reason once, with the trials it is about."""
    groups: dict[tuple[str, str], list[str]] = {}
    for trial in sorted(trials, key=lambda trial: trial.number):
        groups.setdefault((trial.state, trial.reasons), []).append(str(trial.number))
    for (state, reason), numbers in list(groups.items())[:NUM_BEST]:
        yield Text(f"trial{'s' * (len(numbers) > 1)} {', '.join(numbers)} {state}: {reason}", style="yellow")
    if len(groups) > NUM_BEST:
        yield Text(f"and {len(groups) - NUM_BEST} more reasons, see leaderboard.csv", style="yellow")


def trial_line(trial: Trial) -> str:
    """How a trial ended, in one line.

    >>> trial_line(Trial(number=3, values={}, reason="too large"))
    'trial 3 refused: too large'
    """
    return f"trial {trial.number} {trial.state}" + (f": {trial.reasons}" if trial.reasons else "")
