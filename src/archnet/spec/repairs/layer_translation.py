"""Translation of a layer of another framework, whatever it contains: no value is lost."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from archnet.errors import closest_word
from archnet.files.documents.problems import Repair, ReplaceValue
from archnet.files.strict_json import JsonPath
from archnet.spec.repairs.schema_repairs import allows, placeholder, read_text_value
from archnet.spec.synonyms.key_synonyms import key_synonym
from archnet.spec.synonyms.layer_synonyms import implied_keys, layer_type_of


def translate_layer(name: Any, layer: Any, path: JsonPath, schemas: Mapping[str, Any]) -> tuple[Repair, ...]:
    """Translate a layer of another framework: its type, its keys, also misspelt ones, and missing keys.

    Keys without a counterpart are kept and become a problem of their own. If most keys have none, the type is not
    what was meant, and there is no translation.

    Args:
        name: The type in the other framework.
        layer: The whole layer.
        path: Path of the layer.
        schemas: The schema of each layer type.
    """
    kind = layer_type_of(name) if isinstance(name, str) else None
    if kind is None or kind not in schemas or not isinstance(layer, dict):
        return ()
    known, required = schemas[kind]["properties"], schemas[kind]["required"]
    names = _translated_keys([key for key in layer if key != "type"], known)
    num_kept = sum(name not in known for name in names.values())
    if num_kept > max(len(names) - num_kept, 1):
        return ()
    given = {
        name: _translate_value(layer[key], known[name]) if name in known else layer[key] for key, name in names.items()
    }
    implied = {key: value for key, value in implied_keys(str(name)).items() if key in known and key not in given}
    missing = {key: placeholder(known[key]) for key in required if key not in {"type", *given, *implied}}
    translated = {"type": kind, **implied, **given, **missing}
    return (Repair(f"Replace with layer {kind}", (ReplaceValue(path, translated),)),)


def _translated_keys(keys: list[str], known: Mapping[str, Any]) -> dict[str, str]:
    """The archnet name of each key; the key itself if it has none, or if another key already has this name."""
    names: dict[str, str] = {key: key for key in keys if key in known}
    for translate in (key_synonym, closest_word):
        for key in keys:
            name = None if key in names else translate(key, known)
            if name and name != "type" and name not in names.values():
                names[key] = name
    return {key: names.get(key, key) for key in keys}


def _translate_value(value: Any, schema: Mapping[str, Any]) -> Any:
    """A number or a literal for a text in quotes, if the schema has no texts there."""
    if not isinstance(value, str) or "$ref" in schema or allows(schema, "string"):
        return value
    return next(iter(read_text_value(value, schema, [])), value)
