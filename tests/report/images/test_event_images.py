"""Images for TensorBoard: they show the counts and the voxels of the run folder."""

import io
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image, ImageDraw

from archnet.report.figures.montage import Picture, caption, gallery_pictures
from archnet.report.figures.theme import LIGHT
from archnet.report.images.event_images import draw_case, draw_matrix, event_images
from archnet.report.run_files import read_run_files
from synthetic_runs import write_run


def pixels_of(png):
    return np.asarray(Image.open(io.BytesIO(png)))


def hexadecimal(pixel):
    return "#" + "".join(f"{value:02x}" for value in pixel)


@pytest.mark.parametrize("depth", [None, 5])
def test_a_run_has_its_matrices_its_samples_and_its_errors_in_their_window(tmp_path, depth):
    run = read_run_files(write_run(tmp_path / "archsm", depth=depth))
    images = event_images(run)
    counts = {kind: min(16, len(gallery_pictures(run, kind))) for kind in ("sample", "wrong")}
    assert min(counts.values()) > 1
    assert list(images) == [
        *(f"confusion_matrix/{name}" for name in ("train", "validation", "test")),
        *(f"samples/{number:02}" for number in range(1, counts["sample"] + 1)),
        *(f"wrong_cases/{number:02}" for number in range(1, counts["wrong"] + 1)),
    ]
    expected = gallery_pictures(run, "wrong")[1].image
    expected = expected if depth is None else expected[:, :, depth // 2]
    scale = round(256 / min(expected.shape))
    shown = pixels_of(images["wrong_cases/02"])[: expected.shape[0] * scale, : expected.shape[1] * scale]
    for channel in range(3):
        np.testing.assert_array_equal(shown[scale // 2 :: scale, scale // 2 :: scale, channel], expected)


def test_a_run_without_a_gallery_has_its_matrices(tmp_path):
    run = replace(read_run_files(write_run(tmp_path / "archsm")), gallery=None)
    assert list(event_images(run)) == [f"confusion_matrix/{name}" for name in ("train", "validation", "test")]


def test_the_shade_of_a_cell_is_its_share_of_the_truth():
    png = draw_matrix([[30, 0, 0], [5, 15, 0], [0, 0, 0]], ["a", "b", "c"])
    pixels = pixels_of(png)
    corners = [
        [hexadecimal(pixels[50 + 84 * row + 2, -252 - 10 + 84 * column + 2]) for column in range(3)] for row in range(3)
    ]

    def over_panel(colour, share):
        pairs = [(int(colour[at : at + 2], 16), int(LIGHT.panel[at : at + 2], 16)) for at in (1, 3, 5)]
        return hexadecimal([round(share / 2 * one + (1 - share / 2) * other) for one, other in pairs])

    assert corners == [
        [over_panel(LIGHT.right, 1), LIGHT.panel, LIGHT.panel],
        [over_panel(LIGHT.wrong, 0.25), over_panel(LIGHT.right, 0.75), LIGHT.panel],
        [LIGHT.panel] * 3,
    ]


def test_names_of_any_length_and_with_control_characters_fit():
    picture = Picture(
        image=np.zeros((8, 20), np.uint8), case="case\n1", truth="w" * 100, predicted_class="\x1b[2J", confidence=0.9
    )
    pixels = pixels_of(draw_case(picture))
    assert (pixels[:256, :640] == 0).all()
    assert (pixels[:, -3:] == 255).all()
    assert (pixels_of(draw_matrix([[1, 2], [3, 4]], ["y" * 300, "\x1b[2J"]))[:, -9:] == 255).all()
    assert pixels_of(draw_matrix([[1, 2], [3, 4]], ["y" * 300, "z"])).shape[1] < 1000


class Recorder:
    """Notes what is drawn, instead of drawing it."""

    def __init__(self, image):
        self.size, self.calls = image.size, []

    def text(self, place, text, **options):
        self.calls.append(("text", place, text, options.get("anchor"), options["fill"]))

    def multiline_text(self, place, text, **options):
        self.calls.append(("lines", place, text, options["anchor"], options["align"]))

    def rectangle(self, corners, fill):
        self.calls.append(("rectangle", corners, fill))


@pytest.fixture
def recorded(monkeypatch):
    recorders = []

    def start(image):
        recorders.append(Recorder(image))
        return recorders[-1]

    monkeypatch.setattr(ImageDraw, "Draw", start)
    return recorders


def test_the_cells_of_a_matrix_stand_below_the_predicted_and_beside_the_true_classes(recorded):
    draw_matrix([[3, 1], [0, 0]], ("a", "b"))
    (drawn,) = recorded
    left = next(place[0] for kind, place, text, *_ in drawn.calls if text == "predicted")
    assert drawn.size == (left + 2 * 84 + 10, 50 + 2 * 84 + 10)
    texts = {text: place for kind, place, text, *_ in drawn.calls if kind == "text" and text in ("true", "predicted")}
    assert texts == {"true": (10, 30), "predicted": (left, 4)}
    assert [call[1:4] for call in drawn.calls if call[0] == "text" and call[2] in "ab"] == [
        ((left + 42, 40), "a", "mm"), ((left - 10, 92), "a", "rm"),
        ((left + 126, 40), "b", "mm"), ((left - 10, 176), "b", "rm"),
    ]  # fmt: skip
    rectangles = [call[1:] for call in drawn.calls if call[0] == "rectangle"]
    assert [corners for corners, _ in rectangles] == [
        (left + x, 50 + y, left + x + 81, 50 + y + 81) for y in (0, 84) for x in (0, 84)
    ]
    assert rectangles[2][1] == rectangles[3][1] == tuple(int(LIGHT.panel[k : k + 2], 16) for k in (1, 3, 5))
    shade = [
        round(0.375 * int(LIGHT.right[k : k + 2], 16) + 0.625 * int(LIGHT.panel[k : k + 2], 16)) for k in (1, 3, 5)
    ]
    assert rectangles[0][1] == tuple(shade)
    assert [call[1:3] for call in drawn.calls if call[0] == "lines"] == [
        ((left + 42, 92), "3\n75.0%"), ((left + 126, 92), "1\n25.0%"),
        ((left + 42, 176), "0\nno case"), ((left + 126, 176), "0\nno case"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("shape", "size"), [((16, 32), (512, 256)), ((300, 400), (400, 300)), ((100, 100), (300, 300))]
)
def test_a_small_slice_is_enlarged_by_a_whole_factor_above_its_caption(recorded, shape, size):
    picture = Picture(image=np.zeros(shape, np.uint8), case="a", truth="nodule")
    draw_case(picture)
    (drawn,) = recorded
    lines = caption(picture)
    assert drawn.size == (size[0], size[1] + 20 * len(lines) + 10)
    assert [call[1:3] for call in drawn.calls] == [((10, size[1] + 4 + 20 * k), line) for k, line in enumerate(lines)]
