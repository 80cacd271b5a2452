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

from archnet.errors import counted
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

NUM_STEPS: Final = 3500
"""That the epochs are to make."""

EPOCHS: Final = (10, 100)
"""Fewest and most."""

BATCH_SIZES: Final = ((600, 16), (2000, 32))
"""Below so many training cases, so many at once."""

LARGE_BATCH: Final = 64

SMALLEST_REST: Final = 0.25
"""Share of a batch below which an epoch's last one is spread over the others: batch norm needs more cases."""

LARGEST_RATIO: Final = 1.5
"""Of the largest class to the smallest, which drawing rare cases more often comes down to."""

MANY_DRAWS: Final = 10
"""Of a case in an epoch, from which on they are told."""

MOST_SHIFT: Final = 3
SHIFT_SHARE: Final = 0.06
"""Voxels, and share of a side, by which a case is moved at most."""

SMALL_TURNS: Final = (-10.0, -5.0, 0.0, 5.0, 10.0)
"""Degrees, of whole scans: as patients lie."""

AVERAGE_SHARE: Final = 0.1
FEWEST_AVERAGED: Final = 100
LONGEST_DECAY: Final = 0.9999
"""Share of the steps that the average of the weights reaches over; below so few it would cling to the first ones."""

STATISTICS_SHARE: Final = 1 / 40
STATISTICS_STEPS: Final = (10, 100)
"""Share of the steps that the moving statistics of batch norm reach over, and the fewest and most steps."""

Picked = tuple[Any, str]
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


def picked(experiment: Experiment, known: TrainingSet) -> Experiment:
    """The experiment with every option picked that is left to the data; what is given stays.

    Args:
        experiment: With one split or fold.
        known: Its training set.
    """
    training, reasons = experiment.training, dict(experiment.picked)
    for name, pick in PICKS.items():
        if name in experiment.training.auto:
            value, why = pick(replace(experiment, training=training), known)
            training = replace(training, **{name: value})
            reasons[f"training.{name}"] = f"{value_text(value)}: {why}"
    return replace(experiment, training=replace(training, auto=()), picked=reasons)


def with_true_reasons(experiment: Experiment, known: TrainingSet) -> Experiment:
    """The experiment with this training set's reasons for what was picked; what would be picked otherwise loses its."""
    names = tuple(key.removeprefix("training.") for key in experiment.picked)
    again = picked(replace(experiment, training=replace(experiment.training, auto=names), picked={}), known)
    return replace(experiment, picked=true_reasons(again.picked, experiment.training))


def unpicked(document: Mapping[str, Any]) -> dict[str, Any]:
    """An experiment's document as it was before anything was picked: "auto" again."""
    if not document.get("picked"):
        return dict(document)
    names = [key.removeprefix("training.") for key in document["picked"]]
    training = {**document.get("training", {}), **dict.fromkeys(names, "auto")}
    return {key: value for key, value in document.items() if key != "picked"} | {"training": training}


def as_picked(document: Mapping[str, Any], earlier: Mapping[str, Any]) -> dict[str, Any]:
    """A document that asks for "auto" where an earlier one was picked, with what was picked there."""
    training, there = document["training"], earlier.get("training", {})
    names = (key.removeprefix("training.") for key in earlier.get("picked", {}))
    found = {name: there[name] for name in names if training.get(name) == "auto" and name in there}
    return {**document, "training": {**training, **found}}


def true_reasons(reasons: Mapping[str, str], training: Training) -> dict[str, str]:
    """Of a document's reasons those whose options still have the value that was picked."""
    values = {f"training.{name}": value_text(getattr(training, name)) for name in AUTO if name not in training.auto}
    return {key: why for key, why in reasons.items() if key in values and why.startswith(f"{values[key]}: ")}


def picks_told(experiment: Experiment) -> str:
    """What was picked, in one line."""
    names = [key.removeprefix("training.") for key in experiment.picked]
    values = [f"{name} {_told(getattr(experiment.training, name))}" for name in names]
    return f"picked from the data (why: experiment.json): {', '.join(values)}."


def _told(value: Any) -> str:
    return " + ".join(map(_name, value)) or "none" if isinstance(value, tuple) else value_text(value)


def value_text(value: Any) -> str:
    """An option's value in a sentence; a whole number is the same as an integer and as a float.

    >>> value_text((RightAngles(), Shift(height=3, width=2))), value_text(1.0), value_text(None)
    ('right_angles, shift height 3 width 2 depth 0', '1', 'none')
    """
    if isinstance(value, tuple):
        return ", ".join(map(_entry_text, value)) or "none"
    return "none" if value is None else value if isinstance(value, str) else f"{value:g}"


def _entry_text(entry: Augmentation) -> str:
    return " ".join([_name(entry), *(f"{key} {_parameter(value)}" for key, value in asdict(entry).items())])


def _parameter(value: Any) -> str:
    return f"({', '.join(map(value_text, value))})" if isinstance(value, tuple) else value_text(value)


def _name(entry: Augmentation) -> str:
    return next(name for name, kind in AUGMENTATIONS.items() if kind is type(entry))


def _balance(experiment: Experiment, known: TrainingSet) -> Picked:
    largest, smallest = max(known.counts), min(known.counts)
    told = f"than {LARGEST_RATIO:g} times the cases of the smallest ({largest:,} and {smallest:,})"
    if largest <= LARGEST_RATIO * smallest:
        return "none", f"the largest class has no more {told}"
    draws = class_draws(known.counts, LARGEST_RATIO)[known.counts.index(smallest)] / max(smallest, 1)
    often = f", whose cases are each drawn about {draws:.0f} times an epoch" if draws > MANY_DRAWS else ""
    return LARGEST_RATIO, f"the largest class has more {told}{often}"


def _epochs(experiment: Experiment, known: TrainingSet) -> Picked:
    steps = _epoch_steps(experiment.training, known)
    fewest, most = EPOCHS
    wanted = ceil(NUM_STEPS / steps)
    epochs = min(max(wanted, fewest), most)
    bound = "" if epochs == wanted else f", {most} epochs at most" if wanted > most else f", {fewest} epochs at least"
    return epochs, f"for {NUM_STEPS:,} steps at {steps:,} an epoch{bound}"


def _warmup_epochs(experiment: Experiment, known: TrainingSet) -> Picked:
    epochs = experiment.training.epochs
    return min(1.0, epochs / 20), f"a twentieth of {counted(epochs, 'epoch')}, 1 at most"


def _ema(experiment: Experiment, known: TrainingSet) -> Picked:
    steps = _all_steps(experiment.training, known)
    if steps < FEWEST_AVERAGED:
        return None, f"fewer than {FEWEST_AVERAGED} steps ({steps})"
    decay = min(round(1 - 1 / (AVERAGE_SHARE * steps), 4), LONGEST_DECAY)
    return decay, f"an average over a tenth of all {steps:,} steps"


def _batch_norm_momentum(experiment: Experiment, known: TrainingSet) -> Picked:
    steps = _all_steps(experiment.training, known)
    fewest, most = STATISTICS_STEPS
    reach = min(max(STATISTICS_SHARE * steps, fewest), most)
    return round(
        1 - 1 / reach, 3
    ), f"moving statistics over a fortieth of all {steps:,} steps, {fewest} to {most} steps"


def _augmentation(experiment: Experiment, known: TrainingSet) -> Picked:
    seen = known.shape[: experiment.arch.rank]
    shifts = [min(MOST_SHIFT, round(SHIFT_SHARE * size)) for size in seen]
    axes: tuple[Axis, ...] = ("height", "width", "depth")
    shift = Shift(**{"depth": 0, **dict(zip(axes, shifts, strict=False))})
    if DATASETS[experiment.data.name].is_whole:
        entries = [Rotate(degrees=SMALL_TURNS), shift, Intensity()]
        why = "whole scans lie as patients lie, with a left and a right"
    else:
        sides = tuple(axis for axis, size in zip(axes, seen, strict=False) if size > 1)
        turns = [RightAngles()] if seen[0] == seen[1] else []
        entries = [*turns, Flip(axes=sides), shift, Intensity()]
        why = "crops may lie any way" if turns else "crops may lie any way; slices that are not square are not turned"
    return tuple(entry for entry in entries if entry != Shift(height=0, width=0) and entry != Flip(axes=())), why


def _batch_size(experiment: Experiment, known: TrainingSet) -> Picked:
    num_cases, drawn = sum(known.counts), _epoch_cases(experiment.training, known)
    below, size = next(((below, size) for below, size in BATCH_SIZES if num_cases < below), (0, LARGE_BATCH))
    if drawn <= size:
        return max(drawn, 1), f"all training cases at once ({num_cases:,})"
    told = f"fewer than {below:,} training cases" if below else f"{BATCH_SIZES[-1][0]:,} training cases or more"
    even = next(one for one in count(size) if drawn % one == 0 or drawn % one >= SMALLEST_REST * one)
    return even, f"{told} ({num_cases:,})" + (f", and no small batch at the end as by {size}" if even > size else "")


PICKS: Final = {
    "balance": _balance,
    "augmentation": _augmentation,
    "batch_size": _batch_size,
    "epochs": _epochs,
    "warmup_epochs": _warmup_epochs,
    "ema": _ema,
    "batch_norm_momentum": _batch_norm_momentum,
}
"""In the order in which they build on each other."""


def _all_steps(training: Training, known: TrainingSet) -> int:
    return training.epochs * _epoch_steps(training, known)


def _epoch_steps(training: Training, known: TrainingSet) -> int:
    return max(1, ceil(_epoch_cases(training, known) / training.batch_size))


def _epoch_cases(training: Training, known: TrainingSet) -> int:
    """Cases of an epoch, with the copies that the augmentation adds and what balancing rounds up."""
    counts = list(known.counts)
    for entry in training.augmentation:
        if isinstance(entry, RotatedCopies):
            of = [label for label in range(len(counts)) if entry.of == "all" or label == known.positive]
            counts = [count + len(entry.angles) * known.counts[k] * (k in of) for k, count in enumerate(counts)]
    return sum(class_draws(counts, training.balance))


def class_draws(counts: Sequence[int], balance: str | float) -> list[int]:
    """Of each class in an epoch, see `network.batches.epoch_order`: its share of all cases is rounded up."""
    ratio = 1.0 if balance == "oversample" else balance
    present = [count for count in counts if count]
    if isinstance(ratio, str) or not present or max(present) <= ratio * min(present):
        return list(counts)
    lifted = [max(count, max(present) / ratio) if count else 0 for count in counts]
    return [ceil(share / sum(lifted) * sum(counts)) for share in lifted]
