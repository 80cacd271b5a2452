import csv

import numpy as np
import pytest
import SimpleITK

from archnet.data import open_dataset
from archnet.data.checks.findings import stop_on_errors
from archnet.errors import DataError
from archnet.files.luna16_lists import LIDC_UID
from archnet.files.strict_json import Document
from archnet.imaging import Volume
from archnet.imaging.metaimage import write_mhd
from archnet.runs.preparation import prepare
from archnet.spec.experiment import Data
from archnet.spec.resolve import parse_experiments
from archnet.spec.view import InputLimits

HEADER = "seriesuid,coordX,coordY,coordZ,class"
EXPECTED = "Expected seriesuid, coordX, coordY, coordZ, class (separated by commas), got"


def _scan(folder, uid, seed=0, shape=(12, 20, 24), flip=False):
    folder.mkdir(exist_ok=True, parents=True)
    hu = np.random.default_rng(seed).integers(-1000, 400, shape).astype(np.int16)
    volume = Volume(
        hu=np.flip(hu, (1, 2)) if flip else hu,
        spacing_mm=(0.5, 0.5, 2.0),
        origin_mm=(-20.0 + 11.5 * flip, -30.0 + 9.5 * flip, 100.0),
        direction=np.diag([-1.0, -1.0, 1.0]) if flip else np.eye(3),
    )
    write_mhd(folder / f"{uid}.mhd", volume)
    return hu


def _point(z, y, x):
    return -20 + 0.5 * x, -30 + 0.5 * y, 100 + 2.0 * z


def _candidates(root, rows, name="candidates.csv"):
    lines = [HEADER, *(",".join(str(value) for value in row) for row in rows)]
    (root / name).write_text("\n".join(lines) + "\n")


def _open(root, **options):
    return open_dataset(Data(name="luna16", root=str(root), crop_size=options.pop("crop_size", (6, 4, 2)), **options))


def test_candidates_become_cases_and_their_crops_are_centred_on_them(tmp_path):
    first, second = _scan(tmp_path / "subset0", "1.2.3"), _scan(tmp_path / "subset7", "1.2.4", seed=1)
    rows = [("1.2.4", *_point(5, 9, 11), 0), ("1.2.3", *_point(6, 10, 12), 1), ("1.2.4", *_point(4, 8, 10), 1)]
    _candidates(tmp_path, rows)
    dataset = _open(tmp_path)
    assert dataset.cases.ids.tolist() == ["1.2.4#0", "1.2.3#1", "1.2.4#2"]
    assert dataset.cases.groups.tolist() == ["1.2.4", "1.2.3", "1.2.4"]
    assert dataset.cases.labels.tolist() == [0, 1, 1]
    assert dataset.cases.classes == ("non-nodule", "nodule")
    assert dataset.cases.positive == 1
    assert dataset.shape == (6, 4, 2)
    assert dataset.limits == InputLimits.of(-1000, 400)
    crops = dataset.crops(np.array([2, 1, 0])).values
    assert crops.dtype == np.int16
    for found, hu, (z, y, x) in zip(crops, (second, first, second), [(4, 8, 10), (6, 10, 12), (5, 9, 11)], strict=True):
        np.testing.assert_array_equal(found, hu[z - 1 : z + 1, y - 3 : y + 3, x - 2 : x + 2].transpose(1, 2, 0))


def test_a_candidate_at_the_border_keeps_its_centre_and_gets_air(tmp_path):
    hu = _scan(tmp_path, "1.2.3")
    corners = [(z, y, x) for z in (0, 11) for y in (0, 19) for x in (0, 23)]
    _candidates(tmp_path, [("1.2.3", *_point(*corner), 0) for corner in corners])
    padded = np.pad(hu, 8, constant_values=-1000)
    for found, (z, y, x) in zip(_open(tmp_path, crop_size=(8, 8, 6)).crops(np.arange(8)).values, corners, strict=True):
        expected = padded[z + 5 : z + 11, y + 4 : y + 12, x + 4 : x + 12].transpose(1, 2, 0)
        np.testing.assert_array_equal(found, expected)
        assert found[4, 4, 3] == hu[z, y, x]


def test_a_scan_stored_flipped_gives_the_same_crops(tmp_path):
    for folder, flip in (("plain", False), ("flipped", True)):
        _scan(tmp_path / folder, "1.2.3", flip=flip)
        rng = np.random.default_rng(0)
        halves = rng.integers(2, 18, (30, 3)) / 2
        _candidates(tmp_path / folder, [("1.2.3", *_point(*place), 0) for place in halves])
    plain, flipped = (_open(tmp_path / folder).crops(np.arange(30)).values for folder in ("plain", "flipped"))
    np.testing.assert_array_equal(plain, flipped)


def test_the_six_real_crops_come_back_surrounded_by_air(tmp_path, real_data):
    with (real_data / "luna16_hu_crops/candidates.csv").open() as file:
        assert len(list(csv.DictReader(file))) == 6
    rows, expected = [], []
    for number, path in enumerate(sorted((real_data / "luna16_hu_crops").glob("*.npz"))):
        with np.load(path) as file:
            chunk = np.rint(file["ct_chunk"]).astype(np.int16)
        origin, spacing = (-101.3 + number, 55.5, -7.25), (0.7, 0.71, 1.25)
        volume = Volume(hu=chunk, spacing_mm=spacing, origin_mm=origin, direction=np.eye(3))
        write_mhd(tmp_path / f"scan{number}.mhd", volume)
        rows.append((f"scan{number}", *(np.array(origin) + np.array([24, 24, 16]) * spacing), number % 2))
        expected.append(chunk)
    _candidates(tmp_path, rows)
    crops = _open(tmp_path, crop_size=(64, 64, 10)).crops(np.arange(6)).values
    for found, chunk in zip(crops, expected, strict=True):
        np.testing.assert_array_equal(found[8:56, 8:56], chunk[11:21].transpose(1, 2, 0))
        rim = np.ones((64, 64), dtype=bool)
        rim[8:56, 8:56] = False
        assert (found[rim] == -1000).all()


def test_candidates_of_absent_scans_are_left_out_and_counted(tmp_path):
    _scan(tmp_path / "subset3", "1.2.3")
    _candidates(tmp_path, [("9.9.9", 0, 0, 0, 1), ("1.2.3", *_point(5, 9, 11), 0), ("8.8.8", 0, 0, 0, 0)])
    dataset = _open(tmp_path)
    assert dataset.cases.ids.tolist() == ["1.2.3#1"]
    notes = [(finding.severity, finding.text) for finding in dataset.findings]
    assert notes == [
        (
            "note",
            "2 of the 3 candidates in candidates.csv are left out: 2 of the 3 scans that it names are missing.",
        ),
        (
            "warning",
            "candidates.csv names 2 series (2 candidates) that are neither in this folder nor in LUNA16: 9.9.9, 8.8.8. Compare "
            "them "
            "with the names of the scan files, which are the series uids.",
        ),
    ]


def test_absent_scans_of_luna16_are_not_unknown_series(tmp_path):
    _scan(tmp_path, "1.2.3")
    absent = f"{LIDC_UID}4"
    _candidates(tmp_path, [("1.2.3", *_point(5, 9, 11), 0), (absent, 0, 0, 0, 1), (absent, 0, 0, 0, 1)])
    (finding,) = _open(tmp_path).findings
    assert finding.text == (
        "2 of the 3 candidates in candidates.csv are left out: 1 of the 2 scans that it names is missing."
    )
    assert finding.cases == (absent,)


def test_a_list_of_series_next_to_the_candidates_says_which_are_known(tmp_path):
    _scan(tmp_path, "1.2.3")
    rows = [("1.2.3", *_point(5, 9, 11), 0), (f"{LIDC_UID}4", 0, 0, 0, 1), ("7.8", 0, 0, 0, 1)]
    _candidates(tmp_path, rows)
    (tmp_path / "seriesuids.csv").write_text("seriesuid\n7.8\n")
    unknown = _open(tmp_path).findings[1]
    assert unknown.message == (
        f"candidates.csv names 1 series (1 candidate) that is neither in this folder nor in seriesuids.csv: {LIDC_UID}4."
    )


def test_scans_without_candidates_are_counted_and_named(tmp_path):
    for number in range(6):
        _scan(tmp_path / f"subset{number}", f"1.{number}")
    _candidates(tmp_path, [("1.2", *_point(5, 9, 11), 0)])
    (finding,) = _open(tmp_path).findings
    assert (finding.check, finding.severity) == ("left_out", "warning")
    assert finding.text == (
        "5 of the 6 scans have no candidate in candidates.csv and are not used: 1.0.mhd, 1.1.mhd, 1.3.mhd, 2 more. Add "
        "their candidates to the list, or remove them."
    )


def _write(folder, uid, ending):
    """A scan of zeros as SimpleITK writes it."""
    folder.mkdir(parents=True, exist_ok=True)
    image = SimpleITK.GetImageFromArray(np.zeros((12, 20, 24), np.int16))
    image.SetOrigin((-20.0, -30.0, 100.0))
    image.SetSpacing((0.5, 0.5, 2.0))
    SimpleITK.WriteImage(image, str(folder / f"{uid}{ending}"))


def test_scans_of_every_format_are_found_in_nested_subsets(tmp_path):
    _scan(tmp_path / "subset0/subset0", "1.0")
    places = {"1.1": ("subset1", ".mha"), "1.2": ("x/subset2/y", ".nii.gz"), "1.3": ("subset3", ".nrrd")}
    for uid, (folder, ending) in places.items():
        _write(tmp_path / folder, uid, ending)
    _candidates(tmp_path, [(f"1.{number}", *_point(5, 9, 11), number % 2) for number in (0, 1, 3)])
    dataset = _open(tmp_path)
    assert dataset.cases.groups.tolist() == ["1.0", "1.1", "1.3"]
    assert dataset.cases.folds.tolist() == [0, 1, 3]
    assert dataset.crops(np.arange(3)).is_there.all()


def test_a_tree_in_another_folder_keeps_its_folds_and_masks_are_not_scans(tmp_path):
    for name in ("LUNA16/subset0", "LUNA16/subset1/subset1"):
        _scan(tmp_path / name, f"1.{name[-1]}")
    _scan(tmp_path / "LUNA16/seg-lungs-LUNA16", "1.0")
    (tmp_path / "LUNA16/subset0/._1.0.mhd").write_bytes(b"")
    _candidates(tmp_path, [("1.0", *_point(5, 9, 11), 0), ("1.1", *_point(5, 9, 11), 1)])
    dataset = _open(tmp_path)
    assert dataset.cases.folds.tolist() == [0, 1]
    (finding,) = dataset.findings
    assert (finding.severity, finding.message) == (
        "note",
        f"Not used in {tmp_path}: 1 folder of masks (LUNA16/seg-lungs-LUNA16).",
    )


def test_a_few_candidates_outside_their_scan_are_left_out_and_named(tmp_path):
    _scan(tmp_path, "1.2.3")
    rows = [("1.2.3", *_point(5, 9, 11), row % 2) for row in range(200)]
    rows[7:8], rows[9:10] = [("1.2.3", 12.1, -80.4, -999.0, 0)], [("1.2.3", *_point(5, 9, 11), 1)]
    _candidates(tmp_path, rows)
    dataset = _open(tmp_path)
    assert len(dataset.cases.ids) == 199
    assert dataset.cases.ids.tolist()[6:8] == ["1.2.3#6", "1.2.3#8"]
    (finding,) = dataset.findings
    assert (finding.check, finding.severity) == ("outside_candidates", "warning")
    assert finding.text == (
        "1 of the 200 candidates in candidates.csv lies outside its scan: line 9, (12.1, -80.4, -999.0) mm in "
        "1.2.3.mhd. "
        "They are left out; --strict makes them an error."
    )
    np.testing.assert_array_equal(dataset.crops(np.array([7])).values[0], dataset.crop(7))


def test_many_candidates_outside_are_an_error_that_stops_a_run_unless_it_is_allowed(tmp_path):
    _scan(tmp_path, "1.2.3")
    rows = [("1.2.3", *_point(5, 9, 11), row % 2) for row in range(20)]
    _candidates(tmp_path, [*rows, ("1.2.3", 12.1, -80.4, -999.0, 0)])
    dataset = _open(tmp_path)
    assert len(dataset.cases.ids) == 20
    (finding,) = dataset.findings
    assert (finding.check, finding.severity) == ("outside_candidates", "error")
    with pytest.raises(DataError, match=r"^outside_candidates: 1 of the 21 (.|\n)* add --allow outside_candidates\.$"):
        stop_on_errors(dataset.findings, ())
    stop_on_errors(dataset.findings, ["outside_candidates"])


def test_a_list_whose_candidates_are_all_outside_is_refused_with_the_cause(tmp_path):
    _scan(tmp_path, "1.2.3")
    x, y, z = _point(5, 9, 11)
    _candidates(tmp_path, [("1.2.3", -x, -y, z, label) for label in (0, 1)])
    with pytest.raises(DataError) as caught:
        _open(tmp_path)
    message = str(caught.value)
    assert message.startswith(
        f"2 of the 2 candidates in {tmp_path / 'candidates.csv'} lie outside their scans: line 2, "
    )
    assert message.endswith("Correct the list (positions in mm, LPS).")
    assert "With x and y negated (RAS instead of LPS), all would be inside." in message


def test_no_voxel_is_read_to_find_candidates_outside(tmp_path, monkeypatch):
    _scan(tmp_path, "1.2.3")
    _candidates(tmp_path, [*[("1.2.3", *_point(5, 9, 11), 1)] * 150, ("1.2.3", 0, 0, 9999, 0)])
    monkeypatch.setattr("archnet.data.recipe.read_volume", lambda path, series: pytest.fail("a scan was read"))
    assert len(_open(tmp_path).cases.ids) == 150


def test_the_second_list_is_read_where_the_first_is_absent_whatever_its_line_ends_and_column_order(tmp_path):
    _scan(tmp_path, "1.2.3")
    x, y, z = _point(5, 9, 11)
    text = f"\ufeffclass,coordZ,coordY,coordX,seriesuid\r\n1,{z},{y},{x},1.2.3\r\n"
    (tmp_path / "candidates_V2.csv").write_bytes(text.encode())
    dataset = _open(tmp_path)
    assert dataset.cases.labels.tolist() == [1]
    assert dataset.crop(0)[3, 2, 1] == _scan(tmp_path, "1.2.3")[5, 9, 11]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", f'line 1: the column "seriesuid" is missing. {EXPECTED} nothing.'),
        (f"{HEADER}\n", ": contains no candidates. Copy the file again."),
        (
            HEADER.replace(",", ";"),
            f'line 1: the column "seriesuid" is missing. {EXPECTED} seriesuid;coordX;coordY;coordZ;class.',
        ),
        (
            "seriesuid,coordX,coordY,coordz,class\n",
            'line 1: the column "coordZ" is missing. Did you mean "coordz"? '
            f"{EXPECTED} seriesuid, coordX, coordY, coordz, class.",
        ),
        (
            f"{HEADER},class\n",
            f'line 1: the column "class" occurs twice. {EXPECTED} seriesuid, coordX, coordY, coordZ, class, class.',
        ),
        (
            f"{HEADER}\n1.2.3,1,2,3,1\n1.2.3,nan,2,3,1\n",
            'line 3: coordX must be a finite number, got "nan".',
        ),
        (
            f"{HEADER}\n1.2.3,one,2,3,1\n",
            'line 2: coordX must be a finite number, got "one".',
        ),
        (f"{HEADER}\n1.2.3,1,2\n", "line 2: expected seriesuid, coordX, coordY, coordZ, class, got 1.2.3, 1, 2."),
        (f"{HEADER}\n1.2.3,1,2,3,2\n", 'line 2: class must be 0 or 1 (nodule), got "2".'),
    ],
)
def test_a_damaged_list_is_refused_with_its_line(tmp_path, text, message):
    _scan(tmp_path, "1.2.3")
    path = tmp_path / "candidates.csv"
    path.write_text(text)
    with pytest.raises(DataError) as caught:
        _open(tmp_path)
    separator = "" if message.startswith(":") else " "
    assert str(caught.value) == f"{path}{separator}{message}"


def test_a_scan_that_is_there_twice_is_refused(tmp_path):
    for subset in ("subset0", "subset1"):
        _scan(tmp_path / subset, "1.2.3")
    _candidates(tmp_path, [("1.2.3", *_point(5, 9, 11), 0)])
    with pytest.raises(DataError) as caught:
        _open(tmp_path)
    one, other = tmp_path / "subset0/1.2.3.mhd", tmp_path / "subset1/1.2.3.mhd"
    assert str(caught.value) == f"{other}: the same scan is also at {one}. Remove one of them."


def test_missing_scans_and_lists_are_named(tmp_path):
    with pytest.raises(DataError) as caught:
        _open(tmp_path)
    assert str(caught.value) == (
        f"{tmp_path}: contains neither candidates.csv nor candidates_V2.csv. LUNA16 publishes both with its scans. "
        "Copy one of them to this folder."
    )
    _candidates(tmp_path, [("1.2.3", 0, 0, 0, 0)])
    with pytest.raises(DataError) as caught:
        _open(tmp_path)
    assert str(caught.value) == (
        f"{tmp_path}: no scans (.mhd, .mha, .nii, .nii.gz, .nrrd) here or in subset0 to subset9. Unpack at least one "
        "subset into this folder."
    )


def test_a_list_about_other_scans_is_refused(tmp_path):
    _scan(tmp_path, "1.2.3")
    _candidates(tmp_path, [("9.9.9", 0, 0, 0, 0)])
    with pytest.raises(DataError) as caught:
        _open(tmp_path)
    path = tmp_path / "candidates.csv"
    assert str(caught.value) == (
        f"{path}: none of its candidates (1) is in a scan under {tmp_path}. The first one is in scan 9.9.9; a scan in the folder is 1.2.3."
    )


def test_strict_makes_one_candidate_outside_an_error_before_anything_is_cut(tmp_path, monkeypatch):
    for number in range(4):
        _scan(tmp_path, f"1.{number}")
    rows = [(f"1.{row % 4}", *_point(5, 9, 11), row // 4 % 2) for row in range(200)]
    _candidates(tmp_path, [*rows, ("1.2", 12.1, -80.4, -999.0, 0)])
    options = {"name": "luna16", "root": str(tmp_path), "crop_size": [6, 4, 2]}
    options["allow"] = ["identical_cases", "contradictory_labels"]
    document = {"name": "t", "archs": [{"name": "n", "layers": [{"type": "T"}], "rank": 3}], "data": options}
    experiments = parse_experiments(Document(value=document, source="t"))
    dataset = open_dataset(experiments[0].data)
    (prepared,) = prepare(dataset, experiments)
    assert len(prepared.cases.ids) == 200
    assert "outside_candidates" in [finding.check for finding in prepared.findings]
    monkeypatch.setattr("archnet.data.recipe.read_volume", lambda path, series: pytest.fail("a scan was read"))
    with pytest.raises(
        DataError, match=r"^1 of the 201 candidates in candidates\.csv lies outside its scan: line 202, "
    ):
        prepare(dataset, experiments, strict=True)


def _prepare(root, **keys):
    data = {"name": "luna16", "root": str(root), "crop_size": [6, 4, 2]}
    data["allow"] = ["identical_cases", "contradictory_labels"]
    archs = [{"name": "n", "layers": [{"type": "T"}], "rank": 3}]
    document = {"name": "t", "archs": archs, "data": data, "split": {"by": "group", **keys}}
    experiments = parse_experiments(Document(value=document, source="t"))
    return open_dataset(experiments[0].data), experiments


def _digests(root):
    (prepared,) = prepare(*_prepare(root))
    return prepared.digests()


def test_the_digests_follow_voxels_positions_and_the_geometry_of_scans(tmp_path):
    for number in range(10):
        _scan(tmp_path, f"1.{number}", seed=number)
    rows = [(f"1.{row % 10}", *_point(5, 9, 11), row // 10 % 2) for row in range(200)]
    _candidates(tmp_path, rows)
    first = _digests(tmp_path)
    assert first == _digests(tmp_path)
    _candidates(tmp_path, [*rows[:-1], ("1.9", *_point(5, 9, 12), 1)])
    moved = _digests(tmp_path)
    _candidates(tmp_path, rows)
    header = tmp_path / "1.3.mhd"
    text = header.read_text()
    assert "0.5 0.5 2.0" in text
    header.write_text(text.replace("0.5 0.5 2.0", "0.5 0.5 2.5"))
    stretched = _digests(tmp_path)
    header.write_text(text)
    assert [one["digest"] == first["digest"] for one in (moved, stretched)] == [True, True]
    assert len({one["geometry"] for one in (first, moved, stretched)}) == 3
    _scan(tmp_path, "1.3", seed=99)
    other = _digests(tmp_path)
    assert (other["digest"] != first["digest"], other["geometry"] == first["geometry"]) == (True, True)


def test_the_digests_of_a_fold_are_the_same_with_and_without_other_folds(tmp_path):
    for number in range(10):
        _scan(tmp_path, f"1.{number}", seed=number)
    _candidates(tmp_path, [(f"1.{9 - row % 10}", *_point(5, 9, 11), row // 10 % 2) for row in range(200)])
    dataset, experiments = _prepare(tmp_path, folds=5)
    together = [data.digests() for data in prepare(dataset, experiments)]
    alone = [data.digests() for one in experiments for data in prepare(dataset, [one])]
    assert together == alone
    assert len({data["digest"] for data in together}) == 5
