"""`comparison.json`: the conclusions of a comparison in words, and its numbers."""

from __future__ import annotations

from typing import Any

from archnet.evaluation.comparison.comparison import Comparison
from archnet.report.sentences.badge import badge_text
from archnet.report.sentences.comparison_cautions import comparison_cautions
from archnet.report.sentences.comparison_sentence import comparison_sentence


def comparison_document(comparison: Comparison) -> dict[str, Any]:
    """The content of `comparison.json`: conclusions in words, then numbers."""
    result = comparison.verdict
    words = {
        "sentence": comparison_sentence(comparison),
        "verdict": {"badge": badge_text(result), **result.to_document()},
        "cautions": comparison_cautions(comparison),
    }
    return words | comparison.to_document()
