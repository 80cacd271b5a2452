"""The crop store through the command line: prepare, info, prune, and runs on data sets with damaged scans."""

import json
from pathlib import Path

import numpy as np
import pytest
from typer.main import get_command
from typer.testing import CliRunner

from archnet.cli import app
from archnet.errors import DataError
from archnet.files.disk import bytes_on_disk, format_bytes
from archnet.imaging import Volume
from archnet.imaging.metaimage import write_mhd
from archnet.phantom.layouts import Phantom

LINEAR = {"name": "linear", "rank": 2, "layers": [{"type": "T"}]}


@pytest.fixture
def luna(tmp_path, monkeypatch):
    """Ten scans with a nodule and two other candidates each, in LUNA16's layout."""
    monkeypatch.setenv("ARCHNET_STORE", str(tmp_path / "store"))
    monkeypatch.chdir(tmp_path)
    generator = np.random.default_rng(0)
    lines = ["seriesuid,coordX,coordY,coordZ,class"]
    for number in range(10):
        hu = generator.integers(-1000, 400, (6, 16, 16)).astype(np.int16)
        folder = tmp_path / f"luna/subset{number}"
        folder.mkdir(parents=True)
        volume = Volume(hu=hu, spacing_mm=(1.0, 1.0, 1.0), origin_mm=(0.0, 0.0, 0.0), direction=np.eye(3))
        write_mhd(folder / f"scan{number}.mhd", volume)
        lines += [f"scan{number},{place},{place},3,{int(place == 5)}" for place in (5, 8, 11)]
    (tmp_path / "luna/candidates.csv").write_text("\n".join(lines) + "\n")
    (tmp_path / "exp.json").write_text(
        json.dumps(
            {
                "archs": [LINEAR],
                "data": {"name": "luna16", "root": "luna", "crop_size": [6, 6, 4]},
                "training": {"epochs": 1},
            }
        )
    )
    return tmp_path / "luna"


def archnet(*arguments):
    result = CliRunner().invoke(app, [str(word) for word in arguments])
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


def as_json(*arguments):
    return json.loads(archnet(*arguments, "--json").stdout)


def damage(luna, *numbers):
    for number in numbers:
        raw = luna / f"subset{number}/scan{number}.raw"
        raw.write_bytes(raw.read_bytes()[:100])


def test_the_defaults_of_the_phantom_are_those_of_its_class():
    options = {option.name: option for option in get_command(app).commands["data"].commands["phantom"].params}
    drawn = Phantom()
    assert (options["layout"].default, options["scans"].default) == (drawn.layout, drawn.num_scans)
    assert options["seed"].default == drawn.seed
    assert f"(default {drawn.num_candidates})" in options["candidates"].help
    assert f"(default {drawn.through_plane})" in options["through_plane"].help


@pytest.mark.slow
def test_prepare_cuts_what_run_then_finds(luna):
    told = archnet("data", "info", "luna16", "--root", "luna", "--set", "data.crop_size=[6,6,4]").stdout
    assert "stored     0.0 MB, 0 of 10 scans cut (archnet data prepare)" in told
    assert f"folder     luna, {format_bytes(bytes_on_disk(luna))}" in told.splitlines()
    assert archnet("data", "prepare", "exp.json").stdout == "30 crops of 6x6x4, 0.0 MB\n"
    (store,) = as_json("data", "info")["stores"]
    assert (store["num_crops"], store["state"]) == (30, "ready")
    assert store["source"] == "luna16 in luna"
    again = archnet("data", "prepare", "--data", "luna16", "--root", "luna", "--set", "data.crop_size=[6,6,4]")
    assert again.stdout == "30 crops of 6x6x4, 0.0 MB\n"
    assert len(as_json("data", "info")["stores"]) == 1
    assert (
        f"stored     0.0 MB in {store['folder']}"
        in archnet("data", "info", "luna16", "--root", "luna", "--set", "data.crop_size=[6,6,4]").stdout
    )


@pytest.mark.slow
def test_prune_reports_what_it_removes(luna):
    archnet("data", "prepare", "exp.json")
    assert archnet("data", "prune").stdout == "0 stores removed, 0.00 GB\n"
    assert as_json("data", "prune") == []
    damage(luna, 3)
    assert archnet("data", "prune", "--dry-run").stdout.endswith("1 store would be removed, 0.00 GB\n")
    (store,) = as_json("data", "prune", "--dry-run")
    assert (store["num_crops"], store["state"], Path(store["folder"]).is_dir()) == (30, "changed", True)
    assert len(as_json("data", "info")["stores"]) == 1
    assert archnet("data", "prune").stdout.endswith("1 store removed, 0.00 GB\n")
    assert as_json("data", "info")["stores"] == []


def test_damaged_scans_are_listed_and_strict_makes_them_an_error(luna):
    damage(luna, 3, 4)
    told = as_json("data", "prepare", "exp.json")
    assert told["crops"] == 30
    assert [(scan["scan"].rsplit("/", 1)[1], scan["num_cases"]) for scan in told["missing"]] == [
        ("scan3.mhd", 3),
        ("scan4.mhd", 3),
    ]
    warned = archnet("data", "prepare", "exp.json").stderr
    start = "Warning: 2 scans could not be read: 6 of 30 cases are missing. luna/subset3/scan3.mhd: "
    end = "It has 3 cases. Repair or remove the damaged files, or use --strict to make this an error."
    assert any(line.startswith(start) and line.endswith(end) for line in warned.splitlines())


@pytest.mark.slow
def test_a_run_counts_what_is_missing_in_its_report(luna, tmp_path):
    damage(luna, 3, 4)
    archnet("run", "exp.json", "--out", "out")
    record = json.loads((tmp_path / "out/linear/data.json").read_text())
    assert [scan["num_cases"] for scan in record["lost"]] == [3, 3]
    page = (tmp_path / "out/linear/report.html").read_text()
    assert "6 cases missing, because 2 scans could not be read; see the data checks." in page
    assert "6 of 30 cases are missing. luna/subset3/scan3.mhd: " in page
    rows = (tmp_path / "out/linear/predictions.csv").read_text().splitlines()
    assert len(rows) == 1 + 24
    assert not any(row.startswith(("scan3#", "scan4#")) for row in rows)


@pytest.mark.parametrize("command", [("data", "prepare", "exp.json"), ("run", "exp.json", "--out", "out")])
def test_strict_stops_at_damaged_scans(luna, tmp_path, command):
    damage(luna, 3)
    with pytest.raises(DataError, match=r"^luna/subset3/scan3\.mhd: .*\. It has 3 cases\.$"):
        archnet(*command, "--strict")
    assert not (tmp_path / "out").exists()


def test_prepare_needs_to_know_the_data():
    from archnet.errors import DocumentError

    with pytest.raises(DocumentError, match=r"^Name an experiment file, or a data set with --data NAME\.$"):
        archnet("data", "prepare")


def test_crops_on_a_grid_of_millimetres_have_the_size_that_was_asked_for(luna):
    settings = ["--set", "data.spacing_mm=[0.5,0.5,2]", "--set", "data.crop_size_mm=[4,5,6]"]
    archnet("data", "prepare", "--data", "luna16", "--root", "luna", *settings)
    (store,) = as_json("data", "info")["stores"]
    description = json.loads((Path(store["folder"]) / "store.json").read_text())
    assert description["shape"] == [8, 10, 3]
    assert description["spacing_mm"] == [0.5, 0.5, 2]


def test_options_without_a_data_set_are_not_ignored():
    from archnet.errors import DocumentError

    with pytest.raises(DocumentError, match=r"^Name the data set, such as: archnet data info luna16 --root DIR\.$"):
        archnet("data", "info", "--root", "luna")


@pytest.mark.slow
def test_two_scans_can_be_looked_at_and_prepared_before_there_are_enough_for_a_split(luna, tmp_path):
    rows = (luna / "candidates.csv").read_text().splitlines()
    (luna / "candidates.csv").write_text(
        "\n".join(row for row in rows if not row[4:5].isdigit() or row[4] < "2") + "\n"
    )
    options = ["luna16", "--root", "luna", "--set", "data.crop_size=[6,6,4]"]
    summary = as_json("data", "info", *options)
    assert summary["classes"] == {"non-nodule": 4, "nodule": 2}
    assert summary["split"] == (
        "not possible: 2 groups are too few for training, validation (0.1) and test (0.2) sets; the train set would be "
        "empty. Lower the others' shares or add scans."
    )
    assert "train" not in summary
    archnet("data", "info", *options, "--picture", "first", "--out", tmp_path / "case.png")
    assert (tmp_path / "case.png").exists()
    assert archnet("data", "prepare", "--data", *options).stdout == "6 crops of 6x6x4, 0.0 MB\n"
    with pytest.raises(DataError, match=r"^split: 2 groups are too few"):
        archnet("run", "exp.json", "--out", "out")


@pytest.mark.parametrize("command", [("info", "luna16"), ("prepare", "--data", "luna16")])
def test_a_split_that_the_data_do_not_have_is_refused_also_where_none_is_needed(luna, command):
    with pytest.raises(
        DataError, match=r'^split\.by "own": the data have no sets of their own\. Use "official", "group" or '
    ):
        archnet("data", *command, "--root", "luna", "--set", "split.by=own")


def test_info_names_the_channels_of_arrays_and_the_limits_of_each(tmp_path):
    x = np.random.default_rng(0).integers(0, 200, (40, 8, 7, 2), dtype=np.uint8)
    np.savez(tmp_path / "a.npz", x=x, y=np.arange(40) % 2)
    arguments = ["data", "info", f"npz:{tmp_path / 'a.npz'}", "--set", "data.channels=2"]
    lines = archnet(*arguments, "--set", "data.range=[[0,250],[0,20]]").stdout.splitlines()
    assert lines[5:8] == [
        "shape      8x7",
        "channels   2",
        "limits     0 to 250 and 0 to 20 are scaled to 0 to 1",
    ]
