"""The operations of composite layers, one Keras layer each, and their costs."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from math import prod

from archnet.spec.layers.base.activations import ActivationName, get_activation
from archnet.spec.layers.base.layer import Layer, LeafLayer
from archnet.spec.layers.base.norm import Norm
from archnet.spec.layers.base.shapes import Shape


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """Costs of one operation on one case; the fields correspond to methods of `Layer`."""

    num_activations: int
    num_stored_values: float
    num_transient_values: float
    num_parameters: int = 0
    num_penalized_parameters: int = 0
    num_macs: int = 0
    normalizes_batch: bool = False


def convolution(shape: Shape, kernel_size: Shape, num_output: int, *, bias: bool = True) -> Operation:
    """A convolution with stride 1 and "same" padding; a kernel size of () is a dense layer on the last axis.

    Args:
        shape: Shape of the input, channels last.
        kernel_size: Size along each spatial axis.
        num_output: Channels of the output.
        bias: Whether a bias is added.
    """
    num_positions = prod(shape[:-1])
    num_kernel_weights = prod(kernel_size) * shape[-1] * num_output
    num_outputs = num_positions * num_output
    return Operation(
        num_activations=num_outputs,
        num_stored_values=num_outputs,
        num_transient_values=prod(shape) + num_outputs,
        num_parameters=num_kernel_weights + bias * num_output,
        num_penalized_parameters=num_kernel_weights + bias * num_output,
        num_macs=num_kernel_weights * num_positions,
    )


def dense(shape: Shape, num_output: int, *, bias: bool = True) -> Operation:
    """A dense layer on the last axis, applied at each position."""
    return convolution(shape, (), num_output, bias=bias)


def normalization(shape: Shape, norm: Norm) -> Operation:
    """A normalization."""
    return Operation(
        num_activations=prod(shape),
        num_stored_values=prod(shape) * norm.kind.num_stored,
        num_transient_values=prod(shape) * (1 + norm.kind.num_stored),
        num_parameters=norm.num_weights(shape[-1]),
        normalizes_batch=norm.uses_batch,
    )


def activation(shape: Shape, name: ActivationName | None) -> Operation:
    """An activation, which overwrites its input."""
    stored = prod(shape) * (1 + get_activation(name).num_stored) if name else 0
    return Operation(num_activations=0, num_stored_values=stored, num_transient_values=prod(shape))


def elementwise(shape: Shape, *, num_weights: int = 0, num_stored: float = 1.0) -> Operation:
    """A sum or a product of tensors, value by value.

    Args:
        shape: Shape of the output.
        num_weights: Number of weights, such as positions or scales.
        num_stored: Values stored for the backward pass per output value.
    """
    return Operation(
        num_activations=prod(shape),
        num_stored_values=prod(shape) * num_stored,
        num_transient_values=2 * prod(shape),
        num_parameters=num_weights,
    )


def reduction(shape: Shape, output_shape: Shape, *, keeps_mask: bool = False) -> Operation:
    """A mean, a sum or a maximum over some axes.

    Args:
        shape: Shape of the input.
        output_shape: Shape of the output.
        keeps_mask: Whether the positions of the maximum are stored for the backward pass, as numbers.
    """
    return Operation(
        num_activations=prod(output_shape),
        num_stored_values=prod(output_shape) + prod(shape) * keeps_mask,
        num_transient_values=prod(shape) + prod(output_shape),
    )


def dropout(shape: Shape, percent: float) -> Operation:
    """A dropout of values; 0% is no operation."""
    is_used = percent > 0
    return Operation(
        num_activations=prod(shape) * is_used,
        num_stored_values=2 * prod(shape) * is_used,
        num_transient_values=2 * prod(shape) * is_used,
    )


def drop_path(shape: Shape, percent: float) -> Operation:
    """Stochastic depth: a dropout with one random draw per case; 0% is no operation."""
    is_used = percent > 0
    return Operation(
        num_activations=prod(shape) * is_used,
        num_stored_values=(prod(shape) + 1) * is_used,
        num_transient_values=2 * prod(shape) * is_used,
    )


def softmax(shape: Shape) -> Operation:
    """A softmax; only its output is stored for the backward pass."""
    return Operation(num_activations=prod(shape), num_stored_values=prod(shape), num_transient_values=3 * prod(shape))


def product(shape: Shape, num_terms: int, *, num_stored: float = 1.0) -> Operation:
    """A product of two tensors over a common axis, as attention computes it.

    Args:
        shape: Shape of the output.
        num_terms: Length of the common axis.
        num_stored: Values stored for the backward pass per output value; 0 before a softmax.
    """
    return Operation(
        num_activations=prod(shape),
        num_stored_values=prod(shape) * num_stored,
        num_transient_values=2 * prod(shape),
        num_macs=prod(shape) * num_terms,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class CompositeLayer(Layer):
    """A layer that consists of several operations; its costs are their sums."""

    @abstractmethod
    def operations(self, shape: Shape) -> Sequence[Operation]:
        """The operations on an input that fits, in the order of computation."""

    def num_parameters(self, shape: Shape) -> int:
        return sum(operation.num_parameters for operation in self.operations(shape))

    def num_penalized_parameters(self, shape: Shape) -> int:
        return sum(operation.num_penalized_parameters for operation in self.operations(shape))

    def num_macs(self, shape: Shape) -> int:
        return sum(operation.num_macs for operation in self.operations(shape))

    def num_activations(self, shape: Shape) -> int:
        return sum(operation.num_activations for operation in self.operations(shape))

    def num_stored_values(self, shape: Shape) -> float:
        return sum(operation.num_stored_values for operation in self.operations(shape))

    def num_transient_values(self, shape: Shape) -> float:
        return prod(shape) + max(operation.num_transient_values for operation in self.operations(shape))

    @property
    def is_output_stored(self) -> bool:
        return False

    def normalizes_batch(self, shape: Shape) -> bool:
        return any(operation.normalizes_batch for operation in self.operations(shape))


@dataclass(frozen=True, slots=True, kw_only=True)
class CompositeLeaf(CompositeLayer, LeafLayer):
    """A layer without inner layers that consists of several operations."""
