"""The picture of a case and its augmentations: what is drawn, and from where it can be asked for."""

import json
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from archnet.cli import app
from archnet.files.strict_json import Document
from archnet.report.figures.case import case_figure
from archnet.runs.preview import NUM_DRAWS, augmentation_samples
from archnet.spec.augmentations import AUGMENTATIONS
from archnet.spec.resolve import parse_experiments

ROOT = Path(__file__).parents[3]


def experiment_with(*entries):
    document = Document(value={"archs": [str(ROOT / "archs/archsm.json")]}, source="x.json")
    given = [(("training", "augmentation"), list(entries))]
    return parse_experiments(document, given)[0]


def image_of(*shape):
    return np.random.default_rng(0).random(shape, np.float32)


@pytest.mark.parametrize("shape", [(16, 16), (16, 16, 6)])
def test_without_augmentations_every_known_one_is_shown(shape):
    rows = augmentation_samples(image_of(*shape), experiment_with())
    assert [heading.split(":")[0] for heading, _ in rows] == list(AUGMENTATIONS)
    for heading, results in rows:
        copies = heading.startswith("rotated_copies")
        assert results.shape == (4 if copies else NUM_DRAWS, *shape)


def test_copies_are_shown_once_each_and_the_rest_from_their_least_to_their_most():
    image = 0.3 + 0.4 * image_of(48, 48)
    rows = dict(augmentation_samples(image, experiment_with()))
    copies = rows["rotated_copies: angles [90, 180, 270], of positive"]
    assert all(np.array_equal(copy, np.rot90(image, turns)) for turns, copy in enumerate(copies))
    noise = rows["noise: std [0.0, 0.02]"] - image
    assert (np.diff(noise.std(axis=(1, 2))) > 0).all()


def test_headings_say_what_the_document_says_and_several_augmentations_are_shown_together_too():
    entries = [{"type": "flip", "axes": ["width"]}, {"type": "right_angles"}, {"type": "flip"}]
    rows = augmentation_samples(image_of(8, 8), experiment_with(*entries))
    assert [heading for heading, _ in rows] == [
        "flip: axes [width]",
        "right_angles",
        "flip: axes [height, width]",
        "all of them, in this order",
    ]


def test_an_augmentation_that_cannot_act_on_the_case_is_left_out():
    headings = [heading for heading, _ in augmentation_samples(image_of(8, 9), experiment_with())]
    assert not [heading for heading in headings if heading.startswith(("right_angles", "rotated_copies"))]
    assert len(headings) == len(AUGMENTATIONS) - 2


def test_the_figure_shows_the_central_slice_or_the_one_that_changed():
    image = image_of(8, 8, 5)
    elsewhere, central = image.copy(), image.copy()
    elsewhere[2:4, 2:4, 1] = 0
    central[2:4, 2:4, 1:3] = 0
    figure = case_figure(image, "one", [("cutout", np.stack([elsewhere, central, image]))])
    drawn = figure.axes[5:8]
    assert not any(axes.axison for axes in figure.axes)
    assert [axes.texts[0].get_text() for axes in drawn] == ["1", "2", "2"]
    assert [axes.get_title(loc="left") for axes in (figure.axes[0], drawn[0])] == ["slices", "cutout"]
    for axes, (result, index) in zip(drawn, [(elsewhere, 1), (central, 2), (image, 2)], strict=True):
        assert np.array_equal(axes.images[0].get_array(), result[:, :, index])


def test_an_image_and_its_augmentations_have_no_numbers_of_slices():
    image = image_of(8, 8)
    figure = case_figure(image, "one", [("flip", np.stack([image[::-1], image[:, ::-1]]))])
    drawn = [axes for axes in figure.axes if axes.images]
    assert not any(axes.texts for axes in drawn)
    assert len(drawn) == 3
    for axes, expected in zip(drawn, (image, image[::-1], image[:, ::-1]), strict=True):
        assert np.array_equal(axes.images[0].get_array(), expected)


@pytest.mark.slow
@pytest.mark.parametrize("as_experiment", [True, pytest.param(False, marks=pytest.mark.slow)])
def test_show_draws_what_the_augmentation_does(as_experiment, tmp_path):
    np.savez(tmp_path / "cubes.npz", x=image_of(12, 16, 16, 6), y=np.arange(12) % 2)
    file = ROOT / "archs/arch3dsm.json"
    if as_experiment:
        document = {"archs": [str(file)], "training": {"augmentation": [{"type": "noise"}, {"type": "cutout"}]}}
        file = tmp_path / "mine.json"
        file.write_text(json.dumps(document))
    picture = tmp_path / "augmented.png"
    arguments = ["show", file, "--data", f"npz:{tmp_path / 'cubes.npz'}", "--augment", picture]
    done = CliRunner().invoke(app, list(map(str, arguments)), catch_exceptions=False)
    assert done.exit_code == 0, done.output
    assert done.stdout.strip() == str(picture)
    assert picture.read_bytes().startswith(b"\x89PNG")
