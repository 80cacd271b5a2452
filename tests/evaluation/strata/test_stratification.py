"""How attributes divide cases into strata."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from archnet.evaluation.strata.stratification import MAX_CATEGORIES, stratify

EVERY = np.array([True, True, False])


def strata_of(values, *, name="x", is_positive=None):
    """The members of each stratum, by name."""
    array = np.array(values, dtype=object)
    is_positive = np.arange(len(values)) % 2 == 0 if is_positive is None else np.array(is_positive)
    result = stratify(name, array, is_positive)
    return result and {one.name: array[one.rows].tolist() for one in result.strata}


def test_diameters_have_the_strata_of_the_guidelines_with_their_ends():
    values = ["5.999", "6", "7.999", "8", "15", "15.001", "", ""]
    found = strata_of(values, name="diameter_mm", is_positive=[True] * 7 + [False])
    assert found == {
        "under 6": ["5.999"],
        "6 to 8": ["6", "7.999"],
        "8 to 15": ["8", "15"],
        "over 15": ["15.001"],
        "unknown": [""],
    }


def test_the_diameter_is_of_positive_cases_alone_and_other_cases_are_not_unknown():
    values = np.array(["4", "7", "", ""], dtype=object)
    result = stratify("diameter_mm", values, np.array([True, True, False, False]))
    assert result.is_of_positives
    assert [one.name for one in result.strata] == ["under 6", "6 to 8"]


def test_an_attribute_that_another_case_has_is_of_all_cases():
    values = np.array(["4", "7", "9", ""], dtype=object)
    result = stratify("diameter_mm", values, np.array([True, True, False, False]))
    assert not result.is_of_positives
    assert [one.name for one in result.strata] == ["under 6", "6 to 8", "8 to 15", "unknown"]


def test_diameters_of_one_stratum_are_divided_into_terciles():
    values = [f"{number:g}" for number in (8.5, 9, 9.5, 10, 11, 12)]
    found = strata_of(values, name="diameter_mm", is_positive=[True] * 6)
    assert found == {"up to 9": ["8.5", "9"], "9 to 10": ["9.5", "10"], "over 10": ["11", "12"]}


def test_few_different_numbers_are_strata_of_their_own():
    assert strata_of(["2.50", "1", "1.0", "2.5", ""]) == {"1": ["1", "1.0"], "2.5": ["2.50", "2.5"], "unknown": [""]}


def test_many_numbers_are_divided_into_terciles_and_equal_ones_stay_together():
    values = [str(number) for number in (1, 1, 1, 1, 2, 3, 4, 5, 6)]
    assert strata_of(values) == {"up to 1": ["1"] * 4, "1 to 3": ["2", "3"], "over 3": ["4", "5", "6"]}
    most_are_largest = [str(number) for number in (1, 2, 3, 4, 5, *[6] * 10)]
    assert strata_of(most_are_largest) == {"up to 5": ["1", "2", "3", "4", "5"], "over 5": ["6"] * 10}


def test_up_to_five_different_numbers_are_strata_of_their_own():
    assert list(strata_of(["1", "2", "3", "4", "5"])) == ["1", "2", "3", "4", "5"]
    assert list(strata_of(["1", "2", "3", "4", "5", "6"])) == ["up to 2", "2 to 4", "over 4"]


def test_numbers_of_which_most_are_the_largest_are_one_stratum():
    values = [str(number) for number in (1, 2, 3, 4, 5, *[6] * 20)]
    assert strata_of([*values, ""]) == {"all values": values, "unknown": [""]}
    assert strata_of(values) is None


@pytest.mark.parametrize(("values", "names"), [
    (["0.1", "0.10000000000000002"], ["0.1", "0.10000000000000002"]),
    (["10.65625", "20", "3.1"], ["3.1", "10.7", "20"]),
    (["0.703125", "0.7031256", "1.25"], ["0.70312", "0.70313", "1.25"]),
    (["512", "1024", "20190503"], ["512", "1024", "20190503"]),
    (["1000.25", "1000.5"], ["1000.2", "1000.5"]),
    (["99.96", "999.6", "9999.7"], ["100", "1000", "10000"]),
    ([f"{10.65625 + k}" for k in range(6)], ["up to 11.7", "11.7 to 13.7", "over 13.7"]),
])  # fmt: skip
def test_names_of_numbers_have_three_digits_or_as_many_as_make_them_differ(values, names):
    assert list(strata_of(values)) == names


def test_texts_are_categories_the_largest_first():
    found = strata_of(["d", "b", "a", "b", "", "a", "c", "b"])
    assert list(found.items()) == [
        ("b", ["b"] * 3), ("a", ["a"] * 2), ("c", ["c"]), ("d", ["d"]), ("unknown", [""]),
    ]  # fmt: skip


def test_more_than_twelve_categories_are_twelve_with_the_rarest_together():
    values = [f"site {k:02}" for k in range(14) for _ in range(20 - k)]
    found = strata_of(values)
    assert len(found) == MAX_CATEGORIES
    assert next(iter(found)) == "site 00"
    assert set(found["3 other values"]) == {"site 11", "site 12", "site 13"}
    assert "other values" not in " ".join(strata_of(values[: values.index("site 12")]))


@pytest.mark.parametrize("values", [["", ""], ["a", "a"], ["1", "1.0"], ["7", "7"]])
def test_an_attribute_with_one_stratum_has_none(values):
    assert strata_of(values, is_positive=[True, False]) is None


@given(
    st.lists(st.sampled_from(["", "a", "b", "1", "2.5", "7", "9", "12", "99"]), min_size=1, max_size=30), st.booleans()
)
def test_every_case_is_in_one_stratum(values, is_diameter):
    array, is_positive = np.array(values, dtype=object), np.arange(len(values)) % 3 == 0
    result = stratify("diameter_mm" if is_diameter else "x", array, is_positive)
    if result is not None:
        counts = np.sum([one.rows for one in result.strata], axis=0)
        assert counts.tolist() == (is_positive if result.is_of_positives else np.ones_like(counts)).astype(int).tolist()
