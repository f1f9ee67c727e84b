"""Reaction energies: what a balanced equation releases or takes up, from formation energies.

Gases are tabulated (`rrgraph.chem.thermo`) and elements are 0; everything else is looked up. What temperature does to
solids is tabulated where it is known (`rrgraph.chem.measured`). docs/energies.md states conventions and errors.
"""

from __future__ import annotations

import math
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from types import MappingProxyType
from typing import Literal, Protocol, runtime_checkable

from rrgraph.chem import (
    GASES,
    KJ_PER_EV,
    BalancedEquation,
    Composition,
    gas_energy,
    gas_uncertainty,
    parse_formula,
    solid_uncertainty,
    thermal_energy,
    thermal_uncertainty,
)
from rrgraph.errors import DataError, FormulaError, suggestion
from rrgraph.util.rows import column_name, listed
from rrgraph.util.tabular import read_frame

__all__ = [
    "EnergyOrigin",
    "EnergySource",
    "FormationEnergy",
    "ReactionEnergy",
    "energies_needed",
    "reaction_energy",
    "read_formation_energies",
]

#: Formation energy and its standard deviation, both in eV/atom.
FormationEnergy = tuple[float, float]
#: Where a formation energy comes from.
EnergyOrigin = Literal["measured", "predicted", "given"]

_FORMULA, _ENERGY, _UNCERTAINTY = "formula", "formation_energy", "uncertainty"
#: No compound is as far from its elements, in eV/atom; what is beyond was given in another unit.
_LARGEST_ENERGY = 10.0


@dataclass(frozen=True, slots=True)
class ReactionEnergy:
    """Energy of the products less that of the reactants; negative means that the reaction releases energy.

    Attributes:
        ev_per_atom: eV for each atom on the product side of the equation, atoms of gases included.
        kj_per_mol: kJ for one mole of formula units of the target as typed.
        ev_per_atom_uncertainty: one standard deviation, eV/atom.
        kj_per_mol_uncertainty: one standard deviation, kJ/mol.
        temperature: K. None: reaction enthalpy at 298.15 K; else the free energy with gases at 1 bar.
        measured: formulas of the solids whose formation energies are measured.
        predicted: those whose are predicted.
        given: those whose are the user's.
    """

    ev_per_atom: float
    kj_per_mol: float
    ev_per_atom_uncertainty: float
    kj_per_mol_uncertainty: float
    temperature: float | None = None
    measured: tuple[str, ...] = ()
    predicted: tuple[str, ...] = ()
    given: tuple[str, ...] = ()


@runtime_checkable
class EnergySource(Protocol):
    """Gives reaction energies.

    Attributes:
        temperature: K, or None for reaction enthalpies at 298.15 K.
    """

    temperature: float | None

    def reaction_energies(self, equations: Sequence[BalancedEquation]) -> list[ReactionEnergy]:
        """Return the energy of each equation."""
        ...


def reaction_energy(
    equation: BalancedEquation,
    energies: Mapping[str, FormationEnergy],
    *,
    temperature: float | None = None,
    origins: Mapping[str, EnergyOrigin] = MappingProxyType({}),
) -> ReactionEnergy:
    """Return the energy of an equation.

    Each term counts with its coefficient times its atoms n. Errors of different materials are taken as independent, so
    the uncertainty is the root of the sum of (n times standard deviation) squared. At a temperature the errors of the
    thermal part join it: those of `thermal_uncertainty`, and unless the entropies of all solids are measured, those of
    `gas_uncertainty` and that of `solid_uncertainty` for the target.

    Args:
        equation: what reacts.
        energies: enthalpies at 298.15 K by canonical key, at least of `energies_needed`. Elements and tabulated gases
            are not looked up.
        temperature: K, from 298 to 2500. None leaves all at their enthalpies of formation.
        origins: where energies come from, by canonical key; the others are the user's.

    Raises:
        DataError: an energy is missing, not finite, or its uncertainty is negative.
        RRGraphError: the temperature is outside that range.
    """
    terms = list(_terms(equation))
    thermal = [thermal_uncertainty(each, temperature) for each, _, is_gas in terms if not _is_gas(each, is_gas)]
    estimated = None in thermal
    total = 0.0
    variance = (float(equation.target.atoms) * solid_uncertainty(temperature)) ** 2 if estimated else 0.0
    for composition, atoms, is_gas in terms:
        energy, deviation = _energy(composition, is_gas, energies)
        spread = thermal_uncertainty(composition, temperature) or 0.0
        if _is_gas(composition, is_gas):
            energy = gas_energy(composition, temperature=temperature)
            spread = gas_uncertainty(composition, temperature=temperature) if estimated else 0.0
        else:
            energy += thermal_energy(composition, temperature)
        total += atoms * energy
        variance += atoms**2 * (deviation**2 + spread**2)
    deviation = math.sqrt(variance)
    size = float(equation.target.atoms + sum(amount * gas.atoms for gas, amount in equation.byproducts))
    return ReactionEnergy(
        ev_per_atom=total / size,
        kj_per_mol=total * KJ_PER_EV,
        ev_per_atom_uncertainty=deviation / size,
        kj_per_mol_uncertainty=deviation * KJ_PER_EV,
        temperature=temperature,
        **_by_origin(equation, origins),
    )


def energies_needed(equation: BalancedEquation) -> tuple[Composition, ...]:
    """Return the compositions whose formation energies `reaction_energy` looks up, each once."""
    found = (composition for composition, _, is_gas in _terms(equation) if not _is_known(composition, is_gas))
    return tuple(dict.fromkeys(found))


def read_formation_energies(path: str | os.PathLike[str]) -> dict[str, FormationEnergy]:
    """Read formation energies by canonical key from a CSV, JSONL or Parquet table.

    Columns: `formula`, `formation_energy` (eV/atom, elements in their standard states being 0) and, if known,
    `uncertainty` (one standard deviation, eV/atom; 0 where the column or a cell is missing). Of several rows of one
    composition (polymorphs) the lowest energy holds.

    Raises:
        DataError: the file cannot be read, lacks a column, or a cell is not what it should be; the message names the
            file, the row (from 1, the header not counted) and the column.
    """
    frame = read_frame(path)
    frame = frame.rename(columns={name: column_name(str(name)).replace(" ", "_") for name in frame.columns})
    for name in (_FORMULA, _ENERGY):
        if name not in frame.columns:
            columns = [str(column) for column in frame.columns]
            raise DataError(f"'{path}' has no column '{name}', found {listed(columns)}.{suggestion(name, columns)}")
    given = frame[_UNCERTAINTY] if _UNCERTAINTY in frame.columns else [None] * len(frame)
    energies: dict[str, FormationEnergy] = {}
    for row, (formula, energy, deviation) in enumerate(zip(frame[_FORMULA], frame[_ENERGY], given, strict=True), 1):
        where = f"Row {row} of '{path}', column"
        try:
            key = parse_formula(formula, dopants=False).key
        except FormulaError as error:
            raise DataError(f"{where} '{_FORMULA}': {error}") from None
        value = _number(energy, f"{where} '{_ENERGY}'", lowest=-_LARGEST_ENERGY)
        spread = 0.0 if _is_blank(deviation) else _number(deviation, f"{where} '{_UNCERTAINTY}'", lowest=0.0)
        if key not in energies or value < energies[key][0]:
            energies[key] = value, spread
    return energies


def _terms(equation: BalancedEquation) -> Iterator[tuple[Composition, float, bool]]:
    """Yield every composition, its atoms in the equation (negative for what is used up), and whether it is a gas."""
    for terms, sign, is_gas in (
        (((equation.target, Fraction(1)),), 1, False),
        (equation.byproducts, 1, True),
        (equation.precursors, -1, False),
        (equation.reactant_gases, -1, True),
    ):
        for composition, amount in terms:
            yield composition, sign * float(amount * composition.atoms), is_gas


def _energy(composition: Composition, is_gas: bool, energies: Mapping[str, FormationEnergy]) -> FormationEnergy:
    """Return the formation energy of what is looked up, 0 for the rest."""
    if _is_known(composition, is_gas):
        return 0.0, 0.0
    if composition.key not in energies:
        raise DataError(f"The formation energy of {composition.formula} is missing.")
    energy, deviation = energies[composition.key]
    if not (math.isfinite(energy) and 0 <= deviation < math.inf):
        raise DataError(
            f"The formation energy of {composition.formula} is {energy} ± {deviation} eV/atom, expected finite numbers."
        )
    return energy, deviation


def _by_origin(equation: BalancedEquation, origins: Mapping[str, EnergyOrigin]) -> dict[EnergyOrigin, tuple[str, ...]]:
    """Return the formulas of what is looked up by where the energy comes from."""
    found: dict[EnergyOrigin, tuple[str, ...]] = {}
    for composition in energies_needed(equation):
        origin = origins.get(composition.key, "given")
        found[origin] = (*found.get(origin, ()), composition.formula)
    return found


def _is_known(composition: Composition, is_gas: bool) -> bool:
    """Whether nothing has to be looked up: an element in its standard state, or a tabulated gas."""
    return len(composition.amounts) == 1 or _is_gas(composition, is_gas)


def _is_gas(composition: Composition, is_gas: bool) -> bool:
    """Whether it is a tabulated gas; sulfur, bromine and iodine are so only among the gases, not as precursors."""
    gas = GASES.get(composition.key)
    return gas is not None and (is_gas or not gas.is_condensed_element)


def _number(cell: object, where: str, *, lowest: float) -> float:
    """Return a cell as a number of eV/atom."""
    try:
        value = float(str(cell))
    except ValueError:
        value = math.nan
    if not lowest <= value <= _LARGEST_ENERGY:
        shown = "blank" if _is_blank(cell) else f"'{cell}'"
        raise DataError(f"{where} is {shown}, expected eV/atom from {lowest:g} to {_LARGEST_ENERGY:g}.")
    return value


def _is_blank(cell: object) -> bool:
    """Whether a cell is empty: None, or one of the values by which pandas says so."""
    return str(cell) in ("", "None", "nan", "<NA>")
