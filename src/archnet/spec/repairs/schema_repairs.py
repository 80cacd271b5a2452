"""Changes of a document that repair a schema violation."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any, Final

from archnet.errors import closest_word
from archnet.files.documents.problems import (
    Repair,
    add_key,
    remove_key,
    rename_to,
    replace_with,
)
from archnet.files.documents.quick_check import SchemaChecks
from archnet.files.strict_json import JsonPath, slugify
from archnet.spec.synonyms.key_synonyms import key_synonym

_PLACEHOLDERS: Final[dict[str, Any]] = {
    "integer": 1,
    "number": 1,
    "string": "",
    "boolean": False,
    "array": [],
    "object": {},
    "null": None,
}


def repair_unknown_key(path: JsonPath, known_keys: Mapping[str, Any], given: Mapping[str, Any]) -> tuple[Repair, ...]:
    """Rename an unknown key to the one that was probably meant, or remove it.

    Args:
        path: Path of the key.
        known_keys: The known keys.
        given: The object that holds the key.
    """
    key = str(path[-1])
    word = known_key(key, known_keys)
    renamed = (rename_to(path, word),) if word and word not in given else ()
    return (*renamed, remove_key(path))


def known_key(key: str, known_keys: Mapping[str, Any]) -> str | None:
    """The key that was probably meant by an unknown one; null if none is similar."""
    return key_synonym(key, known_keys) or closest_word(key, known_keys)


def repair_missing_key(
    path: JsonPath, key: str, schema: Mapping[str, Any], given: Mapping[str, Any]
) -> Iterator[Repair]:
    """Add a missing key with its default, or else a valid value.

    Args:
        path: Path of the object.
        key: The key.
        schema: Schema of the object.
        given: The object.
    """
    part = schema.get("properties", {}).get(key, {})
    for other in [name for name, value in given.items() if closest_word(name, [key]) and value in part.get("enum", ())]:
        yield rename_to((*path, other), key)
    if key == "type" and "enum" in part:
        kinds = [kind for kind in part["enum"] if kind == _guess_type(given)]
        yield from (add_key(path, key, kind, before=next(iter(given)), is_guess=True) for kind in kinds)
    elif key == "layers" and "type" in given:
        return  # the inner layers of a block
    elif key == "layers":
        yield add_key(path, key, [{"type": "T"}])
    elif part and not _names_file(placeholder(part)):
        yield add_key(path, key, placeholder(part))


def _names_file(value: Any) -> bool:
    """Whether a value is a file or a list of files, which only the user knows."""
    entries = value if isinstance(value, list) else [value]
    return any(isinstance(entry, str) and entry.endswith(".json") for entry in entries)


def placeholder(schema: Mapping[str, Any]) -> Any:
    """A valid value: the default, an example that is not an array, any example, or the simplest value of the type."""
    examples = schema.get("examples", [])
    plain = [example for example in examples if not isinstance(example, list | dict)]
    for value in [*([schema["default"]] if "default" in schema else []), *plain, *examples, *schema.get("enum", [])]:
        return value
    kind = schema.get("type", "null")
    return _PLACEHOLDERS[kind if isinstance(kind, str) else kind[0]]


def _guess_type(layer: Mapping[str, Any]) -> str | None:
    """The type of a layer without a type, from its keys; null if they do not determine it."""
    keys = set(layer)
    if {"num_output", "kernel_size"} <= keys:
        return "C"
    if "pool" in keys:
        return "P"
    return "FC" if "num_output" in keys else None


def repair_value(error: Any, path: JsonPath, words: list[Any]) -> tuple[Repair, ...]:
    """Replace an invalid value by the one that was probably meant.

    Args:
        error: The violation, as `jsonschema` reports it.
        path: Path of the value.
        words: The texts that are valid in its place.
    """
    value, limit = error.instance, error.validator_value
    candidates: list[Any] = []
    if isinstance(value, str):
        candidates += read_text_value(value, error.schema, words)
        if error.validator == "pattern" and not words:
            candidates += [slugify(value)]
    if error.validator in ("minimum", "maximum"):
        candidates.append(limit)
    if isinstance(value, list):
        candidates += _resize(value, error)
    if isinstance(value, float | int) and not isinstance(value, bool) and allows(error.schema, "boolean"):
        candidates += [bool(value)] if value in (0, 1) else []
    return tuple(replace_with(path, candidate) for candidate in candidates if _is_valid(candidate, error.schema))


def read_text_value(text: str, schema: Mapping[str, Any], words: list[Any]) -> list[Any]:
    """Values that a text in the place of another value probably means."""
    known = [word for word in words if isinstance(word, str)]
    candidates: list[Any] = []
    if word := closest_word(text, known):
        candidates.append(word)
    lower = text.strip().lower()
    if lower in ("true", "false") and allows(schema, "boolean"):
        candidates.append(lower == "true")
    if lower in ("null", "none") and allows(schema, "null"):
        candidates.append(None)
    try:
        number = float(lower) if allows(schema, "number") or allows(schema, "integer") else None
    except ValueError:
        number = None
    if number is not None and abs(number) < 1e15:
        candidates.append(int(number) if number.is_integer() else number)
    return candidates


def _resize(value: list[Any], error: Any) -> list[Any]:
    if error.validator == "maxItems":
        return [value[: error.validator_value]]
    if error.validator == "minItems" and len(value) == 1 and allows(error.schema, "integer"):
        return [value[0]]
    if error.validator == "minItems" and value:
        return [value + [value[-1]] * (error.validator_value - len(value))]
    if error.validator == "uniqueItems":
        return [[entry for index, entry in enumerate(value) if entry not in value[:index]]]
    return [value[0]] if error.validator == "type" and len(value) == 1 else []


def allows(schema: Mapping[str, Any], kind: str) -> bool:
    """Whether a schema allows a type."""
    kinds = schema.get("type", [])
    branches = schema.get("anyOf", [])
    return kind in ([kinds] if isinstance(kinds, str) else kinds) or any(allows(branch, kind) for branch in branches)


def _is_valid(value: Any, schema: Mapping[str, Any]) -> bool:
    """Whether a value is valid, as far as the schema says so itself, without the schemas to which it refers."""
    own = {keyword: limit for keyword, limit in schema.items() if '"$ref"' not in json.dumps({keyword: limit})}
    try:
        return SchemaChecks({"own": own}).check("own")(value)
    except NotImplementedError:  # a keyword of the schemas of output files, which have no repairs
        return False
