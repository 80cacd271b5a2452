"""The sweep's report: one self-contained page, drawn from the sweep's folder."""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

from archnet.errors import pluralize
from archnet.evaluation.metric_entry import macro_estimate, macro_value
from archnet.evaluation.run_folder import read_optional_json
from archnet.files.atomic import compact_json
from archnet.report.html.page import EmbeddedFigure, embed_figure, write_page
from archnet.report.wording import bounds, decimals
from archnet.spec.metrics import METRICS, is_lower_better, metrics_shown_in
from archnet.sweep.analysis import importance, pareto_front
from archnet.sweep.figures import importance_figure, learning_figure, metric_label, parallel_figure, pareto_figure
from archnet.sweep.leaderboard import (
    Leaderboard,
    LeaderboardRow,
    hyperparameter_names,
    hyperparameter_text,
    trial_architecture,
)
from archnet.sweep.status_table import headline as counts_line
from archnet.sweep.status_table import value_text
from archnet.sweep.trials import FAILED, REFUSED, trial_folder

NUM_ARCHITECTURES: Final = 3
"""The best trials whose architectures stand ready to copy."""

NUM_ROWS: Final = 100
"""Of the table; leaderboard.csv has all."""


def write_sweep_report(board: Leaderboard, folder: Path, evaluated_trials: list[int]) -> Path:
    """Writes sweep.html.

    Args:
        board: Of the sweep.
        folder: The sweep's.
        evaluated_trials: The trials that the test set was shown to, in this order.
    """
    return write_page(folder / "sweep.html", "sweep.html", _template_values(board, folder, evaluated_trials))


def _template_values(board: Leaderboard, folder: Path, evaluated_trials: list[int]) -> dict[str, Any]:
    """What the template is filled with."""
    sweep, best = board.sweep, board.best
    ranked = [row for row in board.rows if row.is_ranked]
    hyperparameters = list(sweep.space)
    return {
        "title": sweep.name,
        "kicker": counts_line(board, is_running=False),
        "headline": _headline(board, folder),
        "cautions": _cautions(board, evaluated_trials),
        "metric": metric_label(board),
        "test_rows": _test_rows(folder, best) if best else [],
        "test_note": _test_note(board, evaluated_trials),
        "best_links": _links(folder, best) if best else [],
        "pareto": embed_figure(partial(pareto_figure, board), _pareto_alt_text(board, ranked))
        if ranked and hyperparameters
        else None,
        "parallel": _parallel(board) if hyperparameters else None,
        "importance": _importance(board, ranked) if hyperparameters else None,
        "curves": _curves(board),
        "hyperparameters": hyperparameter_names(hyperparameters),
        "rows": [_table_row(folder, row, hyperparameters) for row in board.rows[:NUM_ROWS]],
        "num_more": max(len(board.rows) - NUM_ROWS, 0),
        "unsuccessful": [row.trial for row in board.rows if row.trial.state in (REFUSED, FAILED)],
        "architectures": _architectures(board, ranked),
        "command": shlex.join(["archnet", "sweep", "best", str(folder), "--out", f"archs/{sweep.name}.json"]),
    }


def _headline(board: Leaderboard, folder: Path) -> str:
    best, sweep = board.best, board.sweep
    if best is None:
        why = board.missing_best_reason()
        return why[0].upper() + why[1:]
    value = f"{metric_label(board)} {value_text(best)}"
    if not sweep.has_search_space:
        description = f"{pluralize(len(best.trial.runs), 'run')} of {best.trial.arch} with {value}."
        comparison = _comparison(folder, best)
        return f"{description} On all test cases together: {comparison['sentence']}" if comparison else description
    description = ", ".join(
        f"{name} {hyperparameter_text(best.trial.values[key])}"
        for name, key in zip(hyperparameter_names(list(sweep.space)), sweep.space, strict=True)
    )
    return f"Trial {best.trial.number} is the best on the validation set, with {value}: {description}."


def _cautions(board: Leaderboard, evaluated_trials: list[int]) -> list[str]:
    ranked = sum(row.is_ranked for row in board.rows)
    cautions = []
    has_test = _has_test(board, evaluated_trials)
    if board.sweep.has_search_space and ranked > 1:
        cautions.append(
            f"The best of {ranked} trials was chosen by its validation {_metric(board)}, which is therefore too good."
            + (f" {_test_set_role(board)}" if has_test else "")
        )
    if len(evaluated_trials) > 1 and board.sweep.has_search_space and has_test:
        cautions.append(
            f"The sweep was gone on with after the test set had been seen: it was shown to trials "
            f"{', '.join(map(str, evaluated_trials))} in turn. Its figures are those of more than one look."
        )
    return cautions


def _test_set_role(board: Leaderboard) -> str:
    """Whether test cases helped to choose: in folds they do, since each is a validation case of other folds."""
    if not board.sweep.folds:
        return "The test set took no part in the choice."
    return (
        "Cases that test one fold helped to choose in others (the choice is not nested), so that the test figures of "
        "all folds together are somewhat too good, too."
    )


def _has_test(board: Leaderboard, evaluated_trials: list[int]) -> bool:
    """Whether there is a test set, as far as is known: a trial that was judged has it in its metrics."""
    return not evaluated_trials or board.best is None or any("test" in metrics for metrics in board.best.metrics)


def _metric(board: Leaderboard) -> str:
    return METRICS[board.sweep.metric].full_label


def _test_rows(folder: Path, best: LeaderboardRow) -> list[dict[str, Any]]:
    """The best trial's metrics on validation and test; of several runs those of the pooled test cases."""
    metrics = best.metrics[0] if best.metrics else {}
    sets: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
        name: (metrics[name], {}) for name in ("validation", "test") if name in metrics
    }
    if len(best.trial.runs) > 1:
        pooled = _pooled_row(folder, best)
        sets = {"test": (pooled["metrics"], pooled["spread"] or {})} if pooled else {}
    rows = [
        {
            "name": metric.full_label,
            "cells": {part: _cell(metrics, spread, metric.name) for part, (metrics, spread) in sets.items()},
        }
        for metric in (metrics_shown_in("sweep_report") if sets else ())
    ]
    return rows + _cpm_row(folder, best, list(sets))


def _comparison(folder: Path, row: LeaderboardRow) -> dict[str, Any]:
    """The comparison.json of a trial's runs; empty of a single run."""
    return read_optional_json(trial_folder(folder, row.trial.number) / "comparison.json") or {}


def _pooled_row(folder: Path, row: LeaderboardRow) -> dict[str, Any] | None:
    """What the comparison says of a trial's runs together: each case judged once in the folds, means over seeds."""
    return next(iter(_comparison(folder, row).get("runs", [])), None)


def _cpm_row(folder: Path, row: LeaderboardRow, sets: list[str]) -> list[dict[str, Any]]:
    """The CPM of the test scans, of several runs of all of them together; none where candidates were left out."""
    froc: dict[str, Any]
    if len(row.metrics) == 1:
        froc = row.metrics[0].get("froc", {})
        cell = {"value": froc.get("cpm"), "below": bounds(froc.get("intervals", {}).get("cpm"))}
    else:
        froc = next(iter(_comparison(folder, row).get("froc", {}).values()), {})
        cell = {"value": froc.get("cpm"), "below": _cpm_uncertainty(froc)}
    nothing = {"value": None, "below": ""}
    return [{"name": "CPM", "cells": {part: cell if part == "test" else nothing for part in sets}}] if froc else []


def _cpm_uncertainty(pooled: Mapping[str, Any]) -> str:
    """As `_cell` says it, of a pool's FROC."""
    if not pooled or pooled["spread"] is not None:
        return f"SD {decimals(pooled['spread'])}" if pooled else ""
    return bounds(pooled["of_seeds"][0]["intervals"]["cpm"])


def _cell(part: Mapping[str, Any], spread: Mapping[str, Any], name: str) -> dict[str, Any]:
    """A metric, and below it its interval, or of several seeds the standard deviation; the mean over many classes."""
    value, interval = macro_estimate(part, name)
    deviation = macro_value(spread.get(name))
    return {"value": value, "below": bounds(interval) if deviation is None else f"SD {decimals(deviation)}"}


def _test_note(board: Leaderboard, evaluated_trials: list[int]) -> str:
    if not _has_test(board, evaluated_trials):
        return "There is no test set."
    if not board.sweep.has_search_space:
        return "Nothing was chosen: every run was judged on its test set once."
    if not evaluated_trials:
        return "The test set has not been looked at."
    trials = (
        f"trial {evaluated_trials[0]}"
        if len(evaluated_trials) == 1
        else f"trials {', '.join(map(str, evaluated_trials))}"
    )
    times = "once" if len(evaluated_trials) == 1 else f"{len(evaluated_trials)} times"
    if board.sweep.folds:
        return (
            f"Each fold's test cases were looked at {times}, for {trials}; but in other folds they had helped to "
            "choose (the choice is not nested)."
        )
    after = ", after it had been chosen" if len(evaluated_trials) == 1 else ""
    return f"The test set was looked at {times}, for {trials}{after}."


def _links(folder: Path, row: LeaderboardRow) -> list[tuple[str, str]]:
    """Name and relative address of the reports of a trial's runs."""
    place = trial_folder(folder, row.trial.number)
    paths = {name: place / name / "report.html" for name in row.trial.runs} | {"all together": place / "report.html"}
    return [(name, quote(path.relative_to(folder).as_posix())) for name, path in paths.items() if path.exists()]


def _pareto_alt_text(board: Leaderboard, ranked: list[LeaderboardRow]) -> str:
    sign = 1 if is_lower_better(board.sweep.metric) else -1
    front = pareto_front([row.trial.macs or 0 for row in ranked], [sign * (row.value or 0.0) for row in ranked])
    front_text = "; ".join(f"trial {ranked[k].trial.number} {decimals(ranked[k].value)}" for k in front)
    return f"{metric_label(board)} against cost. None beats at its multiply-adds: {front_text}."


def _parallel(board: Leaderboard) -> EmbeddedFigure | None:
    if not any(row.is_compared for row in board.rows):
        return None
    return embed_figure(
        partial(parallel_figure, board), "Each trial's values and metric; the table below has the numbers."
    )


def _importance(board: Leaderboard, ranked: list[LeaderboardRow]) -> EmbeddedFigure | None:
    names = hyperparameter_names(list(board.sweep.space))
    shares = [
        (
            name,
            importance(hyperparameter, [row.trial.values[key] for row in ranked], [row.value or 0.0 for row in ranked]),
        )
        for name, (key, hyperparameter) in zip(names, board.sweep.space.items(), strict=True)
    ]
    if all(share is None for _, share in shares):
        return None
    shares_text = ", ".join(f"{name} {share:.0%}" for name, share in shares if share is not None)
    return embed_figure(partial(importance_figure, shares), f"Importance of each axis: {shares_text}.")


def _curves(board: Leaderboard) -> EmbeddedFigure | None:
    if not any(curve.values for row in board.rows for curve in row.curves):
        return None
    return embed_figure(partial(learning_figure, board), f"{metric_label(board)} of each run after each epoch.")


def _table_row(folder: Path, row: LeaderboardRow, hyperparameters: list[str]) -> dict[str, Any]:
    return {
        "trial": row.trial,
        "value": value_text(row) if row.value is not None else "",
        "epochs": row.epochs,
        "seconds": row.seconds,
        "tested_values": [hyperparameter_text(row.trial.values[axis]) for axis in hyperparameters],
        "link": next((address for _, address in _links(folder, row)), None),
    }


def _architectures(board: Leaderboard, ranked: list[LeaderboardRow]) -> list[dict[str, str]]:
    """The best architectures, each once, as JSON."""
    entries: dict[str, dict[str, str]] = {}
    for row in ranked:
        if len(entries) == NUM_ARCHITECTURES:
            break
        document = trial_architecture(board, row.trial)
        text = compact_json(document)
        title = f"Trial {row.trial.number}, {metric_label(board)} {value_text(row)}"
        entries.setdefault(json.dumps(document["layers"]), {"title": title, "text": text})
    return list(entries.values())
