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
    port: Annotated[int, typer.Option(help="Port to serve the page on. Default: a free port.", min=0, max=65535)] = 0,
    no_browser: Annotated[
        bool, typer.Option("--no-browser", help="Print the address, but do not open a browser.")
    ] = False,
) -> None:
    """Edit architectures and experiments on a local page that draws the network as you type, and monitor runs.

    The page is served on 127.0.0.1, to this machine only. Its address contains a secret token that changes with each
    start. Ctrl-C stops the server; runs started from the page continue.

    Examples:
        archnet studio

        archnet studio my_project --port 8000 --no-browser
    """
    from archnet.studio.studio_server import serve_studio

    def announce(address: str, launch_address: str) -> None:
        echo(f"archnet studio: {address}")
        echo("Press Ctrl-C to stop the server. Runs started from the page continue.", err=True)
        if not no_browser:
            typer.launch(launch_address)

    serve_studio(folder, port, announce)
