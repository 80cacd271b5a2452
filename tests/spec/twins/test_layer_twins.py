"""What every layer type says of its twins: sizes along the depth, widths, and what must divide them."""

from dataclasses import fields

import pytest

from archnet.spec.layers import LAYERS, layer_document, parse_layer
from layer_documents import BRANCHES, FEW_EXAMPLES, hold

every_type = pytest.mark.parametrize("name", LAYERS)
NUMBERS = {"num_output": 4, "kernel_size": 3, "drop_out": 0, "activation": None, "pool": "max", "size": 2, "times": 1}


def smallest_layer(name):
    """A 2D layer with the keys that it needs, and explicit padding where it has padding."""
    schema = BRANCHES[name]
    document = {"type": name} | {key: NUMBERS[key] for key in schema["required"] if key in NUMBERS}
    for key in ("layers", "branches"):
        if key in schema["properties"]:
            document[key] = [{"type": "GAP"}] if key == "layers" else [[]]
    if name == "VIEWS":
        document["planes"] = "axial"
    return document | ({"padding": 1} if "padding" in schema["properties"] else {})


@every_type
def test_each_size_along_the_axes_has_one_along_the_depth(name):
    layer = parse_layer(smallest_layer(name), 2)
    has_axes = {item.name for item in fields(layer) if item.metadata.get("has_axes")}
    assert set(layer.depth_sizes((8, 8, 4, 3))) == has_axes
    assert set(layer.depth_sizes((8, 8, 4, 3), keeps_depth=True)) == has_axes


C = {"type": "C", "num_output": 4, "kernel_size": [5, 3]}


@pytest.mark.parametrize(
    ("document", "sizes"),
    [
        (
            {**C, "stride": [2, 1], "padding": [[2, 1], [0, 0]]},
            {"kernel_size": 5, "stride": 2, "dilation": 1, "padding": (2, 1)},
        ),
        ({**C, "dilation": [2, 1]}, {"kernel_size": 5, "stride": 1, "dilation": 2}),
        ({"type": "P", "pool": "max", "kernel_size": [3, 2], "stride": [2, 3]}, {"kernel_size": 3, "stride": 2}),
        ({"type": "CBAM", "kernel_size": [5, 3]}, {"kernel_size": 5}),
        ({"type": "CROP", "size": [4, 2]}, {"size": 8}),  # 4 of 16 voxels along the height, 8 of 32 along the depth
    ],
)
def test_sizes_along_the_depth_are_those_along_the_height(document, sizes):
    assert parse_layer(document, 2).depth_sizes((16, 24, 32, 3)) == sizes


@pytest.mark.parametrize(("depth", "num_taps"), [(1, 1), (2, 3), (3, 5), (4, 5)])
@pytest.mark.parametrize("keys", [{"type": "CBAM"}, {"type": "P", "pool": "max", "stride": 1}])
def test_a_window_without_dilation_meets_the_depth_with_every_tap(keys, depth, num_taps):
    layer = parse_layer({**keys, "kernel_size": 5}, 2)
    assert layer.depth_sizes((16, 16, depth, 3))["kernel_size"] == num_taps


def test_a_pooling_without_padding_fits_the_depth():
    layer = parse_layer({"type": "P", "pool": "max", "kernel_size": 5, "padding": "valid"}, 2)
    assert layer.depth_sizes((16, 16, 3, 3)) == {"kernel_size": 3, "stride": 3}


@every_type
def test_a_layer_that_keeps_the_depth_keeps_it(name):
    layer = parse_layer(smallest_layer(name), 2)
    sizes = layer.depth_sizes((8, 8, 4, 3), keeps_depth=True)
    if sizes:
        deep = parse_layer(smallest_layer(name), 3)
        document = layer_document(deep)
        for key, size in sizes.items():
            document[key] = [*document[key][:2], list(size) if isinstance(size, tuple) else size]
        assert parse_layer(document, 3).output_shape((8, 8, 4, 3))[2] == 4


@every_type
def test_widths_are_the_keys_of_the_schema_that_count_filters_or_units(name):
    layer = parse_layer(smallest_layer(name), 2)
    marked = {item.name for item in fields(layer) if item.metadata.get("width")}
    properties = BRANCHES[name]["properties"]
    counted = {key for key in properties if properties[key].get("maximum") == 65536} - {
        "groups",
        "ratio",
        "times",
        "heads",
    }
    assert marked == counted


@pytest.mark.slow
@every_type
def test_the_divisor_of_a_layer_divides_the_channels_of_its_input_and_its_output(name):
    def check(case):
        divisor = case.layer.channel_divisor
        assert case.input_shape[-1] % divisor == 0
        assert case.output_shape[-1] % divisor == 0 or case.output_shape == (case.num_classes,)

    hold(check, name, FEW_EXAMPLES)


@pytest.mark.parametrize(
    ("document", "divisor"),
    [
        ({"type": "C", "num_output": 12, "kernel_size": 1, "groups": 4, "norm": {"norm": "group", "groups": 6}}, 12),
        ({"type": "C", "num_output": 12, "kernel_size": 1, "groups": "depthwise"}, 1),
        ({"type": "NORM", "norm": "group"}, 8),
        ({"type": "NORM", "norm": "batch", "groups": 4}, 1),
        ({"type": "ATT", "heads": 6}, 6),
        ({"type": "RES", "layers": [], "norm": {"norm": "group", "groups": 3}}, 3),
    ],
)
def test_groups_and_heads_divide_channels(document, divisor):
    assert parse_layer(document, 2).channel_divisor == divisor


def test_the_attention_of_views_has_a_width_only_where_it_is_used():
    views = {"type": "VIEWS", "planes": "slices", "layers": [{"type": "GAP"}]}
    assert parse_layer({**views, "fuse": "attention"}, 3).widths() == {"attention_size": 64}
    assert parse_layer({**views, "fuse": "mean"}, 3).widths() == {}
    assert parse_layer({"type": "SE", "num_output": 6}, 2).widths() == {"num_output": 6}
    assert parse_layer({"type": "SE"}, 2).widths() == {}
