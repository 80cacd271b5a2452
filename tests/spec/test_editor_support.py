"""What editors read in the schemas: identifiers, descriptions of layer types, and snippets."""

import json
import re

import pytest

from archnet.files.strict_json import Document
from archnet.spec.arch import load_arch
from archnet.spec.layers import LAYERS
from archnet.spec.resolve import parse_experiments
from archnet.spec.schema import SCHEMAS, read_schema, schema_problems
from archnet.spec.sweeps.document import parse_sweep

PLACEHOLDER = re.compile(r"\$\{\d+:([^}]*)\}|\$\{\d+\|([^,|}]*)[^}]*\|\}")


def filled(body):
    """A snippet's body with the default of each placeholder, as VS Code inserts it: "^..." is JSON without quotes."""
    if isinstance(body, dict):
        return {filled(key): filled(value) for key, value in body.items()}
    if isinstance(body, list):
        return [filled(value) for value in body]
    if not isinstance(body, str):
        return body
    text = PLACEHOLDER.sub(lambda match: match[1] or match[2], body)
    assert "$" not in text
    return json.loads(text[1:]) if text.startswith("^") else text


def snippets_of(schema):
    return {snippet["label"]: filled(snippet["body"]) for snippet in schema["defaultSnippets"]}


LAYER = read_schema("arch")["$defs"]["layer"]
LAYER_SNIPPETS = snippets_of(LAYER)
SECTIONS = {name: snippets_of(read_schema("experiment")["properties"][name]) for name in ("data", "split", "training")}
SPACES = snippets_of(read_schema("sweep")["properties"]["space"])


def test_each_schema_has_an_absolute_identifier_next_to_which_references_resolve():
    for name in SCHEMAS:
        assert read_schema(name)["$id"] == f"urn:archnet:schemas/{name}.schema.json"


def test_every_layer_type_has_the_description_of_its_definition():
    types = LAYER["properties"]["type"]
    assert types["enum"] == list(LAYERS)
    definitions = read_schema("arch")["$defs"]
    assert types["enumDescriptions"] == [definitions[name]["description"] for name in types["enum"]]


def test_every_layer_type_has_a_snippet():
    assert list(dict.fromkeys(body["type"] for body in LAYER_SNIPPETS.values())) == list(LAYERS)
    assert len(LAYER_SNIPPETS) == len(LAYER["defaultSnippets"])
    assert all(snippet["description"].endswith(".") for snippet in LAYER["defaultSnippets"])


@pytest.mark.parametrize("label", LAYER_SNIPPETS)
def test_a_layer_with_the_defaults_of_its_snippet_is_valid(label):
    layer = LAYER_SNIPPETS[label]
    rank = 2 if label == "C: 2D convolution" else 3
    before = {"type": "C", "num_output": 16, "kernel_size": 1}
    layers = [layer] if layer["type"] == "T" else [before, layer, {"type": "T"}]
    document = {"rank": rank, "layers": layers}
    assert schema_problems(Document(value=document, source="net.json"), "arch") == []
    arch = load_arch(document)
    assert arch.plan((20, 20, 8)[:rank])
    assert arch.warnings() == []


@pytest.mark.parametrize(
    ("section", "label"), [(section, label) for section in SECTIONS for label in SECTIONS[section]]
)
def test_a_section_with_the_defaults_of_its_snippet_is_valid(section, label):
    document = {"archs": ["arch3dsm"], "data": {"name": "luna16"}, section: SECTIONS[section][label]}
    experiment, *_ = parse_experiments(Document(value=document, source="mine.json"))
    assert set(SECTIONS[section][label]) <= set(experiment.to_document()[section])


def test_the_data_snippets_are_the_data_sets():
    names = read_schema("experiment")["properties"]["data"]["properties"]["name"]["enum"]
    assert {label: body["name"] for label, body in SECTIONS["data"].items()} == {name: name for name in names}


@pytest.mark.parametrize("label", SPACES)
def test_a_search_space_with_the_defaults_of_its_snippet_is_valid(label):
    space = SPACES[label]
    base = {"archs": ["archsm"], "data": {"name": "phantom"}}
    value = {"base": base, "space": space, "search": "random", "trials": 4}
    assert list(parse_sweep(Document(value=value, source="sweep.json")).space) == list(space)
