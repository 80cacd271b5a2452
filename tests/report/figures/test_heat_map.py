"""Heat maps over cases: clear where there is no heat, all slices, the candidate marked on its own."""

import numpy as np
import pytest

from archnet.report.figures.heat_map import NUM_SLICES, heat_colours, heat_figure, slice_indices
from archnet.report.figures.theme import theme_context


def case(depth, hottest=None):
    """A dark image with a grey ramp, and a heat map with one hot voxel."""
    image = np.full((8, 12, depth), 0.25, np.float32)
    heat = np.zeros(image.shape, np.float32)
    if hottest is not None:
        heat[2, 3, hottest] = 5
        heat[4, 3, hottest] = -5
    return image, heat


def pixels_of(figure):
    """The drawing in RGB, (height, width, 3), of 0 to 255."""
    figure.canvas.draw()
    return np.asarray(figure.canvas.buffer_rgba())[..., :3].astype(int)


def colour_at(figure, x, y):
    """The drawn colour at a place in inches from the upper left corner."""
    return pixels_of(figure)[round(y * figure.dpi), round(x * figure.dpi)].tolist()


@pytest.fixture(autouse=True)
def theme():
    with theme_context():
        yield


def frames_of(figure):
    """The images that were drawn: their colours and where they are (left, right, bottom, top), in inches."""
    return [(image.cmap.name, image.get_extent(), image.get_array()) for image in figure.axes[0].images]


def texts_of(figure):
    return [text.get_text() for text in figure.axes[0].texts]


def test_no_heat_is_clear_and_more_heat_hides_more():
    colours = heat_colours()(np.linspace(0, 1, 256))
    assert colours[0].tolist() == pytest.approx([1, 200 / 255, 0, 0])
    assert (np.diff(colours[:, 3]) >= 0).all()
    assert colours[-1].tolist() == pytest.approx([1, 60 / 255, 0, 0.6])


def test_the_image_is_unchanged_where_there_is_no_heat_and_covered_where_it_is_hot():
    image, heat = case(1, hottest=0)
    figure = heat_figure(image, heat, "title", "meaning")
    *_, (_, (left, right, bottom, top), _) = frames_of(figure)
    step = (right - left) / 12

    def colour(row, column):
        return colour_at(figure, left + (column + 0.5) * step, top + (row + 0.5) * (bottom - top) / 8)

    assert colour(6, 9) == colour(4, 3) == [64, 64, 64]
    assert colour(2, 3) == pytest.approx([0.6 * 255 + 0.4 * 64, 0.6 * 60 + 0.4 * 64, 0.4 * 64], abs=1)


@pytest.mark.parametrize(("depth", "columns"), [(1, 1), (5, 5), (10, 5), (17, 6), (64, 8)])
def test_all_slices_are_shown_with_and_without_heat(depth, columns):
    image, heat = case(depth)
    image[0, 0] = np.linspace(0, 1, depth)
    frames = frames_of(heat_figure(image, heat, "title", "meaning"))
    grey, hot = ([frame for frame in frames if (frame[0] == "gray") == is_grey] for is_grey in (True, False))
    assert [float(pixels[0, 0]) for _, _, pixels in grey[::2]] == pytest.approx(image[0, 0].tolist())
    assert [extent for _, extent, _ in grey[1::2]] == [extent for _, extent, _ in hot]
    assert len(hot) == depth
    assert len({extent[0] for _, extent, _ in hot}) == columns
    extents = {tuple(extent) for _, extent, _ in grey}
    assert len(extents) == 2 * depth


def test_slices_keep_their_shape_inside_the_figure():
    figure = heat_figure(*case(10), "title", "meaning")
    width, height = figure.get_size_inches()
    for _, (left, right, bottom, top), _ in frames_of(figure):
        assert (bottom - top) / (right - left) == pytest.approx(8 / 12)
        assert 0 < left < right < width
        assert 0 < top < bottom < height
    assert figure.axes[0].get_xlim() == (0, pytest.approx(width))
    assert figure.axes[0].get_ylim() == (pytest.approx(height), 0)


@pytest.mark.parametrize(
    ("depth", "mark", "line"),
    [
        (10, None, "All 10 slices, each below with the heat map."),
        (10, (4, 6, 5), "All 10 slices, each below with the heat map; the cross marks the candidate in slice 5."),
        (200, None, "64 of 200 slices, each below with the heat map."),
    ],
)
def test_the_title_says_which_slices_are_shown(depth, mark, line):
    *labels, heading, details = texts_of(heat_figure(*case(depth), "scan\nnodule: 90%", "meaning", mark))
    assert (heading, details) == ("scan", f"nodule: 90%\n{line}")
    assert labels == [str(index) for index in slice_indices(case(depth)[1], mark)]


def test_a_deep_case_shows_its_hottest_and_its_marked_slice():
    _, heat = case(301, hottest=77)
    indices = slice_indices(heat, (4, 6, 151))
    assert {0, 77, 151, 300} <= set(indices)
    assert len(indices) <= NUM_SLICES
    assert max(np.diff(indices)) <= 5


def test_a_cross_marks_the_candidate_on_its_slice_only():
    figure = heat_figure(*case(10), "title", "meaning", (4, 6, 7))
    grey = [extent for name, extent, _ in frames_of(figure) if name == "gray"]
    centres = {
        tuple(np.round(np.mean([line.get_xydata().mean(axis=0) for line in lines], axis=0), 3))
        for lines in np.array_split(np.array(figure.axes[0].lines, dtype=object), 2)
    }
    expected = {
        (round(left + 6.5 / 12 * (right - left), 3), round(top + 4.5 / 8 * (bottom - top), 3))
        for left, right, bottom, top in grey[14:16]
    }
    assert centres == expected
    assert len(figure.axes[0].lines) == 16
    assert not heat_figure(*case(10), "title", "meaning").axes[0].lines
