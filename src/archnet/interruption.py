"""End a command that the user or the system interrupts: Ctrl-C, SIGTERM and SIGHUP alike.

This module imports almost nothing, so an interruption during the imports of the command leaves no traceback either.
"""

from __future__ import annotations

import signal
import sys
import threading
from _thread import interrupt_main
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from sys import UnraisableHookArgs

SIGNALS: Final = tuple(getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name))
"""The signals that interrupt a command; Windows has no SIGHUP."""

_SHELL_OFFSET: Final = 128
_RETRY_SECONDS: Final = 0.01

_received: list[signal.Signals] = []


class Interruption(KeyboardInterrupt):
    """A signal has interrupted the process.

    After a plain `KeyboardInterrupt` inside `exec`, which `dataclasses` calls, `python -m` ignores the exit code and
    kills itself with SIGINT. A subclass does not have this effect.
    """


def install_handlers() -> None:
    """Raise `Interruption` at each of `SIGNALS` that is not ignored, as under nohup.

    Call this only in archnet's own processes.
    """
    sys.unraisablehook = _raise_again
    for number in SIGNALS:
        if signal.getsignal(number) != signal.SIG_IGN:
            signal.signal(number, _interrupt)


def release_handlers() -> None:
    """Restore the default handlers, with which a signal ends the process immediately."""
    for number in SIGNALS:
        if signal.getsignal(number) == _interrupt:
            signal.signal(number, signal.SIG_DFL)


def is_interrupted() -> bool:
    """Whether a signal has interrupted this process."""
    return bool(_received)


def exit_code() -> int:
    """The exit code with which shells report the signal: 130 after Ctrl-C, 143 after SIGTERM."""
    return _SHELL_OFFSET + (_received[0] if _received else signal.SIGINT)


@contextmanager
def quiet_exit() -> Iterator[None]:
    """Exit without a traceback if the block is interrupted; some imports turn the interruption into other errors."""
    try:
        yield
    except KeyboardInterrupt:
        sys.exit(exit_code())
    except Exception:
        if not is_interrupted():
            raise
        sys.exit(exit_code())


def _interrupt(number: int, frame: FrameType | None) -> None:
    _received.append(signal.Signals(number))
    raise Interruption


def _raise_again(unraisable: UnraisableHookArgs, /, default: Any = sys.__unraisablehook__) -> None:
    """Interrupt again if Python could not raise the exception, for example in a callback of its import system."""
    if isinstance(unraisable.exc_value, KeyboardInterrupt) and _received:
        threading.Timer(_RETRY_SECONDS, _signal_main_thread, [_received[0]]).start()
    else:
        default(unraisable)


def _signal_main_thread(number: signal.Signals) -> None:
    if hasattr(signal, "pthread_kill"):
        signal.pthread_kill(threading.main_thread().ident or 0, number)  # wakes it from a system call
    else:
        interrupt_main(number)
