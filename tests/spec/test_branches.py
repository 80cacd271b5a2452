"""Branches: where they meet, where they cannot, and what the message says then."""

import re

import pytest

from archnet.errors import DocumentError
from archnet.files.strict_json import Document
from archnet.spec.arch import load_arch, parse_arch
from archnet.spec.cost import network_cost
from archnet.spec.layers import Convolution
from archnet.spec.overrides import apply_override, parse_override

T = {"type": "T"}
GAP = {"type": "GAP"}
POOL = {"type": "P", "pool": "max", "kernel_size": 2}


def conv(num_output=4, **keys):
    return {"type": "C", "num_output": num_output, "kernel_size": 3, **keys}


def arch_of(*layers):
    return parse_arch(Document(value={"rank": 2, "layers": [*layers, T]}, source="mine.json"))


def message(*layers, shape=(8, 8)):
    with pytest.raises(DocumentError) as caught:
        arch_of(*layers).plan(shape)
    return str(caught.value)


def test_branches_are_joined_along_the_channels_or_added():
    cat, add = ({"type": kind, "branches": [[conv(), conv(6)], [], [conv(6)]]} for kind in ("CAT", "ADD"))
    assert arch_of(cat).layers[0].output_shape((8, 8, 6)) == (8, 8, 18)
    assert arch_of(add).layers[0].output_shape((8, 8, 6)) == (8, 8, 6)
    assert [row.output_shape for row in arch_of(cat).plan((8, 8))] == [
        *[(8, 8, 4), (8, 8, 6), (8, 8, 6), (8, 8, 13)],
        (2,),
    ]
    flat = {"type": "CAT", "branches": [[conv(), GAP], [GAP]]}
    assert arch_of(flat, {"type": "FC", "num_output": 3}).plan((8, 8))[3].output_shape == (5,)


def test_the_plan_names_the_branch_of_each_layer():
    inner = {"type": "ADD", "branches": [[], [{"type": "REP", "times": 2, "layers": [conv(1)]}]]}
    rows = arch_of({"type": "CAT", "branches": [[inner], [conv()]]}).plan((8, 8))
    assert [(row.path, row.repeat) for row in rows] == [
        (("layers", 0, "branches", 0, 0, "branches", 1, 0, "layers", 0), (0,)),
        (("layers", 0, "branches", 0, 0, "branches", 1, 0, "layers", 0), (1,)),
        (("layers", 0, "branches", 0, 0), ()),
        (("layers", 0, "branches", 1, 0), ()),
        (("layers", 0), ()),
        (("layers", 1), ()),
    ]


def test_branches_of_different_sizes_do_not_meet():
    assert message(conv(), {"type": "CAT", "branches": [[conv()], [POOL]]}) == (
        "mine.json $.layers[1]: CAT has branches with different shapes: for (8, 8, 4), branches[0] gives (8, 8, 4) and "
        "branches[1] (4, 4, 4). Use the same strides and padding in both, or end all with GAP."
    )


def test_branches_of_different_channels_cannot_be_added():
    assert message({"type": "ADD", "branches": [[conv(4)], [conv(6)]]}) == (
        "mine.json $.layers[0]: ADD cannot add 6 channels of branches[1] to 4 of branches[0]. "
        "Give their last layers the same num_output."
    )


def test_joins_that_double_the_channels_again_and_again_are_refused():
    doubled = {"type": "REP", "times": 1000, "layers": [{"type": "CAT", "branches": [[], []]}]}
    assert message(doubled, doubled) == (
        "mine.json $.layers[0].layers[0]: CAT gives 1,048,576 channels; at most 1,000,000 are allowed. "
        "Add a C with fewer filters before it, or nest fewer concatenations."
    )


def test_a_million_channels_can_be_joined_and_one_more_is_refused():
    branches = [[conv(65_536, kernel_size=1)]] * 15
    (row,) = (
        row
        for row in arch_of({"type": "CAT", "branches": [*branches, [conv(16_960)]]}).plan((1, 1))
        if row.type == "CAT"
    )
    assert row.output_shape == (1, 1, 1_000_000)
    assert "CAT gives 1,000,001 channels" in message({"type": "CAT", "branches": [*branches, [conv(16_961)]]})


def test_a_map_and_flat_features_do_not_meet():
    assert message({"type": "CAT", "branches": [[conv(), GAP], [conv()], []]}) == (
        "mine.json $.layers[0].branches[1]: keeps spatial axes, but GAP at $.layers[0].branches[0][1] has flattened "
        "another branch. End every branch with GAP, or none."
    )


def test_a_layer_that_needs_spatial_axes_behind_branches_that_flatten_is_named():
    assert message({"type": "CAT", "branches": [[GAP], [GAP]]}, conv()) == (
        "mine.json $.layers[1]: C needs spatial axes, but GAP at $.layers[0].branches[0][0] has flattened them. "
        "Move it earlier."
    )
    assert message({"type": "CAT", "branches": [[GAP, conv()], [GAP]]}) == (
        "mine.json $.layers[0].branches[0][1]: C needs spatial axes, but GAP at $.layers[0].branches[0][0] has "
        "flattened them. Move it earlier."
    )


def test_a_layer_that_does_not_fit_is_named_with_its_branch():
    too_large = conv(padding="valid", kernel_size=9)
    assert message({"type": "CAT", "branches": [[], [conv(), too_large]]}) == (
        'mine.json $.layers[0].branches[1][1]: C "valid" with kernel 9 does not fit its input (8, 8). '
        "Remove a pooling or enlarge the crop."
    )


@pytest.mark.parametrize(
    ("branches", "problem"),
    [
        ([[]], "expected an array of at least 2, got [[]]"),
        ([conv(), []], "expected an array, got"),
        ([[T], []], "T is not allowed in CAT. Move it out."),
    ],
)
def test_invalid_branches_are_refused(branches, problem):
    assert problem in message({"type": "CAT", "branches": branches})


def test_a_branch_that_flattens_is_not_allowed_in_a_residual_block():
    cat = {"type": "CAT", "branches": [[GAP], [GAP]]}
    with pytest.raises(DocumentError, match=re.escape("$.layers[0].layers[0].branches[1][0]: GAP is not allowed in")):
        arch_of({"type": "RES", "layers": [cat]})


def test_a_dotted_key_reaches_into_branches():
    document = Document(value={"layers": [{"type": "CAT", "branches": [[conv()], [conv(), conv()]]}, T]}, source="a")
    path, value = parse_override("layers[0].branches[1][1].num_output=7")
    changed = apply_override(document, path, value)
    assert changed.value["layers"][0]["branches"][1][1]["num_output"] == 7
    assert changed.value["layers"][0]["branches"][1][0]["num_output"] == 4


def test_the_last_map_on_all_paths_is_before_branches_that_end_flat():
    pyramid = {"type": "CAT", "branches": [[conv(), GAP], [POOL, conv(), GAP]]}
    joined = {"type": "CAT", "branches": [[conv(), POOL], [conv(stride=2)]]}
    assert arch_of(conv(5), pyramid).feature_map((8, 8)).layer == arch_of(conv(5)).layers[0]
    assert arch_of(pyramid).feature_map((8, 8)) is None
    gated = {"type": "CAT", "branches": [[{"type": "SE"}, GAP], [GAP]]}
    assert not arch_of(conv(5), gated).feature_map((8, 8)).sees_whole_input
    assert arch_of(conv(5), conv(norm="instance"), gated).feature_map((8, 8)).sees_whole_input
    found = arch_of(joined, GAP).feature_map((8, 8))
    assert found.layer == arch_of(joined).layers[0]
    assert found.shape == (4, 4, 8)
    assert [(axis.start, axis.step) for axis in found.grid] == [(0.5, 2.0)] * 2


def nested(kind, depth):
    """Blocks inside blocks; every level also has a layer beside the next one."""
    layer = conv(1)
    for _ in range(depth):
        inner = [layer, {"type": "BN"}]
        keys = {"branches": [inner, inner[1:]]} if kind in ("CAT", "ADD") else {"layers": inner}
        layer = {"type": kind, **keys, **({"times": 1} if kind == "DENSE" else {})}
    return layer


@pytest.mark.parametrize(
    ("kind", "num_rows"), [("RES", 1 + 2 * 18), ("CAT", 1 + 3 * 18), ("ADD", 1 + 3 * 18), ("DENSE", 1 + 2 * 18)]
)
def test_the_costs_of_nested_blocks_ask_for_their_shapes_once(kind, num_rows, monkeypatch):
    arch, calls = load_arch({"rank": 2, "layers": [nested(kind, 18), T]}), []
    output_shape = Convolution.output_shape
    monkeypatch.setattr(Convolution, "output_shape", lambda layer, shape: calls.append(1) or output_shape(layer, shape))
    plan = arch.plan((9, 9))
    assert len(plan) == num_rows + 1
    assert network_cost(plan).num_parameters > 0
    arch.feature_map((9, 9))
    assert len(calls) < 100
