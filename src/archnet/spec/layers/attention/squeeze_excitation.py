"""`SE`: squeeze-and-excitation block."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import ClassVar, Final, Literal

from archnet.files.strict_json import JsonPath
from archnet.spec.layers.base import operations
from archnet.spec.layers.base.activations import ActivationName
from archnet.spec.layers.base.layer import Traits
from archnet.spec.layers.base.marks import WIDTH
from archnet.spec.layers.base.operations import CompositeLeaf, Operation
from archnet.spec.layers.base.shapes import Grid, Shape, spatial_shape
from archnet.spec.layers.base.words import join_words

DEFAULT_RATIO: Final = 16
"""Default reduction ratio (Hu et al. 2018)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SqueezeExcitation(CompositeLeaf):
    """`SE`: squeeze-and-excitation block; multiplies each channel by a weight between 0 and 1.

    Two dense layers compute the weights from the means of all channels (Hu et al. 2018, doi:10.1109/CVPR.2018.00745).

    Attributes:
        ratio: Reduction ratio of the first dense layer.
        num_output: Units of the first dense layer; null uses the ratio.
        activation: Activation of the first dense layer.
        gate: Activation of the second dense layer.
    """

    traits: ClassVar[Traits] = Traits(needs_spatial_axes=True, feature_map="same", drawn_as="features")

    ratio: int = DEFAULT_RATIO
    num_output: int | None = field(default=None, metadata=WIDTH)
    activation: ActivationName | None = "relu"
    gate: Literal["sigmoid", "hard_sigmoid"] = "sigmoid"

    @property
    def sees_whole_input(self) -> bool:
        return True

    def num_units(self, num_channels: int) -> int:
        """Units of the first dense layer."""
        return self.num_output or max(1, num_channels // self.ratio)

    def output_shape(self, shape: Shape) -> Shape:
        spatial_shape(shape)
        return shape

    def operations(self, shape: Shape) -> tuple[Operation, ...]:
        means, units = shape[-1:], (self.num_units(shape[-1]),)
        return (
            operations.reduction(shape, means),
            operations.dense(means, *units),
            operations.activation(units, self.activation),
            operations.dense(units, *means),
            operations.activation(means, self.gate),
            operations.elementwise(shape),
        )

    def idle_keys(self) -> Iterator[tuple[JsonPath, str]]:
        if self.num_output is not None and self.ratio != DEFAULT_RATIO:
            yield ("ratio",), 'this has no effect, because "num_output" sets the number of units. Remove one of them.'

    def propagate_grid(self, grid: Grid, shape: Shape) -> Grid:
        return grid

    def summary(self) -> str:
        return join_words(
            f"ratio {self.ratio}" if self.num_output is None else f"{self.num_output}", self.activation, self.gate
        )
