"""State of a run as recorded in its folder: in progress, interrupted or finished, regardless of who started it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from archnet.evaluation.kept_epoch import split_members, training_ends
from archnet.listing.run_row import FAILED, FINISHED, INTERRUPTED, RUNNING, RunRow
from archnet.report.sentences.training_sentence import training_sentences
from archnet.spec.outputs.metrics_file import read_metrics
from archnet.spec.outputs.schema_parts import BOOLEAN, COUNT, NUMBER, TEXT, list_of, map_of, nullable, record_of
from archnet.studio.requests.api_route import RequestRefusal, request_of
from archnet.studio.trainings.log_history import read_live_history
from archnet.studio.trainings.run_listing import RUN_ROW, single_row
from archnet.studio.trainings.run_owner import is_stoppable, run_owner
from archnet.studio.workspace.document_files import PATH
from archnet.studio.workspace.workspace import Workspace

MAX_LOG_LINES: Final = 200
_LOG_BYTES: Final = 64_000
_NUM_TIMED: Final = 5
"""Last epochs whose durations predict those of the next ones."""

RUN_REQUEST: Final = request_of({"path": PATH})
RUN: Final = record_of(
    {
        **RUN_ROW["properties"],
        "history": {
            **map_of(list_of(nullable(NUMBER))),
            "description": "Columns of history.csv, one value for each finished epoch, with six digits until the end; "
            "null is an undefined number. Of an ensemble: those of the member in training, or the last one.",
        },
        "member": {**nullable(COUNT), "description": "Number of that member, from 1; null for a single network."},
        "num_members": COUNT,
        "num_epochs": {**COUNT, "description": "Number of finished epochs in `history`."},
        "max_epochs": {**nullable(COUNT), "description": "Maximum number of epochs of each network."},
        "kept_epoch": {**nullable(COUNT), "description": "Epoch with the best weights so far, from 1."},
        "best_metric": nullable(TEXT),
        "best_value": nullable(NUMBER),
        "ending": {
            **TEXT,
            "description": "The kept epoch and the reason for the end of a finished training, in words.",
        },
        "seconds_left": {
            **nullable(NUMBER),
            "description": "Predicted for the maximum number of epochs; early stopping may end training sooner.",
        },
        "classes": list_of(TEXT),
        "positive": nullable(TEXT),
        "confusion_matrices": {
            **map_of(list_of(list_of(COUNT))),
            "description": "By set: rows are the true classes, columns the predictions. Empty until the evaluation.",
        },
        "log": {**list_of(TEXT), "description": "Last lines of log.txt."},
        "owner": {**nullable(TEXT), "description": "The process that writes to the folder."},
        "can_stop": BOOLEAN,
        "can_resume": BOOLEAN,
        "settings": {"type": "object", "description": "experiment.json"},
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Results:
    """The parts of metrics.json that the page shows."""

    classes: tuple[str, ...] = ()
    positive: str | None = None
    confusion_matrices: Mapping[str, Sequence[Sequence[int]]]


def run_document(workspace: Workspace, request: Mapping[str, Any]) -> dict[str, Any]:
    """The state of a run; see `RUN`.

    Raises:
        RequestRefusal: The folder is not a run folder.
        DataError: A file of the run is damaged.
    """
    folder = workspace.path(request["path"])
    found = single_row(folder, workspace)
    if found is None:
        raise RequestRefusal(404, f"{request['path']}: holds no run. Choose one from the table of runs.")
    row, document = found
    history = read_live_history(folder)
    results = _read_results(folder) if row.state == FINISHED and row.document else _Results(confusion_matrices={})
    owner = run_owner(folder) if row.state == RUNNING else None
    return {
        **document,
        **_training(row, history),
        "classes": list(results.classes),
        "positive": results.positive,
        "confusion_matrices": dict(results.confusion_matrices),
        "log": last_lines(folder / "log.txt"),
        "owner": owner.describe(datetime.now(UTC)) if owner else None,
        "can_stop": owner is not None and is_stoppable(owner),
        "can_resume": row.state in (INTERRUPTED, FAILED) and row.kind == "network",
        "settings": dict(row.document),
    }


def _training(row: RunRow, history: Mapping[str, Sequence[float]]) -> dict[str, Any]:
    options = row.document.get("training") or {}
    max_epochs, num_members = options.get("epochs"), int(options.get("members", 1))
    member, own = max(split_members(history).items(), default=(1, {}))
    ends = training_ends(history, row.document)
    end = ends[-1] if ends else None
    num_left = None
    if isinstance(max_epochs, int):
        num_left = max(max_epochs - len(own.get("seconds", ())), 0) + (num_members - member) * max_epochs
    return {
        "history": {name: [_finite(value) for value in values] for name, values in own.items()},
        "member": member if num_members > 1 else None,
        "num_members": num_members,
        "num_epochs": len(own.get("seconds", ())),
        "max_epochs": max_epochs if isinstance(max_epochs, int) else None,
        "kept_epoch": end.kept_epoch if end else None,
        "best_metric": end.best_metric if end else None,
        "best_value": _finite(end.best_value) if end else None,
        "ending": " ".join(training_sentences(ends)) if row.state == FINISHED else "",
        "seconds_left": _seconds_left(history.get("seconds"), num_left) if row.state == RUNNING else None,
    }


def _finite(value: float | None) -> float | None:
    return value if value is not None and math.isfinite(value) else None


def _seconds_left(seconds: Sequence[float] | None, num_left: int | None) -> float | None:
    """The time of the epochs that are left, from the mean of the last ones; the first is slower.

    >>> _seconds_left([9.0, 2.0, 4.0], 2), _seconds_left([], 5), _seconds_left([9.0], 2)
    (6.0, None, 18.0)
    """
    if not seconds or num_left is None:
        return None
    timed = seconds[1:][-_NUM_TIMED:] or seconds
    return num_left * sum(timed) / len(timed)


def _read_results(folder: Path) -> _Results:
    path = folder / "metrics.json"
    if not path.exists():
        return _Results(confusion_matrices={})
    metrics = read_metrics(path)
    sets = {name: metrics[name] for name in ("train", "validation", "test") if name in metrics}
    return _Results(
        classes=tuple(metrics["classes"]),
        positive=metrics["positive"],
        confusion_matrices={
            name: entry["confusion_matrix"] for name, entry in sets.items() if "confusion_matrix" in entry
        },
    )


def last_lines(path: Path, max_lines: int = MAX_LOG_LINES) -> list[str]:
    """The last lines of a text file; empty if it is missing."""
    if not path.is_file():
        return []
    with path.open("rb") as stream:
        size = stream.seek(0, 2)
        stream.seek(max(size - _LOG_BYTES, 0))
        lines = stream.read().decode("utf-8", "replace").splitlines()
    return lines[1:][-max_lines:] if size > _LOG_BYTES else lines[-max_lines:]
