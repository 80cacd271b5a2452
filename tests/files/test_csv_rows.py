import csv
import io
import math
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archnet.errors import DataError
from archnet.files.csv_rows import csv_text, parse_finite, read_rows
from archnet.files.luna16_lists import CLASS, point_rows_text, read_point_rows


def test_columns_are_found_by_name_and_rows_know_their_lines(tmp_path):
    path = tmp_path / "list.csv"
    path.write_text("\ufeffb, a ,c\n1, 2,3\n\n4,5,6\n", encoding="utf-8")
    assert list(read_rows(path, ("a", "b"))) == [(2, ["2", "1"]), (4, ["5", "4"])]


@pytest.mark.parametrize("last", ["3", "nan", "x"])
@pytest.mark.parametrize("word", ["", "left", "nan", "-inf", "1,5", "0x1", "0_69", "\u0661"])
def test_a_word_that_is_no_finite_number_is_refused_with_its_line_and_column(tmp_path, word, last):
    with pytest.raises(DataError) as caught:
        parse_finite(["1", word, last], ("coordX", "coordY", "coordZ"), tmp_path / "list.csv", 7)
    assert str(caught.value) == f'{tmp_path / "list.csv"} line 7: coordY must be a finite number, got "{word}".'


def test_numbers_are_parsed_as_python_does(tmp_path):
    assert parse_finite([" 1.5", "-2e3"], "xy", tmp_path, 1) == [1.5, -2000.0]


@given(
    st.lists(st.tuples(st.text(st.characters(blacklist_categories=["Cs"], blacklist_characters="\r\0")), st.floats()))
)
def test_a_csv_text_reads_back_to_the_same_values(rows):
    header, *found = csv.reader(io.StringIO(csv_text(["name", "value"], rows), newline=""))
    assert header == ["name", "value"]
    for (name, number), (found_name, found_number) in zip(rows, found, strict=True):
        assert found_name == name
        assert float(found_number) == number or math.isnan(number)


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
