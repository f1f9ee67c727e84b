"""`rrgraph data`: fetches, cleans, splits and describes reaction tables."""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping
from pathlib import Path

from rrgraph.cli.common.argparse_private import Commands
from rrgraph.cli.common.options import add_command, add_target_column
from rrgraph.cli.organic.templates import add_templates

__all__ = ["add_parser"]

_EXAMPLES = """\
  rrgraph data fetch                                         list what can be fetched
  rrgraph data fetch text_mined
  rrgraph data clean recipes.json.xz --output clean.parquet --report report.json
  rrgraph data clean text_mined --output clean.csv.gz
  rrgraph data split text_mined nms --holdout holdout.csv --output splits/
  rrgraph data stats textbook
  rrgraph data templates reactions.smi --output templates.csv --rejects lost.csv
"""


def add_parser(name: str, commands: Commands) -> None:
    """Add the command and its verbs."""
    parser = add_command(name, commands, summary="fetch, clean, split and describe reaction tables", examples=_EXAMPLES)
    verbs = parser.add_subparsers(dest="verb", metavar="VERB", required=True, parser_class=type(parser))
    _add_fetch(verbs)
    _add_clean(verbs)
    _add_split(verbs)
    _add_stats(verbs)
    add_templates(verbs, examples=_verb("templates"))


def _verb(name: str) -> str:
    """Return the examples of one verb."""
    return "".join(line for line in _EXAMPLES.splitlines(keepends=True) if f" data {name}" in line)


def _add_fetch(verbs: Commands) -> None:
    parser = add_command(
        "fetch", verbs, summary="download a catalogued table, checksum verified", examples=_verb("fetch")
    )
    parser.add_argument("name", nargs="?", help="catalogue name; without it the catalogue is listed")
    parser.add_argument("--sha256", default="", metavar="SUM", help="checksum to verify where the catalogue has none")
    parser.add_argument("--trust", action="store_true", help="accept a file without a recorded checksum")
    parser.set_defaults(run=_fetch)


def _fetch(arguments: argparse.Namespace) -> None:
    from rrgraph.data import CATALOGUE, fetch

    if arguments.name:
        print(fetch(arguments.name, sha256=arguments.sha256, trust=arguments.trust))
        return
    for entry in CATALOGUE.values():
        addresses = [entry.url] if entry.url else [part.url for part in entry.parts]
        origin = " + ".join(addresses) or f"no public address of its own; prepared from {entry.recipe}"
        print(f"{entry.name}\n  {entry.description}\n  {entry.origin}; {entry.licence}\n  {origin}")


def _add_clean(verbs: Commands) -> None:
    parser = add_command(
        "clean", verbs, summary="apply the cleaning rules to raw recipes or a table", examples=_verb("clean")
    )
    parser.add_argument("table", help="raw recipes (.json or .json.xz), or a reaction table by name or path")
    parser.add_argument(
        "--output", required=True, metavar="FILE", help="cleaned table: .csv(.gz), .jsonl(.gz), .parquet"
    )
    parser.add_argument("--report", metavar="FILE", help="write the counts of dropped rows as JSON")
    parser.add_argument("--expand-variables", action="store_true", help="one row for each listed value of a variable")
    parser.add_argument("--paper-rules", action="store_true", help="only the rules of Retro-Rank-In section 4.1")
    add_target_column(parser)
    parser.set_defaults(run=_clean)


def _clean(arguments: argparse.Namespace) -> None:
    from rrgraph.cli.common.writers import summary_stream
    from rrgraph.data import (
        CATALOGUE,
        RECIPE_SUFFIXES,
        CleaningOptions,
        clean_table,
        data_path,
        load_table,
        read_recipes,
    )
    from rrgraph.util.files import check_files, write_json
    from rrgraph.util.rows import Row
    from rrgraph.util.tabular import check_suffix

    kept = dict.fromkeys(("keep_composites", "keep_additives"), arguments.paper_rules)
    mended = dict.fromkeys(("correct_formulas", "remove_media", "remove_water"), not arguments.paper_rules)
    options = CleaningOptions(expand_variables=arguments.expand_variables, **kept, **mended)
    source = str(data_path(arguments.table)) if arguments.table in CATALOGUE else arguments.table
    check_suffix(arguments.output)
    check_files({"--output": arguments.output, "--report": arguments.report}, {"the table": source})
    if source.endswith(RECIPE_SUFFIXES):
        table, report = read_recipes(source, options=options)
    else:
        refused: list[Row] = []
        table = load_table(arguments.table, target=arguments.column, refused=refused)
        table, report = clean_table(table, options, refused=refused)
    table.write(arguments.output)
    if arguments.report:
        write_json(arguments.report, report.to_dict())
    with summary_stream(arguments.output, arguments.report):
        print(report)


def _add_split(verbs: Commands) -> None:
    parser = add_command(
        "split", verbs, summary="write the subsets of a split, with a leakage report", examples=_verb("split")
    )
    parser.add_argument("table", help="reaction table by name or path")
    parser.add_argument("split", help="cra, dr, nms, random, column or all")
    parser.add_argument("--output", required=True, metavar="DIR", help="folder for train, validation and test tables")
    parser.add_argument("--format", default="csv", choices=["csv", "csv.gz", "jsonl", "parquet"], help="of the tables")
    parser.add_argument("--holdout", metavar="TABLE", help="reactions to keep training away from")
    parser.add_argument("--year", type=int, default=2014, help="last year of training rows (2014)")
    parser.add_argument("--validation-fraction", type=float, default=0.2, metavar="F", help="(0.2)")
    parser.add_argument("--seed", type=int, default=0)
    add_target_column(parser)
    parser.set_defaults(run=_split)


def _split(arguments: argparse.Namespace) -> None:
    from rrgraph.data import SUBSET_NAMES, load_table, split_table
    from rrgraph.util.files import check_files, check_writable, write_json

    folder = Path(arguments.output)
    check_writable(folder, folder=True)
    paths = {part: folder / f"{part}.{arguments.format}" for part in SUBSET_NAMES}
    read = {"the table": arguments.table, "--holdout": arguments.holdout}
    check_files({f"the {part} table": path for part, path in paths.items()}, read)
    split = split_table(
        load_table(arguments.table, target=arguments.column),
        arguments.split,
        seed=arguments.seed,
        year=arguments.year,
        validation_fraction=arguments.validation_fraction,
        holdout=load_table(arguments.holdout) if arguments.holdout else None,
    )
    for part, path in paths.items():
        getattr(split, part).write(path)
    write_json(folder / "leakage.json", split.report.to_dict())
    print(split.report)


def _add_stats(verbs: Commands) -> None:
    parser = add_command("stats", verbs, summary="count the contents of a table", examples=_verb("stats"))
    parser.add_argument("table", help="reaction table by name or path")
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    add_target_column(parser)
    parser.set_defaults(run=_stats)


def _stats(arguments: argparse.Namespace) -> None:
    from rrgraph.cli.common.show import show_table
    from rrgraph.data import load_table, table_statistics

    counted = table_statistics(load_table(arguments.table, target=arguments.column)).to_dict()
    if arguments.json:
        print(json.dumps(counted, indent=2))
        return
    rows = []
    for name, value in counted.items():
        shown = ", ".join(f"{k} {_number(v)}" for k, v in value.items()) if isinstance(value, Mapping) else str(value)
        rows.append([name.replace("_", " "), shown])
    show_table([arguments.table, "count"], rows)


def _number(value: float) -> str:
    return f"{value:.3f}" if isinstance(value, float) else str(value)
