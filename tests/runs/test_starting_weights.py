"""Runs that start from the weights of others: init.json, the log, the report, and the resumption."""

import json
import re
import shutil

import numpy as np
import pytest

import archnet
from archnet.errors import DataError, RunError
from archnet.network.trained_model import load_run_model
from finished_runs import NET_2D, NET_3D, experiment_on
from small_training import are_equal


@pytest.fixture
def source(finished_runs, tmp_path):
    """The run of the 2D network, in a folder of its own."""
    shutil.copytree(finished_runs / "out/flat", tmp_path / "flat")
    return tmp_path / "flat"


def document(finished_runs, arch, **training):
    return experiment_on(finished_runs / "cubes.npz", arch, training=training, evaluation={"bootstraps": 10})


@pytest.mark.slow
def test_a_3d_run_starts_from_a_2d_run_and_says_what_was_taken(finished_runs, source, tmp_path):
    training = {"epochs": 1, "init": str(source), "freeze": "all"}
    arch = {**NET_3D, "layers": [*NET_3D["layers"][:-1], {"type": "T"}]}
    run = archnet.run(document(finished_runs, arch, **training), out=tmp_path / "out")
    init = json.loads((run.folder / "init.json").read_text())
    (convolution, dense), names = init["layers"], [row["layer"] for row in init["layers"]]
    assert (init["weights"], init["file"], names) == (str(source), "model.keras", ["Conv3D", "Dense"])
    change = "repeated over 3 slices and divided by 3"
    assert re.fullmatch(rf'Conv2D "conv2d\w*" \(3 x 3 x 1 x 4\), {change}', convolution["note"])
    assert (convolution["place"], convolution["taken"], dense["place"], dense["taken"]) == (
        "$.layers[0]", True, "$.layers[2]", True,
    )  # fmt: skip
    kernels = [
        np.asarray(load_run_model(folder).get_layer(name).layers[1].kernel)
        for folder, name in ((source, "flat"), (run.folder, "deep"))
    ]
    np.testing.assert_allclose(kernels[1], np.repeat(kernels[0][:, :, np.newaxis], 3, axis=2) / 3, rtol=1e-6)
    log = (run.folder / "log.txt").read_text()
    assert f"initial weights: 2 of 2 layers transferred from {source}" in log
    assert "$.layers[0] transferred: Conv2D" in log
    page = (run.folder / "report.html").read_text()
    assert "Initial weights" in page
    assert "the others are newly initialized" not in page
    assert "<p>Frozen: all layers but T.</p>" in page
    assert init["sha256"] in page
    assert change in page


class StopAfterTheFirstEpoch:
    def on_step(self, epoch, step, num_steps, logs):
        if epoch == 2:
            raise KeyboardInterrupt

    def on_epoch(self, row):
        pass


@pytest.mark.long
def test_a_run_resumes_with_the_same_bits_when_its_starting_weights_are_gone(finished_runs, source, tmp_path):
    experiment = document(finished_runs, NET_2D, epochs=3, init=str(source), freeze={"layers": [0], "epochs": 2})
    whole = archnet.run(experiment, out=tmp_path / "whole")
    with pytest.raises(KeyboardInterrupt):
        archnet.run(experiment, out=tmp_path / "part", callback=StopAfterTheFirstEpoch())
    shutil.rmtree(source)
    resumed = archnet.run(experiment, out=tmp_path / "part", resume=True)
    models = [load_run_model(run.folder) for run in (whole, resumed)]
    assert are_equal(*(model.get_weights() for model in models))
    assert (whole.folder / "init.json").read_bytes() == (resumed.folder / "init.json").read_bytes()


def test_missing_starting_weights_end_a_run_before_it_begins(finished_runs, tmp_path):
    text = f"training.init: {tmp_path / 'no'}: no such file. Name a run folder, a .keras file or a .weights.h5 file."
    with pytest.raises(RunError, match=f"^{re.escape(text)}$"):
        archnet.run(document(finished_runs, NET_2D, init=str(tmp_path / "no")), out=tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_run_whose_model_has_changed_gives_no_weights(finished_runs, source, tmp_path):
    (source / "model.keras").write_bytes(b"other")
    with pytest.raises(DataError, match=rf"^{re.escape(str(source / 'model.keras'))}: changed since the run finished"):
        archnet.run(document(finished_runs, NET_2D, init=str(source)), out=tmp_path / "out")


@pytest.mark.long
def test_a_finding_counts_test_cases_on_which_the_initial_weights_were_trained(finished_runs, source, tmp_path):
    experiment = document(finished_runs, NET_2D, epochs=1, init=str(source))
    same = archnet.run(experiment, out=tmp_path / "same")
    assert findings(same.folder) == []
    other = archnet.run({**experiment, "split": {"seed": 7}}, out=tmp_path / "other")
    (finding,) = findings(other.folder)
    split = {
        folder: dict(line.split(",")[::3] for line in (folder / "split.csv").read_text().splitlines()[1:])
        for folder in (source, other.folder)
    }
    names = [case for case, name in split[other.folder].items() if name == "test" != split[source][case]]
    assert finding["cases"] == names
    assert finding["message"] == (
        f"{len(names)} of 12 test cases come from scans or cases on which the initial weights were trained or validated, "
        f"so the test results are optimistic: {', '.join(names[:3])}, {len(names) - 3} more."
    )


def findings(folder):
    return [
        one for one in json.loads((folder / "data.json").read_text())["findings"] if one["check"] == "starting_weights"
    ]


@pytest.mark.slow
def test_frozen_layers_with_random_weights_trigger_a_warning(finished_runs, source, tmp_path, caplog):
    layers = [NET_2D["layers"][0], {"type": "FC", "num_output": 3}, {"type": "T"}]
    experiment = document(finished_runs, {"name": "net", "layers": layers}, epochs=1, init=str(source), freeze="all")
    archnet.run(experiment, out=tmp_path / "out")
    (warning,) = (record.getMessage() for record in caplog.records if "training.freeze" in record.getMessage())
    assert re.fullmatch(
        r"training\.freeze: 1 of the frozen layers have random weights; the first is \$\.layers\[1]: the file has Dense "
        r'"dense\w*" \(4 x 2\) here',
        warning,
    )
