"""Which precursor is chosen for an element: a substitution graph flows in, a chart of odds flows out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from rrgraph.networks.plots.data import formula, kind_look
from rrgraph.util.figure_style import GREY, panels, plain_numbers, styled, subscripts

if TYPE_CHECKING:
    import networkx as nx
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["Choice", "ElementChoices", "collect_choices", "draw_choices"]

_ELEMENTS: Final = 12
_CHOICES: Final = 5
_ABREAST: Final = 3


@dataclass(frozen=True)
class Choice:
    """A precursor that takes the place of the usual one.

    Attributes:
        formula: of the precursor.
        kind: of the precursor.
        odds: how often it is chosen for each time that the usual one is.
        reactions: that use one of the two.
    """

    formula: str
    kind: str
    odds: float
    reactions: int


@dataclass(frozen=True)
class ElementChoices:
    """The sources of an element.

    Attributes:
        element: symbol.
        usual: formula that is chosen most often.
        kind: of the usual one.
        choices: the others, the most frequent first.
    """

    element: str
    usual: str
    kind: str
    choices: tuple[Choice, ...]

    @property
    def reactions(self) -> int:
        """About how many reactions use the usual one, told from the odds of the most frequent other choice."""
        first = self.choices[0]
        return round(first.reactions / (1 + first.odds))

    @property
    def others(self) -> float:
        """About how many reactions use one of the other choices in its place."""
        return sum(choice.reactions * choice.odds / (1 + choice.odds) for choice in self.choices)


def collect_choices(graph: nx.Graph, *, elements: int = _ELEMENTS) -> list[ElementChoices]:
    """Return the choices for the elements whose usual source is replaced most often, none where edges tell no odds.

    The usual source of an element is the one that takes part in the most reactions of its substitutions and is the
    preferred one in all those that it is compared in. An edge about several elements belongs to the first.
    """
    by_element: dict[str, list[tuple[Any, Any, dict[str, Any]]]] = {}
    for a, b, values in graph.edges(data=True):
        if values.get("odds") and values.get("element"):
            by_element.setdefault(values["element"].split()[0], []).append((a, b, values))
    found = [_of_element(graph, element, edges) for element, edges in by_element.items()]
    return sorted(found, key=lambda each: (-each.others, each.element))[:elements]


@styled
def draw_choices(data: Sequence[ElementChoices]) -> Figure:
    """Draw a panel for each element: a mark for each choice, by how often it is chosen for 100 of the usual one."""
    abreast = min(_ABREAST, len(data))
    rows = -(-len(data) // abreast)
    most = max(len(each.choices) for each in data)
    figure, axes = panels(rows, abreast, width=3.4, height=0.55 + 0.24 * (most + 1), sharex=True)
    flat = [axis for row in axes for axis in row]
    least = min(choice.odds for each in data for choice in each.choices)
    for each, axis in zip(data, flat, strict=False):
        _draw_panel(axis, each, most)
        axis.set_xscale("log")
        axis.set_xlim(60 * least, 260)
        plain_numbers(axis.xaxis)
    for axis in flat[len(data) :]:
        axis.set_visible(False)
    for place, axis in enumerate(flat[: len(data)]):
        if place + abreast >= len(data):
            axis.set_xlabel("uses for each 100 of the usual one")
            axis.tick_params(labelbottom=True)
    _legend(figure, data)
    return figure


def _of_element(graph: nx.Graph, element: str, edges: Sequence[tuple[Any, Any, dict[str, Any]]]) -> ElementChoices:
    weight: dict[Any, float] = {}
    beaten = set()
    for a, b, values in edges:
        preferred = _preferred(graph, a, b, values)
        beaten.add(b if preferred == a else a)
        weight[preferred] = weight.get(preferred, 0) + values.get("reactions", 1)
    usual = max(weight, key=lambda node: (node not in beaten, weight[node]))
    choices = []
    for a, b, values in edges:
        if usual in (a, b):
            other = b if usual == a else a
            odds = 1 / values["odds"] if _preferred(graph, a, b, values) == usual else values["odds"]
            kind = str(graph.nodes[other].get("kind", "other"))
            choices.append(Choice(formula(graph, other), kind, float(odds), int(values.get("reactions", 0))))
    choices.sort(key=lambda choice: (-choice.odds, choice.formula))
    kind = str(graph.nodes[usual].get("kind", "other"))
    return ElementChoices(element, formula(graph, usual), kind, tuple(choices[:_CHOICES]))


def _preferred(graph: nx.Graph, a: Any, b: Any, values: dict[str, Any]) -> Any:
    """Return the node whose odds an edge tells: the one it names, or else the one in more reactions."""
    if values.get("preferred") in (a, b):
        return values["preferred"]
    return max((a, b), key=lambda node: graph.nodes[node].get("reactions", 0))


def _draw_panel(axis: Axes, data: ElementChoices, most: int) -> None:
    names = [data.usual, *(choice.formula for choice in data.choices)]
    kinds = [data.kind, *(choice.kind for choice in data.choices)]
    values = [100.0, *(100 * choice.odds for choice in data.choices)]
    for place, (kind, value) in enumerate(zip(kinds, values, strict=True)):
        each = kind_look(kind)
        axis.plot([1e-9, value], [place, place], color="#D9D9D9", linewidth=1.2, zorder=1)
        axis.plot([value], [place], marker=each.marker, color=each.color, markersize=6, linestyle="none", zorder=3)
        text = f"{value:,.0f}" if value >= 9.5 else f"{value:.2g}"
        axis.annotate(
            text, (value, place), (6, 0), textcoords="offset points", va="center", fontsize=7, color="#444444"
        )
    axis.axvline(100, color=GREY, linewidth=0.8, linestyle=":", zorder=0)
    axis.set_yticks(range(len(names)), [subscripts(name) for name in names])
    axis.set_ylim(most + 0.6, -0.6)
    axis.tick_params(axis="y", length=0)
    axis.grid(visible=False, axis="y")
    axis.set_title(data.element, fontsize=11)
    axis.set_title(f"100 ≈ {data.reactions:,} reactions", loc="right", fontsize=7.5, color=GREY, weight="normal")


def _legend(figure: Figure, data: Sequence[ElementChoices]) -> None:
    from matplotlib.lines import Line2D

    kinds = dict.fromkeys(kind for each in data for kind in (each.kind, *(choice.kind for choice in each.choices)))
    entries = [
        Line2D([], [], linestyle="none", marker=kind_look(kind).marker, color=kind_look(kind).color, label=kind)
        for kind in kinds
    ]
    figure.legend(handles=entries, loc="outside lower center", ncols=7)
    figure.suptitle("Which source of an element is chosen", x=0.01, ha="left", fontsize=11, weight="bold")
