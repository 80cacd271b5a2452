"""The page of the layer types: keys, an example, and archnet's drawing of a small network with such a layer."""

import json
from collections.abc import Iterator
from typing import Any

from archnet.report.html.network_drawing import network_drawing
from archnet.report.html.page import render_macro
from archnet.spec.arch import load_arch
from archnet.spec.cost import network_summary
from archnet.spec.memory import estimate_memory, plan_micro_batches
from archnet.spec.schema import read_schema
from site_pages.schema_keys import key_entries
from site_pages.schema_pages import page
from site_pages.schema_text import Schema, allowed_values, code, prose

Layer = dict[str, Any]

INPUT_SHAPE = (64, 64, 32)
_BEFORE: list[Layer] = [{"type": "C", "num_output": 16, "kernel_size": 3, "activation": "relu"}]
_POOLING: Layer = {"type": "P", "pool": "max", "kernel_size": 4}
_LINE_WIDTH = 88
_NO_FEATURES_BEFORE = ("C", "VIEWS")
_SHARED = ("activation", "padding", "norm")
"""Definitions that keys of several types refer to."""

_GROUPS = {
    "Convolution, pooling, classification": ("C", "P", "FC", "T"),
    "Regularization and activation": ("DO", "NORM", "BN", "ACT"),
    "Global pooling": ("GAP", "GMP"),
    "Attention over channels and voxels": ("SE", "CBAM", "POS", "ATT"),
    "Blocks of layers": ("CAT", "ADD", "DENSE", "RES", "REP"),
    "Geometry": ("CROP", "VIEWS"),
}


def layer_page() -> str:
    """Every layer type by group, then the values that several of them share."""
    definitions = layer_definitions()
    if {name for names in _GROUPS.values() for name in names} != set(definitions):
        raise ValueError(f"the groups of this page must hold exactly the layer types {sorted(definitions)}")
    blocks = ["# Layers", _introduction()]
    for title, names in _GROUPS.items():
        blocks.append(f"## {title}")
        for name in names:
            blocks += _layer_blocks(name, definitions[name])
    return page([*blocks, "## Shared values", *_shared_values()])


def layer_definitions() -> dict[str, Schema]:
    """The schema of each layer type."""
    definitions = read_schema("arch")["$defs"]
    branches = definitions["layer"]["allOf"]
    return {
        branch["if"]["properties"]["type"]["const"]: definitions[branch["then"]["$ref"].rpartition("/")[2]]
        for branch in branches
    }


def example_network(name: str) -> Layer:
    """A small 3D network with the example of a layer type from the schema."""
    (layer,) = layer_definitions()[name]["examples"]
    if name == "T":
        layers = [*_BEFORE, {"type": "GAP"}]
    else:
        layers = [] if name in _NO_FEATURES_BEFORE else list(_BEFORE)
        if name == "ATT":
            layers += [_POOLING]
        layers += [layer]
        if name not in ("FC", "GAP", "GMP", "VIEWS"):
            layers += [{"type": "GAP"}]
    return {"rank": 3, "input_shape": list(INPUT_SHAPE), "layers": [*layers, layer if name == "T" else {"type": "T"}]}


def picture(document: Layer) -> str:
    """The drawing of a network as HTML, with a second layout for phones where it is too wide for them."""
    plan = load_arch(document).plan()
    summary = network_summary(plan, plan_micro_batches(estimate_memory(plan), 1))
    drawing = network_drawing(summary)
    wide, narrow = drawing["layouts"]["wide"], drawing["layouts"]["narrow"]
    drawing["layouts"] = {"always": wide} if wide == narrow else {"wide": wide, "narrow": narrow}
    html = render_macro("network.html", "drawing", drawing)
    return f'<div class="archnet-drawing" markdown="0">\n{html.strip()}\n</div>'


def _introduction() -> str:
    links = " ".join(f"[`{name}`](#{name})" for names in _GROUPS.values() for name in names)
    return (
        f"{links}\n\n"
        "An architecture is a list of layers in the order of computation; the last one is [`T`](#T). Every layer is\n"
        "an object with a `type`. Axes are (height, width, depth): where a key takes one number per axis, two numbers\n"
        "make a 2D network and three a 3D network. Every layer also accepts a `description`, a note for readers.\n\n"
        "The pictures are drawn by archnet, as in its reports. Height, width and depth of a block show the size of a "
        "slice, the number of channels and the number of slices. Each picture shows the example in a small 3D network "
        "with an input of 64x64x32 voxels."
    )


def _layer_blocks(name: str, definition: Schema) -> Iterator[str]:
    yield f"### `{name}` {{ #{name} }}"
    yield prose(definition["description"])
    yield _json_block(example_network(name))
    yield picture(example_network(name))
    keys = {key: entry for key, entry in definition["properties"].items() if key not in ("type", "description")}
    if keys:
        yield from key_entries({**definition, "properties": keys}, f"{name}.", 4)
    else:
        yield f"`{name}` has no keys of its own."


def _json_block(document: Layer) -> str:
    return f"```json\n{_layout(document)}\n```"


def _layout(value: Any, indent: str = "") -> str:
    """JSON whose arrays and objects are on one line where they fit."""
    line = json.dumps(value, ensure_ascii=False)
    if len(indent) + len(line) <= _LINE_WIDTH or not isinstance(value, (dict, list)):
        return line
    inner = f"{indent}  "
    if isinstance(value, dict):
        parts = [f"{inner}{json.dumps(key)}: {_layout(part, inner)}" for key, part in value.items()]
    else:
        parts = [f"{inner}{_layout(part, inner)}" for part in value]
    opening, closing = "{}" if isinstance(value, dict) else "[]"
    return opening + "\n" + ",\n".join(parts) + f"\n{indent}{closing}"


def _shared_values() -> Iterator[str]:
    definitions = read_schema("arch")["$defs"]
    for name in _SHARED:
        definition = definitions[name]
        yield f"### `{name}` {{ #{name} }}"
        yield f"{prose(definition['description'])} Values: {allowed_values(definition)}."
        if examples := definition.get("examples"):
            yield f"Example{'s' * (len(examples) > 1)}: {', '.join(map(code, examples))}"
        yield from key_entries(definition, f"{name}.", 4)
