"""What every data set of `archnet.spec.datasets.DATASET_OPENERS` must keep to, so that a new entry names what it still lacks."""

import json
import re
from dataclasses import fields
from pathlib import Path

import numpy as np
import pytest

from archnet.data import DATASET_OPENERS as OPENERS
from archnet.data import open_dataset
from archnet.data.dataset import positive_class
from archnet.errors import DataError
from archnet.imaging import Volume
from archnet.imaging.metaimage import write_mhd
from archnet.imaging.nifti import write_nifti
from archnet.spec.datasets import COMMON_OPTIONS, DATASETS, dataset_names
from archnet.spec.experiment import Data
from archnet.spec.section_options import data_problems, parse_data

ROOT = Path(__file__).parents[2]
SCHEMA = json.loads((ROOT / "schemas/experiment.schema.json").read_text())["properties"]["data"]["properties"]


def _volume(seed):
    hu = np.random.default_rng(seed).integers(-1000, 400, (6, 12, 14)).astype(np.int16)
    return Volume(hu=hu, spacing_mm=(1.0, 1.0, 2.0), origin_mm=(0.0, 0.0, 0.0), direction=np.eye(3))


def _write_candidates(root):
    lines = ["seriesuid,coordX,coordY,coordZ,class"]
    for number in range(3):
        (root / f"subset{number}").mkdir(parents=True)
        write_mhd(root / f"subset{number}/1.{number}.mhd", _volume(number))
        lines += [f"1.{number},{x},6,4,{label}" for x, label in ((3, 0), (5.5, 1), (9, 0))]
    (root / "candidates.csv").write_text("\n".join(lines) + "\n")
    return root


def _write_class_folders(root):
    for number in range(4):
        folder = root / ("CT-0", "CT-23")[number % 2]
        folder.mkdir(parents=True, exist_ok=True)
        write_nifti(folder / f"study_{number}.nii.gz", _volume(number))
    return root


def _write_arrays(root):
    root.mkdir()
    x = np.random.default_rng(0).integers(-1000, 400, (6, 4, 4, 2)).astype(np.int16)
    np.savez(root / "cases.npz", x=x, y=np.arange(6) % 2)
    return root / "cases.npz"


TREES = {
    "luna16": _write_candidates,
    "phantom": _write_candidates,
    "mosmed": _write_class_folders,
    "folder": _write_class_folders,
    "npz": _write_arrays,
}
"""What writes a tiny example of each data set into a new folder and gives its root."""

GENERATED = {"phantom"}
"""Data sets that are made on the spot where they are missing."""


def _data(name, root):
    size = {"crop_size": [4, 6, 2]} if "crop_size" in DATASETS[name].defaults else {}
    return parse_data({"name": name, "root": str(root), **size})


@pytest.fixture(params=list(DATASETS))
def name(request):
    return request.param


@pytest.fixture
def dataset(name, tmp_path):
    return open_dataset(_data(name, TREES[name](tmp_path / "data")))


def test_the_data_sets_of_the_language_can_be_opened_and_no_others():
    assert set(OPENERS) == set(DATASETS)


def test_the_schema_names_every_data_set():
    assert SCHEMA["name"]["enum"] == list(DATASETS)


def test_every_data_set_has_its_row_in_the_documentation():
    rows = re.findall(r"^\| `([a-z0-9]+)` \|", (ROOT / "docs/pages/guide/data.md").read_text(), re.MULTILINE)
    assert rows == list(DATASETS)


def test_help_texts_name_every_data_set(name):
    words = re.split(", | or ", dataset_names())
    assert (f"{name}:PATH" if DATASETS[name].is_file else name) in words


def test_every_option_is_one_of_the_language_and_described_in_the_schema(name):
    options = DATASETS[name].options
    assert options <= {field.name for field in fields(Data)}
    assert options <= set(SCHEMA)
    assert COMMON_OPTIONS.isdisjoint(DATASETS[name].defaults)


def test_data_that_are_cut_from_scans_have_a_crop_size_and_no_others(name):
    assert ("crop_size" in DATASETS[name].defaults) == (DATASETS[name].cases != "arrays")
    assert ("spacing_mm" in DATASETS[name].defaults) == (DATASETS[name].cases == "candidates")


def test_only_a_file_must_be_named(name, tmp_path):
    assert TREES[name](tmp_path / "data").is_file() == DATASETS[name].is_file
    needs_root = f'the data set "{name}" needs "root", the path of the file; or use --data {name}:PATH.'
    problems = [(problem.path, problem.message) for problem in data_problems({"name": name})]
    assert problems == ([(("data",), needs_root)] if DATASETS[name].is_file else [])


def test_published_files_become_different_files_and_subsets_have_different_numbers(name):
    files = DATASETS[name].published
    assert len({file.target for file in files}) == len(files)
    assert len(DATASETS[name].subsets) == sum(file.subset is not None for file in files)


def test_every_case_has_an_id_of_its_own_a_group_and_a_label(dataset):
    cases = dataset.cases
    assert len(set(cases.ids.tolist())) == len(cases.ids) > 0
    assert len(cases.groups) == len(cases.labels) == len(cases.ids)
    assert np.unique(cases.labels).tolist() == list(range(len(cases.classes)))
    assert len(set(cases.classes)) == len(cases.classes)
    assert 0 <= cases.positive < len(cases.classes)
    assert all(column is None or len(column) == len(cases.ids) for column in (cases.own_sets, cases.folds))


def test_a_case_has_the_shape_and_the_limits_that_the_data_set_says(name, dataset):
    low, high = dataset.limits.hull
    assert low < high
    assert dataset.crop(0).shape == dataset.shape
    if DATASETS[name].cases != "arrays":
        assert dataset.shape == (4, 6, 2)


def test_without_a_size_the_default_of_the_data_set_counts(name, tmp_path):
    if DATASETS[name].cases == "arrays":
        pytest.skip("arrays have the size that they have")
    dataset = open_dataset(Data(name=name, root=str(TREES[name](tmp_path / "data"))))
    assert dataset.shape == DATASETS[name].defaults["crop_size"]


def test_crops_come_in_the_order_of_their_rows_and_equal_those_cut_one_by_one(dataset):
    rows = np.arange(len(dataset.cases.ids))[::-1]
    crops = dataset.crops(rows)
    assert crops.is_there.all()
    assert crops.unreadable_scans == ()
    assert len({crop.tobytes() for crop in crops.values}) == len(rows)
    for values, row in zip(crops.values, rows.tolist(), strict=True):
        np.testing.assert_array_equal(values, dataset.crop(row), strict=True)


def test_the_scans_of_cases_exist_and_arrays_have_none(name, dataset):
    scans = dataset.crops(np.arange(len(dataset.cases.ids))).scans
    assert all(scan.exists() for scan in scans)
    assert bool(scans) == (DATASETS[name].cases != "arrays")


def test_a_missing_data_set_says_how_to_get_it(name, tmp_path):
    if name in GENERATED:
        pytest.skip("it is made where it is missing")
    with pytest.raises(DataError) as caught:
        open_dataset(Data(name=name, root=str(tmp_path / "none")))
    assert str(tmp_path / "none") in str(caught.value)
    if not DATASETS[name].is_file:
        assert f"{name} needs {DATASETS[name].layout}. Name its folder with --root FOLDER" in str(caught.value)
    assert (f"archnet data fetch {name}" in str(caught.value)) == bool(DATASETS[name].published)


def test_cases_of_scans_have_a_place_while_their_scans_can_be_read(dataset, name, tmp_path):
    rows = np.array([2, 0])
    placements = dataset.place(rows)
    assert len(placements) == 2
    is_scan = not DATASETS[name].is_file
    assert [one is not None for one in placements] == [is_scan] * 2
    for path in [*tmp_path.rglob("*.mhd"), *tmp_path.rglob("*.nii.gz")]:
        path.unlink()
    assert dataset.place(rows) == [None, None]


def test_the_second_class_is_positive_by_default_and_one_class_is_not_enough():
    assert [positive_class(("a", "b", "c"), wanted) for wanted in (None, "a", "c")] == [1, 0, 2]
    message = "classification needs at least two classes, but the data have 1: a."
    with pytest.raises(DataError, match=f"^{re.escape(message)}$"):
        positive_class(("a",), None)
