"""`rrgraph data templates`: makes a table of templates from one's own reactions."""

from __future__ import annotations

import argparse
import os

from rrgraph.cli.common.argparse_private import Commands
from rrgraph.cli.common.options import add_command, positive_int

__all__ = ["add_templates"]


def add_templates(verbs: Commands, *, examples: str) -> None:
    """Add the verb."""
    parser = add_command(
        "templates", verbs, summary="extract reaction templates from reactions of molecules", examples=examples
    )
    parser.add_argument(
        "reactions", help="reaction SMILES, one a line, or a table with a column reaction, or reactants and product"
    )
    parser.add_argument(
        "--output", required=True, metavar="FILE", help="table for training: .csv(.gz), .jsonl(.gz), .parquet"
    )
    parser.add_argument("--column", metavar="NAME", help="column of the reactions, if it has another name")
    parser.add_argument(
        "--library", metavar="FILE", help="write the distinct templates as AiZynthFinder reads them: .csv or .csv.gz"
    )
    parser.add_argument("--report", metavar="FILE", help="write the counts of lost reactions by reason as JSON")
    parser.add_argument("--rejects", metavar="FILE", help="write lost reactions with reasons as CSV")
    parser.add_argument(
        "--mapped-only", action="store_true", help="leave out reactions without atom maps instead of mapping them"
    )
    parser.add_argument("--jobs", type=positive_int, metavar="N", help="processes (one a processor core)")
    parser.set_defaults(run=_templates)


def _templates(arguments: argparse.Namespace) -> None:
    from rrgraph.cli.common.writers import open_rejects, summary_stream
    from rrgraph.errors import DataError
    from rrgraph.organic import (
        LIBRARY_SUFFIXES,
        RxnMapper,
        TemplateApplier,
        default_cache,
        extract_templates,
        read_reactions,
    )
    from rrgraph.util.environment import processors
    from rrgraph.util.files import check_files, write_json
    from rrgraph.util.tabular import check_suffix, write_frame

    check_suffix(arguments.output)
    if arguments.library and not arguments.library.endswith(LIBRARY_SUFFIXES):
        raise DataError(f"--library is '{arguments.library}', expected a file that ends in .csv or .csv.gz.")
    outputs = {f"--{name}": getattr(arguments, name) for name in ("output", "library", "report", "rejects")}
    check_files(outputs, {"the reactions": arguments.reactions})
    applier = TemplateApplier(cache=default_cache(), jobs=arguments.jobs or processors())
    columns, reactions = read_reactions(arguments.reactions, column=arguments.column)
    mapper = None if arguments.mapped_only else RxnMapper()
    found = extract_templates(reactions, mapper=mapper, applier=applier)
    with open_rejects(arguments.rejects, columns) as reject:
        for raw, reason in found.lost:
            reject(raw.row, reason)
    if arguments.report:
        write_json(arguments.report, found.to_dict())
    with summary_stream(*outputs.values()):
        print(found)
    if not found.rows:
        raise DataError(f"No reaction of '{os.fspath(arguments.reactions)}' gives a template; --rejects says why.")
    write_frame(found.to_frame(), arguments.output)
    if arguments.library:
        found.write_library(arguments.library)
