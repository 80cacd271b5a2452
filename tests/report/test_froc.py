import io

import numpy as np
import pytest
from rich.console import Console

from archnet.evaluation.froc.curve import RATE_NAMES, RATES, compute_froc
from archnet.evaluation.froc.hits import Findings, Marks, ReferenceStandard
from archnet.report.figures.froc import froc_figure, write_froc_figure
from archnet.report.figures.theme import theme_context
from archnet.report.froc_table import froc_summary


@pytest.fixture(scope="module", params=[0, 50])
def froc(request):
    """40 scans with a nodule and two false positives each; the surer half of the nodules is found first."""
    series = [f"scan {number}" for number in range(40)]
    nodules = Findings(series=series, points_mm=np.zeros((40, 3)), diameters_mm=np.full(40, 10.0))
    scores = np.random.default_rng(0).random(120) + np.repeat([0.5, 0], [40, 80])
    places = np.repeat([[0.0, 0, 0], [90.0, 0, 0]], [40, 80], axis=0)
    marks = Marks(series=series * 3, points_mm=places, scores=scores)
    nothing = Findings(series=(), points_mm=np.zeros((0, 3)), diameters_mm=np.zeros(0))
    reference = ReferenceStandard(series=series, nodules=nodules, excluded=nothing)
    return compute_froc(marks, reference, bootstraps=request.param)


def test_rates_are_named_unchanged():
    assert tuple(eval(name) for name in RATE_NAMES) == RATES


def test_the_figure_shows_the_curve_the_seven_sensitivities_and_the_band(froc):
    with theme_context():
        figure = froc_figure({"archsm": froc}, "FROC")
    axes = figure.axes[0]
    curve, dots = axes.get_lines()
    assert (curve.get_xdata()[0], curve.get_xdata()[-1]) == (0.125, 8)
    at_ends = [curve.get_ydata()[0], curve.get_ydata()[-1]]
    assert at_ends == froc.sensitivities[[0, -1]].tolist()
    assert np.all(np.diff(curve.get_ydata()) >= 0)
    np.testing.assert_array_equal(dots.get_xydata().T, [RATES, froc.sensitivities])
    assert [label.get_text() for label in axes.get_xticklabels()] == list(RATE_NAMES)
    assert len(axes.collections) == (froc.band is not None)
    (legend,) = [text.get_text() for text in axes.get_legend().get_texts()]
    assert legend.startswith(f"archsm, CPM {froc.cpm:.3f}")
    assert ("95% interval" in legend) == (froc.band is not None)


@pytest.mark.slow
@pytest.mark.parametrize(("ending", "start"), [("png", b"\x89PNG"), ("svg", b"<?xml"), ("pdf", b"%PDF")])
def test_a_figure_is_written_whole_in_the_format_of_its_name(froc, tmp_path, ending, start):
    path = write_froc_figure(tmp_path / f"new/froc.{ending}", {"a": froc, "b": froc})
    assert path.read_bytes().startswith(start)
    assert [entry.name for entry in path.parent.iterdir()] == [f"froc.{ending}"]


def test_the_table_has_the_seven_sensitivities_with_intervals_where_there_are_any(froc):
    console = Console(width=80, record=True, color_system=None, file=io.StringIO())
    console.print(froc_summary(froc))
    lines = [line.split() for line in console.export_text().splitlines()]
    for name, value, interval in zip(RATE_NAMES, froc.sensitivities, froc.intervals, strict=True):
        ends = [] if interval is None else [f"{interval[0]:.3f}", "to", f"{interval[1]:.3f}"]
        assert [name, f"{value:.3f}", *ends] in lines
    assert ["nodules", "found", "40"] in lines
    assert ["false", "positives", "80"] in lines


def test_a_curve_of_few_scans_ends_with_a_warning_if_it_has_intervals(froc):
    console = Console(width=200, record=True, color_system=None, file=io.StringIO())
    console.print(froc_summary(froc))
    num_scans = len(froc.hits.num_nodules)
    assert num_scans < 50
    warning = f"Warning: The FROC curve comes from only {num_scans} scans: with fewer than 50, its 95% intervals are too narrow."
    assert (warning in console.export_text()) == (froc.band is not None)
