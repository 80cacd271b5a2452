"""Check pages with axe-core at the widths of a desktop, a tablet and a phone, in light and dark colours.

    python experiments/check_pages.py PAGE|FOLDER ... --axe path/to/axe.min.js [--json]

PAGE is an HTML file; of a FOLDER all report.html and sweep.html files in it are checked. For each page, with details
unfolded and a case open in the viewer, the script prints the violations that axe-core finds, the size, the time to
load, whether it scrolls sideways, the smallest text of a drawing, and the targets below 24 pixels. It exits with 1 if
there is a violation, a page wider than its window, text of a drawing below 11 pixels, or a small target. axe-core is a
package on npm; `npm pack axe-core` fetches it. Needs chromium, chromedriver and selenium.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from selenium import webdriver
from selenium.webdriver.chrome.options import Options
from selenium.webdriver.chrome.service import Service

WIDTHS = (1440, 800, 390)
PAGES = ("report.html", "sweep.html")
SMALLEST_TEXT = 11.0
SMALLEST_TARGET = 24.0

AXE = """
const done = arguments[0];
axe.run(document, {resultTypes: ["violations"]}).then(found => done(found.violations.map(
  ({id, impact, nodes}) => ({id, impact, nodes: nodes.map(node => node.target.join(" "))}))));
"""
UNFOLD = """
const done = arguments[0], browser = document.querySelector(".browser");
for (const details of document.querySelectorAll("details")) details.open = true;
browser?.scrollIntoView();
const isOpen = () => !browser || !browser.querySelector(".panel").hidden;
const wait = tries => tries === 0 || isOpen() ? setTimeout(done, 200) : setTimeout(wait, 50, tries - 1);
wait(60);
"""
MEASURE = """
const visible = element => element.getClientRects().length > 0;
const sizes = [...document.querySelectorAll("svg text")].filter(visible).map(text => {
  const svg = text.ownerSVGElement;
  return parseFloat(getComputedStyle(text).fontSize) * svg.getBoundingClientRect().width / svg.viewBox.baseVal.width;
});
const inline = element => element.matches("p a, td a, .note a, footer a");
const targets = [...document.querySelectorAll("a, button, input, select, summary")].filter(visible)
  .filter(element => !inline(element) && !element.matches(".skip") && !element.closest("label"))
  .map(element => [element, element.getBoundingClientRect()])
  .filter(([, box]) => Math.min(box.width, box.height) < arguments[0] - 0.01)
  .map(([element, box]) => `${element.tagName.toLowerCase()} ${Math.round(box.width)}x${Math.round(box.height)}`);
const [entry] = performance.getEntriesByType("navigation");
const root = document.documentElement;
return {
  load_ms: Math.round(entry.loadEventEnd), smallest_text: sizes.length ? Math.min(...sizes) : null,
  small_targets: targets, overflow: root.scrollWidth - root.clientWidth,
};
"""


def page_paths(paths: Sequence[Path]) -> Iterator[Path]:
    for path in paths:
        yield from sorted(found for name in PAGES for found in path.rglob(name)) if path.is_dir() else [path]


def start_browser() -> webdriver.Chrome:
    options = Options()
    options.binary_location = shutil.which("chromium") or ""
    for argument in ("--headless=new", "--no-sandbox", "--disable-gpu", "--hide-scrollbars"):
        options.add_argument(argument)
    return webdriver.Chrome(options=options, service=Service(executable_path=shutil.which("chromedriver")))


def check_page(driver: webdriver.Chrome, page: Path, width: int, scheme: str, axe: str) -> dict[str, Any]:
    """Load a page at a width and measure it."""
    driver.execute_cdp_cmd(
        "Emulation.setDeviceMetricsOverride",
        {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 500},
    )
    driver.execute_cdp_cmd(
        "Emulation.setEmulatedMedia", {"features": [{"name": "prefers-color-scheme", "value": scheme}]}
    )
    driver.get(page.resolve().as_uri())
    driver.execute_async_script(UNFOLD)
    measured = driver.execute_script(MEASURE, SMALLEST_TARGET)
    driver.execute_script(axe)
    violations = driver.execute_async_script(AXE)
    return {"page": str(page), "width": width, "scheme": scheme, "bytes": page.stat().st_size, **measured,
            "violations": violations}  # fmt: skip


def has_problem(row: dict[str, Any]) -> bool:
    is_small = row["smallest_text"] is not None and row["smallest_text"] < SMALLEST_TEXT - 0.05
    return bool(row["violations"] or row["small_targets"] or row["overflow"] > 0 or is_small)


def row_text(row: dict[str, Any]) -> str:
    text = "no drawing" if row["smallest_text"] is None else f"{row['smallest_text']:.1f} px"
    counts = (
        f"{len(row['violations'])} violations at {sum(len(found['nodes']) for found in row['violations'])} elements"
    )
    lines = [
        f"{row['page']} {row['width']} {row['scheme']}: {counts}; {row['bytes'] / 1e6:.2f} MB, {row['load_ms']} ms; "
        f"smallest text {text}; {len(row['small_targets'])} small targets; {row['overflow']} px too wide",
        *(f"    {found['id']} ({found['impact']}): {'; '.join(found['nodes'][:3])}" for found in row["violations"]),
        *(f"    target {target}" for target in sorted(set(row["small_targets"]))),
    ]
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("paths", nargs="+", type=Path, metavar="PAGE|FOLDER")
    parser.add_argument("--axe", type=Path, default=os.environ.get("AXE"), help="axe.min.js; by default $AXE")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    arguments = parser.parse_args()
    if arguments.axe is None:
        parser.error("--axe or $AXE must name axe.min.js; `npm pack axe-core` fetches it")
    axe, driver = Path(arguments.axe).read_text(encoding="utf-8"), start_browser()
    rows = []
    try:
        for page in page_paths(arguments.paths):
            for width in WIDTHS:
                for scheme in ("light", "dark"):
                    rows.append(check_page(driver, page, width, scheme, axe))
                    if not arguments.json:
                        print(row_text(rows[-1]), flush=True)
    finally:
        driver.quit()
    if arguments.json:
        print(json.dumps({"rows": rows}, indent=2))
    sys.exit(any(map(has_problem, rows)))


if __name__ == "__main__":
    main()
