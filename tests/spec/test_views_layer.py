"""`VIEWS`: its rows, its costs, the planes' voxels, and each mistake with place and remedy."""

import re

import numpy as np
import pytest

from archnet.errors import DocumentError
from archnet.files.strict_json import Document
from archnet.spec.arch import parse_arch
from archnet.spec.cost import network_cost, network_summary
from archnet.spec.layers import parse_layer
from archnet.spec.layers.base.planes import PLANES, planes_of
from archnet.spec.memory import estimate_memory, plan_micro_batches
from archnet.spec.overrides import apply_override
from archnet.spec.resolve import parse_experiments

C = {"type": "C", "num_output": 4, "kernel_size": [3, 3], "activation": "relu"}
GAP, T = {"type": "GAP"}, {"type": "T"}


def views(planes, *layers, **keys):
    return {"type": "VIEWS", "planes": planes, "layers": list(layers) or [C, GAP], **keys}


def arch_of(*layers, **keys):
    return parse_arch(Document(value={**keys, "layers": list(layers)} if keys else list(layers), source="mine.json"))


def rows_of(*layers, shape=(8, 8, 8)):
    return {(row.path, row.repeat): row for row in arch_of(*layers, T).plan(shape)}


def test_a_network_with_views_has_rank_3_and_the_sizes_inside_two_entries():
    arch = arch_of(views("nine"), T)
    assert arch.rank == 3
    assert arch.layers[0].layers[0].kernel_size == (3, 3)
    plain = arch_of(views("nine", {**C, "kernel_size": 3}, GAP), T)
    assert plain.layers == arch.layers


def test_each_cost_of_shared_layers_counts_all_planes_and_parameters_count_once():
    for planes, count in (("axial", 1), ("orthogonal", 3), ("nine", 9), ("slices", 8)):
        row = rows_of(views(planes))[("layers", 0, "layers", 0), ()]
        assert row.num_planes == count
        assert row.num_parameters == 4 * (9 + 1)
        assert row.num_macs == count * 8 * 8 * 4 * 9
        block = rows_of(views(planes, {"type": "RES", "layers": [C]}, GAP))[("layers", 0, "layers", 0), ()]
        for cost in ("num_activations", "num_stored_values", "num_transient_values", "num_pending_gradients"):
            for each in (row, block):
                assert getattr(each, cost) == count * getattr(each.layer, cost)((8, 8, 1))


def test_layers_that_are_not_shared_have_rows_of_their_own():
    shared, apart = (rows_of(views("nine", shared=shared)) for shared in (True, False))
    assert [repeat for path, repeat in apart if path == ("layers", 0, "layers", 0)] == [(n,) for n in range(9)]
    assert {row.num_planes for row in apart.values()} == {1}
    assert {repeat for _, repeat in rows_of(views("axial", shared=False))} == {()}  # a single plane is no repetition
    for cost, factor in (("num_parameters", 9), ("num_macs", 1), ("num_activations", 1), ("num_stored_values", 1)):
        total, other = (
            sum(getattr(row, cost) for (path, _), row in rows.items() if len(path) > 2) for rows in (shared, apart)
        )
        assert other == factor * total


@pytest.mark.parametrize(
    ("planes", "fuse", "num_features", "num_parameters"),
    [
        ("axial", "concat", 4, 0),
        ("axial", "mean", 4, 0),
        ("orthogonal", "concat", 12, 0),
        ("nine", "concat", 36, 0),
        ("nine", "mean", 4, 0),
        ("slices", "max", 4, 0),
        ("slices", "concat", 32, 0),
        ("nine", "attention", 4, 2 * (4 + 1) * 64 + 64),
    ],
)
def test_features_are_joined_or_fused(planes, fuse, num_features, num_parameters):
    row = rows_of(views(planes, fuse=fuse))[("layers", 0), ()]
    assert row.output_shape == (num_features,)
    assert row.num_parameters == num_parameters


def test_the_planes_of_a_summary_are_counted_and_the_input_is_the_volume():
    plan = arch_of(views("nine", {**C, "drop_out": 20}, GAP, fuse="attention"), T).plan((16, 16, 16))
    summary = network_summary(plan, plan_micro_batches(estimate_memory(plan), 1))
    assert summary["input_shape"] == [16, 16, 16, 1]
    assert [(row["place"], row["summary"]) for row in summary["layers"]] == [
        ("$.layers[0].layers[0]", "4 3x3 relu drop 20% on 9 planes"),
        ("$.layers[0].layers[1]", "global average on 9 planes"),
        ("$.layers[0]", "nine attention"),
        ("$.layers[1]", "2 classes linear"),
    ]
    assert network_cost(plan).activation_bytes > 4 * 16**3
    two_slices = rows_of(views("slices"), shape=(8, 8, 2))
    assert two_slices[("layers", 0, "layers", 0), ()].summary == "4 3x3 relu on 2 planes"


def test_more_planes_take_more_memory():
    sizes = [
        estimate_memory(arch_of(views(planes), T).plan((32, 32, 32))).network_bytes_per_case
        for planes in ("axial", "orthogonal", "nine", "slices")
    ]
    assert sizes == sorted(set(sizes))


def test_planes_of_a_map_have_a_gradient_of_the_whole_map_each():
    layer = {**C, "kernel_size": [3, 3, 3]}
    first, behind = (arch_of(*layers, T).plan((16, 16, 16)) for layers in ([views("nine")], [layer, views("nine")]))
    for plan, num_gradients in ((first, 0), (behind, 9 * 4 * 16**3)):
        stored, transient = (
            sum(getattr(row, f"num_{kind}_values") for row in plan[:-1]) for kind in ("stored", "transient")
        )
        num_values = estimate_memory(plan).network_bytes_per_case / 4 - 19 * 16**3  # the image, and its augmentation
        assert num_gradients < num_values <= stored + transient + num_gradients


def test_the_voxels_of_planes_are_those_of_their_definition():
    n = 6
    volume = np.random.default_rng(0).random((n, n, n))
    m, i = n // 2, np.arange(n)
    expected = [
        volume[:, :, m],
        volume[m],
        volume[:, m],
        volume[i, i],
        volume[i, n - 1 - i],
        volume[i, :, i],
        volume[i, :, n - 1 - i],
        volume[:, i, i],
        volume[:, i, n - 1 - i],
    ]
    for plane, values in zip(PLANES["nine"], expected, strict=True):
        np.testing.assert_array_equal(volume[plane.voxels(volume.shape)], values)
        assert plane.shape((*volume.shape, 3)) == (n, n, 3)


def test_slices_and_the_axial_plane_need_no_cube():
    volume = np.random.default_rng(0).random((5, 4, 3))
    for index, plane in enumerate(planes_of("slices", 3)):
        np.testing.assert_array_equal(volume[plane.voxels(volume.shape)], volume[..., index])
    (axial,) = planes_of("axial", 3)
    np.testing.assert_array_equal(volume[axial.voxels(volume.shape)], volume[..., 1])
    assert axial.shape((5, 4, 3, 2)) == (5, 4, 2)


REFUSED = {
    "no cube": (
        [views("orthogonal"), T],
        'mine.json $[0]: VIEWS "orthogonal" needs a cube, but its input is 64x64x10. Use planes "slices" or "axial", a '
        "CROP to 10x10x10 before it, or cubic crops, such as data.crop_size=[32, 32, 32].",
    ),
    "no cube behind a layer": (
        [{"type": "P", "pool": "max", "kernel_size": [2, 2, 1]}, views("nine"), T],
        'mine.json $[1]: VIEWS "nine" needs a cube, but its input is 32x32x10. Use planes "slices" or "axial", a '
        "CROP to 10x10x10 before it, or cubic crops, such as data.crop_size=[32, 32, 32].",
    ),
    "a map at the end": (
        [views("slices", C), T],
        "mine.json $[0]: VIEWS needs flat features of each plane, but its layers give 64x64x4. "
        "End them with GAP, GMP or FC.",
    ),
    "an inner layer that does not fit": (
        [views("slices", {**C, "kernel_size": 65, "padding": "valid"}, GAP), T],
        'mine.json $[0].layers[0]: C "valid" with kernel 65 does not fit its input (64, 64). '
        "Remove a pooling or enlarge the crop.",
    ),
    "a plane layer in 3D": (
        [views("slices", {**C, "kernel_size": [3, 3, 3]}, GAP), T],
        "mine.json $[0].layers[0].kernel_size: this is 3D, but the layers here are 2D. Give 2 sizes.",
    ),
    "a 2D layer before": (
        [C, views("slices"), T],
        "mine.json $[1]: this is 3D, but $[0].kernel_size is 2D. Use one rank throughout.",
    ),
    "slices apart": (
        [views("slices", shared=False), T],
        'mine.json $[0].shared: the slices of a volume share their weights. Remove "shared", or use planes "nine".',
    ),
    "attention to one plane": (
        [views("axial", fuse="attention"), T],
        'mine.json $[0].fuse: "attention" weights planes, but "axial" is only one. Remove "fuse", or use other planes.',
    ),
    "attention to one slice": (
        [
            {"type": "P", "pool": "max", "kernel_size": [1, 1, 10], "padding": "valid"},
            views("slices", fuse="attention"),
            T,
        ],
        'mine.json $[1]: VIEWS "attention" weights planes, but there is only one. Set fuse to "concat".',
    ),
    "views in views": (
        [views("slices", views("slices")), T],
        "mine.json $[0].layers[0]: VIEWS needs a volume, but its input 64x64x1 is a plane. Replace it with its layers.",
    ),
    "views behind FC": (
        [{"type": "FC", "num_output": 3}, views("slices"), T],
        "mine.json $[1]: VIEWS needs spatial axes, but FC at $[0] has flattened them. Move it earlier.",
    ),
    "a convolution behind views": (
        [views("slices"), {**C, "kernel_size": [3, 3, 3]}, T],
        "mine.json $[1]: C needs spatial axes, but VIEWS at $[0] has flattened them. Move it earlier.",
    ),
    "a convolution behind GAP inside": (
        [views("slices", GAP, C), T],
        "mine.json $[0].layers[1]: C needs spatial axes, but GAP at $[0].layers[0] has flattened them. Move it earlier.",
    ),
    "T inside": ([views("slices", C, T), T], "mine.json $[0].layers[1]: T is not allowed in VIEWS. Move it out."),
    "views in a residual block": (
        [{"type": "RES", "layers": [views("slices")]}, T],
        "mine.json $[0].layers[0]: VIEWS is not allowed in RES. Move it out.",
    ),
    "views repeated": (
        [{"type": "REP", "times": 2, "layers": [views("slices")]}, T],
        "mine.json $[0].layers[0]: VIEWS needs spatial axes, but its input (40,) is flat. "
        "Move it before the first FC or GAP.",
    ),
    "too many rows": (
        [views("nine", {"type": "REP", "times": 400, "layers": [C]}, GAP, shared=False), T],
        "mine.json $[0]: VIEWS makes 3,610 of the 3,611 layers that the network would have; at most 3,000 are allowed. "
        'Set its "shared" to true.',
    ),
    "unknown planes": (
        [views("coronal"), T],
        'mine.json $[0].planes: "coronal" is not one of "axial", "orthogonal", "nine", "slices". '
        'Did you mean "orthogonal"?',
    ),
}


@pytest.mark.parametrize("case", REFUSED.values(), ids=REFUSED)
def test_an_impossible_layer_is_refused_with_place_and_remedy(case):
    layers, message = case
    with pytest.raises(DocumentError, match=f"^{re.escape(message)}$"):
        arch_of(*layers).plan()


def test_a_network_of_rank_2_has_no_views():
    for keys, message in (
        ({"rank": 2}, "mine.json $.layers[0]: this is 3D, but $.rank is 2D. Use one rank throughout."),
        (
            {"input_shape": [8, 8]},
            "mine.json $.input_shape: this is 2D, but $.layers[0] is 3D. Use one rank throughout.",
        ),
    ):
        with pytest.raises(DocumentError, match=f"^{re.escape(message)}$"):
            arch_of(views("slices"), T, **keys)


def test_a_share_given_as_drop_out_inside_is_warned_about():
    arch = arch_of(views("slices", {**C, "drop_out": 0.2}, GAP), T)
    assert arch.warnings() == [
        "mine.json $[0].layers[0].drop_out: drop_out is a percentage: 0.2 drops 0.2% of the values. Did you mean 20?"
    ]


@pytest.mark.parametrize(
    ("before", "inner", "sees_whole_input"),
    [
        ([], [C, GAP], False),
        ([], [C, {"type": "SE"}, C, GAP], True),
        ([], [C, {**C, "norm": "instance"}, GAP], True),
        ([], [C, {"type": "CAT", "branches": [[{"type": "SE"}, GAP], [GAP]]}], False),
        ([{"type": "SE"}], [C, C, GAP], True),
    ],
)
def test_the_features_of_planes_depend_on_the_whole_input_through_attention(before, inner, sees_whole_input):
    found = arch_of(*before, views("nine", *inner), T).feature_map((8, 8, 8))
    assert found.sees_whole_input == sees_whole_input


def test_settings_and_sweeps_reach_the_layers_inside():
    document = {
        "arch": {"name": "nine", "input_shape": [16, 16, 16], "layers": [views("nine"), T]},
        "data": {"name": "phantom"},
    }
    key = ("arch", "layers", 0, "layers", 0, "num_output")
    changed = apply_override(Document(value=document, source="mine.json"), key, 7)
    (experiment,) = parse_experiments(changed)
    assert experiment.arch.layers[0].layers[0].num_output == 7


MIXED = "planes of net mix the depth with the other axes, but"


@pytest.mark.parametrize(
    ("planes", "data", "warning"),
    [
        (
            "nine",
            {"name": "luna16"},
            f"data.spacing_mm: {MIXED} crops keep the spacing of their scan. Set equal spacings, such as [1, 1, 1].",
        ),
        (
            "orthogonal",
            {"name": "phantom", "spacing_mm": [1, 1, 2.5]},
            f"data.spacing_mm: {MIXED} [1, 1, 2.5] mm are unequal. Set equal spacings, such as [1, 1, 1].",
        ),
        (
            "nine",
            {"name": "folder", "root": "scans"},
            f'data.crop_size: {MIXED} whole scans are resized regardless of their spacing. Use planes "slices".',
        ),
        ("nine", {"name": "phantom", "spacing_mm": [1, 1, 1]}, None),
        ("nine", {"name": "npz", "root": "cubes.npz"}, None),
        ("axial", {"name": "luna16"}, None),
        ("slices", {"name": "luna16"}, None),
    ],
)
def test_unequal_spacing_triggers_a_warning_if_planes_contain_the_depth(planes, data, warning):
    layers = [{"type": "REP", "times": 1, "layers": [views(planes)]}, T]
    document = {"archs": [{"name": "net", "layers": layers}], "data": data}
    (experiment,) = parse_experiments(Document(value=document, source="mine.json"))
    assert experiment.warnings() == ([warning] if warning else [])


def test_every_default_is_written_out():
    layer = parse_layer(views("slices"), 3)
    assert (layer.shared, layer.fuse, layer.attention_size) == (True, "concat", 64)
