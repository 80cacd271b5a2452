"""What a run logs about its data."""

import logging

import pytest

from archnet.api.console import show_messages
from archnet.data.checks.findings import Finding
from archnet.errors import RunError
from archnet.runs.log import log_findings, log_to_file
from archnet.spec.experiment import Data
from checked_data import COPIES

DATA = Data(name="luna16", root="/data/LUNA 16")


@pytest.fixture
def logged(caplog):
    def log(*findings):
        with caplog.at_level(logging.INFO, "archnet"):
            log_findings(findings, DATA)
        return [(record.levelname, record.getMessage()) for record in caplog.records]

    return log


def warning(number):
    return Finding(check="patients", severity="warning", message=f"Warning {number}.", remedy="Fix it.")


def test_errors_that_are_allowed_come_first_and_notes_are_not_warnings(logged):
    note = Finding(check="left_out", severity="note", message="1 file is left out.")
    assert logged(note, warning(1), COPIES) == [
        ("WARNING", "near_duplicates is allowed: 2 cases are copies of each other. Remove one of each pair."),
        ("WARNING", "Warning 1. Fix it."),
        ("INFO", "1 file is left out."),
    ]


def test_the_console_shows_the_test_of_symmetries_once_for_all_folds(logged):
    shown = []
    with show_messages(lambda text, is_warning: shown.append(text)):
        for share in (0.71, 0.73):
            message = f"Augmentation is none: flips change the classes (AUC {share})."
            logged(Finding(check="symmetry", severity="warning", message=message, remedy="To use them, set x."))
    assert shown == ["Warning: Augmentation is none: flips change the classes (AUC 0.71). To use them, set x."]


def test_a_long_list_of_warnings_is_folded_and_the_log_file_has_them_all(logged):
    records = logged(*map(warning, range(7)))
    assert [text for level, text in records if level == "WARNING"] == [
        *(f"Warning {number}. Fix it." for number in range(5)),
        "and 2 more warnings about the data. Show them: archnet data check luna16 --root '/data/LUNA 16'",
    ]
    assert ("INFO", "Warning 6. Fix it.") in records


def test_five_warnings_are_shown(logged):
    assert [level for level, _ in logged(*map(warning, range(5)))] == ["WARNING"] * 5


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (RunError("the loss is NaN\nafter 3 epochs."), "ERROR failed: the loss is NaN after 3 epochs."),
        (KeyboardInterrupt(), "ERROR interrupted"),
        (MemoryError(), "ERROR failed: MemoryError"),
    ],
)
def test_the_log_of_a_run_ends_with_the_reason_if_it_fails(tmp_path, error, line):
    def fail():
        with log_to_file(tmp_path / "log.txt"):
            raise error

    with pytest.raises(type(error)):
        fail()
    (text,) = (tmp_path / "log.txt").read_text().splitlines()
    assert text.split(" ", 2)[2] == line
