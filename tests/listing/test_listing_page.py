"""The page of `archnet runs` in a browser: its headers sort the rows, and it asks for nothing."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from archnet.listing.folder_rows import Listing
from archnet.listing.listing_page import write_listing_page
from archnet.listing.run_row import RunRow
from archnet.listing.selection import select_rows
from browser import start_reader

AUCS = {"edit/net": 0.8, "edit-2/net": None, "edit-10/net": 0.95, "edit-3/net": 0.9}


@pytest.fixture(scope="module")
def reader(tmp_path_factory):
    rows = [
        RunRow(
            name=name,
            folder=Path(name),
            kind="network",
            state="finished",
            started=datetime(2026, 11, 1 + day, tzinfo=UTC),
            results={"validation": {"auc": auc}},
        )
        for day, (name, auc) in enumerate(AUCS.items())
    ]
    listing = Listing(folder=Path("runs"), rows=tuple(rows), problems=())
    page = write_listing_page(tmp_path_factory.mktemp("page") / "runs.html", select_rows(listing))
    reader = start_reader()
    yield reader.open(page)
    reader.driver.quit()


@pytest.mark.slow
def test_the_headers_sort_the_rows_and_rows_without_a_value_stay_last(reader):
    def order():
        return [row.text.split()[0] for row in reader.all("table.sortable tbody tr")]

    name, date, _, _, _, auc, *_ = reader.all("table.sortable thead button")
    assert order() == ["edit/net", "edit-2/net", "edit-3/net", "edit-10/net"]
    auc.click()
    assert order() == ["edit-10/net", "edit-3/net", "edit/net", "edit-2/net"]
    assert reader.one("[aria-sort]").get_attribute("aria-sort") == "descending"
    auc.click()
    assert order() == ["edit/net", "edit-3/net", "edit-10/net", "edit-2/net"]
    date.click()
    assert order() == ["edit-3/net", "edit-10/net", "edit-2/net", "edit/net"]
    name.click()
    assert order() == ["edit/net", "edit-2/net", "edit-3/net", "edit-10/net"]
    assert (reader.complaints(), len(reader.requests())) == ([], 1)
