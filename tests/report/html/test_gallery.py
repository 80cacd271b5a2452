"""The gallery: all slices of a case in one picture, and a page that stays small however large the scans are."""

import base64
import io
import json
import re
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from archnet.errors import DataError
from archnet.evaluation.comparison.comparison import compare
from archnet.evaluation.integrity.manifest import record_run
from archnet.report import gallery_file
from archnet.report.figures.montage import Picture
from archnet.report.gallery_file import read_gallery, read_heat_maps
from archnet.report.html.comparison_cases import discordant_cases
from archnet.report.html.gallery import PAGE_PIXELS, cards, shrink_image
from archnet.report.html.run_page import write_report
from archnet.report.run_files import read_run
from synthetic_runs import synthetic_predictions, write_run


def sprite_of(card):
    """The card's picture as (slices, height, width)."""
    png = base64.b64decode(card["sprite"].removeprefix("data:image/png;base64,"))
    pixels = np.asarray(Image.open(io.BytesIO(png)))
    assert pixels.dtype == np.uint8
    return pixels.reshape(card["count"], card["height"], card["width"])


def noise(*shape):
    return np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)


def test_a_small_volume_is_kept_slice_by_slice_unchanged():
    image = noise(6, 5, 10)
    (card,) = cards([Picture(image=image, case="a", truth="nodule")], 32)
    np.testing.assert_array_equal(sprite_of(card), image.transpose(2, 0, 1))
    assert (card["first"], card["step"], card["depth"], card["central"]) == (0, 1, 10, 5)
    assert card["strip"] == [3, 4, 5, 6, 7]


def test_an_image_is_its_own_only_slice():
    image = noise(6, 5)
    (card,) = cards([Picture(image=image, case="a", truth="nodule")], 1)
    np.testing.assert_array_equal(sprite_of(card), image[np.newaxis])
    assert (card["count"], card["strip"]) == (1, [])


def test_a_large_volume_becomes_block_means_first():
    image = noise(128, 100, 8)
    smaller, indices = shrink_image(image, 64 * 50 * 8)
    assert indices == range(8)
    assert smaller.shape == (64, 50, 8)
    assert smaller[3, 7, 2] == np.round(image[6:8, 14:16, 2].mean())


@pytest.mark.parametrize("shape", [(128, 128, 64), (512, 512, 301), (50, 60, 1000), (97, 131, 33)])
def test_a_volume_of_any_size_fits_and_keeps_its_central_slice(shape):
    smaller, indices = shrink_image(np.zeros(shape, np.uint8), 200_000)
    assert smaller.size <= 200_000
    assert smaller.shape[2] == len(indices)
    assert min(smaller.shape[:2]) >= 48
    assert shape[2] // 2 in indices


@pytest.mark.parametrize(("read", "name", "loss"), [
    (read_gallery, "gallery.npz", "pictures of cases"), (read_heat_maps, "heat_maps.npz", "heat maps"),
])  # fmt: skip
def test_a_file_of_pictures_that_cannot_be_read_is_named_with_the_remedy(tmp_path, monkeypatch, read, name, loss):
    path = tmp_path / name
    assert read(path) is None
    remedy = f"To report without {loss}, delete it and run: archnet report --accept-edits {tmp_path}"
    path.write_bytes(b"PK")
    with pytest.raises(DataError, match=f"^{re.escape(str(path))}: .*{re.escape(remedy)}$"):
        read(path)
    np.savez(path, x=np.zeros(1))
    with pytest.raises(DataError, match=f"^{re.escape(str(path))}: does not contain the arrays .*{re.escape(remedy)}$"):
        read(path)

    def refuse(path):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(gallery_file, "read_npz", refuse)
    message = f"{path}: cannot be read: Permission denied. Check its permissions."
    with pytest.raises(DataError, match=f"^{re.escape(message)}$"):
        read(path)


@pytest.mark.slow
def test_a_page_of_large_noisy_volumes_stays_under_15_megabytes(tmp_path):
    folder = write_run(tmp_path / "net", skill=0.8)
    with np.load(folder / "gallery.npz") as arrays:
        names, kinds = arrays["case"], arrays["kind"]
    assert (kinds == "wrong").sum() == (kinds == "sample").sum() == 16
    np.savez(folder / "gallery.npz", images=noise(len(names), 128, 128, 64), case=names, kind=kinds)
    record_run(folder)
    text = write_report(read_run(folder)).read_text(encoding="utf-8")
    assert PAGE_PIXELS < len(text) < 15e6


@pytest.mark.slow
def test_a_comparison_shows_cases_classified_correctly_by_one_network_only_the_most_confident_errors_first(tmp_path):
    flat = synthetic_predictions(skill=1.2)
    guesses = np.random.default_rng(5).random(len(flat.cases))
    sure = np.where(flat.y_true == 1, 0.35 + 0.65 * guesses, 0.65 * guesses)
    deep = replace(flat, probabilities=np.stack([1 - sure, sure], axis=1))
    runs = [
        write_run(tmp_path / name, predictions=predictions, depth=4, macs=macs)
        for name, predictions, macs in (("flat", flat, 1), ("deep", deep, 9))
    ]
    groups = discordant_cases(compare(runs))
    assert [(group["right"], group["wrong"]) for group in groups] == [("deep", "flat"), ("flat", "deep")]
    flat, deep = (pool.predictions_by_seed[0] for pool in compare(runs).pools)
    rows = {case: row for row, case in enumerate(flat.cases.tolist())}
    right = {"deep": deep, "flat": flat}
    for group in groups:
        confidences = [card["confidence"] for card in group["cards"]]
        assert confidences == sorted(confidences, reverse=True)
        assert 0 < len(confidences) <= 8
        for card in group["cards"]:
            row = rows[card["case"]]
            truth = flat.y_true[row]
            assert card["truth"] == flat.classes[truth]
            assert right[group["right"]].probabilities[row].argmax() == truth
            assert right[group["wrong"]].probabilities[row].argmax() != truth
            assert card["confidence"] == right[group["wrong"]].probabilities[row].max()


@pytest.mark.slow
def test_the_cases_of_a_comparison_say_which_window_they_show(tmp_path):
    runs = [write_run(tmp_path / name, skill=skill, depth=4) for name, skill in (("flat", 1.2), ("deep", 2.0))]
    assert [(group["wrong"], group["shown"]) for group in discordant_cases(compare(runs))] == [("flat", "")]
    experiment = json.loads((runs[0] / "experiment.json").read_text())
    experiment["data"]["window_hu"] = [[-1350, 150], [-160, 240]]
    (runs[0] / "experiment.json").write_text(json.dumps(experiment))
    record_run(runs[0])
    (group,) = discordant_cases(compare(runs))
    assert (group["wrong"], group["shown"]) == ("flat", "window -1350 to 150")


@pytest.mark.slow
def test_many_networks_share_the_room_of_a_page(tmp_path):
    for place in range(6):
        write_run(tmp_path / f"net{place}", skill=1 + place / 3, depth=4, macs=1 + place)
    groups = discordant_cases(compare([tmp_path]))
    assert 0 < sum(len(group["cards"]) for group in groups) <= 32
    assert re.fullmatch("net[1-5]", groups[0]["right"])
