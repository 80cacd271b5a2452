from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from archnet.data import Cases, keep_rows, make_split
from archnet.data.split import resolve_split
from archnet.errors import DataError
from archnet.spec.experiment import Data, Split


def _cases(groups, labels, own_sets=None):
    return Cases(
        ids=np.array([f"{group}#{row}" for row, group in enumerate(groups)]),
        groups=np.array(list(groups)),
        labels=np.array(labels, dtype=np.int64),
        classes=("non-nodule", "nodule"),
        own_sets=own_sets,
    )


def _luna_like(num_groups=60, seed=0):
    rng = np.random.default_rng(seed)
    sizes = rng.integers(5, 40, num_groups)
    groups = np.repeat([f"scan{number:03d}" for number in range(num_groups)], sizes)
    return _cases(groups, rng.random(len(groups)) < np.repeat(rng.uniform(0.02, 0.4, num_groups), sizes))


@pytest.mark.slow
@settings(max_examples=30)
@given(
    groups=st.lists(st.integers(0, 30), min_size=60, max_size=200),
    seed=st.integers(0, 1000),
    shares=st.sampled_from([(0.2, 0.1), (0.2, 0.0), (0.0, 0.3), (0.3, 0.3)]),
)
def test_no_group_is_in_two_sets(groups, seed, shares):
    assume(len(set(groups)) >= 3)
    labels = np.random.default_rng(seed).integers(0, 2, len(groups))
    cases = _cases([f"patient{group}" for group in groups], labels)
    sets = make_split(cases, Split(by="group", test=shares[0], validation=shares[1], seed=seed))
    for group in np.unique(cases.groups):
        assert len(set(sets[cases.groups == group].tolist())) == 1


def test_a_split_by_group_comes_close_to_the_wanted_sizes_and_class_shares():
    cases = _luna_like()
    sets = make_split(cases, Split(by="group", test=0.2, validation=0.1, seed=1))
    for name, share in (("test", 0.2), ("validation", 0.1), ("train", 0.7)):
        for label in (0, 1):
            of_class = cases.labels == label
            assert abs(np.mean(sets[of_class] == name) - share) < 0.02


def test_a_split_does_not_depend_on_the_order_of_the_cases():
    cases = _luna_like()
    order = np.random.default_rng(3).permutation(len(cases.labels))
    shuffled = Cases(
        ids=cases.ids[order], groups=cases.groups[order], labels=cases.labels[order], classes=cases.classes
    )
    for by in ("group", "candidate"):
        split = Split(by=by, test=0.2, validation=0.1, seed=5)
        np.testing.assert_array_equal(make_split(shuffled, split), make_split(cases, split)[order])


def test_the_seed_decides_the_split():
    cases = _luna_like()
    one, again, other = (make_split(cases, Split(seed=seed)) for seed in (1, 1, 2))
    np.testing.assert_array_equal(one, again)
    assert (one != other).any()


def test_a_split_by_candidate_divides_every_class_alike():
    cases = _luna_like()
    sets = make_split(cases, Split(by="candidate", test=0.2, validation=0.1, seed=42))
    for label in (0, 1):
        count = np.count_nonzero(cases.labels == label)
        assert abs(np.count_nonzero((sets == "test") & (cases.labels == label)) - 0.2 * count) <= 0.5
        assert abs(np.count_nonzero((sets == "validation") & (cases.labels == label)) - 0.1 * count) <= 1


def test_a_share_of_zero_gives_no_such_set():
    sets = make_split(_luna_like(), Split(by="candidate", test=0.2, validation=0.0))
    assert set(sets.tolist()) == {"train", "test"}


def test_a_handful_of_scans_still_fills_every_set():
    labels = [0, 0, 0, 0, 1, 1, 1, 1]
    sets = make_split(_cases([str(number) for number in range(8)], labels), Split(test=0.2, validation=0.1))
    assert sorted(set(sets.tolist())) == ["test", "train", "validation"]


def test_too_few_groups_are_refused():
    with pytest.raises(DataError) as caught:
        make_split(_cases(["a", "a", "b"], [0, 1, 1]), Split(test=0.2, validation=0.1))
    assert str(caught.value) == (
        "split: 2 groups are too few for training, validation (0.1) and test (0.2) sets; the train set would be empty. "
        "Lower the others' shares or add scans."
    )


def test_shares_that_leave_nothing_to_train_on_are_refused():
    with pytest.raises(DataError) as caught:
        make_split(_luna_like(), Split(test=0.7, validation=0.3))
    assert str(caught.value) == (
        "split.test 0.7 and split.validation 0.3 leave no training cases; their sum must be below 1."
    )


def test_predefined_sets_are_kept():
    own = np.array(["test", "train", "validation"])
    np.testing.assert_array_equal(make_split(_cases("abc", [0, 1, 0], own), Split(by="own")), own)


def test_data_without_sets_of_their_own_say_so():
    with pytest.raises(DataError) as caught:
        make_split(_luna_like(), Split(by="own"))
    assert str(caught.value) == 'split.by "own": the data have no sets of their own. Use "group" or "candidate".'


OWN = ["train", "validation", "test"]


@pytest.mark.parametrize(
    ("groups", "own", "split", "by", "reason"),
    [
        ("abc", OWN, {}, "own", "the data have their own training, validation and test sets"),
        ("abc", OWN, {"validation": 0}, "own", "the data have their own training, validation and test sets"),
        (
            "abc",
            ["train", "train", "test"],
            {"validation": 0},
            "own",
            "the data have their own training and test sets",
        ),
        (
            "abc",
            ["train", "train", "test"],
            {},
            "own_test",
            "the data have their own training and test sets; the validation set is drawn from the training cases: "
            "each case is its own group",
        ),
        (
            "aab",
            ["train", "train", "test"],
            {},
            "own_test",
            "the data have their own training and test sets; the validation set is drawn from the training cases: "
            "cases "
            "of one group stay together (2 groups)",
        ),
        (
            "aab",
            ["train", "validation", "train"],
            {},
            "group",
            "the data have sets of their own, but no test set; cases of one group stay together (2 groups)",
        ),
        (
            "abc",
            ["test", "validation", "test"],
            {},
            "group",
            "the data have sets of their own, but no training set; each case is its own group",
        ),
        (
            "abc",
            OWN,
            {"folds": 3, "fold": 0, "test": None},
            "group",
            "the data have sets of their own, which have no folds; each case is its own group",
        ),
        ("abc", None, {}, "group", "the data have no sets of their own; each case is its own group"),
        (
            "aab",
            None,
            {},
            "group",
            "the data have no sets of their own; cases of one group stay together (2 groups)",
        ),
        ("abc", OWN, {"by": "group"}, "group", ""),
        ("abc", OWN, {"by": "candidate"}, "candidate", ""),
    ],
)
def test_auto_takes_the_datas_own_sets_else_groups_and_says_why(groups, own, split, by, reason):
    cases = _cases(groups, [0, 1, 0], own if own is None else np.array(own))
    split = Split(**split)
    chosen, why = resolve_split(cases, split)
    assert (chosen, why) == (replace(split, by=by), reason)
    assert resolve_split(cases, chosen) == (chosen, "")


def test_official_folds_are_never_chosen():
    cases = replace(_luna_like(), folds=np.zeros(len(_luna_like().labels), np.int64))
    assert resolve_split(cases, Split())[0].by == "group"


def test_auto_divides_as_what_it_is_resolved_to():
    cases = _luna_like()
    np.testing.assert_array_equal(make_split(cases, Split(seed=3)), make_split(cases, Split(by="group", seed=3)))
    own = np.tile(OWN, len(cases.labels))[: len(cases.labels)]
    np.testing.assert_array_equal(make_split(replace(cases, own_sets=own), Split()), own)


def test_a_missing_validation_set_is_drawn_by_group_from_the_training_cases():
    cases = _luna_like()
    is_test = np.isin(cases.groups, np.unique(cases.groups)[:40])
    cases = replace(cases, own_sets=np.where(is_test, "test", "train"))
    sets = make_split(cases, Split(validation=0.2, seed=1))
    np.testing.assert_array_equal(sets == "test", is_test)
    for group in np.unique(cases.groups):
        assert len(set(sets[cases.groups == group].tolist())) == 1
    for label in (0, 1):
        share = np.mean(sets[~is_test & (cases.labels == label)] == "validation")
        assert abs(share - 0.2) < 0.05
    assert (make_split(cases, Split(validation=0.2, seed=2)) != sets).any()
    assert set(make_split(cases, Split(by="own", validation=0.2)).tolist()) == {"train", "test"}


def test_the_own_test_set_alone_draws_the_validation_set_anew():
    own = np.array(["train"] * 10 + ["validation"] * 5 + ["test"] * 5)
    cases = _cases([str(number) for number in range(20)], np.arange(20) % 2, own)
    sets = make_split(cases, Split(by="own_test", validation=0.4))
    np.testing.assert_array_equal(sets == "test", own == "test")
    assert np.count_nonzero(sets == "validation") == 6
    assert (sets[10:15] == "train").any()


@pytest.mark.parametrize(
    ("groups", "own", "by", "message"),
    [
        (
            "aab",
            None,
            "own_test",
            'split.by "own_test": the data have no sets of their own. Use "group" or "candidate".',
        ),
        ("abc", None, "own", 'split.by "own": the data have no sets of their own. Use "group".'),
        (
            "aab",
            ["train", "train", "test"],
            "own_test",
            "split: 1 group is too few for training and validation (0.1) sets; the train set would be empty. Lower the "
            "others' shares or add scans.",
        ),
    ],
)
def test_own_sets_that_cannot_be_taken_are_refused(groups, own, by, message):
    with pytest.raises(DataError) as caught:
        make_split(_cases(groups, [0, 1, 0], own if own is None else np.array(own)), Split(by=by))
    assert str(caught.value) == message


def _kept(cases, sets, ratio, seed=42, **more):
    return keep_rows(cases, sets, Data(name="luna16", negatives_per_positive=ratio), Split(seed=seed), **more)


def test_every_set_keeps_its_positives_and_the_wanted_number_of_negatives():
    cases = _luna_like()
    sets = make_split(cases, Split())
    kept = _kept(cases, sets, 2)
    assert (np.diff(kept) > 0).all()
    for name in ("train", "validation", "test"):
        rows = kept[sets[kept] == name]
        positives = np.count_nonzero((sets == name) & (cases.labels == 1))
        assert np.count_nonzero(cases.labels[rows] == 1) == positives
        assert np.count_nonzero(cases.labels[rows] == 0) == 2 * positives


def test_a_smaller_ratio_keeps_a_part_of_what_a_larger_one_keeps():
    cases = _luna_like()
    sets = make_split(cases, Split())
    assert set(_kept(cases, sets, 1)) < set(_kept(cases, sets, 2))


def test_the_negatives_of_the_test_set_do_not_depend_on_the_other_sets():
    cases = _luna_like()
    sets = make_split(cases, Split())
    merged = np.where(sets == "validation", "train", sets)
    one, other = _kept(cases, sets, 2), _kept(cases, merged, 2)
    np.testing.assert_array_equal(one[sets[one] == "test"], other[sets[other] == "test"])


def test_a_set_can_keep_all_its_negatives():
    cases = _luna_like()
    sets = make_split(cases, Split())
    kept = _kept(cases, sets, 1, full_sets=("test",))
    assert np.count_nonzero(sets[kept] == "test") == np.count_nonzero(sets == "test")
    assert np.count_nonzero(sets[kept] == "train") < np.count_nonzero(sets == "train")


@pytest.mark.parametrize(
    ("options", "kept"),
    [
        ({"by": "group"}, "VVvvtTttTTTttttTVvvvTtTtXXxXTTTTxxxXttTTTtttXXxXTtTtTttTtTTt"),
        ({"by": "candidate"}, "TxtttTXTTtTxtttTXTTtXTtTtXxXtVVvTTTVxttTTxtttTxtVtTtttTTTVxt"),
        ({"by": "group", "folds": 3, "fold": 1}, "VvVvtTTtTtTTTttTXXxxXxxxTTtTXXXxtTtTvvVvXxxxTTtttTTtxXXXttTt"),
        (
            {"by": "candidate", "folds": 3, "fold": 2, "validation": 0.2},
            "TxvXVXVTxtTtXtxTtvXXXvVxTVtvTvTTxxvXTXvxTttxxXXTttTttTtVxTtT",
        ),
        (
            {"by": "group", "test": 0.4, "validation": 0.0},
            "TtttxXXxTTTtXXXXttttXxXxtTttTTTtxxxXtTTTTtttxXxxTtTtTTtTXxXX",
        ),
    ],
)
def test_the_sets_and_the_rows_of_a_seed_are_the_same_in_every_version(options, kept):
    cases = _cases([f"scan{number // 4}" for number in range(60)], [number % 5 == 0 for number in range(60)])
    split = Split(seed=7, **options)
    sets = make_split(cases, split)
    rows = keep_rows(cases, sets, Data(name="luna16", negatives_per_positive=1.5), split)
    letters = np.array([{"train": "t", "validation": "v", "test": "x"}[name] for name in sets.tolist()])
    shown = letters.copy()
    shown[rows] = np.char.upper(letters[rows])
    assert "".join(shown.tolist()) == kept


def test_all_keeps_every_row():
    cases = _luna_like()
    assert len(_kept(cases, make_split(cases, Split()), "all")) == len(cases.labels)


def test_the_real_candidates_split_by_group_keep_their_class_shares(real_data: Path):
    with np.load(real_data / "luna16_candidates_2d.npz") as file:
        labels, groups = file["y"].astype(np.int64), file["group"].astype(np.str_)
    cases = _cases(groups, labels)
    for seed in range(3):
        sets = make_split(cases, Split(by="group", test=0.2, validation=0.1, seed=seed))
        for name, share in (("test", 0.2), ("validation", 0.1)):
            assert abs(np.mean(sets[labels == 1] == name) - share) < 0.02
            assert abs(np.mean(sets == name) - share) < 0.02
