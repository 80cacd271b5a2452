"""`DO`: dropout layer."""

from __future__ import annotations

from dataclasses import dataclass, field
from math import prod
from typing import ClassVar

from archnet.spec.layers.base.layer import Traits, WeightlessLeaf
from archnet.spec.layers.base.marks import PERCENTAGE
from archnet.spec.layers.base.shapes import Grid, Shape
from archnet.spec.layers.base.words import drop_out_text


@dataclass(frozen=True, slots=True, kw_only=True)
class Dropout(WeightlessLeaf):
    """`DO`: dropout layer."""

    traits: ClassVar[Traits] = Traits(needs_spatial_axes=False, feature_map="none", drawn_as="other")

    drop_out: float = field(metadata=PERCENTAGE)

    def output_shape(self, shape: Shape) -> Shape:
        return shape

    def num_activations(self, shape: Shape) -> int:
        return prod(shape)

    def num_stored_values(self, shape: Shape) -> float:
        return 2 * prod(shape)  # the mask, as numbers, and the output

    def num_transient_values(self, shape: Shape) -> float:
        return 2 * prod(shape)

    @property
    def is_output_stored(self) -> bool:
        return True

    def propagate_grid(self, grid: Grid, shape: Shape) -> Grid:
        return grid

    def summary(self) -> str:
        return drop_out_text(self.drop_out)
