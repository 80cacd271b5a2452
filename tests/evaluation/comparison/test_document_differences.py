import json
from pathlib import Path

import pytest

from archnet.evaluation.comparison.document_differences import document_differences
from archnet.files.strict_json import read_document
from archnet.spec.arch import parse_arch

ARCHS = Path(__file__).parents[3] / "archs"


def shipped(name):
    return parse_arch(read_document(ARCHS / f"{name}.json")).to_document()


def test_equal_documents_do_not_differ():
    assert document_differences(shipped("arch3d"), json.loads(json.dumps(shipped("arch3d")))) == []


def test_the_small_2d_and_3d_networks_differ_in_rank_and_where_depth_is_treated_apart():
    assert [entry["place"] for entry in document_differences(shipped("archsm"), shipped("arch3dsm"))] == [
        "name", "rank", "description", "input_shape", "layers[3].kernel_size", "layers[4].kernel_size",
    ]  # fmt: skip


def test_a_layer_more_is_one_difference_and_the_layers_after_it_are_matched():
    first = {"layers": [{"type": "C", "num_output": 8}, {"type": "P"}, {"type": "T"}]}
    second = {
        "layers": [{"type": "C", "num_output": 8}, {"type": "BN"}, {"type": "P"}, {"type": "T", "activation": "x"}]
    }
    assert document_differences(first, second) == [
        {"place": "layers[1]", "other": {"type": "BN"}},
        {"place": "layers[2].activation", "other": "x"},
    ]


def test_another_type_of_layer_is_one_removed_and_one_added():
    assert document_differences({"layers": [{"type": "FC"}]}, {"layers": [{"type": "GAP"}]}) == [
        {"place": "layers[0]", "reference": {"type": "FC"}},
        {"place": "layers[0]", "other": {"type": "GAP"}},
    ]


def test_layers_inside_layers_are_found():
    first = {"layers": [{"type": "RES", "layers": [{"type": "C", "num_output": 8}]}]}
    second = {"layers": [{"type": "RES", "layers": [{"type": "C", "num_output": 16}]}]}
    assert document_differences(first, second) == [
        {"place": "layers[0].layers[0].num_output", "reference": 8, "other": 16}
    ]


def test_keys_that_only_one_has_and_null_are_distinguished():
    assert document_differences({"a": None, "b": 1}, {"b": None, "c": [1]}) == [
        {"place": "a", "reference": None},
        {"place": "b", "reference": 1, "other": None},
        {"place": "c", "other": [1]},
    ]


@pytest.mark.parametrize("other", [None, 2])
@pytest.mark.parametrize("reference", [{"b": 1}, [{"type": "C"}], [2, 2]])
def test_values_of_different_kinds_are_one_difference(reference, other):
    for first, second in ((reference, other), (other, reference)):
        expected = [{"place": "a", "reference": first, "other": second}]
        assert document_differences({"a": first}, {"a": second}) == expected


def test_the_same_size_on_one_more_axis_is_not_a_difference_but_a_different_size_is():
    assert document_differences({"stride": [2, 2]}, {"stride": [2, 2, 2]}) == []
    assert document_differences({"stride": [2, 2]}, {"stride": [2, 2, 1]}) != []
    assert document_differences({"stride": [2, 2]}, {"stride": [3, 3]}) != []


def test_experiments_differ_in_their_augmentation_too():
    first = {"training": {"augmentation": []}}
    second = {"training": {"augmentation": [{"type": "flip", "axes": ["height"]}]}}
    assert document_differences(first, second) == [
        {"place": "training.augmentation[0]", "other": {"type": "flip", "axes": ["height"]}}
    ]
