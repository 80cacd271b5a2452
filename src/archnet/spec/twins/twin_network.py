"""The twin of an architecture: the same network in 2D, 2.5D or 3D."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from archnet.errors import DocumentError
from archnet.files.documents.json_text import json_text
from archnet.files.strict_json import Document
from archnet.spec.arch import Arch, load_arch, parse_arch, whole_numbers
from archnet.spec.layers import TYPE_NAMES, Shape, inner_rank, sizes_text, walk
from archnet.spec.layers.planned_layer import PlannedLayer, count_macs, count_parameters
from archnet.spec.twins.match_widths import TOLERANCE, WidthMatch, match_widths
from archnet.spec.twins.twin_document import FORM_TEXTS, FORMS, twin_document, twin_name
from archnet.spec.twins.twin_notes import paths_text
from archnet.spec.twins.widths import WidthPlan, plan_widths

MATCHES: Final = ("none", "parameters", "macs")
"""Quantities that a twin can have in common with its original."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Twin:
    """A twin of an architecture, and the costs of both.

    Attributes:
        arch: The architecture; `arch.document.value` is its JSON document.
        factor: Factor of the widths.
        notes: Remarks on the comparison, one sentence each. Paths are those of the original; for a
            3D twin of a network on planes, those of its 2D form.
        parameters: Weights, trainable or not.
        macs: Multiply-adds of one case's forward pass.
        original_input: Spatial input of the original.
        original_parameters: Weights of the original.
        original_macs: Multiply-adds of the original.
        agrees: Whether the twin matches the weights or multiply-adds of the original within 3%; true if no match was
            requested.
    """

    arch: Arch
    factor: float
    notes: tuple[str, ...]
    parameters: int
    macs: int
    original_input: Shape
    original_parameters: int
    original_macs: int
    agrees: bool

    @property
    def input_shape(self) -> Shape:
        """Spatial input of the twin."""
        return self.arch.full_input_shape()[:-1]

    @property
    def parameters_difference(self) -> float:
        """Relative difference of the weights from the original's; negative if the twin has fewer."""
        return self.parameters / self.original_parameters - 1

    @property
    def macs_difference(self) -> float:
        """Relative difference of the multiply-adds from the original's; negative if the twin has fewer."""
        return self.macs / self.original_macs - 1


def network_form(arch: Arch) -> float:
    """Whether a network is 2D (2), 2.5D (2.5: 2D layers on planes of a volume) or 3D (3)."""
    types = (TYPE_NAMES[type(layer)] for _, layer in walk(arch.layers))
    return 2.5 if any(inner_rank({"type": name}, None) is not None for name in types) else arch.rank


_MATCH_WORDS: Final = {"parameters": "parameters", "macs": "multiply-adds"}

_MEASURES: Final[dict[str, Callable[[Sequence[PlannedLayer]], int]]] = {
    "parameters": count_parameters,
    "macs": count_macs,
}


def make_twin(
    arch: Arch | Path | str | Mapping[str, Any],
    rank: float,
    *,
    input_shape: Shape | None = None,
    match: str = "none",
    num_classes: int = 2,
) -> Twin:
    """The twin of an architecture.

    >>> layers = [{"type": "C", "num_output": 32, "kernel_size": 3}, {"type": "GAP"}, {"type": "T"}]
    >>> arch = {"input_shape": [32, 32], "layers": layers}
    >>> twin = make_twin(arch, 3, input_shape=(32, 32, 16), match="parameters")
    >>> twin.factor, twin.arch.document.value["layers"][0]["num_output"]
    (0.4, 13)

    Args:
        arch: The original, which stays unchanged: an architecture, or what `load_arch` takes.
        rank: 2, 2.5 or 3.
        input_shape: Spatial input (height, width[, depth]) of the twin. Default: that of the original; a 2D twin
            drops the depth.
        match: "none" keeps the widths; "parameters" and "macs" scale them to match the weights or multiply-adds
            of the original.
        num_classes: Number of classes, which the output layer depends on.

    Raises:
        DocumentError: The rank, the input or `match` is invalid, or a layer has no counterpart.
    """
    arch = arch if isinstance(arch, Arch) else load_arch(arch)
    _check_request(arch, rank, match)
    volume, plane = _input_shapes(arch, rank, input_shape)
    original_input = plane if arch.rank == 2 else volume
    original = arch.plan(original_input, num_classes)
    value, notes = twin_document(arch, rank, plane if rank == 2 else volume, original)
    twin = parse_arch(Document(value=value, source=f"{FORM_TEXTS[rank]} twin of {arch.document.source}"))
    factor, agrees = 1.0, True
    if match != "none":
        widths = plan_widths(twin, num_classes)
        found = match_widths(widths, _MEASURES[match], _MEASURES[match](original))
        twin = _scaled_twin(widths, found, twin_name(arch.name, rank, match), _MATCH_WORDS[match])
        notes += _width_notes(widths, found, _MATCH_WORDS[match])
        factor, agrees = found.factor, found.agrees
    plan = twin.plan(None, num_classes)
    return Twin(
        arch=twin,
        factor=factor,
        notes=tuple(notes),
        parameters=count_parameters(plan),
        macs=count_macs(plan),
        original_input=original_input,
        original_parameters=count_parameters(original),
        original_macs=count_macs(original),
        agrees=agrees,
    )


def _check_request(arch: Arch, rank: float, match: str) -> None:
    source = arch.document.source
    if rank not in tuple(FORMS):
        raise DocumentError(f"{source}: a twin has rank 2, 2.5 or 3, not {json_text(rank)}.")
    if match not in MATCHES:
        known = ", ".join(map(json_text, MATCHES))
        raise DocumentError(f"{source}: match {json_text(match)}: expected one of {known}.")
    form = network_form(arch)
    if form == rank:
        others = " or ".join(f"{other:g}" for other in FORMS if other != rank)
        raise DocumentError(f"{source}: this network is already {FORM_TEXTS[form]}. Use rank {others}.")


def _input_shapes(arch: Arch, rank: float, given: Shape | None) -> tuple[Shape, Shape]:
    """The spatial shapes of the volume and of the plane that the original and the twin have as input.

    Raises:
        DocumentError: The twin needs a depth, or the input has the wrong number of sizes.
    """
    own = arch.full_input_shape(None)[:-1]
    shape = own if given is None else whole_numbers(given)
    if arch.rank == 3 and rank == 2 and len(shape) == 2:
        return (*shape, own[2]), shape
    if len(shape) != 3 or min(shape) < 1:
        height_width = sizes_text(shape[:2] if len(shape) == 2 else own[:2])
        raise DocumentError(
            f"{arch.document.source}: a {FORM_TEXTS[rank]} twin needs an input with a depth, but the input is "
            f"{sizes_text(shape) or repr(given)}. Give height x width x depth, such as {height_width}x10."
        )
    return shape, shape[:2]


def _scaled_twin(plan: WidthPlan, match: WidthMatch, name: str, words: str) -> Arch:
    """The twin with the widths that match the original."""
    document = plan.arch.document
    head = {"name": name, "description": f"{plan.arch.description} {_width_text(match, words)}"}
    return parse_arch(replace(document, value={**document.value, **head, "layers": plan.documents(match.widths)}))


def _width_text(match: WidthMatch, words: str) -> str:
    """Describe the widths of a twin, for its description."""
    if not match.widths:
        return "It has no widths to scale."
    purpose = f"to match the {words}" if match.agrees else f"to come closest to the {words}"
    if match.factor == 1 and not match.moved:
        return f"Its widths need no change {purpose}."
    steps = " and individual widths changed by one step" if match.moved else ""
    return f"Its widths are scaled by {match.factor:g}{steps} {purpose}."


def _width_notes(plan: WidthPlan, match: WidthMatch, words: str) -> Iterator[str]:
    """Notes on widths that deviate from the factor, and on a twin that does not match."""
    if match.moved:
        places = (plan.places[index] for index in match.moved)
        paths = paths_text(("layers", *path, key) for path, key in places)
        yield f"Widths that differ by one step from the scaled value: {paths}."
    if not match.agrees:
        amount = f"{abs(match.difference):.1%} {'more' if match.difference > 0 else 'fewer'}"
        yield (
            f"No common factor of the widths, with single steps, matches the {words} of the original within "
            f"{TOLERANCE:.0%}. This twin is the closest found, with {amount}."
            if match.widths
            else f"The network has no widths to scale to the {words} of the original. This twin has {amount}."
        )
