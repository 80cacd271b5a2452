"""The verdict of a comparison's page, copied and saved in a browser that is offline."""

import time

import pytest

from archnet.report.html.comparison_page import write_comparison
from browser import start_reader
from synthetic_runs import write_run

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def reader():
    reader = start_reader()
    yield reader
    reader.driver.quit()


@pytest.fixture
def page(tmp_path, reader):
    runs = [write_run(tmp_path / "out/archsm", skill=0.5), write_run(tmp_path / "out/arch3dsm", skill=4.0, rank=3)]
    reader.open(write_comparison(tmp_path / "out", runs))
    reader.complaints(), reader.requests()
    return reader


def click(page, selector):
    page.one(selector).click()
    deadline = time.monotonic() + 10
    while not page.one(".copied").text and time.monotonic() < deadline:
        time.sleep(0.02)
    return page.one(".copied").text


@pytest.mark.parametrize("kind", ["text", "latex"])
def test_the_text_and_the_latex_rows_reach_the_clipboard(page, kind):
    page.driver.execute_cdp_cmd("Browser.grantPermissions", {"permissions": ["clipboardReadWrite"]})
    assert click(page, f'[data-copy="{kind}"]') == "Copied."
    copied = page.driver.execute_async_script("navigator.clipboard.readText().then(arguments[0])")
    assert copied == page.one(".copies").get_attribute(f"data-{kind}")
    assert page.complaints() == []


@pytest.mark.parametrize(("kind", "start"), [("svg", b"<svg "), ("png", b"\x89PNG\r\n\x1a\n")])
def test_the_picture_is_saved_without_a_request(page, tmp_path, kind, start):
    behavior = {"behavior": "allow", "downloadPath": str(tmp_path)}
    page.driver.execute_cdp_cmd("Browser.setDownloadBehavior", behavior)
    assert click(page, f'[data-save="{kind}"]') == f"Saved as verdict.{kind}."
    path, deadline = tmp_path / f"verdict.{kind}", time.monotonic() + 10
    while not (path.exists() and path.stat().st_size) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert path.read_bytes().startswith(start)
    assert page.complaints() == []
    assert [url for url in page.requests() if not url.startswith("blob:")] == []


@pytest.mark.parametrize(("width", "height"), [(1440, 900), (390, 844)])
def test_badge_sentence_and_bars_are_on_the_first_screen_and_nothing_is_wider(page, width, height):
    size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 500}
    page.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    bottoms = page.run("return ['.badge', '.headline', '.bars'].map(name => "
                       "document.querySelector(name).getBoundingClientRect().bottom)")  # fmt: skip
    assert max(bottoms) <= height
    assert page.run("return document.documentElement.scrollWidth") <= width
    if width == 1440:
        assert page.run("return document.querySelector('.cautions').getBoundingClientRect().bottom") <= height
    page.driver.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
