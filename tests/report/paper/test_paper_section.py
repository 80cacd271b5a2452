"""Flow diagram, acquisition table and methods paragraph of a run."""

import json
from dataclasses import replace

import numpy as np
import pytest

from archnet.report.paper.acquisition_rows import acquisition_rows
from archnet.report.paper.flow_diagram import Flow, flow_drawing, run_flow
from archnet.report.paper.methods_text import methods_text
from archnet.report.run_files import read_run
from drawings import outline
from pages import page_of
from synthetic_runs import edit, synthetic_predictions, write_run

FLOW = {
    "num_scans": {"train": 28, "validation": 4, "test": 8},
    "flow": {
        "train": {"found": 5000, "not_drawn": 4500, "lost": 3},
        "validation": {"found": 100, "not_drawn": 20, "lost": 0},
        "test": {"found": 200, "not_drawn": 0, "lost": 1},
    },
    "lost": [
        {"scan": "s.mhd", "reason": "no header", "num_cases": 3},
        {"scan": "t.mhd", "reason": "x", "num_cases": 1},
    ],
}


def counts(run, name):
    part = run.predictions.select(name)
    positives = int(part.y_true.sum())
    return len(part.cases), len(part.cases) - positives, positives, len(set(part.groups.tolist()))


def test_the_flow_counts_what_was_found_left_out_and_used(tmp_path):
    folder = write_run(tmp_path / "a")
    edit(folder, "data.json", json.dumps(FLOW))
    run = read_run(folder)
    flow = run_flow(run)
    assert flow.found == ("Found: 5,300 cases",)
    assert flow.excluded == ("Excluded", "4 in 2 unreadable scans", "4,520 negatives not drawn")
    cases, negatives, positives, groups = counts(run, "test")
    assert flow.sets[2] == (
        f"Test: {cases} cases", f"{groups} patients or scans (groups)", "8 scans", f"{negatives} non-nodule",
        f"{positives} nodule",
    )  # fmt: skip
    drawing = flow_drawing(flow)
    assert "Found: 5,300 cases. Excluded; 4 in 2 unreadable scans; 4,520 negatives not drawn." in drawing.alt
    assert drawing.narrow.width < 390


def test_the_boxes_of_the_flow_are_side_by_side_or_below_one_another():
    sets = (("Training: 4 cases", "2 groups"), ("Test: 3 cases",))
    drawing = flow_drawing(Flow(found=("Found: 9 cases",), excluded=("Excluded", "2 in 1 unreadable scan"), sets=sets))
    assert outline(drawing) == [
        "drawing 760 x 174",
        "path M170 52V87M170 87H195V104M170 87H565V104M320 30H420 fill=none stroke=var(--faint) stroke-width=1.5",
        "rect 20 10 width=300 height=42 rx=4 fill=var(--paper) stroke=var(--faint)",
        "text 32 35.5 font-size=13 fill=var(--ink) font-weight=600 'Found: 9 cases'",
        "rect 420 10 width=320 height=60 rx=4 fill=var(--paper) stroke=var(--faint)",
        "text 432 35.5 font-size=13 fill=var(--ink) font-weight=600 'Excluded'",
        "text 432 53.5 font-size=13 fill=var(--ink) '2 in 1 unreadable scan'",
        "rect 20 104 width=350 height=60 rx=4 fill=var(--paper) stroke=var(--faint)",
        "text 32 129.5 font-size=13 fill=var(--ink) font-weight=600 'Training: 4 cases'",
        "text 32 147.5 font-size=13 fill=var(--ink) '2 groups'",
        "rect 390 104 width=350 height=42 rx=4 fill=var(--paper) stroke=var(--faint)",
        "text 402 129.5 font-size=13 fill=var(--ink) font-weight=600 'Test: 3 cases'",
    ]
    assert outline(drawing.narrow) == [
        "drawing 362 x 275",
        "rect 8 10 width=346 height=42 rx=4 fill=var(--paper) stroke=var(--faint)",
        "text 20 35.5 font-size=13 fill=var(--ink) font-weight=600 'Found: 9 cases'",
        "rect 8 69 width=346 height=60 rx=4 fill=var(--paper) stroke=var(--faint)",
        "text 20 94.5 font-size=13 fill=var(--ink) font-weight=600 'Excluded'",
        "text 20 112.5 font-size=13 fill=var(--ink) '2 in 1 unreadable scan'",
        "rect 8 146 width=346 height=60 rx=4 fill=var(--paper) stroke=var(--faint)",
        "text 20 171.5 font-size=13 fill=var(--ink) font-weight=600 'Training: 4 cases'",
        "text 20 189.5 font-size=13 fill=var(--ink) '2 groups'",
        "rect 8 223 width=346 height=42 rx=4 fill=var(--paper) stroke=var(--faint)",
        "text 20 248.5 font-size=13 fill=var(--ink) font-weight=600 'Test: 3 cases'",
    ]
    without = flow_drawing(Flow(found=("Found: 9 cases",), excluded=(), sets=sets))
    assert "path M170 52V69M170 69H195V86M170 69H565V86 fill=none" in outline(without)[1]
    assert without.alt == "Flow of cases. Found: 9 cases. Training: 4 cases; 2 groups. Test: 3 cases."


def test_training_cases_with_a_soft_label_only_are_counted_apart(tmp_path):
    predictions = synthetic_predictions()
    is_undecided = (predictions.sets == "train") & (np.cumsum(predictions.sets == "train") <= 4)
    soft = np.where(is_undecided[:, None], 0.5, np.eye(2)[predictions.y_true])
    run = read_run(write_run(tmp_path / "a", predictions=replace(predictions, soft=soft)))
    cases, negatives, positives, _ = counts(run, "train")
    lines, kept = run_flow(run).sets[0], np.bincount(predictions.y_true[is_undecided], minlength=2)
    assert lines[0] == f"Training: {cases} cases"
    assert lines[-3:] == (
        f"{negatives - kept[0]} non-nodule", f"{positives - kept[1]} nodule", "4 with a soft label only",
    )  # fmt: skip


def test_one_negative_that_is_not_drawn_is_in_the_singular(tmp_path):
    folder = write_run(tmp_path / "a")
    edit(folder, "data.json", json.dumps({"flow": {"train": {"found": 5, "not_drawn": 1, "lost": 0}}}))
    assert run_flow(read_run(folder)).excluded == ("Excluded", "1 negative not drawn")


def test_an_old_run_shows_only_what_it_knows(tmp_path):
    run = read_run(write_run(tmp_path / "a"))
    flow = run_flow(run)
    assert (flow.found, flow.excluded) == (("In use: 600 cases",), ())
    assert flow.sets[0][0] == f"Training: {counts(run, 'train')[0]} cases"


def test_acquisition_has_medians_and_counts_of_scans(tmp_path):
    predictions = synthetic_predictions()
    folder = write_run(tmp_path / "a", predictions=predictions)
    scans = sorted(set(predictions.groups.tolist()))
    spacing = {scan: str(0.5 + 0.25 * (place % 3)) for place, scan in enumerate(scans)}
    scanner = {scan: ("A & B", "C")[place % 2] for place, scan in enumerate(scans)}
    lines = [f"{c},{spacing[g]},{scanner[g]}" for c, g in zip(predictions.cases, predictions.groups, strict=True)]
    edit(folder, "cases.csv", "\n".join(["case,slice_spacing_mm,scanner", *lines]) + "\n")
    rows = {row.label: row.texts for row in acquisition_rows(read_run(folder))}
    test_scans = {g for g, name in zip(predictions.groups, predictions.sets, strict=True) if name == "test"}
    number = sum(scanner[scan] == "A & B" for scan in test_scans)
    assert rows["slice spacing (mm)"]["test"] == "0.75 (0.5 to 1)"
    assert f"A & B {number}" in rows["scanner"]["test"]
    assert rows["cases"]["test"] == str((predictions.sets == "test").sum())


def test_runs_without_attributes_show_the_ranges_of_all_scans(tmp_path):
    folder = write_run(tmp_path / "a")
    scans = {
        "count": 3,
        "spacing_mm": [[0.5, 0.5, 1], [0.5, 0.75, 2.5]],
        "size_mm": [[1, 1, 1], [1, 1, 1]],
        "mean_hu": [0, 1],
    }
    edit(folder, "data.json", json.dumps({"scans": scans}))
    rows = {row.label: row.texts for row in acquisition_rows(read_run(folder))}
    assert rows["voxel spacing x, y, z (mm), scans of all sets"] == {"test": "0.5, 0.5 to 0.75, 1 to 2.5"}


def test_the_methods_are_on_the_page_and_in_a_file(tmp_path):
    folder = write_run(tmp_path / "archsm")
    page = page_of(folder)
    text = methods_text(read_run(folder))
    assert (folder / "methods.txt").read_text(encoding="utf-8") == text + "\n"
    assert [attrs["data-text"] for _, attrs in page.tags if "data-text" in attrs] == [text]
    assert all(" ".join(part.split()) in page.text for part in text.split("\n\n"))
    assert "Obuchowski 1997, doi:10.2307/2533958" in text
    assert (folder / "figures/flow.svg").exists()


@pytest.mark.parametrize("classes", [("a", "b", "c")])
def test_three_classes_and_a_baseline_have_methods(tmp_path, classes):
    text = methods_text(read_run(write_run(tmp_path / "forest", classes=classes, baseline=True)))
    assert "Each case is assigned to its most probable class; there is no threshold." in text
