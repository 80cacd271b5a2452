"""The widths of a network, their constraints, and plans with other widths."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import lcm
from typing import Any, Final

from archnet.errors import DocumentError
from archnet.files.strict_json import JsonPath
from archnet.spec.arch import Arch
from archnet.spec.layers import parse_layer, walk
from archnet.spec.layers.planned_layer import PlannedLayer

_MAX_WIDTH: Final = 65_536
"""The largest width that the schema allows."""

Widths = tuple[int, ...]
"""One value for each width of a network, in the order of `WidthPlan.places`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WidthPlan:
    """A network whose widths can be changed.

    Attributes:
        arch: The network with its own widths; its document has an `input_shape`.
        num_classes: Number of classes.
        places: Path and key of each width.
        values: The network's own widths.
        divisors: By width, a number that must divide it.
        structure: The structure, which must not change with the widths.
    """

    arch: Arch
    num_classes: int
    places: tuple[tuple[JsonPath, str], ...]
    values: Widths
    divisors: tuple[int, ...]
    structure: tuple[Any, ...]

    def scale(self, factor: float, unit: int) -> Widths:
        """All widths times a factor, rounded to multiples of a unit and of what their layers require."""
        steps = (lcm(unit, divisor) for divisor in self.divisors)
        return tuple(
            max(step, step * round(value * factor / step)) for value, step in zip(self.values, steps, strict=True)
        )

    def step(self, widths: Widths, indices: Sequence[int], step: int) -> Widths:
        """Change widths by a number of steps, each a multiple of what its layers require."""
        return tuple(
            width + (lcm(step, divisor) if step > 0 else -lcm(step, divisor)) if index in indices else width
            for index, (width, divisor) in enumerate(zip(widths, self.divisors, strict=True))
        )

    def equals(self, index: int) -> tuple[int, ...]:
        """The indices of the widths that have the same value in the network itself."""
        return tuple(other for other, value in enumerate(self.values) if value == self.values[index])

    def documents(self, widths: Widths) -> list[dict[str, Any]]:
        """The documents of the layers with other widths."""
        layers: list[Any] = copy.deepcopy(self.arch.document.value["layers"])
        for (path, key), width, own in zip(self.places, widths, self.values, strict=True):
            if width != own:
                _layer_at(layers, path)[key] = width
        return layers

    def plan(self, widths: Widths) -> tuple[PlannedLayer, ...] | None:
        """The network with other widths; null if they do not match or change the structure."""
        if not all(1 <= width <= _MAX_WIDTH for width in widths):
            return None
        layers = tuple(parse_layer(document, self.arch.rank) for document in self.documents(widths))
        try:
            plan = replace(self.arch, layers=layers).plan(None, self.num_classes)
            return plan if _structure(plan) == self.structure else None
        except DocumentError:
            return None


def plan_widths(arch: Arch, num_classes: int) -> WidthPlan:
    """The widths of a network whose document is an object."""
    plan = arch.plan(None, num_classes)
    found = [
        (path[1:], key, value)
        for path, layer in walk(arch.layers, ("layers",))
        for key, value in layer.widths().items()
    ]
    divisors = _divisors(plan, {value for _, _, value in found})
    return WidthPlan(
        arch=arch,
        num_classes=num_classes,
        places=tuple((path, key) for path, key, _ in found),
        values=tuple(value for _, _, value in found),
        divisors=tuple(divisors[value] for _, _, value in found),
        structure=_structure(plan),
    )


def _divisors(plan: Sequence[PlannedLayer], values: set[int]) -> dict[int, int]:
    """By width, the number that must divide it; a number of channels that is not a width constrains all widths."""
    divisors = dict.fromkeys(values, 1)
    for row in plan:
        divisor = row.layer.channel_divisor
        for channels in (row.input_shape[-1], row.output_shape[-1]):
            for value in [channels] if channels in values else values:
                divisors[value] = lcm(divisors[value], divisor)
    return divisors


def _structure(plan: Sequence[PlannedLayer]) -> tuple[Any, ...]:
    """The shortcuts and grouped convolutions of a network, independent of its widths."""
    return tuple(_row_structure(row) for row in plan)


def _row_structure(row: PlannedLayer) -> tuple[Any, ...]:
    grouping = row.layer.grouping(row.input_shape)
    multiplier = row.output_shape[-1] // grouping.num_channels if grouping and grouping.kind == "depthwise" else None
    return row.path, row.layer.skip_text(row.input_shape) == "identity", bool(grouping), multiplier


def _layer_at(layers: Any, path: JsonPath) -> dict[str, Any]:
    for part in path:
        layers = layers[part]
    found: dict[str, Any] = layers
    return found
