import csv
import os
import re
import threading
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from archnet.data import build_store
from archnet.data.crops import WholeVolumes
from archnet.data.recipe import scan_fingerprint
from archnet.data.store import StoreState, lock_store, open_crops, read_store_json, store_state
from archnet.data.store_list import StoredCrops, list_stores, prune_stores
from archnet.errors import DataError
from archnet.files.locks import break_foreign_locks
from archnet.files.user_folders import store_home
from archnet.imaging import read_volume, resize_volume
from stored_scans import only_store, recipe, scan


@pytest.fixture(autouse=True)
def _own_store(tmp_path, monkeypatch):
    monkeypatch.setenv("ARCHNET_STORE", str(tmp_path / "store"))


def test_every_row_holds_its_own_crop_however_small_the_portions(tmp_path, monkeypatch):
    wanted = recipe(tmp_path / "scans")
    expected = np.concatenate([recipe_row(wanted, row) for row in range(30)])
    for portion in (1, 2**20):
        monkeypatch.setattr("archnet.data.crops._CHUNK_BYTES", portion)
        prune_stores(everything=True)
        found = open_crops(wanted)
        assert found.values.dtype == np.int16
        np.testing.assert_array_equal(found.values, expected)
        assert found.is_there.all()
        assert found.unreadable_scans == ()


def recipe_row(wanted, row):
    number = next(n for n, rows in enumerate(wanted.rows) if row in rows)
    for rows, values in wanted.cut(number):
        if row in rows:
            return values[rows == row]
    return None


def test_crops_are_a_read_only_memory_map_that_numpy_opens_without_archnet(tmp_path):
    found = open_crops(recipe(tmp_path / "scans"))
    assert isinstance(found.values, np.memmap)
    assert not found.values.flags.writeable
    np.testing.assert_array_equal(np.load(only_store() / "crops.npy", allow_pickle=False), found.values)
    with (only_store() / "index.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert rows[5] == {
        "row": "5",
        "case": "case5",
        "scan": str(tmp_path / "scans/scan1.mhd"),
        "is_there": "1",
    }
    assert len(rows) == 30


def test_scans_are_read_once_and_not_at_all_when_the_store_is_there(tmp_path, monkeypatch):
    wanted = recipe(tmp_path / "scans")
    opened = []
    monkeypatch.setattr(
        "archnet.data.recipe.read_volume", lambda path, series: (opened.append(path.stem), read_volume(path))[1]
    )
    open_crops(wanted)
    open_crops(wanted)
    assert sorted(opened) == ["scan0", "scan1", "scan2", "scan3"]


def test_each_opening_describes_the_recipe_once_and_reads_the_store_at_most_once(tmp_path, monkeypatch):
    wanted = recipe(tmp_path / "scans")
    calls = []
    for name, function in (("recipe.scan_fingerprint", scan_fingerprint), ("store.read_store_json", read_store_json)):
        monkeypatch.setattr(
            f"archnet.data.{name}", lambda path, name=name, function=function: (calls.append(name), function(path))[1]
        )
    open_crops(wanted)
    assert calls == ["recipe.scan_fingerprint"] * 4
    calls.clear()
    open_crops(wanted)
    assert calls == ["recipe.scan_fingerprint"] * 4 + ["store.read_store_json"]


def test_whatever_shapes_the_crops_gives_another_store(tmp_path):
    base = recipe(tmp_path / "scans")
    others = [
        recipe(tmp_path / "scans", shape=(6, 5, 3)),
        recipe(tmp_path / "scans", spacing_mm=(1.0, 1.0, 1.0)),
        recipe(tmp_path / "scans", num_crops=29),
    ]
    base.points_mm = base.points_mm.copy()
    folders = {store_state(wanted).folder for wanted in (base, *others)}
    base.points_mm[3, 1] += 0.25
    folders.add(store_state(base).folder)
    os.utime(tmp_path / "scans/scan2.raw", (1, 1))
    folders.add(store_state(base).folder)
    assert len(folders) == 6


def test_a_damaged_scan_is_listed_and_the_others_are_there(tmp_path):
    wanted = recipe(tmp_path / "scans")
    raw = tmp_path / "scans/scan1.raw"
    raw.write_bytes(raw.read_bytes()[:-10])
    (tmp_path / "scans/scan3.mhd").unlink()
    found = open_crops(wanted)
    assert [lost.num_cases for lost in found.unreadable_scans] == [8, 7]
    assert found.unreadable_scans[0].scan == str(tmp_path / "scans/scan1.mhd")
    assert found.unreadable_scans[0].reason.startswith(f"{tmp_path / 'scans/scan1.mhd'}: ")
    assert found.unreadable_scans[1].reason == f"{tmp_path / 'scans/scan3.mhd'}: there is no such file."
    assert found.scans == (tmp_path / "scans/scan0.mhd", tmp_path / "scans/scan2.mhd")
    assert np.flatnonzero(~found.is_there).tolist() == sorted([*range(1, 30, 4), *range(3, 30, 4)])
    assert not found.values[1].any()
    assert found.values[0].any()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("archnet.data.store._reopen", lambda *_: pytest.fail("no scan has become readable"))
        assert open_crops(wanted).unreadable_scans == found.unreadable_scans


def test_when_no_scan_can_be_read_nothing_is_stored(tmp_path):
    wanted = recipe(tmp_path / "scans", num_scans=1)
    (tmp_path / "scans/scan0.raw").unlink()
    with pytest.raises(
        DataError,
        match=r"^.*/scan0\.mhd: ElementDataFile = scan0\.raw does not exist; put the voxels next to the header\.$",
    ):
        open_crops(wanted)
    assert not [path for path in store_home().iterdir() if path.name != ".unfinished"]
    assert list((store_home() / ".unfinished").glob("*/*")) == []


def test_when_no_scan_of_several_can_be_read_the_first_is_named_and_the_others_are_counted(tmp_path):
    wanted = recipe(tmp_path / "scans", num_scans=3)
    for path in (tmp_path / "scans").glob("*.raw"):
        path.unlink()
    message = (
        f"{tmp_path / 'scans/scan0.mhd'}: ElementDataFile = scan0.raw does not exist; put the voxels next to the header. "
        "The other 2 scans cannot be read either."
    )
    with pytest.raises(DataError, match=f"^{re.escape(message)}$"):
        open_crops(wanted)


def test_a_disk_that_is_too_small_is_reported_before_anything_is_cut(tmp_path, monkeypatch):
    monkeypatch.setattr(build_store.shutil, "disk_usage", lambda path: SimpleNamespace(free=small.num_bytes))
    small = recipe(tmp_path / "small")
    assert open_crops(small).is_there.all()
    wanted = recipe(tmp_path / "scans", shape=(2000, 2000, 1000))
    monkeypatch.setattr(build_store.shutil, "disk_usage", lambda path: SimpleNamespace(free=1_500_000_000))
    message = (
        f"{store_home()}: 30 crops need 240.0 GB, but the disk has 1.5 GB free. Free more space (archnet data prune), or set "
        "$ARCHNET_STORE to a folder on another disk."
    )
    with pytest.raises(DataError, match=f"^{re.escape(message)}$"):
        open_crops(wanted)


def test_whole_volumes_keep_their_fractions(tmp_path):
    paths = [scan(tmp_path / "CT-0", f"study{number}", number) for number in range(3)]
    found = open_crops(WholeVolumes("mosmed in here", np.array(["a", "b", "c"]), paths, (8, 8, 6), (-1000, 400)))
    assert found.values.dtype == np.float32
    for values, path in zip(found.values, paths, strict=True):
        np.testing.assert_array_equal(values, resize_volume(read_volume(path), (8, 8, 6), (-1000, 400)))


def test_two_threads_that_want_the_same_store_cut_it_once(tmp_path, monkeypatch):
    wanted = recipe(tmp_path / "scans")
    opened, is_waiting = [], threading.Event()

    def read_slowly(path, series):
        opened.append(path.stem)
        is_waiting.wait(60)  # until the other thread has met the lock
        return read_volume(path)

    monkeypatch.setattr("archnet.data.recipe.read_volume", read_slowly)
    found, told = [], []

    def progress(items, description, total):
        told.append(description)
        if description.startswith("Waiting"):
            is_waiting.set()
        return items

    threads = [threading.Thread(target=lambda: found.append(open_crops(wanted, progress))) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(opened) == ["scan0", "scan1", "scan2", "scan3"]
    np.testing.assert_array_equal(found[0].values, found[1].values)
    waiting = [text for text in told if text.startswith("Waiting for another process that extracts the same crops: ")]
    assert len(waiting) == 1
    assert f"(process {os.getpid()} on " in waiting[0]


def test_crops_that_another_machine_cuts_are_waited_for_until_the_user_breaks_its_lock(tmp_path):
    wanted = recipe(tmp_path / "scans")
    expected = open_crops(wanted).values.copy()
    name = only_store().name
    prune_stores(everything=True)
    lock = store_home() / f".unfinished/.{name}.archnet-lock"
    lock.write_text("filelock/2\npid=123\nhost=gpu7\nmode=exclusive\ncommand=archnet data prepare\n")
    os.utime(lock, (1_000_000_000, 1_000_000_000))
    told = []

    def interrupt(items, description, total):
        told.append(description)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        open_crops(wanted, interrupt)
    assert told == [
        "Waiting for another process that extracts the same crops: archnet data prepare (process 123 on gpu7); if it has "
        "ended, use --break-lock"
    ]
    assert prune_stores(everything=True) == []
    with break_foreign_locks():
        np.testing.assert_array_equal(open_crops(wanted).values, expected)
    assert list((store_home() / ".unfinished").iterdir()) == []


def test_prune_removes_what_is_stale_and_nothing_else(tmp_path):
    open_crops(recipe(tmp_path / "one"))
    open_crops(recipe(tmp_path / "two"))
    assert [store.state for store in list_stores()] == ["ready", "ready"]
    os.utime(tmp_path / "two/scan2.raw", (1, 1))
    stale = prune_stores(dry_run=True)
    assert len(stale) == 1
    assert stale[0].summary().endswith("30 crops         0.0 MB  stale: its scans have changed  luna16 in here")
    assert len(list_stores()) == 2
    assert prune_stores() == stale
    assert [store.state for store in list_stores()] == ["ready"]
    prune_stores(everything=True)
    assert list_stores() == []
    assert len(list((tmp_path / "one").iterdir())) == 8


def test_a_store_that_windows_does_not_move_because_it_is_open_stays_whole(tmp_path, monkeypatch):
    open_crops(recipe(tmp_path / "scans"))
    store = only_store()

    def refuse(self, target):
        raise PermissionError(13, "Access is denied", str(self))

    message = (
        f"{store}: cannot be moved (Access is denied). On Windows, close all programs that use these crops. "
        "Elsewhere, check the permissions of the folder."
    )
    with monkeypatch.context() as patch:
        patch.setattr(Path, "rename", refuse)
        with pytest.raises(DataError, match=f"^{re.escape(message)}$"):
            prune_stores(everything=True)
    assert [path.name for path in (store_home() / ".unfinished").iterdir() if path.is_dir()] == []
    assert [stored.folder for stored in prune_stores(everything=True)] == [store]


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        ("{", ":1: not JSON (Expecting property name enclosed in double quotes)"),
        ("{}", ':1 $: the key "source" is missing'),
        ("[1]", ":1 $: expected an object, got [1]"),
        ("", ":1: not JSON (Expecting value)"),
    ],
)
def test_a_store_whose_description_is_damaged_is_reported_and_pruned_and_the_others_stay(tmp_path, content, problem):
    wanted = recipe(tmp_path / "scans")
    open_crops(wanted)
    path = only_store() / "store.json"
    open_crops(recipe(tmp_path / "others", num_crops=29))
    path.write_text(content)
    message = f"{path}{problem}. Remove it with archnet data prune; the crops are then extracted again."
    with pytest.raises(DataError, match=f"^{re.escape(message)}$"):
        open_crops(wanted)
    assert sorted(store.state for store in list_stores()) == ["damaged", "ready"]
    assert [store.folder for store in prune_stores()] == [path.parent]
    assert [store.num_crops for store in list_stores()] == [29]


def test_the_same_scans_under_another_spelling_of_their_folder_are_stored_once(tmp_path, monkeypatch):
    open_crops(recipe(tmp_path / "scans"))
    monkeypatch.chdir(tmp_path)
    again = recipe(Path("../") / tmp_path.name / "scans")
    again.source = "luna16 elsewhere"
    for path in (tmp_path / "scans").iterdir():
        os.utime(path, ns=(0, 0))
    before = recipe(tmp_path / "scans")
    for path in (tmp_path / "scans").iterdir():
        os.utime(path, ns=(0, 0))
    assert store_state(again).folder == store_state(before).folder


def test_scans_on_a_disk_that_is_away_do_not_cost_their_store(tmp_path):
    open_crops(recipe(tmp_path / "scans"))
    (tmp_path / "scans").rename(tmp_path / "away")
    assert [store.state for store in list_stores()] == ["gone"]
    assert prune_stores() == []
    assert len(prune_stores(everything=True)) == 1


def test_a_folder_that_cannot_be_written_names_the_variable(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("ARCHNET_STORE", str(tmp_path / "file"))
    with pytest.raises(DataError) as caught:
        open_crops(recipe(tmp_path / "scans"))
    assert str(caught.value) == (
        f"{tmp_path / 'file'}: crops cannot be stored here (Not a directory). Set $ARCHNET_STORE to a folder for them."
    )


@pytest.mark.parametrize(
    ("num_finished", "text"),
    [(10, "1,234.6 MB in {folder}"), (9, "1,234.6 MB, 9 of 10 scans cut (archnet data prepare)")],
)
def test_the_size_of_a_store_is_shown_in_megabytes(tmp_path, num_finished, text):
    state = StoreState(folder=tmp_path, num_bytes=1_234_560_000, num_scans=10, num_finished=num_finished)
    assert state.summary() == text.format(folder=tmp_path)


def test_a_listed_store_shows_its_crops_and_its_megabytes(tmp_path):
    store = StoredCrops(folder=tmp_path / "0af", source="npz", num_crops=12_345, num_bytes=6_789_000_000, state="ready")
    assert store.summary() == "0af     12,345 crops     6,789.0 MB  ready  npz"
    open_crops(recipe(tmp_path / "scans"))
    (listed,) = list_stores()
    on_disk = sum(path.stat().st_size for path in only_store().iterdir())
    assert (listed.num_crops, listed.num_bytes) == (30, on_disk)
    assert store_state(recipe(tmp_path / "scans")).num_bytes == 30 * 6 * 5 * 4 * 2


def test_a_store_without_its_description_is_reported(tmp_path):
    message = f"{tmp_path / 'store.json'}: no such file. Remove it with archnet data prune; the crops are then extracted again."
    with pytest.raises(DataError, match=f"^{re.escape(message)}$"):
        read_store_json(tmp_path)


def test_a_store_that_another_process_uses_is_not_pruned(tmp_path):
    open_crops(recipe(tmp_path / "scans"))
    store, found = only_store(), []
    with lock_store(store):
        for is_dry in (True, False):
            thread = threading.Thread(
                target=lambda is_dry=is_dry: found.append(prune_stores(everything=True, dry_run=is_dry))
            )
            thread.start()
            thread.join()
    assert found == [[], []]
    assert store.is_dir()
    assert [stored.folder for stored in prune_stores(everything=True)] == [store]
