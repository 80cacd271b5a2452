"""`archnet.check_data`, and `--allow` in Python."""

import inspect
import json
import re

import pytest
from typer.main import get_command

import archnet
from archnet.cli import app
from archnet.errors import DataError, DocumentError
from checked_data import COPIES, NET, experiment_document, find, write_experiment, write_squares


@pytest.fixture
def squares(tmp_path):
    return write_squares(tmp_path / "a.npz")


def test_python_has_every_option_of_the_command_and_its_defaults():
    parameters = inspect.signature(archnet.check_data).parameters
    for parameter in get_command(app).commands["data"].commands["check"].params:
        name = {"set": "settings"}.get(parameter.opts[0].removeprefix("--"), parameter.opts[0].removeprefix("--"))
        if name not in ("json", "help"):
            assert name in parameters
            default = parameters[name].default
            assert name == "data" or (default or None) == (parameter.default or None)


def test_data_may_be_a_name_a_section_or_an_experiment_of_any_kind(squares, tmp_path):
    path = write_experiment(tmp_path / "exp.json", squares)
    (experiment,) = archnet.load_experiments(path)
    sources = [f"npz:{squares}", {"name": "npz", "root": str(squares)}, path, str(path), experiment]
    checks = [archnet.check_data(source, quick=True) for source in [*sources, experiment_document(squares)]]
    assert {check.data for check in checks} == {f"npz:{squares}"}
    assert {check.summary["cases"] for check in checks} == {60}


def test_a_sweep_is_checked_on_the_data_of_its_base_experiment(squares, tmp_path):
    path = tmp_path / "sweep.json"
    base = experiment_document(squares)
    path.write_text(json.dumps({"base": base, "space": {"training.epochs": [1, 2]}}))
    check = archnet.check_data(path, settings={"split.test": 0.4}, quick=True)
    assert (check.data, check.summary["sets"]["test"]["cases"]) == (f"npz:{squares}", 24)


def test_settings_and_root_override(squares):
    check = archnet.check_data({"name": "npz"}, root=squares, settings={"split.test": 0.4}, quick=True)
    assert check.summary["sets"]["test"]["cases"] == 24


def test_an_unknown_data_set_and_a_wrong_type_are_named():
    with pytest.raises(DocumentError, match=r'^--data: unknown data set "lunna16"\. Did you mean "luna16"\?'):
        archnet.check_data("lunna16")
    with pytest.raises(DocumentError, match=r"^data=7: expected a name, npz:PATH, a mapping such as "):
        archnet.check_data(7)


def test_all_checks_the_candidates_that_are_not_drawn(luna16_phantom):
    settings = {"data.negatives_per_positive": 1}
    drawn, every = (
        archnet.check_data("luna16", root=luna16_phantom, settings=settings, all=every, quick=True)
        for every in (False, True)
    )
    assert drawn.summary["in_use"] == 2 * drawn.summary["classes"]["nodule"]
    assert every.summary["in_use"] == every.summary["cases"]


def test_a_check_in_a_notebook_has_the_findings_and_escapes_them(squares, monkeypatch):
    find(monkeypatch, COPIES.__class__(check="left_out", severity="note", message="<b> is left out."))
    page = archnet.check_data(f"npz:{squares}")._repr_html_()
    assert "&lt;b&gt; is left out." in page
    assert "A run can use these data: 1 note." in page


def test_runs_and_loaded_data_stop_at_errors_unless_they_are_allowed(squares, tmp_path, monkeypatch):
    find(monkeypatch, COPIES)
    with pytest.raises(DataError, match="add --allow near_duplicates"):
        archnet.load_data(f"npz:{squares}")
    data = archnet.load_data(f"npz:{squares}", allow=["near_duplicates"])
    assert data.findings == (COPIES,)
    with pytest.raises(DataError, match="add --allow near_duplicates"):
        archnet.run_all(NET, data=f"npz:{squares}", out=tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_allow_joins_what_the_experiment_allows_and_keeps_what_was_chosen_automatically(squares):
    document = experiment_document(squares)
    document["data"]["allow"] = ["patients"]
    document["picked"] = {"training.epochs": "7: as measured."}
    document["training"] = {"epochs": 7}
    (experiment,) = archnet.load_experiments(document, allow=["near_duplicates", "patients"])
    assert experiment.data.allow == ("patients", "near_duplicates")
    assert experiment.to_document()["data"]["allow"] == ["patients", "near_duplicates"]
    assert dict(experiment.auto_reasons) == document["picked"]


def test_an_unknown_check_is_named(squares):
    with pytest.raises(DocumentError, match=r'"near_duplicate" is not one of .* Did you mean "near_duplicates"\?'):
        archnet.load_experiments(NET, data=f"npz:{squares}", allow=["near_duplicate"])
    expected = re.escape("allow='patients': expected names of data checks, such as allow=[\"near_duplicates\"].")
    with pytest.raises(DocumentError, match=f"^{expected}$"):
        archnet.load_experiments(NET, data=f"npz:{squares}", allow="patients")
