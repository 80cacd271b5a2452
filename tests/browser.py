"""A headless Chromium, offline, for the tests that read a report as its readers do."""

import json
import os
import shutil

import pytest
from selenium import webdriver
from selenium.webdriver.chrome.options import Options
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import WebDriverWait

PATIENCE_SECONDS = 120
"""A page that has not come to a state by then hangs: on a busy machine a browser may wait half a minute for its turn."""

_IS_WHOLE = (
    "const path = address => decodeURIComponent(new URL(address).pathname);"
    "return document.readyState === 'complete' && path(location.href) === path(arguments[0]);"
)


class Reader:
    """A page in a browser, and what the browser wrote down of it."""

    def __init__(self, driver):
        self.driver = driver

    def open(self, path):
        """Opens a page and waits until it is whole: on a busy machine, `get` may return before."""
        self.driver.get(path.as_uri())
        self.until(lambda: self.run(_IS_WHOLE, path.as_uri()))
        return self

    def one(self, selector):
        return self.driver.find_element(By.CSS_SELECTOR, selector)

    def all(self, selector):
        return self.driver.find_elements(By.CSS_SELECTOR, selector)

    def run(self, script, *values):
        return self.driver.execute_script(script, *values)

    def until(self, condition):
        """Waits until a condition holds; an error in it, as of an element that is not there yet, means not yet."""
        return WebDriverWait(self.driver, PATIENCE_SECONDS, 0.05, (Exception,)).until(lambda driver: condition())

    def scroll_to(self, element):
        """Brings an element into view, and waits until the page has heard of it."""
        self.driver.execute_async_script(
            "const done = arguments[1]; arguments[0].scrollIntoView({block: 'center'});"
            "requestAnimationFrame(() => requestAnimationFrame(() => done()))",
            element,
        )

    def slide(self, selector, value):
        """Moves a slider as a hand does: its value, then the event."""
        self.run("arguments[0].value = arguments[1]; arguments[0].dispatchEvent(new Event('input'))",
                 self.one(selector), value)  # fmt: skip

    def complaints(self):
        """Everything in the console since the last call."""
        return [entry["message"] for entry in self.driver.get_log("browser")]

    def requests(self):
        """Addresses asked for since the last call; embedded pictures are none."""
        events = [json.loads(entry["message"])["message"] for entry in self.driver.get_log("performance")]
        sent = [event["params"]["request"]["url"] for event in events if event["method"] == "Network.requestWillBeSent"]
        return [url for url in sent if not url.startswith("data:")]


def start_reader(*arguments):
    """A browser, or a skipped test where there is none; in CI that is an error."""
    chromium, driver = shutil.which("chromium"), shutil.which("chromedriver")
    if not (chromium and driver):
        if os.environ.get("CI") == "true":
            raise RuntimeError("chromium or chromedriver is missing; .ci/run installs both")
        pytest.skip("no chromium with chromedriver")
    options = Options()
    options.binary_location = chromium
    for argument in ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-background-networking",
                     "--window-size=1280,900", *arguments):  # fmt: skip
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    driver = webdriver.Chrome(options=options, service=Service(executable_path=driver))
    driver.set_script_timeout(PATIENCE_SECONDS)
    return Reader(driver)
