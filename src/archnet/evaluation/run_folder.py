"""Read the files of run folders, and find the finished runs of an experiment."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from archnet.errors import DataError, RunError
from archnet.evaluation.integrity.manifest import MANIFEST_FILE
from archnet.files.csv_rows import Table, excerpt, parse_number, read_table
from archnet.files.disk import format_bytes
from archnet.files.json_file import is_special
from archnet.spec.outputs.output_file import RUN_REMEDY, read_output

CHECKPOINT: Final = "checkpoint"
"""The folder with the checkpoint of an unfinished run, inside the run folder."""

RUNS_FOLDER: Final = Path("runs")
"""The folder in which experiments are run unless another one is named."""

MODEL: Final = "model.keras"
"""The model in a run folder."""

WEIGHTS_SUFFIX: Final = ".weights.h5"
"""Suffix of files that store weights without the graph of the network."""

MAX_WEIGHTS_BYTES: Final = 4_000_000_000
"""Maximum size of a file of weights: a billion float32 values."""


def read_json(path: Path) -> dict[str, Any]:
    """Read a JSON file of the folder, of a kind in `OUTPUT_FILES`, and validate it against its schema.

    Raises:
        RunError: The file is missing.
        DataError: The file is damaged.
    """
    return read_output(path)


def read_optional_json(path: Path) -> dict[str, Any] | None:
    """Read a JSON file of the folder; None if the run did not write it."""
    return read_output(path) if path.exists() else None


def read_run_table(path: Path) -> Table:
    """Read a csv file of a run or a sweep; a pipe in its place, which may never end, is not read.

    Raises:
        FileNotFoundError: The file is missing.
        DataError: The file is damaged.
    """
    if is_special(path):
        raise DataError(f"{path}: is a device or a pipe, not a file. {RUN_REMEDY}")
    return read_table(path, RUN_REMEDY)


def read_history(path: Path) -> dict[str, list[float]]:
    """Read the columns of `history.csv`, one value per epoch; empty if there is no such file.

    Raises:
        DataError: The file is not a csv table, has no column of epochs or seconds, or a field isn't a number.
    """
    if not path.exists():
        return {}
    table = read_run_table(path)
    for name in ("epoch", "seconds"):
        if name not in table.header:
            raise DataError(f'{path} line 1: the column "{name}" is missing. {RUN_REMEDY}')
    columns: dict[str, list[float]] = {name: [] for name in table.header}
    for line, row in zip(table.lines, table.rows, strict=True):
        for name, field in zip(columns, row, strict=True):
            columns[name].append(_parse_field(name, field, f"{path} line {line}"))
    return columns


def _parse_field(name: str, field: str, place: str) -> float:
    """Parse a number of `history.csv`; an empty field (an undefined number) is NaN."""
    try:
        number = parse_number(field or "nan")
    except ValueError:
        raise DataError(f'{place}: {name} is "{excerpt([field])}", not a number. {RUN_REMEDY}') from None
    if math.isinf(number) or (math.isnan(number) and name in ("epoch", "seconds")):
        raise DataError(f'{place}: {name} is "{excerpt([field])}", not a finite number. {RUN_REMEDY}')
    return number


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
    """Whether an experiment.json is that of a baseline, which has no model.

    >>> is_baseline({"arch": {"name": "random_forest", "baseline": {"n_estimators": 300}}})
    True
    >>> is_baseline({"arch": {"name": "arch3dsm", "layers": []}}), is_baseline({})
    (False, False)
    """
    return "baseline" in (experiment.get("arch") or {})


def is_stacked(experiment: Mapping[str, Any]) -> bool:
    """Whether an experiment.json is that of a network combined with a baseline, which has no model of its own.

    >>> is_stacked({"arch": {"name": "arch3dsm+random_forest", "stacked": {"network": "arch3dsm"}}})
    True
    """
    return "stacked" in (experiment.get("arch") or {})


def find_run_folders(paths: Sequence[Path]) -> list[Path]:
    """Find run folders: each path itself, or the finished runs in an experiment folder by their start.

    Runs that do not record when they started come first, by name.

    Raises:
        RunError: A path is neither a finished run nor a folder that holds one.
    """
    folders = [run for path in paths for run in _find_runs(path)]
    return list(dict.fromkeys(folders))


def find_named_run(path: Path) -> Path:
    """The folder of runs that a user names: a path, or else a name as `archnet runs` shows it, in the folder runs."""
    named = RUNS_FOLDER / path
    return named if not path.is_absolute() and not path.exists() and named.is_dir() else path


def _find_runs(path: Path) -> list[Path]:
    if not path.is_dir():
        raise RunError(f"{path}: no such folder. Name a run folder, as `archnet run` printed it.")
    if is_finished(path):
        return [path]
    folders = sorted((folder for folder in path.iterdir() if is_finished(folder)), key=_run_order)
    if folders:
        return folders
    raise RunError(
        f"{path}: contains no metrics.json, nor does any folder in it, so there is no finished run. "
        "Finish the run, or name a different folder."
    )


def _run_order(folder: Path) -> tuple[str, str]:
    """The start time of a run, if recorded, and its name."""
    try:
        environment = read_optional_json(folder / "environment.json") or {}
    except DataError:
        environment = {}  # later readers of the file report the damage
    return environment.get("started", ""), folder.name


def find_weights_file(path: Path) -> Path:
    """Find the file with the weights that `training.init` names.

    Args:
        path: A run folder, or a file.

    Raises:
        ValueError: The file does not exist or is unsuitable; the message gives the path and the remedy.
    """
    file = path / MODEL if path.is_dir() else path
    if path.is_dir() and not file.is_file():
        raise ValueError(f"{path}: has no {MODEL}. Name the folder of a finished run of a network, or a .keras file.")
    if not file.is_file():
        raise ValueError(f"{path}: no such file. Name a run folder, a .keras file or a {WEIGHTS_SUFFIX} file.")
    if not file.name.endswith((".keras", WEIGHTS_SUFFIX)):
        raise ValueError(
            f"{path}: expected a run folder, a .keras file or a {WEIGHTS_SUFFIX} file. Open other files in Keras, and "
            'save the model with model.save("NAME.keras").'
        )
    if (size := file.stat().st_size) > MAX_WEIGHTS_BYTES:
        raise ValueError(f"{path}: {format_bytes(size)} exceeds {format_bytes(MAX_WEIGHTS_BYTES)}. Use a smaller file.")
    return file
