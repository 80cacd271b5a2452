"""Answers of a run about its results: measures, statistics, performance, failures, record."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from archnet.errors import pluralize
from archnet.evaluation.confusion import detection_counts
from archnet.evaluation.metric_entry import macro_estimate
from archnet.report.paper.run_facts import options
from archnet.report.run_files import RunFiles
from archnet.report.sentences.run_cautions import cautions, collapse_text
from archnet.report.sentences.run_headline import headline
from archnet.report.strata.strata_wording import column_label, stratum_label
from archnet.report.wording import (
    SET_NAMES,
    bounds,
    calibration_error,
    count,
    decimals,
    percent,
    reported_set,
    short_case,
)
from archnet.spec.metrics import EVALUATED_METRICS, METRICS

_NUM_FAILURES = 3
"""Maximum number of incorrect cases that are named."""


def measures(run: RunFiles) -> str:
    """The reported measures, and the classes that they refer to."""
    names = ", ".join(METRICS[name].full_label for name in EVALUATED_METRICS)
    if len(run.classes) == 2:
        return f"Measures for “{run.classes[run.positive]}”: {names}; calibration error, Brier score and net benefit."
    return f"Measures as means over the classes (macro) and for each class: {names}; calibration error and Brier score."


def statistics(run: RunFiles) -> str:
    """The computation of intervals, with citations."""
    resamples = options(run, "evaluation").get("bootstraps", 1000)
    return (
        "All 95% intervals allow for cases that share a group (patient or scan). Recall, precision, specificity and "
        "accuracy have Wilson's score interval (Wilson 1927, doi:10.1080/01621459.1927.10502953) with the number of "
        "cases divided by the design effect of the groups (Rao and Scott 1992, doi:10.2307/2532311). The AUC has "
        "Obuchowski's standard error for clustered data (Obuchowski 1997, doi:10.2307/2533958) on the logit scale. "
        f"Other measures and means over classes have the standard error of {count(resamples)} bootstrap resamples of "
        "groups, on the logit scale (MCC: Fisher's z). All use Student's t with g - 1 degrees of freedom for g "
        "groups."
    )


def clusters(run: RunFiles) -> str:
    """The handling of clusters."""
    return (
        "Intervals allow for the correlation of cases of one patient or scan. Hospitals are known only where cases.csv "
        "lists them."
    )


def strata(run: RunFiles) -> str:
    """Results by attribute of the cases."""
    entry = run.metrics.get("strata", {})
    return " ".join(_strata_text(column, entry["measure"]) for column in entry.get("columns", []))


def _strata_text(column: Mapping[str, Any], measure: str) -> str:
    texts = []
    for stratum in column["strata"]:
        (result,) = stratum["networks"]
        interval = result["intervals"].get(measure)
        number = percent(result.get(measure)) + (
            f" ({percent(interval[0])} to {percent(interval[1])})" if interval else ""
        )
        texts.append(f"{stratum_label(column['name'], stratum['name'])} {number}")
    return f"{measure.capitalize()} by {column_label(column['name'])}: {'; '.join(texts)}."


def explainability(run: RunFiles) -> str:
    """Heat maps of the cases stored in the run."""
    if run.heat_maps is None:
        return ""
    cases = pluralize(len(run.heat_maps.cases), "case")
    return f"Grad-CAM heat maps (Selvaraju et al. 2017, doi:10.1109/ICCV.2017.74) of {cases}, on the run's page."


def internal_testing(run: RunFiles) -> str:
    """The main measures in every set."""
    texts = []
    for name in reversed(run.sets):
        values = (f"{_label(run, key)} {_estimate(run, name, key)}" for key in ("auc", "recall", "accuracy"))
        texts.append(f"{SET_NAMES[name]}: {', '.join(values)}")
    return f"With 95% intervals. {'; '.join(texts)}."


def performance(run: RunFiles) -> str:
    """The headline and every measure of the reported set."""
    name = reported_set(run.sets)
    values = ", ".join(f"{_label(run, key)} {_estimate(run, name, key)}" for key in EVALUATED_METRICS)
    return f"{headline(run)} {SET_NAMES[name].capitalize()} set, with 95% intervals: {values}."


def _label(run: RunFiles, key: str) -> str:
    return METRICS[key].label if len(run.classes) == 2 else METRICS[key].macro_label


def _estimate(run: RunFiles, name: str, key: str) -> str:
    value, interval = macro_estimate(run.metrics[name], key)
    return decimals(value) + (f" ({bounds(interval)})" if interval else "")


def cross_tabulation(run: RunFiles) -> str:
    """The confusion matrix of the reported set."""
    name = reported_set(run.sets)
    matrix = run.metrics[name]["confusion_matrix"]
    rows = [f"true {truth}: {_row_text(run, row)}" for truth, row in zip(run.classes, matrix, strict=True)]
    return f"{SET_NAMES[name].capitalize()} set. {'; '.join(rows)}."


def _row_text(run: RunFiles, row: Sequence[int]) -> str:
    return ", ".join(f"{count(n)} predicted as {guess}" for n, guess in zip(row, run.classes, strict=True))


def calibration(run: RunFiles) -> str:
    """Brier score, calibration error, slope and intercept of the reported set."""
    entry = run.metrics[reported_set(run.sets)]
    values = entry.get("calibration")
    if values is None:
        return ""
    slope, decision = "", entry.get("decision")
    if decision:
        numbers = [decision[f"calibration_{part}"]["value"] for part in ("slope", "intercept")]
        slope = f", calibration slope {decimals(numbers[0])}, intercept {decimals(numbers[1])}"
    labels = " (both against the soft labels)" if values.get("labels") == "soft" else ""
    return f"Brier score {decimals(values['brier'])}, calibration error {calibration_error(values)}{labels}{slope}."


def updating(run: RunFiles) -> str:
    """Temperature scaling on the validation set, if there was one."""
    scaled = (run.metrics[reported_set(run.sets)].get("calibration") or {}).get("scaled")
    if scaled is None:
        return "None: the model was not updated after training."
    return (
        f"The model was not updated. As a supplement, a temperature of {scaled['temperature']:.3f} fitted on the "
        f"validation set gives a Brier score of {decimals(scaled['brier'])} and a calibration error of "
        f"{calibration_error(scaled)}."
    )


def failures(run: RunFiles) -> str:
    """The numbers of incorrect cases by type of error, and the most confident errors by name."""
    name = reported_set(run.sets)
    entry, part = run.metrics[name], run.predictions.select(name)
    predicted = part.predicted_classes(positive=run.positive, threshold=entry.get("threshold"))
    wrong = np.flatnonzero(predicted != part.y_true)
    confidence = part.probabilities[wrong, predicted[wrong]]
    worst = wrong[np.argsort(-confidence, kind="stable")][:_NUM_FAILURES]
    named = [f"{short_case(part.cases[row])} (true {run.classes[part.y_true[row]]})" for row in worst.tolist()]
    most = f" Most confidently wrong: {', '.join(named)}." if named else ""
    collapsed = f" {collapse_text(run.metrics['collapsed'])}" if "collapsed" in run.metrics else ""
    return f"{_errors_text(run, name, len(wrong))}{most}{collapsed}"


def _errors_text(run: RunFiles, name: str, num_wrong: int) -> str:
    entry = run.metrics[name]
    text = f"{count(num_wrong)} of {count(entry['n'])} {SET_NAMES[name]} cases are classified incorrectly"
    if len(run.classes) != 2:
        return f"{text}."
    counts = detection_counts(entry["confusion_matrix"], run.positive)
    missed = counts["positives"] - counts["true_positives"]
    return f"{text}: {pluralize(missed, 'false negative')}, {pluralize(counts['false_positives'], 'false positive')}."


def limitations(run: RunFiles) -> str:
    """The cautions of the run."""
    texts = cautions(run)
    return " ".join([*texts, "A single training with one seed on one split of the data."])


def record(run: RunFiles) -> str:
    """The record of all settings."""
    return (
        "All settings are in experiment.json in the run folder; `archnet run` repeats the run from this file."
        if run.experiment
        else ""
    )


def audit(run: RunFiles) -> str:
    """Stored results, and the detection of changes."""
    recorded = " manifest.json has the SHA-256 of every file, and lists edits." if run.manifest is not None else ""
    return f"The probabilities of every case are in predictions.csv, from which all results are recomputed.{recorded}"
