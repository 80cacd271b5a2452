"""What `"auto"` means: options of the training that follow from the data, each with the reason in one sentence.

Small data sets take small batches, so that there are enough steps; the epochs follow from a number of steps, within
bounds; what reaches over steps (averages, moving statistics) reaches over a share of them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from itertools import count
from math import ceil
from typing import Any, Final

from archnet.errors import pluralize
from archnet.spec.augmentations import (
    AUGMENTATIONS,
    Augmentation,
    Axis,
    Flip,
    Intensity,
    RightAngles,
    Rotate,
    RotatedCopies,
    Shift,
)
from archnet.spec.datasets import DATASETS
from archnet.spec.experiment import AUTO, Experiment, Training

TARGET_STEPS: Final = 3500
"""That the epochs are to make."""

EPOCH_RANGE: Final = (10, 100)
"""Fewest and most."""

BATCH_SIZES: Final = ((600, 16), (2000, 32))
"""Below so many training cases, so many at once."""

LARGE_BATCH: Final = 64

MIN_LAST_BATCH_FRACTION: Final = 0.25
"""Share of a batch below which an epoch's last one is spread over the others: batch norm needs more cases."""

MAX_CLASS_RATIO: Final = 1.5
"""Of the largest class to the smallest, which drawing rare cases more often comes down to."""

MANY_REPETITIONS: Final = 10
"""Of a case in an epoch, from which on they are told."""

MAX_SHIFT: Final = 3
SHIFT_FRACTION: Final = 0.06
"""Voxels, and share of a side, by which a case is moved at most."""

SMALL_ROTATIONS: Final = (-10.0, -5.0, 0.0, 5.0, 10.0)
"""Degrees, of whole scans: as patients lie."""

EMA_FRACTION: Final = 0.1
MIN_EMA_STEPS: Final = 100
MAX_EMA_DECAY: Final = 0.9999
"""Share of the steps that the average of the weights reaches over; below so few it would cling to the first ones."""

BATCH_NORM_FRACTION: Final = 1 / 40
BATCH_NORM_RANGE: Final = (10, 100)
"""Share of the steps that the moving statistics of batch norm reach over, and the fewest and most steps."""

AutoValue = tuple[Any, str]
"""A value, and why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingSet:
    """What is known of a training set before anything is cut.

    Attributes:
        counts: Cases of each class.
        shape: Of one case, (height, width[, depth]).
        positive: Index of the class whose recall counts.
    """

    counts: tuple[int, ...]
    shape: tuple[int, ...]
    positive: int = 1


def resolve_auto(experiment: Experiment, training_set: TrainingSet) -> Experiment:
    """The experiment with every option picked that is left to the data; what is given stays.

    Args:
        experiment: With one split or fold.
        training_set: Its training set.
    """
    training, reasons = experiment.training, dict(experiment.auto_reasons)
    for name, rule in AUTO_RULES.items():
        if name in experiment.training.auto:
            value, reason = rule(replace(experiment, training=training), training_set)
            training = replace(training, **{name: value})
            reasons[f"training.{name}"] = f"{value_text(value)}: {reason}"
    return replace(experiment, training=replace(training, auto=()), auto_reasons=reasons)


def refresh_reasons(experiment: Experiment, training_set: TrainingSet) -> Experiment:
    """The experiment with this training set's reasons for what was picked; what would be picked otherwise loses its."""
    names = tuple(key.removeprefix("training.") for key in experiment.auto_reasons)
    fresh = resolve_auto(
        replace(experiment, training=replace(experiment.training, auto=names), auto_reasons={}), training_set
    )
    return replace(experiment, auto_reasons=valid_reasons(fresh.auto_reasons, experiment.training))


def restore_auto(document: Mapping[str, Any]) -> dict[str, Any]:
    """An experiment's document as it was before anything was picked: "auto" again."""
    if not document.get("picked"):
        return dict(document)
    names = [key.removeprefix("training.") for key in document["picked"]]
    training = {**document.get("training", {}), **dict.fromkeys(names, "auto")}
    return {key: value for key, value in document.items() if key != "picked"} | {"training": training}


def reuse_auto_values(document: Mapping[str, Any], previous: Mapping[str, Any]) -> dict[str, Any]:
    """A document that asks for "auto" where an earlier one was picked, with what was picked there."""
    training, previous_training = document["training"], previous.get("training", {})
    names = (key.removeprefix("training.") for key in previous.get("picked", {}))
    values = {
        name: previous_training[name] for name in names if training.get(name) == "auto" and name in previous_training
    }
    return {**document, "training": {**training, **values}}


def valid_reasons(reasons: Mapping[str, str], training: Training) -> dict[str, str]:
    """Of a document's reasons those whose options still have the value that was picked."""
    values = {f"training.{name}": value_text(getattr(training, name)) for name in AUTO if name not in training.auto}
    return {key: why for key, why in reasons.items() if key in values and why.startswith(f"{values[key]}: ")}


def describe_auto(experiment: Experiment) -> str:
    """What was picked, in one line."""
    names = [key.removeprefix("training.") for key in experiment.auto_reasons]
    values = [f"{name} {_short_value_text(getattr(experiment.training, name))}" for name in names]
    return f"picked from the data (why: experiment.json): {', '.join(values)}."


def _short_value_text(value: Any) -> str:
    return " + ".join(map(_augmentation_name, value)) or "none" if isinstance(value, tuple) else value_text(value)


def value_text(value: Any) -> str:
    """An option's value in a sentence; a whole number is the same as an integer and as a float.

    >>> value_text((RightAngles(), Shift(height=3, width=2))), value_text(1.0), value_text(None)
    ('right_angles, shift height 3 width 2 depth 0', '1', 'none')
    """
    if isinstance(value, tuple):
        return ", ".join(map(_augmentation_text, value)) or "none"
    return "none" if value is None else value if isinstance(value, str) else f"{value:g}"


def _augmentation_text(augmentation: Augmentation) -> str:
    return " ".join(
        [
            _augmentation_name(augmentation),
            *(f"{key} {_parameter_text(value)}" for key, value in asdict(augmentation).items()),
        ]
    )


def _parameter_text(value: Any) -> str:
    return f"({', '.join(map(value_text, value))})" if isinstance(value, tuple) else value_text(value)


def _augmentation_name(augmentation: Augmentation) -> str:
    return next(name for name, kind in AUGMENTATIONS.items() if kind is type(augmentation))


def _balance(experiment: Experiment, training_set: TrainingSet) -> AutoValue:
    largest, smallest = max(training_set.counts), min(training_set.counts)
    comparison = f"than {MAX_CLASS_RATIO:g} times the cases of the smallest ({largest:,} and {smallest:,})"
    if largest <= MAX_CLASS_RATIO * smallest:
        return "none", f"the largest class has no more {comparison}"
    repetitions = samples_per_class(training_set.counts, MAX_CLASS_RATIO)[training_set.counts.index(smallest)] / max(
        smallest, 1
    )
    repetition_text = (
        f", whose cases are each drawn about {repetitions:.0f} times an epoch" if repetitions > MANY_REPETITIONS else ""
    )
    return MAX_CLASS_RATIO, f"the largest class has more {comparison}{repetition_text}"


def _epochs(experiment: Experiment, training_set: TrainingSet) -> AutoValue:
    steps = _steps_per_epoch(experiment.training, training_set)
    fewest, most = EPOCH_RANGE
    target = ceil(TARGET_STEPS / steps)
    epochs = min(max(target, fewest), most)
    bound = "" if epochs == target else f", {most} epochs at most" if target > most else f", {fewest} epochs at least"
    return epochs, f"for {TARGET_STEPS:,} steps at {steps:,} an epoch{bound}"


def _warmup_epochs(experiment: Experiment, training_set: TrainingSet) -> AutoValue:
    epochs = experiment.training.epochs
    return min(1.0, epochs / 20), f"a twentieth of {pluralize(epochs, 'epoch')}, 1 at most"


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
    axes: tuple[Axis, ...] = ("height", "width", "depth")
    shift = Shift(**{"depth": 0, **dict(zip(axes, shifts, strict=False))})
    if DATASETS[experiment.data.name].cases == "whole scans":
        entries = [Rotate(degrees=SMALL_ROTATIONS), shift, Intensity()]
        reason = "whole scans lie as patients lie, with a left and a right"
    else:
        flip_axes = tuple(axis for axis, size in zip(axes, shape, strict=False) if size > 1)
        right_angles = [RightAngles()] if shape[0] == shape[1] else []
        entries = [*right_angles, Flip(axes=flip_axes), shift, Intensity()]
        reason = (
            "crops may lie any way"
            if right_angles
            else "crops may lie any way; slices that are not square are not turned"
        )
    return tuple(entry for entry in entries if entry != Shift(height=0, width=0) and entry != Flip(axes=())), reason


def _batch_size(experiment: Experiment, training_set: TrainingSet) -> AutoValue:
    num_cases, num_samples = sum(training_set.counts), _samples_per_epoch(experiment.training, training_set)
    limit, size = next(((limit, size) for limit, size in BATCH_SIZES if num_cases < limit), (0, LARGE_BATCH))
    if num_samples <= size:
        return max(num_samples, 1), f"all training cases at once ({num_cases:,})"
    reason = f"fewer than {limit:,} training cases" if limit else f"{BATCH_SIZES[-1][0]:,} training cases or more"
    even_size = next(
        one for one in count(size) if num_samples % one == 0 or num_samples % one >= MIN_LAST_BATCH_FRACTION * one
    )
    return even_size, f"{reason} ({num_cases:,})" + (
        f", and no small batch at the end as by {size}" if even_size > size else ""
    )


AUTO_RULES: Final = {
    "balance": _balance,
    "augmentation": _augmentation,
    "batch_size": _batch_size,
    "epochs": _epochs,
    "warmup_epochs": _warmup_epochs,
    "ema": _ema,
    "batch_norm_momentum": _batch_norm_momentum,
}
"""In the order in which they build on each other."""


def _num_steps(training: Training, training_set: TrainingSet) -> int:
    return training.epochs * _steps_per_epoch(training, training_set)


def _steps_per_epoch(training: Training, training_set: TrainingSet) -> int:
    return max(1, ceil(_samples_per_epoch(training, training_set) / training.batch_size))


def _samples_per_epoch(training: Training, training_set: TrainingSet) -> int:
    """Cases of an epoch, with the copies that the augmentation adds and what balancing rounds up."""
    counts = list(training_set.counts)
    for entry in training.augmentation:
        if isinstance(entry, RotatedCopies):
            labels = [label for label in range(len(counts)) if entry.of == "all" or label == training_set.positive]
            counts = [
                count + len(entry.angles) * training_set.counts[k] * (k in labels) for k, count in enumerate(counts)
            ]
    return sum(samples_per_class(counts, training.balance))


def samples_per_class(counts: Sequence[int], balance: str | float) -> list[int]:
    """Of each class in an epoch, see `network.batches.epoch_order`: its share of all cases is rounded up."""
    ratio = 1.0 if balance == "oversample" else balance
    present = [count for count in counts if count]
    if isinstance(ratio, str) or not present or max(present) <= ratio * min(present):
        return list(counts)
    balanced = [max(count, max(present) / ratio) if count else 0 for count in counts]
    return [ceil(share / sum(balanced) * sum(counts)) for share in balanced]
