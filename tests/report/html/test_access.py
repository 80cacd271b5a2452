"""What every page offers to readers with a keyboard, a screen reader or a phone, as far as its text shows it."""

import re
from itertools import pairwise

import pytest

from archnet.report.html.comparison_page import write_comparison
from archnet.report.html.run_page import write_report
from archnet.report.run_files import read_run
from pages import Page
from synthetic_runs import write_run


@pytest.fixture(scope="module")
def texts(tmp_path_factory):
    """The text of a run's page and of a comparison's."""
    folder = tmp_path_factory.mktemp("runs") / "both"
    runs = [write_run(folder / "archsm", depth=10), write_run(folder / "arch3dsm", skill=2.5)]
    pages = [write_report(read_run(runs[0])), write_comparison(folder, runs)]
    return [page.read_text(encoding="utf-8") for page in pages]


@pytest.mark.slow
def test_the_contents_list_every_section_in_order_but_the_galleries_that_the_viewer_replaces(texts):
    for text in texts:
        contents = re.search(r'<nav class="contents" aria-label="Contents">(.*?)</nav>', text, re.DOTALL)[1]
        links = re.findall(r'<a href="#([^"]+)">([^<]+)</a>', contents)
        headings = re.findall(r'(class="fallback">\s*)?<h2 id="([^"]+)">([^<]+)</h2>', text)
        assert links == [(name, title) for fallback, name, title in headings if not fallback]
        assert len(links) < len(headings)
        assert len(links) > 3


@pytest.mark.slow
def test_headings_are_in_order_without_a_gap(texts):
    for text in texts:
        levels = [int(tag[1]) for tag, _ in Page(text).tags if re.fullmatch("h[1-6]", tag)]
        assert levels[0] == 1
        assert levels.count(1) == 1
        assert all(next_ - level <= 1 for level, next_ in pairwise(levels))


@pytest.mark.slow
def test_every_page_has_its_landmarks_once_and_a_name_for_each_section(texts):
    for text in texts:
        tags = [(tag, attrs) for tag, attrs in Page(text).tags]
        names = [tag for tag, _ in tags]
        assert [names.count(tag) for tag in ("header", "nav", "main", "footer")] == [1, 1, 1, 1]
        ids = [attrs["id"] for _, attrs in tags if "id" in attrs]
        assert len(ids) == len(set(ids))
        assert {attrs.get("aria-labelledby") for tag, attrs in tags if tag == "section"} <= set(ids)


def test_every_control_and_every_picture_has_a_name(texts):
    for text in texts:
        tags = Page(text).tags
        labelled = {attrs.get("for") for tag, attrs in tags if tag == "label"}
        for tag, attrs in tags:
            if tag == "input" and attrs["type"] == "range":
                assert attrs.get("aria-label") or attrs["id"] in labelled
            if attrs.get("role") == "img":
                assert attrs["aria-label"]
