"""Differences between the documents of two runs as text."""

from __future__ import annotations

from collections.abc import Sequence

from archnet.evaluation.comparison.document_differences import Difference
from archnet.files.documents.json_text import json_text


def difference_texts(difference: Difference) -> tuple[str, str, str]:
    """A difference of two documents as place, the reference's value and the other's; a dash where there is none."""
    first, second = (json_text(difference[key]) if key in difference else "–" for key in ("reference", "other"))
    return difference["place"], first, second


def difference_line(difference: Difference) -> str:
    """A difference of two documents in one line, from the reference to the other.

    >>> difference_line({"place": "arch.layers[0].num_output", "reference": 8, "other": 24})
    'arch.layers[0].num_output 8 -> 24'
    >>> difference_line({"place": "arch.layers[1]", "other": {"type": "BN"}})
    'arch.layers[1] added: {"type": "BN"}'
    """
    place, first, second = difference_texts(difference)
    if "reference" not in difference:
        return f"{place} added: {second}"
    return f"{place} {first} -> {second}" if "other" in difference else f"{place} removed: {first}"


def differences_line(differences: Sequence[Difference], most: int = 3) -> str:
    """Differences of two documents in one line, the first ones in full.

    >>> differences_line([{"place": f"training.{key}", "reference": 1, "other": 2} for key in "abcde"])
    'training.a 1 -> 2, training.b 1 -> 2, training.c 1 -> 2 and 2 more'
    """
    shown = ", ".join(map(difference_line, differences[:most]))
    return shown if len(differences) <= most else f"{shown} and {len(differences) - most} more"
