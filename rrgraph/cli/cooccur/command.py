"""`rrgraph cooccur`: analyses which precursors are used together and which substitute for each other."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from rrgraph.cli.common.argparse_private import Commands
from rrgraph.cli.common.options import add_command, add_target_column, positive_int, positive_number

if TYPE_CHECKING:
    import networkx as nx

    from rrgraph.networks import PairStatistics, ReactionRecords, Substitution

__all__ = ["add_parser", "run"]

_EXAMPLES = """\
  rrgraph cooccur textbook                                           pairs used together, and substitutes
  rrgraph cooccur text_mined --output graph.graphml --html graph.html
  rrgraph cooccur text_mined --graph substitution --output swaps.gexf --substitutions swaps.csv
  rrgraph cooccur text_mined --pairs pairs.csv --count publications --null swaps
  rrgraph cooccur text_mined --from 2000 --to 2010 --figures figures/
  rrgraph cooccur text_mined --forecast 2014

Figures and pages need: pip install 'rrgraph[figures]'; Leiden communities: pip install 'rrgraph[networks]'.
"""

_GRAPHS = {
    "cooccurrence": "precursors used in one reaction",
    "substitution": "precursors that supply the same element to similar targets, but are rarely used together",
    "bipartite": "targets and the precursors they were made from",
    "precursors": "precursors used for the same target, in one reaction or in different ones",
    "targets": "targets that share precursors, each joined with the most similar ones",
}


def add_parser(name: str, commands: Commands) -> None:
    """Add the command and its arguments."""
    parser = add_command(
        name,
        commands,
        summary="analyse which precursors are used together and which substitute for each other",
        examples=_EXAMPLES,
    )
    parser.add_argument("table", help="name or path of a reaction table")
    add_target_column(parser)
    graphs = "; ".join(f"{graph}: {meaning}" for graph, meaning in _GRAPHS.items())
    parser.add_argument("--graph", default="cooccurrence", choices=list(_GRAPHS), metavar="NAME", help=graphs)
    parser.add_argument(
        "--output", metavar="FILE", help="write the graph as .graphml, .gexf, .json or .csv (edges, nodes)"
    )
    parser.add_argument("--html", metavar="FILE", help="write the graph as an interactive page")
    parser.add_argument("--figures", metavar="DIR", help="folder for figures of the graphs and of use by year")
    parser.add_argument(
        "--pairs", metavar="FILE", help="CSV of all pairs, including those never observed together although expected"
    )
    parser.add_argument("--substitutions", metavar="FILE", help="CSV of substitutes with odds by anion class and year")
    parser.add_argument("--kinds", metavar="FILE", help="CSV of the share of each precursor class by year")
    parser.add_argument(
        "--forecast",
        type=positive_int,
        metavar="YEAR",
        help="test link-prediction heuristics: train on reactions up to YEAR, test on later ones",
    )
    parser.add_argument("--top", type=positive_int, default=10, metavar="N", help="rows of each printed table (10)")
    parser.add_argument("--json", action="store_true", help="print JSON instead of tables")
    _add_rows(parser)
    _add_statistics(parser)
    parser.set_defaults(run=run)


def _add_rows(parser: argparse.ArgumentParser) -> None:
    rows = parser.add_argument_group("what is counted")
    rows.add_argument(
        "--as-is", action="store_true", help="do not clean the table, so that hydrates and anhydrous salts are distinct"
    )
    rows.add_argument(
        "--count",
        default="reactions",
        metavar="NAME",
        help="reactions: a target made from a set counts once; publications: a set counts once per publication",
    )
    rows.add_argument("--from", dest="first", type=positive_int, metavar="YEAR", help="first year of the reactions")
    rows.add_argument("--to", dest="last", type=positive_int, metavar="YEAR", help="last year of the reactions")
    rows.add_argument(
        "--min-reactions", type=positive_int, default=1, metavar="N", help="omit precursors of fewer reactions (1)"
    )


def _add_statistics(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("edges and statistics")
    group.add_argument("--min-count", type=positive_int, default=1, metavar="N", help="fewest reactions of an edge (1)")
    group.add_argument("--max-q", type=positive_number, default=1.0, metavar="Q", help="largest q-value (1)")
    group.add_argument(
        "--min-shared", type=positive_int, metavar="N", help="smallest number of shared targets (1) or precursors (2)"
    )
    group.add_argument("--nearest", type=positive_int, default=10, metavar="N", help="edges kept per target (10)")
    group.add_argument(
        "--min-uses", type=positive_int, default=5, metavar="N", help="smallest number of uses of a substitute (5)"
    )
    group.add_argument(
        "--null", default="analytic", metavar="NAME", help="null model: analytic, or swaps for sampling (analytic)"
    )
    group.add_argument("--samples", type=positive_int, default=500, metavar="N", help="random graphs for swaps (500)")
    group.add_argument(
        "--communities", default="louvain", metavar="NAME", help="community detection: louvain or leiden (louvain)"
    )
    group.add_argument("--seed", type=int, default=0, help="seed of communities, swaps and forecasts (0)")


def run(arguments: argparse.Namespace) -> None:
    """Compute the statistics, write the requested files and print a summary."""
    from rrgraph.cli.common.writers import summary_stream
    from rrgraph.cli.cooccur.output import show_summary
    from rrgraph.errors import check_choice
    from rrgraph.networks import (
        COMMUNITIES,
        NULL_MODELS,
        UNITS,
        check_format,
        class_shares,
        find_substitutions,
        forecast_edges,
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
    _check_outputs(arguments)
    records = _records(arguments)
    pairs = pair_statistics(records, null=arguments.null, samples=arguments.samples, seed=arguments.seed)
    substitutions = find_substitutions(records, min_reactions=arguments.min_uses)
    shares = class_shares(records)
    _write_graphs(arguments, records, pairs, substitutions, shares)
    if arguments.pairs:
        write_rows(pairs.rows(), arguments.pairs)
    if arguments.substitutions:
        write_rows(substitution_rows(substitutions), arguments.substitutions, columns=["element", "first", "second"])
    if arguments.kinds:
        write_rows(shares, arguments.kinds, columns=["year", "kind", "share", "reactions"])
    forecasts = [] if arguments.forecast is None else forecast_edges(records, arguments.forecast, seed=arguments.seed)
    outputs = (arguments.output, arguments.html, arguments.pairs, arguments.substitutions, arguments.kinds)
    with summary_stream(*outputs):
        show_summary(pairs, substitutions, forecasts, top=arguments.top, as_json=arguments.json)


def _check_outputs(arguments: argparse.Namespace) -> None:
    from rrgraph.networks import graph_files
    from rrgraph.util.files import check_files, check_writable

    names = ("html", "pairs", "substitutions", "kinds")
    outputs = {f"--{name}": getattr(arguments, name) for name in names}
    if arguments.output:
        outputs |= dict(zip(("--output", "the table of nodes"), graph_files(arguments.output), strict=False))
    check_files(outputs, {"the table": arguments.table})
    if arguments.figures:
        check_writable(arguments.figures, folder=True)


def _records(arguments: argparse.Namespace) -> ReactionRecords:
    from rrgraph.data import load_table
    from rrgraph.networks import reaction_records, select_years

    records = reaction_records(
        load_table(arguments.table, target=arguments.column),
        name=arguments.table,
        clean=not arguments.as_is,
        unit=arguments.count,
        min_reactions=arguments.min_reactions,
    )
    if arguments.first is None and arguments.last is None:
        return records
    return select_years(records, arguments.first, arguments.last)


def _write_graphs(
    arguments: argparse.Namespace,
    records: ReactionRecords,
    pairs: PairStatistics,
    substitutions: list[Substitution],
    shares: list[dict[str, Any]],
) -> None:
    """Write the graph as a file, a page and figures, as requested."""
    from rrgraph.networks import add_structure, draw_network_figures, network_html, write_graph
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
        write_text(arguments.html, network_html(chosen, title=chosen.graph["title"]))
    if arguments.figures:
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
