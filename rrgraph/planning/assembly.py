"""Puts plans together: ranked sets with swaps or chosen routes, dopants, stock, energies and literature precedents.

Reaction energies and precedents come from sources that are passed in, so that planning needs neither a network nor a
table.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from functools import cached_property
from math import fsum
from typing import Final

from rrgraph.chem import Atmosphere, Composition, parse_formula
from rrgraph.data import KnownReaction, PrecursorSet
from rrgraph.errors import OptionError, PlanningError
from rrgraph.planning.conditions import Conditions, ConditionSource
from rrgraph.planning.constraints import SetConstraints
from rrgraph.planning.dopants import PlannedDopant, Usage, plan_dopants
from rrgraph.planning.energies import EnergySource
from rrgraph.planning.planner import Planner
from rrgraph.planning.ranking import EXAMINED, Plan, RankedSet
from rrgraph.planning.routes import ranked_routes
from rrgraph.planning.swaps import Swap, plan_with_swaps
from rrgraph.planning.synthesis import LiteratureSource, PlannedSet, SynthesisPlan

__all__ = ["PRECEDENTS", "plan_syntheses"]

PRECEDENTS: Final = 3
"""Literature precedents of a plan, unless another number is asked for."""


def plan_syntheses(
    planner: Planner,
    targets: Sequence[Composition],
    *,
    is_seen: Callable[[Composition], bool],
    top_k: int = 10,
    sizes: Sequence[int | None] | None = None,
    known_size: bool = False,
    energies: EnergySource | None = None,
    literature: LiteratureSource | None = None,
    precedents: int = PRECEDENTS,
    routes: Sequence[PrecursorSet] = (),
    usage: Usage = (),
    atmosphere: Atmosphere | None = None,
    conditions: ConditionSource | None = None,
    show_conditions: bool = False,
) -> list[SynthesisPlan]:
    """Return the plan of each target.

    Args:
        planner: ranks the sets.
        targets: materials to make; of those with dopants the host is planned.
        is_seen: whether a training reaction uses a precursor.
        top_k: number of sets for each target.
        sizes: set size of each target, None for those where the sizes of the planner's constraints compete.
        known_size: whether the sizes are known.
        energies: gives the reaction energies; all of them are asked for at once.
        literature: where precedents are looked up.
        precedents: how many of them for each target.
        routes: list these sets, in this order, in place of the best ones.
        atmosphere: in which all targets are to be made, that of the planner's re-ranker; None where it is not known.
        conditions: predicts how sets are fired, when that is first asked for.
        show_conditions: whether tables and JSON show it.
        usage: precursors of the training reactions and how many targets use each, from which dopants are taken.

    Raises:
        PlanningError: `top_k` or a size is below 1, `top_k` above `EXAMINED`, `precedents` below 0, or the sizes are
            not as many as the targets.
    """
    for name, value, least in (("top_k", top_k, 1), ("precedents", precedents, 0)):
        if not isinstance(value, int) or value < least:
            raise PlanningError(f"{name} is {value!r}, expected a whole number of at least {least}.")
    if top_k > EXAMINED:
        raise OptionError("top_k", f" is {top_k}, expected at most {EXAMINED}.")
    dopants = [plan_dopants(target, usage, planner.constraints) for target in targets]
    hosts = [replace(target, dopants=()) if target.dopants else target for target in targets]
    if routes:
        plans = [_comparison(planner, host, routes, is_seen) for host in hosts]
    else:
        plans = [
            SynthesisPlan(
                target=plan.target.formula,
                sets=tuple(_planned(plan, swaps, planner, is_seen)),
                no_match=plan.no_match,
                message=plan.reason,
                hidden=len(plan.hidden),
                hidden_probability=None if plan.no_match is None else fsum(each.probability for each in plan.hidden),
                known_size=known_size,
                stopped=plan.stopped,
            )
            for plan, swaps in plan_with_swaps(planner, hosts, top_k=top_k, sizes=sizes)
        ]
    plans = [
        plan if not added else _with_dopants(plan, added, host_in_use=is_seen(host))
        for plan, host, added in zip(plans, hosts, dopants, strict=True)
    ]
    if planner.constraints.stock_items:
        plans = [_with_stock(plan, planner.constraints) for plan in plans]
    if energies is not None:
        plans = _with_energies(plans, energies)
    if atmosphere is not None:
        plans = [replace(plan, atmosphere=atmosphere) for plan in plans]
    if conditions is not None:
        plans = _with_conditions(plans, conditions, atmosphere, shown=show_conditions)
    if literature is not None:
        nearest = literature.nearest(hosts, precedents)
        plans = [_with_literature(plan, found, literature.name) for plan, found in zip(plans, nearest, strict=True)]
    return plans


_IsSeen = Callable[[Composition], bool]


def _planned(plan: Plan, swaps: Sequence[Swap | None], planner: Planner, is_seen: _IsSeen) -> Iterator[PlannedSet]:
    """Yield the listed sets, each with the swap of one member as its alternative."""

    def planned(rank: int, ranked: RankedSet, alternative: PlannedSet | None = None) -> PlannedSet:
        given = planner.given(ranked.precursors)
        return _planned_set(planner, plan.target, rank, given, ranked, is_seen, alternative=alternative)

    for rank, (ranked, swap) in enumerate(zip(plan.sets, swaps, strict=True), start=1):
        yield planned(rank, ranked, None if swap is None else planned(swap.rank, swap.alternative))


def _comparison(
    planner: Planner, target: Composition, routes: Sequence[PrecursorSet], is_seen: _IsSeen
) -> SynthesisPlan:
    """Return the plan of the routes that were asked for."""
    sets = tuple(
        _planned_set(planner, target, rank, route, ranked, is_seen)
        for rank, (route, ranked) in enumerate(ranked_routes(planner, target, routes), start=1)
    )
    no_match = None if planner.reranker is None else max(0.0, 1.0 - sum(found.probability or 0.0 for found in sets))
    return SynthesisPlan(target=target.formula, sets=sets, no_match=no_match, is_comparison=True)


def _planned_set(
    planner: Planner,
    target: Composition,
    rank: int,
    precursors: PrecursorSet,
    ranked: RankedSet | None,
    is_seen: _IsSeen,
    *,
    alternative: PlannedSet | None = None,
) -> PlannedSet:
    """Return a set of a plan, without probability where it cannot be ranked."""
    return PlannedSet(
        rank=rank,
        precursors=precursors,
        probability=None if ranked is None else ranked.probability,
        score=None if ranked is None else ranked.score,
        unseen=tuple([member for member in precursors if not is_seen(member)]),
        alternative=alternative,
        target=target,
        byproducts=planner.constraints.byproducts,
    )


def _with_dopants(plan: SynthesisPlan, dopants: tuple[PlannedDopant, ...], *, host_in_use: bool) -> SynthesisPlan:
    """Return the plan of a host with the dopants that are added to every set; a host that is a precursor is named."""
    sources = " and ".join(dict.fromkeys(str(each.source) for each in dopants if each.source is not None))
    message = plan.message
    if host_in_use and sources:
        message = f"{plan.target} is itself a usual precursor, which can be mixed with {sources}."
    sets = tuple(replace(found, dopants=dopants) for found in plan)
    return replace(plan, sets=sets, dopants=dopants, message=message)


def _with_stock(plan: SynthesisPlan, constraints: SetConstraints) -> SynthesisPlan:
    """Return the plan with what is known of the precursors in stock."""

    def stocked(found: PlannedSet) -> PlannedSet:
        other = None if found.alternative is None else stocked(found.alternative)
        return replace(found, stock=constraints.in_stock(found.weighed), alternative=other)

    return replace(plan, sets=tuple(map(stocked, plan)))


def _with_energies(plans: Iterable[SynthesisPlan], source: EnergySource) -> list[SynthesisPlan]:
    """Return the plans with the energy of every set that can be balanced."""
    plans = list(plans)
    equations = [found.equation for plan in plans for found in plan.sets]
    energies = iter(source.reaction_energies([equation for equation in equations if equation is not None]))
    return [
        replace(
            plan,
            sets=tuple(found if found.equation is None else replace(found, energy=next(energies)) for found in plan),
            has_energies=True,
            temperature=source.temperature,
        )
        for plan in plans
    ]


def _with_conditions(
    plans: Sequence[SynthesisPlan], source: ConditionSource, atmosphere: Atmosphere | None, *, shown: bool
) -> list[SynthesisPlan]:
    together = _Together(source, [found for plan in plans for found in plan], atmosphere)
    return [
        replace(plan, sets=tuple(replace(found, predicted=together) for found in plan), has_conditions=shown)
        for plan in plans
    ]


class _Together:
    """Predicts the conditions of all sets of some plans when those of the first are asked for, in a fifth of the time.

    Args:
        source: predicts them.
        found: all sets, with the same by-products.
        atmosphere: in which they are fired, None where it is not known.
    """

    def __init__(self, source: ConditionSource, found: Sequence[PlannedSet], atmosphere: Atmosphere | None) -> None:
        self._source, self._found, self._atmosphere = source, found, atmosphere

    def __call__(self, found: PlannedSet) -> Conditions:
        """Return the conditions of one of the sets."""
        return self._known[found.target.key, found.precursors.keys]

    @cached_property
    def _known(self) -> dict[tuple[str, frozenset[str]], Conditions]:
        asked = {(found.target.key, found.precursors.keys): found for found in self._found}
        predicted = self._source.conditions(
            [found.target for found in asked.values()],
            [found.precursors for found in asked.values()],
            atmosphere=self._atmosphere,
            byproducts=self._found[0].byproducts,
        )
        return dict(zip(asked, predicted, strict=True))


def _with_literature(plan: SynthesisPlan, nearest: Sequence[KnownReaction], table: str) -> SynthesisPlan:
    by_set: dict[frozenset[str], list[KnownReaction]] = {}
    for reaction in nearest:
        by_set.setdefault(PrecursorSet(map(parse_formula, reaction.precursors)).keys, []).append(reaction)
    sets = tuple(replace(found, literature=tuple(by_set.get(found.precursors.keys, ()))) for found in plan)
    return replace(plan, sets=sets, literature=tuple(nearest), literature_table=table)
