"""Progress in a notebook: a panel below the cell, in plain HTML that works in every front end and saved notebook."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from html import escape
from typing import Any, Final, TypeVar

from archnet.api.console import epoch_line, show_messages, step_note
from archnet.files.terminal_text import escape_message
from archnet.files.training_position import RunStart, TrainingPosition

T = TypeVar("T")

SECONDS_BETWEEN_FRAMES: Final = 0.1
"""Shortest interval between two redraws of the bar."""

_LINES_STYLE: Final = "margin:0;max-height:20em;overflow:auto;white-space:pre-wrap;font-family:monospace"


@dataclass(slots=True)
class NotebookPanel:
    """A progress bar above the epochs and messages so far; it sets no colours, so it fits any theme.

    Attributes:
        description: Current task.
        completed: Number of finished items.
        total: Number of all items; 0 before the first bar.
        note: Text next to the bar.
        lines: Epochs and messages, each with a flag for warnings.
        position: The run, its epoch, and their elapsed and remaining time.
    """

    description: str = ""
    completed: int = 0
    total: int = 0
    note: str = ""
    lines: list[tuple[str, bool]] = field(default_factory=list)
    position: TrainingPosition = field(default_factory=TrainingPosition)
    _handle: Any = None
    _drawn_at: float = -float("inf")

    def progress(self, items: Iterable[T], description: str, total: int) -> Iterable[T]:
        """Yield the items and move the bar."""
        start = time.monotonic()
        self._move(description, 0, total, "")
        for number, item in enumerate(items, start=1):
            yield item
            seconds = time.monotonic() - start
            self._move(description, number, total, f"{number / seconds:,.1f}/s" if seconds else "")

    def on_run(self, start: RunStart) -> None:
        """Name the run from here on."""
        self.position.begin_run(start)

    def on_member(self, number: int) -> None:
        """Count the epochs of the next network of an ensemble."""
        self.position.begin_member(number)

    def on_step(self, epoch: int, step: int, num_steps: int, logs: dict[str, float]) -> None:
        """Move the bar of the epoch."""
        self.position.update(epoch, step, num_steps)
        self._move(self.position.title, step, num_steps, f"{step_note(logs)}  {self.position.time_left}")

    def on_epoch(self, row: dict[str, float]) -> None:
        """Add the epoch's line."""
        self.add_line(epoch_line(row, self.position), is_warning=False)

    def add_line(self, text: str, is_warning: bool) -> None:
        """Add a line."""
        self.lines.append((text, is_warning))
        self._draw()

    def to_html(self) -> str:
        """The panel as HTML."""
        description = escape(escape_message(self.description))
        bar = (
            f'<div>{description} <progress value="{self.completed}" max="{self.total}" '
            f'aria-label="{description}"></progress> {escape(self._position())}</div>'
            if self.total
            else ""
        )
        texts = [(escape(escape_message(text)), is_warning) for text, is_warning in self.lines]
        lines = "\n".join(f"<b>{text}</b>" if is_warning else text for text, is_warning in texts)
        return bar + (f'<pre style="{_LINES_STYLE}">{lines}</pre>' if lines else "")

    def to_text(self) -> str:
        """The panel as plain text."""
        bar = [f"{self.description} {self._position()}"] if self.total else []
        return "\n".join([*bar, *(text for text, _ in self.lines)])

    def _position(self) -> str:
        return f"{self.completed:,}/{self.total:,}  {self.note}".rstrip()

    def _move(self, description: str, completed: int, total: int, note: str) -> None:
        self.description, self.completed, self.total, self.note = description, completed, total, note
        is_end = completed in (0, total)
        if is_end or time.monotonic() - self._drawn_at >= SECONDS_BETWEEN_FRAMES:
            self._draw()

    def _draw(self) -> None:
        from IPython.display import display

        self._drawn_at = time.monotonic()
        content = {"text/html": self.to_html(), "text/plain": self.to_text()}
        if self._handle is None:
            self._handle = display(content, raw=True, display_id=True)
        else:
            self._handle.update(content, raw=True)


@contextmanager
def show_in_notebook() -> Iterator[NotebookPanel]:
    """Show progress and archnet's warnings below the cell while the block runs."""
    panel = NotebookPanel()
    with show_messages(panel.add_line):
        yield panel
