"""Which run, scan and class an explanation is about, and the names of its files."""

import re
from pathlib import Path
from types import SimpleNamespace

import pytest

from archnet.errors import RunError
from archnet.inference import explanation_files
from archnet.inference.explanation_files import explain_file, write_explanation


@pytest.fixture
def explained(monkeypatch):
    """Calls of `explain_scan`, with runs and scans that need no files."""
    calls = []

    def explain(run, scan, label, method, point, progress, *, series):
        calls.append((run.folder, scan, label, method, point, series))

    runs = [SimpleNamespace(folder=Path("out/a"), kind="candidates", classes=("no", "maybe", "yes"), positive=2)]
    monkeypatch.setattr(explanation_files, "read_trained_runs", lambda paths: runs)
    monkeypatch.setattr(explanation_files, "explain_scan", explain)
    monkeypatch.setattr("archnet.network.backend.start_quietly", lambda: calls.append("start"))
    return runs, calls


def scans(monkeypatch, *paths):
    found = SimpleNamespace(paths=[Path(path) for path in paths])
    monkeypatch.setattr(explanation_files, "find_named_scans", lambda given, series: found)


def refused(message, **options):
    with pytest.raises(RunError, match=f"^{re.escape(message)}$"):
        explain_file(Path("out"), Path("scans"), at=(1.0, 2.0, 3.0), **options)


@pytest.mark.parametrize(("name", "label"), [(None, 2), ("maybe", 1), ("no", 0)])
def test_the_class_is_the_positive_one_or_the_one_that_is_named(explained, monkeypatch, name, label):
    scans(monkeypatch, "scans/a.mhd")
    for scan in (Path("scans"), Path("scans/a.mhd")):
        explain_file(Path("out"), scan, at=(1.0, 2.0, 3.0), class_name=name, method="occlusion", series="2")
    call = (Path("out/a"), Path("scans/a.mhd"), label, "occlusion", (1.0, 2.0, 3.0), "2")
    assert explained[1] == ["start", call] * 2


def test_several_runs_or_scans_and_unknown_names_are_refused_before_keras_starts(explained, monkeypatch):
    runs, calls = explained
    scans(monkeypatch, "scans/a.mhd", "scans/b.mhd")
    refused("scans: contains 2 scans. Choose one, such as scans/a.mhd.")
    refused('--class: no class "mabye". Did you mean "maybe"? The run has no, maybe, yes.', class_name="mabye")
    refused('--method "gradcan": unknown. Did you mean "gradcam"? Known: gradcam, occlusion.', method="gradcan")
    runs.append(SimpleNamespace(folder=Path("out/b")))
    refused("out: contains 2 runs. Choose one, such as out/a.")
    assert calls == []


def test_a_dicom_folder_is_a_scan_itself(explained, monkeypatch):
    scans(monkeypatch, "scans", "scans/sub")
    explain_file(Path("out"), Path("scans"), at=(1.0, 2.0, 3.0))
    assert explained[1][-1][1] == Path("scans")


@pytest.mark.parametrize(
    ("point", "class_name", "stem"),
    [
        (None, "yes", "net-a-yes-gradcam"),
        ((-100.5, 67.0, 1 / 3), "a/b c", "net-a--100.5_67_0.3333333333-a_b_c-gradcam"),
    ],
)
def test_files_are_named_by_run_scan_point_class_and_method(monkeypatch, tmp_path, point, class_name, stem):
    monkeypatch.setattr(explanation_files, "draw_explanation", lambda explanation: b"picture")
    monkeypatch.setattr(
        explanation_files, "write_heat_map", lambda path, scan, heat, series: path.write_text(f"{scan} {heat} {series}")
    )
    monkeypatch.setattr(explanation_files, "replace", lambda explanation, files: files)
    explanation = SimpleNamespace(
        run=tmp_path / "net",
        scan=Path("scans/a.mhd"),
        point_mm=point,
        class_name=class_name,
        method="gradcam",
        scan_heat="heat",
        series="2",
    )
    files = write_explanation(explanation, tmp_path / "out")
    assert files == (tmp_path / f"out/{stem}.png", tmp_path / f"out/{stem}.nii.gz")
    assert files[0].read_bytes() == b"picture"
    assert files[1].read_text() == "scans/a.mhd heat 2"
