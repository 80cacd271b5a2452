"""The results of an analysis as JSON, with offsets in UTF-16 code units."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any, Final

from archnet.files.documents.json_text import path_text
from archnet.spec.analysis.analyze import Analysis
from archnet.spec.analysis.diagnostics import Diagnostic
from archnet.spec.analysis.network_facts import LayerFacts, NetworkFacts
from archnet.spec.analysis.suggestions import Completion, Hover, Symbol
from archnet.spec.analysis.text_ranges import TextEdit, TextRange
from archnet.spec.outputs.schema_parts import (
    BOOLEAN,
    COUNT,
    NUMBER,
    TEXT,
    Schema,
    list_of,
    nullable,
    one_of,
    record_of,
)
from archnet.studio.answers.utf16_offsets import Utf16Offsets

_RANGE: Final[dict[str, Schema]] = {"start": COUNT, "end": COUNT}
_SIZES: Final = list_of(COUNT)

TEXT_EDIT: Final = record_of({**_RANGE, "new_text": TEXT})
_FIX: Final = record_of({"title": TEXT, "edits": list_of(TEXT_EDIT)})
_DIAGNOSTIC: Final = record_of(
    {
        **_RANGE,
        "severity": one_of("error", "warning", "hint"),
        "message": TEXT,
        "path": TEXT,
        "fixes": list_of(_FIX),
    }
)
_LAYER: Final = record_of(
    {
        "path": {**TEXT, "description": 'JSON path of the layer, such as "$.layers[2]".'},
        **_RANGE,
        "type": TEXT,
        "summary": TEXT,
        "input_shape": _SIZES,
        "output_shape": _SIZES,
        "num_parameters": COUNT,
        "num_macs": COUNT,
        "memory_bytes": COUNT,
        "receptive_field": nullable(_SIZES),
        "receptive_field_mm": nullable(list_of(NUMBER)),
    }
)
_NETWORK: Final = record_of(
    {
        "name": TEXT,
        "rank": COUNT,
        "input_shape": _SIZES,
        "is_input_assumed": BOOLEAN,
        "is_complete": {**BOOLEAN, "description": "False if the layers end before the first one with a problem."},
        "layers": list_of(_LAYER),
        "num_parameters": COUNT,
        "num_macs": COUNT,
        "memory": record_of(
            {
                "batch_size": COUNT,
                "micro_batch_size": COUNT,
                "peak_bytes": COUNT,
                "budget_bytes": nullable(COUNT),
            }
        ),
    }
)
_SYMBOL: Final = record_of(
    {
        "name": TEXT,
        "detail": TEXT,
        **_RANGE,
        "selection_start": COUNT,
        "selection_end": COUNT,
        "children": list_of({"type": "object"}),
    }
)

ANALYSIS: Final = record_of(
    {
        "kind": one_of("arch", "experiment", "sweep"),
        "is_valid": BOOLEAN,
        "diagnostics": list_of(_DIAGNOSTIC),
        "network": nullable(_NETWORK),
        "symbols": list_of(_SYMBOL),
    }
)
COMPLETIONS: Final = record_of(
    {
        "completions": list_of(
            record_of(
                {
                    "label": TEXT,
                    "kind": one_of("key", "value", "layer"),
                    "detail": TEXT,
                    "documentation": TEXT,
                    "edit": TEXT_EDIT,
                    "other_edits": {**list_of(TEXT_EDIT), "description": "Changes elsewhere, made together with it."},
                    "is_snippet": BOOLEAN,
                }
            )
        )
    }
)
HOVER: Final = record_of({"hover": nullable(record_of({**_RANGE, "markdown": TEXT}))})
EDITS: Final = record_of({"edits": list_of(TEXT_EDIT)})


def analysis_document(analysis: Analysis) -> dict[str, Any]:
    """Problems, network and outline; see `ANALYSIS`."""
    offsets = Utf16Offsets(analysis.text)
    return {
        "kind": analysis.kind,
        "is_valid": analysis.is_valid,
        "diagnostics": [_diagnostic(one, offsets) for one in analysis.diagnostics],
        "network": _network(analysis.network, offsets) if analysis.network else None,
        "symbols": [_symbol(one, offsets) for one in analysis.symbols()],
    }


def completions_document(completions: Sequence[Completion], offsets: Utf16Offsets) -> dict[str, Any]:
    """See `COMPLETIONS`."""
    return {
        "completions": [
            {
                "label": one.label,
                "kind": one.kind,
                "detail": one.detail,
                "documentation": one.documentation,
                "edit": _edit(one.edit, offsets),
                "other_edits": [_edit(edit, offsets) for edit in one.other_edits],
                "is_snippet": one.is_snippet,
            }
            for one in completions
        ]
    }


def hover_document(hover: Hover | None, offsets: Utf16Offsets) -> dict[str, Any]:
    """See `HOVER`."""
    return {"hover": {**_range(hover.range, offsets), "markdown": hover.markdown} if hover else None}


def edits_document(edits: Sequence[TextEdit], offsets: Utf16Offsets) -> dict[str, Any]:
    """See `EDITS`."""
    return {"edits": [_edit(edit, offsets) for edit in edits]}


def _range(part: TextRange, offsets: Utf16Offsets) -> dict[str, int]:
    return {"start": offsets.to_utf16(part.start), "end": offsets.to_utf16(part.end)}


def _edit(edit: TextEdit, offsets: Utf16Offsets) -> dict[str, Any]:
    return {**_range(edit.range, offsets), "new_text": edit.new_text}


def _diagnostic(one: Diagnostic, offsets: Utf16Offsets) -> dict[str, Any]:
    return {
        **_range(one.range, offsets),
        "severity": one.severity,
        "message": one.message,
        "path": path_text(one.path),
        "fixes": [{"title": fix.title, "edits": [_edit(edit, offsets) for edit in fix.edits]} for fix in one.fixes],
    }


def _network(network: NetworkFacts, offsets: Utf16Offsets) -> dict[str, Any]:
    return {
        "name": network.name,
        "rank": network.rank,
        "input_shape": list(network.input_shape),
        "is_input_assumed": network.is_input_assumed,
        "is_complete": network.is_complete,
        "layers": [_layer(layer, offsets) for layer in network.layers],
        "num_parameters": network.num_parameters,
        "num_macs": network.num_macs,
        "memory": asdict(network.memory),
    }


def _layer(layer: LayerFacts, offsets: Utf16Offsets) -> dict[str, Any]:
    return {
        "path": path_text(layer.path),
        **_range(layer.range, offsets),
        "type": layer.type,
        "summary": layer.summary,
        "input_shape": list(layer.input_shape),
        "output_shape": list(layer.output_shape),
        "num_parameters": layer.num_parameters,
        "num_macs": layer.num_macs,
        "memory_bytes": layer.memory_bytes,
        "receptive_field": _listed(layer.receptive_field),
        "receptive_field_mm": _listed(layer.receptive_field_mm),
    }


def _listed(values: Sequence[float] | None) -> list[float] | None:
    return None if values is None else list(values)


def _symbol(one: Symbol, offsets: Utf16Offsets) -> dict[str, Any]:
    selection = _range(one.selection_range, offsets)
    return {
        "name": one.name,
        "detail": one.detail,
        **_range(one.range, offsets),
        "selection_start": selection["start"],
        "selection_end": selection["end"],
        "children": [_symbol(child, offsets) for child in one.children],
    }
