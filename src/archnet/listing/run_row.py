"""A row of the table of runs: one run of a network or baseline, one sweep, or one versus."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from archnet.evaluation.comparison.document_differences import Difference
from archnet.evaluation.metric_entry import class_value, macro_value
from archnet.evaluation.run_folder import is_baseline, is_finished, is_stacked, read_json, read_optional_json
from archnet.files.json_file import DamagedJsonError, read_json_bytes
from archnet.files.locks import LOCK_FILE, is_locked
from archnet.listing.tags import Tags, read_tags
from archnet.spec.metrics import METRICS
from archnet.spec.outputs.metrics_file import read_metrics
from archnet.spec.outputs.output_file import OUTPUT_FILES

FINISHED, INTERRUPTED, RUNNING, FAILED = "finished", "interrupted", "running", "failed"

_LAST_BYTES: Final = 8192
_FAILURE: Final = re.compile(r"\S+ \S+ ERROR failed: (.*)")
"""The last line of the log.txt of a run that failed; see `runs/log`."""

_SETS: Final = ("validation", "test")
"""The sets whose results the table can show."""

KINDS: Final = ("network", "baseline", "stacked", "sweep", "versus")
"""The kinds of a row."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunRow:
    """A row of the table.

    Attributes:
        name: Path of the folder, relative to the listed folder.
        folder: The folder.
        kind: One of `KINDS`.
        state: "finished", "interrupted", "running" or "failed".
        detail: Why a run failed, or a summary of a sweep or a versus.
        started: Time of the start, in UTC; that of the last change of the folder where it is not recorded.
        results: The metrics of each set, by name; with more than two classes the means over the classes.
        document: The settings of a run; empty for a sweep or a versus.
        experiment: Name of the experiment.
        tags: What the user says about it.
        reference: Name of the run with which the settings are compared; empty for a run that others are compared with.
        differences: The settings that differ from it.
    """

    name: str
    folder: Path
    kind: str
    state: str
    started: datetime
    detail: str = ""
    results: Mapping[str, Mapping[str, float | None]] = field(default_factory=dict)
    document: Mapping[str, Any] = field(default_factory=dict)
    experiment: str = ""
    tags: Tags = field(default_factory=Tags)
    reference: str = ""
    differences: tuple[Difference, ...] = ()

    @property
    def arch(self) -> str:
        """Name of the architecture; empty for a sweep or a versus."""
        return str((self.document.get("arch") or {}).get("name", ""))

    def value(self, metric: str, set_name: str) -> float | None:
        """A metric of a set; null where it is not defined or not known."""
        return self.results.get(set_name, {}).get(metric)


def read_run_row(folder: Path, name: str) -> RunRow:
    """Read the row of a run folder.

    Raises:
        ArchnetError: A file is missing or damaged.
    """
    document = read_json(folder / "experiment.json")
    state, detail = _state(folder)
    return RunRow(
        name=name,
        folder=folder,
        kind="stacked" if is_stacked(document) else "baseline" if is_baseline(document) else "network",
        state=state,
        detail=detail,
        started=_start_time(folder),
        results=_read_results(folder / "metrics.json") if state == FINISHED else {},
        document=document,
        experiment=str(document.get("name", "")),
        tags=read_tags(folder),
    )


def is_used(folder: Path) -> bool:
    """Whether another process is writing to a folder."""
    return (folder / LOCK_FILE).exists() and is_locked(folder / LOCK_FILE)


def _state(folder: Path) -> tuple[str, str]:
    if is_finished(folder):
        return FINISHED, ""
    if is_used(folder):
        return RUNNING, ""
    failure = _failure(folder / "log.txt")
    return (INTERRUPTED, "") if failure is None else (FAILED, failure)


def _failure(log: Path) -> str | None:
    """The reason in the last line of a log; null if the run did not fail."""
    if not log.is_file():
        return None
    with log.open("rb") as file:
        file.seek(max(log.stat().st_size - _LAST_BYTES, 0))
        lines = file.read().decode("utf-8", "replace").splitlines()
    found = _FAILURE.fullmatch(lines[-1]) if lines else None
    return found[1] if found else None


def _start_time(folder: Path) -> datetime:
    started = (read_optional_json(folder / "environment.json") or {}).get("started", "")
    try:
        time = datetime.fromisoformat(started)
        return time if time.tzinfo else time.replace(tzinfo=UTC)
    except ValueError:
        return modification_time(folder / "experiment.json")


def modification_time(path: Path) -> datetime:
    """When a file was last changed, in UTC."""
    return datetime.fromtimestamp(path.stat().st_mtime, UTC)


def _read_results(path: Path) -> dict[str, dict[str, float | None]]:
    """The metrics of each set.

    Checking every number in the file takes too long for a table of many runs. Only those that it shows are checked
    here, and the whole file if one of them is not as expected.
    """
    metrics = _shown_results(path)
    if metrics is None:
        metrics = _convert(read_metrics(path)) or {}
    return metrics


def _shown_results(path: Path) -> dict[str, dict[str, float | None]] | None:
    try:
        return _convert(json.loads(read_json_bytes(path, OUTPUT_FILES[path.name].max_bytes)))
    except (OSError, DamagedJsonError, ValueError, RecursionError, AttributeError, KeyError, TypeError):
        return None


def _convert(metrics: Mapping[str, Any]) -> dict[str, dict[str, float | None]] | None:
    """The metrics of each set, by name; null if one is not a number."""
    is_binary, positive = len(metrics["classes"]) == 2, metrics["positive"]
    results: dict[str, dict[str, float | None]] = {}
    for set_name in _SETS:
        entries = {name: entry for name, entry in metrics.get(set_name, {}).items() if name in METRICS}
        results[set_name] = {
            name: class_value(entry, positive) if is_binary else macro_value(entry) for name, entry in entries.items()
        }
    values = [value for entries in results.values() for value in entries.values()]
    are_numbers = all(value is None or (isinstance(value, float | int) and -1 <= value <= 1) for value in values)
    return {name: entries for name, entries in results.items() if entries} if are_numbers else None
