"""Twins of generated and of all shipped networks: back and forth, valid, and as large as Keras makes them."""

from pathlib import Path

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from archnet.errors import DocumentError
from archnet.files.documents.house_style import compact_json
from archnet.files.strict_json import read_document
from archnet.spec.arch import load_arch, parse_arch
from archnet.spec.twins.twin_document import FORMS
from archnet.spec.twins.twin_network import MATCHES, make_twin, network_form
from command_line import invoked
from layer_documents import layer_lists
from long_tests import long_except

ARCHS = Path(__file__).parents[3] / "archs"
FILES = sorted(ARCHS.rglob("*.json"))
SMALL = [path for path in FILES if path.parent.name != "applications"]


def requests(paths):
    return [(path, rank) for path in paths for rank in FORMS if rank != network_form(load_arch(path))]


LARGE = [path for path in FILES if path not in SMALL]
TWINS = [
    *((path, rank, match) for path, rank in requests(SMALL) for match in MATCHES),
    *((path, rank, "none") for path, rank in requests(LARGE)),
]
"""`experiments/twin_table.py` matches the large networks, which takes minutes."""

FAMILIES = {"archsm", "res3d", "vit_3d"}
"""A plain network, one with shortcuts and one with attention: their twins are matched in CI."""

MATCHED = [
    request for request in TWINS if request[0].stem in FAMILIES or (request[0] in SMALL and request[2] == "none")
]
COUNTED = [(path, match) for path in SMALL for match in MATCHES if match == "none" or path.stem in ("archsm", "vit_3d")]
COUNTED_IN_CI = [request for request in COUNTED if request[0].stem in FAMILIES]


def request_id(value):
    if isinstance(value, str):
        return value
    return value.stem if isinstance(value, Path) else f"{value:g}"


def default_input(arch, rank):
    return None if arch.rank == 3 or rank == 2 else (*arch.input_shape, 10)


def networks(rank):
    """Networks of up to two layers of any type, which may hold others, with a valid document."""
    heads = {2: [6, 6], 3: [6, 6, 4]}
    documents = st.builds(
        lambda layers: {"input_shape": heads[rank], "layers": [*layers, {"type": "T"}]}, layer_lists(rank, 3)
    )
    return documents.map(valid_arch).filter(lambda arch: arch is not None)


def valid_arch(document):
    try:
        arch = load_arch(document)
        arch.plan()
    except DocumentError:
        return None
    return arch


def twin_or_none(arch, rank, shape, match="none"):
    try:
        return make_twin(arch, rank, input_shape=shape, match=match)
    except DocumentError:
        return None


def row_text(row):
    return row.type, row.summary, row.input_shape, row.output_shape, row.num_parameters


MANY = settings(max_examples=150, suppress_health_check=list(HealthCheck), deadline=None)


@pytest.mark.slow
@MANY
@given(networks(2), st.sampled_from([1, 2, 3, 5]))
def test_a_2d_network_is_the_2d_twin_of_its_3d_twin(arch, depth):
    twin = twin_or_none(arch, 3, (6, 6, depth))
    assume(twin)
    back = make_twin(twin.arch, 2).arch
    assert [row_text(row) for row in back.plan()] == [row_text(row) for row in arch.plan()]
    if not twin.notes:
        assert back.layers == arch.layers
    if not twin.notes and '"CROP"' not in compact_json(arch.document.value):  # whose depth is a share of the depth
        assert back.document.value["layers"] == arch.document.value["layers"]


@pytest.mark.slow
@MANY
@given(networks(2), st.sampled_from([(6, 6, 6), (6, 6, 4), (6, 6, 1)]))
def test_a_2d_network_is_the_2d_twin_of_its_2_5d_twin(arch, shape):
    twin = make_twin(arch, 2.5, input_shape=shape)
    back = make_twin(twin.arch, 2).arch.document.value["layers"]
    added = [{"type": "GAP"}] * len(twin.notes)
    assert back == [*arch.document.value["layers"][:-1], *added, {"type": "T"}]


@pytest.mark.slow
@MANY
@given(networks(3))
def test_a_3d_network_is_the_3d_twin_of_its_2d_twin_where_nothing_is_lost(arch):
    assume(network_form(arch) == 3)
    plane = twin_or_none(arch, 2, None)
    assume(plane and not plane.notes)
    back = make_twin(plane.arch, 3, input_shape=arch.input_shape)
    assert back.arch.layers == arch.layers
    if '"padding": [' not in compact_json(arch.document.value):  # [0, 0, [0, 0]] comes back as [0, 0, 0]
        assert back.arch.document.value["layers"] == arch.document.value["layers"]


@pytest.mark.slow
@MANY
@given(networks(2), st.sampled_from([2.5, 3]), st.sampled_from([(6, 6, 6), (6, 6, 3)]), st.sampled_from(MATCHES))
def test_twins_of_generated_networks_are_valid(arch, rank, shape, match):
    twin = twin_or_none(arch, rank, shape, match)
    assume(twin)
    again = load_arch(twin.arch.document.value)
    assert sum(row.num_parameters for row in again.plan()) == twin.parameters
    assert again.input_shape == shape


@pytest.mark.slow
@pytest.mark.parametrize(("path", "rank", "match"), long_except(MATCHED, TWINS), ids=request_id)
def test_the_file_of_every_twin_of_a_shipped_network_is_valid(path, rank, match, tmp_path):
    original = load_arch(path)
    twin = make_twin(original, rank, input_shape=default_input(original, rank), match=match)
    file = tmp_path / "twin.json"
    file.write_text(compact_json(twin.arch.document.value) + "\n", encoding="utf-8")
    arch = parse_arch(read_document(file))
    plan = arch.plan()
    checked = invoked("check", file)
    assert (checked.exit_code, checked.stderr) == (0, "")
    assert f"{len(plan)} layers, {twin.parameters:,} parameters" in checked.stdout
    assert (sum(row.num_parameters for row in plan), sum(row.num_macs for row in plan)) == (twin.parameters, twin.macs)
    assert network_form(arch) == rank
    assert arch.warnings() == original.warnings() == []
    if match != "none" and (path.stem, rank, match) != ("vit_3d", 2.5, "parameters"):
        assert abs(twin.parameters_difference if match == "parameters" else twin.macs_difference) <= 0.03
        assert twin.agrees


@pytest.mark.slow
@pytest.mark.parametrize(("path", "match"), long_except(COUNTED_IN_CI, COUNTED), ids=request_id)
def test_keras_counts_the_parameters_of_a_twin(path, match):
    original = load_arch(path)
    for rank in FORMS:
        if rank != network_form(original):
            twin = make_twin(original, rank, input_shape=default_input(original, rank), match=match)
            assert twin.arch.build(twin.input_shape).count_params() == twin.parameters
