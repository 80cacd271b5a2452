"""Check that the data have not changed: before a run is resumed, evaluated again, or made beside finished runs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final

from archnet.errors import DataError, RunError
from archnet.evaluation.run_folder import read_optional_json
from archnet.runs.folders.experiment_folder import is_started
from archnet.spec.experiment import Experiment

_DIGESTS: Final = ("digest", "geometry")
_LABEL_OPTIONS: Final = ("soft_labels", "case_weights")


def check_data_of_started_run(folder: Path, split: str, digests: Mapping[str, Any]) -> None:
    """Check that a run is resumed on the data it began with.

    Args:
        folder: The run folder.
        split: The text of split.csv, from `split_text`.
        digests: The digests of its data, as in data.json.

    Raises:
        RunError: The folder contains the checkpoint of a run on different data.
    """
    changed = _changed_file(folder, split, digests) if is_started(folder) else None
    if changed is not None:
        raise RunError(
            f"{changed}: the data have changed since this run began, so it cannot be continued. Restore them, or "
            "choose a different folder with --out."
        )


def check_data_of_finished_run(folder: Path, split: str, digests: Mapping[str, Any]) -> None:
    """Check that a finished run is evaluated on the data it was made from.

    Args:
        folder: The run folder.
        split: The text of split.csv, from `split_text`.
        digests: The digests of its data, as in data.json.

    Raises:
        DataError: The data have changed.
    """
    changed = _changed_file(folder, split, digests)
    if changed is not None:
        raise DataError(
            f"{changed}: the data have changed since this run, so its cases cannot be predicted again. Restore the "
            "data, or run the experiment again."
        )


def check_data_of_other_runs(
    folders: Iterable[Path], experiment: Experiment, split: str, digests: Mapping[str, Any]
) -> None:
    """Check that a run gets the data of finished runs that have the same split and use the same labels.

    Args:
        folders: Folders of finished runs; the first comparable one is checked.
        experiment: The experiment of the run.
        split: The text of its split.csv.
        digests: The digests of its data, as in data.json.

    Raises:
        RunError: The data have changed since the other run.
    """
    options = _data_options(experiment.to_document())
    for folder in folders:
        if _data_options(read_optional_json(folder / "experiment.json") or {}) == options:
            changed = _changed_file(folder, split, digests)
            if changed is not None:
                raise RunError(
                    f"{changed}: the data have changed since this run, so other runs cannot be compared with it. "
                    "Restore the data, or choose a different folder with --out."
                )
            return


def _data_options(document: Mapping[str, Any]) -> list[Any]:
    """The options on which the data of a run depend."""
    data, training = document.get("data") or {}, document.get("training") or {}
    shared = {key: value for key, value in data.items() if key != "view"}
    return [shared, document.get("split"), *(training.get(option) for option in _LABEL_OPTIONS)]


def _changed_file(folder: Path, split: str, digests: Mapping[str, Any]) -> Path | None:
    """The file of a run folder that records other data; older runs lack digests."""
    if (folder / "split.csv").read_bytes() != split.encode():
        return folder / "split.csv"
    recorded = read_optional_json(folder / "data.json") or {}
    is_same = all(recorded[key] == digests.get(key) for key in _DIGESTS if key in recorded)
    return None if is_same else folder / "data.json"
