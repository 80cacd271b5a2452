"""`archnet studio`: the local page."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from archnet.cli.options import echo


def studio(
    folder: Annotated[
        Path, typer.Argument(help="Folder with architectures, experiments and runs.", metavar="FOLDER")
    ] = Path(),
    port: Annotated[int, typer.Option(help="Port of the page. Default: a free one.", min=0, max=65535)] = 0,
    no_browser: Annotated[bool, typer.Option("--no-browser", help="Print the address without opening it.")] = False,
) -> None:
    """Edit architectures and experiments in a local page that shows the network as you type, and watch runs.

    The page is served on 127.0.0.1, to this machine only, and its address contains a secret that changes with each
    start. Ctrl-C stops the page; runs that it has started continue.

    Examples:
        archnet studio

        archnet studio my_project --port 8000 --no-browser
    """
    from archnet.studio.studio_server import serve_studio

    def announce(address: str) -> None:
        echo(f"archnet studio: {address}")
        echo("Press Ctrl-C to stop the page. Runs that it has started continue.", err=True)
        if not no_browser:
            typer.launch(address)

    serve_studio(folder, port, announce)
