"""The command line as a process: exit codes, messages, and that what must be fast imports nothing heavy."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from command_line import ROOT, archnet, invoked

ASSUMED = ' (assumed; set it with --input or "input_shape")'


@pytest.mark.slow
def test_show_prints_the_published_counts_as_json():
    done = archnet("show", "archs/arch3dsm.json", "--input", "64x64x10", "--classes", "2", "--json")
    assert done.returncode == 0
    summary = json.loads(done.stdout)
    assert summary["parameters"] == 196_108
    assert {"macs", "activation_bytes", "training_bytes", "layers"} <= set(summary)


@pytest.mark.slow
def test_show_prints_the_counts():
    done = archnet("show", "archs/arch3d.json", "--batch", "300")
    assert "1,269,052" in done.stdout
    assert "at batch size 300" in done.stdout


@pytest.mark.slow
def test_check_reports_every_problem_of_every_file_and_exits_with_2(tmp_path):
    (tmp_path / "typo.json").write_text('[{"type": "C", "num_output": 4, "kernelsize": 3}]')
    (tmp_path / "broken.json").write_text('[{"type": "C",}]')
    done = archnet("check", ROOT / "archs/archsm.json", "typo.json", "broken.json", cwd=tmp_path)
    assert done.returncode == 2
    assert done.stdout == f"{ROOT}/archs/archsm.json: valid: 2D, 9 layers, 99,948 parameters at 64x64x1\n"
    assert done.stderr.splitlines() == [
        'typo.json:1 $[0].kernelsize: unknown key "kernelsize". Did you mean "kernel_size"?',
        'typo.json:1 $: the layer T is missing. End the list with {"type": "T"}.',
        "typo.json:1 $: no array of sizes determines whether this is a 2D or 3D network. "
        'Write {"rank": 2, "layers": [...]} or {"rank": 3, "layers": [...]} instead of the array alone.',
        'broken.json:1:15: not valid JSON: expected another value after the comma (no comma is allowed before "}"), found "}".',
    ]


@pytest.mark.slow
def test_check_prints_a_problem_that_several_files_share_once(tmp_path):
    net = {"rank": 2, "layers": [{"type": "C", "num_output": 4, "kernelsize": 3}, {"type": "T"}]}
    (tmp_path / "net.json").write_text(json.dumps(net))
    (tmp_path / "one.json").write_text('{"name": "one", "archs": ["net.json"], "data": {"name": "phantom"}}')
    (tmp_path / "many.json").write_text('{"name": "many", "base": "one.json", "space": {"training.epochs": [1, 2]}}')
    done = archnet("check", "one.json", "net.json", "many.json", cwd=tmp_path)
    assert done.returncode == 2
    assert done.stderr.splitlines() == [
        'net.json:1 $.layers[0].kernelsize: unknown key "kernelsize". Did you mean "kernel_size"?',
        "net.json: not valid: its problems are listed above.",
        "many.json: not valid: its problems are listed above.",
    ]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["show", "archs/arch3d_sm.json"], 'archs/arch3d_sm.json: no such file. Did you mean "archs/arch3d'),
        pytest.param(
            ["show", "archs/archsm.json", "--input", "64by64"],
            '--input "64by64": expected sizes joined by x',
            marks=pytest.mark.slow,
        ),
        (
            ["run", "archs/archsm.json", "--data", "phantm"],
            '--data: unknown data set "phantm". Did you mean "phantom"?',
        ),
        pytest.param(
            ["run", "archs/archsm.json", "--data", "luna16", "--root", "no/where"],
            "no/where: there is no such folder",
            marks=pytest.mark.slow,
        ),
        pytest.param(["run", "archs/archsm.json", "--data", "npz:no.npz"], "no.npz", marks=pytest.mark.slow),
        pytest.param(
            ["run", "archs/archsm.json", "--set", "training.epoch=1"],
            'unknown key "epoch". Did you mean "epochs"?',
            marks=pytest.mark.slow,
        ),
        (["compare", "runs/nowhere"], "runs/nowhere: no such folder."),
        pytest.param(["data", "info", "npz:no.npz"], "no.npz", marks=pytest.mark.slow),
    ],
)
def test_a_users_mistake_is_one_clear_message_and_exit_code_2(arguments, message):
    done = archnet(*arguments)
    assert done.returncode == 2
    assert message in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout == ""


@pytest.mark.slow
def test_a_bug_is_reported_as_one_and_its_traceback_kept(tmp_path):
    code = "import archnet.spec.arch as a; a.parse_arch = lambda path: 1 / 0; from archnet.cli import main; main()"
    done = subprocess.run(
        [sys.executable, "-c", code, "show", "archs/archsm.json"],
        cwd=ROOT,
        env={**os.environ, "XDG_STATE_HOME": str(tmp_path), "HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 1
    first, second = done.stderr.splitlines()
    assert first == "A bug in archnet: ZeroDivisionError: division by zero"
    log = Path(second.removeprefix("The traceback is in "))
    assert "ZeroDivisionError" in log.read_text()


@pytest.mark.slow
@pytest.mark.parametrize("command", ["check", "show", "twin", "compare", "runs"])
def test_fast_commands_import_nothing_heavy(command, tmp_path):
    from synthetic_runs import write_run

    for name in ("a", "b"):
        write_run(tmp_path / name)
    files = {"compare": [tmp_path / "a", tmp_path / "b"], "runs": [tmp_path]}.get(
        command, [ROOT / "archs/arch3dsm.json"]
    )
    options = ["--rank", "2"] if command == "twin" else []
    scipy = ["scipy.stats", "scipy.linalg", "scipy.optimize"] if command == "compare" else ["scipy"]
    code = (
        "import sys\nfrom archnet.cli import app\n"
        f"app({[command, *map(str, files), *options]!r}, standalone_mode=False)\n"
        f"heavy = {{'keras', 'tensorflow', 'sklearn', 'SimpleITK', 'matplotlib', 'nibabel', *{scipy!r}}}\n"
        "print(sorted(heavy & set(sys.modules)), file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert done.stderr.splitlines()[-1] == "[]"


@pytest.mark.long
def test_a_run_tells_nothing_of_its_backends_start_but_the_device(tmp_path):
    import numpy as np

    labels = np.arange(40) % 2
    np.savez(
        tmp_path / "cases.npz", x=np.random.default_rng(0).random((40, 8, 8)) / 2 + labels[:, None, None] / 2, y=labels
    )
    (tmp_path / "net.json").write_text('{"rank": 2, "layers": [{"type": "T"}]}')
    options = ("--set", "training.epochs=1", "--set", "evaluation.bootstraps=10", "--out", "out")
    done = archnet("run", "net.json", "--data", f"npz:{tmp_path / 'cases.npz'}", *options, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    lines = done.stderr.splitlines()
    assert lines[:2] == ["Reading the npz data", "Importing Keras and its backend, tensorflow"]
    assert lines[2].startswith("Keras "), done.stderr
    assert "net: building the network and compiling its graph" in lines
    assert any(line.startswith("net  epoch 1/1  ") for line in lines)
    assert lines[-1] == "net: evaluating, drawing figures and writing the report"


@pytest.mark.slow
def test_help_teaches():
    done = archnet("run", "--help")
    assert done.returncode == 0
    assert "archnet run arch3dsm --data phantom" in done.stdout


def test_check_says_which_input_size_it_assumed_and_nothing_of_a_given_one(tmp_path):
    path = tmp_path / "net.json"
    path.write_text('{"rank": 2, "layers": [{"type": "T"}]}')
    assert invoked("check", path).stdout == f"{path}: valid: 2D, 1 layer, 8,194 parameters at 64x64x1{ASSUMED}\n"
    given = f"{path}: valid: 2D, 1 layer, 4,610 parameters at 48x48x1\n"
    assert invoked("check", path, "--input", "48x48").stdout == given
    path.write_text('{"input_shape": [48, 48], "rank": 2, "layers": [{"type": "T"}]}')
    assert invoked("check", path).stdout == given


@pytest.mark.slow
def test_a_character_that_stdout_cannot_encode_is_printed_as_its_code(tmp_path):
    (tmp_path / "\u65e5\u672c.json").write_text(
        '[{"type": "C", "num_output": 4, "kernel_size": [3, 3]}, {"type": "T"}]'
    )
    done = archnet("check", "\u65e5\u672c.json", cwd=tmp_path, PYTHONIOENCODING="cp1252")
    assert done.stdout == f"\\u65e5\\u672c.json: valid: 2D, 2 layers, 32,810 parameters at 64x64x1{ASSUMED}\n"
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.slow
def test_show_names_an_experiment_for_what_it_is():
    done = archnet("show", "experiments/mosmed_tutorial.json")
    assert done.returncode == 2
    assert done.stderr.endswith("This is an experiment; use one of its architectures.\n")


@pytest.mark.slow
def test_an_out_folder_that_is_a_file_is_the_users_mistake(tmp_path):
    import numpy as np

    np.savez(tmp_path / "a.npz", x=np.zeros((20, 8, 8), np.uint8), y=np.arange(20) % 2)
    (tmp_path / "taken").write_text("mine")
    done = archnet("run", "archs/archsm.json", "--data", f"npz:{tmp_path / 'a.npz'}", "--out", tmp_path / "taken")
    assert done.returncode == 2
    taken = str(tmp_path / "taken")
    assert done.stderr.endswith(f"out={taken!r}: {taken} is a file, not a folder. Use a different folder.\n")
    assert (tmp_path / "taken").read_text() == "mine"


@pytest.mark.parametrize("name", ["twin", "run", "compare", "froc", "report", "predict", "explain", "export"])
def test_help_teaches_with_examples_and_loses_no_word_to_markup(name):
    from typer.main import get_command
    from typer.testing import CliRunner

    from archnet.cli import app

    text = CliRunner().invoke(app, [name, "--help"]).stdout
    assert f"archnet {name} " in text.partition("Examples:")[2]
    for parameter in get_command(app).commands[name].params:
        assert not re.search(r"\[[a-z]", parameter.help)


def test_check_reports_missing_initial_weights(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    arch = {"name": "net", "rank": 2, "layers": [{"type": "T"}]}
    (tmp_path / "x.json").write_text(json.dumps({"archs": [arch], "training": {"init": "flat.keras"}}))
    done = invoked("check", "x.json")
    path = tmp_path / "flat.keras"
    assert (done.exit_code, done.stderr) == (
        2,
        f"x.json $.training.init: {path}: no such file. Name a run folder, a .keras file or a .weights.h5 file.\n",
    )
    path.write_bytes(b"")
    assert invoked("check", "x.json").exit_code == 0


def test_check_lists_fifty_problems_and_counts_the_others(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "bad.json").write_text(json.dumps([{"type": "ACT", "activation": None, "x": 1}] * 60 + [{"type": "T"}]))
    done = invoked("check", "bad.json")
    lines = done.stderr.splitlines()
    assert (done.exit_code, len(lines), lines[-1]) == (2, 51, "and 11 more problems")
    (result,) = json.loads(invoked("check", "--json", "bad.json").stdout)
    assert result["problems"] == lines


@pytest.mark.slow
@pytest.mark.parametrize("command", ["check", "show"])
def test_a_lone_surrogate_is_named(command, tmp_path):
    (tmp_path / "sur.json").write_text('{"name": "\\ud800", "layers": []}')
    done = archnet(command, "sur.json", cwd=tmp_path)
    message = (
        'sur.json:1 $.name: "\\ud800" contains U+D800, a lone surrogate, which is not a character. '
        "Remove it, or write the complete pair.\n"
    )
    assert (done.returncode, done.stdout, done.stderr) == (2, "", message)


@pytest.mark.slow
def test_show_lists_the_first_and_the_last_layers_of_a_deep_network(tmp_path):
    convolution = {"type": "C", "num_output": 4, "kernel_size": [3, 3]}
    (tmp_path / "deep.json").write_text(
        json.dumps([{"type": "REP", "times": 400, "layers": [convolution]}, {"type": "T"}])
    )
    lines = [line.strip() for line in invoked("show", tmp_path / "deep.json").stdout.splitlines()]
    places = [line.split()[0:2] for line in lines if line[:1].isdigit()]
    assert (len(places), places[149], places[150]) == (300, ["0.0", "#150"], ["0.0", "#252"])
    assert ["...", "101", "more"] in [line.split() for line in lines]
    assert "--json lists all 401 layers." in lines
    shown = json.loads(invoked("show", "--json", tmp_path / "deep.json").stdout)
    assert len(shown["layers"]) == 401


@pytest.mark.parametrize(
    ("option", "value", "message"),
    [
        (
            "--input",
            "9" * 5_000 + "x3",
            f'--input "{"9" * 56}...: expected sizes joined by x, such as 64x64 or 64x64x10.',
        ),
        (
            "--memory",
            "9" * 5_000 + "GB",
            f'--memory {"9" * 150}...{"9" * 148}GB: "{"9" * 20}..." is a number of 5,000 characters, more memory than any '
            "machine has.",
        ),
    ],
)
def test_endless_digits_on_the_command_line_are_refused(option, value, message):
    done = invoked("show", ROOT / "archs/archsm.json", option, value)
    assert str(done.exception) == message
