"""What is said about the sets that a data set brings."""

import numpy as np
import pytest

from archnet.data.checks.own_sets import find_own_sets

CLASSES = ("benign", "malignant", "other")


def _found(by, **sets):
    """The findings for sets given by their labels."""
    names = np.repeat(list(sets), [len(labels) for labels in sets.values()])
    labels = np.concatenate([np.array(labels, np.int64) for labels in sets.values()])
    return find_own_sets(names, labels, CLASSES, by)


def _texts(by, **sets):
    return [(finding.check, finding.severity, finding.text) for finding in _found(by, **sets)]


def test_data_without_own_sets_have_no_findings():
    assert find_own_sets(None, np.array([0, 1]), CLASSES, "group") == ()


def test_sets_that_are_kept_are_counted():
    assert _texts("own", train=[0, 1, 2, 2], validation=[0, 1, 2], test=[0, 1, 2]) == [
        (
            "own_sets",
            "note",
            "The data set has its own training, validation and test sets, which are kept: 4 cases in the training "
            "set, 3 cases in the validation set, 3 cases in the test set.",
        )
    ]
    assert _texts("own_test", train=[0, 1, 2, 2], test=[0, 1, 2]) == [
        (
            "own_sets",
            "note",
            "The data set has its own training and test sets. Its test set is kept; the validation set is drawn from "
            "the other cases (4 cases in the training set, 3 cases in the test set).",
        )
    ]


@pytest.mark.parametrize("by", ["group", "candidate"])
def test_sets_that_are_drawn_anew_are_warned_about_if_there_is_a_test_set(by):
    assert _texts(by, train=[0, 1], validation=[2], test=[0]) == [
        (
            "own_sets",
            "warning",
            f'The data set has its own training, validation and test sets, but split.by "{by}" draws new sets, so '
            "its test cases may be used for training (2 cases in the training set, 1 case in the validation set, "
            "1 case in the test set). To keep its test set, use split.by=own.",
        )
    ]


@pytest.mark.parametrize(
    ("sets", "message"),
    [
        (
            {"train": [0, 1], "validation": [2]},
            "The data set has its own training and validation sets, but no test set, so new sets are drawn (2 "
            "cases in the training set, 1 case in the validation set).",
        ),
        (
            {"test": [0, 1]},
            "The data set has its own test set, but no training set, so new sets are drawn (2 cases in the test set).",
        ),
    ],
)
def test_sets_that_cannot_be_kept_are_noted(sets, message):
    assert _texts("group", **sets) == [("own_sets", "note", message)]


def test_evaluated_sets_that_lack_a_class_are_warned_about():
    _, validation, test = _texts("own", train=[0, 1, 2], validation=[1], test=[0, 1])
    remedy = "Add such cases, or draw new sets with split.by=group."
    assert validation == (
        "empty_sets",
        "warning",
        'The data set\'s own validation set has no case of "benign" or "other", so metrics that need this class are '
        f"undefined there. {remedy}",
    )
    assert test == (
        "empty_sets",
        "warning",
        'The data set\'s own test set has no case of "other", so metrics that need this class are undefined there. '
        f"{remedy}",
    )


def test_training_sets_that_lack_a_class_are_refused_elsewhere():
    assert len(_found("own", train=[0, 1], test=[0, 1, 2])) == 1


def test_sets_that_are_not_kept_may_lack_a_class():
    assert len(_found("own_test", train=[0, 1, 2], validation=[1], test=[0, 1, 2])) == 1
    assert len(_found("group", train=[0, 1, 2], validation=[1], test=[0])) == 1
