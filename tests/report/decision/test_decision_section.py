"""The section about decisions of a run's page."""

import json
import xml.etree.ElementTree as ET

import numpy as np
import pytest

from archnet.evaluation.decision.binary_cases import BinaryCases
from archnet.evaluation.decision.decision import decision
from archnet.evaluation.decision.net_benefit import decision_curve
from archnet.report.decision.decision_curve import decision_curve_drawing
from archnet.report.decision.decision_section import decision_section
from drawings import outline
from pages import page_of
from synthetic_runs import write_run


def some_cases():
    rng = np.random.default_rng(0)
    is_positive = rng.random(200) < 0.3
    scores = np.clip(0.3 + 0.3 * is_positive + rng.normal(size=200) * 0.15, 0, 1)
    return BinaryCases(scores=scores, is_positive=is_positive, groups=np.arange(200) // 4)


def metrics():
    return {"test": {"threshold": 0.5, "decision": decision(some_cases(), 0.5)}}


def test_the_section_has_a_row_for_each_number_and_the_sets_own_prevalence_last():
    section = decision_section(metrics(), "test")
    assert [label for label, _ in section["rows"]] == [
        "sensitivity at specificity 0.80",
        "sensitivity at specificity 0.90",
        "sensitivity at specificity 0.95",
        "specificity at sensitivity 0.80",
        "specificity at sensitivity 0.90",
        "specificity at sensitivity 0.95",
        "partial AUC, false-positive rate up to 0.10",
        "partial AUC, false-positive rate up to 0.20",
        "calibration slope (1 is ideal)",
        "calibration intercept (0 is ideal)",
    ]
    own = f"{100 * some_cases().is_positive.mean():.1f}%".replace(".0%", "%")
    assert [row["prevalence"] for row in section["predictive_values"]] == ["1%", "2%", "5%", "10%", own]


def test_a_run_of_an_older_version_or_of_three_classes_has_no_section():
    assert decision_section({"test": {"threshold": None}}, "test") is None


def test_the_drawing_says_its_numbers_and_stays_inside_its_axes():
    curve = decision_curve(some_cases())
    drawing = decision_curve_drawing(curve, "Decision curve, test set")
    values = curve["net_benefit"]
    assert drawing.alt.startswith(
        f"Decision curve. Net benefit of the network: {values[4]:.3f} at 5%, {values[9]:.3f} at 10%, "
        f"{values[19]:.3f} at 20%, {values[49]:.3f} at 50%. It is above acting on every case and on none from "
    )
    lines = ET.fromstring(drawing.to_file()).iter("{http://www.w3.org/2000/svg}path")
    for line in lines:
        numbers = line.get("d").replace("M", " ").replace("L", " ").replace("V", " ").replace("H", " ").split()
        assert "nan" not in numbers
    names = ET.tostring(ET.fromstring(drawing.to_file()), encoding="unicode", method="text")
    for name in ("act on the network's predictions, 95% interval", "act on every case", "act on no case"):
        assert name in names


def test_a_network_that_is_never_better_than_acting_on_all_or_none_says_no_range():
    rng = np.random.default_rng(1)
    cases = BinaryCases(scores=np.full(40, 0.995), is_positive=rng.random(40) < 0.5, groups=np.arange(40))
    assert "It is above" not in decision_curve_drawing(decision_curve(cases), "").alt


@pytest.mark.slow
@pytest.mark.parametrize("classes", [("non-nodule", "nodule"), ("CT-0", "CT-1", "CT-23")])
def test_the_page_shows_the_numbers_of_metrics_json_for_two_classes(tmp_path, classes):
    folder = write_run(tmp_path / "archsm", classes=classes)
    text = page_of(folder).text
    assert ("Predictive values of" in text) is (len(classes) == 2)
    assert (folder / "figures/decision_curve.svg").is_file() is (len(classes) == 2)
    if len(classes) == 2:
        entry = json.loads((folder / "metrics.json").read_text())["test"]["decision"]
        low, high = entry["partial_auc"][0]["interval"]
        value = entry["partial_auc"][0]["value"]
        assert f"partial AUC, false-positive rate up to 0.10 {value:.3f} {low:.3f} to {high:.3f}" in text


def test_each_range_in_which_a_network_is_better_is_named():
    is_better = [10 <= percent <= 20 or percent in (50, 99) for percent in range(1, 100)]
    curve = {
        "thresholds": [percent / 100 for percent in range(1, 100)],
        "net_benefit": [0.1 if one else -0.1 for one in is_better],
        "act_on_all": [-0.2] * 99, "low": [None] * 99, "high": [None] * 99,
    }  # fmt: skip
    alt = decision_curve_drawing(curve, "").alt
    assert alt.endswith("on none from 10% to 20%, 50% to 50%, 99% to 99%.")


def test_the_layout_of_the_decision_curve():
    thresholds = [(k + 1) / 100 for k in range(99)]
    act_on_all = [(0.3 - threshold) / (1 - threshold) for threshold in thresholds]
    curve = {
        "thresholds": thresholds, "net_benefit": [0.25] * 99, "act_on_all": act_on_all,
        "low": [0.2] * 99, "high": [None] * 99,
    }  # fmt: skip
    drawing = decision_curve_drawing(curve, "Decision curve", "validation")
    lines = outline(drawing)
    assert lines[:2] == [
        "drawing 362 x 398", "text 60 20 font-size=14 fill=var(--ink) font-weight=bold 'Decision curve'",
    ]  # fmt: skip
    band, none, all_cases, network, *legend = [
        line for line in lines if line.startswith(("path", "text 58 ")) and "var(--line)" not in line
    ]
    style = "stroke-width=1.8 stroke-linejoin=round"
    assert band == (
        f"path M62.9 104.2L349.1 104.2L349.1 65L62.9 65 stroke=none fill=var(--validation) {style} fill-opacity=0.16"
    )
    assert none == "path M60 261.1L352 261.1 stroke=var(--ink) fill=none stroke-width=1.2 stroke-linejoin=round"
    assert all_cases.startswith("path M62.9 31.4L65.8 37L")
    assert all_cases.endswith(f"L154.5 288.6 stroke=var(--faint) fill=none {style} stroke-dasharray=7 3")
    assert network == f"path M62.9 65L349.1 65 stroke=var(--validation) fill=none {style}"
    assert legend == [
        "path M20 350h30 fill=none stroke-width=1.8 stroke=var(--validation)",
        'text 58 354 font-size=12 fill=var(--ink) "act on the network\'s predictions, 95% interval"',
        "path M20 368h30 fill=none stroke-width=1.8 stroke=var(--faint) stroke-dasharray=7 3",
        "text 58 372 font-size=12 fill=var(--ink) 'act on every case'",
        "path M20 386h30 fill=none stroke-width=1.2 stroke=var(--ink)",
        "text 58 390 font-size=12 fill=var(--ink) 'act on no case'",
    ]
    assert "It is above acting on every case and on none from 7% to 99%." in drawing.alt
