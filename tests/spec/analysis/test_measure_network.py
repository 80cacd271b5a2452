"""The facts of a network: shapes, costs and memory of each written layer, also while a document is incomplete."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from archnet.files.documents.shipped_documents import shipped_documents
from archnet.files.strict_json import Document, parse_document
from archnet.spec.analysis.analysis_options import AnalysisOptions
from archnet.spec.analysis.measure_network import measure_network
from archnet.spec.analysis.partial_network import partial_arch
from archnet.spec.analysis.text_ranges import TextRange
from archnet.spec.arch import load_arch, parse_arch
from archnet.spec.cost import network_cost
from archnet.spec.memory import FLOAT_BYTES, estimate_memory, plan_micro_batches

ARCHS = [path for path in shipped_documents().values() if path.parent.name != "experiments"]


def no_range(path):
    return TextRange(0, 0)


def measure(value, problems=(), **options):
    """The facts of a document that may be invalid, and the error of a layer that does not fit."""
    problems = frozenset(problems)
    arch = partial_arch(Document(value=value, source="net.json"), problems)
    measured = arch and measure_network(arch, no_range, AnalysisOptions(**options), problems)
    return (measured.facts, measured.misfit) if measured else (None, None)


def layers_of(facts):
    return {layer.path: layer for layer in facts.layers}


@pytest.mark.parametrize("path", ARCHS, ids=lambda path: path.stem)
def test_the_totals_of_a_shipped_network_are_those_of_archnet_show(path):
    arch = parse_arch(parse_document(path.read_text("utf-8"), str(path)))
    facts = measure_network(arch, no_range, AnalysisOptions(batch_size=64)).facts
    cost = network_cost(arch.plan())
    plan = plan_micro_batches(cost.memory, 64)
    assert (facts.num_parameters, facts.num_macs) == (cost.num_parameters, cost.num_macs)
    assert (facts.memory.peak_bytes, facts.memory.micro_batch_size) == (plan.peak_bytes, plan.size)
    assert facts.is_complete
    assert not facts.is_input_assumed or arch.input_shape is None
    outer = [layer for layer in facts.layers if len(layer.path) == 2]
    assert sum(layer.num_parameters for layer in outer) == cost.num_parameters
    assert sum(layer.num_macs for layer in outer) == cost.num_macs
    assert [layer.path for layer in outer] == [("layers", index) for index in range(len(arch.layers))]


@pytest.mark.parametrize("path", ARCHS, ids=lambda path: path.stem)
def test_every_written_layer_has_the_costs_of_its_rows_in_the_plan(path):
    arch = parse_arch(parse_document(path.read_text("utf-8"), str(path)))
    facts, plan = measure_network(arch, no_range, AnalysisOptions()).facts, arch.plan()
    assert {row.path for row in plan} <= set(layers_of(facts))
    for layer in facts.layers:
        rows = [row for row in plan if row.path[: len(layer.path)] == layer.path]
        assert layer.num_parameters == sum(row.num_parameters for row in rows)
        assert layer.num_macs == sum(row.num_macs for row in rows)
        stored, transient = sum(row.num_stored_values for row in rows), max(row.num_transient_values for row in rows)
        assert layer.memory_bytes == round(FLOAT_BYTES * (stored + transient))
        own = [row for row in rows if row.path == layer.path]
        assert not own or (layer.input_shape, layer.output_shape) == (own[0].input_shape, own[-1].output_shape)
        assert not own or layer.summary == own[0].summary


@pytest.mark.parametrize("path", ARCHS, ids=lambda path: path.stem)
def test_the_last_feature_map_has_the_receptive_field_of_archnet_show(path):
    arch = parse_arch(parse_document(path.read_text("utf-8"), str(path)))
    feature_map = arch.feature_map()
    facts = measure_network(arch, no_range, AnalysisOptions()).facts
    fields = {
        layer.receptive_field[: len(feature_map.receptive_field)] for layer in facts.layers if layer.receptive_field
    }
    assert feature_map.receptive_field in fields


def test_a_repetition_has_the_input_of_the_first_time_and_the_output_of_the_last():
    layers = [
        {"type": "REP", "times": 3, "layers": [{"type": "C", "num_output": 4, "kernel_size": 3, "stride": 2}]},
        {"type": "T"},
    ]
    facts, _ = measure({"rank": 2, "layers": layers}, spacing_mm=(0.5, 0.75, 2.0))
    inner, outer = layers_of(facts)["layers", 0, "layers", 0], layers_of(facts)["layers", 0]
    for layer in (inner, outer):
        assert (layer.input_shape, layer.output_shape) == ((64, 64, 1), (8, 8, 4))
        assert layer.num_parameters == (9 * 4 + 4) + 2 * (9 * 16 + 4)
        assert layer.receptive_field == (15, 15)
        assert layer.receptive_field_mm == (7.5, 11.25)
    assert (outer.type, outer.summary, inner.summary) == ("REP", "3 times", "4 3x3 stride 2x2")
    assert facts.is_input_assumed


def test_receptive_fields_in_millimetres_need_the_spacing_of_every_axis():
    value = {"layers": [{"type": "C", "num_output": 4, "kernel_size": [3, 3, 5]}, {"type": "T"}]}
    for spacing, sizes in (((0.5, 0.5), None), (None, None), ((0.5, 0.75, 2.0), (1.5, 2.25, 10.0))):
        facts, _ = measure(value, spacing_mm=spacing)
        assert [layer.receptive_field_mm for layer in facts.layers] == [sizes, None]


POOLING = [{"type": "P", "pool": "max", "kernel_size": [2, 2]}, {"type": "T"}]


def test_a_budget_too_small_for_one_case_gives_micro_batches_of_none():
    memory = measure(POOLING, budget_bytes=1)[0].memory
    assert (memory.micro_batch_size, memory.batch_size, memory.budget_bytes) == (0, 64, 1)
    large = measure(POOLING)[0].memory
    plan = parse_arch(Document(value=POOLING, source="net.json")).plan()
    assert memory.peak_bytes == estimate_memory(plan).peak_bytes(64, 1) < large.peak_bytes
    assert large.micro_batch_size == 64


def test_the_paths_of_a_bare_array_are_those_of_the_document():
    facts, _ = measure(POOLING)
    assert [layer.path for layer in facts.layers] == [(0,), (1,)]
    assert facts.name == "net"


@pytest.mark.parametrize(("options", "total"), [({"num_classes": 5}, 10 * 10 * 5 + 5), ({"input_shape": (4, 4)}, 34)])
def test_the_number_of_classes_and_the_input_are_those_of_the_options(options, total):
    facts, _ = measure({"rank": 2, "input_shape": [10, 10], "layers": [{"type": "T"}]}, **options)
    assert (facts.num_parameters, facts.is_input_assumed) == (total, False)


C = {"type": "C", "num_output": 4, "kernel_size": [3, 3]}
RES = {"type": "RES", "layers": [C, {"type": "BN"}, C]}


def test_the_layers_before_a_problem_have_facts():
    layers = [C, {"type": "P", "pool": "max", "kernel_size": 2}, {"type": "C", "kernel_size": 3}, {"type": "T"}]
    facts, misfit = measure({"layers": layers}, [("layers", 2)])
    assert [layer.path for layer in facts.layers] == [("layers", 0), ("layers", 1)]
    assert (facts.is_complete, misfit, facts.num_parameters) == (False, None, 40)


def test_a_missing_output_layer_leaves_the_facts_of_all_others():
    facts, _ = measure({"layers": [C, C]}, [("layers",)])
    assert [layer.output_shape for layer in facts.layers] == [(64, 64, 4)] * 2
    assert not facts.is_complete


def test_the_layers_inside_a_block_before_a_problem_have_facts_but_the_block_has_none():
    block = {"type": "RES", "layers": [C, {"type": "BN"}, {"type": "C"}]}
    facts, _ = measure({"layers": [C, block, {"type": "T"}]}, [("layers", 1, "layers", 2)])
    assert [layer.path for layer in facts.layers] == [
        ("layers", 0),
        ("layers", 1, "layers", 0),
        ("layers", 1, "layers", 1),
    ]
    assert layers_of(facts)["layers", 1, "layers", 1].receptive_field == (5, 5)


def test_a_block_whose_list_of_layers_has_a_problem_has_no_facts_inside():
    facts, _ = measure({"layers": [C, RES, {"type": "T"}]}, [("layers", 1, "layers")])
    assert [layer.path for layer in facts.layers] == [("layers", 0)]


def test_branches_before_a_problem_have_facts():
    block = {"type": "CAT", "branches": [[C, RES], [C, {"type": "??"}], [C]]}
    facts, _ = measure({"layers": [block, {"type": "T"}]}, [("layers", 0, "branches", 1, 1, "type")])
    assert [layer.path[2:] for layer in facts.layers] == [
        ("branches", 0, 0),
        ("branches", 0, 1),
        ("branches", 0, 1, "layers", 0),
        ("branches", 0, 1, "layers", 1),
        ("branches", 0, 1, "layers", 2),
        ("branches", 1, 0),
        ("branches", 2, 0),
    ]


def test_a_layer_that_does_not_fit_ends_the_facts():
    layers = [C, {**C, "padding": "valid", "kernel_size": [99, 3]}, {"type": "T"}]
    facts, misfit = measure({"layers": layers})
    assert [layer.path for layer in facts.layers] == [("layers", 0)]
    assert not facts.is_complete
    assert str(misfit).startswith(
        'net.json $.layers[1]: C "valid" with kernel (99, 3) does not fit its input (64, 64).'
    )


def test_a_block_whose_second_repetition_does_not_fit_has_facts_inside_only():
    block = {"type": "REP", "times": 3, "layers": [{**C, "padding": "valid", "kernel_size": [33, 33]}]}
    facts, misfit = measure({"layers": [block, {"type": "T"}]})
    assert [layer.path for layer in facts.layers] == [("layers", 0, "layers", 0)]
    assert misfit is not None


@pytest.mark.parametrize(
    "value",
    [
        None,
        {},
        {"layers": None},
        {"layers": []},
        [],
        {"layers": [1, "C", None, {"type": 3}]},
        {"layers": [{"type": "C", "kernel_size": [3, 3]}]},
        {"layers": [C], "input_shape": [64, 64, 64], "rank": 7},
    ],
    ids=str,
)
def test_a_document_without_a_valid_layer_has_no_facts(value):
    everything = {("layers", index) for index in range(4)} | {(index,) for index in range(4)}
    assert measure(value, everything)[0] is None


@pytest.mark.parametrize("channels", [0, -1, "3", None, 1.5, True, 10**9, [2]])
def test_invalid_sizes_are_replaced_by_defaults(channels):
    facts, _ = measure({"layers": [C], "channels": channels, "input_shape": [channels, 8]}, [("channels",)])
    assert facts.input_shape == (64, 64, 1)


def test_an_input_of_the_wrong_rank_has_no_facts():
    facts, misfit = measure({"layers": [C, {"type": "T"}]}, input_shape=(8,))
    assert facts is None
    assert str(misfit).startswith("net.json: a 2D network does not accept the input 8.")


@pytest.mark.parametrize("path", ARCHS[:9], ids=lambda path: path.stem)
def test_every_truncated_list_of_layers_has_the_facts_of_the_whole_network(path):
    value = json.loads(Path(path).read_text("utf-8"))
    whole = layers_of(measure(value)[0])
    for number in range(1, len(value["layers"])):
        facts, _ = measure({**value, "layers": value["layers"][:number]}, [("layers",)])
        assert facts.layers == tuple(each for each in whole.values() if each.path[1] < number)


@pytest.mark.parametrize("path", ARCHS, ids=lambda path: path.stem)
def test_the_partial_form_of_a_valid_architecture_is_the_architecture(path):
    arch = load_arch(path)
    assert partial_arch(arch.document, frozenset()) == replace(arch, description="")
