"""`REP`: layers repeated."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import ClassVar

from archnet.spec.layers.base.layer import InnerSequence, Layer, Traits, WeightlessLayer
from archnet.spec.layers.base.marks import INNER_LAYERS
from archnet.spec.layers.base.sequences import chain_grid, chain_shape, expand_repeats
from archnet.spec.layers.base.shapes import Grid, Shape


@dataclass(frozen=True, slots=True, kw_only=True)
class Repeat(WeightlessLayer):
    """`REP`: repeats the inner layers `times` times with new weights; it has no costs of its own."""

    traits: ClassVar[Traits] = Traits(
        needs_spatial_axes=False, repeats=True, has_row=False, feature_map="none", drawn_as="other"
    )

    times: int
    layers: tuple[Layer, ...] = field(metadata=INNER_LAYERS)

    def output_shape(self, shape: Shape) -> Shape:
        return chain_shape(self.layers * self.times, shape)

    def num_activations(self, shape: Shape) -> int:
        return 0

    def num_stored_values(self, shape: Shape) -> float:
        return 0

    def num_transient_values(self, shape: Shape) -> float:
        return 0

    def num_pending_gradients(self, shape: Shape) -> int:
        return 0

    @property
    def is_output_stored(self) -> bool:
        return True

    def propagate_grid(self, grid: Grid, shape: Shape) -> Grid:
        return chain_grid(self.layers * self.times, grid, shape)

    def inner_sequences(self, shape: Shape) -> Iterator[InnerSequence]:
        for repetition in range(self.times):
            yield InnerSequence(layers=self.layers, path=("layers",), repetition=repetition, input_shape=shape)
            shape = chain_shape(self.layers, shape)

    def inner_grids(self, grid: Grid, shape: Shape) -> Iterator[Grid]:
        for _ in range(self.times):
            yield grid
            grid, shape = chain_grid(self.layers, grid, shape), chain_shape(self.layers, shape)

    def expand(self) -> Iterable[Layer]:
        return expand_repeats(self.layers * self.times)

    def num_rows(self) -> int:
        return self.times * sum(layer.num_rows() for layer in self.layers)

    def summary(self) -> str:
        return f"{self.times} times"
