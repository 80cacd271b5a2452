"""What a JSON schema allows, in words."""

import json
import re
from typing import Any

Schema = dict[str, Any]

_ALTERNATIVES = re.compile(r"\^\(?([\w |]+)\)?\$")
"""A pattern that lists words, such as ^(hu|auto)$."""

_MARKED = re.compile(r'"[\w.-]+"|\b(?:data|split|training|evaluation|arch)\.[a-z]\w*|(?<![\w-])--[a-z][a-z-]*|\bnull\b')
"""What is code in a description: quoted values, dotted keys, options, null."""


def allowed_values(schema: Schema) -> str:
    """The values that a schema accepts, as Markdown.

    >>> allowed_values({"type": ["integer", "null"], "minimum": 1})
    'an integer from 1 or `null`'
    """
    return _joined(_alternatives(schema))


def code(value: Any) -> str:
    """A JSON value as inline code.

    >>> code([3, 3]), code("auto")
    ('`[3, 3]`', '`"auto"`')
    """
    return f"`{json.dumps(value, ensure_ascii=False)}`"


def prose(text: str) -> str:
    """A description of a schema as Markdown: values and keys become inline code.

    >>> prose('"auto" takes data.crop_size; `check` prints it.')
    '`"auto"` takes `data.crop_size`; `check` prints it.'
    """
    parts = text.split("`")
    parts[::2] = [_MARKED.sub(r"`\g<0>`", _escaped(part)) for part in parts[::2]]
    return "`".join(parts)


def _escaped(text: str) -> str:
    return text.replace("<", "&lt;").replace("*", r"\*")


def _joined(texts: list[str]) -> str:
    return texts[0] if len(texts) == 1 else f"{', '.join(texts[:-1])} or {texts[-1]}"


def _alternatives(schema: Schema) -> list[str]:
    if "$ref" in schema:
        return [_reference(schema["$ref"])]
    if "const" in schema:
        return [code(schema["const"])]
    if "enum" in schema:
        return [code(value) for value in schema["enum"]]
    if "anyOf" in schema:
        return list(dict.fromkeys(text for option in schema["anyOf"] for text in _alternatives(option)))
    kinds = schema.get("type", "any value")
    kinds = kinds if isinstance(kinds, list) else [kinds]
    return [text for kind in sorted(kinds, key=lambda kind: kind == "null") for text in _of_kind(kind, schema)]


def _reference(target: str) -> str:
    name = target.rpartition("/")[2]
    if name == "arch.schema.json":
        return "an [architecture](architecture.md)"
    if name in ("layer", "layers", "branch"):
        return {"layer": "a layer", "layers": "an array of layers", "branch": "an array of layers, may be empty"}[name]
    if name in ("activation", "padding", "norm"):
        article = "an" if name[0] in "aeiou" else "a"
        return f"{article} [{name}](layers.md#{name})"
    return f"[{name}](#{name})"


def _of_kind(kind: str, schema: Schema) -> list[str]:
    if kind == "null":
        return ["`null`"]
    if kind == "boolean":
        return ["`true`", "`false`"]
    if kind == "string":
        return _strings(schema)
    if kind in ("integer", "number"):
        return [f"{'an integer' if kind == 'integer' else 'a number'}{_bounds(schema)}"]
    return [_array(schema)] if kind == "array" else ["an object"] if kind == "object" else [kind]


def _strings(schema: Schema) -> list[str]:
    listed = _ALTERNATIVES.match(schema.get("pattern", ""))
    return [code(word) for word in listed[1].split("|")] if listed else ["a string"]


def _bounds(schema: Schema) -> str:
    low, high = schema.get("minimum"), schema.get("maximum")
    above, below = schema.get("exclusiveMinimum"), schema.get("exclusiveMaximum")
    parts = [
        f"from {low:,}" if low is not None else f"above {above:,}" if above is not None else "",
        f"to {high:,}" if high is not None else f"below {below:,}" if below is not None else "",
    ]
    if low is None and above is not None and high is not None:
        parts[1] = f"up to {high:,}"
    if low is not None and below is not None:
        parts[1] = f"to below {below:,}"
    return "".join(f" {part}" for part in parts if part)


def _array(schema: Schema) -> str:
    if "then" in schema and "contains" in schema.get("if", {}):
        pair = _array({"type": "array", **schema["else"]})
        return f"{pair} or an array of these"
    low, high = schema.get("minItems"), schema.get("maxItems")
    items = schema.get("items") or schema.get("else", {}).get("items", {})
    count = f"{low} " if low == high and low else f"{low} or {high} " if low and high == low + 1 else ""
    inner = _item_text(items)
    return f"an array of {count}{inner}" if inner else "an array"


def _item_text(items: Schema) -> str:
    if "$ref" in items:
        known = {"layer": "layers", "branch": "branches, each an array of layers"}
        return known.get(_name(items["$ref"])) or f"[{_plural(items['$ref'])}](#{_name(items['$ref'])})"
    if "enum" in items:
        return f"names from this list: {', '.join(code(value) for value in items['enum'])}"
    kinds = items.get("type", [])
    kinds = kinds if isinstance(kinds, list) else [kinds]
    plurals = {"integer": "integers", "number": "numbers", "string": "strings", "array": "arrays", "object": "objects"}
    text = " or ".join(plurals[kind] for kind in kinds if kind in plurals)
    return text + (_bounds(items) if set(kinds) <= {"integer", "number"} else "")


def _name(target: str) -> str:
    return target.rpartition("/")[2]


def _plural(target: str) -> str:
    return f"{_name(target)} objects"
