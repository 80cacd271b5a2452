"""A session with one server: what a user of an editor sees, from a half-typed file to the end of the server."""

import json
import os
import shutil

import pytest
from lsprotocol import types

from command_line import ROOT
from editor_client import Editor

HALF_TYPED = """{
  "name": "mine",
  "description": "lungs 🫁 and 𝛑",
  "input_shape": [32, 32],
  "layers": [
    {"type": "C", "num_output": 8, "kernelsize": [3, 3], "activation": "rleu"},
    {"type": "GAP"},
    {"type": "T"
  ]
}
"""

RES3D_HINTS = """
5: 64x64x10x1 · 452,562 parameters · 147,128,448 multiply-adds
6: -> 64x64x10x16 · 512 parameters
19: -> 32x32x5x16 · 6,992 parameters
20: -> 32x32x5x16 · 6,992 parameters
22: -> 32x32x5x16 · 14,320 parameters
35: -> 16x16x3x32 · 13,984 parameters
36: -> 16x16x3x32 · 27,808 parameters
38: -> 16x16x3x32 · 42,464 parameters
51: -> 8x8x2x64 · 55,616 parameters
52: -> 8x8x2x64 · 110,912 parameters
54: -> 8x8x2x64 · 168,896 parameters
67: -> 4x4x1x64 · 110,912 parameters
68: -> 4x4x1x64 · 110,912 parameters
70: -> 4x4x1x64 · 226,240 parameters
71: -> 64
72: -> 64
73: -> 2 · 130 parameters
"""
"""Line, from 0, and text of each hint of `archs/res3d.json`."""


@pytest.fixture(scope="module")
def editor(tmp_path_factory):
    """An editor in a project with some of the shipped files, which each test may edit but not save."""
    folder = tmp_path_factory.mktemp("project")
    for name in ("archs", "schemas", "experiments"):
        (folder / name).mkdir()
    for name in ("archs/res3d.json", "archs/archsm.json", "archs/arch3dsm.json", "experiments/phantom_2d_vs_3d.json"):
        shutil.copy(ROOT / name, folder / name)
    for path in ROOT.glob("schemas/*.json"):
        shutil.copy(path, folder / "schemas" / path.name)
    editor = Editor(folder, {"batchSize": 32})
    yield editor
    code, errors = editor.end()
    assert (code, errors) == (0, "")


@pytest.fixture
def opened(editor):
    """Opens files, and closes them after the test."""
    uris = []

    def open_file(name, text=None):
        uris.append(editor.open(name, text))
        return uris[-1]

    yield open_file
    for uri in uris:
        editor.close(uri)


def test_the_server_offers_everything_in_utf_16(editor):
    offers = editor.offers.capabilities
    assert editor.offers.server_info.name == "archnet"
    assert offers.position_encoding == "utf-16"
    assert offers.text_document_sync.change == types.TextDocumentSyncKind.Incremental
    assert offers.code_action_provider.code_action_kinds == ("quickfix", "source.fixAll.archnet")
    assert offers.execute_command_provider.commands == ("archnet.createTwin",)
    editor.wait_for(lambda: "workspace/didChangeWatchedFiles" in editor.registered)


def test_a_half_typed_file_becomes_valid_by_its_quick_fixes(editor, opened):
    uri = opened("mine.json", HALF_TYPED)
    marked = editor.marked(uri)
    assert ('unknown key "kernelsize". Did you mean "kernel_size"?', '"kernelsize"') in marked
    for _ in range(len(marked)):
        fixes = [action for action in editor.actions(uri, only=["quickfix"]) if action.is_preferred]
        if not fixes:
            break
        editor.take(uri, fixes[0])
    assert editor.marked(uri) == []
    assert json.loads(editor.texts[uri])["layers"][0] == {
        "type": "C",
        "num_output": 8,
        "kernel_size": [3, 3],
        "activation": "relu",
    }
    assert json.loads(editor.texts[uri])["description"] == "lungs 🫁 and 𝛑"


def test_all_problems_are_fixed_at_once(editor, opened):
    uri = opened("mine.json", HALF_TYPED.replace('"T"\n', '"T"}\n'))
    (action,) = editor.actions(uri, only=["source.fixAll"])
    assert action.title == "Fix 2 problems in this file"
    editor.take(uri, action)
    assert editor.marked(uri) == []


def test_positions_after_characters_of_two_utf_16_units_are_right(editor, opened):
    text = '[{"type": "C", "num_output": 4, "name": "🫁𝛑\u2028", "kernelsize": [3, 3]}, {"type": "T"}]'
    uri = opened("wide.json", text)
    problem = next(problem for problem in editor.diagnostics(uri) if "kernelsize" in problem.message)
    assert editor.text_in(uri, problem.range) == '"kernelsize"'
    assert problem.range.start == types.Position(0, len(text[: text.index('"kernelsize"')].encode("utf-16-le")) // 2)
    editor.edit(uri, ("🫁𝛑", "𝛑"), ('"kernelsize"', '"kernelsizes"'), ("\u2028", "\u2028\u0085"))
    problem = next(problem for problem in editor.diagnostics(uri) if "kernelsizes" in problem.message)
    assert editor.text_in(uri, problem.range) == '"kernelsizes"'


def test_reports_follow_the_typing(editor, opened):
    uri = opened("archs/archsm.json")
    assert editor.marked(uri) == []
    for old, new in [('"name"', '"nam"'), ('"nam"', '"na"'), ('"na"', '"title"')]:
        editor.edit(uri, (old, new))
    assert ('unknown key "title".', '"title"') in [(text[:20], word) for text, word in editor.marked(uri)]
    versions = [params.version for params in editor.history if params.uri == uri and params.version]
    assert versions[-1] == 4


def test_the_hints_of_res3d(editor, opened):
    uri = opened("archs/res3d.json")
    hints = [f"{hint.position.line}: {hint.label}" for hint in editor.hints(uri)]
    assert hints == RES3D_HINTS.split("\n")[1:-1]
    line = types.Range(types.Position(6, 0), types.Position(7, 0))
    assert [hint.label for hint in editor.hints(uri, line)] == ["-> 64x64x10x16 · 512 parameters"]


def test_the_lenses_show_the_memory_at_the_batch_size_of_the_settings(editor, opened):
    uri = opened("archs/res3d.json")
    memory, *twins = [lens.command for lens in editor.lenses(uri)]
    assert memory.title.endswith(" GB of training memory at batch size 32")
    assert [twin.title for twin in twins] == ["Create 2D twin", "Create 2.5D twin"]


def test_a_twin_is_a_new_file_and_a_second_one_replaces_nothing(editor, opened):
    uri = opened("archs/archsm.json")
    original = editor.texts[uri]
    twin = next(lens.command for lens in editor.lenses(uri) if lens.command.title == "Create 3D twin")
    editor.run(twin)
    first = (editor.folder / "archs/archsm_3d.json").read_text(encoding="utf-8")
    document = json.loads(first)
    assert (document["name"], document["input_shape"]) == ("archsm_3d", [64, 64, 10])
    assert document["$schema"] == "../schemas/arch.schema.json"
    assert editor.messages[-1].startswith(
        "archsm_3d.json: 3D twin of archsm, 247,308 parameters (original: 99,948), input 64x64x10. The depth 10 is assumed."
    )
    editor.run(twin)
    assert (editor.folder / "archs/archsm_3d_2.json").read_text(encoding="utf-8") == first
    assert editor.shown[-2:] == [editor.uri("archs/archsm_3d.json"), editor.uri("archs/archsm_3d_2.json")]
    assert editor.texts[uri] == original
    made = opened("archs/archsm_3d.json")
    assert editor.marked(made) == []
    assert editor.format(made) == first


def test_a_twin_of_an_unsaved_or_invalid_architecture_is_refused_with_the_reason(editor, opened):
    unsaved = opened("untitled:Untitled-1", '[{"type": "C", "num_output": 4, "kernel_size": [3, 3]}, {"type": "T"}]')
    command = types.Command(title="", command="archnet.createTwin", arguments=[unsaved, 3])
    editor.run(command)
    assert editor.messages[-1] == "Save the architecture first: its twin is created in the same folder."
    uri = opened("mine.json", HALF_TYPED)
    editor.run(types.Command(title="", command="archnet.createTwin", arguments=[uri, 3]))
    assert editor.messages[-1].startswith("The twin was not created: mine.json:")
    editor.run(types.Command(title="", command="archnet.createTwin", arguments=[opened("archs/archsm.json"), 2]))
    assert editor.messages[-1].endswith("this network is already 2D. Use rank 2.5 or 3.")


def test_keys_values_and_layers_are_completed(editor, opened):
    uri = opened("archs/archsm.json")
    editor.edit(uri, (editor.texts[uri], '{"layers": [{"type": "C", "ker"}, {"type": "P", "pool": ""}]}'))
    keys = editor.completions(uri, editor.place(uri, '"ker'))
    item = next(item for item in keys.items if item.label == "kernel_size")
    assert item.insert_text_format == types.InsertTextFormat.Snippet
    assert item.detail
    assert item.documentation
    assert not keys.is_incomplete
    values = editor.completions(uri, editor.place(uri, '"pool": "'))
    assert {"max", "avg"} <= {item.label.strip('"') for item in values.items}
    layers = editor.completions(uri, editor.place(uri, "[", '{"type": "C"'))
    assert any(item.kind == types.CompletionItemKind.Class for item in layers.items)


def test_a_completion_after_a_missing_comma_adds_it(editor, opened):
    uri = opened("archs/archsm.json")
    editor.edit(uri, (editor.texts[uri], '{"name": "🫁"\n  "inp'))
    found = editor.completions(uri, editor.place(uri, '"inp'))
    item = next(item for item in found.items if item.label == "input_shape")
    (comma,) = item.additional_text_edits
    assert comma.new_text == ","
    assert (comma.range.start, comma.range.end) == (types.Position(0, 13), types.Position(0, 13))


def test_hovering_explains_a_key(editor, opened):
    uri = opened("archs/archsm.json")
    found = editor.hover(uri, editor.place(uri, '"inp'))
    assert editor.text_in(uri, found.range) == '"input_shape"'
    assert "input" in found.contents.value


def test_the_outline_lists_the_layers(editor, opened):
    uri = opened("archs/arch3dsm.json")
    layers = next(symbol for symbol in editor.symbols(uri) if symbol.name == "layers")
    assert [child.name[:1] for child in layers.children] == list("CPCCPCFFT")
    assert editor.text_in(uri, layers.children[0].range).startswith('{"type": "C", "num_output": 16')


def test_formatting_restores_the_house_style(editor, opened):
    uri = opened("archs/arch3dsm.json")
    written = editor.texts[uri]
    assert editor.format(uri) == written
    editor.edit(uri, (None, json.dumps(json.loads(written), indent=4)))
    assert editor.format(uri) == written
    editor.edit(uri, (None, written[:-20]))
    assert editor.format(uri) == written[:-20]


def test_an_experiment_follows_the_unsaved_text_of_its_architectures(editor, opened):
    experiment = opened("experiments/phantom_2d_vs_3d.json")
    assert editor.marked(experiment) == []
    arch = opened("archs/archsm.json")
    editor.edit(arch, ('"layers"', '"layer"'))
    editor.wait_for(lambda: editor.problems[experiment].diagnostics)
    (problem,) = editor.problems[experiment].diagnostics
    assert "archsm.json" in editor.text_in(experiment, problem.range)
    editor.close(arch)  # the file on disk is unchanged
    editor.wait_for(lambda: not editor.problems[experiment].diagnostics)
    opened("archs/archsm.json")


def test_names_of_links_to_themselves_pipes_and_devices_are_problems(editor, opened):
    (editor.folder / "loop.json").symlink_to("loop.json")
    os.mkfifo(editor.folder / "pipe.json")
    for number, name in enumerate(["loop.json", "\\u0000", "pipe.json", "/dev/stdin", "/dev/zero", ".", "a" * 300]):
        uri = opened(f"named_{number}.json", f'{{"archs": ["{name}"], "data": {{"name": "phantom"}}}}')
        ((_, marked),) = editor.marked(uri)
        assert marked == f'"{name}"'


def test_an_experiment_follows_files_that_other_programs_change(editor, opened):
    text = '{"name": "late", "archs": ["../archs/late.json"], "data": {"name": "phantom"}}'
    experiment = opened("experiments/late.json", text)
    assert editor.marked(experiment) != []
    shutil.copy(ROOT / "archs/archsm.json", editor.folder / "archs/late.json")
    created = types.FileEvent(editor.uri("archs/late.json"), types.FileChangeType.Created)
    editor.notify("workspace_did_change_watched_files", types.DidChangeWatchedFilesParams([created]))
    editor.wait_for(lambda: not editor.problems[experiment].diagnostics)


def test_other_json_files_get_nothing(editor, opened):
    uri = opened("package.json", '{"name": "page", "dependencies": {,}}')
    answers = [editor.hints(uri), editor.lenses(uri), editor.symbols(uri), editor.format(uri), editor.actions(uri)]
    assert answers == [None, None, None, None, []]
    assert editor.completions(uri, types.Position(0, 1)) is None
    assert editor.hover(uri, types.Position(0, 3)) is None
    assert uri not in editor.problems
    editor.edit(uri, (None, '[{"type": "C"'))
    assert editor.marked(uri) != []
    editor.edit(uri, (None, '{"$schema": "package.schema.json"}'))
    editor.wait_for(lambda: editor.problems[uri].diagnostics == [] or not editor.problems[uri].diagnostics)


def test_a_new_file_is_completed_from_the_start(editor, opened):
    uri = opened("archs/new.json", "")
    assert editor.completions(uri, types.Position(0, 0)) is not None
    assert len(editor.diagnostics(uri)) == 1


@pytest.mark.slow
def test_a_text_beyond_the_limit_of_documents_is_one_problem(editor, opened):
    uri = opened("archs/huge.json", "[" + '{"type": "C"},' * 300_000)
    assert editor.marked(uri) == [
        ("larger than 4 MB, the limit for architectures and experiments. Is this a data file?", "[")
    ]
    assert editor.hints(uri) == ()


@pytest.mark.slow
def test_settings_can_change_and_invalid_ones_are_reported(editor, opened):
    uri = opened("archs/res3d.json")
    before = editor.refreshed.copy()
    settings = {"archnet": {"batchSize": 16, "numClasses": 1, "memoryBudget": "64GB"}}
    editor.notify("workspace_did_change_configuration", types.DidChangeConfigurationParams(settings=settings))
    editor.wait_for(lambda: any("numClasses" in message for message in editor.messages))
    assert editor.messages[-1] == 'archnet setting "numClasses": expected a whole number from 2 to 65,536. Got 1.'
    assert " at batch size 16" in editor.lenses(uri)[0].command.title
    editor.wait_for(lambda: editor.refreshed - before == {"hints": 1, "lenses": 1})
    settings = {"archnet": {"batchSize": 32}}
    editor.notify("workspace_did_change_configuration", types.DidChangeConfigurationParams(settings=settings))
    assert editor.lenses(uri)[0].command.title.endswith(" at batch size 32")


@pytest.mark.slow
def test_architectures_without_an_input_get_that_of_the_settings(editor, opened):
    uri = opened(
        "plain.json", '[{"type": "C", "num_output": 4, "kernel_size": [3, 3]}, {"type": "GAP"}, {"type": "T"}]'
    )
    assert editor.hints(uri)[0].label.startswith("64x64x1 (assumed) · ")
    settings = {"archnet": {"batchSize": 32, "inputShape": [48, 40, 16]}}
    editor.notify("workspace_did_change_configuration", types.DidChangeConfigurationParams(settings=settings))
    assert editor.hints(uri)[0].label.startswith("48x40x1 · ")
