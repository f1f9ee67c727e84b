"""Classes of reagents, by which precursors are excluded or required: nitrates, hydrides, metals, toxic, ...

A class follows from the groups of atoms in the usual spelling of a compound, from its elements, or from a list. A
compound may be of several. The classes that models learn from are others: `rrgraph.graph.precursor_class` gives one to
each composition by its elements alone, so that there an oxalate without hydrogen is a carbonate. Hazards are compiled
from general chemical knowledge and are no safety data.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Final

from rrgraph.chem.charges import ALKALI, ALKALINE_EARTHS, HALOGENS, NOBLE_GASES, RARE_EARTHS
from rrgraph.chem.composition import Composition
from rrgraph.chem.formula import parse_formula
from rrgraph.chem.hydrates import anhydrous
from rrgraph.chem.reagents.groups import GROUPS, WATER, read_groups
from rrgraph.chem.reagents.library import usual_spelling

__all__ = ["REAGENT_CLASSES", "find_class", "reagent_classes"]


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_NON_METALS: Final = HALOGENS | NOBLE_GASES | frozenset({"H", "B", "C", "N", "O", "Si", "P", "S", "As", "Se", "Te"})

#: Classes by an element that is an anion there, if no oxygen or halogen is: a phosphide has no oxygen, a phosphate has.
_ANIONS: Final = {
    "F": "fluorides",
    "Cl": "chlorides",
    "Br": "bromides",
    "I": "iodides",
    "S": "sulfides",
    "Se": "selenides",
    "Te": "tellurides",
    "N": "nitrides",
    "P": "phosphides",
    "As": "arsenides",
    "Sb": "antimonides",
    "C": "carbides",
    "B": "borides",
    "Si": "silicides",
    "Ge": "germanides",
}
_CHALCOGENIDES: Final = frozenset({"sulfides", "selenides", "tellurides"})
_HALIDES: Final = frozenset({"fluorides", "chlorides", "bromides", "iodides"})

#: Members that neither groups nor elements tell.
_LISTED: Final = {
    "peroxides": "Li2O2 Na2O2 K2O2 Rb2O2 Cs2O2 MgO2 CaO2 SrO2 BaO2 ZnO2 H2O2 NaBO3",
    "superoxides": "NaO2 KO2 RbO2 CsO2 LiO2",
    "permanganates": "LiMnO4 NaMnO4 KMnO4 RbMnO4 CsMnO4 AgMnO4 NH4MnO4 Mg(MnO4)2 Ca(MnO4)2 Ba(MnO4)2 Zn(MnO4)2",
    "carbonyls": "Cr(CO)6 Mo(CO)6 W(CO)6 Mn2(CO)10 Re2(CO)10 Fe(CO)5 Fe2(CO)9 Fe3(CO)12 Co2(CO)8 Ni(CO)4 Ru3(CO)12 "
    "Os3(CO)12 Rh4(CO)12 Ir4(CO)12",
    "halates": "NaClO Ca(OCl)2",
    "ammonium": "NH4CO2NH2",
    "organics": "NaB(C6H5)4 LiN(SO2CF3)2 LiN(SO2F)2 "
    "CO(NH2)2 CS(NH2)2 C3H6N6 CH3CSNH2 NH2CH2COOH C12H22O11 C8H6O4 C9H6O6 C4H6N2 C3H4N2 "
    "C10H8N2 C6H12N2 C4H4O4 C6H12O6 KHC8H4O4 Na2C8H4O4 Li2C8H4O4 Na2C10H14N2O8 FeC4H2O4 KHC4H4O6 KNaC4H4O6",
    "organometallics": "Zn(C2H5)2 Zn(CH3)2 Al(CH3)3 Ga(CH3)3 In(CH3)3 LiC4H9 Fe(C5H5)2 Ni(C5H5)2 Co(C5H5)2",
}

#: Elements whose compounds are toxic in small amounts.
_TOXIC_ELEMENTS: Final = frozenset({"Be", "As", "Cd", "Hg", "Tl", "Pb", "Os"})
_TOXIC_CLASSES: Final = frozenset({"cyanides", "azides", "carbonyls", "chromates", "selenides", "arsenates"})
_TOXIC: Final = """
    CrO3 V2O5 SeO2 H2Se H2S H2SeO3 H2SeO4 TeO2 Ni Ni(OH)2 NiO Ni2O3 NiCO3 NiSO4 NiCl2 Ni(NO3)2 Ni(CH3COO)2 NiS Co CoO
    CoCl2 Co(NO3)2 CoSO4 CoCO3 Co(CH3COO)2 BaCO3 BaCl2 Ba(NO3)2 BaS Ba(OH)2 BaO BaO2 Ba(CH3COO)2 NaF KF HF NH4F NH4HF2
    NaHF2 KHF2 P4S3 SbCl3 SbF3 Sb2O3 SbCl5 InP GaAs NaNO2 KNO2 RuO4 Na2SeO3 Na2SeO4 K2SeO3 K2SeO4 TeCl4 BBr3 BCl3 UO3
    (NH4)2VO3 NH4VO3 NaVO3 KVO3 VCl4 VOSO4 Ag3AsO4 PH3 Cl2 Br2 F2 Ni(CO)4 Fe(CO)5 Co2(CO)8 CO
"""
_OXIDISERS: Final = _words("nitrates nitrites peroxides superoxides permanganates perchlorates halates chromates")
_OXIDISING: Final = """
    F2 Cl2 Br2 CrO3 Ag2O PbO2 Pb3O4 MnO2 OsO4 RuO4 H2O2 I2O5 HClO4 HNO3 K2FeO4 NaBiO3 KBiO3 NaBO3 NaClO Ca(OCl)2
"""
_PYROPHORIC: Final = """
    P Li3P Na3P K3P KH RbH CsH NaH LiAlH4 NaAlH4 AlH3 UH3 CeH2 CeH3 LaH2 LaH3 ThH2 Zn(C2H5)2 Zn(CH3)2 Al(CH3)3 Ga(CH3)3
    In(CH3)3 LiC4H9 Rb Cs K NaK KC8 U Th Ca3P2 Zr Hf
"""
#: Binary compounds of these classes react with air or water where the cation is electropositive.
_SENSITIVE: Final = _words("sulfides selenides tellurides nitrides phosphides arsenides antimonides silicides")
_SENSITIVE_CLASSES: Final = _words("hydrides amides imides superoxides alkoxides")
_SENSITIVE_HALIDES: Final = RARE_EARTHS | _words("Al Ga In Ti Zr Hf Nb Ta Mo W V B Si Ge Sn P As Sb Th U Re Be Fe Cr")
_AIR_SENSITIVE: Final = """
    Li Na K Rb Cs Ca Sr Ba Eu Yb La Ce Pr Nd Sm P2O5 P2S5 P2S3 SnI2 SnCl2 SnBr2 GeI2 CuI Na2O K2O Rb2O Cs2O Li2O BaO SrO
    EuO FeO TiO UO2 CaC2 SrC2 BaC2 Al4C3 Li2C2 Na2C2 LiPF6 NaPF6 LiBH4 B2S3 SiS2 GeS2 Al2S3
"""
#: Elements without stable isotopes, and thorium and uranium.
_RADIOACTIVE: Final = _words("Tc Pm Po At Rn Fr Ra Ac Th Pa U Np Pu Am Cm Bk Cf Es Fm Md No Lr")

_DERIVED: Final = _words(
    "elements metals oxides halides chalcogenides hydrides acids toxic oxidisers air-sensitive pyrophoric radioactive"
)

REAGENT_CLASSES: Final[tuple[str, ...]] = tuple(
    sorted({each for group in GROUPS.values() for each in group.classes} | {*_ANIONS.values(), *_LISTED} | _DERIVED)
)
"""All classes, in alphabetical order."""

_ALIASES: Final = {
    "oxidizers": "oxidisers",
    "hydrogencarbonates": "bicarbonates",
    "ammonium salts": "ammonium",
    "sulphates": "sulfates",
    "sulphides": "sulfides",
    "poisons": "toxic",
    "acac": "acetylacetonates",
    "pyrophorics": "pyrophoric",
    "water-sensitive": "air-sensitive",
    "moisture-sensitive": "air-sensitive",
}


def find_class(name: str) -> str | None:
    """Return the class of a name in singular or plural, with any capitals, or None.

    >>> find_class("Nitrate"), find_class("air sensitive"), find_class("BaCO3")
    ('nitrates', 'air-sensitive', None)
    """
    return _names().get(_plain(name))


@lru_cache(maxsize=2**14)
def reagent_classes(reagent: Composition) -> frozenset[str]:
    """Return the classes of a compound, those of `REAGENT_CLASSES` that hold.

    >>> from rrgraph.chem import parse_formula
    >>> sorted(reagent_classes(parse_formula("Pb(NO3)2")))
    ['nitrates', 'oxidisers', 'toxic']
    >>> sorted(reagent_classes(parse_formula("FeC2O4")))
    ['organics', 'oxalates']
    """
    spelled = usual_spelling(reagent) or reagent
    counts = dict(read_groups(spelled.formula) or {symbol: float(amount) for symbol, amount in reagent.amounts})
    found = {name for name, keys in _listed().items() if reagent.key in keys}
    if not found - {"peroxides"}:
        groups = [each for each in counts if each in GROUPS]
        found.update(each for group in groups for each in GROUPS[group].classes)
        rest = counts.keys() - set(groups)
        found |= _by_elements(spelled.formula, rest, found, grouped=any(each != WATER for each in groups))
    return frozenset(found | _hazards(reagent, found))


def _by_elements(formula: str, rest: set[str], listed: set[str], *, grouped: bool) -> set[str]:
    """Return the classes that follow from the elements outside of groups.

    Args:
        formula: in its usual spelling.
        rest: these elements.
        listed: classes that are known already.
        grouped: whether there are groups beside water.
    """
    metals = rest - _NON_METALS
    if not grouped and len(rest) == 1:
        return {"elements"} | ({"metals"} if metals else set())
    if not grouped and rest == metals:
        return {_ANIONS[each] for each in ("Sb", "Ge") if each in rest} or {"metals"}
    found: set[str] = set()
    acid = re.match(r"H\d*[A-Z]", formula) is not None and (grouped or "O" in rest or not metals)
    if acid:
        found.add("acids")
    oxyacid = "O" in rest and (acid or not (grouped or rest - HALOGENS - {"O"}))
    halogens = frozenset() if oxyacid else rest & HALOGENS
    found |= {_ANIONS[each] for each in halogens}
    if halogens or listed & _HALIDES:
        found.add("halides")
    if "O" in rest and not grouped and not halogens and not listed & {"peroxides", "superoxides"} and not acid:
        found.add("oxides")
    if not grouped and not halogens and "O" not in rest:
        anion = next((each for each in _ANIONS if each in rest and each not in HALOGENS), None)
        if anion is not None:
            found.add(_ANIONS[anion])
    elif "O" in rest and not grouped and rest & {"S", "N"} and metals:
        found |= {_ANIONS[each] for each in rest & {"S", "N"}}  # oxide sulfides and nitrides
    if found & _CHALCOGENIDES:
        found.add("chalcogenides")
    if "H" in rest and not acid and not grouped and not rest & {"O", "S", "Se"} and not halogens and metals:
        found.add("hydrides")
    return found


def _hazards(reagent: Composition, classes: set[str]) -> set[str]:
    elements, listed = reagent.elements, _listed_hazards()
    keys = {reagent.key, anhydrous(reagent).key}  # a hydrate is as toxic as its salt
    found = set()
    harmful = classes & _TOXIC_CLASSES and not ("cyanides" in classes and "Fe" in elements)  # ferrocyanides are not
    if elements & _TOXIC_ELEMENTS or harmful or not keys.isdisjoint(listed["toxic"]):
        found.add("toxic")
    if classes & _OXIDISERS or not keys.isdisjoint(listed["oxidisers"]):
        found.add("oxidisers")
    if reagent.key in listed["pyrophoric"]:
        found.add("pyrophoric")
    electropositive = elements & (ALKALI | ALKALINE_EARTHS | RARE_EARTHS)
    halide_of = elements - HALOGENS
    if (
        classes & _SENSITIVE_CLASSES
        or found & {"pyrophoric"}
        or reagent.key in listed["air-sensitive"]
        or (classes & _SENSITIVE and electropositive and "O" not in elements)
        or (classes & {"chlorides", "bromides", "iodides"} and len(halide_of) == 1 and halide_of <= _SENSITIVE_HALIDES)
    ):
        found.add("air-sensitive")
    if elements & _RADIOACTIVE:
        found.add("radioactive")
    return found


@lru_cache(maxsize=1)
def _names() -> Mapping[str, str]:
    """Return the classes by every name without capitals."""
    names = {_plain(each): each for each in REAGENT_CLASSES} | {_plain(each): of for each, of in _ALIASES.items()}
    return names | {name.removesuffix("s"): each for name, each in names.items() if len(name) > 4}


def _plain(name: str) -> str:
    return re.sub(r"[\s_-]+", "-", name.strip().lower())


@lru_cache(maxsize=1)
def _listed() -> dict[str, frozenset[str]]:
    return {name: _keys(text) for name, text in _LISTED.items()}


@lru_cache(maxsize=1)
def _listed_hazards() -> dict[str, frozenset[str]]:
    hazards = {"toxic": _TOXIC, "oxidisers": _OXIDISING, "pyrophoric": _PYROPHORIC, "air-sensitive": _AIR_SENSITIVE}
    return {name: _keys(text) for name, text in hazards.items()}


def _keys(text: str) -> frozenset[str]:
    return frozenset(parse_formula(formula).key for formula in text.split())
