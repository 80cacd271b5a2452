"""Cases of a data set by their names."""

import re

import numpy as np
import pytest

from archnet.data.dataset import Cases
from archnet.errors import DataError
from archnet.runs.preview import case_row


def cases_of(labels, num_classes=2):
    count = len(labels)
    names = np.array([f"scan{number}" for number in range(count)])
    classes = tuple("abcd"[:num_classes])
    return Cases(ids=names, groups=names, labels=np.array(labels), classes=classes)


def test_the_first_case_is_the_first_positive_one_and_others_are_found_by_name():
    cases = cases_of([0, 0, 1, 1])
    assert [case_row(cases, name) for name in ("first", "scan0", "scan3")] == [2, 0, 3]


@pytest.mark.parametrize(
    ("labels", "name", "message"),
    [
        ([0, 0], "first", 'there is no "b" case. Name a case, such as "scan0".'),
        ([0, 1], "scam1", 'no case "scam1". Did you mean "scan1"?'),
        ([0, 1], "x", 'no case "x". Cases are named like "scan0".'),
    ],
)
def test_a_case_that_does_not_exist_is_named_with_one_that_does(labels, name, message):
    with pytest.raises(DataError, match=f"^{re.escape(message)}$"):
        case_row(cases_of(labels), name)
