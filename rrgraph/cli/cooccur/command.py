"""`rrgraph cooccur`: a reaction table flows in; graphs of its precursors, tables, a page and plots flow out."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from rrgraph.cli.common.options import add_command, positive_int, positive_number

if TYPE_CHECKING:
    import networkx as nx

    from rrgraph.networks import PairStatistics, ReactionRecords, Substitution

__all__ = ["add_parser", "run"]

_EXAMPLES = """\
  rrgraph cooccur textbook                                           what is used together, and in whose place
  rrgraph cooccur text_mined --output graph.graphml --html graph.html
  rrgraph cooccur text_mined --graph substitution --output swaps.gexf --substitutions swaps.csv
  rrgraph cooccur text_mined --pairs pairs.csv --count publications --null swaps
  rrgraph cooccur text_mined --from 2000 --to 2010 --figures figures/
  rrgraph cooccur text_mined --forecast 2014

Figures and pages need: pip install 'rrgraph[figures]'; Leiden communities: pip install 'rrgraph[networks]'.
"""

_GRAPHS = {
    "cooccurrence": "precursors used in one reaction",
    "substitution": "precursors that serve the same element of similar targets, but seldom together",
    "bipartite": "targets and what they are made from",
    "precursors": "precursors that make the same target, in one reaction or in different ones",
    "targets": "targets that share precursors, each with the nearest",
}


def add_parser(name: str, commands: argparse._SubParsersAction) -> None:
    """Add the command and its arguments."""
    parser = add_command(
        name, commands, summary="analyse which precursors are used together, and in whose place", examples=_EXAMPLES
    )
    parser.add_argument("table", help="reaction table by name or path")
    graphs = "; ".join(f"{graph}: {meaning}" for graph, meaning in _GRAPHS.items())
    parser.add_argument("--graph", default="cooccurrence", choices=list(_GRAPHS), metavar="NAME", help=graphs)
    parser.add_argument("--output", metavar="FILE", help="the graph: .graphml, .gexf, .json, or .csv (edges and nodes)")
    parser.add_argument("--html", metavar="FILE", help="the graph as one interactive page")
    parser.add_argument("--figures", metavar="DIR", help="folder for plots of the graphs and of usage by year")
    parser.add_argument("--pairs", metavar="FILE", help="CSV of all pairs, also those that are conspicuously never met")
    parser.add_argument("--substitutions", metavar="FILE", help="CSV of substitutions: odds by anion class and by year")
    parser.add_argument("--kinds", metavar="FILE", help="CSV of the share of each kind of precursor by year")
    parser.add_argument(
        "--forecast", type=positive_int, metavar="YEAR", help="how well the graph up to YEAR foretells later edges"
    )
    parser.add_argument("--top", type=positive_int, default=10, metavar="N", help="lines of each printed table (10)")
    parser.add_argument("--json", action="store_true", help="print JSON instead of tables")
    _add_rows(parser)
    _add_statistics(parser)
    parser.set_defaults(run=run)


def _add_rows(parser: argparse.ArgumentParser) -> None:
    rows = parser.add_argument_group("what is counted")
    rows.add_argument(
        "--as-is", action="store_true", help="do not clean the table first; hydrates are then apart from dry salts"
    )
    rows.add_argument(
        "--count",
        default="reactions",
        metavar="NAME",
        help="reactions: a target made from a set counts once; publications: a set counts once a publication",
    )
    rows.add_argument("--from", dest="first", type=positive_int, metavar="YEAR", help="first year of the reactions")
    rows.add_argument("--to", dest="last", type=positive_int, metavar="YEAR", help="last year of the reactions")
    rows.add_argument(
        "--min-reactions", type=positive_int, default=1, metavar="N", help="leave out precursors of fewer (1)"
    )


def _add_statistics(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("edges and statistics")
    group.add_argument("--min-count", type=positive_int, default=1, metavar="N", help="reactions of an edge (1)")
    group.add_argument("--max-q", type=positive_number, default=1.0, metavar="Q", help="largest q-value of an edge (1)")
    group.add_argument("--min-shared", type=positive_int, metavar="N", help="shared targets (1) or precursors (2)")
    group.add_argument("--nearest", type=positive_int, default=10, metavar="N", help="edges each target keeps (10)")
    group.add_argument("--min-uses", type=positive_int, default=5, metavar="N", help="uses of a substitute (5)")
    group.add_argument("--null", default="analytic", metavar="NAME", help="null model: analytic, or random swaps")
    group.add_argument("--samples", type=positive_int, default=500, metavar="N", help="random graphs of swaps (500)")
    group.add_argument("--communities", default="louvain", metavar="NAME", help="louvain or leiden")
    group.add_argument("--seed", type=int, default=0, help="of communities, swaps and forecasts (0)")


def run(arguments: argparse.Namespace) -> None:
    """Count, write what is asked for, and show."""
    from rrgraph.cli.cooccur.output import show_summary
    from rrgraph.errors import check_choice
    from rrgraph.networks import (
        COMMUNITIES,
        NULL_MODELS,
        UNITS,
        check_format,
        find_substitutions,
        forecast_edges,
        kind_shares,
        pair_statistics,
        substitution_rows,
        write_rows,
    )

    check_choice("--count", arguments.count, UNITS)
    check_choice("--null", arguments.null, NULL_MODELS)
    check_choice("--communities", arguments.communities, COMMUNITIES)
    if arguments.output:
        check_format(arguments.output)
    for path in (arguments.pairs, arguments.substitutions, arguments.kinds):
        if path:
            check_format(path, [".csv"])
    records = _records(arguments)
    pairs = pair_statistics(records, null=arguments.null, samples=arguments.samples, seed=arguments.seed)
    substitutions = find_substitutions(records, min_reactions=arguments.min_uses)
    shares = kind_shares(records)
    _write_graphs(arguments, records, pairs, substitutions, shares)
    if arguments.pairs:
        write_rows(pairs.rows(), arguments.pairs)
    if arguments.substitutions:
        write_rows(substitution_rows(substitutions), arguments.substitutions, columns=["element", "first", "second"])
    if arguments.kinds:
        write_rows(shares, arguments.kinds, columns=["year", "kind", "share", "reactions"])
    forecasts = [] if arguments.forecast is None else forecast_edges(records, arguments.forecast, seed=arguments.seed)
    show_summary(pairs, substitutions, forecasts, top=arguments.top, as_json=arguments.json)


def _records(arguments: argparse.Namespace) -> ReactionRecords:
    from rrgraph.data import clean_table, load_table
    from rrgraph.networks import of_years, reaction_records

    table = load_table(arguments.table)
    if not arguments.as_is:
        table, _ = clean_table(table)
    records = reaction_records(table, name=arguments.table, unit=arguments.count, min_reactions=arguments.min_reactions)
    if arguments.first is None and arguments.last is None:
        return records
    return of_years(records, arguments.first, arguments.last)


def _write_graphs(
    arguments: argparse.Namespace,
    records: ReactionRecords,
    pairs: PairStatistics,
    substitutions: list[Substitution],
    shares: list[dict[str, Any]],
) -> None:
    """Write the graph as a file, a page and plots, as far as these are asked for."""
    from rrgraph.networks import add_structure, write_graph
    from rrgraph.util.files import write_text

    if not (arguments.output or arguments.html or arguments.figures):
        return
    graphs = {}
    names = dict.fromkeys([arguments.graph, *(("cooccurrence", "substitution") if arguments.figures else ())])
    for name in names:
        graphs[name] = _graph(name, arguments, records, pairs, substitutions)
        add_structure(graphs[name], method=arguments.communities, seed=arguments.seed)
    chosen = graphs[arguments.graph]
    if arguments.output:
        write_graph(chosen, arguments.output)
    if arguments.html:
        from rrgraph.networks.page import network_html

        write_text(arguments.html, network_html(chosen, title=chosen.graph["title"]))
    if arguments.figures:
        from rrgraph.networks.plots import draw_network_figures

        draw_network_figures(list(graphs.values()), shares, arguments.figures)


def _graph(
    name: str,
    arguments: argparse.Namespace,
    records: ReactionRecords,
    pairs: PairStatistics,
    substitutions: list[Substitution],
) -> nx.Graph:
    from rrgraph import networks

    if name == "cooccurrence":
        return networks.cooccurrence_graph(pairs, min_count=arguments.min_count, max_q_value=arguments.max_q)
    if name == "substitution":
        return networks.substitution_graph(records, substitutions)
    if name == "bipartite":
        return networks.bipartite_graph(records)
    if name == "precursors":
        return networks.precursor_projection(records, min_shared=arguments.min_shared or 1)
    return networks.target_projection(records, min_shared=arguments.min_shared or 2, nearest=arguments.nearest)
