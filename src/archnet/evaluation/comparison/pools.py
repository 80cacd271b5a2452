"""Pools: runs of one architecture that differ only in fold and seed.

Folds: each case is tested once, by the network that was not trained on it, and the cases of all folds are pooled.
Seeds: each is a separate training of the architecture with its own numbers.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from archnet.errors import RunError
from archnet.evaluation.comparison.trainings import SeedPredictions, Truth
from archnet.evaluation.predictions import DEFAULT_BOOTSTRAPS, Predictions, read_run_predictions
from archnet.evaluation.run_folder import read_optional_json
from archnet.files.terminal_text import escape_name
from archnet.spec.auto import restore_auto
from archnet.spec.section_options import complete_data, complete_evaluation, complete_training


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Pool:
    """Runs of one architecture with the same training options.

    Attributes:
        name: Name of the architecture, or of the folder of a single run.
        folders: The run folders.
        folders_by_seed: The run folders of each seed.
        document: The experiment of the first run without name, fold and seed; empty if a run has none.
        seeds: Training seeds, in ascending order.
        folds: Folds that the runs cover, in ascending order; empty without a cross-validation.
        predictions_by_seed: For each seed the cases of the compared set, of all folds together, sorted by name.
        run_of_case_by_seed: For each seed the index in `folders_by_seed` of the run that predicted each of these cases.
        validation_by_seed: For each seed the validation cases of each of its runs; a run may have none.
    """

    name: str
    folders: tuple[Path, ...]
    folders_by_seed: tuple[tuple[Path, ...], ...]
    document: dict[str, Any]
    seeds: tuple[int, ...]
    folds: tuple[int, ...]
    predictions_by_seed: tuple[Predictions, ...]
    run_of_case_by_seed: tuple[NDArray[np.int64], ...]
    validation_by_seed: tuple[tuple[Predictions, ...], ...]

    @property
    def bootstraps(self) -> int:
        """The number of resamples that the experiment sets."""
        return int(self.document.get("evaluation", {}).get("bootstraps", DEFAULT_BOOTSTRAPS))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Member:
    """The experiment, seed and fold of one run.

    Attributes:
        folder: The run folder.
        document: The experiment without its name, fold and seed.
        requested_document: The same with automatically chosen options as "auto", because the choices differ between
            folds.
        seed: Seed of training.
        fold: None without a cross-validation.
    """

    folder: Path
    document: dict[str, Any]
    requested_document: dict[str, Any]
    seed: int
    fold: int | None


def read_pools(folders: Sequence[Path], compared_set: str) -> list[Pool]:
    """Group runs into pools, in the order of their first runs; all must have the same cases.

    Runs of one document are pooled, regardless of their folders, as long as no two have the same fold and seed.

    Raises:
        RunError: Two pools, or two seeds of one, were evaluated on different cases, or a case was in two folds.
        DataError: A file is damaged.
    """
    groups = _group_members([_read_member(folder) for folder in folders])
    names = _pool_names(groups)
    pools = [_read_pool(name, members, compared_set) for name, members in zip(names, groups, strict=True)]
    for pool in pools[1:]:
        _check_same_cases(
            pools[0].name, pools[0].predictions_by_seed[0], pool.name, pool.predictions_by_seed[0], compared_set
        )
    return pools


def _read_member(folder: Path) -> _Member:
    document = read_optional_json(folder / "experiment.json") or {}
    seed, fold = (document.get("training") or {}).get("seed", 0), (document.get("split") or {}).get("fold")
    requested_document = _drop_run_keys(restore_auto(document, ["training"]))
    return _Member(
        folder=folder, document=_drop_run_keys(document), requested_document=requested_document, seed=seed, fold=fold
    )


def _drop_run_keys(document: Mapping[str, Any]) -> dict[str, Any]:
    """An experiment without name, description, fold, seed, attributes, and the reasons of automatic choices."""
    shared_keys = {key: value for key, value in document.items() if key not in ("name", "description", "picked")}
    split, training = dict(document.get("split") or {}), complete_training(document.get("training") or {})
    split.pop("fold", None)
    training.pop("seed", None)
    data = {key: value for key, value in complete_data(document.get("data") or {}).items() if key != "cases"}
    evaluation = complete_evaluation(document.get("evaluation") or {})
    sections = {"data": data, "split": split, "training": training, "evaluation": evaluation}
    return shared_keys and shared_keys | sections


def _group_members(members: Sequence[_Member]) -> list[list[_Member]]:
    """Group members with the same document and distinct folds and seeds; those in one parent folder first."""
    groups: list[list[_Member]] = []
    for member in members:
        _add_to_group(groups, [member], lambda one, other: one.folder.resolve().parent == other.folder.resolve().parent)
    merged_groups: list[list[_Member]] = []
    for group in groups:
        _add_to_group(merged_groups, group, lambda one, other: bool(one.document))
    return merged_groups


def _add_to_group(
    groups: list[list[_Member]], members: list[_Member], is_near: Callable[[_Member, _Member], bool]
) -> None:
    """Add members to the first group of their document without a conflicting fold and seed, or to a new group."""
    runs = {(member.fold, member.seed) for member in members}
    for group in groups:
        is_alike = group[0].requested_document == members[0].requested_document and is_near(group[0], members[0])
        if is_alike and runs.isdisjoint((member.fold, member.seed) for member in group):
            group.extend(members)
            return
    groups.append(members)


def _pool_names(groups: Sequence[Sequence[_Member]]) -> list[str]:
    """The names of architectures or single run folders, with distinguishing parent folders; one line each."""
    paths = [_pool_path(group) for group in groups]
    if len(set(paths)) < len(paths):
        paths = [group[0].folder.resolve() for group in groups]
    return short_names(paths)


def short_names(paths: Sequence[Path]) -> list[str]:
    """The shortest distinguishing suffixes of different paths, each on one line."""
    for depth in range(1, max(len(path.parts) for path in paths) + 1):
        names = [escape_name(Path(*path.parts[-depth:]).as_posix()) for path in paths]
        if len(set(names)) == len(names):
            break
    return names


def _pool_path(group: Sequence[_Member]) -> Path:
    folder = group[0].folder.resolve()
    if len(group) == 1:
        return folder
    return folder.parent / str(group[0].document.get("arch", {}).get("name", folder.name))


def _read_pool(name: str, members: Sequence[_Member], compared_set: str) -> Pool:
    folders_by_seed: defaultdict[int, list[Path]] = defaultdict(list)
    for member in members:
        folders_by_seed[member.seed].append(member.folder)
    seeds = sorted(folders_by_seed)
    trainings = [_read_training(folders_by_seed[seed], compared_set) for seed in seeds]
    for seed, training in zip(seeds[1:], trainings[1:], strict=True):
        first = f"{name}, seed {seeds[0]}"
        _check_same_cases(first, trainings[0].predictions, f"{name}, seed {seed}", training.predictions, compared_set)
    return Pool(
        name=name,
        folders=tuple(member.folder for member in members),
        folders_by_seed=tuple(tuple(folders_by_seed[seed]) for seed in seeds),
        document=members[0].document,
        seeds=tuple(seeds),
        folds=tuple(sorted({member.fold for member in members if member.fold is not None})),
        predictions_by_seed=tuple(training.predictions for training in trainings),
        run_of_case_by_seed=tuple(training.run_of_case for training in trainings),
        validation_by_seed=tuple(training.validation for training in trainings),
    )


class _Training(NamedTuple):
    """The predictions of one seed's runs, as in `Pool`."""

    predictions: Predictions
    run_of_case: NDArray[np.int64]
    validation: tuple[Predictions, ...]


def _read_training(folders: Sequence[Path], compared_set: str) -> _Training:
    """The compared cases of all folds of one seed, in the order of their names, and the validation cases of each."""
    runs = [read_run_predictions(folder, [compared_set]) for folder in folders]
    parts = [run.select(compared_set) for run in runs]
    cases = np.concatenate([part.cases for part in parts])
    order = np.argsort(cases, kind="stable")
    repeated = cases[order][1:][cases[order][1:] == cases[order][:-1]]
    if repeated.size:
        raise RunError(
            f'{folders[0]} and {folders[-1]}: case "{repeated[0]}" is in the {compared_set} set of more than one fold, '
            "so the folds cannot be pooled. Run them again with the same split.seed."
        )
    columns = ("groups", "sets", "y_true", "probabilities")
    arrays = {name: np.concatenate([getattr(part, name) for part in parts])[order] for name in columns}
    return _Training(
        predictions=Predictions(cases=cases[order], classes=parts[0].classes, **arrays),
        run_of_case=np.repeat(np.arange(len(parts)), [len(part.cases) for part in parts])[order],
        validation=tuple(run.select("validation") for run in runs),
    )


def _check_same_cases(first: str, cases: Predictions, name: str, other: Predictions, compared_set: str) -> None:
    """Reject two trainings evaluated on different cases, or on the same cases with different labels."""
    if np.array_equal(cases.cases, other.cases) and np.array_equal(cases.y_true, other.y_true):
        return
    truths = [dict(zip(part.cases.tolist(), part.y_true.tolist(), strict=True)) for part in (cases, other)]
    shared = truths[0].keys() & truths[1].keys()
    label_conflicts = sorted(case for case in shared if truths[0][case] != truths[1][case])
    extra_cases = [(case, first if case in truths[0] else name) for case in sorted(truths[0].keys() ^ truths[1].keys())]
    detail = f' ("{extra_cases[0][0]}" is only in {extra_cases[0][1]})' if extra_cases else ""
    labels = (
        f', {len(label_conflicts):,} of them with another true class ("{label_conflicts[0]}")'
        if label_conflicts
        else ""
    )
    raise RunError(
        f"{name}: its {compared_set} cases are not those of {first}: it has {len(truths[1]):,}, {first} has "
        f"{len(truths[0]):,}, and they share {len(shared):,}{detail}{labels}. Only runs on the same cases can be "
        "compared: the same data and split, and the same folds."
    )


def pool_truth(pool: Pool, positive: int) -> Truth:
    """The compared cases of a pool; `positive` is the index of the positive class."""
    cases = pool.predictions_by_seed[0]
    groups = np.unique(cases.groups, return_inverse=True)[1]
    return Truth(y_true=cases.y_true, groups=groups, num_classes=len(cases.classes), positive=positive)


def pool_trainings(pool: Pool, truth: Truth, threshold: float | None) -> list[SeedPredictions]:
    """The predictions of each seed's network for the compared cases, at one threshold."""
    return [
        SeedPredictions(
            scores=cases.probabilities[:, list(truth.columns)],
            y_pred=cases.predicted_classes(positive=truth.positive, threshold=threshold),
        )
        for cases in pool.predictions_by_seed
    ]
