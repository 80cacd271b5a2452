"""Bytes that files occupy."""

import sys

import pytest

from archnet.files.disk import bytes_on_disk


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
