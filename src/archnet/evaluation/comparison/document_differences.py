"""Differences of two JSON documents, such as two experiments."""

from __future__ import annotations

from collections.abc import Iterator
from difflib import SequenceMatcher
from typing import Any

Difference = dict[str, Any]
"""`place`, and the value in the `reference` and in the `other`; a key is absent if that document has no value there."""


def document_differences(reference: Any, other: Any, place: str = "") -> list[Difference]:
    """Find all differences of two JSON values, in the reference's order.

    Layers are aligned by type, so that an inserted layer is a single difference. A size that only has an additional
    equal axis is not reported: the difference in `rank` implies it.

    >>> document_differences({"epochs": 5, "layers": [{"type": "T"}]}, {"layers": [{"type": "BN"}, {"type": "T"}]})
    [{'place': 'epochs', 'reference': 5}, {'place': 'layers[0]', 'other': {'type': 'BN'}}]
    """
    return list(_differences(reference, other, place))


def _differences(reference: Any, other: Any, place: str) -> Iterator[Difference]:
    if isinstance(reference, dict) and isinstance(other, dict):
        yield from _object_differences(reference, other, place)
    elif _has_types(reference) and _has_types(other):
        yield from _layer_differences(reference, other, place)
    elif reference != other and not _is_spread(reference, other):
        yield {"place": place, "reference": reference, "other": other}


def _object_differences(reference: dict[str, Any], other: dict[str, Any], place: str) -> Iterator[Difference]:
    for key in dict.fromkeys([*reference, *other]):
        inner = f"{place}.{key}" if place else key
        if key not in other:
            yield {"place": inner, "reference": reference[key]}
        elif key not in reference:
            yield {"place": inner, "other": other[key]}
        else:
            yield from _differences(reference[key], other[key], inner)


def _has_types(value: Any) -> bool:
    """Whether a value is a list of layers or augmentations."""
    return isinstance(value, list) and all(isinstance(entry, dict) and "type" in entry for entry in value)


def _layer_differences(reference: list[Any], other: list[Any], place: str) -> Iterator[Difference]:
    first, second = ([entry["type"] for entry in layers] for layers in (reference, other))
    matcher = SequenceMatcher(None, first, second, autojunk=False)
    for operation, start, stop, other_start, other_stop in matcher.get_opcodes():
        if operation == "equal":
            for k, j in zip(range(start, stop), range(other_start, other_stop), strict=True):
                yield from _differences(reference[k], other[j], f"{place}[{k}]")
            continue
        for k in range(start, stop):
            yield {"place": f"{place}[{k}]", "reference": reference[k]}
        for j in range(other_start, other_stop):
            yield {"place": f"{place}[{j}]", "other": other[j]}


def _is_spread(reference: Any, other: Any) -> bool:
    """Whether two sizes are the same number on a different number of axes."""
    both = [*reference, *other] if isinstance(reference, list) and isinstance(other, list) else []
    return bool(both) and all(value == both[0] for value in both)
