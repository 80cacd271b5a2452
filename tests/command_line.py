"""The command line, in a process of its own or in this one."""

import os
import subprocess
import sys
from pathlib import Path

from typer.testing import CliRunner

from archnet.cli import app

ROOT = Path(__file__).parents[1]


def archnet(*arguments, cwd=ROOT, **environment):
    """The finished process of an `archnet` command."""
    return subprocess.run(
        [sys.executable, "-c", "from archnet.cli import main; main()", *map(str, arguments)],
        cwd=cwd,
        env={**os.environ, **environment},
        capture_output=True,
        encoding="utf-8",
        check=False,
        timeout=300,
    )


COMMAND = CliRunner()


def invoked(*arguments):
    return COMMAND.invoke(app, [str(argument) for argument in arguments])
