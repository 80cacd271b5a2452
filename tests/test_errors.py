"""Errors of users: in a notebook, and the closest known word."""

import pytest

from archnet.errors import DataError, RunError, closest_word, did_you_mean, pluralize


def test_a_notebook_shows_an_error_as_its_message_alone():
    assert DataError("scan.mhd: no such file.")._render_traceback_() == ["DataError: scan.mhd: no such file."]
    assert RunError("")._render_traceback_() == ["RunError: "]


@pytest.mark.parametrize(
    ("word", "known", "closest"),
    [
        ("RELU", ["elu", "relu"], "relu"),
        ("relu", ["ReLU"], "ReLU"),
        ("abx", ["aby"], "aby"),  # two thirds of the letters agree
        ("abcde", ["abcxy"], None),
        ("num", ["zz_num_of_all", "aa_num_of_all"], "aa_num_of_all"),
        ("nu", ["num_of_all"], None),
        ("the_rate_of_learning", ["rate"], "rate"),
        ("the_lr_of_learning", ["lr"], None),
        (12, ["112"], "112"),
        ("x" * 100, ["x" * 98], "x" * 98),
        ("x" * 101, ["x" * 98], None),
        ("a", [], None),
    ],
)
def test_the_closest_word_is_similar_or_contains_the_other(word, known, closest):
    assert closest_word(word, iter(known)) == closest
    assert did_you_mean(word, known) == ("" if closest is None else f' Did you mean "{closest}"?')


def test_only_one_is_singular():
    texts = [pluralize(number, "run") for number in (0, 1, 2, 1200, -1)]
    assert texts == ["0 runs", "1 run", "2 runs", "1,200 runs", "-1 runs"]
