"""Classes of plausible precursors with one element besides carbon, hydrogen, oxygen and nitrogen.

`rrgraph.chem.generation.plausible` combines the classes and states the rules.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final

from rrgraph.chem.charges import (
    ALKALI,
    ALKALINE_EARTHS,
    CHALCOGENS,
    HALOGENS,
    NOBLE_GASES,
    NONMETALS,
    RARE_EARTHS,
    charges,
    compound,
    neutral,
    salt_charges,
)
from rrgraph.chem.elements import VOLATILE

__all__ = ["FURTHER", "SINGLE"]

#: Reagents that no rule generates: oxides of mixed valence, polyacids, complex salts, sources of carbon and nitrogen.
_LISTED: Final = """
    Fe3O4 Co3O4 Mn3O4 Mn5O8 Pb3O4 Pb2O3 Pr6O11 Tb4O7 U3O8 Sb2O4 Eu3O4 V3O5 V6O13 Ti3O5 Ti4O7 Mo4O11 W18O49 Nb12O29
    (NH4)6Mo7O24 (NH4)2Mo2O7 (NH4)2Mo4O13 (NH4)10W12O41 (NH4)10H2W12O42 (NH4)6W12O39 (NH4)6H2W12O40 (NH4)2Cr2O7
    NH4B5O8 (NH4)2B4O7 NH4HF2 (NH4)2Ce(NO3)6 UO2(NO3)2 UO2(CH3COO)2 VOC2O4 TiOC2O4 (NH4)2TiO(C2O4)2 NH4NbO(C2O4)2
    FeC6H5O7 Fe(C5H7O2)3 H3PMo12O40 H3PW12O40 H2SiF6 CO(NH2)2 H2CN2 C3H6N6 (NH4)2CO3 NH4HCO3 NH4NO3 H2C2O4
"""
FURTHER: Final = tuple(_LISTED.split())

_GASES: Final = NOBLE_GASES | {"H", "N", "O", "F", "Cl"}
_NO_OXIDE: Final = VOLATILE | {"F", "Cl", "Br", "S"}
_HYPEROXIDES: Final = frozenset({"Na", "K", "Rb", "Cs"})
#: MgO2 is the peroxide of a metal of charge 2, NaO2 the superoxide of one of charge 1.
_PEROXIDES: Final = frozenset({"Mg", "Ca", "Sr", "Ba", "Zn"})
_ALKOXIDES: Final = frozenset({"Ti", "Zr", "Hf", "Nb", "Ta", "Al", "Si", "Ge"})
_OXIDE_NITRATES: Final = RARE_EARTHS | {"Bi", "Zr", "Hf", "Ti", "V"}
_NO_CARBONATE: Final = frozenset({"Ti", "V", "Sn", "Sb", "Au", "Pd", "Pt"})
_BASIC_CARBONATE_METALS: Final = frozenset({"Be", "Mg", "Mn", "Fe", "Co", "Ni", "Cu", "Zn", "Cd", "Pb", "Hg"})
#: Metal atoms, carbonate groups and hydroxide groups in basic carbonates of metals of charge 2.
_BASIC_CARBONATES: Final = ((2, 1, 2), (3, 2, 2), (5, 2, 6), (5, 4, 2), (3, 1, 4))


def _element(symbol: str) -> Iterator[str]:
    """The element itself, unless it is a gas."""
    if symbol not in _GASES:
        yield f"{symbol}2" if symbol in HALOGENS else symbol


def _oxides(symbol: str) -> Iterator[str]:
    """One oxide for each charge."""
    for charge in () if symbol in _NO_OXIDE else charges(symbol):
        atoms, oxygen = neutral(charge, 2)
        yield compound((symbol, atoms), ("O", oxygen))


def _peroxides(symbol: str) -> Iterator[str]:
    """Peroxides and superoxides of alkali and alkaline earth metals."""
    if symbol in ALKALI:
        yield f"{symbol}2O2"
    if symbol in _HYPEROXIDES | _PEROXIDES:
        yield f"{symbol}O2"


def _hydroxides(symbol: str) -> Iterator[str]:
    """Products of oxides and water: hydroxides, oxyhydroxides, acids."""
    for charge in () if symbol in HALOGENS | VOLATILE else charges(symbol):
        for oxygen, hydroxide in _hydrous(symbol, charge):
            if symbol in NONMETALS or charge >= 5:
                yield compound(("H", hydroxide), (symbol, 1), ("O", oxygen + hydroxide))
            else:
                yield compound((symbol, 1), ("O", oxygen), ("OH", hydroxide))


def _ammonium_salts(symbol: str) -> Iterator[str]:
    """Ammonium halides, and ammonium salts of the acids of elements with a charge of at least 5."""
    if symbol in HALOGENS:
        yield f"NH4{symbol}"
        return
    for charge in () if symbol in VOLATILE else charges(symbol):
        for oxygen, hydroxide in _hydrous(symbol, charge) if charge >= 5 else ():
            for ammonium in range(1, hydroxide + 1):
                acid = (("H", hydroxide - ammonium), (symbol, 1), ("O", oxygen + hydroxide))
                yield compound(("NH4", ammonium), *acid)


def _hydrous(symbol: str, charge: int) -> list[tuple[int, int]]:
    """Return the oxygen atoms and hydroxide groups around an element: H3PO4 and HPO3 exist, P(OH)5 does not."""
    least = charge // 2 if charge >= 6 else 1 if charge == 5 or symbol in CHALCOGENS else 0
    found = [(oxygen, charge - 2 * oxygen) for oxygen in range(min(least, (charge - 1) // 2), (charge + 1) // 2)]
    return [*found, (0, 6)] if (symbol, charge) == ("Te", 6) else found


def _carbonates(symbol: str) -> Iterator[str]:
    """Carbonates of charges 1 to 3, hydrogen carbonates, hydroxide and oxide carbonates."""
    for charge in salt_charges(symbol):
        cations, anions = neutral(charge, 2)
        if charge <= 3 and symbol not in _NO_CARBONATE:
            yield compound((symbol, cations), ("CO3", anions))
        if charge == 1 and symbol in ALKALI:
            yield f"{symbol}HCO3"
        if charge == 2 and symbol in _BASIC_CARBONATE_METALS:
            for metal, carbonate, hydroxide in _BASIC_CARBONATES:
                yield compound((symbol, metal), ("CO3", carbonate), ("OH", hydroxide))
        if charge == 3 and symbol in RARE_EARTHS | {"Bi"}:
            yield from (f"{symbol}2O2CO3", f"{symbol}OHCO3")


def _nitrates(symbol: str) -> Iterator[str]:
    """Nitrates, oxide nitrates, nitrites of alkali metals."""
    for charge in salt_charges(symbol):
        yield compound((symbol, 1), ("NO3", charge))
        if charge >= 3 and symbol in _OXIDE_NITRATES:
            yield compound((symbol, 1), ("O", 1), ("NO3", charge - 2))
    if symbol in ALKALI:
        yield f"{symbol}NO2"


def _organic(symbol: str) -> Iterator[str]:
    """Oxalates, acetates, formates; alkoxides of the elements whose alkoxides are sold."""
    for charge in salt_charges(symbol):
        cations, anions = neutral(charge, 2)
        yield compound((symbol, cations), ("C2O4", anions))
        yield compound((symbol, 1), ("CH3COO", charge))
        if charge <= 2:
            yield compound((symbol, 1), ("HCOO", charge))
    if symbol in _ALKOXIDES:
        yield from (compound((symbol, 1), (group, charges(symbol)[-1])) for group in ("OC2H5", "OC3H7", "OC4H9"))


def _nitrogen(symbol: str) -> Iterator[str]:
    """Hydrides, amides, imides, azides, cyanides and cyanamides of alkali and alkaline earth metals."""
    if symbol in ALKALI:
        yield from (f"{symbol}H", f"{symbol}NH2", f"{symbol}2NH", f"{symbol}N3", f"{symbol}CN", f"{symbol}2CN2")
    if symbol in ALKALINE_EARTHS:
        yield from (f"{symbol}H2", f"{symbol}(NH2)2", f"{symbol}NH", f"{symbol}(N3)2", f"{symbol}CN2")
    if symbol in {"Cu", "Ag"}:
        yield f"{symbol}CN"


SINGLE: Final[dict[str, Callable[[str], Iterator[str]]]] = {
    "element": _element,
    "oxide": _oxides,
    "peroxide": _peroxides,
    "hydroxide or acid": _hydroxides,
    "carbonate": _carbonates,
    "nitrate": _nitrates,
    "organic salt": _organic,
    "ammonium salt": _ammonium_salts,
    "hydride or nitrogen salt": _nitrogen,
}
"""Generators by precursor class: each takes an element symbol and yields formulas."""
