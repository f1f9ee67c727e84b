"""Figure of the odds with which precursors are chosen as the source of an element."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from rrgraph.networks.plots.data import class_handles, class_look, class_of, formula
from rrgraph.util.figure_style import GREY, panels, plain_numbers, styled, subscripts

if TYPE_CHECKING:
    import networkx as nx
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["Choice", "ElementChoices", "collect_choices", "draw_choices"]

_ELEMENTS: Final = 12
_CHOICES: Final = 5
_COLUMNS: Final = 3


@dataclass(frozen=True)
class Choice:
    """A precursor that substitutes for the usual one.

    Attributes:
        formula: of the precursor.
        precursor_class: of the precursor.
        odds: of choosing it over the usual one.
        reactions: number of reactions that use exactly one of the two.
    """

    formula: str
    precursor_class: str
    odds: float
    reactions: int


@dataclass(frozen=True)
class ElementChoices:
    """The sources of an element.

    Attributes:
        element: symbol.
        usual: formula of the source chosen most often.
        usual_class: its precursor class.
        choices: the others, the most frequent first.
    """

    element: str
    usual: str
    usual_class: str
    choices: tuple[Choice, ...]

    @property
    def reactions(self) -> int:
        """About how many reactions use the usual one, estimated from the odds of the most frequent other choice."""
        first = self.choices[0]
        return round(first.reactions / (1 + first.odds))

    @property
    def others(self) -> float:
        """About how many reactions use one of the other choices instead."""
        return sum(choice.reactions * choice.odds / (1 + choice.odds) for choice in self.choices)


def collect_choices(graph: nx.Graph, *, elements: int = _ELEMENTS) -> list[ElementChoices]:
    """Return the choices for the elements whose usual source is replaced most often, none if edges have no odds.

    The usual source of an element is the one in the most reactions of its substitutions among those preferred in all
    their comparisons. An edge of several elements is assigned to the first.
    """
    by_element: dict[str, list[tuple[Any, Any, dict[str, Any]]]] = {}
    for a, b, values in graph.edges(data=True):
        if values.get("odds") and values.get("element"):
            by_element.setdefault(values["element"].split()[0], []).append((a, b, values))
    found = [_of_element(graph, element, edges) for element, edges in by_element.items()]
    return sorted(found, key=lambda each: (-each.others, each.element))[:elements]


@styled
def draw_choices(data: Sequence[ElementChoices]) -> Figure:
    """Draw a panel for each element, with a mark for each choice at its number of uses per 100 of the usual one."""
    columns = min(_COLUMNS, len(data))
    rows = -(-len(data) // columns)
    most = max(len(each.choices) for each in data)
    figure, axes = panels(rows, columns, width=3.4, height=0.55 + 0.24 * (most + 1), sharex=True)
    flat = [axis for row in axes for axis in row]
    least = min(choice.odds for each in data for choice in each.choices)
    for each, axis in zip(data, flat, strict=False):
        _draw_panel(axis, each, most)
        axis.set_xscale("log")
        axis.set_xlim(60 * least, 260)
        plain_numbers(axis.xaxis)
    for axis in flat[len(data) :]:
        axis.set_visible(False)
    for index, axis in enumerate(flat[: len(data)]):
        if index + columns >= len(data):
            axis.set_xlabel("uses per 100 uses of the usual source")
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
            reactions = int(values.get("reactions", 0))
            choices.append(Choice(formula(graph, other), class_of(graph, other), float(odds), reactions))
    choices.sort(key=lambda choice: (-choice.odds, choice.formula))
    return ElementChoices(element, formula(graph, usual), class_of(graph, usual), tuple(choices[:_CHOICES]))


def _preferred(graph: nx.Graph, a: Any, b: Any, values: dict[str, Any]) -> Any:
    """Return the node that the odds of an edge belong to: the one it names, or else the one in more reactions."""
    if values.get("preferred") in (a, b):
        return values["preferred"]
    return max((a, b), key=lambda node: graph.nodes[node].get("reactions", 0))


def _draw_panel(axis: Axes, data: ElementChoices, most: int) -> None:
    names = [data.usual, *(choice.formula for choice in data.choices)]
    classes = [data.usual_class, *(choice.precursor_class for choice in data.choices)]
    values = [100.0, *(100 * choice.odds for choice in data.choices)]
    for row, (each, value) in enumerate(zip(map(class_look, classes), values, strict=True)):
        axis.plot([1e-9, value], [row, row], color="#D9D9D9", linewidth=1.2, zorder=1)
        axis.plot([value], [row], marker=each.marker, color=each.color, markersize=6, linestyle="none", zorder=3)
        text = f"{value:,.0f}" if value >= 9.5 else f"{value:.2g}"
        axis.annotate(text, (value, row), (6, 0), textcoords="offset points", va="center", fontsize=7, color="#444444")
    axis.axvline(100, color=GREY, linewidth=0.8, linestyle=":", zorder=0)
    axis.set_yticks(range(len(names)), [subscripts(name) for name in names])
    axis.set_ylim(most + 0.6, -0.6)
    axis.tick_params(axis="y", length=0)
    axis.grid(visible=False, axis="y")
    axis.set_title(data.element, fontsize=11)
    axis.set_title(f"100 ≈ {data.reactions:,} reactions", loc="right", fontsize=7.5, color=GREY, weight="normal")


def _legend(figure: Figure, data: Sequence[ElementChoices]) -> None:

    classes = dict.fromkeys(
        name for each in data for name in (each.usual_class, *(choice.precursor_class for choice in each.choices))
    )
    figure.legend(handles=class_handles(classes), loc="outside lower center", ncols=7)
    figure.suptitle("Which source of an element is chosen", x=0.01, ha="left", fontsize=11, weight="bold")
