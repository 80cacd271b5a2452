"""`versus.json`: the answers of a versus in words, and its numbers."""

from __future__ import annotations

from typing import Any

from archnet.versus.report.versus_sentences import (
    answer_badge,
    answer_sentence,
    further_sentences,
    question_text,
    uncertainty_sentence,
    versus_cautions,
)
from archnet.versus.results.questions import Question
from archnet.versus.results.versus_result import VersusResult


def versus_document(result: VersusResult) -> dict[str, Any]:
    """The content of versus.json."""
    options = result.plan.options
    return {
        "name": result.plan.name,
        "arch": result.plan.experiment.arch.name,
        "data": result.plan.experiment.data.name,
        "forms": list(options.forms),
        "seeds": options.seeds,
        "folds": options.folds,
        "questions": [_question_document(question) for question in result.questions],
        "uncertainty": uncertainty_sentence(result),
        "cautions": versus_cautions(result),
        "variants": [variant.to_document() for variant in result.variants],
        "frontier": [variant.variant.name for variant in result.frontier],
        "failures": [failure.to_document() for failure in result.failures],
    }


def _question_document(question: Question) -> dict[str, Any]:
    return {
        "match": question.match,
        "question": question_text(question),
        "sentence": answer_sentence(question),
        "further": further_sentences(question),
        "badge": answer_badge(question),
        "verdict": question.result and question.result.to_document(),
        "paired": [
            {"reference": pair.reference, "other": pair.other, "differences": pair.differences}
            for pair in (question.comparison.pairs if question.comparison else ())
        ],
        "noninferiority": list(question.noninferiorities),
    }
