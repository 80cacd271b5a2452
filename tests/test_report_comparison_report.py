import json

import pytest

from archnet.errors import RunError
from archnet.evaluation.comparison import compare
from archnet.report.again import report_again
from archnet.report.comparison_report import write_comparison
from archnet.report.run_report import write_report
from synthetic_runs import synthetic_predictions, write_run
from test_report_run_report import Page


def test_a_comparison_is_written_as_a_page_and_as_json(tmp_path):
    runs = [write_run(tmp_path / "archsm"), write_run(tmp_path / "arch3dsm", skill=2.5, depth=10)]
    path = write_comparison(tmp_path, runs)
    assert path == tmp_path / "report.html"
    document = json.loads((tmp_path / "comparison.json").read_text(encoding="utf-8"))
    assert document == compare(runs).as_json()
    text = Page(path.read_text(encoding="utf-8")).text
    for row in compare(runs).rows:
        low, high = row.metrics["intervals"]["recall"]
        assert f"{row.metrics['recall']:.3f} {low:.3f} to {high:.3f}" in text
    assert "cannot be compared" not in text


def test_the_page_leads_to_each_runs_own_report_and_nowhere_else(tmp_path):
    runs = [write_run(tmp_path / "archsm"), write_run(tmp_path / "arch3dsm")]
    write_report(runs[0])
    page = Page(write_comparison(tmp_path, runs).read_text(encoding="utf-8"))
    assert [attrs["href"] for tag, attrs in page.tags if tag == "a"] == ["#main", "archsm/report.html"]


def test_the_page_warns_when_the_test_cases_differ(tmp_path):
    runs = [write_run(tmp_path / f"net{seed}", predictions=synthetic_predictions(seed=seed)) for seed in (0, 1)]
    page = Page(write_comparison(tmp_path, runs).read_text(encoding="utf-8"))
    assert ("p", {"class": "caution", "role": "note"}) in page.tags
    assert "The test cases differ: net1 has" in page.text


def test_one_run_gives_no_comparison_and_no_file(tmp_path):
    run = write_run(tmp_path / "archsm")
    with pytest.raises(RunError):
        write_comparison(tmp_path, [run])
    assert [path.name for path in tmp_path.iterdir()] == ["archsm"]


def test_reporting_an_experiment_again_restores_metrics_pictures_and_pages(tmp_path):
    runs = [write_run(tmp_path / name) for name in ("arch3dsm", "archsm")]
    metrics = json.loads((runs[0] / "metrics.json").read_text(encoding="utf-8"))
    spoilt = metrics | {"test": metrics["test"] | {"recall": 0.123}}
    (runs[0] / "metrics.json").write_text(json.dumps(spoilt), encoding="utf-8")
    written = report_again([tmp_path])
    assert written == [*(run / "report.html" for run in runs), tmp_path / "report.html"]
    assert json.loads((runs[0] / "metrics.json").read_text(encoding="utf-8")) == metrics
    assert (runs[0] / "figures" / "roc.png").exists()
