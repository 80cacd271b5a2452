"""The twin of an architecture: the same network in 2D, 2.5D or 3D."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from archnet.errors import DocumentError
from archnet.files.strict_json import Document
from archnet.spec.arch import Arch, parse_arch
from archnet.spec.layers import TYPE_NAMES, Shape, inner_rank, sizes_text, walk
from archnet.spec.layers.planned_layer import PlannedLayer
from archnet.spec.twins.add_depth import MisfitError, add_depth
from archnet.spec.twins.layer_sizes import Sizes, uses_arrays
from archnet.spec.twins.plane_layers import remove_depth, wrap_in_views
from archnet.spec.twins.twin_notes import depth_notes, lost_notes

FORMS: Final[dict[float, str]] = {2: "2d", 2.5: "25d", 3: "3d"}
"""The ranks of networks, with the endings of names."""

FORM_TEXTS: Final[dict[float, str]] = {2: "2D", 2.5: "2.5D", 3: "3D"}

MAX_NAME: Final = 80
"""Characters of the longest name that the schema allows."""

MATCHES: Final = ("none", "parameters", "macs")
"""What a twin can have in common with its original."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Twin:
    """An architecture with another rank.

    Attributes:
        arch: The architecture; `arch.document.value` is its JSON document.
        factor: Factor of the widths.
        notes: What a reader of the comparison should know, one sentence each.
        parameters: Weights, trainable or not.
        macs: Multiply-adds of one case's forward pass.
        original_input: Spatial input of the original.
        original_parameters: Weights of the original.
        original_macs: Multiply-adds of the original.
    """

    arch: Arch
    factor: float
    notes: tuple[str, ...]
    parameters: int
    macs: int
    original_input: Shape
    original_parameters: int
    original_macs: int


def network_form(arch: Arch) -> float:
    """Whether a network is 2D (2), 2.5D (2.5: 2D layers on planes of a volume) or 3D (3)."""
    types = (TYPE_NAMES[type(layer)] for _, layer in walk(arch.layers))
    return 2.5 if any(inner_rank({"type": name}, None) is not None for name in types) else arch.rank


def make_twin(
    arch: Arch, rank: float, input_shape: Shape | None = None, match: str = "none", *, num_classes: int = 2
) -> Twin:
    """The twin of an architecture.

    Args:
        arch: The original, which stays unchanged.
        rank: 2, 2.5 or 3.
        input_shape: Spatial input (height, width[, depth]) of the twin. Default: the original's without its depth.
        match: "none" keeps the widths; "parameters" and "macs" scale them until the twin has as many weights or
            multiply-adds as the original.
        num_classes: Number of classes, which the output layer depends on.

    Raises:
        DocumentError: The rank, the input or `match` is invalid, or a layer has no counterpart.
    """
    _check_request(arch, rank, match)
    volume, plane = _input_shapes(arch, rank, input_shape)
    original_input = plane if arch.rank == 2 else volume
    twin_input = plane if rank == 2 else volume
    original = arch.plan(original_input, num_classes)
    value, notes = _twin_document(arch, rank, twin_input, original)
    twin = parse_arch(Document(value=value, source=f"{FORM_TEXTS[rank]} twin of {arch.document.source}"))
    plan = twin.plan(twin_input, num_classes)
    return Twin(
        arch=twin,
        factor=1.0,
        notes=tuple(notes),
        parameters=sum(row.num_parameters for row in plan),
        macs=sum(row.num_macs for row in plan),
        original_input=original_input,
        original_parameters=sum(row.num_parameters for row in original),
        original_macs=sum(row.num_macs for row in original),
    )


def _check_request(arch: Arch, rank: float, match: str) -> None:
    source = arch.document.source
    if rank not in FORMS:
        raise DocumentError(f"{source}: a twin has rank 2, 2.5 or 3, not {rank!r}.")
    if match not in MATCHES:
        raise DocumentError(f'{source}: match is "none", "parameters" or "macs", not {match!r}.')
    form = network_form(arch)
    if form == rank:
        others = " or ".join(f"{other:g}" for other in FORMS if other != rank)
        raise DocumentError(f"{source}: this network is {FORM_TEXTS[form]} already. Give rank {others}.")


def _input_shapes(arch: Arch, rank: float, given: Shape | None) -> tuple[Shape, Shape]:
    """The spatial shapes of the volume and of the plane that original and twin have as input."""
    own = arch.full_input_shape(None)[:-1]
    shape = own if given is None else tuple(given)
    if rank == 2 and len(shape) == 2:
        return (*shape, own[2]), shape
    if len(shape) != 3 or min(shape) < 1:
        height_width = sizes_text(shape[:2]) if len(shape) == 2 else sizes_text(own[:2])
        raise DocumentError(
            f"{arch.document.source}: a {FORM_TEXTS[rank]} twin needs an input with a depth, but the input is "
            f"{sizes_text(shape)}. Give height x width x depth, such as {height_width}x10."
        )
    return shape, shape[:2]


def _twin_document(
    arch: Arch, rank: float, shape: Shape, original: Sequence[PlannedLayer]
) -> tuple[dict[str, Any], list[str]]:
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


_KEYS: Final = ("$schema", "name", "description", "rank", "input_shape", "channels")
"""The keys before the layers, in the order in which architecture files write them."""


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


def twin_name(name: str, rank: float) -> str:
    """The name of a twin.

    >>> twin_name("archsm", 3), twin_name("resnet18_2d", 2.5)
    ('archsm_3d', 'resnet18_25d')
    """
    ending = f"_{FORMS[rank]}"
    for other in FORMS.values():
        name = name.removesuffix(f"_{other}") or name
    return name[: MAX_NAME - len(ending)] + ending
