"""Spectra and orientations of thumbnails, compared with sums over their cells; the basis, with a decomposition."""

import itertools

import numpy as np
import pytest

from archnet.data.checks.duplicates import spectra
from archnet.data.checks.duplicates.orientations import orientations_of, rank_orientations
from archnet.data.checks.duplicates.spectra import SpectrumBasis, fit_basis
from archnet.data.checks.duplicates.thumbnails import make_thumbnails, zoom_thumbnails

WINDOW = np.sin(np.pi * np.arange(1, 17) / 17)


def thumbnails_of(depth, num=3, seed=0):
    return make_thumbnails(np.random.default_rng(seed).normal(size=(num, 20, 20, depth)))


def wave(frequency, length):
    return np.exp(2j * np.pi * frequency * np.arange(length) / length)


def centred(thumbnail, window):
    return (thumbnail - (thumbnail * window).sum() / window.sum()) * window


def spectrum_of(thumbnail):
    """Roots of the lowest, mean and highest magnitude of each frequency among those that a flip or turn exchanges."""
    depth = thumbnail.shape[2]
    along = np.sin(np.pi * np.arange(1, depth + 1) / (depth + 1)) if depth > 2 else np.ones(depth)
    cells = centred(thumbnail.astype(float), WINDOW[:, np.newaxis, np.newaxis] * WINDOW[:, np.newaxis] * along)

    waves, deep_waves = (
        np.stack([wave(frequency, length) for frequency in np.arange(-5.5, 6, 0.5)]) for length in (16, depth)
    )
    found = np.abs(np.einsum("abc,ya,xb,zc->yxz", cells, waves, waves, deep_waves, optimize=True))

    def magnitude(*frequencies):
        return found[tuple(round(2 * frequency) + 11 for frequency in frequencies)]

    deep = [z for z in np.arange(0, 3, 0.5) if z <= depth / 2] if depth > 1 else [0]
    orbits = [
        [magnitude(*pair, z * sign) for y_x in ((y, x), (x, y)) for pair in ((y_x[0], y_x[1]), (y_x[0], -y_x[1])) for sign in (1, -1)]
        for y, x, z in itertools.product(np.arange(0, 6, 0.5), np.arange(0, 6, 0.5), deep)
        if y <= x and 0 < y**2 + x**2 + (2 * z) ** 2 < 36
    ]  # fmt: skip
    values = np.sqrt(np.concatenate([np.min(orbits, 1), np.mean(orbits, 1), np.max(orbits, 1)]))
    return values / np.sqrt((values**2).mean())


def spectra_of(thumbnails):
    return np.stack([spectrum_of(thumbnail) for thumbnail in thumbnails])


@pytest.mark.parametrize("depth", [1, 2, 3, 8])
def test_a_vector_has_the_magnitudes_of_low_frequencies(depth):
    thumbnails = thumbnails_of(depth, num=2)
    wanted = spectra_of(thumbnails)
    count = wanted.shape[1]
    basis = SpectrumBasis(np.zeros(count, np.float32), np.eye(count, dtype=np.float32))
    wanted = np.concatenate([wanted, np.full((2, 1), 1e-4)], axis=1)
    wanted /= np.linalg.norm(wanted, axis=1, keepdims=True)
    np.testing.assert_allclose(basis.project(thumbnails), wanted, atol=2e-5)
    np.testing.assert_allclose(basis.project(thumbnails)[:, -1], wanted[:, -1], rtol=1e-4)


def test_a_constant_case_has_no_direction_and_equal_cases_share_one():
    thumbnails = thumbnails_of(1)
    thumbnails[1] = 0
    basis = fit_basis(thumbnails_of(1, seed=1))
    vectors = basis.project(thumbnails)
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), [1, 0, 1], atol=1e-6)
    no_directions = SpectrumBasis(basis.mean, basis.directions[:, :0])
    np.testing.assert_allclose(no_directions.project(thumbnails), [[1], [0], [1]])


def test_vectors_of_a_central_part_are_those_of_the_zoomed_thumbnails():
    thumbnails = thumbnails_of(3)
    basis = fit_basis(thumbnails)
    zoomed = zoom_thumbnails(thumbnails, 0.7, 0.9)
    np.testing.assert_allclose(basis.project(thumbnails, 0.7, 0.9), basis.project(zoomed), atol=1e-5)
    assert np.abs(basis.project(thumbnails, 0.7) - basis.project(zoomed)).max() > 1e-3


@pytest.mark.parametrize(("num_dimensions", "count"), [(128, 5), (3, 3)])
def test_the_basis_has_the_main_directions_of_the_spectra(num_dimensions, count, monkeypatch):
    thumbnails = thumbnails_of(1, num=6)
    values = spectra_of(thumbnails)
    _, sizes, vectors = np.linalg.svd((values - values.mean(0)) / np.sqrt(6), full_matrices=False)
    wanted = (vectors / np.sqrt(sizes)[:, np.newaxis])[:count].T
    for chunk in (256, 2, 4):
        monkeypatch.setattr(spectra, "_CHUNK", chunk)
        basis = fit_basis(thumbnails, num_dimensions)
        np.testing.assert_allclose(basis.mean, values.mean(0), atol=1e-4)
        assert basis.directions.shape == wanted.shape
        np.testing.assert_allclose(np.abs(basis.directions), np.abs(wanted), atol=2e-3 * np.abs(wanted).max())
    assert fit_basis(thumbnails[[0, 1, 2, 0, 1, 2]]).directions.shape[1] == 2


def test_the_basis_is_fitted_to_evenly_spaced_cases(monkeypatch):
    thumbnails = thumbnails_of(1, num=7)
    monkeypatch.setattr(spectra, "_MAX_SAMPLES", 3)
    basis, expected = fit_basis(thumbnails), fit_basis(thumbnails[[0, 3, 6]])
    np.testing.assert_allclose(basis.mean, expected.mean, atol=1e-6)
    assert basis.directions.shape[1] == 2
    np.testing.assert_allclose(np.abs(basis.directions), np.abs(expected.directions), atol=1e-4)


def test_the_basis_of_many_cases_has_128_directions_of_1024_cases():
    assert (spectra.NUM_DIMENSIONS, spectra._MAX_SAMPLES) == (128, 1024)


def coefficients(image):
    """Weighted coefficients of half of the frequencies up to five, of length 1."""
    cells = centred(image, WINDOW[:, np.newaxis] * WINDOW)
    found = {
        (y, x): np.hypot(y, x) * (cells * np.outer(wave(-y, 16), wave(-x, 16))).sum()
        for y, x in itertools.product(range(6), range(-5, 6))
        if y > 0 or x > 0
    }
    norm = np.sqrt(sum(abs(value) ** 2 for value in found.values()))
    return {key: value / norm for key, value in found.items()}


def rank(first, second, shape):
    one, other = coefficients(first), coefficients(second)
    return max(
        abs(
            sum(
                one[y, x] * other[y, x].conj() * np.exp(2j * np.pi * (y * down / shape[0] + x * right / shape[1]))
                for y, x in one
            ).real
        )
        for down, right in itertools.product(range(-2, 3), repeat=2)
    )


@pytest.mark.parametrize("shape", [(40, 40, 3), (40, 30), (24, 48, 2)])
def test_an_orientation_is_ranked_by_low_frequencies_at_the_best_shift(shape):
    depth = shape[2] if len(shape) == 3 else 1
    first, second = thumbnails_of(depth, num=2), thumbnails_of(depth, num=2, seed=1)
    second = 0.5 * second - np.flip(np.roll(first, 1, 2), 1)
    wanted = [
        [rank(orientation.apply(a.mean(2, keepdims=True))[..., 0], b.mean(2), shape) for orientation in orientations_of(shape)]
        for a, b in zip(first.astype(float), second.astype(float), strict=True)
    ]  # fmt: skip
    np.testing.assert_allclose(rank_orientations(first, second, shape), wanted, atol=1e-4)


def test_a_turned_copy_is_ranked_first_in_its_orientation():
    first = thumbnails_of(2, num=1)
    for number, orientation in enumerate(orientations_of((40, 40, 2))):
        ranks = rank_orientations(first, orientation.apply(first, 1), (40, 40, 2))
        assert ranks[0].argmax() == number
        assert ranks[0, number] == pytest.approx(1, abs=1e-5)
    assert not rank_orientations(first, np.zeros_like(first), (40, 40, 2)).any()
