"""Stored cases: HU stay HU to the unit, other values to a part of 65,534 of their range."""

from dataclasses import replace

import numpy as np

from archnet.data import open_dataset
from archnet.evaluation.predictions import Predictions
from archnet.report.gallery_file import read_gallery
from archnet.runs.gallery import write_gallery
from archnet.runs.gallery.stored_cases import store_values
from archnet.runs.preparation import PreparedData
from archnet.spec.experiment import Data
from stored_scans import scan

GENERATOR = np.random.default_rng(0)


def restored(stored, scales):
    return stored * scales[:, 0] + scales[:, 1]


def test_hounsfield_units_and_grey_values_are_stored_without_a_change():
    for values in (GENERATOR.integers(-1000, 2000, (3, 4, 5), np.int16), GENERATOR.integers(0, 256, (3, 4), np.uint8)):
        stored, scales = store_values(values, 1, is_hu=False)
        assert stored.dtype == values.dtype
        np.testing.assert_array_equal(stored, values)
        assert scales.tolist() == [[1, 0]]


def test_fractions_of_hounsfield_units_are_rounded():
    stored, scales = store_values(np.array([[-1000.4, 399.6, 40000, -40000]], np.float32), 1, is_hu=True)
    assert (stored.dtype, stored.tolist(), scales.tolist()) == (np.int16, [[-1000, 400, 32767, -32768]], [[1, 0]])


def test_other_values_are_stored_as_shares_of_the_range_of_their_channel():
    values = GENERATOR.uniform(-3, 9, (4, 6, 5, 2)).astype(np.float32) * np.array([1, 1000], np.float32)
    stored, scales = store_values(values, 2, is_hu=False)
    assert stored.dtype == np.int16
    error = np.abs(restored(stored, scales) - values).max(axis=(0, 1, 2))
    assert (error <= np.array([12, 12_000]) / 65_534 * 0.51).all()
    stored, scales = store_values(values[..., 0], 1, is_hu=False)
    assert (stored.shape, scales.shape) == ((4, 6, 5), (1, 2))
    np.testing.assert_allclose(stored * scales[0, 0] + scales[0, 1], values[..., 0], rtol=0, atol=12 / 65_534 * 0.51)
    constant, scales = store_values(np.full((2, 3), 0.25, np.float32), 1, is_hu=False)
    np.testing.assert_array_equal(constant * scales[0, 0] + scales[0, 1], 0.25)


def luna16(root):
    """Two scans with two candidates each, as a data set and its prepared cases: all of the test set."""
    lines = ["seriesuid,coordX,coordY,coordZ,class"]
    for number in range(2):
        scan(root, f"1.{number}", number)
        lines += [f"1.{number},{x},7.2,{9.1 + number},{label}" for x, label in ((6, 0), (12.4, 1))]
    (root / "candidates.csv").write_text("\n".join(lines) + "\n")
    data = Data(name="luna16", root=str(root), crop_size=(6, 5, 4))
    dataset = open_dataset(data)
    rows = np.arange(4)
    prepared = PreparedData(
        cases=dataset.cases,
        sets=np.array(["test"] * 4),
        values=dataset.crops(rows).values,
        rows=rows,
        limits=dataset.limits,
        dataset=dataset,
    )
    return data, prepared


def predictions_for(prepared):
    cases = prepared.cases
    return Predictions(
        cases=cases.ids,
        groups=cases.groups,
        sets=prepared.sets,
        y_true=cases.labels,
        probabilities=np.array([[0.8, 0.2], [0.7, 0.3], [0.1, 0.9], [0.4, 0.6]]),
        classes=cases.classes,
    )


def test_a_gallery_keeps_the_hounsfield_units_and_the_places_of_candidates(tmp_path):
    data, prepared = luna16(tmp_path / "luna16")
    predictions = predictions_for(prepared)
    write_gallery(tmp_path / "gallery.npz", prepared, predictions, predictions.predicted_classes(positive=1), data)
    gallery = read_gallery(tmp_path / "gallery.npz")
    assert (gallery.is_hu, gallery.window, gallery.values.dtype) == (True, (-1000, 400), np.int16)
    rows = [prepared.cases.ids.tolist().index(case) for case in gallery.cases.tolist()]
    assert (rows, gallery.kinds.tolist()) == ([2, 1, 0, 3], ["wrong", "wrong", "right", "right"])
    for number, row in enumerate(rows):
        np.testing.assert_array_equal(gallery.values[number], prepared.values[row])
        np.testing.assert_array_equal(gallery.raw_values(number), prepared.values[row])
    np.testing.assert_array_equal(gallery.placements.centre_mm[0], [6, 7, 10])
    np.testing.assert_array_equal(gallery.placements.steps_mm[0], np.diag([1, 1, 2]))
    np.testing.assert_array_equal(gallery.placements.slices[0], [5, 1, 12])


def test_a_gallery_of_scans_that_are_gone_has_no_places(tmp_path):
    data, prepared = luna16(tmp_path / "luna16")
    for path in (tmp_path / "luna16").glob("*.mhd"):
        path.unlink()
    predictions = predictions_for(prepared)
    write_gallery(tmp_path / "gallery.npz", prepared, predictions, predictions.y_true, data)
    gallery = read_gallery(tmp_path / "gallery.npz")
    assert (len(gallery.cases), gallery.placements) == (4, None)


def test_values_are_hounsfield_units_only_where_the_data_say_so(tmp_path):
    data, prepared = luna16(tmp_path / "luna16")
    predictions = predictions_for(prepared)
    for changed in (replace(data, range=(-1000, 400)), replace(data, window_hu=(-600, 600))):
        write_gallery(tmp_path / "gallery.npz", prepared, predictions, predictions.y_true, changed)
        assert read_gallery(tmp_path / "gallery.npz").is_hu is False
