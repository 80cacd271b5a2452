"""What one pass over the voxels measures, and that a crop store keeps it."""

import os
import struct
import zlib

import numpy as np
import pytest

from archnet.data import open_dataset
from archnet.data.checks.duplicates import case_statistics as module
from archnet.data.checks.duplicates.case_statistics import (
    STATISTICS_FILE,
    case_statistics,
    checksum_case,
    measure_cases,
)
from archnet.data.checks.duplicates.copies import find_copies
from archnet.spec.experiment import Data


def test_the_checksum_is_that_of_the_values_whatever_their_type():
    cases = np.random.default_rng(0).integers(0, 120, (5, 9, 8))
    checksums = [
        measure_cases(cases.astype(kind)).checksums.tolist()
        for kind in ("uint8", "int8", "int16", ">i2", "int64", "float16", "float32", "float64")
    ]
    assert all(other == checksums[0] for other in checksums)
    assert len(set(map(bytes, checksums[0]))) == 5
    halves = cases + 0.5
    assert measure_cases(halves).checksums.tolist() == measure_cases(halves.astype(np.float32)).checksums.tolist()
    thirds = cases + 1 / 3
    assert measure_cases(thirds).checksums.tolist() != measure_cases(thirds.astype(np.float32)).checksums.tolist()
    zeros = np.where(cases > 60, halves, 0.0)
    assert (
        measure_cases(np.where(zeros == 0, -0.0, zeros)).checksums.tolist() == measure_cases(zeros).checksums.tolist()
    )


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        ([-32768, 32767], "<i2"),
        ([-32769, 0], "<f4"),
        ([0, 32768], "<f4"),
        ([0, 2**24 + 1], "<f8"),
        ([-32768.0, 32767.0], "<i2"),
        ([-32769.0, 0.0], "<f4"),
        ([0.0, 32768.0], "<f4"),
        ([0.5, 3.0], "<f4"),
        ([0.1, 3.0], "<f8"),
        ([-0.0, 0.5], "<f4"),
        ([False, True], "<i2"),
    ],
)
def test_a_checksum_is_that_of_the_smallest_type_that_holds_all_values(values, kind):
    case = np.array(values)
    content = (case.astype(kind) + np.zeros(1, kind)).tobytes()
    wanted = struct.pack("<II", zlib.crc32(content), zlib.adler32(content))
    assert checksum_case(case, case.min(), case.max()) == wanted
    assert measure_cases(case.reshape(1, 1, -1)).checksums[0].tobytes() == wanted


def test_a_case_is_constant_if_all_its_values_are_equal():
    assert measure_cases(np.array([[[1, 1]], [[1, 2]], [[0, 0]]])).are_constant.tolist() == [True, False, True]


def test_the_lowest_and_highest_values_are_measured_in_portions(monkeypatch):
    cases = np.random.default_rng(0).normal(size=(7, 8, 8, 3)).astype(np.float32)
    whole = measure_cases(cases)
    for size in (400, 100):
        monkeypatch.setattr(module, "_CHUNK_VOXELS", size)
        parts = measure_cases(cases)
        np.testing.assert_array_equal(parts.low, cases.min((1, 2, 3)))
        np.testing.assert_array_equal(parts.high, cases.max((1, 2, 3)))
        assert parts.checksums.tolist() == whole.checksums.tolist()


@pytest.fixture
def stored(luna16_phantom, tmp_path, monkeypatch):
    """The crops of a phantom in a store of their own."""
    monkeypatch.setenv("ARCHNET_STORE", str(tmp_path))
    dataset = open_dataset(Data(name="luna16", root=str(luna16_phantom), crop_size=(24, 24, 6)))
    return dataset.crops(np.arange(20)).values


def test_a_store_keeps_its_statistics_and_measures_them_again_when_its_crops_change(stored, tmp_path, monkeypatch):
    (folder,) = tmp_path.glob("*/crops.npy")
    first = case_statistics(stored)
    path = folder.with_name(STATISTICS_FILE)
    assert path.is_file()
    calls = []
    monkeypatch.setattr(module, "measure_cases", lambda *args: calls.append(1) or first)
    again = case_statistics(stored)
    assert calls == []
    assert again.checksums.tolist() == first.checksums.tolist()
    good = path.read_bytes()
    for damage in (b"", b"PK", good[:-100], *_other_arrays(path)):
        path.write_bytes(damage)
        case_statistics(stored)
    assert len(calls) == 7
    path.write_bytes(good)
    assert case_statistics(stored).low.tolist() == first.low.tolist()
    assert len(calls) == 7
    os.utime(folder, ns=(1, 1))
    case_statistics(stored)
    assert len(calls) == 8


def _other_arrays(path):
    """Whole files that lack an array or have one of another shape."""
    with np.load(path) as file:
        arrays = dict(file)
    for other in (
        *({name: array for name, array in arrays.items() if name != lost} for lost in ("stamp", "low")),
        *({**arrays, name: arrays[name][:-1]} for name in ("stamp", "high")),
    ):
        np.savez(path, **other)
        yield path.read_bytes()


def test_only_the_crops_of_a_store_have_statistics_beside_them(tmp_path):
    values = np.random.default_rng(0).normal(size=(4, 30, 30))
    for name, others in (("crops.npy", []), ("cases.npy", ["store.json"])):
        folder = tmp_path / name
        folder.mkdir()
        np.save(folder / name, values)
        for other in others:
            (folder / other).write_text("{}")
        case_statistics(np.load(folder / name, mmap_mode="r"))
        assert sorted(path.name for path in folder.iterdir()) == sorted([name, *others])


def test_statistics_that_cannot_be_written_are_measured_again(stored, monkeypatch):
    def refuse(path):
        raise OSError("read-only")

    monkeypatch.setattr(module, "atomic_write", refuse)
    assert len(case_statistics(stored).low) == 20


def test_copies_of_an_array_in_memory_are_measured_and_nothing_is_written(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    values = np.random.default_rng(0).normal(size=(4, 30, 30))
    assert find_copies(values, np.array(list("abcd"))).near == ()
    assert list(tmp_path.iterdir()) == []


def test_cases_of_equal_checksums_are_identical_only_where_their_values_are(monkeypatch):
    monkeypatch.setattr("archnet.data.checks.duplicates.case_statistics.isal_zlib", Constant)
    values = np.arange(6 * 8 * 8, dtype=np.int16).reshape(6, 8, 8)
    values[4], values[5], values[3] = values[0], values[1], values[0]
    assert find_copies(values, np.array(list("abcdef"))).identical == ((0, 3, 4), (1, 5))


class Constant:
    crc32 = adler32 = staticmethod(lambda content: 1)
