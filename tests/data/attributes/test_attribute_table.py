"""The user's table of case attributes: what it says about which case, and every message word for word."""

import re

import numpy as np
import pytest

from archnet.data import open_dataset
from archnet.data.attributes.attribute_table import find_attribute_table, read_attributes
from archnet.data.dataset import Cases
from archnet.errors import DataError
from archnet.spec.experiment import Data

CASES = Cases(
    ids=np.array(["1.2#0", "1.2#1", "1.3#2", "1.4#3"]),
    groups=np.array(["p", "p", "p", "1.4"]),
    labels=np.array([0, 1, 0, 1]),
    classes=("no", "yes"),
)


def write_table(folder, *lines):
    path = folder / "cases.csv"
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    return path


def columns_of(path):
    return {name: values.tolist() for name, values in read_attributes(path, CASES).columns.items()}


def message_of(path):
    with pytest.raises(DataError) as caught:
        read_attributes(path, CASES)
    return str(caught.value).replace(str(path), "T")


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        (["case,site", "1.4#3,B", "1.2#0,A"], ["A", "", "", "B"]),
        (["site,seriesuid", "A, 1.2 ", "B,1.3"], ["A", "A", "B", ""]),
        (["group,site", "p,A"], ["A", "A", "A", ""]),
        (["group,site", "p,A", "", "1.4,"], ["A", "A", "A", ""]),
        (["case,group,site", "1.2#1,p,A"], ["", "A", "", ""]),
        (["\ufeffcase,site", '1.2#0,"A, B"'], ["A, B", "", "", ""]),
        (["case,site", "1.2#0,NaN", "1.2#1,n/a", "1.3#2,Unknown", "1.4#3,none"], ["", "", "", "none"]),
    ],
    ids=["case", "scan", "patient", "blank-line", "the-case-wins", "quotes", "unknown-words"],
)
def test_a_row_applies_to_the_cases_that_its_key_names(tmp_path, lines, expected):
    assert columns_of(write_table(tmp_path, *lines)) == {"site": expected}


def test_a_selection_of_cases_keeps_its_attributes(tmp_path):
    columns = read_attributes(write_table(tmp_path, "case,a,b", "1.2#0,1,x", "1.3#2,2,y"), CASES).columns
    cases = Cases(ids=CASES.ids, groups=CASES.groups, labels=CASES.labels, classes=CASES.classes, attributes=columns)
    chosen = cases.select(np.array([2, 0])).attributes
    assert {name: values.tolist() for name, values in chosen.items()} == {"a": ["2", "1"], "b": ["y", "x"]}


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        (
            ["name,site", "a,b"],
            'T line 1: no column identifies the rows. Add the column "case", "seriesuid" (a scan) or "group" (a patient); got '
            "name, site.",
        ),
        (["case", "1.2#0"], 'T line 1: has no attribute besides "case". Add a column, or remove the file.'),
        (["case,site"], "T: the table has no rows. Add one for each case, or remove the file."),
        ([], "T: is empty. Save it as text in UTF-8, columns separated by commas."),
        (
            ["case," + ",".join(f"a{k}" for k in range(51)), "1.2#0" + "," * 51],
            "T line 1: 51 attributes, but at most 50 are read. Remove some.",
        ),
        (
            ["case,a\tb", "1.2#0,x"],
            r'T line 1: "a\tb" is not a valid attribute name. Use 1 to 64 characters, without control characters.',
        ),
        (
            ["case,,b", "1.2#0,x,y"],
            'T line 1: "" is not a valid attribute name. Use 1 to 64 characters, without control characters.',
        ),
        (
            ["case,site,site", "1.2#0,x,y"],
            'T line 1: the column "site" occurs twice. Expected case, site, site (separated by commas), got case, site, '
            "site.",
        ),
        (["case,site", "1.2#0"], "T line 2: expected case, site, got 1.2#0."),
        (["case,site", ",A"], "T line 2: the row has no case. Add it or remove the line."),
        (
            ["group,site", "p,A", "1.4,B", "p,A"],
            'T line 4: the group "p" is already in line 2. Keep one of them.',
        ),
        (
            ["case,site", "1.2#0,A\x1b[2J"],
            r'T line 2: site is "A\x1b[2J". Use at most 200 characters, without control characters.',
        ),
        (
            ["case,site", "1.2#0," + "x" * 201],
            f'T line 2: site is "{"x" * 80}…". Use at most 200 characters, without control characters.',
        ),
        (
            ["case,site", "1.2,A", "1.3,B"],
            "T: none of its 2 rows matches a case in the data. The first row has 1.2; the data contain, for example, 1.2#0.",
        ),
    ],
)
def test_a_table_that_cannot_be_meant_is_refused(tmp_path, lines, message):
    assert message_of(write_table(tmp_path, *lines)) == message


def test_a_file_that_is_not_text_is_refused(tmp_path):
    path = tmp_path / "cases.csv"
    path.write_bytes(b"case,site\n1.2#0,\xff\n")
    assert message_of(path) == (
        "T line 2, column 2: not UTF-8 text. Save it as text in UTF-8, columns separated by commas."
    )


def findings_of(path):
    return [(one.check, one.severity, one.text, one.cases) for one in read_attributes(path, CASES).findings]


def test_rows_about_other_cases_are_counted(tmp_path):
    assert findings_of(write_table(tmp_path, "seriesuid,site", "1.2,A", "1.3,A", "9,B", "8,B")) == [
        (
            "case_attributes",
            "note",
            "2 of the 4 rows of cases.csv name a seriesuid that the data do not contain: 9, 8.",
            ("9", "8"),
        )
    ]
    assert findings_of(write_table(tmp_path, "group,site", "p,A", "7,A", "9,B")) == [
        (
            "case_attributes",
            "warning",
            "2 of the 3 rows of cases.csv name a group that the data do not contain: 7, 9. Compare the column "
            '"group" with the names in the data.',
            ("7", "9"),
        )
    ]


def test_fifty_attributes_of_long_names_and_values_are_read(tmp_path):
    names = ["n" * 64, *(f"a{number}" for number in range(49))]
    columns = columns_of(write_table(tmp_path, f"case,{','.join(names)}", "1.2#0," + "x" * 200 + "," * 49))
    assert list(columns) == names
    assert columns["n" * 64] == ["x" * 200, "", "", ""]
    assert message_of(write_table(tmp_path, f"case,{'n' * 65}", "1.2#0,x")).endswith(
        "is not a valid attribute name. Use 1 to 64 characters, without control characters."
    )


def test_a_column_of_as_many_numbers_as_texts_is_reported_and_one_of_more_texts_is_not(tmp_path):
    path = write_table(tmp_path, "case,mm,size", "1.2#0,1.5,small", "1.2#1,2.5mm,3", "1.3#2,,big")
    ((_, _, text, _),) = findings_of(path)
    assert text.startswith('cases.csv: the column "mm" is read as text, since 1 of its 2 values is not a number: ')


def test_a_column_of_numbers_with_a_slip_is_reported(tmp_path):
    path = write_table(tmp_path, "case,mm,size", "1.2#0,1.5,small", "1.2#1,2.5mm,3", "1.3#2,2,big", "1.4#3,,")
    assert findings_of(path) == [
        (
            "case_attributes",
            "warning",
            'cases.csv: the column "mm" is read as text, since 1 of its 3 values is not a number: "2.5mm" in line 3. Correct '
            "these values, or leave them empty where they are unknown.",
            ("1.2#1",),
        )
    ]


def write_arrays(folder):
    np.savez(folder / "cubes.npz", x=np.zeros((4, 4, 4), np.uint8), y=np.arange(4) % 2, group=list("aabb"))
    return str(folder / "cubes.npz")


def test_the_table_next_to_an_npz_file_bears_its_name(tmp_path):
    root = write_arrays(tmp_path)
    write_table(tmp_path, "case,site", "0,of another file")
    assert dict(open_dataset(Data(name="npz", root=root)).cases.attributes) == {}
    (tmp_path / "cubes.cases.csv").write_text("group,site\na,A\nb,B\n")
    attributes = open_dataset(Data(name="npz", root=root)).cases.attributes
    assert {name: values.tolist() for name, values in attributes.items()} == {"site": ["A", "A", "B", "B"]}


def test_a_table_that_the_options_name_is_used_and_must_be_there(tmp_path):
    root = write_arrays(tmp_path)
    table = tmp_path / "other.csv"
    data = Data(name="npz", root=root, cases=str(table))
    with pytest.raises(DataError, match=re.escape(f"data.cases: {table}: there is no such file. Correct the path, or")):
        open_dataset(data)
    table.write_text("case,site\n2,C\n")
    assert open_dataset(data).cases.attributes["site"].tolist() == ["", "", "C", ""]
    assert find_attribute_table(data, None) == table
