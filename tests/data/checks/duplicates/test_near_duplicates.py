"""Copies are found whatever was done to them, and what only looks alike is not."""

import numpy as np
import pytest
from scipy import ndimage

from archnet.data.checks.duplicates import near_duplicates, nearest, thumbnails
from archnet.data.checks.duplicates.near_duplicates import find_near_duplicates
from archnet.data.checks.duplicates.nearest import Search, find_nearest
from archnet.data.checks.duplicates.orientations import Orientation, orientations_of
from archnet.data.checks.duplicates.pair_correlation import correlate, extract_bands, required_correlation
from archnet.data.checks.duplicates.thumbnails import make_thumbnails, measure_thumbnails, normalize, zoom_thumbnails

NUM = 12


def textures(shape, num=NUM, seed=0):
    noise = np.random.default_rng(seed).normal(0, 1, (num, *shape))
    smooth = ndimage.gaussian_filter(noise, (0, 1.2, 1.2, *[0.8] * (len(shape) - 2)))
    return 100 * smooth / smooth.std()


SOURCES = {2: textures((44, 44)), 3: textures((36, 36, 14), 8)}


def cut(rank, shift=(0, 0, 0)):
    """The cases, moved by at most two voxels."""
    source = SOURCES[rank]
    spans = zip(source.shape[1:], shift, strict=False)
    return source[(slice(None), *(slice(2 + by, length - 2 + by) for length, by in spans))]


def zoom(case, scale):
    factors = np.array([scale, scale, 1][: case.ndim])
    return ndimage.affine_transform(case, factors, (np.array(case.shape) - 1) / 2 * (1 - factors), order=1)


def find(values, groups=None):
    pairs = find_near_duplicates(values, np.arange(len(values)) if groups is None else groups)
    return [(pair.first, pair.second) for pair in pairs]


COPIES = {
    "a*x + b": lambda rank: cut(rank)[1] * -0.3 + 5,
    "8 bits": lambda rank: np.rint(cut(rank)[1] / 10) * 10,
    "noise": lambda rank: cut(rank)[1] + np.random.default_rng(9).normal(0, 8, cut(rank)[1].shape),
    "shifted by 1": lambda rank: cut(rank, (1, -1, 1))[1],
    "shifted by 2": lambda rank: cut(rank, (-2, 2, 2))[1],
    "flipped": lambda rank: cut(rank)[1][::-1],
    "flipped along the last axis": lambda rank: np.flip(cut(rank)[1], -1),
    "turned": lambda rank: np.rot90(cut(rank)[1]),
    "turned, flipped and shifted": lambda rank: np.rot90(cut(rank, (1, 1, -1))[1])[:, ::-1],
    "enlarged by 1.1": lambda rank: zoom(cut(rank)[1], 1 / 1.1),
    "enlarged by 1.3": lambda rank: zoom(cut(rank)[1], 1 / 1.3),
}


@pytest.mark.slow
@pytest.mark.parametrize("kind", COPIES)
@pytest.mark.parametrize("rank", [2, 3])
def test_a_copy_is_found(kind, rank):
    cases = cut(rank)
    assert find(np.concatenate([cases, COPIES[kind](rank)[np.newaxis]])) == [(1, len(cases))]


@pytest.mark.parametrize("rank", [2, 3])
def test_copies_are_found_among_more_cases_and_among_very_many_only_those_of_the_same_size(rank, monkeypatch):
    cases = cut(rank)
    kinds = ("shifted by 1", "a*x + b", "enlarged by 1.3")
    shifted, scaled, enlarged = (COPIES[kind](rank)[np.newaxis] for kind in kinds)
    num_dimensions, fit_basis = [], near_duplicates.fit_basis
    monkeypatch.setattr(near_duplicates, "fit_basis", lambda *of: num_dimensions.append(of[1]) or fit_basis(*of))
    monkeypatch.setattr(near_duplicates, "_FEW", len(cases) - 1)
    (pair,) = find_near_duplicates(np.concatenate([cases, shifted]), np.arange(len(cases) + 1))
    assert (pair.first, pair.second) == (1, len(cases))
    volumes = [case.reshape(1, *case.shape[:2], -1) for case in (cases[1], shifted[0])]
    assert pair.correlation == pytest.approx(correlate(*volumes)[0])
    monkeypatch.setattr(near_duplicates, "_MANY", len(cases))
    assert find(np.concatenate([cases, scaled])) == [(1, len(cases))]
    assert find(np.concatenate([cases, enlarged])) == []
    assert num_dimensions == [near_duplicates.NUM_DIMENSIONS, *[near_duplicates.NUM_DIMENSIONS // 2] * 2]


@pytest.mark.parametrize("shape", [(40, 40), (34, 34, 8)])
@pytest.mark.parametrize(
    ("few", "many", "search"), [(4, 6, "_OF_FEW"), (3, 4, "_IMAGES or _VOLUMES"), (2, 3, "_OF_MANY")]
)
def test_the_criteria_depend_on_the_number_of_cases(few, many, search, shape, monkeypatch):
    monkeypatch.setattr(near_duplicates, "_FEW", few)
    monkeypatch.setattr(near_duplicates, "_MANY", many)
    found = []
    monkeypatch.setattr(
        near_duplicates, "find_nearest", lambda *args: found.append(args[3]) or np.empty((0, 2), np.int64)
    )
    assert find(textures(shape, 4)) == []
    names = {"_IMAGES or _VOLUMES": "_IMAGES" if len(shape) == 2 else "_VOLUMES"}
    zoomed = [] if search == "_OF_MANY" else [near_duplicates._ENLARGED] * (3 if len(shape) == 2 else 6)
    assert found == [getattr(near_duplicates, names.get(search, search)), *zoomed]


def test_the_criteria_are_those_that_were_measured_on_scans():
    assert Search(count=5, min_similarity=0.45) == near_duplicates._IMAGES
    assert Search(count=3, min_similarity=0.25) == near_duplicates._VOLUMES
    assert Search(count=16, min_similarity=-1.0) == near_duplicates._OF_FEW
    assert Search(count=2, min_similarity=0.45) == near_duplicates._OF_MANY
    assert Search(count=2, min_similarity=0.6, description="Searching for zoomed copies") == near_duplicates._ENLARGED
    assert (near_duplicates._FEW, near_duplicates._MANY) == (256, 50_000)
    assert near_duplicates._SCALES == (0.88, 0.77, 0.68)
    assert near_duplicates._FINER_SCALES == (0.94, 1.0, 1.06)
    assert near_duplicates._FACTORS == ((0.98, 1.02), (0.98, 0.99, 1.01, 1.02))
    ranks = (near_duplicates._MIN_RANK, near_duplicates._MIN_RANK_OF_SHIFTED, near_duplicates._MIN_RANK_OF_SHIFTED_FEW)
    assert ranks == (0.84, 0.5, 0.35)
    assert (near_duplicates._RANK_MARGIN, near_duplicates._RANK_MARGIN_OF_FEW) == (0.02, 0.1)
    assert (near_duplicates._MIN_ROUGH, near_duplicates._MIN_SLICE) == (0.4, 0.45)


@pytest.mark.parametrize(
    ("shape", "is_compared"),
    [((38, 39), False), ((39, 40), True), ((34, 44), True), ((19, 21, 16), False), ((20, 20, 16), True)],
)
def test_cases_with_too_few_pixels_or_voxels_are_not_compared(shape, is_compared, monkeypatch):
    calls = []
    monkeypatch.setattr(near_duplicates, "_propose", lambda *_: calls.append(1) or [])
    assert find(np.zeros((2, *shape))) == []
    assert len(calls) == is_compared
    assert find(np.zeros((3, *shape)), np.array([0, -1, -2])) == []
    assert len(calls) == is_compared


def test_copies_in_one_group_are_not_looked_for():
    values = np.concatenate([cut(2), cut(2, (1, 0, 0))[1:2]])
    groups = np.arange(NUM + 1)
    groups[NUM] = groups[1]
    assert find(values, groups) == []


def test_the_same_coarse_structures_with_other_details_are_not_copies():
    cases = cut(2)
    coarse = 3 * ndimage.gaussian_filter(cases, (0, 4, 4))
    details = textures((40, 40), NUM, seed=5)
    other = coarse[1] + details[1] - ndimage.gaussian_filter(details[1], 4)
    values = np.concatenate([coarse + cases, other[np.newaxis]])
    made = make_thumbnails(values)
    assert np.corrcoef(made[1].ravel(), made[NUM].ravel())[0, 1] > 0.7
    assert find(values) == []


@pytest.mark.slow
def test_the_same_padding_makes_no_copies():
    y, x = np.indices((40, 40))
    values = 0.2 * cut(2)
    values[:, np.hypot(y - 40, x - 20) > 30] = -2000
    assert find(values) == []


def test_constant_and_nearly_empty_cases_are_not_copies():
    values = np.zeros((6, 40, 40))
    values[2:4, 20, 20] = 1
    values[4:] = 7
    assert find(values) == []


@pytest.mark.slow
def test_large_volumes_must_agree_as_a_whole_and_not_only_in_their_centre():
    large = textures((96, 96, 2), 2)
    mixed = large[1].copy()
    mixed[12:84, 12:84] = large[0, 12:84, 12:84]
    assert find(np.stack([large[0], mixed])) == []
    assert find(np.stack([large[0], large[0] * 2])) == [(0, 1)]


@pytest.mark.parametrize(("num_rows", "num_columns"), [(1024, 8192), (70, 40)])
def test_neighbours_are_those_that_a_full_comparison_finds(num_rows, num_columns, monkeypatch):
    monkeypatch.setattr(nearest, "_ROWS", num_rows)
    monkeypatch.setattr(nearest, "_COLUMNS", num_columns)
    rng = np.random.default_rng(0)
    vectors = rng.normal(size=(300, 6)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    vectors[7] = 0
    groups = rng.integers(0, 40, 300)
    similar = vectors @ vectors.T
    similar[(groups[:, None] == groups) | (similar <= 0.5)] = -1
    later = np.triu(similar + 2, 1) - 2
    wanted = {(i, j) for i in range(300) for j in np.argsort(-later[i])[:3].tolist() if later[i, j] > 0}
    found = find_nearest(vectors, vectors, groups, Search(count=3, min_similarity=0.5))
    assert {tuple(pair) for pair in found.tolist()} == wanted
    all_sides = find_nearest(vectors.copy(), vectors, groups, Search(count=300, min_similarity=0.5))
    assert {tuple(pair) for pair in all_sides.tolist()} == set(zip(*np.nonzero(similar > 0), strict=True))


def test_all_cases_are_neighbours_if_any_similarity_counts_except_those_without_content_or_group():
    vectors = np.eye(6, dtype=np.float32)
    vectors[2] = 0
    groups = np.array([0, 1, 2, -1, -2, 3])
    found = find_nearest(vectors, vectors, groups, Search(count=6, min_similarity=-1.0))
    assert found.tolist() == [[0, 1], [0, 5], [1, 5]]
    queries = find_nearest(vectors[[5, 2, 0]], vectors, groups, Search(count=6, min_similarity=-1.0))
    assert set(map(tuple, queries.tolist())) >= {(0, 1), (0, 5)}


@pytest.mark.parametrize(("scale", "depth_scale"), [(0.7, 0.9), (0.8, 1.0), (1.0, 0.6), (1.0, 1.0)])
def test_zoomed_thumbnails_are_interpolated_linearly_about_their_centre(scale, depth_scale):
    made = make_thumbnails(np.random.default_rng(0).normal(size=(2, 20, 20, 7)))
    factors = np.array([scale, scale, depth_scale])
    offset = (np.array(made.shape[1:]) - 1) / 2 * (1 - factors)
    wanted = np.stack([ndimage.affine_transform(case, factors, offset, order=1, mode="nearest") for case in made])
    found = zoom_thumbnails(made, scale, depth_scale)
    np.testing.assert_allclose(found, normalize(wanted), atol=1e-4)
    assert found.std((1, 2, 3)) == pytest.approx(1, abs=1e-5)


@pytest.mark.parametrize(("relative", "is_flat"), [(0.9e-6, True), (1.1e-6, False), (1.9e-6, False)])
def test_cells_that_differ_by_a_millionth_are_equal(relative, is_flat):
    pattern = np.where(np.arange(256) % 2, 1, -1).reshape(1, 16, 16, 1)
    for sign in (1, -1):
        cells = sign * 2.0**20 * (1 + relative * pattern)  # float64: the rule is about cells, not about their rounding
        np.testing.assert_allclose(normalize(cells), 0 if is_flat else sign * pattern, atol=1e-6)


def test_thumbnails_are_the_means_of_cells_whatever_the_scale():
    cases = np.random.default_rng(0).integers(0, 4000, (3, 32, 48, 16)).astype(np.int16)
    means = cases.reshape(3, 16, 2, 16, 3, 8, 2).mean((2, 4, 6))
    wanted = np.stack([(case - case.mean()) / case.std() for case in means])
    np.testing.assert_allclose(make_thumbnails(cases), wanted, atol=1e-4)
    np.testing.assert_allclose(make_thumbnails(cases * 0.01 - 1000), wanted, atol=1e-3)
    np.testing.assert_array_equal(make_thumbnails(cases.astype(np.int32) + 2**20), make_thumbnails(cases))
    assert not make_thumbnails(np.full((1, 20, 20), 1e6)).any()


def test_the_details_are_a_difference_of_gaussians_in_the_plane():
    case = textures((40, 40, 3), 1)
    band = ndimage.gaussian_filter(case, (0, 1, 1, 0), truncate=9) - ndimage.gaussian_filter(
        case, (0, 2, 2, 0), truncate=9
    )
    np.testing.assert_allclose(extract_bands(case)[:, 8:-8, 8:-8], band[:, 10:-10, 10:-10], atol=0.05)


def test_the_correlation_is_that_of_the_overlap_at_the_best_shift():
    first, second = cut(2, (0, 0))[:1, ..., np.newaxis], cut(2, (2, -1))[:1, ..., np.newaxis]
    second = second + 5 * np.random.default_rng(0).normal(size=second.shape)
    bands = [extract_bands(case)[0, ..., 0] for case in (first, second)]
    a, b = bands[0][2:, :-1], bands[1][:-2, 1:]
    root_a, root_b = (np.sign(part) * np.sqrt(np.abs(part)) for part in (a, b))
    wanted = [np.sum(p * q) / np.sqrt(np.sum(p**2) * np.sum(q**2)) for p, q in ((a, b), (root_a, root_b))]
    assert min(wanted) > 0.7
    assert correlate(first, second)[0] == pytest.approx(np.mean(wanted), abs=1e-4)


def test_small_images_need_a_higher_correlation():
    assert required_correlation((28, 28, 1)) > required_correlation((50, 50, 1)) > required_correlation((64, 64, 10))


def test_the_orientations_of_a_square_are_all_eight_and_those_of_a_rectangle_four():
    square, wide = np.arange(12).reshape(2, 2, 3), np.arange(12).reshape(2, 3, 2)
    assert len({orientation.apply(square).tobytes() for orientation in orientations_of(square.shape)}) == 8
    turned = [orientation.apply(wide) for orientation in orientations_of(wide.shape)]
    assert len({case.tobytes() for case in turned}) == 4
    assert {case.shape for case in turned} == {wide.shape}
    assert (Orientation(is_upside_down=True).apply(wide) == wide[..., ::-1]).all()


@pytest.mark.slow
def test_unrelated_nodules_are_not_copies_and_planted_copies_are_found(real_data):
    with np.load(real_data / "lidc_nodules_51.npz") as data:
        x = data["x"][:20]
    cases = x[:, 2:49, 2:49, 2:49]
    copies = [
        cases[0, ::-1] // 2 + 3,
        x[1, 4:51, 0:47, 3:50],
        np.rot90(cases[2], 3),
        np.rint(cases[3] / 4) * 4,
        zoom(cases[4].astype(np.float32), 0.85),
    ]
    assert find(np.concatenate([cases, np.stack(copies).astype(np.uint8)])) == [(row, 20 + row) for row in range(5)]


def test_thumbnails_do_not_depend_on_the_portions_they_are_made_in(monkeypatch):
    cases = np.random.default_rng(0).normal(size=(7, 20, 20, 3)).astype(np.float32)
    whole = measure_thumbnails(cases)
    for size in (2500, 500):
        monkeypatch.setattr(thumbnails, "_CHUNK_VOXELS", size)
        np.testing.assert_allclose(measure_thumbnails(cases), whole, atol=0.01)
    assert whole.any((1, 2, 3)).all()
