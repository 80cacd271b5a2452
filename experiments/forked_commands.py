"""Run `archnet` commands in processes forked from one that has imported everything, so that they start immediately.

The checks of kills and races start hundreds of commands; each import of TensorFlow would cost seconds.
"""

import multiprocessing
import os
import sys
from pathlib import Path

PRELOAD = "fork_preload"

_context = multiprocessing.get_context("forkserver")


def start_fork_server(*modules: str) -> None:
    """Prepare the process from which commands are forked; it inherits the current environment.

    Args:
        modules: Additional modules to import.
    """
    os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, [str(Path(__file__).parent), os.environ.get("PYTHONPATH")]))
    _context.set_forkserver_preload([PRELOAD, *modules])


class Command:
    """A running `archnet` command.

    Attributes:
        arguments: Arguments of `archnet`.
        output: The file of its standard output and standard error.
    """

    def __init__(self, arguments, output: Path, main=None, environment=None):
        self.arguments, self.output = [str(argument) for argument in arguments], output
        self._process = _context.Process(
            target=_run, args=(self.arguments, str(output), str(Path.cwd()), main, environment or {})
        )
        self._process.start()

    @property
    def pid(self) -> int:
        return self._process.pid

    def is_running(self) -> bool:
        return self._process.is_alive()

    def send(self, signal_number: int) -> None:
        """Send a signal; nothing happens if the command has ended."""
        if self.is_running():
            os.kill(self.pid, signal_number)

    def wait(self, timeout_s: float = 300) -> int:
        """The exit code; negative for the signal that killed the command."""
        self._process.join(timeout_s)
        if self._process.exitcode is None:
            self._process.kill()
            raise SystemExit(f"archnet {' '.join(self.arguments)}: still running after {timeout_s} s")
        return self._process.exitcode

    def text(self) -> str:
        return self.output.read_text(encoding="utf-8", errors="replace")


def _run(arguments: list[str], output: str, folder: str, main, environment: dict[str, str]) -> None:
    descriptor = os.open(output, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    os.dup2(descriptor, 1)
    os.dup2(descriptor, 2)
    os.chdir(folder)
    os.environ.update(environment)
    sys.argv = ["archnet", *arguments]
    if main is None:
        from archnet.cli import main
    main()
