"""Splits for training, which need every class, and splits for a look, which need nothing."""

import numpy as np
import pytest

from archnet.data.npz import open_npz
from archnet.errors import DataError, RunError
from archnet.runs.preparation import make_preview_splits, prepare
from archnet.spec.resolve import data_experiments


@pytest.fixture
def opened(tmp_path):
    """Writes arrays of 20 cases and opens them with settings: the data set, and the experiment."""

    def open_arrays(settings=(), **arrays):
        path = tmp_path / "a.npz"
        np.savez(
            path,
            **{
                "x": np.random.default_rng(0).integers(0, 256, (20, 8, 8), np.uint8),
                "y": np.arange(20) % 2,
                "classes": ["a", "b"],
                **arrays,
            },
        )
        (experiment, *_) = data_experiments(f"npz:{path}", settings)
        return open_npz(experiment.data), experiment

    return open_arrays


ONE_POSITIVE = np.arange(20) == 19


@pytest.mark.parametrize(
    ("arrays", "settings", "message"),
    [
        (
            {"y": ONE_POSITIVE},
            [(("split", "folds"), 2), (("split", "fold"), 1)],
            "the training set has no case of b: 8 of 20 cases are in it. Use fewer folds, or add data.",
        ),
        (
            {"y": ONE_POSITIVE},
            [(("split", "test"), 0.5)],
            "the training set has no case of b: 8 of 20 cases are in it. Lower split.test and split.validation, or add "
            "data.",
        ),
        (
            {"split": ["train"] * 10 + ["test"] * 10, "y": np.arange(20) > 9},
            [],
            "the training set has no case of b: 9 of 20 cases are in it. Use split.by=group.",
        ),
    ],
)
def test_training_needs_every_class_and_a_look_only_warns(opened, arrays, settings, message):
    dataset, experiment = opened(settings, **arrays)
    with pytest.raises(RunError) as caught:
        prepare(dataset, [experiment])
    assert str(caught.value) == message
    (prepared,) = prepare(dataset, [experiment], is_preview=True)
    assert len(prepared.values) == 20
    (finding,) = [one for one in prepared.findings if one.text.startswith("Not enough")]
    assert (finding.check, finding.severity) == ("small_sets", "warning")
    assert finding.text == f"Not enough cases for a run: {message}"


def test_own_sets_without_training_cases_are_refused_also_for_a_look(opened):
    dataset, experiment = opened([(("split", "by"), "own")], split=["validation", "test"] * 10)
    for is_preview in (False, True):
        with pytest.raises(RunError) as caught:
            prepare(dataset, [experiment], is_preview=is_preview)
        assert str(caught.value) == (
            "the training set has no case of a, b: 0 of 20 cases are in it. Use split.by=group."
        )


def test_too_few_cases_for_the_sets_are_all_training_cases(opened):
    dataset, experiment = opened(x=np.arange(128, dtype=np.uint8).reshape(2, 8, 8), y=[0, 1])
    splits, problem = make_preview_splits(dataset.cases, [experiment])
    split = splits[experiment.split]
    assert split.sets.tolist() == ["train", "train"]
    assert split.rows.tolist() == [0, 1]
    with pytest.raises(DataError) as caught:
        prepare(dataset, [experiment])
    assert str(caught.value) == problem
    assert problem.startswith("split: 2 groups are too few for training, validation (0.1) and test (0.2) sets")
    (prepared,) = prepare(dataset, [experiment], is_preview=True)
    assert f"Not enough cases for a run: {problem}" in [finding.text for finding in prepared.findings]


def test_a_split_that_suffices_is_the_same_for_a_look(opened):
    dataset, experiment = opened()
    splits, problem = make_preview_splits(dataset.cases, [experiment])
    (prepared,) = prepare(dataset, [experiment])
    assert problem is None
    assert splits[experiment.split].sets.tolist() == prepared.sets.tolist()
    assert prepare(dataset, [experiment], is_preview=True)[0].findings == prepared.findings


def test_sets_that_the_data_do_not_bring_are_refused_also_for_a_look(opened):
    dataset, experiment = opened([(("split", "by"), "own")])
    with pytest.raises(DataError, match=r'^split\.by "own": the data have no sets of their own\. Use "group"\.$'):
        prepare(dataset, [experiment], is_preview=True)


def test_own_sets_are_among_the_findings(opened):
    dataset, experiment = opened(split=["train"] * 10 + ["val"] * 5 + ["test"] * 5)
    (prepared,) = prepare(dataset, [experiment])
    assert [finding.check for finding in prepared.findings].count("own_sets") == 1
    assert prepared.sets.tolist() == ["train"] * 10 + ["validation"] * 5 + ["test"] * 5
