import hashlib
import json
import re

import nibabel
import numpy as np
import pytest
import SimpleITK
from scipy import ndimage

from archnet.data import open_dataset
from archnet.errors import ArchnetError, DataError
from archnet.imaging import read_volume
from archnet.phantom.layouts import LAYOUTS, Phantom, generate_phantom, write_phantom
from archnet.phantom.mosmed import draw_whole_scan
from archnet.spec.experiment import Data
from command_line import invoked

SMALL = Phantom(layout="mosmed", num_scans=4, seed=3)


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    folder = tmp_path_factory.mktemp("phantom")
    write_phantom(folder, SMALL)
    return folder


@pytest.fixture(scope="module")
def pairs():
    """The same chests without and with patches: HU of both, smoothed so that noise hardly counts, and the lungs."""
    drawn = []
    for number in range(4):
        healthy, ill = (
            ndimage.gaussian_filter(
                draw_whole_scan(np.random.default_rng(number), has_patches=has_patches).astype(np.float32), (0, 1, 1)
            )
            for has_patches in (False, True)
        )
        body = ndimage.binary_fill_holes(healthy > -500, np.ones((1, 3, 3)))
        lung = ndimage.binary_erosion(body & (healthy < -500), iterations=2)
        drawn.append((healthy, ill, lung))
    return drawn


def test_the_phantom_is_a_mosmed_folder(small):
    dataset = open_dataset(Data(name="mosmed", root=str(small)))
    assert dataset.cases.ids.tolist() == [
        "CT-0/study_0001",
        "CT-0/study_0003",
        "CT-23/study_0002",
        "CT-23/study_0004",
    ]
    assert dataset.cases.classes == ("CT-0", "CT-23")
    crops = dataset.crops(np.arange(4))
    assert crops.values.shape == (4, 128, 128, 64)
    assert crops.unreadable_scans == ()
    assert json.loads((small / "phantom.json").read_text()) == {
        "version": 2,
        "layout": "mosmed",
        "num_scans": 4,
        "seed": 3,
    }


def test_its_files_are_stored_so_that_the_tutorials_steps_show_them_upright(small):
    image = nibabel.load(small / "CT-0/study_0001.nii.gz")
    assert nibabel.aff2axcodes(image.affine) == ("L", "A", "S")
    turned = ndimage.rotate(image.get_fdata(), 90, reshape=False, order=0)
    hu = read_volume(small / "CT-0/study_0001.nii.gz").hu
    np.testing.assert_array_equal(turned, hu.transpose(1, 2, 0))
    assert hu[:, 110:190, 112].mean() > hu[:, 20:60, 112].mean() + 50  # the spine lies below


def test_a_written_scan_lies_where_itk_finds_it(small):
    ours = read_volume(small / "CT-23/study_0002.nii.gz")
    theirs = SimpleITK.DICOMOrient(SimpleITK.ReadImage(str(small / "CT-23/study_0002.nii.gz")), "LPS")
    np.testing.assert_array_equal(ours.hu, SimpleITK.GetArrayFromImage(theirs))
    np.testing.assert_allclose(ours.origin_mm, theirs.GetOrigin(), atol=1e-3)
    np.testing.assert_allclose(ours.spacing_mm, theirs.GetSpacing(), rtol=1e-6)
    assert ours.spacing_mm == pytest.approx((1.35, 1.35, 2.5))


@pytest.mark.long
def test_ground_glass_fills_a_part_of_the_lung_to_between_700_and_300_below_water(pairs):
    for healthy, ill, lung in pairs:
        glass = lung & (ill - healthy > 100)
        assert 0.08 < glass.sum() / lung.sum() < 0.5
        inside = ndimage.binary_erosion(glass, iterations=2)
        assert np.mean((ill[inside] > -700) & (ill[inside] < -300)) > 0.8
        np.testing.assert_allclose(np.median(ill[~lung]), np.median(healthy[~lung]), atol=10)


@pytest.mark.long
def test_vessels_show_through_ground_glass(pairs):
    vessels_hu, tissue_hu, lifted_hu = [], [], []
    for healthy, ill, lung in pairs:
        inner = ndimage.binary_erosion(ndimage.binary_closing(lung, iterations=5), iterations=3)
        hazy = inner & (ndimage.gaussian_filter(ill - healthy, (0, 3, 3)) > 100)
        vessels = hazy & (healthy > -150)
        vessels_hu += ill[vessels].tolist()
        lifted_hu += (ill - healthy)[vessels].tolist()
        tissue_hu += ill[hazy & (healthy < -750)].tolist()
    assert len(vessels_hu) > 50
    assert np.median(vessels_hu) > np.median(tissue_hu) + 350
    assert abs(np.median(lifted_hu)) < 80


@pytest.mark.long
def test_ground_glass_lies_in_both_lungs_along_the_pleura_and_more_of_it_below(pairs):
    shares = {"outer": [], "inner": [], "below": [], "above": []}
    for healthy, ill, lung in pairs:
        glass = lung & (ill - healthy > 100)
        assert min(glass[:, :, :112].sum(), glass[:, :, 112:].sum()) > 0.1 * glass.sum()
        depth_mm = ndimage.distance_transform_edt(
            ndimage.binary_closing(lung, iterations=5), sampling=(2.5, 1.35, 1.35)
        )
        parts = {"outer": depth_mm < 12, "inner": depth_mm > 18, "below": np.s_[:15], "above": np.s_[20:]}
        for name, part in parts.items():
            shares[name].append(glass[part].sum() / lung[part].sum())
    share = {name: np.mean(values) for name, values in shares.items()}
    assert share["outer"] > 1.3 * share["inner"]
    assert share["below"] > 4 * share["above"]


@pytest.mark.long
def test_more_scans_leave_the_first_ones_unchanged(small, tmp_path):
    write_phantom(tmp_path, Phantom(layout="mosmed", num_scans=2, seed=3))
    for name in ("CT-0/study_0001.nii.gz", "CT-23/study_0002.nii.gz"):
        assert (tmp_path / name).read_bytes() == (small / name).read_bytes()


def test_too_few_scans_for_two_classes_are_refused(tmp_path):
    with pytest.raises(DataError) as caught:
        generate_phantom(tmp_path / "new", Phantom(layout="mosmed", num_scans=3))
    assert str(caught.value) == "a phantom in MosMed's layout needs at least 4 scans, two of each class, got 3."
    assert list(tmp_path.iterdir()) == []


@pytest.mark.long
def test_the_command_writes_what_mosmed_reads(tmp_path):
    done = invoked("data", "phantom", "--layout", "mosmed", "--scans", "4", "--seed", "5", "--out", tmp_path / "new")
    assert done.exit_code == 0, done.output
    assert done.stdout == f"{tmp_path / 'new'}\n"
    told = invoked("data", "info", "mosmed", "--root", tmp_path / "new", "--json")
    assert told.exit_code == 0, told.output
    assert "CT-23" in told.stdout


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--candidates", "9"], "--candidates: only --layout luna16 has candidates. Omit --candidates."),
        (["--through-plane", "0"], "--through-plane: only --layout luna16 has candidates. Omit --through-plane."),
        (["--scans", "2"], "a phantom in MosMed's layout needs at least 4 scans, two of each class, got 2."),
    ],
)
def test_what_the_layout_cannot_do_is_refused(tmp_path, options, message):
    done = invoked("data", "phantom", "--layout", "mosmed", "--out", tmp_path / "new", *options)
    assert isinstance(done.exception, ArchnetError)
    assert str(done.exception) == message
    assert list(tmp_path.iterdir()) == []


def test_a_layout_that_does_not_exist_is_refused(tmp_path):
    done = invoked("data", "phantom", "--layout", "lidc", "--out", tmp_path / "new")
    assert done.exit_code == 2
    told = " ".join(re.sub(r"\x1b\[[\d;]*m|[^\w',.-]", " ", done.stderr).split())
    assert "'lidc' is not one of 'luna16', 'mosmed'" in told


def test_the_phantom_of_this_version_has_these_voxels(small):
    digest = hashlib.sha256()
    for path in sorted(small.rglob("*.nii.gz")):
        volume = read_volume(path)
        geometry = (volume.hu.shape, volume.spacing_mm, volume.origin_mm, volume.direction.tolist())
        digest.update(f"{path.relative_to(small).as_posix()} {geometry}\n".encode() + volume.hu.tobytes())
    assert (LAYOUTS["mosmed"].version, digest.hexdigest()) == (
        2,
        "bfa5b3dd5f3749f1a7d04975f65125906826f4f840e484f0adfe7a1269f76cfd",
    ), "raise VERSION with what is drawn"
