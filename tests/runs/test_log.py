"""What a run logs about its data."""

import logging
import signal

import pytest

from archnet import interruption
from archnet.api.console import show_messages
from archnet.data.checks.findings import Finding
from archnet.errors import RunError
from archnet.runs.log import (
    CallbackList,
    LoggingCallback,
    MemberCallback,
    announce_member,
    announce_run,
    log_findings,
    log_to_file,
)
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


def test_an_error_that_an_interruption_became_is_an_interruption_in_the_log(tmp_path, monkeypatch):
    monkeypatch.setattr(interruption, "_received", [signal.SIGTERM])
    with pytest.raises(ImportError), log_to_file(tmp_path / "log.txt"):
        raise ImportError("initialization failed")
    assert (tmp_path / "log.txt").read_text().endswith(" ERROR interrupted\n")


class Recording:
    """Records the calls of a progress display; only a full one accepts runs and members."""

    def __init__(self):
        self.calls = []

    def on_step(self, *arguments):
        self.calls.append(("step", *arguments))

    def on_epoch(self, row):
        self.calls.append(("epoch", row))


class FullRecording(Recording):
    def on_run(self, start):
        self.calls.append(("run", start))

    def on_member(self, number):
        self.calls.append(("member", number))


def test_callbacks_are_called_in_order_and_only_with_what_they_take():
    plain, full = Recording(), FullRecording()
    callbacks = CallbackList([plain, full])
    announce_run(callbacks, "start")
    announce_member(callbacks, 2)
    callbacks.on_step(1, 3, 9, {"loss": 0.5})
    callbacks.on_epoch({"epoch": 1})
    told = [("step", 1, 3, 9, {"loss": 0.5}), ("epoch", {"epoch": 1})]
    assert plain.calls == told
    assert full.calls == [("run", "start"), ("member", 2), *told]
    announce_run(None, "start")
    announce_member(None, 1)


@pytest.mark.parametrize("kind", [Recording, FullRecording])
def test_the_epochs_of_a_member_have_its_number(kind):
    recording = kind()
    callback = MemberCallback(recording, 3)
    announce_member(callback, 3)
    callback.on_step(1, 2, 9, {"loss": 0.5})
    callback.on_epoch({"epoch": 1, "loss": 0.25})
    member = [("member", 3)] if kind is FullRecording else []
    assert recording.calls == [
        *member,
        ("step", 1, 2, 9, {"loss": 0.5}),
        ("epoch", {"member": 3, "epoch": 1, "loss": 0.25}),
    ]
    assert list(recording.calls[-1][1]) == ["member", "epoch", "loss"]


def test_an_epoch_is_logged_with_six_digits(caplog):
    with caplog.at_level(logging.INFO, "archnet"):
        LoggingCallback().on_step(1, 1, 9, {"loss": 0.5})
        LoggingCallback().on_epoch({"epoch": 12, "loss": 0.123456789})
    assert caplog.messages == ["epoch=12 loss=0.123457"]
