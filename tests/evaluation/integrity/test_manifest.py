"""The manifest of a run folder: what it records, and what it refuses."""

import hashlib
import json
import os
import re
from contextlib import suppress

import pytest

from archnet.errors import DataError
from archnet.evaluation.integrity import digest
from archnet.evaluation.integrity.digest import file_sha256
from archnet.evaluation.integrity.manifest import (
    Edit,
    FileRecord,
    Manifest,
    read_manifest,
    record_run,
    rewrite_files,
    write_manifest,
)
from archnet.files.atomic import write_json, write_text
from archnet.files.documents.json_text import json_text
from synthetic_runs import write_run

REMEDY = "Restore it, or remove it: the run is then read without a check of its files."
SHA = "0" * 64


def test_a_manifest_has_the_size_and_the_sha256_of_each_file_of_a_run(tmp_path):
    folder = write_run(tmp_path / "a")
    (folder / "figures").mkdir()
    (folder / "figures/roc.svg").write_text("<svg/>")
    for name in ("log.txt", "notes.md", ".archnet.lock", "events.out.tfevents.1", "figures/.draft.svg"):
        (folder / name).write_text("not a result")
    record_run(folder)
    document = json.loads((folder / "manifest.json").read_text())
    assert document["format"] == 1
    assert set(document) == {"format", "files"}
    assert set(document["files"]) == {
        "experiment.json", "arch.json", "split.csv", "environment.json", "history.csv", "network.json", "predictions.csv",
        "gallery.npz", "metrics.json", "figures/roc.svg",
    }  # fmt: skip
    for name, entry in document["files"].items():
        content = (folder / name).read_bytes()
        assert entry == {"size": len(content), "sha256": hashlib.sha256(content).hexdigest()}


def test_a_manifest_reads_back_to_the_same(tmp_path):
    manifest = Manifest(
        files={"froc/curve.json": FileRecord(size=3, sha256=SHA, edits=(Edit(date="2026-11-26", sha256="f" * 64),))},
        removed={"gallery.npz": "2026-11-27"},
        recorded="2026-11-25",
        rewriting={"figures/": (), "metrics.json": (SHA,)},
    )
    write_manifest(tmp_path, manifest)
    assert read_manifest(tmp_path) == manifest


def test_a_run_without_a_manifest_has_none(tmp_path):
    assert read_manifest(tmp_path) is None


@pytest.mark.parametrize(
    ("document", "problem"),
    [
        ({"format": 2, "files": {}}, ":1 $.format: 2 is not one of 1."),
        ({}, ':1 $: the key "format" is missing.'),
        ([], ":1 $: expected an object, got []."),
        (
            {"format": 1, "files": {"metrics.json": {"size": True, "sha256": SHA}}},
            ":1 $.files.metrics.json.size: expected a whole number, got true.",
        ),
        (
            {"format": 1, "files": {"metrics.json": {"size": 1, "sha256": "short"}}},
            r':1 $.files.metrics.json.sha256: expected text that matches ^[0-9a-f]{64}$(?!\n), got "short".',
        ),
    ],
)
def test_a_damaged_manifest_is_refused(tmp_path, document, problem):
    path = tmp_path / "manifest.json"
    path.write_text(json.dumps(document))
    with pytest.raises(DataError, match=f"^{re.escape(f'{path}{problem} {REMEDY}')}$"):
        read_manifest(tmp_path)


def test_a_manifest_cut_in_the_middle_is_refused_with_the_line(tmp_path):
    folder = write_run(tmp_path / "a")
    path = folder / "manifest.json"
    path.write_text(path.read_text()[:100])
    with pytest.raises(DataError, match=f"^{re.escape(str(path))}:[0-9]+: not JSON .*{re.escape(REMEDY)}$"):
        read_manifest(folder)


@pytest.mark.parametrize("name", ["", "/metrics.json", "a//b", "./a", "a/..", "..", "C:a", "a\\b", "a\x00"])
def test_a_name_outside_the_folder_is_refused(tmp_path, name):
    path = tmp_path / "manifest.json"
    path.write_text(json.dumps({"format": 1, "files": {name: {"size": 1, "sha256": SHA}}}))
    message = f"{path}: {json_text(name)} is not a file inside the run folder. {REMEDY}"
    with pytest.raises(DataError, match=f"^{re.escape(message)}$"):
        read_manifest(tmp_path)


def test_files_that_are_written_again_are_named_until_their_records_are_renewed(tmp_path):
    folder = write_run(tmp_path / "a")
    before = read_manifest(folder)
    with rewrite_files(folder, ["metrics.json"]):
        assert read_manifest(folder).rewriting == {"metrics.json": ()}
        write_json(folder / "metrics.json", {})
        assert read_manifest(folder).rewriting == {"metrics.json": (file_sha256(folder / "metrics.json"),)}
    after = read_manifest(folder)
    assert after.rewriting == {}
    assert after.files["metrics.json"].size == 3
    assert {**after.files, "metrics.json": 0} == {**before.files, "metrics.json": 0}


def test_an_interrupted_writer_leaves_the_names_of_its_files(tmp_path):
    folder = write_run(tmp_path / "a")
    with pytest.raises(KeyboardInterrupt), rewrite_files(folder, ["metrics.json"]):
        raise KeyboardInterrupt
    assert read_manifest(folder).rewriting == {"metrics.json": ()}
    with rewrite_files(folder, ["report.html"]):
        pass
    assert read_manifest(folder).rewriting == {}


def test_a_file_edited_while_or_after_a_command_rewrites_others_keeps_its_record(tmp_path):
    folder = write_run(tmp_path / "a")
    before = read_manifest(folder)
    with suppress(KeyboardInterrupt), rewrite_files(folder, ["metrics.json"]):
        write_json(folder / "metrics.json", {})
        raise KeyboardInterrupt
    (folder / "metrics.json").write_text("edited")
    with rewrite_files(folder, ["gallery.npz", "report.html"]):
        (folder / "gallery.npz").write_text("edited")
        write_text(folder / "report.html", "drawn")
    after = read_manifest(folder)
    assert after.rewriting == {}
    assert {name: record for name, record in after.files.items() if name != "report.html"} == before.files


def test_without_a_manifest_nothing_is_recorded(tmp_path):
    with rewrite_files(tmp_path, ["metrics.json"]):
        (tmp_path / "metrics.json").write_text("{}")
    assert not (tmp_path / "manifest.json").exists()


def test_a_file_is_hashed_once_as_long_as_its_size_and_time_are_the_same(tmp_path, monkeypatch):
    path, reads = tmp_path / "model.keras", []
    read = digest._read_sha256
    monkeypatch.setattr(digest, "_read_sha256", lambda path: reads.append(path) or read(path))
    path.write_bytes(b"weights")
    os.utime(path, (1, 1))
    assert file_sha256(path) == file_sha256(path) == hashlib.sha256(b"weights").hexdigest()
    assert len(reads) == 1
    os.utime(path, (2, 2))
    file_sha256(path)
    assert len(reads) == 2


def test_a_file_written_a_moment_ago_is_hashed_each_time(tmp_path, monkeypatch):
    path = tmp_path / "model.keras"
    path.write_bytes(b"weights")
    age = 1_999_999_999
    monkeypatch.setattr(digest.time, "time_ns", lambda: path.stat().st_mtime_ns + age)
    first = file_sha256(path)
    status = path.stat()
    path.write_bytes(b"Weights")
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
    second = file_sha256(path)
    assert second != first
    age = 2_000_000_000  # the times of some file systems have steps of two seconds
    assert file_sha256(path) == second
    path.write_bytes(b"weights")
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
    assert file_sha256(path) == second
