import csv
import hashlib
import json
import math
import os
import subprocess
import sys

import numpy as np
import pytest
from scipy import stats

from archnet.data import open_dataset
from archnet.errors import DataError
from archnet.imaging import read_volume
from archnet.phantom import layouts
from archnet.phantom.body import SPACING_MM
from archnet.phantom.layouts import LAYOUTS, Phantom, generate_phantom, write_phantom
from archnet.phantom.scan import draw_scan
from archnet.spec.experiment import Data
from command_line import invoked

SMALL = Phantom(num_scans=3, num_candidates=12)


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    folder = tmp_path_factory.mktemp("phantom")
    write_phantom(folder, SMALL)
    return folder


@pytest.fixture(scope="module")
def drawn():
    """Many candidates: of each its kind, and what its central slice shows within 9 mm."""
    rows = []
    for number in range(14):
        hu, candidates = draw_scan(np.random.default_rng([7, number]), 28)
        rows += [(candidate, _features(hu, candidate)) for candidate in candidates]
    return rows


def _features(hu, candidate):
    """Size, brightness, elongation and surroundings in the central slice; height in the scan; slices that go on."""
    z, y, x = (math.floor(place + 0.5) for place in candidate.index)
    patch = hu[z, y - 8 : y + 9, x - 8 : x + 9].astype(float)
    mass = np.clip((patch + 850) / 900, 0, 1) * (np.hypot(*np.mgrid[-8:9, -8:9]) < 8)
    spread = np.cov(np.argwhere(mass > 0.5).T)
    elongation = math.sqrt(np.divide(*np.linalg.eigvalsh(spread)[::-1]))
    inner = hu[z, y - 1 : y + 2, x - 1 : x + 2].mean()
    far = [hu[min(max(z + step, 0), len(hu) - 1), y, x] for step in (-4, 4)]
    return {
        "area": mass.sum(),
        "brightness": inner,
        "elongation": elongation,
        "row": y,
        "column": x,
        "slice": z,
        "surroundings": hu[z, max(y - 20, 0) : y + 20, max(x - 20, 0) : x + 20].mean(),
        "far": np.mean(far),
    }


def _of(drawn, kind, feature):
    return [features[feature] for candidate, features in drawn if candidate.kind == kind]


@pytest.mark.long
@pytest.mark.parametrize("feature", ["area", "brightness", "elongation", "row", "column", "slice", "surroundings"])
def test_the_central_slice_of_a_vessel_through_the_plane_is_distributed_as_a_nodules(drawn, feature):
    nodules, vessels = _of(drawn, "nodule", feature), _of(drawn, "through", feature)
    assert min(len(nodules), len(vessels)) > 75
    assert stats.ks_2samp(nodules, vessels).pvalue > 0.01


@pytest.mark.long
def test_the_drawn_diameter_is_distributed_alike(drawn):
    of = {kind: [c.diameter_mm for c, _ in drawn if c.kind == kind] for kind in ("nodule", "through")}
    assert stats.ks_2samp(of["nodule"], of["through"]).pvalue > 0.01


@pytest.mark.long
def test_one_slice_settles_a_vessel_in_the_plane(drawn):
    assert np.median(_of(drawn, "in-plane", "elongation")) > 1.5 * np.median(_of(drawn, "nodule", "elongation"))


@pytest.mark.long
def test_the_slices_above_and_below_tell_a_nodule_from_a_vessel(drawn):
    nodules, vessels = _of(drawn, "nodule", "far"), _of(drawn, "through", "far")
    auc = stats.mannwhitneyu(vessels, nodules).statistic / (len(nodules) * len(vessels))
    assert auc > 0.85


def test_the_phantom_is_a_luna16_folder(small):
    dataset = open_dataset(Data(name="luna16", root=str(small)))
    assert len(dataset.cases.ids) == 36
    assert np.unique(dataset.cases.groups).tolist() == ["phantom-0-0000", "phantom-0-0001", "phantom-0-0002"]
    assert sorted(path.name for path in small.glob("subset*")) == ["subset0", "subset1", "subset2"]
    lines = (small / "annotations.csv").read_text().splitlines()
    assert lines[0] == "seriesuid,coordX,coordY,coordZ,diameter_mm"
    assert len(lines) - 1 == np.count_nonzero(dataset.cases.labels) > 3


def test_a_candidate_stands_on_what_it_marks(small):
    dataset = open_dataset(Data(name="phantom", root=str(small)))
    crops = dataset.crops(np.arange(len(dataset.cases.ids))).values
    assert crops.shape[1:] == (64, 64, 10)
    assert (crops[:, 31:34, 31:34, 5].mean((1, 2)) > -300).all()


def _rows(path):
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def _distances_mm(row, findings):
    """From one candidate to the findings of its scan, and those findings' rows."""
    here = [one for one in findings if one["seriesuid"] == row["seriesuid"]]
    point, points = ([[float(one[f"coord{axis}"]) for axis in "XYZ"] for one in rows] for rows in ([row], here))
    return np.linalg.norm(np.array(points) - np.array(point), axis=1), here


def test_the_nodules_candidates_hit_their_annotation_and_no_other_candidate_hits_one(small):
    candidates, annotations = _rows(small / "candidates.csv"), _rows(small / "annotations.csv")
    hit = set()
    for row in candidates:
        distances_mm, here = _distances_mm(row, annotations)
        hits = distances_mm < [float(one["diameter_mm"]) / 2 for one in here]
        assert hits.sum() == int(row["class"])
        hit |= {tuple(here[k].values()) for k in np.flatnonzero(hits)}
    assert len(hit) == len(annotations) > 5


@pytest.mark.slow
def test_an_annotation_lies_in_the_middle_of_its_nodule():
    """Of what is dense within a nodule's radius the middle is found in the voxels, and compared with what is written."""
    shifts_mm = []
    for number in range(4):
        hu, candidates = draw_scan(np.random.default_rng([7, number]), 28)
        for one in candidates:
            if one.kind == "nodule":
                away = [(np.arange(n) - c) * s for n, c, s in zip(hu.shape, one.centre, SPACING_MM[::-1], strict=True)]
                distance = np.sqrt(sum(part**2 for part in np.ix_(*away)))
                dense = np.argwhere((distance < 0.8 * one.diameter_mm) & (hu > -400))
                shifts_mm.append((dense.mean(0) - one.centre) * SPACING_MM[::-1])
    assert len(shifts_mm) > 20
    assert np.abs(np.mean(shifts_mm, 0)).max() < 0.25
    assert np.median(np.linalg.norm(shifts_mm, axis=1)) < 0.7


def test_one_vessel_of_each_scan_is_an_excluded_finding(small):
    excluded = _rows(small / "annotations_excluded.csv")
    assert [one["seriesuid"] for one in excluded] == ["phantom-0-0000", "phantom-0-0001", "phantom-0-0002"]
    assert {one["diameter_mm"] for one in excluded} == {"-1"}
    hits = [row for row in _rows(small / "candidates.csv") if (_distances_mm(row, excluded)[0] < 5).any()]
    assert [row["class"] for row in hits] == ["0", "0", "0"]


def test_the_lists_have_the_form_of_luna16s_own(small, real_data):
    for name in ("annotations.csv", "annotations_excluded.csv", "seriesuids.csv"):
        ours, theirs = ((folder / name).read_text().splitlines() for folder in (small, real_data / "luna16_lists"))
        assert ours[0].count(",") == theirs[0].count(",")
        assert ours[0] == theirs[0] or name == "seriesuids.csv"


def test_the_series_are_listed_without_a_header(small):
    assert (small / "seriesuids.csv").read_text() == "phantom-0-0000\nphantom-0-0001\nphantom-0-0002\n"


@pytest.mark.long
@pytest.mark.parametrize(
    "given",
    [
        pytest.param(Phantom(num_scans=2, num_candidates=12), marks=pytest.mark.long),
        Phantom(layout="mosmed", num_scans=4),
    ],
)
def test_the_same_seed_draws_the_same_bytes_in_another_process_at_another_time_on_an_older_processor(given, tmp_path):
    code = (
        "import sys, time\nfrom pathlib import Path\nfrom archnet.phantom.layouts import Phantom, generate_phantom\n"
        f"time.time = lambda: float(sys.argv[2])\ngenerate_phantom(Path(sys.argv[1]), {given!r})"
    )
    new_features = " ".join(np.show_config(mode="dicts")["SIMD Extensions"]["found"])
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", code, tmp_path / seed, clock],
            env={**os.environ, "PYTHONHASHSEED": seed, "NPY_DISABLE_CPU_FEATURES": disabled},
        )
        for seed, clock, disabled in (("1", "1e9", ""), ("2", "1.5e9", new_features))
    ]
    assert [process.wait() for process in processes] == [0, 0]
    one, other = (
        {str(path.relative_to(tmp_path / seed)): path.read_bytes() for path in (tmp_path / seed).rglob("*.*")}
        for seed in "12"
    )
    assert one == other
    assert len(one) == {"luna16": 2 * 2 + 5, "mosmed": 4 + 1}[given.layout]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("share", "counts"),
    [(0.0, (6, 0, 22)), (0.2, (6, 4, 18)), (0.4, (6, 9, 13)), (0.5, (6, 11, 11)), (0.8, (6, 18, 4)), (1.0, (6, 22, 0))],
)
def test_a_share_of_the_other_candidates_are_through_plane_vessels(share, counts):
    _, candidates = draw_scan(np.random.default_rng(1), 28, share)
    kinds = [candidate.kind for candidate in candidates]
    assert tuple(kinds.count(kind) for kind in ("nodule", "through", "in-plane")) == counts


def test_the_default_share_is_left_out_of_the_document():
    document = {"version": 4, "layout": "luna16", "num_scans": 36, "num_candidates": 28, "seed": 0}
    assert Phantom().to_document() == document
    assert Phantom(through_plane=0.8).to_document() == {**document, "through_plane": 0.8}


@pytest.mark.slow
def test_the_command_writes_the_share_into_the_scans(tmp_path):
    done = invoked(
        "data", "phantom", "--scans", 1, "--candidates", 10, "--through-plane", 1, "--out", tmp_path / "hard"
    )
    assert done.exit_code == 0, done.output
    document = json.loads((tmp_path / "hard/phantom.json").read_text())
    assert document["through_plane"] == 1
    generate_phantom(tmp_path / "easy", Phantom(num_scans=1, num_candidates=10, through_plane=0))
    one, other = ((tmp_path / name / "subset0/phantom-0-0000.mhd") for name in ("hard", "easy"))
    assert (read_volume(one).hu != read_volume(other).hu).mean() > 0.001


@pytest.mark.slow
def test_another_seed_draws_something_else(small, tmp_path):
    write_phantom(tmp_path, Phantom(num_scans=1, num_candidates=12, seed=1))
    assert (tmp_path / "candidates.csv").read_text() != (small / "candidates.csv").read_text()


def test_a_scan_has_air_lung_tissue_and_bone(small):
    hu = read_volume(small / "subset0/phantom-0-0000.mhd").hu
    assert abs(np.median(hu[:, :20]) + 1000) < 10
    for low, high, share in ((-950, -800, 0.08), (-50, 120, 0.1), (250, 500, 0.005)):
        assert np.mean((hu > low) & (hu < high)) > share


@pytest.mark.slow
def test_it_is_generated_once_and_only_whole(tmp_path, monkeypatch):
    monkeypatch.setenv("ARCHNET_DATA", str(tmp_path))
    monkeypatch.setattr("archnet.data.phantom.Phantom", lambda: SMALL)
    first = open_dataset(Data(name="phantom"))
    monkeypatch.setattr(layouts, "write_phantom", lambda *_: pytest.fail("generated again"))
    again = open_dataset(Data(name="phantom"))
    np.testing.assert_array_equal(first.cases.ids, again.cases.ids)
    assert len(list((tmp_path / "phantom").iterdir())) == 1


@pytest.mark.slow
def test_the_fewest_scans_are_one_of_luna16_and_two_of_each_class_of_mosmed():
    assert {name: layout.min_scans for name, layout in LAYOUTS.items()} == {"luna16": 1, "mosmed": 4}


@pytest.mark.slow
@pytest.mark.parametrize("layout", list(LAYOUTS))
def test_an_interrupted_generation_leaves_nothing(tmp_path, layout):
    written = []

    def interrupted(items, *_):
        for item in items:
            written.extend(path for path in tmp_path.rglob("*") if path.is_file())
            if item == 1:
                raise KeyboardInterrupt
            yield item

    with pytest.raises(KeyboardInterrupt):
        generate_phantom(tmp_path / "new", Phantom(layout=layout, num_scans=4, num_candidates=5), interrupted)
    assert written
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("content", ["file", "folder"])
def test_a_folder_that_holds_something_is_left_alone(tmp_path, content):
    if content == "file":
        (tmp_path / "mine").write_text("mine")
    else:
        (tmp_path / "mine/scans").mkdir(parents=True)
    with pytest.raises(DataError) as caught:
        generate_phantom(tmp_path / "mine", SMALL)
    assert (
        str(caught.value) == f"{tmp_path / 'mine'}: already exists and is not empty. Use a new folder for the phantom."
    )


def test_a_phantom_in_another_layout_is_named_as_such(tmp_path):
    (tmp_path / "phantom.json").write_text("{}")
    with pytest.raises(DataError) as caught:
        open_dataset(Data(name="phantom", root=str(tmp_path)))
    assert str(caught.value) == (
        f"{tmp_path}: this phantom is in MosMed's layout. Read it with --data mosmed --root {tmp_path}."
    )


def test_the_phantom_of_this_version_has_these_bytes(small):
    digest = hashlib.sha256()
    for path in sorted(small.rglob("*")):
        if path.is_file():
            digest.update(f"{path.relative_to(small).as_posix()}\n".encode() + path.read_bytes())
    assert (LAYOUTS["luna16"].version, digest.hexdigest()) == (
        4,
        "98dc18cadcafbd0a742543e1f16eda70529ce53c2d76124c9495189b970613d8",
    ), "raise VERSION with what is drawn"
