"""`archnet explain`: heat maps that are what their formulas say, and lie where the voxels lie that they are about."""

import itertools
import json
import re
from dataclasses import replace

import keras
import matplotlib.image
import numpy as np
import pytest
import SimpleITK
from matplotlib.figure import Figure
from typer.testing import CliRunner

from archnet.cli import app
from archnet.data.checks.scan_records import record_scan
from archnet.errors import RunError
from archnet.evaluation.integrity.manifest import record_run
from archnet.files.atomic import write_json
from archnet.files.strict_json import Document
from archnet.imaging import read_volume
from archnet.imaging.scan_grid import interpolate
from archnet.inference.explain import draw_explanation, explain_scan, write_heat_map
from archnet.inference.trained_run import read_trained_run
from archnet.network.backend import backend_module
from archnet.network.build.network import build
from archnet.network.explain import GradCam, feature_tensors, grad_cam, occlusion
from archnet.network.scaling import build_inference_model
from archnet.network.trained_model import load_model
from archnet.runs.gallery.feature_heat import heat_of_planes
from archnet.runs.preparation.training_scans import TRAINING_SCANS_FILE, TrainingScan, TrainingScans
from archnet.spec.arch import parse_arch
from archnet.spec.view import InputLimits
from long_tests import long_except
from trained_runs import CANDIDATES, WHOLE, as_four_formats, chest, what_is_bright, write_chest, write_trained_run

COMMAND = CliRunner()
BLOB_MM = (4.0, 22.0, 124.0)
SEES_BLOBS = [
    {"type": "C", "num_output": 2, "kernel_size": [3, 3, 3], "activation": "relu", "padding": "valid"},
    {"type": "P", "pool": "avg", "kernel_size": [2, 2, 2], "padding": "valid"},
    {"type": "C", "num_output": 2, "kernel_size": [3, 3, 1], "activation": "relu"},
    {"type": "GAP"},
    {"type": "T"},
]
SEES_BLOBS_2D = [
    {"type": "C", "num_output": 2, "kernel_size": [3, 3], "activation": "relu"},
    {"type": "P", "pool": "max", "kernel_size": [2, 2]},
    {"type": "GAP"},
    {"type": "T"},
]

SEES_BLOBS_IN_SLICES, SEES_BLOBS_ON_PLANES = (
    [{"type": "VIEWS", "planes": planes, "fuse": "mean", "layers": SEES_BLOBS_2D[:-1]}, {"type": "T"}]
    for planes in ("slices", "nine")
)


def command(*arguments):
    return COMMAND.invoke(app, ["explain", *map(str, arguments)], catch_exceptions=True)


def scan_with_a_blob(shape=(20, 32, 32)):
    """A chest, turned about the z axis, with one bright blob at `BLOB_MM`."""
    volume = chest(shape=shape)
    image = SimpleITK.GetImageFromArray(volume.hu)
    image.SetSpacing(volume.spacing_mm)
    image.SetOrigin(volume.origin_mm)
    turn = np.deg2rad(8)
    image.SetDirection([np.cos(turn), -np.sin(turn), 0, np.sin(turn), np.cos(turn), 0, 0, 0, 1])
    grid = np.stack(np.indices(volume.hu.shape)[::-1], -1) * volume.spacing_mm
    places = grid @ np.reshape(image.GetDirection(), (3, 3)).T + volume.origin_mm
    is_blob = np.linalg.norm(places - BLOB_MM, axis=-1) < 5
    assert is_blob.sum() > 10
    blob = SimpleITK.GetImageFromArray(np.where(is_blob, 400, volume.hu).astype(np.int16))
    blob.CopyInformation(image)
    return blob


def hot_spot_mm(image):
    """The middle of all that is hotter than half of the largest value, in world millimetres."""
    heat = SimpleITK.GetArrayFromImage(image).astype(np.float64)
    weights = np.where(heat > heat.max() / 2, heat, 0)
    z, y, x = (np.indices(heat.shape) * weights).sum(axis=(1, 2, 3)) / weights.sum()
    return np.array(image.TransformContinuousIndexToPhysicalPoint((x, y, z)))


def stored_otherwise(image, order):
    """The same scan with its axes stored in another order and direction."""
    return SimpleITK.DICOMOrient(image, order)


def heat_of(folder, scan, *options):
    """The heat map that the command writes, read by SimpleITK."""
    done = command(folder, scan, "--out", scan.parent / "out", "--json", *options)
    assert done.exception is None, done.exception
    return SimpleITK.ReadImage(next(name for name in json.loads(done.stdout)["files"] if name.endswith(".nii.gz")))


def assert_same_frame(heat, image):
    assert heat.GetSize() == image.GetSize()
    for kind in ("Spacing", "Origin", "Direction"):
        np.testing.assert_allclose(getattr(heat, f"Get{kind}")(), getattr(image, f"Get{kind}")(), atol=1e-4)


WAYS = {
    "whole scan": (WHOLE, SEES_BLOBS, [], 2.7),
    "crop": (CANDIDATES | {"crop_size": [16, 16, 12]}, SEES_BLOBS, ["--at=0.5,18.2,121"], 1.6),
    "crop on a grid in mm": (
        CANDIDATES | {"crop_size": [24, 24, 12], "spacing_mm": [1.5, 1.5, 2.0]}, SEES_BLOBS, ["--at=0.5,18.2,121"], 1.6,
    ),
    "slices of a crop": (CANDIDATES | {"crop_size": [16, 16, 12]}, SEES_BLOBS_IN_SLICES, ["--at=0.5,18.2,121"], 1.6),
    "planes of a cube in mm": (
        CANDIDATES | {"crop_size": [16, 16, 16], "spacing_mm": [2.0, 2.0, 2.0]}, SEES_BLOBS_ON_PLANES, ["--at=4,22,124"], 1.6,
    ),
    "central slice": (CANDIDATES | {"crop_size": [16, 16, 8]}, SEES_BLOBS_2D, ["--at=0.5,18.2,124"], 1.6),
}  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize(
    ("way", "method"),
    long_except(
        {*((way, "gradcam") for way in WAYS), ("whole scan", "occlusion"), ("planes of a cube in mm", "occlusion")},
        itertools.product(WAYS, ("gradcam", "occlusion")),
    ),
)
def test_the_hot_spot_lies_on_what_the_network_responds_to(tmp_path, way, method):
    data, layers, options, tolerance_mm = WAYS[way]
    run = write_trained_run(tmp_path / "run", data, layers, knows=what_is_bright)
    image, scan = scan_with_a_blob(), tmp_path / "scan.nrrd"
    SimpleITK.WriteImage(image, str(scan))
    heat = heat_of(run, scan, *options, "--method", method)
    assert_same_frame(heat, image)
    box_mm = 2.5 if method == "occlusion" else 0  # boxes are coarse
    assert np.linalg.norm(hot_spot_mm(heat) - BLOB_MM) < tolerance_mm + box_mm
    assert 0 < (SimpleITK.GetArrayFromImage(heat) > 0).mean() < 0.2


@pytest.mark.slow
def test_slices_as_channels_share_one_heat_map(tmp_path):
    data = CANDIDATES | {"crop_size": [16, 16, 8], "view": "slices-as-channels"}
    run = write_trained_run(tmp_path / "run", data, SEES_BLOBS_2D, knows=what_is_bright)  # looks at the first slice
    SimpleITK.WriteImage(scan_with_a_blob(), str(tmp_path / "scan.nrrd"))
    heat = heat_of(run, tmp_path / "scan.nrrd", "--at=0.5,18.2,136")
    assert np.linalg.norm(hot_spot_mm(heat)[:2] - BLOB_MM[:2]) < 1.6
    array = SimpleITK.GetArrayFromImage(heat)
    assert np.flatnonzero(array.any(axis=(1, 2))).tolist() == list(range(8, 16))
    np.testing.assert_array_equal(array[8:16], np.broadcast_to(array[8], (8, 32, 32)))


WINDOWS = [[-1000, 400], [-160, 240]]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("data", "layers", "options"),
    [
        (WHOLE, SEES_BLOBS, ["--method=gradcam"]),
        (CANDIDATES | {"crop_size": [16, 16, 8]}, SEES_BLOBS_2D, ["--at=0.5,18.2,124", "--method=gradcam"]),
        (CANDIDATES | {"crop_size": [16, 16, 8]}, SEES_BLOBS_2D, ["--at=0.5,18.2,124", "--method=occlusion"]),
        pytest.param(WHOLE, SEES_BLOBS, ["--method=occlusion"], marks=pytest.mark.long),
    ],
    ids=["3D gradcam", "2D gradcam", "2D occlusion", "3D occlusion"],
)
def test_a_network_that_looks_at_the_first_of_two_windows_is_explained_like_one_of_one(tmp_path, data, layers, options):
    scan = tmp_path / "scan.nrrd"
    SimpleITK.WriteImage(scan_with_a_blob(), str(scan))
    runs = [
        write_trained_run(tmp_path / "one", data | {"window_hu": WINDOWS[0]}, layers, knows=what_is_bright),
        write_trained_run(tmp_path / "two", data | {"window_hu": WINDOWS}, layers, knows=what_is_bright, channels=2),
    ]
    one, two = (SimpleITK.GetArrayFromImage(heat_of(run, scan, *options)) for run in runs)
    assert one.max() > 0
    np.testing.assert_allclose(two, one, atol=1e-3)


@pytest.mark.slow
def test_the_picture_says_which_window_it_shows(tmp_path):
    data, point = CANDIDATES | {"crop_size": [16, 16, 8], "window_hu": WINDOWS}, (0.5, 18.2, 124.0)
    run = read_trained_run(write_trained_run(tmp_path / "two", data, SEES_BLOBS, knows=what_is_bright, channels=2))
    SimpleITK.WriteImage(scan_with_a_blob(), str(tmp_path / "scan.nrrd"))
    explanation = explain_scan(run, tmp_path / "scan.nrrd", 1, point_mm=point)
    assert explanation.shown == "window -1000 to 400"
    alone = write_trained_run(tmp_path / "one", data | {"window_hu": WINDOWS[0]}, SEES_BLOBS, knows=what_is_bright)
    other = explain_scan(read_trained_run(alone), tmp_path / "scan.nrrd", 1, point_mm=point)
    assert other.shown == ""
    np.testing.assert_array_equal(explanation.image, other.image)


def test_occlusion_hides_each_channel_behind_its_own_air(tmp_path):
    limits = InputLimits(windows=(((-1000, 400), (0, 20)), ((-1350, 150), (-1, 1))))
    arch = arch_of([C, *TAIL])
    model = build_inference_model(build(arch, (8, 8, 4), seed=1), limits)
    image = np.random.default_rng(0).uniform([-1000, 0], [400, 20], (8, 8, 2)).astype(np.float32)
    seen = []
    heat = occlusion(model, image, 1, lambda boxes, description, total: seen.extend(boxes) or boxes)
    hidden = image.copy()
    hidden[seen[0]] = (-1350, -1)
    before, after = (float(np.asarray(model(shown[None]))[0, 1]) for shown in (image, hidden))
    assert heat[0, 0] == pytest.approx(before - after, abs=1e-6)
    assert abs(before - after) > 1e-4


@pytest.mark.slow
@pytest.mark.parametrize(
    "order", ["LPS", "SAR", *(pytest.param(order, marks=pytest.mark.slow) for order in ("RAI", "PIL"))]
)
def test_a_heat_map_has_the_frame_of_the_scans_own_file(tmp_path, order):
    run = write_trained_run(tmp_path / "run", WHOLE, SEES_BLOBS, knows=what_is_bright)
    image, scan = stored_otherwise(scan_with_a_blob((20, 32, 28)), order), tmp_path / "scan.nii.gz"
    SimpleITK.WriteImage(image, str(scan))
    heat = heat_of(run, scan)
    assert_same_frame(heat, image)
    assert np.linalg.norm(hot_spot_mm(heat) - BLOB_MM) < 2.7


@pytest.mark.long
def test_on_real_scans_the_frame_is_the_same_in_every_format(real_data, tmp_path):
    run = write_trained_run(tmp_path / "run", WHOLE, SEES_BLOBS, knows=what_is_bright)
    image = SimpleITK.ReadImage(str(real_data / "ct/lung1_image.nrrd"))
    for path in as_four_formats(image, tmp_path / "scans"):
        heat = heat_of(run, path)
        assert_same_frame(heat, image)
        bright = SimpleITK.GetArrayFromImage(image)[SimpleITK.GetArrayFromImage(heat) > 0.5]
        assert np.median(bright) > 50


def arch_of(layers, rank=2):
    return parse_arch(Document(value={"rank": rank, "layers": layers}, source="test"))


C, P = {"type": "C", "num_output": 3, "kernel_size": 3}, {"type": "P", "pool": "avg", "kernel_size": 2}
TAIL = [{"type": "GAP"}, {"type": "T"}]
GEOMETRIES = {
    "same": [C, P, C],
    "valid": [C | {"padding": "valid"}, P | {"padding": "valid"}, C | {"padding": "valid"}],
    "strides and dilation": [C | {"stride": 2}, C | {"dilation": 2}, P | {"kernel_size": 3, "stride": 2}, C, P],
    "an even kernel": [C | {"kernel_size": 4}, P, C | {"kernel_size": 2, "stride": 3}],
    "blocks": [{"type": "REP", "times": 2, "layers": [{"type": "RES", "layers": [C, C | {"stride": 2}]}, P]}],
}


@pytest.mark.parametrize("layers", GEOMETRIES.values(), ids=GEOMETRIES)
def test_features_lie_in_the_middle_of_what_they_see(layers):
    arch = arch_of([*layers, *TAIL])
    network = build(arch, (48, 47))
    for layer in network.layers:
        layer.set_weights([np.full_like(weight, weight.ndim > 1) for weight in layer.get_weights()])
    (features,) = feature_tensors(network, arch)
    body = keras.Model(network.input, features)
    middle = [n // 2 for n in body.output.shape[1:3]]
    for axis, along in enumerate(arch.feature_map((48, 47)).grid):
        lines = np.zeros((48 - axis, 48, 47, 1), np.float32)
        for number in range(len(lines)):
            lines[number].swapaxes(0, axis)[number] = 1
        is_seen = np.flatnonzero(np.asarray(body(lines))[:, middle[0], middle[1], 0])
        assert (is_seen[0] + is_seen[-1]) / 2 == pytest.approx(along.start + along.step * middle[axis])


def test_the_last_feature_map_ends_before_dropout_and_flattening_and_takes_its_batch_norm_along():
    norm, drop, relu = {"type": "BN"}, {"type": "DO", "drop_out": 20}, {"type": "ACT", "activation": "relu"}
    for layers, num_kept in (
        ([C, P, C, P], 3),
        ([C, norm, P], 2),
        ([C, norm, relu, P], 3),
        ([{"type": "CAT", "branches": [[C], [C]]}, norm, P], 2),
        ([C, drop, norm], 1),
        ([C | {"drop_out": 20}, norm], 1),
        ([{"type": "REP", "times": 2, "layers": [C, norm]}, P], 4),
    ):
        found = arch_of([*layers, *TAIL]).feature_map((48, 48))
        assert [layer is found.layer for layer in found.layers].index(True) + 1 == num_kept
    assert arch_of([P, norm, *TAIL]).feature_map((48, 48)) is None


def test_a_network_of_another_architecture_is_not_explained():
    network = build(arch_of([C, P, C, *TAIL]), (12, 12))
    message = "test: the saved model does not match the architecture of its run. Use occlusion."
    with pytest.raises(RunError, match=f"^{re.escape(message)}$"):
        feature_tensors(network, arch_of([C, C, *TAIL]))


@pytest.mark.parametrize("rank", [2, 3])
@pytest.mark.parametrize(("num_classes", "activation"), [(2, None), (2, "sigmoid"), (3, None)])
def test_grad_cam_is_its_formula(rank, num_classes, activation):
    layers = [
        {"type": "C", "num_output": 5, "kernel_size": 3, "activation": "relu", "batch_norm": True},
        {"type": "GAP"},
        {"type": "T", "activation": activation},
    ]
    arch = arch_of(layers, rank)
    network = build(arch, (8,) * rank, num_classes, seed=1)
    model = build_inference_model(network, InputLimits.of(-1000, 400))
    image = np.random.default_rng(0).uniform(-1000, 400, (*(8,) * rank, 1)).astype(np.float32)
    maps = np.asarray(keras.Model(network.input, network.layers[-3].output)((image[None] + 1000) / 1400))[0]
    kernel, bias = network.layers[-1].get_weights()
    if activation:
        kernel, bias = np.stack([0 * kernel[:, 0], kernel[:, 0]], 1), np.array([0, bias[0]])
    logits = maps.mean(axis=tuple(range(rank))) @ kernel + bias
    num_hot = 0
    for label in range(num_classes):
        others = np.delete(np.arange(num_classes), label)
        shares = np.exp(logits[others]) / np.exp(logits[others]).sum()
        weights = (kernel[:, label] - kernel[:, others] @ shares) / 8**rank
        expected = np.maximum(maps @ weights, 0)
        num_hot += expected.any()
        (heat,) = grad_cam(model, arch, image, label)
        np.testing.assert_allclose(heat, expected, atol=1e-6)
    assert num_hot > 0


@pytest.mark.parametrize("rank", [2, 3])
def test_in_a_window_of_equal_features_one_has_the_gradient(rank):
    layers = [{"type": "C", "num_output": 2, "kernel_size": 3}, {"type": "P", "pool": "max", "kernel_size": 2}, *TAIL]
    arch = arch_of(layers, rank)
    network = build(arch, (8,) * rank, 2, seed=1)
    model = build_inference_model(network, InputLimits.of(-1000, 400))
    ((body, head),) = GradCam(model, arch)._members
    maps = keras.Variable(body(np.ones((1, *(8,) * rank, 1), np.float32)))

    def product():
        output = keras.ops.sum(head(maps.value))
        return output, output

    _, (slopes,) = backend_module().value_and_gradients(product, [maps], [])
    slopes = keras.ops.convert_to_numpy(slopes)
    windows = slopes[0].reshape(*[part for size in slopes.shape[1:-1] for part in (size // 2, 2)], 2)
    hot = (windows != 0).sum(axis=tuple(range(1, 2 * rank, 2)))
    assert hot.max() == 1


@pytest.mark.slow
def test_occlusion_is_the_mean_fall_of_the_probability_behind_the_boxes_over_a_voxel(tmp_path):
    folder = write_trained_run(tmp_path / "run", {"name": "mosmed", "crop_size": [12, 9, 3]})
    model = load_model(folder / "model.keras")
    image = np.random.default_rng(0).uniform(-1000, 400, (12, 9, 3, 1)).astype(np.float32)
    heat = occlusion(model, image, 1, lambda boxes, description, total: boxes)

    def probability(shown):
        return float(np.asarray(model(shown[None]))[0, 1])

    def fall(corner):
        hidden = image.copy()
        hidden[tuple(slice(start, start + side) for start, side in zip(corner, (3, 3, 1), strict=True))] = -1000
        return probability(image) - probability(hidden)

    over = {
        (0, 0, 0): [(0, 0, 0)],
        (11, 8, 2): [(9, 6, 2)],
        (3, 3, 1): [(2, 2, 1)],
        (4, 5, 1): [(2, 4, 1), (4, 4, 1)],
        (4, 4, 0): [(row, column, 0) for row in (2, 4) for column in (2, 4)],
    }
    for voxel, corners in over.items():
        assert heat[voxel] == pytest.approx(np.mean([fall(corner) for corner in corners]), abs=1e-6)
    assert heat.min() < 0 < heat.max()


def test_interpolation_is_scipys():
    from scipy import ndimage

    generator = np.random.default_rng(0)
    array = generator.normal(size=(5, 6, 7)).astype(np.float32)
    places = [np.sort(generator.uniform(-2, n + 1, 9)) for n in array.shape]
    expected = ndimage.map_coordinates(array, np.meshgrid(*places, indexing="ij"), order=1, mode="nearest")
    np.testing.assert_allclose(interpolate(array, places), expected, atol=1e-5)


@pytest.mark.parametrize("largest", [0.0, 1.0, 1.9, 0.26])
def test_a_heat_map_is_rounded_to_a_thousandth_of_the_power_of_two_below_its_largest_value(tmp_path, largest):
    scan, path = write_chest(tmp_path / "scan.mhd"), tmp_path / "heat.nii.gz"
    heat = np.random.default_rng(0).random(read_volume(scan).hu.shape, np.float32)
    heat *= largest / heat.max()
    write_heat_map(path, scan, heat)
    found = SimpleITK.GetArrayFromImage(SimpleITK.ReadImage(str(path))).astype(np.float64)
    step = {0.0: 1.0, 1.0: 1.0, 1.9: 1.0, 0.26: 0.25}[largest] / 1024
    assert np.abs(found - heat).max() <= step / 2
    assert np.array_equal(found / step, (found / step).round())


@pytest.mark.slow
def test_explain_writes_a_picture_of_the_case_with_its_heat(tmp_path):
    run = write_trained_run(tmp_path / "run", WHOLE, SEES_BLOBS, knows=what_is_bright)
    SimpleITK.WriteImage(scan_with_a_blob(), str(tmp_path / "scan.nrrd"))
    done = command(run, tmp_path / "scan.nrrd", "--out", tmp_path / "new")
    stem = tmp_path / "new/run-scan-CT-23-gradcam"
    assert done.stdout == f"Wrote {stem}.png\nWrote {stem}.nii.gz\n"
    assert done.stderr == ""
    picture = matplotlib.image.imread(f"{stem}.png")
    is_coloured = np.ptp(picture[:, : int(0.8 * picture.shape[1]), :3], axis=-1) > 0.3  # left of the colour bar
    assert 0.001 < is_coloured.mean() < 0.1
    found = explain_scan(read_trained_run(run), tmp_path / "scan.nrrd", 1)
    assert found.probability > 0.5
    assert found.heat.max() == 1


def test_a_picture_names_rounded_millimetres_and_marks_the_candidate_on_its_slice(tmp_path, monkeypatch):
    data = CANDIDATES | {"crop_size": [16, 16, 12]}
    run = read_trained_run(write_trained_run(tmp_path / "run", data, SEES_BLOBS, knows=what_is_bright))
    SimpleITK.WriteImage(scan_with_a_blob(), str(tmp_path / "scan.nrrd"))
    explanation = explain_scan(run, tmp_path / "scan.nrrd", 1, point_mm=(0.5312, 18.2499, 121.0))
    drawn = []
    monkeypatch.setattr(
        "archnet.report.figures.heat_map.heat_figure", lambda *given, **named: drawn.append((given, named)) or Figure()
    )
    draw_explanation(explanation)
    draw_explanation(replace(explanation, heat=0 * explanation.heat, point_mm=None))
    ((_, _, title, meaning), named), ((_, _, empty_title, _), of_a_whole_scan) = drawn
    probability = f"nodule: {100 * explanation.probability:.2f}%"
    assert title == f"scan at (0.5, 18.2, 121.0) mm\n{probability}  {tmp_path / 'run'}"
    assert (meaning, named) == ("Grad-CAM, share of the largest value", {"mark": (8, 8, 6)})
    assert empty_title == f"scan\n{probability} (no evidence found)  {tmp_path / 'run'}"
    assert of_a_whole_scan == {"mark": None}


@pytest.mark.slow
def test_pictures_of_two_runs_do_not_replace_each_other_and_a_class_cannot_lead_out_of_the_folder(tmp_path):
    scan = write_chest(tmp_path / "scan.mhd")
    for name in ("first", "second"):
        run = write_trained_run(tmp_path / name, WHOLE, SEES_BLOBS, classes=["CT-0", "../$a$ b"])
        assert command(run, scan, "--out", tmp_path / "new").exit_code == 0
    assert {path.name for path in (tmp_path / "new").iterdir()} == {
        f"{name}-scan-..__a__b-gradcam{ending}" for name in ("first", "second") for ending in (".png", ".nii.gz")
    }


@pytest.mark.slow
def test_an_empty_heat_map_is_reported(tmp_path):
    run = write_trained_run(tmp_path / "run", WHOLE, SEES_BLOBS, knows=what_is_bright)
    done = command(run, write_chest(tmp_path / "scan.mhd"), "--out", tmp_path)
    assert done.exit_code == 0
    assert done.stderr == (
        "Warning: the heat map is empty: no evidence for CT-23 was found. Choose a different class with --class.\n"
    )


@pytest.mark.slow
def test_what_cannot_be_explained_is_reported(tmp_path):
    whole, nodules = (
        write_trained_run(tmp_path / "runs/whole"),
        write_trained_run(tmp_path / "runs/nodules", CANDIDATES),
    )
    arrays = write_trained_run(tmp_path / "arrays", {"name": "npz", "root": "cubes.npz"})
    flat = write_trained_run(tmp_path / "flat", WHOLE, [{"type": "FC", "num_output": 2}, {"type": "T"}], rank=3)
    scan, folder = write_chest(tmp_path / "scans/a.mhd"), tmp_path / "scans"
    write_chest(folder / "b.mhd")
    expected = {
        (
            nodules,
            scan,
        ): f"{nodules}: this run classifies candidates, not whole scans. Name one by its position in mm with --at=X,Y,Z.",
        (whole, scan, "--at=1,2,3"): f"{whole}: this run classifies whole scans, not candidates. Leave out --at.",
        (nodules, scan, "--at=1,2"): '--at "1,2": expected three numbers in mm, such as --at=-100.6,67.3,-231.8.',
        (
            nodules,
            scan,
            "--at=nan,2,3",
        ): '--at "nan,2,3": expected three numbers in mm, such as --at=-100.6,67.3,-231.8.',
        (nodules, scan, "--at=1,2,999"): "--at: the point (1.0, 2.0, 999.0) mm is outside scan a.mhd.",
        (arrays, scan): f"{arrays}: this run was trained on arrays of an .npz file, which does not record how they "
        "were extracted from scans, so new scans cannot be preprocessed in the same way. Name a run on luna16, mosmed or folder data.",
        (whole, folder): f"{folder}: contains 2 scans. Choose one, such as {scan}.",
        (tmp_path / "runs", scan): f"{tmp_path / 'runs'}: cannot",
        (whole, scan, "--class", "CT-2"): '--class: no class "CT-2". Did you mean "CT-23"? The run has CT-0, CT-23.',
        (flat, scan): "flat: Grad-CAM needs a convolution, and this network has none. Use occlusion.",
    }
    expected[tmp_path / "runs", scan] = (
        f"{whole}: cannot be averaged with {nodules}: classes CT-0, CT-23 here, non-nodule, nodule there. "
        "Name runs with the same preprocessing."
    )
    for arguments, message in expected.items():
        assert str(command(*arguments, "--out", tmp_path / "out").exception) == message
    assert not (tmp_path / "out").exists()


@pytest.mark.slow
def test_an_explanation_says_that_its_scan_was_trained_on(tmp_path):
    scan, run = write_chest(tmp_path / "scan.mhd"), write_trained_run(tmp_path / "run", layers=SEES_BLOBS)
    known = TrainingScan(identity=record_scan(scan, read_volume(scan)).identity, sets=("validation",))
    write_json(run / TRAINING_SCANS_FILE, TrainingScans(scans=(known,), cases={}).to_document())
    record_run(run)
    done = command(run, scan, "--out", tmp_path / "out", "--json")
    assert done.stderr.splitlines()[0] == f"Warning: {scan} was in the validation set of {run}."
    assert json.loads(done.stdout)["trained_on"] == [{"run": str(run), "sets": ["validation"]}]


BRANCHES = [{"type": "CAT", "branches": [[C | {"num_output": 2}], [P | {"stride": 1}], []]}, C]
JOINED = {
    "branches": [*BRANCHES, *TAIL],
    "branches that end flat": [C, {"type": "CAT", "branches": [[C, TAIL[0]], [P, C, TAIL[0]]]}, TAIL[1]],
    "a shortcut of layers": [C, {"type": "RES", "layers": [C, C], "shortcut": [C | {"kernel_size": 1}]}, *TAIL],
    "a dense block": [C, {"type": "DENSE", "times": 2, "layers": [C]}, {"type": "BN"}, P, *TAIL],
}


@pytest.mark.parametrize("layers", JOINED.values(), ids=JOINED)
def test_features_of_networks_with_branches_are_those_before_the_last_layers(layers, tmp_path):
    arch = arch_of(layers)
    network = build(arch, (12, 12), seed=2)
    network.save(tmp_path / "network.keras")
    loaded = keras.saving.load_model(tmp_path / "network.keras")
    (features,) = feature_tensors(loaded, arch)
    rest = keras.Model(features, loaded.output)  # fails if a path bypasses the map
    assert features.shape[1:] == arch.feature_map((12, 12)).shape
    images = np.random.default_rng(0).random((2, 12, 12, 1), np.float32)
    np.testing.assert_allclose(rest(keras.Model(loaded.input, features)(images)), network(images), atol=1e-6)


def test_branches_that_meet_after_flattening_only_are_not_explained():
    arch = arch_of([{"type": "CAT", "branches": [[C, TAIL[0]], [P, C, TAIL[0]]]}, TAIL[1]])
    message = "test: Grad-CAM needs a feature map on all paths, and this network has none. Use occlusion."
    with pytest.raises(RunError, match=f"^{re.escape(message)}$"):
        feature_tensors(build(arch, (12, 12)), arch)


@pytest.mark.parametrize(
    ("planes", "shared"), [("axial", True), ("slices", True), ("orthogonal", False), ("nine", True)]
)
def test_grad_cam_of_views_is_its_formula_on_each_plane(planes, shared):
    views = {"type": "VIEWS", "planes": planes, "shared": shared, "fuse": "concat", "layers": [C, C, TAIL[0]]}
    arch = arch_of([views, TAIL[1]], rank=3)
    network = build(arch, (8, 8, 8), seed=3)
    model = build_inference_model(network, InputLimits.of(-1000, 400))
    image = np.random.default_rng(0).uniform(-1000, 400, (8, 8, 8, 1)).astype(np.float32)
    heats, found = grad_cam(model, arch, image, 1), arch.feature_map((8, 8, 8))
    tensors = keras.tree.flatten(
        keras.Model(network.input, feature_tensors(network, arch))((image[None] + 1000) / 1400)
    )
    maps = np.concatenate([np.asarray(tensor) for tensor in tensors])
    kernel, _ = network.layers[-1].get_weights()
    slopes = (kernel[:, 1] - kernel[:, 0]).reshape(len(maps), 3) / 64
    assert len(heats) == len(maps) == len(found.planes)
    for heat, values, weights, grid in zip(heats, maps, slopes, found.plane_grids, strict=True):
        np.testing.assert_allclose(heat, np.maximum(values @ weights, 0), atol=1e-6)
        assert [(axis.start, axis.step) for axis in grid] == [(0.0, 1.0)] * 2


def test_planes_of_a_strided_map_lie_on_the_grid_of_that_map():
    views = {"type": "VIEWS", "planes": "slices", "layers": [C, P, {"type": "FC", "num_output": 2}]}
    arch = arch_of([C | {"stride": 2}, P, views, TAIL[1]], 3)
    model = build_inference_model(build(arch, (16, 16, 8), seed=1), InputLimits.of(-1000, 400))
    image = np.random.default_rng(0).uniform(-1000, 400, (16, 16, 8, 1)).astype(np.float32)
    heats, found = grad_cam(model, arch, image, 1), arch.feature_map((16, 16, 8))
    assert [(axis.start, axis.step) for axis in found.grid] == [(2.0, 4.0)] * 3
    np.testing.assert_array_equal(heat_of_planes(heats, found), np.stack(heats, -1))


def test_planes_without_maps_are_explained_by_the_map_before_them():
    arch = arch_of([C, {"type": "VIEWS", "planes": "slices", "layers": [TAIL[0]]}, TAIL[1]], 3)
    model = build_inference_model(build(arch, (8, 8, 4)), InputLimits.of(-1000, 400))
    image = np.random.default_rng(0).uniform(-1000, 400, (8, 8, 4, 1)).astype(np.float32)
    assert [heat.shape for heat in grad_cam(model, arch, image, 1)] == [(8, 8, 4)]
    assert arch.feature_map((8, 8, 4)).planes == ()


def test_the_heat_of_planes_lies_where_the_planes_cut_the_volume():
    arch = arch_of([{"type": "VIEWS", "planes": "orthogonal", "layers": [C | {"stride": 2}, TAIL[0]]}, TAIL[1]], rank=3)
    found = arch.feature_map((8, 8, 8))
    heats = [np.full((4, 4), value, np.float32) for value in (1, 2, 3)]
    volume = heat_of_planes(heats, found)
    assert volume.shape == (8, 8, 8)
    assert (volume[:, :, 4].min(), volume[4, 0, 0], volume[0, 4, 0], volume[4, 4, 4]) == (1, 2, 3, 3)
    assert volume[0, 0, 0] == 0
    assert (volume > 0).sum() == 8**3 - 7**3
