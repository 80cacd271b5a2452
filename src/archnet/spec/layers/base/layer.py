"""Interface of the layer types: shapes, costs, valid positions and receptive fields."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, fields, replace
from functools import cache
from itertools import repeat
from typing import Any, ClassVar, Literal

from archnet.files.strict_json import JsonPath
from archnet.spec.layers.base.added_depth import DepthSizes
from archnet.spec.layers.base.marks import layer_lists
from archnet.spec.layers.base.planes import Plane
from archnet.spec.layers.base.shapes import Grid, Shape


@dataclass(frozen=True, slots=True, kw_only=True)
class Traits:
    """Properties of all layers of one type.

    Attributes:
        needs_spatial_axes: Whether a flat input is rejected; see `flattens`.
        flattens: Whether the output is always flat, (features,).
        is_terminal: Whether this is the output layer, which is last and occurs exactly once.
        holds_maps_only: Whether the layers inside must keep the spatial axes.
        repeats: Whether the inner layers can be computed several times, each time with new weights.
        rows_remedy: How to reduce these repetitions.
        has_row: Whether the layer computes something itself; a layer without a row only abbreviates its inner layers.
        feature_map: Meaning of the output for Grad-CAM. "new": new features; "same": the features of the previous
            layer, normalized or activated; "none": neither.
        drawn_as: Family in drawings, which determines the color.
    """

    needs_spatial_axes: bool
    flattens: bool = False
    is_terminal: bool = False
    holds_maps_only: bool = False
    repeats: bool = False
    rows_remedy: str = 'Lower its "times".'
    has_row: bool = True
    feature_map: Literal["new", "same", "none"]
    drawn_as: Literal["features", "pooling", "dense", "classes", "other"]


@dataclass(frozen=True, slots=True, kw_only=True)
class InnerSequence:
    """Layers inside another layer that run one after another.

    Attributes:
        layers: The layers.
        path: JSON path of their list within the document of the enclosing layer, such as ("layers",).
        repetition: Index of the repetition, from 0; null without repetitions.
        num_planes: Number of planes that share the layers; 1 if the layers run on the whole input.
        input_shape: Input shape of the first layer.
    """

    layers: tuple[Layer, ...]
    path: JsonPath
    repetition: int | None = None
    num_planes: int = 1
    input_shape: Shape


@dataclass(frozen=True, slots=True, kw_only=True)
class Grouping:
    """A grouped convolution.

    Attributes:
        kernel_size: Size of the kernel.
        num_channels: Number of input channels.
        num_groups: Number of groups, at least 2.
    """

    kernel_size: Shape
    num_channels: int
    num_groups: int

    @property
    def kind(self) -> Literal["depthwise", "grouped"]:
        """The type of the convolution."""
        return "depthwise" if self.num_groups == self.num_channels else "grouped"


@dataclass(frozen=True, slots=True, kw_only=True)
class Layer(ABC):
    """One entry of an architecture's `layers`.

    Costs exclude inner layers. Costs of layers on planes are those of one plane.
    """

    traits: ClassVar[Traits]

    @abstractmethod
    def output_shape(self, shape: Shape) -> Shape:
        """Output shape for the input shape `shape`.

        Raises:
            ValueError: The layer does not fit its input.
        """

    @abstractmethod
    def num_parameters(self, shape: Shape) -> int:
        """Number of weights, trainable or not, as counted by `keras.Model.count_params`."""

    @abstractmethod
    def num_penalized_parameters(self, shape: Shape) -> int:
        """Number of weights with the L2 penalty: kernels and biases."""

    @abstractmethod
    def num_macs(self, shape: Shape) -> int:
        """Multiply-adds of the forward pass per case, in convolutions and dense layers; the rest is negligible."""

    @abstractmethod
    def num_activations(self, shape: Shape) -> int:
        """Number of output values of the operations per case, as printed by `show`.

        There is one tensor per operation; an activation overwrites its input.
        """

    @abstractmethod
    def num_stored_values(self, shape: Shape) -> float:
        """Number of values per case that TensorFlow stores for the backward pass, measured; used for memory budgets."""

    @abstractmethod
    def num_transient_values(self, shape: Shape) -> float:
        """Number of temporary values per case during the backward pass of this layer; the factors are measured."""

    @abstractmethod
    def num_pending_gradients(self, shape: Shape) -> int:
        """Number of gradient values per case that are kept during the backward pass of the inner layers."""

    def num_input_gradients(self, shape: Shape) -> int:
        """Number of temporary values per case, in addition to `num_transient_values`, if the input has a gradient.

        The input of a network's first layer has none.
        """
        return 0

    @property
    @abstractmethod
    def is_output_stored(self) -> bool:
        """Whether the output is stored regardless of its consumers. A sum stores its result in place of a summand."""

    @property
    def overwrites_input(self) -> bool:
        """Whether the output may overwrite the input if no other layer stores the input."""
        return False

    @abstractmethod
    def normalizes_batch(self, shape: Shape) -> bool:
        """Whether a case's output depends on the other cases of its batch in training."""

    @abstractmethod
    def propagate_grid(self, grid: Grid, shape: Shape) -> Grid:
        """Receptive fields of the output features in the network's input.

        They follow from strides, dilations and padding (Araujo et al. 2019, doi:10.23915/distill.00021).

        Args:
            grid: The receptive fields of this layer's input.
            shape: Shape of this layer's input.
        """

    @abstractmethod
    def inner_sequences(self, shape: Shape) -> Iterable[InnerSequence]:
        """Yield the inner layers in the order of computation, with repetitions expanded.

        An iterator may compute the input of a sequence after the previous one has been checked.
        """

    def inner_grids(self, grid: Grid, shape: Shape) -> Iterator[Grid]:
        """Yield the receptive fields of the inputs of `inner_sequences`, at least as many; see `propagate_grid`.

        Layers on planes have one entry for each axis of the first plane.

        Args:
            grid: The receptive fields of this layer's input.
            shape: Shape of this layer's input.
        """
        return repeat(grid)

    def depth_sizes(self, shape: Shape, *, keeps_depth: bool = False) -> DepthSizes:
        """Sizes of a 2D layer along the depth when its network becomes 3D, by key; empty for a layer without sizes.

        Sizes along the depth equal those along the height, reduced to fit the depth.

        Args:
            shape: Shape of the 3D input.
            keeps_depth: Whether the output must have the depth of the input.
        """
        return {}

    def volume_planes(self, shape: Shape) -> tuple[Plane, ...]:
        """The planes on which the inner layers run; empty if they run on the input itself.

        Raises:
            ValueError: The input has no such planes.
        """
        return ()

    @abstractmethod
    def expand(self) -> Iterable[Layer]:
        """The layers to which this one expands: itself, if it has a row."""

    @abstractmethod
    def num_rows(self) -> int:
        """Number of rows of this layer and its inner layers in a plan."""

    @abstractmethod
    def summary(self) -> str:
        """Short description of the layer, for tables."""

    def skip_text(self, shape: Shape) -> str:
        """Label of the shortcut around the inner layers, for drawings; empty without a shortcut."""
        return ""

    @property
    def flattens(self) -> bool:
        """Whether the output is always flat, (features,)."""
        inner_layers = (inner for _, layers in self.inner_layers() for inner in layers)
        return self.traits.flattens or any(inner.flattens for inner in inner_layers)

    @property
    def sees_whole_input(self) -> bool:
        """Whether each value of the output depends on the whole input of its case."""
        return any(inner.sees_whole_input for _, layers in self.inner_layers() for inner in layers)

    def grouping(self, shape: Shape) -> Grouping | None:
        """Description of a grouped convolution; null for all other layers."""
        return None

    @property
    def uses_oblique_planes(self) -> bool:
        """Whether inner layers run on planes that contain the depth axis, which usually has a different spacing."""
        return False

    def inner_layers(self) -> Iterator[tuple[JsonPath, tuple[Layer, ...]]]:
        """Yield every list of inner layers, with its JSON path within the document of this layer."""
        for name in _marked_names(type(self), "inner_layers"):
            yield from layer_lists(getattr(self, name), (name,))

    def percentages(self) -> dict[str, float]:
        """Fields that are percentages, with their values."""
        return {name: getattr(self, name) for name in _marked_names(type(self), "percentage")}

    def widths(self) -> dict[str, int]:
        """Fields that are numbers of filters or units and have an effect, with their values."""
        marked = {name: getattr(self, name) for name in _marked_names(type(self), "width")}
        return {name: value for name, value in marked.items() if value is not None}

    @property
    def channel_divisor(self) -> int:
        """A number that must divide the channels of the input and of the output."""
        return 1

    def idle_keys(self) -> Iterator[tuple[JsonPath, str]]:
        """Yield keys without effect: their paths within the document, and the reason.

        Keys with their default values do not count; `to_document` writes every default.
        """
        yield from ()

    @classmethod
    def document_problems(cls, document: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
        """Yield contradictory keys of a document, valid or not: the key and the problem."""
        yield from ()

    @classmethod
    def current_document(cls, document: Mapping[str, Any]) -> Mapping[str, Any]:
        """Replace older keys of a valid document by current ones."""
        return document

    def with_num_classes(self, num_classes: int) -> Layer:
        """Return this layer for data with a given number of classes."""
        names = [item.name for item in fields(self) if item.metadata.get("in_document") is False]
        return replace(self, **dict.fromkeys(names, num_classes)) if names else self


@cache
def _marked_names(kind: type[Layer], mark: str) -> tuple[str, ...]:
    """The fields of a layer type that have a mark."""
    return tuple(item.name for item in fields(kind) if item.metadata.get(mark))


@dataclass(frozen=True, slots=True, kw_only=True)
class LeafLayer(Layer):
    """A layer without inner layers."""

    def num_pending_gradients(self, shape: Shape) -> int:
        return 0

    def inner_sequences(self, shape: Shape) -> Iterable[InnerSequence]:
        return ()

    def expand(self) -> Iterable[Layer]:
        return (self,)

    def num_rows(self) -> int:
        return 1


@dataclass(frozen=True, slots=True, kw_only=True)
class WeightlessLayer(Layer):
    """A layer without weights of its own; it processes each case separately."""

    def num_parameters(self, shape: Shape) -> int:
        return 0

    def num_penalized_parameters(self, shape: Shape) -> int:
        return 0

    def num_macs(self, shape: Shape) -> int:
        return 0

    def normalizes_batch(self, shape: Shape) -> bool:
        return False


@dataclass(frozen=True, slots=True, kw_only=True)
class WeightlessLeaf(WeightlessLayer, LeafLayer):
    """A layer without weights and without inner layers."""
