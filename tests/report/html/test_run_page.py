import json
import re
from collections import Counter
from dataclasses import replace

import numpy as np
import pytest

from archnet.errors import DataError, RunError
from archnet.evaluation.integrity.manifest import record_run
from archnet.evaluation.predictions import read_predictions
from archnet.report.html.page import script_json
from archnet.report.html.run_page import frozen_text, write_report
from archnet.report.run_files import read_run
from pages import Page, page_of
from synthetic_runs import synthetic_predictions, write_run


@pytest.mark.parametrize(("freeze", "text"), [
    (None, ""),
    ({"layers": "all", "epochs": None}, "Frozen: all layers but T."),
    ({"layers": "all", "epochs": 1}, "Frozen in the first 1 epoch: all layers but T."),
    ({"layers": [2], "epochs": None}, "Frozen: layer 2."),
    ({"layers": [0, 2], "epochs": 5}, "Frozen in the first 5 epochs: layers 0 and 2."),
])  # fmt: skip
def test_frozen_layers_are_named_with_their_epochs(freeze, text):
    assert frozen_text({"training": {"freeze": freeze}}) == text
    assert frozen_text({}) == ""


@pytest.mark.slow
@pytest.mark.parametrize("depth", [None, 10])
def test_the_report_needs_nothing_but_itself(tmp_path, depth):
    text = write_report(read_run(write_run(tmp_path / "archsm", depth=depth))).read_text(encoding="utf-8")
    page = Page(text)
    addresses = [value for _, attrs in page.tags for key, value in attrs.items() if key in ("src", "srcset", "href")]
    assert addresses
    assert all(address.startswith("#") for address in addresses)
    assert set(re.findall(r"url\(([^)]{0,22})", text)) <= {"data:image/png;base64,"}
    assert not {"link", "iframe", "img", "image"} & {tag for tag, _ in page.tags}
    assert [tag for tag, _ in page.tags].count("style") == 1
    ids = [attrs["id"] for _, attrs in page.tags if "id" in attrs]
    assert len(ids) == len(set(ids))
    assert [attrs for tag, attrs in page.tags if tag == "script"] == [
        {"type": "application/json", "id": "live-data"},
        {"type": "application/json", "id": "viewer-data"},
        {"type": "application/json", "id": "viewer-voxels"},
        {},
    ]
    assert len(text) < 15e6


def test_the_report_holds_headline_matrices_metrics_layers_split_and_environment(tmp_path):
    folder = write_run(tmp_path / "archsm")
    metrics = json.loads((folder / "metrics.json").read_text(encoding="utf-8"))
    text = page_of(folder).text
    recall, (low, high) = metrics["test"]["recall"], metrics["test"]["intervals"]["recall"]
    assert f"recall {100 * recall:.1f}% (95% CI {100 * low:.1f}% to {100 * high:.1f}%)" in text
    for name in ("train", "validation", "test"):
        low, high = metrics[name]["intervals"]["auc"]
        assert f"{metrics[name]['auc']:.3f} {low:.3f} to {high:.3f}" in text
    errors = (f"{100 * (1 - metrics[name]['accuracy']):.1f}%" for name in ("test", "validation", "train"))
    assert f"error {' '.join(errors)}" in text
    assert "$.layers[0] C 16 3x3 relu drop 8.3% 64 × 64 × 16 160 589,824 262 kB" in text
    assert "by group, test 0.2, validation 0.1, seed 42" in text
    assert "versions.keras 3.15.1" in text
    assert '"learning_rate": 0.001' in text


@pytest.mark.slow
def test_every_picture_says_what_it_shows_and_volumes_have_a_slider_and_their_neighbours(tmp_path):
    tags = page_of(write_run(tmp_path / "a", depth=10)).tags
    drawn = [attrs for tag, attrs in tags if attrs.get("role") == "img"]
    kinds = Counter(attrs["class"] for attrs in drawn if "drawing" in attrs.get("class", ""))
    assert kinds == {"drawing": 4, "drawing wide": 3, "drawing narrow": 3}
    assert all(attrs["aria-label"] for attrs in drawn)
    stacks = [attrs for tag, attrs in tags if attrs.get("class") == "stack"]
    sliders = [attrs for tag, attrs in tags if tag == "input" and "Slice of case" in attrs.get("aria-label", "")]
    assert len(stacks) == len(sliders) == len([attrs for attrs in drawn if "slice of case" in attrs["aria-label"]]) > 16
    assert {(attrs["min"], attrs["max"], attrs["value"]) for attrs in sliders} == {("0", "9", "5")}
    strip = [attrs["style"] for _, attrs in tags if attrs.get("style", "").startswith("--slice")]
    assert strip == [f"--slice: {place}" for place in (3, 4, 5, 6, 7)] * len(stacks)


def test_the_report_tells_operating_points_and_calibration(tmp_path):
    folder = write_run(tmp_path / "archsm", recall=0.9)
    metrics = json.loads((folder / "metrics.json").read_text(encoding="utf-8"))["test"]
    text = page_of(folder).text
    for why, point in (
        ("configured threshold", metrics),
        ("recall of at least 0.9 in validation", metrics["operating_points"]["recall"]),
        ("best MCC in validation", metrics["operating_points"]["mcc"]),
    ):
        low, high = point["intervals"]["recall"]
        assert f"{why} {point['threshold']:.3f} {point['recall']:.3f} {low:.3f} to {high:.3f}" in text
        (_, alarms), (missed, found) = point["confusion_matrix"]
        assert f"{found} of {found + missed} {alarms}" in text
    before, after = metrics["calibration"], metrics["calibration"]["scaled"]
    errors = [
        f"{entry['expected_calibration_error']:.3f} ({entry['error_if_calibrated']['mean']:.3f} expected of a perfectly "
        f"calibrated model) 95th percentile of such models: {entry['error_if_calibrated']['percentile_95']:.3f}"
        for entry in (before, after)
    ]
    assert f"expected calibration error {' '.join(errors)}" in text
    assert f"uncalibrated temperature {after['temperature']:.2f} Brier score {before['brier']:.3f}" in text


def test_without_a_validation_set_the_report_has_no_operating_points_but_a_calibration(tmp_path):
    predictions = synthetic_predictions()
    sets = np.where(predictions.sets == "validation", "train", predictions.sets)
    text = page_of(write_run(tmp_path / "a", predictions=replace(predictions, sets=sets))).text
    assert "Operating points" not in text
    assert "expected calibration error" in text
    assert "temperature" not in text


def test_an_older_run_without_calibration_is_still_reported(tmp_path):
    folder = write_run(tmp_path / "a")
    metrics = json.loads((folder / "metrics.json").read_text(encoding="utf-8"))
    for name in ("train", "validation", "test"):
        del metrics[name]["calibration"], metrics[name]["operating_points"]
    (folder / "metrics.json").write_text(json.dumps(metrics), encoding="utf-8")
    record_run(folder)
    assert "expected calibration error" not in page_of(folder).text


def test_names_with_markup_are_shown_and_never_obeyed(tmp_path):
    evil = "<script>alert(1)</script>"
    page = page_of(write_run(tmp_path / "a", classes=("CT-0", "CT-1", evil)))
    scripts = [attrs.get("id") for tag, attrs in page.tags if tag == "script"]
    assert scripts == ["viewer-data", "viewer-voxels", None]
    assert evil in page.text


def test_data_for_a_script_cannot_end_it():
    text = script_json({"</script>": "<!-- & -->"})
    assert not set("<>&") & set(text)
    assert json.loads(text) == {"</script>": "<!-- & -->"}


@pytest.mark.slow
def test_an_undefined_number_is_called_undefined(tmp_path):
    folder = write_run(tmp_path / "a")
    for name, columns in (("predictions.csv", ",test,nodule,"), ("split.csv", ",nodule,test")):
        lines = (folder / name).read_text(encoding="utf-8").splitlines()
        kept = [line for line in lines if columns not in line]
        (folder / name).write_text("\n".join(kept) + "\n", encoding="utf-8")
    record_run(folder)
    from archnet.runs.rereport import regenerate_reports

    regenerate_reports([folder])
    text = page_of(folder).text
    assert "The test set contains no nodules, so the recall is undefined." in text
    assert "recall (sensitivity)" in text
    assert "undefined" in text


def test_a_folder_with_metrics_and_predictions_alone_still_gives_a_report(tmp_path):
    folder = write_run(tmp_path / "a")
    for path in folder.iterdir():
        if path.name not in ("metrics.json", "predictions.csv"):
            path.unlink()
    metrics = json.loads((folder / "metrics.json").read_text(encoding="utf-8"))
    without_costs = {key: value for key, value in metrics.items() if key != "samples_per_second"}
    (folder / "metrics.json").write_text(json.dumps(without_costs), encoding="utf-8")
    assert "training samples per second –" in page_of(folder).text


def test_an_unfinished_run_is_refused(tmp_path):
    message = f"{tmp_path / 'metrics.json'}: no such file. Finish the run, or name a different run folder."
    with pytest.raises(RunError, match=f"^{re.escape(message)}$"):
        read_run(tmp_path)


def test_metrics_of_other_classes_are_refused(tmp_path):
    folder = write_run(tmp_path / "a")
    metrics = json.loads((folder / "metrics.json").read_text(encoding="utf-8"))
    (folder / "metrics.json").write_text(json.dumps(metrics | {"positive": "tumour"}), encoding="utf-8")
    record_run(folder)
    message = (
        f'{folder / "metrics.json"}: positive is "tumour", not one of the classes ["non-nodule", "nodule"]. '
        "Restore the file, or run the experiment again."
    )
    with pytest.raises(DataError, match=f"^{re.escape(message)}$"):
        read_run(folder)
    renamed = {"classes": ["non-nodule", "cyst"], "positive": "cyst"}
    (folder / "metrics.json").write_text(json.dumps(metrics | renamed), encoding="utf-8")
    record_run(folder)
    message = (
        f'{folder / "metrics.json"}: its classes ["non-nodule", "cyst"] differ from those of predictions.csv, '
        '["non-nodule", "nodule"]. Restore the file, or run the experiment again.'
    )
    with pytest.raises(DataError, match=f"^{re.escape(message)}$"):
        read_run(folder)


def test_a_report_without_a_result_or_with_a_set_without_cases_is_refused(tmp_path):
    folder = write_run(tmp_path / "a")
    path = folder / "metrics.json"
    (folder / "manifest.json").unlink()
    (folder / "split.csv").unlink()
    metrics = json.loads(path.read_text(encoding="utf-8"))
    older = {key: value for key, value in metrics["test"].items() if key != "auc"}
    path.write_text(json.dumps(metrics | {"test": older}), encoding="utf-8")
    message = f'{path}: test has no "auc". Recompute it with `archnet report {folder}`.'
    with pytest.raises(DataError, match=f"^{re.escape(message)}$"):
        write_report(read_run(folder))
    path.write_text(json.dumps(metrics), encoding="utf-8")
    predictions = read_predictions(folder / "predictions.csv")
    rows = (folder / "predictions.csv").read_text(encoding="utf-8").splitlines()
    kept = [rows[0], *(row for row, name in zip(rows[1:], predictions.sets, strict=True) if name != "test")]
    (folder / "predictions.csv").write_text("\n".join(kept), encoding="utf-8")
    message = (
        f"{path}: has test results, but predictions.csv has no test cases. "
        "Restore the file, or run the experiment again."
    )
    with pytest.raises(DataError, match=f"^{re.escape(message)}$"):
        read_run(folder)


@pytest.mark.slow
def test_a_damaged_gallery_or_history_is_refused(tmp_path):
    folder = write_run(tmp_path / "a")
    gallery = folder / "gallery.npz"
    remedy = f"To report without pictures of cases, delete it and run: archnet report --accept-edits {folder}"
    for content in (b"not a zip", b""):
        gallery.write_bytes(content)
        record_run(folder)
        message = f"{gallery}: it is truncated, or not a zip archive. {remedy}"
        with pytest.raises(DataError, match=f"^{re.escape(message)}$"):
            read_run(folder)
    message = f"{gallery}: does not contain the arrays values, case and kind. {remedy}"
    np.savez(gallery, images=np.zeros((1, 2, 2), np.uint8))
    record_run(folder)
    with pytest.raises(DataError, match=f"^{re.escape(message)}$"):
        read_run(folder)
    with np.load(write_run(tmp_path / "b") / "gallery.npz") as arrays:
        pictures = dict(arrays)
    shape = pictures["images"].shape
    for others in (np.zeros((*shape, 0), np.uint8), np.zeros((1, *shape[1:], 1), np.uint8), np.zeros((*shape, 1))):
        np.savez(gallery, **pictures, other_channels=others)
        record_run(folder)
        with pytest.raises(DataError, match=f"^{re.escape(message)}$"):
            read_run(folder)
    gallery.unlink()
    (folder / "history.csv").write_text("epoch,seconds,train_loss\n1,0.5,x\n", encoding="utf-8")
    record_run(folder)
    message = (
        f'{folder / "history.csv"} line 2: train_loss is "x", not a number. '
        "Restore the file, or run the experiment again."
    )
    with pytest.raises(DataError, match=f"^{re.escape(message)}$"):
        read_run(folder)


@pytest.mark.parametrize(
    ("data", "shown", "hidden"),
    [
        (None, [], ["Data checks"]),
        ({"findings": [], "lost": [], "scans": None}, ["Data checks The data checks found nothing."], []),
        (
            {"notes": ["7 candidates <b> are left out."]},
            ["Data checks note 7 candidates <b> are left out."],
            ["caution"],
        ),
    ],
)
def test_the_report_has_the_data_checks_of_every_version(tmp_path, data, shown, hidden):
    folder = write_run(tmp_path / "a")
    (folder / "data.json").unlink(missing_ok=True)
    if data is not None:
        (folder / "data.json").write_text(json.dumps(data), encoding="utf-8")
    record_run(folder)
    text = page_of(folder).text
    assert all(words in text for words in shown)
    assert not any(words in text.partition("Metrics")[2] for words in hidden)


@pytest.mark.slow
def test_the_report_of_a_changed_experiment_says_what_has_changed(tmp_path):
    folder = write_run(tmp_path / "edit-2/archsm")
    assert "Changed settings" not in page_of(folder).text
    differences = [
        {"place": "arch.layers[0].num_output", "reference": 8, "other": 16},
        {"place": "arch.layers[2]", "other": {"type": "FC"}},
    ]
    changes = {"previous": "../../edit/archsm", "differences": differences}
    (folder / "changes.json").write_text(json.dumps(changes), encoding="utf-8")
    record_run(folder)
    assert (
        "Changed settings Compared with ../../edit/archsm setting before in this run "
        'arch.layers[0].num_output 8 16 arch.layers[2] – {"type": "FC"}'
    ) in page_of(folder).text
