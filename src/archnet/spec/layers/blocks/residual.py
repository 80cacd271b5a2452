"""`RES`: residual block."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from math import prod
from typing import Any, ClassVar

from archnet.files.strict_json import JsonPath
from archnet.spec.layers.base.activations import ActivationName, get_activation
from archnet.spec.layers.base.kernel_layer import current_norm, norm_problems
from archnet.spec.layers.base.layer import InnerSequence, Layer, Traits
from archnet.spec.layers.base.marks import INNER_LAYERS, PERCENTAGE
from archnet.spec.layers.base.norm import NORM, Norm, idle_norm_keys, norm_divisor, num_norm_stored
from archnet.spec.layers.base.sequences import chain_grid, chain_shape, is_chain_output_stored
from archnet.spec.layers.base.shapes import Grid, Shape, input_grid, spatial_shape, union_grid
from archnet.spec.layers.base.words import drop_path_text, join_words
from archnet.spec.layers.plain.convolution import Convolution


@dataclass(frozen=True, slots=True, kw_only=True)
class Residual(Layer):
    """`RES`: activation(F(x) + S(x)) (He et al. 2016, doi:10.1109/CVPR.2016.90).

    F is `layers`. S is `shortcut`; if that is null, S is the identity if the shapes agree, else a 1x1 convolution with
    bias, "same" padding and the product of F's strides, followed by optional normalization. The layer's own costs are
    those of that convolution, of layer scale and stochastic depth, and of the sum.

    Attributes:
        drop_path: Stochastic depth: percentage of cases for which F is dropped in training (Huang et al. 2016,
            doi:10.1007/978-3-319-46493-0_39).
        layer_scale: Initial value of a learned factor for each channel of F (Touvron et al. 2021,
            doi:10.1109/ICCV48922.2021.00010); null means no factor.
    """

    traits: ClassVar[Traits] = Traits(
        needs_spatial_axes=True, holds_maps_only=True, feature_map="new", drawn_as="features"
    )

    layers: tuple[Layer, ...] = field(metadata=INNER_LAYERS)
    shortcut: tuple[Layer, ...] | None = field(default=None, metadata=INNER_LAYERS)
    activation: ActivationName | None = None
    norm: Norm | None = field(default=None, metadata=NORM)
    drop_path: float = field(default=0.0, metadata=PERCENTAGE)
    layer_scale: float | None = None

    @property
    def channel_divisor(self) -> int:
        return norm_divisor(self.norm)

    def output_shape(self, shape: Shape) -> Shape:
        return _branches(self, shape)[0]

    def projection(self, shape: Shape, num_output: int) -> Convolution:
        """The 1x1 convolution that is the default shortcut if the shapes of input and output differ."""
        ones = (1,) * len(spatial_shape(shape))
        steps = chain_grid(self.layers, input_grid(len(ones)), shape)
        return Convolution(
            num_output=num_output,
            kernel_size=ones,
            stride=tuple(int(axis.step) for axis in steps),
            dilation=ones,
            norm=self.norm,
        )

    def _used_projection(self, shape: Shape) -> Convolution | None:
        return _branches(self, shape)[1]

    @property
    def _num_scalings(self) -> int:
        """Tensors between F and the sum."""
        return (self.layer_scale is not None) + (self.drop_path > 0)

    def num_parameters(self, shape: Shape) -> int:
        projection = self._used_projection(shape)
        num_scales = 0 if self.layer_scale is None else self.output_shape(shape)[-1]
        return num_scales + (projection.num_parameters(shape) if projection else 0)

    def num_penalized_parameters(self, shape: Shape) -> int:
        projection = self._used_projection(shape)
        return projection.num_penalized_parameters(shape) if projection else 0

    def num_macs(self, shape: Shape) -> int:
        projection = self._used_projection(shape)
        return projection.num_macs(shape) if projection else 0

    def num_activations(self, shape: Shape) -> int:
        projection = self._used_projection(shape)
        num_tensors = 1 + self._num_scalings
        return prod(self.output_shape(shape)) * num_tensors + (projection.num_activations(shape) if projection else 0)

    def num_stored_values(self, shape: Shape) -> float:
        """The sum, which may overwrite a summand that no other layer stores, and the values that a norm of S stores.

        In addition, F between layer scale, drop path and sum, and one random number of drop path per case.
        """
        num_tensors = is_chain_output_stored(self.layers) + self._num_scalings
        num_norm_tensors = num_norm_stored(self.norm) if self._used_projection(shape) else 0
        num_tensors_stored = num_tensors + num_norm_tensors + get_activation(self.activation).num_stored
        return prod(self.output_shape(shape)) * num_tensors_stored + (self.drop_path > 0)

    def num_transient_values(self, shape: Shape) -> float:
        return prod(shape) + prod(self.output_shape(shape)) * (1 + self._num_scalings)

    def num_pending_gradients(self, shape: Shape) -> int:
        return prod(self.output_shape(shape))

    @property
    def is_output_stored(self) -> bool:
        return True

    @property
    def sees_whole_input(self) -> bool:
        """The norm of a projection counts whether or not a shape needs the projection."""
        inner = any(layer.sees_whole_input for _, layers in self.inner_layers() for layer in layers)
        return inner or bool(self.norm and self.norm.uses_whole_map)

    def normalizes_batch(self, shape: Shape) -> bool:
        return bool(self.norm and self.norm.uses_batch) and self._used_projection(shape) is not None

    def propagate_grid(self, grid: Grid, shape: Shape) -> Grid:
        projection = self._used_projection(shape)
        shortcut = (projection,) if projection else self.shortcut or ()
        return union_grid(chain_grid(layers, grid, shape) for layers in (self.layers, shortcut))

    def inner_sequences(self, shape: Shape) -> Iterable[InnerSequence]:
        return (
            InnerSequence(layers=layers, path=path, input_shape=shape) for path, layers in self.inner_layers() if layers
        )

    def skip_text(self, shape: Shape) -> str:
        projection = self._used_projection(shape)
        return f"C {projection.summary()}" if projection else "" if self.shortcut else "identity"

    def expand(self) -> Iterable[Layer]:
        return (self,)

    def num_rows(self) -> int:
        return 1 + sum(layer.num_rows() for _, layers in self.inner_layers() for layer in layers)

    def idle_keys(self) -> Iterator[tuple[JsonPath, str]]:
        return idle_norm_keys(self.norm)

    @classmethod
    def document_problems(cls, document: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
        yield from norm_problems(document)
        for key in ("norm", "batch_norm"):
            if document.get(key) and document.get("shortcut") is not None:
                yield (
                    key,
                    f'this applies to the default shortcut, but "shortcut" is given. Remove "{key}" or the shortcut.',
                )

    @classmethod
    def current_document(cls, document: Mapping[str, Any]) -> Mapping[str, Any]:
        return current_norm(document)

    def summary(self) -> str:
        return join_words(
            "sum",
            "" if self.layer_scale is None else f"scale {self.layer_scale:g}",
            drop_path_text(self.drop_path),
            self.activation,
        )


@lru_cache(maxsize=8192)
def _branches(block: Residual, shape: Shape) -> tuple[Shape, Convolution | None]:
    """Output shape of both branches of a block, and the projection of its shortcut, if there is one.

    A block requests both from its inner blocks for each of its costs: without the cache, the work would double with
    every level of nested blocks.

    Raises:
        ValueError: The branches do not match, or an inner layer does not fit its input.
    """
    output = chain_shape(block.layers, shape)
    if block.shortcut is not None:
        return _meet_shortcut(block.shortcut, shape, output), None
    projection = None if output == shape else block.projection(shape, output[-1])
    shortcut_shape = projection.output_shape(shape) if projection else shape
    if shortcut_shape != output:
        raise ValueError(
            f"the inner layers change {shape} to {output}, but a shortcut with their strides gives {shortcut_shape}. "
            'Use "same" padding inside, or strides that divide the input'
        )
    return output, projection


def _meet_shortcut(shortcut: tuple[Layer, ...], shape: Shape, output: Shape) -> Shape:
    """Check that a shortcut has the output shape of the inner layers, and return that shape.

    Raises:
        ValueError: The shapes differ.
    """
    shortcut_shape = chain_shape(shortcut, shape)
    if shortcut_shape != output:
        raise ValueError(
            f"the inner layers change {shape} to {output}, but the shortcut gives {shortcut_shape}. Give both the same "
            "strides and num_output, or set shortcut to null for a 1x1 convolution"
        )
    return output
