"""The sets and folds of a seed: an experiment that is repeated with a later version has the same ones."""

import numpy as np
import pytest

from archnet.data.stratified import (
    stratified_folds,
    stratified_group_folds,
    stratified_group_split,
    stratified_split,
)

# Groups, classes, shares and seed; then the sets of groups and of cases, and the folds of groups and of cases.
DRAWN = [
    (14, 2, (0.5, 0.25, 0.25), 1, "02001101012001", "12001021000021", "11022101000202", "02211200002111"),
    (9, 3, (0.7, 0.1, 0.2), 2, "220000100", "200121120", "212200011", "200201112"),
    (9, 4, (0.6, 0.4, 0.0), 3, "111000010", "100100011", "211000221", "010022121"),
    (5, 2, (0.8, 0.0, 0.2), 4, "02000", "00022", "12012", "01102"),
    (3, 2, (0.9, 0.05, 0.05), 5, "021", "122", "021", "210"),
    (
        30, 3, (0.6, 0.2, 0.2), 6, "021200110010200010000002012000", "012001002200020000220011010001",
        "021202121201100110200021112020", "221120020022112102200000111112",
    ),
]  # fmt: skip


@pytest.mark.parametrize("drawn", DRAWN, ids=[f"{number} groups" for number, *_ in DRAWN])
def test_a_seed_draws_the_same_sets_and_folds(drawn):
    number, num_classes, shares, seed, *wanted = drawn
    of_groups = np.random.default_rng(seed).integers(0, 6, (number, num_classes)) * (np.arange(num_classes) < 3)
    of_cases = np.eye(3, dtype=np.int64)[np.random.default_rng(seed).integers(0, 3, number)]
    found = [
        stratified_group_split(of_groups, shares, np.random.default_rng(seed)),
        stratified_split(of_cases, shares, np.random.default_rng(seed)),
        stratified_group_folds(of_groups, 3, np.random.default_rng(seed)),
        stratified_folds(of_cases, 3, np.random.default_rng(seed)),
    ]
    assert ["".join(map(str, numbers)) for numbers in found] == wanted
    np.testing.assert_array_equal(stratified_group_folds(of_cases, 3, np.random.default_rng(seed)), found[3])
