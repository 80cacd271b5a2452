"""`npz:PATH`: arrays of crops or images.

The keys are `x` and `y` (optionally `soft`, `weight`, `group`, `split`, `classes`), or those of MedMNIST.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from archnet.data.arrays.array_file import MEDMNIST_SETS, read_arrays
from archnet.data.arrays.case_labels import CaseLabels, read_labels, text_entries
from archnet.data.arrays.image_layout import check_channel_axis, find_axis_order, squeeze_channel
from archnet.data.arrays.soft_labels import read_soft_labels, read_weight
from archnet.data.checks.array_range import choose_range
from archnet.data.checks.case_table import fill_missing_groups
from archnet.data.checks.findings import Finding
from archnet.data.dataset import Cases, Crops, Dataset, positive_class
from archnet.errors import DataError, pluralize
from archnet.files.archives.npy_arrays import Arrays
from archnet.files.path_argument import short_path
from archnet.files.progress import Progress, no_progress
from archnet.imaging.volume import NotFiniteError, convert_to_hu
from archnet.spec.experiment import Data
from archnet.spec.view import InputLimits

_MAX_ROWS = 3
_SET_NAMES = {**MEDMNIST_SETS, "validation": "validation"}


class NpzDataset(Dataset):
    """The cases of an .npz file."""

    def __init__(self, x: NDArray[Any], cases: Cases, limits: InputLimits, findings: tuple[Finding, ...] = ()) -> None:
        self.cases = cases
        self.findings = findings
        self.shape = x.shape[1:-1] if limits.num_data_channels > 1 else x.shape[1:]
        self.limits = limits
        self._x = x

    def crops(self, rows: NDArray[np.int64], progress: Progress = no_progress) -> Crops:
        """Rows of `x`, in its own data type."""
        return Crops(values=self._x[rows], is_there=np.ones(len(rows), bool))

    def crop(self, row: int) -> NDArray[Any]:
        return np.asarray(self._x[row])


def open_npz(data: Data, progress: Progress = no_progress) -> NpzDataset:
    """Open the cases of an .npz file.

    Raises:
        DataError: The file is missing or damaged, or its arrays are invalid.
    """
    if data.root is None:
        raise DataError("data.root: an npz data set needs its file. Write --data npz:PATH.")
    path = short_path(data.root)
    try:
        arrays = read_arrays(path, data.channels)
        dataset = _build_dataset(arrays, data)
    except ValueError as error:
        raise DataError(f"{path}: {error}.") from error
    except MemoryError as error:
        raise DataError(f"{path}: its arrays do not fit into this machine's memory ({error}).") from error
    dataset.root = path
    return dataset


def _build_dataset(arrays: Arrays, data: Data) -> NpzDataset:
    x, layout_notes = _images(arrays["x"], data)
    num_cases = len(x)
    for key in ("y", "soft", "weight", "group", "split"):
        num_entries = len(arrays[key]) if key in arrays and arrays[key].ndim else 0
        if key in arrays and num_entries != num_cases:
            raise ValueError(f"x has {num_cases} cases, {key} has {num_entries}; give one entry for each case")
    labels = _labels(arrays, data)
    ids = np.arange(num_cases).astype(np.str_)
    groups, group_notes = (
        fill_missing_groups(text_entries(arrays["group"], "group"), ids) if "group" in arrays else (ids, ())
    )
    cases = Cases(
        ids=ids,
        groups=groups,
        labels=labels.indices,
        classes=labels.classes,
        own_sets=_own_sets(arrays),
        positive=positive_class(labels.classes, data.positive),
        soft=labels.soft,
        weight=read_weight(arrays["weight"]) if "weight" in arrays else None,
    )
    spatial_shape = x.shape[1:-1] if data.channels > 1 else x.shape[1:]
    chosen = choose_range(x, arrays["x"].dtype, data, cases.labels, cases.classes)
    findings = (
        *layout_notes,
        *find_axis_order(spatial_shape, data.axes),
        *group_notes,
        *labels.findings,
        *_note_positive(arrays.get("y"), cases, data),
        *chosen.findings,
    )
    return NpzDataset(x, cases, chosen.limits, findings)


def _labels(arrays: Arrays, data: Data) -> CaseLabels:
    """Read the classes, named by `data.classes`, or else by the file."""
    source, names = ("data.classes", data.classes) if data.classes is not None else ("classes", _own_names(arrays))
    if "soft" in arrays:
        return read_soft_labels(arrays["soft"], arrays.get("y"), names, source)
    return read_labels(arrays["y"], names, source)


def _own_names(arrays: Arrays) -> list[str] | None:
    """Read the class names in the file."""
    return text_entries(arrays["classes"], "classes").tolist() if "classes" in arrays else None


def _note_positive(y: NDArray[Any] | None, cases: Cases, data: Data) -> list[Finding]:
    """Note if the positive class is chosen by alphabetical order."""
    if y is None or y.dtype.kind not in "SU" or data.classes or data.positive:
        return []
    positive, other = cases.classes[cases.positive], cases.classes[0]
    message = f'The positive class, for which recall is reported, is "{positive}", the second in alphabetical order.'
    remedy = f'To choose a different class, set data.positive="{other}".'
    return [Finding(check="array_layout", severity="note", message=message, remedy=remedy)]


def _images(x: NDArray[Any], data: Data) -> tuple[NDArray[Any], list[Finding]]:
    """Read the images (N, height, width[, depth]) as uint8, int16 or float32, channels last if there are several."""
    notes: list[Finding] = []
    if data.channels > 1:
        check_channel_axis(x.shape, data.channels)
    else:
        x, notes = squeeze_channel(x, data.axes)
    values = _convert_values(x)
    num_axes = values.ndim - 1 - (data.channels > 1)
    return np.moveaxis(values, 1, 3) if data.axes == "zyx" and num_axes == 3 else values, notes


def _convert_values(x: NDArray[Any]) -> NDArray[Any]:
    """Convert values to uint8, int16 or float32."""
    if x.dtype == np.bool_:
        x = x.astype(np.float32)
    try:
        return x if x.dtype == np.uint8 else convert_to_hu(x)
    except NotFiniteError as error:
        raise ValueError(_describe_not_finite(x)) from error
    except ValueError as error:
        raise ValueError(f"x: {error}") from error


def _describe_not_finite(x: NDArray[Any]) -> str:
    """Describe the cases with values that are not finite, and the remedy."""
    with np.errstate(over="ignore"):  # values beyond float32 become infinite
        rows = [row for row, case in enumerate(x) if not np.isfinite(case.astype(np.float32)).all()]
    first = ", ".join([*map(str, rows[:_MAX_ROWS]), *(["..."] if len(rows) > _MAX_ROWS else [])])
    return (
        f"x contains NaN or infinity in {pluralize(len(rows), 'case')} ({first}; counted from 0); replace these "
        "values with air (numpy.nan_to_num), or omit the cases"
    )


def _own_sets(arrays: Arrays) -> NDArray[np.str_] | None:
    if "split" not in arrays:
        return None
    names = text_entries(arrays["split"], "split")
    unknown = sorted(set(names.tolist()) - set(_SET_NAMES))
    if unknown:
        raise ValueError(
            f'split must name "train", "validation" or "test", got "{unknown[0]}"; rename its sets (numbers of sets: '
            'np.array(["train", "validation", "test"])[split])'
        )
    return np.array([_SET_NAMES[name] for name in names.tolist()])
