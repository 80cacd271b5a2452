"""Checkpoints: what a training needs to resume after a crash, in one file that is always complete.

Random numbers have no state: each follows from the seed, the epoch and the position of the case in it. So the
variables, the step within the epoch, the history and the best weights are all there is.
"""

from __future__ import annotations

import json
import time
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final

import keras
import numpy as np
from keras import ops
from numpy.typing import NDArray

from archnet.errors import RunError
from archnet.files.atomic import atomic_write
from archnet.network.training.history import HistoryRow, Tally, TrainingProgress

FILE: Final = "training.npz"


@dataclass(slots=True, kw_only=True)
class Checkpoint:
    """Saves a training to a folder.

    Attributes:
        folder: The folder; null saves nothing.
        record: What must be the same to resume, JSON-ready.
        interval_seconds: Interval between checkpoints within an epoch.
        last_save: Time of the last checkpoint, by a monotonic clock.
    """

    folder: Path | None
    record: Mapping[str, Any]
    interval_seconds: float
    last_save: float = field(default_factory=time.monotonic)

    def is_due(self) -> bool:
        """Whether the last one is old enough."""
        return self.folder is not None and time.monotonic() - self.last_save >= self.interval_seconds

    def save(self, state: Sequence[keras.Variable], progress: TrainingProgress) -> None:
        """Write a new file and replace the old one with it.

        Raises:
            RunError: The disk is full or may not be written.
        """
        if self.folder is None:
            return
        arrays = {f"state/{number}": ops.convert_to_numpy(variable) for number, variable in enumerate(state)}
        arrays |= {f"best/{number}": weight for number, weight in enumerate(progress.best_weights or [])}
        document = {"record": self.record, "progress": _progress_document(progress)}
        try:
            _write(self.folder / FILE, {**arrays, "told": np.array(json.dumps(document))})
        except OSError as error:
            raise RunError(
                f"{self.folder / FILE}: cannot be written: {error.strerror}. What was kept before is still there: "
                "make room, then run again with --resume."
            ) from error
        self.last_save = time.monotonic()

    def load(self, state: Sequence[keras.Variable]) -> TrainingProgress | None:
        """Restore the variables and return the progress of the training; None if there is no file.

        Raises:
            RunError: The file is damaged, or belongs to another training.
        """
        if self.folder is None or not (self.folder / FILE).exists():
            return None
        arrays, document = _read(self.folder / FILE)
        record = json.loads(json.dumps(self.record))
        if document["record"] != record:
            differences = ", ".join(key for key in record if document["record"].get(key) != record[key])
            raise RunError(
                f"{self.folder / FILE}: belongs to a different training run: {differences} differs. "
                "Use the same options, or remove the folder to start over."
            )
        for number, variable in enumerate(state):
            variable.assign(arrays[f"state/{number}"])
        return _progress(
            document["progress"], [arrays[f"best/{number}"] for number in range(document["progress"]["num_best"])]
        )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SavedTraining:
    """What a checkpoint holds beside the variables.

    Attributes:
        record: What must be the same to resume; empty without a checkpoint.
        history: The rows of history.csv.
    """

    record: dict[str, Any] = field(default_factory=dict)
    history: list[HistoryRow] = field(default_factory=list)


def read_saved_training(folder: Path) -> SavedTraining:
    """Read the training that a folder's checkpoint holds; empty if there is none.

    Raises:
        RunError: The file is damaged.
    """
    if not (folder / FILE).exists():
        return SavedTraining()
    document = _read(folder / FILE)[1]
    return SavedTraining(record=document["record"], history=document["progress"]["history"])


def _write(path: Path, arrays: Mapping[str, NDArray[Any]]) -> None:
    with atomic_write(path) as draft, draft.open("wb") as stream:
        np.savez(stream, allow_pickle=False, **arrays)


def _read(path: Path) -> tuple[dict[str, NDArray[Any]], dict[str, Any]]:
    try:
        with path.open("rb") as stream, np.load(stream, allow_pickle=False) as content:
            arrays = {name: content[name] for name in content.files}
        return arrays, json.loads(str(arrays["told"]))
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
        raise RunError(f"{path}: damaged ({error}). Remove it and run again from the start.") from error


def _progress_document(progress: TrainingProgress) -> dict[str, Any]:
    tally = asdict(progress.tally)
    return {
        "history": progress.history,
        "tally": {**tally, "matrix": np.asarray(tally["matrix"]).tolist()},
        "best_value": progress.best_value,
        "num_best": len(progress.best_weights or []),
    }


def _progress(document: Mapping[str, Any], best: list[NDArray[Any]]) -> TrainingProgress:
    tally = Tally(**{**document["tally"], "matrix": np.asarray(document["tally"]["matrix"])})
    return TrainingProgress(
        history=list(document["history"]),
        tally=tally,
        best_value=document["best_value"],
        best_weights=best or None,
    )
