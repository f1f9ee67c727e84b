"""`rrgraph plan`: formulas flow in, ranked precursor sets with balanced equations flow out."""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

from rrgraph.cli.common.argparse_private import Commands
from rrgraph.cli.common.options import (
    CANDIDATES,
    add_command,
    add_mode,
    count_or_all,
    list_formulas,
    per_target,
    positive_int,
    positive_number,
    resolve_candidates,
)
from rrgraph.cli.plan.evidence import add_evidence_options, build_evidence, check_evidence
from rrgraph.errors import PlanningError, suggestion

if TYPE_CHECKING:
    from rrgraph.chem import Composition
    from rrgraph.cli.plan.energies import ReactionEnergies
    from rrgraph.models import Model
    from rrgraph.planning import Planner, SetConstraints

__all__ = ["add_parser", "run"]

_EXAMPLES = """\
  rrgraph plan Li7La3Zr2O12
  rrgraph plan LiNi0.8Co0.1Mn0.1O2 BaTiO3 --top-k 5 --exclude LiOH
  rrgraph plan 'Ba(Zr0.2Ti0.8)O3' --exclude N,S --require TiO2     no nitrates or sulfates, but TiO2
  rrgraph plan Cr2AlB2 --candidates B,Cr,Al,AlB2,CrB,CrB2          judge precursors never seen in training
  rrgraph plan Cr2AlB2 --candidates all+generated                  and any plausible compound of Cr, Al and B
  rrgraph plan Li3V2P3O12 --balanced --mode geometric              no member can be left out, all balance
  rrgraph plan La0.7Sr0.3MnO3 --stock cupboard.txt --grams 10      what is at hand, weighed out
  rrgraph plan BaTiO3 --energies --temperature 1200                free energies with gases at 1200 K and 1 bar
  rrgraph plan K2NiF4 --table mine.csv --evidence 5                the five nearest reactions of your own table
  rrgraph plan --input targets.csv --set-size column:size --output plans.jsonl
  cat formulas.txt | rrgraph plan --input - --json
  rrgraph plan --domain organic --model runs/conretrobert 'CC(=O)Nc1ccc(O)cc1'

A list of targets is a CSV or JSONL file with a column 'target', or text with a formula a line. A bad row is
reported with its line number, keeps its place in the output and makes the exit code 2; the others are planned.
An element symbol given to --exclude or --require means the element; the element as a precursor is written Al1.
"""

_MAX_SIZE = 20


def add_parser(name: str, commands: Commands) -> None:
    """Add the command and its arguments."""
    parser = add_command(name, commands, summary="rank precursor sets for targets", examples=_EXAMPLES, rest="formulas")
    parser.add_argument("formulas", nargs="*", metavar="FORMULA", help="target compositions")
    parser.add_argument("--input", metavar="FILE", help="CSV, JSONL or text file of targets; - reads standard input")
    parser.add_argument("--model", default="default", metavar="NAME|PATH", help="bundled model or run folder")
    parser.add_argument(
        "--domain",
        default="inorganic",
        choices=("inorganic", "organic"),
        help="organic: targets are molecules, as SMILES",
    )
    parser.add_argument("--svg", metavar="FOLDER", help="with --domain organic: draw each reaction as SVG")
    parser.add_argument("--top-k", type=positive_int, default=10, metavar="K", help="sets for each target (10)")
    parser.add_argument("--output", metavar="FILE", help="write .jsonl, .csv or .parquet instead of a table")
    parser.add_argument("--json", action="store_true", help="print one JSON object a target")
    parser.add_argument(
        "--grams", type=positive_number, metavar="G", help="also weigh out each set for G grams of target"
    )
    parser.add_argument(
        "--equations",
        action=argparse.BooleanOptionalAction,
        help="balance each set (default: unless --output is given)",
    )
    energies = parser.add_argument_group("reaction energies")
    energies.add_argument("--energies", action="store_true", help="show the reaction energy of each set")
    energies.add_argument(
        "--formation-energies",
        metavar="FILE",
        help="CSV, JSONL or Parquet file with formula, formation_energy (eV/atom) and perhaps uncertainty of solids "
        "to use in place of predictions",
    )
    energies.add_argument(
        "--temperature", type=positive_number, metavar="K", help="free energies with gases at K and 1 bar (298 to 2500)"
    )
    sets = parser.add_argument_group("which sets are valid")
    sets.add_argument("--set-size", metavar="N|A-B|column:NAME", help="number of precursors (1-6)")
    sets.add_argument(
        "--cover", default="exempt", help="exempt: C, H, O, N may come from the atmosphere (default); strict"
    )
    sets.add_argument("--foreign", action="store_true", help="allow elements that the target lacks")
    sets.add_argument("--one-per-element", action="store_true", help="at most one precursor for the same element")
    sets.add_argument("--balanced", action="store_true", help="only sets whose equation balances")
    add_mode(sets)
    pool = parser.add_argument_group("which precursors may be used")
    pool.add_argument(
        "--candidates",
        default="all",
        metavar=CANDIDATES,
        help="candidate precursors (all); generated: plausible compounds of each target's elements, also joined to a "
        "list as in all+generated",
    )
    pool.add_argument(
        "--max-candidates", type=count_or_all, metavar="N|all", help="only the N most probable candidates (all)"
    )
    pool.add_argument("--stock", metavar="FILE|LIST", help="only these are at hand, known to the model or not")
    pool.add_argument("--exclude", action="append", default=[], metavar="X", help="element or precursor to avoid")
    pool.add_argument("--require", action="append", default=[], metavar="X", help="element or precursor to use")
    add_evidence_options(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Plan and show; bad rows are reported and do not stop the others, but make the exit code 2."""
    if arguments.domain == "organic":
        from rrgraph.cli.organic.plan import check_options, run_organic

        check_options(arguments, arguments.parser)
        return run_organic(arguments)
    from rrgraph.cli.common.targets import read_targets, told_column
    from rrgraph.cli.common.writers import check_output
    from rrgraph.cli.plan.output import Detail, describe_plan, open_plans

    _check(arguments)
    check_output(arguments.output)
    column = told_column(arguments.set_size)
    chunks = read_targets(arguments.formulas, arguments.input, column)
    stock = [] if arguments.stock is None else list_formulas("--stock", arguments.stock)
    rules = constraints(arguments, stock)
    energies = build_energies(arguments)
    evidence = build_evidence(arguments)

    from rrgraph.models import load_model
    from rrgraph.planning import plan_with_swaps

    predictor = load_model(arguments.model)
    planner = None if per_target(arguments.candidates) else build_planner(arguments, predictor, rules, stock)
    equations = arguments.equations if arguments.equations is not None else arguments.output is None
    detail = Detail(
        equations=equations,
        grams=arguments.grams,
        energies=arguments.energies,
        temperature=arguments.temperature,
        told=_told(arguments),
    )
    failed = False
    with open_plans(
        arguments.output, as_json=arguments.json, energies=energies is not None, evidence=evidence is not None
    ) as output:
        for chunk in chunks:
            good = [row for row in chunk if row.target is not None]
            sizes = [row.size for row in good] if column is not None else None
            targets = [row.target for row in good if row.target is not None]
            chosen = planner or build_planner(arguments, predictor, rules, stock, targets)
            plans = plan_with_swaps(chosen, targets, top_k=arguments.top_k, sizes=sizes)
            records = [
                describe_plan(row, next(plans) if row.target is not None else None, predictor, detail) for row in chunk
            ]
            failed = failed or len(good) < len(chunk)
            records = records if energies is None else energies.add(records)
            for record in records if evidence is None else evidence.add(chunk, records):
                if not record.sets:
                    print(f"rrgraph plan: {record.message}", file=sys.stderr)
                output.write(record)
    return 2 if failed else 0


def build_energies(arguments: argparse.Namespace) -> ReactionEnergies | None:
    """Return what adds reaction energies, or None when they are not asked for.

    Raises:
        DataError: the file of formation energies cannot be used.
    """
    if not arguments.energies:
        return None
    from rrgraph.cli.plan.energies import ReactionEnergies
    from rrgraph.planning import read_formation_energies

    given = {} if arguments.formation_energies is None else read_formation_energies(arguments.formation_energies)
    return ReactionEnergies(given, temperature=arguments.temperature)


def build_planner(
    arguments: argparse.Namespace,
    predictor: Model,
    rules: SetConstraints,
    stock: Sequence[Composition],
    targets: Sequence[Composition] = (),
) -> Planner:
    """Return the planner that the arguments describe; what is in stock is a candidate even if the model never met it.

    Generated candidates are those of the targets, and what every set has to hold. Whatever the options forbid, sets of
    the model's own vocabulary compete for probability; a told size is no wish but knowledge, which they share.

    Raises:
        PlanningError: the candidates do not fit the constraints.
    """
    from rrgraph.models import constrained_planner

    candidates = None
    if stock or arguments.candidates != "all":
        candidates = resolve_candidates(
            arguments.candidates,
            [*predictor.vocabulary, *stock],
            predictor.seen,
            targets=targets,
            required=_split_names("--require", arguments.require)[0],
        )
    return constrained_planner(
        predictor,
        rules,
        candidates=candidates,
        mode=arguments.mode,
        max_candidates=arguments.max_candidates,
        known_size=_told(arguments),
    )


def constraints(arguments: argparse.Namespace, stock: Sequence[Composition]) -> SetConstraints:
    """Return the constraints that the arguments describe.

    Raises:
        PlanningError: a value is not one of the choices, or wishes contradict each other.
        FormulaError: a precursor is no composition.
    """
    from rrgraph.planning import SetConstraints

    required, required_elements = _split_names("--require", arguments.require)
    excluded, excluded_elements = _split_names("--exclude", arguments.exclude)
    return SetConstraints(
        sizes=_sizes(arguments.set_size),
        cover=arguments.cover,
        foreign=arguments.foreign,
        one_per_element=arguments.one_per_element,
        required=frozenset(precursor.formula for precursor in required),
        required_elements=required_elements,
        excluded=frozenset(precursor.formula for precursor in excluded),
        excluded_elements=excluded_elements,
        stock=frozenset(precursor.formula for precursor in stock) or None,
        balanced=arguments.balanced,
    )


def _check(arguments: argparse.Namespace) -> None:
    """Refuse options that contradict each other, before a model is loaded."""
    from rrgraph.planning import RANKING_MODES

    if bool(arguments.formulas) == bool(arguments.input):
        raise PlanningError("Give either target formulas or --input FILE, such as 'rrgraph plan BaTiO3'.")
    if (arguments.set_size or "").startswith("column:") and not arguments.input:
        raise PlanningError("--set-size column:NAME reads a column of --input FILE, which is not given.")
    if arguments.grams is not None and arguments.equations is False:
        raise PlanningError("--grams follows from the balanced equations, which --no-equations leaves out.")
    _check_energies(arguments)
    check_evidence(arguments)
    if arguments.mode is not None and arguments.mode not in RANKING_MODES:
        raise PlanningError(
            f"--mode is '{arguments.mode}', expected one of {', '.join(RANKING_MODES)}."
            f"{suggestion(arguments.mode, RANKING_MODES)}"
        )


def _check_energies(arguments: argparse.Namespace) -> None:
    """Refuse options of reaction energies that do not fit together."""
    from rrgraph.chem import check_temperature

    for option in ("formation_energies", "temperature"):
        if getattr(arguments, option) is not None and not arguments.energies:
            raise PlanningError(f"--{option.replace('_', '-')} is for reaction energies, which --energies asks for.")
    if arguments.energies and arguments.equations is False:
        raise PlanningError("--energies follow from the balanced equations, which --no-equations leaves out.")
    if arguments.temperature is not None:
        check_temperature(arguments.temperature)


def _told(arguments: argparse.Namespace) -> bool:
    """Whether the number of precursors is given, not merely limited."""
    return (arguments.set_size or "").startswith("column:") or len(_sizes(arguments.set_size)) == 1


def _sizes(text: str | None) -> tuple[int, ...]:
    if text is None or text.startswith("column:"):
        return (1, 2, 3, 4, 5, 6)
    found = re.fullmatch("([0-9]{1,9})(?:-([0-9]{1,9}))?", text)
    low, high = (int(found[1]), int(found[2] or found[1])) if found else (0, 0)
    if 1 <= low <= high <= _MAX_SIZE:
        return tuple(range(low, high + 1))
    raise PlanningError(
        f"--set-size is '{text}', expected a number such as 3, a range such as 2-4 or column:NAME; the largest is "
        f"{_MAX_SIZE}."
    )


def _split_names(option: str, names: Sequence[str]) -> tuple[list[Composition], frozenset[str]]:
    """Tell element symbols from precursors; `Al` is the element, `Al1` the precursor."""
    from rrgraph.chem import ELEMENTS, parse_formula

    texts = [text.strip() for name in names for text in name.split(",") if text.strip()]
    if names and not texts:
        raise PlanningError(f"{option} is empty, expected an element or a precursor.")
    elements = frozenset(text for text in texts if text in ELEMENTS)
    return [parse_formula(text) for text in texts if text not in elements], elements
