"""The document of a twin: its layers, and the keys before them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, Final

from archnet.errors import DocumentError
from archnet.spec.arch import Arch
from archnet.spec.layers import Shape, sizes_text
from archnet.spec.layers.planned_layer import PlannedLayer
from archnet.spec.twins.add_depth import MisfitError, add_depth
from archnet.spec.twins.layer_sizes import Sizes, uses_arrays
from archnet.spec.twins.plane_layers import remove_depth, wrap_in_views
from archnet.spec.twins.twin_notes import depth_notes, lost_notes

FORMS: Final[dict[float, str]] = {2: "2d", 2.5: "25d", 3: "3d"}
"""The ranks of networks, with the endings of names."""

FORM_TEXTS: Final[dict[float, str]] = {2: "2D", 2.5: "2.5D", 3: "3D"}

_MAX_NAME: Final = 80
"""Characters of the longest name that the schema allows."""

_KEYS: Final = ("$schema", "name", "description", "rank", "input_shape", "channels")
"""The keys before the layers, in the order in which architecture files write them."""


def twin_document(
    arch: Arch, rank: float, shape: Shape, original: Sequence[PlannedLayer]
) -> tuple[dict[str, Any], list[str]]:
    """The document of a twin with the widths of the original, and notes on it.

    Args:
        arch: The original.
        rank: 2, 2.5 or 3.
        shape: Spatial input of the twin.
        original: The rows of the original.

    Raises:
        DocumentError: A layer does not fit the twin's input.
    """
    layers = _document_layers(arch)
    notes: list[str] = []
    if arch.rank == 3:
        layers = remove_depth(layers, writes_arrays=uses_arrays(layers))
        notes += lost_notes(original)
    if rank == 2.5:
        layers, more = wrap_in_views(layers, shape)
        notes += more
    elif rank == 3:
        try:
            deep = add_depth(layers, (*shape, arch.channels), ("layers",))
        except MisfitError as error:
            text = f"{error} This network has no 3D twin for the input {sizes_text(shape)}."
            raise DocumentError(arch.document.problem(error.path, text)) from None
        layers = deep.documents
        notes += depth_notes(deep)
    return _head(arch, rank, shape) | {"layers": layers}, notes


def _document_layers(arch: Arch) -> list[Sizes]:
    value = arch.document.value
    return list(value if isinstance(value, list) else value["layers"])


def _head(arch: Arch, rank: float, shape: Shape) -> dict[str, Any]:
    """The keys of the twin's document before its layers: those of the original, a name, the input."""
    own = arch.document.value if isinstance(arch.document.value, dict) else {}
    changed = {
        "name": twin_name(arch.name, rank),
        "description": f"{FORM_TEXTS[rank]} twin of {arch.name}.",
        "input_shape": list(shape),
    }
    head = {key: value for key, value in own.items() if key != "layers"} | changed
    if "rank" in head:
        head["rank"] = 2 if rank == 2 else 3
    return {key: head[key] for key in _KEYS if key in head}


_ENDING: Final = re.compile(r"(?<=.)_(2d|25d|3d)(_parameters|_macs)?$")
"""The suffix that a twin adds to the name of its original."""


def twin_name(name: str, rank: float, match: str = "none") -> str:
    """The name of a twin.

    >>> twin_name("archsm", 3), twin_name("resnet18_2d", 2.5), twin_name("archsm_3d_macs", 2, "parameters")
    ('archsm_3d', 'resnet18_25d', 'archsm_2d_parameters')
    """
    ending = f"_{FORMS[rank]}" + ("" if match == "none" else f"_{match}")
    return _ENDING.sub("", name)[: _MAX_NAME - len(ending)] + ending
