"""The command line: parse, call one function, print. Results go to stdout, progress and messages to stderr."""

from __future__ import annotations

import io
import sys
from pathlib import Path
from typing import Annotated, Final

import typer

from archnet.cli.bench import bench
from archnet.cli.check import check
from archnet.cli.compare import compare, report
from archnet.cli.data import data_app
from archnet.cli.explain import explain
from archnet.cli.export import export
from archnet.cli.froc import froc
from archnet.cli.predict import predict
from archnet.cli.run import run
from archnet.cli.show import show
from archnet.cli.sweep import sweep_app
from archnet.errors import ArchnetError
from archnet.machine import package_version
from archnet.network.optional_packages import skip_optional_packages

PROGRAM: Final = "archnet"


def _print_version(is_wanted: bool) -> None:
    if is_wanted:
        typer.echo(f"{PROGRAM} {package_version('archnet') or 'unknown'}")
        raise typer.Exit


app = typer.Typer(
    name=PROGRAM,
    help="Train, evaluate and compare 2D and 3D convolutional networks for chest CT, defined in JSON files.",
    epilog="Start with: archnet run archs/arch3dsm.json --data phantom",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", help="Print the version and exit.", callback=_print_version, is_eager=True)
    ] = False,
) -> None:
    """See `app`."""


for command in (check, show, run, compare, froc, report, predict, explain, export, bench):
    app.command()(command)
app.add_typer(data_app, name="data")
app.add_typer(sweep_app, name="sweep")


def main() -> None:
    """Run the command line and exit: 0 done, 1 a bug, 2 the user's input, 130 interrupted."""
    _escape_unprintable_characters()
    skip_optional_packages()
    try:
        app(prog_name=PROGRAM)  # `python -m archnet` needs the same name for completion
    except ArchnetError as error:
        typer.echo(str(error), err=True)
        sys.exit(2)
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        typer.echo(
            f"{where}{error.strerror or error}. Check the path, its permissions and the space on the disk.", err=True
        )
        _write_traceback()
        sys.exit(2)
    except Exception as error:
        name = type(error).__name__
        typer.echo(f"A bug in archnet: {name}: {error}\nThe traceback is in {_write_traceback()}", err=True)
        sys.exit(1)


def _escape_unprintable_characters() -> None:
    """Escape characters that stdout cannot encode, as some Windows consoles require; stderr already does."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")


def _write_traceback() -> Path:
    import traceback

    from platformdirs import user_log_path

    path = user_log_path("archnet", ensure_exists=True) / "last_error.txt"
    path.write_text(traceback.format_exc(), encoding="utf-8")
    return path
