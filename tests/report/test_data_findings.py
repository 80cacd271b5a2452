"""Findings in words: of new runs, of runs of earlier versions, and how many there are."""

import pytest

from archnet.report.data_findings import cases_text, count_findings, findings_note, recorded_findings
from checked_data import COPIES

WARNING = {"check": "patients", "severity": "warning", "message": "No patient is known.", "cases": [], "remedy": ""}
NOTE = {"check": "left_out", "severity": "note", "message": "1 file is left out.", "cases": ["a"], "remedy": ""}


def test_the_findings_of_a_run_come_most_serious_first_and_its_errors_were_allowed():
    findings = recorded_findings({"findings": [NOTE, WARNING, COPIES.to_document()]})
    assert [finding.label for finding in findings] == ["error, allowed", "warning", "note"]
    assert (findings[0].cases, findings[0].remedy) == ("3, 8", "Remove one of each pair.")


def test_the_notes_of_an_earlier_version_are_notes():
    (finding,) = recorded_findings({"notes": ["3 candidates are left out."], "lost": [], "scans": None})
    assert (finding.label, finding.check, finding.message) == ("note", "", "3 candidates are left out.")
    assert recorded_findings(None) == []


@pytest.mark.parametrize(
    ("documents", "text"),
    [
        ([], "no findings"),
        ([COPIES.to_document()], "1 allowed error"),
        ([COPIES.to_document()] * 2 + [WARNING], "2 allowed errors, 1 warning"),
        ([WARNING] * 3 + [NOTE], "3 warnings, 1 note"),
    ],
)
def test_findings_are_counted_by_severity(documents, text):
    assert count_findings(recorded_findings({"findings": documents})) == text


def test_a_line_about_the_data_counts_errors_and_warnings_alone():
    findings = recorded_findings({"findings": [WARNING, WARNING, NOTE]})
    assert findings_note(findings) == "2 warnings about the data; see the data checks in the report."
    assert findings_note(recorded_findings({"findings": [NOTE]})) == ""


def test_six_cases_are_five_and_one_more():
    assert cases_text([str(number) for number in range(6)]) == "0, 1, 2, 3, 4 and 1 more"
    assert cases_text([str(number) for number in range(5)]) == "0, 1, 2, 3, 4"
    assert cases_text([]) == ""
