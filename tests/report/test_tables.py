"""Tables of the terminal fit its width: no column vanishes, no word and no number is cut."""

import io

import pytest
from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from archnet.report.tables import FirstFittingTable, FittingTable, titled_table


def printed(renderable, width):
    console = Console(width=width, record=True, color_system=None, file=io.StringIO())
    console.print(renderable)
    return [line.rstrip() for line in console.export_text().splitlines()]


def scans_table(**options):
    table = titled_table("Scans", **options)
    table.add_column("scan", overflow="fold")
    table.add_column("what it shows")
    table.add_column(Text("probability"), justify="right", no_wrap=True)
    table.add_row("patient_1.nii.gz", "two nodules in the left lung", "97.31%")
    table.add_row("patient_22.nii.gz", Text("nothing"), "2.69%")
    return table


def test_a_table_that_fits_is_printed_unchanged():
    assert [line.split() for line in printed(scans_table(), 80) if line.strip(" ─")] == [
        ["Scans"],
        ["scan", "what", "it", "shows", "probability"],
        ["patient_1.nii.gz", "two", "nodules", "in", "the", "left", "lung", "97.31%"],
        ["patient_22.nii.gz", "nothing", "2.69%"],
    ]


def test_a_table_that_is_too_wide_wraps_between_words():
    assert printed(scans_table(), 44) == [
        "Scans",
        "",
        " scan            what it shows  probability",
        " ──────────────────────────────────────────",
        " patient_1.nii.  two nodules         97.31%",
        " gz              in the left",
        "                 lung",
        " patient_22.nii  nothing              2.69%",
        " .gz",
        "",
    ]


def test_where_the_columns_do_not_fit_each_row_is_a_paragraph_with_every_value():
    assert printed(scans_table(), 30) == [
        "Scans",
        "",
        "scan patient_1.nii.gz",
        "  what it shows two nodules in",
        "  the left lung; probability",
        "  97.31%",
        "scan patient_22.nii.gz",
        "  what it shows nothing;",
        "  probability 2.69%",
    ]


def test_the_totals_of_a_stacked_table_are_its_last_paragraph():
    table = FittingTable(box=box.SIMPLE_HEAD, show_footer=True, caption="Training takes 3 GB.")
    table.add_column("place", footer="total")
    table.add_column("layer")
    table.add_column("parameters", "1,208", no_wrap=True)
    table.add_row("0", "Convolution", "208")
    assert printed(table, 20) == [
        "place 0",
        "  layer Convolution;",
        "  parameters 208",
        "place total",
        "  parameters 1,208",
        "Training takes 3 GB.",
    ]


def framed_table(kind, **options):
    table = kind(**options)
    table.add_column("scan number", footer="total")
    table.add_column("n")
    table.add_column(Text("a\nb"), max_width=5, overflow="fold")
    table.add_column("shares", no_wrap=True)
    table.add_row("1", None, "malignant nodule", "1 of 2 of 3")
    table.add_row("2", "k", None, "")
    return table


@pytest.mark.parametrize("options", [
    {"box": box.SIMPLE_HEAD, "pad_edge": False}, {"box": box.SIMPLE_HEAD}, {"box": None}, {"box": None, "pad_edge": False},
    {"box": box.SQUARE}, {"box": box.SQUARE, "show_edge": False}, {"box": box.SQUARE, "show_header": False},
    {"box": box.SQUARE, "show_footer": True, "padding": (0, 2, 0, 1)}, {"box": box.SQUARE, "padding": 0},
], ids=str)  # fmt: skip
def test_a_table_has_its_padding_where_it_fits_and_its_columns_where_the_words_fit(options):
    table, plain = framed_table(FittingTable, **options), framed_table(Table, **options)
    text = printed(plain, 100)
    width = Console(width=100).measure(plain).maximum
    assert printed(table, width) == printed(table, 100) == text
    assert printed(table, width - 1) != text
    least = table.least_width()
    assert any("1 of 2 of 3" in line for line in printed(table, least))
    assert not any(line.startswith("scan number 1") for line in printed(table, least))
    header = "scan number 1" if options.get("show_header", True) else "1"
    assert header in printed(table, least - 1)


@pytest.mark.parametrize(("width", "first"), [(80, "long name"), (12, "short")])
def test_the_first_form_of_a_table_that_fits_is_printed(width, first):
    tables = [titled_table("a"), titled_table("b")]
    tables[0].add_column("long name", no_wrap=True)
    tables[0].add_column("long name", no_wrap=True)
    tables[1].add_column("short")
    assert printed(FirstFittingTable(tables), width)[2].strip().startswith(first)
