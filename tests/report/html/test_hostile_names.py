"""Pages with hostile names: the same elements as with harmless ones, and the names as text."""

import json
import re
from collections import Counter

import numpy as np
import pytest

from archnet.api.check_data import check_data
from archnet.report.html.comparison_page import write_comparison
from archnet.report.html.run_page import write_report
from archnet.report.run_files import read_run
from archnet.spec.metrics import metrics_shown_in
from archnet.sweep.report.sweep_page import write_sweep_report
from archnet.sweep.results.leaderboard import read_leaderboard
from archnet.sweep.results.trials import trial_folder
from checked_data import write_squares
from pages import Page
from small_sweeps import make_schedule, small_sweep
from small_sweeps import write_run as write_trial
from synthetic_runs import synthetic_predictions, write_run

NAMES = {
    "an element": "<script>alert(1)</script>",
    "the end of a script": "</script><script>alert(1)</script>",
    "a picture": "<img src=x onerror=alert(1)>",
    "the end of an attribute": "\" onload=\"alert(1)' x='",
    "a template": "{{ 7 * 7 }}{% include 'style.css' %}{#",
    "a comment": "<!-- --><![CDATA[",
    "an entity": "&lt;b&gt;&amp;amp;",
    "a long name": "x" * 5000,
    "right to left": "ריאה",
}
HARMLESS = "nodule"


def _page(path):
    return Page(path.read_text(encoding="utf-8"))


def _structure(page):
    """How often each element has which attributes; the points of drawings depend on the width of names."""
    return Counter((tag, *sorted(attributes)) for tag, attributes in page.tags)


def _squeezed(text):
    return re.sub(r"\s+", " ", text)


def _run_page(folder, name):
    run = write_run(folder / "net", classes=("other", name), predictions=_predictions(name))
    return _page(write_report(read_run(run)))


def _comparison_page(folder, name):
    runs = [
        write_run(folder / run, classes=("other", name), predictions=_predictions(name, skill))
        for run, skill in (("flat", 1.0), ("deep", 2.5))
    ]
    return _page(write_comparison(folder, runs))


def _predictions(name, skill=1.6):
    predictions = synthetic_predictions(("other", name), num_cases=200, skill=skill)
    predictions.cases[:] = [f"{row}{name[:30]}" for row in range(200)]
    return predictions


def _check_page(folder, name):
    folder.mkdir(parents=True, exist_ok=True)
    group = np.array([f"{name[:60]}{row // 3}" for row in range(60)])
    path = write_squares(folder / "squares.npz", classes=["other", name], group=group)
    return _page(check_data(f"npz:{path}").write_html(folder / "check.html"))


def _sweep_page(folder, name):
    folder.mkdir(parents=True, exist_ok=True)
    sweep = small_sweep(folder)
    schedule = make_schedule(sweep, folder)
    shown = {metric.name: 0.5 for metric in metrics_shown_in("sweep_report")}
    test = {"n": 4, "threshold": 0.5, "confusion_matrix": [[1, 1], [1, 1]], **shown}
    for outcome in ("failed", "finished", "finished"):
        job = schedule.next_job()
        write_trial(folder, job, [0.5 + job.number / 10])
        (trial_folder(folder, job.number) / job.run / "metrics.json").write_text(
            json.dumps({"validation": test, "test": test})
        )
        schedule.finish_job(job, outcome, name if outcome == "failed" else None)
    return _page(write_sweep_report(read_leaderboard(sweep, folder), folder, [2]))


PAGES = {"run": _run_page, "comparison": _comparison_page, "data check": _check_page, "sweep": _sweep_page}


@pytest.mark.slow
@pytest.mark.parametrize("make_page", PAGES.values(), ids=PAGES)
def test_a_page_with_hostile_names_has_the_elements_of_one_with_harmless_names(tmp_path, make_page):
    expected = _structure(make_page(tmp_path / "harmless", HARMLESS))
    for place, name in enumerate(NAMES.values()):
        page = make_page(tmp_path / str(place), name)
        structure = _structure(page)
        assert {tag for tag, *_ in structure} <= {tag for tag, *_ in expected}, name
        assert {attribute for _, *attributes in structure for attribute in attributes} <= {
            attribute for _, *attributes in expected for attribute in attributes
        }, name
        assert [tag for tag, _ in page.tags].count("script") == [tag for tag, *_ in expected.elements()].count("script")
        assert _squeezed(name) in page.text, name


@pytest.mark.slow
@pytest.mark.parametrize("make_page", PAGES.values(), ids=PAGES)
def test_a_name_in_a_page_cannot_turn_the_text_around_it(tmp_path, make_page):
    page = make_page(tmp_path, "ab\u202ecd\x9b\x1b")
    assert r"ab\u202ecd\x9b\x1b" in page.text
