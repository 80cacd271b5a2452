"""Answers of a run by topic, shared by the three checklists and the methods paragraphs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from archnet.report.paper import data_answers, model_answers, result_answers, training_answers
from archnet.report.paper.acquisition_rows import acquisition_text
from archnet.report.paper.run_facts import sizes_text
from archnet.report.run_files import RunFiles

Answer = Callable[[RunFiles], str]
"""Returns sentences, empty if the run does not record the answer."""

ANSWERS: Final[Mapping[str, Answer]] = {
    "acquisition": acquisition_text,
    "set_sizes": sizes_text,
    **{
        name: getattr(data_answers, name)
        for name in (
            "classes", "data_licence", "data_source", "digest", "disjointness", "excluded", "external_testing", "flow",
            "missing_data", "partitions", "preprocessing", "prevalence", "quality_checks", "reference_standard",
            "scanners", "set_differences", "severity", "subset", "test_size",
        )
    },
    **{
        name: getattr(model_answers, name)
        for name in (
            "code", "hardware", "human_input", "indeterminate", "index_blinding", "initialization", "layers", "model",
            "output", "poor_input", "prediction", "software", "technology", "test_time",
        )
    },
    **{
        name: getattr(training_answers, name)
        for name in (
            "augmentation", "development_and_evaluation", "ensemble", "imbalance", "selection", "training",
        )
    },
    "duration": training_answers.duration_text,
    "input": model_answers.input_text,
    "threshold": training_answers.threshold_text,
    **{
        name: getattr(result_answers, name)
        for name in (
            "audit", "calibration", "clusters", "cross_tabulation", "explainability", "failures", "internal_testing",
            "limitations", "measures", "performance", "record", "statistics", "strata", "updating",
        )
    },
}  # fmt: skip
"""Functions by topic, as named in the items of the checklists."""


def answer(run: RunFiles, topic: str) -> str:
    """The answer of a run to a topic; empty if the run does not record it.

    Raises:
        KeyError: There is no such topic.
        DataError: cases.csv is damaged.
    """
    return ANSWERS[topic](run)
