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
    recognizes documents by "$schema" or their keys, and ignores other JSON files.

    It reports problems as you type and offers quick fixes. It completes and explains keys and layers, shows the output
    shape and parameters of each layer, predicts the memory of training, and creates twins. It also provides an outline
    and formatting.

    To set up VS Code, Neovim, JetBrains or Emacs, see "Editors" in the documentation.

    Examples:
        archnet lsp

        archnet lsp --log messages.jsonl
    """
    from archnet.lsp.stdio_session import serve_stdio

    if sys.stdin.isatty():
        echo(
            "Waiting for messages from an editor. Editors start this command themselves; press Ctrl-C to stop it.",
            err=True,
        )
    raise typer.Exit(serve_stdio(log))
