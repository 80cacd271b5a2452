"""`ACT`: activation layer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from archnet.spec.layers.base import operations
from archnet.spec.layers.base.activations import ActivationName
from archnet.spec.layers.base.layer import Traits
from archnet.spec.layers.base.operations import CompositeLeaf, Operation
from archnet.spec.layers.base.shapes import Grid, Shape


@dataclass(frozen=True, slots=True, kw_only=True)
class ActivationLayer(CompositeLeaf):
    """`ACT`: activation layer, as in pre-activation networks (He et al. 2016, arXiv:1603.05027)."""

    traits: ClassVar[Traits] = Traits(needs_spatial_axes=False, feature_map="same", drawn_as="other")

    activation: ActivationName | None

    def output_shape(self, shape: Shape) -> Shape:
        return shape

    def operations(self, shape: Shape) -> tuple[Operation]:
        return (operations.activation(shape, self.activation),)

    @property
    def is_output_stored(self) -> bool:
        return True

    @property
    def overwrites_input(self) -> bool:
        return self.activation is not None

    def propagate_grid(self, grid: Grid, shape: Shape) -> Grid:
        return grid

    def summary(self) -> str:
        return self.activation or "linear"
