"""`FC`: fully connected layer."""

from __future__ import annotations

from dataclasses import dataclass, field
from math import prod
from typing import ClassVar

from archnet.spec.layers.base.activations import ActivationName
from archnet.spec.layers.base.kernel_layer import KernelLayer
from archnet.spec.layers.base.layer import Traits
from archnet.spec.layers.base.marks import PERCENTAGE, WIDTH
from archnet.spec.layers.base.norm import NORM, Norm, norm_text
from archnet.spec.layers.base.shapes import Grid, Shape
from archnet.spec.layers.base.words import drop_out_text, join_words


@dataclass(frozen=True, slots=True, kw_only=True)
class FullyConnected(KernelLayer):
    """`FC`: dense layer, then optional normalization, activation and dropout; it flattens its input."""

    traits: ClassVar[Traits] = Traits(needs_spatial_axes=False, flattens=True, feature_map="none", drawn_as="dense")

    num_output: int = field(metadata=WIDTH)
    activation: ActivationName | None = None
    drop_out: float = field(default=0.0, metadata=PERCENTAGE)
    bias: bool = True
    norm: Norm | None = field(default=None, metadata=NORM)

    def output_shape(self, shape: Shape) -> Shape:
        if self.norm:
            self.norm.check((self.num_output,))
        return (self.num_output,)

    def num_kernel_weights(self, shape: Shape) -> int:
        return prod(shape) * self.num_output

    def num_macs(self, shape: Shape) -> int:
        return prod(shape) * self.num_output

    def propagate_grid(self, grid: Grid, shape: Shape) -> Grid:
        return ()

    def summary(self) -> str:
        return join_words(
            str(self.num_output),
            norm_text(self.norm),
            self.activation,
            drop_out_text(self.drop_out),
        )
