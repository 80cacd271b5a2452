"""`GAP` and `GMP`: global pooling."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from typing import ClassVar

from archnet.spec.layers.base.layer import Traits, WeightlessLeaf
from archnet.spec.layers.base.shapes import Grid, Shape, spatial_shape


@dataclass(frozen=True, slots=True, kw_only=True)
class GlobalPooling(WeightlessLeaf):
    """Reduces each channel to one value: (…, channels) becomes (channels,)."""

    traits: ClassVar[Traits] = Traits(needs_spatial_axes=True, flattens=True, feature_map="none", drawn_as="pooling")

    def output_shape(self, shape: Shape) -> Shape:
        spatial_shape(shape)
        return shape[-1:]

    def num_activations(self, shape: Shape) -> int:
        return shape[-1]

    @property
    def is_output_stored(self) -> bool:
        return True

    def propagate_grid(self, grid: Grid, shape: Shape) -> Grid:
        return ()


@dataclass(frozen=True, slots=True, kw_only=True)
class GlobalAveragePooling(GlobalPooling):
    """`GAP`: the mean of each channel."""

    def num_stored_values(self, shape: Shape) -> float:
        return shape[-1]

    def num_transient_values(self, shape: Shape) -> float:
        return prod(shape) + shape[-1]

    def summary(self) -> str:
        return "global average"


@dataclass(frozen=True, slots=True, kw_only=True)
class GlobalMaxPooling(GlobalPooling):
    """`GMP`: the maximum of each channel."""

    def num_stored_values(self, shape: Shape) -> float:
        return prod(shape) + shape[-1]  # the positions of the maximum, as numbers

    def num_transient_values(self, shape: Shape) -> float:
        return 2 * prod(shape) + shape[-1]

    def summary(self) -> str:
        return "global maximum"
