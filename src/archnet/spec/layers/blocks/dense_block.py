"""`DENSE`: dense block."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from math import prod
from typing import ClassVar

from archnet.spec.layers.base.layer import InnerSequence, Layer, Traits, WeightlessLayer
from archnet.spec.layers.base.marks import INNER_LAYERS
from archnet.spec.layers.base.sequences import chain_grid, chain_shape
from archnet.spec.layers.base.shapes import Grid, Shape, joined_channels, sizes_text, spatial_shape, union_grid


@dataclass(frozen=True, slots=True, kw_only=True)
class DenseBlock(WeightlessLayer):
    """`DENSE`: repetitions that concatenate their input with the output of the inner layers.

    Huang et al. 2017, doi:10.1109/CVPR.2017.243. Each repetition has new weights. The layer's own costs are those of
    the concatenations.
    """

    traits: ClassVar[Traits] = Traits(
        needs_spatial_axes=True, holds_maps_only=True, repeats=True, feature_map="new", drawn_as="features"
    )

    times: int
    layers: tuple[Layer, ...] = field(metadata=INNER_LAYERS)

    def output_shape(self, shape: Shape) -> Shape:
        return _repetition_shapes(self, shape)[-1]

    def num_activations(self, shape: Shape) -> int:
        return sum(map(prod, _repetition_shapes(self, shape)[1:]))

    def num_stored_values(self, shape: Shape) -> float:
        return self.num_activations(shape)

    def num_transient_values(self, shape: Shape) -> float:
        return prod(shape) + 2 * prod(self.output_shape(shape))

    def num_pending_gradients(self, shape: Shape) -> int:
        """The gradient of the features so far, kept during the backward pass of the inner layers."""
        return prod(self.output_shape(shape))

    @property
    def is_output_stored(self) -> bool:
        return True

    def propagate_grid(self, grid: Grid, shape: Shape) -> Grid:
        *_, last_grid = self.inner_grids(grid, shape)
        return last_grid

    def inner_sequences(self, shape: Shape) -> Iterator[InnerSequence]:
        for repetition in range(self.times):
            yield InnerSequence(layers=self.layers, path=("layers",), repetition=repetition, input_shape=shape)
            made = chain_shape(self.layers, shape)
            if made[:-1] != shape[:-1]:
                return  # `output_shape` raises the error
            shape = (*shape[:-1], shape[-1] + made[-1])

    def inner_grids(self, grid: Grid, shape: Shape) -> Iterator[Grid]:
        yield grid
        for _ in range(self.times):
            grid = union_grid((grid, chain_grid(self.layers, grid, shape)))
            shape = _shape_after_repetition(self, shape)
            yield grid

    def skip_text(self, shape: Shape) -> str:
        return "input"

    def expand(self) -> Iterable[Layer]:
        return (self,)

    def num_rows(self) -> int:
        return 1 + self.times * sum(layer.num_rows() for layer in self.layers)

    def summary(self) -> str:
        return f"{self.times} times"


def _shape_after_repetition(block: DenseBlock, shape: Shape) -> Shape:
    """The shape of a repetition's input concatenated with the output of the inner layers.

    Raises:
        ValueError: The inner layers change the spatial shape, or one does not fit its input.
    """
    made = chain_shape(block.layers, shape)
    if made[:-1] != spatial_shape(shape):
        raise ValueError(
            f"needs layers that keep the spatial shape, but they change {sizes_text(shape[:-1])} to "
            f'{sizes_text(made[:-1])}. Use stride 1 and "same" padding inside'
        )
    return (*shape[:-1], joined_channels(shape[-1], made[-1]))


@lru_cache(maxsize=1024)
def _repetition_shapes(block: DenseBlock, shape: Shape) -> tuple[Shape, ...]:
    """The input shape of a block, and the shape after each repetition."""
    shapes = [shape]
    for _ in range(block.times):
        shapes.append(_shape_after_repetition(block, shapes[-1]))
    return tuple(shapes)
