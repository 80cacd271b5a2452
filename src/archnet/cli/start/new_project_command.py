"""`archnet init`: files to start a project from."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from archnet.cli.options import JsonFlag, echo, print_paths


def init(
    folder: Annotated[Path, typer.Argument(help="Folder of the project; created if missing.", metavar="DIR")],
    as_json: JsonFlag = False,
) -> None:
    """Create a project to edit: an architecture, an experiment, a sweep, a README, and the schemas for editors.

    The experiment runs on generated scans. Existing files are never overwritten.

    Examples:
        archnet init my_project
    """
    from archnet.spec.shipped.new_project import create_project

    paths = create_project(folder)
    print_paths(paths, as_json)
    if not as_json:
        echo(
            f"Next: cd {folder}, then archnet run experiment.json, or archnet studio. README.md explains both.",
            err=True,
        )
