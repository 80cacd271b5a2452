"""The measurements of `interval_coverage.py`: each number of each cell in one replication, and its true value.

The functions of archnet are called as by the command line; if a name has moved, the older one is tried, so that one
script measures any version.
"""

from dataclasses import replace
from functools import cache
from types import SimpleNamespace

import numpy as np
from binormal import BETTER_SEPARATION, SEED_DEVIATION, SEPARATION, Setting, draw_cases, ideal_cases
from scipy.special import ndtr, ndtri

from archnet.evaluation.froc.curve import RATES, compute_froc
from archnet.evaluation.froc.hits import Findings, Marks, ReferenceStandard
from archnet.evaluation.metrics import evaluate

try:
    from archnet.evaluation.comparison import mean_intervals, paired, validation_rate
    from archnet.evaluation.comparison.trainings import Trainings, estimate_metrics
    from archnet.evaluation.uncertainty.seed_variance import difference_entry

    paired_tests = None
except ImportError:  # up to 0.2.0
    from archnet.evaluation import paired, paired_tests

    mean_intervals = None

NUM_QUANTILE_TRAININGS = 7
NUM_FURTHER_SEEDS = 25
EQUAL, BETTER = (SEPARATION, SEPARATION), (SEPARATION, BETTER_SEPARATION)
CANDIDATES_PER_SCAN, FOUND_SHARE, NODULES_PER_SCAN, SCAN_CORRELATION = 20, 0.95, 1.3, 0.3


def measure_run(cell, bootstraps, rng) -> dict:
    """All intervals of one run."""
    draw = draw_cases(_setting(cell), (SEPARATION,), 1, rng)
    entry = evaluate(draw.predictions(0), positive=1, bootstraps=bootstraps)["test"]
    return {"estimates": run_estimates(entry)}


def run_estimates(entry) -> dict:
    """Value and interval of each number of one set's entry in metrics.json."""
    intervals = entry["intervals"]
    estimates = {name: (entry[name], interval) for name, interval in intervals.items()}
    calibration = entry["calibration"]
    estimates |= {name: (calibration[name], interval) for name, interval in calibration["intervals"].items()}
    return estimates | _decision_estimates(entry.get("decision"))


def _decision_estimates(entry) -> dict:
    """Value and interval of each number of an entry `decision`; empty for a version without one."""
    if entry is None:
        return {}
    estimates = {name: _pair(entry[name]) for name in ("calibration_slope", "calibration_intercept")}
    for name in ("sensitivity_at_specificity", "specificity_at_sensitivity", "partial_auc"):
        estimates |= {f"{name} {next(iter(one.values())):g}": _pair(one) for one in entry[name]}
    for place, values in (("1%", entry["predictive_values"][0]), ("own", entry["predictive_values"][-1])):
        estimates |= {f"{name} at {place} prevalence": _pair(values[name]) for name in ("ppv", "npv")}
    curve = entry["decision_curve"]
    for percent in (5, 10, 20, 50):
        ends = [curve["low"][percent - 1], curve["high"][percent - 1]]
        value = curve["net_benefit"][percent - 1]
        estimates[f"net benefit at {percent}%"] = (value, None if None in ends else ends)
    return estimates


def _pair(entry) -> tuple:
    return entry["value"], entry["interval"]


@cache
def run_truth(prevalence, num_trainings) -> dict:
    """The true numbers of a run, or their mean over trainings."""
    draw = ideal_cases(prevalence, (SEPARATION,), NUM_QUANTILE_TRAININGS if num_trainings > 1 else 1)
    entries = [
        run_estimates(evaluate(draw.predictions(0, k), positive=1, bootstraps=0)["test"])
        for k in range(len(draw.scores[0]))
    ]
    return {name: float(np.mean([entry[name][0] for entry in entries])) for name in entries[0]}


def measure_pair(cell, bootstraps, rng) -> dict:
    """Differences between two equal networks and a better one, and the p values for the equal ones."""
    setting, trainings = _setting(cell), cell["seeds"]
    estimates, p_values = {}, {}
    for name, separations in (("equal", EQUAL), ("better", BETTER)):
        draw = draw_cases(setting, separations, trainings, rng)
        sides, truth = _sides(draw)
        differences = paired.paired_differences(*sides, truth, bootstraps=bootstraps)
        estimates |= {f"{name}.{key}": (e["difference"], e["interval"]) for key, e in differences.items()}
        if name == "equal":
            p_values = _p_values(differences) if paired_tests is None else _older_p_values(sides, truth)
            if trainings > 1:
                estimates |= _row_estimates(draw, bootstraps)
    return {"estimates": estimates, "p_values": p_values}


def _sides(draw, num_trainings=None):
    """The first trainings of each network, or all trainings, and the cases."""
    sides = [
        [
            paired.SeedPredictions(scores=_as_columns(scores), y_pred=(scores >= 0.5).astype(np.int64))
            for scores in draw.probabilities(network)[:num_trainings]
        ]
        for network in range(len(draw.scores))
    ]
    return sides, paired.Truth(y_true=draw.y_true, groups=draw.groups, num_classes=2, positive=1)


@cache
def difference_truth(prevalence, num_trainings, deviation=SEED_DEVIATION) -> dict:
    """The true differences."""
    truths = {}
    for name, separations in (("equal", EQUAL), ("better", BETTER)):
        trainings = NUM_QUANTILE_TRAININGS if num_trainings > 1 else 1
        sides, truth = _sides(ideal_cases(prevalence, separations, trainings, deviation=deviation))
        differences = paired.paired_differences(*sides, truth, bootstraps=0)
        truths |= {f"{name}.{key}": entry["difference"] for key, entry in differences.items()}
    return truths


@cache
def pair_truth(prevalence, num_trainings) -> dict:
    """The true differences, and the true numbers of a row."""
    truths = difference_truth(prevalence, num_trainings)
    rows = run_truth(prevalence, num_trainings) if num_trainings > 1 else {}
    return truths | {f"row.{name}": value for name, value in rows.items()}


def measure_versus(cell, bootstraps, rng) -> dict:
    """The differences of versus between networks with several seeds; half of the patients are in validation.

    The recall at equal validation false-positive rates is conditional on thresholds fixed in validation. Its true value
    follows from the same validation cases and many further seeds, and is subtracted, so that the truth is 0.
    """
    setting = replace(_setting(cell), patients=2 * cell["patients"])
    estimates, p_values = {}, {}
    for name, separations in (("equal", EQUAL), ("better", BETTER)):
        draw = draw_cases(setting, separations, cell["seeds"] + NUM_FURTHER_SEEDS, rng, cell["deviation"])
        validation, test = draw.divide(cell["patients"])
        sides, truth = _sides(test, cell["seeds"])
        differences = _versus_differences(sides, truth, bootstraps)
        estimates |= {f"{name}.{key}": (e["difference"], e["interval"]) for key, e in differences.items()}
        key = f"{name}.{validation_rate.RECALL_AT_VALIDATION_FALSE_POSITIVE_RATE}"
        estimates[key] = _versus_recall(validation, test, truth, cell["seeds"])
        if name == "equal":
            p_values = _p_values(differences)
    return {"estimates": estimates, "p_values": p_values}


def _versus_differences(sides, truth, bootstraps) -> dict:
    """AUC, recall and accuracy by formulas, and the recalls at equal rates by resamples, to save time."""
    trainings, num_reference = Trainings([*sides[0], *sides[1]], truth), len(sides[0])
    columns = estimate_metrics(trainings, ["auc", "recall", "accuracy"], bootstraps=0)
    numbers = {name: estimates[-1] for name, estimates in columns.items()}
    numbers |= paired.estimate_matched_recalls(trainings, num_reference, bootstraps)
    return {name: difference_entry(number, num_reference) for name, number in numbers.items()}


def _versus_recall(validation, test, truth, num_seeds) -> tuple:
    """The recall at equal validation false-positive rates minus its true value, and its interval."""
    runs = [
        [
            validation_rate.SeedRuns(
                scores=test.probabilities(network)[seed],
                run_of_case=np.zeros(len(test.y_true), np.int64),
                validation=[validation.predictions(network, seed)],
            )
            for seed in range(num_seeds)
        ]
        for network in (0, 1)
    ]
    entry = validation_rate.recall_at_validation_rate(runs, (0.5, 0.5), truth)
    if entry is None:
        return None, None
    reference, other = (
        _true_recall(validation, network, num_seeds, entry["false_positive_rate"]) for network in (0, 1)
    )
    shift = other - reference
    interval = entry["interval"] and [end - shift for end in entry["interval"]]
    return entry["difference"] - shift, interval


def _true_recall(validation, network, num_seeds, rate) -> float:
    """The mean recall of further seeds among all patients, at thresholds fixed in validation."""
    is_positive = validation.y_true == 1
    recalls = [
        ndtr(validation.separations[network] + shift - validation_rate.lowest_threshold(scores, is_positive, rate))
        for scores, shift in zip(
            validation.scores[network][num_seeds:], validation.shifts[network][num_seeds:], strict=True
        )
    ]
    return float(np.mean(recalls))


def _as_columns(scores):
    """The scores of each class with metrics of its own; up to 0.2.0 of the positive class alone."""
    return scores[:, None] if paired_tests is None else scores


def _p_values(differences) -> dict:
    """The p values of equal networks."""
    names = {"accuracy": "errors"}
    return {names.get(name, name): entry["p"] for name, entry in differences.items()}


def _older_p_values(sides, truth) -> dict:
    scores = [[training.scores for training in side] for side in sides]
    first, second = (side[0].y_pred == truth.y_true for side in sides)
    area = paired_tests.delong(*scores, truth.is_positive)
    return {"auc": area and area["p"], "errors": paired_tests.mcnemar(first, second)["p"]}


def _row_estimates(draw, bootstraps) -> dict:
    """The 95% intervals of a row of three trainings."""
    predictions = [draw.predictions(0, k) for k in range(len(draw.scores[0]))]
    entries = [evaluate(part, positive=1, bootstraps=0)["test"] for part in predictions]
    columns = {name: [entry[name] for entry in entries] for name in entries[0]["intervals"]}
    intervals = {name: None if None in values else [min(values), max(values)] for name, values in columns.items()}
    if mean_intervals is not None:
        pool = SimpleNamespace(predictions_by_seed=predictions, bootstraps=bootstraps)
        intervals = mean_intervals.mean_intervals(pool, 1, 0.5, entries[0]["intervals"])
    return {
        f"row.{name}": (None if None in values else float(np.mean(values)), intervals[name])
        for name, values in columns.items()
    }


def versus_truth(cell) -> dict:
    """The true differences; 0 for those from which the true value is subtracted."""
    truths = difference_truth(cell["prevalence"], cell["seeds"], cell["deviation"])
    key = validation_rate.RECALL_AT_VALIDATION_FALSE_POSITIVE_RATE
    return truths | {f"{name}.{key}": 0.0 for name in ("equal", "better")}


def measure_froc(cell, bootstraps, rng) -> dict:
    """CPM and the sensitivity at one false positive per scan."""
    scans = cell["patients"]
    nodules, candidates = (rng.poisson(rate, scans) for rate in (NODULES_PER_SCAN, CANDIDATES_PER_SCAN))
    scan_effect = rng.normal(size=scans) * np.sqrt(SCAN_CORRELATION)
    nodule_scans, candidate_scans = (np.repeat(np.arange(scans), counts) for counts in (nodules, candidates))
    found = rng.random(len(nodule_scans)) < FOUND_SHARE
    places = _places(len(nodule_scans), 0.0)
    marks_scans = np.concatenate([nodule_scans[found], candidate_scans])
    noise = rng.normal(size=len(marks_scans)) * np.sqrt(1 - SCAN_CORRELATION)
    scores = scan_effect[marks_scans] + noise
    scores[: found.sum()] += BETTER_SEPARATION
    names = np.arange(scans).astype(np.str_)
    froc = compute_froc(
        Marks(
            series=names[marks_scans].tolist(),
            points_mm=np.concatenate([places[found], _places(len(candidate_scans), 1e6)]),
            scores=scores,
        ),
        ReferenceStandard(
            series=names.tolist(),
            nodules=Findings(
                series=names[nodule_scans].tolist(), points_mm=places, diameters_mm=np.full(len(places), 5.0)
            ),
            excluded=Findings(series=[], points_mm=np.zeros((0, 3)), diameters_mm=np.zeros(0)),
        ),
        bootstraps=bootstraps,
    )
    at_one = RATES.index(1.0)
    return {
        "estimates": {
            "cpm": (froc.cpm, froc.cpm_interval),
            "sensitivity_at_1": (float(froc.sensitivities[at_one]), froc.intervals[at_one]),
        }
    }


def _places(count: int, offset: float) -> np.ndarray:
    """Points at large distances from each other."""
    return np.stack([np.arange(count) * 100.0 + offset, np.zeros(count), np.zeros(count)], axis=1)


def froc_truth() -> dict:
    thresholds = ndtri(1 - np.array(RATES) / CANDIDATES_PER_SCAN)
    sensitivities = FOUND_SHARE * ndtr(BETTER_SEPARATION - thresholds)
    return {"cpm": float(sensitivities.mean()), "sensitivity_at_1": float(sensitivities[RATES.index(1.0)])}


def measure_calibration(cell, bootstraps, rng) -> dict:
    """The calibration error of a calibrated network, and the expected error, if the version prints it."""
    draw = draw_cases(_setting(cell), (SEPARATION,), 1, rng)
    entry = evaluate(draw.predictions(0), positive=1, bootstraps=0)["test"]["calibration"]
    error, expected = entry["expected_calibration_error"], entry.get("error_if_calibrated")
    values = {"expected_calibration_error": error}
    if expected is not None:
        values["printed mean of a calibrated network"] = expected["mean"]
        values["share above the printed 95th percentile"] = float(error > expected["percentile_95"])
    return {"estimates": {name: (value, None) for name, value in values.items()}}


def _setting(cell) -> Setting:
    return Setting(**{key: cell[key] for key in ("patients", "cases", "correlation", "prevalence")})


MEASURES = {
    "run": (measure_run, lambda cell: run_truth(cell["prevalence"], 1)),
    "pair": (measure_pair, lambda cell: pair_truth(cell["prevalence"], cell["seeds"])),
    "versus": (measure_versus, versus_truth),
    "froc": (measure_froc, lambda cell: froc_truth()),
    "calibration": (measure_calibration, lambda cell: {}),
}
"""The measurements of one replication and the true values, for each kind of cell."""
