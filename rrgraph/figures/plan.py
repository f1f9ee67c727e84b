"""The figure of a plan: a target, the link probabilities of candidate precursors, and the ranked sets made of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from rrgraph.chem import VOLATILE
from rrgraph.util.figure_style import GREY, PALETTE, panels, styled, subscripts

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from rrgraph.models import Model
    from rrgraph.planning import SynthesisPlan

__all__ = ["PlanPicture", "draw_plan", "plan_picture"]

_TARGET, _CANDIDATE, _SET = 0.0, 1.0, 2.0
_BAR: Final = 0.85
_USED, _UNUSED = PALETTE[0], "#C8C8C8"


@dataclass(frozen=True)
class PlanPicture:
    """What the figure of a plan shows.

    Attributes:
        target: formula.
        links: link probability of each candidate precursor, by formula.
        sets: precursor sets, best first.
        probabilities: of each set.
    """

    target: str
    links: Mapping[str, float]
    sets: Sequence[Sequence[str]]
    probabilities: Sequence[float]


def plan_picture(plan: SynthesisPlan, model: Model, *, candidates: int = 10, sets: int = 5) -> PlanPicture:
    """Return the picture of a plan: its best sets, and the most probable links beside those that they use.

    Args:
        plan: of one target.
        model: that made it, which gives the link probabilities.
        candidates: links that are shown, more where the sets use more.
        sets: that are shown at most.

    Raises:
        PlanningError: the plan has no sets.
    """
    target = plan.best.target
    shown = [found for found in plan if found.probability is not None][:sets] or [plan.best]
    members = dict.fromkeys(member for found in shown for member in found.precursors)
    own = target.elements - VOLATILE
    at_hand = [each for each in model.seen if each.elements & own and each.elements - VOLATILE - {"C"} <= own]
    known = list(dict.fromkeys([*members, *at_hand]))
    links = dict(zip(known, model.link_probabilities([target], known).iloc[0].tolist(), strict=True))
    ranked = sorted(links, key=lambda each: (each not in members, -links[each]))
    return PlanPicture(
        target=plan.target,
        links={each.formula: links[each] for each in ranked[: max(candidates, len(members))]},
        sets=[[member.formula for member in found.precursors] for found in shown],
        probabilities=[found.probability or 0.0 for found in shown],
    )


@styled
def draw_plan(picture: PlanPicture) -> Figure:
    """Draw the target and its candidates as a bipartite graph, joined to the sets that the best links make.

    Args:
        picture: what is shown; about ten candidates and five sets fit.

    Raises:
        ConfigError: matplotlib is not installed.
    """
    figure, [[axis]] = panels(1, 1, width=8.4, height=3.6)
    axis.set_axis_off()
    axis.set_xlim(-0.35, _SET + 1.45)
    axis.set_ylim(0, 1.12)
    candidates = sorted(picture.links, key=lambda name: -picture.links[name])
    heights = {name: _height(index, len(candidates)) for index, name in enumerate(candidates)}
    used = {name for members in picture.sets for name in members}
    for name in candidates:
        _link(
            axis, (_TARGET, 0.5), (_CANDIDATE, heights[name]), picture.links[name], _USED if name in used else _UNUSED
        )
        label = f"{subscripts(name)}  {_percent(picture.links[name])}"
        _node(axis, _CANDIDATE, heights[name], label, _USED if name in used else GREY)
    _node(axis, _TARGET, 0.5, subscripts(picture.target), PALETTE[1])
    for index, (members, probability) in enumerate(zip(picture.sets, picture.probabilities, strict=True)):
        height = _height(index, len(picture.sets))
        for name in members:
            _link(axis, (_CANDIDATE, heights[name]), (_SET, height), 0.3, PALETTE[2])
        _ranked_set(axis, height, members, probability)
    for x, title in (
        (_TARGET, "target"),
        (_CANDIDATE, "link probabilities"),
        (_SET + 0.5, "ranked precursor sets"),
    ):
        axis.text(x, 1.08, title, ha="center", va="bottom", weight="bold")
    return figure


def _height(index: int, count: int) -> float:
    """Return the height of one of several nodes, from the top of the axis."""
    return 1 - (index + 0.5) / count


def _link(axis: Axes, start: tuple[float, float], end: tuple[float, float], probability: float, colour: str) -> None:
    axis.plot(*zip(start, end, strict=True), color=colour, linewidth=0.4 + 4 * probability, alpha=0.6, zorder=1)


def _node(axis: Axes, x: float, y: float, label: str, colour: str) -> None:
    box = {"boxstyle": "round,pad=0.25", "facecolor": "white", "edgecolor": colour, "linewidth": 1.2}
    axis.text(x, y, label, ha="center", va="center", bbox=box, zorder=2)


def _ranked_set(axis: Axes, y: float, members: Sequence[str], probability: float) -> None:
    """Draw a bar as long as the probability, with the members above it."""
    axis.barh(y - 0.035, _BAR, left=_SET, height=0.05, color="#EEEEEE", zorder=2)
    axis.barh(y - 0.035, _BAR * probability, left=_SET, height=0.05, color=PALETTE[2], zorder=3)
    axis.text(_SET, y + 0.012, " + ".join(subscripts(name) for name in members), va="bottom", zorder=4)
    axis.text(_SET + _BAR + 0.05, y - 0.035, _percent(probability), va="center")


def _percent(probability: float) -> str:
    """``69 %``, ``3.9 %``."""
    return f"{100 * probability:.0f} %" if probability >= 0.1 else f"{100 * probability:.1f} %"
