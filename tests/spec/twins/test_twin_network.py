"""Twins of the shipped architectures at the same widths, and what a request must say."""

import re
from pathlib import Path

import pytest

from archnet.errors import DocumentError
from archnet.spec.arch import load_arch
from archnet.spec.twins.twin_network import make_twin, network_form

ARCHS = Path(__file__).parents[3] / "archs"
CROP = (64, 64, 10)


def twin_layers(name, rank, shape=CROP):
    return make_twin(load_arch(ARCHS / name), rank, shape).arch.document.value["layers"]


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
    assert make_twin(load_arch(ARCHS / "res2d.json"), 3, CROP).notes == (
        "kernel_size is 2, not 3, along a depth of 2: $.layers[4].layers[0].",
        "kernel_size is 1, not 3, along a depth of 1: $.layers[4].layers[1].",
    )


def test_the_head_of_a_twin_names_it_and_its_input():
    document = make_twin(load_arch(ARCHS / "zoo" / "resnet18_2d.json"), 3, CROP).arch.document.value
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


def test_slices_with_attention_are_the_planes_of_a_flat_volume_and_orthogonal_planes_those_of_a_cube():
    *trunk, terminal = layers_of("archsm.json")
    assert twin_layers("archsm.json", 2.5) == [
        {"type": "VIEWS", "planes": "slices", "fuse": "attention", "layers": trunk},
        terminal,
    ]
    assert twin_layers("archsm.json", 2.5, (32, 32, 32)) == [
        {"type": "VIEWS", "planes": "orthogonal", "layers": trunk},
        terminal,
    ]
    assert twin_layers("archsm.json", 2.5, (32, 32, 1)) == [
        {"type": "VIEWS", "planes": "axial", "layers": trunk},
        terminal,
    ]


def test_the_layers_on_planes_of_a_2_5d_network_are_its_2d_twin():
    views, *others = layers_of("zoo/slice_attention.json")
    assert twin_layers("zoo/slice_attention.json", 2, (64, 64)) == [*views["layers"], *others]
    assert make_twin(load_arch(ARCHS / "zoo" / "slice_attention.json"), 2).notes == (
        "The layers on planes replace VIEWS: $.layers[0].",
    )


def test_a_trunk_without_flat_features_ends_in_gap_before_it_runs_on_planes():
    arch = load_arch({"name": "plain", "input_shape": [8, 8], "layers": [convolution(), {"type": "T"}]})
    twin = make_twin(arch, 2.5, (8, 8, 4))
    assert twin.arch.document.value["layers"][0]["layers"] == [convolution(), {"type": "GAP"}]
    assert twin.notes == ("GAP is added before T, because VIEWS needs flat features of each plane.",)


def convolution(**keys):
    return {"type": "C", "num_output": 4, "kernel_size": 3} | keys


def test_parameters_and_multiply_adds_are_those_of_the_plan():
    twin = make_twin(load_arch(ARCHS / "archsm.json"), 3, CROP)
    assert (twin.parameters, twin.macs, twin.factor) == (247_308, 419_654_108, 1.0)
    assert (twin.original_parameters, twin.original_macs, twin.original_input) == (99_948, 19_050_844, (64, 64))


@pytest.mark.parametrize(
    ("name", "form"), [("archsm.json", 2), ("arch3dsm.json", 3), ("zoo/nine_view.json", 2.5), ("res2d.json", 2)]
)
def test_networks_are_2d_or_2_5d_or_3d(name, form):
    assert network_form(load_arch(ARCHS / name)) == form


@pytest.mark.parametrize(
    ("name", "rank", "shape", "match", "text"),
    [
        ("archsm.json", 4, CROP, "none", "a twin has rank 2, 2.5 or 3, not 4."),
        ("archsm.json", 3, CROP, "macz", 'match "macz": expected one of "none", "parameters", "macs".'),
        ("archsm.json", 2, (64, 64), "none", "this network is 2D already. Give rank 2.5 or 3."),
        ("zoo/nine_view.json", 2.5, None, "none", "this network is 2.5D already. Give rank 2 or 3."),
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
def test_a_request_without_an_answer_is_refused(name, rank, shape, match, text):
    with pytest.raises(DocumentError, match=f"^{re.escape(f'{ARCHS / name}: {text}')}$"):
        make_twin(load_arch(ARCHS / name), rank, shape, match)
