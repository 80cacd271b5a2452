"""Twins of the shipped architectures at the same widths, and what a request must say."""

import re
from pathlib import Path

import pytest

from archnet.errors import DocumentError
from archnet.spec.arch import load_arch
from archnet.spec.twins.twin_document import twin_name
from archnet.spec.twins.twin_network import make_twin, network_form
from archnet.spec.twins.twin_notes import paths_text

ARCHS = Path(__file__).parents[3] / "archs"
CROP = (64, 64, 10)


def twin_layers(name, rank, shape=CROP):
    return make_twin(load_arch(ARCHS / name), rank, input_shape=shape).arch.document.value["layers"]


def differences(value, other, path="layers"):
    """The paths at which two JSON values differ, with both values; a key that one lacks is null there."""
    if isinstance(value, dict) and isinstance(other, dict):
        return {
            place: pair
            for key in value | other
            for place, pair in differences(value.get(key), other.get(key), f"{path}.{key}").items()
        }
    if isinstance(value, list) and isinstance(other, list) and len(value) == len(other) and path.count("size") == 0:
        pairs = enumerate(zip(value, other, strict=True))
        return {place: pair for index, two in pairs for place, pair in differences(*two, f"{path}[{index}]").items()}
    return {} if value == other else {path: (value, other)}


def layers_of(name):
    return load_arch(ARCHS / name).document.value["layers"]


@pytest.mark.parametrize("small", ["archsm", "arch"])
def test_the_3d_twin_of_the_published_network_is_the_published_one_but_for_two_flattened_kernels(small):
    published = {"archsm": "arch3dsm.json", "arch": "arch3d.json"}[small]
    assert differences(twin_layers(f"{small}.json", 3), layers_of(published)) == {
        "layers[3].kernel_size": ([5, 5, 5], [5, 5, 1]),
        "layers[4].kernel_size": ([5, 5, 5], [5, 5, 2]),
    }


@pytest.mark.parametrize(("deep", "plane"), [("arch3dsm", "archsm"), ("arch3d", "arch")])
def test_the_2d_twin_of_the_published_3d_network_is_the_published_2d_network(deep, plane):
    assert twin_layers(f"{deep}.json", 2, (64, 64)) == layers_of(f"{plane}.json")


def test_the_3d_twin_of_res2d_is_res3d_with_the_widths_of_res2d_and_no_weights_on_padding():
    assert differences(twin_layers("res2d.json", 3), layers_of("res3d.json")) == {
        "layers[1].layers[0].num_output": (32, 16),
        "layers[1].layers[1].num_output": (32, 16),
        "layers[2].layers[0].num_output": (64, 32),
        "layers[2].layers[1].num_output": (64, 32),
        "layers[3].layers[0].num_output": (96, 64),
        "layers[3].layers[1].num_output": (96, 64),
        "layers[4].layers[0].num_output": (128, 64),
        "layers[4].layers[0].kernel_size": ([3, 3, 2], [3, 3, 3]),
        "layers[4].layers[1].num_output": (128, 64),
        "layers[4].layers[1].kernel_size": ([3, 3, 1], [3, 3, 3]),
    }


def test_a_twin_says_where_its_kernels_are_shallower():
    assert make_twin(load_arch(ARCHS / "res2d.json"), 3, input_shape=CROP).notes == (
        "kernel_size is 2, not 3, along a depth of 2: $.layers[4].layers[0].",
        "kernel_size is 1, not 3, along a depth of 1: $.layers[4].layers[1].",
    )


def test_the_head_of_a_twin_names_it_and_its_input():
    document = make_twin(load_arch(ARCHS / "zoo" / "resnet18_2d.json"), 3, input_shape=CROP).arch.document.value
    assert {key: value for key, value in document.items() if key != "layers"} == {
        "$schema": "../../schemas/arch.schema.json",
        "name": "resnet18_3d",
        "description": "3D twin of resnet18_2d.",
        "input_shape": [64, 64, 10],
    }
    assert list(document) == ["$schema", "name", "description", "input_shape", "layers"]


def test_numbers_for_all_axes_stay_numbers_where_they_mean_the_same():
    layers = twin_layers("zoo/convnext_2d.json", 3)
    assert layers[0]["kernel_size"] == 4
    assert layers[1]["layers"][0]["kernel_size"] == [7, 7, 5]
    assert layers[1]["layers"][1]["kernel_size"] == 1


@pytest.mark.parametrize(
    ("shape", "planes"),
    [
        (CROP, {"planes": "slices", "fuse": "attention"}),
        ((64, 64, 32), {"planes": "slices", "fuse": "attention"}),
        ((48, 64, 64), {"planes": "slices", "fuse": "attention"}),
        ((32, 32, 32), {"planes": "orthogonal"}),
        ((16, 16, 16), {"planes": "orthogonal"}),
        ((32, 32, 1), {"planes": "axial"}),
    ],
)
def test_the_2d_layers_run_on_orthogonal_planes_of_a_cube_or_on_slices_with_attention(shape, planes):
    *trunk, terminal = layers_of("archsm.json")
    assert twin_layers("archsm.json", 2.5, shape) == [{"type": "VIEWS", **planes, "layers": trunk}, terminal]


def test_the_layers_on_planes_of_a_2_5d_network_are_its_2d_twin():
    views, *others = layers_of("zoo/slice_attention.json")
    assert twin_layers("zoo/slice_attention.json", 2, (64, 64)) == [*views["layers"], *others]
    assert make_twin(load_arch(ARCHS / "zoo" / "slice_attention.json"), 2).notes == (
        "VIEWS is replaced by its inner layers: $.layers[0].",
    )


def test_a_trunk_without_flat_features_ends_in_gap_before_it_runs_on_planes():
    arch = load_arch({"name": "plain", "input_shape": [8, 8], "layers": [convolution(), {"type": "T"}]})
    twin = make_twin(arch, 2.5, input_shape=(8, 8, 4))
    assert twin.arch.document.value["layers"][0]["layers"] == [convolution(), {"type": "GAP"}]
    assert twin.notes == ("GAP is added before T, because VIEWS needs flat features of each plane.",)


def convolution(**keys):
    return {"type": "C", "num_output": 4, "kernel_size": 3} | keys


def test_parameters_and_multiply_adds_are_those_of_the_plan():
    twin = make_twin(load_arch(ARCHS / "archsm.json"), 3, input_shape=CROP)
    assert (twin.parameters, twin.macs, twin.factor) == (247_308, 419_654_108, 1.0)
    assert (twin.original_parameters, twin.original_macs, twin.original_input) == (99_948, 19_050_844, (64, 64))
    assert make_twin(ARCHS / "arch3dsm.json", 2, input_shape=(32, 32)).original_input == (32, 32, 10)


@pytest.mark.parametrize(
    ("name", "form"), [("archsm.json", 2), ("arch3dsm.json", 3), ("zoo/nine_view.json", 2.5), ("res2d.json", 2)]
)
def test_networks_are_2d_or_2_5d_or_3d(name, form):
    assert network_form(load_arch(ARCHS / name)) == form


@pytest.mark.parametrize(
    ("name", "rank", "shape", "match", "text"),
    [
        ("archsm.json", 4, CROP, "none", "a twin has rank 2, 2.5 or 3, not 4."),
        ("archsm.json", "3", CROP, "none", 'a twin has rank 2, 2.5 or 3, not "3".'),
        (
            "archsm.json",
            3,
            "64x64x10",
            "none",
            "a 3D twin needs an input with a depth, but the input is '64x64x10'. Give height x width x depth, such as "
            "64x64x10.",
        ),
        (
            "archsm.json",
            3,
            (32, 32, 0),
            "none",
            "a 3D twin needs an input with a depth, but the input is 32x32x0. Give height x width x depth, such as "
            "64x64x10.",
        ),
        ("archsm.json", 3, CROP, "macz", 'match "macz": expected one of "none", "parameters", "macs".'),
        ("archsm.json", 2, (64, 64), "none", "this network is already 2D. Use rank 2.5 or 3."),
        ("zoo/nine_view.json", 2.5, None, "none", "this network is already 2.5D. Use rank 2 or 3."),
        (
            "archsm.json",
            3,
            None,
            "none",
            "a 3D twin needs an input with a depth, but the input is 64x64. Give height x width x depth, such as "
            "64x64x10.",
        ),
        (
            "arch3dsm.json",
            2.5,
            (32, 32),
            "none",
            "a 2.5D twin needs an input with a depth, but the input is 32x32. Give height x width x depth, such as "
            "32x32x10.",
        ),
    ],
)
def test_an_impossible_twin_is_refused(name, rank, shape, match, text):
    with pytest.raises(DocumentError, match=f"^{re.escape(f'{ARCHS / name}: {text}')}$"):
        make_twin(load_arch(ARCHS / name), rank, input_shape=shape, match=match)


def test_a_twin_of_a_file_is_that_of_its_architecture():
    path = ARCHS / "archsm.json"
    assert make_twin(path, 3, input_shape=CROP).arch == make_twin(load_arch(path), 3, input_shape=CROP).arch


def test_a_block_whose_branches_would_differ_keeps_the_depth_and_the_twin_says_so():
    layers = [
        {
            "type": "RES",
            "layers": [convolution(padding="valid")],
            "shortcut": [{"type": "CROP", "size": 6}, convolution()],
        },
        {"type": "T"},
    ]
    twin = make_twin({"input_shape": [8, 8], "layers": layers}, 3, input_shape=(8, 8, 20))
    block = twin.arch.document.value["layers"][0]
    assert block["layers"] == [convolution(padding="valid", kernel_size=[3, 3, 1])]
    assert block["shortcut"] == [{"type": "CROP", "size": [6, 6, 20]}, convolution(kernel_size=[3, 3, 1])]
    assert twin.notes == (
        "These blocks keep the depth, because the depths of their branches would differ: $.layers[0].",
    )


def test_a_network_that_has_no_twin_names_the_layer():
    layers = [convolution(stride=2), {"type": "ATT"}, {"type": "T"}]
    with pytest.raises(
        DocumentError,
        match=re.escape(
            "arch $.layers[1]: ATT has 10,240 tokens, one per voxel of (32, 32, 10), but at most 4,096 are allowed. Add "
            "a C or P with a larger stride before it. This network has no 3D twin for the input 64x64x20."
        ),
    ):
        make_twin({"input_shape": [64, 64], "layers": layers}, 3, input_shape=(64, 64, 20))


POOL = {"type": "P", "pool": "max", "kernel_size": 2}


@pytest.mark.parametrize(
    ("times", "depth", "expected"),
    [
        (1, 8, [{"type": "REP", "times": 1, "layers": [convolution(), POOL]}]),
        (3, 8, [{"type": "REP", "times": 3, "layers": [convolution(), POOL]}]),
        (
            4,
            4,
            [
                {"type": "REP", "times": 2, "layers": [convolution(), POOL]},
                {
                    "type": "REP",
                    "times": 2,
                    "layers": [convolution(kernel_size=[3, 3, 1]), {**POOL, "kernel_size": [2, 2, 1]}],
                },
            ],
        ),
        (
            2,
            2,
            [convolution(), POOL, convolution(kernel_size=[3, 3, 1]), {**POOL, "kernel_size": [2, 2, 1]}],
        ),
    ],
)
def test_repetitions_at_depths_that_need_different_sizes_are_written_separately(times, depth, expected):
    repeat = {"type": "REP", "times": times, "layers": [convolution(), POOL]}
    twin = make_twin({"input_shape": [16, 16], "layers": [repeat, {"type": "T"}]}, 3, input_shape=(16, 16, depth))
    assert twin.arch.document.value["layers"] == [*expected, {"type": "T"}]


def test_sizes_that_differ_in_the_plane_give_the_depth_those_of_the_height():
    tall = convolution(kernel_size=[5, 1], stride=[2, 1], padding=[[2, 2], 0])
    twin = make_twin({"input_shape": [16, 16], "layers": [tall, {"type": "T"}]}, 3, input_shape=(16, 16, 8))
    assert twin.arch.document.value["layers"][0] == {
        **tall,
        "kernel_size": [5, 1, 5],
        "stride": [2, 1, 2],
        "padding": [[2, 2], 0, [2, 2]],
    }


@pytest.mark.parametrize(
    ("layer", "sizes", "notes"),
    [
        (
            {"kernel_size": [5, 3]},
            {"kernel_size": [5, 3, 3]},
            ("kernel_size is 3, not 5, along a depth of 2: $.layers[0].",),
        ),
        (
            {"stride": 2, "padding": 1},
            {"kernel_size": [3, 3, 2], "padding": [1, 1, [0, 1]]},
            (
                "kernel_size is 2, not 3, along a depth of 2: $.layers[0].",
                "padding is 0+1, not 1, along a depth of 2: $.layers[0].",
            ),
        ),
    ],
)
def test_a_kernel_that_is_deeper_than_its_input_loses_taps_and_the_zeros_for_them(layer, sizes, notes):
    layers = [convolution(**layer), {"type": "T"}]
    twin = make_twin({"input_shape": [16, 16], "layers": layers}, 3, input_shape=(16, 16, 2))
    assert twin.arch.document.value["layers"][0] == convolution(**layer) | sizes
    assert twin.notes == notes


def test_a_default_that_does_not_fit_the_depth_is_written_out_and_omitted_again():
    layers = [convolution(), {"type": "CBAM", "ratio": 2}, {"type": "T"}]
    twin = make_twin({"input_shape": [16, 16], "layers": layers}, 3, input_shape=(16, 16, 2))
    assert twin.arch.document.value["layers"][1] == {"type": "CBAM", "ratio": 2, "kernel_size": [7, 7, 3]}
    assert make_twin(twin.arch, 2).arch.document.value["layers"] == layers


def test_a_key_that_states_a_default_is_kept():
    layers = [{**POOL, "kernel_size": [2, 1], "stride": [2, 1]}, {"type": "T"}]
    twin = make_twin({"input_shape": [16, 16], "layers": layers}, 3, input_shape=(16, 16, 4))
    assert twin.arch.document.value["layers"][0] == {**POOL, "kernel_size": [2, 1, 2], "stride": [2, 1, 2]}
    assert make_twin(twin.arch, 2).arch.document.value["layers"] == layers


def test_long_names_are_cut_and_the_ending_of_a_twin_is_replaced():
    assert make_twin(
        {"name": "a" * 80, "input_shape": [4, 4], "layers": [{"type": "T"}]}, 3, input_shape=(4, 4, 4)
    ).arch.name == ("a" * 77 + "_3d")
    assert (
        make_twin(make_twin(ARCHS / "archsm.json", 3, input_shape=CROP, match="macs").arch, 2).arch.name == "archsm_2d"
    )


def test_an_explicit_rank_is_that_of_the_twin_and_a_crop_keeps_its_share_of_the_depth():
    layers = [{"type": "CROP", "size": [32, 16]}, convolution(), {"type": "GAP"}, {"type": "T"}]
    original = {"name": "net", "rank": 2, "input_shape": [64, 64], "layers": layers}
    deep = make_twin(original, 3, input_shape=CROP).arch.document.value
    assert (deep["rank"], deep["layers"][0]["size"]) == (3, [32, 16, 5])
    assert make_twin(original, 2.5, input_shape=CROP).arch.document.value["rank"] == 3
    assert make_twin(deep, 2).arch.document.value["rank"] == 2
    thin = make_twin({**original, "layers": [{"type": "CROP", "size": 2}, *layers[1:]]}, 3, input_shape=CROP)
    assert thin.arch.document.value["layers"][0]["size"] == [2, 2, 1]


@pytest.mark.parametrize(
    ("padding", "notes"),
    [
        ([0, 1], ("A padding of 0+1 along the depth is lost; a 3D twin of this twin has 1: $.layers[0].",)),
        ([2, 2], ("A padding of 2 along the depth is lost; a 3D twin of this twin has 1: $.layers[0].",)),
        ([1, 1], ()),
    ],
)
def test_zeros_that_differ_at_the_two_ends_of_the_depth_are_both_named(padding, notes):
    layers = [convolution(padding=[[1, 1], [1, 1], padding]), {"type": "T"}]
    assert make_twin({"input_shape": [8, 8, 8], "layers": layers}, 2).notes == notes


def test_a_block_inside_a_block_that_keeps_the_depth_keeps_it_too_and_only_the_outer_one_is_named():
    inner = {"type": "RES", "layers": [convolution()]}
    outer = {
        "type": "RES",
        "layers": [inner, convolution(padding="valid")],
        "shortcut": [{"type": "CROP", "size": 6}, convolution()],
    }
    twin = make_twin({"input_shape": [8, 8], "layers": [outer, {"type": "T"}]}, 3, input_shape=(8, 8, 20))
    flat = convolution(kernel_size=[3, 3, 1])
    assert twin.arch.document.value["layers"][0] == {
        "type": "RES",
        "layers": [{"type": "RES", "layers": [flat]}, convolution(padding="valid", kernel_size=[3, 3, 1])],
        "shortcut": [{"type": "CROP", "size": [6, 6, 20]}, flat],
    }
    assert twin.notes == (
        "These blocks keep the depth, because the depths of their branches would differ: $.layers[0].",
    )


@pytest.mark.parametrize("length", [76, 77, 78, 80])
def test_the_name_of_a_twin_has_at_most_80_characters(length):
    assert twin_name("a" * length, 3) == "a" * min(length, 77) + "_3d"
    assert twin_name("a" * length, 2.5, "macs") == "a" * min(length, 71) + "_25d_macs"


@pytest.mark.parametrize(
    ("indices", "text"),
    [
        ((), ""),
        ((0, 0), "$.layers[0]"),
        ((0, 1, 2, 1), "$.layers[0], $.layers[1], $.layers[2]"),
        ((0, 1, 2, 3), "$.layers[0], $.layers[1], $.layers[2] and 1 more"),
        ((4, 3, 2, 1, 0), "$.layers[4], $.layers[3], $.layers[2] and 2 more"),
    ],
)
def test_three_paths_are_named_and_others_counted(indices, text):
    assert paths_text([("layers", index) for index in indices]) == text


def test_the_branches_of_a_twin_stay_in_their_order():
    branches = [[convolution(num_output=1, kernel_size=1)], [], [convolution()], [{"type": "CROP", "size": 8}]]
    layers = [{"type": "CAT", "branches": branches}, {"type": "T"}]
    twin = make_twin({"input_shape": [8, 8], "layers": layers}, 3, input_shape=(8, 8, 8))
    flat = make_twin(twin.arch, 2)
    assert flat.arch.document.value["layers"] == layers
    kinds = [[layer["type"] for layer in branch] for branch in twin.arch.document.value["layers"][0]["branches"]]
    assert kinds == [["C"], [], ["C"], ["CROP"]]
