"""`RES`: a residual block."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from math import prod
from typing import Any, ClassVar

from archnet.spec.layers.base.activations import ActivationName, get_activation
from archnet.spec.layers.base.kernel_layer import current_norm, norm_problems
from archnet.spec.layers.base.layer import InnerSequence, Layer, Traits
from archnet.spec.layers.base.marks import INNER_LAYERS
from archnet.spec.layers.base.norm import NORM, Norm, num_norm_stored
from archnet.spec.layers.base.sequences import chain_grid, chain_shape
from archnet.spec.layers.base.shapes import Grid, Shape, spatial_shape
from archnet.spec.layers.base.words import join_words
from archnet.spec.layers.plain.convolution import Convolution


@dataclass(frozen=True, slots=True, kw_only=True)
class Residual(Layer):
    """`RES`: activation(F(x) + S(x)) (He et al. 2016, doi:10.1109/CVPR.2016.90).

    F is `layers`; S is the identity where shapes agree, else a 1x1 convolution with bias, "same" padding and the
    product of F's strides, followed by a norm if asked. The layer's own costs are those of S and of the sum.
    """

    traits: ClassVar[Traits] = Traits(
        needs_spatial_axes=True, holds_maps_only=True, feature_map="new", drawn_as="features"
    )

    layers: tuple[Layer, ...] = field(metadata=INNER_LAYERS)
    activation: ActivationName | None = None
    norm: Norm | None = field(default=None, metadata=NORM)

    def output_shape(self, shape: Shape) -> Shape:
        return _branches(self, shape)[0]

    def shortcut(self, shape: Shape, num_output: int) -> Convolution:
        """The 1x1 convolution that S is where the shapes of input and output differ."""
        ones = (1,) * len(spatial_shape(shape))
        steps = chain_grid(self.layers, tuple((0.0, 1.0) for _ in ones), shape)
        return Convolution(
            num_output=num_output,
            kernel_size=ones,
            stride=tuple(int(step) for _, step in steps),
            dilation=ones,
            norm=self.norm,
        )

    def _projection(self, shape: Shape) -> Convolution | None:
        return _branches(self, shape)[1]

    def num_parameters(self, shape: Shape) -> int:
        projection = self._projection(shape)
        return projection.num_parameters(shape) if projection else 0

    def num_penalized_parameters(self, shape: Shape) -> int:
        projection = self._projection(shape)
        return projection.num_penalized_parameters(shape) if projection else 0

    def num_macs(self, shape: Shape) -> int:
        projection = self._projection(shape)
        return projection.num_macs(shape) if projection else 0

    def num_activations(self, shape: Shape) -> int:
        projection = self._projection(shape)
        return prod(self.output_shape(shape)) + (projection.num_activations(shape) if projection else 0)

    def num_stored_values(self, shape: Shape) -> float:
        """The sum, in the place of a summand where nothing else stores that, and what a norm needs of S."""
        num_tensors = self.layers[-1].is_output_stored + (num_norm_stored(self.norm) if self._projection(shape) else 0)
        return prod(self.output_shape(shape)) * (num_tensors + get_activation(self.activation).num_stored)

    def num_transient_values(self, shape: Shape) -> float:
        return prod(shape) + prod(self.output_shape(shape))

    def num_pending_gradients(self, shape: Shape) -> int:
        return prod(self.output_shape(shape))

    @property
    def is_output_stored(self) -> bool:
        return True

    @property
    def sees_whole_input(self) -> bool:
        """The norm of a shortcut counts whether or not a shape needs the shortcut."""
        inner = any(layer.sees_whole_input for layer in self.layers)
        return inner or bool(self.norm and self.norm.uses_whole_map)

    def normalizes_batch(self, shape: Shape) -> bool:
        return bool(self.norm and self.norm.uses_batch) and self._projection(shape) is not None

    def propagate_grid(self, grid: Grid, shape: Shape) -> Grid:
        return chain_grid(self.layers, grid, shape)

    def inner_sequences(self, shape: Shape) -> Iterable[InnerSequence]:
        return (InnerSequence(layers=self.layers, path=("layers",), input_shape=shape),)

    def expand(self) -> Iterable[Layer]:
        return (self,)

    def num_rows(self) -> int:
        return 1 + sum(layer.num_rows() for layer in self.layers)

    @classmethod
    def document_problems(cls, document: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
        return norm_problems(document)

    @classmethod
    def current_document(cls, document: Mapping[str, Any]) -> Mapping[str, Any]:
        return current_norm(document)

    def summary(self) -> str:
        return join_words("sum", self.activation)


@lru_cache(maxsize=8192)
def _branches(block: Residual, shape: Shape) -> tuple[Shape, Convolution | None]:
    """The output shape of both branches of a block, and the convolution of its shortcut, if there is one.

    A block asks its inner blocks for both, and is asked for each of its costs: without the cache, the work would double
    with every level of blocks inside blocks.

    Raises:
        ValueError: The branches do not fit each other, or an inner layer does not fit its input.
    """
    output = chain_shape(block.layers, shape)
    projection = None if output == shape else block.shortcut(shape, output[-1])
    shortcut_shape = projection.output_shape(shape) if projection else shape
    if shortcut_shape != output:
        raise ValueError(
            f"the inner layers make {output} of {shape}, but a shortcut with their strides makes {shortcut_shape}. "
            'Use "same" padding inside, or strides that divide the input'
        )
    return output, projection
