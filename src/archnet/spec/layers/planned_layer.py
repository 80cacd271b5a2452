"""A layer in a network with a known input shape, with its shapes and costs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import NamedTuple

from archnet.files.strict_json import JsonPath
from archnet.spec.layers import TYPE_NAMES, Layer, Shape
from archnet.spec.layers.base.words import join_words


@dataclass(frozen=True, kw_only=True)
class PlannedLayer:
    """One layer in a network with a known input shape. Its costs are computed once.

    Attributes:
        path: JSON path of the layer in the document.
        repeat: Indices of the enclosing repetitions, outermost first, from 0.
        num_planes: Number of planes of a volume that share the layer; 1 if it runs on the whole input.
        layer: The layer.
        input_shape: Shape without batch, channels last; for layers on planes, of one plane.
        output_shape: Shape without batch, channels last; for layers on planes, of one plane.
    """

    path: JsonPath
    repeat: tuple[int, ...]
    num_planes: int
    layer: Layer
    input_shape: Shape
    output_shape: Shape

    @property
    def type(self) -> str:
        """Type of the layer in documents, such as "C"."""
        return TYPE_NAMES[type(self.layer)]

    @property
    def summary(self) -> str:
        """Short description of the layer, for tables."""
        return join_words(self.layer.summary(), f"on {self.num_planes} planes" if self.num_planes > 1 else "")

    @cached_property
    def num_parameters(self) -> int:
        """Number of weights, trainable or not."""
        return self.layer.num_parameters(self.input_shape)

    @cached_property
    def num_macs(self) -> int:
        """Multiply-adds of the forward pass per case."""
        return self.num_planes * self.layer.num_macs(self.input_shape)

    @cached_property
    def num_activations(self) -> int:
        """Number of output values of the operations per case."""
        return self.num_planes * self.layer.num_activations(self.input_shape)

    @cached_property
    def num_penalized_parameters(self) -> int:
        """Number of weights with the L2 penalty."""
        return self.layer.num_penalized_parameters(self.input_shape)

    @cached_property
    def _memory_values(self) -> _MemoryValues:
        return _memory_values(self.layer, self.input_shape)

    @property
    def num_stored_values(self) -> float:
        """Number of values per case that are stored for the backward pass."""
        return self.num_planes * self._memory_values.num_stored_values

    @property
    def num_transient_values(self) -> float:
        """Number of temporary values per case during the backward pass of the layer."""
        return self.num_planes * self._memory_values.num_transient_values

    @property
    def num_pending_gradients(self) -> int:
        """Number of gradient values per case that are kept during the backward pass of the inner layers."""
        return self.num_planes * self._memory_values.num_pending_gradients

    @property
    def num_input_gradients(self) -> int:
        """Number of additional temporary values per case if the input has a gradient."""
        return self.num_planes * self._memory_values.num_input_gradients


class _MemoryValues(NamedTuple):
    """Numbers of values per case of a layer; see `Layer`."""

    num_stored_values: float
    num_transient_values: float
    num_pending_gradients: int
    num_input_gradients: int


@lru_cache(maxsize=8192)
def _memory_values(layer: Layer, shape: Shape) -> _MemoryValues:
    """Numbers of values of a layer; cached, because they are computed again after each change of a text."""
    return _MemoryValues(
        layer.num_stored_values(shape),
        layer.num_transient_values(shape),
        layer.num_pending_gradients(shape),
        layer.num_input_gradients(shape),
    )


def count_parameters(plan: Sequence[PlannedLayer]) -> int:
    """Number of weights of a planned network."""
    return sum(row.num_parameters for row in plan)


def count_macs(plan: Sequence[PlannedLayer]) -> int:
    """Multiply-adds of the forward pass of a planned network per case."""
    return sum(row.num_macs for row in plan)


def plan_input_shape(plan: Sequence[PlannedLayer]) -> Shape:
    """The shape of a network's input, with channels.

    Args:
        plan: The rows of a network. The first row may be a layer inside the network's first layer, on a plane.
    """
    path = plan[0].path
    around = (row for row in plan if row.path == path[: len(row.path)])
    return min(around, key=lambda row: len(row.path)).input_shape
