"""The kind of a document, guessed while it is incomplete."""

from __future__ import annotations

from pathlib import PurePath
from typing import Any, Final, Literal

from archnet.spec.resolve import is_arch
from archnet.spec.schema import SCHEMAS, read_schema
from archnet.spec.sweeps.sweep import is_sweep

DocumentKind = Literal["arch", "experiment", "sweep"]
"""The kinds of documents, named as their schemas."""

_ARCH: Final[DocumentKind] = "arch"


def document_kind(value: Any, source: str) -> DocumentKind:
    """Guess the kind of a document from its keys, its "$schema" and its file.

    >>> document_kind({"base": "mine.json"}, "a.json"), document_kind({}, "experiments/a.json")
    ('sweep', 'experiment')

    Args:
        value: The document, which may be incomplete.
        source: Path of the file.
    """
    if is_arch(value):
        return "arch"
    if is_sweep(value):
        return "sweep"
    if not isinstance(value, dict):
        return _kind_of_file(source)
    if {"arch", "archs"} & set(value):
        return "experiment"
    named = PurePath(str(value.get("$schema", ""))).name.partition(".")[0]
    for kind in ("arch", "experiment", "sweep"):
        if named == kind:
            return kind
    return _kind_of_keys(value, source)


def _kind_of_keys(value: dict[str, Any], source: str) -> DocumentKind:
    """The kind whose schema knows most of the keys; that of the file if several know as many."""
    counts = {kind: len(_known_keys(kind) & set(value)) for kind in SCHEMAS}
    most = max(counts.values())
    likely = [kind for kind, count in counts.items() if count == most]
    guess = _kind_of_file(source)
    return guess if guess in likely else likely[0]  # type: ignore[return-value]


def _known_keys(kind: str) -> set[str]:
    schema = read_schema(kind)
    return set((schema["$defs"]["architecture"] if kind == _ARCH else schema)["properties"])


def _kind_of_file(source: str) -> DocumentKind:
    path = PurePath(source)
    if path.name.startswith("sweep"):
        return "sweep"
    return "experiment" if "experiment" in path.name or path.parent.name == "experiments" else _ARCH
