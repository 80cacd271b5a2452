"""Settings in which two runs differ."""

import pytest

from archnet.runs.folders.run_differences import architecture_differences, setting_differences


def test_settings_without_effect_are_no_differences():
    one = {"arch": {"description": "a"}, "data": {"allow": ["outliers"], "cases": 3, "name": "npz"}}
    other = {"arch": {"description": "b"}, "data": {"allow": [], "cases": 4, "name": "npz"}}
    assert setting_differences(one, other) == []
    other["data"]["root"] = "b.npz"
    assert setting_differences(one, other, ["data"]) == [{"place": "data.root", "reference": None, "other": "b.npz"}]


def test_seed_and_fold_tell_runs_of_one_architecture_apart_and_nothing_else():
    one = {"training": {"seed": 0, "epochs": 5}, "split": {"fold": 0, "seed": 1}}
    other = {"training": {"seed": 1, "epochs": 5}, "split": {"fold": 1, "seed": 1}}
    places = [difference["place"] for difference in setting_differences(one, other)]
    assert places == ["split.fold", "training.seed"]
    assert architecture_differences(one, other) == []
    other["split"]["seed"] = 2
    assert [difference["place"] for difference in architecture_differences(one, other)] == ["split.seed"]


def test_a_key_that_an_earlier_version_lacked_has_its_default_where_there_is_one():
    assert setting_differences({"evaluation": {"bootstraps": 9}}, {"evaluation": {"bootstraps": 9, "tta": False}}) == []
    differences = setting_differences(
        {"evaluation": {"bootstraps": 9, "tta": False}}, {"evaluation": {"bootstraps": 8}}
    )
    assert differences == [{"place": "evaluation.bootstraps", "reference": 9, "other": 8}]
    assert setting_differences({"split": {"seed": 1}}, {"split": {"seed": 1, "fold": 2}}) == [
        {"place": "split.fold", "reference": None, "other": 2}
    ]


@pytest.mark.parametrize(("ours", "theirs"), [([3], [3, 3]), ([3, 3], [3])])
def test_lists_of_equal_values_that_differ_in_length_are_a_difference(ours, theirs):
    one, other = ({"split": {"sizes": sizes}, "evaluation": {"recall": 0.5}} for sizes in (ours, theirs))
    expected = {"place": "split", "reference": {"sizes": ours}, "other": {"sizes": theirs}}
    assert setting_differences(one, other, ["split", "evaluation"]) == [expected]
