from dataclasses import replace

import numpy as np
import pytest
from sklearn import metrics as sk

from archnet.evaluation.metrics import evaluate
from archnet.report.curves import MAX_CLASS_CURVES, PRECISION_RECALL, ROC, EvaluationResult, all_curves, run_curves
from archnet.report.run_files import read_run_files
from synthetic_runs import synthetic_predictions, write_run


def result_of(predictions):
    return EvaluationResult(
        name="net", predictions_by_seed=tuple(predictions), metrics=evaluate(predictions[0], positive=1)["test"]
    )


def test_the_curve_of_several_seeds_is_the_mean_at_each_rate():
    seeds = [synthetic_predictions(skill=skill).select("test") for skill in (1.0, 2.0, 3.0)]
    curves = all_curves([(result_of(seeds), 1, "net")])
    (roc,), (precision_recall,) = curves[ROC], curves[PRECISION_RECALL]
    rates = np.linspace(0, 1, 401)
    expected = np.mean(
        [np.interp(rates, *sk.roc_curve(one.y_true, one.probabilities[:, 1])[:2]) for one in seeds], axis=0
    )
    np.testing.assert_array_equal(roc.x, rates)
    inside = slice(1, None)  # at a rate of 0 the first case decides
    np.testing.assert_allclose(roc.y[inside], expected[inside], atol=0.01)
    assert (precision_recall.x[[0, -1]].tolist(), precision_recall.y.shape) == ([0, 1], (401,))


def test_the_curve_of_one_seed_is_its_own():
    predictions = synthetic_predictions().select("test")
    (roc,) = all_curves([(result_of([predictions]), 1, "net")])[ROC]
    assert len(roc.x) != 401
    assert np.trapezoid(roc.y, roc.x) == pytest.approx(
        sk.roc_auc_score(predictions.y_true, predictions.probabilities[:, 1])
    )


def test_the_curves_of_seeds_are_kept_next_to_their_mean():
    seeds = [synthetic_predictions(skill=skill).select("test") for skill in (1.0, 2.0)]
    (roc,) = all_curves([(result_of(seeds), 1, "net")])[ROC]
    for (x, y), one in zip(roc.seeds, seeds, strict=True):
        assert np.trapezoid(y, x) == pytest.approx(sk.roc_auc_score(one.y_true, one.probabilities[:, 1]))
    (single,) = all_curves([(result_of(seeds[:1]), 1, "net")])[ROC]
    assert single.seeds == ()


def test_a_curve_lies_in_its_band_and_a_result_without_a_band_has_none():
    result = result_of([synthetic_predictions().select("test")])
    for curve in (curves[0] for curves in all_curves([(result, 1, "net")]).values()):
        x, low, high = curve.band
        middle = np.interp(x[5:-5], curve.x, curve.y)
        assert np.all(low[5:-5] <= middle + 1e-9)
        assert np.all(middle <= high[5:-5] + 1e-9)
    assert all_curves([(replace(result, has_band=False), 1, "net")])[ROC][0].band is None


def test_the_curve_of_no_class_is_the_mean_over_the_classes_with_the_macro_area():
    part = synthetic_predictions(("a", "b", "c"), num_cases=4000).select("test")
    (roc,), (precision_recall,) = all_curves([(result_of([part]), None, "macro average")]).values()
    macro = sk.roc_auc_score(part.y_true, part.probabilities, multi_class="ovr")
    assert (roc.name, roc.mark, roc.area) == ("macro average", None, pytest.approx(macro))
    assert np.trapezoid(roc.y, roc.x) == pytest.approx(macro, abs=2e-3)
    macro = np.mean([sk.average_precision_score(part.y_true == k, part.probabilities[:, k]) for k in range(3)])
    assert np.trapezoid(precision_recall.y, precision_recall.x) == pytest.approx(macro, abs=2e-3)


def test_the_mark_is_the_operating_point_and_the_chance_the_share_of_the_class():
    part = synthetic_predictions().select("test")
    taken, truth = part.probabilities[:, 1] >= 0.5, part.y_true == 1
    (roc,), (precision_recall,) = all_curves([(result_of([part]), 1, "net")]).values()
    recall = (taken & truth).sum() / truth.sum()
    assert roc.mark == pytest.approx(((taken & ~truth).sum() / (~truth).sum(), recall))
    assert precision_recall.mark == pytest.approx((recall, (taken & truth).sum() / taken.sum()))
    assert (roc.chance, precision_recall.chance) == (None, pytest.approx(truth.mean()))
    assert (roc.interval, roc.area) == (result_of([part]).metrics["intervals"]["auc"], result_of([part]).metrics["auc"])


def test_a_threshold_that_no_case_reaches_has_no_precision():
    part = synthetic_predictions().select("test")
    metrics = evaluate(part, positive=1, threshold=1.0, bootstraps=0)["test"]
    result = EvaluationResult(name="net", predictions_by_seed=(part,), metrics=metrics, has_band=False)
    (roc,), (precision_recall,) = all_curves([(result, 1, "net")]).values()
    assert (roc.mark, precision_recall.mark, precision_recall.chance) == ((0, 0), None, None)


def test_the_curve_of_precision_is_a_staircase_whose_area_is_the_average_precision():
    part = synthetic_predictions().select("test")
    (curve,) = all_curves([(result_of([part]), 1, "net")])[PRECISION_RECALL]
    assert curve.x[0] == 0
    assert len(curve.x) == len(curve.y)
    assert curve.x[1::2][:-1].tolist() == curve.x[2::2].tolist()
    expected = sk.average_precision_score(part.y_true, part.probabilities[:, 1])
    assert np.trapezoid(curve.y, curve.x) == pytest.approx(expected)
    assert curve.area == pytest.approx(expected)


def test_each_set_of_a_run_has_its_colour_and_the_reported_one_its_band(tmp_path):
    run = read_run_files(write_run(tmp_path / "net"))
    for curves in run_curves(run).values():
        assert [(curve.name, curve.hue, curve.band is not None) for curve in curves] == [
            ("training", "train", False), ("validation", "validation", False), ("test", "test", True),
        ]  # fmt: skip


def test_the_classes_of_a_run_have_bands_if_they_are_few(tmp_path):
    for number in (3, 4):
        classes = tuple("abcd"[:number])
        run = read_run_files(write_run(tmp_path / f"net{number}", classes=classes))
        macro, *each = run_curves(run)[ROC]
        assert [curve.name for curve in (macro, *each)] == ["macro average", *classes]
        assert [(curve.hue, curve.mark) for curve in (macro, *each)] == [("", None)] * (number + 1)
        assert macro.band is None
        assert [curve.band is not None for curve in each] == [number == 3] * number


def test_a_class_without_cases_stays_out_of_the_mean_curve():
    part = synthetic_predictions(("a", "b", "c")).select("test")
    part = replace(part, y_true=np.where(part.y_true == 2, 1, part.y_true))
    result = result_of([part])
    assert result.plottable_classes(None) == [0, 1]
    assert all_curves([(result, 2, "c")]) == {}
    alike = result_of([replace(part, y_true=np.zeros_like(part.y_true))])
    assert (alike.plottable_classes(0), alike.plottable_classes(None)) == ([], [])


def test_of_many_classes_a_run_draws_the_mean_and_the_weakest_also_one_without_any_area(tmp_path):
    classes = tuple(f"k{k}" for k in range(MAX_CLASS_CURVES + 3))
    run = read_run_files(write_run(tmp_path / "net", classes=classes))
    areas = run.metrics["test"]["auc"]["per_class"]
    areas[classes[-1]] = 0.0
    names = [curve.name for curve in run_curves(run)[ROC]]
    assert names == ["macro average", *sorted(sorted(areas, key=areas.get)[:MAX_CLASS_CURVES])]
    assert classes[-1] in names
    assert len(names) == 7
