"""Single questions beside plans: equations, properties, substitutes, precursors, as typed records."""

from __future__ import annotations

from typing import Annotated, Any, Final

from pydantic import BaseModel, BeforeValidator, Field, WithJsonSchema

from rrgraph.app.answers import (
    EquationAnswer,
    NoteAnswer,
    PrecursorAnswer,
    WeighedAnswer,
    describe_equation,
    describe_note,
    describe_precursor,
    describe_weighed,
)
from rrgraph.app.questions import Options, Question, batch_of
from rrgraph.app.service import Service
from rrgraph.lab import handling_notes, weigh_out

__all__ = [
    "BalanceAnswer",
    "BalanceQuestion",
    "PrecursorRecord",
    "PropertiesAnswer",
    "PropertyValue",
    "ReadingAnswer",
    "SubstituteAnswer",
    "SubstitutesAnswer",
    "SubstitutesQuestion",
    "balanced",
    "precursor_record",
    "predicted",
    "reading",
    "substitutes_of",
]


_TEXT: Final = {"type": "string"}
_TEXTS: Final = {"type": "array", "items": _TEXT}


def _joined(value: Any) -> Any:
    """Return a list of formulas as one text."""
    if isinstance(value, list) and all(isinstance(each, str) for each in value):
        return " + ".join(value)
    return value


class BalanceQuestion(Options):
    """A target and precursors."""

    target: str = Field(max_length=300, examples=["BaTiO3"])
    precursors: list[str] = Field(min_length=1, max_length=20, examples=[["BaCO3", "TiO2"]])
    byproducts: list[str] = Field(default=[], max_length=20)
    grams: float | None = Field(default=None, gt=0, description="Also weigh out for so many grams of target.")
    excess: list[str] = Field(default=[], max_length=20, description="Percent to weigh more, such as Li=10.")
    purity: list[str] = Field(default=[], max_length=20, description="Percent by precursor, such as BaCO3=99.5.")
    balance: float | None = Field(default=None, gt=0, description="What the balance reads in g.")


class BalanceAnswer(EquationAnswer):
    """A balanced equation, weighed out."""

    weighed: WeighedAnswer | None = None


class ReadingAnswer(BaseModel):
    """How a formula is read."""

    formula: str
    amounts: dict[str, float] = Field(description="Atoms in a formula unit as typed.")
    molar_mass: float = Field(description="g/mol")
    dopants: list[str] = []
    notes: list[str] = Field(default=[], description="What was assumed.")


class PropertyValue(BaseModel):
    """A predicted property."""

    value: float | None = None
    uncertainty: float | None = Field(default=None, description="One standard deviation.")
    unit: str | None = None
    classes: list[dict[str, Any]] | None = Field(
        default=None, description="Of a class its number, name and probability."
    )


class PropertiesAnswer(BaseModel):
    """Predicted properties of a composition in its ground state."""

    formula: str
    properties: dict[str, PropertyValue]


class SubstituteAnswer(BaseModel):
    """A member of a set exchanged for another."""

    replaced: str
    by: str
    precursors: list[str]
    probability: float
    uses: int = Field(description="Training targets that use the new member.")


class SubstitutesQuestion(Options):
    """A precursor set of a target."""

    target: str = Field(max_length=300, examples=["BaTiO3"])
    precursors: Annotated[str, BeforeValidator(_joined), WithJsonSchema({"anyOf": [_TEXT, _TEXTS]})] = Field(
        max_length=600, examples=[["BaCO3", "TiO2"], "BaCO3 + TiO2"]
    )


class SubstitutesAnswer(BaseModel):
    """A set and what could replace its members."""

    probability: float | None = Field(default=None, description="Of the set itself.")
    substitutes: list[SubstituteAnswer]


class PrecursorRecord(PrecursorAnswer):
    """What is known of a precursor."""

    handling: list[NoteAnswer] = Field(default=[], description="The gravest first; no safety data sheet.")
    reactions: int = Field(default=0, description="Recorded reactions that use it.")
    makes: list[str] = Field(default=[], description="Most reported targets made with it.")
    used_with: list[str] = Field(default=[], description="Precursors most often beside it.")
    replaced_by: list[str] = Field(default=[], description="Precursors that are chosen in its place.")


def balanced(service: Service, question: BalanceQuestion) -> BalanceAnswer:
    """Return a balanced equation, weighed out if that is asked for.

    Raises:
        RRGraphError: a formula or an amount cannot be read, or there is no solution.
    """
    equation = service.balance(question.target, question.precursors, question.byproducts)
    weighed = None
    batch = batch_of(question.grams, excess=question.excess, purity=question.purity, balance=question.balance)
    if batch is not None:
        weighed = describe_weighed(weigh_out(equation, batch))
        weighed.remarks += batch.unused(material for material, _ in equation.precursors)
    return BalanceAnswer(**describe_equation(equation).model_dump(), weighed=weighed)


def substitutes_of(service: Service, target: str, route: str) -> SubstitutesAnswer:
    """Return what could replace the members of a set.

    Raises:
        RRGraphError: the target or the set cannot be read.
    """
    question = Question(targets=(target,))
    found, _ = service.planned_set(question, route)
    substitutes = service.substitutes(question, route)
    return SubstitutesAnswer(
        probability=found.probability,
        substitutes=[
            SubstituteAnswer(
                replaced=each.replaced.formula,
                by=each.by.formula,
                precursors=[member.formula for member in each.precursors],
                probability=each.probability,
                uses=each.uses,
            )
            for listed in substitutes.values()
            for each in listed
        ],
    )


def precursor_record(service: Service, formula: str) -> PrecursorRecord:
    """Return what is known of a precursor.

    Raises:
        FormulaError: it cannot be read.
    """
    composition = service.read(formula).composition
    known = describe_precursor(composition, unseen=service.model.count(composition) == 0)
    notes = [describe_note(each) for each in handling_notes(composition)]
    use = service.index.precursor(composition)
    if use is None:
        return PrecursorRecord(**known.model_dump(), handling=notes)
    names = {service.index.name_of(composition)}
    return PrecursorRecord(
        **known.model_dump(),
        handling=notes,
        reactions=use.reactions,
        makes=[each.target for each in use.makes],
        used_with=[each.formula for each in use.companions],
        replaced_by=[name for pair in use.replaced_by for name in (pair.first, pair.second) if name not in names],
    )


def reading(service: Service, text: str) -> ReadingAnswer:
    """Return how a formula is read.

    Raises:
        FormulaError: it cannot be read.
    """
    found = service.read(text)
    return ReadingAnswer(
        formula=found.composition.formula,
        amounts={symbol: float(amount) for symbol, amount in found.composition.amounts},
        molar_mass=float(f"{found.molar_mass:.6g}"),
        dopants=[str(each) for each in found.composition.dopants],
        notes=list(found.notes),
    )


def predicted(service: Service, formula: str, *, every: bool = False) -> PropertiesAnswer:
    """Return predicted properties, the most important ones or all.

    Raises:
        FormulaError: the formula cannot be read.
    """
    found = service.properties(formula, every=every)
    return PropertiesAnswer(
        formula=formula, properties={each.task.name: PropertyValue(**each.to_json()) for each in found}
    )
