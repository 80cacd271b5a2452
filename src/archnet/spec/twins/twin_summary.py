"""A twin and its original as one JSON-ready object."""

from __future__ import annotations

from typing import Any

from archnet.spec.arch import Arch
from archnet.spec.cost import receptive_field
from archnet.spec.layers import Shape
from archnet.spec.twins.twin_document import FORM_TEXTS
from archnet.spec.twins.twin_network import Twin, network_form


def twin_summary(original: Arch, twin: Twin, match: str) -> dict[str, Any]:
    """Create the output of `archnet twin --json`.

    Args:
        original: The architecture that the twin was made from.
        twin: The twin.
        match: The `match` that `make_twin` was called with.
    """
    return {
        "original": _side(original, twin.original_input, twin.original_parameters, twin.original_macs),
        "twin": _side(twin.arch, twin.input_shape, twin.parameters, twin.macs),
        "match": match,
        "agrees": twin.agrees,
        "factor": twin.factor,
        "parameters_difference": twin.parameters_difference,
        "macs_difference": twin.macs_difference,
        "notes": list(twin.notes),
        "arch": twin.arch.document.value,
    }


def _side(arch: Arch, shape: Shape, parameters: int, macs: int) -> dict[str, Any]:
    return {
        "name": arch.name,
        "form": FORM_TEXTS[network_form(arch)],
        "input_shape": list(shape),
        "parameters": parameters,
        "macs": macs,
        **receptive_field(arch.feature_map(shape)),
    }
