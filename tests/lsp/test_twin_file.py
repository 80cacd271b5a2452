"""The file of a twin: its input, its free name, and that no file is ever replaced."""

import json

import pytest
from lsprotocol import types

from archnet.errors import DocumentError
from archnet.lsp.editor_settings import EditorSettings
from archnet.lsp.twin_file import twin_file

FLAT = [{"type": "C", "num_output": 4, "kernel_size": [3, 3]}, {"type": "GAP"}, {"type": "T"}]
DEEP = [{"type": "C", "num_output": 4, "kernel_size": [3, 3, 3]}, {"type": "GAP"}, {"type": "T"}]
DEFAULT, CUBE = EditorSettings(), EditorSettings(input_shape=(32, 32, 32))


def made(folder, document, rank, settings=DEFAULT, is_taken=lambda path: False):
    return twin_file(folder / "net.json", json.dumps(document), rank, settings, is_taken)


@pytest.mark.parametrize(
    ("document", "rank", "settings", "shape", "is_assumed"),
    [
        (FLAT, 3, DEFAULT, [64, 64, 10], True),
        (FLAT, 3, CUBE, [32, 32, 32], False),
        ({"input_shape": [48, 40], "layers": FLAT}, 3, DEFAULT, [48, 40, 10], True),
        ({"input_shape": [48, 40], "layers": FLAT}, 3, CUBE, [48, 40, 32], False),
        ({"input_shape": [48, 48], "layers": FLAT}, 2.5, DEFAULT, [48, 48, 10], True),
        (DEEP, 2, DEFAULT, [64, 64], False),
        (DEEP, 2, CUBE, [32, 32], False),
        ({"input_shape": [48, 48, 12], "layers": DEEP}, 2, CUBE, [48, 48], False),
    ],
)
def test_the_input_of_a_twin_is_that_of_the_file_the_settings_or_the_published_crops(
    tmp_path, document, rank, settings, shape, is_assumed
):
    twin = made(tmp_path, document, rank, settings)
    assert json.loads(twin.text)["input_shape"] == shape
    assert (" The depth 10 is assumed." in twin.message) == is_assumed


def test_the_name_is_the_first_that_is_free(tmp_path):
    taken = {tmp_path / "net_3d.json", tmp_path / "net_3d_2.json"}
    document = {"name": "net", "layers": FLAT}
    assert made(tmp_path, document, 3, is_taken=lambda path: path in taken).path == tmp_path / "net_3d_3.json"
    assert made(tmp_path, document, 3).path == tmp_path / "net_3d.json"


def test_the_output_layer_of_a_twin_has_the_number_of_classes_of_the_settings(tmp_path):
    twin = made(tmp_path, FLAT, 3, EditorSettings(num_classes=5))
    assert f"(original: {9 * 4 + 4 + 4 * 5 + 5})" in twin.message


def test_a_file_that_exists_meanwhile_is_not_replaced(tmp_path):
    twin = made(tmp_path, {"name": "net", "layers": FLAT}, 3)
    assert twin.write() is None
    assert twin.path.read_text(encoding="utf-8") == twin.text
    twin.path.write_text("mine")
    assert twin.write() == "File exists."
    assert twin.path.read_text() == "mine"
    create, insert = twin.creation().document_changes
    start = types.Position(0, 0)
    assert insert.edits == [types.TextEdit(types.Range(start, start), twin.text)]
    assert (create.options.overwrite, create.options.ignore_if_exists) == (False, False)


@pytest.mark.parametrize("rank", [1, 4, 2])
def test_a_rank_that_is_impossible_is_refused(tmp_path, rank):
    with pytest.raises(DocumentError):
        made(tmp_path, FLAT, rank)
