"""Groups of atoms in the usual spelling of reagents, such as `NO3` in ``Ba(NO3)2``: their names, charges and classes.

Reading a formula by its groups tells a nitrate from a nitride, an oxalate from a carbonate and an azide from an amide.
"""

from __future__ import annotations

import re
from typing import Final, NamedTuple

__all__ = ["GROUPS", "WATER", "Group", "read_groups"]


class Group(NamedTuple):
    """A group of atoms.

    Attributes:
        name: as part of the name of a salt.
        charge: in salts.
        classes: of reagents that hold it.
    """

    name: str
    charge: int
    classes: tuple[str, ...] = ()


WATER: Final = "H2O"
"""The group that makes a hydrate."""

_ORGANIC: Final = ("organics",)


def _salts(text: str, *classes: str) -> dict[str, Group]:
    """Read ``NO3 nitrate -1; ...``, groups that make reagents members of the same classes."""
    found = {}
    for entry in text.split(";"):
        group, *name, charge = entry.split()
        found[group] = Group(" ".join(name), int(charge), classes)
    return found


GROUPS: Final[dict[str, Group]] = {
    WATER: Group("hydrate", 0, ("hydrates",)),
    "NH4": Group("ammonium", 1, ("ammonium",)),
    **_salts("NO3 nitrate -1", "nitrates"),
    **_salts("NO2 nitrite -1", "nitrites"),
    **_salts("CO3 carbonate -2", "carbonates"),
    **_salts("HCO3 hydrogencarbonate -1", "bicarbonates"),
    **_salts("OH hydroxide -1", "hydroxides"),
    **_salts("SO4 sulfate -2; HSO4 hydrogensulfate -1; S2O7 disulfate -2", "sulfates"),
    **_salts("S2O8 peroxodisulfate -2", "sulfates", "peroxides"),
    **_salts("SO3 sulfite -2; HSO3 hydrogensulfite -1; S2O5 disulfite -2; S2O4 dithionite -2", "sulfites"),
    **_salts("S2O3 thiosulfate -2", "thiosulfates"),
    **_salts("NH2SO3 sulfamate -1", "sulfamates"),
    **_salts(
        "PO4 phosphate -3; HPO4 hydrogenphosphate -2; H2PO4 dihydrogenphosphate -1; P2O7 diphosphate -4; "
        "H2P2O7 dihydrogendiphosphate -2; PO3 metaphosphate -1; P3O10 triphosphate -5",
        "phosphates",
    ),
    **_salts("H2PO2 hypophosphite -1", "hypophosphites"),
    **_salts("HPO3 phosphite -2", "phosphites"),
    **_salts("AsO4 arsenate -3; H2AsO4 dihydrogenarsenate -1; HAsO4 hydrogenarsenate -2", "arsenates"),
    **_salts("BO3 borate -3; BO2 metaborate -1; B4O7 tetraborate -2; B5O8 pentaborate -1", "borates"),
    **_salts("SiO3 metasilicate -2; SiO4 silicate -4; Si2O5 disilicate -2", "silicates"),
    **_salts("VO3 metavanadate -1; VO4 vanadate -3; V2O7 divanadate -4", "vanadates"),
    **_salts("MoO4 molybdate -2; Mo7O24 heptamolybdate -6; Mo2O7 dimolybdate -2", "molybdates"),
    **_salts("WO4 tungstate -2; W12O41 paratungstate -10; H2W12O40 metatungstate -6", "tungstates"),
    **_salts("H2W12O42 paratungstate -10", "tungstates"),
    **_salts("CrO4 chromate -2; Cr2O7 dichromate -2", "chromates"),
    **_salts("ReO4 perrhenate -1", "perrhenates"),
    **_salts("ClO4 perchlorate -1", "perchlorates"),
    **_salts("ClO3 chlorate -1; BrO3 bromate -1; IO3 iodate -1; IO4 periodate -1; ClO2 chlorite -1", "halates"),
    **_salts("SeO3 selenite -2; SeO4 selenate -2; TeO3 tellurite -2; TeO4 tellurate -2", "selenates and tellurates"),
    **_salts("CN cyanide -1", "cyanides"),
    **_salts("CN2 cyanamide -2", "cyanamides"),
    **_salts("SCN thiocyanate -1", "thiocyanates"),
    **_salts("OCN cyanate -1", "cyanates"),
    **_salts("N3 azide -1", "azides"),
    **_salts("NH2 amide -1", "amides"),
    **_salts("NH imide -2", "imides"),
    **_salts("BH4 borohydride -1; AlH4 aluminium hydride -1", "hydrides"),
    **_salts("PF6 hexafluorophosphate -1; BF4 tetrafluoroborate -1; SiF6 hexafluorosilicate -2", "fluorides"),
    **_salts("HF2 hydrogendifluoride -1; TiF6 hexafluorotitanate -2; ZrF6 hexafluorozirconate -2", "fluorides"),
    **_salts("CH3COO acetate -1", "acetates", *_ORGANIC),
    **_salts("C2O4 oxalate -2; HC2O4 hydrogenoxalate -1", "oxalates", *_ORGANIC),
    **_salts("HCOO formate -1", "formates", *_ORGANIC),
    **_salts("C6H5O7 citrate -3; C6H6O7 hydrogencitrate -2; C6H7O7 dihydrogencitrate -1", "citrates", *_ORGANIC),
    **_salts("C4H4O6 tartrate -2; C6H11O7 gluconate -1; C3H5O3 lactate -1", *_ORGANIC),
    **_salts("C18H35O2 stearate -1; C8H15O2 ethylhexanoate -1; CF3SO3 triflate -1", *_ORGANIC),
    **_salts("C5H7O2 acetylacetonate -1", "acetylacetonates", *_ORGANIC),
    **_salts("OCH3 methoxide -1; OC2H5 ethoxide -1; OC3H7 isopropoxide -1; OC4H9 butoxide -1", "alkoxides", *_ORGANIC),
    "CH3NH3": Group("methylammonium", 1, _ORGANIC),
    "CH(NH2)2": Group("formamidinium", 1, _ORGANIC),
    "C(NH2)3": Group("guanidinium", 1, _ORGANIC),
    "(CH3)2NH2": Group("dimethylammonium", 1, _ORGANIC),
    "(CH3)3NH": Group("trimethylammonium", 1, _ORGANIC),
    "(CH3)4N": Group("tetramethylammonium", 1, _ORGANIC),
    "(C2H5)4N": Group("tetraethylammonium", 1, _ORGANIC),
    "(C4H9)4N": Group("tetrabutylammonium", 1, _ORGANIC),
    "C6H5CH2NH3": Group("benzylammonium", 1, _ORGANIC),
    "C6H5C2H4NH3": Group("phenethylammonium", 1, _ORGANIC),
    "(CH3)3S": Group("trimethylsulfonium", 1, _ORGANIC),
}
"""Groups by their spelling, of which the longest that fits is read."""

_LONGEST_FIRST: Final = "|".join(re.escape(group) for group in sorted(GROUPS, key=len, reverse=True))
_AZIDE: Final = "(?:(?<=Li)|(?<=Na)|(?<=K)|(?<=Rb)|(?<=Cs)|(?<=Ag)|(?<=Tl)|(?<=Cu)|(?<=NH4))N3(?![\\d.])"
# A group ends where no digit or lower-case letter follows. Without a bracket, N3 is an azide only beside a cation of
# charge 1 (CaAlSiN3 is a nitride).
_TOKEN: Final = re.compile(
    rf"\((?:{_LONGEST_FIRST})\)|{_AZIDE}|(?!N3)(?:{_LONGEST_FIRST})(?![a-z\d.])|[A-Z][a-z]?|[()\[\]]"
)
_ELEMENT: Final = re.compile(r"[A-Z][a-z]?|[()\[\]]")
_COUNT: Final = re.compile(r"\d+(?:\.\d+)?")


def read_groups(formula: str) -> dict[str, float] | None:
    """Return how often each group or element stands in a formula in its usual spelling, None if it cannot be read.

    A formula that is nothing but a group, such as TeO3, is read by its elements.

    >>> read_groups("NH4H2PO4")
    {'NH4': 1, 'H2PO4': 1}
    >>> read_groups("FeC2O4·2H2O")
    {'Fe': 1, 'C2O4': 1, 'H2O': 2}
    """
    found: dict[str, float] = {}
    for term in formula.split("·"):
        counted = _read_term(term, _TOKEN)
        if counted is None:
            return None
        for name, amount in counted.items():
            _add(found, name, amount)
    if len(found) == 1 and not found.keys() <= {WATER} and found.keys() <= GROUPS.keys():
        return _read_term(formula, _ELEMENT)
    return found


def _read_term(term: str, tokens: re.Pattern[str]) -> dict[str, float] | None:
    """Return the groups and elements of a term, multiplied by its leading coefficient."""
    scale, position = _count(term, 0)
    levels: list[dict[str, float]] = [{}]
    while position < len(term):
        token = tokens.match(term, position)
        if token is None:
            return None
        text = token.group()
        number, position = _count(term, token.end())
        if text in "([":
            levels.append({})
        elif text in ")]":
            if len(levels) == 1:
                return None
            for name, amount in levels.pop().items():
                _add(levels[-1], name, amount * number)
        else:
            _add(levels[-1], text[1:-1] if text[1:-1] in GROUPS else text, number)
    if len(levels) > 1:
        return None
    return {name: amount * scale for name, amount in levels[0].items()}


def _add(counted: dict[str, float], name: str, amount: float) -> None:
    counted[name] = counted.get(name, 0) + amount


def _count(text: str, position: int) -> tuple[float, int]:
    """Return the number at a position, 1 if there is none, and where it ends."""
    found = _COUNT.match(text, position)
    if found is None:
        return 1, position
    number = float(found.group())
    return int(number) if number.is_integer() else number, found.end()
