"""Words for strata."""

import re

import pytest

from archnet.errors import RunError
from archnet.report.strata.strata_wording import (
    choose_columns,
    column_label,
    size_text,
    strata_note,
    strata_sentence,
    stratum_label,
)


def difference(value, p_holm):
    return {"difference": value, "interval": [value - 0.1, value + 0.1], "p": p_holm, "p_holm": p_holm}


def column_of(entries, name="diameter_mm", others=("deep",)):
    """A column whose strata have the differences (recall, AUC) of each other network."""
    strata = [
        {
            "name": stratum,
            "n": 12, "positives": 12, "groups": 6, "is_small": False,
            "paired": [
                {"reference": "flat", "other": other, "differences": {"recall": recall, "auc": auc}}
                for other, (recall, auc) in zip(others, pairs, strict=True)
            ],
        }
        for stratum, pairs in entries.items()
    ]  # fmt: skip
    return {"name": name, "is_of_positives": True, "strata": strata}


NONE = difference(0.02, 0.8)


def test_a_sentence_names_the_strata_with_a_difference_after_the_correction():
    column = column_of({
        "under 6": [(difference(0.3, 0.04), NONE)],
        "6 to 8": [(difference(-0.2, 0.01), NONE)],
        "8 to 15": [(difference(0.4, 0.051), difference(0.1, 0.02))],
        "over 15": [(difference(0.25, 0.05), NONE)],
    })  # fmt: skip
    assert strata_sentence(column) == (
        "By nodule diameter, compared with flat and after Holm's correction: the recall of deep is higher for under 6 mm "
        "(+0.300) and over 15 mm (+0.250) and lower for 6 to 8 mm (−0.200); the AUC of deep is higher for 8 to 15 mm "
        "(+0.100)."
    )


def test_without_a_difference_the_sentence_says_so_once_for_all_networks():
    column = column_of({"A": [(NONE, NONE), (NONE, NONE)], "B": [(NONE, NONE), (NONE, NONE)]}, "site", ("deep", "wide"))
    expected = "By site, no stratum shows a difference in recall or AUC from flat after Holm's correction."
    assert strata_sentence(column) == expected


def test_a_single_network_has_no_sentence():
    assert strata_sentence({"name": "site", "strata": [{"name": "A"}, {"name": "B"}]}) == ""


@pytest.mark.parametrize(
    ("column", "label"),
    [
        ("diameter_mm", "nodule diameter"),
        ("slice_spacing_mm", "slice spacing"),
        ("num_slices", "number of slices"),
        ("tube_voltage_kv", "tube voltage"),
        ("my_site", "my_site"),
    ],
)
def test_attributes_have_words(column, label):
    assert column_label(column) == label


@pytest.mark.parametrize(
    ("column", "name", "label"),
    [
        ("diameter_mm", "6 to 8", "6 to 8 mm"),
        ("slice_thickness_mm", "1.25", "1.25 mm"),
        ("slice_thickness_mm", "up to 1e-05", "up to 1e-05 mm"),
        ("slice_thickness_mm", "3 other values", "3 other values"),
        ("tube_voltage_kv", "over 120", "over 120 kV"),
        ("site", "6 to 8", "6 to 8"),
        ("diameter_mm", "unknown", "unknown"),
    ],
)
def test_numbers_have_the_unit_of_their_attribute(column, name, label):
    assert stratum_label(column, name) == label


def test_a_small_stratum_is_marked():
    assert size_text({"n": 40, "positives": 1, "groups": 1, "is_small": True}, "recall") == "1 positive in 1 group, few"
    assert (
        size_text({"n": 40, "positives": 12, "groups": 9, "is_small": False}, "macro_recall") == "40 cases in 9 groups"
    )


STRATA = {
    "measure": "recall",
    "columns": [
        column_of({"A": [], "B": []}, name, ()) for name in ("slice_spacing_mm", "site", "num_slices", "diameter_mm")
    ],
}


def test_tables_leave_out_what_every_scan_has_unless_it_is_asked_for():
    assert [one["name"] for one in choose_columns(STRATA)] == ["site", "diameter_mm"]
    assert [one["name"] for one in choose_columns(STRATA, ["num_slices", "site"])] == ["num_slices", "site"]
    assert choose_columns({}) == []


@pytest.mark.parametrize(
    ("strata", "name", "message"),
    [
        (
            STRATA,
            "sites",
            '--by sites: the compared cases have no strata of "sites". Did you mean "site"? Attributes with strata: '
            "slice_spacing_mm, site, num_slices, diameter_mm.",
        ),
        ({}, "site", '--by site: the compared cases have no strata of "site". No attribute has two strata.'),
    ],
)
def test_an_attribute_without_strata_is_refused(strata, name, message):
    with pytest.raises(RunError, match=f"^{re.escape(message)}$"):
        choose_columns(strata, [name])


def test_the_note_says_what_the_numbers_are():
    column = column_of({"A": [(NONE, NONE)], "B": [(NONE, NONE)]})
    column["strata"][0]["is_small"] = True
    assert strata_note({"measure": "recall"}, [column]) == (
        "Each recall is measured at the network's own threshold and has a 95% interval. p is adjusted by Holm's "
        "method for all strata and networks of the attribute; the intervals are not. Where only positive cases have an attribute, the "
        'AUC ranks them against all other cases. "Few" marks strata with fewer than 10 positives or 5 groups.'
    )
    plain = {"name": "site", "is_of_positives": False, "strata": [{"name": "A", "is_small": False}]}
    assert "Where only positive cases have an attribute" in strata_note({"measure": "recall"}, [plain, column])
    for measure, words in {"macro_recall": "macro recall", "accuracy": "accuracy"}.items():
        assert strata_note({"measure": measure}, [plain]) == (
            f"Each {words} is measured at the network's own threshold and has a 95% interval."
        )
