"""The colours: each can be read on its ground, and no two of a kind are mistaken for each other, in light and dark."""

from itertools import combinations

import numpy as np
import pytest

from archnet.report.figures.theme import DARK, LIGHT

THEMES = {"light": LIGHT, "dark": DARK}
GROUNDS = ("paper", "panel", "caution")
TEXTS = ("ink", "faint", "accent", "right", "wrong")
DECORATIVE = ("line",)
# Machado, Oliveira and Fernandes 2009, doi:10.1109/TVCG.2009.113, severity 1
VISION = {
    "typical": np.eye(3),
    "protanopia": np.array([[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]]),
    "deuteranopia": np.array([[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.01182, 0.04294, 0.968881]]),
}  # fmt: skip


def linear(colour):
    """Linear red, green and blue of #rrggbb."""
    values = np.array([int(colour[k : k + 2], 16) for k in (1, 3, 5)]) / 255
    return np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4)


def contrast(one, other):
    """Contrast ratio by WCAG 2.2."""
    low, high = sorted(float(linear(colour) @ [0.2126, 0.7152, 0.0722]) for colour in (one, other))
    return (high + 0.05) / (low + 0.05)


def lab(colour, vision):
    """CIE L*a*b* of a colour as it appears."""
    seen = np.clip(VISION[vision] @ linear(colour), 0, 1)
    xyz = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]]) @ seen
    x, y, z = np.cbrt(xyz / [0.9505, 1, 1.089])
    return np.array([116 * y - 16, 500 * (x - y), 200 * (y - z)])


def test_the_contrast_is_that_of_the_guidelines_own_examples():
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.005)


@pytest.mark.parametrize("theme", THEMES.values(), ids=THEMES)
def test_every_colour_can_be_read_on_every_ground(theme):
    variables = theme.variables()
    for name in set(variables) - {*GROUNDS, *DECORATIVE}:
        least = 4.5 if name in TEXTS else 3.0
        for ground in GROUNDS:
            assert contrast(variables[name], variables[ground]) >= least, (name, ground)


@pytest.mark.parametrize("vision", VISION)
@pytest.mark.parametrize("theme", THEMES.values(), ids=THEMES)
def test_colours_of_a_kind_are_distinguished_also_without_red_or_green(theme, vision):
    for colours in (theme.networks, theme.sets.values(), (theme.right, theme.wrong)):
        for one, other in combinations(colours, 2):
            assert np.linalg.norm(lab(one, vision) - lab(other, vision)) > 20, (one, other)


def test_light_and_dark_colours_have_the_same_names():
    assert list(DARK.variables()) == list(LIGHT.variables())
    assert LIGHT.style_rule().startswith(":root { --ink: #1b1f24; --faint: #59636e;")
    assert set(LIGHT.sets) == {"train", "validation", "test"}
