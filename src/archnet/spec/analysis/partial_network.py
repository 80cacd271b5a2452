"""The network of a document that may be invalid: the layers before the first problem."""

from __future__ import annotations

from collections.abc import Set
from pathlib import Path
from typing import Any, Final

from archnet.files.strict_json import Document, JsonPath, slugify
from archnet.spec.arch import Arch
from archnet.spec.layers import Shape, inner_documents, layer_class, parse_layer
from archnet.spec.layers.checks import infer_rank
from archnet.spec.layers.layer_count import MAX_LAYERS, num_written_layers
from archnet.spec.schema import read_schema

MAX_SIZE: Final = 4096
"""Maximum length of an axis in the schema."""


def partial_arch(document: Document, problems: Set[JsonPath]) -> Arch | None:
    """The layers of an architecture before its first problem; null if there is none, or no rank.

    The layer around the first problem is included with its inner layers before it, so that these can be measured.

    Args:
        document: The value of an incomplete text.
        problems: The paths of its problems.
    """
    value = document.value if isinstance(document.value, dict) else {"layers": document.value}
    path: JsonPath = () if isinstance(document.value, list) else ("layers",)
    documents, rank = value.get("layers"), known_rank(document.value)
    if rank is None or not isinstance(documents, list) or num_written_layers(documents) > MAX_LAYERS:
        return None
    if len(documents) > read_schema("arch")["$defs"]["layers"]["maxItems"]:
        return None  # longer lists are rejected without a check of their entries
    layers = _layers_before(documents, path, problems)
    arch = Arch(
        name=_name(value, document),
        rank=rank,
        layers=tuple(parse_layer(layer, rank) for layer in layers),
        input_shape=_input_shape(value, rank),
        channels=_channels(value),
        document=document,
    )
    return arch if arch.layers and sum(layer.num_rows() for layer in arch.layers) <= MAX_LAYERS else None


def known_rank(value: Any) -> int | None:
    """The number of spatial axes of an architecture; null if the value does not determine it.

    Args:
        value: The architecture, which may be incomplete.
    """
    document = value if isinstance(value, dict) else {"layers": value}
    return infer_rank(document, ("layers",))[0] if isinstance(document.get("layers"), list) else None


def _layers_before(documents: list[Any], path: JsonPath, problems: Set[JsonPath]) -> list[Any]:
    """The layers before the first one with a problem, and the valid part of that one, if it has one."""
    kept: list[Any] = []
    for index, document in enumerate(documents):
        own = _problems_below(problems, (*path, index))
        if own:
            part = _valid_part(document, (*path, index), own)
            return [*kept, *([part] if part else [])]
        kept.append(document)
    return kept


def _problems_below(problems: Set[JsonPath], path: JsonPath) -> Set[JsonPath]:
    return {problem for problem in problems if problem[: len(path)] == path}


def _valid_part(document: Any, path: JsonPath, problems: Set[JsonPath]) -> dict[str, Any] | None:
    """A layer document without its inner layers from the first problem on.

    Null if the problem is not inside them, or if none is left, as for branches that are not arrays.
    """
    if layer_class(document) is None:
        return None
    inner = [((*path, *inner_path), layers) for inner_path, layers in inner_documents(document)]
    if not all(any(_is_inside(problem, inner_path) for inner_path, _ in inner) for problem in problems):
        return None
    part = dict(document)
    for inner_path, layers in inner:
        key, *branch = inner_path[len(path) :]
        kept = _layers_before(layers, inner_path, problems)
        part[str(key)] = _with_branch(part[str(key)], int(branch[0]), kept) if branch else kept
    return part if any(layers for _, layers in inner_documents(part)) else None


def _with_branch(branches: list[Any], index: int, branch: list[Any]) -> list[Any]:
    return [*branches[:index], branch, *branches[index + 1 :]]


def _is_inside(problem: JsonPath, path: JsonPath) -> bool:
    return len(problem) > len(path) and problem[: len(path)] == path


def _name(value: dict[str, Any], document: Document) -> str:
    name = value.get("name")
    return name if isinstance(name, str) and name else slugify(Path(document.source).stem)


def _input_shape(value: dict[str, Any], rank: int) -> Shape | None:
    sizes = value.get("input_shape")
    if not isinstance(sizes, list) or len(sizes) != rank or not all(map(_is_size, sizes)):
        return None
    return tuple(map(int, sizes))


def _channels(value: dict[str, Any]) -> int:
    channels: Any = value.get("channels")
    return int(channels) if _is_size(channels) else 1


def _is_size(value: Any) -> bool:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return is_number and 1 <= value <= MAX_SIZE and value == int(value)
