"""Variants: the architecture itself, and its twins of other forms at each match."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from archnet.errors import ArchnetError, RunError
from archnet.evaluation.comparison.network_form import Form
from archnet.spec.arch import Arch
from archnet.spec.cost import Cost, network_cost
from archnet.spec.twins.twin_network import make_twin, network_form
from archnet.versus.plan.form_names import FORMS, MATCHES, RANKS, FormName, Match


@dataclass(frozen=True, slots=True, kw_only=True)
class Variant:
    """One architecture of a versus.

    Attributes:
        arch: The architecture, named after the original, its form and its match.
        form: Its form.
        matches: The questions that the variant belongs to: all for the original, one for most twins.
        is_original: Whether this is the original architecture of the twins.
        factor: Factor by which the widths of the twin were scaled; 1 for the original.
        notes: What differs from the original, and whether the match was reached.
        parameters: Number of weights on these data, of all members of an ensemble.
        macs: Multiply-adds of one case, likewise.
    """

    arch: Arch
    form: FormName
    matches: tuple[Match, ...]
    is_original: bool = False
    factor: float = 1.0
    notes: tuple[str, ...] = ()
    parameters: int
    macs: int

    @property
    def name(self) -> str:
        """The name of the architecture."""
        return self.arch.name

    @property
    def form_text(self) -> Form:
        """The display name of the form."""
        return FORMS[self.form]

    def to_document(self) -> dict[str, Any]:
        """The variant as a JSON object."""
        return {
            "name": self.name,
            "form": self.form_text,
            "matches": list(self.matches),
            "is_original": self.is_original,
            "factor": self.factor,
            "notes": list(self.notes),
            "parameters": self.parameters,
            "macs": self.macs,
        }


def make_variants(
    arch: Arch,
    forms: Sequence[FormName],
    matches: Sequence[Match],
    shape: tuple[int, ...],
    num_classes: int,
    num_members: int,
) -> tuple[Variant, ...]:
    """The original and its twins, in the order of their forms and matches.

    Identical twins of two matches are one variant, which is trained once.

    Args:
        arch: The original.
        forms: The forms that are compared.
        matches: The rules by which twins are scaled.
        shape: The shape of a case without channels: (height, width) or (height, width, depth).
        num_classes: Number of classes of the data.
        num_members: Number of networks that are trained and averaged in each run.

    Raises:
        ArchnetError: The forms lack that of the original, the data have no depth for them, or the twin of a form cannot
            be made.
    """
    rank = network_form(arch)
    own_form = next(form for form in FORMS if RANKS[form] == rank)
    _check_forms(arch, own_form, forms, shape)
    variants: list[Variant] = []
    for form in forms:
        if form == own_form:
            cost = _cost(arch, shape, num_classes)
            variants.append(
                Variant(
                    arch=arch,
                    form=form,
                    matches=tuple(matches),
                    is_original=True,
                    parameters=cost.num_parameters,
                    macs=cost.num_macs,
                )
            )
            continue
        for match in matches:
            _add_twin(variants, _make_variant(arch, form, match, shape, num_classes))
    return tuple(replace(one, parameters=num_members * one.parameters, macs=num_members * one.macs) for one in variants)


def _check_forms(arch: Arch, own_form: FormName, forms: Sequence[FormName], shape: tuple[int, ...]) -> None:
    """Check that the forms include that of the original, and that the data have a depth.

    Raises:
        RunError: The cases have no depth, or the form of the original is not included.
    """
    if len(shape) == 2:
        size = "x".join(map(str, shape))
        raise RunError(
            f"{arch.name}: the cases are single slices of {size}, so 2.5D and 3D twins have no depth to use. "
            "Use data with volumes, or compare widths on these data with archnet sweep."
        )
    if own_form not in forms:
        raise RunError(
            f"--forms {','.join(forms)}: {arch.name} is {FORMS[own_form]}, and its twins are compared with it. "
            f"Add {own_form}."
        )


def _make_variant(arch: Arch, form: FormName, match: Match, shape: tuple[int, ...], num_classes: int) -> Variant:
    try:
        twin = make_twin(arch, RANKS[form], input_shape=shape, match=match, num_classes=num_classes)
        own = replace(twin.arch, name=_twin_name(arch, twin.arch))
        cost = _cost(own, shape, num_classes)
    except ArchnetError as error:
        raise RunError(
            f"{arch.name}: its {FORMS[form]} twin {MATCHES[match]} cannot be made: {error} Leave {form} out of --forms "
            f"or {match} out of --match."
        ) from None
    return Variant(
        arch=own,
        form=form,
        matches=(match,),
        factor=twin.factor,
        notes=twin.notes,
        parameters=cost.num_parameters,
        macs=cost.num_macs,
    )


def _twin_name(arch: Arch, twin: Arch) -> str:
    """The name of a twin, with a suffix if the original already has that name."""
    return f"{twin.name}_twin" if twin.name == arch.name else twin.name


def _add_twin(variants: list[Variant], twin: Variant) -> None:
    """Add a twin, or add its match to an existing variant with the same layers."""
    for index, other in enumerate(variants):
        if not other.is_original and other.form == twin.form and other.arch.layers == twin.arch.layers:
            variants[index] = replace(other, matches=(*other.matches, *twin.matches), notes=_join(other, twin))
            return
    variants.append(twin)


def _join(first: Variant, second: Variant) -> tuple[str, ...]:
    return tuple(dict.fromkeys([*first.notes, *second.notes]))


def _cost(arch: Arch, shape: tuple[int, ...], num_classes: int) -> Cost:
    return network_cost(arch.plan(shape[: arch.rank], num_classes))
