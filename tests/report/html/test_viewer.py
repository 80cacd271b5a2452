"""The case viewer: voxels come back from their text, pages stay small, and what is drawn are the voxels in their window."""

import base64
import json
import re
import zlib

import numpy as np
import pytest
from selenium.webdriver.common.actions.action_builder import ActionBuilder
from selenium.webdriver.common.keys import Keys

from archnet.report.gallery_file import Gallery
from archnet.report.html.cases.embedded_cases import KeptCase, embed_cases
from archnet.report.html.cases.voxel_encoding import block_means, encode_voxels
from archnet.report.html.comparison_page import write_comparison
from archnet.report.html.run_page import write_report
from archnet.report.run_files import read_run
from browser import start_reader
from synthetic_runs import keep_cases, kept_values, synthetic_predictions, write_run

pytestmark = pytest.mark.slow

SHAPE = (24, 20, 8)


@pytest.fixture(scope="module")
def reader():
    reader = start_reader()
    yield reader
    reader.driver.quit()


@pytest.fixture(scope="module")
def experiment(tmp_path_factory):
    """Two runs that keep cases in HU, and their comparison."""
    folder = tmp_path_factory.mktemp("runs") / "both"
    runs = []
    for name, skill in (("archsm", 1.2), ("arch3dsm", 2.5)):
        predictions = synthetic_predictions(skill=skill)
        runs.append(write_run(folder / name, predictions=predictions))
        keep_cases(runs[-1], predictions, shape=SHAPE, num_errors=12)
        write_report(read_run(runs[-1]))
    write_comparison(folder, runs)
    return folder


def decode(text, shape):
    """The numbers (height, width, depth) in a text, as the script decodes them."""
    content = np.frombuffer(zlib.decompress(base64.b64decode(text), wbits=-15), np.uint8).astype(np.int64)
    folded = content[: content.size // 2] + 256 * content[content.size // 2 :]
    differences = (folded >> 1) ^ -(folded & 1)
    height, width, depth = shape
    return (np.cumsum(differences) % 65536).reshape(depth, height, width).transpose(1, 2, 0)


@pytest.mark.parametrize("shape", [(7, 5, 3), (6, 9)])
@pytest.mark.parametrize("dtype", [np.int16, np.uint8])
def test_voxels_come_back_from_their_text(shape, dtype):
    limits = np.iinfo(dtype)
    values = np.random.default_rng(0).integers(limits.min, limits.max, shape, dtype, endpoint=True)
    encoded = encode_voxels(values)
    np.testing.assert_array_equal(decode(encoded.text, encoded.shape) + encoded.offset, np.atleast_3d(values))


def test_rounded_voxels_are_off_by_half_a_step_at_most_and_take_less_text():
    values = np.random.default_rng(0).normal(-700, 40, (32, 32, 8)).astype(np.int16)
    exact, rounded = encode_voxels(values), encode_voxels(values, step=4)
    restored = decode(rounded.text, rounded.shape) * rounded.factor + rounded.offset
    assert np.abs(restored - values).max() <= 2
    assert len(rounded.text) < 0.8 * len(exact.text)


def test_large_cases_become_means_over_blocks():
    values = np.random.default_rng(0).integers(-1000, 400, (128, 128, 70), np.int16)
    encoded = encode_voxels(values)
    assert (encoded.factors, encoded.shape) == ((2, 2, 2), (64, 64, 35))
    expected = values.reshape(64, 2, 64, 2, 35, 2).mean(axis=(1, 3, 5))
    np.testing.assert_allclose(block_means(values.astype(float), (2, 2, 2)), expected)
    np.testing.assert_allclose(decode(encoded.text, encoded.shape) + encoded.offset, expected, atol=0.5)


def kept_noise(count, shape):
    values = np.random.default_rng(0).normal(-700, 60, (1, *shape)).astype(np.int16)
    names = np.array(["c"])
    scales = np.array([[1.0, 0.0]])
    gallery = Gallery(values=values, cases=names, kinds=names, scales=scales, window=(-1000, 400), is_hu=True)
    return [KeptCase(row=row, gallery=gallery, number=0, heat_maps=(None,)) for row in range(count)]


def test_a_page_rounds_values_before_it_leaves_cases_out():
    exact = embed_cases(kept_noise(10, (16, 16, 4)))
    assert (len(exact.cases), exact.rounding) == (10, 1)
    size = sum(len(case["voxels"]) for case in exact.cases)
    rounded = embed_cases(kept_noise(10, (16, 16, 4)), int(0.8 * size) + 3000)
    assert (len(rounded.cases), rounded.rounding > 1) == (10, True)
    few = embed_cases(kept_noise(10, (16, 16, 4)), int(0.3 * size) + 900)
    assert (0 < len(few.cases) < 10, few.rounding) == (True, 8)


def drawn(reader, plane, across, down):
    """The picture of a plane as its canvas draws it, without marks: RGBA (down, across, 4) at the voxels' centres."""
    numbers = reader.run(
        "const [plane, across, down] = arguments;"
        "const canvas = document.querySelector(`[data-plane=${plane}] canvas`), {width, height} = canvas;"
        "const copy = new OffscreenCanvas(width, height);"
        "const context = copy.getContext('2d', {willReadFrequently: true});"
        "context.drawImage(canvas, 0, 0);"
        "const {data} = context.getImageData(0, 0, width, height), found = [];"
        "for (let row = 0; row < down; row++) for (let column = 0; column < across; column++) {"
        "  const y = Math.floor((row + 0.5) / down * height), x = Math.floor((column + 0.5) / across * width);"
        "  found.push(...data.slice(4 * (y * width + x), 4 * (y * width + x) + 4));"
        "}"
        "return found;",
        plane,
        across,
        down,
    )
    return np.array(numbers).reshape(down, across, 4)


def open_viewer(reader, page):
    reader.complaints(), reader.requests()
    reader.open(page)
    reader.until(lambda: is_open(reader))
    reader.run("document.querySelector('.smooth').click()")


def is_open(reader):
    """The section is scrolled to each time: a page that is loaded again goes back to where it was."""
    return reader.run(
        "document.querySelector('.browser').scrollIntoView(); return !document.querySelector('.panel').hidden"
    )


def opened(reader):
    """The number of the open case in the gallery, its voxels, and its entry on the page."""
    place = int(reader.one(".thumbs [aria-current=true]").get_attribute("data-place"))
    entry = json.loads(reader.run("return document.getElementById('viewer-voxels').textContent"))[place]
    numbers = decode(entry["voxels"], entry["shape"])
    return numbers * entry["factor"] + entry["offset"]


def grey(values, low, high):
    return np.clip((values - low) / (high - low) * 255, 0, 255)


def press(reader, *keys):
    reader.one(".panel").send_keys(*keys)


def assert_drawn(reader, plane, expected):
    """Most voxels have their grey; the others lie below marks, letters and the scale bar."""
    seen = drawn(reader, plane, expected.shape[1], expected.shape[0])
    assert (np.abs(seen[..., 0] - expected) <= 1).mean() > 0.6
    assert (seen[..., 3] == 255).all()


def test_the_planes_show_the_voxels_in_the_chosen_window(reader, experiment):
    page = experiment / "archsm/report.html"
    open_viewer(reader, page)
    values = opened(reader)
    candidates = [kept_values(number, SHAPE) for number in range(18)]
    assert any(np.array_equal(values, one) for one in candidates)
    buttons = [button.text for button in reader.all(".windows button")]
    minus = "\N{MINUS SIGN}"
    assert buttons == [
        f"training {minus}1,000 to 400", f"lung {minus}1,350 to 150", f"mediastinal {minus}160 to 240",
        f"bone {minus}500 to 1,300",
    ]  # fmt: skip
    for key, low, high in (("1", -1000, 400), ("2", -1350, 150), ("3", -160, 240), ("4", -500, 1300)):
        press(reader, key)
        assert_drawn(reader, "axial", grey(values[:, :, 4], low, high))
        assert_drawn(reader, "coronal", grey(values[12, :, ::-1].T, low, high))
        assert_drawn(reader, "sagittal", grey(values[:, 10, ::-1].T, low, high))
    own_reads = "willReadFrequently"  # `drawn` reads the canvases back, which the page never does
    assert [one for one in reader.complaints() if own_reads not in one] == []
    assert reader.requests() == [page.as_uri()]


def test_arrow_keys_page_the_slices_and_the_position_follows(reader, experiment):
    open_viewer(reader, experiment / "archsm/report.html")
    values = opened(reader)
    slider = reader.one("[data-plane=axial] input")
    assert slider.get_attribute("value") == "4"
    press(reader, Keys.ARROW_UP, Keys.ARROW_UP)
    assert slider.get_attribute("aria-valuetext") == "slice 7 of 8"
    assert_drawn(reader, "axial", grey(values[:, :, 6], -1000, 400))
    text = reader.one(".position").text
    assert f"value {values[12, 10, 6]:.0f}".replace("-", "\N{MINUS SIGN}") in text
    assert "slice 63 of the scan's 133" in text
    assert ", \N{MINUS SIGN}20.0, 33.0 mm (x, y, z; LPS)" in text
    reader.one("[data-plane=coronal] canvas").send_keys(Keys.ARROW_DOWN)
    assert reader.one("[data-plane=coronal] output").text == "slice 12 of 24"
    press(reader, "c")
    assert slider.get_attribute("value") == "4"


def test_n_and_p_change_the_case_and_h_its_heat_map(reader, experiment):
    open_viewer(reader, experiment / "archsm/report.html")
    first = reader.one(".case-name").text
    press(reader, "n")
    reader.until(lambda: reader.one(".case-name").text != first)
    press(reader, "p")
    reader.until(lambda: reader.one(".case-name").text == first)
    assert reader.one(".heat-note").text == ""
    press(reader, "h")
    reader.until(lambda: reader.one(".heat-note").text != "")
    assert reader.one(".heat-note").text.startswith("Evidence for “nodule” in archsm (Grad-CAM)")
    picture = drawn(reader, "axial", 20, 24)
    assert (picture[..., 0].astype(int) - picture[..., 2]).max() > 50
    press(reader, "h")
    reader.until(lambda: reader.one(".heat-note").text == "")


def chips(reader):
    return [chip.text for chip in reader.all(".chips > *")]


def test_a_cell_of_the_matrix_selects_its_cases_and_follows_the_threshold(reader, experiment):
    page = experiment / "archsm/report.html"
    open_viewer(reader, page)
    predictions = read_run(experiment / "archsm").predictions.select("test")
    scores, truth = predictions.probabilities[:, 1], predictions.y_true
    reader.run(
        'document.querySelector(\'table[data-column=test] td[data-truth="1"][data-predicted="0"] button\').click()'
    )
    assert chips(reader) == ["test set", "true class “nodule”", "predicted “non-nodule”", "threshold 0.500"]
    missed = int(((truth == 1) & (scores < 0.5)).sum())
    assert f" of {missed} cases shown" in reader.one(".found").text
    assert reader.run("return document.activeElement.className") == "found"
    steps = json.loads(reader.run("return document.getElementById('live-data').textContent"))["scales"][0]["steps"]
    place = len(steps) * 3 // 4
    reader.slide("#threshold", place)
    missed = int(((truth == 1) & (scores < steps[place])).sum())
    assert f" of {missed} cases shown" in reader.one(".found").text
    reader.all(".chips button")[-1].click()
    assert chips(reader) == ["test set", "true class “nodule”"]
    embedded = len(reader.all(".thumbs li"))
    total = int((truth == 1).sum())
    rest = total - embedded
    assert reader.one(".found").text == (
        f"{embedded} of {total} cases shown; {rest} more are listed below without images."
    )
    assert len(reader.all(".unseen tbody tr")) == rest


def test_a_bar_of_the_histogram_is_a_button_that_selects_its_scores(reader, experiment):
    open_viewer(reader, experiment / "archsm/report.html")
    predictions = read_run(experiment / "archsm").predictions.select("test")
    scores, truth = predictions.probabilities[:, 1], predictions.y_true
    bar = reader.all(".histogram")[0].find_elements("css selector", "button")[3]
    count = int(((truth == 0) & (scores >= 0.3) & (scores < 0.4)).sum())
    assert bar.text == str(count)
    label = f"{count} cases of true class “non-nodule” with a score of 0.3 to 0.4. Show them"
    assert bar.get_attribute("aria-label") == label
    bar.send_keys(Keys.ENTER)
    assert f" of {count} cases shown" in reader.one(".found").text
    assert bar.get_attribute("aria-pressed") == "true"
    assert chips(reader) == ["true class “non-nodule”", "test set", "score 0.300 to 0.400"]


def test_a_comparison_starts_with_the_cases_on_which_the_networks_disagree(reader, experiment):
    open_viewer(reader, experiment / "report.html")
    runs = {name: read_run(experiment / name).predictions.select("test") for name in ("archsm", "arch3dsm")}
    right = {name: part.predicted_classes(positive=1) == part.y_true for name, part in runs.items()}
    disputed = int((right["arch3dsm"] & ~right["archsm"]).sum())
    assert chips(reader) == ["arch3dsm right", "archsm wrong"]
    assert f" of {disputed} cases shown" in reader.one(".found").text
    rows = [row.text for row in reader.all(".answers tr")[1:]]
    assert [row.split()[0] for row in rows] == ["archsm", "arch3dsm"]
    assert "wrong at 0.500" in rows[0]
    assert "right at 0.500" in rows[1]
    assert reader.complaints() == []


def test_a_cell_is_named_by_its_count_and_its_share(reader, experiment):
    open_viewer(reader, experiment / "archsm/report.html")
    cell = reader.one('table[data-column=test] td[data-truth="1"][data-predicted="0"]')
    number, share = (cell.find_element("css selector", name).text for name in ("b", "small"))
    button = cell.find_element("tag name", "button")
    assert button.get_attribute("aria-label") == (
        f"test: {number} {share}, true class “nodule”, predicted “non-nodule”. Show these cases"
    )


def roc_curve(run, set_name):
    """The scores of the negatives, and a function from a false-positive rate to the recall on the curve."""
    predictions = read_run(run).predictions.select(set_name)
    scores, truth = predictions.probabilities[:, 1], predictions.y_true
    negatives = scores[truth == 0]
    return negatives, lambda rate: (scores[truth == 1] >= np.quantile(negatives, 1 - rate)).mean()


def drag_over_roc(reader, first, last):
    """Press the mouse at a point of the plot (false-positive rate, recall), move it to another one, and read the label."""
    plot = reader.one("#live [data-side]")
    reader.scroll_to(plot)
    (left, top), (right, bottom) = reader.run(
        "const plot = arguments[0], [left, top, side] = ['left', 'top', 'side'].map(key => Number(plot.dataset[key]));"
        "return [[left, top], [left + side, top + side]].map(([x, y]) => {"
        "  const point = new DOMPoint(x, y).matrixTransform(plot.getScreenCTM()); return [point.x, point.y]; });",
        plot,
    )
    (x0, y0), (x1, y1) = [
        (round(left + x * (right - left)), round(bottom - y * (bottom - top))) for x, y in (first, last)
    ]
    drag = ActionBuilder(reader.driver)
    drag.pointer_action.move_to_location(x0, y0).pointer_down().move_to_location(x1, y1)
    drag.perform()
    label = reader.one(".stretch-label").text
    drop = ActionBuilder(reader.driver)
    drop.pointer_action.pointer_up()
    drop.perform()
    return label


@pytest.mark.parametrize("name", ["test", "validation"])
def test_a_mouse_dragged_along_a_roc_curve_selects_the_scores_of_its_set_between_the_rates(reader, experiment, name):
    open_viewer(reader, experiment / "archsm/report.html")
    negatives, recall = roc_curve(experiment / "archsm", name)
    label = drag_over_roc(reader, (0.1, recall(0.1)), (0.3, recall(0.3)))
    assert re.fullmatch(rf"{name} set, rate 0\.(09|10|11) to 0\.(29|30|31)", label)
    low, high = (float(reader.one(f"[data-bound={end}]").get_attribute("value")) for end in ("low", "high"))
    assert ((negatives >= high).mean(), (negatives >= low).mean()) == pytest.approx((0.1, 0.3), abs=0.05)
    assert chips(reader) == [f"{name} set", f"score {low:.3f} to {high:.3f}"]
    scores = read_run(experiment / "archsm").predictions.select(name).probabilities[:, 1]
    assert f" of {((scores >= low) & (scores < high)).sum()} cases shown" in reader.one(".found").text
    assert reader.all(".stretch, .stretch-label") == []


def test_a_part_where_roc_curves_coincide_selects_the_reported_set(reader, experiment):
    open_viewer(reader, experiment / "arch3dsm/report.html")
    assert [roc_curve(experiment / "arch3dsm", name)[1](0.9) for name in ("train", "validation", "test")] == [1, 1, 1]
    drag_over_roc(reader, (0.9, 1), (0.98, 1))
    assert chips(reader)[0] == "test set"
