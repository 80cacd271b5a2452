"""`BN`: batch normalization on its own."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from typing import ClassVar

from archnet.spec.layers.base.kernel_layer import BATCH_NORM_WEIGHTS
from archnet.spec.layers.base.layer import LeafLayer, Traits
from archnet.spec.layers.base.shapes import Grid, Shape


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchNorm(LeafLayer):
    """`BN`: batch normalization on its own (Ioffe and Szegedy 2015, arXiv:1502.03167)."""

    traits: ClassVar[Traits] = Traits(needs_spatial_axes=False, feature_map="same", drawn_as="other")

    def output_shape(self, shape: Shape) -> Shape:
        return shape

    def num_parameters(self, shape: Shape) -> int:
        return BATCH_NORM_WEIGHTS * shape[-1]

    def num_penalized_parameters(self, shape: Shape) -> int:
        return 0

    def num_macs(self, shape: Shape) -> int:
        return 0

    def num_activations(self, shape: Shape) -> int:
        return prod(shape)

    def num_stored_values(self, shape: Shape) -> float:
        return prod(shape)

    def num_transient_values(self, shape: Shape) -> float:
        return 2 * prod(shape)

    @property
    def is_output_stored(self) -> bool:
        return True

    def normalizes_batch(self, shape: Shape) -> bool:
        return True

    def propagate_grid(self, grid: Grid, shape: Shape) -> Grid:
        return grid

    def summary(self) -> str:
        return "batch norm"
