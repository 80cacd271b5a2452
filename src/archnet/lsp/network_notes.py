"""Inlay hints and code lenses of an architecture: shapes and parameters of each layer, training memory, twins."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from lsprotocol import types

from archnet.errors import pluralize
from archnet.files.disk import format_bytes
from archnet.lsp.open_documents import AnalyzedDocument
from archnet.spec.analysis.network_facts import LayerFacts, NetworkFacts, NetworkMemory
from archnet.spec.analysis.text_ranges import TextRange
from archnet.spec.layers import inner_rank, sizes_text
from archnet.spec.memory import HEADROOM, gigabytes_text
from archnet.spec.twins.twin_document import FORM_TEXTS

CREATE_TWIN: Final = "archnet.createTwin"
"""The command that creates a twin; its arguments are the address of the document and the rank."""


def inlay_hints(document: AnalyzedDocument, editor_range: types.Range) -> list[types.InlayHint]:
    """The shape and the parameters after each layer, and the totals at the beginning of the list of layers.

    Args:
        document: The document.
        editor_range: The part that is visible.
    """
    network = document.analysis.network
    if network is None or not network.layers:
        return []
    wanted = document.positions.text_range(editor_range)
    notes = [(_list_start(document, network), _network_note(network), _network_tooltip(network))]
    notes += [(_layer_end(document, layer), _layer_note(layer), _layer_tooltip(layer)) for layer in network.layers]
    return [
        types.InlayHint(position=document.positions.position(offset), label=label, tooltip=tooltip, padding_left=True)
        for offset, label, tooltip in sorted(notes)
        if wanted.start <= offset <= wanted.end
    ]


def _list_start(document: AnalyzedDocument, network: NetworkFacts) -> int:
    """The offset after the bracket that opens the list of layers."""
    return document.text.rfind("[", 0, network.layers[0].range.start) + 1


def _layer_end(document: AnalyzedDocument, layer: LayerFacts) -> int:
    """The offset after a layer and its comma."""
    end = layer.range.end
    return end + 1 if document.text[end : end + 1] == "," else end


def _network_note(network: NetworkFacts) -> str:
    """The input and the totals of a network, such as "64x64x10x1 -> 196,108 parameters"."""
    assumption = " (assumed)" if network.is_input_assumed else ""
    parameters = pluralize(network.num_parameters, "parameter")
    return f"{sizes_text(network.input_shape)}{assumption} · {parameters} · {_macs_text(network.num_macs)}"


def _layer_note(layer: LayerFacts) -> str:
    parameters = f" · {pluralize(layer.num_parameters, 'parameter')}" if layer.num_parameters else ""
    return f"-> {sizes_text(layer.output_shape)}{parameters}"


def _macs_text(num_macs: int) -> str:
    return pluralize(num_macs, "multiply-add")


def _network_tooltip(network: NetworkFacts) -> str:
    if network.is_input_assumed:
        return 'The input shape is assumed. Set it with "input_shape".'
    return "Input shape, parameters, and multiply-adds per case of the network."


def _layer_tooltip(layer: LayerFacts) -> str:
    lines = [
        f"{layer.type}: {layer.summary}" if layer.summary else layer.type,
        f"Input: {sizes_text(layer.input_shape)}",
        f"Output: {sizes_text(layer.output_shape)}",
        pluralize(layer.num_parameters, "parameter"),
        f"{_macs_text(layer.num_macs)} per case",
        f"{format_bytes(layer.memory_bytes)} of training memory per case",
    ]
    if layer.receptive_field:
        lines.append(f"Receptive field: {sizes_text(layer.receptive_field)} voxels{_millimetres(layer)}")
    return "\n".join(lines)


def _millimetres(layer: LayerFacts) -> str:
    if layer.receptive_field_mm is None:
        return ""
    return f", {' x '.join(f'{size:.3g}' for size in layer.receptive_field_mm)} mm"


def code_lenses(document: AnalyzedDocument) -> list[types.CodeLens]:
    """The predicted memory of training, and a command for each twin, above the list of layers."""
    network = document.analysis.network
    if network is None or not network.layers:
        return []
    start = _list_start(document, network) - 1
    place = document.positions.range(TextRange(start, start + 1))
    commands = [types.Command(title=memory_note(network.memory), command="")]
    if document.analysis.is_valid:
        commands += _twin_commands(document.uri, network)
    return [types.CodeLens(range=place, command=command) for command in commands]


def memory_note(memory: NetworkMemory) -> str:
    """The memory plan in one line.

    >>> memory_note(NetworkMemory(batch_size=64, micro_batch_size=32, peak_bytes=1_234_000_000))
    '1.2 GB of training memory at batch size 64, micro-batch size 32'
    """
    if memory.micro_batch_size == 0:
        budget = f" of {format_bytes(memory.budget_bytes)}" if memory.budget_bytes else ""
        least = gigabytes_text(memory.peak_bytes / (1 - HEADROOM))
        return f"Not even one case fits the memory budget{budget}: training needs at least {least}"
    micro_batch = f", micro-batch size {memory.micro_batch_size}" if memory.micro_batch_size < memory.batch_size else ""
    return f"{format_bytes(memory.peak_bytes)} of training memory at batch size {memory.batch_size}{micro_batch}"


def _twin_commands(uri: str, network: NetworkFacts) -> Iterator[types.Command]:
    own = _form(network)
    for rank, text in FORM_TEXTS.items():
        if rank != own:
            yield types.Command(title=f"Create {text} twin", command=CREATE_TWIN, arguments=[uri, rank])


def _form(network: NetworkFacts) -> float:
    """Whether a network is 2D (2), 2.5D (2.5) or 3D (3)."""
    on_planes = any(inner_rank({"type": layer.type}, None) is not None for layer in network.layers)
    return 2.5 if on_planes else network.rank
