"""The state of a sweep on a terminal: the best trials, the running ones, and why others were refused or failed."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from rich.console import Group, RenderableType
from rich.text import Text

from archnet.report.tables import FittingTable
from archnet.report.wording import decimals, duration, short_count, signed
from archnet.spec.metrics import is_lower_better
from archnet.sweep.results.hyperparameter_text import hyperparameter_names, hyperparameter_text
from archnet.sweep.results.leaderboard import Leaderboard, LeaderboardRow
from archnet.sweep.results.trials import FAILED, FINISHED, REFUSED, RUNNING, STATES, STOPPED, Trial

NUM_BEST: Final = 10
"""Number of best trials, and of reasons, that a terminal shows."""

MAX_NAME_LETTERS: Final = 24
"""Maximum total length of the hyperparameter names for a column each, so that the table fits 80 columns."""


def sweep_table(board: Leaderboard, *, is_running: bool, optimism: float | None = None) -> RenderableType:
    """The counts, the best trials, the running ones, and the reasons of refused and failed ones.

    Args:
        board: The leaderboard of the sweep.
        is_running: Whether a process runs the sweep; otherwise its running trials are shown as interrupted.
        optimism: Result of `choice_optimism`; adds a line below the trials.
    """
    ranked = [row for row in board.rows if row.trial.state in (FINISHED, STOPPED)]
    running = [row for row in board.rows if row.trial.state == RUNNING]
    parts: list[RenderableType] = [Text(counts_line(board, is_running=is_running), style="bold")]
    if ranked or running:
        parts.append(_trials_table(board, [*ranked[:NUM_BEST], *running], is_running=is_running))
    if line := choice_line(board, optimism):
        parts.append(Text(line))
    unsuccessful = [row.trial for row in board.rows if row.trial.state in (REFUSED, FAILED)]
    return Group(*parts, *_reason_lines(unsuccessful))


def choice_line(board: Leaderboard, optimism: float | None) -> str:
    """The number of trials from which the best was chosen, and the expected optimism of its metric; may be empty."""
    ranked = sum(row.is_ranked for row in board.rows)
    if optimism is None or board.best is None:
        return ""
    added = signed(-optimism if is_lower_better(board.sweep.metric) else optimism)
    return f"trial {board.best.trial.number} was chosen among {ranked} trials; expected optimism {added}"


def counts_line(board: Leaderboard, *, is_running: bool) -> str:
    """The number of trials in each state, in one line."""
    counts = ", ".join(
        f"{board.count(state)} {_state_text(state, is_running)}" for state in STATES if board.count(state)
    )
    left = board.seconds_left() if is_running else None
    return f"{board.sweep.name}: {counts}" + (f"; about {duration(left)} left" if left else "")


def _state_text(state: str, is_running: bool) -> str:
    return "interrupted" if state == RUNNING and not is_running else state


def _trials_table(board: Leaderboard, rows: Sequence[LeaderboardRow], *, is_running: bool) -> FittingTable:
    keys = list(board.sweep.space)
    names = hyperparameter_names(keys)
    is_wide = sum(map(len, names)) > MAX_NAME_LETTERS
    table = _empty_table(board.short_metric_label, names, is_wide=is_wide)
    for row in rows:
        style = "bold" if board.best is row else "dim" if row.trial.state == STOPPED else None
        values = [hyperparameter_text(row.trial.values[key]) for key in keys]
        cells = [", ".join(values)] if is_wide else values
        table.add_row(*_numbers(row), *cells, _state_text(row.trial.state, is_running), style=style)
    return table


def _empty_table(metric: str, names: Sequence[str], *, is_wide: bool) -> FittingTable:
    table = FittingTable(box=None, pad_edge=False, header_style="dim")
    for name in ("trial", metric, "epochs", "parameters", "multiply-adds"):
        table.add_column(name, justify="right", no_wrap=True)
    for name in (*(["values"] if is_wide else names), "state"):
        table.add_column(name, overflow="fold")
    if is_wide:
        table.caption, table.caption_justify = f"values: {', '.join(names)}", "left"
    return table


def _numbers(row: LeaderboardRow) -> list[str]:
    trial = row.trial
    costs = [short_count(trial.parameters), short_count(trial.macs)]
    return [str(trial.number), value_text(row), str(row.epochs), *costs]


def value_text(row: LeaderboardRow) -> str:
    """The metric of a trial, with the standard deviation over several runs."""
    return decimals(row.value) + (f" ± {decimals(row.spread)}" if row.spread is not None else "")


def _reason_lines(trials: Sequence[Trial]) -> Iterable[Text]:
    """Each reason once, with the numbers of its trials."""
    groups: dict[tuple[str, str], list[str]] = {}
    for trial in sorted(trials, key=lambda trial: trial.number):
        groups.setdefault((trial.state, trial.reasons), []).append(str(trial.number))
    for (state, reason), numbers in list(groups.items())[:NUM_BEST]:
        yield Text(f"trial{'s' * (len(numbers) > 1)} {', '.join(numbers)} {state}: {reason}", style="yellow")
    if len(groups) > NUM_BEST:
        yield Text(f"and {len(groups) - NUM_BEST} more reasons, see leaderboard.csv", style="yellow")


def trial_line(trial: Trial) -> str:
    """The end of a trial in one line.

    >>> trial_line(Trial(number=3, values={}, reason="too large"))
    'trial 3 refused: too large'
    """
    return f"trial {trial.number} {trial.state}" + (f": {trial.reasons}" if trial.reasons else "")
