from __future__ import annotations

import pytest

pytest.importorskip("matplotlib")

from rrgraph.figures import PlanPicture, draw_plan
from rrgraph.util.figure_style import svg_text

PICTURE = PlanPicture(
    target="BaTiO3",
    links={"BaO2": 0.05, "BaCO3": 0.9, "TiO2": 0.97},
    sets=[["BaCO3", "TiO2"], ["BaO2", "TiO2"]],
    probabilities=[0.8, 0.031],
)


@pytest.fixture(scope="module")
def axis():
    return draw_plan(PICTURE).axes[0]


def test_candidates_stand_in_the_order_of_their_probability(axis):
    heights = {text.get_text(): text.get_position()[1] for text in axis.texts}
    assert heights["TiO₂  97 %"] > heights["BaCO₃  90 %"] > heights["BaO₂  5.0 %"]


def test_bars_are_as_long_as_the_probabilities(axis):
    lengths = [bar.get_width() for bar in axis.patches]
    full = lengths[0]
    assert [round(length / full, 6) for length in lengths] == [1, 0.8, 1, 0.031]
    assert {"80 %", "3.1 %"} <= {text.get_text() for text in axis.texts}


def test_every_set_is_joined_to_its_members(axis):
    candidates, sets = len(PICTURE.links), sum(len(members) for members in PICTURE.sets)
    assert len(axis.lines) == candidates + sets


def test_the_same_plan_gives_the_same_file():
    assert svg_text(draw_plan(PICTURE)) == svg_text(draw_plan(PICTURE))
