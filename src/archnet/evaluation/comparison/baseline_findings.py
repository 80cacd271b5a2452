"""Baselines that rank the cases better than a network, or are not shown to be worse."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from archnet.evaluation.comparison.comparison_rows import ComparisonRow
from archnet.evaluation.comparison.network_form import is_network
from archnet.evaluation.comparison.pools import Pool, pool_trainings, pool_truth
from archnet.evaluation.comparison.trainings import SeedPredictions, Trainings, Truth, estimate_metrics
from archnet.evaluation.uncertainty.intervals import Interval
from archnet.evaluation.uncertainty.seed_variance import difference_over_seeds


@dataclass(frozen=True, slots=True, kw_only=True)
class BaselineFinding:
    """A baseline that is not shown to be worse than a network.

    Attributes:
        baseline: Name of the baseline's row.
        network: Name of the network's row.
        baseline_auc: Area under the ROC curve of the baseline; the macro mean for more than two classes.
        network_auc: The same for the network.
        interval: 95% interval of the baseline's area minus the network's; None where it cannot be estimated.
    """

    baseline: str
    network: str
    baseline_auc: float
    network_auc: float
    interval: Interval | None

    @property
    def is_better(self) -> bool:
        """Whether the baseline is shown to be better."""
        return self.interval is not None and self.interval[0] > 0


def find_baselines(pools: Sequence[Pool], rows: Sequence[ComparisonRow], positive: int) -> tuple[BaselineFinding, ...]:
    """Find the pairs of a baseline and a network in which the baseline is not shown to be worse.

    Args:
        pools: The runs.
        rows: Their results.
        positive: Index of the positive class.
    """
    baselines = [index for index, row in enumerate(rows) if row.form == "baseline"]
    if not baselines:
        return ()
    truth = pool_truth(pools[0], positive)
    sides = [pool_trainings(pool, truth, row.metrics["threshold"]) for pool, row in zip(pools, rows, strict=True)]
    networks = [index for index, row in enumerate(rows) if is_network(row.form)]
    findings = [
        _compare_areas(rows[network].run, rows[baseline].run, (sides[network], sides[baseline]), truth)
        for network in networks
        for baseline in baselines
    ]
    return tuple(one for finding in findings for one in finding)


def _compare_areas(
    network: str, baseline: str, sides: tuple[Sequence[SeedPredictions], Sequence[SeedPredictions]], truth: Truth
) -> Iterator[BaselineFinding]:
    """The finding of a pair, if the baseline is not shown to be worse."""
    num_network = len(sides[0])
    estimates = estimate_metrics(Trainings([*sides[0], *sides[1]], truth), ["auc"], bootstraps=_BOOTSTRAPS)["auc"][-1]
    network_auc, baseline_auc = estimates.values[:num_network].mean(), estimates.values[num_network:].mean()
    interval = difference_over_seeds(estimates, num_network).interval
    is_worse = interval[1] < 0 if interval else baseline_auc < network_auc
    if not is_worse and not np.isnan(baseline_auc - network_auc):
        yield BaselineFinding(
            baseline=baseline,
            network=network,
            baseline_auc=float(baseline_auc),
            network_auc=float(network_auc),
            interval=interval,
        )


_BOOTSTRAPS = 500  # more than two classes: no formula for the macro AUC
