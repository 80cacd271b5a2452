"""Shapes and costs of the network that a document describes, layer by layer."""

from __future__ import annotations

from dataclasses import dataclass

from archnet.files.strict_json import JsonPath
from archnet.spec.analysis.text_ranges import TextRange
from archnet.spec.layers import Shape


@dataclass(frozen=True, slots=True, kw_only=True)
class LayerFacts:
    """One written layer, including its inner layers and all repetitions.

    In a repetition, the input is that of the first time, and the output and the receptive field are those of the last.

    Attributes:
        path: JSON path of the layer in the document.
        range: Its object in the text.
        type: Its type, such as "C".
        summary: Short description, such as "16 3x3, relu".
        input_shape: Shape without batch, channels last; for layers on planes, of one plane.
        output_shape: Shape without batch, channels last.
        num_parameters: Number of weights, including those of inner layers and repetitions.
        num_macs: Multiply-adds of the forward pass per case, likewise.
        memory_bytes: Memory for one case during training, likewise: the values stored for the backward pass, and the
            largest number of temporary values.
        receptive_field: Voxels of the network's input, per axis, on which one output voxel depends, including padding;
            null where the output has no spatial axes. Attention and normalization over the map extend it to the part of
            the input that the map covers. For layers on planes, that of the axial plane.
        receptive_field_mm: The same in millimetres; null if the spacing is unknown.
    """

    path: JsonPath
    range: TextRange
    type: str
    summary: str
    input_shape: Shape
    output_shape: Shape
    num_parameters: int
    num_macs: int
    memory_bytes: int
    receptive_field: Shape | None = None
    receptive_field_mm: tuple[float, ...] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class NetworkMemory:
    """The memory plan of a training.

    Attributes:
        batch_size: Number of cases per optimizer step.
        micro_batch_size: Number of cases that are computed at once within the budget; 0 if not even one fits.
        peak_bytes: Predicted peak memory of the process with these micro-batches.
        budget_bytes: The budget; null if there is none.
    """

    batch_size: int
    micro_batch_size: int
    peak_bytes: int
    budget_bytes: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class NetworkFacts:
    """A network at one input, or its first layers if the document is invalid.

    Attributes:
        name: Name of the architecture.
        rank: Number of spatial axes, 2 or 3.
        input_shape: Shape without batch, channels last.
        is_input_assumed: Whether neither the document nor the caller gave the input.
        layers: Facts of every written layer, in the order of the text; inner layers follow the layer around them.
        num_parameters: Number of weights.
        num_macs: Multiply-adds of the forward pass per case.
        memory: The memory plan.
        is_complete: Whether the network has no problem. Otherwise, the facts are those of the layers before the first
            layer with a problem.
    """

    name: str
    rank: int
    input_shape: Shape
    is_input_assumed: bool
    layers: tuple[LayerFacts, ...]
    num_parameters: int
    num_macs: int
    memory: NetworkMemory
    is_complete: bool = True
