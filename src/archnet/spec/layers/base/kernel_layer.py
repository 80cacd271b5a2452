"""What layers with a kernel have in common: convolution and fully connected layer."""

from __future__ import annotations

from math import prod
from typing import Final

from archnet.spec.layers.base.activations import ActivationName, num_stored_tensors
from archnet.spec.layers.base.layer import LeafLayer
from archnet.spec.layers.base.shapes import Shape

BATCH_NORM_WEIGHTS: Final = 4
"""Weights of batch norm for each channel: scale, offset, moving mean and moving variance."""


class KernelLayer(LeafLayer):
    """A layer with a kernel and a bias, then batch norm if asked, then activation, then dropout.

    Its subclasses are dataclasses that have these fields among theirs, in the order of their documents.
    """

    __slots__ = ()

    num_output: int
    activation: ActivationName | None
    drop_out: float
    batch_norm: bool

    def num_parameters(self, shape: Shape) -> int:
        return self.num_penalized_parameters(shape) + BATCH_NORM_WEIGHTS * self.num_output * self.batch_norm

    def num_activations(self, shape: Shape) -> int:
        return prod(self.output_shape(shape)) * (1 + self.batch_norm + (self.drop_out > 0))

    def num_stored_values(self, shape: Shape) -> float:
        num_tensors = num_stored_tensors(self.activation, self.drop_out, batch_norm=self.batch_norm)
        return prod(self.output_shape(shape)) * num_tensors

    def num_transient_values(self, shape: Shape) -> float:
        return prod(shape) + prod(self.output_shape(shape)) * (0.5 + self.batch_norm + (self.drop_out > 0))

    @property
    def is_output_stored(self) -> bool:
        return bool(self.activation or self.drop_out)

    def normalizes_batch(self, shape: Shape) -> bool:
        return self.batch_norm
