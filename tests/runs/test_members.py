"""Ensembles: several networks of one architecture, trained one after the other in one run."""

import json

import numpy as np
import pytest

from archnet import load_run, run
from archnet.errors import RunError
from archnet.evaluation.members.member_results import read_member_predictions
from archnet.evaluation.predictions import read_predictions
from archnet.evaluation.run_folder import read_history
from archnet.runs.rereport import ReportOptions, regenerate_reports
from archnet.spec.experiment import Training
from plain_training import PLAIN

NET = {
    "name": "net",
    "layers": [
        {"type": "C", "num_output": 2, "kernel_size": 3, "activation": "relu", "drop_out": 20},
        {"type": "P", "pool": "max", "kernel_size": 2},
        {"type": "T"},
    ],
    "rank": 2,
}


@pytest.fixture
def document(tmp_path):
    y = np.arange(60) % 2
    x = np.random.default_rng(0).integers(0, 160, (60, 8, 8), dtype=np.uint8)
    x[y == 1, 2:5, 2:5] += 60
    np.savez(tmp_path / "squares.npz", x=x, y=y)
    return {
        "archs": [NET],
        "data": {"name": "npz", "root": str(tmp_path / "squares.npz"), "positive": "1"},
        "training": {**PLAIN, "epochs": 2, "batch_size": 16, "learning_rate": 0.01, "members": 2, "seed": 1},
        "evaluation": {"bootstraps": 10},
    }


class StopAtEpoch:
    def __init__(self, member, epoch):
        self.place = member, epoch

    def on_step(self, epoch, step, num_steps, logs):
        pass

    def on_epoch(self, row):
        if (row["member"], row["epoch"]) == self.place:
            raise KeyboardInterrupt


def test_ensembles_of_different_seeds_share_no_member():
    seeds = [[one.seed for one in Training(members=3, seed=seed).member_trainings()] for seed in range(3)]
    assert seeds == [[0, 1, 2], [3, 4, 5], [6, 7, 8]]
    assert Training(seed=5).member_trainings() == (Training(seed=5),)


@pytest.mark.slow
def test_an_ensemble_averages_the_plain_runs_of_its_seeds(document, tmp_path):
    together = run(document, out=tmp_path / "together")
    members = read_member_predictions(together.folder)
    for seed, member in zip((2, 3), members, strict=True):
        plain = {**document, "training": {**document["training"], "members": 1, "seed": seed}}
        alone = run(plain, out=tmp_path / f"alone{seed}")
        expected = alone.predictions.select("validation", "test")
        np.testing.assert_array_equal(member.probabilities, expected.probabilities)
        entry = together.metrics["members"][seed - 2]
        assert entry["seed"] == seed
        assert entry["test"]["auc"] == alone.metrics["test"]["auc"]
        assert together.metrics["macs"] == 2 * alone.metrics["macs"]
        assert together.metrics["parameters"] == 2 * alone.metrics["parameters"]
        assert "member" not in alone.history
        assert "members" not in alone.metrics
    kept = together.predictions.select("validation", "test").probabilities
    np.testing.assert_array_equal(kept, np.mean([one.probabilities for one in members], axis=0))
    with np.load(document["data"]["root"]) as arrays:
        images = arrays["x"][..., np.newaxis].astype(np.float32)
    rows = {case: row for row, case in enumerate(together.predictions.cases.tolist())}
    predicted = together.model.predict(images, verbose=0)
    order = [rows[case] for case in sorted(rows, key=lambda case: int("".join(filter(str.isdigit, case)) or 0))]
    np.testing.assert_allclose(predicted, together.predictions.probabilities[order], atol=1e-6)
    assert list(together.history["member"]) == [1, 1, 2, 2]
    check_page(together.folder)
    check_repair(together.folder)
    check_explanation(together)
    check_starting_weights(document, together.folder, tmp_path)


def check_page(folder):
    page = (folder / "report.html").read_text("utf-8")
    assert "member 2, seed 3" in page
    assert "Layers of each of the 2 members" in page


def check_repair(folder):
    metrics = (folder / "metrics.json").read_bytes()
    (folder / "metrics.json").unlink()
    regenerate_reports([folder], ReportOptions(repair=True))
    assert json.loads((folder / "metrics.json").read_text())["members"] == json.loads(metrics)["members"]
    member = folder / "members" / "member2.csv"
    content = member.read_bytes()
    member.write_text("lost")
    regenerate_reports([folder], ReportOptions(repair=True))
    assert member.read_bytes() == content


def check_explanation(together):
    from archnet.network.explain import GradCam, grad_cam
    from archnet.network.scaling import member_models, member_networks
    from archnet.spec.arch import load_arch

    arch, model = load_arch(NET), together.model
    image = np.random.default_rng(1).integers(0, 200, (8, 8, 1)).astype(np.float32)
    (heat,) = grad_cam(model, arch, image, 1)
    assert len(member_networks(model)) == len(member_models(model)) == 2
    parts = GradCam(model, arch)
    both, heats = parts._members, []
    for one in both:
        parts._members = [one]
        heats.append(parts.compute(image[np.newaxis], [1])[0][0])
    assert not np.array_equal(*heats)
    np.testing.assert_allclose(heat, np.mean(heats, axis=0), rtol=1e-6)


def check_starting_weights(document, folder, tmp_path):
    model = load_run(folder).model
    training = {**document["training"], "members": 1, "init": str(folder)}
    with pytest.raises(RunError, match=r'is an ensemble of 2 networks.*get_layer\("net_1"\)\.save'):
        run({**document, "training": training}, out=tmp_path / "from_ensemble")
    model.get_layer("net_2").save(tmp_path / "member.keras")
    training["init"] = str(tmp_path / "member.keras")
    tuned = run({**document, "training": training}, out=tmp_path / "from_member")
    taken = json.loads((tuned.folder / "init.json").read_text())["layers"]
    assert all(layer["taken"] for layer in taken)


@pytest.mark.long
def test_an_interrupted_ensemble_continues_with_the_member_in_progress(document, tmp_path):
    whole = run(document, out=tmp_path / "whole")
    with pytest.raises(KeyboardInterrupt):
        run(document, out=tmp_path / "killed", callback=StopAtEpoch(2, 1))
    checkpoint = tmp_path / "killed" / whole.folder.name / "checkpoint"
    with np.load(checkpoint / "member1" / "training.npz") as arrays:
        assert not [name for name in arrays.files if name.startswith("state/")]
    seen = Rows()
    resumed = run(document, out=tmp_path / "killed", resume=True, callback=seen)
    assert seen.places == [(2, 2)]
    assert not checkpoint.exists()
    for name in ("predictions.csv", "members/member1.csv", "members/member2.csv"):
        assert (resumed.folder / name).read_bytes() == (whole.folder / name).read_bytes()
    first, second = (read_history(one.folder / "history.csv") for one in (whole, resumed))
    for name in first.keys() - {"seconds"}:
        np.testing.assert_array_equal(first[name], second[name])
    assert len(read_predictions(resumed.folder / "predictions.csv").cases) == 60


class Rows(StopAtEpoch):
    def __init__(self):
        self.places = []

    def on_epoch(self, row):
        self.places.append((row["member"], row["epoch"]))
