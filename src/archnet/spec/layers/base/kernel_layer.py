"""Base class of the layers with a kernel: convolution and fully connected layer."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Mapping
from math import prod
from typing import Any

from archnet.files.strict_json import JsonPath
from archnet.spec.layers.base.activations import ActivationName, num_stored_tensors
from archnet.spec.layers.base.layer import LeafLayer
from archnet.spec.layers.base.norm import Norm, idle_norm_keys, num_norm_stored, num_norm_weights
from archnet.spec.layers.base.shapes import Shape


class KernelLayer(LeafLayer):
    """A layer with a kernel and optional bias, then optional normalization, activation and dropout.

    Subclasses are dataclasses that include these fields, in the order of their documents.
    """

    __slots__ = ()

    num_output: int
    activation: ActivationName | None
    drop_out: float
    norm: Norm | None
    bias: bool

    @abstractmethod
    def num_kernel_weights(self, shape: Shape) -> int:
        """Number of weights of the kernel."""

    def num_penalized_parameters(self, shape: Shape) -> int:
        return self.num_kernel_weights(shape) + self.bias * self.num_output

    def num_parameters(self, shape: Shape) -> int:
        return self.num_penalized_parameters(shape) + num_norm_weights(self.norm, (self.num_output,))

    def num_activations(self, shape: Shape) -> int:
        return prod(self.output_shape(shape)) * (1 + bool(self.norm) + (self.drop_out > 0))

    def num_stored_values(self, shape: Shape) -> float:
        num_tensors = num_stored_tensors(self.activation, self.drop_out) + num_norm_stored(self.norm)
        return prod(self.output_shape(shape)) * num_tensors

    def num_transient_values(self, shape: Shape) -> float:
        return prod(shape) + prod(self.output_shape(shape)) * (0.5 + num_norm_stored(self.norm) + (self.drop_out > 0))

    @property
    def is_output_stored(self) -> bool:
        return bool(self.activation or self.drop_out)

    @property
    def sees_whole_input(self) -> bool:
        return bool(self.norm and self.norm.uses_whole_map)

    def normalizes_batch(self, shape: Shape) -> bool:
        return bool(self.norm and self.norm.uses_batch)

    def idle_keys(self) -> Iterator[tuple[JsonPath, str]]:
        return idle_norm_keys(self.norm)

    @classmethod
    def document_problems(cls, document: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
        return norm_problems(document)

    @classmethod
    def current_document(cls, document: Mapping[str, Any]) -> Mapping[str, Any]:
        return current_norm(document)


def norm_problems(document: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield problems of the norm of a layer document, valid or not; see `Layer.document_problems`."""
    if document.get("batch_norm") is True and document.get("norm") is not None:
        yield "batch_norm", 'this is the older form of "norm": "batch", but "norm" is given. Remove "batch_norm".'


def current_norm(document: Mapping[str, Any]) -> Mapping[str, Any]:
    """Replace the older key `batch_norm` of a layer document by `norm`.

    >>> current_norm({"type": "FC", "batch_norm": True})
    {'type': 'FC', 'norm': 'batch'}
    """
    if "batch_norm" not in document:
        return document
    kept = {key: value for key, value in document.items() if key != "batch_norm"}
    return {**kept, "norm": "batch"} if document["batch_norm"] else kept
