"""The generated pages: every key, type, command and function is on them, and they are the same every time."""

import doctest
import re
from importlib import import_module

import pytest

import archnet
import site_pages
from archnet.spec.schema import read_schema
from command_line import ROOT
from site_pages import generated_pages, with_site_links
from site_pages.repository_pages import files_page
from site_pages.schema_keys import key_entries
from site_pages.schema_text import allowed_values, prose

PAGES = generated_pages()


def anchors(name):
    found = re.findall(r"^#+ .*\{ #(\S+) \}$", PAGES[name], re.MULTILINE)
    assert len(found) == len(set(found))
    return set(found)


@pytest.mark.parametrize("module", sorted(path.stem for path in (ROOT / "docs/site_pages").glob("[a-z]*.py")))
def test_the_examples_in_docstrings_are_true(module):
    assert doctest.testmod(import_module(f"site_pages.{module}")).failed == 0


def test_every_key_of_an_experiment_has_an_anchor():
    sections = {
        name: entry["properties"]
        for name, entry in read_schema("experiment")["properties"].items()
        if "properties" in entry
    }
    keys = {f"{section}.{key}" for section, entries in sections.items() for key in entries}
    assert len(keys) > 50
    assert keys <= anchors("reference/experiment.md")
    assert {"data", "training.early_stopping.patience", "shift.height"} <= anchors("reference/experiment.md")


def test_every_key_of_a_layer_and_of_a_sweep_has_an_anchor():
    definitions = read_schema("arch")["$defs"]
    keys = {
        f"{name}.{key}"
        for name, definition in definitions.items()
        for key in definition.get("properties", {})
        if name.isupper() and key not in ("type", "description")
    }
    assert len(keys) > 50
    assert keys <= anchors("reference/layers.md")
    assert set(read_schema("sweep")["properties"]) - {"$schema"} <= anchors("reference/sweep.md")


def test_every_public_name_and_every_command_has_its_place():
    from typer.main import get_command

    from archnet.cli import app

    assert {f"::: archnet.{name}" for name in archnet.__all__} <= set(PAGES["reference/python.md"].splitlines())
    for name in get_command(app).commands:
        assert f"## `archnet {name}`" in PAGES["reference/command-line.md"]


@pytest.mark.slow
def test_the_pages_are_the_same_every_time():
    assert generated_pages() == PAGES


@pytest.mark.parametrize(
    ("schema", "text"),
    [
        ({"enum": ["max", "avg"]}, '`"max"` or `"avg"`'),
        ({"type": "boolean"}, "`true` or `false`"),
        ({"type": "number", "exclusiveMinimum": 0, "maximum": 1}, "a number above 0 up to 1"),
        ({"type": "number", "minimum": 0, "exclusiveMaximum": 100}, "a number from 0 to below 100"),
        (
            {"type": ["null", "integer", "string"], "pattern": r"^(auto)$(?!\n)", "minimum": 1},
            'an integer from 1, `"auto"` or `null`',
        ),
        (
            {"type": "array", "minItems": 2, "maxItems": 3, "items": {"type": "integer", "minimum": 1, "maximum": 9}},
            "an array of 2 or 3 integers from 1 to 9",
        ),
        ({"$ref": "#/$defs/activation"}, "an [activation](layers.md#activation)"),
    ],
)
def test_a_schema_in_words(schema, text):
    assert allowed_values(schema) == text


def test_a_key_has_its_description_values_default_and_examples():
    entry = {"description": 'Cases per step. "auto": 16 < n.', "type": "integer", "default": 8, "examples": [4]}
    schema = {
        "properties": {"size": entry, "of": {"description": "What.", "enum": ["a"], "enumDescriptions": ["The a."]}}
    }
    assert list(key_entries({**schema, "required": ["of"]}, "batch.", 3)) == [
        "### `batch.size` { #batch.size }",
        'Cases per step. `"auto"`: 16 &lt; n.',
        "Value: an integer; default `8`\n{ .values }",
        "Example: `4`",
        "### `batch.of` { #batch.of }",
        "What.",
        'Value: `"a"`; **required**\n{ .values }',
        '- `"a"`: The a.',
    ]


def test_code_in_a_description_stays_as_it_is():
    assert prose("`null` or null, 2*3") == r"`null` or `null`, 2\*3"


def test_links_to_files_of_the_repository_lead_to_their_copies_in_the_site():
    text = "[a](../../../archs/arch.json) [b](../../../archs/zoo) [c](../guide/data.md#splits) [d](https://doi.org/1) [e](#here)"
    expected = "[a](../files/archs/arch.json) [b](../files/index.md#archs-zoo) [c](../guide/data.md#splits) [d](https://doi.org/1) [e](#here)"
    assert with_site_links(text, "docs/pages/results/index.md", "results/index.md") == expected
    text = "[a](../docs/pages/guide/data.md#splits) [b](results/x.json) [c](../CONTRIBUTING.md)"
    expected = "[a](../guide/data.md#splits) [b](../files/experiments/results/x.json) [c](../project/contributing.md)"
    assert with_site_links(text, "experiments/README.md", "results/experiments.md") == expected


def test_the_page_of_files_has_a_heading_for_each_folder():
    assert files_page(["archs/zoo/b.json", "archs/a.json"]).splitlines()[4:] == [
        "## `archs` { #archs }",
        "",
        "- [a.json](archs/a.json)",
        "",
        "## `archs/zoo` { #archs-zoo }",
        "",
        "- [b.json](archs/zoo/b.json)",
    ]


def test_files_that_pages_link_to_exist():
    assert all(path.is_file() for _, path in site_pages.repository_files())
