"""What to weigh out for a batch: excess against evaporation, purity of what is in the jar, rounding to the balance."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, TypeAlias

from rrgraph.chem import (
    ELEMENTS,
    VOLATILE,
    BalancedEquation,
    Composition,
    batch_masses,
    find_reagent,
    molar_mass,
    parse_formula,
)
from rrgraph.errors import OptionError, RRGraphError, suggestion
from rrgraph.lab.stock import StockItem, read_purity

__all__ = ["ANY", "Batch", "BatchSize", "Portion", "WeighOut", "as_batch", "weigh_out"]

ANY: Final = ""
"""The key of the purity of all materials that have none of their own."""

_MOST_EXCESS: Final = 1000.0  # %
_LARGEST_ROUNDING: Final = 0.01
"""Share of a mass that rounding may change without a remark."""

Shares: TypeAlias = str | float | Iterable[str] | Mapping[str, float | str]
"""Percentages by name: a mapping, or texts such as ``Li=10``."""


@dataclass(frozen=True)
class Batch:
    """How much to make, and how it is weighed.

    >>> Batch(10, excess="Li=10", purity={"BaCO3": 99.5}, balance=0.001)
    Batch(grams=10, excess={'Li': 10.0}, purity={'BaCO3': 0.995}, balance=0.001)

    Attributes:
        grams: of target.
        excess: percent by which more is weighed, of an element or of a precursor by its formula; the element as a
            precursor is written Al1. Mapping, ``Li=10``, or several of these texts.
        purity: mass fraction by formula, `ANY` for all others, before those in stock; given as ``99.5``, ``99.5 %``,
            ``0.995`` or ``3N``, alone or behind a formula and ``=``.
        balance: what the balance reads in g, to which masses are rounded; None for six digits.

    Raises:
        OptionError: a value cannot be read, or is out of range.
    """

    grams: float
    excess: Shares = field(default_factory=dict)
    purity: Shares = field(default_factory=dict)
    balance: float | None = None

    def __post_init__(self) -> None:
        if isinstance(self.grams, bool) or not isinstance(self.grams, int | float) or not 0 < self.grams < math.inf:
            raise OptionError("grams", f" is {self.grams!r}, expected a positive number of grams.")
        if self.balance is not None and not 0 < self.balance < math.inf:
            raise OptionError("balance", f" is {self.balance!r}, expected a positive number of grams, such as 0.001.")
        object.__setattr__(
            self, "excess", {name: _excess(name, value) for name, value in _pairs("excess", self.excess)}
        )
        object.__setattr__(
            self, "purity", {name: _purity(name, value) for name, value in _pairs("purity", self.purity)}
        )

    def purity_of(self, material: Composition) -> float | None:
        """Return the mass fraction that is given for a material, None if none is."""
        given = {parse_formula(name).key: value for name, value in self._purities.items() if name != ANY}
        return given.get(material.key, self._purities.get(ANY))

    def unused(self, materials: Iterable[Composition]) -> list[str]:
        """Return a sentence for each precursor with an excess or a purity of its own that is none of the materials.

        >>> Batch(10, purity="BaCo3=90").unused([parse_formula("BaCO3"), parse_formula("TiO2")])
        ["BaCo3 is none of the precursors, so its purity is not used. Did you mean 'BaCO3'?"]

        Args:
            materials: what is weighed, of all sets that are shown; where there are none, nothing is said.
        """
        known = {each.key: each.formula for each in materials}
        named = [("excess", name) for name in self.percentages if name not in ELEMENTS]
        named += [("purity", name) for name in self._purities if name != ANY]
        return [
            f"{name} is none of the precursors, so its {option} is not used.{suggestion(name, known.values())}"
            for option, name in named
            if known and parse_formula(name).key not in known
        ]

    def rounded(self, grams: float) -> float:
        """Return a mass in g as the balance shows it."""
        if self.balance is None:
            return float(f"{grams:.6g}")
        return float(f"{math.floor(grams / self.balance + 0.5) * self.balance:.9g}")

    @property
    def percentages(self) -> Mapping[str, float]:
        """The excess in percent by element or formula."""
        assert isinstance(self.excess, Mapping)
        return {name: float(value) for name, value in self.excess.items()}

    @property
    def _purities(self) -> Mapping[str, float]:
        assert isinstance(self.purity, Mapping)
        return {name: float(value) for name, value in self.purity.items()}


BatchSize: TypeAlias = float | Batch
"""Grams of target, or a batch with all that is to be known of it."""


def as_batch(size: BatchSize) -> Batch:
    """Return a batch of so many grams.

    Raises:
        RRGraphError: the number of grams is not positive.
    """
    return size if isinstance(size, Batch) else Batch(size)


@dataclass(frozen=True, kw_only=True)
class Portion:
    """One material that is weighed.

    Attributes:
        material: as it is in the jar, with its water.
        name: systematic or common name, empty if not known.
        coefficient: formula units for one of the target, without excess.
        molar_mass: of the material in g/mol.
        excess: percent that is added.
        purity: mass fraction, None if not known.
        grams: to weigh, in g, as the balance shows them.
        in_stock: g that there are, None if not known.
        is_dopant: whether it is a source of a dopant, beside the equation.
    """

    material: Composition
    name: str
    coefficient: float
    molar_mass: float
    excess: float
    purity: float | None
    grams: float
    in_stock: float | None
    is_dopant: bool = False

    @property
    def is_short(self) -> bool:
        """Whether there is less than needed."""
        return self.in_stock is not None and self.grams > self.in_stock

    def to_dict(self) -> dict[str, Any]:
        """Return JSON-ready values."""
        return {
            "formula": self.material.formula,
            "name": self.name,
            "coefficient": float(f"{self.coefficient:.12g}"),
            "molar_mass": float(f"{self.molar_mass:.9g}"),
            "excess_percent": self.excess,
            "purity": self.purity,
            "grams": self.grams,
            "in_stock_g": self.in_stock,
            "dopant": self.is_dopant,
        }


@dataclass(frozen=True, kw_only=True)
class WeighOut:
    """All portions of a batch.

    Attributes:
        batch: what was asked for.
        target: what is made.
        target_molar_mass: in g/mol.
        portions: in the order of the equation, sources of dopants last.
        remarks: sentences about an excess that was not added, and portions that are small for the balance.
    """

    batch: Batch
    target: Composition
    target_molar_mass: float
    portions: tuple[Portion, ...]
    remarks: tuple[str, ...] = ()

    @property
    def grams(self) -> dict[str, float]:
        """What to weigh of each material in g, by formula; a source that is also a precursor is weighed once."""
        masses: dict[str, float] = {}
        for portion in self.portions:
            name = portion.material.formula
            masses[name] = self.batch.rounded(masses[name] + portion.grams) if name in masses else portion.grams
        return masses

    def to_dict(self) -> dict[str, Any]:
        """Return JSON-ready values."""
        return {
            "target_g": float(self.batch.grams),
            "target_molar_mass": float(f"{self.target_molar_mass:.9g}"),
            "balance_g": self.batch.balance,
            "portions": [portion.to_dict() for portion in self.portions],
            "remarks": list(self.remarks),
        }


def weigh_out(
    equation: BalancedEquation,
    size: BatchSize,
    *,
    stock: Iterable[StockItem] = (),
    dopants: Sequence[tuple[Composition, float]] = (),
) -> WeighOut:
    """Return what to weigh of each precursor of an equation.

    >>> from rrgraph.chem import balance
    >>> equation = balance("LiCoO2", ["Li2CO3", "Co3O4"])
    >>> weigh_out(equation, Batch(5, excess="Li=5", balance=0.001)).grams
    {'Li2CO3': 1.982, 'Co3O4': 4.101}

    Args:
        equation: of one formula unit of target.
        size: grams of target, or a batch.
        stock: what is known of precursors at hand: the first stated purity counts, amounts are added up.
        dopants: sources beside the equation, each with its formula units for one of the target.

    An excess of an element is added to the precursors that bring it without another element of the target (O, H, N and
    C apart); where there is none, nothing is added and a remark says so.

    Raises:
        RRGraphError: the number of grams is not positive.
    """
    batch, jars = as_batch(size), list(stock)
    excesses, remarks = _portion_excesses(equation, batch)
    mass = molar_mass(equation.target)
    masses = batch_masses(equation, batch.grams)
    terms = [(material, float(amount), False) for material, amount in equation.precursors]
    terms += [(material, amount, True) for material, amount in dopants]
    portions = []
    for material, coefficient, is_dopant in terms:
        whole = coefficient * molar_mass(material) * batch.grams / mass if is_dopant else masses[material]
        own = [item for item in jars if item.composition == material]
        purity = batch.purity_of(material) or next((item.purity for item in own if item.purity is not None), None)
        excess = 0.0 if is_dopant else excesses.get(material, 0.0)
        exact = whole / (purity or 1.0) * (1 + excess / 100)
        amounts = [item.grams for item in own if item.grams is not None]
        reagent = find_reagent(material)
        portion = Portion(
            material=material,
            name=next((item.name for item in own if item.name), "" if reagent is None else reagent.name),
            coefficient=coefficient,
            molar_mass=molar_mass(material),
            excess=excess,
            purity=purity,
            grams=batch.rounded(exact),
            in_stock=math.fsum(amounts) if own and len(amounts) == len(own) else None,
            is_dopant=is_dopant,
        )
        portions.append(portion)
        if batch.balance is not None and batch.balance / 2 > _LARGEST_ROUNDING * exact:
            remarks.append(
                f"{exact:.2g} g of {material} is little for a balance that reads {batch.balance:g} g: rounding changes "
                f"it by up to {100 * min(1.0, batch.balance / 2 / exact):.0f} %; a larger batch helps."
            )
    return WeighOut(
        batch=batch,
        target=equation.target,
        target_molar_mass=mass,
        portions=tuple(portions),
        remarks=tuple(remarks),
    )


def _portion_excesses(equation: BalancedEquation, batch: Batch) -> tuple[dict[Composition, float], list[str]]:
    """Return the percent that each precursor gets more, and remarks on what could not be added."""
    found: dict[Composition, float] = {}
    remarks = []
    named = {name: value for name, value in batch.percentages.items() if name not in ELEMENTS}
    for name, percent in named.items():
        matching = [material for material, _ in equation.precursors if material == parse_formula(name)]
        found.update(dict.fromkeys(matching, percent))
    for symbol, percent in batch.percentages.items():
        if symbol not in ELEMENTS:
            continue
        supplied = {
            material: float(amount * dict(material.amounts)[symbol])
            for material, amount in equation.precursors
            if symbol in material.elements
        }
        if not supplied:
            remarks.append(f"{equation.target} holds no {symbol}, so no excess of it is added.")
            continue
        stays = equation.target.elements - VOLATILE - {"C", symbol}
        alone = {material: amount for material, amount in supplied.items() if not material.elements & stays}
        if not alone:
            names = " and ".join(material.formula for material in supplied)
            remarks.append(f"No excess of {symbol} is added: {names} would bring more than {symbol}.")
            continue
        # All of the excess comes from those that bring nothing else.
        share = percent * math.fsum(supplied.values()) / math.fsum(alone.values())
        for material in alone:
            found[material] = float(f"{found.get(material, 0.0) + share:.6g}")
    return found, remarks


def _pairs(option: str, values: Shares) -> list[tuple[str, Any]]:
    """Return names and values from a mapping, ``Li=10``, ``Li=10,Na=5`` or a list of these."""
    if isinstance(values, Mapping):
        return list(values.items())
    if isinstance(values, int | float):
        return [(ANY, values)]
    texts = [values] if isinstance(values, str) else list(values)
    pairs: list[tuple[str, Any]] = []
    for text in (piece for each in texts for piece in re.split(r"[;,](?=[^;,]*=)", each) if piece.strip()):
        name, equals, value = (part.strip() for part in text.rpartition("="))
        if equals and not (name and value):
            raise OptionError(
                option, f" is '{text.strip()}', expected a name and a value, such as {_EXAMPLES[option]}."
            )
        if any(name == other for other, _ in pairs):
            of = f" of {name}" if name != ANY else ""
            raise OptionError(option, f"{of} is given more than once, expected one value each.")
        pairs.append((name, value))
    return pairs


_EXAMPLES: Final = {"excess": "Li=10 (percent)", "purity": "BaCO3=99.5 (percent)"}


def _excess(name: str, value: Any) -> float:
    """Return a percentage of excess.

    Raises:
        OptionError: it has no name or is not a number from 0 to 1000, or the name is neither an element nor a formula.
    """
    example = _EXAMPLES["excess"]
    if name == ANY:
        raise OptionError("excess", f" is '{value}', expected an element or precursor and percent, such as {example}.")
    if name not in ELEMENTS:
        _check_formula("excess", name)
    try:
        percent = float(str(value).strip().removesuffix("%").replace(",", "."))
    except ValueError:
        percent = math.nan
    if not 0 <= percent <= _MOST_EXCESS:
        raise OptionError("excess", f" of {name} is '{value}', expected percent from 0 to 1000, such as {example}.")
    return percent


def _purity(name: str, value: Any) -> float:
    if name != ANY:
        _check_formula("purity", name)
    found = read_purity(value)
    if found is None:
        raise OptionError("purity", f" is '{value}', expected percent, such as 99.5, or nines, such as 4N.")
    return found


def _check_formula(option: str, name: str) -> None:
    try:
        parse_formula(name, dopants=False)
    except RRGraphError as error:
        near = suggestion(name, ELEMENTS)
        raise OptionError(option, f" names '{name}', which is neither an element nor a formula.{near}") from error
