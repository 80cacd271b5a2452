"""LUNA16's nodules, labelled benign or malignant by the ratings of LIDC-IDRI's readers."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from archnet.data.attributes.nodule_list import NoduleList, hit_diameters, read_nodule_list
from archnet.data.attributes.patients import patient_groups
from archnet.data.candidates import Candidates
from archnet.data.checks.left_out import find_left_out
from archnet.data.checks.unused_scans import find_unused
from archnet.data.dataset import Cases, positive_class
from archnet.data.luna16 import PointDataset, case_ids, find_luna16_scans, find_nodule_list, official_folds, rows_inside
from archnet.data.readings.malignancy_labels import CLASSES, find_unlabelled, label_malignancy
from archnet.data.readings.nodule_readings import read_nodules
from archnet.data.readings.rating_columns import rating_columns
from archnet.data.readings.readings_database import readings_path
from archnet.errors import DataError, pluralize
from archnet.files.luna16_lists import DIAMETER
from archnet.files.progress import Progress, no_progress
from archnet.spec.experiment import Data


class MalignancyDataset(PointDataset):
    """Nodules of annotations.csv, labelled benign or malignant by the readers' ratings."""

    def __init__(self, root: Path, data: Data, progress: Progress = no_progress) -> None:
        path, database = find_nodule_list(root), readings_path(data.readings)
        scans, left_out = find_luna16_scans(root)
        nodules = read_nodule_list(path)
        listed = _nodule_points(path, nodules)
        rows, outside = rows_inside(listed, scans, root, "nodule", progress)
        nodules = nodules.select(rows)
        read = read_nodules(database, nodules, scans=scans, progress=progress)
        labels = label_malignancy(read.readings)
        is_used = labels.is_rated & (~labels.is_undecided | (data.undecided == "soft"))
        used = np.flatnonzero(is_used)
        if not len(used):
            raise DataError(
                f"{database}: none of the {pluralize(len(rows), 'nodule')} in the scans under {root} has a mean "
                "malignancy below or above 3. Add scans, or set data.readings to a different file."
            )
        super().__init__(root, data, listed.select(rows[used]), scans)
        series = self._points.series
        columns = {DIAMETER: hit_diameters(nodules, np.arange(len(rows))), **rating_columns(read.readings)}
        self.cases = Cases(
            ids=case_ids(series, rows[used]),
            groups=patient_groups(series, root, {*listed.series, *scans}, read.patients),
            labels=labels.hard[used],
            classes=CLASSES,
            folds=official_folds(series, scans, root),
            positive=positive_class(CLASSES, data.positive),
            attributes={name: values[used] for name, values in columns.items()},
            soft=labels.soft[used] if data.undecided == "soft" else None,
            weight=labels.agreement[used] if data.label_weights == "agreement" else None,
            train_only=labels.is_undecided[used] if data.undecided == "soft" else None,
        )
        self.counts = {"readers": read.count_readers(), "malignancy": labels.counts()}
        unused = find_unused(path, listed.series, scans, "nodule")
        unlabelled = find_unlabelled(labels, case_ids(nodules.series, rows), data.undecided)
        self.findings = (*find_left_out(left_out, root), *unused, *outside, *read.findings, *unlabelled)


def _nodule_points(path: Path, nodules: NoduleList) -> Candidates:
    if not nodules.series:
        raise DataError(f"{path}: contains no nodules. Copy the file again.")
    labels = np.ones(len(nodules.series), np.int64)
    return Candidates(
        source=str(path), series=nodules.series, points_mm=nodules.points_mm, labels=labels, lines=nodules.lines
    )
