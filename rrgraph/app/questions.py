"""What can be asked for: the options of `rrgraph plan` as one value, with the limits of a request."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from hashlib import sha256
from typing import Annotated, Any, Final

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints, ValidationError, model_validator

from rrgraph.errors import RRGraphError, shortened, suggestion
from rrgraph.lab import Batch

__all__ = [
    "MOST_SETS",
    "MOST_SHELF",
    "MOST_TARGETS",
    "Options",
    "Question",
    "RequestError",
    "as_request_error",
    "batch_of",
    "check_names",
    "named_error",
    "request_error",
]

MOST_TARGETS: Final = 10
"""Targets of one question."""
MOST_SETS: Final = 50
"""Sets of each target."""
MOST_SHELF: Final = 200_000
"""Characters of a shelf."""
_EXPECTED: Final = {"products": "SMILES such as 'CC(=O)Nc1ccc(O)cc1'", "grams": "a number above 0"}
"""What a field that must be given takes; all others take formulas."""
_MOST_NAMES: Final = 200
_MOST_ROUTES: Final = 12


class RequestError(RRGraphError):
    """A request that cannot be answered.

    Args:
        option: the field that is wrong.
        problem: what follows its name in the sentence, with the space or colon between.
    """

    def __init__(self, option: str, problem: str) -> None:
        super().__init__(f"{option}{problem}")
        self.option = option


def check_names(given: Iterable[str], known: Iterable[str]) -> None:
    """Refuse the name of an option that there is not.

    Raises:
        RequestError: naming it, the options that there are and the nearest of them.
    """
    options = list(known)
    for name in given:
        if name not in options:
            near = suggestion(name, options)
            raise RequestError(name, f" is not an option, expected one of {', '.join(options)}.{near}")


def _number_above_0(value: Any) -> Any:
    if value is None or value == "":
        return None
    try:
        number = float(value)
    except (TypeError, ValueError):
        number = math.nan
    if isinstance(value, bool) or not (math.isfinite(number) and number > 0):
        raise ValueError(f"'{value}' is not a number above 0")
    return number


def _listed(value: Any) -> Any:
    """Return one text as a list of it; blank ones are left out."""
    values = [value] if isinstance(value, str) else value
    if not isinstance(values, Iterable):
        return values
    return tuple(each.strip() if isinstance(each, str) else each for each in values if each != "")


def _blank(value: Any) -> Any:
    return None if isinstance(value, str) and not value.strip() else value


_Text = Annotated[str, StringConstraints(max_length=300)]
_Name = Annotated[str | None, StringConstraints(max_length=100), BeforeValidator(_blank)]
_Names = Annotated[tuple[_Text, ...], BeforeValidator(_listed), Field(max_length=_MOST_NAMES)]


class Options(BaseModel):
    """What a request asks for, with a sentence for names that it does not have."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    @model_validator(mode="before")
    @classmethod
    def _known(cls, given: Any) -> Any:
        if isinstance(given, Mapping):
            check_names(given, cls.model_fields)
        return given

    def parameters(self, **changes: Any) -> list[tuple[str, str]]:
        """Return the parameters of its permalink, without those at their defaults."""
        asked = self.model_copy(update=changes)
        found: list[tuple[str, str]] = []
        for name, field in type(self).model_fields.items():
            value = getattr(asked, name)
            if value != field.default:
                values = value if isinstance(value, tuple) else (value,)
                found += [(name, _written(each)) for each in values]
        return found


class Question(Options):
    """Targets and options; the options mean what the flags of `rrgraph plan` of the same name mean.

    >>> Question(targets=("BaTiO3",), exclude=("N",), grams=10).grams
    10.0
    """

    targets: Annotated[_Names, Field(min_length=1, max_length=MOST_TARGETS)] = Field(
        description="Formulas of the materials to make.", examples=[["BaTiO3"]]
    )
    top_k: int = Field(default=5, ge=1, le=MOST_SETS, description="Precursor sets for each target.")
    exclude: _Names = Field(default=(), description="Elements, precursors and classes such as 'nitrates' to avoid.")
    require: _Names = Field(default=(), description="Elements, precursors and classes that every set must contain.")
    stock: Annotated[str | None, StringConstraints(max_length=MOST_SHELF), BeforeValidator(_blank)] = Field(
        default=None,
        description="The only precursors that may be used: formulas, or a table with amounts and purities as text.",
    )
    set_size: _Name = Field(default=None, description="Number of precursors, such as 3 or 2-4.")
    atmosphere: _Name = Field(default=None, description="In which the target is made; for models that learned from it.")
    byproducts: _Names = Field(
        default=(), description="Solids that may remain beside the target, such as NaCl, or 'salts'."
    )
    balanced: bool = Field(default=True, description="Leave out sets that cannot be balanced or must not be mixed.")
    energies: bool = Field(default=True, description="Reaction energies with standard deviations.")
    temperature: _Name = Field(default=None, description="For free energies, such as 900C or 1200K.")
    grams: Annotated[float | None, BeforeValidator(_number_above_0)] = Field(
        default=None, description="Grams of each target to weigh out for."
    )
    excess: _Names = Field(default=(), description="Percent of an element or precursor to weigh more, such as Li=10.")
    purity: _Names = Field(default=(), description="Of a precursor, or of all, such as BaCO3=99.5 or 99.9 (percent).")
    balance: Annotated[float | None, BeforeValidator(_number_above_0)] = Field(
        default=None, description="What the balance reads in g, such as 0.001; masses are rounded to it."
    )
    routes: Annotated[_Names, Field(max_length=_MOST_ROUTES)] = Field(
        default=(),
        description="Precursor sets of one target to compare, such as 'BaCO3 + TiO2', in place of the best ones.",
    )

    @property
    def options(self) -> Question:
        """The same without targets and what is weighed: questions with equal options can be answered together."""
        unweighed = {"grams": None, "excess": (), "purity": (), "balance": None}
        return self.model_copy(update={"targets": (), **unweighed})

    @property
    def digest(self) -> str:
        """What differs between questions, short, since a shelf can be long."""
        return sha256(self.model_dump_json().encode()).hexdigest()

    @property
    def batch(self) -> Batch | None:
        """What is weighed out for, None where no grams are given; see `batch_of`."""
        return batch_of(self.grams, excess=self.excess, purity=self.purity, balance=self.balance)


def batch_of(
    grams: float | None, *, excess: Sequence[str], purity: Sequence[str], balance: float | None
) -> Batch | None:
    """Return what is weighed out for, None where no grams are given.

    Raises:
        OptionError: excess or purity cannot be read.
        RequestError: one of the others is given without grams.
    """
    others: dict[str, Any] = {"excess": excess, "purity": purity, "balance": balance}
    if grams is not None:
        return Batch(grams, **others)
    for name, value in others.items():
        if value:
            raise RequestError(name, " changes what is weighed out, which grams asks for, such as 10.")
    return None


def _written(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return f"{value:.10g}" if isinstance(value, float) else str(value)


def as_request_error(error: ValidationError) -> RequestError:
    """Return the first thing that is wrong with a question, as one sentence."""
    return request_error(error.errors(include_url=False)[0])


def request_error(first: Mapping[str, Any]) -> RequestError:
    """Return what pydantic says of one value as one sentence."""
    name = str(next(iter(first["loc"]), "request"))
    given, reason = first.get("input"), first["msg"].removeprefix("Value error, ")
    raised = first.get("ctx", {}).get("error")
    if isinstance(raised, RequestError):
        return raised
    if first["type"] in ("missing", "too_short") or (name in ("targets", "products") and not given):
        expected = _EXPECTED.get(name, "a formula such as 'BaTiO3'")
        return RequestError(name, f": there is none, expected {expected}.")
    if first["type"] == "value_error":
        return RequestError(name, f": {reason}.")
    shown = shortened(str(given), most=80)
    return RequestError(name, f" is '{shown}': {reason[0].lower()}{reason[1:]}.")


def named_error(error: Exception) -> tuple[str, str]:
    """Return the option that an error is about, empty where it names none, and its sentence."""
    return str(getattr(error, "option", "")), str(error)
