"""`archnet data check`, and `--allow` of the commands that use data."""

import json

import numpy as np
import pytest

from archnet.data.checks.findings import Finding
from archnet.errors import DataError
from checked_data import COPIES, find, write_experiment, write_squares
from command_line import archnet, invoked
from small_sweeps import sweep_document

WARNING = Finding(check="patients", severity="warning", message="Each scan counts as a patient.")


@pytest.fixture
def squares(tmp_path):
    return write_squares(tmp_path / "a.npz")


@pytest.mark.slow
def test_the_page_holds_contents_sets_findings_and_conclusion(squares):
    done = archnet("data", "check", f"npz:{squares}", COLUMNS="120")
    assert done.returncode == 0
    lines = [" ".join(line.split()) for line in done.stdout.splitlines()]
    assert 'cases 60: 30 "other", 30 "nodule"' in lines
    assert "test 12 4 6 6" in lines
    with np.load(squares) as arrays:
        values = arrays["x"][arrays["y"] == 1]
    low, p1, median, p99, high = (f"{value:g}" for value in np.percentile(values, [0, 1, 50, 99, 100]))
    shown = f"{low} to {high} (98% from {p1} to {p99}), median {median}; 0.0% below and 0.0% above the range"
    assert f'values of "nodule" {shown}' in lines
    place = lines.index("warning small_sets")
    assert lines[place + 1].startswith(
        'The test set has only 6 cases of "other": a recall of 0.9 is known to within ±0.37 at'
    )
    assert lines[-1] == "A run can use these data: 1 warning."
    assert done.stderr == ""


def test_errors_exit_with_2_unless_they_are_allowed_and_warnings_with_0(squares, monkeypatch):
    find(monkeypatch, COPIES, WARNING)
    done = invoked("data", "check", f"npz:{squares}", "--quick")
    assert done.exit_code == 2
    lines = [line.rstrip() for line in done.stdout.splitlines()]
    place = lines.index("error  near_duplicates")
    assert lines[place + 2] == "  Affected: 3, 8"
    assert lines[place + 3].startswith(f"  {COPIES.remedy[:40]}")
    after = lines.index("warning  patients")
    assert lines[after - 1 : after + 3] == ["", "warning  patients", "  Each scan counts as a patient.", ""]
    assert "Fix the errors, or use the data anyway with --allow near_duplicates." in " ".join(done.stdout.split())
    done = invoked("data", "check", f"npz:{squares}", "--quick", "--allow", "near_duplicates")
    assert done.exit_code == 0
    assert "error, allowed  near_duplicates" in done.stdout
    assert "A run can use these data: 1 allowed error, 1 warning." in done.stdout
    find(monkeypatch, WARNING)
    assert invoked("data", "check", f"npz:{squares}", "--quick").exit_code == 0


def test_json_is_one_object_with_the_findings(squares, monkeypatch):
    find(monkeypatch, COPIES)
    done = invoked("data", "check", f"npz:{squares}", "--json")
    document = json.loads(done.stdout)
    assert done.exit_code == 2
    assert (document["data"], document["is_usable"], document["problem"]) == (f"npz:{squares}", False, None)
    assert document["findings"] == [{**COPIES.to_document(), "is_allowed": False}]
    assert document["summary"]["sets"]["test"]["classes"] == {"other": 6, "nodule": 6}


def test_the_html_page_is_written_where_it_is_asked_for(squares, tmp_path):
    done = invoked("data", "check", f"npz:{squares}", "--html", tmp_path / "new.html")
    assert done.stdout.splitlines()[-1].endswith("new.html")
    assert "<h1>npz:" in (tmp_path / "new.html").read_text()


def test_an_experiment_that_cannot_be_divided_exits_with_2(tmp_path):
    path = write_experiment(tmp_path / "exp.json", write_squares(tmp_path / "a.npz", count=4, groups=2))
    done = invoked("data", "check", path)
    assert done.exit_code == 2
    assert "No run is possible: split: 2 groups" in " ".join(done.stdout.split())


@pytest.mark.parametrize("command", [("data", "prepare"), ("run", "--out", "out")])
def test_commands_stop_at_errors_before_they_write_anything(squares, tmp_path, monkeypatch, command):
    monkeypatch.chdir(tmp_path)
    find(monkeypatch, COPIES)
    done = invoked(*command, write_experiment(tmp_path / "exp.json", squares))
    assert isinstance(done.exception, DataError)
    assert str(done.exception).endswith("To use the data anyway, add --allow near_duplicates.")
    assert not (tmp_path / "out").exists()


def test_prepare_takes_an_error_that_is_allowed_with_a_warning(squares, tmp_path, monkeypatch):
    find(monkeypatch, COPIES, WARNING)
    done = invoked("data", "prepare", "--data", f"npz:{squares}", "--allow", "near_duplicates")
    assert done.exit_code == 0
    assert done.stderr.splitlines() == [
        "Warning: near_duplicates is allowed: 2 cases are copies of each other. Remove one of each pair.",
        "Warning: Each scan counts as a patient.",
    ]


def test_a_sweep_stops_before_its_first_trial(tmp_path, monkeypatch):
    find(monkeypatch, COPIES)
    document = sweep_document(tmp_path)
    document["base"]["data"]["root"] = str(write_squares(tmp_path / "a.npz"))
    (tmp_path / "sweep.json").write_text(json.dumps(document))
    done = invoked("sweep", tmp_path / "sweep.json", "--out", tmp_path / "out")
    assert isinstance(done.exception, DataError)
    assert str(done.exception).startswith("near_duplicates: ")
    assert not list((tmp_path / "out").glob("trials/*"))


@pytest.mark.slow
def test_an_allowed_error_is_in_experiment_report_card_and_summary_of_a_run(squares, tmp_path, monkeypatch):
    find(monkeypatch, COPIES, WARNING)
    path = write_experiment(tmp_path / "exp.json", squares, training={"epochs": 1})
    done = invoked("run", path, "--out", tmp_path / "out", "--allow", "near_duplicates", "--baseline")
    assert done.exit_code == 0, done.output
    assert "1 allowed error, 1 warning about the data; see the data checks in the report." in done.stdout
    folder = tmp_path / "out/net"
    assert json.loads((folder / "experiment.json").read_text())["data"]["allow"] == ["near_duplicates"]
    page = (folder / "report.html").read_text()
    caution = "The data have an error that was allowed: near_duplicates. The results may be wrong; see the data checks."
    assert f'<li class="caution">{caution}</li>' in page
    section = page[page.index('id="data-checks"') :]
    assert '<b class="severity">error, allowed</b> <code>near_duplicates</code>' in section
    assert "Affected: 3, 8" in section
    assert "Remove one of each pair." in section
    assert "Each scan counts as a patient." in section
    comparison = (tmp_path / "out/report.html").read_text()
    assert f'<li class="caution">{caution}</li>' in comparison
    assert caution in json.loads((tmp_path / "out/comparison.json").read_text())["cautions"]
    assert invoked("export", folder, "--format", "keras", "--out", tmp_path / "exported").exit_code == 0
    card = next((tmp_path / "exported").glob("*.md")).read_text()
    assert caution in card
    assert "- **error, allowed** (near_duplicates): 2 cases are copies of each other.\n" in card
    assert "- **warning** (patients): Each scan counts as a patient." in card
