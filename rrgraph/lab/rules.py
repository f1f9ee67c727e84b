"""Rules by which a material gets its handling notes: from its elements, anions and classes of reagents.

They say what holds for whole families of compounds, from general chemical knowledge: the entries for groups in public
lists of hazardous substances (lead compounds, nickel salts, chromium(VI), salts of oxalic acid), and textbooks.
`measure_handling.py` compares them with published classifications.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from typing import Final, NamedTuple

from rrgraph.chem import ALKALI, ALKALINE_EARTHS, HALOGENS, Composition, anhydrous, parse_formula, reagent_classes
from rrgraph.lab.notes import Hazard

__all__ = ["RULES", "Facts", "Rule"]


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


def _keys(text: str) -> frozenset[str]:
    return frozenset(parse_formula(formula).key for formula in text.split())


class Facts:
    """What rules ask of a material.

    Args:
        material: to handle.
    """

    def __init__(self, material: Composition) -> None:
        self.material = material
        self.elements = material.elements
        self.classes = reagent_classes(material)
        self.is_element = len(self.elements) == 1
        self._keys = {material.key, anhydrous(material).key}

    def holds(self, elements: str | frozenset[str]) -> bool:
        """Whether it contains any of the elements."""
        return bool(self.elements & (_words(elements) if isinstance(elements, str) else elements))

    def any_of(self, classes: str) -> bool:
        """Whether it is of any of the classes."""
        return bool(self.classes & _words(classes))

    def listed(self, formulas: str) -> bool:
        """Whether it, or its salt without water, is one of these."""
        return not self._keys.isdisjoint(_keys(formulas))

    def is_metal(self, symbols: str | frozenset[str]) -> bool:
        """Whether it is one of these elements, or an alloy that consists of them."""
        return self.elements <= (_words(symbols) if isinstance(symbols, str) else symbols)

    def is_binary(self, cations: frozenset[str], anions: str) -> bool:
        """Whether it consists of such cations and anions, of both."""
        rest = self.elements - _words(anions)
        return bool(rest) and rest != self.elements and rest <= cations

    @cached_property
    def amounts(self) -> dict[str, float]:
        """Atoms of each element in a formula unit."""
        return {symbol: float(amount) for symbol, amount in self.material.amounts}

    @property
    def is_salt(self) -> bool:
        """Whether acids, or water, set the metal free: no element, plain oxide or metal."""
        return self.any_of(
            "nitrates nitrites chlorides bromides iodides fluorides sulfates sulfites acetates formates oxalates "
            "citrates carbonates bicarbonates hydroxides perchlorates halates acetylacetonates cyanides thiocyanates"
        )


class Rule(NamedTuple):
    """One rule.

    Attributes:
        hazard: what its notes are about.
        text: of them.
        applies: whether it holds for a material.
    """

    hazard: Hazard
    text: str
    applies: Callable[[Facts], bool]


_RARE_EARTHS: Final = _words("Sc Y La Ce Pr Nd Pm Sm Eu Gd Tb Dy Ho Er Tm Yb Lu")
_EARTHS: Final = frozenset(ALKALINE_EARTHS - {"Be"})
_ACTIVE: Final = ALKALI | _words("Ca Sr Ba Eu Yb Ra")
_ELECTROPOSITIVE: Final = ALKALI | _EARTHS | _RARE_EARTHS | {"Al", "Zn"}
_METALLOIDS: Final = _words("B C Si Ge P As Sb S Se Te H N O") | HALOGENS
_HYDROLYSING: Final = _words("Al Ga Ti Zr Hf Nb Ta Mo W V B Si Ge Sn P As Sb Fe Te Re U Be")
_DELIQUESCENT: Final = _words("Li Ca Mg Zn Fe Al Co Ni Cu Mn Cr Bi Y In Ga") | _RARE_EARTHS
_POISONS: Final = _words("Be As Cd Hg Tl Pb Os")
_STRONG_ACIDS: Final = "HF HCl HBr HI HNO3 H2SO4 HClO4 H3PO4 H2SiF6 HBF4 HPF6 HSO3Cl"
_NOBLE: Final = _words("Pt Pd Rh Ir Au Ru")


def _is_caustic(facts: Facts) -> bool:
    bases = ALKALI | _words("Ca Sr Ba")
    rest = facts.elements - bases
    return bool(rest) and rest != facts.elements and rest <= {"O", "H"}


def _is_ionic_hydride(facts: Facts) -> bool:
    return facts.any_of("hydrides") and facts.holds(_ELECTROPOSITIVE)


def _is_chromium_vi(facts: Facts) -> bool:
    return facts.any_of("chromates") or facts.listed("CrO3 CrO2Cl2")


def _is_strong_oxidiser(facts: Facts) -> bool:
    if facts.any_of("nitrates nitrites peroxides superoxides permanganates perchlorates halates chromates"):
        return True
    return facts.listed("F2 Cl2 CrO3 OsO4 RuO4 H2O2 HClO4 HNO3 K2FeO4 NaClO Ca(OCl)2 K2S2O8 Na2S2O8 (NH4)2S2O8")


def _is_soluble_fluoride(facts: Facts) -> bool:
    insoluble = _EARTHS | _RARE_EARTHS | _words("Al Bi Th U")
    return facts.any_of("fluorides") and not facts.holds(insoluble)


def _gives_phosphine(facts: Facts) -> bool:
    return facts.any_of("hypophosphites phosphites") or facts.is_binary(_ELECTROPOSITIVE, "P")


def _is_halide_that_hydrolyses(facts: Facts) -> bool:
    return facts.any_of("chlorides bromides iodides") and "O" not in facts.elements and facts.holds(_HYDROLYSING)


def _sulfide_that_hydrolyses(facts: Facts) -> bool:
    return facts.is_binary(_ELECTROPOSITIVE | _words("P B Si Ge"), "S") and not facts.is_binary(frozenset({"Zn"}), "S")


RULES: Final[tuple[Rule, ...]] = (
    # Radioactive, explosive, pyrophoric, violent with water.
    Rule(Hazard.RADIOACTIVE, "licence and monitoring needed", lambda m: "radioactive" in m.classes),
    Rule(
        Hazard.EXPLOSIVE,
        "azides: no friction, heat or acid, no metal spatula; explosive with heavy metals",
        lambda m: "azides" in m.classes,
    ),
    Rule(
        Hazard.EXPLOSIVE,
        "ammonium salts of oxidising acids explode when heated or confined",
        lambda m: (
            "ammonium" in m.classes and m.any_of("nitrates perchlorates permanganates chromates halates nitrites")
        ),
    ),
    Rule(
        Hazard.EXPLOSIVE,
        "may go off when it is touched",
        lambda m: m.listed("Ag3N Ag2C2"),
    ),
    Rule(
        Hazard.PYROPHORIC,
        "as fine powder it catches fire in air: glove box, dry sand at hand",
        lambda m: "pyrophoric" in m.classes or m.listed("TiCl3"),
    ),
    Rule(
        Hazard.WATER_REACTIVE,
        "gives hydrogen with water, which catches fire: inert gas, no water, no CO2 extinguisher",
        lambda m: m.is_metal(_ACTIVE) or _is_ionic_hydride(m) or m.any_of("amides"),
    ),
    Rule(
        Hazard.WATER_REACTIVE,
        "as powder gives hydrogen with water, acids and bases; dust can explode",
        lambda m: m.is_metal("Al Mg Zn") or m.is_metal(_RARE_EARTHS) or m.is_binary(_EARTHS, "Si"),
    ),
    Rule(
        Hazard.WATER_REACTIVE,
        "gives phosphine with water",
        lambda m: m.is_binary(_ELECTROPOSITIVE, "P"),
    ),
    Rule(
        Hazard.WATER_REACTIVE,
        "gives flammable hydrocarbons with water",
        lambda m: m.is_binary(ALKALI | _EARTHS | {"Al", "Be"}, "C"),
    ),
    Rule(
        Hazard.WATER_REACTIVE,
        "gives hydrogen sulfide with water and moist air",
        lambda m: m.is_binary(_words("P B Si Al"), "S") or (m.any_of("sulfides") and m.elements <= _words("Li Al P S")),
    ),
    Rule(
        Hazard.WATER_REACTIVE,
        "gives ammonia with water",
        lambda m: m.is_binary(ALKALI | _EARTHS, "N") and "azides" not in m.classes,
    ),
    # Poisons.
    Rule(Hazard.TOXIC, "beryllium and its compounds", lambda m: m.holds("Be")),
    Rule(Hazard.TOXIC, "arsenic and its compounds", lambda m: m.holds("As")),
    Rule(Hazard.TOXIC, "cadmium and its compounds", lambda m: m.holds("Cd")),
    Rule(Hazard.TOXIC, "mercury and its compounds", lambda m: m.holds("Hg")),
    Rule(Hazard.TOXIC, "thallium and its compounds", lambda m: m.holds("Tl")),
    Rule(Hazard.TOXIC, "lead and its compounds", lambda m: m.holds("Pb")),
    Rule(Hazard.TOXIC, "osmium, which air makes OsO4, and RuO4", lambda m: m.holds("Os") or m.listed("RuO4")),
    Rule(Hazard.TOXIC, "chromium(VI)", _is_chromium_vi),
    Rule(
        Hazard.TOXIC,
        "barium compounds that dissolve in acid",
        lambda m: (
            m.holds("Ba")
            and not m.any_of("sulfates metals elements")
            and (m.is_salt or m.is_binary(frozenset({"Ba"}), "O S H"))
        ),
    ),
    Rule(
        Hazard.TOXIC,
        "nickel and cobalt salts",
        lambda m: m.holds("Ni Co") and m.is_salt and not m.any_of("hydroxides"),
    ),
    Rule(Hazard.TOXIC, "selenium and its compounds", lambda m: m.holds("Se")),
    Rule(Hazard.TOXIC, "thorium and uranium compounds", lambda m: m.holds("Th U")),
    Rule(Hazard.TOXIC, "vanadium compounds: lungs", lambda m: m.holds("V") and m.holds("O F Cl Br I")),
    Rule(Hazard.TOXIC, "cyanides", lambda m: "cyanides" in m.classes and not m.holds("Fe")),
    Rule(Hazard.TOXIC, "azides", lambda m: "azides" in m.classes),
    Rule(Hazard.TOXIC, "metal carbonyls", lambda m: "carbonyls" in m.classes),
    Rule(Hazard.TOXIC, "halogens burn lungs and eyes", lambda m: m.is_metal(frozenset(HALOGENS))),
    Rule(Hazard.TOXIC, "toxic gas", lambda m: m.listed("CO H2S H2Se PH3 AsH3 NO2 NO SO2 NH3 BF3 BCl3 BBr3")),
    Rule(Hazard.TOXIC, "fluorides that dissolve", _is_soluble_fluoride),
    Rule(Hazard.TOXIC, "white phosphorus; red phosphorus turns white when it sublimes", lambda m: m.is_metal("P")),
    Rule(
        Hazard.TOXIC,
        "phosphides and arsenides that give phosphine or arsine",
        lambda m: m.is_binary(_ELECTROPOSITIVE, "P As"),
    ),
    Rule(
        Hazard.TOXIC,
        "vapour or dust of these halides burns the lungs",
        lambda m: m.listed("TiCl4 TiCl3 SnCl4 SbCl5 SbCl3 SbF3 VCl4 TeCl4 PCl3 PCl5 POCl3 SiCl4"),
    ),
    # Cancer and fertility.
    Rule(Hazard.CARCINOGENIC, "beryllium, cadmium and arsenic by inhalation", lambda m: m.holds("Be Cd As")),
    Rule(Hazard.CARCINOGENIC, "nickel and cobalt, metals and compounds, as dust", lambda m: m.holds("Ni Co")),
    Rule(Hazard.CARCINOGENIC, "chromium(VI)", _is_chromium_vi),
    Rule(Hazard.CARCINOGENIC, "lead compounds are suspected", lambda m: m.holds("Pb") and not m.is_element),
    Rule(Hazard.CARCINOGENIC, "oxide of antimony(III) as dust", lambda m: m.listed("Sb2O3")),
    Rule(Hazard.CARCINOGENIC, "suspected, as fine dust", lambda m: m.listed("V2O5 MoO3 InP In2O3 GaAs")),
    Rule(Hazard.CARCINOGENIC, "quartz dust: silicosis and lung cancer", lambda m: m.listed("SiO2")),
    Rule(Hazard.CARCINOGENIC, "radiation", lambda m: m.holds("Th U Pu Ra Am Np")),
    Rule(
        Hazard.REPROTOXIC,
        "borates and boron oxide",
        lambda m: m.any_of("borates") or m.listed("B(OH)3 B2O3 HBO2 NaBO3"),
    ),
    Rule(Hazard.REPROTOXIC, "lead and mercury compounds", lambda m: m.holds("Pb Hg")),
    # Harmful when swallowed or breathed in.
    Rule(Hazard.HARMFUL, "copper compounds", lambda m: m.holds("Cu") and not m.any_of("metals elements")),
    Rule(
        Hazard.HARMFUL,
        "soluble zinc, silver, tin, iron and noble-metal salts",
        lambda m: (
            m.holds("Zn Ag Sn Fe Pt Pd Rh Ir Au Ru")
            and m.any_of("nitrates chlorides bromides sulfates acetates fluorides")
            and not m.listed("AgCl AgBr AgI")
        ),
    ),
    Rule(Hazard.HARMFUL, "zinc oxide: metal fume fever", lambda m: m.listed("ZnO")),
    Rule(
        Hazard.HARMFUL,
        "tellurium, and compounds of antimony",
        lambda m: (m.holds("Sb") and not m.is_element) or m.holds("Te"),
    ),
    Rule(
        Hazard.HARMFUL,
        "soluble lithium compounds",
        lambda m: m.holds("Li") and not m.is_element and m.elements <= _words("Li H C N O F Cl Br I S"),
    ),
    Rule(Hazard.HARMFUL, "nitrates and nitrites", lambda m: m.any_of("nitrates nitrites")),
    Rule(Hazard.HARMFUL, "salts of oxalic acid", lambda m: m.any_of("oxalates")),
    Rule(
        Hazard.HARMFUL,
        "strong oxidisers",
        lambda m: m.any_of("permanganates perchlorates halates peroxides superoxides chromates"),
    ),
    Rule(Hazard.HARMFUL, "manganese dioxide and chloride", lambda m: m.listed("MnO2 MnCl2 MnBr2")),
    Rule(Hazard.HARMFUL, "halides that give acid with moisture", lambda m: _is_halide_that_hydrolyses(m)),
    Rule(
        Hazard.HARMFUL,
        "ammonium halides, thiocyanates and diphosphates",
        lambda m: (
            ("ammonium" in m.classes and m.holds("Cl Br I"))
            or "thiocyanates" in m.classes
            or (m.holds(ALKALI) and m.amounts.get("P", 0) * 3.5 == m.amounts.get("O", -1))
        ),
    ),
    Rule(
        Hazard.HARMFUL,
        "sulfites, dithionites and sulfides that give gas with acid",
        lambda m: m.any_of("sulfites thiosulfates") or _sulfide_that_hydrolyses(m),
    ),
    Rule(Hazard.HARMFUL, "acids", lambda m: m.listed(_STRONG_ACIDS) or m.listed("H2C2O4 H3PO3 HCOOH")),
    Rule(
        Hazard.HARMFUL,
        "caustic or strongly alkaline: burns mouth, eyes and lungs",
        lambda m: (
            _is_caustic(m) or _is_ionic_hydride(m) or m.any_of("amides") or m.listed("Na2CO3 K2CO3 Rb2CO3 Cs2CO3 P2O5")
        ),
    ),
    Rule(
        Hazard.HARMFUL,
        "molybdenum trioxide and ammonium molybdates",
        lambda m: m.listed("MoO3") or (m.any_of("molybdates") and m.any_of("ammonium")),
    ),
    # Burns of skin and eyes.
    Rule(
        Hazard.CORROSIVE,
        "strong acid: gloves, face shield; always into water",
        lambda m: m.listed(_STRONG_ACIDS) and not m.holds("F"),
    ),
    Rule(
        Hazard.CORROSIVE,
        "hydrofluoric acid and acid fluorides: calcium gluconate gel at hand, no glass",
        lambda m: m.listed("HF H2SiF6 HBF4 HPF6 NH4HF2 KHF2 NaHF2"),
    ),
    Rule(
        Hazard.CORROSIVE,
        "strong base: eye protection",
        lambda m: _is_caustic(m) or _is_ionic_hydride(m) or m.any_of("amides alkoxides") or m.is_metal(ALKALI),
    ),
    Rule(Hazard.CORROSIVE, "gives acid with moisture", _is_halide_that_hydrolyses),
    Rule(Hazard.CORROSIVE, "phosphorus oxide gives acid with moisture", lambda m: m.listed("P2O5 P4O6")),
    Rule(Hazard.CORROSIVE, "stains and burns skin", lambda m: m.listed("AgNO3 I2 Br2 CrO3 KMnO4")),
    # Oxidisers.
    Rule(
        Hazard.OXIDISER,
        "keep it from organics, carbon, sulfur, phosphorus, metal powders and hydrides",
        _is_strong_oxidiser,
    ),
    Rule(
        Hazard.OXYGEN,
        "keep it from metal powders, carbon and organics",
        lambda m: m.listed("MnO2 PbO2 Pb3O4 Ag2O NaBiO3 KBiO3 I2O5 Br2 V2O5 Bi2O4 Co2O3 Ni2O3"),
    ),
    # Gases on heating, with acid or with moisture.
    Rule(Hazard.TOXIC_GAS, "NO2 when it decomposes: fume hood, heat slowly", lambda m: m.any_of("nitrates nitrites")),
    Rule(
        Hazard.TOXIC_GAS,
        "CO (and CO2) when it decomposes",
        lambda m: m.any_of("oxalates formates carbonyls acetates citrates acetylacetonates"),
    ),
    Rule(Hazard.TOXIC_GAS, "ammonia on heating", lambda m: m.any_of("ammonium amides imides") or m.listed("CO(NH2)2")),
    Rule(Hazard.TOXIC_GAS, "HCl, HBr or HI on heating", lambda m: "ammonium" in m.classes and m.holds("Cl Br I")),
    Rule(Hazard.TOXIC_GAS, "HCl, HBr or HI with moisture", _is_halide_that_hydrolyses),
    Rule(
        Hazard.TOXIC_GAS,
        "HF with acid, or with moisture when hot: it etches glass and burns deep",
        lambda m: m.any_of("fluorides") or m.listed("LiPF6 NaPF6 KPF6 HF H2SiF6 HBF4"),
    ),
    Rule(
        Hazard.TOXIC_GAS,
        "H2S with acid or moisture, SO2 when it burns in air",
        lambda m: m.any_of("sulfides") or m.is_metal("S"),
    ),
    Rule(
        Hazard.TOXIC_GAS,
        "SO2 and SO3 when it decomposes",
        lambda m: m.any_of("sulfites thiosulfates") or (m.any_of("sulfates") and not m.holds(ALKALI | _EARTHS)),
    ),
    Rule(
        Hazard.TOXIC_GAS,
        "H2Se or H2Te with acid, SeO2 or TeO2 in air",
        lambda m: m.any_of("selenides tellurides") or m.is_metal("Se Te"),
    ),
    Rule(Hazard.TOXIC_GAS, "phosphine with acid, moisture or on heating", _gives_phosphine),
    Rule(
        Hazard.TOXIC_GAS,
        "arsine or stibine with acid, As2O3 in air",
        lambda m: m.any_of("arsenides antimonides") or m.is_metal("As"),
    ),
    Rule(Hazard.TOXIC_GAS, "HCN with acid", lambda m: m.any_of("cyanides thiocyanates cyanates") and not m.holds("Fe")),
    Rule(Hazard.TOXIC_GAS, "HN3 with acid", lambda m: "azides" in m.classes),
    Rule(Hazard.TOXIC_GAS, "chlorine with acid", lambda m: m.listed("NaClO Ca(OCl)2 NaClO2 NaClO3 KClO3")),
    # Air and moisture.
    Rule(
        Hazard.AIR_SENSITIVE, "glove box or inert gas, weigh and seal quickly", lambda m: "air-sensitive" in m.classes
    ),
    Rule(
        Hazard.HYGROSCOPIC,
        "takes up water and CO2: fire at 900-1000 °C before it is weighed",
        lambda m: m.listed("La2O3 Nd2O3 Pr6O11 CaO SrO MgO Pr2O3 Sm2O3 Gd2O3"),
    ),
    Rule(
        Hazard.HYGROSCOPIC,
        "takes up water and CO2: glove box",
        lambda m: _is_caustic(m) and not m.listed("CaO SrO Ca(OH)2"),
    ),
    Rule(
        Hazard.HYGROSCOPIC,
        "dry before weighing (150-300 °C)",
        lambda m: m.listed("K2CO3 Rb2CO3 Cs2CO3 Na2CO3 KCO2 K3PO4 Na3PO4 NaPO3 B2O3 MoO3 GeO2 Na2SO4"),
    ),
    Rule(Hazard.HYGROSCOPIC, "takes up water greedily", lambda m: m.listed("P2O5 H3PO4 H2SO4 CrO3 B2O3 LiPF6")),
    Rule(
        Hazard.HYGROSCOPIC,
        "salt that takes up water: keep closed, dry where it stands heat",
        lambda m: (
            (m.any_of("chlorides bromides iodides nitrates acetates perchlorates") and m.holds(_DELIQUESCENT))
            or (m.any_of("acetates fluorides formates") and m.holds("K Rb Cs"))
            or (m.any_of("bromides iodides") and m.holds(ALKALI | _EARTHS))
        ),
    ),
    Rule(
        Hazard.HYGROSCOPIC, "hydrate: its water varies, so check the loss on heating", lambda m: "hydrates" in m.classes
    ),
)
"""All rules for single materials."""
