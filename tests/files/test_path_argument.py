"""Paths that options of experiments name."""

import os

import pytest

from archnet.errors import DataError
from archnet.files.path_argument import option_file


def _message(path):
    with pytest.raises(DataError) as caught:
        option_file(str(path), "data.cases")
    return str(caught.value)


def test_an_option_names_a_file_or_a_link_to_one(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("case")
    link = tmp_path / "b.csv"
    link.symlink_to(path)
    assert option_file(str(path), "data.cases") == path
    assert option_file(str(link), "data.cases") == link


def test_a_path_without_a_file_is_missing(tmp_path):
    broken = tmp_path / "broken.csv"
    broken.symlink_to(tmp_path / "gone.csv")
    for path in (tmp_path / "no.csv", broken, tmp_path / ("long" * 100), "null\0"):
        assert _message(path) == (f"data.cases: {path}: there is no such file. Correct the path, or omit data.cases.")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
def test_a_folder_and_a_pipe_are_not_files(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path, tmp_path / "pipe"):
        assert _message(path) == (f"data.cases: {path}: this is not a file. Correct the path, or omit data.cases.")
