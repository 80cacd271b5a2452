"""The built site: warnings are errors, no link leads nowhere, and no page loads anything from another address."""

import logging
import os
import re
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

from command_line import ROOT

pytest.importorskip("mkdocs", reason='the site needs MkDocs: pip install -e ".[docs]"')

LOADED = {"script": "src", "img": "src", "iframe": "src", "source": "src", "video": "src", "object": "data"}
"""What a browser loads without being asked, beside style sheets."""


class Page(HTMLParser):
    """The links, the loaded files and the ids of a page."""

    def __init__(self, text):
        super().__init__()
        self.links, self.loaded, self.ids = [], [], set()
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        values = dict(attrs)
        self.ids |= {values[name] for name in ("id", "name") if values.get(name)}
        if tag == "a" and values.get("href"):
            self.links.append(values["href"])
        if tag in LOADED and values.get(LOADED[tag]):
            self.loaded.append(values[LOADED[tag]])
        if tag == "link" and values.get("rel") not in ("canonical", "prev", "next"):
            self.loaded.append(values["href"])


def build_site(folder):
    from mkdocs.commands.build import build
    from mkdocs.config import load_config

    logging.getLogger("mkdocs").setLevel(logging.ERROR)
    build(load_config(str(ROOT / "docs/mkdocs.yml"), site_dir=str(folder), strict=True))
    return folder


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """The folder of the site, which is in ARCHNET_SITE if it is built already, and its pages by their paths."""
    folder = Path(os.environ.get("ARCHNET_SITE") or build_site(tmp_path_factory.mktemp("site")))
    paths = [path for path in folder.rglob("*.html") if path.name != "404.html"]
    return folder, {path: Page(path.read_text(encoding="utf-8")) for path in paths}


@pytest.mark.slow
def test_every_link_leads_to_a_file_and_an_anchor(site):
    _, pages = site
    broken = []
    for path, page in pages.items():
        for link in [*page.links, *page.loaded]:
            parts = urlsplit(link)
            if parts.scheme:
                continue
            target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
            target = target / "index.html" if target.is_dir() else target
            anchor = unquote(parts.fragment)
            if not target.is_file() or (anchor and target in pages and anchor not in pages[target].ids):
                broken.append(f"{path.name}: {link}")
    assert broken == []
    assert len(pages) > 40
    print(f"{len(pages)} pages, {sum(len(page.links) for page in pages.values())} links, none broken")


@pytest.mark.slow
def test_no_page_loads_anything_from_another_address(site):
    folder, pages = site
    assert [link for page in pages.values() for link in page.loaded if re.match(r"[a-z]+:(?!,)|//", link)] == []
    styles = [path.read_text(encoding="utf-8") for path in folder.rglob("*.css")]
    addresses = [
        found for style in styles for found in re.findall(r"(?:url\(|@import )['\"]?((?:https?:)?//[^)'\"]+)", style)
    ]
    assert addresses == []


@pytest.mark.slow
def test_every_layer_type_has_a_picture(site):
    from archnet.spec.layers import LAYERS

    folder, _ = site
    text = (folder / "reference/layers.html").read_text(encoding="utf-8")
    for name in LAYERS:
        (section,) = re.findall(rf'<h3 id="{name}">(.*?)(?=<h[23] |</article>)', text, re.DOTALL)
        (label,) = set(re.findall(r'role="img" aria-label="([^"]+)"', section))
        assert name == "REP" or f"; {name}" in label, name  # REP is written out
