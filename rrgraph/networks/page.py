"""The interactive view of a network: one self-contained HTML page."""

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
    "cooccurrence": "Each point is a precursor; a line joins two precursors used together in a reaction.",
    "precursor-projection": "Each point is a precursor; a line joins two precursors used for the same targets.",
    "substitution": "Each point is a precursor; a line joins two precursors that supply the same element to similar "
    "targets but are rarely used together, so that one can substitute for the other.",
    "bipartite": "Points are targets and precursors; a line joins a target with a precursor it was made from.",
    "target-projection": "Each point is a target; a line joins two targets made from the same precursors.",
}
"""How to read a graph, by graph type."""


def network_html(graph: nx.Graph, *, title: str, nodes: int = 1500, edges: int = 10_000) -> str:
    """Return a page on which a network can be searched, filtered and inspected node by node.

    The page loads nothing from the network, and the same graph gives the same page. All attributes of nodes and edges
    are optional: numeric attributes of edges can be chosen as the weight for the threshold, `kind` and `community` of
    nodes set their colours, and the element filter uses `elements` (symbols separated by spaces).

    Args:
        graph: nodes are formulas.
        title: of the page.
        nodes: largest number of nodes; those in the most reactions are kept.
        edges: largest number of edges; the strongest are kept.

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
    """Return the source of the data, in words."""
    reactions = f"{data['reactions']:,} reactions" if isinstance(data["reactions"], int) else ""
    return " of ".join(text for text in (reactions, Path(data["table"]).name) if text)
