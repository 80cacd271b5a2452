"""Offers at a cursor: keys, values, layers, names of documents and hyperparameters."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from archnet.files.documents.house_style import compact_json
from archnet.spec.completion.applicable_schemas import SchemaPart, first_keyword, inner_parts, known_keys, required_keys
from archnet.spec.completion.cursor import Cursor
from archnet.spec.completion.document_names import base_experiment, document_names, swept_arch
from archnet.spec.completion.located_parts import ARCH_KEY, hyperparameter_keys, hyperparameter_parts, parts_at
from archnet.spec.completion.offer_texts import plain_values, value_snippet
from archnet.spec.completion.schema_texts import description_of, key_detail, word_description
from archnet.spec.completion.snippet_text import choice_stop, escape, schema_snippet, tab_stop
from archnet.spec.datasets import DATASETS
from archnet.spec.layers import inner_rank


@dataclass(frozen=True, slots=True, kw_only=True)
class CompletionContext:
    """Properties of a document besides the text before the cursor.

    Attributes:
        kind: One of `SCHEMAS`.
        source: Path of the document.
        value: The value of the whole text, as far as it can be recognized.
        rank: Number of spatial axes of an architecture; null if it is unknown.
        read_text: Reads the text of another file that is open in an editor.
    """

    kind: str
    source: str
    value: Any
    rank: int | None
    read_text: Callable[[Path], str | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """A completion without its place; see `Completion`."""

    label: str
    kind: Literal["key", "value", "layer"]
    detail: str = ""
    documentation: str = ""
    new_text: str
    is_snippet: bool = False


def key_offers(cursor: Cursor, context: CompletionContext) -> Iterator[Offer]:
    """Yield the keys that the object at a cursor does not have yet: required ones first, deprecated ones last."""
    if context.kind == "sweep" and cursor.path == ("space",):
        yield from _hyperparameter_offers(cursor, context)
        return
    parts = parts_at(context.kind, cursor.path, cursor.values)
    required = required_keys(parts, cursor.values[-1])
    keys = {key: inner for key, inner in known_keys(parts).items() if key not in cursor.other_keys}
    rank = _rank_at(cursor, context)
    for key in sorted(keys, key=lambda key: (key not in required, bool(first_keyword(keys[key], "deprecated")))):
        snippet = _type_snippet(cursor, context, keys[key]) if key == "type" else value_snippet(keys[key], rank)
        yield Offer(
            label=key,
            kind="key",
            detail=key_detail(keys[key], is_required=key in required),
            documentation=description_of(keys[key]),
            new_text=json.dumps(key) if cursor.has_value else f"{escape(json.dumps(key))}: {snippet}",
            is_snippet=not cursor.has_value,
        )


def _type_snippet(cursor: Cursor, context: CompletionContext, parts: Sequence[SchemaPart]) -> str:
    """A choice of types, those first whose keys are those of the object at the cursor."""
    words = list(dict.fromkeys(word for part in parts for word in part.schema.get("enum", ())))
    if not words or not cursor.other_keys or not cursor.path:
        return value_snippet(parts, None)
    around = parts_at(context.kind, cursor.path[:-1], cursor.values[:-1])

    def num_misfits(word: str) -> int:
        value = {**cursor.values[-1], "type": word}
        own = inner_parts(around, cursor.path[-1], value)
        known = {key for part in own for key in part.schema.get("properties", ())}
        return len(cursor.other_keys - known) + len(required_keys(own, value))

    return choice_stop(1, [json.dumps(word) for word in sorted(words, key=num_misfits)])


def value_offers(cursor: Cursor, context: CompletionContext, column: int) -> Iterator[Offer]:
    """Yield the values that can be written at a cursor: layers, names of documents, and what the schema lists.

    Args:
        cursor: The cursor.
        context: What else is known of the document.
        column: Number of characters before the cursor on its line.
    """
    path = (*cursor.path, cursor.key if cursor.index < 0 else cursor.index)
    arch = _arch_of_sweep(context) if context.kind == "sweep" and path[0] == "space" else None
    parts = parts_at(context.kind, path, [*cursor.values, None], arch)
    rank = _rank_at(cursor, context)
    yield from _snippet_offers(parts, rank, column, "layer" if cursor.index >= 0 else "value")
    if names := _names_at(path, context):
        yield from names
        return
    if context.kind == "sweep" and path[0] == "space" and len(path) == 2:
        yield from _space_value_offers(hyperparameter_parts(str(path[1]), arch))
        return
    default = first_keyword(parts, "default", ...)
    for value in plain_values(parts, rank):
        yield Offer(
            label=_label(value),
            kind="value",
            detail="default" if value == default and type(value) is type(default) else "",
            documentation=word_description(parts, value) or description_of(parts),
            new_text=compact_json(value),
        )


def _snippet_offers(
    parts: Sequence[SchemaPart], rank: int | None, column: int, kind: Literal["value", "layer"]
) -> Iterator[Offer]:
    """Yield the snippets of a schema, without those for a different number of axes."""
    for entry in first_keyword(parts, "defaultSnippets", ()):
        label = entry["label"]
        if (rank == 2 and ("3D" in label or "planes" in label)) or (rank == 3 and "2D convolution" in label):
            continue
        yield Offer(
            label=label,
            kind=kind,
            documentation=entry["description"],
            new_text=schema_snippet(entry["body"], rank, column),
            is_snippet=True,
        )


def _names_at(path: tuple[str | int, ...], context: CompletionContext) -> list[Offer]:
    """The names of documents that can be written at a path; empty where no document is named."""
    archs = {"experiment": ("archs",), "sweep": ("space", ARCH_KEY)}.get(context.kind)
    is_arch = path[:-1] == archs or (context.kind == "sweep" and path[:-1] == ("base", "archs"))
    if not is_arch and (context.kind, path) != ("sweep", ("base",)):
        return []
    names = document_names(context.source, archs=is_arch)
    return [
        Offer(label=_label(name), kind="value", detail=detail, new_text=json.dumps(name, ensure_ascii=False))
        for name, detail in names
    ]


def _hyperparameter_offers(cursor: Cursor, context: CompletionContext) -> Iterator[Offer]:
    """Yield the hyperparameters that a sweep does not vary yet."""
    arch, options = _arch_of_sweep(context), _data_options(context)
    first = (ARCH_KEY, None, hyperparameter_parts(ARCH_KEY, None))
    texts: dict[int, tuple[str, str]] = {}
    for key, value, parts in [first, *hyperparameter_keys(arch, options)]:
        if key in cursor.other_keys:
            continue
        if id(parts) not in texts:
            texts[id(parts)] = key_detail(parts, is_required=False), description_of(parts)
        choices = "${1}" if key == ARCH_KEY else tab_stop(1, compact_json(value))
        yield Offer(
            label=key,
            kind="key",
            detail=texts[id(parts)][0],
            documentation=texts[id(parts)][1],
            new_text=json.dumps(key) if cursor.has_value else f"{escape(json.dumps(key))}: [{choices}]",
            is_snippet=not cursor.has_value,
        )


def _space_value_offers(parts: Sequence[SchemaPart]) -> Iterator[Offer]:
    """Yield the choices and the ranges that a hyperparameter can have."""
    values = [value for value in plain_values(parts, None) if not isinstance(value, dict)]
    yield Offer(
        label="choice",
        kind="value",
        documentation="A list of values to choose from.",
        new_text=f"[{tab_stop(1, ', '.join(map(compact_json, values)))}]",
        is_snippet=True,
    )
    for kind, low, high in (("log_uniform", "0.0001", "0.01"), ("uniform", "0.0", "1.0"), ("integer", "1", "16")):
        yield Offer(
            label=f"range: {kind}",
            kind="value",
            documentation="A number from a range, for random or TPE search.",
            new_text=f'{{"type": "{kind}", "low": {tab_stop(1, low)}, "high": {tab_stop(2, high)}}}',
            is_snippet=True,
        )


def _arch_of_sweep(context: CompletionContext) -> Any:
    return swept_arch(context.value, Path(context.source).parent, context.read_text)


def _data_options(context: CompletionContext) -> dict[str, frozenset[str]]:
    """The options of the data set of a sweep, if it is known."""
    value = context.value if isinstance(context.value, dict) else {}
    base = base_experiment(value, Path(context.source).parent, context.read_text)
    data = base[0].get("data") if base and isinstance(base[0], dict) else None
    name = data.get("name") if isinstance(data, dict) else None
    return {"data": DATASETS[name].options - {"name", "root"}} if name in DATASETS else {}


def _rank_at(cursor: Cursor, context: CompletionContext) -> int | None:
    """The number of spatial axes of the layers at a cursor."""
    rank = context.rank
    for value in cursor.values:
        rank = inner_rank(value, rank) if isinstance(value, dict) else rank
    return rank


def _label(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 60 else f"{text[:57]}..."
