"""Numbers of a conclusion in words."""

import pytest

from archnet.report.sentences.amounts import Amounts, conclusion_amounts, positive_cases, short_number
from archnet.report.sentences.comparison_sentence import main_sentence
from verdicts import BOTH_ORDERS, conclusion, points, side, verdict_of


@pytest.mark.parametrize(("number", "text"), [
    (0, "0"), (11, "11"), (2.34, "2.3"), (9.96, "10.0"), (10, "10"), (19.2, "19"), (0.1, "0.1"), (0.14, "0.1"),
    (0.099, "0.1"), (0.04, "0.04"), (3.0000001, "3"), (3.0001, "3.0"), (1234.5, "1,234"),
])  # fmt: skip
def test_a_number_of_cases_is_rounded_to_a_useful_precision(number, text):
    assert short_number(number) == text


@pytest.mark.parametrize(("name", "number", "text"), [
    ("nodule", None, "nodules"), ("nodule", 1, "1 nodule"), ("nodule", 1042, "1,042 nodules"),
    ("CT-23", None, "“CT-23” cases"), ("CT-23", 1, "1 “CT-23” case"), ("CT-23", 0, "0 “CT-23” cases"),
])  # fmt: skip
def test_cases_of_a_class_are_counted(name, number, text):
    assert positive_cases(name, number) == text


def amounts(*, is_count, num_groups=12, **changes):
    result = verdict_of(conclusion(**changes), num_groups=num_groups)
    return Amounts(result=result, conclusion=result.conclusions[0], total=40, is_count=is_count)


@pytest.mark.parametrize(("difference", "count", "percentage"), [
    (0.25, "10 more", "25.0 percentage points more"), (-0.25, "10 fewer", "25.0 percentage points less"),
    (0.0, "a difference of 0", "a difference of 0"),
])  # fmt: skip
def test_a_difference_has_a_direction(difference, count, percentage):
    assert amounts(is_count=True).signed_words(difference) == count
    assert amounts(is_count=False).signed_words(difference) == percentage


@pytest.mark.parametrize(("interval", "count", "percentage"), [
    ([0.25, 0.5], "10 to 20", "25.0 to 50.0"), ([0.0, 0.5], "0 to 20", "0.0 to 50.0"),
    ([-0.5, -0.25], "10 to 20 fewer", "25.0 to 50.0 less"), ([-0.5, 0.0], "0 to 20 fewer", "0.0 to 50.0 less"),
    ([-0.25, 0.5], "10 fewer to 20 more", "25.0 less to 50.0 more"), ([-1.25, 1.5], "40 fewer to 40 more", "100.0 less to 100.0 more"),
])  # fmt: skip
def test_the_ends_of_an_interval_have_a_direction_unless_both_are_more(interval, count, percentage):
    assert amounts(is_count=True).interval_words(interval) == count
    assert amounts(is_count=False).interval_words(interval) == percentage


@pytest.mark.parametrize(("difference", "num_groups", "text"), [
    (0, 2, "No difference is shown: both networks have the same result in every group (scan or patient)."),
    (0, 1, "The 95% CI cannot be estimated from 1 group (scans or patients)."),
    (0.1, 2, "The 95% CI cannot be estimated from 2 groups (scans or patients)."),
])  # fmt: skip
def test_a_difference_without_an_interval_has_a_reason(difference, num_groups, text):
    one = amounts(is_count=True, num_groups=num_groups, difference=difference)
    assert one.missing_interval(one.conclusion) == text


def test_false_positives_are_counted_in_singular_and_plural():
    counts = points(41, false_positives=(1234, 1))
    counts["other"]["others"] = 1
    result = verdict_of(conclusion(operating_points=counts))
    assert conclusion_amounts(result, result.conclusions[0]).false_positives_text() == (
        "Among 1 other case, arch3dsm has 1 false positive, archsm 1,234."
    )


@pytest.mark.parametrize(("changes", "text"), [
    ({}, "nodules found"), ({"operating_points": None}, "recall"), ({"measure": "recall"}, "macro recall"),
    ({"measure": BOTH_ORDERS, "operating_points": None}, "recall"),
])  # fmt: skip
def test_the_compared_number_has_a_name(changes, text):
    result = verdict_of(conclusion(**changes))
    assert conclusion_amounts(result, result.conclusions[0]).quantity() == text


@pytest.mark.parametrize(("seeds", "text"), [
    ((1, 1), ""), ((1, 3), ", averaged over 3 and 1 seeds"), ((3, 3), ", averaged over 3 seeds"),
])  # fmt: skip
def test_seeds_are_named_once_where_both_have_as_many(seeds, text):
    sides = (side("archsm", "2D", seeds[0]), side("arch3dsm", "3D", seeds[1]))
    sentence = main_sentence(verdict_of(conclusion(operating_points=None), sides=sides))
    assert f"the 2D network archsm 7.1%{text}: 90.5 percentage points more" in sentence
