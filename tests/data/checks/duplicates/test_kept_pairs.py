"""Pairs of copies that were found once are not searched for again."""

import json

import numpy as np

from archnet.data.checks.duplicates.kept_pairs import FOLDER, recall_pairs
from archnet.data.checks.duplicates.near_duplicates import CopiedPair
from archnet.files.user_folders import store_home

PAIRS = (CopiedPair(first=0, second=1, correlation=0.93), CopiedPair(first=3, second=299, correlation=1.0))


def checksums(seed=0, count=300):
    return np.random.default_rng(seed).integers(0, 256, (count, 16), dtype=np.uint8).view("V16")[:, 0]


class Search:
    def __init__(self):
        self.count = 0

    def __call__(self):
        self.count += 1
        return PAIRS


def test_the_same_cases_are_searched_once(monkeypatch, tmp_path):
    monkeypatch.setenv("ARCHNET_STORE", str(tmp_path))
    search, groups = Search(), np.arange(300)
    assert recall_pairs(checksums(), groups, search) == recall_pairs(checksums(), groups, search) == PAIRS
    assert search.count == 1
    recall_pairs(checksums(seed=1), groups, search)
    recall_pairs(checksums(), groups // 2, search)
    assert search.count == 3


def test_without_a_search_only_the_pairs_of_an_earlier_one_are_taken(monkeypatch, tmp_path):
    monkeypatch.setenv("ARCHNET_STORE", str(tmp_path))
    assert recall_pairs(checksums(), np.arange(300), None) == ()
    assert not (tmp_path / FOLDER).exists()
    recall_pairs(checksums(), np.arange(300), Search())
    assert recall_pairs(checksums(), np.arange(300), None) == PAIRS


def test_a_damaged_file_is_searched_again_and_replaced(monkeypatch, tmp_path):
    monkeypatch.setenv("ARCHNET_STORE", str(tmp_path))
    search, groups = Search(), np.arange(300)
    recall_pairs(checksums(), groups, search)
    (path,) = (store_home() / FOLDER).iterdir()
    good = json.loads(path.read_text())
    wrong = [{**good, "pairs": [[0, 1, 0.9], pair]} for pair in ([7, 300, 0.9], [-1, 7, 0.9], [7, 7, 0.9], [8, 7, 0.9])]
    for text in ("", "{", "[]", *map(json.dumps, [{**good, "version": 0}, *wrong])):
        path.write_text(text)
        assert recall_pairs(checksums(), groups, search) == PAIRS
        assert json.loads(path.read_text()) == good
    assert search.count == 9


def test_a_folder_that_cannot_be_written_loses_nothing_but_time(monkeypatch, tmp_path):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("ARCHNET_STORE", str(tmp_path / "file"))
    assert recall_pairs(checksums(), np.arange(300), Search()) == PAIRS
