"""Results of one run of `archnet bench --layers --json` on two shared cores of an x86-64 CPU with TensorFlow 2.21.

Replace them with those of a new run when `network/build/grouped_convolution.py` or TensorFlow changes.
"""

from __future__ import annotations

from typing import Final, NamedTuple


class MeasuredSpeed(NamedTuple):
    """Times of a type of layer, relative to the dense convolution with the same receptive field.

    Attributes:
        step_ratio: Time of a training step.
        inference_ratio: Time of a forward pass.
    """

    step_ratio: float
    inference_ratio: float


MEASURED_SPEEDS: Final[dict[str, dict[int, MeasuredSpeed]]] = {
    "depthwise 3x3": {
        8: MeasuredSpeed(0.3, 0.47),
        16: MeasuredSpeed(0.38, 0.26),
        32: MeasuredSpeed(0.17, 0.16),
        64: MeasuredSpeed(0.12, 0.15),
        128: MeasuredSpeed(0.09, 0.08),
        256: MeasuredSpeed(0.04, 0.05),
    },
    "grouped 3x3": {
        8: MeasuredSpeed(1.05, 0.97),
        16: MeasuredSpeed(1.04, 1.08),
        32: MeasuredSpeed(1.09, 0.91),
        64: MeasuredSpeed(0.86, 0.5),
        128: MeasuredSpeed(0.46, 0.34),
        256: MeasuredSpeed(0.27, 0.18),
    },
    "separable 3x3": {
        8: MeasuredSpeed(0.48, 0.66),
        16: MeasuredSpeed(0.7, 0.74),
        32: MeasuredSpeed(0.38, 0.38),
        64: MeasuredSpeed(0.32, 0.44),
        128: MeasuredSpeed(0.27, 0.21),
        256: MeasuredSpeed(0.18, 0.18),
    },
    "depthwise 7x7": {
        8: MeasuredSpeed(0.5, 0.25),
        16: MeasuredSpeed(0.49, 0.15),
        32: MeasuredSpeed(0.24, 0.07),
        64: MeasuredSpeed(0.12, 0.04),
        128: MeasuredSpeed(0.07, 0.03),
        256: MeasuredSpeed(0.04, 0.01),
    },
    "depthwise 3x3x3": {
        8: MeasuredSpeed(0.97, 0.82),
        16: MeasuredSpeed(0.94, 1.03),
        32: MeasuredSpeed(0.95, 0.82),
        64: MeasuredSpeed(0.64, 0.53),
        128: MeasuredSpeed(0.35, 0.28),
        256: MeasuredSpeed(0.22, 0.15),
    },
    "grouped 3x3x3": {
        8: MeasuredSpeed(0.89, 1.01),
        16: MeasuredSpeed(0.98, 0.91),
        32: MeasuredSpeed(1.03, 0.81),
        64: MeasuredSpeed(0.67, 0.5),
        128: MeasuredSpeed(0.34, 0.29),
        256: MeasuredSpeed(0.22, 0.13),
    },
    "separable 3x3x3": {
        8: MeasuredSpeed(1.23, 1.2),
        16: MeasuredSpeed(0.96, 1.15),
        32: MeasuredSpeed(1.01, 0.92),
        64: MeasuredSpeed(0.67, 0.62),
        128: MeasuredSpeed(0.41, 0.32),
        256: MeasuredSpeed(0.26, 0.21),
    },
    "(2+1)D": {
        8: MeasuredSpeed(0.77, 0.68),
        16: MeasuredSpeed(0.67, 0.77),
        32: MeasuredSpeed(0.61, 0.79),
        64: MeasuredSpeed(0.58, 0.6),
        128: MeasuredSpeed(0.45, 0.57),
        256: MeasuredSpeed(0.55, 0.53),
    },
    "(2+1)D depthwise": {
        8: MeasuredSpeed(0.48, 0.71),
        16: MeasuredSpeed(0.46, 0.56),
        32: MeasuredSpeed(0.31, 0.31),
        64: MeasuredSpeed(0.17, 0.15),
        128: MeasuredSpeed(0.08, 0.06),
        256: MeasuredSpeed(0.04, 0.04),
    },
    "depthwise 3x3x1": {
        8: MeasuredSpeed(0.53, 0.47),
        16: MeasuredSpeed(0.74, 1.1),
        32: MeasuredSpeed(0.37, 0.44),
        64: MeasuredSpeed(0.19, 0.26),
        128: MeasuredSpeed(0.11, 0.1),
        256: MeasuredSpeed(0.06, 0.09),
    },
    "depthwise 1x1x3": {
        8: MeasuredSpeed(0.74, 0.99),
        16: MeasuredSpeed(0.77, 0.54),
        32: MeasuredSpeed(0.69, 0.69),
        64: MeasuredSpeed(0.46, 0.25),
        128: MeasuredSpeed(0.29, 0.4),
        256: MeasuredSpeed(0.15, 0.16),
    },
}
"""By the name of a type in `LAYER_KINDS` and the number of channels."""
