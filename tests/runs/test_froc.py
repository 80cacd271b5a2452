"""FROC of a run: its submission gives what `archnet froc` gives, and the report draws it."""

import csv
import json
import logging
import re
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

import archnet
from archnet.api.experiments import load_experiments
from archnet.cli import app
from archnet.data import open_dataset
from archnet.errors import DataError
from archnet.evaluation.comparison.comparison import compare
from archnet.evaluation.froc.paired_froc import froc_differences, sample_froc
from archnet.evaluation.integrity.manifest import record_run
from archnet.evaluation.predictions import Predictions, write_predictions
from archnet.report.html.comparison_page import write_comparison
from archnet.report.html.run_page import write_report
from archnet.report.run_files import read_run
from archnet.runs.comparison import read_pool_hits, write_comparison_with_froc
from archnet.runs.froc import recompute_run_froc, write_run_froc
from archnet.runs.rereport import regenerate_reports
from pages import page_of
from plain_training import PLAIN
from synthetic_runs import write_run

pytestmark = pytest.mark.slow

NET = {
    "name": "flat",
    "layers": [
        {"type": "C", "num_output": 2, "kernel_size": [3, 3], "activation": "relu"},
        {"type": "GAP"},
        {"type": "T"},
    ],
}
LISTS = ("annotations.csv", "annotations_excluded.csv")


@pytest.fixture(scope="module")
def phantom(luna16_phantom, tmp_path_factory):
    """A small phantom in LUNA16's layout, one of its nodules without a candidate."""
    root = Path(shutil.copytree(luna16_phantom, tmp_path_factory.mktemp("phantom") / "root"))
    path = root / "annotations.csv"
    uid = path.read_text().splitlines()[1].split(",")[0]
    path.write_text(path.read_text() + f"{uid},900,900,900,6\n")
    return root


def experiment_on(root, **evaluation):
    document = {"archs": [NET], "data": {"name": "luna16", "root": str(root), "crop_size": [16, 16, 4]},
                "training": {**PLAIN, "epochs": 1, "batch_size": 16}, "split": {"test": 0.5, "validation": 0},
                "evaluation": {"keep_all_candidates": True, "bootstraps": 100, **evaluation}}  # fmt: skip
    return load_experiments(document)[0]


def predictions_on(experiment, num_test=40):
    """The first cases are of the test set; the scores know a little of the truth."""
    cases = open_dataset(experiment.data).cases
    scores = np.random.default_rng(0).random(len(cases.ids)) * 0.6 + 0.3 * cases.labels
    return Predictions(
        cases=cases.ids,
        groups=np.full(len(cases.ids), "one patient"),
        sets=np.where(np.arange(len(cases.ids)) < num_test, "test", "train"),
        y_true=cases.labels,
        probabilities=np.stack([1 - scores, scores], axis=1),
        classes=cases.classes,
    )


def official(submission, root, series):
    """What the command says of a submission and the data set's own lists."""
    lists = ["--annotations", root / LISTS[0], "--excluded", root / LISTS[1], "--series", series]
    result = CliRunner().invoke(app, ["froc", *map(str, [submission, *lists, "--bootstraps", 100, "--json"])])
    assert result.exit_code == 0, result.output
    return {key: value for key, value in json.loads(result.stdout).items() if key != "num_training_scans_left_out"}


def cpm_text(froc):
    """The CPM as alternative texts state it."""
    low, high = froc["intervals"]["cpm"]
    return f"CPM {froc['cpm']:.3f} (95% CI {low:.3f} to {high:.3f})"


def test_a_run_that_keeps_all_candidates_has_the_froc_that_the_command_gives_for_its_submission(phantom, tmp_path):
    document = experiment_on(phantom).to_document()
    run = archnet.run(document, out=tmp_path / "out")
    with (run.folder / "split.csv").open() as stream:
        test = [row["case"].rpartition("#")[0] for row in csv.DictReader(stream) if row["set"] == "test"]
    (tmp_path / "series.csv").write_text("\n".join(sorted(set(test))))
    own_froc = {key: value for key, value in run.metrics["froc"].items() if key != "by_diameter"}
    assert own_froc == official(run.folder / "froc/submission.csv", phantom, tmp_path / "series.csv")
    assert run.metrics["froc"]["num_scans"] == len(set(test))
    assert run.metrics["froc"]["num_marks"] == len(test)
    own = official(run.folder / "froc/submission.csv", run.folder / "froc", run.folder / "froc/seriesuids.csv")
    assert own == own_froc
    assert (run.folder / "figures/froc.svg").exists()
    assert f"CPM, their mean {run.metrics['froc']['cpm']:.3f}" in page_of(run.folder).text


def test_reporting_again_evaluates_the_submission_with_the_probabilities_of_the_predictions(phantom, tmp_path):
    experiment = experiment_on(phantom)
    predictions = predictions_on(experiment)
    folder = write_run(tmp_path / "flat", predictions=predictions)
    (folder / "experiment.json").write_text(json.dumps(experiment.to_document()), encoding="utf-8")
    first = {"froc": write_run_froc(folder, predictions, experiment)["froc"]}
    metrics = json.loads((folder / "metrics.json").read_text(encoding="utf-8")) | first
    (folder / "metrics.json").write_text(json.dumps(metrics), encoding="utf-8")
    record_run(folder)
    regenerate_reports([folder])
    assert json.loads((folder / "metrics.json").read_text(encoding="utf-8"))["froc"] == first["froc"]

    write_predictions(
        folder / "predictions.csv", replace(predictions, probabilities=predictions.probabilities[:, ::-1])
    )
    (folder / "figures/froc.svg").unlink()
    record_run(folder)
    regenerate_reports([folder])
    again = json.loads((folder / "metrics.json").read_text(encoding="utf-8"))["froc"]
    assert [one["name"] for one in again.pop("by_diameter")] == ["6 to 8", "8 to 15"]
    assert again == official(folder / "froc/submission.csv", phantom, folder / "froc/seriesuids.csv")
    assert again["cpm"] < first["froc"]["cpm"]
    assert (folder / "figures/froc.svg").exists()
    assert f"CPM, their mean {again['cpm']:.3f}" in page_of(folder).text


def test_a_submission_of_other_cases_is_not_evaluated_again(phantom, tmp_path):
    experiment = experiment_on(phantom)
    predictions = predictions_on(experiment)
    write_run_froc(tmp_path, predictions, experiment)
    message = (
        f"{tmp_path / 'froc/submission.csv'}: its rows do not match the test cases of predictions.csv in order. "
        "Restore both files, or run the experiment again."
    )
    with pytest.raises(DataError, match=re.escape(message)):
        recompute_run_froc(tmp_path, predictions_on(experiment, num_test=39), 1, 0)


def test_scans_are_counted_by_series_though_they_are_of_one_patient(phantom, tmp_path):
    experiment = experiment_on(phantom)
    froc = write_run_froc(tmp_path, predictions_on(experiment, num_test=30), experiment)["froc"]
    assert (froc["num_scans"], froc["num_marks"]) == (3, 30)
    assert (tmp_path / "froc/seriesuids.csv").read_text().split() == [f"phantom-0-000{n}" for n in range(3)]


def test_a_nodule_without_a_candidate_is_missed_and_marks_on_excluded_findings_are_ignored(phantom, tmp_path):
    experiment = experiment_on(phantom)
    froc = write_run_froc(tmp_path, predictions_on(experiment), experiment)["froc"]
    assert froc["num_false_negatives"] == 1
    assert froc["num_ignored"] > 0
    assert froc["num_true_positives"] + froc["num_double"] + froc["num_false_positives"] + froc["num_ignored"] == 40


def test_the_submission_names_the_candidates_places_and_the_probability_of_a_nodule(phantom, tmp_path):
    experiment = experiment_on(phantom)
    predictions = predictions_on(experiment)
    write_run_froc(tmp_path, predictions, experiment)
    with (tmp_path / "froc/submission.csv").open() as stream, (phantom / "candidates.csv").open() as truth:
        for row, candidate, p in zip(
            csv.DictReader(stream), csv.DictReader(truth), predictions.probabilities, strict=False
        ):
            assert row["seriesuid"] == candidate["seriesuid"]
            assert [float(row[f"coord{axis}"]) for axis in "XYZ"] == [
                float(candidate[f"coord{axis}"]) for axis in "XYZ"
            ]
            assert float(row["probability"]) == p[1]


def test_without_all_candidates_or_without_a_test_set_there_is_no_froc(phantom, tmp_path):
    drawn, whole = experiment_on(phantom, keep_all_candidates=False), experiment_on(phantom)
    assert write_run_froc(tmp_path, predictions_on(drawn), drawn) == {}
    assert write_run_froc(tmp_path, predictions_on(whole, num_test=0), whole) == {}
    assert list(tmp_path.iterdir()) == []


def test_a_missing_list_is_reported_and_the_submission_is_kept(phantom, tmp_path, caplog):
    root = tmp_path / "root"
    shutil.copytree(phantom, root)
    (root / LISTS[1]).unlink()
    experiment = experiment_on(root)
    with caplog.at_level(logging.WARNING, logger="archnet"):
        assert write_run_froc(tmp_path / "run", predictions_on(experiment), experiment) == {}
    submission = tmp_path / "run/froc/submission.csv"
    assert caplog.messages == [
        f"no FROC: annotations_excluded.csv is not in {root}. LUNA16 publishes it with its evaluation script; copy it "
        f"there, or evaluate {submission} with `archnet froc`."
    ]
    assert len(submission.read_text().splitlines()) == 41


def test_a_comparison_draws_the_froc_curves_over_each_other(phantom, tmp_path):
    experiment = experiment_on(phantom)
    for name in ("flat", "deep"):
        folder = write_run(tmp_path / name)
        metrics = json.loads((folder / "metrics.json").read_text(encoding="utf-8"))
        metrics |= write_run_froc(folder, predictions_on(experiment), experiment)
        (folder / "metrics.json").write_text(json.dumps(metrics), encoding="utf-8")
        record_run(folder)
        write_report(read_run(folder))
    text = write_comparison(tmp_path, [tmp_path / "flat", tmp_path / "deep"]).read_text(encoding="utf-8")
    area = cpm_text(metrics["froc"])
    assert f'aria-label="FROC. flat: {area}; deep: {area}."' in text
    assert text.count('fill-opacity="0.16"') == 6  # of both networks in ROC, precision-recall and FROC


def fold_runs(folder, experiment, seed):
    """Two folds of one training, that divide the first 40 cases (4 scans) between them."""
    whole = predictions_on(experiment)
    scores = np.clip(whole.probabilities[:, 1] + np.random.default_rng(seed).normal(0, 0.2, len(whole.cases)), 0, 1)
    whole = replace(whole, probabilities=np.stack([1 - scores, scores], axis=1))
    for fold in (0, 1):
        inside = (np.arange(len(whole.cases)) < 40) & (np.arange(len(whole.cases)) // 10 % 2 == fold)
        predictions = replace(whole, sets=np.where(inside, "test", "train"))
        run = write_run(folder / f"flat-fold{fold}-seed{seed}", predictions=predictions, seed=seed, fold=fold)
        metrics = json.loads((run / "metrics.json").read_text(encoding="utf-8"))
        found = write_run_froc(run, predictions, experiment)
        (run / "metrics.json").write_text(json.dumps(metrics | found), encoding="utf-8")
        record_run(run)
    return whole


def test_folds_are_evaluated_together_on_all_their_scans(phantom, tmp_path):
    experiment = experiment_on(phantom, bootstraps=200)
    whole = fold_runs(tmp_path / "cv", experiment, 0)
    regenerate_reports([tmp_path / "cv"])
    (pooled,) = json.loads((tmp_path / "cv/comparison.json").read_text())["froc"]["flat"]["of_seeds"]
    assert pooled == write_run_froc(tmp_path / "at once", whole, experiment)["froc"]
    assert (pooled["num_scans"], pooled["num_marks"]) == (4, 40)
    together = tmp_path / "cv/together/flat"
    again = official(together / "froc/submission.csv", phantom, together / "froc/seriesuids.csv")
    assert again["cpm"] == pooled["cpm"]
    text = (tmp_path / "cv/report.html").read_text(encoding="utf-8")
    assert f'aria-label="FROC. flat: {cpm_text(pooled)}."' in text
    assert f"flat, CPM {pooled['cpm']:.3f}" in (together / "figures/froc.svg").read_text(encoding="utf-8")


def test_the_cpm_of_several_seeds_is_their_mean_next_to_the_spread(phantom, tmp_path):
    experiment = experiment_on(phantom)
    for seed in (0, 1):
        fold_runs(tmp_path / "cv", experiment, seed)
    regenerate_reports([tmp_path / "cv"])
    froc = json.loads((tmp_path / "cv/comparison.json").read_text())["froc"]["flat"]
    values = [one["cpm"] for one in froc["of_seeds"]]
    assert values[0] != values[1]
    assert (froc["cpm"], froc["spread"]) == (pytest.approx(np.mean(values)), pytest.approx(np.std(values, ddof=1)))
    text = (tmp_path / "cv/report.html").read_text(encoding="utf-8")
    first, second = map(cpm_text, froc["of_seeds"])
    assert f"flat, seed 0: {first}; flat, seed 1: {second}." in text
    low, high = froc["interval"]
    assert (low + high) / 2 == pytest.approx(np.mean(values))


def test_networks_are_compared_on_the_same_resamples_of_the_scans(phantom, tmp_path):
    experiment = experiment_on(phantom, bootstraps=50)
    folders = {name: tmp_path / "exp" / name for name in ("deep", "flat")}
    for k, folder in enumerate(folders.values()):
        predictions = predictions_on(experiment)
        noise = np.random.default_rng(k).normal(0, 0.2, len(predictions.cases))
        scores = np.clip(predictions.probabilities[:, 1] + noise, 0, 1)
        predictions = replace(predictions, probabilities=np.stack([1 - scores, scores], axis=1))
        write_run(folder, predictions=predictions)
        metrics = json.loads((folder / "metrics.json").read_text(encoding="utf-8"))
        metrics |= write_run_froc(folder, predictions, experiment)
        (folder / "metrics.json").write_text(json.dumps(metrics), encoding="utf-8")
        record_run(folder)
    page = write_comparison_with_froc(tmp_path / "exp", list(folders.values())).read_text(encoding="utf-8")
    froc = json.loads((tmp_path / "exp/comparison.json").read_text(encoding="utf-8"))["froc"]
    hits = [read_pool_hits(pool) for pool in compare(list(folders.values())).pools]
    samples = dict(zip(folders, (sample_froc(one.of_all, bootstraps=200) for one in hits), strict=True))
    assert froc["flat"]["difference"] == froc_differences("deep", samples)["flat"]
    entry = froc["flat"]["difference"]["cpm"]
    assert entry["difference"] == pytest.approx(froc["flat"]["cpm"] - froc["deep"]["cpm"])
    assert "difference" not in froc["deep"]
    strata = [froc[name]["of_seeds"][0]["by_diameter"] for name in folders]
    by_diameter = froc["flat"]["difference_by_diameter"]
    assert [(one["name"], one["is_small"]) for one in by_diameter] == [("6 to 8", True), ("8 to 15", True)]
    for deep, flat, found in zip(*strata, by_diameter, strict=True):
        assert found["cpm"]["difference"] == pytest.approx(flat["cpm"] - deep["cpm"])
        assert found["cpm"]["interval"] is None
    assert "Differences in CPM from deep on the same scans, by nodule diameter" in page
    assert "Differences in sensitivity from deep on the same scans" in page
