"""`rrgraph plan`: ranks precursor sets for formulas, with equations, masses, energies and literature precedents."""

from __future__ import annotations

import argparse
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING

import rrgraph as rr
from rrgraph.cli.common.argparse_private import Commands
from rrgraph.cli.common.options import add_command
from rrgraph.cli.plan.arguments import EXAMPLES, add_arguments
from rrgraph.errors import DataWarning, OptionError, PlanningError, RRGraphError, suggestion

if TYPE_CHECKING:
    from rrgraph.chem import Composition
    from rrgraph.cli.common.targets import TargetRow
    from rrgraph.lab import Batch
    from rrgraph.planning import EnergySource, LiteratureSource

__all__ = ["add_parser", "run"]

_BATCH_SIZE = 8
"""Targets that are planned together, and lost together when a run is killed."""
_SHEET_GRAMS = 10.0
"""Target in g that sheets weigh out where none is asked for."""
_FIRST = 256
"""First targets, of which one with a dopant brings a column of dopants."""


def add_parser(name: str, commands: Commands) -> None:
    """Add the command and its arguments."""
    parser = add_command(name, commands, summary="rank precursor sets for targets", examples=EXAMPLES, rest="formulas")
    add_arguments(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Plan and show; bad rows are reported and do not stop the others, but make the exit code 2."""
    if arguments.domain == "organic":
        from rrgraph.cli.organic.plan import run_organic

        return run_organic(arguments)
    from rrgraph.cli.common.answers import write_answers
    from rrgraph.cli.common.targets import column_of, read_targets, row_atmosphere
    from rrgraph.cli.common.unfinished import open_unfinished
    from rrgraph.cli.common.writers import check_outputs
    from rrgraph.cli.plan.output import open_plans
    from rrgraph.cli.plan.sheets import OUTPUT_SUFFIXES
    from rrgraph.lab import Batch
    from rrgraph.planning import LISTWISE, PRECEDENTS
    from rrgraph.util.files import check_files

    _take_target_back(arguments)
    _check(arguments)
    batch = _batch(arguments)
    inputs = {
        f"--{name.replace('_', '-')}": getattr(arguments, name) for name in ("stock", "table", "formation_energies")
    }
    check_outputs(arguments, inputs=inputs, suffixes=OUTPUT_SUFFIXES)
    check_files({"--output": arguments.output, "--figure": arguments.figure}, inputs)
    column = column_of(arguments.set_size, "--set-size")
    atmosphere_column = column_of(arguments.atmosphere, "--atmosphere")
    targets = read_targets(
        arguments.formulas,
        arguments.input,
        column,
        formula_column=arguments.column,
        atmosphere_column=atmosphere_column,
        check_atmosphere=lambda atmosphere: model.require_atmosphere(atmosphere=atmosphere),
        dopants=True,
        batch_size=_BATCH_SIZE,
    )
    constraints = rr.Constraints(
        cover=arguments.cover, foreign=arguments.foreign, one_per_element=arguments.one_per_element
    ).narrowed(
        exclude=[*chain(*arguments.exclude)],
        require=[*chain(*arguments.require)],
        stock=arguments.stock,
        byproducts=arguments.byproducts,
    )
    energies, literature = _energies(arguments), _literature(arguments)
    if arguments.conditions_model and arguments.conditions is False:
        raise OptionError("conditions_model", " means nothing with --no-conditions.")
    conditions = arguments.conditions_model or _is_shown(arguments, "conditions")
    model = rr.load_model(arguments.model, device=arguments.device)
    if arguments.atmosphere:
        model.require_atmosphere(arguments.mode or LISTWISE)
    first = targets.head(_FIRST)
    planned: list[rr.SynthesisPlan] = []
    weighed: set[Composition] = set()

    def answer(rows: Sequence[TargetRow[Composition]]) -> Iterator[tuple[rr.SynthesisPlan, str | None]]:
        """Yield the plan of each row and what is missing in it; of a bad row a plan without sets that says why."""
        good = [(row.target, row.size) for row in rows if row.target is not None]
        own = [row_atmosphere(row.cells, atmosphere_column) for row in rows if row.target is not None]
        found = model.plan(
            [target for target, _ in good],
            top_k=arguments.top_k,
            constraints=constraints,
            candidates=arguments.candidates,
            max_candidates=arguments.max_candidates,
            balanced=arguments.balanced,
            set_size=None if column else arguments.set_size,
            sizes=[size for _, size in good] if column else None,
            atmosphere=None if atmosphere_column else arguments.atmosphere,
            atmospheres=own if atmosphere_column else None,
            mode=arguments.mode,
            energies=energies or False,
            literature=literature or False,
            precedents=arguments.evidence or PRECEDENTS,
            routes=arguments.route,
            conditions=conditions,
        )
        bad = rr.SynthesisPlan(
            target="",
            has_energies=energies is not None,
            has_conditions=bool(conditions),
            temperature=None if energies is None else energies.temperature,
            literature=None if literature is None else (),
            literature_table="" if literature is None else literature.name,
        )
        planned[:] = found
        if batch is not None:
            weighed.update(material for plan in found for each in plan for material in each.weighed)
        answers = iter(found)
        for row in rows:
            plan = replace(bad, message=row.error) if row.target is None else next(answers)
            yield replace(plan, target=row.text), None if plan.sets else plan.message

    with (
        open_unfinished(arguments, model=arguments.model) as keep,
        open_plans(
            arguments.output,
            as_json=arguments.json,
            equations=_is_shown(arguments, "equations"),
            grams=batch,
            handling=_is_shown(arguments, "handling"),
            energies=energies is not None,
            literature=_wants_literature(arguments),
            dopants=any(row.target is not None and row.target.dopants for row in first),
            asked_atmosphere=bool(arguments.atmosphere),
            amounts=bool(arguments.grams) and any(item.grams is not None for item in constraints.stock_items),
            conditions=bool(conditions),
            sheet=lambda plan: plan.to_dict(
                grams=batch or Batch(_SHEET_GRAMS), handling=arguments.handling is not False, conditions=True
            ),
            more=targets.more,
        ) as output,
    ):
        code = write_answers(targets, answer, output, keep=keep, command=arguments.command, rejects=arguments.rejects)
    if batch is not None and not arguments.resume:  # the sets that an earlier run listed are not known
        for sentence in batch.unused(weighed):
            warnings.warn(sentence, DataWarning, stacklevel=2)
    if arguments.figure is not None and planned and planned[0].sets:
        from rrgraph.figures import draw_plan, plan_picture
        from rrgraph.util.figure_style import save_as

        save_as(draw_plan(plan_picture(planned[0], model)), arguments.figure)
    return code


def _is_shown(arguments: argparse.Namespace, name: str) -> bool:
    """Return whether an option is on: as it is given, and otherwise unless a table is written."""
    given: bool | None = getattr(arguments, name)
    return arguments.output is None if given is None else given


def _batch(arguments: argparse.Namespace) -> Batch | None:
    """Return what is weighed out, None where nothing is.

    Raises:
        PlanningError: an option of weighing cannot be read, or there is nothing to weigh out.
    """
    from rrgraph.cli.plan.sheets import is_sheet
    from rrgraph.lab import Batch

    options = {name: getattr(arguments, name) for name in ("excess", "purity", "balance")}
    grams, given = arguments.grams, next((name for name, value in options.items() if value), None)
    if grams is None and given is not None:
        if not is_sheet(arguments.output):
            raise PlanningError(f"--{given} changes what is weighed out, which --grams asks for, such as --grams 10.")
        grams = _SHEET_GRAMS
    return None if grams is None else Batch(grams, **options)


def _energies(arguments: argparse.Namespace) -> EnergySource | None:
    """Return what gives reaction energies, or None when they are not asked for.

    Raises:
        DataError: the file of formation energies cannot be used.
    """
    from rrgraph.models import energy_source

    return energy_source(
        arguments.energies and (arguments.formation_energies or True), temperature=arguments.temperature
    )


def _literature(arguments: argparse.Namespace) -> LiteratureSource | None:
    """Return where literature precedents are looked up, or None when there are none to show.

    Raises:
        DataError: the table cannot be used.
    """
    from rrgraph.cli.plan.sheets import is_sheet
    from rrgraph.models import literature_source

    shown = _wants_literature(arguments) or (is_sheet(arguments.output) and not arguments.no_evidence)
    return literature_source(arguments.table) if shown else None


def _wants_literature(arguments: argparse.Namespace) -> bool:
    """Whether tables and JSON show literature precedents; sheets also do where these are not asked for."""
    asked = arguments.table is not None or arguments.evidence is not None
    return not arguments.no_evidence and (asked or arguments.output is None)


def _take_target_back(arguments: argparse.Namespace) -> None:
    """Return the only target, where it stands behind the only value of --exclude or --require, to the targets.

    Raises:
        PlanningError: there is no target, and any of the values may be meant as one.
    """
    from rrgraph.chem import ELEMENTS, find_class

    if arguments.formulas or arguments.input:
        return
    given = [(option, values) for option in ("exclude", "require") for values in getattr(arguments, option)]
    several = [(option, values) for option, values in given if len(values) > 1]
    if not several:
        return
    option, values = several[-1]
    if len(several) == 1 and len(values) == 2 and find_class(values[1]) is None and values[1] not in ELEMENTS:
        arguments.formulas.append(values.pop())
        return
    raise PlanningError(
        f"There is no target: --{option} takes all values behind it, here {', '.join(values)}. Write the targets "
        f"first, as in 'rrgraph plan BaTiO3 --{option} {' '.join(values[:2])}'."
    )


def _check(arguments: argparse.Namespace) -> None:
    """Refuse options that contradict each other, before a model is loaded."""
    from rrgraph.chem import as_atmosphere
    from rrgraph.cli.common.answers import check_targets
    from rrgraph.planning import RANKING_MODES

    check_targets(arguments, "target formulas", "rrgraph plan BaTiO3")
    for option in ("set_size", "atmosphere"):
        if (getattr(arguments, option) or "").startswith("column:") and not arguments.input:
            flag = f"--{option.replace('_', '-')}"
            raise PlanningError(f"{flag} column:NAME reads a column of --input FILE, which is not given.")
    if not (arguments.atmosphere or "").startswith("column:"):
        as_atmosphere(arguments.atmosphere)
    if arguments.route and len(arguments.formulas) != 1:
        raise PlanningError(
            "--route compares precursor sets of one target, such as 'rrgraph plan BaTiO3 --route BaO,TiO2'."
        )
    if arguments.grams is not None and arguments.equations is False:
        raise PlanningError("--grams follows from the balanced equations, which --no-equations leaves out.")
    _check_energies(arguments)
    if arguments.figure is not None:
        _check_figure(arguments)
    for option in ("table", "evidence"):
        if arguments.no_evidence and getattr(arguments, option) is not None:
            raise PlanningError(f"--{option} asks for known reactions, which --no-evidence leaves out.")
    if arguments.mode is not None and arguments.mode not in RANKING_MODES:
        raise PlanningError(
            f"--mode is '{arguments.mode}', expected one of {', '.join(RANKING_MODES)}."
            f"{suggestion(arguments.mode, RANKING_MODES)}"
        )


def _check_figure(arguments: argparse.Namespace) -> None:
    """Refuse a figure of several targets, or in a format that is not known."""
    from rrgraph.util.figure_style import FORMATS

    if len(arguments.formulas) != 1:
        raise PlanningError("--figure draws one target, such as 'rrgraph plan BaTiO3 --figure plan.svg'.")
    suffix = Path(arguments.figure).suffix
    if suffix not in FORMATS:
        raise PlanningError(
            f"--figure is '{arguments.figure}', expected a name that ends with {' or '.join(FORMATS)}."
            f"{suggestion(suffix, FORMATS)}"
        )


def _check_energies(arguments: argparse.Namespace) -> None:
    """Refuse options of reaction energies that do not fit together."""
    from rrgraph.chem import as_temperature

    for option in ("formation_energies", "temperature"):
        if getattr(arguments, option) is not None and not arguments.energies:
            raise PlanningError(f"--{option.replace('_', '-')} is for reaction energies, which --energies asks for.")
    if arguments.energies and arguments.equations is False:
        raise PlanningError("--energies follow from the balanced equations, which --no-equations leaves out.")
    if arguments.temperature is not None:
        try:
            as_temperature(arguments.temperature)
        except RRGraphError as error:
            raise PlanningError(f"--temperature: {error}") from None
