import errno
import json
import os
import re
import sys
from pathlib import Path

import pytest

from archnet.errors import DocumentError
from archnet.files.atomic import atomic_folder, atomic_write, remove_leftovers, sync_file, write_json, write_text
from windows_renames import rename_as_on_windows


@pytest.fixture
def synced(monkeypatch):
    """The files and folders that are put on the disk, by name, in order; a file as the text it held."""
    if not Path("/proc/self/fd").is_dir():
        pytest.skip("this system does not say which file a handle is of")
    seen = []
    fsync = os.fsync

    def record(handle):
        place = Path(f"/proc/self/fd/{handle}").readlink()
        seen.append(place.name if place.is_dir() else place.read_text())
        fsync(handle)

    monkeypatch.setattr(os, "fsync", record)
    return seen


def test_a_file_is_on_the_disk_before_it_has_its_name_and_its_name_before_the_writer_continues(tmp_path, synced):
    write_text(tmp_path / "inner/a.txt", "new")
    assert (tmp_path / "inner/a.txt").read_text() == "new"
    assert synced == ["new", "inner"]
    num_open = len(list(Path("/proc/self/fd").iterdir()))
    write_text(tmp_path / "inner/a.txt", "newer")
    assert len(list(Path("/proc/self/fd").iterdir())) == num_open


def test_a_block_that_fails_leaves_the_old_file_and_no_draft(tmp_path):
    write_text(tmp_path / "a.txt", "old")

    def write_half():
        with atomic_write(tmp_path / "a.txt") as draft:
            draft.write_text("half")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_half()
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == {"a.txt": "old"}


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
def test_a_pipe_is_not_replaced_not_even_through_a_link(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "link").symlink_to(tmp_path / "pipe")
    for path in (tmp_path / "pipe", tmp_path / "link"):
        with pytest.raises(DocumentError) as caught:
            write_text(path, "new")
        assert str(caught.value) == f"{path}: is a device or a pipe, which must not be replaced. Name a file."
    assert (tmp_path / "pipe").is_fifo()
    assert (tmp_path / "link").is_symlink()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["link", "pipe"]


def test_a_draft_keeps_the_suffix_and_stays_out_of_sight(tmp_path):
    with atomic_write(tmp_path / "model.keras") as draft:
        assert draft.parent == tmp_path
        assert re.fullmatch(r"\.archnet-[0-9a-f]{8}-model\.keras", draft.name)
        assert draft.suffix == ".keras"


@pytest.mark.parametrize(("length", "kept"), [(229, 229), (230, 230), (231, 230), (255, 230)])
def test_the_draft_of_a_long_name_has_the_end_of_it(tmp_path, length, kept):
    name = "a" * (length - 5) + ".json"
    with atomic_write(tmp_path / name) as draft:
        assert draft.name[:9] + draft.name[17:] == f".archnet--{name[-kept:]}"
    assert (tmp_path / name).is_file()


def test_a_long_name_may_be_cut_inside_a_character(tmp_path):
    name = "\u00e9" * 120 + ".json"  # 245 bytes
    with atomic_write(tmp_path / name) as draft:
        assert draft.name.endswith("-" + "\u00e9" * 112 + ".json")
    assert (tmp_path / name).is_file()


@pytest.mark.parametrize(("make", "remove"), [(Path.touch, Path.unlink), (Path.mkdir, Path.rmdir)])
def test_a_draft_that_another_process_removes_meanwhile_does_not_keep_the_others(tmp_path, monkeypatch, make, remove):
    for number in range(3):
        make(tmp_path / f".archnet-0123abc{number}-a.json")
    is_dir, seen = Path.is_dir, []

    def remove_first(path):
        was_dir = is_dir(path)
        if path.name.startswith(".archnet-") and not seen:
            seen.append(path)
            remove(path)
        return was_dir

    monkeypatch.setattr(Path, "is_dir", remove_first)
    remove_leftovers(tmp_path)
    assert len(seen) == 1
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("mask", "mode"), [(0o022, 0o644), (0o077, 0o600), (0o002, 0o664)])
def test_files_and_folders_have_the_permissions_that_the_user_asks_for(tmp_path, mask, mode):
    before = os.umask(mask)
    try:
        write_text(tmp_path / "a.txt", "")
        with atomic_folder(tmp_path / "folder"):
            pass
    finally:
        os.umask(before)
    assert (tmp_path / "a.txt").stat().st_mode & 0o777 == mode
    assert (tmp_path / "folder").stat().st_mode & 0o777 == 0o777 & ~mask


def test_names_that_are_not_utf8_keep_their_bytes_where_they_are_asked_to(tmp_path):
    name = os.fsdecode(b"scan\xff")
    write_text(tmp_path / "a.txt", name, errors="surrogateescape")
    assert (tmp_path / "a.txt").read_bytes() == b"scan\xff"
    with pytest.raises(UnicodeEncodeError):
        write_text(tmp_path / "a.txt", name)


def test_json_is_indented_and_holds_no_nan(tmp_path):
    path = write_json(tmp_path / "a.json", {"ä": [1]})
    assert path.read_text(encoding="utf-8") == '{\n  "ä": [\n    1\n  ]\n}\n'
    with pytest.raises(ValueError, match="Out of range float"):
        write_json(path, {"a": float("nan")})
    assert json.loads(path.read_text(encoding="utf-8")) == {"ä": [1]}


def test_what_killed_writers_left_in_a_folder_is_removed_and_nothing_else(tmp_path):
    leftovers = (
        ".archnet-0123abcd-metrics.json",
        ".archnet-0123abcd-two\nlines.json",
        ".archnet-0123abcd-export-onnx/model.onnx",
        ".gallery.npz-0123abcd.npz",  # of an earlier version
        "figures/.archnet-4567cdef-roc.svg",
        "together/archsm/froc/.archnet-4567cdef-curve.json",
    )
    kept = (
        "metrics.json",
        ".archnet-lock",
        ".archnet-lock.break.12.0123abcd",
        ".archnet-123-notes.txt",
        ".backup-20251126/notes.txt",
        ".notes-0123abcd.txt",
        ".gallery.npz-0123abcd.npy",
        "gallery.npz-0123abcd.npz",
        "figures/roc.svg",
        "run/experiment.json",
        "run/.archnet-0123abcd-metrics.json",  # a run folder has a writer of its own
        "froc/experiment.json",
        "froc/.archnet-0123abcd-metrics.json",  # the run of an architecture of this name
        "scans/.archnet-0123abcd-scan.mhd",
    )
    for name in (*leftovers, *kept):
        (tmp_path / name).parent.mkdir(exist_ok=True, parents=True)
        (tmp_path / name).touch()
    remove_leftovers(tmp_path)
    assert {str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*") if path.is_file()} == set(kept)


def test_a_folder_appears_whole_and_on_the_disk(tmp_path, synced):
    with atomic_folder(tmp_path / "out") as draft:
        assert not (tmp_path / "out").exists()
        (draft / "inner").mkdir()
        (draft / "inner/a.txt").write_text("content")
    assert [path.name for path in tmp_path.iterdir()] == ["out"]
    assert (tmp_path / "out/inner/a.txt").read_text() == "content"
    assert set(synced) > {"content", "inner", tmp_path.name}
    assert synced.index("content") < synced.index("inner")
    assert synced[-1] == tmp_path.name


def test_a_folder_whose_block_fails_is_not_there(tmp_path):
    def write_half():
        with atomic_folder(tmp_path / "out") as draft:
            (draft / "a.txt").touch()
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_half()
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_holds_something_is_not_replaced(tmp_path):
    write_text(tmp_path / "out/a.txt", "old")
    with pytest.raises(OSError, match="not empty"), atomic_folder(tmp_path / "out"):
        pass
    assert (tmp_path / "out/a.txt").read_text() == "old"
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_on_windows_an_empty_folder_is_removed_before_a_draft_takes_its_place(tmp_path, monkeypatch):
    rename_as_on_windows(monkeypatch)
    monkeypatch.setattr(sys, "platform", "win32")
    (tmp_path / "empty").mkdir()
    with atomic_folder(tmp_path / "empty") as draft:
        (draft / "a.txt").write_text("new")
    assert (tmp_path / "empty/a.txt").read_text() == "new"
    with atomic_folder(tmp_path / "new/folder") as draft:
        (draft / "a.txt").write_text("new")
    assert (tmp_path / "new/folder/a.txt").read_text() == "new"


@pytest.mark.parametrize("has_full_fsync", [True, False])
def test_on_macos_a_file_is_synchronised_past_the_cache_of_its_disk(tmp_path, monkeypatch, has_full_fsync):
    fcntl = pytest.importorskip("fcntl")
    calls = []

    def full_fsync(handle, command):
        calls.append(command)
        if not has_full_fsync:
            raise OSError(25, "Inappropriate ioctl for device")

    monkeypatch.setattr(fcntl, "F_FULLFSYNC", 51, raising=False)
    monkeypatch.setattr(fcntl, "fcntl", full_fsync)
    monkeypatch.setattr(os, "fsync", lambda handle: calls.append("fsync"))
    monkeypatch.setattr(sys, "platform", "darwin")
    (tmp_path / "a.txt").touch()
    sync_file(tmp_path / "a.txt")
    assert calls == ([51] if has_full_fsync else [51, "fsync"])


def test_an_error_of_writing_names_the_file_and_never_the_draft(tmp_path):
    with pytest.raises(OSError, match="No space") as caught, atomic_write(tmp_path / "a.json"):
        raise OSError(errno.ENOSPC, "No space left on device")
    assert caught.value.filename == str(tmp_path / "a.json")
    with pytest.raises(OSError, match="No space") as caught, atomic_write(tmp_path / "a.json") as draft:
        raise OSError(errno.ENOSPC, "No space left on device", str(draft))
    assert caught.value.filename == str(tmp_path / "a.json")
    with pytest.raises(FileNotFoundError) as caught, atomic_write(tmp_path / "a.json"):
        (tmp_path / "input.json").read_text(encoding="utf-8")
    assert caught.value.filename == str(tmp_path / "input.json")
    assert list(tmp_path.iterdir()) == []


def test_an_error_inside_a_folder_names_the_folder_and_never_the_draft(tmp_path):
    with pytest.raises(OSError, match="No space") as caught, atomic_folder(tmp_path / "out") as draft:
        raise OSError(errno.ENOSPC, "No space left on device", str(draft / "a" / "b.raw"))
    assert caught.value.filename == str(tmp_path / "out" / "a" / "b.raw")
    with pytest.raises(OSError, match="No space") as caught, atomic_folder(tmp_path / "out"):
        raise OSError(errno.ENOSPC, "No space left on device")
    assert caught.value.filename == str(tmp_path / "out")
    assert list(tmp_path.iterdir()) == []
