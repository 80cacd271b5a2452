"""The limit on the layers of a network, repetitions expanded."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from archnet.files.documents.json_parser import TOO_LONG_HINT
from archnet.files.strict_json import JsonPath, Problem
from archnet.spec.layers import TYPE_NAMES, Layer, inner_documents, walk

MAX_LAYERS: Final = 3_000
"""The deepest published networks have 1,001 and 1,202 layers (He et al. 2016, arXiv:1603.05027)."""


def written_layers_problem(layers: list[Any], path: JsonPath) -> Problem | None:
    """Report too many layers in a document, valid or not, without counting repetitions.

    Args:
        layers: The layers of an architecture document.
        path: JSON path of the list.
    """
    count = num_written_layers(layers)
    if count <= MAX_LAYERS:
        return None
    return Problem(path, f"{count:,} layers are written here; a network has at most {MAX_LAYERS:,}. {TOO_LONG_HINT}")


def num_written_layers(layers: list[Any]) -> int:
    """Count the layers in a list of layer documents, valid or not, including inner layers, without repetitions."""
    inner = (inner for layer in layers if isinstance(layer, dict) for _, inner in inner_documents(layer))
    return len(layers) + sum(map(num_written_layers, inner))


def repeated_layers_problem(layers: Sequence[Layer], path: JsonPath) -> Problem | None:
    """Report too many layers after expanding repetitions, and the repetition that exceeds the limit.

    Args:
        layers: The layers of an architecture, at most `MAX_LAYERS` without repetitions.
        path: JSON path of the list.
    """
    total = sum(layer.num_rows() for layer in layers)
    if total <= MAX_LAYERS:
        return None
    repetitions = [(layer.num_rows(), place, layer) for place, layer in walk(layers, path) if layer.traits.repeats]
    too_large = [each for each in repetitions if each[0] > MAX_LAYERS]
    count, place, layer = (min if too_large else max)(too_large or repetitions, key=lambda each: each[0])
    return Problem(
        place,
        f"{TYPE_NAMES[type(layer)]} makes {count_text(count)} of the {count_text(total)} layers that the network would "
        f"have; at most {MAX_LAYERS:,} are allowed. {layer.traits.rows_remedy}",
    )


def count_text(count: int) -> str:
    """Format a number; very large numbers are rounded.

    >>> count_text(10**12 - 1), count_text(10**12), count_text(1000**20)
    ('999,999,999,999', '1e+12', '1e+60')
    """
    return f"{count:,}" if count < 10**12 else f"{count:.0e}"
