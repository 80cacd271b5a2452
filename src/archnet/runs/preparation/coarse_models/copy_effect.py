"""How well a regression ranks the cases of two classes, and what transformed copies of its training cases change."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from archnet.evaluation.uncertainty.intervals import Interval

MAX_LOSS: Final = 0.05
"""Loss of AUC that is tolerated, even where the interval of the difference excludes 0."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Skill:
    """The AUC of a pair of classes without copies, and its 95% interval, symmetric as that of a difference from 0.5."""

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
        pair: The two classes, in words; empty where there are no others.
        first: AUC without copies.
        second: AUC with copies.
        interval: Interval of the second AUC minus the first; None where the difference is that of every group.
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
        """Whether copies cost more than `MAX_LOSS`, beyond chance."""
        return self.difference < -MAX_LOSS and (self.interval is None or self.interval[1] < 0)

    @property
    def text(self) -> str:
        """The second AUC and the difference."""
        ends = "" if self.interval is None else f", {self.interval[0]:+.3f} to {self.interval[1]:+.3f}"
        return f"AUC {self.second:.3f} (difference {self.difference:+.3f}{ends})"
