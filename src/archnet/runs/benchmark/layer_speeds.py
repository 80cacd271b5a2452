"""Benchmark of types of layers against a dense convolution with the same receptive field, measured in one run."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from itertools import groupby
from statistics import median
from typing import Any, Final

from archnet.files.progress import Progress, no_progress
from archnet.network.timing.layers import LayerTime, TimedLayers, largest_layer_error
from archnet.spec.experiment import Precision
from archnet.spec.speeds.layer_kinds import INPUT_SIZES, LAYER_KINDS, NUM_CASES, LayerKind

SMALL_SIZES: Final = {2: (9, 9), 3: (7, 7, 5)}
"""Spatial input shape for the comparison of values, by rank."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LayerSpeed:
    """The time of a layer type relative to the dense convolution, as medians over rounds that measure both.

    Attributes:
        kind: Name of the type.
        channels: Number of input and output channels.
        input_shape: Shape of the input, channels last.
        dense_step_seconds: Time of a training step of the dense convolution.
        macs_ratio: Relative number of multiply-adds.
        step_ratio: Relative time of a training step.
        inference_ratio: Relative time of a forward pass.
        error: Largest relative difference of outputs and gradients from Keras's.
    """

    kind: str
    channels: int
    input_shape: tuple[int, ...]
    dense_step_seconds: float
    macs_ratio: float
    step_ratio: float
    inference_ratio: float
    error: float

    def to_document(self) -> dict[str, Any]:
        """Convert to a JSON-ready object."""
        return {**asdict(self), "input_shape": list(self.input_shape)}


def measure_layers(
    kinds: Iterable[LayerKind] | None = None,
    channels: Sequence[int] | None = None,
    *,
    precision: Precision = "float32",
    num_rounds: int = 5,
    progress: Progress = no_progress,
) -> list[LayerSpeed]:
    """Measure types of layers.

    Args:
        kinds: The types; adjacent ones that share a dense convolution are measured in the same rounds. None means all.
        channels: Numbers of channels, keys of `INPUT_SIZES`; None means all.
        precision: The compute dtype.
        num_rounds: Number of rounds after a warm-up round.
        progress: Wraps the trials.

    Returns:
        One entry for each type and number of channels, in the order of the types.
    """
    kinds = LAYER_KINDS if kinds is None else tuple(kinds)
    trials = [
        (num_channels, members)
        for _, group in groupby(kinds, key=lambda kind: kind.dense)
        for members in [tuple(group)]
        for num_channels in channels or INPUT_SIZES[members[0].rank]
    ]
    speeds = [
        speed
        for num_channels, members in progress(trials, "Layers", len(trials))
        for speed in _measure_trial(members, num_channels, precision, num_rounds)
    ]
    order = [kind.name for kind in kinds]
    return sorted(speeds, key=lambda speed: order.index(speed.kind))


def _measure_trial(
    kinds: Sequence[LayerKind], num_channels: int, precision: Precision, num_rounds: int
) -> list[LayerSpeed]:
    """Measure types that share a dense convolution, which is measured in each round."""
    dense = kinds[0].dense
    sides = [
        TimedLayers(kind.layers(num_channels), kind.input_shape(num_channels), NUM_CASES, precision)
        for kind in (dense, *kinds)
    ]
    rounds = [[side.measure() for side in sides] for _ in range(1 + num_rounds)][1:]
    return [
        LayerSpeed(
            kind=kind.name,
            channels=num_channels,
            input_shape=kind.input_shape(num_channels),
            dense_step_seconds=median(times[0].step_seconds for times in rounds),
            macs_ratio=kind.num_macs(num_channels) / dense.num_macs(num_channels),
            **_median_ratios([(times[number], times[0]) for times in rounds]),
            error=largest_layer_error(kind.layers(num_channels), (*SMALL_SIZES[kind.rank], num_channels)),
        )
        for number, kind in enumerate(kinds, start=1)
    ]


def _median_ratios(pairs: Sequence[tuple[LayerTime, LayerTime]]) -> dict[str, float]:
    return {
        "step_ratio": median(own.step_seconds / dense.step_seconds for own, dense in pairs),
        "inference_ratio": median(own.inference_seconds / dense.inference_seconds for own, dense in pairs),
    }
