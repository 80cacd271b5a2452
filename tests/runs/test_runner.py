"""Whole runs: from documents and data to a run folder, through Python and through the command line."""

import csv
import json
import re
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import archnet
from archnet.data import make_split
from archnet.errors import ArchnetError, RunError
from archnet.files.csv_rows import csv_text
from command_line import ROOT, invoked
from finished_runs import NET_2D, NET_3D, experiment_on

RUN_FILES = {
    "experiment.json", "arch.json", "network.json", "split.csv", "training_scans.json", "history.csv", "model.keras", "predictions.csv",
    "metrics.json", "report.html", "gallery.npz", "heat_maps.npz", "environment.json", "log.txt", "figures", "data.json", "tensorboard",
    "manifest.json", "methods.txt", "model_card.md", "tables",
}  # fmt: skip


@pytest.fixture
def cubes(finished_runs):
    return finished_runs / "cubes.npz"


@pytest.fixture
def out(finished_runs, tmp_path):
    """A copy of the finished experiment."""
    return Path(shutil.copytree(finished_runs / "out", tmp_path / "out"))


def rows_of(path):
    with path.open() as stream:
        return list(csv.DictReader(stream))


@pytest.mark.parametrize("net", [NET_2D, NET_3D], ids=["2D", "3D"])
def test_a_run_leaves_a_complete_folder_whose_parts_agree(finished_runs, tmp_path, net):
    run = archnet.Run(finished_runs / "out" / net["name"])
    assert {path.name for path in run.folder.iterdir()} == RUN_FILES
    predictions, split = rows_of(run.folder / "predictions.csv"), rows_of(run.folder / "split.csv")
    assert [(row["case"], row["group"], row["set"], row["y_true"]) for row in predictions] == [
        (row["case"], row["group"], row["set"], row["label"]) for row in split
    ]
    sides = {row["group"]: set() for row in split}
    for row in split:
        sides[row["group"]].add(row["set"])
    assert all(len(side) == 1 for side in sides.values())
    test = [row for row in predictions if row["set"] == "test"]
    called = [float(row["p_1"]) >= 0.5 for row in test]
    hits = sum(is_called and row["y_true"] == "1" for is_called, row in zip(called, test, strict=True))
    assert run.metrics["test"]["recall"] == pytest.approx(hits / sum(row["y_true"] == "1" for row in test))
    assert run.metrics["parameters"] == run.model.count_params()
    assert len(rows_of(run.folder / "history.csv")) == 4
    environment = json.loads((run.folder / "environment.json").read_text())
    assert (environment["execution"]["precision"], environment["execution"]["micro_batch"]) == ("float32", 8)
    resolved = json.loads((run.folder / "experiment.json").read_text())
    assert resolved["training"]["optimizer"] == "adam"
    assert "Integrity" not in (run.folder / "report.html").read_text()
    again = archnet.run(run.folder / "experiment.json", out=tmp_path / "again")
    assert (again.folder / "predictions.csv").read_bytes() == (run.folder / "predictions.csv").read_bytes()


def test_the_saved_model_predicts_what_predictions_csv_says(cubes, finished_runs):
    run = archnet.Run(finished_runs / "out/flat")
    slices = np.load(cubes)["x"][..., 3, np.newaxis].astype(np.float32)
    assert np.allclose(run.model.predict_on_batch(slices), run.predictions.probabilities, atol=1e-6)


@pytest.mark.slow
def test_slices_can_be_channels(cubes, tmp_path):
    document = experiment_on(cubes, NET_2D)
    document["data"]["view"] = "slices-as-channels"
    run = archnet.run(document, out=tmp_path / "out")
    assert run.model.input_shape == (None, 10, 10, 6)


def test_two_architectures_share_one_split_and_are_compared(cubes, finished_runs, tmp_path):
    out = finished_runs / "out"
    for name in ("flat", "deep"):
        assert (out / "split.csv").read_bytes() == (out / name / "split.csv").read_bytes()
    comparison = json.loads((out / "comparison.json").read_text())
    assert [row["run"] for row in comparison["runs"]] == ["flat", "deep"]
    assert [(pair["reference"], pair["other"]) for pair in comparison["paired"]] == [("flat", "deep")]
    assert (out / "report.html").is_file()
    with pytest.raises(
        RunError, match=re.escape("archnet.run: expected one run, got 2 (flat, deep). Use archnet.run_all.")
    ):
        archnet.run(experiment_on(cubes, NET_2D, NET_3D), out=tmp_path / "out")


def test_two_architectures_make_their_split_and_its_text_once(cubes, tmp_path, monkeypatch):
    def make_run(run, options, split):
        texts.append(split)
        if len(texts) == 2:
            raise InterruptedError

    calls, headers, texts = [], [], []
    monkeypatch.setattr(
        "archnet.runs.preparation.case_split.make_split",
        lambda cases, split: (calls.append(split), make_split(cases, split))[1],
    )
    monkeypatch.setattr(
        "archnet.runs.artifacts.csv_text", lambda header, rows: (headers.append(header), csv_text(header, rows))[1]
    )
    monkeypatch.setattr("archnet.runs.runner._make_run", make_run)
    experiments = archnet.load_experiments(experiment_on(cubes, NET_2D, NET_3D, training={"epochs": "auto"}))
    with pytest.raises(InterruptedError):
        archnet.run_all(experiments, out=tmp_path / "out")
    assert calls == [replace(experiments[0].split, by="group")]
    assert headers == [["case", "group", "label", "set"]]
    assert texts == [(tmp_path / "out/split.csv").read_text()] * 2


@pytest.mark.long
def test_folds_are_compared_when_both_architectures_have_them(cubes, tmp_path, caplog):
    out, folds = tmp_path / "out", {"folds": 2}
    training = {"epochs": 1}
    archnet.run_all(archnet.load_experiments(experiment_on(cubes, NET_2D, split=folds, training=training)), out=out)
    (row,) = json.loads((out / "comparison.json").read_text())["runs"]
    assert (row["run"], row["folds"], row["metrics"]["n"]) == ("flat", [0, 1], 60)
    archnet.run(experiment_on(cubes, NET_3D, split={"folds": 2, "fold": 0}, training=training), out=out)
    assert (
        "no comparison: deep-fold0: its test cases are not those of flat: it has 30, flat has 60, and they share 30"
    ) in caplog.text
    archnet.run(experiment_on(cubes, NET_3D, split={"folds": 2, "fold": 1}, training=training), out=out)
    comparison = json.loads((out / "comparison.json").read_text())
    assert [(row["run"], row["folds"]) for row in comparison["runs"]] == [("flat", [0, 1]), ("deep", [0, 1])]


@pytest.mark.slow
def test_the_wanted_recall_chooses_a_threshold_on_the_validation_set(cubes, tmp_path):
    split, evaluation = {"validation": 0.3}, {"recall": 0.9}
    run = archnet.run(experiment_on(cubes, NET_2D, split=split, evaluation=evaluation), out=tmp_path / "out")
    point = run.metrics["validation"]["operating_points"]["recall"]
    assert (point["wanted"], point["recall"] >= 0.9) == (0.9, True)
    assert run.metrics["test"]["operating_points"]["recall"]["threshold"] == point["threshold"]


@pytest.mark.slow
def test_a_finished_run_is_never_overwritten_and_another_split_needs_its_own_folder(cubes, out):
    before = (out / "flat/predictions.csv").read_bytes()
    with pytest.raises(RunError, match=re.escape(f"{out / 'flat'}: this run is finished and has the same settings.")):
        archnet.run(experiment_on(cubes, NET_2D), out=out)
    message = f'{out}: contains a different experiment: split.by "group" -> "candidate".'
    with pytest.raises(RunError, match=re.escape(message)):
        archnet.run(experiment_on(cubes, {**NET_3D, "name": "new"}, split={"by": "candidate"}), out=out)
    assert (out / "flat/predictions.csv").read_bytes() == before
    seeded = archnet.run(experiment_on(cubes, NET_2D, training={"seed": 1}), out=out)
    assert seeded.folder.name == "flat-seed1"
    assert (seeded.folder / "predictions.csv").read_bytes() != before


@pytest.mark.slow
def test_an_empty_test_set_is_absent_from_the_metrics(cubes, tmp_path):
    run = archnet.run(experiment_on(cubes, NET_2D, split={"test": 0, "validation": 0.3}), out=tmp_path / "out")
    assert {"train", "validation"} <= set(run.metrics)
    assert "test" not in run.metrics


@pytest.mark.slow
def test_a_training_that_diverges_in_its_last_step_does_not_finish(cubes, tmp_path):
    training = {"optimizer": "sgd", "learning_rate": 1e6, "l2": 1e6, "epochs": 1, "batch_size": 64}
    message = (
        "the trained network's probabilities are nan: training has diverged. Lower training.learning_rate, or set "
        "training.clip_norm to 1."
    )
    *layers, classes = NET_3D["layers"]
    network = {**NET_3D, "layers": [*layers, *[{"type": "FC", "num_output": 4}] * 2, classes]}
    experiment = experiment_on(cubes, network, training=training, split={"validation": 0})
    with pytest.raises(RunError, match=f"^{re.escape(message)}$"):
        archnet.run(experiment, out=tmp_path / "out")
    assert not list(tmp_path.glob("out/*/predictions.csv"))


def test_a_3d_network_on_slices_is_refused_before_anything_is_written(tmp_path):
    path = tmp_path / "flat.npz"
    np.savez(path, x=np.zeros((20, 8, 8), np.uint8), y=np.arange(20) % 2)
    with pytest.raises(ArchnetError, match="a 3D network needs volumes"):
        archnet.run(experiment_on(path, NET_3D), out=tmp_path / "out")
    assert not (tmp_path / "out").exists()


def written(tmp_path, net):
    path = tmp_path / f"{net['name']}.json"
    path.write_text(json.dumps(net))
    return str(path)


@pytest.mark.slow
def test_the_command_line_runs_compares_and_reports(cubes, tmp_path):
    archs = [written(tmp_path, NET_2D), written(tmp_path, NET_3D)]
    out = tmp_path / "out"
    result = invoked(
        "run", *archs, "--data", f"npz:{cubes}", "--out", out, "--set", "training.epochs=2", "--seed", 3, "--json"
    )
    assert result.exit_code == 0, result.output
    told = json.loads(result.stdout)
    assert [run["folder"] for run in told] == [str(out / "flat-seed3"), str(out / "deep-seed3")]
    compared = json.loads(invoked("compare", out, "--json").stdout)
    assert [row["run"] for row in compared["runs"]] == ["flat-seed3", "deep-seed3"]
    assert "recall" in invoked("compare", out).stdout
    metrics = (out / "flat-seed3/metrics.json").read_text()
    (out / "flat-seed3/report.html").unlink()
    assert invoked("report", out / "flat-seed3").exit_code == 0
    assert (out / "flat-seed3/report.html").is_file()
    assert (out / "flat-seed3/metrics.json").read_text() == metrics


@pytest.mark.slow
def test_a_run_that_was_ended_before_its_report_was_drawn_gets_it_on_resume(cubes, out):
    model = (out / "flat/model.keras").stat().st_mtime_ns
    (out / "flat/report.html").unlink()
    archnet.run_all(archnet.load_experiments(experiment_on(cubes, NET_2D)), out=out, resume=True)
    assert (out / "flat/report.html").is_file()
    assert (out / "flat/model.keras").stat().st_mtime_ns == model


@pytest.mark.slow
def test_the_command_line_ends_with_a_confusion_matrix_a_recall_and_pictures(cubes, tmp_path):
    out = tmp_path / "out"
    words = ("run", written(tmp_path, NET_2D), "--data", f"npz:{cubes}", "--out", out, "--set", "training.epochs=2")
    result = invoked(*words)
    assert result.exit_code == 0, result.output
    for words in ("Confusion matrix, test set", "recall", "Classification report", "accuracy", "Error", str(out)):
        assert words in result.stdout
    pictures = {path.name for path in (out / "flat/figures").iterdir()}
    assert {"confusion_matrix_test.svg", "training_curves.svg", "roc.svg", "samples.svg"} <= pictures


@pytest.mark.slow
def test_a_case_is_drawn_with_its_augmentations(cubes, tmp_path):
    picture = tmp_path / "case.png"
    result = invoked("data", "info", f"npz:{cubes}", "--picture", "first", "--out", picture, "--json")
    assert result.exit_code == 0, result.output
    assert json.loads(result.stdout)["classes"] == {"0": 30, "1": 30}
    assert picture.read_bytes().startswith(b"\x89PNG")


@pytest.mark.long
def test_a_phantom_runs_through_the_luna16_code(tmp_path):
    folder = tmp_path / "phantom"
    assert invoked("data", "phantom", "--out", folder, "--scans", 8, "--candidates", 10).exit_code == 0
    result = invoked(
        "run", written(tmp_path, NET_3D), "--data", "luna16", "--root", folder, "--out", tmp_path / "out",
        "--set", "training.epochs=1", "--set", "data.crop_size=[32, 32, 6]",
    )  # fmt: skip
    assert result.exit_code == 0, result.output
    metrics = json.loads((tmp_path / "out/deep/metrics.json").read_text())
    assert metrics["positive"] == "nodule"
    assert sum(metrics[name]["n"] for name in ("train", "validation", "test")) == 80


@pytest.mark.slow
def test_real_ct_in_class_folders_runs_through_mosmed(real_data, tmp_path):
    import SimpleITK

    generator = np.random.default_rng(0)
    for name, scan in (("CT-0", "lung1"), ("CT-23", "lung2")):
        image = SimpleITK.ReadImage(real_data / "ct" / f"{scan}_image.nrrd")[::2, ::2, :]  # half as fine is as real
        (tmp_path / "scans" / name).mkdir(parents=True)
        for number in range(3):
            noisy = SimpleITK.GetArrayFromImage(image) + generator.normal(0, 30, image.GetSize()[::-1])
            copy = SimpleITK.GetImageFromArray(noisy.astype(np.int16))
            copy.CopyInformation(image)
            SimpleITK.WriteImage(copy, tmp_path / "scans" / name / f"study_{number}.nii.gz")
    result = invoked(
        "run", ROOT / "archs/ct3d.json", "--data", "mosmed", "--root", tmp_path / "scans", "--out", tmp_path / "out",
        "--set", "training.epochs=1", "--set", "training.batch_size=2", "--allow", "near_duplicates",
        "--set", "data.crop_size=[64,64,48]",
    )  # fmt: skip
    assert result.exit_code == 0, result.output
    metrics = json.loads((tmp_path / "out/ct3d/metrics.json").read_text())
    assert metrics["classes"] == ["CT-0", "CT-23"]
    assert metrics["positive"] == "CT-23"
    assert metrics["parameters"] == 1_352_897


@pytest.mark.slow
def test_copies_count_as_samples_and_views_as_predictions_and_any_file_name_makes_a_model(cubes, tmp_path):
    path = tmp_path / "my arch (1).json"
    path.write_text(json.dumps(NET_2D["layers"]))
    copies = {"augmentation": [{"type": "rotated_copies", "of": "all"}]}
    experiment = experiment_on(cubes, str(path), training=copies, evaluation={"tta": True})
    run = archnet.run(experiment, out=tmp_path / "out")
    assert run.folder.name == "my-arch-1"
    costs = {"views": 4, "macs": 4 * json.loads((run.folder / "network.json").read_text())["macs"]}
    assert costs.items() <= run.metrics.items()
    num_train = run.metrics["train"]["n"]
    assert {row["cases"] for row in rows_of(run.folder / "history.csv")} == {str(4 * num_train)}
    seen = run.metrics["samples_per_second"] * run.metrics["train_seconds"]
    assert seen == pytest.approx(4 * 4 * num_train)
    (run.folder / "metrics.json").unlink()
    archnet.write_report(run.folder, repair=True)
    assert costs.items() <= json.loads((run.folder / "metrics.json").read_text()).items()


def test_a_run_of_another_experiment_is_not_skipped_as_finished(cubes, finished_runs, tmp_path):
    shutil.copytree(finished_runs / "out/flat", tmp_path / "out/flat")
    for options, difference in (
        ({"split": {"seed": 7}}, "split.seed 42 -> 7"),
        ({"evaluation": {"threshold": 0.4}}, "evaluation.threshold 0.5 -> 0.4"),
        ({"data": {"name": "npz", "root": str(cubes), "positive": "0"}}, 'data.positive null -> "0"'),
    ):
        message = (
            f"{tmp_path / 'out/flat'}: holds a run with different settings: {difference}. Choose a different folder with "
            "--out, or replace its runs with --overwrite."
        )
        with pytest.raises(RunError, match=f"^{re.escape(message)}$"):
            archnet.run(experiment_on(cubes, NET_2D, **options), out=tmp_path / "out", resume=True)


def test_a_finished_run_on_other_cases_than_its_folder_is_refused(cubes, out):
    split = out / "split.csv"
    split.write_text(split.read_text().replace("train", "test", 1))
    message = (
        f"{out / 'flat/split.csv'}: lists different cases or sets than {split}, so this run belongs to another "
        "experiment. Remove its folder to run it again, or choose a different folder with --out."
    )
    with pytest.raises(RunError, match=f"^{re.escape(message)}$"):
        archnet.run_all(experiment_on(cubes, NET_2D, NET_3D), out=out, resume=True)
