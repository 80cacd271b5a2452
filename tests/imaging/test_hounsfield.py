"""Whether voxels are Hounsfield units of a chest: padding neither saves nor condemns a scan."""

import numpy as np
import pytest

from archnet.imaging import read_volume
from archnet.imaging.hounsfield import SAMPLE_SHAPE, evaluate_hu, measure_hu, parse_hu_statistics, sample_voxels

WORDS = {
    "lost": "They are about 1,024 too high, as if the rescale intercept is missing",
    "twice": "They are about 1,024 too low, as if the rescale intercept was applied twice",
    "picture": "They look like the grey values of a picture",
    "unit": "They look scaled to 0..1",
    "centred": "They look scaled to -1..1",
    "standard": "They look standardized (z-scores)",
    "clipped": "They have been clipped or scaled, or this is not a chest CT",
}


def chest(seed=0, shape=(10, 48, 48)):
    """A body of soft tissue with two lungs in air, as an axial CT shows it, with noise."""
    _, y, x = np.meshgrid(*(np.linspace(-1, 1, length) for length in shape), indexing="ij")
    hu = np.full(shape, -1000.0)
    hu[(x / 0.9) ** 2 + (y / 0.7) ** 2 < 1] = 30
    hu[((abs(x) - 0.4) / 0.3) ** 2 + (y / 0.5) ** 2 < 1] = -850
    hu += np.random.default_rng(seed).normal(0, 20, shape)
    return np.clip(hu, -1024, 3071).round().astype(np.int16)


def padded(hu, value):
    """The same scan with a value outside the circle."""
    _, rows, columns = hu.shape
    y, x = np.mgrid[:rows, :columns]
    is_outside = ((2 * y + 1) / rows - 1) ** 2 + ((2 * x + 1) / columns - 1) ** 2 > 1
    return np.where(is_outside, value, hu).astype(hu.dtype)


def judge(hu):
    return evaluate_hu(measure_hu(sample_voxels(hu)))


CHANGES = {
    "unchanged": (lambda hu: hu, "hu", ""),
    "float": (lambda hu: hu.astype(np.float32), "hu", ""),
    "clipped to the window": (lambda hu: np.clip(hu, -1000, 400), "hu", ""),
    "only lungs and mediastinum": (lambda hu: hu[:, 15:33, 8:40], "hu", ""),
    "lost intercept": (lambda hu: hu + 1024, "other", "lost"),
    "intercept of 1000 lost": (lambda hu: hu + 1000, "other", "lost"),
    "intercept twice": (lambda hu: hu - 1024, "other", "twice"),
    "clipped to 0..255": (lambda hu: np.clip(hu, 0, 255), "other", "picture"),
    "scaled to 0..255": (lambda hu: (np.clip(hu, -1000, 400) + 1000) / 1400 * 255, "other", "picture"),
    "scaled to 0..1": (lambda hu: (np.clip(hu, -1000, 400) + 1000) / 1400, "other", "unit"),
    "scaled to -1..1": (lambda hu: (np.clip(hu, -1000, 400) + 300) / 700, "other", "centred"),
    "z-scores": (lambda hu: (hu - hu.mean()) / hu.std() * 2, "other", "standard"),
    "soft-tissue window": (lambda hu: np.clip(hu, -160, 240), "other", "clipped"),
    "doubled": (lambda hu: 2 * hu, "other", "clipped"),
}


@pytest.mark.parametrize("padding", [None, -2000, -3024, -1024, 0], ids=str)
@pytest.mark.parametrize(("change", "kind", "cause"), CHANGES.values(), ids=CHANGES)
def test_the_scale_is_recognized_regardless_of_the_values_outside_the_circle(change, kind, cause, padding):
    hu = change(chest())
    judgement = judge(hu if padding is None else padded(hu.astype(np.float32), padding))
    if padding == -1024 and hu.min() == -160:
        assert judgement.kind == "unclear"  # as a scan of soft tissue in air
        return
    assert judgement.kind == kind
    assert WORDS[cause] in judgement.reason if cause else judgement.reason == ""


@pytest.mark.slow
@pytest.mark.parametrize("name", ["lung1", "lung2"])
@pytest.mark.parametrize("padding", [None, -2000, -3024, -1024, 0], ids=str)
@pytest.mark.parametrize(
    ("change", "kind", "cause"), [CHANGES[k] for k in ("unchanged", "lost intercept", "clipped to 0..255", "doubled")]
)
def test_the_scale_of_real_scans_is_recognized(real_data, name, padding, change, kind, cause):
    hu = change(np.asarray(read_volume(real_data / f"ct/{name}_image.nrrd").hu))
    judgement = judge(hu if padding is None else padded(hu, padding))
    assert (judgement.kind, WORDS.get(cause, "") in judgement.reason) == (kind, True)


def test_what_has_air_but_other_levels_is_unclear():
    judgement = judge(chest() + 200)
    assert judgement.kind == "unclear"
    assert judgement.reason == (
        "its darker part has a median of -779 and its brighter part one of 230; in a chest CT in Hounsfield units, air "
        "is near -1000 and soft tissue near 0. Check its rescale slope and intercept."
    )


def test_soft_tissue_alone_is_unclear_in_air_and_refused_otherwise():
    tissue = np.random.default_rng(0).normal(30, 20, (10, 48, 48)).astype(np.int16)
    assert judge(padded(tissue, -1000)).kind == "unclear"
    assert judge(padded(tissue, 0)).kind == "other"


def test_the_statistics_are_those_inside_the_circle_without_padding():
    hu = padded(chest(), -2000)
    y, x = np.mgrid[:48, :48]
    inside = hu[:, ((2 * y + 1) / 48 - 1) ** 2 + ((2 * x + 1) / 48 - 1) ** 2 <= 1]
    measured = measure_hu(hu)
    assert measured.padding == -2000
    assert measured.low == pytest.approx(np.percentile(inside, 0.5), abs=1)
    assert measured.high == pytest.approx(np.percentile(inside, 99.5), abs=1)
    assert measured.dark == pytest.approx(np.median(inside[inside < -400]), abs=1)
    assert measured.bright == pytest.approx(np.median(inside[inside > -400]), abs=1)
    assert measured.air_share == pytest.approx(np.mean(inside <= -500), abs=1e-3)
    assert measured.tissue_share == pytest.approx(np.mean(np.abs(inside - 50) <= 300), abs=1e-3)
    assert parse_hu_statistics(measured.to_document()) == measured


@pytest.mark.parametrize("shape", [(1, 1, 1), (1, 2, 2), (3, 1, 5), (2, 512, 1)])
def test_the_scale_of_tiny_and_constant_scans_is_recognized(shape):
    assert judge(np.zeros(shape, np.int16)).kind == "other"


@pytest.mark.slow
@pytest.mark.parametrize("shape", [(300, 512, 512), (11, 29, 29), (1, 64, 1000)])
def test_a_sample_is_spread_evenly_over_all_axes(shape):
    grid = np.indices(shape)
    for axis, (length, most) in enumerate(zip(shape, SAMPLE_SHAPE, strict=True)):
        places = np.unique(sample_voxels(grid[axis]))
        assert most / 2 < len(places) + (length < most) * most <= 2 * most
        assert len(set(np.diff(places))) <= 1
        assert abs(places[0] - (length - 1 - places[-1])) <= 1


def test_a_small_scan_is_looked_at_as_a_whole():
    hu = chest(shape=SAMPLE_SHAPE)
    np.testing.assert_array_equal(sample_voxels(hu), hu)
    assert sample_voxels(hu) is not hu
