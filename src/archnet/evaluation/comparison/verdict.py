"""The verdict of a comparison: which network is better, with what uncertainty, and at what cost."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np

from archnet.evaluation.comparison.comparison_rows import ComparisonRow
from archnet.evaluation.comparison.network_form import Form, is_network
from archnet.evaluation.comparison.paired_comparison import PairedComparison
from archnet.evaluation.comparison.pools import Pool
from archnet.evaluation.comparison.verdict_kind import Kind, conclusion_kind, contradicting_recall
from archnet.evaluation.metric_entry import Estimate, class_value, macro_value
from archnet.evaluation.run_folder import read_optional_json

CHANCE: Final = 0.5
"""Area under the ROC curve of random guessing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class VerdictSide:
    """One architecture.

    Attributes:
        run: Name of its row.
        form: Result of `read_form`.
        num_seeds: Number of training seeds.
        auc: Area under the ROC curve, the macro mean for more than two classes; None where undefined.
        auc_interval: Its 95% interval; None where it cannot be estimated.
        is_better_than_chance: Whether the interval is above 0.5; None if there is no interval, unless the value is at
            most 0.5.
        macs: Multiply-adds per case; None where unknown.
    """

    run: str
    form: Form | None
    num_seeds: int
    auc: float | None
    auc_interval: list[float] | None
    is_better_than_chance: bool | None
    macs: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Conclusion:
    """The conclusion about an architecture and the reference.

    Attributes:
        reference: Name of the reference.
        other: Name of the other architecture.
        kind: The kind of the conclusion.
        measure: Name of the underlying difference, a key of `PairedComparison.differences`.
        reference_value: The reference's number, None where undefined.
        other_value: The other's number.
        reference_interval: 95% interval of the reference's number; None where it cannot be estimated.
        other_interval: The same for the other's number.
        difference: Other minus reference.
        interval: 95% interval of the difference.
        p: The p value of the difference.
        p_holm: The same after Holm's correction over all architectures.
        false_positive_rate: Validation false-positive rate of both thresholds; None for other measures.
        operating_points: Counts of both sides as "reference" and "other" if each is a single run with a threshold fixed
            on its validation cases; otherwise None.
        at_equal_rates: If a better recall at equal validation rates comes with more false positives in the compared
            set, the `difference`, `interval` and `p_holm` of the recall at equal rates there, which do not confirm it.
            The kind is then "no_difference_shown". Otherwise None.
        is_identical: Whether both predict the same probabilities for all cases.
        margin: Margin of non-inferiority; None without a test.
        cost_ratio: The other's multiply-adds as a multiple of the reference's; None where unknown.
    """

    reference: str
    other: str
    kind: Kind
    measure: str
    reference_value: float | None
    other_value: float | None
    reference_interval: list[float] | None
    other_interval: list[float] | None
    difference: float | None
    interval: list[float] | None
    p: float | None
    p_holm: float | None
    false_positive_rate: float | None
    operating_points: dict[str, dict[str, Any]] | None
    at_equal_rates: dict[str, Any] | None
    is_identical: bool
    margin: float | None
    cost_ratio: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """The conclusions of a comparison.

    Attributes:
        set: Name of the compared set.
        positive: The positive class.
        num_classes: Number of classes of the data.
        sides: The architectures in their order, the reference first.
        conclusions: The conclusion for each architecture but the reference.
        main: Index of the main conclusion: that of the first network with a different form from the reference, else of
            the first network, else of the first baseline. It does not depend on the results, which avoids selection
            bias. None without conclusions.
        num_groups: Number of groups (scans or patients) of the compared cases.
        num_scans: Number of scans of the compared cases; None if the runs do not record them.
        num_cases: Number of compared cases.
        num_positives: Number of compared cases of the positive class.
    """

    set: str
    positive: str
    num_classes: int
    sides: tuple[VerdictSide, ...]
    conclusions: tuple[Conclusion, ...]
    main: int | None
    num_groups: int
    num_scans: int | None
    num_cases: int
    num_positives: int

    @property
    def main_conclusion(self) -> Conclusion | None:
        """The main conclusion."""
        return None if self.main is None else self.conclusions[self.main]

    def side(self, name: str) -> VerdictSide:
        """The architecture with a given name."""
        return next(side for side in self.sides if side.run == name)

    def to_document(self) -> dict[str, Any]:
        """The verdict as a JSON object for comparison.json."""
        document = asdict(self)
        return {key: list(value) if isinstance(value, tuple) else value for key, value in document.items()}


def verdict(
    pools: Sequence[Pool],
    rows: Sequence[ComparisonRow],
    pairs: Sequence[PairedComparison],
    positive: str,
    set_name: str,
) -> Verdict:
    """The conclusions of a comparison.

    Args:
        pools: The runs of each architecture.
        rows: Their results, the reference's first.
        pairs: The paired comparison of each other architecture with the reference.
        positive: The positive class.
        set_name: Name of the compared set.
    """
    cases = pools[0].predictions_by_seed[0]
    classes = cases.classes
    sides = tuple(_side(row, len(classes), positive) for row in rows)
    return Verdict(
        set=set_name,
        positive=positive,
        num_classes=len(classes),
        sides=sides,
        conclusions=tuple(_conclusion(pair, pools, sides) for pair in pairs),
        main=_main_index(sides),
        num_groups=len(np.unique(cases.groups)),
        num_scans=_num_scans(pools[0], set_name),
        num_cases=len(cases.cases),
        num_positives=int(np.sum(cases.y_true == classes.index(positive))),
    )


def _side(row: ComparisonRow, num_classes: int, positive: str) -> VerdictSide:
    auc = _auc(row, num_classes, positive)
    return VerdictSide(
        run=row.run,
        form=row.form,
        num_seeds=len(row.seeds),
        auc=auc.value,
        auc_interval=auc.interval,
        is_better_than_chance=_is_better_than_chance(auc),
        macs=row.costs["macs"],
    )


def _auc(row: ComparisonRow, num_classes: int, positive: str) -> Estimate:
    entries = row.metrics["auc"], row.metrics.get("intervals", {}).get("auc")
    if num_classes > 2:
        return Estimate(*map(macro_value, entries))
    return Estimate(*(class_value(entry, positive) for entry in entries))


def _is_better_than_chance(auc: Estimate) -> bool | None:
    if auc.interval is not None:
        return auc.interval[0] > CHANCE
    return False if auc.value is not None and auc.value <= CHANCE else None


def _conclusion(pair: PairedComparison, pools: Sequence[Pool], sides: Sequence[VerdictSide]) -> Conclusion:
    entry = pair.differences[pair.headline]
    reference, other = (next(side for side in sides if side.run == name) for name in (pair.reference, pair.other))
    points = entry.get("operating_points")
    margin, is_identical = pair.noninferiority or {}, _are_identical(pair, pools)
    kind = conclusion_kind(
        entry,
        (reference.is_better_than_chance, other.is_better_than_chance),
        is_noninferior=bool(margin.get("is_noninferior")) and not is_identical,  # identical networks prove nothing
    )
    at_equal_rates = contradicting_recall(kind, pair, margin.get("margin"))
    has_counts = points is not None and all(point["threshold"] is not None for point in points.values())
    return Conclusion(
        reference=pair.reference,
        other=pair.other,
        kind=kind if at_equal_rates is None else "no_difference_shown",
        measure=pair.headline,
        reference_value=entry["reference"],
        other_value=entry["other"],
        reference_interval=entry.get("reference_interval"),
        other_interval=entry.get("other_interval"),
        difference=entry["difference"],
        interval=entry["interval"],
        p=entry["p"],
        p_holm=entry["p_holm"],
        false_positive_rate=entry.get("false_positive_rate"),
        operating_points=points if has_counts else None,
        at_equal_rates=at_equal_rates,
        is_identical=is_identical,
        margin=margin.get("margin"),
        cost_ratio=other.macs / reference.macs if reference.macs and other.macs is not None else None,
    )


def _are_identical(pair: PairedComparison, pools: Sequence[Pool]) -> bool:
    first, second = (
        next(pool for pool in pools if pool.name == name).predictions_by_seed for name in (pair.reference, pair.other)
    )
    return len(first) == len(second) and all(
        np.array_equal(one.probabilities, other.probabilities) for one, other in zip(first, second, strict=True)
    )


def _main_index(sides: Sequence[VerdictSide]) -> int | None:
    reference, *others = sides
    networks = [index for index, side in enumerate(others) if is_network(side.form)]
    of_another_form = [index for index in networks if others[index].form != reference.form]
    return next(iter([*of_another_form, *networks, *range(len(others))]), None)


def _num_scans(pool: Pool, set_name: str) -> int | None:
    """Number of scans of the compared cases, over all folds."""
    counts = [_recorded_scans(folder, set_name) for folder in pool.folders_by_seed[0]]
    known_counts = [count for count in counts if count is not None]
    return sum(known_counts) if len(known_counts) == len(counts) else None


def _recorded_scans(folder: Path, set_name: str) -> int | None:
    count: int | None = ((read_optional_json(folder / "data.json") or {}).get("num_scans") or {}).get(set_name)
    return count
