"""Every kind of file that archnet reads: a sound example, the function that reads it, and how mutants of it are made."""

import gzip
import json
import shutil
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import nibabel
import numpy as np

import archnet
from archnet.data.attributes.attribute_table import read_attributes
from archnet.data.attributes.patients import read_patients
from archnet.data.candidates import read_candidates
from archnet.data.dataset import Cases
from archnet.data.store import open_crops, store_state
from archnet.data.store_list import list_stores
from archnet.evaluation.froc.lists import read_findings, read_marks, read_series
from archnet.export.card import model_card
from archnet.fetching.archive import unpack
from archnet.fetching.catalogue import fetch
from archnet.files.strict_json import read_document
from archnet.imaging import list_scan_files, read_frame, read_volume
from archnet.inference.trained_run import read_trained_runs
from archnet.network.training.checkpoint import read_saved_training
from archnet.report.html.cases.run_viewer import run_viewer
from archnet.report.html.network_drawing import network_drawing
from archnet.report.html.notebook_tables import comparison_html, run_html
from archnet.report.run_files import read_run
from archnet.runs.preparation.training_scans import read_training_scans
from archnet.spec.datasets import DATASETS
from archnet.spec.sweeps.document import parse_sweep
from archnet.spec.view import InputLimits
from archnet.sweep.results.leaderboard import read_leaderboard
from archnet.sweep.results.trials import Trial, TrialRun, read_sweep, read_trials, trial_folder, write_trial
from dicom_files import write_series
from mutants import mutate_bytes, mutate_csv, mutate_gzip, mutate_json, mutate_lines, mutate_zip
from server import Server, zip_bytes
from small_sweeps import WIDTH, sweep_document
from stored_scans import recipe
from synthetic_runs import keep_cases, synthetic_predictions, write_run
from trained_runs import WHOLE, chest, write_trained_run

Mutator = Callable[..., bytes]
UID = "1.2.3"
SPACING = "(1,0,0) (0,1,0) (0,0,2)"


@dataclass(frozen=True)
class Kind:
    """A kind of file.

    Attributes:
        write: Writes a sound example into a folder.
        read: Reads it; raises an `ArchnetError` for what is damaged.
        mutators: By the pattern of the files that they change.
    """

    write: Callable[[Path], Any]
    read: Callable[[Path], Any]
    mutators: dict[str, Mutator]


VOXELS = chest(shape=(6, 10, 12)).hu


def _write(name, content):
    def write(folder):
        (folder / name).write_bytes(content if isinstance(content, bytes) else content.encode())

    return write


def _mhd(data_file, *, is_packed=False):
    return (
        "ObjectType = Image\nNDims = 3\nBinaryData = True\nBinaryDataByteOrderMSB = False\n"
        f"CompressedData = {is_packed}\nTransformMatrix = 1 0 0 0 1 0 0 0 1\nOffset = 0 0 0\nElementSpacing = 1 1 2\n"
        f"DimSize = 12 10 6\nElementType = MET_SHORT\nElementDataFile = {data_file}\n"
    )


def _write_mhd(folder, *, is_packed=False):
    name = "scan.zraw" if is_packed else "scan.raw"
    (folder / name).write_bytes(zlib.compress(VOXELS.tobytes()) if is_packed else VOXELS.tobytes())
    (folder / "scan.mhd").write_text(_mhd(name, is_packed=is_packed))


def _nifti():
    return nibabel.Nifti1Image(VOXELS.transpose(2, 1, 0), np.diag([-1.0, 1, 2, 1])).to_bytes()


def _nrrd(encoding, **fields):
    lines = {
        "type": "short",
        "dimension": "3",
        "space": "left-posterior-superior",
        "sizes": "12 10 6",
        "space directions": SPACING,
        "endian": "little",
        "encoding": encoding,
        **fields,
    }
    return "\n".join(["NRRD0004", *(f"{key}: {value}" for key, value in lines.items()), "", ""]).encode()


def _write_detached_nrrd(folder):
    (folder / "scan.nrrd").write_bytes(_nrrd("raw", **{"data file": "scan.raw"}))
    (folder / "scan.raw").write_bytes(VOXELS.tobytes())


def _write_dicom(folder, syntax=None):
    (folder / "series").mkdir()
    write_series(folder / "series", 4, {})
    if syntax:
        _pack_series(folder / "series", syntax)


def _pack_series(folder, syntax):
    """Pack the slices of a series: deflated, or run-length encoded."""
    from pydicom import dcmread

    for path in folder.iterdir():
        slice_ = dcmread(path)
        if syntax == "1.2.840.10008.1.2.5":
            slice_.compress(syntax, generate_instance_uid=False)
        else:
            slice_.file_meta.TransferSyntaxUID = syntax
        slice_.save_as(path, enforce_file_format=True)


def _read_scan(name):
    def read(folder):
        path = folder / name
        read_frame(path)
        list_scan_files(path)
        return read_volume(path)

    return read


def _write_arrays(folder):
    x = np.random.default_rng(0).integers(0, 256, (12, 6, 6), dtype=np.uint8)
    group = np.arange(12).astype(str)
    np.savez_compressed(folder / "a.npz", x=x, y=np.arange(12) % 2, group=group, classes=["a", "b"])


def _read_arrays(folder):
    return archnet.load_data(f"npz:{folder / 'a.npz'}", allow=["identical_cases", "value_range", "constant_cases"])


def _csv(name, columns, *rows):
    return _write(name, "\n".join([",".join(columns), *(",".join(map(str, row)) for row in rows), ""]))


POINT = ("coordX", "coordY", "coordZ")
POINTS = [(UID, 1.5, -2.0, 3.25, label) for label in (0, 1, 0, 1)]


def _write_arch(folder):
    layers = [
        {"type": "C", "num_output": 4, "kernel_size": [3, 3], "activation": "relu", "drop_out": 10},
        {
            "type": "REP",
            "times": 2,
            "layers": [{"type": "RES", "layers": [{"type": "C", "num_output": 4, "kernel_size": 3}]}],
        },
        {"type": "P", "pool": "max", "kernel_size": [2, 2]},
        {"type": "FC", "num_output": 6},
        {"type": "T", "activation": "sigmoid"},
    ]
    (folder / "a.json").write_text(json.dumps({"name": "a", "input_shape": [12, 12], "layers": layers}))


def _read_arch(folder):
    arch = archnet.load_arch(folder / "a.json")
    return arch.plan((12, 12) if arch.rank == 2 else (12, 12, 6), 2)


def _write_experiment(folder):
    _write_arch(folder)
    training = {"epochs": 2, "learning_rate": 0.1, "schedule": {"type": "cosine"}, "augmentation": [{"type": "flip"}]}
    document = {
        "name": "e",
        "archs": [json.loads((folder / "a.json").read_text())],
        "data": {"name": "phantom", "crop_size": [12, 12, 6], "window_hu": [-1000, 400]},
        "split": {"by": "group", "test": 0.2, "validation": 0.1, "seed": 1},
        "training": training,
        "evaluation": {"threshold": 0.5, "bootstraps": 10},
    }
    (folder / "a.json").write_text(json.dumps(document))


def _write_sweep_document(folder):
    (folder / "a.json").write_text(json.dumps(sweep_document(folder)))


def _write_run(folder):
    """Two runs without a manifest, as 0.1.0 left them, so that every mutant reaches its reader."""
    predictions = synthetic_predictions(num_cases=60)
    for name in ("a", "b"):
        run = write_run(folder / name, predictions=predictions)
        (run / "manifest.json").unlink(missing_ok=True)
        scans = {"count": 2, "spacing_mm": [[1, 1, 1]] * 2, "size_mm": [[9, 9, 9]] * 2, "mean_hu": [-900.0, -500.0]}
        lost = [{"scan": "x.mhd", "reason": "cut", "num_cases": 2}]
        findings = [{"check": "near_duplicates", "severity": "error", "message": "m", "remedy": "r", "cases": ["a"]}]
        (run / "data.json").write_text(json.dumps({"notes": [], "lost": lost, "findings": findings, "scans": scans}))
        (run / "training_scans.json").write_text(json.dumps({"scans": [], "cases": {}}))


def _read_runs(folder):
    files = read_run(folder / "a")
    shown = run_html(files) + model_card(files, (64, 64, 1), InputLimits.of(-1000, 400), "model.keras")
    if files.network:
        network_drawing(files.network)
    return shown, comparison_html(archnet.compare(folder)), archnet.load_run(folder / "a").history


def _read_for_inference(folder):
    return read_trained_runs([folder / "a"]), read_training_scans(folder / "a")


def _write_manifest(folder):
    write_run(folder / "a", predictions=synthetic_predictions(num_cases=60))


def _read_whole_run(folder):
    return read_run(folder / "a")


def _write_kept_cases(folder):
    predictions = synthetic_predictions(num_cases=60)
    keep_cases(write_run(folder / "a", predictions=predictions), predictions)
    (folder / "a/manifest.json").unlink()


def _read_kept_cases(folder):
    return run_viewer(read_run(folder / "a"))


def _read_cases(folder):
    names = np.array([UID, "1.2.4"])
    table = Cases(ids=names, groups=names, labels=np.arange(2), classes=("a", "b"))
    return read_attributes(folder / "cases.csv", table)


def _write_trained(folder):
    run = write_trained_run(folder / "net", data={**WHOLE, "crop_size": [8, 8, 4]})
    (run / "manifest.json").unlink(missing_ok=True)


def _read_model(folder):
    return archnet.load_run(folder / "net").model


def _write_checkpoint(folder):
    tally = {"num_steps": 3, "loss": 1.5, "matrix": [[1, 2], [3, 4]], "seconds": 0.5}
    progress = {"history": [{"epoch": 1, "train_loss": 0.5}], "tally": tally, "best_value": 0.5, "num_best": 1}
    record = {"training": {"precision": "float32", "epochs": 3}, "micro_batch": 8, "weights": [[2, 2]]}
    told = np.array(json.dumps({"record": record, "progress": progress}))
    arrays = {"state/0": np.zeros((2, 2), np.float32), "state/1": np.array(3), "best/0": np.zeros((2, 2), np.float32)}
    np.savez(folder / "training.npz", told=told, **arrays)


def _write_store(folder):
    open_crops(recipe(folder / "scans", num_scans=2, num_crops=6))


def _read_store(folder):
    one = recipe(folder / "scans", num_scans=2, num_crops=6)
    return store_state(one), list_stores(), open_crops(one)


def _write_sweep_folder(folder):
    document = sweep_document(folder)
    (folder / "sweep.json").write_text(json.dumps(document))
    run = "net"
    write_trial(
        folder,
        Trial(number=0, values={WIDTH: 2}, runs={run: TrialRun(state="finished")}, arch="net", parameters=9, macs=9),
    )
    write_run(trial_folder(folder, 0) / run, predictions=synthetic_predictions(num_cases=60))
    (trial_folder(folder, 0) / run / "manifest.json").unlink(missing_ok=True)


def _read_sweep_folder(folder):
    sweep = read_sweep(folder)
    return None if sweep is None else (read_trials(folder), read_leaderboard(sweep, folder).to_document())


def _unpack(folder):
    shutil.rmtree(folder / "CT-0", ignore_errors=True)
    return unpack(folder / "CT-0.zip", folder / "CT-0")


@cache
def _server():
    server = Server()
    text = b"seriesuid\n"
    scans = zip_bytes({"subset0/a.mhd": text})
    for record in {part.record for part in DATASETS["luna16"].published}:
        parts = [part for part in DATASETS["luna16"].published if part.record == record]
        archives = {part.archive for part in parts}
        files = {name: scans if name.endswith(".zip") else text for name in archives}
        server.publish(record, {**files, "candidates_V2.zip": zip_bytes({"candidates_V2.csv": text})})
    return server


def _write_listing(folder):
    (folder / "listing.json").write_bytes(_server().files["/api/records/3723295"])


def _read_listing(folder):
    server = _server()
    server.files["/api/records/3723295"] = (folder / "listing.json").read_bytes()
    shutil.rmtree(folder / "root", ignore_errors=True)
    return fetch("luna16", folder / "root", [0], servers=server.servers(max_attempts=1, timeout_s=1.0))


KINDS = {
    "mha": Kind(
        _write("scan.mha", _mhd("LOCAL").encode() + VOXELS.tobytes()), _read_scan("scan.mha"), {"*": mutate_lines}
    ),
    "mhd": Kind(_write_mhd, _read_scan("scan.mhd"), {"*.mhd": mutate_lines, "*.raw": mutate_bytes}),
    "zraw": Kind(
        lambda folder: _write_mhd(folder, is_packed=True),
        _read_scan("scan.mhd"),
        {"*.mhd": mutate_lines, "*.zraw": mutate_gzip},
    ),
    "nii": Kind(_write("scan.nii", _nifti()), _read_scan("scan.nii"), {"*": mutate_bytes}),
    "nii.gz": Kind(_write("scan.nii.gz", gzip.compress(_nifti())), _read_scan("scan.nii.gz"), {"*": mutate_gzip}),
    "nrrd": Kind(_write("scan.nrrd", _nrrd("raw") + VOXELS.tobytes()), _read_scan("scan.nrrd"), {"*": mutate_lines}),
    "nrrd gzip": Kind(
        _write("scan.nrrd", _nrrd("gzip") + gzip.compress(VOXELS.tobytes())),
        _read_scan("scan.nrrd"),
        {"*": mutate_lines},
    ),
    "nrrd detached": Kind(
        _write_detached_nrrd, _read_scan("scan.nrrd"), {"*.nrrd": mutate_lines, "*.raw": mutate_bytes}
    ),
    "dicom": Kind(_write_dicom, _read_scan("series"), {"series/*": mutate_bytes}),
    "dicom deflated": Kind(
        lambda folder: _write_dicom(folder, "1.2.840.10008.1.2.1.99"), _read_scan("series"), {"series/*": mutate_bytes}
    ),
    "dicom run-length": Kind(
        lambda folder: _write_dicom(folder, "1.2.840.10008.1.2.5"), _read_scan("series"), {"series/*": mutate_bytes}
    ),
    "npz data": Kind(_write_arrays, _read_arrays, {"*": mutate_zip}),
    "candidates.csv": Kind(
        _csv("candidates.csv", ("seriesuid", *POINT, "class"), *POINTS),
        lambda folder: read_candidates(folder / "candidates.csv"),
        {"*": mutate_csv},
    ),
    "patients.csv": Kind(
        _csv("patients.csv", ("seriesuid", "patient"), (UID, "a"), ("1.2.4", "b")),
        lambda folder: read_patients(folder / "patients.csv", [UID, "1.2.4"]),
        {"*": mutate_csv},
    ),
    "cases.csv": Kind(
        _csv("cases.csv", ("case", "diameter_mm", "site"), (UID, "4.5", "A"), ("1.2.4", "8.25", "B")),
        _read_cases,
        {"*": mutate_csv},
    ),
    "annotations.csv": Kind(
        _csv("annotations.csv", ("seriesuid", *POINT, "diameter_mm"), *POINTS),
        lambda folder: read_findings(folder / "annotations.csv"),
        {"*": mutate_csv},
    ),
    "submission.csv": Kind(
        _csv("submission.csv", ("seriesuid", *POINT, "probability"), *POINTS),
        lambda folder: read_marks(folder / "submission.csv"),
        {"*": mutate_csv},
    ),
    "seriesuids.csv": Kind(
        _write("seriesuids.csv", f"{UID}\n1.2.4\n"),
        lambda folder: read_series(folder / "seriesuids.csv"),
        {"*": mutate_csv},
    ),
    "architecture": Kind(_write_arch, _read_arch, {"a.json": mutate_json}),
    "experiment": Kind(
        _write_experiment, lambda folder: archnet.load_experiments(folder / "a.json"), {"a.json": mutate_json}
    ),
    "sweep": Kind(
        _write_sweep_document, lambda folder: parse_sweep(read_document(folder / "a.json")), {"a.json": mutate_json}
    ),
    "run JSON": Kind(_write_run, _read_runs, {"a/*.json": mutate_json}),
    "run csv": Kind(_write_run, _read_runs, {"a/*.csv": mutate_csv}),
    "run for inference": Kind(_write_run, _read_for_inference, {"a/*.json": mutate_json}),
    "manifest.json": Kind(_write_manifest, _read_whole_run, {"a/manifest.json": mutate_json}),
    "gallery.npz": Kind(_write_run, _read_whole_run, {"a/gallery.npz": mutate_zip}),
    "kept cases": Kind(_write_kept_cases, _read_kept_cases, {"a/gallery.npz": mutate_zip}),
    "heat_maps.npz": Kind(_write_kept_cases, _read_kept_cases, {"a/heat_maps.npz": mutate_zip}),
    "model.keras": Kind(
        _write_trained, _read_model, {"net/model.keras": lambda *given: mutate_zip(*given, {"json": mutate_json})}
    ),
    "checkpoint": Kind(_write_checkpoint, read_saved_training, {"*": mutate_zip}),
    "store": Kind(_write_store, _read_store, {"store/*/*.json*": mutate_json, "store/*/*.np?": mutate_bytes}),
    "sweep folder": Kind(
        _write_sweep_folder, _read_sweep_folder, {"sweep.json": mutate_json, "trials/0*/trial.json": mutate_json}
    ),
    "archive": Kind(
        _write("CT-0.zip", zip_bytes({"CT-0/a.nii": b"1" * 100, "CT-0/b.nii": b"2"})), _unpack, {"*": mutate_zip}
    ),
    "listing": Kind(_write_listing, _read_listing, {"listing.json": mutate_json}),
}
