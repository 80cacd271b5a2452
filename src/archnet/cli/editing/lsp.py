"""`archnet lsp`: the language server for editors."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from archnet.cli.options import echo


def lsp(
    log: Annotated[
        Path | None,
        typer.Option(help="Append all messages to this file, one JSON object per line.", metavar="FILE"),
    ] = None,
    stdio: Annotated[
        bool,
        typer.Option(
            "--stdio", help="Use standard input and output. This is the default; some editors pass this option."
        ),
    ] = False,
) -> None:
    """Start the language server, which checks architectures, experiments and sweeps while you edit them.

    Editors start this command themselves and exchange messages with it on standard input and output. The server
    recognizes documents by "$schema" or their keys, and ignores other JSON files. It offers:

    Problems as you type, with quick fixes; completion; explanations of keys; the output shape and parameters after each
    layer; memory, and commands that create a twin, above the layers; an outline; formatting.

    To set up VS Code, Neovim, JetBrains or Emacs, see "Editors" in the documentation.

    Examples:
        archnet lsp

        archnet lsp --log messages.jsonl
    """
    from archnet.lsp.stdio_session import serve_stdio

    if sys.stdin.isatty():
        echo("Waiting for messages of an editor. Editors start this command themselves; end it with Ctrl-C.", err=True)
    raise typer.Exit(serve_stdio(log))
