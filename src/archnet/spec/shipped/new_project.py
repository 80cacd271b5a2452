"""The files of a new project: an architecture, an experiment and a sweep to edit, a README, and the schemas."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from archnet.errors import RunError
from archnet.files.atomic import write_text
from archnet.files.path_argument import output_folder
from archnet.spec.schema import SCHEMAS, schema_path

PROJECT_FILES: Final = ("my_net.json", "experiment.json", "sweep.json", "README.md")

_TEMPLATES: Final = Path(__file__).with_name("project")

_SCHEMA_FOLDER: Final = "schemas"


def create_project(folder: Path) -> list[Path]:
    """Write the files of a new project.

    Args:
        folder: The folder of the project; it is created if it is missing.

    Returns:
        The files, in the order in which a reader opens them; the schemas are last.

    Raises:
        DataError: The folder cannot be created.
        RunError: One of the files exists. Nothing is written.
    """
    output_folder(folder, "DIR")
    output_folder(folder / _SCHEMA_FOLDER, "DIR")
    sources = {name: _TEMPLATES / name for name in PROJECT_FILES}
    sources |= {f"{_SCHEMA_FOLDER}/{schema_path(name).name}": schema_path(name) for name in SCHEMAS}
    existing = [name for name in sources if os.path.lexists(folder / name)]
    if existing:
        names = ", ".join(existing)
        raise RunError(f"{folder}: already contains {names}. No file is overwritten: choose a different folder.")
    return [_copy(source, folder / name) for name, source in sources.items()]


def copy_schemas(names: Iterable[str], folder: Path) -> list[Path]:
    """Write schemas into a folder, in place of older ones.

    Args:
        names: Some of `SCHEMAS`.
        folder: The folder; it is created if it is missing.

    Raises:
        DataError: The folder cannot be created.
    """
    output_folder(folder, "--out")
    return [_copy(schema_path(name), folder / schema_path(name).name) for name in names]


def _copy(source: Path, target: Path) -> Path:
    target.parent.mkdir(parents=True, exist_ok=True)
    return write_text(target, source.read_text("utf-8"))
