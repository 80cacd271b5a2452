"""Find widths with which a network has the same size as another."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from math import gcd
from typing import Final

from archnet.spec.layers.planned_layer import PlannedLayer
from archnet.spec.twins.widths import WidthPlan, Widths

TOLERANCE: Final = 0.03
"""Relative difference at which two networks agree."""

UNITS: Final = (4, 1)
"""Widths are multiples of the first unit, or of the next where that fails."""

_FACTORS: Final = tuple(digits / 10**power for power in (4, 3, 2, 1) for digits in range(100, 1000))
"""The factors with three significant digits, in increasing order."""

_MAX_EXACT: Final = 10
"""The largest of the factors that scale all widths without rounding."""

_MAX_STARTS: Final = 6
"""Number of factors from which individual widths are changed."""

_MAX_STEPS: Final = 100
"""Maximum number of widths that are changed individually, evenly spaced; each requires a plan of the network."""

_BEAM: Final = 6
"""Number of networks from which each round of single steps starts."""

_MAX_ROUNDS: Final = 3
"""Maximum number of rounds of single steps without a closer network."""

_MAX_PROBES: Final = 12
"""Number of neighbors of a factor to try if its widths do not match."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WidthMatch:
    """Widths of a network and how its size compares with a target.

    Attributes:
        widths: The widths.
        factor: Factor of all widths, before single ones change.
        moved: Indices of the widths that were changed by one step.
        difference: Relative difference from the target; negative if the network is smaller.
    """

    widths: Widths
    factor: float
    moved: tuple[int, ...] = ()
    difference: float

    @property
    def agrees(self) -> bool:
        """Whether the difference is within the tolerance."""
        return abs(self.difference) <= TOLERANCE


def match_widths(plan: WidthPlan, measure: Callable[[Sequence[PlannedLayer]], int], target: int) -> WidthMatch:
    """Find the widths with which a network reaches a target size: one factor, then individual widths by one step.

    The network's own widths are kept if they already agree. Multiples of 4 are preferred; if nothing agrees, the
    result is the closest found; widths without a common factor are not tried, and may be closer.

    Args:
        plan: The network.
        measure: Size of a planned network, which grows with its widths.
        target: The size to reach.
    """
    search = _Search(plan=plan, measure=measure, target=target)
    nearest = search.match(plan.values, 1.0)
    if nearest is None:
        raise ValueError("the network does not fit its own input")
    for unit in UNITS if plan.values else ():
        if nearest.agrees:
            break
        scaled = search.scale(unit)
        nearest = _nearest([nearest, *scaled])
        starts = iter(scaled)
        while not nearest.agrees and (start := next(starts, None)):
            nearest = _nearest([nearest, search.step(start, unit)])
    return nearest


def _nearest(matches: Iterable[WidthMatch]) -> WidthMatch:
    """The match with the smallest difference; the first one for ties."""
    return min(matches, key=lambda match: abs(match.difference))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Search:
    """The networks that were tried."""

    plan: WidthPlan
    measure: Callable[[Sequence[PlannedLayer]], int]
    target: int
    differences: dict[Widths, float | None] = field(default_factory=dict)

    def match(self, widths: Widths, factor: float, moved: tuple[int, ...] = ()) -> WidthMatch | None:
        """The network with given widths; null if they do not match."""
        if widths not in self.differences:
            rows = self.plan.plan(widths)
            self.differences[widths] = None if rows is None else self.measure(rows) / self.target - 1
        difference = self.differences[widths]
        if difference is None:
            return None
        return WidthMatch(widths=widths, factor=factor, moved=moved, difference=difference)

    def scale(self, unit: int) -> list[WidthMatch]:
        """The nearest networks among those with one factor on all widths, nearest first."""
        found = self._bisect(_FACTORS, unit)
        if not any(match.agrees for match in found):
            divisor = gcd(*self.plan.values)
            exact = tuple(part / divisor for part in range(unit, _MAX_EXACT * divisor + 1, unit))
            found += self._bisect(exact, 1)
        distinct = {match.widths: match for match in reversed(found)}
        nearest = sorted(distinct.values(), key=lambda match: abs(match.difference))[:_MAX_STARTS]
        return [self._with_short_factor(match, unit) for match in nearest]

    def _bisect(self, factors: Sequence[float], unit: int) -> list[WidthMatch]:
        """The networks on the path of a bisection over factors in increasing order."""
        low, high, tried = -1, len(factors), list[WidthMatch]()
        while high - low > 1:
            middle = (low + high) // 2
            match = self._probe(factors, middle, unit)
            if match:
                tried.append(match)
            is_small = match is not None and match.difference <= 0
            low, high = (middle, high) if is_small else (low, middle)
        return tried

    def _probe(self, factors: Sequence[float], index: int, unit: int) -> WidthMatch | None:
        """The network with a factor, or with the nearest factor whose widths match."""
        offsets = sorted(range(-_MAX_PROBES // 2, _MAX_PROBES // 2 + 1), key=abs)
        for near in (index + offset for offset in offsets if 0 <= index + offset < len(factors)):
            if match := self.match(self.plan.scale(factors[near], unit), factors[near]):
                return match
        return None

    def _with_short_factor(self, match: WidthMatch, unit: int) -> WidthMatch:
        """The match with the factor of the fewest digits that gives the same widths."""
        texts = (f"{match.factor:.{digits}g}" for digits in (1, 2, 3))
        short = [float(text) for text in texts if self.plan.scale(float(text), unit) == match.widths]
        return self.match(match.widths, short[0] if short else match.factor) or match

    def step(self, match: WidthMatch, unit: int) -> WidthMatch:
        """The closest network found by steps of individual widths, each at most once.

        A beam search: small widths have coarse steps, so a network may agree only after steps of opposite signs.
        """
        nearest, beam, rounds = match, [match], 0
        while beam and rounds < _MAX_ROUNDS and not nearest.agrees:
            stepped = {one.widths: one for start in beam for one in self._steps(start, unit)}
            beam = sorted(stepped.values(), key=lambda one: abs(one.difference))[:_BEAM]
            rounds = 0 if beam and abs(beam[0].difference) < abs(nearest.difference) else rounds + 1
            nearest = _nearest([nearest, *beam])
        return nearest

    def _steps(self, match: WidthMatch, unit: int) -> Iterator[WidthMatch]:
        num_widths = len(match.widths)
        for index in range(0, num_widths, -(-num_widths // _MAX_STEPS)):
            for step in (unit, -unit) if match.difference < 0 else (-unit, unit):
                if stepped := self._step(match, index, step):
                    yield stepped

    def _step(self, match: WidthMatch, index: int, step: int) -> WidthMatch | None:
        """The network with one width changed, together with all equal ones if that one alone does not fit."""
        for indices in ((index,), self.plan.equals(index)):
            widths = self.plan.step(match.widths, indices, step)
            moved = (*match.moved, *indices)
            if not set(indices) & set(match.moved) and (found := self.match(widths, match.factor, moved)):
                return found
        return None
