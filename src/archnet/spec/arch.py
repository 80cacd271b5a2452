"""Arch: a parsed architecture document, with its rank, its layers, and the shapes and costs of the network."""

from __future__ import annotations

import operator
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from archnet.errors import DocumentError, pluralize
from archnet.files.documents.names import name_problem
from archnet.files.documents.problems import remove_key, replace_with, set_key
from archnet.files.strict_json import Document, JsonPath, Problem, plain_json, read_document, slugify
from archnet.spec.layers import (
    TYPE_NAMES,
    Layer,
    Shape,
    layer_document,
    parse_layer,
    sizes_text,
    walk,
)
from archnet.spec.layers.base.layer import InnerSequence
from archnet.spec.layers.base.layer_fit import LayerFitError
from archnet.spec.layers.checks import infer_rank, order_problems
from archnet.spec.layers.feature_map import FeatureMap, find_feature_map
from archnet.spec.layers.layer_count import repeated_layers_problem, written_layers_problem
from archnet.spec.layers.planned_layer import PlannedLayer as PlannedLayer
from archnet.spec.schema import schema_problems

if TYPE_CHECKING:
    import keras

PUBLISHED_INPUT: Final[dict[int, Shape]] = {2: (64, 64), 3: (64, 64, 10)}
"""Default spatial input of `check` and `show` if neither document nor command line gives one: the LUNA16 crops."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Arch:
    """A network that is described by a JSON document.

    >>> arch = archnet.load_arch("arch3dsm")  # doctest: +SKIP
    >>> arch.plan((64, 64, 10), num_classes=2)[-1].output_shape  # doctest: +SKIP

    Attributes:
        name: Name of the architecture and of its run folders.
        rank: Number of spatial axes, 2 or 3.
        layers: The layers in order; the last one is the only `Terminal`.
        input_shape: Spatial input that the network was designed for, if given in the document.
        channels: Number of input channels.
        document: Source of the layers, for messages.
    """

    name: str
    rank: int
    layers: tuple[Layer, ...]
    input_shape: Shape | None = None
    channels: int = 1
    description: str = ""
    document: Document = field(compare=False, repr=False)

    def plan(self, input_shape: Shape | None = None, num_classes: int = 2) -> tuple[PlannedLayer, ...]:
        """Plan every layer with its shapes and costs, in the order of computation, with REPs expanded.

        Args:
            input_shape: (height, width[, depth]), or with channels last; by default that of the document, or
                else the published crop.
            num_classes: Number of classes of the data.

        Raises:
            DocumentError: The input has a different rank or number of channels, a layer does not fit its input, or the
                number of classes is not a whole number of at least 1.
        """
        if not self.layers[-1].traits.is_terminal:
            raise DocumentError(f"{self.document.source}: the last layer must be T.")
        return tuple(self.plan_rows(input_shape, num_classes))

    def plan_rows(self, input_shape: Shape | None = None, num_classes: int = 2) -> Iterator[PlannedLayer]:
        """Yield the rows of `plan`, those before a layer that does not fit its input included.

        Args:
            input_shape: See `plan`.
            num_classes: See `plan`.

        Raises:
            DocumentError: See `plan`; the last layer may be of any type.
        """
        (count,) = whole_numbers([num_classes]) or (0,)
        if count < 1:
            raise DocumentError(
                f"{self.document.source}: num_classes={num_classes!r}: expected a whole number of at least 1."
            )
        layers = tuple(layer.with_num_classes(count) for layer in self.layers)
        first = InnerSequence(layers=layers, path=("layers",), input_shape=self.full_input_shape(input_shape))
        yield from self._plan_sequence(first, (), ())

    def full_input_shape(self, input_shape: Shape | None = None) -> Shape:
        """Complete an input shape with channels; see `plan`."""
        given = (self.input_shape or PUBLISHED_INPUT[self.rank]) if input_shape is None else input_shape
        shape = whole_numbers(given)
        shape = (*shape, self.channels) if len(shape) == self.rank else shape
        if len(shape) != self.rank + 1 or min(shape) < 1:
            text = sizes_text(shape) if shape else repr(given)
            raise self._input_error(
                f"a {self.rank}D network does not accept the input {text}. "
                f"Give {'height x width' if self.rank == 2 else 'height x width x depth'}, "
                f"such as {sizes_text(PUBLISHED_INPUT[self.rank])}."
            )
        if self.channels not in (1, shape[-1]):
            raise self._input_error(
                f"the input {sizes_text(shape)} has {pluralize(shape[-1], 'channel')}, but the "
                f"architecture has channels {self.channels}. Give the spatial sizes alone, such as "
                f"{sizes_text(shape[:-1])}."
            )
        return shape

    def _input_error(self, text: str) -> DocumentError:
        source = self.document.source
        return DocumentError(f"{source}: {text}", source, [Problem(("input_shape",), text)])

    def _plan_sequence(
        self, sequence: InnerSequence, path: JsonPath, repeat: tuple[int, ...]
    ) -> Iterator[PlannedLayer]:
        """Yield the rows of the layers inside the layer at a path, or of the whole network."""
        shape = sequence.input_shape
        repeat = repeat if sequence.repetition is None else (*repeat, sequence.repetition)
        for index, layer in enumerate(sequence.layers):
            layer_path = (*path, *sequence.path, index)
            for own in self._inner_sequences(layer, layer_path, shape):
                is_shared = sequence.num_planes > 1
                inner = replace(own, num_planes=sequence.num_planes * own.num_planes) if is_shared else own
                yield from self._plan_sequence(inner, layer_path, repeat)
            output_shape = self._output_shape(layer, layer_path, shape)
            if layer.traits.has_row:
                yield PlannedLayer(
                    path=layer_path,
                    repeat=repeat,
                    num_planes=sequence.num_planes,
                    layer=layer,
                    input_shape=shape,
                    output_shape=output_shape,
                )
            shape = output_shape

    def _inner_sequences(self, layer: Layer, path: JsonPath, shape: Shape) -> Iterator[InnerSequence]:
        with self._place(layer, path):
            yield from layer.inner_sequences(shape)

    def _output_shape(self, layer: Layer, path: JsonPath, shape: Shape) -> Shape:
        with self._place(layer, path):
            return layer.output_shape(shape)

    @contextmanager
    def _place(self, layer: Layer, path: JsonPath) -> Iterator[None]:
        """Add the location to the message of a layer that does not fit its input.

        Raises:
            DocumentError: The block raises a ValueError.
        """
        try:
            yield
        except ValueError as error:
            text, keys = f"{TYPE_NAMES[type(layer)]} {error}.", error.keys if isinstance(error, LayerFitError) else {}
            place = self._file_path(path)
            repairs = tuple(set_key(place, key, value) for key, value in keys.items())
            raise self.document.error([Problem(place, text, repairs)]) from None

    def _file_path(self, path: JsonPath) -> JsonPath:
        """Convert a path to the form of the file, which may be a bare array of layers."""
        return path[1:] if isinstance(self.document.value, list) else path

    def feature_map(self, input_shape: Shape | None = None) -> FeatureMap | None:
        """The last feature map on all paths from input to output; null if there is none.

        Args:
            input_shape: See `plan`.
        """
        return find_feature_map(self.layers, self.full_input_shape(input_shape))

    def build(self, input_shape: Shape | None = None, num_classes: int = 2, *, seed: int = 0) -> keras.Model:
        """Build the Keras model, which maps images scaled to [0, 1] to logits.

        Args:
            input_shape: (height, width[, depth]), or with channels last; see `plan`.
            num_classes: Number of classes.
            seed: Seed of weight initialization and dropout.

        Returns:
            A model from (N, *input_shape), float32, to (N, num_classes) logits, or (N, 1) where T is "sigmoid".

        Raises:
            DocumentError: The input has a different rank or number of channels, or a layer does not fit its input.
        """
        self.plan(input_shape, num_classes)  # checks both
        from archnet.network.backend import start_quietly

        start_quietly()
        from archnet.network.build.network import build

        return build(self, input_shape, num_classes, seed=seed)

    def _repr_html_(self) -> str:
        """Render the layers with shapes and costs for notebooks."""
        from archnet.report.html.notebook_network import arch_html

        return arch_html(self)

    def to_document(self) -> dict[str, Any]:
        """The architecture as a JSON object with every default written out."""
        head: dict[str, Any] = {"name": self.name, "rank": self.rank}
        if self.description:
            head["description"] = self.description
        if self.input_shape:
            head["input_shape"] = list(self.input_shape)
        if self.channels > 1:
            head["channels"] = self.channels
        return {**head, "layers": [layer_document(layer) for layer in self.layers]}

    def warnings(self) -> list[str]:
        """Return warnings about valid options that are almost always mistakes, one line each."""
        return [self.document.problem(problem.path, problem.message) for problem in self.doubts()]

    def doubts(self) -> Iterator[Problem]:
        """Yield valid options that are almost always mistakes, with their repairs."""
        for path, layer in walk(self.layers, ("layers",)):
            place = self._file_path(path)
            yield from _shares(layer, place)
            for key_path, text in layer.idle_keys():
                yield Problem((*place, *key_path), text, (remove_key((*place, *key_path)),))


def _shares(layer: Layer, path: JsonPath) -> Iterator[Problem]:
    """Find percentages of the layer at a path that are probably fractions."""
    for key, value in layer.percentages().items():
        if 0 < value < 1:
            percentage = float(f"{value * 100:g}")
            text = f"{key} is a percentage: {value:g} drops {value:g}% of the values. Did you mean {value * 100:g}?"
            whole = int(percentage) if percentage.is_integer() else percentage
            yield Problem((*path, key), text, (replace_with((*path, key), whole),))


def whole_numbers(shape: Any) -> Shape:
    """Convert a shape from Python to plain integers; empty if it is not a shape."""
    try:
        return tuple(operator.index(size) for size in shape)
    except TypeError:
        return ()


def load_arch(source: Path | str | Mapping[str, Any] | Sequence[Mapping[str, Any]]) -> Arch:
    """Load an architecture.

    >>> load_arch({"rank": 2, "layers": [{"type": "T"}]}).plan((8, 8))[0].num_parameters
    130

    Args:
        source: Path of a JSON file, name of an architecture that archnet ships (`archnet list`), or the content: a
            mapping with "layers", or a list of layers.

    Returns:
        The architecture.

    Raises:
        ArchnetError: The source is not strict JSON or not a valid architecture; the message lists every problem.
    """
    if isinstance(source, Path | str):
        return parse_arch(read_document(source))
    return parse_arch(Document(value=plain_json(source, "arch"), source="arch"))


def complete_arch(value: dict[str, Any]) -> dict[str, Any]:
    """Convert the resolved architecture of a run folder to the current form; unchanged if that is impossible.

    >>> complete_arch({"rank": 2, "layers": [{"type": "T"}]})["layers"]
    [{'type': 'T', 'activation': None}]
    """
    try:
        return parse_arch(Document(value=value, source="arch")).to_document()
    except DocumentError:
        return value


def parse_arch(document: Document) -> Arch:
    """Parse an architecture document.

    Raises:
        DocumentError: The document has problems; the message has a line for each.
    """
    value = document.value if isinstance(document.value, dict) else {"layers": document.value}
    prefix: JsonPath = () if isinstance(document.value, list) else ("layers",)
    layers = value.get("layers")
    if isinstance(layers, list) and (too_many := written_layers_problem(layers, prefix)):
        raise document.error([too_many])
    problems = schema_problems(document, "arch")
    rank = None
    if isinstance(layers, list) and layers:
        rank, rank_problems = infer_rank(value, prefix)
        problems += [*order_problems(layers, prefix), *rank_problems]
    name = value.get("name") or slugify(Path(document.source).stem)
    if not problems and (problem := name_problem(name)):
        problems.append(Problem(("name",), problem))
    if problems or rank is None:
        raise document.error(problems)
    arch = Arch(
        name=name,
        rank=rank,
        layers=tuple(parse_layer(layer, rank) for layer in value["layers"]),
        input_shape=tuple(map(int, value["input_shape"])) if "input_shape" in value else None,
        channels=int(value.get("channels", 1)),
        description=value.get("description", ""),
        document=document,
    )
    if too_many := repeated_layers_problem(arch.layers, prefix):
        raise document.error([too_many])
    return arch
