"""The position of a training among several runs and within its epochs, and the remaining time."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class RunStart:
    """A run whose training starts.

    Attributes:
        name: Name of its folder: architecture, fold and seed.
        number: Index of the run among the runs to execute, from 1.
        num_runs: Number of runs to execute.
        num_epochs: Maximum number of epochs.
    """

    name: str
    number: int
    num_runs: int
    num_epochs: int


@dataclass(slots=True, kw_only=True)
class TrainingPosition:
    """The position of a training, updated after each step.

    Times are measured from the first step of the run, and of each epoch, in this process.

    Attributes:
        clock: Seconds of a monotonic clock.
        start: The run; null if unknown.
        epoch: The current epoch, from 1; 0 before the first step.
    """

    clock: Callable[[], float] = time.monotonic
    start: RunStart | None = None
    epoch: int = 0
    _marks: dict[str, tuple[float, float]] = field(default_factory=dict)

    def begin_run(self, start: RunStart) -> None:
        """Start a run."""
        self.start, self.epoch = start, 0
        self._marks.clear()

    def update(self, epoch: int, step: int, num_steps: int) -> None:
        """Record a step; epochs and steps count from 1."""
        mark = self.clock(), epoch - 1 + step / num_steps
        if self.epoch != epoch:
            self.epoch, self._marks["epoch"] = epoch, mark
        self._marks.setdefault("run", mark)
        self._marks["now"] = mark

    @property
    def title(self) -> str:
        """The run and the epoch, such as "archsm (2 of 6), epoch 3/12"."""
        if self.start is None:
            return f"epoch {self.epoch}"
        place = f" ({self.start.number} of {self.start.num_runs})" if self.start.num_runs > 1 else ""
        return f"{self.start.name}{place}, epoch {self.epoch}/{self.start.num_epochs}"

    @property
    def times(self) -> str:
        """Elapsed and remaining time of the epoch, and of all epochs of the run where their number is known."""
        texts = [f"epoch {self._times_text('epoch', self.epoch)}"]
        if self.start is not None:
            texts.append(f"all {self._times_text('run', self.start.num_epochs)}")
        return "; ".join(texts)

    def _times_text(self, mark: str, end: float) -> str:
        (then, before), (now, done) = self._marks[mark], self._marks["now"]
        elapsed, progress = now - then, done - before
        left = f", {short_duration(elapsed / progress * (end - done))} left" if progress > 0 else ""
        return f"{short_duration(elapsed)}{left}"


def short_duration(seconds: float) -> str:
    """Format a duration briefly, rounded up to whole seconds or minutes.

    >>> short_duration(12.2), short_duration(61), short_duration(7260)
    ('13 s', '2 min', '2 h 1 min')
    """
    if seconds < 60:
        return f"{math.ceil(seconds)} s"
    minutes = math.ceil(seconds / 60)
    return f"{minutes} min" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"
