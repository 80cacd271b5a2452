"""The statistical methods of a comparison as sentences for a paper."""

from __future__ import annotations

from collections.abc import Sequence

from archnet.errors import pluralize
from archnet.evaluation.comparison.comparison import Comparison
from archnet.evaluation.comparison.paired_comparison import PairedComparison
from archnet.evaluation.comparison.validation_rate import RECALL_AT_VALIDATION_FALSE_POSITIVE_RATE
from archnet.report.comparison_wording import difference_names
from archnet.report.wording import SET_NAMES, count, word_list
from archnet.spec.metrics import METRICS


def comparison_statistics(comparison: Comparison, *, has_froc: bool) -> str:
    """Describe the comparison: pairs, standard errors, seeds, correction for multiple comparisons, margin.

    Args:
        comparison: The comparison.
        has_froc: Whether the FROC curves are compared as well.
    """
    if not comparison.pairs:
        return ""
    parts = [
        _pairs_text(comparison),
        _errors_text(comparison),
        _validation_text(comparison.pairs),
        _seeds_text(comparison),
        _holm_text(comparison),
        _margin_text(comparison.pairs),
        "The CPM and the sensitivities of FROC curves were compared on the same bootstrap resamples of test scans."
        if has_froc and comparison.set == "test"
        else "",
    ]
    return " ".join(filter(None, parts))


def _pairs_text(comparison: Comparison) -> str:
    cases = comparison.pools[0].predictions_by_seed[0]
    others = word_list([pair.other for pair in comparison.pairs])
    verb = "was" if len(comparison.pairs) == 1 else "were each"
    return (
        f"{others} {verb} compared with {comparison.pairs[0].reference} on the same "
        f"{pluralize(len(cases.cases), f'{SET_NAMES[comparison.set]} case')} of "
        f"{pluralize(len(set(cases.groups.tolist())), 'group')} (patients or scans)."
    )


def _errors_text(comparison: Comparison) -> str:
    """The methods for the standard errors of the differences."""
    num_classes, compared = len(comparison.classes), _compared_metrics(comparison.pairs)
    labels = {name: label for name, label in difference_names(num_classes).items() if name in compared}
    linear = [name for name in labels if name == RECALL_AT_VALIDATION_FALSE_POSITIVE_RATE or _is_proportion(name)]
    area = ["auc"] if num_classes == 2 and "auc" in labels else []
    rest = [name for name in labels if name not in linear and name not in area]
    bootstraps = count(comparison.pools[0].bootstraps)
    methods = (
        (linear, "linearization over groups (Rao and Scott 1992, doi:10.2307/2532311)"),
        (area, "Obuchowski's method for clustered, paired data (1997, doi:10.2307/2533958)"),
        (rest, f"{bootstraps} bootstrap resamples of groups"),
    )
    texts = [f"{method} for {word_list([labels[name] for name in names])}" for names, method in methods if names]
    return (
        "Differences are paired and allow for cases that share a group. Their standard errors come from "
        f"{'; from '.join(texts)}. Their 95% intervals and two-sided p values use Student's t."
    )


def _compared_metrics(pairs: Sequence[PairedComparison]) -> set[str]:
    """The metrics that at least one pair compares; a metric can be undefined for a single network."""
    return {name for pair in pairs for name in pair.differences}


def _is_proportion(name: str) -> bool:
    return name in METRICS and METRICS[name].proportion is not None


def _validation_text(pairs: Sequence[PairedComparison]) -> str:
    if RECALL_AT_VALIDATION_FALSE_POSITIVE_RATE not in _compared_metrics(pairs):
        return ""
    return (
        "For recall at equal false-positive rate in validation, both thresholds were fixed on the validation set, at "
        "the mean of the two rates there."
    )


def _seeds_text(comparison: Comparison) -> str:
    if all(len(row.seeds) < 2 for row in comparison.rows):
        return "Each network was trained with one seed, so the variance between seeds is not included."
    return (
        "Values are means over seeds; the variance between seeds is added to that between cases (Obuchowski and "
        "Rockette 1995, doi:10.1080/03610919508813243; Hillis 2014, doi:10.1002/sim.5926)."
    )


def _holm_text(comparison: Comparison) -> str:
    has_several = len(comparison.pairs) > 1
    families = [
        *(["over the networks"] if has_several else []),
        *([f"over the strata {'and networks ' * has_several}of each attribute"] if comparison.strata else []),
    ]
    if not families:
        return ""
    return (
        "p values are adjusted by Holm's method (Holm 1979, www.jstor.org/stable/4615733) "
        f"{', and separately '.join(families)}; intervals are not."
    )


def _margin_text(pairs: Sequence[PairedComparison]) -> str:
    tested = next((pair for pair in pairs if pair.noninferiority), None)
    if tested is None or tested.noninferiority is None:
        return ""
    return (
        f"Non-inferiority was tested one-sided at 2.5%, with a margin of {tested.noninferiority['margin']:g} (Piaggio "
        "et al. 2012, doi:10.1001/jama.2012.87802)."
    )
