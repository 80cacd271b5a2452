"""The result of a versus, from its folder: answers, costs, thresholds, and the frontier of cost and quality."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from archnet.errors import RunError
from archnet.evaluation.comparison.comparison import Comparison, compare
from archnet.evaluation.comparison.comparison_rows import ComparisonRow
from archnet.sweep.results.analysis import pareto_front
from archnet.versus.plan.form_names import Match
from archnet.versus.plan.variants import Variant
from archnet.versus.plan.versus_plan import VersusPlan
from archnet.versus.results.finished_variants import Failure, FinishedVariant, read_finished_variants
from archnet.versus.results.questions import Question, answer_questions
from archnet.versus.results.threshold_stability import ThresholdStability, threshold_stability


@dataclass(frozen=True, slots=True, kw_only=True)
class VariantResult:
    """The result of a variant.

    Attributes:
        variant: The variant.
        row: Its row in the first comparison that contains it: metrics and costs, means over seeds.
        auc: Area under the ROC curve, the macro mean for more than two classes; None where undefined.
        auc_interval: Its 95% interval over patients and seeds.
        threshold: The stability of the chosen threshold; None if none is chosen.
        is_on_frontier: Whether no variant has a higher AUC at as many or fewer multiply-adds.
    """

    variant: Variant
    row: ComparisonRow
    auc: float | None
    auc_interval: list[float] | None
    threshold: ThresholdStability | None
    is_on_frontier: bool

    def to_document(self) -> dict[str, Any]:
        """The result as a JSON object."""
        return {
            **self.variant.to_document(),
            "seeds": list(self.row.seeds),
            "auc": self.auc,
            "auc_interval": self.auc_interval,
            "costs": self.row.costs,
            "threshold": self.threshold and self.threshold.to_document(),
            "is_on_frontier": self.is_on_frontier,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class VersusResult:
    """The result of a versus.

    Attributes:
        plan: The plan.
        questions: The questions with their answers.
        variants: The variants with comparable runs, in the order of the plan.
        failures: Runs that failed and variants that were refused.
    """

    plan: VersusPlan
    questions: tuple[Question, ...]
    variants: tuple[VariantResult, ...]
    failures: tuple[Failure, ...]

    @property
    def answered(self) -> list[Question]:
        """The questions with a comparison."""
        return [question for question in self.questions if question.comparison is not None]

    @property
    def comparisons(self) -> dict[Match, Comparison]:
        """The comparison of each answered question."""
        return {question.match: question.comparison for question in self.questions if question.comparison is not None}

    @property
    def frontier(self) -> list[VariantResult]:
        """The variants on the frontier, the cheapest first."""
        front = [result for result in self.variants if result.is_on_frontier]
        return sorted(front, key=lambda result: result.row.costs["macs"] or 0)

    def place(self, variant: Variant) -> int:
        """The index of a variant's form in comparisons, which determines its colour."""
        return self.plan.options.forms.index(variant.form)


def read_result(
    plan: VersusPlan, folder: Path, compare_runs: Callable[[Sequence[Path]], Comparison] = compare
) -> VersusResult:
    """Compare the finished runs of a versus.

    Args:
        plan: The plan.
        folder: The folder of the versus.
        compare_runs: Compares run folders.

    Raises:
        RunError: No question can be answered, or the runs cannot be compared.
        DataError: A run's files are damaged.
    """
    finished = read_finished_variants(folder, plan.variants)
    failures = tuple(failure for one in finished for failure in one.failures)
    questions = answer_questions(finished, plan.options.matches, plan.options.margin, compare_runs)
    if not any(question.comparison for question in questions):
        raise RunError(_no_answer_text(folder, failures))
    return VersusResult(
        plan=plan, questions=questions, variants=_variant_results(finished, questions), failures=failures
    )


def _no_answer_text(folder: Path, failures: Sequence[Failure]) -> str:
    reasons = "".join(f"\n{failure.run or failure.variant}: {failure.reason}" for failure in failures)
    return (
        f"{folder}: fewer than two forms have finished runs, so there is nothing to compare. Repeat failed runs "
        f"with --resume --retry.{reasons}"
    )


def _variant_results(finished: Sequence[FinishedVariant], questions: Sequence[Question]) -> tuple[VariantResult, ...]:
    found = [(one, *_find_row(one.variant, questions)) for one in finished]
    compared = [(one, row, comparison) for one, row, comparison in found if row is not None and comparison is not None]
    aucs = [row.value("auc") for _, row, _ in compared]
    front = _frontier([row.costs["macs"] for _, row, _ in compared], aucs)
    return tuple(
        VariantResult(
            variant=one.variant,
            row=row,
            auc=auc,
            auc_interval=row.interval("auc"),
            threshold=threshold_stability(one.folders, comparison.set),
            is_on_frontier=index in front,
        )
        for index, ((one, row, comparison), auc) in enumerate(zip(compared, aucs, strict=True))
    )


def _find_row(variant: Variant, questions: Sequence[Question]) -> tuple[ComparisonRow | None, Comparison | None]:
    for question in questions:
        row = question.row(variant)
        if row is not None:
            return row, question.comparison
    return None, None


def _frontier(costs: Sequence[float | None], aucs: Sequence[float | None]) -> set[int]:
    """The indices of the variants on the Pareto front: no other is better at the same or a lower cost."""
    known = [
        (place, cost, auc)
        for place, (cost, auc) in enumerate(zip(costs, aucs, strict=True))
        if cost is not None and auc is not None
    ]
    front = pareto_front([cost for _, cost, _ in known], [-auc for _, _, auc in known])
    return {known[index][0] for index in front}
