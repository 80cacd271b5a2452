"""The reports in a browser: what their sliders show is what scikit-learn computes, and nothing leaves the page."""

import json

import numpy as np
import pytest
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.actions.wheel_input import ScrollOrigin
from selenium.webdriver.common.keys import Keys
from sklearn import metrics as sk

from archnet.evaluation.metrics import evaluate
from archnet.evaluation.predictions import read_predictions
from archnet.report.html.comparison_page import write_comparison
from archnet.report.html.run_page import write_report
from archnet.report.run_files import read_run
from archnet.report.wording import bounds
from archnet.spec.metrics import metrics_shown_in
from browser import start_reader
from metric_oracles import ORACLES
from synthetic_runs import synthetic_predictions, write_run

pytestmark = pytest.mark.slow

SAMPLE = "[aria-labelledby=samples] .stack"
SETS = {"test": "test", "validation": "validation", "training": "train"}


@pytest.fixture(scope="module")
def reader():
    reader = start_reader()
    yield reader
    reader.driver.quit()


@pytest.fixture(scope="module")
def experiment(tmp_path_factory):
    """Two runs and their comparison."""
    folder = tmp_path_factory.mktemp("runs") / "both"
    runs = [
        write_run(folder / name, skill=skill, depth=10, recall=0.9)
        for name, skill in (("archsm", 1.6), ("arch3dsm", 2.5))
    ]
    for run in runs:
        write_report(read_run(run))
    write_comparison(folder, runs)
    return folder


def number(text):
    return float(text.replace("\N{MINUS SIGN}", "-"))


SHOWN = """
const name = arguments[0], all = selector => [...document.querySelectorAll(selector)];
const values = all(`#live tr[data-column="${name}"] [data-metric]:not([data-metric=threshold])`)
    .map(cell => [cell.dataset.metric, cell.querySelector(".value").innerText]);
const cells = all(`#live table[data-column="${name}"] td.cell b`).map(cell => cell.innerText);
const marks = all("#live [data-side]").map(plot => {
    const mark = plot.querySelector(`.mark[data-column="${name}"]`);
    return [...["left", "top", "side"].map(key => plot.getAttribute(`data-${key}`)),
            mark.getAttribute("cx"), mark.getAttribute("cy")].map(Number);
});
return [values, cells, marks];
"""
"""One question to the browser instead of dozens."""


def shown(reader, name):
    """What the page says about a set or a network: numbers, confusion matrix, marks (x, y) on the two plots."""
    values, cells, marks = reader.run(SHOWN, name)
    places = [((x - left) / side, 1 - (y - top) / side) for left, top, side, x, y in marks]
    return {key: number(text) for key, text in values}, [float(text.replace(",", "")) for text in cells], places


def assert_is_scikit_learns(seen, scores, truth, threshold):
    numbers, cells, (roc, precision_recall) = seen
    predicted = scores >= threshold
    matrix = sk.confusion_matrix(truth, predicted)
    panel = [metric.name for metric in metrics_shown_in("live_panel")]
    expected = {name: ORACLES[name](truth, predicted, scores) for name in panel}
    recall, precision = expected["recall"], expected["precision"]
    assert numbers == pytest.approx(expected, abs=0.000501)
    assert cells == matrix.ravel().tolist()
    assert roc == pytest.approx((1 - expected["specificity"], recall), abs=2e-4)
    assert precision_recall == pytest.approx((recall, precision), abs=2e-4)


def steps(reader, scale=0):
    return json.loads(reader.run("return document.getElementById('live-data').textContent"))["scales"][scale]


def cases_of(folder, name):
    part = read_predictions(folder / "predictions.csv").select(name)
    return part.probabilities[:, 1], part.y_true == 1


@pytest.mark.parametrize(
    "share", [pytest.param(0.08, marks=pytest.mark.slow), 0.4, pytest.param(0.71, marks=pytest.mark.slow)]
)
def test_the_slider_shows_what_scikit_learn_computes_for_its_threshold(reader, experiment, share):
    reader.open(experiment / "archsm/report.html")
    thresholds = steps(reader)["steps"]
    place = int(share * len(thresholds))
    reader.slide("#threshold", place)
    for name, key in SETS.items():
        assert_is_scikit_learns(shown(reader, name), *cases_of(experiment / "archsm", key), thresholds[place])
        assert number(reader.one(f'tr[data-column="{name}"] [data-metric=threshold]').text) == pytest.approx(
            thresholds[place], abs=0.000501
        )


def test_the_slider_shows_the_intervals_of_clustered_cases_at_every_step(reader, experiment):
    reader.open(experiment / "archsm/report.html")
    scale = steps(reader)
    part = read_predictions(experiment / "archsm/predictions.csv").select("test")
    proportions = ["recall", "precision", "specificity", "accuracy"]
    for place in (0, 1, 140, 260, len(scale["steps"]) - 1):
        reader.slide("#threshold", place)
        expected = evaluate(part, positive=1, threshold=scale["steps"][place], bootstraps=0)["test"]["intervals"]
        for name in proportions:
            assert interval_text(reader, "test", name) == bounds(expected[name]), (place, name)
        assert [interval_text(reader, "test", name) for name in ("f1", "mcc")] == ["", ""]


def interval_text(reader, column, name):
    return reader.one(f'tr[data-column="{column}"] [data-metric={name}] .interval').text


def test_before_anything_is_moved_the_page_shows_the_experiments_threshold(reader, experiment):
    reader.open(experiment / "archsm/report.html")
    for name, key in SETS.items():
        assert_is_scikit_learns(shown(reader, name), *cases_of(experiment / "archsm", key), 0.5)
    scores, truth = cases_of(experiment / "archsm", "test")
    found, alarms = (scores[truth] >= 0.5).sum(), (scores[~truth] >= 0.5).sum()
    assert reader.one("#live output").text == (f"0.500: test {found} of {truth.sum()} found, {alarms} false positives")
    assert [button.get_attribute("aria-pressed") for button in reader.all("#live .points button")] == [
        "true",
        "false",
        "false",
    ]


def test_the_buttons_show_the_thresholds_that_validation_chose(reader, experiment):
    metrics = json.loads((experiment / "archsm/metrics.json").read_text(encoding="utf-8"))["test"]
    reader.open(experiment / "archsm/report.html")
    buttons = {button.text: button for button in reader.all("#live .points button")}
    assert list(buttons) == [
        "configured threshold 0.5", "recall of at least 0.9 in validation", "best MCC in validation",
    ]  # fmt: skip
    for label, point in zip(list(buttons)[1:], metrics["operating_points"].values(), strict=True):
        buttons[label].click()
        assert_is_scikit_learns(shown(reader, "test"), *cases_of(experiment / "archsm", "test"), point["threshold"])
        assert number(reader.one("#live output").text.split(":")[0]) == pytest.approx(point["threshold"], abs=0.000501)
        low, high = point["intervals"]["recall"]
        interval = reader.one('tr[data-column="test"] [data-metric=recall] .interval').text
        assert interval == f"{low:.3f} to {high:.3f}"


def test_the_keyboard_moves_the_slider_and_presses_the_buttons(reader, experiment):
    reader.open(experiment / "archsm/report.html")
    thresholds = steps(reader)["steps"]
    slider = reader.one("#threshold")
    reader.run("arguments[0].focus()", slider)
    slider.send_keys(Keys.HOME, Keys.ARROW_RIGHT, Keys.ARROW_RIGHT, Keys.ARROW_RIGHT)
    assert slider.get_attribute("value") == "3"
    assert slider.get_attribute("aria-valuetext") == reader.one("#live output").text
    assert_is_scikit_learns(shown(reader, "test"), *cases_of(experiment / "archsm", "test"), thresholds[3])
    slider.send_keys(Keys.TAB, Keys.TAB)
    pressed = reader.run("return document.activeElement")
    assert pressed.text == "recall of at least 0.9 in validation"
    outline = reader.run("return getComputedStyle(document.activeElement).outlineStyle")
    assert outline == "solid"
    pressed.send_keys(Keys.ENTER)
    assert pressed.get_attribute("aria-pressed") == "true"


def test_one_slider_moves_both_networks_to_a_threshold(reader, experiment):
    reader.open(experiment / "report.html")
    thresholds = steps(reader)["steps"]
    reader.slide("#threshold", 150)
    for name in ("archsm", "arch3dsm"):
        assert_is_scikit_learns(shown(reader, name), *cases_of(experiment / name, "test"), thresholds[150])


def test_one_slider_moves_both_networks_to_the_same_number_of_false_positives(reader, experiment):
    reader.open(experiment / "report.html")
    reader.one('input[name="scale"][value="1"]').click()
    scale = steps(reader, 1)
    assert scale["steps"][:4] == [0, 1, 2, 3]
    reader.slide("#threshold", 5)
    texts = []
    for place, name in enumerate(("archsm", "arch3dsm")):
        scores, truth = cases_of(experiment / name, "test")
        threshold = scale["columns"][place]["thresholds"][5]
        assert_is_scikit_learns(shown(reader, name), scores, truth, threshold)
        allowed = [cut for cut in scores if (scores[~truth] >= cut).sum() <= 5]
        assert threshold == min(allowed)
        found, alarms = (scores[truth] >= threshold).sum(), (scores[~truth] >= threshold).sum()
        texts.append(f"{name} {found} of {truth.sum()} found, {alarms} false positive{'s' if alarms != 1 else ''}")
    assert reader.one("#live output").text == f"At most 5 false positives: {'; '.join(texts)}"


def test_several_seeds_show_the_means_of_their_numbers(reader, tmp_path):
    folder = tmp_path / "both"
    runs = [
        write_run(folder / f"net-seed{seed}", seed=seed, predictions=synthetic_predictions(skill=1 + seed))
        for seed in range(2)
    ]
    write_run(folder / "other", skill=2)
    write_comparison(folder, sorted(folder.iterdir()))
    reader.open(folder / "report.html")
    threshold = steps(reader)["steps"][200]
    reader.slide("#threshold", 200)
    numbers, cells, _ = shown(reader, "net")
    predicted = [(truth, scores >= threshold) for scores, truth in (cases_of(run, "test") for run in runs)]
    assert numbers["mcc"] == pytest.approx(np.mean([sk.matthews_corrcoef(*one) for one in predicted]), abs=0.000501)
    assert cells == np.mean([sk.confusion_matrix(*one) for one in predicted], axis=0).ravel().tolist()


def test_a_class_that_does_not_occur_is_undefined_not_zero(reader, tmp_path):
    predictions = synthetic_predictions(num_cases=200)
    kept = np.flatnonzero((predictions.sets != "test") | (predictions.y_true == 0))
    rest = {name: getattr(predictions, name)[kept] for name in ("cases", "groups", "sets", "y_true", "probabilities")}
    run = write_run(tmp_path / "net", predictions=type(predictions)(classes=predictions.classes, **rest))
    reader.open(write_report(read_run(run)))
    reader.slide("#threshold", 100)
    row = 'tr[data-column="test"] [data-metric={}] .value'
    assert [reader.one(row.format(name)).text for name in ("recall", "mcc")] == ["undefined", "undefined"]
    assert reader.complaints() == []


def test_slices_turn_with_the_slider_the_keyboard_and_the_wheel(reader, experiment):
    reader.open(experiment / "archsm/report.html")
    stack, slider = reader.one(SAMPLE), reader.one(f"{SAMPLE} input")
    reader.scroll_to(stack)
    assert stack.find_element("css selector", "output").text == "slice 6 of 10"
    picture = stack.find_element("css selector", ".slice")
    before = picture.screenshot_as_png
    slider.send_keys(Keys.ARROW_RIGHT)
    assert stack.find_element("css selector", "output").text == "slice 7 of 10"
    assert picture.screenshot_as_png != before
    wheel_over(reader, picture, -100)
    wheel_over(reader, picture, -100)
    assert slider.get_attribute("value") == "4"


def wheel_over(reader, picture, distance):
    for right in (-9, 4, 6):
        ActionChains(reader.driver).move_to_element_with_offset(picture, right, 1).perform()
    turn_wheel(reader, picture, distance)


def turn_wheel(reader, picture, distance):
    ActionChains(reader.driver).scroll_from_origin(ScrollOrigin.from_element(picture, 6, 1), 0, distance).perform()


def test_a_page_that_is_scrolled_is_not_caught_by_a_picture_under_a_resting_pointer(reader, experiment):
    reader.open(experiment / "archsm/report.html")
    picture, slider = reader.one(f"{SAMPLE} .slice"), reader.one(f"{SAMPLE} input")
    reader.scroll_to(picture)
    wheel_over(reader, picture, 100)
    reader.run("dispatchEvent(new Event('scroll'))")
    value = slider.get_attribute("value")
    turn_wheel(reader, picture, 100)
    assert (slider.get_attribute("value"), value) == ("6", "6")


def test_the_console_stays_silent_and_no_request_leaves_the_pages(reader, experiment):
    reader.complaints(), reader.requests()
    for page in (experiment / "report.html", experiment / "archsm/report.html"):
        reader.open(page)
        reader.slide("#threshold", 20)
        reader.all("#live .points button")[-1].click()
        reader.slide(".stack input", 0)
        assert reader.complaints() == []
        assert reader.requests() == [page.as_uri()]


def test_a_script_that_is_not_the_pages_own_is_not_run(reader, experiment, tmp_path):
    text = (experiment / "archsm/report.html").read_text(encoding="utf-8")
    page = tmp_path / "evil.html"
    page.write_text(text.replace("<main", "<script>document.title = 'evil'</script><main", 1), encoding="utf-8")
    reader.open(page)
    assert "evil" not in reader.driver.title
    assert any("Content Security Policy" in line for line in reader.complaints())


@pytest.mark.parametrize(
    "name",
    [
        "</script><script>document.title='evil'</script>",
        pytest.param("<img src=x onerror=alert(1)>", marks=pytest.mark.slow),
        pytest.param("</svg><script>document.title='evil'</script>", marks=pytest.mark.slow),
    ],
)
def test_names_with_markup_break_neither_the_page_nor_its_data(reader, tmp_path, name):
    run = write_run(tmp_path / "net", classes=("a", name))
    reader.open(write_report(read_run(run)))
    assert reader.one("#live tbody tr:last-child th b").text == name
    reader.slide("#threshold", 10)
    assert "evil" not in reader.driver.title
    assert reader.complaints() == []


def test_without_scripts_the_page_shows_the_experiments_threshold_and_no_slider(experiment):
    plain = start_reader("--blink-settings=scriptEnabled=false")
    try:
        plain.open(experiment / "archsm/report.html")
        assert not plain.one("#threshold").is_displayed()
        assert not plain.one(f"{SAMPLE} input").is_displayed()
        metrics = json.loads((experiment / "archsm/metrics.json").read_text(encoding="utf-8"))["test"]
        assert number(plain.one('tr[data-column="test"] [data-metric=mcc] .value').text) == round(metrics["mcc"], 3)
    finally:
        plain.driver.quit()


def emulated(reader, **media):
    features = [{"name": "prefers-color-scheme", "value": media["scheme"]}] if "scheme" in media else []
    reader.driver.execute_cdp_cmd(
        "Emulation.setEmulatedMedia", {"media": media.get("medium", ""), "features": features}
    )


def test_a_dark_screen_gets_a_dark_page_with_dark_pictures_and_paper_a_light_one(reader, experiment):
    reader.open(experiment / "archsm/report.html")
    ground = "return getComputedStyle(document.body).backgroundColor"
    picture = "return getComputedStyle(document.querySelector('.drawing.wide path')).stroke"
    light = reader.run(ground), reader.run(picture)
    emulated(reader, scheme="dark")
    dark = reader.run(ground), reader.run(picture)
    emulated(reader, scheme="dark", medium="print")
    assert reader.run(picture) == light[1]
    on_paper = reader.run(ground), reader.one(".controls").is_displayed(), reader.one(".turn").is_displayed()
    emulated(reader)
    assert light[0] == "rgb(255, 255, 255)"
    assert dark[0] == "rgb(20, 23, 28)"
    assert dark[1] != light[1]
    assert on_paper == ("rgb(255, 255, 255)", False, False)


def on_phone(reader, page):
    """Open a page on a phone of 390 pixels."""
    metrics = {"width": 390, "height": 844, "deviceScaleFactor": 1, "mobile": True}
    reader.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
    reader.open(page)


@pytest.fixture
def phone(reader):
    yield lambda page: on_phone(reader, page)
    reader.driver.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})


PHONE = """
const shown = element => element.getClientRects().length > 0;
const texts = [...document.querySelectorAll(".drawing text, .network text")].filter(shown).map(text => {
    const svg = text.ownerSVGElement;
    return parseFloat(getComputedStyle(text).fontSize) * svg.getBoundingClientRect().width / svg.viewBox.baseVal.width;
});
const targets = [...document.querySelectorAll("button, input[type=range], summary, .contents a, td a")].filter(shown)
    .map(element => element.getBoundingClientRect()).map(box => Math.min(box.width, box.height));
const slider = document.querySelector("#threshold").getBoundingClientRect();
const root = document.documentElement;
return [Math.min(...texts), Math.min(...targets), slider.width, root.scrollWidth - root.clientWidth];
"""


@pytest.mark.parametrize("page", ["report.html", "archsm/report.html"])
def test_on_a_phone_text_can_be_read_and_every_target_be_hit(reader, experiment, phone, page):
    phone(experiment / page)
    smallest_text, smallest_target, slider_width, overflow = reader.run(PHONE)
    assert smallest_text >= 10.95
    assert smallest_target >= 24
    assert slider_width > 340
    assert overflow == 0


def test_on_a_phone_a_gallery_shows_four_cases_and_a_button_the_others(reader, experiment, phone):
    phone(experiment / "archsm/report.html")
    gallery = reader.one("[aria-labelledby=samples] .gallery")
    cases = gallery.find_elements("css selector", ":scope > li")
    assert [case.is_displayed() for case in cases] == [True] * 4 + [False] * (len(cases) - 4)
    button = reader.one("[aria-labelledby=samples] .gallery + .more")
    assert button.text == f"Show {len(cases) - 4} more cases"
    reader.run("arguments[0].click()", button)
    assert all(case.is_displayed() for case in cases)


def test_a_table_that_scrolls_can_be_reached_by_keyboard_and_has_a_name(reader, experiment, phone):
    phone(experiment / "report.html")
    regions = reader.run(
        "return [...document.querySelectorAll('.scroll')].filter(one => one.scrollWidth > one.clientWidth + 1)"
        ".map(one => [one.tabIndex, one.getAttribute('role'), one.getAttribute('aria-label')])"
    )
    assert [0, "group", "Numbers at the threshold, with 95% intervals, scrolls sideways"] in regions
    assert all(region[:2] == [0, "group"] and region[2] for region in regions)


@pytest.mark.parametrize("width", [pytest.param(1280, marks=pytest.mark.slow), 700])
@pytest.mark.parametrize("page", ["report.html", "archsm/report.html"])
def test_no_page_is_wider_than_its_window(reader, experiment, page, width):
    reader.driver.set_window_size(width, 900)
    reader.open(experiment / page)
    wide = reader.run("return [document.documentElement.scrollWidth, document.documentElement.clientWidth]")
    reader.driver.set_window_size(1280, 900)
    assert wide[0] == wide[1]


@pytest.mark.parametrize("place", range(4))
def test_predictive_values_at_a_chosen_prevalence_are_those_of_the_table(reader, experiment, place):
    page = reader.open(experiment / "arch3dsm/report.html")
    rows = page.all("table.predictive tbody tr")
    field = page.one("table.predictive input")
    field.clear()
    field.send_keys(rows[place].text.split("%")[0])
    table, chosen = ([cell.text for cell in row.find_elements("tag name", "td")] for row in (rows[place], rows[-1]))
    assert chosen == table
    field.send_keys(Keys.CONTROL, "a")
    field.send_keys(Keys.BACKSPACE)
    assert [cell.text for cell in rows[-1].find_elements("tag name", "td")] == ["", ""]
    assert page.complaints() == []
