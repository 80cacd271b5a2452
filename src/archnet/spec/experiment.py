"""Experiment: architectures, data, split, training and evaluation, with every default written out."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import Any, Literal

from archnet.spec.arch import Arch
from archnet.spec.augmentations import AUGMENTATIONS, Augmentation
from archnet.spec.datasets import DATASETS

Metric = Literal["loss", "accuracy", "recall", "auc"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Data:
    """Which cases, and how their voxels become a network's input.

    Attributes:
        name: A key of `DATASETS`.
        root: Folder of the data (`npz`: the file); null means the places that the data set's documentation names.
        positive: Class whose recall counts; null means the data set's own positive, else the second in sorted order.
        crop_size: Voxels as (height, width, depth): of a crop, or of the resized volume.
        view: What a 2D network sees of a volume: the central axial slice (index depth // 2), or all as channels. A 3D
            network sees the volume.
        window_hu: Hounsfield units that become 0 and 1; values outside are clipped.
        range: `npz` only: the values that become 0 and 1, "hu" (use `window_hu`), or "auto".
        axes: `npz` only: the order of the array's spatial axes, (height, width, depth) or (z, y, x).
        negatives_per_positive: Negatives kept for each positive of a set, drawn after the split; or "all".
    """

    name: str = "luna16"
    root: str | None = None
    positive: str | None = None
    crop_size: tuple[int, int, int] | None = None
    view: Literal["slice", "slices-as-channels", "volume"] | None = None
    window_hu: tuple[float, float] = (-1000, 400)
    range: Literal["hu", "auto"] | tuple[float, float] = "auto"
    axes: Literal["hwd", "zyx"] = "hwd"
    negatives_per_positive: float | Literal["all"] = "all"


@dataclass(frozen=True, slots=True, kw_only=True)
class Split:
    """How cases are divided into training, validation and test sets.

    Attributes:
        by: "group" keeps all cases of a patient or scan on one side; "candidate" splits case by case (the published
            protocol; leaks); "own" takes the sets that the data set itself names.
        test: Share of the cases, 0 to below 1.
        validation: Share of the cases (of all, not of the rest), 0 to below 1.
        seed: Of the division and of the draw of negatives.
    """

    by: Literal["group", "candidate", "own"] = "group"
    test: float = 0.2
    validation: float = 0.1
    seed: int = 42


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """The learning rate over the steps.

    Attributes:
        type: "constant"; "exponential" multiplies by `decay_rate` every `decay_steps`; "cosine" falls to 0 at the end.
        decay_rate: Of "exponential".
        decay_steps: Of "exponential", in steps (batches).
        staircase: Of "exponential": in jumps rather than smoothly.
    """

    type: Literal["constant", "exponential", "cosine"] = "constant"
    decay_rate: float = 0.96
    decay_steps: int = 1000
    staircase: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class EarlyStopping:
    """Ends training when a validation metric has not improved for `patience` epochs."""

    metric: Metric = "loss"
    patience: int = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Training:
    """How the weights are found.

    Attributes:
        optimizer: Keras's optimizer of this name.
        learning_rate: At the start.
        weight_decay: Decoupled decay of the optimizer (adamw: 0.01 is usual); null is none.
        momentum: Of sgd and rmsprop.
        schedule: The learning rate over the steps.
        batch_size: Cases a step.
        epochs: At most.
        l2: λ adds λ/2·Σw² over kernels and biases of C, FC and T to the loss.
        label_smoothing: Share of each label that is spread over all classes.
        balance: "weights" weighs cases so that classes count alike; "oversample" draws them alike.
        augmentation: What happens to training cases, in this order.
        clip_norm: Largest norm of the whole gradient; null does not clip.
        best_metric: The weights of the epoch with the best validation value of this are kept; null keeps the last.
            Without a validation set the last are kept.
        early_stopping: When to end before `epochs`; null never.
        seed: Of weights, dropout, data order and augmentation.
    """

    optimizer: Literal["adam", "adamw", "sgd", "rmsprop"] = "adam"
    learning_rate: float = 0.001
    weight_decay: float | None = None
    momentum: float = 0.0
    schedule: Schedule = Schedule()
    batch_size: int = 32
    epochs: int = 20
    l2: float = 0.0
    label_smoothing: float = 0.0
    balance: Literal["none", "weights", "oversample"] = "none"
    augmentation: tuple[Augmentation, ...] = ()
    clip_norm: float | None = None
    best_metric: Metric | None = "loss"
    early_stopping: EarlyStopping | None = None
    seed: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Evaluation:
    """How predictions are judged.

    Attributes:
        threshold: A case is called positive when its probability of the positive class is at least this.
        bootstraps: Resamples of the groups behind each interval that has no closed form.
    """

    threshold: float = 0.5
    bootstraps: int = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Experiment:
    """One architecture on one division of one data set; everything that decides a result."""

    name: str
    arch: Arch
    data: Data = Data()
    split: Split = Split()
    training: Training = Training()
    evaluation: Evaluation = Evaluation()

    def warnings(self) -> list[str]:
        """What is allowed but should be known, one line each."""
        leak = (
            'split.by "candidate": neighbours of one nodule can stand in training and test, so the figures are '
            'optimistic. "group" keeps each scan on one side.'
        )
        idle = "training.early_stopping: there is no validation set to watch, so training goes on to its last epoch."
        is_idle = self.training.early_stopping and self.split.by != "own" and not self.split.validation
        return [
            *self.arch.warnings(),
            *([leak] if self.split.by == "candidate" else []),
            *([idle] if is_idle else []),
        ]

    def to_document(self) -> dict[str, Any]:
        """The experiment as a JSON object with every default written out; `parse_experiments` reads it back."""
        training = asdict(self.training)
        training["augmentation"] = [_augmentation_document(entry) for entry in self.training.augmentation]
        options = DATASETS[self.data.name].options
        document = {
            "name": self.name,
            "arch": self.arch.to_document(),
            "data": {key: value for key, value in asdict(self.data).items() if key in options},
            "split": asdict(self.split),
            "training": training,
            "evaluation": asdict(self.evaluation),
        }
        return dict(json.loads(json.dumps(document)))


def _augmentation_document(entry: Augmentation) -> dict[str, Any]:
    name = next(name for name, kind in AUGMENTATIONS.items() if kind is type(entry))
    return {"type": name, **asdict(entry)}
