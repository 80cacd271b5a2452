"""The files of a finished run are held to its manifest."""

import re
import shutil
from contextlib import suppress
from dataclasses import replace

import pytest

from archnet.errors import DataError
from archnet.evaluation.integrity import verification
from archnet.evaluation.integrity.acceptance import accept_edits
from archnet.evaluation.integrity.manifest import Edit, read_manifest, rewrite_files, write_manifest
from archnet.evaluation.integrity.verification import LISTED_FILES, verify_results, verify_run
from archnet.files.atomic import write_json
from archnet.report.run_files import read_run
from synthetic_runs import write_run


@pytest.fixture
def run(tmp_path):
    return write_run(tmp_path / "a")


def cut(path, size):
    path.write_bytes(path.read_bytes()[:size])


def changed(run, name, sizes, remedy):
    return (
        f"{run / name}: changed since the run finished ({sizes}). {remedy} To accept your own change: "
        f"archnet report --accept-edits {run}"
    )


UNREPEATABLE = "It cannot be regenerated without training: restore it from a copy, or run the experiment again."


def interrupt_report(run):
    with suppress(KeyboardInterrupt), rewrite_files(run, ["metrics.json"]):
        write_json(run / "metrics.json", {"rewritten": 1})
        raise KeyboardInterrupt


def accept(run, day):
    return accept_edits(run, day, check=lambda folder: None)


def assert_refused(run, names, message):
    with pytest.raises(DataError, match=f"^{re.escape(message)}$"):
        verify_run(run, names)


def test_the_files_of_an_untouched_run_are_accepted(run):
    assert verify_run(run, ["metrics.json", "predictions.csv", "froc/"]) == read_manifest(run)


@pytest.mark.parametrize(
    "size", [lambda text: text.rindex(b"\n", 0, 3000) + 1, lambda text: 3000, lambda text: len(text) - 4]
)
def test_predictions_cut_at_a_line_in_a_line_or_in_the_last_number_are_changed(run, size):
    path = run / "predictions.csv"
    whole = path.read_bytes()
    cut(path, size(whole))
    sizes = f"was {len(whole):,} bytes, is {size(whole):,}"
    remedy = f"To regenerate it from model.keras and the data: archnet report --repair {run}."
    assert_refused(run, ["predictions.csv"], changed(run, "predictions.csv", sizes, remedy))


def test_one_flipped_bit_is_noticed(run):
    path = run / "gallery.npz"
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    sizes = f"still {len(content):,} bytes, but with a different SHA-256"
    remedy = f"To regenerate it from model.keras and the data: archnet report --repair {run}."
    assert_refused(run, ["gallery.npz"], changed(run, "gallery.npz", sizes, remedy))


def test_line_ends_that_git_has_changed_are_named(run):
    path = run / "predictions.csv"
    path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))
    message = (
        f"{path}: only its line ends changed since the run finished, as git changes them with core.autocrlf. Check the "
        "run out again with core.autocrlf=false, or with the line `* -text` in .gitattributes."
    )
    assert_refused(run, ["predictions.csv"], message)


def test_a_file_of_another_run_is_noticed(run, tmp_path):
    other = write_run(tmp_path / "b", seed=1)
    sizes = f"still {(run / 'environment.json').stat().st_size:,} bytes, but with a different SHA-256"
    shutil.copy(other / "environment.json", run / "environment.json")
    assert_refused(run, ["environment.json"], changed(run, "environment.json", sizes, UNREPEATABLE))


def test_a_missing_file_is_named_as_missing(run):
    for name in ("history.csv", "metrics.json"):
        (run / name).unlink()
    missing = "is missing, but is part of the finished run."
    lines = [
        f"{run / 'history.csv'}: {missing} {UNREPEATABLE}",
        f"{run / 'metrics.json'}: {missing} To regenerate it from predictions.csv: archnet report --repair {run}.",
    ]
    assert_refused(run, ["history.csv", "metrics.json"], "\n".join(lines))


def test_a_file_that_may_not_be_read_is_named(run, monkeypatch):
    def refuse(path):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(verification, "file_sha256", refuse)
    path = run / "metrics.json"
    assert_refused(run, ["metrics.json"], f"{path}: cannot be read: Permission denied. Check its permissions.")


def test_files_that_are_not_read_are_not_held(run):
    cut(run / "history.csv", 10)
    assert verify_run(run, ["metrics.json"]) is not None
    with pytest.raises(DataError):
        verify_results(run)


def test_foreign_files_and_pages_do_not_concern_the_results(run):
    (run / "notes.txt").write_text("mine")
    (run / "froc").mkdir()
    (run / "froc/mine.csv").write_text("mine")
    (run / "report.html").write_text("changed")
    verify_results(run)


def test_a_run_without_a_manifest_is_read_unchanged(run):
    (run / "manifest.json").unlink()
    cut(run / "predictions.csv", 10)
    assert verify_run(run, ["predictions.csv"]) is None


def test_a_file_that_an_interrupted_command_was_writing_is_not_an_edit(run):
    interrupt_report(run)
    message = (
        f"{run / 'metrics.json'}: `archnet report` is rewriting this file, or was interrupted. Wait for it to end, or "
        f"run it again: archnet report {run}"
    )
    assert_refused(run, ["metrics.json"], message)
    assert verify_run(run, ["metrics.json"], while_rewritten=True) is not None
    with pytest.raises(DataError, match=f"^{re.escape(message)}$"):
        read_run(run)
    with pytest.raises(DataError, match='has no "classes"'):  # the new file is read, here a stub
        read_run(run, while_rewritten=True)


def test_a_file_edited_after_an_interrupted_command_is_an_edit(run):
    size = (run / "metrics.json").stat().st_size
    interrupt_report(run)
    (run / "metrics.json").write_text("edited")
    remedy = f"To regenerate it from predictions.csv: archnet report --repair {run}."
    message = changed(run, "metrics.json", f"was {size:,} bytes, is 6", remedy)
    with pytest.raises(DataError, match=f"^{re.escape(message)}$"):
        verify_run(run, ["metrics.json"], while_rewritten=True)


def test_an_accepted_edit_is_recorded_with_the_day_and_the_hash_before(run):
    before = read_manifest(run).files["predictions.csv"]
    cut(run / "predictions.csv", 3000)
    assert accept(run, "2026-11-26") == ["predictions.csv"]
    after = read_manifest(run).files["predictions.csv"]
    assert (after.size, after.edits) == (3000, (Edit(date="2026-11-26", sha256=before.sha256),))
    verify_results(run)
    cut(run / "predictions.csv", 2000)
    accept(run, "2026-11-27")
    assert [edit.date for edit in read_manifest(run).files["predictions.csv"].edits] == ["2026-11-26", "2026-11-27"]


def test_the_absence_of_a_file_is_accepted_only_where_the_run_can_do_without_it(run):
    (run / "gallery.npz").unlink()
    assert accept(run, "2026-11-26") == ["gallery.npz"]
    assert read_manifest(run).removed == {"gallery.npz": "2026-11-26"}
    (run / "metrics.json").unlink()
    before = (run / "manifest.json").read_bytes()
    with pytest.raises(DataError, match=r"metrics\.json: is missing"):
        accept(run, "2026-11-26")
    assert (run / "manifest.json").read_bytes() == before


def test_a_restored_original_has_no_edits(run):
    before, content = read_manifest(run), (run / "predictions.csv").read_bytes()
    for day in ("2026-11-26", "2026-11-27"):
        cut(run / "predictions.csv", 3000 + int(day[-1]))
        accept(run, day)
    (run / "predictions.csv").write_bytes(content)
    assert accept(run, "2026-11-28") == ["predictions.csv"]
    assert read_manifest(run) == before


@pytest.mark.parametrize("name", ["experiment.json", "split.csv", "predictions.csv", "metrics.json", "history.csv"])
def test_a_manifest_that_does_not_list_a_file_of_the_run_is_refused(run, name):
    manifest = read_manifest(run)
    files = {key: record for key, record in manifest.files.items() if key != name}
    write_manifest(run, replace(manifest, files=files))
    remedy = "Restore it, or remove it: the run is then read without a check of its files."
    message = f"{run / 'manifest.json'}: does not list {name}. {remedy}"
    assert_refused(run, [name], message)
    with pytest.raises(DataError, match=f"^{re.escape(message)}$"):
        accept(run, "2026-11-26")
    (run / name).unlink()
    if name in LISTED_FILES:
        write_manifest(run, replace(manifest, files=files, removed={name: "2026-11-26"}, rewriting={name: ()}))
        assert_refused(run, [name], message)


def test_accepting_an_untouched_run_changes_nothing(run):
    before = (run / "manifest.json").read_bytes()
    assert accept(run, "2026-11-26") == []
    assert (run / "manifest.json").read_bytes() == before


def test_a_run_without_a_manifest_is_recorded_from_the_day_on(run):
    (run / "manifest.json").unlink()
    assert accept(run, "2026-11-26") == []
    assert read_manifest(run).recorded == "2026-11-26"
    cut(run / "predictions.csv", 3000)
    with pytest.raises(DataError, match="changed since the run finished"):
        verify_results(run)
