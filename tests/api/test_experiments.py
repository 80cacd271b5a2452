"""Experiments from Python: sources of every kind, and every option of the command line under its name."""

import inspect
import json
import logging
import re
from pathlib import Path

import pytest
from typer.main import get_command

import archnet
from archnet.api import experiments
from archnet.cli import app
from archnet.files.progress import no_progress
from archnet.runs.result import Run
from command_line import ROOT, invoked

NET = {"name": "net", "rank": 2, "layers": [{"type": "C", "num_output": 4, "kernel_size": [3, 3]}, {"type": "T"}]}
FLAT, DEEP = ROOT / "archs/archsm.json", ROOT / "archs/arch3dsm.json"
OPTIONS_IN_PYTHON = {"set": "settings", "class": "class_name", "checklist": "checklists"}


def names(found):
    return [experiment.arch.name for experiment in found]


@pytest.mark.parametrize("command", ["run", "predict", "explain", "export", "compare", "report"])
def test_python_has_every_option_of_the_command_and_its_defaults(command):
    function = getattr(archnet, {"export": "export_model", "report": "write_report"}.get(command, command))
    parameters = inspect.signature(function).parameters
    for parameter in get_command(app).commands[command].params:
        option = parameter.opts[0]
        if not option.startswith("--") or option in ("--json", "--help", "--by"):  # Comparison.strata holds all of them
            continue
        name = OPTIONS_IN_PYTHON.get(option[2:], option[2:].replace("-", "_"))
        assert name in parameters, option
        if name not in ("format", "out"):  # an option that must be given; explain writes nothing unless it is asked to
            default = parameters[name].default
            default = ",".join(default) if isinstance(default, tuple) else default
            assert (default or None) == (parameter.default or None), option
    assert set(inspect.signature(archnet.run).parameters) == set(inspect.signature(archnet.run_all).parameters)


def test_an_architecture_may_be_a_file_an_object_a_document_or_its_layers():
    loaded = archnet.load_arch(FLAT)
    document = json.loads(FLAT.read_text())
    sources = [FLAT, str(FLAT), loaded, document, document["layers"]]
    found = [archnet.load_experiments(source, data="phantom") for source in sources]
    assert {one.arch.layers for (one,) in found} == {loaded.layers}
    assert [one.arch.name for (one,) in found] == ["archsm"] * 4 + ["arch1"]
    assert {(one.name, one.data.name) for (one,) in found} == {("phantom", "phantom")}


def test_several_architectures_of_any_kind_are_one_experiment():
    found = archnet.load_experiments([FLAT, archnet.load_arch(DEEP), NET], data="phantom", root="scans")
    assert names(found) == ["archsm", "arch3dsm", "net"]
    assert {one.split for one in found} == {found[0].split}
    assert {one.data.root for one in found} == {str(Path.cwd() / "scans")}


def test_the_command_line_means_the_same(tmp_path, monkeypatch):
    settings = {"training.epochs": 5, "split.seed": 3, "arch.layers[0].num_output": 8, "training.balance": "none"}
    found = []
    monkeypatch.setattr(experiments, "run_all", lambda *arguments, **options: found.append((arguments, options)) or [])
    texts = [f"--set={key}={json.dumps(value)}" for key, value in settings.items()]
    flags = [
        "--resume",
        "--overwrite",
        "--strict",
        "--deterministic",
        "--baseline",
        "--device=cpu",
        "--track=mlflow",
        "--break-lock",
    ]
    invoked(
        "run", FLAT, DEEP, "--data", "phantom", "--root", "here", "--seed=7", "--memory=4GB", f"--out={tmp_path}",
        *texts, *flags,
    )  # fmt: skip
    (((told,), options),) = found
    settings |= {"training.seed": 7, "training.memory": "4GB"}
    assert list(told) == list(archnet.load_experiments([FLAT, DEEP], data="phantom", root="here", settings=settings))
    given = {"resume", "overwrite", "strict", "deterministic", "baseline", "break_lock", "progress"}
    assert options == {**dict.fromkeys(given, True), "device": "cpu", "track": "mlflow", "out": tmp_path}


def test_settings_change_experiments_that_are_loaded_already():
    first = archnet.load_experiments(NET, data="phantom", settings={"training.epochs": 3})
    again = archnet.load_experiments(first, settings={"training.seed": 2})
    assert [(one.training.epochs, one.training.seed) for one in again] == [(3, 2)]
    assert archnet.load_experiments(first) == first
    folds = archnet.load_experiments(first, settings={"split.folds": 3, "split.test": None})
    assert [one.split.fold for one in folds] == [0, 1, 2]
    assert archnet.load_experiments(folds, settings={"training.epochs": 9})[2].split.fold == 2


def test_values_from_python_become_those_of_json():
    import numpy as np

    settings = {"arch.layers[0].kernel_size": (5, np.int64(5)), "training.learning_rate": np.float32(0.5)}
    (found,) = archnet.load_experiments({"arch": NET}, data="phantom", root=Path("scans"), settings=settings)
    assert found.arch.layers[0].kernel_size == (5, 5)
    assert found.training.learning_rate == 0.5
    assert found.data.root == str(Path.cwd() / "scans")


MISTAKES = {
    "unknown key": (NET, {"settings": {"training.epoch": 1}}, 'unknown key "epoch". Did you mean "epochs"?'),
    "no key": (NET, {"settings": {"": 1}}, '"" is not a valid key. Use a key such as training.epochs or arch.layers[0].num_output.'),
    "no value": (
        NET, {"settings": {"training.epochs": {1}}},
        "training.epochs: {1} is not a JSON value. Use finite numbers, text, lists or mappings.",
    ),
    "infinite": (
        NET, {"settings": {"training.l2": float("inf")}},
        "training.l2: inf is not a JSON value. Use finite numbers, text, lists or mappings.",
    ),
    "unknown data": (NET, {"data": "phantm"}, '--data: unknown data set "phantm". Did you mean "phantom"?'),
    "nothing": ([], {}, "no architecture or experiment is given. Pass at least one."),
    "a mixture": (
        [FLAT, {"archs": [NET]}], {},
        'the experiment: expected an architecture (a list of layers, or an object with "layers"). Pass one experiment '
        "alone, or architectures only.",
    ),
    "no file": ("archs/none.json", {}, "archs/none.json: no such file."),
}  # fmt: skip


@pytest.mark.parametrize(("source", "options", "message"), MISTAKES.values(), ids=MISTAKES)
def test_a_mistake_is_an_archnet_error(source, options, message):
    with pytest.raises(archnet.ArchnetError, match=re.escape(message)):
        archnet.load_experiments(source, **options)


def test_keys_that_another_data_set_does_not_have_are_warned_about(caplog):
    document = {"archs": [NET], "data": {"name": "luna16", "spacing_mm": [1, 1, 1]}}
    archnet.load_experiments(document, data="mosmed")
    assert caplog.messages == ["data='mosmed': ignoring spacing_mm, which this data set does not support."]


@pytest.fixture
def calls(monkeypatch):
    """The calls of the runner, the baselines and the tracking store, in order."""
    calls = []

    class Store:
        def __init__(self, folder):
            calls.append(("open", folder))

        def add(self, folder):
            calls.append(("add", folder))

    def run_experiments(found, *, out, options):
        calls.append(("run", found, out, options))
        return [Run(out / one.arch.name) for one in found]

    def run_baselines(found, *, out, progress):
        calls.append(("baselines", out, progress))
        return [Run(out / "random_forest")]

    monkeypatch.setattr("archnet.runs.runner.run_experiments", run_experiments)
    monkeypatch.setattr("archnet.runs.baselines.run_baselines", run_baselines)
    monkeypatch.setattr("archnet.runs.comparison.compare_finished_runs", lambda folder: f"comparison in {folder}")
    monkeypatch.setattr("archnet.tracking.mlflow_store.MlflowStore", Store)
    return calls


def test_every_option_reaches_the_run(calls, tmp_path):
    class Silent:
        def on_step(self, epoch, step, num_steps, logs): ...

        def on_epoch(self, row): ...

    callback = Silent()
    run = archnet.run(
        NET, data="phantom", seed=4, memory="2GB", out=tmp_path, device="cpu", deterministic=True, strict=True,
        resume=True, baseline=True, track="mlflow", progress=False, callback=callback,
    )  # fmt: skip
    assert run.folder == tmp_path / "net"
    opened, (_, (experiment,), out, options), baselines, *added = calls
    assert opened == ("open", tmp_path.parent)
    assert (experiment.training.seed, experiment.training.memory, out) == (4, "2GB", tmp_path)
    assert (options.device, options.deterministic, options.strict, options.resume) == ("cpu", True, True, True)
    assert (options.progress, options.callback) == (no_progress, callback)
    assert baselines == ("baselines", tmp_path, no_progress)
    assert added == [("add", tmp_path / "net"), ("add", tmp_path / "random_forest")]


def test_runs_go_by_default_where_the_command_puts_them_and_nothing_is_added(calls):
    found = archnet.run_all([FLAT, DEEP], data="phantom")
    assert [run.folder for run in found] == [Path("runs/phantom/archsm"), Path("runs/phantom/arch3dsm")]
    assert found.comparison == f"comparison in {Path('runs/phantom')}"
    ((_, _, _, options),) = calls
    assert (options.resume, options.strict, options.deterministic, options.device) == (False, False, False, None)


def test_run_is_for_one_run(calls):
    message = "archnet.run: expected one run, got 2 (net-fold0, net-fold1). Use archnet.run_all."
    with pytest.raises(archnet.ArchnetError, match=f"^{re.escape(message)}$"):
        archnet.run(NET, data="phantom", settings={"split.folds": 2})
    with pytest.raises(archnet.ArchnetError, match=r'^track="wandb": unknown\. Known: "mlflow"\.$'):
        archnet.run(NET, data="phantom", track="wandb")
    assert calls == []


def test_nothing_is_printed_outside_notebooks_and_terminals(calls, capsys):
    archnet.run(NET, data="phantom")
    logging.getLogger("archnet").debug("unseen")
    assert capsys.readouterr() == ("", "")


def test_an_interrupted_run_says_how_it_is_resumed(calls, monkeypatch):
    def interrupt(*arguments, **options):
        raise KeyboardInterrupt

    monkeypatch.setattr("archnet.runs.runner.run_experiments", interrupt)
    with pytest.raises(KeyboardInterrupt) as interrupted:
        archnet.run(NET, data="phantom")
    assert interrupted.value.__notes__ == ["Nothing is lost: run it again with resume=True to continue."]
