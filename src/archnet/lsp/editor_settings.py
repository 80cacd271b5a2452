"""Settings of the language server, as editors send them: batch size, memory budget, voxel size, input."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from archnet.errors import did_you_mean
from archnet.files.documents.json_text import json_text
from archnet.spec.layers import Shape
from archnet.spec.memory import parse_bytes

_MAX_BATCH: Final = 65_536
_MAX_CLASSES: Final = 65_536
_MAX_SIZE: Final = 65_536


@dataclass(frozen=True, slots=True, kw_only=True)
class EditorSettings:
    """Settings of the language server.

    Attributes:
        batch_size: Batch size of the memory plan.
        budget_bytes: Memory budget; null for none.
        spacing_mm: Voxel size along (height, width, depth); null if unknown.
        input_shape: Spatial input of architectures without `input_shape`, (height, width, depth) or (height, width).
        num_classes: Number of classes.
    """

    batch_size: int = 64
    budget_bytes: int | None = None
    spacing_mm: tuple[float, ...] | None = None
    input_shape: Shape | None = None
    num_classes: int = 2

    def input_of_rank(self, rank: int) -> Shape | None:
        """The input for a network of a rank: 2D networks take height and width; null if there is none."""
        if self.input_shape is None or len(self.input_shape) < rank:
            return None
        return self.input_shape[:rank]


def _batch_size(value: Any) -> int:
    return _whole_number(value, 1, _MAX_BATCH)


def _num_classes(value: Any) -> int:
    return _whole_number(value, 2, _MAX_CLASSES)


def _whole_number(value: Any, least: int, most: int) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
        raise ValueError(f"expected a whole number from {least} to {most:,}")
    return value


def _budget(value: Any) -> int:
    if not isinstance(value, str | int) or isinstance(value, bool):
        raise ValueError('expected a memory size, such as "8GB"')
    return parse_bytes(value)


def _spacing(value: Any) -> tuple[float, ...]:
    if not isinstance(value, list) or len(value) not in (2, 3) or not all(map(_is_spacing, value)):
        raise ValueError("expected millimetres along height, width and depth, such as [0.7, 0.7, 1.25]")
    return tuple(float(size) for size in value)


def _is_spacing(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 < value < 1000


def _input_shape(value: Any) -> Shape:
    if not isinstance(value, list) or len(value) not in (2, 3) or not all(map(_is_size, value)):
        raise ValueError("expected voxels along height, width and depth, such as [64, 64, 10]")
    return tuple(value)


def _is_size(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= _MAX_SIZE


_READERS: Final[Mapping[str, tuple[str, Callable[[Any], Any]]]] = {
    "batchSize": ("batch_size", _batch_size),
    "memoryBudget": ("budget_bytes", _budget),
    "spacingMm": ("spacing_mm", _spacing),
    "inputShape": ("input_shape", _input_shape),
    "numClasses": ("num_classes", _num_classes),
}
"""The settings by the names that editors use, with the field and the reader of each."""

_OF_EDITORS: Final = ("path", "trace")
"""Settings that only the editor reads."""


def read_settings(value: Any) -> tuple[EditorSettings, list[str]]:
    """Read settings; those that are null or empty keep their default.

    >>> read_settings({"batchSize": 16, "memoryBudget": "", "spacingmm": [1, 1, 1]})[1]
    ['archnet setting "spacingmm": unknown setting. Did you mean "spacingMm"?']

    Args:
        value: An object with any of `batchSize`, `memoryBudget`, `spacingMm`, `inputShape` and `numClasses`, or null.

    Returns:
        The settings, and one message for each that is invalid and therefore keeps its default.
    """
    if not isinstance(value, Mapping):
        return EditorSettings(), [] if value is None else [
            f"archnet settings: expected an object, got {json_text(value)}."
        ]
    given: dict[str, Any] = {}
    problems: list[str] = []
    for name, entry in value.items():
        if name in _OF_EDITORS or entry is None or entry in ("", []):
            continue
        if name not in _READERS:
            problems.append(f"archnet setting {json_text(name)}: unknown setting.{did_you_mean(name, _READERS)}")
            continue
        field, read = _READERS[name]
        try:
            given[field] = read(entry)
        except ValueError as error:
            problems.append(f"archnet setting {json_text(name)}: {str(error).rstrip('.')}. Got {json_text(entry)}.")
    return EditorSettings(**given), problems
