"""The page on a phone, for readers of screens, without a mouse, and in the colours of the reports."""

import re
import shutil

import pytest
from selenium.webdriver.common.keys import Keys

from archnet.report.figures.theme import DARK, LIGHT
from command_line import ROOT

PHONE, DESK = (390, 844), (1280, 900)
STYLE = (ROOT / "studio/page/src/styles/colours.css").read_text(encoding="utf-8")
PLACES = ["edit/archs/res2d.json", "edit/experiments/sweep_width.json", "compare/archs/res2d.json", "runs"]
BROKEN = '{"name": "broken", "layers": [{"type": "C", "num_outputs": 8}, {"type": "T"}]}'


@pytest.fixture(scope="module", autouse=True)
def _files(folder, finished_runs):
    for name in ("archs/res2d.json", "archs/archsm.json", "archs/arch3dsm.json", "experiments/sweep_width.json",
                 "experiments/phantom_2d_vs_3d.json"):  # fmt: skip
        (folder / name).parent.mkdir(exist_ok=True)
        shutil.copy(ROOT / name, folder / name)
    (folder / "broken.json").write_text(BROKEN)
    shutil.copytree(finished_runs / "out", folder / "out")


@pytest.fixture
def window(page):
    """Sets width and height of the page, also below the narrowest window."""

    def resize(size):
        page.driver.execute_cdp_cmd(
            "Emulation.setDeviceMetricsOverride",
            {"width": size[0], "height": size[1], "deviceScaleFactor": 1, "mobile": False},
        )

    yield resize
    page.driver.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})


@pytest.fixture
def scheme(page):
    def prefer(name):
        page.driver.execute_cdp_cmd(
            "Emulation.setEmulatedMedia", {"features": [{"name": "prefers-color-scheme", "value": name}]}
        )

    yield prefer
    page.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": []})


def show_run(page):
    page.open("runs")
    page.see(".run-name").click()
    page.see(".matrix")


@pytest.mark.slow
@pytest.mark.parametrize("theme", [LIGHT, DARK], ids=["light", "dark"])
def test_the_colours_are_those_of_the_reports(theme):
    pairs = {name: values for name, *values in re.findall(r"--([\w-]+): light-dark\((#\w+), (#\w+)\)", STYLE)}
    own = {name: pair[theme is DARK] for name, pair in pairs.items() if name != "number"}
    assert own == {name: theme.variables()[name] for name in own}
    assert len(own) > 15


@pytest.mark.slow
@pytest.mark.parametrize("size", [pytest.param(PHONE, marks=pytest.mark.long), DESK], ids=["phone", "desk"])
def test_axe_finds_nothing_in_light_and_in_dark(page, window, scheme, size):
    window(size)
    found = {}

    def examine(name):
        for colours in ("light", "dark"):
            scheme(colours)
            found[name, colours] = page.axe_violations()

    for place in PLACES:
        page.open(place)
        page.until(lambda: page.reader.all(".network, .trials, .run-table"))
        examine(place)
    show_run(page)
    examine("a run")
    page.open("edit/broken.json")
    page.until(lambda: page.reader.all(".problems .error"))
    examine("an error")
    page.press("?")
    page.see("dialog")
    examine("shortcuts")
    assert {key: violations for key, violations in found.items() if violations} == {}


@pytest.mark.long
@pytest.mark.parametrize("pane", ["Files", "Text", "Network"])
def test_a_phone_shows_one_pane_at_a_time_without_sideways_scrolling(page, window, pane):
    window(PHONE)
    page.open("edit/archs/res2d.json")
    page.press_button(pane)
    page.see(f".pane-{pane.lower()}")
    assert sum(one.is_displayed() for one in page.reader.all(".pane")) == 1
    page.until(lambda: page.reader.all(".network"))
    assert not page.is_wider_than_window()


@pytest.mark.slow
@pytest.mark.parametrize("place", PLACES[1:])
def test_no_page_is_wider_than_a_phone(page, window, place):
    window(PHONE)
    page.open(place)
    page.until(lambda: page.reader.all(".network, .trials, .run-table"))
    assert not page.is_wider_than_window()


@pytest.mark.slow
def test_a_run_fits_a_phone(page, window):
    window(PHONE)
    show_run(page)
    assert not page.is_wider_than_window()


@pytest.mark.slow
def test_the_panes_are_reached_by_keyboard(page):
    page.open("edit/archs/res2d.json")
    page.see(".cm-content")
    focused = "return document.activeElement.closest('.pane')?.id"
    for key in "213":
        page.press(Keys.CONTROL, key)
        page.until(
            lambda key=key: page.reader.run(focused) == ["pane-files", "pane-text", "pane-network"][int(key) - 1]
        )
    page.press(Keys.F6)
    page.until(lambda: page.reader.run(focused) == "pane-files")
    page.type("/", "sweep")
    page.until(lambda: all("sweep" in one.text for one in page.reader.all(".file")))


@pytest.mark.slow
def test_the_theme_is_kept(page):
    page.open()
    background = "return getComputedStyle(document.body).backgroundColor"
    page.reader.run("localStorage.removeItem('archnet.theme')")
    page.open()
    shown = {}
    for name in ("light", "dark", "system"):
        page.click("header [aria-label^=Theme]")
        page.reads("header [aria-label^=Theme]", name)
        page.driver.refresh()
        page.reads("header [aria-label^=Theme]", name)
        shown[name] = page.reader.run(background)
    assert shown["light"] == "rgb(255, 255, 255)"
    assert shown["dark"] == "rgb(20, 23, 28)"


@pytest.mark.slow
def test_nothing_is_requested_from_elsewhere(page):
    page.reader.requests()
    page.open("edit/archs/res2d.json")
    page.until(lambda: page.reader.all(".network"))
    asked = page.reader.requests()
    assert asked
    assert all(url.startswith((f"http://127.0.0.1:{page.server.port}/", "about:")) for url in asked)
    assert page.reader.complaints() == []
