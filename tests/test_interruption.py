"""Signals that interrupt a process. What needs a process of its own is in cli/test_environments.py."""

import signal
import sys

import pytest

from archnet import interruption


def test_an_error_without_an_interruption_is_raised_again():
    with pytest.raises(ZeroDivisionError), interruption.quiet_exit():
        _ = 1 / 0
    with pytest.raises(SystemExit) as caught, interruption.quiet_exit():
        raise KeyboardInterrupt
    assert caught.value.code == 130
    with interruption.quiet_exit():
        pass


def test_an_error_that_cannot_be_raised_is_printed(monkeypatch, capsys):
    class Loud:
        def __del__(self):
            raise ValueError("lost")

    monkeypatch.setattr(sys, "unraisablehook", sys.unraisablehook)
    monkeypatch.setattr(signal, "signal", lambda *_: None)
    interruption.install_handlers()
    Loud()
    assert "ValueError: lost" in capsys.readouterr().err
