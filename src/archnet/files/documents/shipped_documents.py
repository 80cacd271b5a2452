"""The architectures, experiments, sweeps and schemas that come with archnet: where they are, and their names."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path


def shipped_folder() -> Path:
    """The folder of `archs`, `experiments` and `schemas`: in the installed package, or the top of a clone."""
    packaged = Path(__file__).parents[2] / "shipped"
    return packaged if packaged.is_dir() else Path(__file__).parents[4]


def shipped_documents() -> Mapping[str, Path]:
    """The file of each shipped architecture, experiment and sweep, by name: architectures first."""
    patterns = ("archs/*.json", "archs/zoo/*.json", "archs/applications/*.json", "experiments/*.json")
    paths = [path for pattern in patterns for path in sorted(shipped_folder().glob(pattern))]
    return {path.stem: path for path in paths}
