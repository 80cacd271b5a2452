"""The cautions of a comparison, the most serious first."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from archnet.errors import pluralize
from archnet.evaluation.comparison.baseline_findings import BaselineFinding
from archnet.evaluation.comparison.comparison import Comparison
from archnet.evaluation.comparison.leaks import Leak
from archnet.evaluation.comparison.matched_recall import RECALL_AT_EQUAL_FALSE_POSITIVE_RATE
from archnet.evaluation.comparison.network_form import is_network
from archnet.evaluation.comparison.validation_rate import MIN_VALIDATION_OTHERS, fewest_others
from archnet.evaluation.comparison.verdict_kind import is_sure
from archnet.report.integrity_wording import comparison_integrity_texts
from archnet.report.sentences.amounts import MACRO_RECALL
from archnet.report.sentences.run_cautions import (
    OPTIMISTIC_VALIDATION,
    allowed_errors_text,
    chance_text,
    collapse_text,
    few_groups_text,
)
from archnet.report.wording import SET_NAMES, decimals, signed_bounds, word_list


def comparison_cautions(comparison: Comparison) -> list[str]:
    """The cautions about the verdict, the most serious first; may be empty."""
    return [
        *(f"{name}: {collapse_text(entry)}" for name, entry in comparison.collapsed.items()),
        *_chance_cautions(comparison),
        *_auc_cautions(comparison),
        *(_leak_text(name, leak, comparison.set) for name, leak in comparison.leaks.items()),
        *([f"There is no common test set. {OPTIMISTIC_VALIDATION}"] if comparison.set == "validation" else []),
        *([allowed_errors_text(comparison.allowed_errors)] if comparison.allowed_errors else []),
        *_baseline_cautions(comparison),
        *_validation_cautions(comparison),
        *comparison_integrity_texts(comparison.manifests),
        *few_groups_text(_num_groups(comparison)),
        *_seed_cautions(comparison),
    ]


def _num_groups(comparison: Comparison) -> int:
    return len(set(comparison.pools[0].predictions_by_seed[0].groups.tolist()))


def _chance_cautions(comparison: Comparison) -> Iterator[str]:
    """A sentence for each run that is not shown to be better than chance, except collapsed runs."""
    for side in comparison.verdict.sides:
        if side.is_better_than_chance is False and side.run not in comparison.collapsed and side.auc is not None:
            yield f"{side.run}: {chance_text(side.auc, side.auc_interval)}"


def _leak_text(name: str, leak: Leak, set_name: str) -> str:
    if leak.num_shared:
        return (
            f"{name}: {leak.num_shared:,} of {pluralize(leak.num_groups, f'{SET_NAMES[set_name]} group')} (scans or "
            f"patients) also {'has' if leak.num_shared == 1 else 'have'} cases in the training set, so its results are "
            "optimistic."
        )
    return f"{name}: a split by candidate may put neighbours of cases into the training set, so results are optimistic."


def _baseline_cautions(comparison: Comparison) -> Iterator[str]:
    """A sentence for each network that is not shown to be better than a baseline."""
    for row in comparison.rows:
        findings = [finding for finding in comparison.baseline_findings if finding.network == row.run]
        better, equal = ([one for one in findings if one.is_better is is_better] for is_better in (True, False))
        relations = [
            *([f"worse than {_baselines_text(better)}"] if better else []),
            *([f"not shown to be better than {_baselines_text(equal)}"] if equal else []),
        ]
        if findings:
            yield f"{row.run} (AUC {decimals(findings[0].network_auc)}) is {', and '.join(relations)}."


def _baselines_text(findings: Sequence[BaselineFinding]) -> str:
    """The baselines with their AUC and its difference from the network's."""
    noun = "baseline" if len(findings) == 1 else "baselines"
    return f"the {noun} {word_list([_baseline_text(finding) for finding in findings])}"


def _baseline_text(finding: BaselineFinding) -> str:
    interval = f"; 95% CI of the difference {signed_bounds(finding.interval)}" if finding.interval else ""
    return f"{finding.baseline} (AUC {decimals(finding.baseline_auc)}{interval})"


def _validation_cautions(comparison: Comparison) -> list[str]:
    """A sentence if validation sets are too small to fix the false-positive rate; empty without validation sets."""
    parts = [part for pool in comparison.pools for parts in pool.validation_by_seed for part in parts]
    if comparison.set == "validation" or not all(len(part.y_true) for part in parts):
        return []
    num_others = fewest_others(parts, comparison.classes.index(comparison.positive))
    is_matched = any(pair.headline == RECALL_AT_EQUAL_FALSE_POSITIVE_RATE for pair in comparison.pairs)
    if not is_matched or num_others >= MIN_VALIDATION_OTHERS:
        return []
    subject = "A validation set" if any(pool.folds for pool in comparison.pools) else "The validation set"
    cases = f"{pluralize(num_others, 'case')} other than “{comparison.positive}”"
    return [
        f"{subject} has only {cases}, too few to fix a false-positive rate (at least {MIN_VALIDATION_OTHERS} "
        "are needed). Recalls are instead compared at equal false-positive rates in the "
        f"{SET_NAMES[comparison.set]} set, averaged over both networks' operating points."
    ]


def _seed_cautions(comparison: Comparison) -> list[str]:
    networks = [row for row in comparison.rows if is_network(row.form)]
    single = [row.run for row in networks if len(row.seeds) == 1]
    if not single or not comparison.pairs:
        return []
    if len(single) == len(networks):
        subject = "Each network has one training seed"
    else:
        subject = (
            f"{word_list(single)} {'has one training seed' if len(single) == 1 else 'have one training seed each'}"
        )
    return [f"{subject}: another seed may give a different result, and the intervals do not include this."]


def _auc_cautions(comparison: Comparison) -> Iterator[str]:
    """A sentence if the AUC leads to a different conclusion than the verdict."""
    result = comparison.verdict
    main = result.main_conclusion
    if main is None or main.kind in ("not_comparable", "neither_better_than_chance"):
        return
    pair = next(pair for pair in comparison.pairs if pair.other == main.other)
    entry = pair.differences["auc"]
    if not is_sure(entry) or main.kind == ("other_better" if entry["difference"] > 0 else "reference_better"):
        return
    names = [(main.other, entry["other"]), (main.reference, entry["reference"])]
    (better, high), (worse, low) = sorted(names, key=lambda name: -name[1])
    rest = "the macro recall" if main.measure == MACRO_RECALL else "the recall at one false-positive rate"
    area = "macro AUC" if result.num_classes > 2 else "AUC"
    yield (
        f"By {area}, {better} is better than {worse}: {decimals(high)} against {decimals(low)} (95% CI of the "
        f"difference {signed_bounds(entry['interval'])}). The verdict compares {rest}."
    )
