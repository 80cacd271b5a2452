"""Verdicts made by hand, for the tests of their wording."""

from archnet.evaluation.comparison.verdict import Conclusion, Verdict, VerdictSide

VALIDATION = "recall_at_validation_false_positive_rate"
BOTH_ORDERS = "recall_at_equal_false_positive_rate"


def side(run, form, num_seeds=1, **changes):
    values = {"auc": 0.9, "auc_interval": [0.85, 0.94], "is_better_than_chance": True, "macs": 1_000.0} | changes
    return VerdictSide(run=run, form=form, num_seeds=num_seeds, **values)


def points(found, reference_found=3, false_positives=(6, 5)):
    counts = zip(("reference", "other"), (reference_found, found), false_positives, strict=True)
    return {
        name: {"threshold": 0.5, "true_positives": number, "positives": 42, "false_positives": alarms, "others": 154}
        for name, number, alarms in counts
    }


def conclusion(other="arch3dsm", *, found=41, reference_found=3, interval=(35 / 42, 40 / 42), **changes):
    """41 of 42 nodules against 3, with thresholds fixed in validation."""
    values = {
        "reference": "archsm",
        "other": other,
        "kind": "other_better",
        "measure": VALIDATION,
        "reference_value": reference_found / 42,
        "other_value": found / 42,
        "reference_interval": [0.015, 0.195],
        "other_interval": [0.874, 0.999],
        "difference": (found - reference_found) / 42,
        "interval": None if interval is None else list(interval),
        "p": 0.001,
        "p_holm": 0.001,
        "false_positive_rate": 0.0321,
        "operating_points": points(found, reference_found),
        "at_equal_rates": None,
        "is_identical": False,
        "margin": None,
        "cost_ratio": 8.24,
    }
    return Conclusion(**values | changes)


def verdict_of(*conclusions, sides=None, **changes):
    values = {
        "set": "test",
        "positive": "nodule",
        "num_classes": 2,
        "sides": sides or (side("archsm", "2D"), side("arch3dsm", "3D", macs=8_240.0)),
        "conclusions": conclusions or (conclusion(),),
        "main": 0,
        "num_groups": 12,
        "num_scans": 12,
        "num_cases": 196,
        "num_positives": 42,
    }
    return Verdict(**values | changes)
