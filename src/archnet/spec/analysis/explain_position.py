"""Explain the key, the value or the layer at a position of a text."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from archnet.files.documents.json_text import JsonPath
from archnet.files.documents.json_tree import JsonNode
from archnet.spec.analysis.network_facts import LayerFacts, NetworkFacts
from archnet.spec.analysis.suggestions import Hover
from archnet.spec.analysis.text_ranges import TextRange
from archnet.spec.completion.applicable_schemas import SchemaPart, required_keys
from archnet.spec.completion.cursor_offers import CompletionContext
from archnet.spec.completion.document_names import read_named_value, swept_arch
from archnet.spec.completion.located_parts import hyperparameter_parts, parts_at, values_along
from archnet.spec.completion.schema_texts import description_of, key_markdown, word_description
from archnet.spec.layers import layer_class, sizes_text

_NAMES: Final = (("archs",), ("base", "archs"), ("space", "arch"))
"""The paths of the arrays that name documents."""


def explain_position(
    root: JsonNode, offset: int, context: CompletionContext, network: NetworkFacts | None
) -> Hover | None:
    """The explanation of what is at a position; null where there is nothing to explain.

    Args:
        root: The value of the text.
        offset: Offset of the position.
        context: Kind and surroundings of the document.
        network: The facts of its layers.
    """
    path = root.path_at(offset)
    node = root.find(path)
    if node is None or not path:
        return None
    is_key = node.has_key and node.key_start <= offset <= node.key_end
    if offset < node.start and not is_key:
        return None
    if node.members is None or is_key:
        markdown = _explanation(root, path, context, network, is_key=is_key)
        text_range = TextRange(node.key_start, node.key_end) if is_key else TextRange(node.start, node.end)
    else:
        bracket = next((start for start in (node.start, node.end - 1) if start <= offset <= start + 1), None)
        if bracket is None or layer_class(node.value) is None:
            return None
        markdown = _layer_markdown(root, (*path, "type"), context, network)
        text_range = TextRange(bracket, bracket + 1)
    return Hover(range=text_range, markdown=markdown) if markdown else None


def _explanation(
    root: JsonNode, path: JsonPath, context: CompletionContext, network: NetworkFacts | None, *, is_key: bool
) -> str:
    """The explanation of a key, or of a scalar value."""
    if path[-1] == "type" and not is_key and layer_class(_value_at(root, path[:-1])):
        return _layer_markdown(root, path, context, network)
    name, parts, is_required = _nearest_key(root, path, context)
    named = "" if is_key else _named_text(root, path, context)
    return "\n\n".join(filter(None, [key_markdown(name, parts, is_required=is_required) if parts else "", named]))


def _nearest_key(root: JsonNode, path: JsonPath, context: CompletionContext) -> tuple[str, list[SchemaPart], bool]:
    """The last key of a path, the schemas of its value, and whether it is required; no schemas if there is no key."""
    arch = swept_arch(root.value, Path(context.source).parent, context.read_text) if context.kind == "sweep" else None
    if (
        context.kind == "sweep"
        and path[0] == "space"
        and len(path) > 1
        and all(isinstance(step, int) for step in path[2:])
    ):
        return str(path[1]), hyperparameter_parts(str(path[1]), arch), False
    keys = [(path[:index], step) for index, step in enumerate(path) if isinstance(step, str)]
    if not keys:
        return "", [], False
    outer, name = keys[-1]
    around = parts_at(context.kind, outer, values_along(root.value, outer), arch)
    parts = parts_at(context.kind, (*outer, name), values_along(root.value, (*outer, name)), arch)
    return name, parts, name in required_keys(around, None)


def _named_text(root: JsonNode, path: JsonPath, context: CompletionContext) -> str:
    """The description of the document that a value names; empty for other values."""
    value = _value_at(root, path)
    if not isinstance(value, str) or not (path == ("base",) or path[:-1] in _NAMES):
        return ""
    named = read_named_value(value, Path(context.source).parent, context.read_text)
    description = named[0].get("description") if named and isinstance(named[0], dict) else None
    return f"`{value}`: {description}" if isinstance(description, str) and description else ""


def _layer_markdown(root: JsonNode, path: JsonPath, context: CompletionContext, network: NetworkFacts | None) -> str:
    """The explanation of a layer: its type, shapes and costs."""
    name = _value_at(root, path)
    parts = parts_at(context.kind, path, values_along(root.value, path))
    paragraphs = [f"**{name}**: {word_description(parts, name) or description_of(parts)}"]
    if network and (facts := next((layer for layer in network.layers if layer.path == path[:-1]), None)):
        paragraphs.append(layer_text(facts))
    return "\n\n".join(paragraphs)


def layer_text(facts: LayerFacts) -> str:
    """The facts of a layer as lines of Markdown."""
    lines = [
        f"{sizes_text(facts.input_shape)} → {sizes_text(facts.output_shape)}",
        f"{facts.num_parameters:,} parameters, {facts.num_macs:,} multiply-adds per case",
        f"{facts.memory_bytes / 1e6:,.1f} MB of training memory per case",
    ]
    if facts.receptive_field:
        lines.append(f"receptive field of {sizes_text(facts.receptive_field)} voxels{_millimetres_text(facts)}")
    return "\n".join(f"- {line}" for line in lines)


def _millimetres_text(facts: LayerFacts) -> str:
    sizes = facts.receptive_field_mm
    return f", {' x '.join(f'{size:.1f}' for size in sizes)} mm" if sizes else ""


def _value_at(root: JsonNode, path: JsonPath) -> object:
    node = root.find(path)
    return node.value if node else None
