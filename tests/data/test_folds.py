"""Cross-validation: every case is tested once, no group stands on two sides, and the negatives stay where they are."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from sklearn.model_selection import StratifiedGroupKFold

from archnet.data import Cases, keep_rows, make_split, open_dataset
from archnet.data.split import case_folds
from archnet.errors import DataError
from archnet.spec.experiment import Data, Split


def _cases(groups, labels, folds=None):
    return Cases(
        ids=np.array([f"{group}#{row}" for row, group in enumerate(groups)]),
        groups=np.array(list(groups)),
        labels=np.array(labels, dtype=np.int64),
        classes=("non-nodule", "nodule"),
        folds=None if folds is None else np.array(folds),
    )


def _luna_like(num_groups=60, seed=0):
    rng = np.random.default_rng(seed)
    sizes = rng.integers(5, 40, num_groups)
    scans = np.repeat(np.arange(num_groups), sizes)
    labels = rng.random(len(scans)) < np.repeat(rng.uniform(0.02, 0.4, num_groups), sizes)
    return _cases([f"scan{scan:03d}" for scan in scans], labels, scans % 10)


def _splits(by="group", folds=5, **more):
    return [Split(by=by, folds=folds, fold=fold, test=None, **more) for fold in range(folds)]


ALL_WAYS = [("group", 5), ("group", 2), ("candidate", 5), ("official", 10)]


@pytest.mark.slow
@settings(max_examples=30)
@given(
    scans=st.lists(st.integers(0, 40), min_size=30, max_size=150),
    folds=st.integers(2, 7),
    by=st.sampled_from(["group", "official"]),
    validation=st.sampled_from([0.0, 0.1, 0.3]),
    seed=st.integers(0, 1000),
)
def test_no_group_is_in_two_sets_and_every_case_is_tested_once(scans, folds, by, validation, seed):
    assume(len(set(scans)) >= folds)
    labels = np.random.default_rng(seed).integers(0, 2, len(scans))
    cases = _cases([f"patient{scan}" for scan in scans], labels, [scan % 10 for scan in scans])
    is_official = by == "official"
    chosen = sorted({scan % 10 for scan in scans}) if is_official else range(folds)
    times_tested = np.zeros(len(scans), dtype=int)
    for fold in chosen:
        split = Split(by=by, folds=10 if is_official else folds, fold=fold, test=None, validation=validation, seed=seed)
        try:
            sets = make_split(cases, split)
        except DataError as error:
            assume("would be empty" not in str(error))
            raise
        for group in np.unique(cases.groups):
            assert len(set(sets[cases.groups == group].tolist())) == 1
        assert ("validation" in sets) == (validation > 0)
        times_tested += sets == "test"
    assert (times_tested == 1).all()


@pytest.mark.parametrize(("by", "folds"), ALL_WAYS)
def test_each_fold_tests_its_own_part_and_validates_on_the_wanted_share(by, folds):
    cases = _luna_like()
    for split in _splits(by, folds, validation=0.1):
        sets = make_split(cases, split)
        np.testing.assert_array_equal(sets == "test", case_folds(cases, split) == split.fold)
        for label in (0, 1):
            assert abs(np.mean(sets[cases.labels == label] == "validation") - 0.1) < 0.02


def test_the_validation_sets_of_two_folds_are_drawn_apart():
    cases = _luna_like()
    one, other = (make_split(cases, split) == "validation" for split in _splits()[:2])
    assert 0 < np.count_nonzero(one & other) / np.count_nonzero(one) < 0.5


def test_every_fold_draws_its_validation_set_with_a_seed_of_its_own():
    cases = _cases([f"{number:03d}" for number in range(100)], [0] * 100)
    drawn = []
    for split in _splits():
        sets = make_split(cases, split)
        drawn.append(tuple(np.flatnonzero(sets[sets != "test"] == "validation").tolist()))
    assert len(set(drawn)) == 5


@pytest.mark.parametrize("by", ["group", "candidate"])
def test_the_seed_decides_the_parts_and_the_order_of_the_cases_does_not(by):
    cases = _luna_like()
    one, again, other = (case_folds(cases, _splits(by, seed=seed)[0]) for seed in (1, 1, 2))
    np.testing.assert_array_equal(one, again)
    together = one[:, np.newaxis] == one
    assert (together != (other[:, np.newaxis] == other)).any()
    order = np.random.default_rng(3).permutation(len(one))
    np.testing.assert_array_equal(case_folds(cases.select(order), _splits(by, seed=1)[0]), one[order])


@pytest.mark.parametrize(("num_folds", "tolerance"), [(3, 0.006), (5, 0.006), (10, 0.008)])
def test_parts_by_group_have_equal_shares_of_each_class(num_folds, tolerance):
    cases = _luna_like()
    for seed in range(3):
        parts = case_folds(cases, _splits(folds=num_folds, seed=seed)[0])
        assert _deviation(parts, cases.labels, num_folds) < tolerance


def _deviation(parts, labels, num_folds):
    """The largest distance of a class's share in a part from an equal share."""
    shares = [np.bincount(parts[labels == label], minlength=num_folds) / np.sum(labels == label) for label in (0, 1)]
    return np.abs(np.array(shares) - 1 / num_folds).max()


def test_parts_by_candidate_differ_by_one_case_of_a_class_at_most():
    cases = _luna_like()
    parts = case_folds(cases, _splits("candidate", 7)[0])
    for labels in (cases.labels == 0, cases.labels == 1, cases.labels >= 0):
        assert np.ptp(np.bincount(parts[labels])) <= 1


def test_groups_of_one_case_are_divided_like_cases():
    labels = np.arange(3000) % 3 == 0
    parts = case_folds(_cases([f"{number:04d}" for number in range(3000)], labels), _splits(folds=10)[0])
    assert np.bincount(parts[labels]).tolist() == [100] * 10
    assert np.bincount(parts[~labels]).tolist() == [200] * 10


def test_no_part_is_empty_where_each_group_has_a_class_of_its_own():
    cases = _cases(["a", "a", "b", "b", "c"], [0, 0, 1, 1, 1])
    assert sorted(set(case_folds(cases, _splits(folds=3)[0]).tolist())) == [0, 1, 2]


@pytest.mark.slow
def test_the_real_candidates_are_divided_more_evenly_than_scikit_learn_does(real_data: Path):
    with np.load(real_data / "luna16_candidates_2d.npz") as file:
        labels, groups = file["y"].astype(np.int64), file["group"].astype(np.str_)
    cases = _cases(groups, labels)
    for num_folds in (5, 10):
        ours, theirs = [], []
        for seed in range(5):
            ours.append(_deviation(case_folds(cases, _splits(folds=num_folds, seed=seed)[0]), labels, num_folds))
            theirs.append(_deviation(_their_parts(labels, groups, num_folds, seed), labels, num_folds))
        assert max(ours) < 0.007
        assert max(ours) < max(theirs)


def _their_parts(labels, groups, num_folds, seed):
    parts = np.empty(len(labels), dtype=int)
    divider = StratifiedGroupKFold(num_folds, shuffle=True, random_state=seed)
    for fold, (_, rows) in enumerate(divider.split(labels, labels, groups)):
        parts[rows] = fold
    return parts


# ---- Negatives


def _kept(cases, split, ratio, full_sets=()):
    sets = make_split(cases, split)
    return keep_rows(cases, sets, Data(name="luna16", negatives_per_positive=ratio), split, full_sets)


@pytest.mark.parametrize(("by", "folds"), ALL_WAYS)
def test_the_same_rows_are_used_whichever_fold_is_tested(by, folds):
    cases = _luna_like()
    first, *others = (_kept(cases, split, 1) for split in _splits(by, folds))
    for rows in others:
        np.testing.assert_array_equal(rows, first)
    parts = case_folds(cases, _splits(by, folds)[0])
    for part in range(folds):
        in_part = cases.labels[first[parts[first] == part]]
        assert np.count_nonzero(in_part) == np.count_nonzero(cases.labels[parts == part])
        assert np.count_nonzero(in_part == 0) == np.count_nonzero(in_part)


def test_a_smaller_ratio_keeps_a_part_of_what_a_larger_one_keeps_in_every_fold():
    cases = _luna_like()
    for split in _splits():
        assert set(_kept(cases, split, 1)) < set(_kept(cases, split, 2))


def test_a_test_set_that_keeps_all_its_negatives_changes_nothing_else():
    cases = _luna_like()
    for split in _splits():
        is_tested = make_split(cases, split) == "test"
        rows, all_rows = _kept(cases, split, 1), _kept(cases, split, 1, full_sets={"test"})
        assert np.count_nonzero(is_tested[all_rows]) == np.count_nonzero(is_tested)
        np.testing.assert_array_equal(all_rows[~is_tested[all_rows]], rows[~is_tested[rows]])


# ---- Official folds


@pytest.fixture(scope="module")
def luna16(real_data, tmp_path_factory):
    """LUNA16's 888 scans as empty files in their subset folders, with a candidate of each class; and the official list."""
    official = json.loads((real_data / "luna16_lists/luna16_subset_to_series.json").read_text())
    root = tmp_path_factory.mktemp("luna16")
    lines = ["seriesuid,coordX,coordY,coordZ,class"]
    for subset, series in official.items():
        (root / f"subset{subset}").mkdir()
        for uid in series:
            (root / f"subset{subset}/{uid}.mhd").touch()
            lines += [f"{uid},0,0,0,0", f"{uid},0,0,0,1"]
    (root / "candidates.csv").write_text("\n".join(lines))
    return open_dataset(Data(name="luna16", root=str(root))).cases, official


@pytest.mark.slow
def test_official_folds_are_lunas_own(luna16):
    cases, official = luna16
    series = np.array([case.partition("#")[0] for case in cases.ids.tolist()])
    for split in _splits("official", 10):
        assert set(series[make_split(cases, split) == "test"]) == set(official[str(split.fold)])


@pytest.mark.slow
def test_lunas_888_series_are_887_patients_one_of_whom_the_official_folds_divide(luna16):
    cases, _ = luna16
    assert len(np.unique(cases.groups)) == 887
    for split in _splits("official", 10):
        is_tested = make_split(cases, split) == "test"
        divided = np.intersect1d(cases.groups[is_tested], cases.groups[~is_tested]).tolist()
        assert divided == (["LIDC-IDRI-0332"] if split.fold in (2, 6) else [])


# ---- What is refused


def _message(cases, split):
    with pytest.raises(DataError) as caught:
        make_split(cases, split)
    return str(caught.value)


OFFICIAL = Split(by="official", folds=10, fold=3, test=None)


@pytest.mark.parametrize(
    ("cases", "split", "message"),
    [
        (
            _cases("aabbc", [0, 1, 0, 1, 1]),
            Split(folds=4, fold=0, test=None),
            "split.folds: 3 groups are too few for 4 folds; one would be empty. Lower split.folds or add scans.",
        ),
        (
            _cases("aab", [0, 1, 1]),
            Split(by="candidate", folds=4, fold=0, test=None),
            "split.folds: 3 cases are too few for 4 folds; one would be empty. Lower split.folds or add scans.",
        ),
        (
            _cases("aab", [0, 1, 1]),
            Split(folds=2, fold=0, test=None, validation=0.1),
            "split: 2 groups are too few for training, validation (0.1) and test (1 of 2 folds) sets; the train set "
            "would be empty. Lower the others' shares or add scans.",
        ),
        (
            _cases("aab", [0, 1, 1]),
            OFFICIAL,
            'split.by "official": the data have no official folds; those are LUNA16\'s folders subset0 to subset9. '
            'Use "group" or "candidate".',
        ),
        (
            replace(_cases("abc", [0, 1, 1]), own_sets=np.array(["train", "train", "test"])),
            OFFICIAL,
            'split.by "official": the data have no official folds; those are LUNA16\'s folders subset0 to subset9. '
            'Use "own" or "group".',
        ),
        (
            _cases("abc", [0, 1, 1], [3, -1, 4]),
            OFFICIAL,
            'split.by "official": the scan of b#1 is in none of the folders subset0 to subset9. Move it into one of them, '
            'or use "group".',
        ),
        (
            _cases("abc", [0, 1, 1], [0, 7, 4]),
            OFFICIAL,
            "split.fold 3: no case is in this fold; the data have 0, 4, 7. Choose one of these with split.fold, or add "
            "subset3.",
        ),
        (
            _cases("abc", [0, 1, 1], [3, 3, 3]),
            OFFICIAL,
            "split: 3 groups are too few for training, validation (0.1) and test (1 of 10 folds) sets; the train set "
            "would be empty. Lower the others' shares or add scans.",
        ),
    ],
)
def test_folds_that_cannot_be_filled_are_refused(cases, split, message):
    assert _message(cases, split) == message


@pytest.mark.parametrize("split", [Split(folds=5), Split(fold=0), Split(by="official"), replace(OFFICIAL, fold=None)])
def test_a_split_with_folds_is_divided_one_fold_at_a_time(split):
    with pytest.raises(ValueError, match=r"^a split has both folds and one fold, or neither; parse_experiments gives "):
        make_split(_luna_like(), split)
