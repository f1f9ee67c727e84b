"""`rrgraph evaluate`: a model and a table flow in, metrics under a protocol flow out."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING

from rrgraph.cli.common.options import (
    CANDIDATES,
    add_command,
    add_groupings,
    add_mode,
    add_protocol_flags,
    groupings,
    protocol_overrides,
    resolve_candidates,
    score_mode,
)
from rrgraph.errors import ConfigError, DataError, suggestion

if TYPE_CHECKING:
    from rrgraph.data import Split
    from rrgraph.planning import LinkScorer, SetProposer

__all__ = ["add_parser", "run"]

_EXAMPLES = """\
  rrgraph evaluate runs/quickstart --split test --protocol open
  rrgraph evaluate default --test my_reactions.csv --protocol paper --output metrics.json
  rrgraph evaluate runs/a --test test.csv --protocol paper --ties pessimistic --baseline popularity
  rrgraph evaluate runs/a --split test --by anion_class,year,distance
  rrgraph evaluate runs/a --test test.csv --candidates all+generated
"""


def add_parser(name: str, commands: argparse._SubParsersAction) -> None:
    """Add the command and its arguments."""
    parser = add_command(name, commands, summary="measure a trained model on a table or a split", examples=_EXAMPLES)
    parser.add_argument("model", help="run folder, or the name of a bundled model")
    rows = parser.add_mutually_exclusive_group(required=True)
    rows.add_argument("--test", metavar="TABLE", help="reaction table to measure on")
    rows.add_argument("--split", metavar="NAME", help="train, validation or test part of the run's own split")
    parser.add_argument(
        "--candidates",
        default="all",
        metavar=CANDIDATES,
        help="candidate precursors; all: those of the model and of the measured rows (default); "
        "generated: plausible compounds of each target's elements, also joined to a list as in all+generated",
    )
    add_mode(parser)
    parser.add_argument(
        "--baseline", action="append", default=[], metavar="NAME", help="also measure a baseline on the run's data"
    )
    add_groupings(parser)
    parser.add_argument("--output", metavar="FILE", help="write the metrics as JSON")
    parser.add_argument("--predictions", metavar="FILE", help="write the ranked sets as predictions JSONL")
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    add_protocol_flags(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> None:
    """Measure and show."""
    if _is_organic(arguments.model):
        from rrgraph.cli.organic.evaluate import evaluate_organic

        evaluate_organic(arguments)
        return
    from rrgraph.baselines import BASELINES
    from rrgraph.cli.common.show import show_edges, show_metrics, show_strata
    from rrgraph.data import load_table
    from rrgraph.evaluation import PROTOCOLS, evaluate_links
    from rrgraph.models import load_model
    from rrgraph.planning import TargetCandidates
    from rrgraph.runs import candidate_pool
    from rrgraph.runs.measure import measure_systems
    from rrgraph.util.config import MODEL
    from rrgraph.util.files import write_json

    protocol = PROTOCOLS[arguments.protocol].override(**protocol_overrides(arguments))
    baselines = {name: BASELINES[name] for name in arguments.baseline}
    by = groupings(arguments.by)
    predictor = load_model(arguments.model)
    split = _split(arguments, systems="distance" in by and predictor.systems is None)
    table = load_table(arguments.test) if arguments.test else getattr(split, arguments.split)
    if not len(table):
        raise DataError(f"There are no rows to measure on in '{arguments.test or arguments.split}'.")
    known = candidate_pool(predictor.vocabulary, table)
    pool = resolve_candidates(arguments.candidates, known, predictor.seen, targets=table.targets)
    per_target = float(median(pool.counts())) if isinstance(pool, TargetCandidates) else float(len(pool))
    mode = score_mode(arguments.mode, predictor, told=protocol.set_size == "told")
    systems: dict[str, LinkScorer | SetProposer] = {MODEL: predictor}
    if split is not None:
        systems |= {name: baseline().fit(split.train, split) for name, baseline in baselines.items()}
    measured = measure_systems(
        systems,
        pool,
        table,
        protocol,
        mode=mode,
        train_precursors={precursor.key for precursor in predictor.seen},
        train_systems=predictor.systems if split is None else set(split.train.element_systems.tolist()),
        by=by,
        predictions=arguments.predictions,
    )
    links = evaluate_links(predictor, pool, table)
    report = {
        "model": arguments.model,
        "rows": arguments.test or arguments.split,
        "candidates": arguments.candidates,
        "pool": len(pool),
        "pool_per_target": per_target,
        "mode": mode,
        "metrics": {name: metrics.to_dict() for name, metrics in measured.items()},
        "links": links.to_dict(),
    }
    if arguments.output:
        write_json(arguments.output, report)
    if arguments.json:
        print(json.dumps(report, indent=2, ensure_ascii=False, allow_nan=False))
        return
    size = f"{len(pool)} candidates" + (f" (median of a target {per_target:g})" if per_target < len(pool) else "")
    show_metrics(measured, title=f"{len(table)} rows, {size}, protocol {protocol.name}, {mode} score")
    show_strata(measured)
    show_edges(links.edges)


def _is_organic(model: str) -> bool:
    """Return whether a model is one of templates."""
    if not Path(model, "model.json").is_file():
        return False
    from rrgraph.nn import model_format
    from rrgraph.organic import TEMPLATE_FORMAT

    return model_format(model) == TEMPLATE_FORMAT


def _split(arguments: argparse.Namespace, *, systems: bool) -> Split | None:
    """Return the split of the run where one of its parts, a baseline or (`systems`) the distance from it is asked for.

    Raises:
        ConfigError: there is no such part, or the model is no run folder and so has no split.
    """
    from rrgraph.data import PARTS
    from rrgraph.runs import run_split

    part = arguments.split
    if part and part not in PARTS:
        raise ConfigError(f"--split is '{part}', expected train, validation or test.{suggestion(part, PARTS)}")
    if not part and not arguments.baseline and not systems:
        return None
    if not Path(arguments.model, "config.yaml").is_file():
        option = "--split" if part else "--baseline" if arguments.baseline else "--by distance"
        raise ConfigError(f"{option} needs the data of a run, and '{arguments.model}' is no run folder.")
    return run_split(arguments.model)
