"""Progress display: a notebook panel, the console, the caller's function, or none."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from archnet.errors import RunError
from archnet.files.progress import Progress, no_progress

if TYPE_CHECKING:
    from archnet.network.training.loop import Callback

ProgressOption = Progress | bool | None
"""None shows progress in notebooks and on terminals, True always, False never; a function replaces the display."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProgressDisplay:
    """The receivers of progress.

    Attributes:
        progress: Wraps the items of a long loop.
        callback: Called after every training step and epoch; None if there is none.
    """

    progress: Progress = no_progress
    callback: Callback | None = None


@contextmanager
def show_progress(option: ProgressOption, callback: Callback | None = None) -> Iterator[ProgressDisplay]:
    """Show progress and archnet's warnings while the block runs.

    Args:
        option: See `ProgressOption`.
        callback: Additional callback, called after that of the display.

    Raises:
        RunError: The progress option or the callback has the wrong type.
    """
    if not (option is None or isinstance(option, bool) or callable(option)):
        raise RunError(f"progress={option!r}: expected True, False, None, or a function that shows progress.")
    if callback is not None and not all(hasattr(callback, name) for name in ("on_step", "on_epoch")):
        raise RunError(f"callback={callback!r}: expected an object with the methods on_step and on_epoch.")
    if option is False or (option is None and not _is_interactive()):
        yield ProgressDisplay(callback=callback)
    elif option is None or option is True:
        with _show_where_the_user_is() as display:
            yield _add_callback(display, callback)
    else:
        yield ProgressDisplay(progress=option, callback=callback)


@contextmanager
def _show_where_the_user_is() -> Iterator[ProgressDisplay]:
    from archnet.api import console

    if console.stderr.is_jupyter:
        from archnet.api.notebook import show_in_notebook

        with show_in_notebook() as panel:
            yield ProgressDisplay(progress=panel.progress, callback=panel)
    else:
        with console.show_training() as display:
            yield ProgressDisplay(progress=console.progress, callback=display)


def _add_callback(display: ProgressDisplay, callback: Callback | None) -> ProgressDisplay:
    if display.callback is None or callback is None:
        return display
    from archnet.runs.log import CallbackList

    return replace(display, callback=CallbackList([display.callback, callback]))


def _is_interactive() -> bool:
    """Whether stderr is a notebook or a terminal."""
    from archnet.api.console import stderr

    return stderr.is_jupyter or stderr.is_terminal
