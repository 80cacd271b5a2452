"""Scans that are not in Hounsfield units: told by training and by prediction alike."""

from pathlib import Path

import numpy as np
import pytest

import archnet
from archnet.data import open_dataset
from archnet.data.checks.scan_records import ScanRecord, record_scan
from archnet.data.checks.scan_values import check_scan_values
from archnet.errors import DataError
from archnet.imaging import read_volume
from archnet.imaging.hounsfield import HuStatistics
from archnet.imaging.metaimage import write_mhd
from archnet.imaging.scan_identity import ScanIdentity
from archnet.inference.predict import check_chest_ct
from archnet.runs.preparation import prepare
from archnet.spec.resolve import data_experiments
from trained_runs import chest

CHANGES = {
    "unchanged": lambda hu: hu,
    "lost intercept": lambda hu: hu + 1024,
    "clipped to 0..255": lambda hu: np.clip(hu, 0, 255),
    "raised by 150": lambda hu: hu + 150,
}
SOME = {"crop_size": [8, 8, 4]}
SPLIT = {"split": {"test": 0, "validation": 0}}


def write(path, hu):
    path.parent.mkdir(parents=True, exist_ok=True)
    volume = chest()
    write_mhd(
        path,
        type(volume)(
            hu=hu.astype(np.int16),
            spacing_mm=volume.spacing_mm,
            origin_mm=volume.origin_mm,
            direction=volume.direction,
        ),
    )
    return path


def class_folders(root, changes):
    for name, change in changes.items():
        for number in range(3):
            write(root / name / f"{number}.mhd", change(chest(seed=number + 3 * (name == "b")).hu))
    return {"name": "folder", "root": str(root), **SOME}


def candidates(root, changes):
    lines = ["seriesuid,coordX,coordY,coordZ,class"]
    for label, change in enumerate(changes.values()):
        for number in range(3):
            write(root / f"subset0/1.{label}.{number}.mhd", change(chest(seed=number + 3 * label).hu))
            lines += [f"1.{label}.{number},{x},10,130,{label}" for x in (-5, 0, 5)]
    (root / "candidates.csv").write_text("\n".join(lines) + "\n")
    return {"name": "luna16", "root": str(root), **SOME}


def findings(data):
    """The findings of a data set, whose errors are all allowed."""
    (experiment,) = data_experiments(
        {**data, "allow": ["value_range", "class_values"]}, [(("split", "test"), 0.0), (("split", "validation"), 0.0)]
    )
    (prepared,) = prepare(open_dataset(experiment.data), [experiment])
    return {
        (finding.check, finding.severity): finding
        for finding in prepared.findings
        if finding.check in ("value_range", "class_values")
    }


@pytest.fixture(autouse=True)
def _own_store(tmp_path, monkeypatch):
    monkeypatch.setenv("ARCHNET_STORE", str(tmp_path / "store"))


@pytest.mark.parametrize("tree", [class_folders, candidates])
@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ("unchanged", set()),
        ("lost intercept", {("value_range", "error")}),
        ("clipped to 0..255", {("value_range", "error")}),
        ("raised by 150", {("value_range", "warning")}),
    ],
)
def test_training_and_prediction_agree_on_a_scan(tmp_path, tree, change, expected):
    data = tree(tmp_path / "data", dict.fromkeys("ab", CHANGES[change]))
    found = findings(data)
    assert set(found) == expected
    for path in (tmp_path / "data").rglob("*.mhd"):
        if ("value_range", "error") in expected:
            with pytest.raises(DataError) as caught:
                check_chest_ct(path, read_volume(path))
            if path == Path(found["value_range", "error"].cases[0]):
                assert str(caught.value) in found["value_range", "error"].message
        else:
            assert check_chest_ct(path, read_volume(path)).volume.hu.shape == (20, 32, 32)


@pytest.mark.parametrize("tree", [class_folders, candidates])
def test_a_lost_intercept_in_one_class_means_the_scanner(tmp_path, tree):
    data = tree(tmp_path / "data", {"a": CHANGES["unchanged"], "b": CHANGES["lost intercept"]})
    found = findings(data)
    assert set(found) == {("value_range", "error"), ("class_values", "error")}
    assert found["value_range", "error"].message.startswith("3 of 6 scans are not in Hounsfield units. ")
    name = "b" if tree is class_folders else "nodule"
    assert found["class_values", "error"].message == (
        f'The 3 scans with cases of class "{name}" and the 3 without are on different scales: the medians of air and '
        "lung are 176 versus -850, those of soft tissue 1,070 versus 43. No disease shifts both. Even without a "
        "network, this difference separates the scans with an AUC of 1.000."
    )


def test_a_run_stops_unless_the_check_is_allowed(tmp_path):
    data = class_folders(tmp_path / "data", dict.fromkeys("ab", CHANGES["lost intercept"]))
    settings = {"split.test": 0, "split.validation": 0}
    with pytest.raises(DataError, match=r"To use the data anyway, add --allow value_range\.$"):
        archnet.load_data(data, settings=settings)
    assert len(archnet.load_data({**data, "allow": ["value_range"]}, settings=settings)) == 6


def records(*offsets, scale=1.0):
    """A record of a chest for each offset in HU."""
    volumes = [chest(seed=number) for number in range(len(offsets))]
    return [
        record_scan(
            Path("a.mhd"),
            type(volume)(
                hu=(volume.hu * scale + offset).astype(np.int16),
                spacing_mm=(1.0, 1.0, 1.0),
                origin_mm=(0.0, 0.0, 0.0),
                direction=np.eye(3),
            ),
        )
        for volume, offset in zip(volumes, offsets, strict=True)
    ]


@pytest.mark.parametrize(
    ("offsets", "severity"),
    [
        ((0, 0, 0, 110, 110, 110), "error"),
        ((0, 0, 0, 60, 60, 60), "warning"),
        ((0, 0, 0, 30, 30, 30), None),
        ((0, 0, 110, 110, 0, 110), None),
        ((0, 110), "error"),
        ((0, 60), None),
    ],
)
def test_a_shift_of_air_and_tissue_between_classes_is_found(offsets, severity):
    count = len(offsets)
    labels = (np.arange(count) >= count // 2).astype(np.int64)
    scans = [Path(f"{number}.mhd") for number in range(count)]
    found = check_scan_values(scans, records(*offsets), np.arange(count), labels, ["a", "b"])
    severities = [finding.severity for finding in found if finding.check == "class_values"]
    assert severities == ([severity] if severity else [])


def test_a_window_that_squeezes_the_values_is_not_a_shift():
    squeezed = records(0, 0, 0) + records(-110, -110, -110, scale=0.7)
    scans = [Path(f"{number}.mhd") for number in range(6)]
    labels = np.array([0, 0, 0, 1, 1, 1])
    assert check_scan_values(scans, squeezed, np.arange(6), labels, ["a", "b"]) == ()


def test_a_disease_that_changes_the_lung_alone_is_none(tmp_path):
    def dense(hu):
        return np.where(hu < -500, hu + 250, hu)

    assert findings(class_folders(tmp_path / "data", {"a": CHANGES["unchanged"], "b": dense})) == {}


def test_a_long_list_of_scans_is_counted_and_cut():
    scans = [Path(f"{number}.mhd") for number in range(5)]
    (found,) = check_scan_values(scans, records(*[1024] * 5), np.arange(5), np.zeros(5, np.int64), ["a", "b"])
    assert found.message.startswith("5 of 5 scans are not in Hounsfield units. 0.mhd: most of its values lie between")
    assert found.message.endswith(" 2 more are listed in data.json.")
    assert found.cases == tuple(map(str, scans))
    assert found.remedy == "Convert the scans to Hounsfield units, or remove them."


@pytest.mark.parametrize(("value", "is_found"), [(0, True), (-1000, False), (-2000, False)])
def test_corners_that_are_filled_in_one_class_only_are_warned_about(tmp_path, value, is_found):
    def fill(hu):
        y, x = np.mgrid[:32, :32] - 15.5
        return np.where(y**2 + x**2 > 16**2, value, hu)

    found = findings(class_folders(tmp_path / "data", {"a": CHANGES["unchanged"], "b": fill}))
    assert set(found) == ({("class_values", "warning")} if is_found else set())
    if is_found:
        assert found["class_values", "warning"].message == (
            'A constant value, such as 0, fills the corners of the scans with cases of class "b", but not '
            "those of the other scans. "
            "A network can use it to separate the classes."
        )
        filled = findings(class_folders(tmp_path / "others", {"a": fill, "b": fill}))
        assert filled == {}


def level_records(*levels, padding=None):
    """Records of chests with given medians of air and of soft tissue."""
    shares = {"air_share": 0.5, "tissue_share": 0.4}
    values = [
        HuStatistics(low=dark - 50, high=bright + 50, dark=dark, bright=bright, padding=padding, **shares)
        for dark, bright in levels
    ]
    return [ScanRecord(values=one, identity=ScanIdentity(series_uid=None, digest="")) for one in values]


def class_finding(first, second):
    """The finding on the values of two classes with these records."""
    count = len(first) + len(second)
    labels = np.repeat([0, 1], [len(first), len(second)])
    found = check_scan_values([Path("a.mhd")] * count, [*first, *second], np.arange(count), labels, ["a", "b"])
    return next((finding for finding in found if finding.check == "class_values"), None)


@pytest.mark.parametrize(
    ("shift", "counts", "severity"),
    [
        ((100, 100), (1, 1), "error"),
        ((99, 150), (2, 3), None),
        ((150, 99), (3, 2), None),
        ((99, 150), (3, 3), "warning"),
        ((50, 50), (3, 3), "warning"),
        ((49, 60), (3, 3), None),
        ((60, 49), (3, 3), None),
        ((-50, -60), (3, 3), "warning"),
        ((-100, -100), (1, 2), "error"),
        ((0, 100), (3, 3), None),
        ((60, -60), (3, 3), None),
    ],
)
def test_the_limits_of_a_shift_of_air_and_tissue(shift, counts, severity):
    first, second = (
        level_records(*[(-850, 40)] * counts[0]),
        level_records(*[(-850 + shift[0], 40 + shift[1])] * counts[1]),
    )
    finding = class_finding(first, second)
    assert (finding and finding.severity) == severity
    if severity:
        assert finding.message.endswith("separates the scans with an AUC of 1.000.")
        assert finding.remedy == "Convert the scans of all classes to Hounsfield units in the same way."


@pytest.mark.parametrize("odd", [(-850, 400), (-400, 40)])
def test_a_shift_of_which_one_part_does_not_separate_the_classes_is_none(odd):
    assert class_finding(level_records(*[(-850, 40)] * 2, odd), level_records(*[(-700, 190)] * 3)) is None


def test_ties_count_half():
    first, second = level_records(*[(-850, 40)] * 4, (-700, 190)), level_records((-700, 190), (-699.5, 190.5))
    assert class_finding(first, second).message.endswith("an AUC of 0.950.")


@pytest.mark.parametrize(("num_lower", "severity"), [(1, "error"), (2, None)])
def test_a_shift_separates_nineteen_of_twenty_pairs(num_lower, severity):
    first = level_records(*[(-850, 40)] * 4, (-710, 180))
    second = level_records(*[(-720, 170)] * num_lower, *[(-700, 190)] * (4 - num_lower))
    finding = class_finding(first, second)
    assert (finding and finding.severity) == severity


@pytest.mark.parametrize(
    ("paddings", "counts", "where"),
    [
        ((None, 0.0), (3, 3), "with"),
        ((0.0, None), (3, 3), "without"),
        ((-900.0, 0.0), (3, 3), "with"),
        ((-899.0, 0.0), (3, 3), None),
        ((None, 0.0), (2, 3), None),
        ((None, 0.0), (3, 2), None),
    ],
)
def test_padding_brighter_than_air_in_three_scans_of_one_class_is_warned_about(paddings, counts, where):
    first, second = (
        level_records(*[(-850, 40)] * count, padding=padding) for count, padding in zip(counts, paddings, strict=True)
    )
    finding = class_finding(first, second)
    assert bool(finding) == bool(where)
    if where:
        assert finding.message.startswith(
            f'A constant value, such as 0, fills the corners of the scans {where} cases of class "b", '
        )
        assert finding.remedy.startswith("Fill the area outside the reconstruction circle with -1000 in all scans")
