"""`archnet twin`: what it prints and writes."""

import json
import re

import pytest

from archnet.spec.arch import load_arch
from archnet.spec.shipped.new_project import create_project
from archnet.spec.twins.twin_network import make_twin
from command_line import ROOT, archnet, invoked

ARCHSM = ROOT / "archs/archsm.json"
TABLE = """\
archsm archsm_3d difference
network 2D 3D
input 64x64 64x64x10
parameters 99,948 247,308 x 2.47
multiply-adds 19.1 M 420 M x 22
receptive field 36x36 36x36x36
"""


def words(text):
    """The lines of a table without its frame and spaces."""
    lines = (" ".join(line.split()) for line in text.splitlines())
    return "".join(f"{line}\n" for line in lines if line.strip(" ─"))


def test_the_json_of_a_twin_is_printed_in_compact_form_on_stdout_and_the_comparison_on_stderr():
    done = invoked("twin", ARCHSM, "--rank", "3", "--input", "64x64x10")
    assert done.exit_code == 0
    assert done.stdout.startswith(
        '{\n  "$schema": "../schemas/arch.schema.json",\n  "name": "archsm_3d",\n'
        '  "description": "3D twin of archsm.",\n  "input_shape": [64, 64, 10],\n  "layers": [\n'
    )
    line = '    {"type": "P", "pool": "max", "kernel_size": [2, 2, 2], "stride": [2, 2, 2], "drop_out": 16.7},\n'
    assert line in done.stdout
    twin = make_twin(load_arch(ARCHSM), 3, input_shape=(64, 64, 10))
    assert json.loads(done.stdout) == twin.arch.document.value
    assert words(done.stderr) == TABLE


def test_the_twin_is_written_to_a_file_that_names_the_schema_from_its_folder(tmp_path):
    done = invoked("twin", ARCHSM, "--rank", "3", "--input", "64x64x10", "--out", tmp_path / "new/twin.json")
    assert (words(done.stdout.partition("Wrote ")[0]), done.stderr) == (TABLE, "")
    assert done.stdout.endswith(f"Wrote {tmp_path / 'new/twin.json'}\n")
    document = json.loads((tmp_path / "new/twin.json").read_text())
    assert (tmp_path / "new" / document["$schema"]).resolve() == ROOT / "schemas/arch.schema.json"
    assert invoked("check", tmp_path / "new/twin.json").stdout == (
        f"{tmp_path / 'new/twin.json'}: valid: 3D, 9 layers, 247,308 parameters at 64x64x10x1\n"
    )


def test_the_path_of_the_schema_holds_in_a_folder_behind_a_link(tmp_path):
    (tmp_path / "far/away").mkdir(parents=True)
    (tmp_path / "link").symlink_to(tmp_path / "far/away")
    invoked("twin", ARCHSM, "--rank", "3", "--input", "64x64x10", "--out", tmp_path / "link/twin.json")
    document = json.loads((tmp_path / "far/away/twin.json").read_text())
    assert (tmp_path / "far/away" / document["$schema"]).resolve() == ROOT / "schemas/arch.schema.json"


def test_a_twin_in_a_project_names_the_schema_of_the_project(tmp_path):
    create_project(tmp_path)
    out = tmp_path / "deep.json"
    assert invoked("twin", "archsm", "--rank", "3", "--input", "64x64x10", "--out", out).exit_code == 0
    assert json.loads(out.read_text())["$schema"] == "schemas/arch.schema.json"


def test_the_name_of_a_schema_that_is_no_file_is_kept(tmp_path):
    mine = tmp_path / "mine.json"
    schema = "long" * 1000
    layers = [{"type": "GAP"}, {"type": "T"}]
    mine.write_text(json.dumps({"$schema": schema, "input_shape": [8, 8], "layers": layers}))
    invoked("twin", mine, "--rank", "3", "--input", "8x8x8", "--out", tmp_path / "twin.json")
    assert json.loads((tmp_path / "twin.json").read_text())["$schema"] == schema


def test_an_existing_file_is_replaced_unless_it_is_the_input(tmp_path):
    mine = tmp_path / "mine.json"
    mine.write_text(ARCHSM.read_text())
    refused = invoked("twin", mine, "--rank", "3", "--input", "64x64x10", "--out", mine)
    assert str(refused.exception) == (
        f"--out {mine}: is also an input and would be overwritten. Choose a different name."
    )
    (tmp_path / "twin.json").write_text("old")
    assert invoked("twin", mine, "--rank", "2.5", "--input", "64x64x10", "--out", tmp_path / "twin.json").exit_code == 0
    document = json.loads((tmp_path / "twin.json").read_text())
    assert document["layers"][0]["planes"] == "slices"
    assert document["$schema"] == "../schemas/arch.schema.json"


def test_the_factor_and_the_notes_follow_the_table():
    done = invoked("twin", ROOT / "archs/res2d.json", "--rank", "3", "--input", "64x64x10", "--match", "macs")
    assert done.stderr.splitlines()[-4:] == [
        "The widths are scaled by 0.32.",
        "kernel_size is 2, not 3, along a depth of 2: $.layers[4].layers[0].",
        "kernel_size is 1, not 3, along a depth of 1: $.layers[4].layers[1].",
        "Widths that differ by one step from the scaled value: $.layers[1].layers[1].num_output.",
    ]


def test_json_holds_both_networks_and_the_document():
    done = invoked("twin", ROOT / "archs/arch3dsm.json", "--rank", "2", "--match", "parameters", "--json")
    printed = json.loads(done.stdout)
    arch = printed.pop("arch")
    assert (arch["name"], len(arch["layers"])) == ("arch3dsm_2d_parameters", 9)
    original, twin = printed.pop("original"), printed.pop("twin")
    assert original == {
        "name": "arch3dsm",
        "form": "3D",
        "input_shape": [64, 64, 10],
        "parameters": 196_108,
        "macs": 157_510_108,
        "receptive_field": [36, 36, 22],
        "features_depend_on_whole_input": False,
    }
    assert (twin["form"], twin["input_shape"], twin["receptive_field"]) == ("2D", [64, 64], [36, 36])
    assert printed.pop("notes")[0].startswith("A kernel_size of 1 along the depth is lost")
    assert printed == {
        "match": "parameters",
        "agrees": True,
        "factor": 1.4,
        "parameters_difference": twin["parameters"] / 196_108 - 1,
        "macs_difference": twin["macs"] / 157_510_108 - 1,
    }
    assert done.stderr == ""


def test_classes_count_in_the_parameters_and_the_path_of_a_bare_list_has_no_key(tmp_path):
    layers = [{"type": "C", "num_output": 4, "kernel_size": [3, 3]}, {"type": "GAP"}, {"type": "T"}]
    (tmp_path / "mine.json").write_text(json.dumps(layers))
    done = invoked("twin", tmp_path / "mine.json", "--rank", "3", "--input", "8x8x1", "--classes", "5", "--json")
    printed = json.loads(done.stdout)
    assert (printed["twin"]["parameters"], printed["arch"]["name"]) == (65, "mine_3d")
    assert printed["notes"] == ["kernel_size is 1, not 3, along a depth of 1: $.layers[0]."]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ["archs/archsm.json", "--rank", "3"],
            "archs/archsm.json: a 3D twin needs an input with a depth, but the input is 64x64. Give height x width x "
            "depth, such as 64x64x10.\n",
        ),
        (
            ["archs/archsm.json", "--rank", "3", "--input", "64by64"],
            '--input "64by64": expected sizes joined by x, such as 64x64 or 64x64x10.\n',
        ),
        (
            ["archs/archsm.json", "--rank", "3", "--input", "64x64x9999"],
            "3D twin of archs/archsm.json $.input_shape[2]: expected at most 4096, got 9999.\n",
        ),
        (
            ["archs/archsm.json", "--rank", "2"],
            "archs/archsm.json: this network is already 2D. Use rank 2.5 or 3.\n",
        ),
        (["archs/none.json", "--rank", "3"], "archs/none.json: no such file.\n"),
        (
            ["archs/zoo/vit_3d.json", "--rank", "2", "--input", "4x4"],
            "2D twin of archs/zoo/vit_3d.json $.layers[2].layers[0]: ATT needs more than one voxel for attention. Move "
            "it before a C or P.\n",
        ),
    ],
)
def test_a_mistake_is_one_clear_message(arguments, message, monkeypatch):
    monkeypatch.chdir(ROOT)
    done = invoked("twin", *arguments)
    assert (str(done.exception) + "\n", done.stdout) == (message, "")


@pytest.mark.parametrize(("option", "value"), [("--rank", "4"), ("--match", "mac")])
def test_an_unknown_choice_is_a_usage_error_that_lists_the_choices(option, value):
    given = {"--rank": "3", "--match": "none", "--input": "64x64x10"} | {option: value}
    done = invoked("twin", ARCHSM, *(word for pair in given.items() for word in pair))
    choices = {"--rank": "'2', '2.5', '3'", "--match": "'none', 'parameters', 'macs'"}[option]
    text = " ".join(done.stderr.replace("│", " ").split())
    assert done.exit_code == 2
    assert f"Invalid value for '{option}': '{value}' is not one of {choices}." in text


@pytest.mark.slow
def test_the_command_exits_with_2_after_a_mistake():
    done = archnet("twin", "archs/archsm.json", "--rank", "3", "--input", "64")
    assert (done.returncode, done.stdout) == (2, "")
    assert re.fullmatch(
        r"archs/archsm\.json: a 3D twin needs an input with a depth, but the input is 64\. .*\n", done.stderr
    )


@pytest.mark.slow
def test_a_console_without_utf_8_gets_the_same_json_in_ascii(tmp_path):
    layers = [{"type": "C", "num_output": 4, "kernel_size": 3, "description": "größe 𝜎"}, {"type": "T"}]
    (tmp_path / "mine.json").write_text(json.dumps({"name": "mine", "input_shape": [8, 8], "layers": layers}))
    done = archnet(
        "twin", tmp_path / "mine.json", "--rank", "3", "--input", "8x8x4", PYTHONUTF8="0", PYTHONIOENCODING="ascii"
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["layers"][0]["description"] == "größe 𝜎"
    assert "gr\\u00f6\\u00dfe \\ud835\\udf0e" in done.stdout
