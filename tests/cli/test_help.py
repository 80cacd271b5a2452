"""Help texts: every command has examples, and what they say can be typed."""

import re
import shlex
from itertools import takewhile

import pytest
from typer.core import TyperGroup
from typer.main import get_command

from archnet.cli import app
from archnet.cli.options import load_command_experiments
from command_line import ROOT, invoked

PROGRAM = get_command(app)


def commands(group, path=()):
    """All commands and groups, with the words that name them."""
    yield path, group
    for name, command in group.commands.items() if isinstance(group, TyperGroup) else ():
        yield from commands(command, (*path, name))


COMMANDS = dict(commands(PROGRAM))


def examples(command):
    """The examples of a help text as lists of words, without redirections and pipes."""
    text = "\n".join(filter(None, [command.help, command.epilog])).partition("Examples:")[2]
    lines = re.sub(r"\n +(?!archnet )", " ", text).splitlines()
    for line in filter(None, map(str.strip, lines)):
        words = shlex.split(line)
        yield list(takewhile(lambda word: word not in (">", "|"), words))


DEFAULT_COMMANDS = {("sweep",): "run", ("runs",): "list"}
"""Groups whose first word may be the argument of a command."""


def find_command(words):
    """The command that words begin with, and the other words."""
    path, rest = (), words[1:]
    while isinstance(group := COMMANDS[path], TyperGroup):
        is_default = path in DEFAULT_COMMANDS and not (rest and rest[0] in group.commands)
        name, rest = (DEFAULT_COMMANDS[path], rest) if is_default else (rest[0], rest[1:])
        path = (*path, name)
    return path, rest


@pytest.mark.parametrize("path", COMMANDS, ids=lambda path: " ".join(path) or "archnet")
def test_every_command_has_examples_whose_options_exist(path):
    paths = []
    for words in examples(COMMANDS[path]):
        assert words[0] == "archnet"
        example_path, rest = find_command(words)
        COMMANDS[example_path].make_context("archnet", rest)  # raises a usage error
        paths.append(example_path[: len(path)])
    assert path in paths, "no example of this command after Examples:"


@pytest.mark.slow
@pytest.mark.parametrize("path", COMMANDS, ids=lambda path: " ".join(path) or "archnet")
def test_every_help_text_can_be_printed_at_60_columns(path, monkeypatch):
    monkeypatch.setenv("COLUMNS", "60")
    done = invoked(*path, "--help")
    assert done.exit_code == 0
    assert "Examples:" in done.stdout
    assert "<bool>" not in done.stdout
    assert "{" not in done.stdout.partition("Usage:")[2].splitlines()[0]


def test_paragraphs_of_help_texts_fill_the_lines(monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    lines = [line.strip() for line in invoked("run", "--help").stdout.splitlines()]
    start = lines.index("If the settings have changed since an experiment was run, the new runs get a")
    assert lines[start + 1 : start + 3] == [
        "numbered folder, and the first line says what has changed. The same settings",
        "are not run twice.",
    ]


SETTINGS = {
    path: parameter.help
    for path, command in COMMANDS.items()
    for parameter in command.params
    if "--set" in parameter.opts and parameter.multiple
}


@pytest.mark.parametrize("path", SETTINGS, ids=" ".join)
def test_the_settings_that_help_names_can_be_given(path):
    settings = re.findall(r"[a-z_]+\.[\w.\[\]]+=\S*[\w\]]", SETTINGS[path])
    assert settings
    for setting in settings:
        load_command_experiments([ROOT / "archs/arch3dsm.json"], "phantom", None, [setting])


def test_the_help_of_a_sweep_says_how_to_resume_one():
    assert "Resume an interrupted sweep" in COMMANDS[("sweep",)].help
    assert "resume an interrupted sweep with --resume" in COMMANDS[("sweep", "run")].help


@pytest.mark.parametrize(
    "arguments",
    [
        ["sweep", ROOT / "experiments/sweep_width.json", "--retry"],
        ["versus", ROOT / "archs/arch3dsm.json", "--data", "phantom", "--retry"],
    ],
    ids=lambda arguments: arguments[0],
)
def test_failed_runs_are_repeated_only_where_runs_are_resumed(arguments):
    message = "--retry: repeats the failed runs of an earlier command. Add --resume, or leave it out."
    assert str(invoked(*arguments).exception) == message


def test_a_sweep_is_no_experiment():
    path = ROOT / "experiments/sweep_width.json"
    assert str(invoked("run", path).exception) == f"{path}: this is a sweep. Run it with: archnet sweep {path}"


DEFAULTS = {
    "studio": {"folder": ".", "port": "0"},
    "show": {"classes": "2", "batch": "64"},
    "twin": {"match": "none", "classes": "2"},
    "versus": {"forms": "2d,2.5d,3d", "match": "none", "seeds": "5", "cpus": "1", "gpus": "0"},
    "froc": {"bootstraps": "1000", "seed": "0"},
    "report": {"figures": "svg"},
    "explain": {"method": "gradcam", "out": "explanations"},
    "bench": {"classes": "2", "steps": "10"},
    "data info": {"out": "case.png"},
    "data phantom": {"layout": "luna16", "scans": "36", "seed": "0"},
    "runs list": {"folder": "runs", "sort": "name"},
}


def test_options_have_these_defaults_and_no_flag_is_set_by_default():
    parameters = [(" ".join(path), one) for path, command in COMMANDS.items() for one in command.params]
    flags = {(path, one.name): one.default for path, one in parameters if getattr(one, "is_flag", False)}
    assert len(flags) > 40
    assert not any(flags.values())
    found = {}
    for path, one in parameters:
        if (path, one.name) not in flags and one.default is not None:
            found.setdefault(path, {})[one.name] = str(one.default)
    assert found == DEFAULTS
