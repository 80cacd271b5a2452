"""The runs of the page: one is started, watched, stopped and resumed, and found in the table of all."""

import json
import shutil

import pytest

from finished_runs import NET_2D, write_cubes

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module", autouse=True)
def _files(folder, finished_runs):
    write_cubes(folder / "cubes.npz")
    (folder / "net.json").write_text(json.dumps({**NET_2D, "name": "fresh"}))
    shutil.copytree(finished_runs / "out", folder / "out")


def start(page, settings):
    page.open("edit/net.json")
    page.see(".cm-content")
    page.open("runs")
    page.press_button("Start run…")
    page.see("dialog")
    page.reader.run("const s = document.querySelector('dialog select'); s.value = 'net.json';"
                    "s.dispatchEvent(new Event('change', {bubbles: true}))")  # fmt: skip
    page.reader.one("dialog [name=data]").send_keys("npz:cubes.npz")
    page.reader.one("dialog [name=settings]").send_keys(settings)
    page.click("dialog [type=submit]")


def test_a_run_is_watched_from_its_start_to_its_confusion_matrix(page):
    start(page, "training.epochs=2")
    page.see(".run-view .curve")
    page.see(".run-view .matrix")
    page.reads(".run-view .state", "finished")
    metrics = json.loads(next((page.server.folder / "runs").rglob("fresh/metrics.json")).read_text())
    shown = [int(cell.text) for cell in page.reader.one(".matrix").find_elements("css selector", "td.cell b")]
    assert shown == [count for row in metrics["test"]["confusion_matrix"] for count in row]
    page.reads(".run-table tr.selected", "fresh")


@pytest.mark.long
def test_a_run_is_stopped_and_resumed(page):
    start(page, "training.epochs=100000\ntraining.early_stopping=null\ntraining.seed=1")
    page.see(".run-view .curve")
    page.press_button("Stop")
    page.reads(".run-view .state", "interrupted")
    page.press_button("Resume")
    page.reads(".run-view .state", "running")
    page.press_button("Stop")
    page.reads(".run-view .state", "interrupted")


def test_a_run_that_cannot_start_says_why(page):
    start(page, "training.epochs=-1")
    page.reads(".started, .notice.error", "epochs")


def test_the_table_is_filtered_and_sorted(page):
    page.open("runs")
    rows = ".run-table tbody tr"
    page.until(lambda: len(page.reader.all(rows)) >= 2)
    page.reader.one("[aria-label^='Filter by name']").send_keys("out/")
    page.until(lambda: all("out/" in row.text for row in page.reader.all(rows)))
    metrics = {
        path.parent.name: json.loads(path.read_text())["test"] for path in page.server.folder.glob("out/*/metrics.json")
    }
    assert len(page.reader.all(rows)) == len(metrics)
    page.press_button("AUC")
    page.until(lambda: page.reader.one("th[aria-sort=descending]").text.startswith("AUC"))
    shown = [float(row.find_elements("css selector", "td")[-1].text) for row in page.reader.all(rows)]
    assert shown == sorted(shown, reverse=True)
    page.reader.run("const s = document.querySelector('[aria-label=State]'); s.value = 'failed';"
                    "s.dispatchEvent(new Event('change', {bubbles: true}))")  # fmt: skip
    page.gone(rows)


def test_a_report_opens_in_a_tab_of_its_own(page):
    page.open("runs/out/flat")
    page.press_button("Open report")
    page.until(lambda: len(page.driver.window_handles) == 2)
    own, other = page.driver.window_handles
    page.driver.switch_to.window(other)
    try:
        page.until(lambda: page.text("h1") != "")
        assert "/report/" in page.driver.current_url
    finally:
        page.driver.close()
        page.driver.switch_to.window(own)
