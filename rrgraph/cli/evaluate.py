"""`rrgraph evaluate`: measures a trained model on a table or a split, under a protocol."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING

import rrgraph as rr
from rrgraph.cli.common.argparse_private import Commands
from rrgraph.cli.common.options import (
    CANDIDATES,
    add_atmosphere,
    add_command,
    add_device,
    add_mode,
    add_protocol_flags,
    add_subgroups,
    add_target_column,
    protocol_overrides,
    run_files,
    subgroups,
)
from rrgraph.errors import ConfigError, DataError, PlanningError, RRGraphError, suggestion

if TYPE_CHECKING:
    from rrgraph.chem import Atmosphere
    from rrgraph.data import ReactionTable, Split
    from rrgraph.models import Model
    from rrgraph.planning import LinkScorer, SetProposer

__all__ = ["add_parser", "run"]

_EXAMPLES = """\
  rrgraph evaluate runs/quickstart --split test --protocol open
  rrgraph evaluate default --test my_reactions.csv --protocol paper --output metrics.json
  rrgraph evaluate runs/a --test test.csv --protocol paper --ties pessimistic --baseline popularity
  rrgraph evaluate runs/a --split test --by anion_class,year,distance
  rrgraph evaluate runs/a --test test.csv --candidates all+generated
  rrgraph evaluate runs/a --test test.csv --atmosphere column:furnace     ranked for the atmosphere of each row
"""


def add_parser(name: str, commands: Commands) -> None:
    """Add the command and its arguments."""
    parser = add_command(name, commands, summary="measure a trained model on a table or a split", examples=_EXAMPLES)
    parser.add_argument("model", help="run folder, or the name of a bundled model")
    add_device(parser)
    rows = parser.add_mutually_exclusive_group(required=True)
    rows.add_argument("--test", metavar="TABLE", help="reaction table to measure on")
    rows.add_argument("--split", metavar="NAME", help="train, validation or test rows of the run's own split")
    add_target_column(parser)
    parser.add_argument(
        "--candidates",
        default="all",
        metavar=CANDIDATES,
        help="candidate precursors; all: those of the model and of the measured rows (default); "
        "generated: plausible compounds of each target's elements, also joined to a list as in all+generated",
    )
    add_mode(parser)
    add_atmosphere(parser)
    parser.add_argument(
        "--pairs",
        choices=("feasible", "all"),
        default="feasible",
        help="pairs behind the link metrics: those that planning would consider (default), or the whole grid, most of "
        "which shares no element",
    )
    parser.add_argument(
        "--baseline", action="append", default=[], metavar="NAME", help="also measure a baseline on the run's data"
    )
    add_subgroups(parser)
    parser.add_argument("--output", metavar="FILE", help="write the metrics as JSON")
    parser.add_argument("--predictions", metavar="FILE", help="write the ranked sets as predictions JSONL")
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    add_protocol_flags(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> None:
    """Measure and show."""
    from rrgraph.cli.common.writers import summary_stream
    from rrgraph.cli.conditions import evaluate_conditions
    from rrgraph.cli.organic.evaluate import evaluate_organic
    from rrgraph.runs import workflow_of_model
    from rrgraph.util.files import check_files

    read = {"--test": arguments.test, "the model": run_files(arguments.model)}
    check_files({"--output": arguments.output, "--predictions": arguments.predictions}, read)
    evaluate = {"materials": _evaluate, "molecules": evaluate_organic, "conditions": evaluate_conditions}
    with summary_stream(arguments.output, arguments.predictions):
        evaluate[workflow_of_model(arguments.model).domain](arguments)


def _evaluate(arguments: argparse.Namespace) -> None:
    """Measure a model of targets and precursors."""
    from rrgraph.baselines import make_baseline
    from rrgraph.cli.common.show import report_overlap, show_edges, show_metrics, show_subgroups
    from rrgraph.data import LearnedReactions
    from rrgraph.evaluation import PROTOCOLS, evaluate_links
    from rrgraph.models import default_mode
    from rrgraph.planning import TargetCandidates, resolve_candidates
    from rrgraph.runs import candidate_pool
    from rrgraph.runs.measure import measure_systems
    from rrgraph.util.config import MODEL
    from rrgraph.util.files import write_json
    from rrgraph.util.streams import print_problem

    protocol = PROTOCOLS[arguments.protocol].override(**protocol_overrides(arguments))
    baselines = {name: make_baseline(name, device=arguments.device) for name in arguments.baseline}
    by = subgroups(arguments.by)
    predictor = rr.load_model(arguments.model, device=arguments.device)
    split, without = _split(arguments, systems="distance" in by and predictor.systems is None)
    table = (
        rr.load_reactions(arguments.test, target=arguments.column)
        if arguments.test
        else getattr(split, arguments.split)
    )
    if not len(table):
        raise DataError(f"There are no rows to measure on in '{arguments.test or arguments.split}'.")
    known = candidate_pool(predictor.vocabulary, table)
    pool = resolve_candidates(arguments.candidates, known, predictor.seen, targets=table.targets)
    per_target = float(median(pool.counts())) if isinstance(pool, TargetCandidates) else float(len(pool))
    mode = arguments.mode or default_mode(predictor, known_size=protocol.set_size == "known")
    variants = _in_atmospheres(predictor, table, arguments.atmosphere, mode)
    systems: dict[str, LinkScorer | SetProposer] = {MODEL: predictor}
    if split is not None:
        systems |= {name: baseline.fit(split.train, split) for name, baseline in baselines.items()}
    learned = predictor.learned
    if learned is None and split is not None:
        learned = LearnedReactions.of(split.train)
    measured = measure_systems(
        systems,
        pool,
        table,
        protocol,
        mode=mode,
        variants=variants,
        train_precursors={precursor.key for precursor in predictor.seen},
        train_sets=None if split is None else set(split.train.set_keys),
        learned=learned,
        known=None if split is None else split.train,
        train_systems=predictor.systems if split is None else set(split.train.element_systems.tolist()),
        by=by,
        predictions=arguments.predictions,
    )
    rules = protocol.constraints() if arguments.pairs == "feasible" else None
    links = evaluate_links(predictor, pool, table, constraints=rules, known=None if split is None else split.train)
    overlap = measured[MODEL].overlap
    unfiltered = split is None and (overlap is None or overlap.learned.rows > 0)
    report = {
        "model": arguments.model,
        "rows": arguments.test or arguments.split,
        "candidates": arguments.candidates,
        "pool": len(pool),
        "pool_per_target": per_target,
        "mode": mode,
        **({} if variants is None else {"atmosphere": arguments.atmosphere}),
        "metrics": {name: metrics.to_dict() for name, metrics in measured.items()},
        "pairs": arguments.pairs,
        "learned_links": "included" if unfiltered else "left out",
        "links": links.to_dict(),
    }
    report_overlap("evaluate", measured[MODEL])
    if unfiltered:
        print_problem("evaluate", f"Links that the model learned from are not left out of the link metrics: {without}")
    if arguments.output:
        write_json(arguments.output, report)
    if arguments.json:
        print(json.dumps(report, indent=2, ensure_ascii=False, allow_nan=False))
        return
    size = f"{len(pool)} candidates" + (f" (median of a target {per_target:g})" if per_target < len(pool) else "")
    show_metrics(measured, title=f"{len(table)} rows, {size}, protocol {protocol.name}, {mode} score")
    show_subgroups(measured)
    show_edges(links.edges, pairs=arguments.pairs)


def _in_atmospheres(model: Model, table: ReactionTable, asked: str | None, mode: str) -> list[Model] | None:
    """Return the model for the atmosphere of each row, None where none is asked for.

    Rows in an atmosphere of which the model learned nothing are ranked without; a warning says how many.

    Raises:
        RRGraphError: the model takes no atmosphere, or not the one for all rows; the column does not exist, or it
            names none.
    """
    from rrgraph.cli.common.targets import column_of
    from rrgraph.util.rows import named_column
    from rrgraph.util.streams import print_problem

    if asked is None:
        return None
    model.require_atmosphere(mode)
    column = column_of(asked, "--atmosphere")
    if column is None:
        return [model.in_atmosphere(asked)] * len(table)
    columns = [str(name) for name in table.frame]
    given = table.atmospheres(named_column(column, columns, source=table.source, option="--atmosphere"))
    if not any(given):
        raise DataError(f"--atmosphere is '{asked}', and the column names no atmosphere that is known.")
    models: dict[Atmosphere | None, Model] = {None: model}
    for each in dict.fromkeys(filter(None, given)):
        try:
            models[each] = model.in_atmosphere(each)
        except PlanningError as error:
            models[each] = model
            print_problem(
                "evaluate", f"{given.count(each)} of {len(table)} rows are ranked without atmosphere: {error}"
            )
    return [models[each] for each in given]


def _split(arguments: argparse.Namespace, *, systems: bool) -> tuple[Split | None, str]:
    """Return the split of the run, and a sentence that says why there is none.

    Raises:
        RRGraphError: there is no split, and one of its subsets, a baseline or (`systems`) the distance is asked for; or
            there is no such subset.
    """
    from rrgraph.data import SUBSET_NAMES
    from rrgraph.runs import run_split

    subset = arguments.split
    if subset and subset not in SUBSET_NAMES:
        raise ConfigError(
            f"--split is '{subset}', expected train, validation or test.{suggestion(subset, SUBSET_NAMES)}"
        )
    option = "--split" if subset else "--baseline" if arguments.baseline else "--by distance" if systems else ""
    if not Path(arguments.model, "config.yaml").is_file():
        reason = f"'{arguments.model}' is not a run folder."
        if option:
            raise ConfigError(f"{option} needs the data of a run, and {reason}")
        return None, reason
    try:
        return run_split(arguments.model), ""
    except RRGraphError as error:
        if option:
            raise
        return None, str(error)
