"""The code blocks of Markdown pages: what each is, and a runner for the blocks of one page.

A block may be preceded by the line `<!-- not run: REASON -->`. A name after the language, as in `json title="mine.json"`,
makes it a file for the blocks after it.
"""

import contextlib
import functools
import io
import itertools
import os
import re
import shlex
import signal
import subprocess
import sys
import threading
from dataclasses import dataclass, field
from multiprocessing.connection import Client, Listener
from pathlib import Path

import typer
from typer.main import get_command

from archnet.cli import app
from archnet.files.strict_json import parse_document
from archnet.spec.arch import parse_arch
from archnet.spec.resolve import parse_experiments
from archnet.spec.sweeps.document import parse_sweep
from command_line import ROOT, invoked

_BLOCK = re.compile(
    r"^(?P<before>[^\n]*)\n\n?(?P<indent> *)```(?P<info>[^\n`]*)\n(?P<body>.*?)^(?P=indent)```$",
    re.MULTILINE | re.DOTALL,
)
_NOT_RUN = re.compile(r"<!-- not run: (.+) -->")
_TITLE = re.compile(r'title="([^"]+)"')

BLOCK_SECONDS = 900
"""A block that is not finished by then hangs: the slowest takes a minute on two cores."""

_CLIENT = """#!{python}
import os, sys
from multiprocessing.connection import Client
with Client({address!r}) as connection:
    connection.send(({name!r}, sys.argv[1:], os.getcwd(), dict(os.environ)))
    code, output, errors = connection.recv()
sys.stdout.write(output)
sys.stderr.write(errors)
sys.exit(code)
"""
"""A command that the test's own process carries out: it has imported everything."""


class HangingError(Exception):
    """Raised in a block that takes too long; no OSError, which archnet would report as one of a file."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CodeBlock:
    """A fenced block.

    Attributes:
        location: Page and line of its first line.
        language: The first word after the fence.
        title: Name of the file that it is; empty for none.
        reason: Why it is not run; empty if it is.
        text: Its lines.
    """

    location: str
    language: str
    title: str
    reason: str
    text: str


def blocks_of(name, text):
    """The blocks of a page in their order."""
    return [_block(name, text, found) for found in _BLOCK.finditer(f"\n{text}")]


def _block(name, text, found):
    language, _, rest = found["info"].strip().partition(" ")
    title, reason = _TITLE.search(rest), _NOT_RUN.search(found["before"])
    line = text.count("\n", 0, max(0, found.start("info") - 1)) + 1
    indent = found["indent"]
    return CodeBlock(
        location=f"{name}:{line}",
        language=language,
        title=title[1] if title else "",
        reason=reason[1] if reason else "",
        text="".join(row.removeprefix(indent) for row in found["body"].splitlines(keepends=True)),
    )


def validate_json(block):
    """Check that a block is a valid architecture, experiment or sweep; data files need not be there."""
    document = parse_document(block.text, block.location)
    keys = document.value if isinstance(document.value, dict) else {}
    if "base" in keys or "space" in keys:
        return parse_sweep(document)
    if "archs" in keys or "arch" in keys:
        return parse_experiments(document)
    return parse_arch(document)


def parse_block(block):
    """Check a block without carrying it out: commands of archnet have existing options, JSON and Python can be parsed."""
    if block.language == "sh":
        _parse_commands(block)
    elif block.language == "json":
        parse_document(block.text, block.location)
    elif block.language == "python":
        compile(block.text, block.location, "exec")


def parse_examples(block):
    """Check that all commands of a block are of archnet and have only options that exist, with possible values."""
    programs = _parse_commands(block)
    assert set(programs) <= {"archnet"}, f"{block.location}: {programs}"


def _parse_commands(block):
    """The programs of the commands; those of archnet are parsed."""
    programs = []
    for line in block.text.replace("\\\n", " ").splitlines():
        words = shlex.split(line, comments=True)
        if not words:
            continue
        program, *arguments = itertools.takewhile(lambda word: word not in ("|", ">"), words)
        programs.append(program)
        try:
            if program == "archnet":
                _parse(_command(), arguments)
        except typer.TyperException as error:
            raise AssertionError(f"{block.location}: {line}: {error}") from error
    return programs


@functools.cache
def _command():
    return get_command(app)


def _parse(command, arguments):
    context = command.make_context(command.name, arguments)
    if rest := getattr(command, "commands", {}) and [*context._protected_args, *context.args]:
        _, inner, rest = command.resolve_command(context, rest)
        _parse(inner, rest)


@dataclass(slots=True, kw_only=True)
class PageRunner:
    """Runs the blocks of one page in a folder.

    Attributes:
        folder: The working folder.
        cheaper: Called with the text of a block; returns the text to run.
        add_files: Called with a command, or with Python code, before it is run; makes the files that it names.
        output: What the block before printed; None where it was not run.
        names: The names that the Python blocks share.
    """

    folder: Path
    cheaper: object
    add_files: object
    output: str | None = None
    names: dict = field(default_factory=dict)

    def run(self, block):
        """Run one block unless its page says not to; raises AssertionError with its location if it fails."""
        if block.reason:
            self.output = None
            return
        text = block.text
        if block.language != "text":
            text = self.cheaper(text)
        if block.title:
            path = self.folder / block.title
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        with time_limit(BLOCK_SECONDS, block.location):
            self._carry_out(block, text)

    def _carry_out(self, block, text):
        actions = {"sh": self._run_shell, "python": self._run_python, "text": self._compare, "json": self._validate}
        assert block.language in (*actions, "csv", "console"), f"{block.location}: unknown language {block.language!r}"
        if action := actions.get(block.language):
            action(block, text)

    def _validate(self, block, text):
        validate_json(block)

    def _compare(self, block, text):
        """The lines of a text block are in the output of the block before it."""
        if self.output is None:
            return
        for line in filter(str.strip, text.splitlines()):
            assert " ".join(line.split()) in " ".join(self.output.split()), f"{block.location}: {line}\n{self.output}"

    def _run_python(self, block, text):
        self.add_files(text, self.folder)
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed):
            exec(compile(text, block.location, "exec"), self.names)
        self.output = printed.getvalue()

    def _run_shell(self, block, text):
        code, self.output = run_shell(text, self.folder, self.add_files)
        assert code == 0, f"{block.location}: exit code {code}\n{text}\n{self.output[-3000:]}"


@contextlib.contextmanager
def time_limit(seconds, location):
    """Interrupt what hangs, with its location."""

    def interrupt(*_):
        raise HangingError(f"{location}: not finished after {seconds} s")

    kept = signal.signal(signal.SIGALRM, interrupt)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, kept)


def run_shell(text, folder, add_files):
    """Run lines in bash, where `archnet` is carried out by this process; returns the exit code and the output."""
    address = str(folder / ".archnet-socket")
    programs = folder / ".programs"
    programs.mkdir(exist_ok=True)
    for name in ("archnet", "python"):
        program = programs / name
        program.write_text(_CLIENT.format(python=sys.executable, address=address, name=name))
        program.chmod(0o755)
    with Listener(address) as listener:
        shell = subprocess.Popen(
            ["bash", "-euo", "pipefail", "-c", text],
            cwd=folder,
            env={**os.environ, "PATH": f"{programs}{os.pathsep}{os.environ['PATH']}"},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
            start_new_session=True,
        )
        waiter = threading.Thread(target=_wait, args=(shell, address, outputs := []))
        waiter.start()
        try:
            while _serve(listener, add_files):
                pass
        except HangingError:
            os.killpg(shell.pid, signal.SIGKILL)
            raise
        finally:
            waiter.join()
    return shell.returncode, outputs[0]


def _wait(shell, address, outputs):
    outputs.append(shell.communicate()[0])
    with Client(address) as connection:
        connection.send(None)


def _serve(listener, add_files):
    """Carry out one request; false after the shell has ended."""
    with listener.accept() as connection:
        request = connection.recv()
        if request is None:
            return False
        name, arguments, folder, environment = request
        add_files(" ".join(arguments), Path(folder))
        with _environment(environment), contextlib.chdir(folder):
            connection.send(_archnet(arguments) if name == "archnet" else _python(arguments))
    return True


@contextlib.contextmanager
def _environment(environment):
    kept = dict(os.environ)
    os.environ.clear()
    os.environ.update({**environment, "PATH": kept["PATH"]})
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(kept)


def _archnet(arguments):
    result = invoked(*arguments)
    error = "" if result.exception is None or isinstance(result.exception, SystemExit) else f"{result.exception}\n"
    return 2 if error else result.exit_code, result.stdout, result.stderr + error


def _python(arguments):
    """Installing is only checked: the extras exist. Scripts of `experiments` run."""
    if arguments[:3] == ["-m", "pip", "install"]:
        return (0, "", "") if _extras(arguments) <= _known_extras() else (1, "", f"unknown extra in {arguments}\n")
    done = subprocess.run([sys.executable, *arguments], capture_output=True, encoding="utf-8", check=False)
    return done.returncode, done.stdout, done.stderr


def _extras(arguments):
    return {
        name for argument in arguments for extras in re.findall(r"\[(.+)\]", argument) for name in extras.split(",")
    }


def _known_extras():
    import tomllib

    return set(tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"])
