"""`archnet list`, and names in place of files."""

import json
import re
import shutil
import subprocess
import sys

import pytest

import archnet
from archnet.errors import DocumentError
from archnet.files.documents import shipped_documents
from archnet.files.strict_json import read_document
from archnet.spec.resolve import parse_experiments
from archnet.spec.shipped.shipped_list import shipped_list
from archnet.spec.sweeps.document import parse_sweep
from command_line import ROOT, invoked

NET = [{"type": "C", "num_output": 2, "kernel_size": [3, 3]}, {"type": "GAP"}, {"type": "T"}]


def test_the_list_is_printed_as_tables():
    lines = invoked("list").stdout.splitlines()
    assert any("arch3dsm" in line for line in lines)
    assert lines[-1] == "Parameters are for two classes. Use a name in place of a file: archnet show arch3dsm"


def test_the_list_is_json_for_machines():
    assert json.loads(invoked("list", "--json").stdout) == shipped_list()


@pytest.mark.slow
def test_the_list_imports_neither_keras_nor_other_slow_packages():
    code = (
        "import sys; from archnet.cli import app; app(['list'], standalone_mode=False); "
        "print(sorted({'keras', 'tensorflow', 'scipy', 'sklearn', 'SimpleITK', 'matplotlib', 'jsonschema'} "
        "& set(sys.modules)), file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert done.stderr == "[]\n"


def test_a_name_stands_for_the_shipped_file_in_every_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    done = invoked("check", "arch3dsm", "phantom_2d_vs_3d", "sweep_width")
    assert done.stdout.splitlines() == [
        "arch3dsm: valid: 3D, 9 layers, 196,108 parameters at 64x64x10x1",
        "phantom_2d_vs_3d: valid: an experiment with archsm, arch3dsm",
        "sweep_width: valid: a sweep of 12 trials over arch, arch.layers[0].num_output, arch.layers[2].num_output",
    ]
    assert read_document("archsm").source == str(ROOT / "archs/archsm.json")


def test_python_functions_take_names(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert archnet.load_arch("arch3dsm").name == "arch3dsm"
    assert archnet.make_twin("archsm", 3, input_shape=(64, 64, 10)).arch.name == "archsm_3d"
    experiments = archnet.load_experiments("phantom_2d_vs_3d")
    assert [one.arch.name for one in experiments] == ["archsm", "arch3dsm"]
    both = archnet.load_experiments(["res2d", "res3d"], data="phantom")
    assert [one.arch.name for one in both] == ["res2d", "res3d"]


def test_an_existing_file_takes_precedence_over_a_name_but_a_folder_does_not(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "archsm").mkdir()
    (tmp_path / "arch3dsm").write_text(json.dumps(NET))
    assert read_document("arch3dsm").value == NET
    assert read_document("archsm").value["name"] == "archsm"


def test_documents_name_shipped_documents(tmp_path):
    experiment = {"archs": ["archsm", "mine.json"], "data": {"name": "phantom"}}
    (tmp_path / "mine.json").write_text(json.dumps(NET))
    (tmp_path / "both.json").write_text(json.dumps(experiment))
    names = [one.arch.name for one in parse_experiments(read_document(tmp_path / "both.json"))]
    assert names == ["archsm", "mine"]
    space = {"arch": ["archsm", "res2d"]}
    (tmp_path / "sweep.json").write_text(json.dumps({"base": "phantom_2d_vs_3d", "space": space, "metric": "auc"}))
    sweep = parse_sweep(read_document(tmp_path / "sweep.json"))
    assert (sweep.name, list(sweep.archs), sweep.base.value["data"]) == ("sweep", space["arch"], {"name": "phantom"})


MISSING = {
    "arch3dsmm": "arch3dsmm: no such file, and archnet ships no document of this name. "
    'Did you mean "arch3dsm"? All names: archnet list',
    "min": "min: no such file, and archnet ships no document of this name. "
    'Did you mean "mine.json"? All names: archnet list',
    "qqq": "qqq: no such file, and archnet ships no document of this name. All names: archnet list",
    "archs/arch3dsm.json": 'archs/arch3dsm.json: no such file. archnet ships this document: give its name, "arch3dsm".',
    "mien.json": 'mien.json: no such file. Did you mean "mine.json"?',
    "no/net": "no/net: no such file. The folder no does not exist either.",
}


@pytest.mark.parametrize("source", MISSING)
def test_what_is_neither_a_file_nor_a_name_is_an_error_with_a_hint(source, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine.json").write_text(json.dumps(NET))
    with pytest.raises(DocumentError, match=f"^{re.escape(MISSING[source])}$"):
        read_document(source)


def test_an_unknown_name_in_a_document_is_an_error_with_a_hint(tmp_path):
    (tmp_path / "mine.json").write_text(json.dumps({"archs": ["arch_sm"], "data": {"name": "phantom"}}))
    message = (
        f"{tmp_path / 'arch_sm'}: no such file, and archnet ships no document of this name. "
        'Did you mean "archsm"? All names: archnet list'
    )
    with pytest.raises(DocumentError, match=f"^{re.escape(message)}$"):
        parse_experiments(read_document(tmp_path / "mine.json"))


def test_a_twin_does_not_overwrite_the_shipped_architecture(tmp_path, monkeypatch):
    shutil.copytree(ROOT / "archs", tmp_path / "archs")
    monkeypatch.setattr(shipped_documents, "shipped_folder", lambda: tmp_path)
    out = tmp_path / "archs/archsm.json"
    done = invoked("twin", "archsm", "--rank", "3", "--input", "64x64x10", "--out", out)
    assert str(done.exception) == f"--out {out}: is also an input and would be overwritten. Choose a different name."
    assert out.read_bytes() == (ROOT / "archs/archsm.json").read_bytes()
