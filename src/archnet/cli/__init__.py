"""The command line: parse, call one function, print. Results go to stdout, progress and messages to stderr."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Annotated, Any, Final

import typer

from archnet import interruption
from archnet.cli.bench import bench
from archnet.cli.check import check
from archnet.cli.compare import compare, report
from archnet.cli.data import data_app
from archnet.cli.editing.lsp import lsp
from archnet.cli.editing.studio import studio
from archnet.cli.explain import explain
from archnet.cli.export import export
from archnet.cli.froc import froc
from archnet.cli.options import echo
from archnet.cli.predict import predict
from archnet.cli.process.command_help import CommandGroup, Commands
from archnet.cli.process.streams import discard_output, flush_or_discard, open_streams
from archnet.cli.process.unforeseen_errors import describe_bug, describe_os_error, save_traceback
from archnet.cli.run import run
from archnet.cli.runs import runs_app
from archnet.cli.show import show
from archnet.cli.start.list_shipped import list_shipped
from archnet.cli.start.new_project_command import init
from archnet.cli.start.print_schema import schema
from archnet.cli.sweep import sweep_app
from archnet.cli.twin import twin
from archnet.cli.versus import versus
from archnet.errors import ArchnetError
from archnet.files.terminal_text import escape_message
from archnet.machine import package_version
from archnet.network.optional_packages import skip_optional_packages

PROGRAM: Final = "archnet"

_CLOSED_PIPE: Final = 141
"""The exit code with which shells report SIGPIPE: the reader, such as head, has exited."""


def _print_version(is_wanted: bool) -> None:
    if is_wanted:
        echo(f"{PROGRAM} {package_version('archnet') or 'unknown'}")
        raise typer.Exit


class _Program(CommandGroup):
    """All commands; reports interruptions, and escapes control characters in usage errors."""

    def make_context(self, *arguments: Any, **options: Any) -> Any:
        """Parse the options of the program."""
        with _escape_usage_errors():
            return super().make_context(*arguments, **options)

    def invoke(self, ctx: Any) -> Any:
        """Run the command."""
        try:
            with _escape_usage_errors():
                return super().invoke(ctx)
        except KeyboardInterrupt as error:
            sys.exit(_fail(str(error) or "Interrupted.", interruption.exit_code()))


@contextmanager
def _escape_usage_errors() -> Iterator[None]:
    try:
        yield
    except typer.TyperException as error:
        error.message = escape_message(error.message.removeprefix("Value error, "))  # added by pydantic
        raise


app = Commands(
    name=PROGRAM,
    cls=_Program,
    help="Train, evaluate and compare 2D and 3D convolutional networks for chest CT, defined in JSON files.",
    epilog="Examples:\n\narchnet run arch3dsm --data phantom\n\narchnet list\n\narchnet init my_project",
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


for command in (
    init,
    studio,
    lsp,
    schema,
    check,
    show,
    twin,
    run,
    versus,
    compare,
    froc,
    report,
    predict,
    explain,
    export,
    bench,
):
    app.command()(command)
app.command("list")(list_shipped)
app.add_typer(data_app, name="data")
app.add_typer(runs_app, name="runs")
app.add_typer(sweep_app, name="sweep")


def main() -> None:
    """Run the command line and exit.

    The exit code is 0 for success, 1 for a bug, 2 for the user's input, 130 after Ctrl-C, 143 after SIGTERM, and 141 if
    the reader of stdout has exited.
    """
    interruption.install_handlers()
    with interruption.quiet_exit():
        open_streams()
        skip_optional_packages()
        code = _run()
        if interruption.is_interrupted():  # some code turned the interruption into another error
            code = interruption.exit_code()
        interruption.release_handlers()
    for stream in (sys.stdout, sys.stderr):
        flush_or_discard(stream)
    sys.exit(code)


def _run() -> int:
    """Run the command and return its exit code."""
    try:
        code = _invoke()
        sys.stdout.flush()
    except ArchnetError as error:
        return _fail(str(error), 2)
    except BrokenPipeError:
        discard_output(sys.stdout)
        return _CLOSED_PIPE
    except OSError as error:
        save_traceback()
        return _fail(describe_os_error(error), 2)
    except Exception as error:
        if interruption.is_interrupted():
            raise
        return _fail(describe_bug(error), 1)
    return code


def _invoke() -> int:
    try:
        app(prog_name=PROGRAM)  # `python -m archnet` needs the same name for completion
    except SystemExit as error:
        if isinstance(error.__context__, BrokenPipeError):
            raise error.__context__ from None
        return int(error.code or 0)
    return 0


def _fail(text: str, code: int) -> int:
    """Print the reason for a failure if possible, and return the exit code."""
    with suppress(OSError):
        echo(text, err=True)
    return code
