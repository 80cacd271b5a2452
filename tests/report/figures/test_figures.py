import base64
import io
import subprocess
import sys
from collections import Counter
from dataclasses import replace

import matplotlib as mpl
import numpy as np
import pytest
from PIL import Image
from sklearn import metrics as sk

from archnet.evaluation.integrity.manifest import record_run
from archnet.report.curves import PRECISION_RECALL, ROC, run_curves
from archnet.report.figures import run_figures
from archnet.report.figures.calibration import reliability_drawing
from archnet.report.figures.confusion_matrix import confusion_matrix_drawing
from archnet.report.figures.montage import Picture, central_slice, gallery_pictures, montage_drawing
from archnet.report.figures.paired import difference_drawing
from archnet.report.figures.ranking import curve_drawing
from archnet.report.figures.run_figures import run_drawings, write_figures
from archnet.report.figures.side_by_side import interval_drawing
from archnet.report.figures.slices import strip_indices
from archnet.report.figures.svg import NARROW, text_width
from archnet.report.figures.theme import LIGHT, new_figure, theme_context
from archnet.report.figures.training_curves import training_curves_drawing
from archnet.report.html.run_page import write_report
from archnet.report.run_files import read_run
from drawings import HREF, dots, lines, parse, parts, texts
from synthetic_runs import synthetic_predictions, write_run

FIGURES = [
    "confusion_matrix_train",
    "confusion_matrix_validation",
    "confusion_matrix_test",
    "training_curves",
    "roc",
    "precision_recall",
    "calibration",
    "samples",
    "wrong_cases",
]


@pytest.mark.slow
@pytest.mark.parametrize(("classes", "depth"), [(("non-nodule", "nodule"), None), (("CT-0", "CT-1", "$CT-23$"), 10)])
def test_a_run_gets_all_its_figures(tmp_path, classes, depth):
    folder = write_run(tmp_path / "archsm", classes=classes, depth=depth)
    drawings = run_drawings(read_run(folder))
    assert list(drawings) == FIGURES
    written = write_figures(folder, drawings)
    assert [path.name for path in written] == [f"{name}.svg" for name in FIGURES]
    assert sorted((folder / "figures").iterdir()) == sorted(written)
    for path, drawing in zip(written, drawings.values(), strict=True):
        assert path.read_text(encoding="utf-8") == drawing.to_file()
        assert all(name in path.read_text(encoding="utf-8") for name in classes) or not path.stem.startswith(
            "confusion"
        )


def test_a_run_without_history_and_gallery_still_gets_its_figures(tmp_path):
    folder = write_run(tmp_path / "archsm")
    (folder / "history.csv").unlink()
    (folder / "gallery.npz").unlink()
    record_run(folder)
    expected = [name for name in FIGURES if name not in ("training_curves", "samples", "wrong_cases")]
    assert list(run_drawings(read_run(folder))) == expected


@pytest.mark.slow
def test_the_same_run_gives_the_same_bytes(tmp_path):
    run = read_run(write_run(tmp_path / "archsm", depth=10))
    assert [drawing.to_file() for drawing in run_drawings(run).values()] == [
        drawing.to_file() for drawing in run_drawings(run).values()
    ]


def test_a_new_figure_replaces_the_png_file_of_earlier_versions(tmp_path):
    run = read_run(write_run(tmp_path / "archsm"))
    (run.folder / "figures").mkdir()
    for name in ("roc.png", "mine.png"):
        (run.folder / "figures" / name).touch()
    write_figures(run.folder, {"roc": run_drawings(run)["roc"]})
    assert sorted(path.name for path in (run.folder / "figures").iterdir()) == ["mine.png", "roc.svg"]


@pytest.mark.slow
def test_each_figure_is_drawn_once_for_page_and_folder(tmp_path, monkeypatch):
    counts = Counter()
    for name in [name for name in vars(run_figures) if name.endswith("_drawing")]:
        draw = getattr(run_figures, name)
        monkeypatch.setattr(
            run_figures, name, lambda *values, name=name, draw=draw: counts.update([name]) or draw(*values)
        )
    run = read_run(write_run(tmp_path / "archsm"))
    page = write_report(run).read_text(encoding="utf-8")
    assert counts == {
        "confusion_matrix_drawing": 3, "curve_drawing": 2, "montage_drawing": 2, "reliability_drawing": 1,
        "training_curves_drawing": 1, "write_drawing": 11,
    }  # fmt: skip
    drawings = run_drawings(run)
    for name in ("roc", "precision_recall", "training_curves", "calibration"):
        (drawn,) = [part for part in page.split("<figure")[1:] if f'aria-label="{drawings[name].alt}"' in part]
        elements = drawn.split("<svg", 1)[1].partition(">")[2].partition("</svg>")[0]
        for key, value in LIGHT.variables().items():
            elements = elements.replace(f'="var(--{key})"', f'="{value}"')
        assert elements in (run.folder / "figures" / f"{name}.svg").read_text(encoding="utf-8")


@pytest.mark.slow
def test_a_report_is_drawn_without_matplotlib(tmp_path):
    folder = write_run(tmp_path / "archsm", depth=10)
    code = (
        "import sys\nfrom pathlib import Path\nfrom archnet.runs.rereport import regenerate_reports\n"
        f"regenerate_reports([Path({str(folder)!r})])\n"
        "print(sorted({'keras', 'tensorflow', 'matplotlib'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout == "[]\n"
    assert (folder / "figures/roc.svg").exists()


def test_matplotlib_is_left_unchanged():
    before = dict(mpl.rcParams)
    with theme_context():
        new_figure((1, 1)).add_subplot()
    assert dict(mpl.rcParams) == before


def test_a_confusion_matrix_shows_counts_and_row_shares_with_the_truth_in_rows():
    drawing = confusion_matrix_drawing([[1248, 90], [0, 1]], ["non-nodule", "nodule"], "archsm, test set")
    assert texts(drawing) == [
        "archsm, test set", "predicted class", "true class", "non-nodule", "nodule",
        "non-nodule", "1,338 cases", "nodule", "1 case",
        "1,248", "93.3%", "90", "6.7%", "0", "0.0%", "1", "100.0%",
    ]  # fmt: skip
    assert drawing.alt == "Confusion matrix, archsm, test set: non-nodule: 1,248, 90; nodule: 0, 1."
    shades = [float(part.get("fill-opacity")) for part in parts(drawing, "rect") if part.get("fill-opacity")]
    assert shades == pytest.approx([0.5 * 1248 / 1338, 0.5 * 90 / 1338, 0, 0.5], abs=0.006)
    cells = [(float(part.get("x")), float(part.get("y"))) for part in parts(drawing, "rect")[1::2]]
    assert [cell[0] for cell in cells[:2]] == [cell[0] for cell in cells[2:]]
    assert cells[0][1] == cells[1][1] < cells[2][1]
    assert cells[0][0] < cells[1][0]


def test_a_long_class_name_is_shortened_in_the_matrix_and_whole_in_its_description():
    names = ("x" * 200, "nodule")
    drawing = confusion_matrix_drawing([[1, 0], [0, 1]], names, "test")
    assert texts(drawing).count("x" * 31 + "…") == 2
    assert names[0] in drawing.alt
    assert drawing.width < 900


@pytest.mark.parametrize(("name", "is_wider"), [("b", False), ("x" * 30, True)])
def test_columns_are_at_least_as_wide_as_the_names_of_their_classes(name, is_wider):
    drawing = confusion_matrix_drawing([[2, 0], [0, 2]], ["a", name], "test")
    ((width, height),) = {
        (float(part.get("width")), float(part.get("height")))
        for part in parts(drawing, "rect")
        if part.get("fill-opacity")
    }
    assert width == pytest.approx(text_width(name) + 9 if is_wider else height)


def test_a_class_without_cases_has_no_shares():
    drawing = confusion_matrix_drawing([[2, 0], [0, 0]], ["a", "b"], "test")
    assert texts(drawing)[-4:] == ["0", "no case", "0", "no case"]


def test_training_curves_have_a_panel_for_each_measure_that_was_kept():
    history = {"epoch": [1.0], "train_loss": [0.5], "train_recall": [0.1], "validation_loss": [float("nan")]}
    drawing = training_curves_drawing(history)
    titles = [part.text for part in parts(drawing, "text") if part.get("font-weight") == "bold"]
    assert titles == ["Loss", "Recall"]
    assert len(dots(drawing)) == 2
    assert "nan" not in drawing.to_file()
    assert drawing.alt == "Training curves over 1 epoch. In the last one: training loss 0.500, training recall 0.100."


def test_training_curves_of_more_than_two_classes_are_those_of_the_macro_means():
    values = {
        "train_macro_recall": [0.1, 0.9],
        "validation_macro_recall": [0.2, 0.8],
        "validation_recall.a": [1.0, 0.0],
    }
    drawing = training_curves_drawing({"epoch": [1.0, 2.0], **values})
    assert [part.text for part in parts(drawing, "text") if part.get("font-weight") == "bold"] == ["Macro recall"]
    (_, train_end), (_, validation_end) = (line[-1] for line in lines(drawing))
    assert train_end < validation_end


def test_training_curves_fall_where_the_loss_falls():
    history = {"epoch": [1.0, 2.0, 3.0], "train_loss": [0.9, 0.5, 0.1], "validation_loss": [0.9, 0.7, 0.8]}
    drawing = training_curves_drawing(history)
    training, validation = lines(drawing)
    assert dots(drawing) == []
    assert [x for x, _ in training] == [x for x, _ in validation]
    (_, first), (_, middle), (_, last) = training
    assert last > middle > first
    assert middle == pytest.approx((first + last) / 2, abs=0.1)
    assert validation[0] == training[0]


def test_the_kept_epoch_is_marked_in_every_panel():
    history = {"epoch": [1.0, 2.0, 3.0], "validation_loss": [0.9, 0.5, 0.7], "validation_recall": [0.1, 0.2, 0.3]}
    drawing = training_curves_drawing(history, kept_epochs=[2])
    curves, marks = lines(drawing)[1::2], lines(drawing)[::2]
    assert [[x for x, _ in mark] for mark in marks] == [2 * [curve[1][0]] for curve in curves]
    assert texts(drawing)[-1] == texts(drawing.narrow)[-1] == "kept epoch, 2"
    assert drawing.alt == (
        "Training curves over 3 epochs. In epoch 2, whose weights were kept: validation loss 0.500, validation recall "
        "0.200."
    )


def test_the_curves_of_an_ensemble_are_described_by_the_mean_over_its_networks():
    history = {"member": [1, 1, 2], "epoch": [1, 2, 1], "train_loss": [0.9, 0.5, 0.3]}
    start = "Training curves of 2 networks over at most 2 epochs."
    kept = "On average in the epochs whose weights were kept"
    assert training_curves_drawing(history).alt == f"{start} In the last one: training loss 0.400."
    assert training_curves_drawing(history, [1, 1]).alt == f"{start} {kept}: training loss 0.600."


@pytest.mark.slow
def test_the_epoch_that_an_experiment_keeps_is_the_one_with_the_best_validation_value(tmp_path):
    run = read_run(write_run(tmp_path / "archsm"))
    losses = run.history["validation_loss"]
    best = 1 + losses.index(min(losses))
    kept = replace(run, experiment={"training": {"best_metric": "loss"}})
    assert f"kept epoch, {best}" in texts(run_drawings(kept)["training_curves"])
    assert "kept epoch, 30" in texts(run_drawings(run)["training_curves"])


def test_a_set_has_one_colour_in_all_drawings_and_only_the_reported_one_a_band(tmp_path):
    drawings = run_drawings(read_run(write_run(tmp_path / "archsm")))
    expected = [LIGHT.sets[name] for name in ("train", "validation", "test")]
    for name in ("roc", "precision_recall"):
        assert [part.get("stroke") for part in parts(drawings[name], "circle")] == expected
        filled = [part for part in parts(drawings[name], "path") if part.get("fill-opacity")]
        assert [part.get("fill") for part in filled] == [LIGHT.sets["test"]]
    strokes = [part.get("stroke") for part in parts(drawings["training_curves"], "path") if part.get("stroke-width")]
    assert set(strokes) - {LIGHT.faint} == set(expected[:2])


def test_hits_and_misses_have_different_hues_in_a_matrix():
    drawing = confusion_matrix_drawing([[3, 1], [1, 3]], ["a", "b"], "test")
    shades = [part.get("fill") for part in parts(drawing, "rect") if part.get("fill-opacity")]
    assert shades == [LIGHT.right, LIGHT.wrong, LIGHT.wrong, LIGHT.right]


def test_a_precision_recall_plot_has_the_prevalence_of_its_cases(tmp_path):
    run = read_run(write_run(tmp_path / "archsm"))
    share = float((run.predictions.select("test").y_true == 1).mean())
    drawing = run_drawings(run)["precision_recall"]
    level = [line for line in lines(drawing) if len({y for _, y in line}) == 1 and len(line) == 2]
    assert to_unit(drawing, level[0][0]) == pytest.approx((0, share), abs=2e-4)
    assert texts(drawing)[-1] == f"prevalence {share:.3f}"
    assert f"Prevalence {share:.3f}." in drawing.alt


def to_unit(drawing, point):
    """A point of a square drawing, from 0 to 1 on both axes."""
    square = parts(drawing, "g")[0]
    left, top, side = (float(square.get(f"data-{key}")) for key in ("left", "top", "side"))
    return (point[0] - left) / side, 1 - (point[1] - top) / side


def test_marks_stand_where_the_threshold_is_and_the_legend_says_the_area(tmp_path):
    run = read_run(write_run(tmp_path / "archsm"))
    test, curves = run.metrics["test"], run_curves(run)
    expected = {ROC: (1 - test["specificity"], test["recall"]), PRECISION_RECALL: (test["recall"], test["precision"])}
    for plot, area in ((ROC, "auc"), (PRECISION_RECALL, "average_precision")):
        assert [curve.name for curve in curves[plot]] == ["training", "validation", "test"]
        assert curves[plot][2].mark == pytest.approx(expected[plot])
        assert curves[plot][2].area == test[area]
        drawing = curve_drawing(plot, curves[plot], "title")
        low, high = test["intervals"][area]
        assert f"test, {plot.area} {test[area]:.3f} (95% CI {low:.3f} to {high:.3f})" in texts(drawing)
        assert f"test: {plot.area} {test[area]:.3f} (95% CI {low:.3f} to {high:.3f})" in drawing.alt
        assert {"title", plot.x, plot.y} <= set(texts(drawing))
        assert to_unit(drawing, dots(drawing)[2]) == pytest.approx(expected[plot], abs=2e-4)
        drawn = np.array([to_unit(drawing, point) for point in lines(drawing)[-1]])
        np.testing.assert_allclose(drawn[[0, -1], 0], curves[plot][2].x[[0, -1]], atol=2e-4)
        np.testing.assert_allclose(drawn[[0, -1], 1], curves[plot][2].y[[0, -1]], atol=2e-4)


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
        assert [curve.name for curve in curves] == ["macro average", "a", "b"]
        assert [curve.mark for curve in curves] == [None, None, None]
        assert curves[0].area == pytest.approx((curves[1].area + curves[2].area) / 2)


def test_a_bin_of_a_reliability_diagram_is_a_dot_with_its_interval():
    bins = [
        {"probability": 0.25, "share": 0.5, "n": 1, "interval": [0.1, 0.9]},
        {"probability": 0.75, "share": 1.0, "n": 16, "interval": [0.8, 1.0]},
    ]
    scaled = [entry | {"interval": [0.3, 0.4]} for entry in bins]
    drawing = reliability_drawing({"uncalibrated": bins, "temperature 2": scaled}, "Calibration", "alt", "test")
    places = np.array([to_unit(drawing, dot) for dot in dots(drawing)])
    np.testing.assert_allclose(places, 2 * [(0.25, 0.5), (0.75, 1.0)], atol=2e-4)
    assert {part.get("stroke") for part in parts(drawing, "circle")} == {LIGHT.sets["test"]}
    assert [part.get("fill") for part in parts(drawing, "circle")] == 2 * [LIGHT.sets["test"]] + 2 * [LIGHT.paper]
    small, large = (float(part.get("r")) for part in parts(drawing, "circle")[:2])
    assert large / small == pytest.approx(2, rel=0.01)
    assert texts(drawing)[-2:] == ["uncalibrated", "temperature 2"]
    upright = [line for line in lines(drawing) if line[0][0] == line[1][0]]
    ends = [[round(to_unit(drawing, point)[1], 3) for point in line] for line in upright]
    assert ends == [[0.1, 0.9], [0.8, 1.0]]


def test_intervals_are_drawn_where_the_numbers_are():
    panels = {"recall": [(0.5, [0.4, 0.6]), (None, None)], "MCC": [(0.1, None), (0.2, [0.1, 0.3])]}
    drawing = interval_drawing(["one", "two"], panels, "alt")
    assert texts(drawing)[:3] == ["one", "two", "recall"]
    (low, row), (high, same_row) = lines(drawing)[0]
    assert dots(drawing)[0] == pytest.approx(((low + high) / 2, row), abs=0.1)
    assert row == same_row < lines(drawing)[1][0][1]
    assert len(lines(drawing)) == 2
    assert len(dots(drawing)) == 3
    assert texts(drawing).count("undefined") == 1


def test_panels_that_are_compared_share_their_axis():
    panels = {"recall": [(0.5, [0.4, 0.6])], "MCC": [(0.1, None)]}
    drawing = interval_drawing(["one"], panels, "alt")
    ticks = texts(drawing)
    half = len(ticks[2 : ticks.index("MCC")])
    assert ticks[2 : 2 + half] == ticks[ticks.index("MCC") + 1 :]


def test_a_difference_whose_interval_holds_zero_is_hollow():
    rows = {
        "recall": [(0.1, [-0.1, 0.3]), (0.2, [0.1, 0.3])],
        "MCC": [(None, None), (-0.2, [-0.3, -0.1])],
        "AUC": [(0.1, [0.0, 0.2]), (-0.1, [-0.2, 0.0])],
    }
    drawing = difference_drawing("flat", {"deep": 0, "wide": 2}, rows, "alt")
    paper, series = LIGHT.paper, [LIGHT.networks[place] for place in (0, 2)]
    shown = [(part.get("fill"), part.get("stroke")) for part in parts(drawing, "circle")[:5]]
    touching = [(paper, series[0]), (paper, series[1])]
    assert shown == [(paper, series[0]), (series[1], series[1]), (series[1], series[1]), *touching]
    assert {"undefined", "recall", "MCC", "deep", "wide"} <= set(texts(drawing))
    assert {"◀ flat better", "the other better ▶"} <= set(texts(drawing))
    assert texts(drawing.narrow)[-2:] == texts(drawing)[-2:] == ["deep", "wide"]
    assert drawing.narrow.width == NARROW


def test_on_a_phone_the_names_of_differences_cover_the_lines_behind_them():
    rows = {"recall at equal false-positive rate": [(0.1, [-0.1, 0.3])], "MCC": [(None, None)]}
    narrow = difference_drawing("flat", {"deep": 1}, rows, "alt").narrow
    order = [(part.tag.rpartition("}")[2], part.text) for part in parse(narrow).iter()]
    grounds = [part for part in parts(narrow, "rect") if part.get("x") and part.get("fill") == LIGHT.paper]
    for name, ground in zip(rows, grounds, strict=True):
        (label,) = [part for part in parts(narrow, "text") if part.text == name]
        place = order.index(("text", name))
        assert order[place - 1][0] == "rect"  # in front of the lines, behind the name
        left, top, width, height = (float(ground.get(key)) for key in ("x", "y", "width", "height"))
        assert left < float(label.get("x"))
        assert top < float(label.get("y")) - 10 < float(label.get("y")) < top + height
        assert left + width >= NARROW - 14


def test_four_panels_are_drawn_two_by_two():
    panels = {name: [(0.5, [0.4, 0.6])] for name in ("recall", "precision", "MCC", "AUC")}
    corners = dots(interval_drawing(["one"], panels, "alt"))
    assert [(x == corners[0][0], y == corners[0][1]) for x, y in corners] == [
        (True, True), (False, True), (True, False), (False, False),
    ]  # fmt: skip


def pixels_of(part):
    """The pixels of an image in a drawing."""
    png = base64.b64decode(part.get(HREF).removeprefix("data:image/png;base64,"))
    return np.asarray(Image.open(io.BytesIO(png)))


def test_a_volume_shows_its_central_slice_and_neighbours_in_order():
    volume = np.broadcast_to(np.arange(10, dtype=np.uint8), (4, 5, 10))
    assert np.all(central_slice(volume) == 5)
    images = parts(montage_drawing([Picture(image=volume, case="a", truth="nodule")], "title"), "image")
    assert [np.unique(pixels_of(image)).tolist() for image in images] == [[5], [3], [4], [5], [6], [7]]
    assert [float(image.get("x")) for image in images[1:]] == sorted(float(image.get("x")) for image in images[1:])


@pytest.mark.parametrize(("depth", "indices"), [(64, [20, 26, 32, 38, 44]), (10, [3, 4, 5, 6, 7]), (3, [0, 1, 2])])
def test_the_strip_of_a_thick_stack_spans_half_of_it(depth, indices):
    assert strip_indices(depth, depth // 2) == indices


def test_slices_are_drawn_upright_with_the_first_row_on_top():
    image = np.zeros((8, 6), np.uint8)
    image[0, 0] = 255
    drawing = montage_drawing([Picture(image=image, case="a", truth="nodule")], "title")
    (drawn,) = parts(drawing, "image")
    np.testing.assert_array_equal(pixels_of(drawn), image)
    assert drawn.get("transform") is None
    assert texts(drawing) == ["title", "nodule", "a"]


def test_a_montage_has_its_cases_in_rows_of_four():
    pictures = [Picture(image=np.zeros((4, 4), np.uint8), case=str(k), truth="x") for k in range(6)]
    drawing = montage_drawing(pictures, "title")
    places = [(float(part.get("x")), float(part.get("y"))) for part in parts(drawing, "image")]
    assert len({y for _, y in places[:4]}) == 1
    assert places[4][0] == places[0][0]
    assert places[4][1] > places[0][1]
    width, height = (float(parse(drawing).get(key)) for key in ("width", "height"))
    assert all(x < width and y < height for x, y in places)


def test_incorrect_cases_show_the_true_and_the_predicted_class(tmp_path):
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
