"""Structural forms of graphs: steps with equal numbers have the same structure back to the inputs.

Each distinct structure gets a number, so the structures of a step's inputs are compared as numbers
(hash consing, as in Merkle trees).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from archnet.network.weights.graph import COMMUTATIVE, Graph, Step
from archnet.network.weights.parts import Part

_SILENT: Final = ("Dropout", "Identity", "GaussianNoise", "SpatialDropout2D", "SpatialDropout3D")
_ACTIVATIONS: Final = ("Activation", "ReLU")

PartForm = Callable[[Part, bool], Any]
"""A hashable form of a part; the flag states whether the part receives the model's input."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Forms:
    """The numbers of the structures.

    Attributes:
        learned: By trunk, the form of its weights and of all weights before it.
        exact: By step, the same including the operations between the weights.
    """

    learned: Mapping[Step, int]
    exact: Mapping[Step, int]


@dataclass(slots=True)
class _Numbers:
    known: dict[Any, int] = field(default_factory=dict)

    def number(self, form: Any) -> int:
        return self.known.setdefault(form, len(self.known))


def whole_form(part: Part, _takes_input: bool = False) -> Any:
    """A part's kind and the shapes of its weights."""
    return (part.kind, *sorted(part.shapes.items()))


def structural_forms(*graphs: Graph, part_form: PartForm = whole_form) -> Forms:
    """Number the structures of graphs; the numbers are comparable between the graphs.

    Args:
        graphs: The graphs.
        part_form: The form of a part.
    """
    numbers, learned, exact = _Numbers(), dict[Step, int](), dict[Step, int]()
    for graph in graphs:
        for step in graph.steps:
            trunks = graph.branches[step]
            own = part_form(step.part, trunks[0].operation is None) if step.part else step.task
            exact[step] = numbers.number(_exact_form(step, own, exact))
            if not step.is_passed:
                before = [learned[trunk] for trunk in trunks]
                is_sum = step.part is None and step.kind in COMMUTATIVE
                learned[step] = numbers.number((own, step.number, *(sorted(before) if is_sum else before)))
    return Forms(learned=learned, exact=exact)


def _exact_form(step: Step, own: Any, exact: Mapping[Step, int]) -> Any:
    before = tuple(exact[entry] for entry in step.inputs)
    if step.is_passed and step.kind in _SILENT:
        return ("exact", "", before)
    if step.is_passed and step.kind in _ACTIVATIONS:
        return ("exact", step.settings, before)
    return ("exact", own, step.number, step.settings, before)
