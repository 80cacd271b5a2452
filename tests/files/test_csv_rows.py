import csv
import io
import math
import re
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from archnet.errors import DataError
from archnet.evaluation.predictions import read_predictions, write_predictions
from archnet.files import csv_rows
from archnet.files.csv_rows import csv_text, excerpt, parse_finite, read_header, read_rows, read_table
from archnet.files.luna16_lists import CLASS, point_rows_text, read_point_rows
from synthetic_runs import predictions_of


def test_columns_are_found_by_name_and_rows_know_their_lines(tmp_path):
    path = tmp_path / "list.csv"
    path.write_text("\ufeffb, a ,c\n1, 2,3\n\n4,5,6\n", encoding="utf-8")
    assert list(read_rows(path, ("a", "b"))) == [(2, ["2", "1"]), (4, ["5", "4"])]


@pytest.mark.parametrize("last", ["3", "nan", "x"])
@pytest.mark.parametrize("word", ["", "left", "nan", "-inf", "1,5", "0x1", "0_69", "\u0661"])
def test_a_word_that_is_not_a_finite_number_is_refused_with_its_line_and_column(tmp_path, word, last):
    with pytest.raises(DataError) as caught:
        parse_finite(["1", word, last], ("coordX", "coordY", "coordZ"), tmp_path / "list.csv", 7)
    assert str(caught.value) == f'{tmp_path / "list.csv"} line 7: coordY must be a finite number, got "{word}".'


def test_numbers_are_parsed_as_python_does(tmp_path):
    assert parse_finite([" 1.5", "-2e3"], "xy", tmp_path, 1) == [1.5, -2000.0]


@pytest.mark.slow
@given(
    rows=st.lists(
        st.tuples(
            st.text(st.characters(blacklist_categories=["Cs"], blacklist_characters="\0"))
            | st.text("'=+-@ 1x\r\n", max_size=5),
            st.floats(),
        )
    )
)
def test_a_csv_text_reads_back_to_the_same_values(tmp_path_factory, rows):
    path = tmp_path_factory.mktemp("csv") / "a.csv"
    path.write_text(csv_text(["name", "value"], rows), encoding="utf-8", newline="")
    table = read_table(path, "")
    assert table.header == ["name", "value"]
    for (name, number), (found_name, found_number) in zip(rows, table.rows, strict=True):
        assert found_name == name
        assert float(found_number) == number or math.isnan(number)


@pytest.mark.parametrize(("text", "written"), [
    ('=HYPERLINK("x")', "'=HYPERLINK(\"x\")"),
    ("+1+2", "'+1+2"),
    ("-2+3|cmd", "'-2+3|cmd"),
    ("@SUM(A1)", "'@SUM(A1)"),
    ("\t=1", "'\t=1"),
    ("'=1", "''=1"),
    ("-1.5", "-1.5"),
    ("+2e3", "+2e3"),
    ("'quoted'", "'quoted'"),
    ("a=b", "a=b"),
])  # fmt: skip
def test_no_text_is_a_formula_in_a_spreadsheet_and_all_read_back_unchanged(tmp_path, text, written):
    path = tmp_path / "a.csv"
    path.write_text(csv_text(["name", text], [(text, -0.5)]), encoding="utf-8", newline="")
    assert list(csv.reader(io.StringIO(path.read_text(encoding="utf-8"), newline=""))) == [
        ["name", written],
        [written, "-0.5"],
    ]
    assert read_table(path, "").header == ["name", text]
    assert list(read_rows(path, ("name",))) == [(2, [text.strip()])]


@pytest.mark.parametrize(("text", "written"), [
    ("a\rb", '"a\rb","1"\n'),
    ("\r=1", '"\'\r=1","1"\n'),
    ("a\nb", '"a\nb",1\n'),
    ("a b", "a b,1\n"),
])  # fmt: skip
def test_a_carriage_return_in_a_text_ends_no_row(tmp_path, text, written):
    path = tmp_path / "a.csv"
    path.write_text(csv_text(["name", "value"], [(text, 1)]), encoding="utf-8", newline="")
    assert path.read_bytes().decode() == f"name,value\n{written}"
    assert read_table(path, "").rows == [[text, "1"]]


def test_the_predictions_of_cases_named_like_formulas_read_back(tmp_path):
    predictions = predictions_of([0, 1], [[0.9, 0.1], [0.2, 0.8]])
    named = replace(predictions, cases=np.array(["=1+1", "'@a"]), groups=np.array(["-x", "+y"]), classes=("=a", "b"))
    path = write_predictions(tmp_path / "predictions.csv", named)
    assert path.read_text().splitlines()[1:] == ["'=1+1,'-x,test,'=a,0.9,0.1", "''@a,'+y,test,b,0.2,0.8"]
    read = read_predictions(path)
    assert (read.cases.tolist(), read.groups.tolist(), read.classes) == (["=1+1", "'@a"], ["-x", "+y"], ("=a", "b"))
    assert read.probabilities.tolist() == named.probabilities.tolist()


def test_a_list_of_luna16_reads_back_to_the_same_rows(tmp_path):
    rows = [("1.2.3", -100.56789, 1e-17, 3.0, 1), ("1.2.4", 0.1 + 0.2, -0.0, 2.0, 0)]
    text = point_rows_text(CLASS, rows)
    assert text.splitlines()[0] == "seriesuid,coordX,coordY,coordZ,class"
    (tmp_path / "candidates.csv").write_text(text)
    found = [(row.uid, *row.point_mm, int(row.word)) for row in read_point_rows(tmp_path / "candidates.csv", CLASS)]
    assert found == rows
    assert [row.line for row in read_point_rows(tmp_path / "candidates.csv")] == [2, 3]


def test_a_missing_column_is_named_with_what_is_there(tmp_path):
    (tmp_path / "a.csv").write_text("seriesuid,coordx\n")
    message = (
        f'{tmp_path / "a.csv"} line 1: the column "coordX" is missing. Did you mean "coordx"? Expected seriesuid, coordX, '
        "coordY, coordZ (separated by commas), got seriesuid, coordx."
    )
    with pytest.raises(DataError, match=f"^{re.escape(message)}$"):
        list(read_point_rows(tmp_path / "a.csv"))


READERS = {
    "header": lambda path: read_header(path),
    "rows": lambda path: list(read_rows(path, ("a",))),
    "table": lambda path: read_table(path, "Restore it."),
}
SAVE = "Save it as text in UTF-8, columns separated by commas."


@pytest.mark.parametrize("name", ["missing.csv", "file.csv/list.csv"])
def test_a_list_that_is_missing_is_named_and_the_caller_of_a_table_decides(tmp_path, name):
    (tmp_path / "file.csv").touch()
    reason = "No such file or directory" if name == "missing.csv" else "Not a directory"
    for kind in ("header", "rows"):
        refused(READERS[kind], tmp_path / name, f"{tmp_path / name}: cannot be read: {reason}. Check its permissions.")
    with pytest.raises(FileNotFoundError):
        read_table(tmp_path / name, "")


@pytest.mark.parametrize("kind", READERS)
@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"a,b\n1,\xff\n", " line 2, column 2: not UTF-8 text."),
        (b"\xff", " line 1, column 1: not UTF-8 text."),
        (b"a,b\nx\0,2\n", " line 2: not a csv table (a null character)."),
        (b'a,b\n1,2\n3,"4\n', " line 3: not a csv table (unexpected end of data)."),
        (b'"a', " line 1: not a csv table (unexpected end of data)."),
    ],
)
def test_text_that_is_not_a_csv_table_is_refused_at_its_place(tmp_path, kind, content, problem):
    (tmp_path / "a.csv").write_bytes(content)
    remedy = "Restore it." if kind == "table" else SAVE
    if kind == "header" and content.startswith(b"a") and b"\xff" not in content:
        assert read_header(tmp_path / "a.csv") == ["a", "b"]
    else:
        refused(READERS[kind], tmp_path / "a.csv", f"{tmp_path / 'a.csv'}{problem} {remedy}")


@pytest.mark.parametrize("kind", READERS)
def test_a_folder_is_not_a_list(tmp_path, kind):
    refused(READERS[kind], tmp_path, f"{tmp_path}: cannot be read: Is a directory. Check its permissions.")


@pytest.mark.parametrize("kind", READERS)
def test_a_list_has_a_largest_size(tmp_path, monkeypatch, kind):
    monkeypatch.setattr(csv_rows, "_MAX_BYTES", 6_000_000)
    path = tmp_path / "a.csv"
    path.write_bytes(b"a\n" + b"1" * (6_000_000 - 2))
    if kind == "header":
        assert read_header(path) == ["a"]
    path.write_bytes(b"a\n" + b"1" * (6_000_000 - 1))
    remedy = "Restore it." if kind == "table" else SAVE
    refused(READERS[kind], path, f"{path}: larger than 6 MB, the limit for lists. {remedy}")


def test_the_largest_list_has_a_gigabyte():
    assert csv_rows._MAX_BYTES == 10**9


def test_an_empty_list_is_refused(tmp_path):
    path = tmp_path / "a.csv"
    for content in (b"", b"\n"):
        path.write_bytes(content)
        refused(READERS["header"], path, f"{path}: is empty. {SAVE}")
        refused(READERS["table"], path, f"{path}: is empty. Restore it.")
        refused(
            READERS["rows"],
            path,
            f'{path} line 1: the column "a" is missing. Expected a (separated by commas), got nothing.',
        )


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("a,b\n1,2\n3\n", " line 3: 1 fields, but the header has 2. Restore it."),
        ("a,b\n1,2,3\n", " line 2: 3 fields, but the header has 2. Restore it."),
        ("a,b,b\n", ' line 1: the column "b" occurs twice. Restore it.'),
    ],
)
def test_a_table_of_archnet_has_as_many_fields_in_every_row(tmp_path, text, problem):
    (tmp_path / "a.csv").write_text(text)
    refused(READERS["table"], tmp_path / "a.csv", f"{tmp_path / 'a.csv'}{problem}")


def test_the_rows_of_a_table_know_the_last_of_their_lines(tmp_path):
    (tmp_path / "a.csv").write_text('a,b\n"1\n2",3\n4,5\n')
    table = read_table(tmp_path / "a.csv", "")
    assert (table.header, table.lines, table.rows) == (["a", "b"], [3, 4], [["1\n2", "3"], ["4", "5"]])


@pytest.mark.parametrize(
    ("text", "result"),
    [
        ("a,b\n1,2,,\n", [(2, ["1"])]),
        ("b, a\n2, 1 \n", [(2, ["1"])]),
        ("a,b\n1,2,3\n", " line 2: expected a, got 1, 2, 3."),
        ("a,b\n1\n", " line 2: expected a, got 1."),
        ("a, a\n", ' line 1: the column "a" occurs twice. Expected a (separated by commas), got a, a.'),
        ("a;b\n", ' line 1: the column "a" is missing. Expected a (separated by commas), got a;b.'),
        ("A\n", ' line 1: the column "a" is missing. Expected a (separated by commas), got A.'),
        ("A,b\n", ' line 1: the column "a" is missing. Did you mean "A"? Expected a (separated by commas), got A, b.'),
    ],
)
def test_rows_of_a_list_may_end_with_commas_but_not_with_other_fields(tmp_path, text, result):
    path = tmp_path / "a.csv"
    path.write_text(text)
    if isinstance(result, list):
        assert READERS["rows"](path) == result
    else:
        refused(READERS["rows"], path, f"{path}{result}")


def test_a_column_of_the_list_itself_is_not_suggested(tmp_path):
    (tmp_path / "a.csv").write_text("coordX,other\n")
    with pytest.raises(DataError) as caught:
        list(read_rows(tmp_path / "a.csv", ("coordX", "coordY")))
    assert "Did you mean" not in str(caught.value)


def test_a_row_in_a_message_is_cut_after_80_characters():
    assert excerpt(["a" * 80]) == "a" * 80
    assert excerpt(["a" * 40, "b" * 39]) == "a" * 40 + ", " + "b" * 38 + "\u2026"
    assert excerpt(["a\nb", "c"]) == "a\\nb, c"


def refused(read, path, message):
    with pytest.raises(DataError) as caught:
        read(path)
    assert str(caught.value) == message
