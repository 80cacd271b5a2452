"""Finished run folders whose networks were not trained: for the tests of prediction and explanation."""

import json
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import SimpleITK

from archnet.evaluation.integrity.manifest import record_run
from archnet.files.strict_json import Document
from archnet.imaging import Volume
from archnet.imaging.metaimage import write_mhd
from archnet.network.build.network import build
from archnet.network.scaling import build_inference_model
from archnet.spec.resolve import parse_experiments
from archnet.spec.view import input_shape, window_limits

LAYERS = [
    {"type": "C", "num_output": 6, "kernel_size": [3, 3, 3], "activation": "relu"},
    {"type": "P", "pool": "max", "kernel_size": [2, 2, 2]},
    {"type": "FC", "num_output": 8, "activation": "tanh"},
    {"type": "T"},
]
LAYERS_2D = [
    {"type": "C", "num_output": 6, "kernel_size": [3, 3], "activation": "relu"},
    {"type": "FC", "num_output": 8, "activation": "tanh"},
    {"type": "T", "activation": "sigmoid"},
]
WHOLE = {"name": "mosmed", "crop_size": [24, 24, 12]}
CANDIDATES = {"name": "luna16", "crop_size": [12, 12, 4]}
CLASSES = {"luna16": ["non-nodule", "nodule"], "npz": ["0", "1"]}


def write_trained_run(
    folder, data=WHOLE, layers=LAYERS, seed=0, scans=None, classes=None, gain=1.0, knows=None, rank=None, channels=1,
    augmentation=None, tta=False,
):  # fmt: skip
    """Writes what prediction reads of a run folder.

    `gain` multiplies the last layer's weights, so that scans differ; `knows` sets all weights of the network.
    """
    classes = classes or CLASSES.get(data["name"], ["CT-0", "CT-23"])
    arch = {"name": folder.name, "channels": channels, "layers": layers, **({"rank": rank} if rank else {})}
    document = {"name": "test", "archs": [arch], "data": data}
    document |= {"training": {"augmentation": augmentation}, "evaluation": {"tta": tta}} if augmentation else {}
    (experiment,) = parse_experiments(Document(value=document, source="test"))
    folder.mkdir(parents=True)
    model = _saved_model(json.dumps([data, arch]), len(classes), seed, gain, knows)
    (folder / "model.keras").write_bytes(model)
    files = {
        "experiment.json": experiment.to_document(),
        "metrics.json": {"classes": classes, "positive": classes[1]},
        "data.json": {"notes": [], "lost": [], "scans": scans},
    }
    for name, value in files.items():
        (folder / name).write_text(json.dumps(value), encoding="utf-8")
    record_run(folder)
    return folder


@cache
def _saved_model(given, num_classes, seed, gain, knows):
    """The file of a network: many tests ask for the same one, and building and saving it takes longer than they do."""
    data, arch = json.loads(given)
    document = {"name": "test", "archs": [arch], "data": data}
    (experiment,) = parse_experiments(Document(value=document, source="test"))
    shape = input_shape(experiment, experiment.data.crop_size or (8, 8, 8))
    network = build(experiment.arch, shape, num_classes, seed=seed)
    kernel, bias = network.layers[-1].get_weights()
    network.layers[-1].set_weights([gain * kernel, bias])
    if knows:
        knows(network)
    with TemporaryDirectory() as folder:
        path = Path(folder) / "model.keras"
        build_inference_model(network, window_limits(experiment.data)).save(path)
        return path.read_bytes()


def what_is_bright(network):
    """Each convolution passes its first channel on, the first one only what is above 120 HU; class 1 is its mean."""
    is_first = True
    for layer in network.layers:
        if not layer.weights:
            continue
        kernel, bias = (np.zeros_like(weight) for weight in layer.get_weights())
        if kernel.ndim == 2:
            kernel[0] = [-40, 40]
        else:
            kernel[(*(side // 2 for side in kernel.shape[:-2]), 0, 0)] = 1
            bias -= 0.8 * is_first
            is_first = False
        layer.set_weights([kernel, bias])


def overflow_where_bright(network):
    """Weights with which the logits of a bright case are infinite, and those of any other case 0."""
    for layer in network.layers:
        if layer.weights:
            kernel, bias = (np.zeros_like(weight) for weight in layer.get_weights())
            if kernel.ndim > 2:
                kernel[(*(side // 2 for side in kernel.shape[:-2]), 0, 0)] = 1
                bias -= 0.8
            else:
                kernel[:] = 1e3 if kernel.shape[1] > 2 else 3e38
            layer.set_weights([kernel, bias])


def write_nan(network):
    """One weight that is not a number, as a training that diverged may leave it."""
    kernel, bias = network.layers[-1].get_weights()
    kernel[0, 0] = np.nan
    network.layers[-1].set_weights([kernel, bias])


def chest(seed=0, shape=(20, 32, 32), spacing_mm=(2.0, 2.0, 3.0), origin_mm=(-30.0, -20.0, 100.0)):
    """A small scan: noise around lung, in a box of soft tissue, with a bright ball somewhere."""
    generator = np.random.default_rng(seed)
    hu = generator.normal(-850, 60, shape)
    hu[:, :4] = hu[:, -4:] = generator.normal(40, 20, (shape[0], 4, shape[2]))
    centre = generator.uniform(0.3, 0.7, 3) * shape
    distance = np.linalg.norm(np.stack(np.indices(shape), -1) - centre, axis=-1)
    hu[distance < 4] = 60
    return Volume(hu=hu.astype(np.int16), spacing_mm=spacing_mm, origin_mm=origin_mm, direction=np.eye(3))


def write_chest(path, **options):
    path.parent.mkdir(parents=True, exist_ok=True)
    write_mhd(path, chest(**options))
    return path


def as_four_formats(image, folder):
    """The same scan as .nrrd, .nii.gz, .mhd and a DICOM series, written by SimpleITK."""
    folder.mkdir()
    paths = [folder / name for name in ("a.nrrd", "a.nii.gz", "a.mhd", "dicom")]
    for path in paths[:3]:
        SimpleITK.WriteImage(image, str(path))
    paths[3].mkdir()
    direction = image.GetDirection()
    orientation = [*direction[0::3], *direction[1::3]]
    series = {
        "0008|0016": "1.2.840.10008.5.1.4.1.1.2", "0008|0060": "CT", "0020|000e": "1.2.826.0.1.3680043.2.1125.1.7",
        "0020|0037": "\\".join(map(str, orientation)), "0028|1052": "-1024", "0028|1053": "1",
    }  # fmt: skip
    writer = SimpleITK.ImageFileWriter()
    writer.KeepOriginalImageUIDOn()
    for number in range(image.GetDepth()):
        piece = image[:, :, number]
        position = image.TransformIndexToPhysicalPoint((0, 0, number))
        for key, value in (series | {"0020|0032": "\\".join(map(str, position))}).items():
            piece.SetMetaData(key, value)
        writer.SetFileName(str(paths[3] / f"{100 - number}.dcm"))
        writer.Execute(piece)
    return paths
