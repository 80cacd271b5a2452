"""Findings about voxels: empty, identical, contradictory and copied cases."""

import numpy as np
import pytest
from scipy import ndimage

from archnet.data.checks.case_values import report_copies
from archnet.data.checks.duplicates.copies import Copies, find_copies
from archnet.data.checks.duplicates.near_duplicates import CopiedPair
from archnet.data.dataset import Cases


def textures(num, shape=(40, 40), seed=0):
    noise = np.random.default_rng(seed).normal(0, 600, (num, *shape))
    return ndimage.gaussian_filter(noise, (0, *[1.5] * len(shape))).round().astype(np.int16)


def make_cases(num, groups=None, labels=None):
    ids = np.array([f"c{row}" for row in range(num)])
    labels = np.zeros(num, np.int64) if labels is None else np.array(labels)
    return Cases(ids=ids, groups=ids if groups is None else np.array(groups), labels=labels, classes=("no", "yes"))


def check(values, sets, **columns):
    cases = make_cases(len(values), **columns)
    return report_copies(find_copies(values, cases.groups), cases, np.array(sets), np.arange(len(values)))


def test_cases_that_differ_give_no_finding():
    assert check(textures(6), ["train", "test"] * 3) == []


def test_the_same_voxels_in_two_sets_are_an_error():
    values = textures(4)
    values[3] = values[0]
    (finding,) = check(values, ["train", "train", "test", "test"])
    assert (finding.check, finding.severity) == ("identical_cases", "error")
    assert finding.cases == ("c0 (train)", "c3 (test)")
    assert finding.text == (
        "2 cases in different sets have the same voxels as another case: c0 (train) = c3 (test). Assign them to "
        'one group (patients.csv next to the scans, or the array "group" of an .npz file) and split by group, or remove all but '
        "one."
    )


@pytest.mark.parametrize(
    ("groups", "severity", "text"),
    [
        ("pqrs", "warning", "as another case: c0 (train) = c1 (train). Remove all but one."),
        ("pprs", "note", "as another case of their group: c0 (train) = c1 (train)."),
    ],
)
def test_the_same_voxels_in_one_set_are_a_warning_and_within_one_group_a_note(groups, severity, text):
    values = textures(4)
    values[1] = values[0]
    (finding,) = check(values, ["train"] * 3 + ["test"], groups=list(groups))
    assert finding.severity == severity
    assert finding.text == f"2 cases in one set have the same voxels {text}"


def test_one_case_with_two_labels_is_an_error_even_within_one_set():
    values = textures(4)
    values[1] = values[0]
    (finding,) = check(values, ["train"] * 4, labels=[0, 1, 0, 1])
    assert (finding.check, finding.severity) == ("contradictory_labels", "error")
    assert finding.text == (
        '2 cases have the same voxels as a case of another class: c0 ("no") = c1 ("yes"). Correct the labels, or '
        "remove "
        "the cases."
    )


def test_constant_cases_are_counted_by_class_and_are_not_copies_of_each_other():
    values = textures(6)
    values[1] = values[4] = -1000
    (finding,) = check(values, ["train"] * 4 + ["test"] * 2, labels=[0, 1, 0, 1, 0, 1])
    assert (finding.check, finding.severity) == ("constant_cases", "warning")
    assert finding.text == (
        'The voxels of 2 cases are all equal or all air: 1 of 3 of class "no", 1 of 3 of class "yes". Remove them, or '
        "correct their crops."
    )


def test_a_set_or_a_class_of_nothing_but_constant_cases_is_an_error():
    values = textures(4)
    values[2:] = 0
    (finding,) = check(values, ["train", "train", "test", "test"], labels=[0, 0, 0, 1])
    assert finding.severity == "error"
    assert finding.message.endswith('There are no other cases in the test set and in class "yes".')


def test_air_with_its_noise_is_empty_but_a_wrong_window_makes_no_case_empty():
    air = np.random.default_rng(0).integers(-1010, -980, (1, 40, 40)).astype(np.int16)
    values = np.concatenate([textures(3), air])
    assert find_copies(values, np.array(list("abcd")), (-1000, 400)).are_empty.tolist() == [False] * 3 + [True]
    assert not find_copies(values, np.array(list("abcd")), (0, 1e6)).are_empty.any()


def test_a_near_copy_in_another_set_is_an_error_and_in_the_same_set_a_warning():
    values = textures(5)
    values[3] = np.roll(values[0], 1, 0) * 2 + 7
    values[4] = values[1][:, ::-1]
    error, warning = check(values, ["train", "train", "train", "test", "train"])
    assert (error.check, error.severity, error.cases) == ("near_duplicates", "error", ("c0 (train)", "c3 (test)"))
    assert error.message == (
        "1 pair of cases in different sets and in different groups are copies up to noise, scaling, shift or flip: "
        "c0 (train) ~ c3 (test)."
    )
    assert (warning.severity, warning.cases) == ("warning", ("c1 (train)", "c4 (train)"))


def test_a_pair_that_may_be_two_alike_cases_is_a_warning_in_different_sets_too():
    copies = Copies(are_empty=np.zeros(4, bool), identical=(), near=(CopiedPair(first=0, second=3, correlation=0.899),))
    (finding,) = report_copies(copies, make_cases(4), np.array(["train"] * 3 + ["test"]), np.arange(4))
    assert (finding.check, finding.severity, finding.cases) == (
        "near_duplicates",
        "warning",
        ("c0 (train)", "c3 (test)"),
    )
    assert finding.message == (
        "1 pair of cases in different sets and in different groups are very similar and may be copies (correlation "
        "of their details below 0.9): c0 (train) ~ c3 (test)."
    )
    assert finding.remedy.startswith("Compare them. Assign them to one group")


def test_copies_within_one_group_are_legitimate():
    values = textures(4)
    values[3] = np.roll(values[0], 1, 0)
    assert check(values, ["train", "train", "train", "test"], groups=list("pqrp")) == []


def test_the_first_three_pairs_are_named():
    values = np.concatenate([textures(5), textures(5)])
    (finding,) = check(values, ["train"] * 5 + ["test"] * 5)
    assert finding.message.count(" = ") == 3
    assert finding.message.endswith(" and 2 more.")


def test_copies_are_found_once_for_all_splits_and_reported_for_the_rows_of_each():
    values = textures(4)
    values[3] = values[0]
    copies = find_copies(values, np.array(list("abcd")))
    cases = make_cases(4)
    rows = np.array([3, 1])
    assert report_copies(copies, cases.select(rows), np.array(["test", "train"]), rows) == []
    rows = np.array([3, 0])
    (finding,) = report_copies(copies, cases.select(rows), np.array(["test", "train"]), rows)
    assert finding.cases == ("c0 (train)", "c3 (test)")


def test_copies_in_the_first_channel_are_found_and_equal_cases_are_equal_in_all():
    values = np.stack([textures(6), textures(6, seed=1)], axis=-1)
    values[3, ..., 0] = values[0, ..., 0] + 1
    values[4] = values[1]
    values[5, ..., 0] = values[2, ..., 0]
    groups = np.arange(6).astype(str)
    copies = find_copies(values, groups, has_channels=True)
    assert copies.identical == ((1, 4),)
    assert [(pair.first, pair.second) for pair in copies.near] == [(0, 3), (2, 5)]
    assert not copies.are_empty.any()
