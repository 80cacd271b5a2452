"""Recall bars and the picture of a verdict, element by element."""

import math
from dataclasses import replace

import pytest

from archnet.report.figures.svg import text_width
from archnet.report.verdict.recall_bars import NARROW, WIDE, Bar, recall_bars
from archnet.report.verdict.verdict_picture import PictureContent, verdict_picture, wrap_text
from drawings import outline, texts


def bar(label, text, value, interval=None, hue="red", **mark):
    return Bar(label=label, text=text, value=value, interval=interval, hue=hue, **mark)


FIRST = bar("archsm (2D)", "3 of 42, 7.1%", 0.25, [0.125, 0.5])
BARS = [
    FIRST,
    bar("arch3dsm (3D)", "97.6%", 0.75, hue="blue", mark=0.5, mark_name="archsm"),
    bar("views (2.5D)", "undefined", None, hue="green"),
]


def test_bars_have_their_labels_numbers_intervals_and_marks():
    drawing = recall_bars("Recall", BARS, 102)
    assert outline(drawing) == [
        "drawing 102 x 184",
        "path M1 18V138 stroke=var(--line)",
        "text 1 153 font-size=12 fill=var(--faint) text-anchor=start '0%'",
        "path M26 18V138 stroke=var(--line)",
        "text 26 153 font-size=12 fill=var(--faint) text-anchor=middle '25%'",
        "path M51 18V138 stroke=var(--line)",
        "text 51 153 font-size=12 fill=var(--faint) text-anchor=middle '50%'",
        "path M76 18V138 stroke=var(--line)",
        "text 76 153 font-size=12 fill=var(--faint) text-anchor=middle '75%'",
        "path M101 18V138 stroke=var(--line)",
        "text 101 153 font-size=12 fill=var(--faint) text-anchor=end '100%'",
        "text 0 13 font-size=12 fill=var(--ink) font-weight=600 'archsm (2D)'",
        "text 102 13 font-size=12 fill=var(--ink) text-anchor=end '3 of 42, 7.1%'",
        "rect 1 18 width=25 height=18 fill=red rx=2",
        "path M13.5 27H51M13.5 22v10M51 22v10 stroke=var(--paper) stroke-width=3.8 fill=none",
        "path M13.5 27H51M13.5 22v10M51 22v10 stroke=var(--ink) stroke-width=1.8 fill=none",
        "text 0 59 font-size=12 fill=var(--ink) font-weight=600 'arch3dsm (3D)'",
        "text 102 59 font-size=12 fill=var(--ink) text-anchor=end '97.6%'",
        "rect 1 64 width=75 height=18 fill=blue rx=2",
        "path M51 61v24 stroke=var(--paper) stroke-width=4 fill=none",
        "path M51 61v24 stroke=var(--ink) stroke-width=2 fill=none stroke-dasharray=3 2",
        "text 0 105 font-size=12 fill=var(--ink) font-weight=600 'views (2.5D)'",
        "text 102 105 font-size=12 fill=var(--ink) text-anchor=end 'undefined'",
        "path M4 163v14 stroke=var(--ink) stroke-width=2 stroke-dasharray=3 2",
        "text 14 174 font-size=12 fill=var(--faint) 'archsm at the same false-positive rate'",
    ]
    assert drawing.alt == (
        "Recall: archsm (2D) 3 of 42, 7.1% (12.5% to 50.0%); arch3dsm (3D) 97.6%; views (2.5D) undefined."
    )


def test_more_than_three_bars_are_thin():
    assert [
        line for line in outline(recall_bars("Recall", [FIRST] * 4, 102)) if line.startswith(("rect", "drawing"))
    ] == [
        "drawing 102 x 178",
        "rect 1 18 width=25 height=10 fill=red rx=2",
        "rect 1 56 width=25 height=10 fill=red rx=2",
        "rect 1 94 width=25 height=10 fill=red rx=2",
        "rect 1 132 width=25 height=10 fill=red rx=2",
    ]
    assert outline(recall_bars("Recall", [FIRST] * 3, 102))[0] == "drawing 102 x 164"


def test_texts_of_a_bar_are_at_least_12_pixels_apart():
    def shown(width):
        return texts(recall_bars("Recall", [FIRST], width))[-2:]

    whole = f"{FIRST.text} (12.5% to 50.0%)"
    enough = math.ceil(text_width(FIRST.label) + text_width(whole) + 12)
    assert [shown(enough), shown(enough - 1)] == [[FIRST.label, whole], [FIRST.label, FIRST.text]]
    enough = math.ceil(text_width(FIRST.label) + text_width(FIRST.text) + 12)
    assert shown(enough) == [FIRST.label, FIRST.text]
    long = replace(FIRST, label="network_" * 6)
    enough = math.ceil(text_width(long.label) + text_width(FIRST.text) + 12)
    labels = [texts(recall_bars("Recall", [long], width))[-2] for width in (enough, enough - 1)]
    assert [label == long.label for label in labels] == [True, False]


def test_a_bar_of_nothing_is_still_seen():
    assert "rect 1 18 width=1.5 height=18 fill=red rx=2" in outline(recall_bars("", [bar("a", "0%", 0.0)], 102))


@pytest.mark.parametrize(("width", "number"), [(WIDE, "3 of 42, 7.1% (12.5% to 50.0%)"), (200, "3 of 42, 7.1%")])
def test_the_interval_is_left_out_where_it_does_not_fit(width, number):
    assert texts(recall_bars("Recall", [FIRST], width))[-2:] == ["archsm (2D)", number]


def test_a_label_is_shortened_only_where_it_does_not_fit():
    long = bar("a_network_with_a_very_long_name_of_many_words (3D)", "41 of 42, 97.6%", 0.976)
    assert texts(recall_bars("Recall", [long], WIDE))[-2] == long.label
    assert texts(recall_bars("Recall", [long], NARROW))[-2] != long.label


def test_lines_are_wrapped_at_nine_tenths_of_their_estimated_width():
    width = 0.9 * text_width("one two", 10)
    assert wrap_text("one two three", 10, width) == ["one two", "three"]
    assert wrap_text("one two three", 10, width - 0.01) == ["one", "two", "three"]


def test_the_picture_of_a_verdict_has_all_its_texts_around_the_bars():
    content = PictureContent(
        title="t", badge="3D better", sentences=("One sentence.", "Another."), bars_title="Recall",
        bars=recall_bars("Recall", [FIRST], 336), facts=("1 nodule", "2 cases"), cautions=("Few.",), origin="today",
    )  # fmt: skip
    drawing = verdict_picture(content)
    assert [line for line in outline(drawing) if not line.startswith(("path", "rect"))] == [
        "drawing 720 x 401.55",
        "text 24 40.2 font-size=12 fill=var(--faint) 't'",
        "text 24 75.9 font-size=22 fill=var(--ink) font-weight=700 '3D better'",
        "text 24 101.5 font-size=16 fill=var(--ink) 'One sentence.'",
        "text 24 127.1 font-size=16 fill=var(--ink) 'Another.'",
        "text 24 153.3 font-size=12 fill=var(--faint) 'Recall'",
        "g transform=translate(24 161.3) scale(2.0000)",
        "text 1 61 font-size=12 fill=var(--faint) text-anchor=start '0%'",
        "text 84.5 61 font-size=12 fill=var(--faint) text-anchor=middle '25%'",
        "text 168 61 font-size=12 fill=var(--faint) text-anchor=middle '50%'",
        "text 251.5 61 font-size=12 fill=var(--faint) text-anchor=middle '75%'",
        "text 335 61 font-size=12 fill=var(--faint) text-anchor=end '100%'",
        "text 0 13 font-size=12 fill=var(--ink) font-weight=600 'archsm (2D)'",
        "text 336 13 font-size=12 fill=var(--ink) text-anchor=end '3 of 42, 7.1% (12.5% to 50.0%)'",
        "text 24 335.5 font-size=12 fill=var(--ink) '1 nodule · 2 cases'",
        "text 24 356.7 font-size=12 fill=var(--wrong) 'Caution: Few.'",
        "text 24 377.55 font-size=11 fill=var(--faint) 'today'",
    ]
    assert drawing.alt == f"3D better One sentence. Another. {content.bars.alt}"
