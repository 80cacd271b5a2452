"""The open documents of an editor: which are archnet's, whose texts an analysis reads, and what is analyzed again."""

import json

import pytest
from pygls.uris import from_fs_path

from archnet.lsp.editor_settings import EditorSettings
from archnet.lsp.open_documents import OpenDocuments, document_path_of

NET = '[{"type": "C", "num_output": 4, "kernel_size": [3, 3]}, {"type": "GAP"}, {"type": "T"}]'
EXPERIMENT = '{"archs": ["net.json"], "data": {"name": "phantom"}}'


@pytest.fixture
def documents(tmp_path):
    return OpenDocuments(folder=tmp_path)


@pytest.fixture
def uri(tmp_path):
    return lambda name: from_fs_path(str(tmp_path / name))


def test_a_file_has_its_path_and_an_unsaved_text_one_in_the_folder(tmp_path):
    assert document_path_of(from_fs_path(str(tmp_path / "a b.json")), tmp_path / "x") == tmp_path / "a b.json"
    assert document_path_of("untitled:Untitled-1", tmp_path) == tmp_path / "untitled.json"
    assert document_path_of("vscode-vfs://host/net.json", tmp_path) == tmp_path / "untitled.json"


def test_a_document_stays_archnets_until_it_names_another_schema(documents, uri):
    for text, is_ours in ((NET, True), ("{}", True), ('{"$schema": "package.json"}', False), ("{}", False)):
        documents.put(uri("net.json"), text, 1)
        assert (documents.analyzed(uri("net.json")) is not None) == is_ours
    documents.remove(uri("net.json"))
    documents.put(uri("net.json"), "{}", 1)
    assert documents.analyzed(uri("net.json")) is None
    assert documents.analyzed(uri("none.json")) is None
    assert documents.text(uri("none.json")) is None


def test_a_version_is_analyzed_once(documents, uri):
    assert documents.put(uri("net.json"), NET, 7) == [uri("net.json")]
    first = documents.analyzed(uri("net.json"))
    assert (first.version, first.text, first.uri, first.files) == (7, NET, uri("net.json"), frozenset())
    assert documents.analyzed(uri("net.json")) is first
    documents.put(uri("net.json"), NET, 8)
    assert documents.analyzed(uri("net.json")).version == 8


def test_an_experiment_is_analyzed_with_the_unsaved_text_of_its_architecture_and_again_after_a_change(
    documents, uri, tmp_path
):
    (tmp_path / "net.json").write_text(NET)
    documents.put(uri("mine.json"), EXPERIMENT, 1)
    first = documents.analyzed(uri("mine.json"))
    assert (first.analysis.diagnostics, first.files) == ((), {tmp_path / "net.json"})
    assert documents.put(uri("mine.json"), EXPERIMENT, 2) == [uri("mine.json")]
    assert documents.put(uri("net.json"), NET.replace("C", "Cx"), 1) == [uri("net.json"), uri("mine.json")]
    (problem,) = documents.analyzed(uri("mine.json")).analysis.diagnostics
    assert '"Cx"' in problem.message
    assert documents.put(uri("other.json"), NET, 1) == [uri("other.json")]
    assert documents.remove(uri("net.json")) == [uri("mine.json")]
    assert documents.analyzed(uri("mine.json")).analysis.diagnostics == ()
    assert documents.remove(uri("net.json")) == []


def test_changed_files_are_compared_without_links(documents, uri, tmp_path):
    (tmp_path / "net.json").write_text(NET)
    (tmp_path / "link.json").symlink_to("net.json")
    (tmp_path / "circle.json").symlink_to("circle.json")
    documents.put(uri("mine.json"), EXPERIMENT, 1)
    documents.analyzed(uri("mine.json"))
    assert documents.invalidate_users([tmp_path / "circle.json", tmp_path / "other.json"]) == []
    assert documents.invalidate_users([tmp_path / "link.json"]) == [uri("mine.json")]


def test_a_file_is_open_even_if_it_is_not_on_disk(documents, uri, tmp_path):
    documents.put(uri("net.json"), NET, 1)
    assert documents.is_open(tmp_path / "net.json")
    assert not documents.is_open(tmp_path / "other.json")
    assert documents.text(uri("net.json")) == NET


def test_other_settings_analyze_all_documents_again(documents, uri):
    documents.put(uri("net.json"), NET, 1)
    documents.put(uri("other.json"), json.dumps({"input_shape": [8, 8], "layers": json.loads(NET)}), 1)
    before = documents.analyzed(uri("net.json"))
    assert before.analysis.network.input_shape == (64, 64, 1)
    assert before.analysis.network.is_input_assumed
    settings = EditorSettings(
        batch_size=5, budget_bytes=10**10, spacing_mm=(0.5, 0.5), input_shape=(32, 24, 16), num_classes=3
    )
    assert documents.change_settings(settings) == [uri("net.json"), uri("other.json")]
    network = documents.analyzed(uri("net.json")).analysis.network
    assert (network.input_shape, network.is_input_assumed) == ((32, 24, 1), False)
    assert (network.memory.batch_size, network.memory.budget_bytes) == (5, 10**10)
    assert network.layers[0].receptive_field_mm == (1.5, 1.5)
    assert network.layers[-1].output_shape == (3,)
    own = documents.analyzed(uri("other.json")).analysis.network
    assert own.input_shape == (8, 8, 1)


def test_a_text_at_the_limit_is_analyzed_and_a_longer_one_is_one_problem(documents, uri):
    documents.put(uri("archs/net.json"), NET.ljust(4_000_000), 1)
    assert documents.analyzed(uri("archs/net.json")).analysis.diagnostics == ()
    documents.put(uri("archs/net.json"), NET.ljust(4_000_001), 2)
    analysis = documents.analyzed(uri("archs/net.json")).analysis
    (problem,) = analysis.diagnostics
    assert problem.message == ("larger than 4 MB, the limit for architectures and experiments. Is this a data file?")
    assert (problem.range.start, problem.range.end, problem.severity) == (0, 1, "error")
    assert (analysis.network, len(analysis.text)) == (None, 4_000_001)
