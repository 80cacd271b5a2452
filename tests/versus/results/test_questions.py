import re

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from archnet.errors import RunError
from archnet.evaluation.comparison.comparison import compare
from archnet.evaluation.comparison.verdict_kind import contradicting_recall
from archnet.versus.results.finished_variants import read_finished_variants
from archnet.versus.results.questions import answer_questions, cheaper_noninferiority, exchange_sides
from archnet.versus.results.versus_result import read_result
from versus_folders import make_plan, seed_predictions, write_versus

SKILLS = {"net": 1.0, "net_25d": 2.0, "net_3d": 3.5}


@pytest.fixture(scope="module")
def versus(tmp_path_factory):
    folder = tmp_path_factory.mktemp("versus")
    plan = make_plan(folder, seeds=3)
    return plan, write_versus(folder / "out", plan, SKILLS)


@pytest.mark.slow
def test_the_answer_is_about_the_form_with_the_most_depth_against_the_one_with_the_least(versus):
    plan, folder = versus
    (question,) = answer_questions(read_finished_variants(folder, plan.variants), ("none",), None)
    main = question.result.main_conclusion
    assert (main.reference, main.other) == ("net", "net_3d")
    assert [variant.name for variant in question.variants] == [row.run for row in question.comparison.rows]
    assert question.noninferiorities == ()


@pytest.mark.slow
def test_the_numbers_are_means_over_the_seeds(versus):
    plan, folder = versus
    result = read_result(plan, folder)
    for one in result.variants:
        parts = [seed_predictions(SKILLS[one.variant.name], 10 * seed + len(one.variant.name)) for seed in range(3)]
        tests = [part.select("test") for part in parts]
        aucs = [roc_auc_score(part.y_true, part.probabilities[:, 1]) for part in tests]
        assert one.auc == pytest.approx(np.mean(aucs))
        assert one.auc_interval[0] < one.auc < one.auc_interval[1]


@pytest.mark.slow
def test_the_frontier_has_the_variants_that_no_cheaper_one_beats(versus):
    result = read_result(*versus)
    best, expected = -1.0, []
    for one in sorted(result.variants, key=lambda one: one.variant.macs):
        if one.auc > best:
            best = one.auc
            expected.append(one.variant.name)
    assert [one.variant.name for one in result.frontier] == expected
    assert expected[0] == min(result.variants, key=lambda one: one.variant.macs).variant.name


@pytest.mark.slow
def test_non_inferiority_is_about_the_cheaper_form(versus):
    plan, folder = versus
    (question,) = answer_questions(read_finished_variants(folder, plan.variants), ("none",), 0.02)
    for pair, entry in zip(question.comparison.pairs, question.noninferiorities, strict=True):
        low, high = pair.differences[pair.headline]["interval"]
        assert (entry["tested"], entry["against"]) == (pair.reference, pair.other)
        assert entry["lower"] == -high
        assert entry["is_noninferior"] == (-high > -0.02)
        assert low < high


@pytest.mark.slow
def test_non_inferiority_needs_no_more_false_positives(versus):
    plan, folder = versus
    (question,) = answer_questions(read_finished_variants(folder, plan.variants), ("none",), None)
    pair = question.comparison.pairs[-1]
    wide = 0.999
    assert pair.differences[pair.headline]["interval"][1] < wide
    points = pair.differences[pair.headline]["operating_points"]
    points["reference"]["false_positives"] = points["other"]["false_positives"] + 1
    pair.differences["recall_at_equal_false_positive_rate"]["interval"] = [0.0, 1.0]
    assert contradicting_recall("not_worse", exchange_sides(pair), wide) is not None
    assert cheaper_noninferiority(pair, wide)["is_noninferior"] is False


@pytest.mark.slow
def test_exchanged_sides_exchanged_again_are_the_pair(versus):
    plan, folder = versus
    pair = compare([path for one in read_finished_variants(folder, plan.variants) for path in one.folders]).pairs[0]
    once = exchange_sides(pair)
    assert (once.reference, once.other) == (pair.other, pair.reference)
    for name, entry in pair.differences.items():
        assert once.differences[name]["difference"] == -entry["difference"]
        assert once.differences[name]["reference"] == entry["other"]
    twice = exchange_sides(once)
    assert {name: {k: v for k, v in entry.items() if v is not None} for name, entry in twice.differences.items()} == {
        name: {k: v for k, v in entry.items() if v is not None} for name, entry in pair.differences.items()
    }


@pytest.mark.slow
def test_the_other_runs_are_compared_where_one_has_failed(tmp_path):
    plan = make_plan(tmp_path, forms=("2d", "3d"), seeds=2)
    folder = write_versus(tmp_path / "out", plan, SKILLS, failed=("net_3d-seed1",))
    result = read_result(plan, folder)
    assert [(one.variant.name, one.row.seeds) for one in result.variants] == [("net", (0, 1)), ("net_3d", (0,))]
    assert [failure.to_document() for failure in result.failures] == [
        {"variant": "net_3d", "run": "net_3d-seed1", "reason": "the loss is nan in epoch 1"}
    ]


def test_a_versus_without_two_forms_that_finished_says_why(tmp_path):
    plan = make_plan(tmp_path, forms=("2d", "3d"), seeds=1)
    folder = write_versus(tmp_path / "out", plan, SKILLS, failed=("net_3d",))
    message = (
        f"{folder}: fewer than two forms have finished runs, so there is nothing to compare. Repeat failed runs "
        "with --resume --retry.\nnet_3d: the loss is nan in epoch 1"
    )
    with pytest.raises(RunError, match=f"^{re.escape(message)}$"):
        read_result(plan, folder)
