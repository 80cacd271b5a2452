"""The schemas that apply at a path of a document of a given kind."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from archnet.errors import DocumentError
from archnet.files.documents.json_text import JsonPath, path_text
from archnet.spec.completion.applicable_schemas import SchemaPart, document_parts, inner_parts, known_keys
from archnet.spec.layers import inner_documents
from archnet.spec.overrides import parse_key

ARCH_KEY: Final = "arch"
"""The hyperparameter that is the architecture, and the first step to the hyperparameters of one."""


def values_along(value: Any, path: JsonPath) -> list[Any]:
    """A value, and the values at each step of a path; null where the path leads nowhere."""
    values = [value]
    for step in path:
        is_key = isinstance(value, dict) and step in value
        is_index = isinstance(value, list) and isinstance(step, int) and step < len(value)
        value = value[step] if is_key or is_index else None
        values.append(value)
    return values


def parts_at(kind: str, path: JsonPath, values: Sequence[Any], arch: Any = None) -> list[SchemaPart]:
    """The schemas that apply to the value at a path.

    Args:
        kind: One of `SCHEMAS`.
        path: The path.
        values: The document, and the values at each step of the path, as far as they are known.
        arch: For a sweep, the architecture whose hyperparameters it varies.
    """
    if kind == "sweep" and path[:1] == ("base",) and isinstance(values[1], dict):
        return parts_at("experiment", path[1:], values[1:])
    if kind == "sweep" and path[:1] == ("space",) and isinstance((*path, "", "", "")[2], int):
        return _inner_parts_along(hyperparameter_parts(str(path[1]), arch, values[3]), path[3:], values[4:])
    return _inner_parts_along(document_parts(kind, values[0]), path, values[1:])


def _inner_parts_along(parts: list[SchemaPart], path: JsonPath, values: Sequence[Any]) -> list[SchemaPart]:
    for step, value in zip(path, values, strict=True):
        parts = inner_parts(parts, step, value)
    return parts


def hyperparameter_parts(key: str, arch: Any, value: Any = None) -> list[SchemaPart]:
    """The schemas of the values of a hyperparameter of a sweep; empty if there is none of this name.

    Args:
        key: Its dotted key.
        arch: The architecture whose hyperparameters the sweep varies, if it is known.
        value: One of its values, which may be incomplete.
    """
    try:
        path = parse_key(key)
    except DocumentError:
        return []
    if path[0] != ARCH_KEY:
        return parts_at("experiment", path, [{}, *([None] * (len(path) - 1)), value])
    if len(path) == 1:
        return parts_at("experiment", ("archs", 0), [{}, [], "" if value is None else value])
    own = path[2:] if isinstance(arch, list) and path[1:2] == ("layers",) else path[1:]
    return parts_at("arch", own, [*values_along(arch, own)[:-1], value])


def hyperparameter_keys(
    arch: Any, options: Mapping[str, frozenset[str]]
) -> Iterator[tuple[str, Any, list[SchemaPart]]]:
    """Yield the dotted keys that a sweep can vary, with their present values and the schemas of these.

    Args:
        arch: The architecture of the sweep, if it is known.
        options: The keys that apply to the data set, by section of the experiment; all keys of other sections do.
    """
    layers = arch if isinstance(arch, list) else (arch or {}).get("layers")
    if isinstance(layers, list):
        yield from _arch_keys(layers, "arch.layers")
    for section in ("training", "data", "split", "evaluation"):
        parts = document_parts("experiment", {})
        yield from _section_keys(inner_parts(parts, section, {}), section, options.get(section))


def _section_keys(
    parts: Sequence[SchemaPart], prefix: str, allowed: frozenset[str] | None
) -> Iterator[tuple[str, Any, list[SchemaPart]]]:
    for key in dict.fromkeys(key for part in parts for key in part.schema.get("properties", {})):
        if allowed is not None and key not in allowed:
            continue
        inner = inner_parts(parts, key, None)
        yield f"{prefix}.{key}", next((p.schema["default"] for p in inner if "default" in p.schema), None), inner
        yield from _section_keys(inner, f"{prefix}.{key}", None)


def _arch_keys(layers: list[Any], prefix: str) -> Iterator[tuple[str, Any, list[SchemaPart]]]:
    """Yield the keys of layers that are written, except their types and their inner layers, which they contain."""
    parts = inner_parts(document_parts("arch", {"layers": []}), "layers", [])
    known: dict[str, dict[str, list[SchemaPart]]] = {}
    for path, layer in _written_layers(layers, ()):
        kind = str(layer.get("type"))
        if kind not in known:
            known[kind] = known_keys(inner_parts(parts, 0, {"type": kind}))
        place = f"{prefix}{path_text(path).removeprefix('$')}"
        for key, value in layer.items():
            if key in known[kind] and key not in ("type", "description") and not _holds_layers(value):
                yield f"{place}.{key}", value, known[kind][key]


def _written_layers(layers: list[Any], path: JsonPath) -> Iterator[tuple[JsonPath, dict[str, Any]]]:
    """Yield every layer document of a list, with its path, outer before inner."""
    for index, layer in enumerate(layers):
        if isinstance(layer, dict):
            yield (*path, index), layer
            for inner_path, inner in inner_documents(layer):
                yield from _written_layers(inner, (*path, index, *inner_path))


def _holds_layers(value: Any) -> bool:
    return isinstance(value, list) and any(isinstance(entry, dict | list) for entry in value)
