"""`POS`: learned positional embedding."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from typing import ClassVar

from archnet.spec.layers.base import operations
from archnet.spec.layers.base.layer import Traits
from archnet.spec.layers.base.operations import CompositeLeaf, Operation
from archnet.spec.layers.base.shapes import Grid, Shape, spatial_shape


@dataclass(frozen=True, slots=True, kw_only=True)
class Positions(CompositeLeaf):
    """`POS`: learned positional embedding, added to each voxel and channel.

    Dosovitskiy et al. 2021, arXiv:2010.11929.
    """

    traits: ClassVar[Traits] = Traits(needs_spatial_axes=True, feature_map="none", drawn_as="other")

    def output_shape(self, shape: Shape) -> Shape:
        spatial_shape(shape)
        return shape

    def operations(self, shape: Shape) -> tuple[Operation, ...]:
        return (
            operations.elementwise((), num_stored=0),
            operations.elementwise(shape, num_weights=prod(shape), num_stored=0),
            operations.elementwise(shape),
        )

    def propagate_grid(self, grid: Grid, shape: Shape) -> Grid:
        return grid

    def summary(self) -> str:
        return "positional embedding"
