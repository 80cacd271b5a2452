"""The cautions of one run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from archnet.errors import pluralize
from archnet.evaluation.comparison.verdict import CHANCE
from archnet.evaluation.metric_entry import macro_estimate
from archnet.evaluation.run_folder import allowed_errors
from archnet.evaluation.uncertainty.few_groups import are_few
from archnet.report.integrity_wording import run_integrity_texts
from archnet.report.run_files import RunFiles
from archnet.report.wording import SET_NAMES, UNDEFINED, UNKNOWN, decimals, reported_set

OPTIMISTIC_VALIDATION = (
    "The validation set may have been used to select weights or to stop training, so these figures are optimistic."
)


def cautions(run: RunFiles) -> list[str]:
    """The cautions about the headline, the most serious first; may be empty."""
    name = reported_set(run.sets)
    return [
        *([collapse_text(run.metrics["collapsed"])] if "collapsed" in run.metrics else _chance_caution(run, name)),
        *_leakage_caution(run, name),
        *_set_caution(name),
        *_allowed_errors_caution(run),
        *run_integrity_texts(run.manifest),
        *_lost_scans_caution(run),
        *few_groups_text(len(set(run.predictions.select(name).groups.tolist()))),
    ]


def _set_caution(name: str) -> list[str]:
    """A sentence if there is no test set."""
    texts = {
        "validation": f"There is no test set. {OPTIMISTIC_VALIDATION}",
        "train": "There is neither a test nor a validation set: these figures are for the training cases.",
    }
    return [texts[name]] if name in texts else []


def _chance_caution(run: RunFiles, name: str) -> list[str]:
    """A sentence if the AUC (the macro AUC for more than two classes) is not shown to be better than chance."""
    metrics = run.metrics[name]
    auc = macro_estimate(metrics, "auc")
    is_shown = auc.interval[0] > CHANCE if auc.interval else auc.value is None or auc.value > CHANCE
    return [] if is_shown or auc.value is None else [chance_text(auc.value, auc.interval)]


def collapse_text(collapsed: Mapping[str, Any]) -> str:
    """Describe how a run has collapsed.

    >>> collapse_text({"reason": "one_class", "class": "nodule"})
    'Every case is predicted as “nodule”: no better than always saying “nodule”.'
    >>> collapse_text({"reason": "diverged", "losses": [0.7, 1234.5]})
    'Collapsed: the training loss grew from 0.7 to 1.23e+03. Lower the learning rate.'
    >>> collapse_text({"reason": "diverged", "losses": [0.7, None]})
    'Collapsed: the training loss grew from 0.7 to undefined. Lower the learning rate.'
    >>> collapse_text({"reason": "constant"})
    'Collapsed: every case has the same probabilities and is predicted as “–”.'

    Args:
        collapsed: The entry of `metrics.json`.
    """
    if collapsed["reason"] == "diverged":
        first, last = (UNDEFINED if loss is None else f"{loss:.3g}" for loss in collapsed.get("losses", (None, None)))
        return f"Collapsed: the training loss grew from {first} to {last}. Lower the learning rate."
    name = collapsed.get("class", UNKNOWN)
    if collapsed["reason"] == "constant":
        return f"Collapsed: every case has the same probabilities and is predicted as “{name}”."
    # Not called collapsed: the network may rank the cases well and only have a bad threshold.
    return f"Every case is predicted as “{name}”: no better than always saying “{name}”."


def chance_text(auc: float, interval: list[float] | None) -> str:
    """The sentence about a network that is not shown to be better than chance.

    >>> chance_text(0.52, [0.43, 0.61])
    'Not shown to be better than chance: AUC 0.520 (95% CI 0.430 to 0.610), where guessing gives 0.5.'
    """
    bounds = f" (95% CI {decimals(interval[0])} to {decimals(interval[1])})" if interval else ""
    return f"Not shown to be better than chance: AUC {decimals(auc)}{bounds}, where guessing gives 0.5."


def few_groups_text(num_groups: int) -> list[str]:
    """A sentence about results from few groups; empty if there are enough.

    >>> few_groups_text(7)
    ['The cases come from only 7 groups (scans or patients), so the results may not hold for other patients.']
    """
    if not are_few(num_groups):
        return []
    groups = pluralize(num_groups, "group")
    return [f"The cases come from only {groups} (scans or patients), so the results may not hold for other patients."]


def _allowed_errors_caution(run: RunFiles) -> list[str]:
    """A sentence if the data were used despite errors."""
    checks = allowed_errors(run.data)
    return [allowed_errors_text(checks)] if checks else []


def allowed_errors_text(checks: Sequence[str]) -> str:
    """The notice about data that were used despite errors.

    >>> allowed_errors_text(["near_duplicates"])
    'The data have an error that was allowed: near_duplicates. The results may be wrong; see the data checks.'
    >>> allowed_errors_text(["copies", "labels"])
    'The data have errors that were allowed: copies, labels. The results may be wrong; see the data checks.'
    """
    what = "an error that was allowed" if len(checks) == 1 else "errors that were allowed"
    return f"The data have {what}: {', '.join(checks)}. The results may be wrong; see the data checks."


def _lost_scans_caution(run: RunFiles) -> list[str]:
    """A sentence if scans could not be read."""
    unreadable_scans = (run.data or {}).get("lost", [])
    if not unreadable_scans:
        return []
    num_cases = sum(scan["num_cases"] for scan in unreadable_scans)
    cases, scans = pluralize(num_cases, "case"), pluralize(len(unreadable_scans), "scan")
    return [f"{cases} missing, because {scans} could not be read; see the data checks."]


def _leakage_caution(run: RunFiles, name: str) -> list[str]:
    """A sentence if training and evaluation share, or may share, scans or patients."""
    evaluated_groups = set(run.predictions.select(name).groups.tolist())
    training_groups = set(run.predictions.select("train").groups.tolist())
    shared = len(evaluated_groups & training_groups)
    if name != "train" and shared:
        return [
            f"{shared:,} of the {len(evaluated_groups):,} {SET_NAMES[name]} groups (scans or patients) also "
            f"{'has' if shared == 1 else 'have'} cases in the training set: the network has seen their neighbours, so "
            "these figures are optimistic."
        ]
    if name != "train" and _option(run, "split", "by") == "candidate":
        return [
            "The split is by candidate: the training set may hold neighbours of test cases, so figures are optimistic."
        ]
    return []


def _option(run: RunFiles, part: str, key: str) -> object:
    value = (run.experiment or {}).get(part)
    return value.get(key) if isinstance(value, dict) else None
