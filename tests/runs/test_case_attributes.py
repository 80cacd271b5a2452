"""Case attributes: from the data into cases.csv of a run folder, and what `data info` and `data check` say of them."""

import csv
import json
import re
import shutil
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

import archnet
from archnet.api.experiments import load_experiments
from archnet.cli import app
from archnet.data import open_dataset
from archnet.evaluation.integrity.manifest import read_manifest, record_run
from archnet.imaging.metaimage import write_mhd
from archnet.imaging.volume import Volume
from archnet.runs.artifacts import split_text, write_run_setup
from archnet.runs.preparation import prepare
from archnet.runs.repair import repair_run
from archnet.runs.rereport import regenerate_reports
from archnet.spec.resolve import data_experiments
from dicom_files import write_series
from finished_runs import NET_2D, experiment_on


@pytest.fixture
def phantom(luna16_phantom, tmp_path):
    return Path(shutil.copytree(luna16_phantom, tmp_path / "phantom"))


def prepared_data(data, **sections):
    (experiment,) = load_experiments({"archs": [NET_2D], "data": data, **sections})
    return prepare(open_dataset(experiment.data), [experiment])


def prepare_run(folder, data):
    """The first files of a run on a data set."""
    (prepared,) = prepared_data(data)
    write_run_setup(folder, {}, prepared, split_text(prepared))
    return prepared


def rows_of(path):
    with path.open(encoding="utf-8", newline="") as lines:
        return list(csv.DictReader(lines))


def test_a_run_keeps_the_diameters_and_the_spacing_that_the_data_know(phantom, tmp_path):
    prepare_run(tmp_path / "run", {"name": "luna16", "root": str(phantom), "crop_size": [16, 16, 4]})
    rows, cases = rows_of(tmp_path / "run/cases.csv"), rows_of(tmp_path / "run/split.csv")
    assert [row["case"] for row in rows] == [case["case"] for case in cases]
    assert list(rows[0]) == [
        "case", "diameter_mm", "slice_spacing_mm", "pixel_spacing_mm", "num_slices", "num_rows", "num_columns",
    ]  # fmt: skip
    assert {(row["slice_spacing_mm"], row["pixel_spacing_mm"]) for row in rows} == {("2.5", "1.35")}
    listed = {row["diameter_mm"] for row in rows_of(phantom / "annotations.csv")}
    for row, case in zip(rows, cases, strict=True):
        assert (row["diameter_mm"] in listed) == (case["label"] == "nodule")
        assert row["diameter_mm"] or case["label"] == "non-nodule"


def test_a_column_of_the_table_replaces_what_the_data_know_and_keeps_its_place(phantom, tmp_path):
    (phantom / "cases.csv").write_text("seriesuid,site,slice_spacing_mm\nphantom-0-0003,B,9\n")
    prepared = prepare_run(tmp_path / "run", {"name": "luna16", "root": str(phantom), "crop_size": [16, 16, 4]})
    rows = rows_of(tmp_path / "run/cases.csv")
    assert list(rows[0])[:4] == ["case", "diameter_mm", "site", "slice_spacing_mm"]
    known = {row["case"] for row in rows if row["site"] == "B" and row["slice_spacing_mm"] == "9"}
    assert known == {case for case in prepared.cases.ids.tolist() if case.startswith("phantom-0-0003#")}
    assert {(row["site"], row["slice_spacing_mm"]) for row in rows} == {("", ""), ("B", "9")}


def test_a_damaged_list_of_nodules_leaves_the_diameters_unknown_with_a_warning(phantom, tmp_path):
    path = phantom / "annotations.csv"
    path.write_text("name,size\na,1\n")
    prepared = prepare_run(tmp_path / "run", {"name": "luna16", "root": str(phantom), "crop_size": [16, 16, 4]})
    assert "diameter_mm" not in rows_of(tmp_path / "run/cases.csv")[0]
    (finding,) = [one for one in prepared.findings if one.check == "case_attributes"]
    assert (finding.severity, finding.text) == (
        "warning",
        f'The diameters of nodules are unknown: {path} line 1: the column "seriesuid" is missing. Expected seriesuid, '
        "coordX, coordY, coordZ, diameter_mm (separated by commas), got name, size.",
    )


def test_the_scanner_of_a_dicom_series_is_an_attribute_of_its_cases(tmp_path):
    root = tmp_path / "data"
    for number in range(6):
        folder = root / ("CT-0", "CT-23")[number % 2]
        folder.mkdir(parents=True, exist_ok=True)
        if number == 0:
            write_series(folder / "dicom", Manufacturer="GE", SliceThickness="5")
        else:
            hu = np.random.default_rng(number).integers(-1000, 400, (6, 8, 10)).astype(np.int16)
            volume = Volume(hu=hu, spacing_mm=(1.0, 1.0, 2.0), origin_mm=(0.0, 0.0, 0.0), direction=np.eye(3))
            write_mhd(folder / f"{number}.mhd", volume)
    data = {"name": "mosmed", "root": str(root), "crop_size": [4, 4, 2]}
    data = archnet.load_data(data, settings={"split.test": 0.34, "split.validation": 0})
    attributes = {
        case: (scanner, thickness, spacing)
        for case, scanner, thickness, spacing in zip(
            data.ids.tolist(),
            *(data.attributes[name] for name in ("scanner", "slice_thickness_mm", "slice_spacing_mm")),
            strict=True,
        )
    }
    assert attributes["CT-0/dicom"] == ("GE", "5", "5")
    assert attributes["CT-0/2"] == ("", "", "2")


def test_a_run_on_arrays_without_a_table_has_no_attributes(finished_runs):
    assert not (finished_runs / "out/flat/cases.csv").exists()


@pytest.mark.slow
def test_data_info_and_data_check_show_each_attribute_with_its_coverage(phantom):
    (phantom / "cases.csv").write_text(
        "seriesuid,site\n" + "".join(f"phantom-0-000{k},{'AB'[k % 2]}\n" for k in range(3))
    )
    arguments = ["luna16", "--root", str(phantom)]
    info = CliRunner().invoke(app, ["data", "info", *arguments]).stdout
    listed = [float(row["diameter_mm"]) for row in rows_of(phantom / "annotations.csv")]
    assert (
        f"attributes diameter_mm: {min(listed):g} to {max(listed):g}, known for 16 of 80 cases (16 of 16 positives), "
        "site: A: 20, B: 10; known for 30 of 80 cases (6 of 16 positives)\n"
    ) in info
    document = json.loads(CliRunner().invoke(app, ["data", "check", "--quick", *arguments, "--json"]).stdout)
    assert document["summary"]["attributes"][1] == {
        "name": "site", "known": 30, "cases": 80, "known_positives": 6, "positives": 16,
        "values": {"A": 20, "B": 10}, "num_values": 2,
    }  # fmt: skip
    text = CliRunner().invoke(app, ["data", "check", "--quick", *arguments]).stdout
    assert re.search(r"site +A: 20, B: 10; known for 30 of 80 cases", text)


def finished_copy(finished_runs, tmp_path):
    """A copy of a finished run whose data have a table of attributes."""
    root = Path(shutil.copy(finished_runs / "cubes.npz", tmp_path))
    (tmp_path / "cubes.cases.csv").write_text("case,site\n" + "".join(f"{k},{'AB'[k % 2]}\n" for k in range(60)))
    run = Path(shutil.copytree(finished_runs / "out/flat", tmp_path / "flat"))
    document = json.loads((run / "experiment.json").read_text())
    document["data"]["root"] = str(root)
    (run / "experiment.json").write_text(json.dumps(document))
    cases = (run / "split.csv").read_text().splitlines()[1:]
    text = "case,site\n" + "".join(f"{case},{'AB'[int(case) % 2]}\n" for case in (row.split(",")[0] for row in cases))
    (run / "cases.csv").write_text(text)
    record_run(run)
    return run, text


def test_the_table_is_one_of_the_files_of_a_run_and_is_repaired_from_the_data(finished_runs, tmp_path):
    run, text = finished_copy(finished_runs, tmp_path)
    assert "cases.csv" in read_manifest(run).files
    (run / "cases.csv").write_text(text.replace("A", "C"))
    with pytest.raises(archnet.ArchnetError, match=re.escape(f"{run / 'cases.csv'}: changed since the run finished")):
        regenerate_reports([run])
    repair_run(run)
    assert (run / "cases.csv").read_text() == text


@pytest.mark.slow
def test_a_table_that_is_added_later_does_not_make_another_experiment(finished_runs, tmp_path):
    root = Path(shutil.copy(finished_runs / "cubes.npz", tmp_path))
    (tmp_path / "sites.csv").write_text("case,site\n0,A\n")
    (experiment,) = data_experiments({"name": "npz", "root": str(root), "cases": str(tmp_path / "sites.csv")})
    assert experiment.data.cases == str(tmp_path / "sites.csv")
    out = Path(shutil.copytree(finished_runs / "out", tmp_path / "out"))
    for path in (out / "experiment.json", out / "flat/experiment.json"):
        document = json.loads(path.read_text())
        document["data"]["root"] = str(root)
        path.write_text(json.dumps(document))
    record_run(out / "flat")
    document = experiment_on(root, NET_2D)
    document["data"]["cases"] = str(tmp_path / "sites.csv")
    archnet.run_all(archnet.load_experiments(document), out=out, resume=True)
