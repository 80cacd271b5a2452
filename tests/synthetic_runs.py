"""Synthetic run folders: small and plausible, for the tests of evaluation and report."""

import json
import re

import numpy as np

from archnet.evaluation.integrity.manifest import record_run
from archnet.evaluation.metrics import evaluate
from archnet.evaluation.predictions import Predictions, write_predictions
from archnet.files.csv_rows import csv_text
from archnet.report.gallery_file import Gallery, HeatMaps, Placements, write_gallery_file, write_heat_maps

ARCH = {
    "name": "archsm",
    "layers": [
        {"type": "C", "num_output": 16, "kernel_size": [3, 3], "activation": "relu", "drop_out": 8.3},
        {"type": "P", "pool": "max", "kernel_size": [2, 2], "stride": [2, 2]},
        {"type": "FC", "num_output": 10, "activation": "relu"},
        {"type": "T", "activation": None},
    ],
}


def synthetic_predictions(classes=("non-nodule", "nodule"), num_cases=600, skill=1.6, seed=0):
    """Cases in 40 groups, groups whole in one set, with probabilities that know the truth by `skill`."""
    rng = np.random.default_rng(seed)
    groups = rng.integers(40, size=num_cases)
    shares = [0.8, 0.2] if len(classes) == 2 else [1 / len(classes)] * len(classes)
    y_true = rng.choice(len(classes), size=num_cases, p=shares)
    scores = np.random.default_rng(seed + 1000).normal(size=(num_cases, len(classes)))
    scores[np.arange(num_cases), y_true] += skill
    probabilities = np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)
    sets = np.array(["train"] * 28 + ["validation"] * 4 + ["test"] * 8)[groups]
    return Predictions(
        cases=np.array([f"1.3.6.1.4.1.14519.5.2.1.6279.6001.{100 + g}#{row}" for row, g in enumerate(groups)]),
        groups=np.array([f"1.3.6.1.4.1.14519.5.2.1.6279.6001.{100 + g}" for g in groups]),
        sets=sets,
        y_true=y_true.astype(np.int64),
        probabilities=probabilities,
        classes=tuple(classes),
    )


def write_run(
    folder, *, classes=("non-nodule", "nodule"), depth=None, skill=1.6, seed=0, fold=None, macs=41_200_000,
    recall=None, predictions=None, rank=2, baseline=False, started=None, name="luna16-2d",
):  # fmt: skip
    """Write a finished run folder, of an architecture of the same name; `depth` makes its gallery three-dimensional."""
    folder.mkdir(parents=True)
    arch = ARCH | {"name": re.sub(r"-(fold|seed)\d+", "", folder.name)}
    if baseline:
        arch = {"name": arch["name"], "baseline": {"grid": [16, 16, 8]}}
    predictions = predictions or synthetic_predictions(classes, skill=skill)
    write_predictions(folder / "predictions.csv", predictions)
    sets = evaluate(predictions, positive=1, recall=recall, bootstraps=200)
    costs = {"parameters": 99_948, "macs": macs, "peak_memory_bytes": 412_000_000, "train_seconds": 83.4}
    metrics = {"positive": classes[1], "classes": list(classes), **sets, **costs, "samples_per_second": 1812.0}
    _write_json(folder / "metrics.json", metrics)
    _write_json(folder / "arch.json", arch)
    _write_json(folder / "experiment.json", _experiment(arch, seed, fold) | {"name": name})
    _write_json(folder / "environment.json", _environment(seed) | ({"started": started} if started else {}))
    if not baseline:
        _write_json(folder / "network.json", _network(rank))
    _write_history(folder / "history.csv")
    _write_gallery(folder / "gallery.npz", predictions, depth)
    _write_split(folder / "split.csv", predictions)
    record_run(folder)
    return folder


def edit(folder, name, text):
    """Replace a file of a run, and record it as one that the run left."""
    (folder / name).write_text(text, encoding="utf-8")
    record_run(folder)


def _write_split(path, predictions):
    names = np.array(predictions.classes)[predictions.y_true]
    rows = zip(predictions.cases, predictions.groups, names, predictions.sets, strict=True)
    path.write_text(csv_text(["case", "group", "label", "set"], rows), encoding="utf-8")


def _write_json(path, value):
    path.write_text(json.dumps(value, indent=2), encoding="utf-8")


def _experiment(arch, seed, fold):
    return {
        "name": "luna16-2d",
        "arch": arch,
        "data": {"name": "luna16", "root": "data/luna16", "negatives_per_positive": 5, "window_hu": [-1000, 400]},
        "split": {"by": "group", "test": 0.2, "validation": 0.1, "seed": 42, "fold": fold},
        "training": {"optimizer": "adam", "learning_rate": 0.001, "epochs": 30, "batch_size": 300, "seed": seed},
        "evaluation": {"threshold": 0.5, "bootstraps": 200},
    }


def _environment(seed):
    return {
        "command": "archnet run archs/archsm.json --data luna16",
        "archnet": "0.1.0",
        "python": "3.11.9",
        "versions": {"keras": "3.15.1", "tensorflow": "2.21.0", "numpy": "2.4.6"},
        "device": "CPU, 2 cores",
        "seed": seed,
    }


def _network(rank):
    depth = [10] * (rank - 2)

    def layer(place, kind, summary, shape, parameters, macs):
        size = 4 * int(np.prod(shape))
        return {"place": f"$.layers[{place}]", "type": kind, "summary": summary, "output_shape": shape,
                "parameters": parameters, "macs": macs, "activation_bytes": size}  # fmt: skip

    layers = [
        layer(0, "C", "16 3x3 relu drop 8.3%", [64, 64, *depth, 16], 160, 589_824),
        layer(1, "P", "max 2x2", [32, 32, *depth, 16], 0, 0),
        layer(2, "FC", "10 relu", [10], 163_850, 163_840),
        layer(3, "T", "2 classes linear", [2], 22, 20),
    ]
    totals = {key: sum(row[key] for row in layers) for key in ("parameters", "macs", "activation_bytes")}
    batch = {"batch_size": 300, "micro_batch": 300, "parts": 1, "training_bytes": 900_000_000, "memory_bytes": None}
    return {"input_shape": [64, 64, *depth, 1], **totals, **batch, "layers": layers}


def _write_history(path):
    epochs = np.arange(1, 31)
    rng = np.random.default_rng(1)
    falling = 0.15 + 0.5 * np.exp(-epochs / 7)
    columns = {
        "epoch": epochs,
        "seconds": 2.7 + 0.1 * rng.random(30),
        "learning_rate": np.full(30, 1e-3),
        "train_loss": falling + 0.01 * rng.normal(size=30),
        "train_accuracy": 1 - falling / 2,
        "train_recall": 0.9 - falling,
        "validation_loss": falling + 0.04 + 0.002 * epochs + 0.02 * rng.normal(size=30),
        "validation_accuracy": 0.97 - falling / 2,
        "validation_recall": 0.85 - falling + 0.02 * rng.normal(size=30),
        "validation_auc": 0.97 - falling / 3,
    }
    lines = [
        ",".join(columns),
        *(",".join(map(repr, row)) for row in zip(*(c.tolist() for c in columns.values()), strict=True)),
    ]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def _write_gallery(path, predictions, depth):
    taken_for = predictions.predicted_classes(positive=1)
    confidence = predictions.probabilities.max(axis=1)
    wrong = np.flatnonzero((taken_for != predictions.y_true) & (predictions.sets == "test"))
    wrong = wrong[np.argsort(-confidence[wrong])][:16]
    training = np.flatnonzero(predictions.sets == "train")[:16]
    rows = np.concatenate([training, wrong])
    if not len(rows):
        return
    images = np.stack([synthetic_crop(int(predictions.y_true[row]), int(row), depth) for row in rows])
    kinds = np.array(["sample"] * len(training) + ["wrong"] * len(wrong))
    np.savez_compressed(path, images=images, case=predictions.cases[rows], kind=kinds)


def keep_cases(folder, predictions, *, shape=(24, 20, 8), num_errors=30, is_hu=True, has_places=True):
    """Give a run a gallery in Hounsfield units with places in scans and heat maps, and record it.

    Voxel (y, x, z) of a case is `kept_values(number, shape)`; heat maps have a feature for 4 x 4 x 2 voxels.
    """
    predicted = predictions.predicted_classes(positive=1)
    is_test = predictions.sets == "test"
    wrong = np.flatnonzero(is_test & (predicted != predictions.y_true))[:num_errors]
    right = np.flatnonzero(is_test & (predicted == predictions.y_true))[:6]
    rows, count = np.concatenate([wrong, right]), len(wrong) + len(right)
    values = np.stack([kept_values(number, shape) for number in range(count)])
    centres = np.array([[10.0 + number, -20.0, 30.5] for number in range(count)])
    steps, slices = np.tile(np.diag([0.5, 0.5, 1.25]), (count, 1, 1)), np.tile([60.0, 1.0, 133.0], (count, 1))
    gallery = Gallery(
        values=values,
        cases=predictions.cases[rows],
        kinds=np.array(["wrong"] * len(wrong) + ["right"] * len(right)),
        scales=np.array([[1.0, 0.0]]),
        window=(-1000, 400),
        is_hu=is_hu,
        placements=Placements(centre_mm=centres, steps_mm=steps, slices=slices) if has_places else None,
    )
    write_gallery_file(folder / "gallery.npz", gallery)
    heat = np.random.default_rng(0).integers(0, 256, (count, shape[0] // 4, shape[1] // 4, shape[2] // 2), np.uint8)
    heat[1] = 0
    grid = np.array([[1.5, 4.0], [1.5, 4.0], [0.5, 2.0]])
    labels = np.ones(count, np.int64)
    write_heat_maps(folder / "heat_maps.npz", HeatMaps(cases=gallery.cases, labels=labels, heat=heat, grid=grid))
    record_run(folder)
    return gallery


def kept_values(number, shape):
    """The HU of a kept case: a ramp along every axis, a bright ball, and noise."""
    y, x, z = np.meshgrid(*map(np.arange, shape), indexing="ij")
    distance = np.sqrt(sum((axis - n // 2) ** 2 for axis, n in zip((y, x, 2 * z - shape[2] // 2), shape, strict=True)))
    noise = np.random.default_rng(number).normal(0, 30, shape)
    return (-900 + 12 * y + 7 * x + 9 * z + 800 * (distance < 4) + noise).astype(np.int16)


def synthetic_crop(label, seed, depth=None, size=48):
    """A lung-like crop: noise, a vessel that runs through, and for label 1 a ball in the middle."""
    rng = np.random.default_rng(seed)
    y, x, z = np.meshgrid(*(np.arange(n) for n in (size, size, depth or 1)), indexing="ij")
    image = 28 + 9 * rng.normal(size=x.shape)
    lean = rng.uniform(-2, 2)
    image += 120 * (np.hypot(x - size * 0.3 - lean * (z - (depth or 1) // 2), y - size * 0.6) < 3)
    image += 140 * (label > 0) * (np.hypot(np.hypot(x - size / 2, y - size / 2), 2 * (z - (depth or 1) // 2)) < 6)
    image = np.clip(image, 0, 255).astype(np.uint8)
    return image if depth else image[:, :, 0]


def predictions_of(y_true, probabilities, groups=None, set_name="test"):
    probabilities = np.asarray(probabilities, dtype=np.float64)
    names = np.array([f"case{row}" for row in range(len(y_true))])
    return Predictions(
        cases=names,
        groups=names if groups is None else np.asarray(groups),
        sets=np.array([set_name] * len(y_true)),
        y_true=np.asarray(y_true, dtype=np.int64),
        probabilities=probabilities,
        classes=tuple(f"k{k}" for k in range(probabilities.shape[1])),
    )


def published(true_negatives=1248, false_positives=90, false_negatives=63, true_positives=218):
    counts = [true_negatives, false_positives, false_negatives, true_positives]
    p = np.repeat([0.1, 0.9, 0.1, 0.9], counts)
    names = np.array([f"c{row}" for row in range(len(p))])
    return Predictions(
        cases=names,
        groups=names,
        sets=np.array(["test"] * len(p)),
        y_true=np.repeat([0, 0, 1, 1], counts),
        probabilities=np.column_stack([1 - p, p]),
        classes=("non-nodule", "nodule"),
    )
