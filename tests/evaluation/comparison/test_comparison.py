import json
import re
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from archnet.errors import DataError, RunError
from archnet.evaluation.comparison.comparison import compare
from archnet.evaluation.comparison.leaks import Leak, find_leaks
from archnet.evaluation.comparison.paired_comparison import PairedComparison, noninferiority
from archnet.evaluation.comparison.pools import read_pools, short_names
from archnet.evaluation.integrity.manifest import record_run
from archnet.evaluation.metrics import evaluate
from archnet.evaluation.uncertainty.holm import holm
from archnet.spec.experiment import Evaluation
from archnet.spec.metrics import EVALUATED_METRICS
from synthetic_runs import edit, synthetic_predictions, write_run


def test_runs_are_side_by_side_with_their_own_numbers(tmp_path):
    folders = [write_run(tmp_path / "archsm"), write_run(tmp_path / "arch3dsm", skill=2.5)]
    comparison = compare(folders)
    assert (comparison.classes, comparison.positive, comparison.set) == (("non-nodule", "nodule"), "nodule", "test")
    assert [row.run for row in comparison.rows] == ["archsm", "arch3dsm"]
    for row, folder in zip(comparison.rows, folders, strict=True):
        metrics = json.loads((folder / "metrics.json").read_text(encoding="utf-8"))
        assert row.value("recall", "nodule") == metrics["test"]["recall"]
        assert row.interval("auc", "nodule") == metrics["test"]["intervals"]["auc"]
        assert row.train_accuracy == metrics["train"]["accuracy"]
        assert row.costs["parameters"] == 99_948


def test_a_run_without_its_split_has_no_known_leak_and_a_split_by_candidate_is_one(tmp_path):
    predictions = synthetic_predictions()
    sets = predictions.sets.copy()
    sets[np.flatnonzero(sets == "test")[0]] = "train"
    folders = [write_run(tmp_path / name, predictions=replace(predictions, sets=sets)) for name in ("a", "b", "c")]
    for folder, document in zip(folders[1:], ({"by": "group"}, {"by": "candidate"}), strict=True):
        for name in ("split.csv", "manifest.json"):  # as an archnet without manifests may have left it
            (folder / name).unlink()
        experiment = json.loads((folder / "experiment.json").read_text())
        (folder / "experiment.json").write_text(json.dumps(experiment | {"split": document}))
    leaks = compare(folders).leaks
    assert leaks == {
        "a": Leak(num_shared=1, num_groups=8, is_split_by_candidate=False),
        "c": Leak(num_shared=0, num_groups=0, is_split_by_candidate=True),
    }
    validation = [find_leaks(read_pools(folders[:1], "test"), name) for name in ("validation", "test")]
    assert validation == [{}, {"a": leaks["a"]}]


def test_pools_of_one_architecture_in_one_folder_have_the_names_of_their_first_runs(tmp_path):
    for number, seed in ((0, 0), (1, 1), (2, 0), (3, 1)):
        write_run(tmp_path / f"run{number}", seed=seed)
        experiment = json.loads((tmp_path / f"run{number}" / "experiment.json").read_text())
        experiment["arch"]["name"] = "net"
        experiment["training"]["epochs"] += number // 2
        edit(tmp_path / f"run{number}", "experiment.json", json.dumps(experiment))
    pools = read_pools([tmp_path / f"run{number}" for number in range(4)], "test")
    assert [(pool.name, pool.seeds) for pool in pools] == [("run0", (0, 1)), ("run2", (0, 1))]
    assert [pool.name for pool in read_pools([tmp_path / "run2", tmp_path / "run3"], "test")] == ["net"]


def test_of_more_classes_the_positive_ones_numbers_are_compared(tmp_path):
    classes = ("CT-0", "CT-1", "CT-23")
    folders = [write_run(tmp_path / name, classes=classes) for name in ("a", "b")]
    metrics = json.loads((folders[0] / "metrics.json").read_text(encoding="utf-8"))["test"]
    row = compare(folders).rows[0]
    assert row.value("recall", "CT-1") == metrics["recall"]["per_class"]["CT-1"]
    assert row.interval("recall", "CT-1") == metrics["intervals"]["recall"]["per_class"]["CT-1"]
    assert row.value("mcc", "CT-1") == metrics["mcc"]


def test_pooled_folds_have_intervals_and_pooled_seeds_a_spread(tmp_path):
    predictions, folders = synthetic_predictions(), []
    for fold in range(2):
        half = np.where(predictions.sets == "test", np.where(np.arange(600) % 2 == fold, "test", "train"), "train")
        for seed in range(2):
            name = f"archsm-fold{fold}" + f"-seed{seed}" * bool(seed)
            folders.append(
                write_run(tmp_path / name, fold=fold, seed=seed, predictions=replace(predictions, sets=half))
            )
    one, two = (compare(chosen).rows[0] for chosen in (folders[::2], folders))
    low, high = one.interval("auc", "nodule")
    assert low < one.value("auc", "nodule") < high
    assert (one.spread, len(one.folders), len(two.folders)) == (None, 2, 4)
    assert two.spread["auc"] == 0  # the same predictions


def test_an_experiments_folder_stands_for_its_runs(tmp_path):
    for name in ("b", "a"):
        write_run(tmp_path / "exp" / name)
    (tmp_path / "exp" / "unfinished").mkdir()
    assert [row.run for row in compare([tmp_path / "exp"]).rows] == ["a", "b"]


def test_runs_with_the_same_name_are_distinguished_by_their_parents(tmp_path):
    folders = [write_run(tmp_path / parent / "archsm") for parent in ("one", "two")]
    assert [row.run for row in compare(folders).rows] == ["one/archsm", "two/archsm"]


def test_collapsed_runs_have_the_names_of_their_rows(tmp_path):
    folders = [write_run(tmp_path / parent / "archsm") for parent in ("one", "two")]
    entries = [{"reason": "one_class", "class": name} for name in ("nodule", "non-nodule")]
    for folder, entry in zip(folders, entries, strict=True):
        path = folder / "metrics.json"
        metrics = json.loads(path.read_text(encoding="utf-8"))
        path.write_text(json.dumps(metrics | {"collapsed": entry}), encoding="utf-8")
        record_run(folder)
    assert compare(folders).collapsed == dict(zip(("one/archsm", "two/archsm"), entries, strict=True))


@pytest.mark.parametrize(("paths", "names"), [
    (["a/x", "b/y"], ["x", "y"]), (["a/x", "b/x"], ["a/x", "b/x"]), (["x", "a/b/x"], ["x", "b/x"]),
    (["a/c/x", "b/c/x", "y"], ["a/c/x", "b/c/x", "y"]),
])  # fmt: skip
def test_names_are_the_shortest_suffixes_that_distinguish_paths(paths, names):
    assert short_names([Path(path) for path in paths]) == names


def test_runs_without_their_experiments_have_the_number_of_resamples_of_an_experiment_without_one(tmp_path):
    for name in ("a", "b"):
        (write_run(tmp_path / name) / "experiment.json").unlink()
        record_run(tmp_path / name)
    pools = read_pools([tmp_path / "a", tmp_path / "b"], "test")
    assert [(pool.bootstraps, pool.seeds, pool.folds) for pool in pools] == [(Evaluation().bootstraps, (0,), ())] * 2


@pytest.mark.skipif(sys.platform == "win32", reason="Windows refuses such names")
def test_the_name_of_a_run_is_one_line(tmp_path):
    folders = [write_run(tmp_path / name) for name in ("=cmd\x1b[31m\nx", "b")]
    comparison = compare(folders)
    assert [row.run for row in comparison.rows] == [r"=cmd\x1b[31m\x0ax", "b"]
    assert comparison.pairs[0].reference == r"=cmd\x1b[31m\x0ax"
    assert comparison.rows[0].folders == (str(folders[0]),)


def test_the_comparison_is_json(tmp_path):
    comparison = compare([write_run(tmp_path / "a"), write_run(tmp_path / "b")])
    document = comparison.to_document()
    assert json.loads(json.dumps(document, allow_nan=False)) == document
    assert [row["run"] for row in document["runs"]] == ["a", "b"]


@pytest.mark.slow
def test_2d_comes_before_3d_and_baselines_come_last_otherwise_in_the_order_given(tmp_path):
    given = [
        write_run(tmp_path / "forest", baseline=True, macs=None),
        write_run(tmp_path / "deep", rank=3, macs=10),
        write_run(tmp_path / "wide", macs=5_000),
        write_run(tmp_path / "flat", macs=1_000),
    ]
    comparison = compare(given)
    rows = [(row.run, row.form) for row in comparison.rows]
    assert rows == [("wide", "2D"), ("flat", "2D"), ("deep", "3D"), ("forest", "baseline")]
    assert [(pair.reference, pair.other) for pair in comparison.pairs] == [
        ("wide", "flat"), ("wide", "deep"), ("wide", "forest"),
    ]  # fmt: skip
    assert [pool.name for pool in comparison.pools] == [row.run for row in comparison.rows]


@pytest.mark.slow
def test_the_runs_of_a_folder_are_listed_as_they_were_run_and_undated_ones_first(tmp_path):
    for name, started in (("a", "2026-03-01T12:00:00+00:00"), ("b", "2026-03-01T11:00:00+00:00"), ("c", None)):
        write_run(tmp_path / name, started=started)
    assert [row.run for row in compare([tmp_path]).rows] == ["c", "b", "a"]
    assert [row.run for row in compare([tmp_path / "a", tmp_path / "b"]).rows] == ["a", "b"]


def test_two_runs_are_paired_case_by_case_whatever_the_order_of_their_lines(tmp_path):
    predictions = [synthetic_predictions(skill=skill) for skill in (1.6, 2.5)]
    order = np.random.default_rng(0).permutation(len(predictions[1].cases))
    columns = ("cases", "groups", "sets", "y_true", "probabilities")
    shuffled = replace(predictions[1], **{name: getattr(predictions[1], name)[order] for name in columns})
    (pair,) = compare(
        [write_run(tmp_path / "a", predictions=predictions[0]), write_run(tmp_path / "b", predictions=shuffled)]
    ).pairs
    first, second = (part.select("test") for part in predictions)
    scores = [part.probabilities[:, 1] for part in (first, second)]
    areas = [roc_auc_score(first.y_true, each) for each in scores]
    assert pair.differences["auc"]["difference"] == pytest.approx(areas[1] - areas[0], abs=1e-12)
    right = [(each >= 0.5) == (first.y_true == 1) for each in scores]
    only_first, only_second = int(np.sum(right[0] & ~right[1])), int(np.sum(right[1] & ~right[0]))
    assert pair.discordant == (
        {"reference_seed": 0, "other_seed": 0, "only_reference_right": only_first, "only_other_right": only_second},
    )  # fmt: skip
    assert pair.document == ()


@pytest.mark.slow
def test_seeds_of_one_architecture_are_one_row_with_mean_and_spread(tmp_path):
    for seed in range(3):
        predictions = replace(
            synthetic_predictions(), probabilities=synthetic_predictions(skill=1 + seed).probabilities
        )
        write_run(tmp_path / f"net-seed{seed}", seed=seed, predictions=predictions)
    write_run(tmp_path / "other", skill=2.0)
    comparison = compare([tmp_path])
    net, other = comparison.rows
    assert ([row.run for row in comparison.rows], net.seeds, other.seeds) == (["net", "other"], (0, 1, 2), (0,))
    runs = [json.loads((tmp_path / f"net-seed{seed}" / "metrics.json").read_text())["test"] for seed in range(3)]
    recalls = [run["recall"] for run in runs]
    assert net.value("recall", "nodule") == pytest.approx(np.mean(recalls))
    assert net.deviation("recall", "nodule") == pytest.approx(np.std(recalls, ddof=1))
    assert [entry["recall"] for entry in net.of_seeds] == recalls
    low, high = net.interval("recall", "nodule")
    assert low < net.value("recall", "nodule") < high
    np.testing.assert_allclose(
        net.metrics["confusion_matrix"], np.mean([run["confusion_matrix"] for run in runs], axis=0)
    )
    (pair,) = comparison.pairs
    assert pair.differences["auc"]["reference"] == pytest.approx(np.mean([run["auc"] for run in runs]))
    assert [(counts["reference_seed"], counts["other_seed"]) for counts in pair.discordant] == [(0, 0)]


def in_folds(folder, skill, num_folds=4):
    """A cross-validation's runs: the groups are dealt out, and each fold has its part as the test set."""
    whole = synthetic_predictions(skill=skill)
    part = np.unique(whole.groups, return_inverse=True)[1] % num_folds
    for fold in range(num_folds):
        sets = np.where(part == fold, "test", "train")
        write_run(folder.with_name(f"{folder.name}-fold{fold}"), fold=fold, predictions=replace(whole, sets=sets))
    return replace(whole, sets=np.full(len(part), "test"))


@pytest.mark.slow
def test_folds_of_one_architecture_are_evaluated_as_one_set_of_cases(tmp_path):
    whole = [in_folds(tmp_path / name, skill) for name, skill in (("a", 1.6), ("b", 2.4))]
    comparison = compare([tmp_path])
    for row, predictions in zip(comparison.rows, whole, strict=True):
        expected = evaluate(predictions, positive=1, bootstraps=200)["test"]
        assert {name: row.metrics[name] for name in ("n", "confusion_matrix", *EVALUATED_METRICS)} == {
            name: expected[name] if not isinstance(expected[name], float) else pytest.approx(expected[name], abs=1e-12)
            for name in ("n", "confusion_matrix", *EVALUATED_METRICS)
        }
        assert (row.folds, row.seeds, len(row.folders)) == ((0, 1, 2, 3), (0,), 4)
        assert row.interval("recall", "nodule") == pytest.approx(expected["intervals"]["recall"])


def test_a_cross_validation_by_itself_is_a_comparison_of_one_row(tmp_path):
    in_folds(tmp_path / "net", 2.0)
    comparison = compare([tmp_path])
    assert ([row.run for row in comparison.rows], comparison.pairs) == (["net"], ())


@pytest.mark.slow
def test_runs_of_one_architecture_trained_otherwise_are_not_taken_together(tmp_path):
    for name, seed in (("net", 0), ("net-seed1", 1), ("net-seed2", 2)):
        write_run(tmp_path / name, seed=seed)
    path = tmp_path / "net-seed2" / "experiment.json"
    document = json.loads(path.read_text())
    document["training"]["learning_rate"] = 0.01
    path.write_text(json.dumps(document))
    record_run(path.parent)
    comparison = compare([tmp_path])
    assert [(row.run, row.seeds) for row in comparison.rows] == [("net", (0, 1)), ("net-seed2", (2,))]
    assert comparison.pairs[0].document == (
        {"place": "training.learning_rate", "reference": 0.001, "other": 0.01},
    )  # fmt: skip


def seeded(skill):
    return replace(synthetic_predictions(), probabilities=synthetic_predictions(skill=skill).probabilities)


@pytest.mark.slow
def test_seeds_of_one_document_are_pooled_from_different_folders(tmp_path):
    folders = [
        write_run(tmp_path / parent / "archsm", seed=seed, predictions=seeded(1.5 + seed / 10))
        for seed, parent in enumerate("abc")
    ]
    comparison = compare(folders)
    assert [(row.run, row.seeds, row.folders) for row in comparison.rows] == [
        ("archsm", (0, 1, 2), tuple(map(str, folders)))
    ]
    assert comparison.pairs == ()


def test_folds_and_seeds_of_two_folders_are_pooled_and_their_collapsed_runs_have_names_of_their_own(tmp_path):
    folders = [write_run(tmp_path / parent / "archsm", seed=seed) for seed, parent in enumerate("ab")]
    path = folders[1] / "metrics.json"
    entry = {"reason": "one_class", "class": "nodule"}
    path.write_text(json.dumps(json.loads(path.read_text()) | {"collapsed": entry}), encoding="utf-8")
    record_run(folders[1])
    assert compare(folders).collapsed == {"archsm (b/archsm)": entry}


@pytest.mark.slow
def test_equal_documents_with_equal_seeds_are_different_rows(tmp_path):
    folders = [
        write_run(tmp_path / parent / f"net-seed{seed}", seed=seed, predictions=seeded(1.5 + seed / 10))
        for parent in ("one", "two")
        for seed in (0, 1)
    ]
    assert [(row.run, row.seeds) for row in compare(folders[::2]).rows] == [
        ("one/net-seed0", (0,)), ("two/net-seed0", (0,)),
    ]  # fmt: skip
    comparison = compare(folders)
    assert [(row.run, row.seeds) for row in comparison.rows] == [("one/net", (0, 1)), ("two/net", (0, 1))]
    assert [len(pair.discordant) for pair in comparison.pairs] == [2]


@pytest.mark.slow
def test_p_values_are_corrected_over_the_networks_by_holms_method(tmp_path):
    folders = [write_run(tmp_path / f"net{k}", skill=1.5 + k / 2, macs=10 + k) for k in range(4)]
    pairs = compare(folders).pairs
    for name in pairs[0].differences:
        entries = [pair.differences[name] for pair in pairs]
        assert [entry["p_holm"] for entry in entries] == holm([entry["p"] for entry in entries])
    assert any(entry["p_holm"] != entry["p"] for entry in entries)


@pytest.mark.slow
def test_the_headline_is_the_recall_at_a_rate_fixed_in_validation_where_there_are_validation_cases(tmp_path):
    whole = [synthetic_predictions(skill=skill) for skill in (1.6, 2.2)]
    for parent, keep in (("all", None), ("without", "validation")):
        for name, one in zip("ab", whole, strict=True):
            sets = np.where(one.sets == keep, "train", one.sets)
            write_run(tmp_path / parent / name, predictions=replace(one, sets=sets))
    (pair,), (without,) = (compare([tmp_path / parent]).pairs for parent in ("all", "without"))
    assert (pair.headline, without.headline) == (
        "recall_at_validation_false_positive_rate", "recall_at_equal_false_positive_rate",
    )  # fmt: skip
    assert list(pair.differences) == ["recall_at_validation_false_positive_rate", *without.differences]
    point = pair.differences[pair.headline]["operating_points"]["other"]
    cases = whole[1].select("test")
    flags = cases.probabilities[:, 1] >= point["threshold"]
    assert point["true_positives"] == np.sum(flags & (cases.y_true == 1))
    assert point["false_positives"] == np.sum(flags & (cases.y_true == 0))


@pytest.mark.slow
def test_of_folds_each_run_has_its_own_threshold(tmp_path):
    """Two folds, whose networks are calibrated differently: the second one's probabilities are halved."""
    for name, skill in (("a", 1.6), ("b", 2.2)):
        one = synthetic_predictions(skill=skill)
        part = np.unique(one.groups, return_inverse=True)[1] % 4
        for fold in range(2):
            sets = np.select([part == fold, part == 2 + fold], ["test", "validation"], "train")
            positive = one.probabilities[:, 1] / (1 + fold)
            probabilities = np.column_stack([1 - positive, positive])
            run = replace(one, sets=sets, probabilities=probabilities)
            write_run(tmp_path / f"{name}-fold{fold}", fold=fold, predictions=run)
    (pair,) = compare([tmp_path]).pairs
    entry = pair.differences["recall_at_validation_false_positive_rate"]
    assert entry["operating_points"]["other"]["threshold"] is None
    assert entry["operating_points"]["other"]["validation_false_positive_rate"] <= entry["false_positive_rate"]
    assert entry["other"] > pair.differences["recall"]["other"]  # at 0.5 the second fold finds next to nothing


def test_where_the_validation_set_is_compared_no_threshold_is_fixed_on_it(tmp_path):
    predictions = [synthetic_predictions(skill=skill) for skill in (1.6, 2.5)]
    sets = np.where(predictions[0].sets == "test", "validation", predictions[0].sets)
    folders = [
        write_run(tmp_path / name, predictions=replace(one, sets=sets))
        for name, one in zip("ab", predictions, strict=True)
    ]
    (pair,) = compare(folders).pairs
    assert "recall_at_validation_false_positive_rate" not in pair.differences


@pytest.mark.parametrize(("margin", "is_noninferior"), [(0.01, False), (0.9, True)])
def test_a_network_is_not_inferior_if_the_lower_end_of_the_headline_is_above_minus_the_margin(
    tmp_path, margin, is_noninferior
):
    folders = [write_run(tmp_path / name, skill=skill) for name, skill in (("a", 2.6), ("b", 2.0))]
    (pair,) = compare(folders, margin).pairs
    low, _ = pair.differences[pair.headline]["interval"]
    assert -0.9 < low < -0.01
    assert pair.noninferiority == {
        "margin": margin, "difference": pair.headline, "lower": low, "is_noninferior": is_noninferior,
    }  # fmt: skip
    assert compare(folders).pairs[0].noninferiority is None


@pytest.mark.parametrize(("interval", "is_noninferior"), [([-0.02, 0.1], False), ([-0.019, 0.1], True), (None, None)])
def test_a_lower_end_at_minus_the_margin_is_not_above_it(interval, is_noninferior):
    differences = {"recall": {"interval": interval, "identical": False}}
    pair = PairedComparison(reference="a", other="b", differences=differences, discordant=(), document=())
    assert noninferiority(pair, 0.02) == {
        "margin": 0.02, "difference": "recall", "lower": interval and interval[0], "is_noninferior": is_noninferior,
    }  # fmt: skip


def test_identical_networks_are_not_inferior_to_each_other(tmp_path):
    folders = [write_run(tmp_path / name) for name in "ab"]
    (pair,) = compare(folders, 0.02).pairs
    assert pair.differences[pair.headline]["identical"]
    assert (pair.noninferiority["lower"], pair.noninferiority["is_noninferior"]) == (0.0, True)


@pytest.mark.parametrize("margin", [0, 1, -0.02, float("nan")])
def test_a_margin_that_is_not_a_share_is_refused(tmp_path, margin):
    message = f"noninferior={margin}: expected a margin above 0 and below 1, such as 0.02."
    with pytest.raises(RunError, match=f"^{re.escape(message)}$"):
        compare([tmp_path], margin)


@pytest.mark.slow
def test_a_copy_of_a_run_and_a_run_without_its_experiment_stand_for_themselves(tmp_path):
    for name in ("net", "other"):
        write_run(tmp_path / name)
    shutil.copytree(tmp_path / "net", tmp_path / "copy")
    (tmp_path / "other" / "experiment.json").unlink()
    record_run(tmp_path / "other")
    assert [row.run for row in compare([tmp_path]).rows] == ["copy", "net", "other"]


@pytest.mark.slow
def test_runs_on_other_test_cases_are_refused_with_what_differs(tmp_path):
    predictions = synthetic_predictions()
    fewer_sets = predictions.sets.copy()
    fewer_sets[np.flatnonzero(predictions.sets == "test")[:20]] = "train"
    num_test = int(np.sum(predictions.sets == "test"))
    lacking = min(predictions.cases[np.flatnonzero(predictions.sets == "test")[:20]])
    first = write_run(tmp_path / "a", predictions=predictions)
    other = write_run(tmp_path / "b", predictions=replace(predictions, sets=fewer_sets))
    message = (
        f"b: its test cases are not those of a: it has {num_test - 20}, a has {num_test}, and they share "
        f'{num_test - 20} ("{lacking}" is only in a). Only runs on the same cases can be compared: the same data and '
        "split, and the same folds."
    )
    with pytest.raises(RunError, match=f"^{re.escape(message)}$"):
        compare([first, other])


def test_runs_that_disagree_about_the_truth_are_refused(tmp_path):
    predictions = synthetic_predictions()
    flipped = predictions.y_true.copy()
    rows = np.flatnonzero(predictions.sets == "test")[:3]
    flipped[rows] ^= 1
    num_test = int(np.sum(predictions.sets == "test"))
    first = write_run(tmp_path / "a", predictions=predictions)
    other = write_run(tmp_path / "b", predictions=replace(predictions, y_true=flipped))
    message = (
        f"b: its test cases are not those of a: it has {num_test}, a has {num_test}, and they share {num_test}, 3 of "
        f'them with another true class ("{min(predictions.cases[rows])}"). Only runs on the same cases can be compared: '
        "the same data and split, and the same folds."
    )
    with pytest.raises(RunError, match=f"^{re.escape(message)}$"):
        compare([first, other])


def test_seeds_of_one_architecture_on_other_cases_are_refused(tmp_path):
    write_run(tmp_path / "net")
    write_run(tmp_path / "net-seed1", seed=1, predictions=synthetic_predictions(num_cases=500))
    with pytest.raises(RunError, match=r"^net, seed 1: its test cases are not those of net, seed 0: it has "):
        compare([tmp_path])


def test_folds_that_share_a_case_are_refused(tmp_path):
    for fold in range(3):
        write_run(tmp_path / f"net-fold{fold}", fold=fold)
    predictions = synthetic_predictions().select("test")
    message = (
        f'{tmp_path / "net-fold0"} and {tmp_path / "net-fold2"}: case "{min(predictions.cases)}" is in the test set of '
        "more than one fold, so the folds cannot be pooled. Run them again with the same split.seed."
    )
    with pytest.raises(RunError, match=f"^{re.escape(message)}$"):
        compare([tmp_path])


def test_without_test_sets_the_validation_sets_are_compared(tmp_path):
    predictions = synthetic_predictions()
    sets = np.where(predictions.sets == "test", "validation", predictions.sets)
    folders = [write_run(tmp_path / name, predictions=replace(predictions, sets=sets)) for name in ("a", "b")]
    assert compare(folders).set == "validation"


def test_runs_without_a_common_set_are_refused(tmp_path):
    predictions = synthetic_predictions()
    only = {name: write_run(tmp_path / name, predictions=predictions.select(name)) for name in ("test", "validation")}
    message = (
        f"{only['validation']}: has no test cases, and not every run has validation cases, so there is no set to "
        "compare on. Run it again with split.test above 0."
    )
    with pytest.raises(RunError, match=f"^{re.escape(message)}$"):
        compare([only["test"], only["validation"]])


def test_one_run_is_not_a_comparison(tmp_path):
    folder = write_run(tmp_path / "a")
    message = f"{folder}: a comparison needs at least two runs. Name another run."
    with pytest.raises(RunError, match=f"^{re.escape(message)}$"):
        compare([folder, folder])


def test_a_missing_or_unfinished_run_is_named(tmp_path):
    message = f"{tmp_path / 'none'}: no such folder. Name a run folder, as `archnet run` printed it."
    with pytest.raises(RunError, match=f"^{re.escape(message)}$"):
        compare([tmp_path / "none"])
    message = (
        f"{tmp_path}: contains no metrics.json, nor does any folder in it, so there is no finished run. "
        "Finish the run, or name a different folder."
    )
    with pytest.raises(RunError, match=f"^{re.escape(message)}$"):
        compare([tmp_path])


@pytest.mark.slow
def test_runs_of_other_classes_or_another_positive_class_are_refused(tmp_path):
    first, other = write_run(tmp_path / "a"), write_run(tmp_path / "b", classes=("CT-0", "CT-23"))
    message = (
        f'{other}: classes are "CT-0", "CT-23", but classes are "non-nodule", "nodule" in {first}. '
        "Compare runs of the same classes and the same positive class."
    )
    with pytest.raises(RunError, match=f"^{re.escape(message)}$"):
        compare([first, other])
    turned = write_run(tmp_path / "c")
    metrics = json.loads((turned / "metrics.json").read_text(encoding="utf-8"))
    (turned / "metrics.json").write_text(json.dumps(metrics | {"positive": "non-nodule"}), encoding="utf-8")
    record_run(turned)
    message = (
        f'{turned}: positive is "non-nodule", but positive is "nodule" in {first}. '
        "Compare runs of the same classes and the same positive class."
    )
    with pytest.raises(RunError, match=f"^{re.escape(message)}$"):
        compare([first, turned])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "{path}:1: not JSON (Expecting property name enclosed in double quotes). Restore the file, or run the "
              "experiment again."),
        ("[]", "{path}:1 $: expected an object, got []. Restore the file, or run the experiment again."),
        ("{}", '{path}: has no "classes". Restore the file, or run the experiment again.'),
        ('{"classes": ["a", "b"], "positive": "b",\n"test": {"n": 1, "threshold": 0.5}}',
         '{path}:2 $.test: the key "confusion_matrix" is missing. Restore the file, or run the experiment again.'),
        ('{"classes": ["a", "b"], "positive": "b",\n"test": {"n": 1, "threshold": 0.5, "confusion_matrix": [[1, 0], [0, 0]]}}',
         '{path}: test has no "accuracy". Recompute it with `archnet report {folder}`.'),
    ],
)  # fmt: skip
def test_a_damaged_metrics_file_is_refused(tmp_path, text, message):
    first, other = write_run(tmp_path / "a"), write_run(tmp_path / "b")
    path = other / "metrics.json"
    path.write_text(text, encoding="utf-8")
    record_run(other)
    expected = message.replace("{path}", str(path)).replace("{folder}", str(other))
    with pytest.raises(DataError, match=f"^{re.escape(expected)}$"):
        compare([first, other])


@pytest.mark.slow
def test_comparing_imports_nothing_heavy():
    code = (
        "import sys; import archnet.evaluation.comparison.comparison, archnet.evaluation.metrics, archnet.report.terminal.terminal_tables; "
        "heavy = {'keras', 'tensorflow', 'sklearn', 'scipy.stats', 'pandas', 'matplotlib', 'jinja2', 'SimpleITK'}; "
        "print(sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
