"""Schema of the entry "decision" of a set in metrics.json."""

from __future__ import annotations

from typing import Final

from archnet.spec.outputs.schema_parts import NUMBER, SHARE, Schema, list_of, nullable, record_of, tuple_of

_NUM_THRESHOLDS: Final = 99  # 1% to 99%
_ENTRY: Final = {"value": nullable(NUMBER), "interval": nullable(tuple_of(nullable(NUMBER), 2))}
_SHARE_ENTRY: Final = record_of({"value": nullable(SHARE), "interval": nullable(tuple_of(SHARE, 2))})


def _shares_at(rate: str) -> Schema:
    return list_of(record_of({rate: SHARE, **_SHARE_ENTRY["properties"]}))


DECISION: Final = record_of(
    {
        "sensitivity_at_specificity": _shares_at("specificity"),
        "specificity_at_sensitivity": _shares_at("sensitivity"),
        "partial_auc": _shares_at("max_false_positive_rate"),
        "calibration_slope": record_of(_ENTRY),
        "calibration_intercept": record_of(_ENTRY),
        "likelihood_ratios": record_of({"positive": record_of(_ENTRY), "negative": record_of(_ENTRY)}),
        "predictive_values": list_of(record_of({"prevalence": SHARE, "ppv": _SHARE_ENTRY, "npv": _SHARE_ENTRY}), 1),
        "decision_curve": record_of(
            {
                "thresholds": tuple_of(SHARE, _NUM_THRESHOLDS),
                "net_benefit": tuple_of(NUMBER, _NUM_THRESHOLDS),
                "low": tuple_of(nullable(NUMBER), _NUM_THRESHOLDS),
                "high": tuple_of(nullable(NUMBER), _NUM_THRESHOLDS),
                "act_on_all": tuple_of(NUMBER, _NUM_THRESHOLDS),
            }
        ),
    }
)
"""Schema for two classes. Older versions did not write the entry; `archnet report` adds it."""
