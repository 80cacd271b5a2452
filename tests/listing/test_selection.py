"""Which rows of the table are shown, in which order, and with which results."""

from datetime import UTC, datetime
from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console

from archnet.errors import RunError
from archnet.listing.folder_rows import Listing
from archnet.listing.listing_page import write_listing_page
from archnet.listing.listing_table import ListingTable
from archnet.listing.run_row import RunRow
from archnet.listing.selection import natural_key, select_rows
from archnet.listing.tags import Tags


def row(name, day=1, state="finished", tags=(), results=None, **document):
    return RunRow(
        name=name,
        folder=Path(name),
        kind="network",
        state=state,
        started=datetime(2026, 11, day, tzinfo=UTC),
        results=results or {},
        document=document,
        tags=Tags(tags=tags),
    )


def listing_of(*rows, problems=()):
    return Listing(folder=Path("runs"), rows=rows, problems=problems)


def names(*rows, **options):
    return [row.name for row in select_rows(listing_of(*rows), **options).listing.rows]


ROWS = (
    row("b", 3, "running", layers=[{"size": 3}, {"size": 8}], rate=0.5, kind="x", results={"test": {"auc": 0.5}}),
    row("a10", 1, "failed", layers=[{"size": 3}, {"size": 10}], rate="auto", kind=["x"]),
    row("a2", 2, "finished", layers=[{"size": 3}], rate=2, kind={"x": 1}, results={"test": {"auc": 0.7}}),
    row("a1", 4, "finished", rate=None, results={"test": {"auc": None}}),
)


@pytest.mark.parametrize(
    ("sort", "order", "reverse"),
    [
        ("name", "a1 a2 a10 b", "b a10 a2 a1"),
        ("date", "a1 b a2 a10", "a10 a2 b a1"),
        ("state", "a10 a1 a2 b", "b a1 a2 a10"),
        ("auc", "a2 b a1 a10", "b a2 a1 a10"),  # rows without a value stay last
        ("layers[1].size", "b a10 a1 a2", "a10 b a1 a2"),
        ("layers[0].size", "a2 a10 b a1", "a2 a10 b a1"),
        ("rate", "b a2 a10 a1", "a10 a2 b a1"),  # numbers before texts
        ("kind", "b a10 a2 a1", "a2 a10 b a1"),
    ],
)
def test_every_key_sorts_and_equal_rows_are_sorted_by_name(sort, order, reverse):
    assert " ".join(names(*ROWS, sort=sort)) == order
    assert " ".join(names(*ROWS, sort=sort, reverse=True)) == reverse


@pytest.mark.parametrize("sort", ["layers[2].size", "layers.size", "rate.x", "layers[-1].size", "Auc"])
def test_a_setting_that_no_run_has_is_refused(sort):
    with pytest.raises(RunError, match="no run has this key"):
        select_rows(listing_of(*ROWS), sort=sort)


def test_keys_and_metrics_sort_even_if_no_run_has_a_value():
    assert names(row("b"), row("a"), sort="auc") == ["a", "b"]
    assert names(sort="state") == []


@pytest.mark.parametrize(
    "ordered",
    [
        ["a", "a2", "a10", "b"],
        ["a", "a/b", "a-1"],
        ["a/x2", "a/x10", "a2/x1"],
        ["x", "0", "1", "02", "10"],
        ["run-9-fold10", "run-10-fold2", "run-10-fold9"],
    ],
)
def test_numbers_in_names_are_sorted_by_value_and_texts_before_them(ordered):
    found = ordered[::-1]
    found.sort(key=natural_key)
    assert found == ordered


def test_rows_have_all_of_the_tags():
    rows = [row("a", tags=("x", "y")), row("b", tags=("x",)), row("c")]
    assert names(*rows, tags=["x"]) == ["a", "b"]
    assert names(*rows, tags=["y", "x"]) == ["a"]
    with pytest.raises(RunError) as caught:
        names(*rows, tags=["x", "z"])
    assert str(caught.value) == "--tag z: no run has this tag. Tags: x, y."
    with pytest.raises(RunError) as caught:
        names(row("c"), tags=["z"])
    assert str(caught.value) == "--tag z: no run has this tag. Tags: none."


VALIDATED = row("a", results={"validation": {"auc": 0.5}})
TESTED = row("b", results={"test": {"auc": 0.75, "recall": 0.25}})


@pytest.mark.parametrize(
    ("rows", "options", "set_name"),
    [
        ([VALIDATED, TESTED], {}, "validation"),
        ([TESTED], {}, "test"),
        ([row("c", results={"validation": {}, "test": {"auc": 0.5}})], {}, "test"),
        ([row("c")], {}, "validation"),
        ([], {}, "validation"),
        ([VALIDATED, TESTED], {"set_name": "test"}, "test"),
        ([TESTED], {"set_name": "validation"}, "validation"),
    ],
)
def test_the_results_of_the_validation_set_are_shown_unless_only_the_test_set_has_some(rows, options, set_name):
    assert select_rows(listing_of(*rows), **options).set_name == set_name


def test_only_the_shown_rows_decide_which_set_is_shown():
    tagged = row("b", tags=("x",), results={"test": {"auc": 0.75}})
    assert select_rows(listing_of(VALIDATED, tagged), tags=["x"]).set_name == "test"


def test_a_metric_that_is_shown_anyway_is_not_shown_twice():
    assert [metric.name for metric in select_rows(listing_of(*ROWS), sort="auc").metrics] == [
        "recall", "precision", "auc",
    ]  # fmt: skip
    (_, _, _, added) = select_rows(listing_of(*ROWS), sort="mcc").metrics
    assert added.name == "mcc"


def table(selection, width=80):
    output = StringIO()
    Console(file=output, width=width).print(ListingTable(selection))
    return [line.rstrip() for line in output.getvalue().splitlines()]


def test_the_table_of_the_test_set_says_so_and_names_what_is_not_listed(monkeypatch):
    monkeypatch.setenv("TZ", "UTC")
    listing = listing_of(TESTED, problems=(("damaged", "not JSON."), ("pictures", "holds no runs.")))
    assert table(select_rows(listing)) == [
        "1 run, results on the test set",
        "run       date        state     recall  prec.    AUC",
        "b         2026-11-01  finished   0.250      –  0.750",
        "not listed: damaged: not JSON.",
        "not listed: pictures: holds no runs.",
    ]


def test_states_and_problems_have_colours():
    states = ["finished", "running", "failed", "interrupted"]
    rows = [row(f"{state}-run", state=state, tags=("a",)) for state in states]
    listing = listing_of(*rows, problems=(("damaged", "not JSON."),))
    console = Console(file=StringIO(), width=80, force_terminal=True, color_system="standard")
    segments = [one for one in console.render(ListingTable(select_rows(listing))) if one.text.strip()]
    assert {one.text.split()[0]: str(one.style) for one in segments} == {
        "4": "bold",
        "run": "dim",
        "finished-run": "None",
        "running-run": "green",
        "failed-run": "red",
        "interrupted-run": "yellow",
        "#a": "dim",
        "not": "yellow",
    }


def test_a_name_has_at_least_eight_columns_and_wide_characters_count_twice():
    lines = table(select_rows(listing_of(row("abcdefgh"), row("12345678_"))), 20)
    assert any(line.startswith("abcdefgh") and len(line) > 8 for line in lines)
    assert "12345678_" in lines
    rows = [row("b23456789"), row("肺肺肺肺肺")]
    assert [line[:13].rstrip() for line in table(select_rows(listing_of(*rows)))[1:]] == [
        "run         d", "b23456789   2", "肺肺肺肺肺  2026-1",
    ]  # fmt: skip


def test_the_page_lists_twelve_differences_and_the_number_of_others(tmp_path):
    for number, more in ((12, ""), (13, "and 1 more"), (15, "and 3 more")):
        differences = tuple({"place": f"key{k}", "reference": k, "other": k + 1} for k in range(number))
        one = RunRow(
            name="b", folder=tmp_path / "b", kind="network", state="running", started=datetime(2026, 1, 1, tzinfo=UTC),
            reference="a", differences=differences,
        )  # fmt: skip
        page = write_listing_page(tmp_path / "runs.html", select_rows(listing_of(one))).read_text()
        assert page.count(" -&gt; ") == 12
        assert ("<li>and " in page) == bool(more)
        assert more in page
        assert "1 running." in page


def test_the_page_counts_the_runs_in_each_state(tmp_path):
    states = ["failed", "running", "finished", "interrupted", "finished"]
    rows = [row(f"a{number}", state=state) for number, state in enumerate(states)]
    page = write_listing_page(tmp_path / "runs.html", select_rows(listing_of(*rows))).read_text()
    assert "2 finished, 1 running, 1 interrupted, 1 failed." in page
    page = write_listing_page(tmp_path / "runs.html", select_rows(listing_of())).read_text()
    assert "No runs." in page


def test_the_page_links_the_page_of_a_sweep(tmp_path):
    for kind, report in (("sweep", "sweep.html"), ("versus", "report.html"), ("network", "report.html")):
        folder = tmp_path / f"a {kind}"
        folder.mkdir()
        one = RunRow(name=kind, folder=folder, kind=kind, state="finished", started=datetime(2026, 1, 1, tzinfo=UTC))
        page = write_listing_page(tmp_path / "runs.html", select_rows(listing_of(one))).read_text()
        assert "<a href=" not in page
        (folder / report).touch()
        page = write_listing_page(tmp_path / "runs.html", select_rows(listing_of(one))).read_text()
        assert f'<a href="a%20{kind}/{report}">' in page
