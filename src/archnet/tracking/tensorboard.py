"""Training curves as TensorBoard event files, to watch a run with `tensorboard --logdir RUN`, also while it trains."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

FOLDER: Final = "tensorboard"
"""Folder inside a run folder, with a folder for each set: TensorBoard draws a metric of all sets into one chart."""

CURVE_SETS: Final = ("train", "validation")

HistoryRow = Mapping[str, float]


class TensorBoardCallback:
    """A callback that writes the rows of history.csv into event files, with an epoch as TensorBoard's step.

    Attributes:
        folder: The folder of the event files; existing ones are replaced.
        seconds: Training time so far.
    """

    def __init__(self, folder: Path, history: Sequence[HistoryRow]) -> None:
        self.folder = folder
        self.seconds = 0.0
        self._start = time.time() - sum(row["seconds"] for row in history)
        self._files: dict[str, Any] = {}
        for row in history:
            self.on_epoch(row)

    def on_step(self, epoch: int, step: int, num_steps: int, logs: dict[str, float]) -> None:
        """Do nothing: only epochs are written."""

    def on_epoch(self, row: HistoryRow) -> None:
        """Write a row and flush it, so that TensorBoard shows it."""
        self.seconds += row["seconds"]
        for name in CURVE_SETS:
            values = _set_values(row, name)
            if values:
                self._write(name, step=int(row["epoch"]), **_summary(values))

    def close(self) -> None:
        """Close the event files."""
        for file in self._files.values():
            file.close()

    def _write(self, name: str, **event: Any) -> None:
        from tensorboard.compat.proto.event_pb2 import Event

        file = self._files.get(name) or self._open_file(name)
        file.write(Event(wall_time=self._start + self.seconds, **event).SerializeToString())
        file.flush()

    def _open_file(self, name: str) -> Any:
        """Start a new event file; its session start makes a running TensorBoard drop the points of an older file."""
        from tensorboard.compat.proto.event_pb2 import SessionLog
        from tensorboard.summary.writer.record_writer import RecordWriter

        folder = self.folder / name
        folder.mkdir(parents=True, exist_ok=True)
        for older in folder.glob("events.out.tfevents.*"):
            with suppress(PermissionError):  # on Windows, TensorBoard may have the file open
                older.unlink()
        self._files[name] = RecordWriter((folder / f"events.out.tfevents.{time.time_ns()}.archnet").open("wb"))
        self._write(name, file_version="brain.Event:2")
        self._write(name, step=0, session_log=SessionLog(status=SessionLog.START))
        return self._files[name]


def _set_values(row: HistoryRow, name: str) -> dict[str, float]:
    """The columns of a set without its name; those of the training set include the columns of no set."""
    own = {key.removeprefix(f"{name}_"): value for key, value in row.items() if key.startswith(f"{name}_")}
    if name != "train":
        return own
    return own | {key: row[key] for key in ("learning_rate", "seconds") if key in row}


def _summary(values: Mapping[str, float]) -> dict[str, Any]:
    from tensorboard.compat.proto.summary_pb2 import Summary

    return {"summary": Summary(value=[Summary.Value(tag=key, simple_value=value) for key, value in values.items()])}


@contextmanager
def open_tensorboard_callback(folder: Path, history: Sequence[HistoryRow]) -> Iterator[list[TensorBoardCallback]]:
    """Open the callback that logs a run, in a list; log a line and give an empty list if TensorBoard is not installed.

    Args:
        folder: The run folder.
        history: The epochs before an interruption, if the run is resumed.
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
