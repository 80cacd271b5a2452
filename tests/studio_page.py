"""The page of archnet studio in a browser, served by the real command."""

import os
import re
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path

import pytest
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

from browser import PATIENCE_SECONDS

AXE = Path(__file__).parents[1] / "studio/page/node_modules/axe-core/axe.min.js"

AXE_SCRIPT = """
const done = arguments[0];
axe.run(document, {resultTypes: ["violations"]}).then(found => done(found.violations.map(
    violation => `${violation.id}: ${violation.nodes.map(node => node.target.join(" ")).slice(0, 3).join(", ")}`)));
"""


class StudioServer:
    """`archnet studio` in a process of its own."""

    def __init__(self, folder, port=0):
        self.folder = folder
        self.process = subprocess.Popen(
            [sys.executable, "-m", "archnet", "studio", str(folder), "--port", str(port), "--no-browser"],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            encoding="utf-8",
            env={**os.environ, "COLUMNS": "200"},
        )
        self.address = re.search(r"http\S+", self.process.stdout.readline())[0]
        self.port = int(re.search(r":(\d+)/", self.address)[1])

    def stop(self):
        self.process.terminate()
        self.process.wait(PATIENCE_SECONDS)
        self.process.stdout.close()


@contextmanager
def running_server(folder, port=0):
    server = StudioServer(folder, port)
    try:
        yield server
    finally:
        server.stop()


class StudioPage:
    """What a user does on the page, and what the page shows."""

    def __init__(self, reader, server):
        self.reader, self.server, self.driver = reader, server, reader.driver

    def open(self, place=""):
        """Loads the page anew, at a place such as "edit/archs/mine.json"."""
        self.driver.get("about:blank")
        self.driver.get(f"{self.server.address}#{place}")
        self.see("header h1")
        return self

    def open_file(self, path):
        self.open(f"edit/{path}")
        self.see(".cm-content")
        self.until(lambda: self.text("#problems-title") != "")
        return self

    def until(self, condition):
        return self.reader.until(condition)

    def see(self, selector):
        """The first shown element, once there is one."""
        return self.until(lambda: next(one for one in self.reader.all(selector) if one.is_displayed()))

    def gone(self, selector):
        self.until(lambda: not self.reader.all(selector))

    def text(self, selector):
        return self.reader.one(selector).text

    def reads(self, selector, part):
        """Waits until an element contains a text."""
        self.until(lambda: part in " ".join(one.text for one in self.reader.all(selector)))

    def click(self, selector):
        self.see(selector)
        self.until(lambda: self.reader.one(selector).click() or True)

    def press_button(self, label):
        """Clicks the shown button of a label."""
        self.until(
            lambda: next(one for one in self._buttons() if one.is_displayed() and label in one.text).click() or True
        )

    def _buttons(self):
        return self.driver.find_elements(By.TAG_NAME, "button")

    def press(self, *keys):
        """Presses keys together."""
        actions = ActionChains(self.driver)
        for key in keys[:-1]:
            actions.key_down(key)
        actions.send_keys(keys[-1])
        for key in keys[:-1]:
            actions.key_up(key)
        actions.perform()

    def type(self, *keys):
        ActionChains(self.driver).send_keys(*keys).perform()

    def put_cursor(self, line, column):
        """Puts the cursor into the editor; lines and columns count from 1."""
        self.see(".cm-content")
        element = self.reader.all(".cm-line")[line - 1]
        left, top = -(element.size["width"] // 2) + 2, -(element.size["height"] // 2) + 4
        ActionChains(self.driver).move_to_element_with_offset(element, left, top).click().perform()
        self.type(Keys.RIGHT * (column - 1))

    def editor_lines(self):
        """Lines as they are shown, without hints."""
        script = (
            "return [...document.querySelectorAll('.cm-line')].map(line => { const copy = line.cloneNode(true);"
            "copy.querySelectorAll('.cm-hint').forEach(one => one.remove()); return copy.textContent; })"
        )
        return self.reader.run(script)

    def is_wider_than_window(self):
        return self.reader.run("return document.documentElement.scrollWidth > innerWidth")

    def axe_violations(self):
        if not self.reader.run("return 'axe' in window"):
            self.reader.run(axe_source())
        return self.driver.execute_async_script(AXE_SCRIPT)


def axe_source():
    if AXE.is_file():
        return AXE.read_text(encoding="utf-8")
    if os.environ.get("CI") == "true":
        raise RuntimeError("axe-core is missing; .ci/run installs it with npm ci")
    pytest.skip("no axe-core: cd studio/page; npm ci --ignore-scripts")
