"""Make `energy_corrections.csv`: what is added to predicted formation energies so that they fit measured ones.

python -m rrgraph.models.make_energy_corrections OUTPUT [--seeds N]

A linear model of the terms of `correction_terms` is fitted robustly to the measured solids of `rrgraph.chem`. It is
checked by fits to half of them, for several random halves, whose errors on the other half are printed. So are errors
of the energies of reactions in which oxides form from carbonates and oxides.
"""

from __future__ import annotations

import argparse
import csv
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from rrgraph.chem import (
    ELEMENTS,
    KJ_PER_EV,
    BalancedEquation,
    BalanceError,
    SolidData,
    balance,
    measured_solids,
    parse_formula,
)
from rrgraph.models.energy_corrections import SPREAD, correction_terms
from rrgraph.models.model_registry import load_encoder

__all__ = ["fit_terms", "remaining_spread"]

#: Ridge penalties for elements and for groups of atoms; groups are rarer and differ more.
_ELEMENT_PENALTY, _GROUP_PENALTY = 0.3, 0.01
#: Residuals beyond this count linearly, eV/atom.
_HUBER = 0.15

#: What oxides are made from to check reaction energies.
_SOURCES = """BaCO3 SrCO3 CaCO3 Li2CO3 Na2CO3 K2CO3 Cs2CO3 BeO MgO ZnO CdO PbO NiO CuO Al2O3 Fe2O3 Cr2O3 Y2O3 La2O3
Nd2O3 Sm2O3 B2O3 SiO2 TiO2 ZrO2 GeO2 MnO2 Co3O4 V2O5 Nb2O5 Ta2O5 P2O5 MoO3 WO3 UO3"""

Array = NDArray[np.float64]


def fit_terms(counts: Array, errors: Array, penalties: Array, rounds: int = 10) -> Array:
    """Return the correction of each term, (terms,).

    Args:
        counts: of each term for each atom of a solid, (solids, terms).
        errors: measured less predicted energies, eV/atom, (solids,).
        penalties: of each term, (terms,).
        rounds: of reweighting.
    """
    weights: Array = np.ones(len(errors))
    found: Array = np.zeros(len(penalties))
    for _ in range(rounds):
        weighted = counts * weights[:, None]
        found = np.asarray(np.linalg.solve(weighted.T @ counts + np.diag(penalties), weighted.T @ errors), np.float64)
        weights = np.minimum(1.0, _HUBER / np.maximum(np.abs(errors - counts @ found), 1e-9))
    return found


def remaining_spread(residuals: Array, deviations: Array) -> float:
    """Return what has to be added in quadrature to `deviations` so that they hold 68 % of `residuals`, all (n,)."""
    for spread in np.arange(0.0, 1.0, 0.005):
        if np.mean(np.abs(residuals) <= np.hypot(deviations, spread)) >= 0.683:
            return float(spread)
    return 1.0


def main() -> None:
    """Write the table and print errors before and after, on halves that the fit did not see."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("output", type=Path)
    parser.add_argument("--seeds", type=int, default=10)
    arguments = parser.parse_args()
    solids = [solid for solid in measured_solids().values() if len(solid.composition.amounts) > 1]
    predicted, deviations = load_encoder().formation_energies([solid.composition for solid in solids])
    errors = np.array([solid.enthalpy / solid.atoms / KJ_PER_EV for solid in solids]) - predicted
    found = [correction_terms(solid.composition) for solid in solids]
    seen = Counter(term for terms in found for term in terms)
    names = sorted(seen, key=lambda term: (term not in ELEMENTS, term))
    counts = np.array(
        [[terms.get(name, 0.0) / solid.atoms for name in names] for terms, solid in zip(found, solids, strict=True)]
    )
    penalties = np.array([_ELEMENT_PENALTY if name in ELEMENTS else _GROUP_PENALTY for name in names])
    spread = _check(counts, errors, deviations, penalties, names, arguments.seeds)
    _check_reactions(solids, predicted, _cross_fitted(counts, errors, penalties))
    with arguments.output.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["term", "correction", "solids"])
        writer.writerow([SPREAD, f"{spread:.3f}", len(solids)])
        for name, value in zip(names, fit_terms(counts, errors, penalties), strict=True):
            writer.writerow([name, f"{value:.3f}", seen[name]])


def _check(
    counts: Array, errors: Array, deviations: Array, penalties: Array, names: Sequence[str], seeds: int
) -> float:
    """Print mean absolute errors in eV/atom on unseen halves, and return the spread that remains there."""
    groups: dict[str, list[tuple[float, float]]] = defaultdict(list)
    residuals, spreads = [], []
    for seed in range(seeds):
        order = np.random.default_rng(seed).permutation(len(errors))
        train, test = order[::2], order[1::2]
        left = errors[test] - counts[test] @ fit_terms(counts[train], errors[train], penalties)
        residuals.append(left)
        spreads.append(deviations[test])
        for row, before, after in zip(test, errors[test], left, strict=True):
            for name in ("all", *(name for name, n in zip(names, counts[row], strict=True) if n)):
                if name not in ELEMENTS:
                    groups[name].append((abs(before), abs(after)))
    for name, pairs in sorted(groups.items()):
        before, after = np.mean(pairs, axis=0)
        print(f"{name:4s} {len(pairs) / seeds:6.0f} solids  {before:.3f} -> {after:.3f} eV/atom")
    each = [float(np.abs(left).mean()) for left in residuals]
    print(f"all, by seed: {min(each):.3f} to {max(each):.3f} eV/atom")
    return remaining_spread(np.concatenate(residuals), np.concatenate(spreads))


def _cross_fitted(counts: Array, errors: Array, penalties: Array) -> Array:
    """Return the correction of each solid by the fit to the half that it is not in, (solids,)."""
    halves = np.random.default_rng(0).permutation(len(errors)) % 2
    found = np.zeros(len(errors))
    for half in (0, 1):
        found[halves == half] = counts[halves == half] @ fit_terms(
            counts[halves != half], errors[halves != half], penalties
        )
    return found


def _check_reactions(solids: Sequence[SolidData], predicted: Array, corrections: Array) -> None:
    """Print median errors of reaction energies in kJ/mol, with predictions for all solids and for the target alone."""
    measured = {solid.composition.key: solid.enthalpy / solid.atoms / KJ_PER_EV for solid in solids}
    raw = {solid.composition.key: value for solid, value in zip(solids, predicted, strict=True)}
    corrected = {key: value + extra for (key, value), extra in zip(raw.items(), corrections, strict=True)}
    errors: dict[str, list[float]] = defaultdict(list)
    for equation in _reactions(solids):
        kind = "carbonates" if equation.byproducts else "oxides"
        true = _solid_part(equation, measured)
        for name, table in (("raw", raw), ("corrected", corrected)):
            alone = measured | {equation.target.key: table[equation.target.key]}
            for label, energies in ((f"all solids {name}", table), (f"target {name}", alone)):
                errors[f"{kind}, {label}"].append(abs(_solid_part(equation, energies) - true) * KJ_PER_EV)
    for label, found in sorted(errors.items()):
        print(f"{len(found):4d} reactions of {label}: median error {np.median(found):.0f} kJ/mol")


def _reactions(solids: Sequence[SolidData]) -> Iterator[BalancedEquation]:
    """Yield how each oxide of several metals is made from the measured ones of `_SOURCES`."""
    known = {solid.composition for solid in solids}
    sources = [parse_formula(name) for name in _SOURCES.split()]
    by_element = {next(iter(each.elements - {"C", "O"})): each for each in sources if each in known}
    for solid in solids:
        metals = solid.composition.elements - {"O"}
        if len(metals) < 2 or len(metals) == len(solid.composition.elements) or not metals <= by_element.keys():
            continue
        try:
            yield balance(solid.composition, [by_element[metal] for metal in sorted(metals)])
        except BalanceError:
            continue


def _solid_part(equation: BalancedEquation, energies: Mapping[str, float]) -> float:
    """Return the energy of the target less that of its precursors, eV for a formula unit, from eV/atom by key."""
    terms = [(equation.target, 1.0), *((each, -float(n)) for each, n in equation.precursors)]
    return sum(n * float(each.atoms) * energies[each.key] for each, n in terms)


if __name__ == "__main__":
    main()
