"""Every option of a command reaches the function that does its work, and its defaults are what they are without it."""

import json
import re
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from archnet import load_run
from archnet.api import console
from archnet.errors import RunError
from archnet.evaluation.comparison.comparison import compare
from archnet.runs.result import Runs
from archnet.spec.sweeps.sweep import Resources
from archnet.versus.plan.versus_plan import VersusOptions
from command_line import ROOT, invoked
from synthetic_runs import write_run

SHOW_PROGRESS = {"predict_scan_files", "predict_candidate_files", "explain_file", "measure", "measure_layers"}
"""The functions with an argument of this name."""


class EndOfTestError(RunError):
    """Ends a command where its work would begin."""


@pytest.fixture
def calls(monkeypatch):
    """Replaces functions by ones that record their arguments and end the command."""
    found = []

    def record(*names):
        for name in names:

            def work(*arguments, name=name, **options):
                assert (options.pop("progress", None) is console.progress) == (name.rpartition(".")[2] in SHOW_PROGRESS)
                found.append((name.rpartition(".")[2], *arguments, options))
                raise EndOfTestError(name)

            if ".benchmark." in name:  # without the import of Keras
                module, _, function = name.rpartition(".")
                monkeypatch.setitem(sys.modules, module, SimpleNamespace(**{function: work}))
            else:
                monkeypatch.setattr(name, work)
        return found

    return record


@pytest.fixture
def trained(monkeypatch):
    """Runs and scans that need no files."""
    asked = []

    def read_runs(paths):
        asked.append(("runs", paths))
        return ["run", "other"]

    def find_scans(paths, series):
        asked.append(("scans", paths, series))
        return "scans"

    monkeypatch.setattr("archnet.inference.trained_run.read_trained_runs", read_runs)
    monkeypatch.setattr("archnet.inference.trained_run.check_case_kind", lambda *given: asked.append(given))
    monkeypatch.setattr("archnet.inference.scan_paths.find_named_scans", find_scans)
    return asked


REMEDY = "Name their list with --candidates and the file to write with --out."


@pytest.mark.parametrize(("flags", "tta"), [([], None), (["--tta"], True), (["--no-tta"], False)])
def test_predict_on_scans(calls, trained, flags, tta):
    found = calls("archnet.inference.predict_files.predict_scan_files")
    assert isinstance(invoked("predict", "a", "x.mhd", "y.mhd", *flags).exception, EndOfTestError)
    assert found == [("predict_scan_files", ["run", "other"], "scans", {"tta": tta})]
    assert trained == [
        ("runs", [Path("a")]),
        ("run", {"--candidates": None, "--out": None}, REMEDY),
        ("scans", [Path("x.mhd"), Path("y.mhd")], None),
    ]


@pytest.mark.parametrize("is_strict", [False, True])
def test_predict_on_candidates(calls, trained, is_strict):
    found = calls("archnet.inference.predict_files.predict_candidate_files")
    flags = ["--also", "b", "--also", "c", "--candidates", "list.csv", "--out", "out.csv", "--series", "2", "--tta"]
    invoked("predict", "a", "x", *flags, *(["--strict"] if is_strict else []))
    options = {"tta": True, "strict": is_strict}
    expected = ("predict_candidate_files", ["run", "other"], "scans", Path("list.csv"), Path("out.csv"), options)
    assert found == [expected]
    assert trained == [
        ("runs", [Path("a"), Path("b"), Path("c")]),
        ("run", {"--candidates": Path("list.csv"), "--out": Path("out.csv")}, REMEDY),
        ("scans", [Path("x")], "2"),
    ]


@pytest.mark.parametrize(
    ("flags", "options"),
    [
        ([], {"at": None, "method": "gradcam", "class_name": None, "series": None}),
        (
            ["--at=-1,2.5,3e1", "--method", "occlusion", "--class", "yes", "--series", "2"],
            {"at": (-1.0, 2.5, 30.0), "method": "occlusion", "class_name": "yes", "series": "2"},
        ),
    ],
)
def test_explain(calls, flags, options):
    found = calls("archnet.inference.explanation_files.explain_file")
    invoked("explain", "a", "x.mhd", *flags)
    assert found == [("explain_file", Path("a"), Path("x.mhd"), options)]


@pytest.mark.parametrize("is_json", [False, True])
def test_explain_writes_into_its_folder_and_warns(monkeypatch, is_json):
    asked = []
    explanation = SimpleNamespace(
        files=(Path("e/a.png"), Path("e/a.nii.gz")),
        scan=Path("x.mhd"),
        warnings=["it is dark."],
        trained_on=[],
        is_empty=True,
        class_name="yes",
        to_document=lambda: {"class": "yes"},
    )
    monkeypatch.setattr("archnet.inference.explanation_files.explain_file", lambda *_, **__: explanation)
    monkeypatch.setattr(
        "archnet.inference.explanation_files.write_explanation", lambda one, out: asked.append(out) or one
    )
    done = invoked("explain", "a", "x.mhd", *(["--out", "e", "--json"] if is_json else []))
    assert asked == [Path("e" if is_json else "explanations")]
    assert done.stderr == (
        "Warning: x.mhd is out of distribution: it is dark.\n"
        "Warning: the heat map is empty: no evidence for yes was found. Choose a different class with --class.\n"
    )
    if is_json:
        assert json.loads(done.stdout) == {"class": "yes"}
    else:
        assert done.stdout == "Wrote e/a.png\nWrote e/a.nii.gz\n"


REPORT = {"repair": False, "accept_edits": False, "break_lock": False, "checklists": (), "figures": ["svg"]}


@pytest.mark.parametrize(
    ("flags", "options"),
    [
        ([], {}),
        (["--repair"], {"repair": True}),
        (["--accept-edits"], {"accept_edits": True}),
        (["--break-lock"], {"break_lock": True}),
        (["--checklist", "claim", "--checklist", "stard-ai"], {"checklists": ["claim", "stard-ai"]}),
        (["--figures", "svg,pdf"], {"figures": ["svg", "pdf"]}),
    ],
)
def test_report(calls, flags, options):
    found = calls("archnet.api.finished_runs.write_report")
    invoked("report", "a", "b", *flags)
    assert found == [("write_report", [Path("a"), Path("b")], {**REPORT, **options})]


@pytest.mark.parametrize(
    ("flags", "options"),
    [
        ([], {"noninferior": None, "stack": False}),
        (["--noninferior", "0.02", "--stack"], {"noninferior": 0.02, "stack": True}),
    ],
)
def test_compare(calls, flags, options):
    found = calls("archnet.api.finished_runs.compare")
    invoked("compare", "a", "b", *flags)
    assert found == [("compare", [Path("a"), Path("b")], options)]


ARCH = ROOT / "archs/archsm.json"


@pytest.fixture
def started(monkeypatch):
    """The device and determinism with which Keras is started."""
    found = []
    monkeypatch.setattr(
        "archnet.network.backend.start_quietly",
        lambda device, *, is_deterministic: found.append((device, is_deterministic)),
    )
    return found


@pytest.mark.parametrize(
    ("flags", "device", "precision"),
    [([], (None, False), "float32"), (["--device", "cpu", "--deterministic", "--precision", "bfloat16"], ("cpu", True), "bfloat16")],
)  # fmt: skip
def test_bench_of_layers(calls, started, flags, device, precision):
    found = calls("archnet.runs.benchmark.layer_speeds.measure_layers")
    invoked("bench", "--layers", *flags)
    assert found == [("measure_layers", {"precision": precision})]
    assert started == [device]


@pytest.mark.parametrize(
    ("flags", "num_classes", "steps", "training"),
    [
        ([], 2, 10, (64, "float32", None)),
        (
            ["--classes", "3", "--steps", "4", "--batch", "7", "--precision", "auto", "--memory", "4GB"],
            *(3, 4, (7, "auto", "4GB")),
        ),
    ],
)
def test_bench_on_noise(calls, started, monkeypatch, flags, num_classes, steps, training):
    made = []
    workload = SimpleNamespace(make_noise_workload=lambda *given: made.append(given) or "workload")
    monkeypatch.setitem(sys.modules, "archnet.runs.benchmark.workload", workload)
    found = calls("archnet.runs.benchmark.measure.measure")
    invoked("bench", ARCH, "--input", "32x48", *flags)
    ((arch, options, shape, classes),) = made
    assert (arch.name, shape, classes) == ("archsm", (32, 48), num_classes)
    assert (options.batch_size, options.precision, options.memory) == training
    assert found == [("measure", "workload", steps, {})]
    assert started == [(None, False)]


def test_bench_on_data(calls, started, monkeypatch):
    monkeypatch.setitem(sys.modules, "archnet.runs.benchmark.measure", SimpleNamespace(measure=None))
    found = calls("archnet.runs.benchmark.workload.load_data_workload")
    invoked("bench", ARCH, "--data", "npz:a.npz", "--set", "training.epochs=3")
    ((_, experiment, *_),) = found
    assert (experiment.data.name, experiment.data.root, experiment.training.epochs) == (
        "npz",
        str(Path("a.npz").resolve()),
        3,
    )


@pytest.mark.parametrize(
    ("flags", "options"),
    [
        ([], {"bootstraps": 1000, "seed": 0, "max_marks": None}),
        (["--bootstraps", "3", "--seed", "4", "--max-marks", "5"], {"bootstraps": 3, "seed": 4, "max_marks": 5}),
    ],
)
def test_froc(calls, monkeypatch, flags, options):
    found = calls("archnet.evaluation.froc.curve.compute_froc")
    monkeypatch.setattr("archnet.evaluation.froc.lists.read_lists", lambda *paths: (paths, "reference"))
    monkeypatch.setattr("archnet.evaluation.froc.lists.leave_out_training_series", lambda _, *lists: (*lists, 0))
    lists = ["--annotations", "b.csv", "--excluded", "c.csv", "--series", "d.csv"]
    invoked("froc", "a.csv", *lists, *flags)
    assert found == [("compute_froc", tuple(map(Path, ("a.csv", "b.csv", "c.csv", "d.csv"))), "reference", options)]


@pytest.mark.parametrize(
    ("flags", "options"),
    [
        ([], VersusOptions()),
        (
            [
                *("--forms", "2d,3d", "--match", "none,macs", "--seeds", "3", "--folds", "4", "--noninferior", "0.02"),
                *("--cpus", "2", "--gpus", "0.5"),
            ],
            VersusOptions(
                forms=("2d", "3d"), matches=("none", "macs"), seeds=3, folds=4, margin=0.02,
                resources=Resources(cpus=2, gpus=0.5),
            ),
        ),
        (["--gpus", "1"], VersusOptions(resources=Resources(gpus=1))),
        (["--gpus", "2"], VersusOptions(resources=Resources(gpus=2))),
    ],
)  # fmt: skip
def test_versus(calls, flags, options):
    found = calls("archnet.versus.plan.versus_plan.plan_versus")
    invoked("versus", ARCH, "--data", "phantom", *flags)
    ((_, (experiment,), given, show_progress, _),) = found
    assert (experiment.arch.name, given, show_progress) == ("archsm", options, console.progress)


def test_show_draws_augmented_cases_of_the_experiment(monkeypatch, tmp_path):
    drawn = []
    monkeypatch.setattr("archnet.network.backend.start_quietly", lambda: None)
    monkeypatch.setattr(
        "archnet.runs.preview.draw_case",
        lambda experiment, case, path, progress: drawn.append((experiment.data.name, experiment.training.seed, case)) or path,
    )  # fmt: skip
    path = tmp_path / "a.png"
    done = invoked("show", ARCH, "--augment", path, "--data", "npz:a.npz", "--set", "training.seed=3")
    assert drawn == [("npz", 3, "first")]
    assert str(path) in done.stdout


@pytest.mark.parametrize("num_runs", [1, 2])
def test_the_comparison_is_printed_after_several_runs_and_not_after_one_in_the_folder_of_others(
    num_runs, tmp_path, monkeypatch
):
    folders = [write_run(tmp_path / "out" / name) for name in "ab"]
    runs = Runs(map(load_run, folders[:num_runs]), compare(folders))
    monkeypatch.setattr("archnet.api.experiments.run_all", lambda *_, **__: runs)
    done = invoked("run", ROOT / "archs/archsm.json", "--data", "phantom")
    assert done.exit_code == 0, done.output
    rules = re.findall("─ (.*?) ─", done.stdout)
    assert rules == (["a"] if num_runs == 1 else ["a", "b", "comparison"])
