import matplotlib as mpl
import numpy as np
import pytest
from sklearn import metrics as sk

from archnet.report.curves import PRECISION_RECALL, ROC, run_curves
from archnet.report.figures.montage import Picture, central_slice, gallery_pictures, montage_figure
from archnet.report.figures.ranking import curve_figure
from archnet.report.figures.run_figures import (
    confusion_matrix_figure,
    interval_figure,
    training_curves_figure,
    write_figures,
)
from archnet.report.figures.slices import strip_indices
from archnet.report.figures.theme import DARK, LIGHT, theme_context
from archnet.report.run_files import read_run
from synthetic_runs import synthetic_predictions, write_run

PICTURES = [
    "confusion_matrix_train.png",
    "confusion_matrix_validation.png",
    "confusion_matrix_test.png",
    "training_curves.png",
    "roc.png",
    "precision_recall.png",
    "samples.png",
    "wrong_cases.png",
]


def texts(axes):
    return [text.get_text() for text in axes.texts]


@pytest.mark.parametrize(("classes", "depth"), [(("non-nodule", "nodule"), None), (("CT-0", "CT-1", "$CT-23$"), 10)])
def test_a_run_gets_all_its_pictures(tmp_path, classes, depth):
    folder = write_run(tmp_path / "archsm", classes=classes, depth=depth)
    written = write_figures(read_run(folder))
    assert [path.name for path in written] == PICTURES
    assert sorted(path.name for path in (folder / "figures").iterdir()) == sorted(PICTURES)
    assert all(path.read_bytes().startswith(b"\x89PNG") for path in written)


def test_a_run_without_history_and_gallery_still_gets_its_pictures(tmp_path):
    folder = write_run(tmp_path / "archsm")
    (folder / "history.csv").unlink()
    (folder / "gallery.npz").unlink()
    expected = [name for name in PICTURES if name not in ("training_curves.png", "samples.png", "wrong_cases.png")]
    assert [path.name for path in write_figures(read_run(folder))] == expected


def test_drawing_leaves_matplotlib_as_it_was():
    before = dict(mpl.rcParams)
    with theme_context(DARK):
        confusion_matrix_figure([[1, 0], [0, 1]], ["a", "b"], "title", DARK)
    assert dict(mpl.rcParams) == before


def test_a_confusion_matrix_shows_counts_and_row_shares_with_the_truth_in_rows():
    with theme_context(LIGHT):
        axes = confusion_matrix_figure([[1248, 90], [0, 0]], ["non-nodule", "nodule"], "test").axes[0]
    assert texts(axes) == ["1,248", "93.3%", "90", "6.7%", "0", "no case", "0", "no case"]
    assert [label.get_text() for label in axes.get_yticklabels()] == ["non-nodule\n1,338 cases", "nodule\n0 cases"]
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("predicted class", "true class")
    assert axes.yaxis_inverted()


def test_training_curves_have_a_panel_for_each_measure_that_was_kept():
    history = {"epoch": [1.0], "train_loss": [0.5], "train_recall": [0.1], "validation_loss": [float("nan")]}
    with theme_context(LIGHT):
        figure = training_curves_figure(history)
    assert [axes.get_title(loc="left") for axes in figure.axes] == ["Loss", "Recall"]
    assert figure.axes[0].get_lines()[0].get_ydata().tolist() == [0.5]


def test_marks_stand_where_the_threshold_is_and_the_legend_says_the_area(tmp_path):
    run = read_run(write_run(tmp_path / "archsm"))
    test, curves = run.metrics["test"], run_curves(run)
    expected = {ROC: (1 - test["specificity"], test["recall"]), PRECISION_RECALL: (test["recall"], test["precision"])}
    for plot, area in ((ROC, "auc"), (PRECISION_RECALL, "average_precision")):
        assert [curve.name for curve in curves[plot]] == ["training", "validation", "test"]
        assert curves[plot][2].mark == pytest.approx(expected[plot])
        assert curves[plot][2].area == test[area]
        with theme_context(LIGHT):
            axes = curve_figure(plot, curves[plot], "title").axes[0]
        assert axes.get_legend().get_texts()[2].get_text() == f"test, {plot.area} {test[area]:.3f}"
        assert (axes.get_xlabel(), axes.get_ylabel()) == (plot.x, plot.y)


def test_the_staircase_of_precision_has_the_average_precision_as_its_area_and_scikit_learns_corners(tmp_path):
    run = read_run(write_run(tmp_path / "archsm"))
    part = run.predictions.select("test")
    curve = run_curves(run)[PRECISION_RECALL][2]
    assert np.trapezoid(curve.y, curve.x) == pytest.approx(run.metrics["test"]["average_precision"], abs=1e-12)
    precision, recall, _ = sk.precision_recall_curve(part.y_true, part.probabilities[:, 1])
    corners = set(zip(recall[:-1].round(12), precision[:-1].round(12), strict=True))
    assert corners <= set(zip(curve.x.round(12), curve.y.round(12), strict=True))


def test_a_class_without_cases_has_no_curves(tmp_path):
    predictions = synthetic_predictions(("a", "b", "c"))
    predictions.y_true[predictions.y_true == 2] = 0
    run = read_run(write_run(tmp_path / "r", classes=("a", "b", "c"), predictions=predictions))
    for curves in run_curves(run).values():
        assert [curve.name for curve in curves] == ["a", "b"]
        assert [curve.mark for curve in curves] == [None, None]


def test_intervals_are_drawn_where_the_numbers_are():
    with theme_context(LIGHT):
        figure = interval_figure(["one", "two"], {"recall": [(0.5, [0.4, 0.6]), (None, None)]})
    lines = [line.get_xdata() for line in figure.axes[0].get_lines()]
    assert [list(line) for line in lines] == [[0.4, 0.6], [0.5]]
    assert [label.get_text() for label in figure.axes[0].get_yticklabels()] == ["one", "two"]


def test_a_volume_shows_its_central_slice_and_neighbours_in_order():
    volume = np.broadcast_to(np.arange(10, dtype=np.uint8), (4, 5, 10))
    assert np.all(central_slice(volume) == 5)
    with theme_context(LIGHT):
        axes = montage_figure([Picture(image=volume, case="a", truth="nodule")], "title").axes[0]
    assert [np.unique(image.get_array()).tolist() for image in axes.images] == [[5], [3], [4], [5], [6], [7]]


@pytest.mark.parametrize(("depth", "indices"), [(64, [20, 26, 32, 38, 44]), (10, [3, 4, 5, 6, 7]), (3, [0, 1, 2])])
def test_the_strip_of_a_thick_stack_spans_half_of_it(depth, indices):
    assert strip_indices(depth, depth // 2) == indices


def test_slices_are_drawn_upright_with_the_first_row_on_top():
    image = np.zeros((8, 6), np.uint8)
    image[0, 0] = 255
    with theme_context(LIGHT):
        drawn = montage_figure([Picture(image=image, case="a", truth="nodule")], "title").axes[0].images[0]
    assert drawn.origin == "upper"
    left, right, bottom, top = drawn.get_extent()
    assert (left < right, bottom < top) == (True, True)
    np.testing.assert_array_equal(drawn.get_array(), image)


def test_wrong_cases_say_the_truth_and_what_they_were_taken_for(tmp_path):
    run = read_run(write_run(tmp_path / "archsm"))
    rows = {case: row for row, case in enumerate(run.predictions.cases.tolist())}
    wrong = gallery_pictures(run, "wrong")
    assert wrong
    for picture in wrong:
        row = rows[picture.case]
        assert picture.truth == run.classes[run.predictions.y_true[row]]
        assert picture.predicted_class != picture.truth
        assert picture.confidence == run.predictions.probabilities[row].max()
    assert all(picture.predicted_class is None for picture in gallery_pictures(run, "sample"))
