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
        num_epochs: Maximum number of epochs of each network.
        num_members: Number of networks that are trained one after the other.
        later_work: Work of the later runs, as a multiple of this run's: networks times epochs times multiply-adds.
    """

    name: str
    number: int
    num_runs: int
    num_epochs: int
    num_members: int = 1
    later_work: float = 0.0

    @property
    def title(self) -> str:
        """The name, and the place among several runs, such as "archsm (2 of 6)"."""
        return self.name + (f" ({self.number} of {self.num_runs})" if self.num_runs > 1 else "")


@dataclass(slots=True, kw_only=True)
class TrainingPosition:
    """The position of a training, updated after each step.

    Times are measured from the first step of the run in this process.

    Attributes:
        clock: Seconds of a monotonic clock.
        start: The run; None if unknown.
        epoch: The current epoch, from 1; 0 before the first step.
        member: The current network of several, from 1.
    """

    clock: Callable[[], float] = time.monotonic
    start: RunStart | None = None
    epoch: int = 0
    member: int = 1
    _earlier_epochs: float = 0.0
    _marks: dict[str, tuple[float, float]] = field(default_factory=dict)

    def begin_run(self, start: RunStart) -> None:
        """Start a run."""
        self.start, self.epoch, self.member, self._earlier_epochs = start, 0, 1, 0.0
        self._marks.clear()

    def begin_member(self, number: int) -> None:
        """Start the next network of a run, numbered from 1; the networks before it may have ended early."""
        self.member, self.epoch = number, 0
        self._earlier_epochs = self._marks["now"][1] if "now" in self._marks else 0.0

    def update(self, epoch: int, step: int, num_steps: int) -> None:
        """Record a step; epochs and steps count from 1."""
        mark = self.clock(), self._earlier_epochs + epoch - 1 + step / num_steps
        self.epoch = epoch
        self._marks.setdefault("run", mark)
        self._marks["now"] = mark

    @property
    def title(self) -> str:
        """The run and the epoch, such as "archsm (2 of 6)  epoch 3/12"."""
        if self.start is None:
            return f"epoch {self.epoch}"
        return f"{self.start.title}  {self.epoch_title(self.epoch)}"

    def epoch_title(self, epoch: int) -> str:
        """An epoch among those of the run, such as "epoch  3/12"."""
        if self.start is None:
            return f"epoch {epoch}"
        last = str(self.start.num_epochs)
        several = self.start.num_members > 1
        member = f"member {self.member}/{self.start.num_members}  " if several else ""
        return f"{member}epoch {epoch:{len(last)}}/{last}"

    @property
    def time_left(self) -> str:
        """The texts of `times_left` in one."""
        return ", ".join(self.times_left)

    @property
    def times_left(self) -> list[str]:
        """Remaining time of the run with all its epochs, and of all runs if there are several, as texts.

        Empty until the second step. The time of the other runs is estimated from their work; evaluation and reports
        are not included.
        """
        if self.start is None or "run" not in self._marks:
            return []
        (then, before), (now, done) = self._marks["run"], self._marks["now"]
        if done <= before:
            return []
        seconds_per_epoch = (now - then) / (done - before)
        num_left = (self.start.num_members - self.member + 1) * self.start.num_epochs
        left = seconds_per_epoch * (num_left - (done - self._earlier_epochs))
        later = seconds_per_epoch * self.start.num_members * self.start.num_epochs * self.start.later_work
        texts = [f"{short_duration(left)} left"] if left > 0 else []
        texts += [f"all runs {short_duration(left + later)}"] if left + later > 0 and self.start.num_runs > 1 else []
        return texts


def short_duration(seconds: float) -> str:
    """Format a duration briefly, rounded up to whole seconds or minutes.

    >>> short_duration(12.2), short_duration(61), short_duration(7260)
    ('13 s', '2 min', '2 h 1 min')
    """
    if seconds < 60:
        return f"{math.ceil(seconds)} s"
    minutes = math.ceil(seconds / 60)
    return f"{minutes} min" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"
