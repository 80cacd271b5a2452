"""JSON schemas, and messages for schema violations that say what to change."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any, Final

from archnet.errors import did_you_mean
from archnet.files.documents.json_text import has_surrogates, surrogate_problem
from archnet.files.documents.json_text import json_text as json_text
from archnet.files.documents.names import NAME_PATTERN, NAME_RULE, name_problem
from archnet.files.documents.problems import Repair
from archnet.files.documents.quick_check import SchemaChecks
from archnet.files.documents.schema_validator import schema_validator
from archnet.files.documents.shipped_documents import shipped_folder
from archnet.files.strict_json import MAX_PROBLEMS, Document, JsonPath, Problem
from archnet.spec.repairs.layer_translation import translate_layer
from archnet.spec.repairs.schema_repairs import known_key, repair_missing_key, repair_unknown_key, repair_value
from archnet.spec.synonyms.layer_synonyms import layer_type_hint

SCHEMAS: Final = ("arch", "experiment", "sweep")
"""The names of the schemas."""


def schema_path(name: str) -> Path:
    """The file of one of `SCHEMAS`."""
    return shipped_folder() / "schemas" / f"{name}.schema.json"


@cache
def read_schema(name: str) -> dict[str, Any]:
    """Read one of `SCHEMAS`."""
    return dict(json.loads(schema_path(name).read_text("utf-8")))


@cache
def _checks() -> SchemaChecks:
    return SchemaChecks({f"{name}.schema.json": read_schema(name) for name in SCHEMAS})


@cache
def _validator(name: str) -> Any:
    from referencing import Registry, Resource

    resources_by_name = [(f"{part}.schema.json", Resource.from_contents(read_schema(part))) for part in ("arch", name)]
    registry: Any = Registry().with_resources(resources_by_name)
    return schema_validator(_checks())(read_schema(name), registry=registry)


def schema_problems(document: Document, schema: str) -> list[Problem]:
    """Return all schema violations of a document.

    Args:
        document: The document.
        schema: One of `SCHEMAS`.
    """
    is_valid = _checks().check(f"{schema}.schema.json")(document.value)
    errors = () if is_valid else _validator(schema).iter_errors(document.value)
    return [
        *(_surrogate_problems(document.value, ()) if has_surrogates(document.value) else ()),
        *(problem for error in errors for problem in violation_problems(error, document.value)),
    ]


def _surrogate_problems(value: Any, path: JsonPath) -> Iterator[Problem]:
    """Yield lone surrogates, which files cannot contain, but texts from Python or the command line can."""
    for text in [value] if isinstance(value, str) else value if isinstance(value, dict) else ():
        if problem := surrogate_problem(text):
            yield Problem(path, f"{json_text(text)} {problem}")
    entries = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for step, entry in entries:
        yield from _surrogate_problems(entry, (*path, step))


def violation_problems(error: Any, root: Any = None) -> Iterator[Problem]:
    """Yield the problems of one schema violation.

    Args:
        error: The violation.
        root: The whole document, for repairs.
    """
    path = tuple(error.absolute_path)
    if error.validator in ("additionalProperties", "unevaluatedProperties"):
        known_keys = error.schema.get("properties", {})
        for number, key in enumerate(sorted(set(error.instance) - set(known_keys))):
            is_listed = number < MAX_PROBLEMS  # later ones are only counted
            text = f"unknown key {json_text(key)}.{_key_hint(key, known_keys) if is_listed else ''}"
            repairs = repair_unknown_key((*path, key), known_keys, error.instance) if is_listed else ()
            yield Problem((*path, key), text, repairs)
    elif error.validator == "required":
        for key in error.validator_value:
            if key not in error.instance and key not in _misspelled_keys(error):
                text = f'the key "{key}" is missing.{_key_description(error.schema, key)}'
                repairs = tuple(repair_missing_key(path, key, error.schema, error.instance))
                yield Problem(path, text, repairs)
    elif error.validator == "dependentRequired":
        for key in sorted(set(error.instance) & set(error.validator_value)):
            yield Problem((*path, key), f"needs {', '.join(map(json_text, error.validator_value[key]))} as well.")
    elif error.validator not in ("if", "allOf"):
        words = _valid_words(error)
        translated: tuple[Repair, ...] = ()
        if path and path[-1] == "type" and "C" in words:
            translated = translate_layer(
                error.instance, _value_at(root, path[:-1]), path[:-1], read_schema("arch")["$defs"]
            )
        yield Problem(path, _value_message(error), translated or repair_value(error, path, words))


def _value_at(root: Any, path: JsonPath) -> Any:
    """The value at a path; null if there is none."""
    for step in path:
        root = root[step] if root is not None else None
    return root


def _valid_words(error: Any) -> list[Any]:
    """The values that an enumeration lists, or the words of a pattern."""
    if error.validator in ("enum", "const"):
        return [error.validator_value] if error.validator == "const" else list(error.validator_value)
    return list(pattern_words(error.schema))


def _misspelled_keys(error: Any) -> set[str]:
    """The keys that the messages for unknown keys suggest: one mistake has one message."""
    known_keys = error.schema.get("properties", {})
    if error.schema.get("additionalProperties") is not False:
        return set()
    hints = {did_you_mean(key, known_keys) for key in sorted(set(error.instance) - set(known_keys))[:MAX_PROBLEMS]}
    return {key for key in known_keys if f' Did you mean "{key}"?' in hints}


def _key_description(schema: Mapping[str, Any], key: str) -> str:
    description = schema.get("properties", {}).get(key, {}).get("description", "")
    return f" Description: {description}" if description else ""


def _key_hint(key: str, known_keys: Mapping[str, Any]) -> str:
    return did_you_mean(key, known_keys) or _listing_text("Known keys", known_keys)


def _listing_text(title: str, words: Sequence[str] | Mapping[str, Any]) -> str:
    return f" {title}: {', '.join(sorted(map(str, words)))}."


_JSON_TYPES: Final = {
    "integer": "a whole number",
    "number": "a number",
    "string": "a string",
    "boolean": "true or false",
    "array": "an array",
    "object": "an object",
    "null": "null",
}

_LIMIT_TEXTS: Final = {
    "minimum": "at least {}",
    "maximum": "at most {}",
    "exclusiveMinimum": "above {}",
    "exclusiveMaximum": "below {}",
    "minItems": "an array of at least {}",
    "maxItems": "an array of at most {}",
    "uniqueItems": "different values",
    "minLength": "at least {} characters",
    "minProperties": "an object of at least {}",
    "maxProperties": "an object of at most {}",
    "maxLength": "at most {} characters",
    "pattern": "text that matches {}",
}


def _value_message(error: Any) -> str:
    """Describe an invalid value: the given and the expected value."""
    value_text = json_text(error.instance)
    limit = error.validator_value
    if error.validator in ("enum", "const"):
        allowed = [limit] if error.validator == "const" else limit
        words = [word for word in allowed if isinstance(word, str)]
        hint = _word_hint(error.instance, words) if isinstance(error.instance, str) else ""
        return f"{value_text} is not one of {', '.join(map(json_text, allowed))}.{hint}"
    if error.validator == "type" or (error.validator == "pattern" and pattern_words(error.schema)):
        hint = did_you_mean(error.instance, pattern_words(error.schema)) if isinstance(error.instance, str) else ""
        return f"expected {expected_text(error.schema)}, got {value_text}.{hint}"
    if error.validator == "pattern" and limit == NAME_PATTERN:
        return name_problem(error.instance) or f"expected {NAME_RULE}, got {value_text}."
    if error.validator == "anyOf" and all("type" in branch for branch in limit):
        return f"expected {' or '.join(map(_range_text, limit))}, got {value_text}."
    if error.validator in _LIMIT_TEXTS:
        return f"expected {_LIMIT_TEXTS[error.validator].format(limit)}, got {value_text}."
    return f"{value_text} does not fit {error.validator} {json_text(limit)}."


def _word_hint(word: str, known: Sequence[str]) -> str:
    """Suggest a replacement for a word; for layer types, also translate the names of other frameworks."""
    return layer_type_hint(word, known) or did_you_mean(word, known)


def _range_text(schema: Mapping[str, Any]) -> str:
    """Describe a type with its limits.

    >>> _range_text({"type": "number", "minimum": 0, "maximum": 1})
    'a number from 0 to 1'
    """
    limits = f" from {schema['minimum']} to {schema['maximum']}" if {"minimum", "maximum"} <= set(schema) else ""
    return f"{_JSON_TYPES[schema['type']]}{limits}"


def unknown_key_problem(path: JsonPath) -> str | None:
    """Explain why an experiment has no key at a path; None if it has, or if that depends on values on the path.

    >>> unknown_key_problem(("training", "learningrate"))
    'unknown key "learningrate". Did you mean "learning_rate"?'
    """
    schema: Mapping[str, Any] = read_schema("experiment")
    for step in path:
        known_keys = schema.get("properties")
        if not isinstance(known_keys, Mapping) or schema.get("additionalProperties") is not False:
            return None
        if step not in known_keys:
            return f"unknown key {json_text(step)}.{_key_hint(str(step), known_keys)}"
        schema = known_keys[step]
    return None


def known_path(path: JsonPath) -> JsonPath | None:
    """The path of an experiment's key that was probably meant by one with an unknown step; null if none is similar.

    >>> known_path(("training", "epoch")), known_path(("training", "epochs"))
    (('training', 'epochs'), None)
    """
    schema: Mapping[str, Any] = read_schema("experiment")
    for index, step in enumerate(path):
        known_keys = schema.get("properties")
        if not isinstance(known_keys, Mapping) or schema.get("additionalProperties") is not False:
            return None
        if step not in known_keys:
            word = known_key(str(step), known_keys)
            return (*path[:index], word, *path[index + 1 :]) if word else None
        schema = known_keys[step]
    return None


def expected_text(schema: Mapping[str, Any]) -> str:
    r"""Describe the valid values: the types, and the words instead of any string if the pattern lists them.

    >>> expected_text({"type": ["integer", "string"], "pattern": r"^auto$(?!\n)"})
    'a whole number or "auto"'
    """
    types = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
    kinds = [_JSON_TYPES[kind] for kind in types if kind != "string" or not pattern_words(schema)]
    return " or ".join([*kinds, *map(json_text, pattern_words(schema))])


def pattern_words(schema: Mapping[str, Any]) -> list[str]:
    r"""The words that a pattern such as ^(hu|auto)$(?!\n) lists; empty for other patterns."""
    match = re.fullmatch(r"\^\(?([\w ]+(?:\|[\w ]+)*)\)?\$\(\?!\\n\)", schema.get("pattern", ""))
    return match[1].split("|") if match else []
