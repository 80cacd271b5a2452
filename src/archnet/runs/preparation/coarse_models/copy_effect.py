"""The AUC of a regression for two classes, and the effect of transformed copies of its training cases."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from archnet.evaluation.uncertainty.intervals import Interval

MAX_LOSS: Final = 0.05
"""Tolerated loss of AUC, even if the interval of the difference excludes 0."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Skill:
    """The AUC of a pair of classes without copies, and its symmetric 95% interval."""

    area: float
    interval: Interval

    @property
    def exceeds_chance(self) -> bool:
        """Whether the interval is above 0.5."""
        return self.interval[0] > 0.5

    @property
    def text(self) -> str:
        """The AUC and its interval."""
        low, high = self.interval
        return f"AUC {self.area:.3f} ({low:.3f} to {high:.3f})"


@dataclass(frozen=True, slots=True, kw_only=True)
class Loss:
    """The effect of copies on the ranking of a pair of classes.

    Attributes:
        pair: The two classes in words; empty if there are no others.
        first: AUC without copies.
        second: AUC with copies.
        interval: Interval of the second AUC minus the first; None if the difference is the same in every group.
    """

    pair: str
    first: float
    second: float
    interval: Interval | None

    @property
    def difference(self) -> float:
        """The second AUC minus the first."""
        return self.second - self.first

    @property
    def is_worse(self) -> bool:
        """Whether copies significantly reduce the AUC by more than `MAX_LOSS`."""
        return self.difference < -MAX_LOSS and (self.interval is None or self.interval[1] < 0)

    @property
    def text(self) -> str:
        """The second AUC and the difference."""
        ends = "" if self.interval is None else f", {self.interval[0]:+.3f} to {self.interval[1]:+.3f}"
        return f"AUC {self.second:.3f} (difference {self.difference:+.3f}{ends})"
