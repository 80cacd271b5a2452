"""`POS`: learned positions."""

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
    """`POS`: adds a learned weight to each voxel and channel, so that attention knows where a voxel is.

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
        return "learned positions"
