"""Labels, soft labels and weights of nodules from ratings."""

import numpy as np

from archnet.data.readings.malignancy_labels import find_unlabelled, label_malignancy
from archnet.data.readings.rating_columns import rating_columns
from archnet.data.readings.readings_file import Reading


def nodule(*values, name="malignancy"):
    return tuple(
        Reading(annotation=n, reader=f"r{n}", shape=None, ratings={} if value is None else {name: value})
        for n, value in enumerate(values)
    )


LABELS = label_malignancy(
    [
        nodule(3, 3, 3, 4),
        nodule(1, 5, 3),
        nodule(2, 3, 3, 3),
        nodule(1, 1, 5, 5),
        nodule(5, 5, None, 5),
        nodule(None, None),
        (),
        nodule(1, 1, 4),
    ]
)


def test_the_mean_of_the_readers_decides_and_missing_ratings_do_not_count():
    np.testing.assert_array_equal(LABELS.means, [3.25, 3, 2.75, 3, 5, np.nan, np.nan, 2])
    assert LABELS.hard.tolist() == [1, 0, 0, 0, 1, 0, 0, 0]
    assert LABELS.is_undecided.tolist() == [False, True, False, True, False, False, False, False]
    assert LABELS.is_rated.tolist() == [True] * 5 + [False] * 2 + [True]
    assert LABELS.counts() == {"below 3": 2, "exactly 3": 2, "above 3": 2, "not rated": 2}


def test_a_mean_of_exactly_three_is_found_for_any_number_of_readers():
    for count in range(1, 50):
        values = [1] * count + [5] * count + [3]
        assert label_malignancy([nodule(*values)]).is_undecided.all()


def test_soft_labels_are_halves_for_undecided_nodules_only():
    assert LABELS.soft[[0, 1, 2, 3, 4]].tolist() == [[0, 1], [0.5, 0.5], [1, 0], [0.5, 0.5], [0, 1]]
    assert LABELS.soft.dtype == np.float32


def test_weights_fall_with_the_variance_of_the_readers():
    found = LABELS.agreement
    np.testing.assert_allclose(found[[0, 1, 3, 4, 7]], [1 / 1.1875, 1 / (1 + 8 / 3), 0.2, 1, 1 / 3], rtol=1e-6)
    assert found.dtype == np.float32


def test_nodules_without_a_label_are_reported():
    cases = np.array([f"1.2#{n}" for n in range(8)])
    unrated, middle = find_unlabelled(LABELS, cases, "leave_out")
    assert (unrated.severity, unrated.cases) == ("warning", ("1.2#5", "1.2#6"))
    assert unrated.text == (
        "2 of the 8 nodules are left out because no reader rated their malignancy: 1.2#5, 1.2#6. Compare the positions "
        "in the list with those of the scans."
    )
    assert (middle.severity, middle.cases) == ("note", ("1.2#1", "1.2#3"))
    assert middle.text == "2 of the 8 nodules are left out: the mean malignancy of their readers is exactly 3."
    assert list(find_unlabelled(LABELS, cases, "soft"))[1].text == (
        "2 of the 8 nodules are used in the training set only, with equal shares of both classes: the mean malignancy "
        "of their readers is exactly 3."
    )
    assert list(find_unlabelled(label_malignancy([nodule(5)]), cases[:1], "leave_out")) == []


def test_scales_are_means_kinds_are_majorities_and_readers_are_counted():
    nodules = [
        nodule(4, 5, 5, name="spiculation"),
        nodule(6, 6, 3, name="calcification"),
        nodule(6, 6, 3, 3, name="calcification"),
        nodule(1, 1, 2, None, name="internalStructure"),
        nodule(5, name="internalStructure"),
        (),
    ]
    columns = {name: values.tolist() for name, values in rating_columns(nodules).items()}
    assert list(columns) == [
        "readers",
        "subtlety",
        "sphericity",
        "margin",
        "lobulation",
        "spiculation",
        "texture",
        "malignancy",
        "internal_structure",
        "calcification",
    ]
    assert columns["readers"] == ["3", "3", "4", "4", "1", ""]
    assert columns["spiculation"] == ["4.667", "", "", "", "", ""]
    assert columns["calcification"] == ["", "absent", "", "", "", ""]
    assert columns["internal_structure"] == ["", "", "", "soft tissue", "", ""]
