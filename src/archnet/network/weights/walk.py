"""Parallel traversal of two graphs, from given steps to the inputs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from archnet.network.weights.forms import Forms
from archnet.network.weights.graph import COMMUTATIVE, Graph, Step, step_text
from archnet.network.weights.parts import Part

Steps = tuple[Step, Step]
"""A step of the source and the matching step of the target."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Pair:
    """Two matching parts; `Part.variables` of both have the same names.

    Attributes:
        source: The part that provides the arrays.
        target: The part that receives them.
    """

    source: Part
    target: Part


@dataclass(slots=True, eq=False)
class Walk:
    """The steps matched so far.

    Attributes:
        source: The graph that provides the weights.
        target: The graph that receives them.
        forms: The forms of both graphs.
        found: The trunks of the source by those of the target.
    """

    source: Graph
    target: Graph
    forms: Forms
    found: dict[Step, Step] = field(default_factory=dict)

    def pair_upstream(self, starts: Iterable[Steps]) -> None:
        """Pair trunks, and everything before them.

        Raises:
            ValueError: Their structures differ, or the match is ambiguous.
        """
        stack = list(starts)
        while stack:
            one, two = stack.pop()
            if self.forms.learned[one] != self.forms.learned[two]:
                raise ValueError(self._difference(one, two))
            if two in self.found:
                self._check_found(one, two)
                continue
            self.found[two] = one
            stack += self._inputs(one, two)

    def pairs(self) -> list[Pair]:
        """The matching parts, from the inputs to the outputs; a layer that is used several times appears once.

        Raises:
            ValueError: A layer that the target uses several times matches several layers of the source.
        """
        pairs: dict[int, Pair] = {}
        for step in self.target.steps:
            source = self.found.get(step)
            if source is None or source.part is None or step.part is None:
                continue
            key = id(next(iter(step.part.variables.values())))
            known = pairs.setdefault(key, Pair(source=source.part, target=step.part))
            if known.source.layer is not source.part.layer:
                names = f'"{known.source.layer.name}" and "{source.part.layer.name}"'
                raise ValueError(f"{step_text(step)} is used several times, and {names} of {self.source.name} match it")
        return list(pairs.values())

    def _check_found(self, one: Step, two: Step) -> None:
        if (other := self.found[two]) is not one:
            raise ValueError(
                f"{step_text(one)} and {step_text(other)} of {self.source.name} both match {step_text(two)} of "
                f"{self.target.name}"
            )

    def _inputs(self, one: Step, two: Step) -> Iterator[Steps]:
        """The pairs of trunks before a pair of trunks."""
        if two.part is not None or two.kind not in COMMUTATIVE:
            yield from zip(self.source.branches[one], self.target.branches[two], strict=True)
            return
        ones, twos = self._by_form(self.source, one), self._by_form(self.target, two)
        for form, alike in twos.items():
            for a, b in self._pair_alike(ones[form], alike):
                yield self.source.trunks[a], self.target.trunks[b]

    def _by_form(self, graph: Graph, step: Step) -> dict[int, list[Step]]:
        """The inputs of a sum by their structure."""
        groups: dict[int, list[Step]] = {}
        for entry in step.inputs:
            groups.setdefault(self.forms.learned[graph.trunks[entry]], []).append(entry)
        return groups

    def _pair_alike(self, ones: list[Step], twos: list[Step]) -> Iterable[Steps]:
        """Pair inputs of a sum whose weights have the same shapes.

        Raises:
            ValueError: The match is ambiguous.
        """
        if len(ones) == 1:
            return zip(ones, twos, strict=True)
        known = [(a, b) for b in twos for a in ones if self.found.get(self.target.trunks[b]) is self.source.trunks[a]]
        if len(known) == len(ones):
            return known
        names = _names(self.source, ones), _names(self.target, twos)
        for keys in ({step: str(self.forms.exact[step]) for step in (*ones, *twos)}, names[0] | names[1]):
            first, second = sorted(ones, key=keys.__getitem__), sorted(twos, key=keys.__getitem__)
            if [keys[step] for step in first] == [keys[step] for step in second]:
                return zip(first, second, strict=True)
        raise ValueError(
            f"the match is ambiguous: {' and '.join(names[0].values())} of {self.source.name} have weights of the same "
            f"shapes, and so have {' and '.join(names[1].values())} of {self.target.name}. Give these layers the same "
            "names in both networks"
        )

    def _difference(self, one: Step, two: Step) -> str:
        """Describe the difference of two structures: the first differing steps on the way to the inputs."""
        learned = self.forms.learned
        while _likeness(one) == _likeness(two):
            ones, twos = list(self.source.branches[one]), list(self.target.branches[two])
            if len(ones) != len(twos):
                break
            if one.part is None and one.kind in COMMUTATIVE:
                ones.sort(key=learned.__getitem__)
                twos.sort(key=learned.__getitem__)
                common = {learned[step] for step in ones} & {learned[step] for step in twos}
                ones, twos = ([step for step in steps if learned[step] not in common] for steps in (ones, twos))
            different = [(a, b) for a, b in zip(ones, twos, strict=False) if learned[a] != learned[b]]
            if not different:
                break
            one, two = different[0]
        return f"{self.source.name} has {step_text(one)} where {self.target.name} has {step_text(two)}"


def _names(graph: Graph, steps: Iterable[Step]) -> dict[Step, str]:
    """By step, the name of the operation at or before it that is not skipped."""
    trunks = {step: graph.trunks[step] for step in steps}
    return {step: f'"{trunk.operation.name}"' if trunk.operation else "the input" for step, trunk in trunks.items()}


def _likeness(step: Step) -> tuple[object, ...]:
    return (step.part.kind, *sorted(step.part.shapes.items())) if step.part else (step.kind, step.number)
