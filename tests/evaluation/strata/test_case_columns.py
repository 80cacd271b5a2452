"""cases.csv of a run folder: what is read, and what is refused."""

import re

import numpy as np
import pytest

from archnet.errors import DataError
from archnet.evaluation.strata.case_columns import read_case_columns, select_cases


def test_every_attribute_has_the_value_of_each_case(tmp_path):
    assert read_case_columns(tmp_path) == {}
    (tmp_path / "cases.csv").write_text("case,site,diameter_mm\na,A,4.5\nb,,\n")
    columns = read_case_columns(tmp_path)
    assert columns == {"site": {"a": "A", "b": ""}, "diameter_mm": {"a": "4.5", "b": ""}}
    assert select_cases(columns["site"], np.array(["b", "c", "a"])).tolist() == ["", "", "A"]


@pytest.mark.parametrize(("text", "message"), [
    ("name,site\na,A\n", ' line 1: the first column is "name", not "case".'),
    ("case,site\na,A\nb,B\na,B\n", ': the case "a" has more than one row.'),
    (",".join(["case", *(f"c{k}" for k in range(101))]) + "\n", " line 1: has more than 100 attributes."),
])  # fmt: skip
def test_a_damaged_table_is_refused_with_its_remedy(tmp_path, text, message):
    path = tmp_path / "cases.csv"
    path.write_text(text)
    remedy = f"Restore the file, or remove it and run: archnet report --accept-edits {tmp_path}"
    with pytest.raises(DataError, match=f"^{re.escape(f'{path}{message} {remedy}')}$"):
        read_case_columns(tmp_path)


def test_a_hundred_attributes_are_read(tmp_path):
    (tmp_path / "cases.csv").write_text(",".join(["case", *(f"c{k}" for k in range(100))]) + "\n")
    assert len(read_case_columns(tmp_path)) == 100
