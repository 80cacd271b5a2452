"""Progress of long work: bars on a terminal, one line an epoch elsewhere; always on stderr."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import TypeVar

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from archnet.spec.metrics import METRICS, history_column, metrics_shown_in

T = TypeVar("T")

SECONDS_BETWEEN_LINES = 30
"""Interval of progress lines when stderr is a file."""

stderr = Console(stderr=True, highlight=False)
stdout = Console(highlight=False)


def _progress_bar() -> Progress:
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(bar_width=None),
        MofNCompleteColumn(),
        TextColumn("{task.fields[note]}"),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
        console=stderr,
        transient=True,
        expand=True,
        disable=not stderr.is_terminal,
    )


def progress(items: Iterable[T], description: str, total: int) -> Iterable[T]:
    """Yield the items; show a bar with items a second on stderr, or print a line now and then if it is no terminal."""
    if not stderr.is_terminal:
        yield from _print_progress_lines(items, description, total)
        return
    with _progress_bar() as bar:
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
    """Callback that shows a bar of the epoch's steps with loss and recall, and prints a line for each epoch."""

    def __init__(self, bar: Progress) -> None:
        self.bar = bar
        self.task = bar.add_task("training", total=None, note="")

    def on_step(self, epoch: int, step: int, num_steps: int, logs: dict[str, float]) -> None:
        """Move the bar."""
        note = "  ".join(_metric_texts(logs))
        self.bar.update(self.task, description=f"epoch {epoch}", completed=step, total=num_steps, note=note)

    def on_epoch(self, row: dict[str, float]) -> None:
        """Print the epoch's line."""
        stderr.print(epoch_line(row), soft_wrap=True)


def epoch_line(row: dict[str, float]) -> str:
    """One epoch in one line.

    >>> epoch_line({"epoch": 3, "seconds": 6.2, "train_loss": 0.41, "train_recall": 0.8})
    'epoch   3  6.2 s  train loss 0.4100 recall 0.800'
    """
    parts = [f"epoch {row['epoch']:3.0f}", f"{row['seconds']:.1f} s"]
    for name in ("train", "validation"):
        columns = {metric: history_column(name, metric) for metric in METRICS}
        texts = _metric_texts({metric: row[column] for metric, column in columns.items() if column in row})
        parts += [" ".join([name, *texts])] if texts else []
    return "  ".join(parts)


def _metric_texts(values: Mapping[str, float]) -> list[str]:
    """The epoch line's metrics, of those that are known; more decimals where a value has no bounds."""
    metrics = [metric for metric in metrics_shown_in("epoch_line") if metric.name in values]
    return [f"{metric.label} {values[metric.name]:.{3 if metric.range else 4}f}" for metric in metrics]


class LogDisplay(logging.Handler):
    """Log handler that prints warnings, the device, and the values chosen automatically, each once."""

    def __init__(self) -> None:
        super().__init__(logging.INFO)
        self.past_messages: set[str] = set()

    def emit(self, record: logging.LogRecord) -> None:
        """Print a message that has not been printed yet."""
        text, is_warning = record.getMessage(), record.levelno >= logging.WARNING
        if text in self.past_messages or not (is_warning or record.name in ("archnet.device", "archnet.auto")):
            return
        self.past_messages.add(text)
        line = f"Warning: {text}" if is_warning else text
        stderr.print(line, soft_wrap=True, markup=False, style="yellow" if is_warning else None)


@contextmanager
def show_training() -> Iterator[TrainingDisplay]:
    """Show training progress while the block runs, and print archnet's warnings."""
    display = LogDisplay()
    logger = logging.getLogger("archnet")
    logger.addHandler(display)
    try:
        with _progress_bar() as bar:
            yield TrainingDisplay(bar)
    finally:
        logger.removeHandler(display)
