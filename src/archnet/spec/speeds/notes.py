"""Notes on layers that are slower than their multiply-adds suggest, from `MEASURED_SPEEDS`."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from math import log
from typing import Final

from archnet.spec.layers.base.layer import Grouping, Layer
from archnet.spec.layers.base.shapes import Shape, sizes_text
from archnet.spec.speeds.layer_kinds import LAYER_KINDS, LayerKind
from archnet.spec.speeds.measured import MEASURED_SPEEDS

MIN_SLOWDOWN: Final = 2.0
"""Minimum ratio of the time of a layer to the time that its multiply-adds suggest, for a note."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _SlowLayer:
    index: int
    text: str
    num_times_fewer: int
    step_ratio: float


def speed_notes(layers: Iterable[tuple[Layer, Shape]]) -> list[str]:
    """A sentence for each type of layer that is slower than its multiply-adds suggest.

    Args:
        layers: The layers of a network, each with the shape of its input.
    """
    return [note for note, _ in located_speed_notes(layers)]


def located_speed_notes(layers: Iterable[tuple[Layer, Shape]]) -> list[tuple[str, int]]:
    """The notes of `speed_notes`, each with the index of the first layer of its type.

    Args:
        layers: See `speed_notes`.
    """
    kinds: dict[str, list[_SlowLayer]] = {}
    for index, (layer, shape) in enumerate(layers):
        grouping = layer.grouping(shape)
        if grouping and (slow := _slow_layer(grouping, index)):
            kinds.setdefault(slow.text, []).append(slow)
    return [(_note(text, slow_layers), slow_layers[0].index) for text, slow_layers in kinds.items()]


def _slow_layer(grouping: Grouping, index: int) -> _SlowLayer | None:
    """A layer with the speed of the most similar measured type; null if its multiply-adds explain the time."""
    speeds = MEASURED_SPEEDS[_nearest_kind(grouping).name]
    num_channels = min(speeds, key=lambda number: abs(log(number / grouping.num_channels)))
    step_ratio = speeds[num_channels].step_ratio
    if step_ratio * grouping.num_groups < MIN_SLOWDOWN:
        return None
    text = f"{grouping.kind} {sizes_text(grouping.kernel_size)}"
    return _SlowLayer(index=index, text=text, num_times_fewer=grouping.num_groups, step_ratio=step_ratio)


def _nearest_kind(grouping: Grouping) -> LayerKind:
    """The type of this name and rank with the most similar kernel."""
    candidates = [
        kind
        for kind in LAYER_KINDS
        if kind.name.startswith(f"{grouping.kind} ") and kind.rank == len(grouping.kernel_size)
    ]
    return min(candidates, key=lambda kind: _distance(kind, grouping))


def _distance(kind: LayerKind, grouping: Grouping) -> float:
    return sum(abs(log(a / b)) for a, b in zip(kind.kernels[0], grouping.kernel_size, strict=True))


def _note(text: str, layers: list[_SlowLayer]) -> str:
    count = "1 layer" if len(layers) == 1 else f"{len(layers)} layers"
    layers = sorted(layers, key=lambda layer: layer.num_times_fewer)
    fewer = _range_text(*(f"{layer.num_times_fewer:,}" for layer in (layers[0], layers[-1])))
    times = _range_text(*(f"{layer.step_ratio:.2g}" for layer in (layers[0], layers[-1])))
    return (
        f"C {text} ({count}): {fewer} times fewer multiply-adds than a dense convolution, but a training step takes "
        f"{times} times as long on a CPU (archnet bench --layers)."
    )


def _range_text(first: str, last: str) -> str:
    return first if first == last else f"{first} to {last}"
