import json
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from archnet.evaluation.comparison.comparison import compare
from archnet.evaluation.comparison.paired_comparison import PairedComparison
from archnet.evaluation.comparison.verdict import verdict
from archnet.evaluation.integrity.manifest import record_run
from archnet.evaluation.predictions import Predictions
from synthetic_runs import synthetic_predictions, write_run


def scored(skill, seed=0, num_test=300, num_validation=200):
    """Cases of 60 groups in the test set and 40 in validation; every fourth case is a nodule."""
    num_cases = num_test + num_validation
    y_true = (np.arange(num_cases) % 4 == 0).astype(np.int64)
    sets = np.repeat(["test", "validation"], [num_test, num_validation])
    groups = np.array([f"{name}{row % (60 if name == 'test' else 40)}" for row, name in enumerate(sets.tolist())])
    p = 1 / (1 + np.exp(-(skill * (y_true - 0.5) + np.random.default_rng(seed).normal(size=num_cases))))
    return Predictions(
        cases=np.array([f"{group}#{row}" for row, group in enumerate(groups)]),
        groups=groups,
        sets=sets,
        y_true=y_true,
        probabilities=np.column_stack([1 - p, p]),
        classes=("non-nodule", "nodule"),
    )


def verdict_of_runs(folder, *runs):
    for name, predictions, options in runs:
        write_run(folder / name, predictions=predictions, **options)
    return compare([folder / name for name, _, _ in runs]).verdict


def row(name, form="2D", auc=0.7, interval=None, macs=10.0):
    return SimpleNamespace(
        run=name, form=form, seeds=(0,), metrics={"auc": auc, "intervals": {"auc": interval}}, costs={"macs": macs}
    )


def verdict_of_rows(folder, rows):
    """The verdict about rows without differences in recall."""
    predictions = synthetic_predictions(num_cases=20)
    pools = [
        SimpleNamespace(name=row.run, predictions_by_seed=[predictions], folders_by_seed=[[folder]]) for row in rows
    ]
    keys = ("reference", "other", "difference", "interval", "p", "p_holm")
    pairs = [
        PairedComparison(
            reference=rows[0].run,
            other=row.run,
            differences={"recall": dict.fromkeys(keys)},
            discordant=(),
            document=(),
        )
        for row in rows[1:]
    ]
    return verdict(pools, rows, pairs, "nodule", "test")


@pytest.mark.parametrize(("auc", "interval", "is_better"), [
    (0.7, [0.5, 0.9], False), (0.7, [0.501, 0.9], True), (0.5, None, False), (0.51, None, None), (None, None, None),
])  # fmt: skip
def test_a_network_is_better_than_chance_if_its_interval_is_above_a_half(tmp_path, auc, interval, is_better):
    assert verdict_of_rows(tmp_path, [row("a", auc=auc, interval=interval)]).sides[0].is_better_than_chance is is_better


@pytest.mark.parametrize(("macs", "ratio"), [((10, 25), 2.5), ((0, 25), None), ((None, 25), None), ((10, None), None)])
def test_the_cost_ratio_is_that_of_the_multiply_adds_where_both_are_known(tmp_path, macs, ratio):
    first, second = (row(name, macs=number) for name, number in zip("ab", macs, strict=True))
    assert verdict_of_rows(tmp_path, [first, second]).conclusions[0].cost_ratio == ratio


@pytest.mark.parametrize(("forms", "main"), [
    (("2D", "2D", "3D", "baseline"), 1), (("2D", "2D", "baseline"), 0), (("2D", "baseline", "2D"), 1),
    (("2D", "baseline"), 0), (("baseline", "3D"), 0), (("2D",), None),
])  # fmt: skip
def test_the_main_conclusion_is_about_the_first_network_of_another_form(tmp_path, forms, main):
    rows = [row(f"r{index}", form) for index, form in enumerate(forms)]
    assert verdict_of_rows(tmp_path, rows).main == main


def kind(folder, first, second, **options):
    result = verdict_of_runs(folder, ("archsm", first, {}), ("arch3dsm", second, {"rank": 3, **options}))
    return result.main_conclusion.kind


@pytest.mark.slow
def test_the_kind_follows_from_the_interval_of_the_difference(tmp_path):
    weak, strong = scored(1.0), scored(4.0, seed=1)
    assert kind(tmp_path / "a", weak, strong) == "other_better"
    assert kind(tmp_path / "b", strong, weak) == "reference_better"
    assert kind(tmp_path / "c", weak, scored(1.0, seed=2)) == "no_difference_shown"
    assert kind(tmp_path / "d", scored(0.0), scored(0.0, seed=1)) == "neither_better_than_chance"


@pytest.mark.parametrize("label", [0, 1])
def test_a_set_that_lacks_a_class_gives_nothing_to_compare(tmp_path, label):
    def of_one_class(predictions):
        keep = (predictions.sets == "validation") | (predictions.y_true == label)
        columns = ("cases", "groups", "sets", "y_true", "probabilities")
        return replace(predictions, **{name: getattr(predictions, name)[keep] for name in columns})

    assert kind(tmp_path, *map(of_one_class, (scored(1.0), scored(2.0)))) == "not_comparable"


def test_predictions_of_0_and_1_have_no_threshold_at_an_equal_rate_and_are_compared_at_both_points(tmp_path):
    exact = [replace(one, probabilities=np.round(one.probabilities)) for one in (scored(2.0), scored(2.0, seed=1))]
    result = verdict_of_runs(tmp_path, ("archsm", exact[0], {}), ("arch3dsm", exact[1], {"rank": 3}))
    assert result.main_conclusion.measure == "recall_at_equal_false_positive_rate"


@pytest.mark.slow
def test_equal_probabilities_are_identical_and_show_no_difference(tmp_path):
    result = verdict_of_runs(tmp_path, ("a", scored(2.0), {}), ("b", scored(2.0), {"rank": 3}))
    assert (result.main_conclusion.kind, result.main_conclusion.is_identical) == ("no_difference_shown", True)
    within_margin = compare([tmp_path], margin=0.1).verdict.main_conclusion
    assert (within_margin.kind, within_margin.is_identical) == ("no_difference_shown", True)


@pytest.mark.slow
def test_a_network_within_the_margin_is_not_worse(tmp_path):
    for name, seed in (("archsm", 0), ("arch3dsm", 1)):
        write_run(tmp_path / name, predictions=scored(4.0, seed=seed), rank=3 if seed else 2)
    wide, narrow = (compare([tmp_path], margin=margin).verdict.main_conclusion for margin in (0.5, 0.001))
    assert (wide.kind, wide.margin) == ("not_worse", 0.5)
    assert narrow.kind == "no_difference_shown"


@pytest.mark.slow
def test_a_network_that_is_not_worse_at_the_price_of_false_positives_is_held_to_equal_rates(tmp_path):
    first = scored(4.0)
    p = np.where(first.sets == "test", first.probabilities[:, 1] ** 0.05, first.probabilities[:, 1])
    write_run(tmp_path / "archsm", predictions=scored(4.0, seed=1))
    write_run(tmp_path / "arch3dsm", predictions=replace(first, probabilities=np.column_stack([1 - p, p])), rank=3)
    conclusions = {margin: compare([tmp_path], margin=margin).verdict.main_conclusion for margin in (0.5, 0.02)}
    low = conclusions[0.5].interval[0]
    assert low > -0.02
    assert conclusions[0.5].kind == "not_worse"
    assert conclusions[0.02].kind == "no_difference_shown"
    assert conclusions[0.02].at_equal_rates["interval"][0] < -0.02


@pytest.mark.slow
def test_counts_belong_to_single_runs_whose_threshold_is_fixed_in_validation(tmp_path):
    result = verdict_of_runs(tmp_path / "one", ("a", scored(1.0), {}), ("b", scored(3.0, seed=1), {"rank": 3}))
    conclusion, cases = result.main_conclusion, scored(3.0, seed=1).select("test")
    point = conclusion.operating_points["other"]
    found = cases.probabilities[:, 1] >= point["threshold"]
    assert point["true_positives"] == (found & (cases.y_true == 1)).sum() == round(conclusion.other_value * 75)
    assert point["false_positives"] == (found & (cases.y_true == 0)).sum()
    low, high = conclusion.other_interval
    assert 0 < low < conclusion.other_value < high <= 1
    seeds = [
        (f"{name}-seed{seed}", scored(skill, seed=seed + rank), {"rank": rank, "seed": seed})
        for name, skill, rank in (("a", 1.0, 2), ("b", 3.0, 3))
        for seed in range(2)
    ]
    averaged = verdict_of_runs(tmp_path / "seeds", *seeds)
    assert averaged.main_conclusion.operating_points is None
    assert averaged.main_conclusion.measure == "recall_at_validation_false_positive_rate"
    assert [side.num_seeds for side in averaged.sides] == [2, 2]


@pytest.mark.slow
@pytest.mark.parametrize(("forms", "main"), [
    ((2, 2, 3, "baseline"), "r2"),
    ((2, 2, "baseline"), "r1"),
    ((3, 3), "r1"),
    ((2, "baseline"), "r1"),
    (("baseline", 3), "r0"),
])  # fmt: skip
def test_the_main_conclusion_does_not_depend_on_the_results(tmp_path, forms, main):
    runs = [
        (
            f"r{index}",
            scored(1.0, seed=index),
            {"baseline": True, "macs": None} if form == "baseline" else {"rank": form},
        )
        for index, form in enumerate(forms)
    ]
    assert verdict_of_runs(tmp_path, *runs).main_conclusion.other == main


@pytest.mark.slow
def test_the_verdict_counts_what_it_rests_on_and_is_json(tmp_path):
    folders = [write_run(tmp_path / name, predictions=scored(2.0), macs=macs) for name, macs in (("a", 10), ("b", 25))]
    assert compare(folders).verdict.num_scans is None
    for folder in folders:
        (folder / "data.json").write_text('{"num_scans": {"test": 70, "train": 9}}')
        record_run(folder)
    result = compare(folders).verdict
    numbers = (result.num_groups, result.num_scans, result.num_cases, result.num_positives)
    assert numbers == (60, 70, 300, 75)
    assert result.main_conclusion.cost_ratio == 2.5
    document = result.to_document()
    assert json.loads(json.dumps(document, allow_nan=False)) == document
    assert (document["main"], document["conclusions"][0]["other"]) == (0, "b")


def test_of_more_classes_the_macro_area_is_held_to_chance(tmp_path):
    classes = ("a", "b", "c")
    runs = [
        (name, synthetic_predictions(classes, skill=skill), {"classes": classes})
        for name, skill in (("x", 0), ("y", 3))
    ]
    result = verdict_of_runs(tmp_path, *runs)
    assert [side.is_better_than_chance for side in result.sides] == [False, True]
    assert result.sides[1].auc > 0.9
    assert result.main_conclusion.measure == "recall"


@pytest.mark.slow
def test_a_better_recall_with_more_false_positives_must_also_be_better_at_equal_rates(tmp_path):
    def shifted(predictions, by):
        """The same ranking in the test set, with other thresholds there than in validation."""
        p = np.where(predictions.sets == "test", predictions.probabilities[:, 1] ** by, predictions.probabilities[:, 1])
        return replace(predictions, probabilities=np.column_stack([1 - p, p]))

    first = scored(2.0)
    equal = verdict_of_runs(tmp_path / "a", ("x", first, {}), ("y", shifted(first, 0.4), {"rank": 3}))
    conclusion = equal.main_conclusion
    assert conclusion.interval[0] > 0
    points = conclusion.operating_points
    assert points["other"]["false_positives"] > points["reference"]["false_positives"]
    assert conclusion.kind == "no_difference_shown"
    assert conclusion.at_equal_rates == {"difference": pytest.approx(0), "interval": None, "p_holm": None}
    better = verdict_of_runs(tmp_path / "b", ("x", first, {}), ("y", shifted(scored(6.0, seed=1), 0.4), {"rank": 3}))
    assert (better.main_conclusion.kind, better.main_conclusion.at_equal_rates) == ("other_better", None)
