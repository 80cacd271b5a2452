"""Data sets: cases and their crops, splits, and the phantom. Crops are extracted on demand."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from archnet.data.attributes.attribute_table import find_attribute_table, read_attributes
from archnet.data.dataset import Cases, Dataset
from archnet.data.folders import open_folder
from archnet.data.luna16 import Luna16Dataset
from archnet.data.malignancy import MalignancyDataset
from archnet.data.npz import open_npz
from archnet.data.phantom import open_phantom
from archnet.data.scan_dataset import require_root, unfinished_fetch_hint
from archnet.data.split import keep_rows, make_split
from archnet.errors import DataError, did_you_mean
from archnet.files.progress import Progress, no_progress
from archnet.spec.experiment import Data

__all__ = ["DATASET_OPENERS", "Cases", "Dataset", "keep_rows", "make_split", "open_dataset"]


def open_luna16(data: Data, progress: Progress = no_progress) -> Luna16Dataset | MalignancyDataset:
    """Open the candidates or nodules of LUNA16, or of any folder in its layout.

    Raises:
        DataError: Scans, lists or readings are missing or damaged.
    """
    kind = MalignancyDataset if data.task == "malignancy" else Luna16Dataset
    return kind(require_root(data), data, progress)


DATASET_OPENERS: dict[str, Callable[[Data, Progress], Dataset]] = {
    "luna16": open_luna16,
    "mosmed": open_folder,
    "folder": open_folder,
    "npz": open_npz,
    "phantom": open_phantom,
}


def open_dataset(data: Data, progress: Progress = no_progress) -> Dataset:
    """Open the data set of an experiment; read and check its lists and its table of attributes.

    A column of the table replaces an attribute of the same name in the data set.

    Raises:
        DataError: The data set is unknown, missing, damaged, or inconsistent with the options.
    """
    if data.name not in DATASET_OPENERS:
        known = ", ".join(DATASET_OPENERS)
        raise DataError(
            f'data.name: unknown data set "{data.name}".{did_you_mean(data.name, DATASET_OPENERS)} Known: {known}.'
        )
    try:
        dataset = DATASET_OPENERS[data.name](data, progress)
    except DataError as error:
        raise DataError(f"{error}{unfinished_fetch_hint(data)}") from error
    path = find_attribute_table(data, dataset.root)
    if path is not None:
        listed = read_attributes(path, dataset.cases)
        dataset.cases = replace(dataset.cases, attributes={**dataset.cases.attributes, **listed.columns})
        dataset.findings = (*dataset.findings, *listed.findings)
    return dataset
