"""Packages that Keras imports where they are installed, for functions that archnet does not call."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec
from types import FrameType, ModuleType
from typing import Final

OPTIONAL_PACKAGES: Final = frozenset({"IPython", "matplotlib", "pandas", "sklearn"})
"""More than a third of the time that `import keras` takes, and a hundred megabytes."""


class _KerasWithout(MetaPathFinder):
    """An import hook through which Keras, and nobody else, finds the packages missing."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None = None, target: ModuleType | None = None, /
    ) -> ModuleSpec | None:
        """Leave the search to the other hooks, or end it."""
        if fullname in OPTIONAL_PACKAGES and _importer(sys._getframe(1)).partition(".")[0] == "keras":
            raise ModuleNotFoundError(f"archnet uses Keras without {fullname}", name=fullname)
        return None


def skip_optional_packages() -> None:
    """Let Keras start in this process as where the packages are not installed.

    Only for processes of archnet's own: Keras then takes no data frames and draws no galleries.
    """
    if not any(isinstance(hook, _KerasWithout) for hook in sys.meta_path):
        sys.meta_path.insert(0, _KerasWithout())


def _importer(frame: FrameType | None) -> str:
    """The innermost module that is being imported; Keras imports the packages at the top of its files."""
    while frame is not None:
        name = str(frame.f_globals.get("__name__", ""))
        if frame.f_code.co_name == "<module>" and not name.startswith("importlib"):
            return name
        frame = frame.f_back
    return ""
