"""Findings: which stop a run, and what the message says."""

import json
from pathlib import Path

import pytest

from archnet.data.checks.findings import CHECKS, Finding, stop_on_errors
from archnet.errors import DataError

SCHEMA = Path(__file__).parents[3] / "schemas/experiment.schema.json"


def test_errors_stop_unless_they_are_allowed():
    copies = Finding(check="near_duplicates", severity="error", message="2 pairs are copies.", remedy="Remove one.")
    empty = Finding(check="constant_cases", severity="error", message="3 cases are empty.")
    small = Finding(check="small_sets", severity="warning", message="The test set has 4 cases.")
    stop_on_errors([small], ())
    stop_on_errors([copies, empty, small], ("constant_cases", "near_duplicates"))
    with pytest.raises(DataError) as caught:
        stop_on_errors([copies, small, empty, empty], ("near_duplicates",))
    assert str(caught.value).splitlines() == [
        "constant_cases: 3 cases are empty.",
        "constant_cases: 3 cases are empty.",
        "The data have 2 errors. To use the data anyway, add --allow constant_cases.",
    ]
    with pytest.raises(DataError, match="1 error") as caught:
        stop_on_errors([copies], ("constant_cases",))
    assert "near_duplicates: 2 pairs are copies. Remove one." in str(caught.value)


def test_a_finding_needs_a_known_check():
    with pytest.raises(ValueError, match="leak is not in CHECKS"):
        Finding(check="leak", severity="note", message="")


def test_the_schema_names_the_checks():
    schema = json.loads(SCHEMA.read_text(encoding="utf-8"))
    assert schema["properties"]["data"]["properties"]["allow"]["items"]["enum"] == list(CHECKS)
