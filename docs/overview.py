"""Draw docs/assets/overview.svg, the picture at the head of the README, from a plan of the bundled model.

python docs/overview.py
"""

from __future__ import annotations

from pathlib import Path

import rrgraph as rr
from rrgraph.figures import PlanPicture, draw_plan
from rrgraph.util.figure_style import svg_text

TARGET = "Li7La3Zr2O12"
FURTHER = ("LiNO3", "La(NO3)3", "ZrO(NO3)2")
"""Candidates that the best sets leave out."""


def main() -> None:
    """Write the picture."""
    plan = rr.plan(TARGET, top_k=4)
    sets = [list(planned.precursors) for planned in plan]
    candidates = list(dict.fromkeys([*(str(name) for members in sets for name in members), *FURTHER]))
    links = rr.load_model("default").link_probabilities(TARGET, candidates).iloc[0]
    picture = PlanPicture(
        target=TARGET,
        links=dict(zip(candidates, links, strict=True)),
        sets=[[str(name) for name in members] for members in sets],
        probabilities=[planned.probability for planned in plan],
    )
    path = Path(__file__).parent / "assets" / "overview.svg"
    path.write_text(svg_text(draw_plan(picture)), encoding="utf-8")


if __name__ == "__main__":
    main()
