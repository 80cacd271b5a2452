"""Training curves in TensorBoard's form: look at them, also while a run trains, with `tensorboard --logdir RUN`."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

FOLDER: Final = "tensorboard"
"""Inside a run's folder; one folder for each set, whose curves of one metric TensorBoard draws into one picture."""

CURVE_SETS: Final = ("train", "validation")

HistoryRow = Mapping[str, float]


class TensorBoardCallback:
    """A watcher that writes the rows of history.csv into event files, one epoch a step.

    Attributes:
        folder: Of the event files; those that are there are replaced.
        seconds: The training's, so far.
    """

    def __init__(self, folder: Path, history: Sequence[HistoryRow]) -> None:
        self.folder = folder
        self.seconds = 0.0
        self._start = time.time() - sum(row["seconds"] for row in history)
        self._files: dict[str, Any] = {}
        for row in history:
            self.on_epoch(row)

    def on_step(self, epoch: int, step: int, num_steps: int, logs: dict[str, float]) -> None:
        """Steps are not drawn."""

    def on_epoch(self, row: HistoryRow) -> None:
        """Adds a row and makes it visible."""
        self.seconds += row["seconds"]
        for name in CURVE_SETS:
            values = _set_values(row, name)
            if values:
                self._write(name, step=int(row["epoch"]), **_summary(values))

    def close(self) -> None:
        """Closes the files."""
        for file in self._files.values():
            file.close()

    def _write(self, name: str, **event: Any) -> None:
        from tensorboard.compat.proto.event_pb2 import Event

        file = self._files.get(name) or self._open_file(name)
        file.write(Event(wall_time=self._start + self.seconds, **event).SerializeToString())
        file.flush()

    def _open_file(self, name: str) -> Any:
        """A new event file; a TensorBoard that has read an older one drops its points at the session's start."""
        from tensorboard.compat.proto.event_pb2 import SessionLog
        from tensorboard.summary.writer.record_writer import RecordWriter

        folder = self.folder / name
        folder.mkdir(parents=True, exist_ok=True)
        for older in folder.glob("events.out.tfevents.*"):
            older.unlink()
        self._files[name] = RecordWriter((folder / f"events.out.tfevents.{time.time_ns()}.archnet").open("wb"))
        self._write(name, file_version="brain.Event:2")
        self._write(name, step=0, session_log=SessionLog(status=SessionLog.START))
        return self._files[name]


def _set_values(row: HistoryRow, name: str) -> dict[str, float]:
    """A set's columns without the set's name; the training's has those that belong to no set, too."""
    own = {key.removeprefix(f"{name}_"): value for key, value in row.items() if key.startswith(f"{name}_")}
    if name != "train":
        return own
    return own | {key: row[key] for key in ("learning_rate", "seconds") if key in row}


def _summary(values: Mapping[str, float]) -> dict[str, Any]:
    from tensorboard.compat.proto.summary_pb2 import Summary

    return {"summary": Summary(value=[Summary.Value(tag=key, simple_value=value) for key, value in values.items()])}


@contextmanager
def open_tensorboard_callback(folder: Path, history: Sequence[HistoryRow]) -> Iterator[list[TensorBoardCallback]]:
    """The watcher of a run's curves, as a list; an empty one, and a line in the log, where TensorBoard is missing.

    Args:
        folder: The run's.
        history: Epochs that are done already, which a run that goes on has.
    """
    if find_spec("tensorboard") is None:
        logging.getLogger("archnet").info("no TensorBoard logs: the package tensorboard is not installed")
        yield []
        return
    callback = TensorBoardCallback(folder / FOLDER, history)
    try:
        yield [callback]
    finally:
        callback.close()
