"""The pages of the JSON language: every key of architectures, experiments and sweeps."""

from collections.abc import Iterable, Iterator

from archnet.spec.schema import read_schema
from site_pages.schema_keys import key_entries
from site_pages.schema_text import Schema, prose

_NOTE = (
    "This page is generated from the [schema](../files/schemas/{name}.schema.json), which editors use to complete and "
    "explain keys. A file with an unknown key or an impossible value is rejected; `archnet check FILE` lists all "
    "problems with their line numbers."
)


def page(blocks: Iterable[str]) -> str:
    """Markdown blocks as one page."""
    return "\n\n".join(blocks) + "\n"


def architecture_page() -> str:
    """The keys of an architecture around its layers."""
    schema = read_schema("arch")
    definitions = schema["$defs"]
    return page(
        [
            "# Architecture file",
            prose(schema["description"]),
            "The types of layers and their keys are on the page [Layers](layers.md).",
            _NOTE.format(name="arch"),
            *key_entries(definitions["architecture"], "", 2),
        ]
    )


def experiment_page() -> str:
    """The keys of an experiment, by section."""
    schema = read_schema("experiment")
    return page(
        ["# Experiment file", prose(schema["description"]), _NOTE.format(name="experiment"), *_sections(schema)]
    )


def _sections(schema: Schema) -> Iterator[str]:
    """The keys at the top, then those of each section, then the augmentations."""
    entries = schema["properties"]
    sections = {key: entry for key, entry in entries.items() if entry.get("default") == {}}
    plain = {key: entry for key, entry in entries.items() if key not in sections}
    yield "## Top level { #top-level }"
    yield from key_entries({**schema, "properties": plain}, "", 3)
    for key, entry in sections.items():
        yield f"## `{key}` {{ #{key} }}"
        yield prose(entry["description"])
        yield from key_entries(entry, f"{key}.", 3)
    yield "## Augmentations { #augmentation }"
    yield "Entries of [`training.augmentation`](#training.augmentation), each an object with a `type`."
    for name, definition in schema["$defs"].items():
        if name != "augmentation":
            yield f"### `{name}` {{ #{name} }}"
            yield prose(definition["description"])
            yield from key_entries(definition, f"{name}.", 4)


def sweep_page() -> str:
    """The keys of a sweep."""
    schema = read_schema("sweep")
    return page(
        [
            "# Sweep file",
            prose(schema["description"]),
            _NOTE.format(name="sweep"),
            *key_entries(schema, "", 2),
            "## Ranges { #range }",
            "A value of [`space`](#space) that is an object draws a number from a range.",
            *key_entries(schema["$defs"]["range"], "range.", 3),
        ]
    )
