"""Intervals of means over seeds."""

from dataclasses import replace

import numpy as np
import pytest
from scipy import special, stats

from archnet.evaluation.comparison.comparison import compare
from archnet.evaluation.metric_entry import class_value
from metric_oracles import ORACLES
from synthetic_runs import synthetic_predictions, write_run

SKILLS = (1.5, 1.8, 1.6)


def seeds_of(folder, classes=("non-nodule", "nodule"), skills=SKILLS):
    whole = synthetic_predictions(classes)
    runs = []
    for seed, skill in enumerate(skills):
        scores = np.random.default_rng(seed).normal(size=whole.probabilities.shape)
        scores += skill * np.eye(len(classes))[whole.y_true]
        runs.append(replace(whole, probabilities=special.softmax(scores, axis=1)))
        write_run(folder / f"net-seed{seed}", classes=classes, seed=seed, predictions=runs[-1])
    return [run.select("test") for run in runs]


def slow_standard_error(values, samples, num_groups):
    """From each seed's number and its bootstrap samples (B, S): the cases' variance, and the seeds' beyond it."""
    scale = num_groups / (num_groups - 1)
    of_cases = scale * np.var(samples.mean(axis=1), ddof=1)
    deviations = samples - samples.mean(axis=1, keepdims=True)
    from_cases = scale * np.sum(np.var(deviations, axis=0, ddof=1)) / (samples.shape[1] - 1)
    of_seeds = max(0, np.var(values, ddof=1) - from_cases) / len(values)
    variance = of_cases + of_seeds
    degrees = variance**2 / (of_cases**2 / (num_groups - 1) + of_seeds**2 / (len(values) - 1))
    return np.sqrt(variance), degrees


@pytest.mark.slow
def test_the_mcc_has_students_interval_on_fishers_scale_over_groups_and_seeds(tmp_path):
    runs = seeds_of(tmp_path)
    (row,) = compare([tmp_path]).rows
    truth, groups = runs[0].y_true == 1, np.unique(runs[0].groups, return_inverse=True)[1]
    flags = [run.probabilities[:, 1] >= 0.5 for run in runs]
    values, samples = [ORACLES["mcc"](truth, one, None) for one in flags], []
    for draw in np.random.default_rng(0).integers(8, size=(200, 8)):
        rows = np.concatenate([np.flatnonzero(groups == group) for group in draw])
        samples.append([ORACLES["mcc"](truth[rows], one[rows], None) for one in flags])
    error, degrees = slow_standard_error(values, np.array(samples), len(np.unique(groups[truth])))
    half = stats.t.ppf(0.975, degrees) * error / (1 - np.mean(values) ** 2)
    expected = np.tanh(np.arctanh(np.mean(values)) + np.array([-half, half]))
    assert row.value("mcc", "nodule") == pytest.approx(np.mean(values))
    assert row.interval("mcc", "nodule") == pytest.approx(expected.tolist(), rel=1e-9)


@pytest.mark.slow
def test_the_accuracy_has_students_interval_on_the_logit_scale(tmp_path):
    runs = seeds_of(tmp_path)
    (row,) = compare([tmp_path]).rows
    groups = np.unique(runs[0].groups, return_inverse=True)[1]
    right = np.stack([(run.probabilities[:, 1] >= 0.5) == (run.y_true == 1) for run in runs], axis=1)
    means, num = right.mean(axis=0), len(groups)
    sums = np.array([(right[groups == k] - means).sum(axis=0) / num for k in range(8)]) * np.sqrt(8 / 7)
    of_cases = np.sum(sums.mean(axis=1) ** 2)
    from_cases = np.sum((sums - sums.mean(axis=1, keepdims=True)) ** 2) / 2
    of_seeds = max(0, means.var(ddof=1) - from_cases) / 3
    degrees = (of_cases + of_seeds) ** 2 / (of_cases**2 / 7 + of_seeds**2 / 2)
    half = stats.t.ppf(0.975, degrees) * np.sqrt(of_cases + of_seeds) / (means.mean() * (1 - means.mean()))
    expected = special.expit(special.logit(means.mean()) + np.array([-half, half]))
    assert row.interval("accuracy", "nodule") == pytest.approx(expected.tolist(), rel=1e-9)


def test_every_metric_of_several_seeds_has_an_interval_around_its_mean(tmp_path):
    seeds_of(tmp_path, classes=("a", "b", "c"), skills=(1.5, 1.8))
    (row,) = compare([tmp_path]).rows
    for name, entry in row.metrics["intervals"].items():
        for key in ("a", "b", "c"):
            low, high = class_value(entry, key)
            assert 0 < low < row.value(name, key) < high < 1, (name, key)
        if isinstance(entry, dict):
            assert entry["macro"][0] < row.metrics[name]["macro"] < entry["macro"][1]


def test_where_all_seeds_are_perfect_the_interval_is_that_of_one(tmp_path):
    runs = seeds_of(tmp_path, skills=(40, 40))
    (row,) = compare([tmp_path]).rows
    assert row.value("recall", "nodule") == 1
    assert row.interval("recall", "nodule") == row.of_seeds[0]["intervals"]["recall"]
    assert row.interval("mcc", "nodule") is None
    assert len(runs) == 2
