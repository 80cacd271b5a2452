"""Write training curves and images as TensorBoard event files, also during training (`tensorboard --logdir RUN`)."""

from __future__ import annotations

import logging
import struct
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

FOLDER: Final = "tensorboard"
"""Folder inside a run folder, with a folder for each set: TensorBoard draws a metric of all sets into one chart. The
members of an ensemble have a folder each, with one for each set."""

CURVE_SETS: Final = ("train", "validation")

RESULTS: Final = "results"
"""Folder beside those of the sets, with the images of the finished run."""

HistoryRow = Mapping[str, float]

_FILE_VERSION: Final = "brain.Event:2"
_RGB: Final = 3  # number of colour channels


class TensorBoardCallback:
    """A callback that writes the rows of history.csv to event files, with the epoch as step.

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
                name = f"member{int(row['member'])}/{name}" if "member" in row else name
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
        self._files[name] = _open_event_file(self.folder / name)
        self._write(name, file_version=_FILE_VERSION)
        self._write(name, step=0, session_log=_session_start())
        return self._files[name]


def write_event_images(folder: Path, images: Mapping[str, bytes], step: int) -> None:
    """Write the images of a finished run to an event file; replace earlier ones.

    Does nothing if TensorBoard is not installed.

    Args:
        folder: The run folder.
        images: PNG files by tag.
        step: The number of epochs, as step.
    """
    if find_spec("tensorboard") is None:
        return
    from tensorboard.compat.proto.event_pb2 import Event
    from tensorboard.compat.proto.summary_pb2 import Summary

    values = [Summary.Value(tag=tag, image=Summary.Image(**_image_fields(png))) for tag, png in images.items()]
    first = [{"file_version": _FILE_VERSION}, {"step": 0, "session_log": _session_start()}]
    file = _open_event_file(folder / FOLDER / RESULTS)
    for event in (*first, *({"step": step, "summary": Summary(value=[value])} for value in values)):
        file.write(Event(wall_time=time.time(), **event).SerializeToString())
    file.close()


def _image_fields(png: bytes) -> dict[str, Any]:
    """The fields of an image summary; a PNG file's header holds width and height (RFC 2083, 11.2.1)."""
    width, height = struct.unpack(">II", png[16:24])
    return {"width": width, "height": height, "colorspace": _RGB, "encoded_image_string": png}


def _open_event_file(folder: Path) -> Any:
    """Start a new event file in place of older ones."""
    from tensorboard.summary.writer.record_writer import RecordWriter

    folder.mkdir(parents=True, exist_ok=True)
    for older in folder.glob("events.out.tfevents.*"):
        with suppress(PermissionError):  # on Windows, TensorBoard may have the file open
            older.unlink()
    return RecordWriter((folder / f"events.out.tfevents.{time.time_ns()}.archnet").open("wb"))


def _session_start() -> Any:
    """The start of a session, which makes a running TensorBoard drop the points of an older file."""
    from tensorboard.compat.proto.event_pb2 import SessionLog

    return SessionLog(status=SessionLog.START)


def _set_values(row: HistoryRow, name: str) -> dict[str, float]:
    """The columns of a set without its prefix; the training set includes the columns that belong to no set."""
    own = {key.removeprefix(f"{name}_"): value for key, value in row.items() if key.startswith(f"{name}_")}
    if name != "train":
        return own
    return own | {key: row[key] for key in ("learning_rate", "seconds") if key in row}


def _summary(values: Mapping[str, float]) -> dict[str, Any]:
    from tensorboard.compat.proto.summary_pb2 import Summary

    return {"summary": Summary(value=[Summary.Value(tag=key, simple_value=value) for key, value in values.items()])}


@contextmanager
def open_tensorboard_callback(folder: Path, history: Sequence[HistoryRow]) -> Iterator[list[TensorBoardCallback]]:
    """A list with the callback that logs a run; empty, with a log message, if TensorBoard is not installed.

    Args:
        folder: The run folder.
        history: The epochs before an interruption, if the run is resumed.
    """
    if find_spec("tensorboard") is None:
        logging.getLogger("archnet").info('no TensorBoard logs; to add them: pip install "archnet[tensorboard]"')
        yield []
        return
    callback = TensorBoardCallback(folder / FOLDER, history)
    try:
        yield [callback]
    finally:
        callback.close()
