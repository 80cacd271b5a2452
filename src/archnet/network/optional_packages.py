"""Hide packages from Keras that it imports, if installed, only for functions that archnet does not call."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec
from types import FrameType, ModuleType
from typing import Final

OPTIONAL_PACKAGES: Final = frozenset({"IPython", "matplotlib", "pandas", "sklearn"})
"""The hidden packages, which cost over a third of the time of `import keras` and a hundred megabytes."""


class _KerasWithout(MetaPathFinder):
    """Import hook that hides the packages from Keras only."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None = None, target: ModuleType | None = None, /
    ) -> ModuleSpec | None:
        """Raise `ModuleNotFoundError` for a hidden package; defer to the other hooks otherwise."""
        if fullname in OPTIONAL_PACKAGES and _importer(sys._getframe(1)).partition(".")[0] == "keras":
            raise ModuleNotFoundError(f"archnet uses Keras without {fullname}", name=fullname)
        return None


def skip_optional_packages() -> None:
    """Start Keras in this process as if the packages were not installed.

    Call this only in archnet's own processes: Keras then accepts no data frames and draws no galleries.
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
