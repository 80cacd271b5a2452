"""Comparison: architectures side by side on the same cases, and paired against the first, from run folders alone."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from archnet.errors import RunError
from archnet.evaluation.comparison.comparison_rows import ComparisonRow, comparison_row
from archnet.evaluation.comparison.document_differences import Difference, document_differences
from archnet.evaluation.comparison.forms import form_rank, read_form
from archnet.evaluation.comparison.paired import SeedPredictions, Truth, paired_differences
from archnet.evaluation.comparison.paired_tests import delong, mcnemar
from archnet.evaluation.comparison.pools import Pool, read_pools
from archnet.evaluation.integrity.manifest import Manifest
from archnet.evaluation.integrity.verification import COMPARISON_FILES, verify_run
from archnet.evaluation.run_folder import (
    allowed_errors,
    find_run_folders,
    is_baseline,
    read_optional_json,
)
from archnet.files.terminal_text import escape_name
from archnet.spec.outputs.metrics_file import read_all_results


@dataclass(frozen=True, slots=True, kw_only=True)
class PairedComparison:
    """One architecture against the reference, case by case.

    Attributes:
        reference: Name of the reference's row.
        other: Name of the other's row.
        differences: Of `paired_differences`.
        delong: Of `delong`, of the positive class against the rest.
        mcnemar: Of `mcnemar`, for each pair of seeds in their order, with `reference_seed` and `other_seed`.
        document: Where the experiments differ: architecture, training. Empty where one is a baseline without a network.
    """

    reference: str
    other: str
    differences: dict[str, dict[str, Any]]
    delong: dict[str, Any] | None
    mcnemar: tuple[dict[str, Any], ...]
    document: tuple[Difference, ...]


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Comparison:
    """Architectures side by side on one set.

    Attributes:
        classes: Class names, the same for all runs.
        positive: The class whose recall counts, the same for all runs.
        set: "test", or "validation" where not every run has a test set.
        rows: One for each architecture: 2D before 3D, baselines last, otherwise in the order given.
        pairs: Each architecture but the reference, against it. The reference is the first row.
        pools: What the rows were computed from.
        allowed_errors: Data checks whose errors a run allowed.
        manifests: The manifest of each run folder, with the changes that were accepted; null if it has none.
        collapsed: The collapsed runs by name, with their entry of `metrics.json`.
    """

    classes: tuple[str, ...]
    positive: str
    set: str
    rows: tuple[ComparisonRow, ...]
    pairs: tuple[PairedComparison, ...]
    pools: tuple[Pool, ...]
    allowed_errors: tuple[str, ...] = ()
    manifests: Mapping[Path, Manifest | None] = field(default_factory=dict)
    collapsed: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    def __repr__(self) -> str:
        return f"Comparison({', '.join(row.run for row in self.rows)}; {self.set} set)"

    def __str__(self) -> str:
        """The conclusion of the comparison in words."""
        from archnet.report.sentences.comparison_sentence import comparison_sentence

        return comparison_sentence(self)

    def _repr_html_(self) -> str:
        """The comparison's tables, for notebooks."""
        from archnet.report.html.notebook_tables import comparison_html

        return comparison_html(self)

    def row(self, name: str) -> ComparisonRow:
        """The row of an architecture."""
        return next(row for row in self.rows if row.run == name)

    def to_document(self) -> dict[str, Any]:
        """The comparison as `comparison.json` holds it."""
        return {
            "classes": list(self.classes),
            "positive": self.positive,
            "set": self.set,
            "collapsed": {name: dict(entry) for name, entry in self.collapsed.items()},
            "runs": [_convert_tuples(asdict(row)) for row in self.rows],
            "paired": [_convert_tuples(asdict(pair)) for pair in self.pairs],
        }


def _convert_tuples(value: dict[str, Any]) -> dict[str, Any]:
    """JSON knows lists, no tuples."""
    return {key: list(entry) if isinstance(entry, tuple) else entry for key, entry in value.items()}


def compare(runs: Sequence[Path]) -> Comparison:
    """Runs side by side: those of run folders, or of all finished runs inside an experiment's folder.

    Raises:
        RunError: There are fewer than two runs, one isn't finished, or their classes, positive classes, sets or cases
            differ.
        DataError: A run's files are damaged, or have changed since it finished.
    """
    folders = find_run_folders(runs)
    if len(folders) < 2:
        raise RunError(f"{folders[0] if folders else 'no run'}: a comparison needs two runs or more. Name another one.")
    manifests = {folder: verify_run(folder, COMPARISON_FILES) for folder in folders}
    metrics = {folder: read_all_results(folder) for folder in folders}
    for key in ("classes", "positive"):
        _check_shared(key, metrics)
    compared_set = _compared_set(metrics)
    pools = sorted(read_pools(folders, compared_set), key=lambda pool: form_rank(read_form(pool.folders[0])))
    rows = [comparison_row(pool, [metrics[folder] for folder in pool.folders], compared_set) for pool in pools]
    classes, positive = tuple(metrics[folders[0]]["classes"]), metrics[folders[0]]["positive"]
    return Comparison(
        classes=classes,
        positive=positive,
        set=compared_set,
        rows=tuple(rows),
        pairs=tuple(_paired_comparisons(pools, rows, classes.index(positive))),
        pools=tuple(pools),
        allowed_errors=_allowed_errors(folders),
        manifests=manifests,
        collapsed={
            _run_name(pool, folder): metrics[folder]["collapsed"]
            for pool in pools
            for folder in pool.folders
            if "collapsed" in metrics[folder]
        },
    )


def _run_name(pool: Pool, folder: Path) -> str:
    """A unique name of a run: its pool's, and its folder's if the pool has several runs."""
    return pool.name if len(pool.folders) == 1 else f"{pool.name} ({escape_name(folder.name)})"


def _allowed_errors(folders: Sequence[Path]) -> tuple[str, ...]:
    documents = [read_optional_json(folder / "data.json") for folder in folders]
    return tuple(dict.fromkeys(check for document in documents for check in allowed_errors(document)))


def _check_shared(key: str, metrics: Mapping[Path, Mapping[str, Any]]) -> None:
    """Refuse runs whose metrics are about different classes."""
    first, expected = next((folder, entry[key]) for folder, entry in metrics.items())
    for folder, entry in metrics.items():
        if entry[key] != expected:
            raise RunError(
                f"{folder}: {key} {_value_text(entry[key])}, but {key} {_value_text(expected)} in {first}. "
                "Compare runs of the same classes and the same positive class."
            )


def _value_text(value: str | list[str]) -> str:
    return f'is "{value}"' if isinstance(value, str) else "are " + ", ".join(f'"{name}"' for name in value)


def _compared_set(metrics: Mapping[Path, Mapping[str, Any]]) -> str:
    for name in ("test", "validation"):
        if all(name in entry for entry in metrics.values()):
            return name
    incomplete = next(folder for folder, entry in metrics.items() if "test" not in entry)
    raise RunError(
        f"{incomplete}: has no test cases, and not every run has validation cases, so that there is no set to "
        "compare on. Run it again with split.test above 0."
    )


def _paired_comparisons(pools: Sequence[Pool], rows: Sequence[ComparisonRow], positive: int) -> list[PairedComparison]:
    """Each architecture but the first against the first."""
    thresholds = [row.metrics["threshold"] for row in rows]
    sides = [_seed_predictions(pool, positive, threshold) for pool, threshold in zip(pools, thresholds, strict=True)]
    truth = _truth(pools[0], positive)
    return [_paired_comparison((pools[0], pools[k]), (sides[0], sides[k]), truth) for k in range(1, len(pools))]


def _seed_predictions(pool: Pool, positive: int, threshold: float | None) -> list[SeedPredictions]:
    return [
        SeedPredictions(
            scores=cases.probabilities[:, positive],
            y_pred=cases.predicted_classes(positive=positive, threshold=threshold),
        )
        for cases in pool.predictions_by_seed
    ]


def _truth(pool: Pool, positive: int) -> Truth:
    cases = pool.predictions_by_seed[0]
    groups = np.unique(cases.groups, return_inverse=True)[1]
    return Truth(y_true=cases.y_true, groups=groups, num_classes=len(cases.classes), positive=positive)


def _paired_comparison(
    pools: tuple[Pool, Pool], sides: tuple[list[SeedPredictions], list[SeedPredictions]], truth: Truth
) -> PairedComparison:
    first, second = pools
    scores = [[training.scores for training in side] for side in sides]
    reference, other = (_strip_description(pool.document) for pool in pools)
    is_of_networks = not any(map(is_baseline, (reference, other)))
    return PairedComparison(
        reference=first.name,
        other=second.name,
        differences=paired_differences(*sides, truth, bootstraps=first.bootstraps),
        delong=delong(scores[0], scores[1], truth.is_positive),
        mcnemar=tuple(_mcnemar_tests(pools, sides, truth)),
        document=tuple(document_differences(reference, other)) if is_of_networks else (),
    )


def _strip_description(document: Mapping[str, Any]) -> dict[str, Any]:
    """An experiment without what is only said about its architecture."""
    arch = {key: value for key, value in document.get("arch", {}).items() if key not in ("name", "description")}
    return {**document, "arch": arch}


def _mcnemar_tests(
    pools: tuple[Pool, Pool], sides: tuple[list[SeedPredictions], list[SeedPredictions]], truth: Truth
) -> Iterator[dict[str, Any]]:
    """The test of each pair of seeds: it is about two networks, not about two architectures."""
    seeds = zip(pools[0].seeds, pools[1].seeds, strict=False)
    for (reference_seed, other_seed), first, second in zip(seeds, *sides, strict=False):
        result = mcnemar(first.y_pred == truth.y_true, second.y_pred == truth.y_true)
        yield {"reference_seed": reference_seed, "other_seed": other_seed, **result}
