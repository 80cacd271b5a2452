"""A small folder in LUNA16's layout whose scans have readings: usual and turned, nodules of every mean."""

import numpy as np

from archnet.imaging import Volume
from archnet.imaging.metaimage import write_mhd
from lidc_file import Mark, MarkedScan, write_lidc_file

SPACING_MM = 0.5
SLICE_MM = 2.0
SHAPE = (30, 160, 160)
ORIGIN_MM = (-20.0, -30.0, -60.0)

NODULES = {
    (60, 60, 10): (4, 5, 4, 3),
    (120, 100, 20): (1, 2, 2),
    (30, 120, 15): (3, 3, 3),
}
"""Column, row and slice of each nodule of a scan, and the malignancy that its readers gave."""

READERS = ("Nodule 00{}", "IL057_15{}", "MI014_16{}", "{}")


def world_point(column, row, number):
    """The world position of a voxel, as LUNA16's lists give it."""
    steps = (column * SPACING_MM, row * SPACING_MM, number * SLICE_MM)
    return tuple(start + step for start, step in zip(ORIGIN_MM, steps, strict=True))


def write_marked_folder(root, uids=("1.1", "1.2", "1.3"), patients=("A", "B", "A"), nodules=NODULES, turned=("1.2",)):
    """Write scans, lists and readings, and return the path of the SQLite file beside the folder."""
    annotations, candidates, scans = [], [], []
    for seed, (uid, patient) in enumerate(zip(uids, patients, strict=True)):
        is_turned = uid in turned
        _write_scan(root / f"subset{seed % 10}" / f"{uid}.mhd", seed, is_turned=is_turned)
        for place in nodules:
            point = ",".join(f"{value:g}" for value in world_point(*place))
            annotations.append(f"{uid},{point},5")
            candidates += [f"{uid},{point},1", f"{uid},{_shifted(place)},0"]
        scans.append(MarkedScan(uid, _marks(nodules, is_turned=is_turned), patient=patient, spacing_mm=SPACING_MM))
    header = "seriesuid,coordX,coordY,coordZ"
    (root / "annotations.csv").write_text("\n".join([f"{header},diameter_mm", *annotations]) + "\n")
    (root / "candidates.csv").write_text("\n".join([f"{header},class", *candidates]) + "\n")
    return write_lidc_file(root.parent / f"{root.name}.sqlite", scans)


def _shifted(place):
    column, row, number = place
    return ",".join(f"{value:g}" for value in world_point(column + 20, row - 20, number))


def _write_scan(path, seed, *, is_turned):
    path.parent.mkdir(exist_ok=True, parents=True)
    hu = np.random.default_rng(seed).integers(-1000, 400, SHAPE).astype(np.int16)
    last = [SPACING_MM * (size - 1) for size in (SHAPE[2], SHAPE[1])]
    x, y, z = ORIGIN_MM
    write_mhd(
        path,
        Volume(
            hu=np.flip(hu, (1, 2)) if is_turned else hu,
            spacing_mm=(SPACING_MM, SPACING_MM, SLICE_MM),
            origin_mm=(x + last[0], y + last[1], z) if is_turned else ORIGIN_MM,
            direction=np.diag([-1.0, -1.0, 1.0]) if is_turned else np.eye(3),
        ),
    )


def _marks(nodules, *, is_turned):
    """Each reader's marks, reader after reader, in the pixels of the stored scan."""
    marks = []
    for reader, name in enumerate(READERS):
        for number, ((column, row, z), ratings) in enumerate(nodules.items()):
            if reader < len(ratings):
                place = (SHAPE[2] - 1 - column, SHAPE[1] - 1 - row) if is_turned else (column, row)
                rating = {"malignancy": ratings[reader], "spiculation": 1 + reader}
                marks.append(Mark(name.format(number), *place, ORIGIN_MM[2] + z * SLICE_MM, ratings=rating))
    return tuple(marks)
