"""Test with a logistic regression which flips and rotations leave the classes of arrays unchanged.

It is fitted to the training cases, with and without their transformed copies. If the classes lack a symmetry (left and
right organs), the regression with copies is worse on the untransformed validation cases.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations
from typing import Final
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import NDArray

from archnet.data.dataset import Dataset
from archnet.errors import pluralize
from archnet.evaluation.comparison.trainings import SeedPredictions, Trainings, Truth, estimate_metrics
from archnet.evaluation.uncertainty.clustered_auc import area_interval, estimate_areas, scarcer_groups
from archnet.evaluation.uncertainty.intervals import t_interval
from archnet.evaluation.uncertainty.ratio import Floats
from archnet.evaluation.uncertainty.seed_variance import difference_entry
from archnet.runs.preparation.case_split import CaseSplit
from archnet.runs.preparation.coarse_models.baseline_models import fit_baseline
from archnet.runs.preparation.coarse_models.copy_effect import Loss, Skill
from archnet.runs.preparation.coarse_models.symmetric_copies import (
    RIGHT_ANGLES,
    coarse_images,
    make_copies,
    name_symmetries,
)
from archnet.spec.augmentations import AXES
from archnet.spec.auto_rules import Symmetry, possible_flips

MAX_FITTED: Final = 8000
MAX_JUDGED: Final = 2000
"""Maximum number of training cases with their copies, and of validation cases; larger sets are sampled by class."""

_TINY: Final = np.finfo(np.float64).tiny
"""Minimum probability, so that the logarithm is finite."""

_ANSWERS: Final[WeakKeyDictionary[Dataset, dict[bytes, Symmetry]]] = WeakKeyDictionary()
"""Results by open data set and split, so that all runs on a split have the same result."""

Pair = tuple[int, int]


def find_symmetry(dataset: Dataset, split: CaseSplit) -> Symmetry:
    """Test which flips and rotations leave the classes of a data set unchanged.

    Without validation cases, or if the regression on the training cases is no better than chance, no symmetry is used.
    With more than two classes, every pair is tested.

    Args:
        dataset: The data set, whose values are in memory.
        split: Sets of its cases.

    Returns:
        The symmetries, with the results for each alone and all together.
    """
    answers = _ANSWERS.setdefault(dataset, {})
    key = split.sets[split.rows].tobytes() + split.rows.tobytes()
    if key not in answers:
        answers[key] = _ask(dataset, split)
    return answers[key]


def _ask(dataset: Dataset, split: CaseSplit) -> Symmetry:
    shape = dataset.shape
    names = [*possible_flips(shape), *([RIGHT_ANGLES] if shape[0] == shape[1] > 1 else [])]
    if not names:
        return Symmetry(axes=(), right_angles=False, reason="a single voxel is the same in every flip and rotation")
    labelled = split.rows[dataset.cases.has_label[split.rows]]
    training, validation = (labelled[split.sets[labelled] == name] for name in ("train", "validation"))
    labels = dataset.cases.labels
    if not validation.size:
        return _undecided("there is no validation set")
    if len(np.unique(labels[training])) < len(dataset.cases.classes):
        return _undecided("the training set lacks a class")
    trial = _Trial(
        dataset,
        _draw_rows(training, labels, MAX_FITTED // len(make_copies(np.zeros((0, *shape), np.float32), names))),
        _draw_rows(validation, labels, MAX_JUDGED),
    )
    return trial.decide(names)


def _undecided(why: str) -> Symmetry:
    reason = f"it is unknown whether flips and rotations change the classes, so none are used: {why}"
    return Symmetry(axes=(), right_angles=False, reason=reason)


def _draw_rows(rows: NDArray[np.int64], labels: NDArray[np.int64], most: int) -> NDArray[np.int64]:
    """A deterministic sample of at most a number of rows, balanced over the classes if possible."""
    generator = np.random.default_rng(0)
    members = [rows[labels[rows] == label] for label in np.unique(labels[rows])]
    share = max(1, most // len(members))
    drawn = [part if len(part) <= share else generator.choice(part, share, replace=False) for part in members]
    return np.sort(np.concatenate(drawn))


class _Trial:
    """Regressions on the same training cases, compared on the same validation cases."""

    def __init__(self, dataset: Dataset, training: NDArray[np.int64], validation: NDArray[np.int64]) -> None:
        cases = dataset.cases
        self.classes = cases.classes
        self.images, self.labels = coarse_images(dataset, training), cases.labels[training]
        self.judged, self.truth = coarse_images(dataset, validation), cases.labels[validation]
        self.groups = cases.groups[validation]
        self.first = self._log_probabilities([])

    def decide(self, names: Sequence[str]) -> Symmetry:
        """All symmetries if together they keep the AUC; else those that keep it alone and together."""
        classes = np.unique(self.truth).tolist()
        skills = {pair: skill for pair in combinations(classes, 2) if (skill := self._skill(pair)) is not None}
        pairs = [pair for pair, skill in skills.items() if skill.exceeds_chance]
        if not pairs:
            return _undecided(self._chance_text(list(skills.values())))
        kept, dropped = list(names), dict[str, Loss]()
        loss = self._worst_loss(kept, pairs)
        if loss.is_worse:
            alone = {name: self._worst_loss([name], pairs) for name in names}
            dropped = {name: loss for name, loss in alone.items() if loss.is_worse}
            kept = [name for name in names if name not in dropped]
            while kept and (loss := self._worst_loss(kept, pairs)).is_worse:
                dropped[(worst := min(kept, key=lambda name: alone[name].difference))] = loss
                kept.remove(worst)
        return Symmetry(
            axes=tuple(axis for axis in AXES if axis in kept),
            right_angles=RIGHT_ANGLES in kept,
            reason=self._reason(skills[pairs[0]] if len(pairs) == 1 else None, kept, loss, dropped),
        )

    def _reason(self, skill: Skill | None, kept: Sequence[str], kept_loss: Loss, dropped: Mapping[str, Loss]) -> str:
        """A text with the used symmetries, then the others, with the results of each."""
        parts = [(f"{name_symmetries(kept)} do not change the classes", kept_loss)] if kept else []
        parts += [(f"{name_symmetries([name])} change the classes", loss) for name, loss in dropped.items()]
        (what, loss), *others = parts
        area = skill.text if skill else f"AUC {loss.first:.3f}"
        first = (
            f"{what}: a logistic regression on coarse voxels has {area} on "
            f"{pluralize(len(self.truth), 'validation case')}{loss.pair}, and {loss.text} with such copies of the "
            "training cases"
        )
        return "; ".join([first, *(f"{what}{loss.pair}: {loss.text}" for what, loss in others)])

    def _chance_text(self, known: Sequence[Skill]) -> str:
        cases = pluralize(len(self.truth), "validation case")
        if len(known) != 1:
            return f"a logistic regression on coarse voxels separates no two classes on {cases}"
        text = f"a logistic regression on coarse voxels has {known[0].text} on {cases}"
        return f"{text}, which does not show that it is better than chance"

    def _worst_loss(self, names: Sequence[str], pairs: Sequence[Pair]) -> Loss:
        """The loss of a pair with a reduced AUC; without one, of the pair with the largest decrease."""
        second = self._log_probabilities(names)
        losses = [self._compare(pair, self.first, second) for pair in pairs]
        return min(losses, key=lambda loss: (not loss.is_worse, loss.difference))

    def _log_probabilities(self, names: Sequence[str]) -> NDArray[np.float64]:
        """Probabilities of each class for the validation cases, after training on all symmetric copies."""
        parts = make_copies(self.images, names)
        copies, labels = np.concatenate(parts), np.tile(self.labels, len(parts))
        model = fit_baseline("logistic_regression", copies.reshape(len(copies), -1), labels, seed=0)
        probabilities = model.predict_proba(self.judged.reshape(len(self.judged), -1))
        logarithms: NDArray[np.float64] = np.log(np.maximum(probabilities.astype(np.float64), _TINY))
        return logarithms

    def _skill(self, pair: Pair) -> Skill | None:
        """The first regression's AUC on the cases of two classes; None if it has no interval."""
        truth = self._truth_of(pair)
        scores, is_positive = self._scores_of(pair, self.first), truth.y_true == 1
        estimates = estimate_areas([[scores]], is_positive, truth.groups)
        if estimates is None:
            return None
        area, deviation = float(estimates.areas[0]), float(estimates.covariance[0, 0]) ** 0.5
        ends = t_interval(area, deviation, scarcer_groups(is_positive, truth.groups))
        interval = area_interval(scores, is_positive, truth.groups) if area in (0, 1) else None
        return Skill(area=area, interval=interval or [max(0.0, ends[0]), min(1.0, ends[1])])

    def _compare(self, pair: Pair, first: Floats, second: Floats) -> Loss:
        """The AUCs of two predictions on the cases of two classes."""
        sides = [
            SeedPredictions(scores=scores[:, None], y_pred=(scores > 0).astype(np.int64))
            for scores in (self._scores_of(pair, first), self._scores_of(pair, second))
        ]
        (areas,) = estimate_metrics(Trainings(sides, self._truth_of(pair)), ["auc"], bootstraps=0)["auc"]
        entry = difference_entry(areas, num_reference=1)
        one, other = pair
        pair_text = f' of "{self.classes[one]}" and "{self.classes[other]}"' if len(self.classes) > 2 else ""
        return Loss(pair=pair_text, first=entry["reference"], second=entry["other"], interval=entry["interval"])

    def _truth_of(self, pair: Pair) -> Truth:
        """The validation cases of two classes; the second one is positive."""
        is_member = np.isin(self.truth, pair)
        groups = np.unique(self.groups[is_member], return_inverse=True)[1]
        y_true = (self.truth[is_member] == pair[1]).astype(np.int64)
        return Truth(y_true=y_true, groups=groups, num_classes=2, positive=1)

    def _scores_of(self, pair: Pair, logarithms: Floats) -> Floats:
        """The log odds of the second class against the first, for the cases of both."""
        of_members: Floats = logarithms[np.isin(self.truth, pair)]
        return of_members[:, pair[1]] - of_members[:, pair[0]]
