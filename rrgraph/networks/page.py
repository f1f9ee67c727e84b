"""The interactive view of a network: a networkx graph flows in, one self-contained HTML page flows out."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from rrgraph import __version__
from rrgraph.networks.plots.data import page_data
from rrgraph.util.pages import page_template, page_text, script_json

if TYPE_CHECKING:
    import networkx as nx

__all__ = ["network_html"]

_LOGGER = logging.getLogger(__name__)

_PACKAGE: Final = "rrgraph.networks"

_SCRIPTS: Final = ("data.js", "map.js", "page.js")

_MEANINGS: Final = {
    "cooccurrence": "Each point is a precursor; a line joins two that are used together in a reaction.",
    "precursor-projection": "Each point is a precursor; a line joins two that are used for the same targets.",
    "substitution": "Each point is a precursor; a line joins two that bring the same element to similar targets, but "
    "are seldom used together: one can take the place of the other.",
    "bipartite": "Points are targets and precursors; a line joins a target with a precursor that it was made from.",
    "target-projection": "Each point is a target; a line joins two that were made from the same precursors.",
}
"""How to read a graph, by its kind."""


def network_html(graph: nx.Graph, *, title: str, nodes: int = 1500, edges: int = 10_000) -> str:
    """Return a page on which a network can be searched, filtered, and read node by node.

    It needs nothing from outside; the same graph gives the same page. Every attribute of nodes and edges is optional:
    numbers at edges can be chosen as the weight that the threshold is about, `kind` and `community` of nodes colour
    them, `elements` (symbols separated by spaces) is what the filter by element looks at.

    Args:
        graph: nodes are formulas.
        title: of the page.
        nodes: most nodes on the page; those in most reactions are kept.
        edges: most edges on the page; the strongest are kept.

    Raises:
        ConfigError: Jinja2 is not installed.
    """
    template = page_template(_PACKAGE, "network_page/page.html")
    data = page_data(graph, title=title, nodes=nodes, edges=edges)
    shown = {"nodes": len(data["nodes"]["formula"]), "edges": len(data["edges"]["a"])}
    if shown != data["all"]:
        _LOGGER.info(
            "The page shows the %d most used of %d nodes and the %d strongest of %d edges.",
            shown["nodes"],
            data["all"]["nodes"],
            shown["edges"],
            data["all"]["edges"],
        )
    page: str = template.render(
        title=title,
        meaning=_MEANINGS.get(data["kind"], ""),
        source=_source(data),
        shown=shown,
        total=data["all"],
        style=page_text(_PACKAGE, "network_page/style.css"),
        script="\n".join(page_text(_PACKAGE, f"network_page/{name}") for name in _SCRIPTS),
        data=script_json(data),
        version=__version__,
    )
    return page


def _source(data: dict[str, Any]) -> str:
    """Return where the numbers come from, in words."""
    reactions = f"{data['reactions']:,} reactions" if isinstance(data["reactions"], int) else ""
    return " of ".join(text for text in (reactions, Path(data["table"]).name) if text)
