"""The short descriptions of layers in tables: what differs from the defaults, in the order of computation."""

import pytest

from archnet.spec.layers import parse_layer

C = {"type": "C", "num_output": 4, "kernel_size": 3}


@pytest.mark.parametrize(
    ("document", "summary"),
    [
        (C, "4 3x3"),
        (
            {**C, "stride": [2, 1], "padding": "valid", "groups": 2, "norm": "batch", "activation": "relu"},
            "4 3x3 stride 2x1 valid groups 2 batch norm relu",
        ),
        (
            {**C, "dilation": [1, 2], "padding": [[0, 1], 2], "groups": "depthwise", "drop_out": 2.5},
            "4 3x3 dilation 1x2 pad 0+1x2 depthwise drop 2.5%",
        ),
        ({"type": "P", "pool": "avg", "kernel_size": 2}, "avg 2x2"),
        (
            {"type": "P", "pool": "max", "kernel_size": [2, 3], "stride": [2, 1], "padding": 1, "drop_out": 1},
            "max 2x3 stride 2x1 pad 1x1 drop 1%",
        ),
        ({"type": "FC", "num_output": 5, "norm": {"norm": "group", "groups": 5}}, "5 group norm of 5"),
        ({"type": "FC", "num_output": 5, "activation": "relu", "drop_out": 1}, "5 relu drop 1%"),
        ({"type": "NORM", "norm": "layer"}, "layer norm"),
        ({"type": "BN"}, "batch norm"),
        ({"type": "ACT", "activation": None}, "linear"),
        ({"type": "ACT", "activation": "relu"}, "relu"),
        ({"type": "SE"}, "ratio 16 relu sigmoid"),
        ({"type": "SE", "num_output": 3, "activation": None}, "3 sigmoid"),
        ({"type": "CBAM", "kernel_size": [7, 5]}, "ratio 16 7x5"),
        ({"type": "ATT"}, "4 heads ratio 4"),
        ({"type": "ATT", "drop_out": 1, "drop_path": 2}, "4 heads ratio 4 drop 1% drop path 2%"),
        ({"type": "RES", "layers": [C]}, "sum"),
        (
            {"type": "RES", "layers": [C], "layer_scale": 1e-6, "drop_path": 1, "activation": "relu"},
            "sum scale 1e-06 drop path 1% relu",
        ),
        ({"type": "CROP", "size": [3, 4]}, "center 3x4"),
        ({"type": "CAT", "branches": [[], [C], []]}, "3 branches"),
        ({"type": "ADD", "branches": [[], [C], []]}, "3 branches"),
        ({"type": "REP", "times": 3, "layers": [C]}, "3 times"),
        ({"type": "DENSE", "times": 3, "layers": [C]}, "3 times"),
        ({"type": "VIEWS", "planes": "nine", "layers": [{"type": "GAP"}]}, "nine concat"),
        ({"type": "VIEWS", "planes": "nine", "shared": False, "fuse": "max", "layers": []}, "nine max not shared"),
        ({"type": "T"}, "2 classes linear"),
        ({"type": "T", "activation": "softmax"}, "2 classes softmax"),
    ],
    ids=str,
)
def test_the_summary_of_a_layer(document, summary):
    assert parse_layer(document, 2).summary() == summary
