"""The columns of predictions.csv: their names and the limits of their values."""

import re
from pathlib import Path

import pytest

from archnet.errors import DataError
from archnet.evaluation.prediction_columns import REMEDY, Header, NumberColumns, parse_header

START = ["case", "group", "set", "y_true"]


def columns_of(**columns):
    return NumberColumns(places=["file line 2", "file line 3"], columns=columns)


@pytest.mark.parametrize(("tail", "classes", "soft", "has_weight"), [
    (["p_a", "p_b"], ("a", "b"), (), False),
    (["p_a", "p_b", "weight"], ("a", "b"), (), True),
    (["p_a", "p_b", "p_c", "soft_a", "soft_b", "soft_c"], ("a", "b", "c"), ("soft_a", "soft_b", "soft_c"), False),
    (["p_a", "p_b", "soft_a", "soft_b", "weight"], ("a", "b"), ("soft_a", "soft_b"), True),
])  # fmt: skip
def test_a_header_names_its_classes_soft_labels_and_weight(tail, classes, soft, has_weight):
    header = parse_header(Path("p.csv"), [*START, *tail])
    assert header == Header(classes=classes, soft=soft, has_weight=has_weight)
    assert header.probabilities == tuple(tail[: len(classes)])


@pytest.mark.parametrize("header", [
    [*START], [*START, "p_a"], [*START, "p_a", "p_a"], [*START, "p_a", "p_b", "soft_a"], [*START, "p_a", "p_b", "other"],
    [*START, "weight", "p_a", "p_b"], [*START, "p_a", "p_b", "soft_b", "soft_a"], [*START[::-1], "p_a", "p_b"],
    [*START, "p_a", "p_b", "weight", "weight"],
])  # fmt: skip
def test_another_header_is_refused_with_the_expected_columns(header):
    message = (
        f"p.csv line 1: the columns are {','.join(header)}; expected case,group,set,y_true and one p_<class> for each of "
        f"two or more classes, optionally one soft_<class> for each, and weight. {REMEDY}"
    )
    with pytest.raises(DataError, match=f"^{re.escape(message)}$"):
        parse_header(Path("p.csv"), header)


@pytest.mark.parametrize("second", ["0.509", "0.491", "0.5"])
def test_shares_that_sum_to_one_within_a_hundredth_are_read(second):
    columns = columns_of(p_a=["1", "0.5"], p_b=["0", second])
    assert columns.shares(["p_a", "p_b"], "probabilities").tolist() == [[1, 0], [0.5, float(second)]]


@pytest.mark.parametrize(("second", "message"), [
    ("0.511", "the probabilities sum to 1.011, not to 1."), ("0.489", "the probabilities sum to 0.989, not to 1."),
    ("1.01", 'p_b is "1.01", not a number from 0 to 1.'), ("-0.01", 'p_b is "-0.01", not a number from 0 to 1.'),
    ("x", 'p_b is "x", not a number from 0 to 1.'), ("nan", 'p_b is "nan", not a number from 0 to 1.'),
])  # fmt: skip
def test_other_shares_are_refused_with_their_line(second, message):
    columns = columns_of(p_a=["1", "0.5"], p_b=["0", second])
    with pytest.raises(DataError, match=f"^{re.escape(f'file line 3: {message} {REMEDY}')}$"):
        columns.shares(["p_a", "p_b"], "probabilities")


def test_weights_are_positive_numbers():
    assert columns_of(weight=["0.001", "1e6"]).weights("weight").tolist() == [0.001, 1e6]
    for field in ("0", "-1", "inf", "nan", ""):
        message = f'file line 3: weight is "{field}", not a positive number. {REMEDY}'
        with pytest.raises(DataError, match=f"^{re.escape(message)}$"):
            columns_of(weight=["1", field]).weights("weight")
