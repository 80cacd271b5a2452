"""The table of an ensemble: each member, their mean, and all together."""

from dataclasses import replace

import pytest

from archnet.report.ensemble.members_table import members_table
from archnet.report.run_files import read_run
from synthetic_runs import write_run


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return read_run(write_run(tmp_path_factory.mktemp("members") / "net"))


def entry(auc, mcc, recall):
    return {"auc": auc, "mcc": mcc, "recall": recall}


def ensemble(run, members, together):
    return replace(run, metrics=run.metrics | {"members": members} | together)


TOGETHER = {"validation": entry(0.7, 0.5, 0.6), "test": entry(0.9, 0.8, 0.85)}


def test_a_single_network_has_no_table(run):
    assert members_table(run) is None
    assert members_table(ensemble(run, [], {})) is None


def test_each_member_has_a_row_and_their_mean_stands_before_all_together(run):
    members = [
        {"seed": 4, "validation": entry(0.5, 0.1, 0.3), "test": entry(0.8, 0.6, 0.7)},
        {"seed": 5, "validation": entry(0.6, 0.3, 0.4), "test": entry(0.85, 0.7, 0.74)},
    ]
    table = members_table(ensemble(run, members, TOGETHER))
    assert table["columns"] == [
        "test AUC", "test MCC", "test recall", "validation AUC", "validation MCC", "validation recall",
    ]  # fmt: skip
    assert [(row["label"], row["values"]) for row in table["rows"]] == [
        ("member 1, seed 4", ["0.800", "0.600", "0.700", "0.500", "0.100", "0.300"]),
        ("member 2, seed 5", ["0.850", "0.700", "0.740", "0.600", "0.300", "0.400"]),
        ("mean of the members", ["0.825", "0.650", "0.720", "0.550", "0.200", "0.350"]),
        ("together", ["0.900", "0.800", "0.850", "0.700", "0.500", "0.600"]),
    ]
    assert table["sentence"] == (
        "The model averages the probabilities of 2 networks that differ only in their random seed. On the test set, a "
        "member alone has a mean AUC of 0.825; together they have 0.900."
    )


def test_a_number_that_one_member_lacks_has_no_mean(run):
    start = "The model averages the probabilities of 2 networks that differ only in their random seed."
    members = [{"seed": 0, "test": entry(0.8, None, 0.7)}, {"seed": 1, "test": entry(None, None, 0.74)}]
    table = members_table(ensemble(run, members, TOGETHER))
    assert table["columns"] == ["test AUC", "test MCC", "test recall"]
    assert table["rows"][2]["values"] == ["undefined", "undefined", "0.720"]
    assert table["sentence"] == start
    members = [{"seed": 0, "test": entry(0.8, 0.5, 0.7)}, {"seed": 1, "test": entry(0.9, 0.5, 0.7)}]
    without = members_table(ensemble(run, members, {"test": entry(None, 0.5, 0.7)}))
    assert without["rows"][3]["values"] == ["undefined", "0.500", "0.700"]
    assert without["sentence"] == start


def test_an_ensemble_without_a_test_set_is_told_about_the_validation_set(run):
    members = [{"seed": 0, "validation": entry(0.5, 0.1, 0.3)}, {"seed": 1, "validation": entry(0.6, 0.3, 0.4)}]
    table = members_table(ensemble(run, members, TOGETHER))
    assert table["columns"] == ["validation AUC", "validation MCC", "validation recall"]
    assert table["sentence"].endswith(
        " On the validation set, a member alone has a mean AUC of 0.550; together they have 0.700."
    )


def test_of_more_classes_the_macro_means_are_shown(tmp_path):
    run = read_run(write_run(tmp_path / "net", classes=("a", "b", "c")))
    macro = {"macro": 0.7, "per_class": {}}
    members = [{"seed": k, "test": {"auc": macro, "mcc": 0.5, "recall": macro}} for k in range(2)]
    table = members_table(ensemble(run, members, {"test": members[0]["test"]}))
    assert table["columns"][0] == "test macro AUC"
    assert table["rows"][0]["values"] == ["0.700", "0.500", "0.700"]
    assert "a mean macro AUC of 0.700; together" in table["sentence"]
