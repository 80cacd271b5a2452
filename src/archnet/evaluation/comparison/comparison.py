"""Compare architectures on the same cases, side by side and paired against the first, from run folders alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from archnet.errors import RunError
from archnet.evaluation.comparison.baseline_findings import BaselineFinding, find_baselines
from archnet.evaluation.comparison.comparison_rows import ComparisonRow, comparison_row
from archnet.evaluation.comparison.leaks import Leak, find_leaks
from archnet.evaluation.comparison.network_form import form_rank, read_form
from archnet.evaluation.comparison.paired_comparison import PairedComparison, paired_comparisons
from archnet.evaluation.comparison.paired_strata import paired_strata
from archnet.evaluation.comparison.pools import Pool, read_pools, short_names
from archnet.evaluation.comparison.verdict import Verdict, verdict
from archnet.evaluation.integrity.manifest import Manifest
from archnet.evaluation.integrity.verification import COMPARISON_FILES, verify_run
from archnet.evaluation.run_folder import (
    allowed_errors,
    find_named_run,
    find_run_folders,
    read_optional_json,
)
from archnet.spec.outputs.metrics_file import read_all_results


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Comparison:
    """Architectures side by side on one set.

    Attributes:
        classes: Class names, the same for all runs.
        positive: The positive class, the same for all runs.
        set: "test", or "validation" where not every run has a test set.
        rows: One for each architecture: 2D before 3D, baselines last, otherwise in the order given.
        pairs: Each architecture but the reference, against it. The reference is the first row.
        pools: The runs behind each row.
        verdict: The conclusions.
        allowed_errors: Data checks whose errors a run allowed.
        manifests: The manifest of each run folder, with the changes that were accepted; None if it has none.
        collapsed: The collapsed runs by name, with their entry of `metrics.json`.
        leaks: Result of `find_leaks`.
        baseline_findings: Result of `find_baselines`.
        strata: Result of `paired_strata`.
    """

    classes: tuple[str, ...]
    positive: str
    set: str
    rows: tuple[ComparisonRow, ...]
    pairs: tuple[PairedComparison, ...]
    pools: tuple[Pool, ...]
    verdict: Verdict
    allowed_errors: tuple[str, ...] = ()
    manifests: Mapping[Path, Manifest | None] = field(default_factory=dict)
    collapsed: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    leaks: Mapping[str, Leak] = field(default_factory=dict)
    baseline_findings: tuple[BaselineFinding, ...] = ()
    strata: Mapping[str, Any] = field(default_factory=dict)

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
        """The content of `comparison.json`."""
        return {
            "classes": list(self.classes),
            "positive": self.positive,
            "set": self.set,
            "collapsed": {name: dict(entry) for name, entry in self.collapsed.items()},
            "runs": [_convert_tuples(asdict(row)) for row in self.rows],
            "paired": [_convert_tuples(asdict(pair)) for pair in self.pairs],
            **({"strata": dict(self.strata)} if self.strata else {}),
        }


def _convert_tuples(value: dict[str, Any]) -> dict[str, Any]:
    """Convert tuples to lists, as in JSON."""
    return {key: list(entry) if isinstance(entry, tuple) else entry for key, entry in value.items()}


def compare(runs: Sequence[Path], margin: float | None = None) -> Comparison:
    """Compare the runs of run folders, or all finished runs inside an experiment folder.

    Args:
        runs: The folders.
        margin: Margin of non-inferiority to the reference in the headline difference; None for no test.

    Raises:
        RunError: There are fewer than two runs, one isn't finished, their classes, positive classes, sets or cases
            differ, or the margin is not between 0 and 1.
        DataError: A run's files are damaged, or have changed since it finished.
    """
    if margin is not None and not 0 < margin < 1:
        raise RunError(f"noninferior={margin}: expected a margin above 0 and below 1, such as 0.02.")
    folders = find_run_folders([find_named_run(run) for run in runs])
    if len(folders) < 2:
        raise RunError(
            f"{folders[0] if folders else 'no run'}: a comparison needs at least two runs. Name another run."
        )
    manifests = {folder: verify_run(folder, COMPARISON_FILES) for folder in folders}
    metrics = {folder: read_all_results(folder) for folder in folders}
    for key in ("classes", "positive"):
        _check_shared(key, metrics)
    compared_set = _compared_set(metrics)
    pools = sorted(read_pools(folders, compared_set), key=lambda pool: form_rank(read_form(pool.folders[0])))
    rows = [comparison_row(pool, [metrics[folder] for folder in pool.folders], compared_set) for pool in pools]
    classes, positive = tuple(metrics[folders[0]]["classes"]), metrics[folders[0]]["positive"]
    pairs = paired_comparisons(pools, rows, classes.index(positive), compared_set, margin)
    run_names = _run_names(pools)
    return Comparison(
        classes=classes,
        positive=positive,
        set=compared_set,
        rows=tuple(rows),
        pairs=pairs,
        pools=tuple(pools),
        verdict=verdict(pools, rows, pairs, positive, compared_set),
        allowed_errors=_allowed_errors(folders),
        manifests=manifests,
        collapsed={
            run_names[folder]: metrics[folder]["collapsed"]
            for pool in pools
            for folder in pool.folders
            if "collapsed" in metrics[folder]
        },
        leaks=find_leaks(pools, compared_set),
        baseline_findings=find_baselines(pools, rows, classes.index(positive)),
        strata=paired_strata(pools, [row.metrics["threshold"] for row in rows], classes.index(positive)),
    )


def _run_names(pools: Sequence[Pool]) -> dict[Path, str]:
    """A unique name for each run: the name of its pool, and its folder if the pool has several runs."""
    names: dict[Path, str] = {}
    for pool in pools:
        folder_names = short_names([folder.resolve() for folder in pool.folders])
        for folder, folder_name in zip(pool.folders, folder_names, strict=True):
            names[folder] = pool.name if len(pool.folders) == 1 else f"{pool.name} ({folder_name})"
    return names


def _allowed_errors(folders: Sequence[Path]) -> tuple[str, ...]:
    documents = [read_optional_json(folder / "data.json") for folder in folders]
    return tuple(dict.fromkeys(check for document in documents for check in allowed_errors(document)))


def _check_shared(key: str, metrics: Mapping[Path, Mapping[str, Any]]) -> None:
    """Reject runs with different classes or positive classes."""
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
        f"{incomplete}: has no test cases, and not every run has validation cases, so there is no set to "
        "compare on. Run it again with split.test above 0."
    )
