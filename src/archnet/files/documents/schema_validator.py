"""A JSON Schema validator with bounded work: arrays and objects that are too long are rejected unread."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

from archnet.files.documents.json_text import normalize_integers
from archnet.files.documents.quick_check import SchemaChecks


@cache
def schema_validator(checks: SchemaChecks | None = None) -> Any:
    """Return a class that validates Draft 2020-12 schemas like `jsonschema`, but faster.

    Entries of arrays above `maxItems` and of objects above `maxProperties` are not validated, `uniqueItems` takes
    linear time, and branches of `allOf` for a different `type` than that of the instance are skipped.

    Args:
        checks: The compiled checks of the schemas; values that they accept are not validated.
    """
    from jsonschema import Draft202012Validator
    from jsonschema.validators import extend

    keywords = Draft202012Validator.VALIDATORS
    bounded = {
        name: _skip_if_too_large(keywords[name], "maxProperties" if "ropert" in name else "maxItems")
        for name in ("items", "additionalProperties", "propertyNames")
    }
    unique = _skip_if_too_large(_unique_items, "maxItems")
    skipping = {} if checks is None else {"$ref": _skip_if_valid(keywords["$ref"], checks)}
    return extend(  # type: ignore[no-untyped-call]
        Draft202012Validator, {**bounded, **skipping, "uniqueItems": unique, "allOf": _all_of}
    )


def _skip_if_valid(validate: Any, checks: SchemaChecks) -> Any:
    def validate_reference(validator: Any, reference: str, instance: Any, schema: Any) -> Iterator[Any]:
        if not checks.accepts(validator._resolver.lookup(reference).contents, instance):
            yield from validate(validator, reference, instance, schema) or ()

    return validate_reference


def _skip_if_too_large(validate: Any, limit_key: str) -> Any:
    def validate_bounded(validator: Any, value: Any, instance: Any, schema: Mapping[str, Any]) -> Iterator[Any]:
        if not isinstance(instance, list | dict) or len(instance) <= schema.get(limit_key, len(instance)):
            yield from validate(validator, value, instance, schema) or ()

    return validate_bounded


def _unique_items(validator: Any, is_unique: bool, instance: Any, schema: Mapping[str, Any]) -> Iterator[Any]:
    from jsonschema import ValidationError

    if is_unique and isinstance(instance, list):
        texts = [json.dumps(normalize_integers(entry), sort_keys=True) for entry in instance]
        if len(set(texts)) < len(texts):
            yield ValidationError("entries are equal")


def _all_of(validator: Any, branches: Any, instance: Any, schema: Mapping[str, Any]) -> Iterator[Any]:
    for index, branch in enumerate(branches):
        if not _is_for_other_type(branch, instance):
            yield from validator.descend(instance, branch, schema_path=index)


def _is_for_other_type(branch: Mapping[str, Any], instance: Any) -> bool:
    """Whether a branch {"if": {"properties": {"type": {"const": ...}}}, "then": ...} is for a different type.

    None is for a value of another kind, which is a problem of its own.
    """
    wanted = branch.get("if", {}).get("properties", {}).get("type", {}).get("const")
    return (
        isinstance(wanted, str)
        and "else" not in branch
        and (
            instance.get("type", wanted) != wanted
            if isinstance(instance, dict)
            else branch["if"].get("type") == "object"
        )
    )
