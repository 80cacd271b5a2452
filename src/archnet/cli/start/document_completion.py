"""Shell completion of arguments that take a JSON file or the name of a shipped document."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path


def complete_archs(incomplete: str) -> list[str]:
    """The shipped architectures, JSON files and folders that start with a text."""
    return list(_candidates(incomplete, lambda path: path.parent.name != "experiments"))


def complete_documents(incomplete: str) -> list[str]:
    """All shipped documents, JSON files and folders that start with a text."""
    return list(_candidates(incomplete, lambda _: True))


def _candidates(incomplete: str, is_wanted: Callable[[Path], bool]) -> Iterator[str]:
    """Names first. Nothing is found in other folders, in which the shell completes files itself."""
    from archnet.files.documents.shipped_documents import shipped_documents

    names = [name for name, path in shipped_documents().items() if is_wanted(path)]
    files = [path.name for path in sorted(Path().iterdir()) if path.suffix == ".json" or path.is_dir()]
    yield from (name for name in dict.fromkeys([*names, *files]) if name.startswith(incomplete))
