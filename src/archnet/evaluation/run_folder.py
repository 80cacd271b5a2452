"""A run folder's files, read with clear errors; where the finished runs of an experiment are."""

from __future__ import annotations

import csv
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from archnet.errors import DataError, RunError
from archnet.evaluation.integrity.manifest import MANIFEST_FILE

CHECKPOINT: Final = "checkpoint"
"""The folder in a run folder that marks an unfinished run, and keeps its training."""


def read_json(path: Path) -> dict[str, Any]:
    """One of the run folder's JSON objects.

    Raises:
        RunError: The file is missing.
        DataError: The file isn't a JSON object.
    """
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError):
        raise RunError(f"{path}: no such file. Run the experiment to its end, or name another run folder.") from None
    except UnicodeDecodeError:
        raise DataError(f"{path}: not UTF-8 text. Restore the file, or run the experiment again.") from None
    except json.JSONDecodeError as error:
        raise DataError(
            f"{path}:{error.lineno}: not JSON ({error.msg}). Restore the file, or run the experiment again."
        ) from None
    if not isinstance(value, dict):
        raise DataError(f"{path}: holds {json.dumps(value)[:40]}, not a JSON object. Run the experiment again.")
    return value


def read_optional_json(path: Path) -> dict[str, Any] | None:
    """One of the run folder's JSON objects, or None where the run did not write it."""
    return read_json(path) if path.exists() else None


def read_history(path: Path) -> dict[str, list[float]]:
    """The columns of `history.csv`, one value an epoch; empty where there is no such file.

    Raises:
        DataError: A line has too few or too many fields, or something that isn't a number.
    """
    if not path.exists():
        return {}
    with path.open(encoding="utf-8", newline="") as file:
        rows = csv.reader(file)
        names = next(rows, [])
        columns: dict[str, list[float]] = {name: [] for name in names}
        for row in rows:
            _append_row(columns, row, f"{path} line {rows.line_num}")
    return columns


def _append_row(columns: dict[str, list[float]], row: list[str], place: str) -> None:
    """Append one line of `history.csv` to its columns; an empty field (a number that is undefined) is NaN."""
    remedy = "Restore the file, or run the experiment again."
    if len(row) != len(columns):
        raise DataError(f"{place}: {len(row)} fields, but the header has {len(columns)}. {remedy}")
    for name, field in zip(columns, row, strict=True):
        try:
            columns[name].append(float(field or "nan"))
        except ValueError:
            raise DataError(f'{place}: {name} is "{field}", not a number. {remedy}') from None


def allowed_errors(data: Mapping[str, Any] | None) -> list[str]:
    """The data checks whose errors a run allowed, from its data.json; empty where it has none.

    >>> allowed_errors({"findings": [{"check": "near_duplicates", "severity": "error"}]})
    ['near_duplicates']
    """
    findings = (data or {}).get("findings", [])
    return list(dict.fromkeys(finding["check"] for finding in findings if finding["severity"] == "error"))


def is_finished(folder: Path) -> bool:
    """Whether a folder holds a finished run: its manifest is the last file that it writes.

    An archnet without manifests wrote metrics.json last, and then removed the checkpoint.
    """
    if (folder / MANIFEST_FILE).exists():
        return True
    return (folder / "metrics.json").exists() and not (folder / CHECKPOINT).exists()


def is_baseline(experiment: Mapping[str, Any]) -> bool:
    """Whether an experiment.json is that of a baseline, which leaves no model.

    >>> is_baseline({"arch": {"name": "random_forest", "baseline": {"n_estimators": 300}}})
    True
    >>> is_baseline({"arch": {"name": "arch3dsm", "layers": []}}), is_baseline({})
    (False, False)
    """
    return "baseline" in (experiment.get("arch") or {})


def find_run_folders(paths: Sequence[Path]) -> list[Path]:
    """The run folders that paths name: each itself, or all finished runs inside an experiment's folder, by name.

    Raises:
        RunError: A path is neither a finished run nor a folder that holds one.
    """
    folders = [run for path in paths for run in _find_runs(path)]
    return list(dict.fromkeys(folders))


def _find_runs(path: Path) -> list[Path]:
    if not path.is_dir():
        raise RunError(f"{path}: no such folder. Name a run folder, as `archnet run` printed it.")
    if is_finished(path):
        return [path]
    folders = sorted(folder for folder in path.iterdir() if is_finished(folder))
    if folders:
        return folders
    raise RunError(
        f"{path}: no metrics.json here or one level down, so there is no finished run. "
        "Run the experiment to its end, or name another folder."
    )
