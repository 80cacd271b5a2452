"""The outline of a document: its keys, its layers, and what is inside them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from archnet.files.documents.json_text import JsonPath, json_text
from archnet.files.documents.json_tree import JsonNode
from archnet.spec.analysis.network_facts import LayerFacts, NetworkFacts
from archnet.spec.analysis.suggestions import Symbol
from archnet.spec.analysis.text_ranges import TextRange
from archnet.spec.layers import sizes_text


def outline(root: JsonNode, network: NetworkFacts | None) -> tuple[Symbol, ...]:
    """The entries of a document, in the order of the text; layers have their summaries and output shapes.

    Args:
        root: The value of the text.
        network: The facts of its layers.
    """
    facts = {layer.path: layer for layer in network.layers} if network else {}
    return _entries(root, (), facts)


def _entries(node: JsonNode, path: JsonPath, facts: Mapping[JsonPath, LayerFacts]) -> tuple[Symbol, ...]:
    """The entries inside an object or array: keys, layers, and lists of them, without plain values of arrays."""
    return tuple(
        _symbol(child, (*path, step), facts)
        for step, child in node.children()
        if isinstance(step, str) or child.members is not None
    )


def _symbol(node: JsonNode, path: JsonPath, facts: Mapping[JsonPath, LayerFacts]) -> Symbol:
    head = None if node.has_key else node.child("type")
    named = head or node
    name = (node.key_start, node.key_end) if node.has_key else (named.start, named.end)
    return Symbol(
        name=_name(node, path, head),
        detail=_detail(node, facts.get(path)),
        range=TextRange(node.full_start, node.end),
        selection_range=TextRange(*name),
        children=_inner_entries(node, path, facts, is_layer=head is not None),
    )


def _inner_entries(
    node: JsonNode, path: JsonPath, facts: Mapping[JsonPath, LayerFacts], *, is_layer: bool
) -> tuple[Symbol, ...]:
    """The entries inside an entry; of a layer, those of its only list of layers directly."""
    if not is_layer:
        return _entries(node, path, facts) if _has_entries(node) else ()
    lists = [(key, child) for key, child in node.children() if isinstance(child.members, list) and _has_entries(child)]
    if len(lists) == 1:
        ((key, layers),) = lists
        return _entries(layers, (*path, key), facts)
    return tuple(_symbol(child, (*path, key), facts) for key, child in lists)


def _has_entries(node: JsonNode) -> bool:
    return isinstance(node.members, dict) or any(child.members is not None for _, child in node.children())


def _name(node: JsonNode, path: JsonPath, head: JsonNode | None) -> str:
    if node.has_key:
        return _step_text(path)
    if head and isinstance(head.value, str) and head.value:
        return head.value
    named = node.value.get("name") if isinstance(node.value, dict) else None
    return named if isinstance(named, str) and named else _step_text(path)


def _step_text(path: JsonPath) -> str:
    """The name of an entry: its key, or its index; never empty.

    >>> _step_text(("branches", 0)), _step_text(("",))
    ('[0]', '""')
    """
    return f"[{path[-1]}]" if isinstance(path[-1], int) else str(path[-1]) or '""'


def _detail(node: JsonNode, facts: LayerFacts | None) -> str:
    if facts:
        return f"{facts.summary} -> {sizes_text(facts.output_shape)}".removeprefix(" ")
    return _plain_text(node.value) if not _has_entries(node) else ""


def _plain_text(value: Any) -> str:
    return value[:60] if isinstance(value, str) else json_text(value)
