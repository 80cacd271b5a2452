"""Findings about voxels: empty, identical, contradictory and copied cases."""

import numpy as np
import pytest
from scipy import ndimage

from archnet.data.checks.case_values import report_copies
from archnet.data.checks.duplicates.case_statistics import CaseStatistics
from archnet.data.checks.duplicates.copies import Copies, find_copies, find_empty
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


def test_the_first_three_cases_of_the_first_three_clusters_are_named():
    clusters = ((0, 1, 2, 3), (4, 5), (6, 7), (8, 9))
    copies = Copies(are_empty=np.zeros(10, bool), identical=clusters, near=())
    cases = make_cases(10, labels=[0, 1] * 5)
    contradiction, identical = report_copies(copies, cases, np.array(["train", "test"] * 5), np.arange(10))
    assert contradiction.message == (
        '10 cases have the same voxels as a case of another class: c0 ("no") = c1 ("yes") = c2 ("no"), c4 ("no") = '
        'c5 ("yes"), c6 ("no") = c7 ("yes") and 1 more.'
    )
    assert identical.message == (
        "10 cases in different sets have the same voxels as another case: c0 (train) = c1 (test) = c2 (train), c4 "
        "(train) = c5 (test), c6 (train) = c7 (test) and 1 more."
    )


def test_exactly_three_clusters_are_all_named_and_one_group_among_others_is_no_note():
    copies = Copies(are_empty=np.zeros(6, bool), identical=((0, 1), (2, 3), (4, 5)), near=())
    (finding,) = report_copies(copies, make_cases(6, groups=list("aabcde")), np.array(["train"] * 6), np.arange(6))
    assert finding.severity == "warning"
    assert finding.message.endswith(": c0 (train) = c1 (train), c2 (train) = c3 (train), c4 (train) = c5 (train).")


def test_near_copies_are_ordered_by_their_correlation_and_only_those_of_the_split_count():
    pairs = [(0, 1, 0.9), (2, 3, 0.95), (0, 4, 0.97), (1, 5, 0.99)]
    near = tuple(CopiedPair(first=first, second=second, correlation=r) for first, second, r in pairs)
    copies = Copies(are_empty=np.zeros(6, bool), identical=(), near=near)
    rows = np.arange(5)
    (finding,) = report_copies(copies, make_cases(6).select(rows), np.array(["train"] * 5), rows)
    assert finding.message == (
        "3 pairs of cases in one set and in different groups are copies up to noise, scaling, shift or flip: "
        "c0 (train) ~ c4 (train), c2 (train) ~ c3 (train), c0 (train) ~ c1 (train)."
    )
    rows = np.arange(1, 6)
    (finding,) = report_copies(copies, make_cases(6).select(rows), np.array(["train"] * 5), rows)
    assert finding.message.endswith(": c1 (train) ~ c5 (train), c2 (train) ~ c3 (train).")


def test_a_class_without_cases_does_not_consist_of_empty_ones():
    copies = Copies(are_empty=np.array([True, False]), identical=(), near=())
    (finding,) = report_copies(copies, make_cases(2), np.array(["train", "train"]), np.arange(2))
    assert finding.severity == "warning"
    assert finding.message == 'The voxels of 1 case are all equal or all air: 1 of 2 of class "no".'


@pytest.mark.parametrize(
    ("low", "high", "are_empty"),
    [
        ([-1000, -1000, 0, 7], [-972, 400, 400, 400], [True, False, False, False]),
        ([-1000, -1000, 0, 7], [-971, 400, 400, 400], [False, False, False, False]),
        ([-2000, 390, 0, 7], [-980, 900, 400, 400], [True, True, False, False]),  # the window clips them
        ([-2000, 390, 0, 7], [-980, 900, 20, 400], [False, False, False, False]),  # most would be empty
        ([-2000, 390, 0, 7], [-980, 900, 20, 7], [False, False, False, True]),
    ],
)
def test_a_case_is_empty_if_its_values_span_two_percent_of_the_window(low, high, are_empty):
    checksums = np.arange(4).astype(np.uint64).view("V8")
    statistics = CaseStatistics(checksums=checksums, low=np.array(low, float), high=np.array(high, float))
    assert find_empty(statistics, (-1000, 400)).tolist() == are_empty
    assert find_empty(statistics, None).tolist() == [one == other for one, other in zip(low, high, strict=True)]
