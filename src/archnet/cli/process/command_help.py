"""Help texts of the commands: paragraphs that fit the terminal, flags without a type, and plain usage lines."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Any, Final, TypeVar

import typer
from typer.core import TyperCommand, TyperGroup

Function = TypeVar("Function", bound=Callable[..., Any])

_BRACKETS: Final = re.compile(r"\{([A-Z|.]+)\}(\.\.\.)?|(\[[A-Z]+)\.\.\.\]\.\.\.")
"""Typer's form of arguments in a usage line, such as {RUN}, {FILE...}... and [TAG...]...."""


def join_lines(text: str) -> str:
    r"""Join the lines of each paragraph, except indented ones, as Typer itself does only with the first paragraph.

    >>> join_lines("One.\n\nTwo\nthree.\n\nExamples:\n    four\n    five")
    'One.\n\nTwo three.\n\nExamples:\n    four\n    five'
    """
    return re.sub(r"(?<=\S)\n(?=\S)", " ", text)


def plain_usage(text: str) -> str:
    """The usage of an argument, without the braces of required ones and without doubled dots.

    >>> plain_usage("{RUN} {FILE...}... [TAG...]...")
    'RUN FILE... [TAG...]'
    """
    return _BRACKETS.sub(_plain_argument, text)


def _plain_argument(found: re.Match[str]) -> str:
    if found[3]:
        return f"{found[3]}...]"
    return found[1].removesuffix("...") + (found[2] or "")


def _hide_types_of_flags(parameters: Iterable[Any]) -> None:
    for parameter in parameters:
        if getattr(parameter, "is_bool_flag", False):
            parameter.metavar = ""


class Command(TyperCommand):
    """A command with a plain help text."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.help = join_lines(self.help or "")

    def get_params(self, ctx: Any) -> Any:
        """The parameters, with --help."""
        parameters = super().get_params(ctx)
        _hide_types_of_flags(parameters)
        return parameters

    def collect_usage_pieces(self, ctx: Any) -> list[str]:
        """The words of the usage line."""
        return [plain_usage(piece) for piece in super().collect_usage_pieces(ctx)]


class CommandGroup(TyperGroup):
    """A group of commands with a plain help text."""

    def get_params(self, ctx: Any) -> Any:
        """The parameters, with --help."""
        parameters = super().get_params(ctx)
        _hide_types_of_flags(parameters)
        return parameters


class Commands(typer.Typer):
    """An application whose commands have plain help texts."""

    def command(self, name: str | None = None, **options: Any) -> Callable[[Function], Function]:
        """Register a function as a command."""
        return super().command(name, cls=Command, **options)
