"""The data of the case viewer: which cases a page holds, in which order, and what it says about the rest."""

from dataclasses import replace
from functools import partial

import numpy as np
import pytest

from archnet.evaluation.comparison.comparison import compare
from archnet.report.gallery_file import Gallery, HeatMaps
from archnet.report.html.cases import viewer_data
from archnet.report.html.cases.comparison_viewer import comparison_viewer
from archnet.report.html.cases.embedded_cases import KeptCase, embed_cases
from archnet.report.html.cases.viewer_data import ViewedCases, ViewedNetwork, viewer_panel
from synthetic_runs import predictions_of, write_run


def gallery_of(names, kinds=None, **changes):
    """Noise of 8 x 8 x 2 voxels for each case, in Hounsfield units."""
    kinds = ["wrong"] * len(names) if kinds is None else kinds
    values = np.random.default_rng(0).integers(-1000, 400, (len(names), 8, 8, 2)).astype(np.int16)
    hu = {"scales": np.array([[1.0, 0.0]]), "window": (-1000, 400), "is_hu": True}
    return Gallery(values=values, cases=np.array(names), kinds=np.array(kinds), **{**hu, **changes})


def network_of(positives, *, galleries=(), heat_maps=(), threshold=0.5, name="net"):
    probabilities = np.column_stack([1 - np.asarray(positives), positives])
    return ViewedNetwork(
        name=name, probabilities=probabilities, threshold=threshold, galleries=galleries, heat_maps=heat_maps
    )


def viewed(y_true, *networks, sets=None, **changes):
    predictions = predictions_of(y_true, np.full((len(y_true), 2), 0.5))
    predictions = replace(predictions, sets=np.array(sets or ["test"] * len(y_true)))
    values = {"positive": 1, "reported": "test", "columns": {}, "presets": (), "experiment": {}} | changes
    return ViewedCases(predictions=predictions, networks=networks, **values)


def embedded_names(panel):
    return [panel["data"]["names"][entry["row"]] for entry in panel["voxels"]]


def test_a_page_without_kept_cases_has_no_viewer():
    assert viewer_panel(viewed([0, 1], network_of([0.1, 0.9]))) is None
    other = gallery_of(["another"])
    assert viewer_panel(viewed([0, 1], network_of([0.1, 0.9], galleries=[other]))) is None


def test_errors_of_each_network_come_in_turn_with_a_correct_case_after_every_third():
    names = [f"case{k}" for k in range(12)]
    first = gallery_of([*names[:8], "case11"], ["wrong"] * 4 + ["right"] * 2 + ["wrong"] * 2 + ["sample"])
    second = gallery_of([names[1], *names[8:10]], ["wrong"] * 3)
    everyone = [0.1] * 12
    cases = viewed([0] * 12, network_of(everyone, galleries=[first]), network_of(everyone, galleries=[second]))
    assert embedded_names(viewer_panel(cases)) == [
        f"case{k}" for k in (0, 1, 8, 2, 9, 4, 3, 6, 7, 5)
    ]  # fmt: skip


def test_cases_on_which_the_networks_disagree_come_first_and_each_is_kept_once():
    names = [f"case{k}" for k in range(4)]
    both = [network_of([0.9, 0.1, 0.5, 0.1], galleries=[gallery_of(names)]),
            network_of([0.9, 0.1, 0.1, 0.9], galleries=[gallery_of(names)])]  # fmt: skip
    assert embedded_names(viewer_panel(viewed([0] * 4, *both))) == ["case2", "case3", "case0", "case1"]


def test_embedded_cases_are_listed_first_then_errors_then_others_the_reported_set_before():
    sets = ["train", "validation", "test", "train", "test", "test"]
    network = network_of([0.9, 0.9, 0.9, 0.1, 0.1, 0.1], galleries=[gallery_of(["case5"], ["right"])])
    panel = viewer_panel(
        viewed([0] * 6, network, sets=sets, columns={"test": (0, "test")}, presets=[("errors", {"a": 1})])
    )
    assert panel["data"]["names"] == [f"case{k}" for k in (5, 2, 1, 0, 4, 3)]
    assert panel["data"]["set"] == [2, 2, 1, 0, 2, 0]
    assert panel["data"]["truth"] == [0] * 6
    assert panel["data"]["scores"] == [[0.1, 0.9, 0.9, 0.9, 0.1, 0.1]]
    assert (panel["data"]["reported"], panel["data"]["total"]) == (2, 6)
    assert panel["data"]["columns"] == {"test": [0, 2]}
    assert (panel["presets"], panel["data"]["presets"]) == (["errors"], [{"a": 1}])


def test_an_error_of_one_network_alone_is_listed_as_an_error():
    first = network_of([0.1, 0.1, 0.9, 0.1], galleries=[gallery_of(["case0"], ["right"])])
    panel = viewer_panel(viewed([0] * 4, first, network_of([0.1] * 4)))
    assert panel["data"]["names"] == [f"case{k}" for k in (0, 2, 1, 3)]


def test_the_histograms_count_the_reported_set_by_true_class():
    network = network_of([0.05, 0.1, 0.95, 1.0, 0.05], galleries=[gallery_of(["case0"])])
    sets = ["test"] * 4 + ["train"]
    one = viewer_panel(viewed([0, 0, 1, 1, 1], network, sets=sets))["histograms"]
    assert [(entry["label"], entry["class"], entry["hue"], entry["counts"]) for entry in one] == [
        (0, "k0", "test", [1, 1, *[0] * 8]), (1, "k1", "test", [*[0] * 9, 2]),
    ]  # fmt: skip
    other = replace(network, name="other", galleries=())
    two = viewer_panel(viewed([0, 0, 1, 1, 1], network, other, sets=sets))["histograms"]
    assert [(entry["network"], entry["name"]) for entry in two] == [(0, "net"), (0, "net"), (1, "other"), (1, "other")]
    assert len({entry["hue"] for entry in two}) == 2


def test_of_more_classes_the_histogram_is_of_the_true_class_and_all_scores_are_listed():
    probabilities = np.array([[0.85, 0.1, 0.05], [0.3, 0.15, 0.55]])
    network = ViewedNetwork(
        name="net", probabilities=probabilities, threshold=None, galleries=[gallery_of(["case0"])], heat_maps=()
    )
    assert network.predicted(1).tolist() == [0, 2]
    cases = replace(viewed([0, 1], network), predictions=predictions_of([0, 1], probabilities))
    panel = viewer_panel(cases)
    assert [int(np.argmax(entry["counts"])) for entry in panel["histograms"][:2]] == [8, 1]
    assert panel["histograms"][2]["counts"] == [0] * 10
    assert panel["data"]["scores"] == [probabilities.tolist()]


def test_a_score_at_the_threshold_is_positive():
    assert network_of([0.49, 0.5, 0.51]).predicted(1).tolist() == [0, 1, 1]
    assert network_of([0.49, 0.5, 0.51]).predicted(0).tolist() == [0, 0, 1]


@pytest.mark.parametrize(("data", "mark", "is_lps", "spacing"), [
    ({"name": "luna16", "spacing_mm": [1, 1, 2]}, "candidate", True, [1, 1, 2]),
    ({"name": "mosmed", "spacing_mm": [1, 1, 2]}, "", True, None),
    ({"name": "npz"}, "centre", False, None),
    ({}, "centre", False, None),
])  # fmt: skip
def test_the_mark_and_the_axes_are_those_of_the_data(data, mark, is_lps, spacing):
    cases = viewed([0], network_of([0.1], galleries=[gallery_of(["case0"])]), experiment={"data": data})
    found = viewer_panel(cases)["data"]
    assert (found["mark"], found["is_lps"], found["spacing"]) == (mark, is_lps, spacing)


def test_the_first_seed_s_heat_map_of_a_case_is_shown():
    maps = [HeatMaps(cases=np.array(["case0"]), labels=np.array([1]), heat=np.full((1, 2, 2, 1), value, np.uint8),
                     grid=np.array([[1.5, 4.0], [1.5, 4.0], [0.5, 2.0]])) for value in (10, 20)]  # fmt: skip
    gallery = gallery_of(["case0", "case1"])

    def heat_of(heat_maps):
        return [entry["heat"] for entry in viewer_panel(viewed([0, 0], network_of([0.1, 0.1], galleries=[gallery],
                heat_maps=heat_maps)))["voxels"]]  # fmt: skip

    assert heat_of(maps) == heat_of(maps[:1]) != heat_of(maps[1:])
    assert heat_of(maps)[1] == [None]


HU_NOTE = "Runs of archnet 0.1 store grey values in the training window only, so no other window is available."


@pytest.mark.parametrize(("gallery", "changes", "notes"), [
    ({}, {}, []),
    ({}, {"shown": "the lung window"}, ["The pictures show the lung window."]),
    ({"is_hu": False}, {}, [
        "The data are not known to be in Hounsfield units, so only the training window is available."]),
    ({"scales": None, "window": None, "is_hu": False}, {}, [HU_NOTE]),
    ({"scales": np.array([[2.0, 0.0]]), "window": (-1000, 1800)}, {}, ["On this page, values are rounded to 2 HU."]),
])  # fmt: skip
def test_a_note_says_what_the_voxels_are(gallery, changes, notes):
    cases = viewed([0], network_of([0.1], galleries=[gallery_of(["case0"], **gallery)]), **changes)
    assert viewer_panel(cases)["notes"] == notes


def test_notes_count_what_the_page_has_no_room_for(monkeypatch):
    number = 3002
    gallery = gallery_of([f"case{k}" for k in range(4)])
    cases = viewed([0] * number, network_of([0.1] * number, galleries=[gallery]))
    monkeypatch.setattr(viewer_data, "embed_cases", partial(embed_cases, max_text=1500))
    panel = viewer_panel(cases)
    shown = len(panel["voxels"])
    assert 0 < shown < 4
    assert panel["notes"][:2] == [
        f"The page has room for the images of {shown} of 4 cases; the rest are listed.",
        "Selections search 3,000 of the 3,002 cases, errors first.",
    ]
    assert (len(panel["data"]["names"]), panel["data"]["total"]) == (3000, 3002)
    whole = viewed([0] * 3000, network_of([0.1] * 3000, galleries=[gallery]))
    assert not any(note.startswith("Selections") for note in viewer_panel(whole)["notes"])


def test_large_cases_are_said_to_be_reduced():
    values = np.zeros((1, 300, 300, 4), np.int16)
    cases = viewed([0], network_of([0.1], galleries=[replace(gallery_of(["case0"]), values=values)]))
    (entry,) = viewer_panel(cases)["voxels"]
    assert viewer_panel(cases)["notes"] == [
        f"Large cases are shown as means over blocks of up to {max(entry['factors'])} voxels along an axis."
    ]


def test_no_page_has_no_rounding():
    assert (embed_cases([]).rounding, embed_cases([]).reduction) == (1.0, 1)
    gallery = gallery_of(["case0"])
    whole = embed_cases([KeptCase(row=0, gallery=gallery, number=0, heat_maps=())])
    (entry,) = whole.cases
    assert (entry["size"], entry["window"], entry["is_hu"], entry["heat"]) == ([8, 8, 2], (-1000, 400), True, [])
    assert "centre" not in entry


def test_the_data_of_a_comparison_are_those_of_its_first_run(tmp_path):
    folders = [write_run(tmp_path / name) for name in ("a", "b")]
    data = comparison_viewer(compare(folders))["data"]
    assert (data["is_lps"], data["mark"], data["reported"]) == (True, "candidate", 2)
    assert [network["name"] for network in data["networks"]] == ["a", "b"]
    assert data["columns"] == {"a": [0, 2], "b": [1, 2]}
