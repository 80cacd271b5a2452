"""Soft labels and weights of .npz files: what is read, and what is refused."""

import re

import numpy as np
import pytest

from archnet.data.arrays.soft_labels import read_soft_labels, read_weight

SHARES = [[0.75, 0.25, 0], [0, 1, 0], [0.2, 0.2, 0.6], [0.25, 0.5, 0.25]]


def _read(soft, y=None, names=None, source="classes"):
    return read_soft_labels(np.array(soft), None if y is None else np.array(y), names, source)


def test_the_hard_label_is_the_class_with_the_largest_share():
    labels = _read(SHARES, names=["solid", "part", "ground"])
    assert labels.indices.tolist() == [0, 1, 2, 1]
    assert labels.classes == ("solid", "part", "ground")
    assert labels.findings == ()
    np.testing.assert_array_equal(labels.soft, np.array(SHARES, np.float32))
    assert labels.soft.dtype == np.float32


def test_classes_without_names_are_numbered():
    labels = _read(SHARES)
    assert labels.classes == ("0", "1", "2")
    assert [finding.message for finding in labels.findings] == ["The classes have no names, only numbers (0, 1, 2)."]


def test_labels_in_y_decide_ties_and_keep_their_names():
    labels = _read([[0.5, 0.5], [0.5, 0.5], [0.1, 0.9]], y=["sick", "healthy", "sick"])
    assert labels.classes == ("healthy", "sick")
    assert labels.indices.tolist() == [1, 0, 1]
    assert labels.findings == ()


def test_rows_that_sum_to_1_up_to_rounding_are_divided_by_their_sum():
    labels = _read(np.array([[0.3335, 0.6670], [0.7, 0.2999]]))
    expected = np.array([[0.3335 / 1.0005, 0.6670 / 1.0005], [0.7 / 0.9999, 0.2999 / 0.9999]])
    np.testing.assert_array_equal(labels.soft, expected.astype(np.float32))


def test_whole_numbers_are_shares():
    labels = _read(np.array([[1, 0], [0, 1]]))
    assert labels.soft.tolist() == [[1, 0], [0, 1]]


def test_labels_in_y_that_contradict_the_shares_are_reported():
    labels = _read([[0.9, 0.1], [0.8, 0.2], [0.3, 0.7], [0.6, 0.4]], y=[0, 1, 1, 0], names=["benign", "malignant"])
    assert labels.indices.tolist() == [0, 1, 1, 0]
    (finding,) = labels.findings
    assert (finding.check, finding.severity, finding.cases) == ("soft_labels", "warning", ("1",))
    assert finding.text == (
        "The label in y is not the class with the largest share in soft in 1 of 4 cases: 1. The loss uses soft, metrics "
        "use y. Correct these cases, or omit y to use the class with the largest share."
    )


def test_half_of_the_cases_may_contradict_the_shares():
    (finding,) = _read([[0.9, 0.1], [0.8, 0.2], [0.3, 0.7], [0.6, 0.4]], y=["a", "b", "a", "a"]).findings
    assert (finding.severity, finding.cases) == ("warning", ("1", "2"))


def test_columns_in_a_different_order_are_an_error():
    labels = _read([[0.9, 0.1], [0.8, 0.2], [0.3, 0.7], [0.6, 0.4]], y=["sick", "sick", "healthy", "sick"])
    (finding,) = labels.findings
    assert (finding.severity, finding.cases) == ("error", ("0", "1", "2", "3"))
    assert finding.text == (
        "The label in y is not the class with the largest share in soft in 4 of 4 cases: 0, 1, 2, 1 more. The loss uses "
        "soft, metrics use y. The columns of soft must be in the order of the classes: healthy, sick."
    )


@pytest.mark.parametrize(
    ("soft", "options", "message"),
    [
        (
            [0.2, 0.8],
            {},
            "soft must be (N, classes), got (2,); for two classes, save the shares of both: soft=numpy.stack([1 - share, "
            "share], axis=1)",
        ),
        (
            [[0.2], [0.8]],
            {},
            "soft must be (N, classes), got (2, 1); for two classes, save the shares of both: soft=numpy.stack([1 - "
            "share, share], axis=1)",
        ),
        ([[[0.2]]], {}, "soft must be (N, classes), one row for each case, got (1, 1, 1)"),
        ([["a", "b"]], {}, "soft must contain numbers, got <U1"),
        (
            [[0.5, 0.5], [np.nan, 1]],
            {},
            "soft contains NaN or infinity in 1 row (1; counted from 0); give a share of each class",
        ),
        (
            [[0.5, 0.5], [np.inf, -np.inf]],
            {},
            "soft contains NaN or infinity in 1 row (1; counted from 0); give a share of each class",
        ),
        (
            [[1e308, 1e308], [0, 1]],
            {},
            "soft does not sum to 1 (the first sum is inf) in 1 row (0; counted from 0); save soft=soft / "
            "soft.sum(axis=1, keepdims=True) if these are shares",
        ),
        (
            [[0.5, 0.5015], [0, 1]],
            {},
            "soft does not sum to 1 (the first sum is 1.0015) in 1 row (0; counted from 0); save soft=soft / "
            "soft.sum(axis=1, keepdims=True) if these are shares",
        ),
        (
            np.eye(12),
            {"y": [*range(11), 0]},
            "soft has 12 columns, but y contains 11 classes (0, 1, 2, 3, 4, 5, 6, 7, 8, 9); give one column for each class, "
            "in this order",
        ),
        (
            [[-0.2, 1.2], [0, 1]],
            {},
            "soft contains a negative share in 1 row (0; counted from 0); give shares from 0 to 1",
        ),
        (
            [[20, 80], [0, 100], [1, 0], [0, 4], [2, 2]],
            {},
            "soft does not sum to 1 (the first sum is 100) in 4 rows (0, 1, 3, ...; counted from 0); save soft=soft / "
            "soft.sum(axis=1, keepdims=True) if these are shares",
        ),
        (
            [[0.5, 0.5], [0.2, 0.8], [0.5, 0.5]],
            {},
            "there is no y, and the largest share in soft is not unique in 2 rows (0, 2; counted from 0); save y with the "
            "label of each case, or omit these cases",
        ),
        (
            [[0.6, 0.4], [0.8, 0.2]],
            {"names": ["benign", "malignant"]},
            "in soft, no case has its largest share in column 1 (malignant); every class needs at least one case",
        ),
        (
            SHARES[:2],
            {},
            "in soft, no case has its largest share in column 2; every class needs at least one case",
        ),
        (
            SHARES,
            {"names": ["a", "b"], "source": "data.classes"},
            "soft has 3 columns, but data.classes contains 2 names; give one name for each column",
        ),
        (
            SHARES,
            {"y": [0, 1, 1, 1]},
            "soft has 3 columns, but y contains 2 classes (0, 1); give one column for each class, in this order",
        ),
    ],
)
def test_arrays_that_are_not_soft_labels_are_refused(soft, options, message):
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        _read(soft, **options)


def test_weights_are_positive_numbers():
    weights = read_weight(np.array([1, 2, 5]))
    assert weights.tolist() == [1, 2, 5]
    assert weights.dtype == np.float32


@pytest.mark.parametrize(
    ("weight", "message"),
    [
        ([[1.0], [2.0]], "weight must be (N,), one number for each case, got (2, 1)"),
        (["a"], "weight must contain numbers, got <U1"),
        (
            [1, 0, 2, -1],
            "weight is not positive and finite (such as 0) in 2 rows (1, 3; counted from 0); give a positive number, or "
            "omit cases that should not count",
        ),
        (
            [1, np.nan],
            "weight is not positive and finite (such as nan) in 1 row (1; counted from 0); give a positive number, or "
            "omit cases that should not count",
        ),
        (
            [1e-6, 1e-7, 1e6, 1e39],
            "weight is not from 1e-06 to 1e+06 (such as 1e-07) in 2 rows (1, 3; counted from 0); only ratios of weights "
            "count: divide them by their mean, and omit cases that hardly count",
        ),
    ],
)
def test_weights_that_are_not_positive_or_extreme_are_refused(weight, message):
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        read_weight(np.array(weight))
