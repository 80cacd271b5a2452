"""`ATT`: transformer block with one token per voxel."""

from __future__ import annotations

from dataclasses import dataclass, field
from math import prod
from typing import ClassVar, Final

from archnet.spec.layers.base import operations
from archnet.spec.layers.base.layer import Traits
from archnet.spec.layers.base.layer_fit import LayerFitError, nearest_divisor
from archnet.spec.layers.base.marks import PERCENTAGE
from archnet.spec.layers.base.norm import Norm
from archnet.spec.layers.base.operations import CompositeLeaf, Operation
from archnet.spec.layers.base.shapes import Grid, Shape, spatial_shape
from archnet.spec.layers.base.words import drop_out_text, drop_path_text, join_words

MAX_TOKENS: Final = 4_096
"""Memory and time of self-attention grow with the square of the number of tokens."""

LAYER_NORM: Final = Norm(norm="layer")


@dataclass(frozen=True, slots=True, kw_only=True)
class TransformerBlock(CompositeLeaf):
    """`ATT`: a pre-norm transformer block whose tokens are the voxels of a map.

    x + attention(norm(x)), then x + MLP(norm(x)) (Vaswani et al. 2017, arXiv:1706.03762; Dosovitskiy et al. 2021,
    arXiv:2010.11929), with layer norm. Keys have no bias, which softmax would cancel.

    Attributes:
        heads: Number of attention heads.
        ratio: Expansion ratio of the MLP, whose activation is gelu.
        drop_out: Percentage of values dropped after the attention and after both dense layers of the MLP.
        drop_path: Stochastic depth: percentage of cases for which a branch is dropped (Huang et al. 2016,
            doi:10.1007/978-3-319-46493-0_39).
    """

    traits: ClassVar[Traits] = Traits(needs_spatial_axes=True, feature_map="new", drawn_as="features")

    heads: int = 4
    ratio: int = 4
    drop_out: float = field(default=0.0, metadata=PERCENTAGE)
    drop_path: float = field(default=0.0, metadata=PERCENTAGE)

    @property
    def sees_whole_input(self) -> bool:
        return True

    @property
    def channel_divisor(self) -> int:
        return self.heads

    def output_shape(self, shape: Shape) -> Shape:
        lengths = spatial_shape(shape)
        num_tokens = prod(lengths)
        if num_tokens > MAX_TOKENS:
            raise ValueError(
                f"has {num_tokens:,} tokens, one per voxel of {lengths}, but at most {MAX_TOKENS:,} are allowed. "
                "Add a C or P with a larger stride before it"
            )
        if num_tokens == 1:
            raise ValueError("needs more than one voxel for attention. Move it before a C or P")
        if shape[-1] % self.heads:
            raise LayerFitError(
                f"{shape[-1]} channels are not divisible by {self.heads} heads. Set heads to a divisor of {shape[-1]}",
                heads=nearest_divisor(self.heads, shape[-1]),
            )
        LAYER_NORM.check(shape)
        return shape

    def operations(self, shape: Shape) -> tuple[Operation, ...]:
        return (*self._attention_operations(shape), *self._mlp_operations(shape))

    def _attention_operations(self, shape: Shape) -> tuple[Operation, ...]:
        num_tokens, num_channels = prod(shape[:-1]), shape[-1]
        scores = (self.heads, num_tokens, num_tokens)
        return (
            operations.normalization(shape, LAYER_NORM),
            operations.dense(shape, num_channels),
            operations.dense(shape, num_channels, bias=False),
            operations.dense(shape, num_channels),
            operations.elementwise(shape),
            operations.product(scores, num_channels // self.heads, num_stored=0),
            operations.softmax(scores),
            operations.product(shape, num_tokens),
            operations.dense(shape, num_channels),
            *self._residual_operations(shape),
        )

    def _mlp_operations(self, shape: Shape) -> tuple[Operation, ...]:
        hidden = (*shape[:-1], self.ratio * shape[-1])
        return (
            operations.normalization(shape, LAYER_NORM),
            operations.dense(shape, hidden[-1]),
            operations.activation(hidden, "gelu"),
            operations.dropout(hidden, self.drop_out),
            operations.dense(hidden, shape[-1]),
            *self._residual_operations(shape),
        )

    def _residual_operations(self, shape: Shape) -> tuple[Operation, ...]:
        return (
            operations.dropout(shape, self.drop_out),
            operations.drop_path(shape, self.drop_path),
            operations.elementwise(shape),
        )

    def propagate_grid(self, grid: Grid, shape: Shape) -> Grid:
        return grid

    def summary(self) -> str:
        return join_words(
            f"{self.heads} heads ratio {self.ratio}", drop_out_text(self.drop_out), drop_path_text(self.drop_path)
        )
