"""Labels of .npz files: what is read as a class, and what its name is."""

import numpy as np
import pytest

from archnet.data.arrays.case_labels import read_labels


def _labels(y, names=None):
    labels = read_labels(np.array(y), names)
    return labels.classes, labels.indices.tolist()


@pytest.mark.parametrize(
    ("y", "classes", "indices"),
    [
        ([3, 1, 3, 10], ("1", "3", "10"), [1, 0, 1, 2]),
        ([-1, 1, -1], ("-1", "1"), [0, 1, 0]),
        ([[0], [1], [1]], ("0", "1"), [0, 1, 1]),
        ([True, False], ("0", "1"), [1, 0]),
        (np.array([2**64 - 1, 0], np.uint64), ("0", "18446744073709551615"), [1, 0]),
        ([0.0, 1.0, 0.0], ("0", "1"), [0, 1, 0]),
        (np.array([2, 0, 2], np.float16), ("0", "2"), [1, 0, 1]),
        ([[1, 0, 0], [0, 0, 1], [0, 1, 0]], ("0", "1", "2"), [0, 2, 1]),
        ([[0.0, 1.0], [1.0, 0.0]], ("0", "1"), [1, 0]),
        ([[True, False], [False, True]], ("0", "1"), [0, 1]),
        (["sick", "healthy", "sick"], ("healthy", "sick"), [1, 0, 1]),
        ([b"sick", "gesünder".encode()], ("gesünder", "sick"), [1, 0]),
        ([["b"], ["a"]], ("a", "b"), [1, 0]),
        (["2", "10", "2"], ("2", "10"), [0, 1, 0]),
        (["1.0", "0.0"], ("0", "1"), [1, 0]),
        (["01", "1"], ("01", "1"), [0, 1]),
        (["1.00", "0"], ("0", "1.00"), [1, 0]),
        (["1", "b"], ("1", "b"), [0, 1]),
    ],
)
def test_numbers_codes_and_text_are_classes(y, classes, indices):
    assert _labels(y) == (classes, indices)


@pytest.mark.parametrize(
    ("y", "names", "classes", "indices"),
    [
        ([0, 1, 0], ("no", "yes"), ("no", "yes"), [0, 1, 0]),
        ([2, 1, 2], ("no", "yes", "maybe"), ("yes", "maybe"), [1, 0, 1]),
        ([1, 2, 1], ("no", "yes"), ("no", "yes"), [0, 1, 0]),
        ([-1, 1], ("no", "yes"), ("no", "yes"), [0, 1]),
        ([10, 3, 1], ("one", "three", "ten"), ("one", "three", "ten"), [2, 1, 0]),
        ([[0, 1], [1, 0]], ("no", "yes"), ("no", "yes"), [1, 0]),
        (["sick", "healthy"], ("sick", "healthy"), ("sick", "healthy"), [0, 1]),
        (["c", "a"], ("c", "b", "a"), ("c", "a"), [0, 1]),
    ],
)
def test_names_are_in_the_order_of_the_labels(y, names, classes, indices):
    assert _labels(y, names) == (classes, indices)


def test_classes_without_names_and_names_without_cases_are_noted():
    (note,) = read_labels(np.array([0, 1]), None).findings
    assert note.text == (
        'The classes have no names, only numbers (0, 1). Name them with data.classes, such as ["benign", '
        '"malignant"], or with an array named classes in the file.'
    )
    (note,) = read_labels(np.arange(4), None).findings
    assert '["first", "second", "third", ...]' in note.text
    (note,) = read_labels(np.arange(3), None).findings
    assert '["first", "second", "third"]' in note.text
    (note,) = read_labels(np.array([0, 2]), ("a", "b", "c"), "data.classes").findings
    assert note.text == 'data.classes names "b", but no case has this label.'
    (note,) = read_labels(np.array(["a", "c"]), ("a", "b", "c")).findings
    assert note.text == 'classes names "b", but no case has this label.'
    (note,) = read_labels(np.eye(2), ("a", "b")).findings
    assert note.text == "y is (2, 2): it is read as one-hot codes, with one column for each class."
    assert read_labels(np.array(["a", "b"]), None).findings == ()
    assert read_labels(np.array([0, 1]), ("a", "b")).findings == ()


NO_LABEL = "label these cases or leave them out"


@pytest.mark.parametrize(
    ("y", "names", "message"),
    [
        ([0, np.nan, 1], None, f"y is NaN in 1 row (1; counted from 0); {NO_LABEL}"),
        ([np.nan] * 4 + [1], None, f"y is NaN in 4 rows (0, 1, 2, ...; counted from 0); {NO_LABEL}"),
        ([np.nan] * 3 + [1], None, f"y is NaN in 3 rows (0, 1, 2; counted from 0); {NO_LABEL}"),
        ([[0, 1], [np.nan, 1]], None, f"y is NaN in 1 row (1; counted from 0); {NO_LABEL}"),
        (["a", "nan", "b"], None, f"y is empty or NaN in 1 row (1; counted from 0); {NO_LABEL}"),
        (["0.0", "1.0", "nan"], None, f"y is empty or NaN in 1 row (2; counted from 0); {NO_LABEL}"),
        ([b"a", b" ", b"b"], None, f"y is empty or NaN in 1 row (1; counted from 0); {NO_LABEL}"),
        (
            [0, 0.5, 0.25],
            None,
            "y is not a whole number (such as 0.5) in 2 rows (1, 2; counted from 0); give one number or name for each "
            "class",
        ),
        (
            [0, np.inf],
            None,
            "y is not a whole number (such as inf) in 1 row (1; counted from 0); give one number or name for each "
            "class",
        ),
        (
            [[1, 0, 1], [0, 1, 0], [0, 0, 0]],
            None,
            "y is (3, 3), but does not contain exactly one 1 among zeros in 2 rows (0, 2; counted from 0); give one "
            "label for each case, or save shares of the classes as soft",
        ),
        (
            [[0.4, 0.6], [1, 0]],
            None,
            "y is (2, 2), but does not contain exactly one 1 among zeros in 1 row (0; counted from 0); give one label "
            "for each case, or save shares of the classes as soft",
        ),
        (
            [[1, 0], [1, 2]],
            None,
            "y is (2, 2), but does not contain exactly one 1 among zeros in 1 row (1; counted from 0); give one label "
            "for each case, or save shares of the classes as soft",
        ),
        ([1, 1], None, "all labels in y are 1; classification needs at least two classes"),
        ([True, True], None, "all labels in y are 1; classification needs at least two classes"),
        (["a", "a"], None, "all labels in y are a; classification needs at least two classes"),
        (["nodule", "Nodule "], None, 'y contains "Nodule " and "nodule"; give each class a different name'),
        ([0, 1], ("a", "a"), 'classes contains "a" twice; give each class a different name'),
        ([0, 1], ("a", " A"), 'classes contains "a" and " A"; give each class a different name'),
        ([0, 1], ("a", ""), "classes contains an empty name; give each class a name"),
        (
            [0, 1, 2],
            ("a", "b"),
            "classes contains 2 names, y has 3 labels (0, 1, 2); give one name for each, in ascending order",
        ),
        (
            range(12),
            ("a", "b"),
            "classes contains 2 names, y has 12 labels (0, 1, 2, 3, 4, 5, 6, 7, 8, 9); give one name for each, in ascending "
            "order",
        ),
        (["noduel", "benign"], ("nodule", "benign"), 'y contains "noduel", which classes does not name (Did you mean '
                                                     '"nodule"?)'),
    ],
)  # fmt: skip
def test_labels_that_are_not_classes_are_refused(y, names, message):
    with pytest.raises(ValueError, match=r".") as caught:
        read_labels(np.array(y), names)
    assert str(caught.value) == message
