"""JSON files that are archnet's, and those that are not."""

import json
from pathlib import Path

import pytest

from archnet.lsp.document_recognition import is_archnet_document, names_other_schema
from command_line import ROOT

ELSEWHERE = Path("/somewhere/file.json")
SHIPPED = sorted([*ROOT.glob("archs/**/*.json"), *ROOT.glob("experiments/*.json")])


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_every_shipped_document_is_recognized_anywhere_even_without_its_schema(path):
    document = json.loads(path.read_text(encoding="utf-8"))
    assert is_archnet_document(ELSEWHERE, json.dumps(document))
    if isinstance(document, dict):
        document.pop("$schema", None)
        assert is_archnet_document(ELSEWHERE, json.dumps(document))


@pytest.mark.parametrize(
    "text",
    [
        '{"$schema": "../schemas/arch.schema.json", ',
        '[{"type": "C", "num_out',
        '{"layers": [{"type": "GAP"',
        '{"archs": ["a.json"], "training": {"epo',
        '{"base": "x.json", "space": {',
    ],
)
def test_half_typed_documents_are_recognized(text):
    assert is_archnet_document(ELSEWHERE, text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{}",
        "[1, 2]",
        '{"name": "page", "type": "module", "scripts": {}}',
        '{"version": 8, "layers": [{"id": "water", "type": "fill"}]}',
        '{"class_name": "Sequential", "config": {"layers": [{"class_name": "Conv2D"}]}}',
        '{"data": {"name": "x"}, "training": {}}',
        '{"base": "./tsconfig.json"}',
        '{"$schema": "https://json.schemastore.org/package.json", "layers": [{"type": "C"}]}',
        '{"$schema": "https://example.com/search.schema.json", "layers": [{"type": "C"}]}',
        json.dumps({"metrics": {"auc": 0.5}}),
    ],
)
def test_other_json_files_are_not(text):
    assert not is_archnet_document(ELSEWHERE, text)


def test_a_new_file_in_a_folder_of_a_project_is_recognized():
    assert is_archnet_document(Path("/project/archs/new.json"), "")
    assert is_archnet_document(Path("/project/archs/zoo/new.json"), '{"na')
    assert is_archnet_document(Path("/project/experiments/new.json"), "\n")
    assert not is_archnet_document(Path("/project/experiments/results.json"), '{"auc": 0.9}')
    assert not is_archnet_document(Path("/archs.json"), "")


def test_the_first_200000_characters_decide():
    key = '"$schema": "arch.schema.json"'
    for space, is_ours in ((200_000 - len(key), True), (200_000 - len(key) + 1, False)):
        text = " " * space + key
        assert is_archnet_document(ELSEWHERE, text) == is_ours
        other = text.replace("arch.schema", "othe.schema")
        assert names_other_schema(other) == is_ours
        assert is_archnet_document(Path("/archs/net.json"), other) != is_ours


def test_both_keys_of_an_experiment_a_sweep_and_an_architecture_are_needed():
    for text in ('{"archs": []', '{"training": {', '{"space": {', '{"layers": [', '{"a": [{"type": "C"'):
        assert not is_archnet_document(ELSEWHERE, text)
    for text in (
        '{"arch": [], "data": {',
        '{"archs": [], "split": {',
        '{"space": {}, "base": ',
        '{"evaluation": {}, "arch":',
    ):
        assert is_archnet_document(ELSEWHERE, text)
