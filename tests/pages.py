"""HTML pages as tests read them."""

from html.parser import HTMLParser

from archnet.report.html.run_page import write_report
from archnet.report.run_files import read_run


class Page(HTMLParser):
    """Tags with their attributes, and the visible words."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.words = [], []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data):
        self.words += data.split()

    @property
    def text(self):
        return " ".join(self.words)


def page_of(folder):
    return Page(write_report(read_run(folder)).read_text(encoding="utf-8"))
