"""A fast check of values against a JSON schema, which only reports whether a value is valid.

Schemas are compiled to functions. The messages for an invalid value come from `jsonschema`, which takes ten times as
long; a test compares the two.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from threading import RLock
from typing import Any, Final

from archnet.files.documents.json_text import normalize_integers

Check = Callable[[Any], bool]

_ANNOTATIONS: Final = frozenset(
    [
        "$schema",
        "$id",
        "title",
        "description",
        "examples",
        "default",
        "enumDescriptions",
        "defaultSnippets",
        "deprecated",
        "$defs",
    ]
)

_Number = (int, float)


def _is_number(value: Any) -> bool:
    return isinstance(value, _Number) and not isinstance(value, bool)


def _is_integer(value: Any) -> bool:
    return _is_number(value) and (isinstance(value, int) or value.is_integer())


_TYPES: Final[dict[str, Check]] = {
    "object": lambda value: isinstance(value, dict),
    "array": lambda value: isinstance(value, list),
    "string": lambda value: isinstance(value, str),
    "boolean": lambda value: isinstance(value, bool),
    "null": lambda value: value is None,
    "number": _is_number,
    "integer": _is_integer,
}


def _is_int(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _limit(applies: Check, holds: Callable[[Any, Any], bool]) -> Callable[[Any], Check]:
    """Make the compiler of a keyword that limits values of one type."""
    return lambda limit: lambda value: not applies(value) or holds(value, limit)


def _is_unique(array: list[Any], is_unique: bool) -> bool:
    if not is_unique:
        return True
    return len({json.dumps(normalize_integers(entry), sort_keys=True) for entry in array}) == len(array)


_is_text, _is_array, _is_object = _TYPES["string"], _TYPES["array"], _TYPES["object"]

_LIMITS: Final[dict[str, Callable[[Any], Check]]] = {
    "minimum": _limit(_is_number, lambda value, limit: value >= limit),
    "maximum": _limit(_is_number, lambda value, limit: value <= limit),
    "exclusiveMinimum": _limit(_is_number, lambda value, limit: value > limit),
    "exclusiveMaximum": _limit(_is_number, lambda value, limit: value < limit),
    "minLength": _limit(_is_text, lambda value, limit: len(value) >= limit),
    "maxLength": _limit(_is_text, lambda value, limit: len(value) <= limit),
    "pattern": _limit(_is_text, lambda value, pattern: re.search(pattern, value) is not None),
    "minItems": _limit(_is_array, lambda value, limit: len(value) >= limit),
    "maxItems": _limit(_is_array, lambda value, limit: len(value) <= limit),
    "uniqueItems": _limit(_is_array, _is_unique),
    "minProperties": _limit(_is_object, lambda value, limit: len(value) >= limit),
    "maxProperties": _limit(_is_object, lambda value, limit: len(value) <= limit),
    "required": _limit(_is_object, lambda value, keys: all(key in value for key in keys)),
    "dependentRequired": _limit(
        _is_object,
        lambda value, needs: all(key not in value or all(need in value for need in needs[key]) for key in needs),
    ),
    "enum": lambda allowed: _enum(allowed),
    "const": lambda allowed: _enum([allowed]),
}
"""The keywords that do not contain schemas. Those on sizes come before those on contents; see `_order`."""

_CONTAINERS: Final = ("properties", "additionalProperties", "propertyNames", "prefixItems", "items", "contains")


def _enum(allowed: list[Any]) -> Check:
    words = frozenset(word for word in allowed if isinstance(word, str))
    others = [(isinstance(other, bool), other) for other in allowed if not isinstance(other, str)]

    def is_allowed(value: Any) -> bool:
        if isinstance(value, str):
            return value in words
        return any(is_bool == isinstance(value, bool) and other == value for is_bool, other in others)

    return is_allowed


class SchemaChecks:
    """The compiled checks of schemas that refer to each other.

    Args:
        schemas: The schemas by file name, as in "$ref".
        allows_whole_floats: Whether 3.0 is an integer, as in JSON Schema.
    """

    def __init__(self, schemas: Mapping[str, Mapping[str, Any]], *, allows_whole_floats: bool = True) -> None:
        self._schemas = schemas
        self._types = _TYPES if allows_whole_floats else {**_TYPES, "integer": _is_int}
        self._checks: dict[tuple[str, str], Check] = {}
        self._by_identity: dict[int, Check] = {}
        self._lock = RLock()  # another thread must not use a check that is being compiled

    def check(self, name: str, reference: str = "#") -> Check:
        """The check of a schema, or of a part of it such as "#/$defs/layer".

        Raises:
            NotImplementedError: The schema has a keyword that this module does not know.
        """
        file, _, pointer = reference.partition("#")
        key = (file or name, pointer)
        with self._lock:
            if key not in self._checks:
                self._checks[key] = lambda value: self._checks[key](value)  # for schemas that refer to themselves
                part = self._part(*key)
                self._checks[key] = self._compile(part, key[0])
                self._by_identity[id(part)] = self._checks[key]
            return self._checks[key]

    def accepts(self, part: Any, value: Any) -> bool:
        """Whether a value is valid for a part of the schemas, if its check is compiled; false if it is not."""
        check = self._by_identity.get(id(part))
        return check is not None and check(value)

    def _part(self, name: str, pointer: str) -> Any:
        part: Any = self._schemas[name]
        for step in pointer.split("/")[1:]:
            part = part[step]
        return part

    def _compile(self, schema: Mapping[str, Any], name: str) -> Check:
        """Compile a schema into one function."""
        if isinstance(schema, bool):
            return lambda value: schema
        checks = [self._type(schema["type"])] if "type" in schema else []
        checks += [_LIMITS[keyword](limit) for keyword, limit in schema.items() if keyword in _LIMITS]
        checks += [self._dispatch(schema["allOf"], name)] if "allOf" in schema else []
        checks += [self._any(schema["anyOf"], name)] if "anyOf" in schema else []
        checks += [self._conditional(schema, name)] if "if" in schema else []
        checks += [self.check(name, schema["$ref"])] if "$ref" in schema else []
        checks += [self._members(schema, name)] if {"properties", "additionalProperties"} & set(schema) else []
        checks += [self._items(schema, name)] if {"prefixItems", "items"} & set(schema) else []
        checks += [self._each(schema[key], name, key) for key in ("contains", "propertyNames") if key in schema]
        known = {*_LIMITS, *_ANNOTATIONS, *_CONTAINERS, "type", "allOf", "anyOf", "if", "then", "else", "$ref"}
        if unknown := set(schema) - known:
            raise NotImplementedError(f"unknown keywords of a JSON schema: {', '.join(sorted(unknown))}.")
        return checks[0] if len(checks) == 1 else _all(checks)

    def _type(self, names: str | list[str]) -> Check:
        if isinstance(names, str):
            return self._types[names]
        checks = [self._types[name] for name in names]
        return lambda value: any(check(value) for check in checks)

    def _any(self, branches: list[Any], name: str) -> Check:
        checks = [self._compile(branch, name) for branch in branches]
        return lambda value: any(check(value) for check in checks)

    def _conditional(self, schema: Mapping[str, Any], name: str) -> Check:
        condition = self._compile(schema["if"], name)
        positive = self._compile(schema.get("then", True), name)
        negative = self._compile(schema.get("else", True), name)
        return lambda value: positive(value) if condition(value) else negative(value)

    def _dispatch(self, branches: list[Any], name: str) -> Check:
        """Compile `allOf`, whose branches mostly each apply to one `type`."""
        by_type: dict[str, list[Check]] = {}
        others: list[Check] = []
        for branch in branches:
            kind = _required_type(branch)
            if kind is None:
                others.append(self._compile(branch, name))
            else:
                by_type.setdefault(kind, []).append(self._compile(branch["then"], name))
        table = {kind: _all(checks) for kind, checks in by_type.items()}
        rest = _all(others)

        def check(value: Any) -> bool:
            kind = value.get("type") if isinstance(value, dict) else None
            chosen = table.get(kind) if isinstance(kind, str) else None
            return (chosen is None or chosen(value)) and rest(value)

        return check

    def _members(self, schema: Mapping[str, Any], name: str) -> Check:
        checks = {key: self._compile(part, name) for key, part in schema.get("properties", {}).items()}
        additional = self._compile(schema.get("additionalProperties", True), name)

        def check(value: Any) -> bool:
            if not isinstance(value, dict):
                return True
            return all(checks.get(key, additional)(entry) for key, entry in value.items())

        return check

    def _items(self, schema: Mapping[str, Any], name: str) -> Check:
        """Compile `prefixItems`, the schemas of the first entries, and `items`, that of the others."""
        first = [self._compile(part, name) for part in schema.get("prefixItems", [])]
        others = self._compile(schema.get("items", True), name)

        def check(value: Any) -> bool:
            if not isinstance(value, list):
                return True
            return all(is_valid(entry) for is_valid, entry in zip(first, value, strict=False)) and all(
                map(others, value[len(first) :] if first else value)
            )

        return check

    def _each(self, schema: Any, name: str, keyword: str) -> Check:
        """Compile `contains` and `propertyNames`."""
        check = self._compile(schema, name)
        kind, quantifier = (dict if keyword == "propertyNames" else list), (any if keyword == "contains" else all)
        return lambda value: not isinstance(value, kind) or quantifier(map(check, value))


def _all(checks: list[Check]) -> Check:
    """Combine checks; a tree of pairs is faster than a loop."""
    if len(checks) <= 1:
        return checks[0] if checks else lambda value: True
    middle = len(checks) // 2
    first, second = _all(checks[:middle]), _all(checks[middle:])
    return lambda value: first(value) and second(value)


def _required_type(branch: Any) -> str | None:
    """The type that a branch {"if": {... "type": {"const": ...} ...}, "then": ...} is for; null for other branches."""
    condition = branch.get("if", {}) if isinstance(branch, dict) else {}
    kind = condition.get("properties", {}).get("type", {}).get("const")
    expected = {"type": "object", "properties": {"type": {"const": kind}}, "required": ["type"]}
    return kind if isinstance(kind, str) and condition == expected and set(branch) == {"if", "then"} else None
