"""Bytes that files occupy."""

import shutil
import sys
from types import SimpleNamespace

import pytest

from archnet.files.disk import bytes_on_disk, format_bytes, free_bytes


def test_a_folder_occupies_what_its_files_do_and_links_are_not_followed(tmp_path):
    (tmp_path / "folder/inner").mkdir(parents=True)
    (tmp_path / "folder/a").write_bytes(b"1234")
    (tmp_path / "folder/inner/b").write_bytes(b"12")
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside/large").write_bytes(b"x" * 1000)
    (tmp_path / "folder/link").symlink_to(tmp_path / "outside")
    assert bytes_on_disk(tmp_path / "folder/a") == 4
    assert bytes_on_disk(tmp_path / "folder") == 6
    assert bytes_on_disk(tmp_path / "folder/link") < 1000
    assert bytes_on_disk(tmp_path / "missing") == 0


@pytest.mark.skipif(sys.platform != "linux", reason="sparse files")
def test_parts_of_a_file_that_were_never_written_occupy_nothing(tmp_path):
    with (tmp_path / "sparse").open("wb") as file:
        file.truncate(10_000_000)
    assert bytes_on_disk(tmp_path / "sparse") < 1_000_000
    with (tmp_path / "sparse").open("r+b") as file:
        file.write(b"x" * 8192)
    blocks = (tmp_path / "sparse").stat().st_blocks
    assert bytes_on_disk(tmp_path / "sparse") == 512 * blocks >= 8192  # the unit of st_blocks; see stat(2)


def test_the_free_space_is_that_of_the_disk_that_will_hold_a_folder(tmp_path, monkeypatch):
    (tmp_path / "file").touch()
    disks = {tmp_path: SimpleNamespace(total=9, used=1, free=5)}
    monkeypatch.setattr(shutil, "disk_usage", disks.__getitem__)
    for folder in (tmp_path, tmp_path / "new/folder", tmp_path / "file"):
        assert free_bytes(folder) == 5
    monkeypatch.chdir(tmp_path)
    assert free_bytes(tmp_path.relative_to(tmp_path.parent) / "new") == 5


@pytest.mark.parametrize(
    ("count", "text"),
    [
        (0, "0 bytes"),
        (999, "999 bytes"),
        (1000, "1.0 kB"),
        (999_999, "1000.0 kB"),
        (10**6, "1.0 MB"),
        (10**9 - 1, "1000.0 MB"),
        (10**9, "1.0 GB"),
        (2_340_000_000_000, "2340.0 GB"),
    ],
)
def test_bytes_are_counted_in_the_largest_decimal_unit_that_they_fill(count, text):
    assert format_bytes(count) == text
