"""Damaged files of every kind: none ends in anything but an error of archnet; `experiments/fuzz_readers.py` tries more."""

import pytest

import reader_kinds
from archnet.errors import DataError
from fuzzed_readers import READ, REFUSED, fuzz
from mutants import mutate_bytes
from reader_kinds import KINDS, Kind

SEED = 1
COUNTS = dict.fromkeys(KINDS, 7)


def test_at_least_200_mutants_are_tried():
    assert sum(COUNTS.values()) >= 200


@pytest.mark.slow
@pytest.mark.parametrize("name", KINDS)
def test_a_damaged_file_is_refused_or_read(name, tmp_path):
    outcomes = list(fuzz(name, range(COUNTS[name]), SEED, tmp_path))
    assert len(outcomes) == COUNTS[name]
    assert [outcome for outcome in outcomes if outcome not in (REFUSED, READ)] == []


def test_the_same_seed_gives_the_same_mutants(tmp_path, monkeypatch):
    contents = []

    def read(folder):
        contents.append((folder / "a").read_bytes())
        if contents[-1][:1] != b"x":
            raise DataError("not x")
        if len(contents[-1]) > 100:
            raise KeyError("long")

    kind = Kind(lambda folder: (folder / "a").write_bytes(b"x" * 100), read, {"*": mutate_bytes})
    monkeypatch.setitem(reader_kinds.KINDS, "letters", kind)
    first, second = (list(fuzz("letters", range(40), 3, tmp_path)) for _ in range(2))
    assert first == second
    assert contents[:41] == contents[41:]
    assert len(set(contents)) > 30
    for outcome, content in zip(first, contents[1:41], strict=True):
        is_fault = content[:1] == b"x" and len(content) > 100
        expected = REFUSED if content[:1] != b"x" else READ
        assert outcome.endswith(": KeyError in test_fuzzed_readers.py: 'long'" if is_fault else expected)
