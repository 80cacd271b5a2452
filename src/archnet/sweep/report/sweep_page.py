"""The report of a sweep: one self-contained page, created from the sweep folder."""

from __future__ import annotations

import json
import shlex
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

from archnet.files.documents.house_style import compact_json
from archnet.report.figures.svg import Drawing
from archnet.report.html.page import write_page
from archnet.report.wording import bounds, decimals
from archnet.spec.metrics import is_lower_better
from archnet.sweep.report.axis_labels import metric_label
from archnet.sweep.report.best_trial_table import best_estimates, best_trial_rows
from archnet.sweep.report.choice_wording import cautions, choice_text, headline, test_set_note
from archnet.sweep.report.importance_drawing import importance_drawing
from archnet.sweep.report.learning_drawing import learning_drawing
from archnet.sweep.report.parallel_drawing import parallel_drawing
from archnet.sweep.report.pareto_drawing import pareto_drawing
from archnet.sweep.report.status_table import counts_line, value_text
from archnet.sweep.results.analysis import importance, pareto_front
from archnet.sweep.results.architecture import trial_architecture
from archnet.sweep.results.choice_optimism import choice_optimism
from archnet.sweep.results.hyperparameter_text import hyperparameter_names, hyperparameter_text
from archnet.sweep.results.leaderboard import Leaderboard, LeaderboardRow
from archnet.sweep.results.trials import FAILED, REFUSED, trial_folder

NUM_ARCHITECTURES: Final = 3
"""Number of best trials whose architectures can be copied from the page."""

NUM_ROWS: Final = 100
"""Number of rows of the table of trials; leaderboard.csv has all."""


def write_sweep_report(board: Leaderboard, folder: Path, evaluated_trials: list[int]) -> Path:
    """Write sweep.html.

    Args:
        board: The leaderboard of the sweep.
        folder: The folder of the sweep.
        evaluated_trials: The numbers of the trials evaluated on the test set, in order.
    """
    return write_page(folder / "sweep.html", "sweep.html", _template_values(board, folder, evaluated_trials))


def _template_values(board: Leaderboard, folder: Path, evaluated_trials: list[int]) -> dict[str, Any]:
    """The values that fill the template."""
    sweep, best = board.sweep, board.best
    ranked = [row for row in board.rows if row.is_ranked]
    hyperparameters = list(sweep.space)
    test_rows = best_trial_rows(folder, best) if best else []
    return {
        "title": sweep.name,
        "kicker": counts_line(board, is_running=False),
        "headline": headline(board, folder),
        "cautions": cautions(board, evaluated_trials, choice_optimism(board, folder)),
        "metric": metric_label(board),
        "test_rows": test_rows,
        "tiles": _tiles(board, folder),
        "has_deviations": any(cell["below"].startswith("SD") for row in test_rows for cell in row["cells"].values()),
        "test_note": test_set_note(board, evaluated_trials),
        "best_links": _links(folder, best) if best else [],
        **_drawings(board, ranked),
        "hyperparameters": hyperparameter_names(hyperparameters),
        "rows": [_table_row(folder, row, hyperparameters) for row in board.rows[:NUM_ROWS]],
        "num_more": max(len(board.rows) - NUM_ROWS, 0),
        "unsuccessful": [row.trial for row in board.rows if row.trial.state in (REFUSED, FAILED)],
        "architectures": _architectures(board, ranked),
        "command": shlex.join(["archnet", "sweep", "best", str(folder), "--out", f"archs/{sweep.name}.json"]),
    }


def _tiles(board: Leaderboard, folder: Path) -> list[dict[str, str]]:
    """The metric of the best trial on the validation and test sets side by side; none without a test set."""
    best = board.best
    estimates = best_estimates(folder, best, board.sweep.metric) if best else {}
    if best is None or "test" not in estimates or not board.sweep.has_search_space:
        return []
    test, ends = estimates["test"], bounds(estimates["test"].interval)
    num_runs = len(best.trial.runs)
    below = f"{f'mean ± SD of {num_runs} runs, ' if num_runs > 1 else ''}{choice_text(board)}: optimistic"
    chosen = {"set": "validation", "value": value_text(best), "below": below}
    tested = {"set": "test", "value": decimals(test.value), "below": f"95% CI {ends}" if ends else ""}
    return [chosen, tested]


def _drawings(board: Leaderboard, ranked: list[LeaderboardRow]) -> dict[str, Drawing | None]:
    """The figures; those with too few trials are None."""
    has_space = board.sweep.has_search_space
    return {
        "pareto": _pareto(board, ranked) if ranked and has_space else None,
        "parallel": _parallel(board) if has_space else None,
        "importance": _importance(board, ranked) if has_space else None,
        "curves": _curves(board),
    }


def _pareto(board: Leaderboard, ranked: list[LeaderboardRow]) -> Drawing:
    sign = 1 if is_lower_better(board.sweep.metric) else -1
    front = pareto_front([row.trial.macs or 0 for row in ranked], [sign * (row.value or 0.0) for row in ranked])
    front_text = "; ".join(f"trial {ranked[k].trial.number} {decimals(ranked[k].value)}" for k in front)
    alt_text = f"{metric_label(board)} against cost. Pareto-optimal at their multiply-adds: {front_text}."
    return pareto_drawing(board, alt_text)


def _parallel(board: Leaderboard) -> Drawing | None:
    if not any(row.is_compared for row in board.rows):
        return None
    return parallel_drawing(board, "Each trial's values and metric; the table below has the numbers.")


def _importance(board: Leaderboard, ranked: list[LeaderboardRow]) -> Drawing | None:
    space, metric_values = board.sweep.space, [row.value or 0.0 for row in ranked]
    shares = [
        (name, importance(hyperparameter, [row.trial.values[key] for row in ranked], metric_values))
        for name, (key, hyperparameter) in zip(hyperparameter_names(list(space)), space.items(), strict=True)
    ]
    if all(share is None for _, share in shares):
        return None
    shares_text = ", ".join(f"{name} {share:.0%}" for name, share in shares if share is not None)
    return importance_drawing(shares, f"Importance of each hyperparameter: {shares_text}.")


def _curves(board: Leaderboard) -> Drawing | None:
    if not any(curve.values for row in board.rows for curve in row.curves):
        return None
    return learning_drawing(board, f"{metric_label(board)} of each run after each epoch.")


def _links(folder: Path, row: LeaderboardRow) -> list[tuple[str, str]]:
    """Name and relative address of the report of each run of a trial."""
    own = trial_folder(folder, row.trial.number)
    paths = {name: own / name / "report.html" for name in row.trial.runs} | {"all together": own / "report.html"}
    return [(name, quote(path.relative_to(folder).as_posix())) for name, path in paths.items() if path.exists()]


def _table_row(folder: Path, row: LeaderboardRow, hyperparameters: list[str]) -> dict[str, Any]:
    return {
        "trial": row.trial,
        "value": value_text(row) if row.value is not None else "",
        "epochs": row.epochs,
        "seconds": row.seconds,
        "tested_values": [hyperparameter_text(row.trial.values[key]) for key in hyperparameters],
        "link": next((address for _, address in _links(folder, row)), None),
    }


def _architectures(board: Leaderboard, ranked: list[LeaderboardRow]) -> list[dict[str, str]]:
    """The best distinct architectures, as JSON."""
    entries: dict[str, dict[str, str]] = {}
    for row in ranked:
        if len(entries) == NUM_ARCHITECTURES:
            break
        document = trial_architecture(board, row.trial)
        text = compact_json(document)
        title = f"Trial {row.trial.number}, {metric_label(board)} {value_text(row)}"
        entries.setdefault(json.dumps(document["layers"]), {"title": title, "text": text})
    return list(entries.values())
