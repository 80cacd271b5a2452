import json
from dataclasses import replace

import numpy as np
import pytest

from archnet.versus.results.threshold_stability import Spread, threshold_stability
from synthetic_runs import edit, synthetic_predictions, write_run
from versus_folders import make_plan, seed_predictions, write_versus


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    folder = tmp_path_factory.mktemp("thresholds")
    plan = make_plan(folder, forms=("2d", "3d"), seeds=3)
    out = write_versus(folder / "out", plan, {"net": 2.0, "net_3d": 3.0})
    return sorted((out / "trials/000").glob("net*"))


@pytest.mark.slow
def test_each_seed_s_threshold_is_that_of_its_validation_set_and_its_rate_that_of_the_test_set(runs):
    stability = threshold_stability(runs, "test")
    thresholds = [
        json.loads((run / "metrics.json").read_text())["test"]["operating_points"]["mcc"]["threshold"] for run in runs
    ]
    rates = []
    for seed, threshold in enumerate(thresholds):
        test = seed_predictions(2.0, 10 * seed + len("net")).select("test")
        rates.append(np.mean(test.probabilities[test.y_true == 0, 1] >= threshold))
    assert stability.rule == "best MCC in validation"
    assert stability.thresholds == Spread(
        mean=pytest.approx(np.mean(thresholds)),
        low=min(thresholds),
        high=max(thresholds),
        deviation=pytest.approx(np.std(thresholds, ddof=1)),
    )
    assert stability.false_positive_rates.mean == pytest.approx(np.mean(rates))
    assert stability.false_positive_rates.deviation == pytest.approx(np.std(rates, ddof=1))


def test_the_folds_of_a_seed_have_the_mean_of_their_thresholds_and_the_rate_of_all_their_cases(tmp_path):
    whole, folders = synthetic_predictions(), []
    for fold, shift in enumerate((0.7, 1.2)):
        sets = np.where(whole.sets == "test", np.where(np.arange(600) % 3 == fold, "test", "train"), whole.sets)
        p = whole.probabilities[:, 1] ** shift
        part = replace(whole, sets=sets, probabilities=np.column_stack([1 - p, p]))
        folders.append(write_run(tmp_path / f"fold{fold}", fold=fold, predictions=part))
    entries = [
        json.loads((folder / "metrics.json").read_text())["test"]["operating_points"]["mcc"] for folder in folders
    ]
    negatives = [entry["confusion_matrix"][0] for entry in entries]
    rate, threshold = np.sum(negatives, axis=0)[1] / np.sum(negatives), np.mean([one["threshold"] for one in entries])
    stability = threshold_stability(folders, "test")
    assert stability.thresholds == Spread(mean=threshold, low=threshold, high=threshold, deviation=None)
    assert stability.false_positive_rates == Spread(mean=rate, low=rate, high=rate, deviation=None)


def test_two_seeds_have_a_standard_deviation():
    assert Spread.of([0.25, 0.75]) == Spread(mean=0.5, low=0.25, high=0.75, deviation=pytest.approx(0.5**1.5))


@pytest.mark.slow
def test_a_single_seed_has_no_deviation(runs):
    stability = threshold_stability(runs[:1], "test")
    assert stability.thresholds.deviation is None
    assert stability.thresholds.low == stability.thresholds.high


@pytest.mark.slow
def test_runs_without_chosen_thresholds_have_none(runs, tmp_path):
    import shutil

    run = shutil.copytree(runs[0], tmp_path / "net")
    metrics = json.loads((run / "metrics.json").read_text())
    del metrics["test"]["operating_points"]
    edit(run, "metrics.json", json.dumps(metrics))
    assert threshold_stability([run], "test") is None
