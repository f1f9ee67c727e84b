"""The answer to "how is this material made?": ranked precursor sets with equations, masses, energies and literature.

Everybody gets the same `SynthesisPlan`: the command, notebooks, other programs. `rrgraph.planning.assembly` makes it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, field, replace
from decimal import ROUND_DOWN, Context
from math import inf
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

from rrgraph.chem import Atmosphere, BalancedEquation, BalanceError, Composition
from rrgraph.data import KnownReaction, PrecursorSet
from rrgraph.errors import PlanningError
from rrgraph.lab import (
    DISCLAIMER,
    BatchSize,
    HandlingNote,
    StockItem,
    WeighOut,
    as_batch,
    handling_notes,
    incompatibility,
    merged,
    set_notes,
    weigh_out,
)
from rrgraph.planning.conditions import Conditions
from rrgraph.planning.constraints import balanced_equation
from rrgraph.planning.dopants import PlannedDopant
from rrgraph.planning.energies import ReactionEnergy
from rrgraph.planning.presentation import plan_columns, plan_html, plan_rows, plan_text
from rrgraph.planning.ranking import SearchStop

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["LiteratureSource", "PlannedSet", "SynthesisPlan"]


@runtime_checkable
class LiteratureSource(Protocol):
    """Finds recorded reactions, such as `rrgraph.data.KnownReactions`.

    Attributes:
        name: of the table, for display.
    """

    name: str

    def nearest(self, targets: Sequence[Composition], count: int) -> list[list[KnownReaction]]:
        """Return the `count` recorded reactions nearest to each target, the nearest first."""
        ...


@dataclass(frozen=True, kw_only=True)
class PlannedSet:
    """One ranked precursor set.

    >>> import rrgraph as rr
    >>> best = rr.plan("BaTiO3", literature=False).best
    >>> print(best, "|", best.equation)
    TiO2 + BaCO3 | TiO2 + BaCO3 → BaTiO3 + CO2
    >>> best.grams(10)
    {'TiO2': 3.42489, 'BaCO3': 8.46237}

    Attributes:
        rank: from 1.
        precursors: the members.
        probability: chance that this is the set reported in the literature; of models without a re-ranker the product
            of the link probabilities, see `RankedSet`. None for a set that was asked for and cannot be ranked.
        score: what the sets are ranked by; None as the probability.
        unseen: the members that no training reaction uses.
        alternative: the best set that differs from this one in one exchanged member, see `exchange`; None when none
            was found.
        energy: reaction energy, None when not asked for or the set cannot be balanced.
        literature: precedents of the plan that use this very set.
        stock: what is known of those members that are in stock.
        dopants: of the target, each with the precursor that is added to the set.
        target: what is made.
        byproducts: solids that may remain beside the target, see `rrgraph.chem.balance`.
        predicted: returns its `conditions`.
    """

    rank: int
    precursors: PrecursorSet
    probability: float | None
    score: float | None
    unseen: tuple[Composition, ...] = ()
    alternative: PlannedSet | None = None
    energy: ReactionEnergy | None = None
    literature: tuple[KnownReaction, ...] = ()
    stock: tuple[StockItem, ...] = field(default=(), repr=False)
    dopants: tuple[PlannedDopant, ...] = ()
    target: Composition = field(repr=False)
    byproducts: tuple[Composition | str, ...] = field(default=(), repr=False)
    predicted: Callable[[PlannedSet], Conditions] | None = field(default=None, repr=False, compare=False)

    @property
    def equation(self) -> BalancedEquation | None:
        """The balanced equation, None when the set cannot be balanced; worked out when it is first asked for."""
        return balanced_equation(self.target, self.precursors, self.byproducts)

    @property
    def conditions(self) -> Conditions | None:
        """How recipes fire such a set, None where nothing predicts it; worked out when it is first asked for."""
        return None if self.predicted is None else self.predicted(self)

    @property
    def warning(self) -> str | None:
        """Why the members must not be mixed, None if nothing is known against it."""
        return incompatibility(self.precursors)

    @property
    def weighed(self) -> list[Composition]:
        """The members, and the sources of dopants."""
        return [*self.precursors, *(planned.source for planned in self.dopants if planned.source is not None)]

    @property
    def handling(self) -> tuple[HandlingNote, ...]:
        """What to know of the members, of mixing them and of the furnace, the gravest first; no safety data sheet."""
        return merged([*self.set_handling, *(note for member in self.weighed for note in handling_notes(member))])

    @property
    def set_handling(self) -> tuple[HandlingNote, ...]:
        """Those of the notes that are on mixing the members and on the furnace."""
        return set_notes(self.weighed, target=self.target, equation=self.equation)

    def weigh_out(self, size: BatchSize) -> WeighOut:
        """Return what to weigh of each precursor, with purity, excess and what there is in stock.

        Sources of dopants with a stated amount are added, for so many g of the host.

        Args:
            size: g of target, or a `rrgraph.lab.Batch` with excess, purity and balance.

        Raises:
            BalanceError: the set cannot be balanced, so that no masses follow.
            RRGraphError: the grams are not a positive number.
        """
        if self.equation is None:
            raise BalanceError(f"{self.target} from {self} cannot be balanced, so there are no masses.")
        added = [
            (planned.source, float(planned.source_amount))
            for planned in self.dopants
            if planned.source is not None and planned.source_amount is not None
        ]
        return weigh_out(self.equation, size, stock=self.stock, dopants=added)

    def grams(self, size: BatchSize) -> dict[str, float]:
        """Return what to weigh of each precursor in g, to six digits or as the balance shows it; see `weigh_out`.

        >>> import rrgraph as rr
        >>> from rrgraph.lab import Batch
        >>> best = rr.plan("LiCoO2", literature=False).best
        >>> best.grams(Batch(5, excess="Li=5", balance=0.001))
        {'Li2CO3': 1.982, 'Co3O4': 4.101}

        Raises:
            BalanceError: the set cannot be balanced, so that no masses follow.
            RRGraphError: the grams are not a positive number.
        """
        return self.weigh_out(size).grams

    def shortages(self, size: BatchSize) -> dict[str, tuple[float, float]]:
        """Return the precursors of which a batch needs more than there is: grams needed and in stock.

        Raises:
            RRGraphError: the grams are not a positive number.
        """
        if self.equation is None:
            return {}
        weighed = self.weigh_out(size)
        there = _in_stock(weighed)
        return {name: (needed, there[name]) for name, needed in weighed.grams.items() if needed > there.get(name, inf)}

    @property
    def most_grams(self) -> float | None:
        """The most target in g that the stock allows, to four digits; None where no amount or no equation is known."""
        return self.most_of(1.0)

    def most_of(self, size: BatchSize) -> float | None:
        """Return `most_grams` for the excess and the purity of a batch, whatever its grams."""
        if self.equation is None:
            return None
        weighed = self.weigh_out(replace(as_batch(size), grams=1.0, balance=None))
        if not (there := _in_stock(weighed)):
            return None
        most = min(there[name] / needed for name, needed in weighed.grams.items() if name in there)
        # Rounded down: of more there would not be enough.
        return float(Context(prec=4, rounding=ROUND_DOWN).create_decimal_from_float(most))

    @property
    def exchange(self) -> tuple[Composition, Composition] | None:
        """The member that the alternative leaves out, and the one that it has in its place."""
        if self.alternative is None:
            return None
        other = self.alternative.precursors
        (replaced,) = (member for member in self.precursors if member not in other)
        (by,) = (member for member in other if member not in self.precursors)
        return replaced, by

    def __str__(self) -> str:
        return str(self.precursors)


@dataclass(frozen=True, kw_only=True)
class SynthesisPlan:
    """The answer for one target.

    >>> import rrgraph as rr
    >>> plan = rr.plan("BaTiO3", top_k=2, literature=False)
    >>> [str(found) for found in plan]
    ['TiO2 + BaCO3', 'TiO2 + BaO']
    >>> print(plan)  # doctest: +ELLIPSIS
    BaTiO3
    rank  probability  precursors    alternative (probability)  balanced equation
       1 ... %  TiO2 + BaCO3 ...
       2 ... %  TiO2 + BaO ...
    another set: ... %
    probability: chance that this is the set reported in the literature
    handling, by general rules; no safety data sheet:
      toxic: BaCO3, BaO
    ...
    >>> plan.to_frame()["precursors"].tolist()
    ['TiO2;BaCO3', 'TiO2;BaO']

    Attributes:
        target: formula, as it was asked for.
        sets: best first.
        no_match: probability that another set than these is the one reported in the literature; None when their
            probabilities are products of link probabilities.
        message: why there are fewer sets than asked for, or none; or that a doped host is itself a usual precursor.
        is_comparison: whether the sets are those that were asked for, in that order.
        dopants: of the target, each with its source, which is added to every set; the sets are those of the host.
        hidden: number of better sets that are left out because they cannot be balanced or must not be mixed.
        hidden_probability: of these sets together, which is not shared out among those that are listed; None where
            `no_match` is.
        known_size: whether the number of precursors was given, so that probabilities hold for sets of that size.
        atmosphere: in which the target is to be made, None where that was not said.
        has_energies: whether reaction energies were asked for.
        has_conditions: whether tables and JSON show how sets are fired.
        temperature: K, at which energies hold; None for reaction enthalpies at 298.15 K.
        literature: the recorded reactions nearest to the target, None when they were not looked up.
        literature_table: name of the table that they are from.
        stopped: where the search stopped, if it was too large to find all that was asked for.
    """

    target: str
    sets: tuple[PlannedSet, ...] = ()
    no_match: float | None = None
    message: str | None = None
    is_comparison: bool = False
    dopants: tuple[PlannedDopant, ...] = ()
    hidden: int = 0
    hidden_probability: float | None = None
    known_size: bool = False
    atmosphere: Atmosphere | None = None
    has_energies: bool = False
    has_conditions: bool = False
    temperature: float | None = None
    literature: tuple[KnownReaction, ...] | None = None
    literature_table: str = ""
    stopped: SearchStop | None = None

    @property
    def best(self) -> PlannedSet:
        """The first set.

        Raises:
            PlanningError: there is none; the message says why.
        """
        if not self.sets:
            raise PlanningError(self.message or f"There is no precursor set for {self.target}.")
        return self.sets[0]

    def __len__(self) -> int:
        return len(self.sets)

    def __iter__(self) -> Iterator[PlannedSet]:
        return iter(self.sets)

    def __getitem__(self, index: int) -> PlannedSet:
        return self.sets[index]

    def __str__(self) -> str:
        """Return the table that `rrgraph plan` prints."""
        return plan_text(self)

    def _repr_html_(self) -> str:
        """Return the same as HTML, which notebooks show."""
        return plan_html(self)

    @property
    def handling(self) -> tuple[HandlingNote, ...]:
        """The notes on all materials of all sets, and on mixing and heating them, the gravest first."""
        return merged(note for found in self for note in found.handling)

    def to_frame(self, *, equations: bool = True, grams: BatchSize | None = None) -> pd.DataFrame:
        """Return a row for each set, with the columns that `rrgraph plan --output` writes.

        Args:
            equations: balance the sets.
            grams: also weigh out each set for so many g of target, or for a `rrgraph.lab.Batch`.
        """
        import pandas as pd

        rows = list(plan_rows(self, equations=equations, grams=grams))
        columns = plan_columns(
            energies=self.has_energies,
            literature=self.literature is not None,
            conditions=self.has_conditions,
            dopants=bool(self.dopants),
            asked_atmosphere=self.atmosphere is not None,
            amounts=grams is not None and any(item.grams is not None for found in self for item in found.stock),
        )
        return pd.DataFrame(rows, columns=list(columns))

    def to_dict(
        self,
        *,
        equations: bool = True,
        grams: BatchSize | None = None,
        handling: bool = True,
        conditions: bool | None = None,
    ) -> dict[str, Any]:
        """Return the JSON object that `rrgraph plan --json` prints.

        Args:
            equations: as for `to_frame`.
            grams: as for `to_frame`.
            handling: with notes on each material, and for each set on mixing and heating it.
            conditions: with how recipes fire each set; None as tables show it.
        """
        line: dict[str, Any] = {
            "target": self.target,
            "sets": [_formulas(found.precursors) for found in self.sets],
            "scores": [found.score for found in self.sets],
            "probabilities": [found.probability for found in self.sets],
            "none_of_these": self.no_match,
            "hidden": {"sets": self.hidden, "probability": self.hidden_probability},
            "unseen": [_formulas(found.unseen) for found in self.sets],
            "alternatives": [_alternative(found) for found in self.sets],
        }
        if self.atmosphere is not None:
            line["asked_atmosphere"] = self.atmosphere.value
        if self.stopped is not None:
            line["search_stopped"] = asdict(self.stopped)
        if self.dopants:
            line["dopants"] = [
                each.to_dict(host_grams=None if grams is None else as_batch(grams).grams) for each in self.dopants
            ]
        if equations or grams is not None or self.has_energies:
            equations_found = [found.equation for found in self.sets]
            line["equations"] = [None if each is None else str(each) for each in equations_found]
            line["atmospheres"] = [None if each is None else each.atmosphere.value for each in equations_found]
        if grams is not None:
            weighed = [None if found.equation is None else found.weigh_out(grams) for found in self.sets]
            line["grams"] = [None if each is None else each.grams for each in weighed]
            line["weigh_out"] = [None if each is None else each.to_dict() for each in weighed]
            if any(item.grams is not None for found in self.sets for item in found.stock):
                line["shortages"] = [_shortages(found, grams) for found in self.sets]
                line["most_target_g"] = [found.most_of(grams) for found in self.sets]
        if self.has_energies:
            line["reaction_energies"] = [_energy_values(found.energy) for found in self.sets]
            line["temperature_k"] = self.temperature
        if self.has_conditions if conditions is None else conditions:
            fired = [found.conditions for found in self.sets]
            line["conditions"] = [None if each is None else each.to_dict() for each in fired]
        if self.literature is not None:
            line["evidence"] = [reaction.to_dict() for reaction in self.literature]
            line["evidence_table"] = self.literature_table
        if handling and self.sets:
            line["handling"] = self._handling_values()
        if self.message is not None:
            line["message"] = self.message
        return line

    def _handling_values(self) -> dict[str, Any]:
        """Return the notes by material, and those of each set beside them, as JSON-ready values."""
        materials = {member.formula: handling_notes(member) for found in self for member in found.weighed}
        return {
            "materials": {name: [_note_values(note) for note in notes] for name, notes in materials.items()},
            "sets": [[note.to_dict() for note in found.set_handling] for found in self],
            "disclaimer": DISCLAIMER,
        }


def _note_values(note: HandlingNote) -> dict[str, str]:
    return {"hazard": note.hazard.value, "text": note.text}


def _energy_values(energy: ReactionEnergy | None) -> dict[str, Any] | None:
    """Return a reaction energy by name and unit, to six digits, and the formulas of each origin as lists."""
    if energy is None:
        return None
    values = asdict(energy)
    del values["temperature"]
    return {name: list(value) if isinstance(value, tuple) else _six_digits(value) for name, value in values.items()}


def _in_stock(weighed: WeighOut) -> dict[str, float]:
    """Return the grams in stock of the materials of which they are known."""
    return {each.material.formula: each.in_stock for each in weighed.portions if each.in_stock is not None}


def _shortages(found: PlannedSet, grams: BatchSize) -> dict[str, dict[str, float]]:
    return {
        name: {"needed_g": needed, "in_stock_g": _six_digits(there)}
        for name, (needed, there) in found.shortages(grams).items()
    }


def _alternative(found: PlannedSet) -> dict[str, Any] | None:
    if found.alternative is None or found.exchange is None:
        return None
    replaced, by = found.exchange
    return {
        "replaces": replaced.formula,
        "by": by.formula,
        "precursors": _formulas(found.alternative.precursors),
        "probability": found.alternative.probability,
        "unseen": by in found.alternative.unseen,
    }


def _formulas(members: Iterable[Composition]) -> list[str]:
    return [member.formula for member in members]


def _six_digits(value: float) -> float:
    return float(f"{value:.6g}")
