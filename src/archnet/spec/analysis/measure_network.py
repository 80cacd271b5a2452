"""Measure the network of a document, layer by layer, as far as the document is valid."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from typing import Final

from archnet.errors import DocumentError
from archnet.files.strict_json import JsonPath
from archnet.spec.analysis.analysis_options import AnalysisOptions
from archnet.spec.analysis.network_facts import LayerFacts, NetworkFacts, NetworkMemory
from archnet.spec.analysis.text_ranges import TextRange
from archnet.spec.arch import Arch, PlannedLayer
from archnet.spec.layers import Shape
from archnet.spec.layers.planned_layer import count_macs, count_parameters
from archnet.spec.layers.receptive_fields import LayerField, receptive_fields
from archnet.spec.memory import FLOAT_BYTES, estimate_memory, plan_micro_batches

LAYERS: Final = "layers"
"""The first step of the paths of all layers in a plan."""


@dataclass(slots=True)
class _LayerCosts:
    """Costs of a written layer, with its inner layers and repetitions."""

    num_parameters: int = 0
    num_macs: int = 0
    num_stored_values: float = 0.0
    num_transient_values: float = 0.0

    def add(self, row: PlannedLayer) -> None:
        """Add one layer in one repetition."""
        self.num_parameters += row.num_parameters
        self.num_macs += row.num_macs
        self.num_stored_values += row.num_stored_values
        self.num_transient_values = max(self.num_transient_values, row.num_transient_values)


@dataclass(frozen=True, slots=True, kw_only=True)
class MeasuredNetwork:
    """A measured network.

    Attributes:
        facts: The facts; null if not even the first layer is valid.
        misfit: The error of the first layer that does not fit its input, or of the input; null if there is none.
        rows: The rows of the plan before that layer.
    """

    facts: NetworkFacts | None
    misfit: DocumentError | None
    rows: tuple[PlannedLayer, ...]


def measure_network(
    arch: Arch,
    ranges: Callable[[JsonPath], TextRange],
    options: AnalysisOptions,
    problems: Set[JsonPath] = frozenset(),
) -> MeasuredNetwork:
    """Measure a network, or its layers before the first problem.

    Args:
        arch: Result of `parse_arch`, or of `partial_arch` for an invalid document.
        ranges: The range of the object at a path of the document.
        options: Input, number of classes, batch, budget and spacing.
        problems: The paths of the problems of the document.
    """
    fields, misfit = _fields_before_misfit(arch, options)
    rows = tuple(field.planned for field in fields if field.planned.layer.traits.has_row)
    if not rows:
        return MeasuredNetwork(facts=None, misfit=misfit, rows=())
    layers = _layer_facts(arch, _without_broken_layers(arch, fields, problems), _written_costs(rows), ranges, options)
    facts = NetworkFacts(
        name=arch.name,
        rank=arch.rank,
        input_shape=arch.full_input_shape(options.input_shape),
        is_input_assumed=arch.input_shape is None and options.input_shape is None,
        layers=tuple(sorted(layers, key=lambda layer: (layer.range, layer.path))),
        num_parameters=count_parameters(rows),
        num_macs=count_macs(rows),
        memory=_network_memory(rows, options),
        is_complete=not problems and misfit is None and arch.layers[-1].traits.is_terminal,
    )
    return MeasuredNetwork(facts=facts, misfit=misfit, rows=rows)


def _fields_before_misfit(arch: Arch, options: AnalysisOptions) -> tuple[list[LayerField], DocumentError | None]:
    """The shapes and receptive fields of the layers, and the error of the first one that does not fit its input."""
    found: list[LayerField] = []
    try:
        shape = arch.full_input_shape(options.input_shape)
        layers = tuple(layer.with_num_classes(options.num_classes) for layer in arch.layers)
        for field in receptive_fields(layers, (LAYERS,), shape):
            found.append(field)
    except DocumentError as error:
        return found, error
    except ValueError:
        return found, _misfit(arch, options)
    return found, None


def _misfit(arch: Arch, options: AnalysisOptions) -> DocumentError | None:
    """The error of the first layer that does not fit its input, with its location."""
    try:
        list(arch.plan_rows(options.input_shape, options.num_classes))
    except DocumentError as error:
        return error
    return None


def _without_broken_layers(
    arch: Arch, fields: Iterable[LayerField], problems: Set[JsonPath]
) -> dict[JsonPath, list[LayerField]]:
    """The repetitions of each written layer that has no problem inside, by path."""
    broken = {(*_offset(arch), *problem[:end]) for problem in problems for end in range(len(problem))}
    known: dict[JsonPath, list[LayerField]] = {}
    for field in fields:
        if field.planned.path not in broken:
            known.setdefault(field.planned.path, []).append(field)
    return known


def _layer_facts(
    arch: Arch,
    fields: Mapping[JsonPath, Sequence[LayerField]],
    costs: Mapping[JsonPath, _LayerCosts],
    ranges: Callable[[JsonPath], TextRange],
    options: AnalysisOptions,
) -> Iterator[LayerFacts]:
    num_steps = len(_offset(arch))
    for path, (first, *_, last) in ((path, (*each, each[-1])) for path, each in fields.items()):
        own = costs.get(path) or _LayerCosts()
        yield LayerFacts(
            path=path[num_steps:],
            range=ranges(path[num_steps:]),
            type=first.planned.type,
            summary=first.planned.summary,
            input_shape=first.planned.input_shape,
            output_shape=last.planned.output_shape,
            num_parameters=own.num_parameters,
            num_macs=own.num_macs,
            memory_bytes=round(FLOAT_BYTES * (own.num_stored_values + own.num_transient_values)),
            receptive_field=last.receptive_field,
            receptive_field_mm=_millimetres(last.receptive_field, options.spacing_mm),
        )


def _offset(arch: Arch) -> JsonPath:
    """The step from the paths of a document that is a bare array of layers to those of a plan."""
    return (LAYERS,) if isinstance(arch.document.value, list) else ()


def _written_costs(rows: Sequence[PlannedLayer]) -> dict[JsonPath, _LayerCosts]:
    """The costs of each written layer: those of its rows and of all rows inside it; also those of lists of layers."""
    costs: defaultdict[JsonPath, _LayerCosts] = defaultdict(_LayerCosts)
    for row in rows:
        for end, step in enumerate(row.path, start=1):
            if isinstance(step, int):
                costs[row.path[:end]].add(row)
    return costs


def _millimetres(voxels: Shape | None, spacing_mm: tuple[float, ...] | None) -> tuple[float, ...] | None:
    if voxels is None or spacing_mm is None or len(spacing_mm) < len(voxels):
        return None
    return tuple(size * spacing for size, spacing in zip(voxels, spacing_mm, strict=False))


def _network_memory(rows: tuple[PlannedLayer, ...], options: AnalysisOptions) -> NetworkMemory:
    """The memory plan; micro-batches of 0 cases if not even one fits the budget."""
    memory = estimate_memory(rows)
    try:
        plan = plan_micro_batches(memory, options.batch_size, options.budget_bytes)
    except ValueError:
        size, peak_bytes = 0, memory.peak_bytes(options.batch_size, 1)
    else:
        size, peak_bytes = plan.size, plan.peak_bytes
    return NetworkMemory(
        batch_size=options.batch_size, micro_batch_size=size, peak_bytes=peak_bytes, budget_bytes=options.budget_bytes
    )
