"""Plans and what goes with them as typed records: what the API returns, the page shows and the tools hand out."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from pydantic import BaseModel, Field

from rrgraph.chem import BalancedEquation, Composition, find_reagent, reagent_classes
from rrgraph.data import KnownReaction
from rrgraph.lab import BatchSize, HandlingNote, StockItem, WeighOut
from rrgraph.planning import Conditions, PlannedSet, ReactionEnergy, SynthesisPlan

__all__ = [
    "EnergyAnswer",
    "EquationAnswer",
    "NoteAnswer",
    "PlanAnswer",
    "PortionAnswer",
    "PrecedentAnswer",
    "PrecursorAnswer",
    "SetAnswer",
    "WeighedAnswer",
    "describe_energy",
    "describe_equation",
    "describe_note",
    "describe_plan",
    "describe_precedent",
    "describe_precursor",
    "describe_set",
    "describe_weighed",
]


class PrecursorAnswer(BaseModel):
    """A precursor."""

    formula: str
    name: str = Field(default="", description="Systematic or common name, empty where it is not known.")
    cas: str = ""
    classes: list[str] = Field(default=[], description="Such as 'carbonates' or 'toxic'; no safety data.")
    unseen: bool = Field(default=False, description="Whether no training reaction uses it.")
    stock: str = Field(default="", description="What is known of the jars on the shelf.")


class PortionAnswer(BaseModel):
    """One material to weigh."""

    formula: str
    name: str = ""
    grams: float = Field(description="To weigh, with excess, divided by the purity, as the balance shows it.")
    molar_mass: float
    excess_percent: float = 0.0
    purity: float | None = Field(default=None, description="Mass fraction of what is in the jar.")
    in_stock_g: float | None = Field(default=None, description="Grams on the shelf, where they are known.")
    dopant: bool = Field(default=False, description="Whether it is the source of a dopant, beside the equation.")

    @property
    def is_short(self) -> bool:
        """Whether there is less on the shelf than needed."""
        return self.in_stock_g is not None and self.grams > self.in_stock_g


class WeighedAnswer(BaseModel):
    """What to weigh for a batch."""

    target_g: float
    balance_g: float | None = Field(default=None, description="What the balance reads, to which masses are rounded.")
    portions: list[PortionAnswer]
    remarks: list[str] = []


class NoteAnswer(BaseModel):
    """One thing to know before jars are opened; no safety data sheet."""

    hazard: str
    text: str
    materials: list[str] = []
    above_c: int | None = Field(default=None, description="°C from which it holds, about.")
    severe: bool = False


class EquationAnswer(BaseModel):
    """A balanced equation."""

    equation: str = Field(description="For one formula unit of the target.")
    whole_numbers: str = Field(description="The same in the smallest whole numbers.")
    atmosphere: str = Field(description="The least unusual one in which this can happen.")
    gases_taken_up: list[str] = []
    gases_given_off: list[str] = []
    solid_byproducts: list[str] = []


class EnergyAnswer(BaseModel):
    """A reaction energy with one standard deviation; negative releases energy."""

    ev_per_atom: float
    ev_per_atom_uncertainty: float
    kj_per_mol: float
    kj_per_mol_uncertainty: float
    temperature_k: float | None = Field(default=None, description="None: enthalpy at 298.15 K; else free energy.")
    measured: list[str] = Field(default=[], description="Solids whose formation energies are measured.")
    predicted: list[str] = Field(default=[], description="Those whose are predicted.")


class PrecedentAnswer(BaseModel):
    """A recorded reaction."""

    target: str
    precursors: list[str]
    same_composition: bool
    similarity: float
    papers: int
    first_year: int | None = None
    year: int | None = None
    doi: str | None = None
    conditions: str = Field(default="", description="What is reported of the firing.")
    temperature_c: float | None = None
    temperature_low_c: float | None = None
    temperature_high_c: float | None = None
    time_h: float | None = None
    atmosphere: str | None = None


class IntervalAnswer(BaseModel):
    """A predicted value, and the interval that holds 80 % of recorded ones."""

    value: float
    low: float
    high: float


class FiringAnswer(BaseModel):
    """How recipes fire such a set, in numbers."""

    temperatures_c: dict[str, IntervalAnswer] = Field(description="`highest` of all steps, `calcination`, `sintering`.")
    times_h: dict[str, IntervalAnswer] = Field(description="Dwell times by the same names.")
    atmospheres: dict[str, float] = Field(description="Probability of each, the most probable first.")
    stages: str = Field(description="Calcination and sintering as text, empty where one firing is most probable.")
    firings: dict[str, float] = Field(description="Probability of each number of firings; 3 means three or more.")
    papers: int = Field(description="Papers behind the nearest recorded recipes that state a temperature.")
    recipes: list[PrecedentAnswer] = Field(description="At most three of these recipes.")


class SetAnswer(BaseModel):
    """A ranked precursor set."""

    rank: int
    precursors: list[PrecursorAnswer]
    probability: float | None = Field(
        default=None, description="Chance that this is the set reported in the literature."
    )
    equation: EquationAnswer | None = None
    warning: str | None = Field(default=None, description="Why the members must not be mixed.")
    weighed: WeighedAnswer | None = Field(default=None, description="For the grams of target that were asked for.")
    handling: list[NoteAnswer] = Field(default=[], description="The gravest first; no safety data sheet.")
    most_grams: float | None = Field(default=None, description="The most target in g that the shelf allows.")
    energy: EnergyAnswer | None = None
    conditions: str | None = Field(
        default=None, description="Temperature, time, atmosphere and firings, with intervals."
    )
    firing: FiringAnswer | None = Field(default=None, description="The same in numbers.")
    alternative: list[str] | None = Field(default=None, description="The best set with one other member.")
    alternative_probability: float | None = None
    literature: list[PrecedentAnswer] = Field(
        default=[], description="Nearest recorded reactions that use this very set."
    )

    @property
    def route(self) -> str:
        """The set as text, from which it is read again."""
        return " + ".join(each.formula for each in self.precursors)


class PlanAnswer(BaseModel):
    """The answer for one target."""

    target: str
    sets: list[SetAnswer] = []
    another_set: float | None = Field(
        default=None, description="Probability that another set than these is the reported one."
    )
    message: str | None = Field(default=None, description="Why there are fewer sets than asked for, or none.")
    notes: list[str] = Field(default=[], description="What was assumed when formulas and the shelf were read.")
    dopants: list[str] = []
    hidden: int = Field(default=0, description="Better sets that cannot be balanced or must not be mixed.")
    hidden_probability: float | None = None
    known_size: bool = False
    is_comparison: bool = False
    literature: list[PrecedentAnswer] = Field(default=[], description="Recorded reactions nearest to the target.")
    literature_table: str = ""


def describe_plan(plan: SynthesisPlan, *, size: BatchSize | None = None, notes: Iterable[str] = ()) -> PlanAnswer:
    """Return a plan as a record; `size` is what is weighed out for."""
    return PlanAnswer(
        target=plan.target,
        sets=[describe_set(found, size=size) for found in plan],
        another_set=plan.no_match,
        message=plan.message,
        notes=list(notes),
        dopants=[str(each) for each in plan.dopants],
        hidden=plan.hidden,
        hidden_probability=plan.hidden_probability,
        known_size=plan.known_size,
        is_comparison=plan.is_comparison,
        literature=[describe_precedent(each) for each in plan.literature or ()],
        literature_table=plan.literature_table,
    )


def describe_set(found: PlannedSet, *, size: BatchSize | None = None) -> SetAnswer:
    """Return a planned set as a record."""
    other = found.alternative
    return SetAnswer(
        rank=found.rank,
        precursors=[_member(found, each) for each in found.precursors],
        probability=found.probability,
        equation=None if found.equation is None else describe_equation(found.equation),
        warning=found.warning,
        weighed=None if size is None or found.equation is None else describe_weighed(found.weigh_out(size)),
        most_grams=found.most_grams if size is None else found.most_of(size),
        handling=[describe_note(each) for each in found.handling],
        energy=None if found.energy is None else describe_energy(found.energy),
        conditions=None if found.conditions is None else found.conditions.with_note,
        firing=None if found.conditions is None else _firing(found.conditions),
        alternative=None if other is None else [each.formula for each in other.precursors],
        alternative_probability=None if other is None else other.probability,
        literature=[describe_precedent(each) for each in found.literature],
    )


def describe_weighed(weighed: WeighOut) -> WeighedAnswer:
    """Return what to weigh as a record."""
    return WeighedAnswer.model_validate(weighed.to_dict())


def describe_note(note: HandlingNote) -> NoteAnswer:
    """Return a handling note as a record."""
    return NoteAnswer(**note.to_dict(), severe=note.hazard.is_severe)


def describe_precursor(precursor: Composition, *, unseen: bool = False, stock: str = "") -> PrecursorAnswer:
    """Return a precursor as a record."""
    reagent = find_reagent(precursor)
    return PrecursorAnswer(
        formula=precursor.formula,
        name="" if reagent is None else reagent.name,
        cas="" if reagent is None else reagent.cas,
        classes=sorted(reagent_classes(precursor)),
        unseen=unseen,
        stock=stock,
    )


def describe_equation(equation: BalancedEquation) -> EquationAnswer:
    """Return an equation as a record."""
    solids = [str(solid) for solid, _ in equation.solid_byproducts]
    released = [str(product) for product, _ in equation.byproducts]
    return EquationAnswer(
        equation=str(equation),
        whole_numbers=equation.integer(),
        atmosphere=equation.atmosphere.value,
        gases_taken_up=[str(gas) for gas, _ in equation.reactant_gases],
        gases_given_off=[each for each in released if each not in solids],
        solid_byproducts=solids,
    )


def describe_energy(energy: ReactionEnergy) -> EnergyAnswer:
    """Return a reaction energy as a record."""
    return EnergyAnswer(
        ev_per_atom=round(energy.ev_per_atom, 4),
        ev_per_atom_uncertainty=round(energy.ev_per_atom_uncertainty, 4),
        kj_per_mol=round(energy.kj_per_mol, 1),
        kj_per_mol_uncertainty=round(energy.kj_per_mol_uncertainty, 1),
        temperature_k=energy.temperature,
        measured=list(energy.measured),
        predicted=list(energy.predicted),
    )


def _firing(conditions: Conditions) -> FiringAnswer:
    values = conditions.to_dict() | {"recipes": [*map(describe_precedent, conditions.recipes)]}
    return FiringAnswer.model_validate(values)


def describe_precedent(reaction: KnownReaction) -> PrecedentAnswer:
    """Return a recorded reaction as a record."""
    return PrecedentAnswer(
        target=reaction.target,
        precursors=list(reaction.precursors),
        same_composition=reaction.same_composition,
        similarity=reaction.similarity,
        papers=reaction.reports,
        first_year=reaction.first_year,
        year=reaction.year,
        doi=reaction.doi,
        conditions=reaction.conditions,
        temperature_c=reaction.temperature_c,
        temperature_low_c=reaction.temperature_low_c,
        temperature_high_c=reaction.temperature_high_c,
        time_h=reaction.time_h,
        atmosphere=reaction.atmosphere,
    )


def _member(found: PlannedSet, precursor: Composition) -> PrecursorAnswer:
    jars = [item for item in found.stock if item.composition == precursor]
    return describe_precursor(precursor, unseen=precursor in found.unseen, stock=_jars(jars))


def _jars(jars: Sequence[StockItem]) -> str:
    """``Alfa, 99.9 %, 250 g``; several jars are divided by semicolons."""
    said = [
        [
            jar.name,
            "" if jar.purity is None else f"{100 * jar.purity:.6g} %",
            "" if jar.grams is None else f"{jar.grams:.6g} g",
        ]
        for jar in jars
    ]
    return "; ".join(", ".join(filter(None, each)) for each in said if any(each))
