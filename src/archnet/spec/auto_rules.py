"""The rules of the default recipe: the value of each training option that is "auto", and the reason in one sentence.

Small data sets use small batches, to have enough steps; the number of epochs follows from a target number of steps,
within bounds; averages and moving statistics cover a fixed share of the steps.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import count
from math import ceil
from typing import Any, Final

from archnet.errors import pluralize
from archnet.spec.augmentations import AXES, Augmentation, Axis, Flip, Intensity, RightAngles, Rotate, Shift
from archnet.spec.datasets import DATASETS
from archnet.spec.experiment import Experiment, Training
from archnet.spec.sampling import counts_with_copies, samples_per_class, steps_per_epoch

TARGET_STEPS: Final = 3500
"""Target number of steps of a whole training."""

EPOCH_RANGE: Final = (10, 100)
"""Minimum and maximum number of epochs."""

BATCH_SIZES: Final = ((600, 16), (2000, 32))
"""Pairs of a number of training cases and the batch size for fewer cases."""

LARGE_BATCH: Final = 64

MIN_LAST_BATCH_FRACTION: Final = 0.25
"""Share of a batch below which the last batch of an epoch is spread over the others: batch norm needs more cases."""

MAX_CLASS_RATIO: Final = 1.5
"""Ratio of the largest class to the smallest in an imbalanced training set after oversampling."""

MANY_REPETITIONS: Final = 10
"""Minimum number of repetitions of a case in an epoch that the reason mentions."""

MAX_SHIFT: Final = 3
SHIFT_FRACTION: Final = 0.06
"""Maximum shift in voxels, and as a share of a side."""

SMALL_ROTATIONS: Final = (-10.0, -5.0, 0.0, 5.0, 10.0)
"""Rotation angles of whole scans, in degrees."""

EMA_FRACTION: Final = 0.1
MIN_EMA_STEPS: Final = 100
MAX_EMA_DECAY: Final = 0.9999
"""Share of the steps that the average of the weights covers, and minimum number of steps for an average."""

BATCH_NORM_FRACTION: Final = 1 / 40
BATCH_NORM_RANGE: Final = (10, 100)
"""Share of the steps that the moving statistics of batch norm cover, and the minimum and maximum number of steps."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Symmetry:
    """Flips and rotations that do not change the class of a case.

    Attributes:
        axes: Axes along which a case may be flipped.
        right_angles: Whether it may be rotated by right angles in the axial plane.
        reason: The evidence, or the reason why there are none.
    """

    axes: tuple[Axis, ...] = AXES
    right_angles: bool = True
    reason: str


AutoValue = tuple[Any, str]
"""A value and its reason."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingSet:
    """Properties of a training set that the rules use, known before any crop is extracted.

    Attributes:
        counts: Number of cases of each class.
        num_unlabelled: Number of cases that have only a soft label.
        shape: Shape of one case, (height, width[, depth]).
        positive: Index of the positive class.
        symmetry: The result of the test of flips and rotations on the cases; null if they were not tested.
    """

    counts: tuple[int, ...]
    shape: tuple[int, ...]
    positive: int = 1
    symmetry: Symmetry | None = None
    num_unlabelled: int = 0

    @property
    def num_cases(self) -> int:
        """Number of cases, with and without a hard label."""
        return sum(self.counts) + self.num_unlabelled


def _balance(experiment: Experiment, training_set: TrainingSet) -> AutoValue:
    largest, smallest = max(training_set.counts), min(training_set.counts)
    comparison = f"than {MAX_CLASS_RATIO:g} times as many cases as the smallest ({largest:,} and {smallest:,})"
    if largest <= MAX_CLASS_RATIO * smallest:
        return "none", f"the largest class has no more {comparison}"
    repetitions = samples_per_class(training_set.counts, MAX_CLASS_RATIO)[training_set.counts.index(smallest)] / max(
        smallest, 1
    )
    repetition_text = ""
    if repetitions >= MANY_REPETITIONS:
        repetition_text = f", whose cases are each sampled about {repetitions:.0f} times per epoch"
    return MAX_CLASS_RATIO, f"the largest class has more {comparison}{repetition_text}"


def _epochs(experiment: Experiment, training_set: TrainingSet) -> AutoValue:
    steps = _steps_per_epoch(experiment.training, training_set)
    fewest, most = EPOCH_RANGE
    target = ceil(TARGET_STEPS / steps)
    epochs = min(max(target, fewest), most)
    bound = "" if epochs == target else f", at most {most} epochs" if target > most else f", at least {fewest} epochs"
    return epochs, f"for {TARGET_STEPS:,} steps at {steps:,} per epoch{bound}"


def _warmup_epochs(experiment: Experiment, training_set: TrainingSet) -> AutoValue:
    epochs = experiment.training.epochs
    return min(1.0, epochs / 20), f"a twentieth of {pluralize(epochs, 'epoch')}, at most 1"


def _ema(experiment: Experiment, training_set: TrainingSet) -> AutoValue:
    steps = _num_steps(experiment.training, training_set)
    if steps < MIN_EMA_STEPS:
        return None, f"fewer than {MIN_EMA_STEPS} steps ({steps})"
    decay = min(round(1 - 1 / (EMA_FRACTION * steps), 4), MAX_EMA_DECAY)
    return decay, f"an average over a tenth of all {steps:,} steps"


def _batch_norm_momentum(experiment: Experiment, training_set: TrainingSet) -> AutoValue:
    steps = _num_steps(experiment.training, training_set)
    fewest, most = BATCH_NORM_RANGE
    reach = min(max(BATCH_NORM_FRACTION * steps, fewest), most)
    return round(
        1 - 1 / reach, 3
    ), f"moving statistics over a fortieth of all {steps:,} steps, {fewest} to {most} steps"


def _augmentation(experiment: Experiment, training_set: TrainingSet) -> AutoValue:
    shape = training_set.shape[: experiment.arch.rank]
    shifts = [min(MAX_SHIFT, round(SHIFT_FRACTION * size)) for size in shape]
    shift = Shift(**{"depth": 0, **dict(zip(AXES, shifts, strict=False))})
    if DATASETS[experiment.data.name].cases == "whole scans":
        entries: list[Augmentation] = [Rotate(degrees=SMALL_ROTATIONS)]
        reason = "whole scans have a left and a right side"
    else:
        symmetry = _find_symmetry(experiment, training_set)
        flip = Flip(axes=tuple(axis for axis in possible_flips(shape) if axis in symmetry.axes))
        is_square = shape[0] == shape[1]
        entries = [*([RightAngles()] if is_square and symmetry.right_angles else []), flip]
        reason = symmetry.reason if is_square else f"{symmetry.reason}; slices that are not square are not rotated"
    entries = [*entries, shift, Intensity()]
    return tuple(entry for entry in entries if entry != Shift(height=0, width=0) and entry != Flip(axes=())), reason


def possible_flips(shape: tuple[int, ...]) -> tuple[Axis, ...]:
    """Axes along which a flip changes a case of (height, width[, depth])."""
    return tuple(axis for axis, size in zip(AXES, shape, strict=False) if size > 1)


def _find_symmetry(experiment: Experiment, training_set: TrainingSet) -> Symmetry:
    """The symmetry stated in the description of the data set, or else measured on the cases; otherwise none."""
    known = DATASETS[experiment.data.name].symmetry
    if known:
        return Symmetry(reason=known)
    reason = "it is unknown whether flips change the classes"
    return training_set.symmetry or Symmetry(axes=(), right_angles=False, reason=reason)


def _batch_size(experiment: Experiment, training_set: TrainingSet) -> AutoValue:
    num_cases, num_samples = training_set.num_cases, _samples_per_epoch(experiment.training, training_set)
    limit, size = next(((limit, size) for limit, size in BATCH_SIZES if num_cases < limit), (0, LARGE_BATCH))
    if num_samples <= size:
        return max(num_samples, 1), f"all training cases at once ({num_cases:,})"
    reason = f"fewer than {limit:,} training cases" if limit else f"{BATCH_SIZES[-1][0]:,} training cases or more"
    even_size = next(
        one for one in count(size) if num_samples % one == 0 or num_samples % one >= MIN_LAST_BATCH_FRACTION * one
    )
    return even_size, f"{reason} ({num_cases:,})" + (
        f", increased from {size} to avoid a small last batch" if even_size > size else ""
    )


AUTO_RULES: Final[Mapping[str, Callable[[Experiment, TrainingSet], AutoValue]]] = {
    "balance": _balance,
    "augmentation": _augmentation,
    "batch_size": _batch_size,
    "epochs": _epochs,
    "warmup_epochs": _warmup_epochs,
    "ema": _ema,
    "batch_norm_momentum": _batch_norm_momentum,
}
"""One rule for each key of `AUTO`, which defines their order."""


def _num_steps(training: Training, training_set: TrainingSet) -> int:
    return training.epochs * _steps_per_epoch(training, training_set)


def _steps_per_epoch(training: Training, training_set: TrainingSet) -> int:
    return max(1, steps_per_epoch(_samples_per_epoch(training, training_set), training.batch_size))


def _samples_per_epoch(training: Training, training_set: TrainingSet) -> int:
    """Samples of an epoch: the training cases, their rotated copies, and the samples that balancing adds."""
    counts = (*training_set.counts, training_set.num_unlabelled)
    *class_counts, num_unlabelled = counts_with_copies(counts, training.augmentation, training_set.positive)
    return sum(samples_per_class(class_counts, training.balance)) + num_unlabelled
