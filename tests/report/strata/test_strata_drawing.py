"""The layout of the figure of strata."""

from archnet.report.strata.strata_drawing import strata_drawing
from drawings import outline


def network(recall, interval):
    return {"recall": recall, "auc": None, "intervals": {"recall": interval, "auc": None}}


def stratum(name, positives, networks, **difference):
    paired = [{"reference": "flat", "other": "deep", "differences": {"recall": difference}}]
    size = {"n": 40, "positives": positives, "groups": (positives + 1) // 2, "is_small": positives < 10}
    return {"name": name, **size, "networks": networks, "paired": paired}


COLUMN = {
    "name": "site",
    "is_of_positives": False,
    "strata": [
        stratum(
            "A", 12, [network(0.5, [0.25, 0.75]), network(0.75, [0.5, 1.0])],
            difference=0.25, interval=[0.1, 0.4], p=0.01, p_holm=0.02,
        ),
        stratum("B", 1, [network(None, None), network(0.5, None)], difference=None, interval=None, p=None, p_holm=None),
    ],
}  # fmt: skip


def test_results_and_differences_are_side_by_side_on_a_wide_page():
    drawing = strata_drawing(COLUMN, ["flat", "deep"], "recall")
    assert outline(drawing) == [
        "drawing 760 x 246",
        "text 14 20 font-size=14 fill=var(--ink) font-weight=bold 'recall, by site'",
        "path M14 30V166 stroke=var(--line) fill=none",
        "text 14 183 font-size=12 fill=var(--faint) text-anchor=middle '0.0'",
        "path M83.8 30V166 stroke=var(--line) fill=none",
        "text 83.8 183 font-size=12 fill=var(--faint) text-anchor=middle '0.2'",
        "path M153.6 30V166 stroke=var(--line) fill=none",
        "text 153.6 183 font-size=12 fill=var(--faint) text-anchor=middle '0.4'",
        "path M223.4 30V166 stroke=var(--line) fill=none",
        "text 223.4 183 font-size=12 fill=var(--faint) text-anchor=middle '0.6'",
        "path M293.2 30V166 stroke=var(--line) fill=none",
        "text 293.2 183 font-size=12 fill=var(--faint) text-anchor=middle '0.8'",
        "path M363 30V166 stroke=var(--line) fill=none",
        "text 363 183 font-size=12 fill=var(--faint) text-anchor=middle '1.0'",
        "rect 10 34 width=357 height=18 fill=var(--paper)",
        "text 14 47 font-size=12 fill=var(--ink) 'A: 12 positives in 6 groups'",
        "path M101.2 64L275.8 64 stroke=var(--s0) fill=none stroke-width=2.6 stroke-linejoin=round",
        "circle cx=188.5 cy=64 r=5 fill=var(--s0) stroke=var(--s0) stroke-width=2",
        "path M188.5 84L363 84 stroke=var(--s1) fill=none stroke-width=2.6 stroke-linejoin=round",
        "circle cx=275.8 cy=84 r=5 fill=var(--s1) stroke=var(--s1) stroke-width=2",
        "rect 10 100 width=357 height=18 fill=var(--paper)",
        "text 14 113 font-size=12 fill=var(--ink) 'B: 1 positive in 1 group, few'",
        "text 22 134 font-size=12 fill=var(--faint) 'undefined'",
        "circle cx=188.5 cy=150 r=5 fill=var(--s1) stroke=var(--s1) stroke-width=2",
        "text 397 20 font-size=14 fill=var(--ink) font-weight=bold 'difference from flat'",
        "path M434.7 30V166 stroke=var(--line) fill=none",
        "text 434.7 183 font-size=12 fill=var(--faint) text-anchor=middle '0.0'",
        "path M544.1 30V166 stroke=var(--line) fill=none",
        "text 544.1 183 font-size=12 fill=var(--faint) text-anchor=middle '0.2'",
        "path M653.6 30V166 stroke=var(--line) fill=none",
        "text 653.6 183 font-size=12 fill=var(--faint) text-anchor=middle '0.4'",
        "path M434.7 166L434.7 30 stroke=var(--faint) fill=none stroke-width=1.2 stroke-linejoin=round",
        "path M489.4 84L653.6 84 stroke=var(--s1) fill=none stroke-width=2.6 stroke-linejoin=round",
        "circle cx=571.5 cy=84 r=5 fill=var(--s1) stroke=var(--s1) stroke-width=2",
        "text 742 88 font-size=12 fill=var(--faint) text-anchor=end 'p = 0.020'",
        "text 442.7 154 font-size=12 fill=var(--faint) 'undefined'",
        "circle cx=20 cy=206 r=5 fill=var(--s0)",
        "text 32 210 font-size=12 fill=var(--ink) 'flat'",
        "circle cx=20 cy=224 r=5 fill=var(--s1)",
        "text 32 228 font-size=12 fill=var(--ink) 'deep'",
    ]
    assert drawing.alt == (
        "Recall by site, with 95% intervals. A: flat 0.500 (0.250 to 0.750); deep 0.750 (0.500 to 1.000), difference "
        "+0.250; B: flat undefined; deep 0.500."
    )


def test_differences_are_below_the_results_on_a_phone():
    assert outline(strata_drawing(COLUMN, ["flat", "deep"], "recall").narrow) == [
        "drawing 362 x 456",
        "text 14 20 font-size=14 fill=var(--ink) font-weight=bold 'recall, by site'",
        "path M14 30V166 stroke=var(--line) fill=none",
        "text 14 183 font-size=12 fill=var(--faint) text-anchor=middle '0.0'",
        "path M80.8 30V166 stroke=var(--line) fill=none",
        "text 80.8 183 font-size=12 fill=var(--faint) text-anchor=middle '0.2'",
        "path M147.6 30V166 stroke=var(--line) fill=none",
        "text 147.6 183 font-size=12 fill=var(--faint) text-anchor=middle '0.4'",
        "path M214.4 30V166 stroke=var(--line) fill=none",
        "text 214.4 183 font-size=12 fill=var(--faint) text-anchor=middle '0.6'",
        "path M281.2 30V166 stroke=var(--line) fill=none",
        "text 281.2 183 font-size=12 fill=var(--faint) text-anchor=middle '0.8'",
        "path M348 30V166 stroke=var(--line) fill=none",
        "text 348 183 font-size=12 fill=var(--faint) text-anchor=middle '1.0'",
        "rect 10 34 width=342 height=18 fill=var(--paper)",
        "text 14 47 font-size=12 fill=var(--ink) 'A: 12 positives in 6 groups'",
        "path M97.5 64L264.5 64 stroke=var(--s0) fill=none stroke-width=2.6 stroke-linejoin=round",
        "circle cx=181 cy=64 r=5 fill=var(--s0) stroke=var(--s0) stroke-width=2",
        "path M181 84L348 84 stroke=var(--s1) fill=none stroke-width=2.6 stroke-linejoin=round",
        "circle cx=264.5 cy=84 r=5 fill=var(--s1) stroke=var(--s1) stroke-width=2",
        "rect 10 100 width=342 height=18 fill=var(--paper)",
        "text 14 113 font-size=12 fill=var(--ink) 'B: 1 positive in 1 group, few'",
        "text 22 134 font-size=12 fill=var(--faint) 'undefined'",
        "circle cx=181 cy=150 r=5 fill=var(--s1) stroke=var(--s1) stroke-width=2",
        "text 14 230 font-size=14 fill=var(--ink) font-weight=bold 'difference from flat'",
        "path M50.1 240V376 stroke=var(--line) fill=none",
        "text 50.1 393 font-size=12 fill=var(--faint) text-anchor=middle '0.0'",
        "path M154.8 240V376 stroke=var(--line) fill=none",
        "text 154.8 393 font-size=12 fill=var(--faint) text-anchor=middle '0.2'",
        "path M259.5 240V376 stroke=var(--line) fill=none",
        "text 259.5 393 font-size=12 fill=var(--faint) text-anchor=middle '0.4'",
        "path M50.1 376L50.1 240 stroke=var(--faint) fill=none stroke-width=1.2 stroke-linejoin=round",
        "rect 10 244 width=342 height=18 fill=var(--paper)",
        "text 14 257 font-size=12 fill=var(--ink) 'A: 12 positives in 6 groups'",
        "path M102.5 294L259.5 294 stroke=var(--s1) fill=none stroke-width=2.6 stroke-linejoin=round",
        "circle cx=181 cy=294 r=5 fill=var(--s1) stroke=var(--s1) stroke-width=2",
        "text 344 298 font-size=12 fill=var(--faint) text-anchor=end 'p = 0.020'",
        "rect 10 310 width=342 height=18 fill=var(--paper)",
        "text 14 323 font-size=12 fill=var(--ink) 'B: 1 positive in 1 group, few'",
        "text 58.1 364 font-size=12 fill=var(--faint) 'undefined'",
        "circle cx=20 cy=416 r=5 fill=var(--s0)",
        "text 32 420 font-size=12 fill=var(--ink) 'flat'",
        "circle cx=20 cy=434 r=5 fill=var(--s1)",
        "text 32 438 font-size=12 fill=var(--ink) 'deep'",
    ]


def test_a_difference_whose_interval_has_zero_at_its_end_is_hollow():
    for interval, is_hollow in (([0.0, 0.4], True), ([-0.4, 0.0], True), ([-0.4, 0.4], True), ([0.001, 0.4], False)):
        entry = stratum("A", 12, COLUMN["strata"][0]["networks"], difference=0.1, interval=interval, p=0.1, p_holm=0.2)
        drawing = strata_drawing({**COLUMN, "strata": [entry]}, ["flat", "deep"], "recall")
        dots = [line for line in outline(drawing) if line.startswith("circle")]
        assert ("fill=var(--paper)" in dots[2]) is is_hollow, interval
