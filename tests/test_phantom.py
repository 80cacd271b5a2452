import math

import numpy as np
import pytest
from scipy import stats

from archnet.data import open_dataset, phantom
from archnet.data.phantom import Phantom, write_phantom
from archnet.data.phantom_scan import draw_scan
from archnet.imaging import read_volume
from archnet.spec.experiment import Data

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


@pytest.mark.parametrize("feature", ["area", "brightness", "elongation", "row", "column", "slice", "surroundings"])
def test_the_central_slice_of_a_vessel_through_the_plane_is_distributed_as_a_nodules(drawn, feature):
    nodules, vessels = _of(drawn, "nodule", feature), _of(drawn, "through", feature)
    assert min(len(nodules), len(vessels)) > 75
    assert stats.ks_2samp(nodules, vessels).pvalue > 0.01


def test_the_drawn_diameter_is_distributed_alike(drawn):
    of = {kind: [c.diameter_mm for c, _ in drawn if c.kind == kind] for kind in ("nodule", "through")}
    assert stats.ks_2samp(of["nodule"], of["through"]).pvalue > 0.01


def test_one_slice_settles_a_vessel_in_the_plane(drawn):
    assert np.median(_of(drawn, "in-plane", "elongation")) > 1.5 * np.median(_of(drawn, "nodule", "elongation"))


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
    crops = dataset.crops(np.arange(len(dataset.cases.ids)))
    assert crops.shape[1:] == (64, 64, 10)
    assert (crops[:, 31:34, 31:34, 5].mean((1, 2)) > -300).all()


def test_the_same_seed_draws_the_same_files(small, tmp_path):
    write_phantom(tmp_path, SMALL)
    files = sorted(path.relative_to(small) for path in small.rglob("*") if path.is_file())
    assert len(files) == 2 * 3 + 3
    for name in files:
        assert (tmp_path / name).read_bytes() == (small / name).read_bytes()


def test_a_scan_has_air_lung_tissue_and_bone(small):
    hu = read_volume(small / "subset0/phantom-0-0000.mhd").hu
    assert abs(np.median(hu[:, :20]) + 1000) < 10
    for low, high, share in ((-950, -800, 0.08), (-50, 120, 0.1), (250, 500, 0.005)):
        assert np.mean((hu > low) & (hu < high)) > share


def test_it_is_generated_once_and_only_whole(tmp_path, monkeypatch):
    monkeypatch.setenv("ARCHNET_DATA", str(tmp_path))
    monkeypatch.setattr(phantom, "Phantom", lambda: SMALL)
    first = open_dataset(Data(name="phantom"))
    monkeypatch.setattr(phantom, "write_phantom", lambda *_: pytest.fail("generated again"))
    again = open_dataset(Data(name="phantom"))
    np.testing.assert_array_equal(first.cases.ids, again.cases.ids)
    assert len(list((tmp_path / "phantom").iterdir())) == 1


def test_an_interrupted_generation_leaves_nothing(tmp_path, monkeypatch):
    def interrupted(folder, *_):
        (folder / "subset0").mkdir()
        raise KeyboardInterrupt

    monkeypatch.setenv("ARCHNET_DATA", str(tmp_path))
    monkeypatch.setattr(phantom, "write_phantom", interrupted)
    with pytest.raises(KeyboardInterrupt):
        open_dataset(Data(name="phantom"))
    assert list((tmp_path / "phantom").iterdir()) == []
