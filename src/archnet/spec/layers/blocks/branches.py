"""`CAT` and `ADD`: parallel branches."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import lru_cache
from math import prod
from typing import ClassVar

from archnet.spec.layers.base.layer import InnerSequence, Layer, Traits, WeightlessLayer
from archnet.spec.layers.base.marks import INNER_LAYERS
from archnet.spec.layers.base.sequences import chain_grid, chain_shape, is_chain_output_stored
from archnet.spec.layers.base.shapes import Grid, Shape, joined_channels, union_grid


@dataclass(frozen=True, slots=True, kw_only=True)
class Branches(WeightlessLayer):
    """Parallel sequences of layers with the same input, whose outputs are merged.

    The outputs are feature maps with the same spatial shape, or are all flat. An empty sequence is the identity.
    """

    traits: ClassVar[Traits] = Traits(needs_spatial_axes=False, feature_map="new", drawn_as="other")

    branches: tuple[tuple[Layer, ...], ...] = field(metadata=INNER_LAYERS)

    @abstractmethod
    def join(self, shapes: tuple[Shape, ...]) -> Shape:
        """The shape of the merged outputs, which have the same spatial shape.

        Raises:
            ValueError: The outputs do not match.
        """

    def output_shape(self, shape: Shape) -> Shape:
        return _joined_shape(self, shape)

    def num_activations(self, shape: Shape) -> int:
        return prod(self.output_shape(shape))

    def num_pending_gradients(self, shape: Shape) -> int:
        """The gradients of the branches' outputs, and the sum of the gradients of the input."""
        return prod(self.output_shape(shape)) + prod(shape)

    @property
    def is_output_stored(self) -> bool:
        return True

    def propagate_grid(self, grid: Grid, shape: Shape) -> Grid:
        return union_grid(chain_grid(branch, grid, shape) for branch in self.branches)

    def inner_sequences(self, shape: Shape) -> Iterable[InnerSequence]:
        return (
            InnerSequence(layers=layers, path=("branches", index), input_shape=shape)
            for index, layers in enumerate(self.branches)
        )

    def expand(self) -> Iterable[Layer]:
        return (self,)

    def num_rows(self) -> int:
        return 1 + sum(layer.num_rows() for layers in self.branches for layer in layers)


@dataclass(frozen=True, slots=True, kw_only=True)
class Concatenation(Branches):
    """`CAT`: concatenation of the branches' outputs along the channels."""

    def join(self, shapes: tuple[Shape, ...]) -> Shape:
        return (*shapes[0][:-1], joined_channels(*(shape[-1] for shape in shapes)))

    def num_stored_values(self, shape: Shape) -> float:
        return prod(self.output_shape(shape))

    def num_transient_values(self, shape: Shape) -> float:
        return prod(shape) + 2 * prod(self.output_shape(shape))

    def summary(self) -> str:
        return f"{len(self.branches)} branches"


@dataclass(frozen=True, slots=True, kw_only=True)
class Addition(Branches):
    """`ADD`: the sum of the outputs of the branches."""

    def join(self, shapes: tuple[Shape, ...]) -> Shape:
        for index, shape in enumerate(shapes):
            if shape != shapes[0]:
                raise ValueError(
                    f"cannot add {shape[-1]} channels of branches[{index}] to {shapes[0][-1]} of branches[0]. "
                    "Give their last layers the same num_output"
                )
        return shapes[0]

    def num_stored_values(self, shape: Shape) -> float:
        """The sum, which may overwrite a summand that no other layer stores."""
        return prod(self.output_shape(shape)) * all(map(is_chain_output_stored, self.branches))

    def num_transient_values(self, shape: Shape) -> float:
        return prod(shape) + prod(self.output_shape(shape))

    def summary(self) -> str:
        return f"{len(self.branches)} branches"


@lru_cache(maxsize=8192)
def _joined_shape(block: Branches, shape: Shape) -> Shape:
    """Output shape of a block; cached, because each of its costs and each enclosing block needs it.

    Raises:
        ValueError: The branches do not match, or an inner layer does not fit its input.
    """
    shapes = tuple(chain_shape(layers, shape) for layers in block.branches)
    for index, other in enumerate(shapes):
        if other[:-1] != shapes[0][:-1]:
            raise ValueError(
                f"has branches with different shapes: for {shape}, branches[0] gives {shapes[0]} and branches[{index}] "
                f"{other}. Use the same strides and padding in both, or end all with GAP"
            )
    return block.join(shapes)
