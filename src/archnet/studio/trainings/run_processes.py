"""Processes of `archnet run` that the page starts, stops and resumes.

Each is a session of its own, so that it continues when the page's server ends.
"""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from threading import Lock
from typing import IO, Any, Final

from archnet.listing.run_row import FAILED, INTERRUPTED, RUNNING
from archnet.spec.outputs.schema_parts import BOOLEAN, COUNT, TEXT, Schema, list_of, nullable, record_of
from archnet.spec.overrides import parse_settings
from archnet.studio.requests.api_route import RequestRefusal, request_of
from archnet.studio.trainings.run_listing import single_row
from archnet.studio.trainings.run_owner import is_stoppable, run_owner, stop_process
from archnet.studio.workspace.document_files import PATH
from archnet.studio.workspace.workspace import Workspace

MAX_RUNNING: Final = 4
"""Maximum number of processes at once."""

MAX_KEPT: Final = 50
"""Maximum number of ended processes that are listed."""

_OUTPUT_BYTES: Final = 32_000
_MAX_LINES: Final = 100

_ARGUMENT: Final[Schema] = {"type": "string", "minLength": 1, "maxLength": 1000, "pattern": "^[^\\u0000-\\u001f]*$"}

START_REQUEST: Final = request_of(
    {"documents": {**list_of(PATH, 1, 20), "description": "Architectures, or one experiment, as saved on disk."}},
    {
        "data": {**_ARGUMENT, "description": "Name of a data set, or npz:PATH."},
        "root": {**_ARGUMENT, "description": "Folder of the data set."},
        "settings": {
            "type": "object",
            "maxProperties": 100,
            "propertyNames": {"maxLength": 200},
            "description": 'Overrides by dotted key, such as {"training.epochs": 5}.',
        },
        "out": {**PATH, "description": "Experiment folder, inside the folder of the page."},
        "mode": {
            "enum": ["new", "resume", "overwrite"],
            "default": "new",
            "description": "Whether runs with the same settings are refused, resumed or replaced.",
        },
    },
)
PATH_REQUEST: Final = request_of({"path": PATH})
PROCESS: Final = record_of(
    {
        "id": COUNT,
        "command": TEXT,
        "is_running": BOOLEAN,
        "exit_code": nullable({"type": "integer"}),
        "started": TEXT,
        "output": {**list_of(TEXT), "description": "Last lines of the messages of the process."},
    }
)
PROCESSES: Final = record_of({"processes": list_of(PROCESS)})
STOPPED: Final = record_of({"stopped": TEXT})


@dataclass(slots=True, kw_only=True)
class StartedProcess:
    """A process that the page has started.

    Attributes:
        number: Its number, from 1.
        command: The command, as one would type it.
        started: When it was started, in UTC.
        process: The process.
        output: An unnamed file with its messages.
    """

    number: int
    command: str
    started: datetime
    process: subprocess.Popen[bytes]
    output: IO[bytes] = field(repr=False)

    def to_document(self) -> dict[str, Any]:
        """See `PROCESS`."""
        code = self.process.poll()
        return {
            "id": self.number,
            "command": self.command,
            "is_running": code is None,
            "exit_code": code,
            "started": self.started.isoformat(timespec="seconds"),
            "output": self._last_lines(),
        }

    def _last_lines(self) -> list[str]:
        """Last lines of the output. The file position is shared with the writing process and must not be moved."""
        if not hasattr(os, "pread"):
            return []
        handle = self.output.fileno()
        content = os.pread(handle, _OUTPUT_BYTES, max(os.fstat(handle).st_size - _OUTPUT_BYTES, 0))
        return content.decode("utf-8", "replace").splitlines()[-_MAX_LINES:]


class RunProcesses:
    """Starts, stops and resumes runs.

    Args:
        workspace: The folder, which is the working directory of the processes.

    Attributes:
        processes: The processes, those that run and the last of those that have ended, in the order of their starts.
    """

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        self.processes: list[StartedProcess] = []
        self._lock = Lock()

    def list(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """The processes that were started from the page, the latest first."""
        with self._lock:
            return {"processes": [process.to_document() for process in reversed(self.processes)]}

    def start(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """Start `archnet run`.

        Raises:
            RequestRefusal: A path is not allowed, or too many processes run.
            DocumentError: A setting has no valid key.
        """
        return self._start(run_arguments(request, self._workspace))

    def resume(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """Resume an interrupted run with the settings in its folder.

        Raises:
            RequestRefusal: The folder is not that of an interrupted run.
        """
        folder = self._workspace.path(request["path"])
        found = single_row(folder, self._workspace)
        if found is None or found[0].kind != "network":
            raise RequestRefusal(404, f"{request['path']}: holds no run of a network. Resume sweeps in a terminal.")
        if found[0].state not in (INTERRUPTED, FAILED):
            raise RequestRefusal(422, f"{request['path']}: the run is {found[0].state}, so there is nothing to resume.")
        document = os.path.relpath(folder / "experiment.json", self._workspace.folder)
        out = os.path.relpath(folder.parent, self._workspace.folder)
        return self._start(["run", "--resume", f"--out={out}", "--", document])

    def stop(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """Interrupt the process of a run.

        Raises:
            RequestRefusal: The run has no process, or the process belongs to another user or runs on another machine.
        """
        folder = self._workspace.path(request["path"])
        found = single_row(folder, self._workspace)
        owner = run_owner(folder) if found and found[0].state == RUNNING else None
        if owner is None:
            raise RequestRefusal(422, f"{request['path']}: this run has no running process.")
        own = next((one for one in self.processes if one.process.pid == owner.pid), None)
        if own is not None and own.process.poll() is None:
            stop_process(own.process.pid)
        elif is_stoppable(owner):
            stop_process(owner.pid)
        else:
            text = owner.describe(datetime.now(UTC))
            raise RequestRefusal(
                422, f"{request['path']}: the run cannot be stopped from here because it belongs to {text}."
            )
        return {"stopped": owner.describe(datetime.now(UTC))}

    def _start(self, arguments: Sequence[str]) -> dict[str, Any]:
        with self._lock:
            if sum(one.process.poll() is None for one in self.processes) >= MAX_RUNNING:
                raise RequestRefusal(422, f"{MAX_RUNNING} processes are running. Wait for one to end, or stop one.")
            process, output = self._spawn(arguments)
            started = StartedProcess(
                number=self.processes[-1].number + 1 if self.processes else 1,
                command=shlex.join(["archnet", *arguments]),
                started=datetime.now(UTC),
                process=process,
                output=output,
            )
            self.processes.append(started)
            self._forget_old()
            return started.to_document()

    def _spawn(self, arguments: Sequence[str]) -> tuple[subprocess.Popen[bytes], IO[bytes]]:
        """Start a process whose messages go to an unnamed file."""
        with ExitStack() as block:
            output = block.enter_context(tempfile.TemporaryFile())
            process = subprocess.Popen(
                [sys.executable, "-m", "archnet", *arguments],
                cwd=self._workspace.folder,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
            block.pop_all()  # the file stays open while the process is listed
        return process, output

    def close(self) -> None:
        """Forget all processes; those that run continue."""
        for one in self.processes:
            one.output.close()
        self.processes.clear()

    def _forget_old(self) -> None:
        ended = [one for one in self.processes if one.process.poll() is not None]
        for one in ended[:-MAX_KEPT]:
            one.output.close()
            self.processes.remove(one)


def run_arguments(request: Mapping[str, Any], workspace: Workspace) -> list[str]:
    """The arguments of `archnet` for a run; no value can act as an option.

    Args:
        request: See `START_REQUEST`.
        workspace: The folder.

    Raises:
        RequestRefusal: A path is not allowed, or a document is missing.
        DocumentError: A setting has no valid key.
    """
    files = [workspace.document(path).path for path in request["documents"]]
    for path, file in zip(request["documents"], files, strict=True):
        if not file.is_file():
            raise RequestRefusal(404, f"{path}: no such file. Save the document first.")
    settings = request.get("settings", {})
    parse_settings(settings)
    options = [f"--{key}={request[key]}" for key in ("data", "root") if key in request]
    options += [f"--set={key}={json.dumps(value, ensure_ascii=False)}" for key, value in settings.items()]
    if "out" in request:
        options.append(f"--out={_relative(workspace.path(request['out']), workspace.folder)}")
    mode = request.get("mode", "new")
    options += [] if mode == "new" else [f"--{mode}"]
    return ["run", *options, "--", *(_relative(file, workspace.folder) for file in files)]


def _relative(path: Path, folder: Path) -> str:
    return path.relative_to(folder).as_posix() if path.is_relative_to(folder) else str(path)
