"""LUNA16's nodules as benign or malignant: cases, labels, patients, crops, findings, and ratings of candidates."""

import numpy as np
import pytest

from archnet.data import keep_rows, make_split, open_dataset
from archnet.data.dataset import Cases
from archnet.data.split import case_folds
from archnet.errors import DataError
from archnet.files.progress import no_progress
from archnet.files.strict_json import Document
from archnet.runs.preview import summarize_data
from archnet.spec.experiment import Data, Split
from archnet.spec.resolve import parse_experiments
from archnet.spec.section_options import complete_data, parse_data
from lidc_file import change_file
from marked_scans import NODULES, ORIGIN_MM, write_marked_folder


def open_nodules(root, path, **options):
    return open_dataset(
        Data(
            name="luna16",
            root=str(root),
            crop_size=(6, 4, 2),
            task=options.pop("task", "malignancy"),
            readings=str(path),
            **options,
        )
    )


@pytest.fixture
def folder(tmp_path):
    root = tmp_path / "luna16"
    return root, write_marked_folder(root)


def test_nodules_of_usual_and_turned_scans_are_benign_or_malignant_by_the_mean_of_their_readers(folder):
    cases = open_nodules(*folder).cases
    assert cases.ids.tolist() == ["1.1#0", "1.1#1", "1.2#3", "1.2#4", "1.3#6", "1.3#7"]
    assert cases.classes == ("benign", "malignant")
    assert cases.positive == 1
    assert cases.labels.tolist() == [1, 0] * 3
    assert cases.groups.tolist() == ["A", "A", "B", "B", "A", "A"]
    assert cases.folds.tolist() == [0, 0, 1, 1, 2, 2]
    assert cases.soft is None
    assert cases.weight is None
    assert cases.train_only is None


def test_the_attributes_of_nodules_are_their_diameter_and_their_ratings(folder):
    attributes = {name: values.tolist() for name, values in open_nodules(*folder).cases.attributes.items()}
    assert attributes["diameter_mm"] == ["5.0"] * 6
    assert attributes["readers"] == ["4", "3"] * 3
    assert attributes["malignancy"] == ["4", "1.667"] * 3
    assert attributes["spiculation"] == ["2.5", "2"] * 3
    assert attributes["calcification"] == ["absent"] * 6


def test_crops_are_centred_on_the_nodules_for_any_storage_order_of_the_scan(folder):
    dataset = open_nodules(*folder)
    for rows, seed in ((np.array([0, 1]), 0), (np.array([3, 2]), 1)):
        hu = np.random.default_rng(seed).integers(-1000, 400, (30, 160, 160)).astype(np.int16)
        places = list(NODULES)[:2]
        for crop, (x, y, z) in zip(dataset.crops(rows).values, places if seed == 0 else places[::-1], strict=True):
            expected = hu[z - 1 : z + 1, y - 3 : y + 3, x - 2 : x + 2].transpose(1, 2, 0)
            np.testing.assert_array_equal(crop, expected)


def test_undecided_nodules_are_left_out_with_a_note_and_counted(folder):
    dataset = open_nodules(*folder)
    assert dataset.counts == {
        "readers": {"3": 6, "4": 3},
        "malignancy": {"below 3": 3, "exactly 3": 3, "above 3": 3},
    }
    assert [(finding.severity, finding.text) for finding in dataset.findings] == [
        ("note", "3 of the 9 nodules are left out: the mean malignancy of their readers is exactly 3.")
    ]


def test_undecided_nodules_with_soft_labels_are_trained_on_but_never_evaluated(folder):
    dataset = open_nodules(*folder, undecided="soft")
    cases = dataset.cases
    assert cases.labels.tolist() == [1, 0, 0] * 3
    assert cases.soft.tolist() == [[0, 1], [1, 0], [0.5, 0.5]] * 3
    assert cases.train_only.tolist() == [False, False, True] * 3
    assert cases.select(np.array([2, 0])).train_only.tolist() == [True, False]
    split = Split(by="group", test=0.34, validation=0.0)
    sets = make_split(cases, split)
    rows = keep_rows(cases, sets, Data(negatives_per_positive="all"), split)
    assert set(sets[rows].tolist()) == {"train", "test"}
    assert not cases.train_only[rows][sets[rows] == "test"].any()
    assert rows.tolist() == [row for row in range(9) if not cases.train_only[row] or sets[row] == "train"]
    fewer = keep_rows(cases, sets, Data(negatives_per_positive=2.0), split)
    assert not cases.train_only[fewer][sets[fewer] == "test"].any()
    assert dataset.findings[-1].text == (
        "3 of the 9 nodules are used in the training set only, with equal shares of both classes: the mean malignancy "
        "of their readers is exactly 3."
    )


def test_undecided_nodules_count_for_no_class_and_are_spread_over_the_folds():
    num_groups = 30  # each patient has one nodule: 10 benign, 10 malignant, 10 undecided
    kind = np.arange(num_groups) % 3
    cases = Cases(
        ids=np.array([f"c{k}" for k in range(num_groups)]),
        groups=np.array([f"g{k}" for k in range(num_groups)]),
        labels=(kind == 1).astype(np.int64),
        classes=("benign", "malignant"),
        train_only=kind == 2,
    )
    assert cases.count_classes().tolist() == [10, 10]
    folds = case_folds(cases, Split(by="group", folds=5, fold=0, test=None))
    assert [np.bincount(folds[kind == number], minlength=5).tolist() for number in range(3)] == [[2] * 5] * 3


def test_data_info_counts_undecided_nodules_apart_from_the_classes(folder):
    root, path = folder
    data = {"name": "luna16", "root": str(root), "task": "malignancy", "readings": str(path), "undecided": "soft"}
    document = {"archs": [{"name": "net", "layers": [{"type": "T"}], "rank": 2}], "data": data, "split": {"test": 0.3}}
    (experiment,) = parse_experiments(Document(value=document, source="mine.json"))
    assert summarize_data(experiment, no_progress)["classes"] == {"benign": 3, "malignant": 3, "soft label only": 3}


def test_weights_follow_the_agreement_of_the_readers(folder):
    weight = open_nodules(*folder, label_weights="agreement").cases.weight
    np.testing.assert_allclose(weight, [1 / 1.5, 1 / (1 + 2 / 9)] * 3, rtol=1e-6)


def test_benign_can_be_the_positive_class(folder):
    assert open_nodules(*folder, positive="benign").cases.positive == 0


def test_patients_csv_overrides_the_patients_of_the_readings(folder):
    root, path = folder
    (root / "patients.csv").write_text("seriesuid,patient\n1.3,C\n")
    assert open_nodules(root, path).cases.groups.tolist() == ["A", "A", "B", "B", "C", "C"]


def test_a_nodule_that_no_reader_rated_is_left_out_with_a_warning(folder):
    root, path = folder
    change_file(path, "UPDATE annotations SET malignancy = NULL WHERE scan_id = 1")
    dataset = open_nodules(root, path)
    assert dataset.cases.ids.tolist() == ["1.2#3", "1.2#4", "1.3#6", "1.3#7"]
    warning = dataset.findings[0]
    assert (warning.severity, warning.cases) == ("warning", ("1.1#0", "1.1#1", "1.1#2"))
    assert warning.text == (
        "3 of the 9 nodules are left out because no reader rated their malignancy: 1.1#0, 1.1#1, 1.1#2. Compare the "
        "positions in the list with those of the scans."
    )


def test_scans_without_nodules_are_only_noted_and_nodules_of_absent_scans_left_out(folder):
    root, path = folder
    (root / "subset2/1.3.mhd").rename(root / "subset2/1.9.mhd")
    dataset = open_nodules(root, path)
    assert dataset.cases.ids.tolist() == ["1.1#0", "1.1#1", "1.2#3", "1.2#4"]
    texts = [(finding.severity, finding.text) for finding in dataset.findings]
    assert texts[0] == (
        "note",
        "3 of the 9 nodules in annotations.csv are left out: 1 of the 3 scans that it names is missing.",
    )
    assert texts[2] == ("note", "1 of the 3 scans has no nodule in annotations.csv and is not used: 1.9.mhd.")


def test_data_without_nodules_to_classify_are_refused(folder):
    root, path = folder
    change_file(path, "UPDATE annotations SET malignancy = 3")
    with pytest.raises(DataError) as caught:
        open_nodules(root, path)
    assert str(caught.value) == (
        f"{path}: none of the 9 nodules in the scans under {root} has a mean malignancy below or above 3. Add scans, or "
        "set data.readings to a different file."
    )


def test_a_list_of_nodules_is_needed(folder):
    root, path = folder
    (root / "annotations.csv").unlink()
    for task in ("malignancy", "nodule"):
        with pytest.raises(DataError) as caught:
            open_nodules(root, path, task=task)
        assert str(caught.value) == (
            f"{root}: annotations.csv, the list of nodules to which readings are matched, is missing. It is published with "
            "the scans of LUNA16. Copy it to this folder."
        )


def test_a_damaged_list_of_nodules_is_refused_only_if_readings_need_it(folder):
    root, path = folder
    (root / "annotations.csv").write_text("seriesuid,coordX,coordY,coordZ,diameter_mm\n1.1,a,0,0,5\n")
    message = f'{root / "annotations.csv"} line 2: coordX must be a finite number, got "a".'
    with pytest.raises(DataError) as caught:
        open_nodules(root, path, task="nodule")
    assert str(caught.value) == message
    dataset = open_dataset(Data(name="luna16", root=str(root), crop_size=(6, 4, 2)))
    assert [(finding.severity, finding.text) for finding in dataset.findings if finding.check == "case_attributes"] == [
        ("warning", f"The diameters of nodules are unknown: {message}")
    ]


def test_an_empty_list_of_nodules_is_refused(folder):
    root, path = folder
    (root / "annotations.csv").write_text("seriesuid,coordX,coordY,coordZ,diameter_mm\n")
    with pytest.raises(DataError) as caught:
        open_nodules(root, path)
    assert str(caught.value) == f"{root / 'annotations.csv'}: contains no nodules. Copy the file again."


def test_candidates_keep_their_classes_and_take_the_ratings_of_the_nodules_that_they_hit(folder):
    cases = open_nodules(*folder, task="nodule").cases
    assert cases.classes == ("non-nodule", "nodule")
    assert cases.labels.tolist() == [1, 0] * 9
    assert cases.groups.tolist() == ["A"] * 6 + ["B"] * 6 + ["A"] * 6
    assert cases.attributes["malignancy"].tolist() == ["4", "", "1.667", "", "3", ""] * 3
    assert cases.attributes["readers"].tolist() == ["4", "", "3", "", "3", ""] * 3
    assert cases.attributes["diameter_mm"].tolist() == ["5.0", ""] * 9


def test_without_the_option_candidates_have_no_ratings(folder):
    root, _ = folder
    cases = open_dataset(Data(name="luna16", root=str(root), crop_size=(6, 4, 2))).cases
    assert list(cases.attributes) == ["diameter_mm"]
    assert cases.groups.tolist() == ["1.1"] * 6 + ["1.2"] * 6 + ["1.3"] * 6


def test_a_scan_that_was_cropped_is_matched_by_its_nodules_with_a_warning(folder):
    root, path = folder
    header = root / "subset0/1.1.mhd"
    x, y, z = ORIGIN_MM
    text = header.read_text()
    moved = text.replace(f"Offset = {x} {y} {z}", f"Offset = {x - 8} {y} {z}")
    assert moved != text
    header.write_text(moved)
    dataset = open_nodules(root, path)
    assert dataset.cases.labels.tolist() == [1, 0] * 3
    assert dataset.findings[0].cases == ("1.1",)


def test_the_task_malignancy_keeps_all_nodules_and_old_documents_mean_candidates():
    assert parse_data({"name": "luna16", "task": "malignancy"}).negatives_per_positive == "all"
    assert parse_data({"name": "luna16"}).negatives_per_positive == 5
    old = complete_data({"name": "luna16", "root": "x"})
    assert {key: old[key] for key in ("task", "readings", "undecided", "label_weights")} == {
        "task": "nodule",
        "readings": None,
        "undecided": "leave_out",
        "label_weights": "equal",
    }
