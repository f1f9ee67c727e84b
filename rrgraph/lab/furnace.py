"""What happens in the furnace: elements that evaporate, gases that are given off, crucibles that are attacked."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final, NamedTuple

from rrgraph.chem import ALKALI, HALOGENS, BalancedEquation, Composition
from rrgraph.lab.notes import HandlingNote, Hazard

__all__ = ["VOLATILE_ELEMENTS", "Evaporation", "furnace_notes"]


class Evaporation(NamedTuple):
    """How an element leaves.

    Attributes:
        above_c: °C from which losses count, about.
        species: what evaporates.
        advice: against it.
    """

    above_c: int
    species: str
    advice: str


_BURY: Final = "5-10 % excess, closed crucible or a bed of the same powder"
_COVER: Final = "closed crucible, some per cent excess, short at the highest temperature"
_SEAL: Final = "sealed tube or closed crucible"

VOLATILE_ELEMENTS: Final[dict[str, Evaporation]] = {
    "Li": Evaporation(900, "Li2O, LiOH", _BURY),
    "Na": Evaporation(900, "Na2O, NaOH", _BURY),
    "K": Evaporation(850, "K2O, KOH", _BURY),
    "Rb": Evaporation(750, "Rb2O", _BURY),
    "Cs": Evaporation(700, "Cs2O", _BURY),
    "Pb": Evaporation(800, "PbO", "excess, closed crucible, PbO or PbZrO3 powder beside; fume hood"),
    "Bi": Evaporation(800, "Bi2O3", _COVER),
    "Zn": Evaporation(1100, "ZnO; Zn from about 500 where the gas reduces", _COVER),
    "Cd": Evaporation(800, "CdO", _SEAL),
    "Tl": Evaporation(500, "Tl2O", _SEAL),
    "Hg": Evaporation(300, "Hg", _SEAL + "; mind the pressure"),
    "As": Evaporation(300, "As2O3", _SEAL),
    "Sb": Evaporation(600, "Sb2O3", "heat slowly in air, so that Sb2O4 forms first; closed crucible"),
    "P": Evaporation(400, "P, P2O5", "heat phosphorus slowly in a sealed tube; hold phosphates low first"),
    "S": Evaporation(300, "S", _SEAL + "; heat slowly"),
    "Se": Evaporation(300, "Se, SeO2", _SEAL + "; heat slowly"),
    "Te": Evaporation(600, "Te, TeO2", _SEAL),
    "Re": Evaporation(350, "Re2O7", _SEAL),
    "Os": Evaporation(100, "OsO4, deadly", _SEAL),
    "Ru": Evaporation(1000, "RuO3, RuO4", _COVER),
    "Mo": Evaporation(700, "MoO3", _COVER),
    "W": Evaporation(1100, "WO3 with moisture", _COVER),
    "V": Evaporation(900, "V2O5, which melts at 690", _COVER),
    "B": Evaporation(900, "B2O3, HBO2 with moisture", "some per cent excess, dry gas"),
    "Ge": Evaporation(1000, "GeO where the gas reduces", _COVER),
    "In": Evaporation(1000, "In2O", _COVER),
    "Sn": Evaporation(1200, "SnO where the gas reduces", _COVER),
    "Ag": Evaporation(900, "Ag", _COVER),
}
"""Elements that evaporate from oxides in common furnaces, temperatures to about 100 °C."""

_TOXIC_GASES: Final = ("NO2", "NO", "NH3", "SO2", "SO3", "HCl", "HF", "HBr", "HI", "Cl2", "Br2", "I2", "CO", "H2S", "S")
#: Elements that salts with oxygen hold: of these only the binary oxides evaporate.
_HELD: Final = frozenset(("S", "P", "As", "V", "W", "Ge", "Sn", "In", "Ag"))
#: Elements that leave as oxides alone.
_AS_OXIDES: Final = frozenset(("B", "V", "W", "Mo", "Ge", "Sn", "In", "Zn"))
_REACTIVE_METALS: Final = ALKALI | frozenset(("Ca", "Sr", "Ba", "Mg", "Al", "Eu", "Yb", "La", "Ce", "Ti", "Zr", "Hf"))


def furnace_notes(
    members: Iterable[Composition], *, target: Composition | None = None, equation: BalancedEquation | None = None
) -> Iterator[HandlingNote]:
    """Yield the notes on a set that is heated: gases given off, elements that evaporate, the crucible."""
    listed = list(members)
    if equation is not None:
        toxic = [gas.formula for gas, _ in equation.byproducts if gas.formula in _TOXIC_GASES]
        if toxic:
            text = "given off by the reaction: fume hood, exhaust with a scrubber"
            yield HandlingNote(Hazard.TOXIC_GAS, text, tuple(toxic))
        if "H2" in {gas.formula for gas, _ in equation.byproducts}:
            text = "given off by the reaction, burns: no flame, open exhaust"
            yield HandlingNote(Hazard.TOXIC_GAS, text, ("H2",))
    heated = listed if target is None else [target]
    for symbol, leaving in VOLATILE_ELEMENTS.items():
        if any(symbol in each.elements and _evaporates(symbol, each) for each in heated):
            text = f"{symbol} leaves as {leaving.species}: {leaving.advice}"
            yield HandlingNote(Hazard.VOLATILE, text, (symbol,), leaving.above_c)
    yield HandlingNote(Hazard.CRUCIBLE, _crucible(listed, target), ())


def _evaporates(symbol: str, heated: Composition) -> bool:
    """Whether an element leaves what is heated."""
    if "O" not in heated.elements:
        return symbol not in _AS_OXIDES
    return symbol not in _HELD or len(heated.elements) == 2


def _crucible(members: list[Composition], target: Composition | None) -> str:
    """Return what to heat in, and what is attacked."""
    everything = [*members, *([] if target is None else [target])]
    elements = frozenset().union(*(each.elements for each in everything))
    made = everything[-1].elements
    metal = [each for each in members if each.elements <= _REACTIVE_METALS]
    if "O" not in made and made & HALOGENS and not made & {"S", "Se", "Te"}:
        return "halide: dry, sealed fused silica, or Pt, Ni or graphite for fluorides, which attack silica and alumina"
    if "O" not in made and made & {"S", "Se", "Te", "P", "As"}:
        coat = (
            ", carbon-coated or with an alumina insert, since alkali and rare-earth metals attack it" if metal else ""
        )
        return f"evacuated, sealed fused silica{coat}; heat slowly, vapour pressure can burst it"
    if "O" not in made:
        if metal or made & _REACTIVE_METALS:
            return "Ta, Nb or Mo, sealed or under argon; these metals attack silica and alumina"
        return "alumina, boron nitride or graphite under inert gas or vacuum"
    if "F" in elements:
        return "Pt, or Ni and graphite under inert gas; fluorides attack silica and alumina"
    warned = []
    if elements & {"Pb", "Bi"}:
        warned.append("Pb and Bi oxides attack silica, and Pt once they are reduced")
    if elements & ALKALI:
        warned.append(
            "alkali oxides attack silica and mullite, above 1000 °C also alumina: a bed of powder, MgO, or Pt"
        )
    if "P" in made or "V" in made or "B" in made:
        warned.append("melts of phosphates, vanadates and borates attack alumina: Pt or Au in air")
    if any(each.elements <= {"P", "S", "As", "Sb", "Te", "Se", "C", "Si"} or each in metal for each in members):
        warned.append("no Pt beside elements that alloy with it")
    return "; ".join(["alumina", *warned])
