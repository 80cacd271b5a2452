"""Drawings as SVG: one text for page and file, in colours that follow the page, whatever names the data hold."""

from xml.etree import ElementTree

import pytest

from archnet.report.figures.panel import Axis, Panel, integer_ticks, linear_axis, linear_ticks, path_data
from archnet.report.figures.svg import Drawing, colour, element, text
from archnet.report.figures.theme import LIGHT
from drawings import SVG, parse, texts

EVIL = ["</svg><script>alert(1)</script>", '" onload="alert(1)', "a & b", "var(--ink)", "]]>", "<!--"]


def drawing_of(elements, alt="what it says"):
    return Drawing(width=40, height=30.4, elements=elements, alt=alt)


@pytest.mark.parametrize("name", EVIL)
def test_whatever_a_name_holds_it_is_text(name):
    drawing = drawing_of(text(name, 1, 2) + element("circle", data_column=name), alt=name)
    for root in (parse(drawing), ElementTree.fromstring(drawing.__html__())):
        assert root.get("aria-label") == name
        assert [part.text for part in root.iter() if part.tag.endswith("text")] == [name]
        assert [part.get("data-column") for part in root.iter() if part.tag.endswith("circle")] == [name]
        assert not {part.tag for part in root.iter()} & {"script", SVG + "script"}
        assert not [part for part in root.iter() if part.get("onload")]


def test_control_characters_of_texts_and_attributes_are_escaped():
    drawing = drawing_of(text("a\x00b\x1b\ud800\u202e\tc", 0, 0), alt="a\x00b\ud800")
    assert texts(drawing) == ["a\\x00b\\x1b\\ud800\\u202e\tc"]
    assert parse(drawing).get("aria-label") == "a\\x00b\\ud800"


def test_a_page_colours_a_drawing_and_a_file_has_plain_light_colours():
    drawing = drawing_of(element("path", d="M0 0", stroke=colour("ink"), fill=colour("s1")))
    assert 'stroke="var(--ink)" fill="var(--s1)"' in drawing.__html__()
    assert f'stroke="{LIGHT.ink}" fill="{LIGHT.networks[1]}"' in drawing.to_file()
    assert "var(" not in drawing.to_file()


def test_a_file_has_a_background_and_a_page_provides_its_own():
    ground = parse(drawing_of("x")).find(f"{SVG}rect")
    assert (ground.get("width"), ground.get("height"), ground.get("fill")) == ("40", "30.4", "#ffffff")
    assert "rect" not in drawing_of("x").__html__()


def test_a_drawing_says_its_size_and_what_it_shows():
    for text_ in (drawing_of("x").to_file(), drawing_of("x").__html__()):
        root = ElementTree.fromstring(text_)
        assert {key: root.get(key) for key in ("viewBox", "width", "height", "role", "aria-label")} == {
            "viewBox": "0 0 40 30", "width": "40", "height": "30", "role": "img", "aria-label": "what it says",
        }  # fmt: skip


def test_a_page_has_both_layouts_of_a_drawing_and_a_file_the_wide_one():
    narrow = Drawing(width=20, height=60, elements="", alt="what it says")
    drawing = Drawing(width=40, height=30, elements="", alt="what it says", narrow=narrow)
    page = ElementTree.fromstring(f"<p>{drawing.__html__()}</p>")
    assert [(svg.get("class"), svg.get("viewBox")) for svg in page] == [
        ("drawing wide", "0 0 40 30"), ("drawing narrow", "0 0 20 60"),
    ]  # fmt: skip
    assert parse(drawing).get("viewBox") == "0 0 40 30"


def test_an_undefined_point_interrupts_a_line():
    axis = Axis(label="", low=0, high=4, ticks=())
    panel = Panel(left=0, top=0, width=4, height=4, x=axis, y=axis)
    line = panel.line([0, 1, 2, 3, 4], [0, 2, float("nan"), 1, 3], "red")
    assert 'd="M0 4L1 2M3 3L4 1"' in line
    assert panel.line([1], [float("nan")], "red") == ""


def test_points_on_one_level_are_drawn_as_one_line():
    axis = Axis(label="", low=0, high=9, ticks=())
    panel = Panel(left=0, top=0, width=9, height=9, x=axis, y=axis)
    assert path_data(panel.points([0, 1, 2, 3, 3, 3, 9], [9, 9, 9, 9, 5, 0, 0])) == "M0 0L3 0L3 9L9 9"


def test_a_logarithmic_axis_gives_equal_ratios_equal_lengths():
    axis = Axis(label="", low=1, high=100, ticks=(), is_logarithmic=True)
    assert axis.positions([1, 10, 100]).tolist() == pytest.approx([0, 0.5, 1])


@pytest.mark.parametrize(
    "values", [[0.1, 0.7], [3], [0], [1e6, 9e6], [-0.3, 0.2], [1e-9, 2e-9], [None], [float("inf"), 1]]
)
def test_an_axis_holds_all_its_finite_values_and_has_ticks_that_say_what_they_are(values):
    axis = linear_axis("x", values)
    finite = [value for value in values if value is not None and value != float("inf")]
    assert all(axis.low < value < axis.high for value in finite)
    assert 2 <= len(axis.ticks) <= 7
    for value, label in axis.ticks:
        assert axis.low <= value <= axis.high
        assert float(label.replace("\N{MINUS SIGN}", "-")) == pytest.approx(value, abs=1e-12)


def test_epochs_have_whole_numbers_only():
    assert integer_ticks(0.5, 3.2) == ((1.0, "1"), (2.0, "2"), (3.0, "3"))
    assert integer_ticks(0.95, 1.05) == ((1.0, "1"),)
    assert [label for _, label in linear_ticks(0, 1)] == ["0.0", "0.2", "0.4", "0.6", "0.8", "1.0"]
