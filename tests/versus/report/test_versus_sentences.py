"""The sentences of a versus: answers, differences of areas, non-inferiority and cautions."""

from types import SimpleNamespace

import pytest

from archnet.versus.plan.form_names import MATCHES
from archnet.versus.report.versus_sentences import (
    answer_badge,
    answer_kind,
    answer_sentence,
    further_sentences,
    question_text,
    uncertainty_sentence,
    versus_cautions,
)
from archnet.versus.results.questions import Question
from verdicts import conclusion, side, verdict_of

CHANCE = {"is_better_than_chance": False, "auc": 0.52, "auc_interval": [0.43, 0.61]}


def question(result, match="macs", *, areas=(), **changes):
    """A question whose pairs have differences of the AUC."""
    comparison = areas and SimpleNamespace(pairs=[SimpleNamespace(differences={"auc": entry}) for entry in areas])
    return Question(match=match, comparison=comparison or None, result=result, variants=(), **changes)


@pytest.mark.parametrize("match", MATCHES)
def test_without_two_forms_there_is_no_answer(match):
    one = question(None, match)
    assert question_text(one) == f"What does depth add {MATCHES[match]}?"
    assert answer_sentence(one) == (
        f"{MATCHES[match][0].upper()}{MATCHES[match][1:]}: fewer than two forms have finished runs, so there is no answer."
    )
    assert (further_sentences(one), answer_badge(one), answer_kind(one)) == ([], "", "")


def test_an_answer_begins_with_its_condition():
    assert answer_sentence(question(verdict_of())).startswith(
        "At the same cost and at equal false-positive rates in validation (3.2%), the 3D network arch3dsm finds 41 of 42 "
    )
    sides = (side("archsm", "2D", **CHANCE), side("arch3dsm", "3D", **CHANCE))
    guessing = question(verdict_of(conclusion(kind="neither_better_than_chance"), sides=sides), "none")
    assert answer_sentence(guessing).startswith(
        "At the same widths: Neither the 3D network arch3dsm nor the 2D network archsm is shown to be better than chance: "
    )


def test_the_badge_is_that_of_the_main_pair_which_is_named_by_its_forms():
    sides = (side("archsm", "2D"), side("views", "2.5D"), side("arch3dsm", "3D"), side("arch3d", "3D"))
    others = (conclusion("views", kind="no_difference_shown"), conclusion(), conclusion("arch3d"))
    one = question(verdict_of(*others, sides=sides, main=1))
    assert (answer_badge(one), answer_kind(one)) == ("3D better", "other_better")
    without = question(verdict_of(sides=sides, main=None))
    assert (answer_badge(without), answer_kind(without)) == ("", "")


def test_other_forms_areas_and_costs_are_further_sentences():
    sides = (side("archsm", "2D"), side("views", None), side("arch3dsm", "3D"))
    result = verdict_of(conclusion("views", is_identical=True), conclusion(), sides=sides, main=1)
    areas = [{"difference": -0.0213, "interval": None}, {"difference": 0.05, "interval": [0.01, 0.09]}]
    assert further_sentences(question(result, areas=areas)) == [
        "views against archsm (2D): identical predictions.",
        "AUC: views minus 2D −0.021; 3D minus 2D +0.050 (95% CI +0.010 to +0.090).",
        "The 3D network arch3dsm takes 8.2 times the multiply-adds.",
    ]


@pytest.mark.parametrize(("num_classes", "label"), [(2, "AUC"), (3, "Macro AUC")])
def test_areas_of_more_than_two_classes_are_macro_means(num_classes, label):
    one = question(verdict_of(num_classes=num_classes), areas=[{"difference": 0.05, "interval": None}])
    assert f"{label}: 3D minus 2D +0.050." in further_sentences(one)


@pytest.mark.parametrize(
    ("lower", "is_noninferior", "end"),
    [
        (None, False, "cannot be tested: the difference has no interval."),
        (-0.0213, True, "is shown: the 95% CI of the difference reaches −2.1 percentage points."),
        (
            -0.049, False,
            "is not shown: the 95% CI of the difference reaches −4.9 percentage points, but with more false positives "
            "in the test set.",
        ),
        (-0.05, False, "is not shown: the 95% CI of the difference reaches −5.0 percentage points."),
        (-0.5, False, "is not shown: the 95% CI of the difference reaches −50.0 percentage points."),
    ],
)  # fmt: skip
def test_non_inferiority_is_a_sentence_with_the_end_of_the_interval(lower, is_noninferior, end):
    entry = {
        "tested": "archsm",
        "against": "arch3dsm",
        "margin": 0.05,
        "lower": lower,
        "is_noninferior": is_noninferior,
    }
    assert further_sentences(question(verdict_of(), noninferiorities=(entry,)))[-1] == (
        "Non-inferiority of the 2D network archsm to the 3D network arch3dsm, with a margin of 5 percentage points, "
        f"{end}"
    )


def variant(name, macs=1000, parameters=100, matches=("none",), *, is_original=False):
    return SimpleNamespace(name=name, macs=macs, parameters=parameters, matches=matches, is_original=is_original)


def versus_of(*variants, seeds=2, failures=()):
    """The parts of a versus that its cautions read."""
    every = (variant("net", matches=("none", "macs", "parameters"), is_original=True), *variants)
    failures = tuple(SimpleNamespace(variant=name, run=run, reason=reason) for name, run, reason in failures)
    plan = SimpleNamespace(variants=every, options=SimpleNamespace(seeds=seeds))
    return SimpleNamespace(plan=plan, failures=failures, comparisons={})


def test_one_seed_is_a_caution_and_a_limit_of_the_intervals():
    assert versus_cautions(versus_of(seeds=1)) == [
        "One training seed per network: the variance between seeds is unknown. Use --seeds 5."
    ]
    assert versus_cautions(versus_of(seeds=2)) == []
    assert uncertainty_sentence(versus_of(seeds=1)) == (
        "Each 95% interval covers the choice of patients only: with one training seed, the variance between seeds is "
        "unknown."
    )
    assert "each 95% interval covers other patients (groups of cases) and other training seeds, 2 of each network" in (
        uncertainty_sentence(versus_of(seeds=2))
    )


def test_failed_runs_are_cautions_of_their_variants():
    failures = [
        ("net_3d", "net_3d", "the loss is nan"), ("net_3d", "net_3d-seed1", "out of memory"),
        ("net_25d", "", "It is too large."), ("net_2d", "net_2d", "killed."),
    ]  # fmt: skip
    assert versus_cautions(versus_of(failures=failures)) == [
        "2 runs of net_3d failed (net_3d and net_3d-seed1): the loss is nan.",
        "net_25d was refused before it started: It is too large.",
        "1 run of net_2d failed (net_2d): killed.",
    ]


@pytest.mark.parametrize(("macs", "parameters", "cautions"), [
    (1029, 900, []),
    (1031, 900, ["net_3d has 1.03 times the multiply-adds of net, the closest that its widths allow: the comparison at "
                 "the same cost is not exact."]),
    (969, 900, ["net_3d has 0.97 times the multiply-adds of net, the closest that its widths allow: the comparison at "
                "the same cost is not exact."]),
])  # fmt: skip
def test_a_twin_that_misses_its_match_by_more_than_its_tolerance_is_a_caution(macs, parameters, cautions):
    assert versus_cautions(versus_of(variant("net_3d", macs, parameters, ("none", "macs")))) == cautions


def test_a_twin_that_misses_the_number_of_weights_is_a_caution():
    assert versus_cautions(versus_of(variant("net_3d", 9000, 110, ("parameters",)))) == [
        "net_3d has 1.10 times the parameters of net, the closest that its widths allow: the comparison "
        f"{MATCHES['parameters']} is not exact."
    ]
