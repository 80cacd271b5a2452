"""The list of shipped documents."""

import json

from archnet.files.documents.shipped_documents import shipped_documents, shipped_folder
from archnet.spec.shipped import shipped_list as module
from archnet.spec.shipped.shipped_list import SIZES_FILE, shipped_list
from command_line import ROOT
from shipped_sizes import sizes_text


def test_shipped_documents_have_different_names_which_are_those_in_the_files():
    paths = [*ROOT.glob("archs/**/*.json"), *ROOT.glob("experiments/*.json")]
    assert set(shipped_documents().values()) == set(paths)
    for name, path in shipped_documents().items():
        assert json.loads(path.read_text(encoding="utf-8")).get("name", name) == name


def test_the_stored_sizes_are_those_of_the_networks():
    assert SIZES_FILE.read_text(encoding="utf-8") == sizes_text(), "Run: python tests/shipped_sizes.py"


def test_an_entry_says_what_the_document_is():
    entries = shipped_list()
    archs = {entry["name"]: entry for entry in entries["architectures"]}
    assert archs["arch3dsm"] == {
        "name": "arch3dsm",
        "form": "3D",
        "input_shape": [64, 64, 10],
        "channels": 1,
        "parameters": 196_108,
        "description": "The published small 3D network for LUNA16 candidates.",
        "file": str(shipped_folder() / "archs/arch3dsm.json"),
    }
    assert (archs["archsm"]["form"], archs["nine_view"]["form"]) == ("2D", "2.5D")
    assert [(entry["name"], entry["architectures"]) for entry in entries["experiments"]] == [
        ("init_source", ["res3d_flat"]),
        ("luna16_seed_protocol", ["archsm"]),
        ("luna16_small", ["archsm"]),
        ("luna16_width", ["res2d_half", "res2d_quarter"]),
        ("mosmed_tutorial", ["ct3d"]),
        ("phantom_2d_vs_3d", ["archsm", "arch3dsm"]),
    ]
    sweeps = {entry["name"]: entry["hyperparameters"] for entry in entries["sweeps"]}
    assert sweeps["sweep_width"] == ["arch", "arch.layers[0].num_output", "arch.layers[2].num_output"]
    assert all(entry["description"] for kind in entries.values() for entry in kind)


def test_the_size_of_a_changed_network_is_computed(tmp_path, monkeypatch):
    path = tmp_path / "archs/archsm.json"
    path.parent.mkdir()
    path.write_text('[{"type": "C", "num_output": 2, "kernel_size": [3, 3]}, {"type": "GAP"}, {"type": "T"}]')
    monkeypatch.setattr(module, "shipped_documents", lambda: {"archsm": path})
    (entry,) = shipped_list()["architectures"]
    assert entry == {
        "name": "archsm",
        "form": "2D",
        "input_shape": None,
        "channels": 1,
        "parameters": 26,
        "description": "",
        "file": str(path),
    }
