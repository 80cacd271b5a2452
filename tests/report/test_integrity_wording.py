"""Sentences about files that changed after a run."""

from pathlib import Path

from archnet.evaluation.integrity.manifest import Edit, FileRecord, Manifest
from archnet.report.integrity_wording import comparison_integrity_texts, run_integrity_texts


def record(*dates):
    edits = tuple(Edit(date=date, sha256="1f") for date in dates)
    return FileRecord(size=1, sha256="1f", edits=edits)


CHANGED = Manifest(
    files={"a.csv": record(), "b.csv": record("2026-01-02"), "c.csv": record("2026-01-02", "2026-01-03", "2026-01-02")},
    removed={"d.csv": "2026-01-04"},
    recorded="2026-01-01",
)
TEXTS = [
    "The files were recorded on 2026-01-01, after the run: earlier changes cannot be detected.",
    "b.csv was edited after the run and accepted on 2026-01-02.",
    "c.csv was edited after the run and accepted on 2026-01-02 and 2026-01-03.",
    "d.csv was removed after the run; the removal was accepted on 2026-01-04.",
]


def test_each_change_of_a_run_has_a_sentence():
    assert run_integrity_texts(CHANGED) == TEXTS
    assert run_integrity_texts(Manifest(files={"a.csv": record()})) == []
    assert run_integrity_texts(None) == [
        "Integrity not recorded: the run has no manifest.json, so later changes to its files cannot be detected."
    ]


def test_runs_without_a_record_are_named_together_before_the_changes_of_the_others():
    manifests = {Path("out/a"): None, Path("out/b"): CHANGED, Path("out/c"): None}
    first = "Integrity not recorded: no manifest.json in a, c, so later changes to their files cannot be detected."
    assert comparison_integrity_texts(manifests) == [first, *(f"b: {text}" for text in TEXTS)]
    assert comparison_integrity_texts({Path("out/b"): CHANGED}) == [f"b: {text}" for text in TEXTS]
    assert comparison_integrity_texts({Path("a"): Manifest(files={})}) == []
