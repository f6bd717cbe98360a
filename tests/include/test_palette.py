"""Colours of tiers: always the same for one tier, and told apart by people with any colour vision."""

import tomllib
from itertools import combinations

import numpy as np
import pytest

from dashboard.components.colours import GROWTH, SEGMENTS
from include.warehouse.palette import OWN_TIERS, STATUS, TIER, tier_colours
from include.warehouse.settings import REPOSITORY

# What each kind of colour blindness leaves of linear RGB (Machado, Oliveira and Fernandes, 2009).
VISION = {
    "all colours": [[1, 0, 0], [0, 1, 0], [0, 0, 1]],
    "no red": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
    "no green": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.01182, 0.04294, 0.968881]],
    "no blue": [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.3039]],
}
TO_XYZ = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])
WHITE = np.array([0.9505, 1, 1.089])
# Contrast with the background that an area needs, be it pale on white or dark on black.
SEEN = {"light": 1.4, "dark": 2.0}


def in_linear_rgb(colour: str) -> np.ndarray:
    shade = np.array([int(colour[start : start + 2], 16) for start in (1, 3, 5)]) / 255
    return np.where(shade <= 0.04045, shade / 12.92, ((shade + 0.055) / 1.055) ** 2.4)


def contrast(one: str, other: str) -> float:
    """As the Web Content Accessibility Guidelines define it: from 1 for equal colours to 21 for black and white."""
    lights = sorted(float(TO_XYZ[1] @ in_linear_rgb(colour)) for colour in (one, other))
    return (lights[1] + 0.05) / (lights[0] + 0.05)


def in_lab(colour: str, vision: str) -> np.ndarray:
    xyz = TO_XYZ @ np.clip(np.array(VISION[vision]) @ in_linear_rgb(colour), 0, 1) / WHITE
    x, y, z = np.where(xyz > 0.008856, np.cbrt(xyz), 7.787 * xyz + 16 / 116)
    return np.array([116 * y - 16, 500 * (x - y), 200 * (y - z)])


@pytest.mark.parametrize("vision", VISION)
def test_colours_of_tiers_are_told_apart(vision: str) -> None:
    for one, other in combinations([*OWN_TIERS, *TIER.values()], 2):
        assert np.linalg.norm(in_lab(one, vision) - in_lab(other, vision)) >= 16, (one, other)


@pytest.mark.parametrize("light", SEEN)
def test_colours_are_seen_on_the_background(light: str) -> None:
    themes = tomllib.loads((REPOSITORY / "dashboard" / ".streamlit" / "config.toml").read_text(encoding="utf-8"))
    background = themes["theme"][light]["backgroundColor"]
    for colour in [*OWN_TIERS, *TIER.values(), *STATUS.values(), *SEGMENTS, *GROWTH.values()]:
        assert contrast(colour, background) >= SEEN[light], colour


def test_a_tier_keeps_its_colour_whatever_rules_come_later() -> None:
    rule_sets = [["platinum", "gold"], ["S", "A", "C"], ["A", "C", "gold", "new"]]
    colours = tier_colours(rule_sets)
    assert colours == colours | tier_colours(rule_sets[:2])
    assert len(set(colours.values())) == len(colours) == 4 + len(TIER)
    many = [[f"tier {number}" for number in range(start, start + 12)] for start in (0, 8, 30)]
    for tiers in many:
        assert len({tier_colours(many)[tier] for tier in tiers}) == len(tiers)
    # with more than there are, each is used about as often
    crowd = tier_colours([[f"tier {number}" for number in range(99)]])
    assert set(crowd.values()) == {*OWN_TIERS, *TIER.values()}
