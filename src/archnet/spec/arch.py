"""Arch: an architecture document understood; its rank, its layers, the shapes and costs through the network."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from archnet.errors import DocumentError
from archnet.files.strict_json import Document, JsonPath, Problem, path_text, read_document, slugify
from archnet.spec.layers import (
    TYPE_NAMES,
    Layer,
    Repeat,
    Residual,
    Shape,
    Terminal,
    layer_document,
    num_layers,
    parse_layer,
    sizes_text,
)
from archnet.spec.schema import schema_problems

if TYPE_CHECKING:
    import keras

MAX_LAYERS: Final = 10_000
"""Layers once every REP is written out; more is a slip of the keyboard."""

PUBLISHED_INPUT: Final[dict[int, Shape]] = {2: (64, 64), 3: (64, 64, 10)}
"""Spatial input for `check` and `show` where neither the document nor the command line names one: the LUNA16 crops."""

_SPATIAL_TYPES: Final = frozenset({"C", "P", "GAP", "RES"})
_FLAT_FOLLOWERS: Final = frozenset({"FC", "DO", "BN", "T", "REP"})
_FORBIDDEN_IN_RESIDUAL: Final = frozenset({"FC", "GAP", "T"})


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedLayer:
    """One layer at its place in a network of known input.

    Attributes:
        path: Of the layer in the document.
        repeat: Which of the repetitions of the enclosing REPs, outermost first, from 0.
        layer: The layer; a `Repeat` itself has no row, its inner layers have one for each time.
        input_shape: Without batch, channels last.
        output_shape: Likewise.
    """

    path: JsonPath
    repeat: tuple[int, ...]
    layer: Layer
    input_shape: Shape
    output_shape: Shape

    @property
    def type(self) -> str:
        """The layer's type in documents, such as "C"."""
        return TYPE_NAMES[type(self.layer)]

    @property
    def num_parameters(self) -> int:
        """Weights, trainable or not."""
        return self.layer.num_parameters(self.input_shape)

    @property
    def num_macs(self) -> int:
        """Multiply-adds of one case's forward pass."""
        return self.layer.num_macs(self.input_shape)

    @property
    def num_activations(self) -> int:
        """Values that one case's backward pass keeps."""
        return self.layer.num_activations(self.input_shape)


@dataclass(frozen=True, slots=True, kw_only=True)
class Arch:
    """A network as its JSON document describes it.

    Attributes:
        name: Of the architecture; names run folders.
        rank: Number of spatial axes, 2 or 3.
        layers: In order, ending in the only `Terminal`.
        input_shape: Spatial input that the network was designed for, if the document says so; the data decide.
        document: Where the layers came from, for messages.
    """

    name: str
    rank: int
    layers: tuple[Layer, ...]
    input_shape: Shape | None = None
    description: str = ""
    document: Document = field(compare=False, repr=False)

    def plan(self, input_shape: Shape | None = None, num_classes: int = 2) -> tuple[PlannedLayer, ...]:
        """Every layer with its shapes and costs, in the order of computation; REPs are written out.

        Args:
            input_shape: (height, width[, depth]) for one channel, or with channels last; by default the document's
                own, else the published crop.
            num_classes: Classes of the data.

        Raises:
            DocumentError: The input has another rank, or a layer does not fit what reaches it.
        """
        terminal = self.layers[-1]
        if not isinstance(terminal, Terminal):
            raise DocumentError(f"{self.document.source}: the last layer must be T.")
        layers = (*self.layers[:-1], Terminal(activation=terminal.activation, num_classes=num_classes))
        return tuple(self._plan_layers(layers, ("layers",), (), self.full_input_shape(input_shape)))

    def full_input_shape(self, input_shape: Shape | None = None) -> Shape:
        """An input shape with its channels; see `plan`."""
        shape = tuple(input_shape or self.input_shape or PUBLISHED_INPUT[self.rank])
        shape = (*shape, 1) if len(shape) == self.rank else shape
        if len(shape) != self.rank + 1 or min(shape) < 1:
            raise DocumentError(
                f"{self.document.source}: a {self.rank}D network does not take the input {sizes_text(shape)}. "
                f"Give {'height x width' if self.rank == 2 else 'height x width x depth'}, "
                f"such as {sizes_text(PUBLISHED_INPUT[self.rank])}."
            )
        return shape

    def _plan_layers(
        self, layers: tuple[Layer, ...], path: JsonPath, repeat: tuple[int, ...], shape: Shape
    ) -> Iterator[PlannedLayer]:
        for index, layer in enumerate(layers):
            layer_path = (*path, index)
            if isinstance(layer, Repeat):
                for repetition in range(layer.times):
                    rows = tuple(self._plan_layers(layer.layers, (*layer_path, "layers"), (*repeat, repetition), shape))
                    yield from rows
                    shape = rows[-1].output_shape
                continue
            if isinstance(layer, Residual):
                yield from self._plan_layers(layer.layers, (*layer_path, "layers"), repeat, shape)
            try:
                output_shape = layer.output_shape(shape)
            except ValueError as error:
                raise DocumentError(
                    self.document.problem(self._file_path(layer_path), self._layer_problem(layer, error))
                ) from None
            yield PlannedLayer(
                path=layer_path, repeat=repeat, layer=layer, input_shape=shape, output_shape=output_shape
            )
            shape = output_shape

    def _file_path(self, path: JsonPath) -> JsonPath:
        """A path in the form of the file, which may be a bare array of layers."""
        return path[1:] if isinstance(self.document.value, list) else path

    @staticmethod
    def _layer_problem(layer: Layer, error: ValueError) -> str:
        return f"{TYPE_NAMES[type(layer)]} {error}."

    def build(self, input_shape: Shape | None = None, num_classes: int = 2, *, seed: int = 0) -> keras.Model:
        """The Keras model that gives logits, (N, classes) or (N, 1) under "sigmoid"; see `network.build`."""
        from archnet.network.build import build

        return build(self, input_shape, num_classes, seed=seed)

    def to_document(self) -> dict[str, Any]:
        """The architecture as a JSON object with every default written out."""
        head: dict[str, Any] = {"name": self.name, "rank": self.rank}
        if self.description:
            head["description"] = self.description
        if self.input_shape:
            head["input_shape"] = list(self.input_shape)
        return {**head, "layers": [layer_document(layer) for layer in self.layers]}

    def warnings(self) -> list[str]:
        """What is allowed but almost always a mistake, one line each."""
        return [
            self.document.problem(
                self._file_path((*path, "drop_out")),
                f"drop_out is a percentage: {value:g} drops {value:g}% of the values. Did you mean {value * 100:g}?",
            )
            for path, value in _drop_outs(self.layers, ("layers",))
            if 0 < value < 1
        ]


def _drop_outs(layers: tuple[Layer, ...], path: JsonPath) -> Iterator[tuple[JsonPath, float]]:
    for index, layer in enumerate(layers):
        yield (*path, index), getattr(layer, "drop_out", 0.0)
        yield from _drop_outs(getattr(layer, "layers", ()), (*path, index, "layers"))


def load_arch(path: Path | str) -> Arch:
    """The architecture in a JSON file.

    Raises:
        DocumentError: The file is not strict JSON, or not an architecture; one line for every problem.
    """
    return parse_arch(read_document(path))


def parse_arch(document: Document) -> Arch:
    """The architecture that a document describes.

    Raises:
        DocumentError: One line for every problem of the document.
    """
    problems = schema_problems(document, "arch")
    value = document.value if isinstance(document.value, dict) else {"layers": document.value}
    prefix: JsonPath = () if isinstance(document.value, list) else ("layers",)
    layers = value.get("layers")
    rank = None
    if isinstance(layers, list) and layers:
        rank, rank_problems = _rank(value, prefix)
        problems += [*_order_problems(layers, prefix), *rank_problems]
    if problems or rank is None:
        raise document.error(problems)
    arch = Arch(
        name=value.get("name") or slugify(Path(document.source).stem),
        rank=rank,
        layers=tuple(parse_layer(layer, rank) for layer in value["layers"]),
        input_shape=tuple(map(int, value["input_shape"])) if "input_shape" in value else None,
        description=value.get("description", ""),
        document=document,
    )
    if num_layers(arch.layers) > MAX_LAYERS:
        raise DocumentError(f"{document.source}: REP makes more than {MAX_LAYERS:,} layers. Lower its times.")
    return arch


def _order_problems(layers: list[Any], prefix: JsonPath) -> Iterator[Problem]:
    """What the order of layer types alone makes impossible."""
    types = [layer.get("type") if isinstance(layer, dict) else None for layer in layers]
    terminals = [index for index, kind in enumerate(types) if kind == "T"]
    if not terminals:
        yield prefix, 'the layer T is missing. End the list with {"type": "T"}.'
    for index in terminals[1:]:
        yield (
            (*prefix, index),
            f"T stands here again, first at {path_text((*prefix, terminals[0]))}. Keep the last one only.",
        )
    if len(terminals) == 1 and terminals[0] != len(layers) - 1:
        yield (*prefix, terminals[0]), f"T must be the last layer, but {len(layers) - 1 - terminals[0]} more follow."
    yield from _flat_problems(layers, prefix, None)[0]


def _flat_problems(layers: list[Any], prefix: JsonPath, flattened_by: str | None) -> tuple[list[Problem], str | None]:
    """Layers that need spatial axes after something has flattened them, and layers where they must not stand."""
    problems: list[Problem] = []
    for index, layer in enumerate(layers):
        if not isinstance(layer, dict):
            continue
        kind, layer_path = layer.get("type"), (*prefix, index)
        if flattened_by and kind in _SPATIAL_TYPES:
            problems.append(
                (layer_path, f"{kind} needs spatial axes, but {flattened_by} has flattened them. Move it before.")
            )
            continue
        if kind in ("FC", "GAP"):
            flattened_by = flattened_by or f"{kind} at {path_text((*prefix, index))}"
        inner = layer.get("layers")
        if kind in ("RES", "REP") and isinstance(inner, list):
            problems += _inner_problems(inner, (*layer_path, "layers"), kind)
            inner_problems, flattened_by = _flat_problems(inner, (*layer_path, "layers"), flattened_by)
            problems += inner_problems
    return problems, flattened_by


def _inner_problems(layers: list[Any], prefix: JsonPath, kind: str) -> Iterator[Problem]:
    """Layers that a RES or a REP cannot hold, at any depth below it."""
    forbidden = _FORBIDDEN_IN_RESIDUAL if kind == "RES" else frozenset({"T"})
    for index, layer in enumerate(layers):
        if not isinstance(layer, dict):
            continue
        if layer.get("type") in forbidden:
            yield (*prefix, index), f"{layer['type']} cannot stand inside {kind}. Move it out."
        if kind == "RES" and layer.get("type") == "REP" and isinstance(layer.get("layers"), list):
            yield from _inner_problems(layer["layers"], (*prefix, index, "layers"), kind)


def _rank(value: Mapping[str, Any], prefix: JsonPath) -> tuple[int | None, list[Problem]]:
    """The rank that the arrays of a document, or its `rank`, agree on."""
    ranks = [(path, len(sizes)) for path, sizes in _size_arrays(value["layers"], prefix) if len(sizes) in (2, 3)]
    if isinstance(value.get("input_shape"), list) and len(value["input_shape"]) in (2, 3):
        ranks.append((("input_shape",), len(value["input_shape"])))
    if value.get("rank") in (2, 3):
        ranks.insert(0, (("rank",), value["rank"]))
    if not ranks:
        remedy = 'Say which, beside "layers": "rank": 2 or "rank": 3.'
        return None, [((), f"no array of sizes tells whether this is a 2D or a 3D network. {remedy}")]
    first, rank = ranks[0]
    problems = [
        (path, f"this is {other}D, but {path_text(first)} is {rank}D. Use one rank throughout.")
        for path, other in ranks
        if other != rank
    ]
    return rank, problems


def _size_arrays(layers: Any, prefix: JsonPath) -> Iterator[tuple[JsonPath, list[Any]]]:
    if not isinstance(layers, list):
        return
    for index, layer in enumerate(layers):
        if not isinstance(layer, dict):
            continue
        for key in ("kernel_size", "stride", "dilation"):
            if isinstance(layer.get(key), list):
                yield (*prefix, index, key), layer[key]
        yield from _size_arrays(layer.get("layers"), (*prefix, index, "layers"))
