"""The keys of a JSON schema as Markdown: one heading with type, default, description and example for each."""

from collections.abc import Iterator

from site_pages.schema_text import Schema, allowed_values, code, prose


def key_entries(schema: Schema, prefix: str, level: int) -> Iterator[str]:
    """The Markdown blocks of all keys of an object, and of the keys of objects inside.

    Args:
        schema: Of the object.
        prefix: Before the name of each key, such as "training."; also makes the anchors unique.
        level: Of the headings of its keys; those inside have the same.
    """
    for key, entry in schema.get("properties", {}).items():
        if key == "type" and "const" in entry:
            continue
        name = f"{prefix}{key}"
        yield f"{'#' * level} `{name}` {{ #{anchor(name)} }}"
        yield prose(entry["description"])
        yield _facts(key, entry, schema)
        yield from _value_descriptions(entry)
        if examples := entry.get("examples"):
            yield f"Example{'s' * (len(examples) > 1)}: {', '.join(map(code, examples))}"
        yield from key_entries(entry, f"{name}.", level)


def anchor(name: str) -> str:
    """The id of a key's heading.

    >>> anchor("training.early_stopping.patience")
    'training.early_stopping.patience'
    """
    return name.removeprefix("$")


def _facts(key: str, entry: Schema, schema: Schema) -> str:
    """One line: the allowed values, and the default or that there is none."""
    facts = [allowed_values(entry)]
    if key in schema.get("required", []):
        facts.append("**required**")
    elif "default" in entry and entry["default"] != {}:
        facts.append(f"default {code(entry['default'])}")
    if entry.get("deprecated"):
        facts.append("deprecated")
    return f"Value: {'; '.join(facts)}\n{{ .values }}"


def _value_descriptions(entry: Schema) -> Iterator[str]:
    """What each listed value means, where the schema says so for editors."""
    if texts := entry.get("enumDescriptions"):
        yield "\n".join(f"- {code(value)}: {prose(text)}" for value, text in zip(entry["enum"], texts, strict=True))
