"""Stack networks and baselines: run folders of their combinations, which a comparison reads like those of networks.

A network may add something to a baseline that alone is as good. Then their combination is better than the baseline.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any, Final

import numpy as np

from archnet.errors import RunError
from archnet.evaluation.comparison.comparison import Comparison, compare
from archnet.evaluation.comparison.pools import read_pools
from archnet.evaluation.integrity.manifest import MANIFEST_FILE, record_run
from archnet.evaluation.integrity.verification import COMPARISON_FILES, verify_run
from archnet.evaluation.metrics import collapse_entry, evaluate
from archnet.evaluation.predictions import Predictions, read_run_predictions, write_predictions
from archnet.evaluation.run_costs import RUN_COSTS
from archnet.evaluation.run_folder import find_named_run, find_run_folders, is_baseline, is_stacked, read_json
from archnet.evaluation.strata.run_strata import strata_entry
from archnet.files.atomic import write_json
from archnet.files.locks import RUN_LOCK_SECONDS, lock_folder
from archnet.runs.artifacts import write_environment
from archnet.runs.stacked_scores import (
    MIN_CASES,
    MIN_OF_CLASS,
    PENALTY,
    Floats,
    PairedScores,
    combine,
    combine_folds,
    cross_fit,
)

STACKED_FOLDER: Final = "stacked"
"""The folder of the combinations, inside the folder of the networks' runs."""

_COPIED: Final = ("split.csv", "cases.csv", "data.json", "training_scans.json")
"""Files of the network's run that describe the data of a combination."""


def compare_with_stacks(runs: Sequence[Path], margin: float | None = None) -> Comparison:
    """Compare runs, and each network combined with each baseline; see `compare` and `write_stacked_runs`.

    Raises:
        RunError: The runs cannot be compared or combined.
        DataError: A file of a run is damaged, or has changed since the run finished.
    """
    folders = find_run_folders([find_named_run(run) for run in runs])
    named = {folder.resolve() for folder in folders}
    return compare([*folders, *(folder for folder in write_stacked_runs(folders) if folder not in named)], margin)


def write_stacked_runs(folders: Sequence[Path]) -> list[Path]:
    """Combine the runs of each network with those of each baseline, and write a run folder for each combination.

    A combination is a logistic regression on the logits of both probabilities. It is fitted on the validation cases of
    its run if each run of a training has at least 30 of them with 5 of each class; the validation cases are then
    predicted by combinations that are fitted on other groups of them. For smaller validation sets of a
    cross-validation, it is fitted on the test cases of the other folds (see `combine_folds`), and validation cases are
    not predicted. The test cases of a run never enter its fit. A network whose epoch was chosen on the validation cases
    is slightly too good there, so its weight may be too large, to the cost of the combination.

    Args:
        folders: Finished runs of networks and baselines, on the same cases of two classes.

    Returns:
        The run folders, as absolute paths, inside the folder `stacked` next to the runs of the network.

    Raises:
        RunError: There is no network, baseline or test set, a baseline lacks a fold or a seed, the cases differ, there
            are more than two classes, or there are too few cases to fit.
        DataError: A file of a run is damaged, or has changed since the run finished.
    """
    for folder in folders:
        verify_run(folder, COMPARISON_FILES)
    runs = [_Run(folder=folder, document=read_json(folder / "experiment.json")) for folder in folders]
    baselines = [run for run in runs if is_baseline(run.document)]
    networks = [run for run in runs if not (is_baseline(run.document) or is_stacked(run.document))]
    _check_runs(networks, baselines)
    by_folder = {run.folder: run for run in networks}
    return [
        folder
        for pool in read_pools([*by_folder], "test")
        for training in pool.folders_by_seed
        for name in dict.fromkeys(run.name for run in baselines)
        for folder in _stack_training([by_folder[folder] for folder in training], name, baselines)
    ]


@dataclass(frozen=True)
class _Run:
    """A finished run with its predictions, which are read once.

    Attributes:
        folder: The run folder.
        document: The content of its experiment.json.
    """

    folder: Path
    document: Mapping[str, Any]

    @property
    def name(self) -> str:
        """Name of the architecture or baseline."""
        return str(self.document.get("arch", {}).get("name", self.folder.name))

    @property
    def fold_and_seed(self) -> tuple[int | None, int]:
        """The fold (None without a cross-validation) and the seed of training."""
        return self.document.get("split", {}).get("fold"), self.document.get("training", {}).get("seed", 0)

    @cached_property
    def metrics(self) -> dict[str, Any]:
        """The content of metrics.json."""
        return read_json(self.folder / "metrics.json")

    @cached_property
    def predictions(self) -> Predictions:
        """The predictions of all cases."""
        return read_run_predictions(self.folder, ["test"])

    @property
    def positive(self) -> int:
        """Index of the positive class."""
        return self.predictions.classes.index(self.metrics["positive"])


def _check_runs(networks: Sequence[_Run], baselines: Sequence[_Run]) -> None:
    """Reject runs that cannot be combined.

    Raises:
        RunError: There is no network or no baseline, or a run has no test cases or more than two classes.
    """
    for runs, noun in ((networks, "network"), (baselines, "baseline")):
        if not runs:
            raise RunError(
                f"stack: combines networks with baselines, but no run is that of a {noun}. Name the runs of both; "
                "`archnet run EXPERIMENT --baseline` adds baselines to a folder of networks."
            )
    for run in (*networks, *baselines):
        if len(run.metrics["classes"]) != 2:
            raise RunError(
                f"{run.folder}: has {len(run.metrics['classes'])} classes, but only runs on two classes can be "
                "combined. Omit stack."
            )
        if "test" not in run.metrics:
            raise RunError(f"{run.folder}: has no test cases. Run it again with split.test above 0, or omit stack.")


def _stack_training(networks: Sequence[_Run], name: str, baselines: Sequence[_Run]) -> Iterator[Path]:
    """Combine the runs of one training, one for each fold, with those of a baseline, and write their run folders."""
    pairs = [(network, _find_baseline(network, name, baselines)) for network in networks]
    tests, validations = ([_paired_scores(*pair, part) for pair in pairs] for part in ("test", "validation"))
    if all(one.is_sufficient for one in validations):
        fitted_on = "validation"
        combined = [combine(own, test.probabilities) for own, test in zip(validations, tests, strict=True)]
        validated = [cross_fit(one) for one in validations]
    else:
        fitted_on = "test cases of the other folds"
        combined, validated = combine_folds(tests) or [], [None for _ in networks]
    if not combined:
        raise RunError(
            f"{networks[0].folder}: cannot be combined with {name}: this needs at least {MIN_CASES} cases with "
            f"{MIN_OF_CLASS} of each class, in the validation set of each run or in the test sets of the other folds. "
            "Run both again with a higher split.validation, or omit stack."
        )
    for network, test, validation in zip(networks, combined, validated, strict=True):
        predictions = _stacked_predictions(network, {"test": test, "validation": validation})
        yield _write_run(network, name, fitted_on, predictions)


def _find_baseline(network: _Run, name: str, baselines: Sequence[_Run]) -> _Run:
    """The baseline's run of the same fold and seed, preferably next to the network's run."""
    alike = [run for run in baselines if run.name == name and run.fold_and_seed == network.fold_and_seed]
    if not alike:
        fold, seed = network.fold_and_seed
        place = f"seed {seed}" if fold is None else f"fold {fold} and seed {seed}"
        raise RunError(
            f"{network.folder}: no run of {name} has the same {place}. Name it as well, or add it with "
            "`archnet run EXPERIMENT --baseline`."
        )
    return min(alike, key=lambda run: run.folder.resolve().parent != network.folder.resolve().parent)


def _paired_scores(network: _Run, baseline: _Run, part: str) -> PairedScores:
    """The probabilities of the positive class by both, for the cases of a set in the order of the network's run."""
    own, other = network.predictions.select(part), baseline.predictions.select(part)
    order, other_order = np.argsort(own.cases), np.argsort(other.cases)
    if not all(
        np.array_equal(getattr(own, name)[order], getattr(other, name)[other_order])
        for name in ("cases", "groups", "y_true")
    ):
        raise RunError(
            f"{baseline.folder}: its {part} cases or their classes are not those of {network.folder}. Only runs on the "
            "same data and split can be combined."
        )
    scores = np.empty((len(order), 2))
    scores[:, 0] = own.probabilities[:, network.positive]
    scores[order, 1] = other.probabilities[other_order, baseline.positive]
    return PairedScores(probabilities=scores, is_positive=own.y_true == network.positive, groups=own.groups)


def _stacked_predictions(network: _Run, combined: Mapping[str, Floats | None]) -> Predictions:
    """The predictions of the sets with combined probabilities, in the order of the network's run."""
    probabilities = np.full((len(network.predictions.sets), 2), np.nan)
    for name, values in combined.items():
        if values is not None:
            columns = (values, 1 - values) if network.positive == 0 else (1 - values, values)
            probabilities[network.predictions.sets == name] = np.column_stack(columns)
    return replace(network.predictions, probabilities=probabilities).select_rows(~np.isnan(probabilities[:, 0]))


def _write_run(network: _Run, name: str, fitted_on: str, predictions: Predictions) -> Path:
    """Write the run folder of a combination, and return it."""
    home = network.folder.resolve()
    folder = home.parent / STACKED_FOLDER / f"{home.name}+{name}"
    stacked = {"network": network.name, "baseline": name, "C": PENALTY, "fitted_on": fitted_on}
    document = {**network.document, "arch": {"name": f"{network.name}+{name}", "stacked": stacked}}
    with lock_folder(folder, timeout_s=RUN_LOCK_SECONDS):
        for file in (MANIFEST_FILE, "metrics.json", *_COPIED):
            (folder / file).unlink(missing_ok=True)
        for file in _COPIED:
            if (network.folder / file).exists():
                shutil.copyfile(network.folder / file, folder / file)
        write_json(folder / "experiment.json", document)
        write_environment(folder)
        write_predictions(folder / "predictions.csv", predictions)
        write_json(folder / "metrics.json", _evaluate(folder, network, predictions))
        record_run(folder)
    return folder


def _evaluate(folder: Path, network: _Run, predictions: Predictions) -> dict[str, Any]:
    """The content of metrics.json, without costs."""
    options = network.document.get("evaluation", {})
    sets = evaluate(
        predictions,
        positive=network.positive,
        threshold=options.get("threshold"),
        recall=options.get("recall"),
        bootstraps=int(options.get("bootstraps", 1000)),
    )
    shared = {key: network.metrics[key] for key in ("positive", "classes")}
    metrics = {**shared, **sets, **dict.fromkeys(RUN_COSTS)}
    return metrics | collapse_entry(predictions, metrics, {}) | strata_entry(folder, predictions, metrics)
