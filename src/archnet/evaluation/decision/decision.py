"""The entry "decision" of one set in metrics.json: decision analysis of its probabilities for two classes."""

from __future__ import annotations

from typing import Any, Final

from archnet.evaluation.decision.binary_cases import BinaryCases
from archnet.evaluation.decision.fixed_rates import sensitivity_at_specificity, specificity_at_sensitivity
from archnet.evaluation.decision.net_benefit import decision_curve
from archnet.evaluation.decision.partial_area import partial_area
from archnet.evaluation.decision.predictive_values import (
    PREVALENCES,
    likelihood_ratios,
    own_predictive_values,
    predictive_values,
)
from archnet.evaluation.decision.recalibration import recalibration

FIXED_RATES: Final = (0.8, 0.9, 0.95)
"""Fixed specificities and sensitivities."""

MAX_FALSE_POSITIVE_RATES: Final = (0.1, 0.2)
"""Maximum false-positive rates of the partial areas."""


def decision(cases: BinaryCases, threshold: float) -> dict[str, Any]:
    """Compute the decision analysis of a set, JSON-ready.

    Args:
        cases: One set's cases.
        threshold: Probability from which a case is predicted as positive.

    Returns:
        `sensitivity_at_specificity`, `specificity_at_sensitivity` and `partial_auc`, lists; `calibration_slope` and
        `calibration_intercept`; `likelihood_ratios` at the threshold; `predictive_values` at `PREVALENCES` and at the
        set's prevalence; `decision_curve`. All intervals are over groups, by Student's t.
    """
    ratios = likelihood_ratios(cases, threshold)
    return {
        "sensitivity_at_specificity": [
            {"specificity": rate, **sensitivity_at_specificity(cases, rate)} for rate in FIXED_RATES
        ],
        "specificity_at_sensitivity": [
            {"sensitivity": rate, **specificity_at_sensitivity(cases, rate)} for rate in FIXED_RATES
        ],
        "partial_auc": [
            {"max_false_positive_rate": rate, **partial_area(cases, rate)} for rate in MAX_FALSE_POSITIVE_RATES
        ],
        **recalibration(cases),
        "likelihood_ratios": ratios,
        "predictive_values": [
            *(predictive_values(ratios, prevalence) for prevalence in PREVALENCES),
            own_predictive_values(cases, threshold),
        ],
        "decision_curve": decision_curve(cases),
    }
