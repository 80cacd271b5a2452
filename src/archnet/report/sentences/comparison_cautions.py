"""The cautions of a comparison: what a reader must know before trusting its sentence."""

from __future__ import annotations

from archnet.evaluation.comparison.comparison import Comparison
from archnet.report.integrity_wording import comparison_integrity_texts
from archnet.report.sentences.run_cautions import OPTIMISTIC_VALIDATION, allowed_errors_text, collapse_text

_FEW_GROUPS = 20  # Cameron and Miller 2015, doi:10.3368/jhr.50.2.317, section VI


def comparison_cautions(comparison: Comparison) -> list[str]:
    """What a reader must know before trusting the sentence; empty when nothing speaks against it."""
    texts = [f"{name}: {collapse_text(entry)}" for name, entry in comparison.collapsed.items()]
    if comparison.set == "validation":
        texts.append(f"There is no common test set. {OPTIMISTIC_VALIDATION}")
    if comparison.allowed_errors:
        texts.append(allowed_errors_text(comparison.allowed_errors))
    texts += comparison_integrity_texts(comparison.manifests)
    num_groups = len(set(comparison.pools[0].predictions_by_seed[0].groups.tolist()))
    if num_groups < _FEW_GROUPS:
        texts.append(
            f"The cases come from only {num_groups} groups (scans or patients). Intervals from so few are too narrow."
        )
    if len(comparison.pairs) > 1:
        texts.append(
            f"{len(comparison.pairs)} differences are tested without correction for multiple comparisons: about one in "
            "twenty 95% intervals excludes zero by chance."
        )
    return texts
