"""A store whose making was interrupted, or that was damaged: no wrong crop, and nothing cut twice."""

import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

from archnet.data import build_store
from archnet.data.store import open_crops, store_state
from archnet.data.store_list import prune_stores
from archnet.errors import DataError
from archnet.files.user_folders import store_home
from archnet.imaging import read_volume
from stored_scans import content, only_store, recipe, scan


@pytest.fixture(autouse=True)
def _own_store(tmp_path, monkeypatch):
    monkeypatch.setenv("ARCHNET_STORE", str(tmp_path / "store"))


def test_an_interrupted_store_is_continued_without_cutting_a_finished_scan_again(tmp_path, monkeypatch):
    wanted = recipe(tmp_path / "scans")
    peaceful = open_crops(wanted).values.copy()
    expected = content(only_store())
    prune_stores(everything=True)
    monkeypatch.setattr(build_store, "_MAX_THREADS", 1)
    opened, is_broken = [], [True]

    def read_and_fail(path, series):
        opened.append(path.stem)
        if is_broken and len(opened) >= 3:
            raise KeyboardInterrupt
        return read_volume(path)

    monkeypatch.setattr("archnet.data.recipe.read_volume", read_and_fail)
    with pytest.raises(KeyboardInterrupt):
        open_crops(wanted)
    assert store_state(wanted).num_finished == 2
    is_broken.clear()
    assert store_state(wanted).summary() == "0.0 MB, 2 of 4 scans cut (archnet data prepare)"
    np.testing.assert_array_equal(open_crops(wanted).values, peaceful)
    assert [opened.count(name) for name in ("scan0", "scan1")] == [1, 1]
    assert content(only_store()) == expected
    assert list((store_home() / ".unfinished").iterdir()) == []


def test_a_journal_line_that_a_crash_cut_off_does_not_count(tmp_path):
    journal = tmp_path / "x.journal"
    journal.write_bytes(b"0\n12\n1")
    assert build_store.read_journal(journal) == {0, 12}


@pytest.mark.parametrize("killed_at_the_end", [False, True])
def test_a_scan_that_is_mended_without_a_trace_is_cut_after_all(tmp_path, monkeypatch, killed_at_the_end):
    wanted = recipe(tmp_path / "scans")
    expected = open_crops(wanted).values.copy()
    prune_stores(everything=True)
    is_broken = [True]

    def read(path, series):
        if path.stem == "scan2" and is_broken:
            raise DataError(f"{path}: damaged.")
        opened.append(path.stem)
        return read_volume(path)

    opened = []
    monkeypatch.setattr("archnet.data.recipe.read_volume", read)
    assert open_crops(wanted).is_there.sum() == 30 - 7
    is_broken.clear()
    opened.clear()
    if killed_at_the_end:  # between the rename of the store and the removal of its journal
        build_store.write_journal(store_home() / f".unfinished/{only_store().name}.journal", range(4), mode="wb")
    found = open_crops(wanted)
    np.testing.assert_array_equal(found.values, expected)
    assert found.unreadable_scans == ()
    assert set(opened) == {"scan2"}


def test_an_old_journal_never_meets_a_new_layout(tmp_path, monkeypatch):
    wanted = recipe(tmp_path / "scans")
    expected = open_crops(wanted).values.copy()
    name = only_store().name
    prune_stores(everything=True)
    build_store.write_journal(store_home() / f".unfinished/{name}.journal", range(4), mode="wb")
    with monkeypatch.context() as patch:
        patch.setattr(build_store, "write_text", lambda path, text: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            open_crops(wanted)
    np.testing.assert_array_equal(open_crops(wanted).values, expected)


def test_the_half_written_list_of_a_killed_process_does_not_enter_the_store(tmp_path, monkeypatch):
    wanted = recipe(tmp_path / "scans")
    write_text = build_store.write_text

    def killed(path, text, **options):
        (path.parent / f".{path.name}-0123abcd{path.suffix}").write_text(text[:5])
        if path.name == "index.csv":
            raise KeyboardInterrupt
        return write_text(path, text, **options)

    with monkeypatch.context() as patch:
        patch.setattr(build_store, "write_text", killed)
        with pytest.raises(KeyboardInterrupt):
            open_crops(wanted)
    open_crops(wanted)
    assert set(content(only_store())) == {"crops.npy", "index.csv", "scans.jsonl", "store.json"}


def test_a_store_that_lost_a_part_is_cut_again(tmp_path):
    wanted = recipe(tmp_path / "scans")
    expected = open_crops(wanted).values.copy()
    for damage in (lambda path: path.unlink(), lambda path: os.truncate(path, 200), lambda path: os.truncate(path, 0)):
        damage(only_store() / "crops.npy")
        np.testing.assert_array_equal(open_crops(wanted).values, expected)
    (only_store() / "store.json").unlink()
    np.testing.assert_array_equal(open_crops(wanted).values, expected)
    assert list((store_home() / ".unfinished").iterdir()) == []


@pytest.mark.slow
def test_a_disk_that_fills_up_leaves_no_wrong_crop(tmp_path):
    """A limit on the size of files stands for the disk: the file is laid out, but its end cannot be written."""
    paths = [scan(tmp_path / "scans", f"scan{number:02d}", number) for number in range(40)]
    code = BUILD.replace("open_crops(Cand", "limited(); open_crops(Cand").replace(
        "def slowly",
        "def limited():\n"
        "    import resource, signal\n"
        "    from archnet.data import build_store\n"
        "    allocate = build_store._allocate\n"
        "    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "    def then_limit(path, recipe):\n"
        "        allocate(path, recipe)\n"
        "        resource.setrlimit(resource.RLIMIT_FSIZE, (recipe.num_bytes // 2 + 1000, -1))\n"
        "    build_store._allocate = then_limit\n\n"
        "def slowly",
    )
    command = [sys.executable, "-c", code, str(tmp_path / "scans")]
    environment = {**os.environ, "ARCHNET_STORE": str(tmp_path / "full")}
    result = subprocess.run(command, env=environment, capture_output=True, encoding="utf-8")
    assert "crops cannot be written (File too large). Free some disk space (archnet data prune)" in result.stderr
    for process in [start_build(tmp_path, name) for name in ("full", "peaceful")]:
        assert process.wait() == 0
        process.stdout.close()
    full, peaceful = (next(path for path in (tmp_path / name).glob("[0-9a-f]*")) for name in ("full", "peaceful"))
    assert content(full) == content(peaceful)
    assert len(paths) == 40


BUILD = """
import sys, time
from pathlib import Path
import numpy as np
from archnet.data import recipe
from archnet.data.crops import CandidateCrops
from archnet.data.store import open_crops
from archnet.imaging import read_volume

def slowly(path, series):
    time.sleep(0.05)
    return read_volume(path)

recipe.read_volume = slowly
paths = sorted(Path(sys.argv[1]).glob("*.mhd"))
points = np.random.default_rng(1).uniform((0, 0, 0), (23, 19, 22), (600, 3))
ids = np.array([f"case{row}" for row in range(600)])
scans = [paths[row % len(paths)] for row in range(600)]
print("started", flush=True)
open_crops(CandidateCrops("luna16", ids, scans, points, str, (16, 16, 8)))
"""


@pytest.mark.long
def test_a_store_that_was_killed_five_times_equals_an_uninterrupted_one(tmp_path):
    for number in range(40):
        scan(tmp_path / "scans", f"scan{number:02d}", number)
    generator = np.random.default_rng(0)
    num_killed = 0
    for _ in range(5):
        process = start_build(tmp_path, "killed")
        time.sleep(generator.uniform(0.01, 0.1))
        process.send_signal(signal.SIGKILL)
        num_killed += process.wait() == -signal.SIGKILL
        process.stdout.close()
    assert num_killed == 5
    for name in ("killed", "peaceful"):
        process = start_build(tmp_path, name)
        assert process.wait() == 0
        process.stdout.close()
    killed, peaceful = (
        [path for path in (tmp_path / name).iterdir() if path.name != ".unfinished"] for name in ("killed", "peaceful")
    )
    assert [path.name for path in killed] == [path.name for path in peaceful]
    assert content(killed[0]) == content(peaceful[0])
    assert set(content(killed[0])) == {"crops.npy", "index.csv", "scans.jsonl", "store.json"}


def start_build(folder, store):
    """A process that is about to cut a store."""
    process = subprocess.Popen(
        [sys.executable, "-c", BUILD, str(folder / "scans")],
        env={**os.environ, "ARCHNET_STORE": str(folder / store)},
        stdout=subprocess.PIPE,
    )
    assert process.stdout.readline() == b"started\n"
    return process


def test_crops_that_cannot_be_written_are_reported_and_the_next_command_resumes(tmp_path, monkeypatch):
    wanted = recipe(tmp_path / "scans")

    def refuse(*_):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(build_store, "_write_lists", refuse)
        with pytest.raises(DataError) as caught:
            open_crops(wanted)
    (draft,) = (path for path in (store_home() / ".unfinished").iterdir() if path.is_dir())
    assert str(caught.value) == (
        f"{draft}: crops cannot be written (No space left on device). Free some disk space (archnet data prune), or set "
        "$ARCHNET_STORE to another folder; extracted crops are kept, and the same command resumes."
    )
    assert store_state(wanted).num_finished == 4
    monkeypatch.setattr("archnet.data.recipe.read_volume", lambda *_: pytest.fail("all scans were read"))
    assert open_crops(wanted).is_there.all()
