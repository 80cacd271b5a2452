"""Progress on a console: bars on a terminal, one line per epoch elsewhere; always on stderr."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from textwrap import fill
from typing import Any, Final, TypeVar

from rich.console import Console, ConsoleDimensions, ConsoleOptions, RenderableType
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.segment import Segment
from rich.text import Text

from archnet.files.terminal_text import escape_message, name_stream
from archnet.files.training_position import RunStart, TrainingPosition
from archnet.spec.metrics import metrics_shown_in

T = TypeVar("T")

SECONDS_BETWEEN_LINES = 30
"""Interval of progress lines when stderr is a file."""

MIN_COLUMNS = 40
"""Width below which tables are unreadable; a narrower terminal wraps the lines."""

MIN_BAR_COLUMNS = 16
"""Width reserved for a progress bar and its gaps."""

DEFAULT_COLUMNS = 80
"""Width of a terminal that reports none."""


class PlainConsole(Console):
    """A console that prints the names of files, classes and cases verbatim: without markup or control characters."""

    def __init__(self, *, stderr: bool = False) -> None:
        super().__init__(stderr=stderr, highlight=False, markup=False, emoji=False)

    @property
    def size(self) -> ConsoleDimensions:
        """The size of the terminal, at least `MIN_COLUMNS` wide."""
        columns, lines = super().size
        return ConsoleDimensions(max(columns or DEFAULT_COLUMNS, MIN_COLUMNS), max(lines, 1))

    @size.setter
    def size(self, new_size: tuple[int, int]) -> None:
        self._width, self._height = new_size

    def print(self, *texts: Any, **options: Any) -> None:
        """Print texts and other renderables."""
        with name_stream(is_stderr=self.stderr):
            super().print(*texts, **options)

    def render_str(self, text: str, **options: Any) -> Text:
        """A text with its control characters escaped; rich would remove some of them."""
        return super().render_str(escape_message(text), **options)

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
        """The segments of a renderable, with the control characters of texts escaped."""
        for segment in super().render(renderable, options):
            yield segment if segment.control else segment._replace(text=escape_message(segment.text))


stderr = PlainConsole(stderr=True)
stdout = PlainConsole()


def _progress_bar(*times: ProgressColumn) -> Progress:
    return Progress(
        TextColumn("{task.description}", markup=False),
        BarColumn(bar_width=None),
        MofNCompleteColumn(),
        TextColumn("{task.fields[note]}", markup=False),
        *times,
        console=stderr,
        transient=True,
        expand=True,
        disable=not stderr.is_terminal,
    )


def progress(items: Iterable[T], description: str, total: int) -> Iterable[T]:
    """Yield the items; show a progress bar on stderr, or print lines at intervals if stderr is not a terminal."""
    if not stderr.is_terminal:
        yield from _print_progress_lines(items, description, total)
        return
    with _progress_bar(TimeElapsedColumn(), TimeRemainingColumn()) as bar:
        task = bar.add_task(description, total=total, note="")
        for item in items:
            yield item
            bar.advance(task)
            speed = bar.tasks[0].speed
            bar.update(task, note=f"{speed:,.1f}/s" if speed else "")


def _print_progress_lines(items: Iterable[T], description: str, total: int) -> Iterable[T]:
    start = last_printed_at = time.monotonic()
    for number, item in enumerate(items, start=1):
        yield item
        now = time.monotonic()
        if now - last_printed_at >= SECONDS_BETWEEN_LINES:
            last_printed_at, rate = now, number / (now - start)
            stderr.print(
                f"{description}: {number:,} of {total:,}, {rate:,.1f}/s, {(total - number) / rate:,.0f} s left"
            )


class TrainingDisplay:
    """Callback that shows a bar of the epoch's steps on a terminal, and prints a line for each epoch.

    The bar names the run and the epoch, with the remaining time of the run and of all runs, and the running metrics.
    Where stderr is no terminal, a line of text replaces the bar every `SECONDS_BETWEEN_LINES`.
    """

    def __init__(self, bar: Progress, clock: Callable[[], float] = time.monotonic) -> None:
        self.bar = bar
        self.clock = clock
        self.position = TrainingPosition(clock=clock)
        self._printed_at = clock()

    def on_run(self, start: RunStart) -> None:
        """Name the run from here on."""
        self.position.begin_run(start)

    def on_member(self, number: int) -> None:
        """Count the epochs of the next network of an ensemble."""
        self.position.begin_member(number)

    def on_step(self, epoch: int, step: int, num_steps: int, logs: dict[str, float]) -> None:
        """Move the bar, which appears with the first step, or print a line now and then."""
        self.position.update(epoch, step, num_steps)
        notes = [*self.position.times_left, *_metric_texts(logs)]
        if self.bar.disable:
            self._print_step(f"step {step:,}/{num_steps:,}", notes)
            return
        if not self.bar.task_ids:
            self.bar.start()
            self.bar.add_task(self.position.title, note="")
        title = self.position.title
        note = _fitting_note(notes, stderr.width - len(title) - len(f"{num_steps}/{num_steps}") - MIN_BAR_COLUMNS)
        self.bar.update(self.bar.task_ids[0], description=title, completed=step, total=num_steps, note=note)

    def _print_step(self, step: str, notes: Sequence[str]) -> None:
        if self.clock() - self._printed_at >= SECONDS_BETWEEN_LINES:
            self._printed_at = self.clock()
            stderr.print("  ".join([self.position.title, step, *notes]), soft_wrap=True)

    def on_epoch(self, row: dict[str, float]) -> None:
        """Print the epoch's line."""
        self._printed_at = self.clock()
        stderr.print(epoch_line(row, self.position), soft_wrap=not stderr.is_terminal)


def _fitting_note(notes: Iterable[str], width: int) -> str:
    """Join as many notes as fit a width.

    >>> _fitting_note(["3 min left", "loss 0.5000", "recall 0.250"], 24)
    '3 min left  loss 0.5000'
    """
    text = ""
    for note in notes:
        longer = f"{text}  {note}".strip()
        if len(longer) > width:
            break
        text = longer
    return text


def step_note(logs: Mapping[str, float]) -> str:
    """The running metrics of an epoch, as the text next to its bar."""
    return "  ".join(_metric_texts(logs))


def epoch_line(row: Mapping[str, float], position: TrainingPosition) -> str:
    """One finished epoch in one line.

    >>> position = TrainingPosition(start=RunStart(name="net", number=1, num_runs=1, num_epochs=12))
    >>> epoch_line({"epoch": 3, "seconds": 6.2, "train_loss": 0.41, "train_recall": 0.8}, position)
    'net  epoch  3/12  6.2 s  train loss 0.4100 recall 0.800'
    >>> epoch_line({"epoch": 3, "seconds": 6.2, "validation_macro_auc": 0.9, "validation_auc.CT-1": 0.7}, position)
    'net  epoch  3/12  6.2 s  validation macro AUC 0.900'

    Args:
        row: A row of history.csv.
        position: The position of the training, which is moved to the end of the epoch.
    """
    position.update(int(row["epoch"]), 1, 1)
    parts = [position.title, f"{row['seconds']:.1f} s", *filter(None, [position.time_left])]
    for name in ("train", "validation"):
        values = {key.removeprefix(f"{name}_"): value for key, value in row.items() if key.startswith(f"{name}_")}
        texts = _metric_texts(values)
        parts += [" ".join([name, *texts])] if texts else []
    return "  ".join(parts)


def _metric_texts(values: Mapping[str, float]) -> list[str]:
    """The available metrics of an epoch line; values without bounds have more decimals."""
    labels = {
        name: (label, 3 if metric.range else 4)
        for metric in metrics_shown_in("epoch_line")
        for name, label in ((metric.name, metric.label), (metric.macro_name, metric.macro_label))
    }
    return [f"{label} {values[name]:.{places}f}" for name, (label, places) in labels.items() if name in values]


def print_message(text: str, is_warning: bool) -> None:
    """Print a message on a separate line; a terminal wraps it between words, and never breaks a path."""
    if stderr.is_terminal:
        text = "\n".join(
            fill(line, stderr.width, break_long_words=False, break_on_hyphens=False) for line in text.splitlines()
        )
    stderr.print(text, soft_wrap=True, style="yellow" if is_warning else None)


SHOWN_LOGGERS: Final = ("archnet.folder", "archnet.stage", "archnet.device", "archnet.auto", "archnet.init")
"""Loggers whose messages are shown from level INFO; of others, only warnings are shown."""


class LogDisplay(logging.Handler):
    """Log handler that shows stages, warnings, the device, values chosen automatically, and initial weights, each once.

    Attributes:
        show: Called with the text of a message, and whether it is a warning.
    """

    def __init__(self, show: Callable[[str, bool], None]) -> None:
        super().__init__(logging.INFO)
        self.show = show
        self.past_messages: set[str] = set()

    def emit(self, record: logging.LogRecord) -> None:
        """Show a message that has not been shown yet."""
        text, is_warning = record.getMessage(), record.levelno >= logging.WARNING
        key = getattr(record, "shown_once", text)
        if key in self.past_messages or not (is_warning or record.name in SHOWN_LOGGERS):
            return
        self.past_messages.add(key)
        self.show(f"Warning: {text}" if is_warning else text, is_warning)


@contextmanager
def show_messages(show: Callable[[str, bool], None] = print_message) -> Iterator[None]:
    """Show what archnet waits for, its warnings, and the values that it chooses, while the block runs."""
    display = LogDisplay(show)
    logger = logging.getLogger("archnet")
    logger.addHandler(display)
    try:
        yield
    finally:
        logger.removeHandler(display)


@contextmanager
def show_training() -> Iterator[TrainingDisplay]:
    """Show training progress while the block runs, and print archnet's warnings."""
    bar = _progress_bar()
    with show_messages():
        try:
            yield TrainingDisplay(bar)
        finally:
            bar.stop()
