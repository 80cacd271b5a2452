"""The predictions of the members of an ensemble, in their files and as metrics."""

from dataclasses import replace

import numpy as np
import pytest

from archnet.evaluation.members.member_results import (
    average_predictions,
    members_entry,
    read_member_predictions,
    write_member_predictions,
)
from archnet.evaluation.metrics import evaluate
from archnet.spec.metrics import EVALUATED_METRICS
from synthetic_runs import predictions_of, synthetic_predictions


@pytest.fixture(scope="module")
def members():
    """Two networks' predictions of the same cases."""
    first, second = (synthetic_predictions(skill=skill, num_cases=200) for skill in (1.0, 3.0))
    return [first, replace(first, probabilities=second.probabilities)]


def test_members_are_averaged_and_a_single_one_is_returned_as_it_is(members):
    both = average_predictions(members)
    np.testing.assert_array_equal(both.probabilities, (members[0].probabilities + members[1].probabilities) / 2)
    assert both.cases is members[0].cases
    assert average_predictions(members[:1]) is members[0]


def test_the_validation_and_test_cases_of_each_member_are_kept(members, tmp_path):
    write_member_predictions(tmp_path, members)
    assert sorted(path.name for path in (tmp_path / "members").iterdir()) == ["member1.csv", "member2.csv"]
    for kept, member in zip(read_member_predictions(tmp_path), members, strict=True):
        part = member.select("validation", "test")
        assert 0 < len(part.cases) < len(member.cases)
        np.testing.assert_array_equal(kept.cases, part.cases)
        np.testing.assert_array_equal(kept.probabilities, part.probabilities)


def test_files_of_an_earlier_evaluation_are_replaced(members, tmp_path):
    write_member_predictions(tmp_path, [*members, members[0]])
    write_member_predictions(tmp_path, members)
    assert len(read_member_predictions(tmp_path)) == 2
    write_member_predictions(tmp_path, members[:1])
    assert not (tmp_path / "members").exists()
    training = [replace(member, sets=np.full(len(member.sets), "train")) for member in members]
    write_member_predictions(tmp_path, training)
    assert read_member_predictions(tmp_path) == []
    assert not (tmp_path / "members").exists()


def test_a_single_network_has_no_entry(tmp_path):
    assert members_entry(tmp_path, {}, {}) == {}


def test_each_member_has_its_seed_and_the_metrics_of_a_run_with_its_predictions(members, tmp_path):
    write_member_predictions(tmp_path, members)
    metrics = {"positive": "nodule", "validation": {"threshold": 0.3}, "test": {"threshold": 0.6}}
    first, second = members_entry(tmp_path, metrics, {"training": {"seed": 5}})["members"]
    assert (first["seed"], second["seed"]) == (10, 11)
    for entry, member in zip((first, second), members, strict=True):
        assert list(entry) == ["seed", "validation", "test"]
        for name in ("validation", "test"):
            expected = evaluate(member, positive=1, threshold=metrics[name]["threshold"], bootstraps=0)[name]
            assert entry[name] == {key: expected[key] for key in EVALUATED_METRICS}
    other = members_entry(tmp_path, metrics | {"positive": "non-nodule"}, {"training": {"seed": 0}})["members"][0]
    expected = evaluate(members[0], positive=0, threshold=0.6, bootstraps=0)["test"]
    assert other["test"]["recall"] == expected["recall"] != first["test"]["recall"]


def test_a_set_without_metrics_or_without_labelled_cases_is_left_out(members, tmp_path):
    write_member_predictions(tmp_path, members)
    metrics, experiment = {"positive": "nodule", "test": {"threshold": 0.5}}, {"training": {"seed": 0}}
    (entry, _) = members_entry(tmp_path, metrics, experiment)["members"]
    assert list(entry) == ["seed", "test"]
    validation = [predictions_of([0, 1], [[0.9, 0.1], [0.2, 0.8]], set_name="validation")] * 2
    write_member_predictions(tmp_path, validation)
    metrics = {"positive": "k0", "validation": {"threshold": 0.5}, "test": {"threshold": 0.5}}
    assert [list(one) for one in members_entry(tmp_path, metrics, experiment)["members"]] == [
        ["seed", "validation"]
    ] * 2
