"""Checkpoints: the state from which a training resumes after a crash, in one file that is always complete.

Random numbers have no state: each follows from the seed, the epoch and the position of the case in the epoch. The state
therefore consists of the variables, the step within the epoch, the history and the best weights.
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final

import keras
import numpy as np
from keras import ops
from numpy.typing import NDArray

from archnet.errors import RunError
from archnet.files.archives.npy_arrays import read_npz
from archnet.files.archives.zip_archive import DamagedFileError
from archnet.files.atomic import atomic_write
from archnet.network.training.history import HistoryRow, Tally, TrainingProgress

FILE: Final = "training.npz"


@dataclass(slots=True, kw_only=True)
class Checkpoint:
    """Saves a training to a folder.

    Attributes:
        folder: The folder; None saves nothing.
        record: Settings that must be equal to resume, JSON-ready.
        interval_seconds: Interval between checkpoints within an epoch.
        last_save: Time of the last checkpoint, by a monotonic clock.
    """

    folder: Path | None
    record: Mapping[str, Any]
    interval_seconds: float
    last_save: float = field(default_factory=time.monotonic)

    def is_due(self) -> bool:
        """Whether it is time for the next checkpoint."""
        return self.folder is not None and time.monotonic() - self.last_save >= self.interval_seconds

    def save(self, state: Sequence[keras.Variable], progress: TrainingProgress) -> None:
        """Replace the checkpoint file atomically.

        Raises:
            RunError: The disk is full or not writable.
        """
        self._save(state, progress, {})

    def _save(self, state: Sequence[keras.Variable], progress: TrainingProgress, mark: Mapping[str, bool]) -> None:
        if self.folder is None:
            return
        arrays = {f"state/{number}": ops.convert_to_numpy(variable) for number, variable in enumerate(state)}
        arrays |= {f"best/{number}": weight for number, weight in enumerate(progress.best_weights or [])}
        document = {"record": self.record, "progress": _progress_document(progress), **mark}
        try:
            _write(self.folder / FILE, {**arrays, "told": np.array(json.dumps(document))})
        except OSError as error:
            raise RunError(
                f"{self.folder / FILE}: cannot be written: {error.strerror}. The previous checkpoint is "
                "intact. Free some disk space, then run again with --resume."
            ) from error
        self.last_save = time.monotonic()

    def finish(self, weights: Sequence[NDArray[Any]], progress: TrainingProgress) -> None:
        """Replace the checkpoint file of a finished training by one with its final weights alone.

        Raises:
            RunError: The disk is full or not writable.
        """
        progress.best_weights = list(weights)
        self._save([], progress, {"finished": True})

    def load(self, state: Sequence[keras.Variable]) -> TrainingProgress | None:
        """Restore the variables and return the progress of the training; None if there is no file.

        A finished training has its final weights as best weights; the variables are not restored.

        Raises:
            RunError: The file is damaged, or belongs to a different training.
        """
        if self.folder is None or not (self.folder / FILE).exists():
            return None
        arrays, document = _read(self.folder / FILE)
        record = json.loads(json.dumps(self.record))
        if document["record"] != record:
            keys = dict.fromkeys([*record, *document["record"]])
            differences = ", ".join(key for key in keys if document["record"].get(key) != record.get(key))
            raise RunError(
                f"{self.folder / FILE}: belongs to a different training run: {differences} differs. "
                "Use the same options, or remove the folder to start over."
            )
        state = [] if document.get("finished") else state
        _check_arrays(self.folder / FILE, arrays, state, record["weights"], document["progress"]["num_best"])
        for number, variable in enumerate(state):
            variable.assign(arrays[f"state/{number}"])
        progress = _progress(
            document["progress"], [arrays[f"best/{number}"] for number in range(document["progress"]["num_best"])]
        )
        progress.is_finished = document.get("finished") is True
        return progress


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SavedTraining:
    """The content of a checkpoint besides the variables.

    Attributes:
        record: Settings that must be equal to resume; empty without a checkpoint.
        history: The rows of history.csv.
    """

    record: dict[str, Any] = field(default_factory=dict)
    history: list[HistoryRow] = field(default_factory=list)


def read_saved_training(folder: Path) -> SavedTraining:
    """Read the training in the checkpoint of a folder; empty if there is none.

    Raises:
        RunError: The file is damaged.
    """
    if not (folder / FILE).exists():
        return SavedTraining()
    document = _read(folder / FILE)[1]
    micro_batch, training = (document["record"].get(key) for key in ("micro_batch", "training"))
    has_precision = isinstance(training, dict) and isinstance(training.get("precision"), str)
    if not (_is_count(micro_batch, 1) and has_precision):
        raise _damage_error(folder / FILE, "it does not contain the progress of training")
    return SavedTraining(record=document["record"], history=document["progress"]["history"])


def _write(path: Path, arrays: Mapping[str, NDArray[Any]]) -> None:
    with atomic_write(path) as draft, draft.open("wb") as stream:
        np.savez(stream, allow_pickle=False, **arrays)


def _read(path: Path) -> tuple[dict[str, NDArray[Any]], dict[str, Any]]:
    """Read the arrays and the document of a checkpoint.

    Raises:
        RunError: The file is damaged.
    """
    try:
        arrays = read_npz(path)
        document = json.loads(str(arrays["told"]))
        progress, tally = document["progress"], document["progress"]["tally"]
        is_whole = (
            isinstance(document["record"], dict)
            and all(_is_row(row) for row in progress["history"])
            and np.asarray(tally["matrix"]).dtype.kind in "iu"
            and _is_count(tally["num_steps"], 0)
            and _is_count(tally.get("num_cases", 0), 0)
            and all(isinstance(tally[key], float | int) for key in ("loss", "seconds"))
            and isinstance(progress["best_value"], float | int | None)
            and _is_count(progress["num_best"], 1 if document.get("finished") else 0)
        )
    except OSError as error:
        raise _damage_error(path, error.strerror or str(error)) from error
    except DamagedFileError as error:
        raise _damage_error(path, str(error)) from error
    except (ValueError, LookupError, TypeError, RecursionError) as error:
        raise _damage_error(path, "it does not contain the progress of training") from error
    if not is_whole:
        raise _damage_error(path, "it does not contain the progress of training")
    return arrays, document


def _is_count(value: Any, least: int) -> bool:
    return type(value) is int and value >= least


def _is_row(row: Any) -> bool:
    """Whether a value is a row of history.csv."""
    return isinstance(row, dict) and all(isinstance(value, float | int) for value in row.values())


def _check_arrays(
    path: Path,
    arrays: Mapping[str, NDArray[Any]],
    state: Sequence[keras.Variable],
    weights: Sequence[Sequence[int]],
    num_best: int,
) -> None:
    """Check that a checkpoint holds the variables of a training and, if any, its best weights.

    Raises:
        RunError: The arrays do not match.
    """
    expected = {f"state/{number}": tuple(variable.shape) for number, variable in enumerate(state)}
    expected |= {f"best/{number}": tuple(shape) for number, shape in enumerate(weights[:num_best])}
    if num_best not in (0, len(weights)) or {key: arrays[key].shape for key in arrays if key != "told"} != expected:
        raise _damage_error(path, "its arrays do not fit this network")


def _damage_error(path: Path, reason: str) -> RunError:
    return RunError(f"{path}: damaged ({reason}). Remove it and run again from the start.")


def _progress_document(progress: TrainingProgress) -> dict[str, Any]:
    tally = asdict(progress.tally)
    return {
        "history": progress.history,
        "tally": {**tally, "matrix": np.asarray(tally["matrix"]).tolist()},
        "best_value": progress.best_value,
        "num_best": len(progress.best_weights or []),
    }


def _progress(document: Mapping[str, Any], best: list[NDArray[Any]]) -> TrainingProgress:
    matrix = np.asarray(document["tally"]["matrix"])
    num_cases = int(matrix.sum())  # all of them in earlier versions, which did not record the number
    tally = Tally(**{"num_cases": num_cases, **document["tally"], "matrix": matrix})
    return TrainingProgress(
        history=list(document["history"]),
        tally=tally,
        best_value=document["best_value"],
        best_weights=best or None,
    )
