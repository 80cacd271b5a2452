"""The costs of one layer of each type, apart from those of its inner layers.

Keras counts the parameters, multiply-adds and activations of drawn layers in `test_layer_contract.py`. The values that
training stores, needs for a moment and waits for follow from measurements of memory (`experiments/bench_memory.py`), so
they change only with new measurements.
"""

import pytest

from archnet.spec.layers import LAYERS, parse_layer
from archnet.spec.layers.base import operations

C = {"type": "C", "num_output": 4, "kernel_size": 3}
COSTS = (
    "num_parameters",
    "num_penalized_parameters",
    "num_macs",
    "num_activations",
    "num_stored_values",
    "num_transient_values",
    "num_pending_gradients",
    "num_input_gradients",
)

ROWS = [
    (C, (8, 6, 3), (112, 112, 5184, 192, 192, 240, 0, 0), False, False),
    (
        {**C, "activation": "gelu", "drop_out": 1, "norm": "batch", "stride": 2},
        (8, 6, 3),
        (128, 112, 1296, 144, 336, 264, 0, 0),
        True,
        True,
    ),
    (
        {**C, "groups": 2, "bias": False, "norm": "layer", "padding": 1, "activation": "relu"},
        (8, 6, 4, 4),
        (224, 216, 41472, 3456, 4992, 4608, 0, 0),
        True,
        False,
    ),
    (
        {"type": "C", "num_output": 3, "kernel_size": 3, "groups": "depthwise", "padding": "valid", "dilation": 2},
        (8, 6, 3),
        (30, 30, 216, 24, 168, 156, 0, 0),
        False,
        False,
    ),
    ({"type": "P", "pool": "max", "kernel_size": 2}, (8, 6, 3), (0, 0, 0, 36, 36, 324, 0, 0), True, False),
    (
        {"type": "P", "pool": "avg", "kernel_size": 2, "padding": 1, "drop_out": 1},
        (8, 6, 3),
        (0, 0, 0, 360, 420, 648, 0, 0),
        True,
        False,
    ),
    (
        {"type": "FC", "num_output": 5, "activation": "silu", "drop_out": 1},
        (8, 6, 3),
        (725, 725, 720, 10, 21.25, 151.5, 0, 0),
        True,
        False,
    ),
    ({"type": "T", "activation": "softmax"}, (8, 6, 3), (290, 290, 288, 2, 2, 146, 0, 0), True, False),
    ({"type": "DO", "drop_out": 1}, (8, 6, 3), (0, 0, 0, 144, 288, 288, 0, 0), True, False),
    ({"type": "NORM", "norm": "layer"}, (8, 6, 3), (6, 0, 0, 144, 288, 576, 0, 0), False, False),
    ({"type": "BN"}, (8, 6, 3), (12, 0, 0, 144, 144, 432, 0, 0), False, True),
    ({"type": "ACT", "activation": "gelu"}, (8, 6, 3), (0, 0, 0, 0, 576, 288, 0, 0), True, False),
    ({"type": "ACT", "activation": None}, (8, 6, 3), (0, 0, 0, 0, 0, 288, 0, 0), True, False),
    ({"type": "GAP"}, (8, 6, 3), (0, 0, 0, 3, 3, 147, 0, 0), True, False),
    ({"type": "GMP"}, (8, 6, 3), (0, 0, 0, 3, 147, 291, 0, 0), True, False),
    ({"type": "SE", "ratio": 2}, (8, 6, 4), (22, 22, 16, 202, 208, 576, 0, 0), False, False),
    ({"type": "CBAM", "ratio": 2, "kernel_size": 3}, (8, 6, 4), (41, 41, 896, 656, 1096, 576, 0, 0), False, False),
    ({"type": "CAT", "branches": [[C], []]}, (8, 6, 4), (0, 0, 0, 384, 384, 960, 576, 0), True, False),
    ({"type": "ADD", "branches": [[C], []]}, (8, 6, 4), (0, 0, 0, 192, 0, 384, 384, 0), True, False),
    ({"type": "DENSE", "times": 2, "layers": [C]}, (8, 6, 4), (0, 0, 0, 960, 960, 1344, 576, 0), True, False),
    ({"type": "RES", "layers": [C]}, (8, 6, 4), (0, 0, 0, 192, 0, 384, 192, 0), True, False),
    (
        {"type": "RES", "layers": [{**C, "num_output": 6, "stride": 2}], "activation": "gelu", "drop_path": 1},
        (8, 6, 4),
        (30, 30, 288, 216, 289, 336, 72, 0),
        True,
        False,
    ),
    ({"type": "CROP", "size": 4}, (8, 6, 4), (0, 0, 0, 64, 64, 256, 0, 0), True, False),
    ({"type": "POS"}, (8, 6, 4), (192, 0, 0, 385, 192, 576, 0, 0), False, False),
    ({"type": "ATT"}, (8, 6, 4), (240, 224, 27648, 21312, 15552, 27840, 0, 0), False, False),
    (
        {"type": "ATT", "heads": 2, "ratio": 3, "drop_out": 1, "drop_path": 1},
        (4, 3, 2, 4),
        (204, 188, 8448, 4320, 4994, 3552, 0, 0),
        False,
        False,
    ),
    (
        {"type": "VIEWS", "planes": "nine", "layers": [{"type": "GAP"}]},
        (6, 6, 6, 4),
        (0, 0, 0, 1296, 1296, 3456, 0, 7776),
        False,
        False,
    ),
    (
        {"type": "VIEWS", "planes": "slices", "fuse": "attention", "attention_size": 3, "layers": [{"type": "GAP"}]},
        (8, 6, 5, 4),
        (33, 33, 135, 1019, 1049, 2880, 0, 0),
        False,
        False,
    ),
    (
        {"type": "VIEWS", "planes": "orthogonal", "fuse": "max", "layers": [{"type": "FC", "num_output": 5}]},
        (6, 6, 6, 4),
        (0, 0, 0, 437, 437, 1728, 0, 2592),
        False,
        False,
    ),
    (
        {"type": "VIEWS", "planes": "axial", "fuse": "mean", "layers": [{"type": "GAP"}]},
        (8, 6, 5, 4),
        (0, 0, 0, 192, 192, 1344, 0, 960),
        False,
        False,
    ),
]
"""Layer, input shape, `COSTS`, whether its output is stored, and whether its output depends on the batch."""


@pytest.mark.parametrize(("document", "shape", "costs", "is_output_stored", "normalizes_batch"), ROWS)
def test_the_costs_of_a_layer(document, shape, costs, is_output_stored, normalizes_batch):
    layer = parse_layer(document, len(shape) - 1)
    assert tuple(getattr(layer, cost)(shape) for cost in COSTS) == costs
    assert (layer.is_output_stored, layer.normalizes_batch(shape)) == (is_output_stored, normalizes_batch)


@pytest.mark.parametrize(
    ("operation", "num_values"),
    [
        (operations.dense((5, 4), 3), 5 * 4 + 5 * 3),
        (operations.convolution((5, 4), (3,), 2), 5 * 4 + 5 * 2),
        (operations.reduction((5, 4), (4,)), 5 * 4 + 4),
        (operations.elementwise((5, 4)), 2 * 5 * 4),
        (operations.product((5, 4), 7), 2 * 5 * 4),
        (operations.dropout((5, 4), 1), 2 * 5 * 4),
        (operations.drop_path((5, 4), 1), 2 * 5 * 4),
        (operations.dropout((5, 4), 0), 0),
        (operations.drop_path((5, 4), 0), 0),
    ],
)
def test_an_operation_needs_the_gradients_of_its_input_and_its_output_for_a_moment(operation, num_values):
    """In a layer of several operations, only the one with the most such values counts."""
    assert operation.num_transient_values == num_values


def test_every_type_with_costs_of_its_own_has_a_row():
    assert {document["type"] for document, *_ in ROWS} == {name for name, kind in LAYERS.items() if kind.traits.has_row}
