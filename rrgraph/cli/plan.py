"""`rrgraph plan`: formulas flow in, ranked precursor sets with balanced equations flow out."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

from rrgraph.chem import ELEMENTS, parse_formula
from rrgraph.cli.options import add_command, positive_int, resolve_candidates
from rrgraph.cli.plan_input import read_targets, told_column
from rrgraph.errors import PlanningError

if TYPE_CHECKING:
    from rrgraph.chem import Composition
    from rrgraph.model import LinkPredictor
    from rrgraph.planning import Planner, SetConstraints

__all__ = ["add_parser", "run"]

_EXAMPLES = """\
  rrgraph plan Li7La3Zr2O12
  rrgraph plan 'LiNi0.8Co0.1Mn0.1O2' BaTiO3 --top-k 5 --exclude LiOH
  rrgraph plan Cr2AlB2 --candidates B,Cr,Al,AlB2,CrB,CrB2
  rrgraph plan La0.7Sr0.3MnO3 --stock cupboard.txt --grams 10
  rrgraph plan --input targets.csv --set-size column:size --output plans.jsonl
"""


def add_parser(name: str, commands: argparse._SubParsersAction) -> None:
    """Add the command and its arguments."""
    parser = add_command(name, commands, summary="rank precursor sets for targets", examples=_EXAMPLES)
    parser.add_argument("formulas", nargs="*", metavar="FORMULA", help="target compositions")
    parser.add_argument("--input", metavar="FILE", help="CSV, JSONL or text file of targets; - reads standard input")
    parser.add_argument("--model", default="default", metavar="NAME|PATH", help="bundled model or run folder")
    parser.add_argument("--top-k", type=positive_int, default=10, metavar="K", help="sets for each target (10)")
    parser.add_argument("--output", metavar="FILE", help="write .jsonl, .csv or .parquet instead of printing")
    parser.add_argument("--json", action="store_true", help="print one JSON object a target")
    parser.add_argument("--grams", type=float, metavar="G", help="also weigh out each set for G grams of target")
    parser.add_argument(
        "--equations",
        action=argparse.BooleanOptionalAction,
        help="balance each set (default: unless --output is given)",
    )
    sets = parser.add_argument_group("which sets are valid")
    sets.add_argument("--set-size", metavar="N|A-B|column:NAME", help="number of precursors (1-6)")
    sets.add_argument(
        "--cover", default="exempt", help="exempt: C, H, O, N may come from the atmosphere (default); strict"
    )
    sets.add_argument("--foreign", action="store_true", help="allow elements that the target lacks")
    sets.add_argument("--one-per-element", action="store_true", help="at most one precursor for the same element")
    sets.add_argument("--mode", help="product, log_odds or geometric; by default that of the model")
    pool = parser.add_argument_group("which precursors may be used")
    pool.add_argument("--candidates", default="all", metavar="FILE|LIST|train|all", help="candidate precursors (all)")
    pool.add_argument("--max-candidates", type=positive_int, metavar="N", help="only the N most probable candidates")
    pool.add_argument("--stock", metavar="FILE|LIST", help="only these precursors are at hand")
    pool.add_argument("--exclude", action="append", default=[], metavar="X", help="element or precursor to avoid")
    pool.add_argument("--require", action="append", default=[], metavar="X", help="element or precursor to use")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Plan and show; bad rows are reported and do not stop the others, but make the exit code 2."""
    if bool(arguments.formulas) == bool(arguments.input):
        raise PlanningError("Give either target formulas or --input FILE, such as 'rrgraph plan BaTiO3'.")
    from rrgraph.cli.plan_output import describe_plan, open_output
    from rrgraph.runs import load_predictor

    if told_column(arguments.set_size) is not None and not arguments.input:
        raise PlanningError("--set-size column:NAME reads a column of --input FILE, which is not given.")
    predictor = load_predictor(arguments.model)
    planner = build_planner(arguments, predictor)
    equations = arguments.equations if arguments.equations is not None else arguments.output is None
    failed = False
    with open_output(arguments.output, as_json=arguments.json) as output:
        for chunk in read_targets(arguments.formulas, arguments.input, arguments.set_size):
            good = [(row.target, row.size) for row in chunk if row.target is not None]
            sizes = [size for _, size in good] if told_column(arguments.set_size) else None
            plans = iter(planner.plan([target for target, _ in good], top_k=arguments.top_k, sizes=sizes))
            for row in chunk:
                plan = next(plans) if row.target is not None else None
                record = describe_plan(
                    row, plan, predictor, top_k=arguments.top_k, equations=equations, grams=arguments.grams
                )
                if row.target is None or not record.sets:
                    failed = failed or row.target is None
                    reason = record.message if row.target is None else f"{row.text}: {record.message}"
                    print(f"rrgraph plan: {reason}", file=sys.stderr)
                output.write(record)
    return 2 if failed else 0


def build_planner(arguments: argparse.Namespace, predictor: LinkPredictor) -> Planner:
    """Return the planner that the arguments describe.

    Raises:
        PlanningError: a size, cover or mode is not one of the choices.
    """
    from rrgraph.planning import Planner

    candidates = list(resolve_candidates(arguments.candidates, predictor.vocabulary, predictor.seen))
    mode = arguments.mode or ("product" if _told(arguments) else predictor.checkpoint.metadata["score_mode"])
    return Planner(
        predictor,
        candidates,
        _constraints(arguments),
        mode=mode,
        max_candidates=arguments.max_candidates,
    )


def _constraints(arguments: argparse.Namespace) -> SetConstraints:
    from rrgraph.planning import SetConstraints, read_candidates

    required, required_elements = _split_names(arguments.require)
    excluded, excluded_elements = _split_names(arguments.exclude)
    return SetConstraints(
        sizes=_sizes(arguments.set_size),
        cover=arguments.cover,
        foreign=arguments.foreign,
        one_per_element=arguments.one_per_element,
        required=frozenset(precursor.formula for precursor in required),
        required_elements=required_elements,
        excluded=frozenset(precursor.formula for precursor in excluded),
        excluded_elements=excluded_elements,
        stock=frozenset(p.formula for p in read_candidates(arguments.stock)) if arguments.stock else None,
    )


def _told(arguments: argparse.Namespace) -> bool:
    return told_column(arguments.set_size) is not None or (arguments.set_size or "").isdigit()


def _sizes(text: str | None) -> tuple[int, ...]:
    if text is None or told_column(text) is not None:
        return (1, 2, 3, 4, 5, 6)
    low, _, high = text.partition("-")
    if low.isdigit() and (not high or high.isdigit()) and 1 <= int(low) <= int(high or low):
        return tuple(range(int(low), int(high or low) + 1))
    raise PlanningError(f"--set-size is '{text}', expected a number such as 3, a range such as 2-4 or column:NAME.")


def _split_names(names: Sequence[str]) -> tuple[list[Composition], frozenset[str]]:
    """Tell element symbols from precursors; `Al` is the element, `Al1` the precursor."""
    texts = [text.strip() for name in names for text in name.split(",") if text.strip()]
    elements = frozenset(text for text in texts if text in ELEMENTS)
    return [parse_formula(text) for text in texts if text not in elements], elements
