"""Mutated formulas: no crash, and no silent change of meaning between two accepted spellings of one material."""

import random
import re
import warnings
from fractions import Fraction

import pytest

from rrgraph.chem import ELEMENTS, FormulaWarning, parse_formula
from rrgraph.errors import FormulaError

FORMULAS = """
    BaTiO3 LiNi0.8Co0.1Mn0.1O2 Ba(NO3)2 K4[Fe(CN)6] CuSO4·5H2O La0.7Sr0.3MnO3 CaO.2Al2O3 20BaO.55Bi2O3.25B2O3
    NiCO3.2Ni(OH)2.4H2O 12CaO.7Al2O3 MgO·1.8Al2O3 CsPbI2.4Br0.6 Zn(NO3)2.6H2O Zn(OAc)2 Zn(Ac)2·2H2O Ti(OPr)4
    Ti(OiPr)4 Fe(acac)3 Me4NOH Mg¹¹B₂ (Ba0.6Sr0.4)TiO3 LiFePO4 Fe٣O4 La(NO3)3･6H2O Mn(NO3)2×4H2O 16Na2O∗10CaO
    0.5PbTiO3-0.5BiFeO3 0.94(Bi0.5Na0.5)TiO3-0.06BaTiO3 α-RuCl3 Cu(I)O V(V)2O5 LiFePO4/C SnO2:F CaAlSiN3:Eu2+
    Sr2MgSi2O7:Eu,Dy Y2O3:0.05Eu NaYF4:20%Yb3+,2%Er3+ YBa2Cu3O7-x SrFeO3-δ/2 (Li2S)0.5(P2S5)0.5 Li1/2CoO2
    Pb(Mg1/3Nb2/3)O3 5MgO.4CO2.5H2O BSCF PZT (NH4)6Mo7O24.4H2O Ca10(PO4)6(OH)2 Li6.4La3Zr1.4Ta0.6O12 Ac2O3 AcCl3
    PrOCl Co3O4 NaAc 4H-SiC P2-Na0.67MnO2 MAPbI3
""".split()  # noqa: SIM905
FORMULAS += ["TiO2 (anatase)", "tetragonal BaTiO3", '"(Li2S)0.5"', "50 mol% Li2O-50 mol% P2O5", "Al-doped ZnO"]
CHARACTERS = "0123456789.·-+/()[]{}:,xδ% ½₂²αAcOIVPrEtMBuLiHNFeTa@*×∗･'\"٣О"
PLAIN = re.compile(r"[A-Za-z0-9.()\[\]{}]+")


def mutated(text, choose):
    """Return a text with one to three characters replaced, inserted, deleted or moved."""
    for _ in range(choose.randint(1, 3)):
        place = choose.randrange(len(text) + 1)
        kind = choose.randrange(5)
        if kind == 0:
            text = text[:place] + choose.choice(CHARACTERS) + text[place:]
        elif kind == 1:
            text = text[:place] + text[place + 1 :]
        elif kind == 2:
            text = text[:place] + choose.choice(CHARACTERS) + text[place + 1 :]
        elif kind == 3:
            text = text[place:] + text[:place]
        else:
            text = text[:place] + choose.choice(FORMULAS)[choose.randrange(4) :] + text[place:]
    return text


def outcome(text):
    """Return the composition and the warnings; None where the text is refused in one sentence."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            composition = parse_formula(text)
        except FormulaError as error:
            assert "\n" not in str(error).replace(text, "") and len(str(error)) < 1000
            return None, []
    assert all(issubclass(each.category, FormulaWarning) for each in caught)
    return composition, caught


def naive(text):
    """Read symbols, decimal amounts and brackets; None for anything else."""
    tokens = re.findall(r"[A-Z][a-z]?|\d+\.\d+|\.\d+|\d+|[()\[\]{}]", text)
    if "".join(tokens) != text:
        return None
    levels, opened, place = [{}], [], 0

    def amount():
        nonlocal place
        if place < len(tokens) and tokens[place][0] in "0123456789.":
            place += 1
            return Fraction(tokens[place - 1])
        return Fraction(1)

    scale = amount()
    while place < len(tokens):
        token = tokens[place]
        place += 1
        if token in "([{":
            levels.append({})
            opened.append(token)
        elif token in ")]}":
            if not opened or "([{".index(opened.pop()) != ")]}".index(token):
                return None
            inner, count = levels.pop(), amount()
            for symbol, value in inner.items():
                levels[-1][symbol] = levels[-1].get(symbol, 0) + value * count
        elif token in ELEMENTS:
            levels[-1][token] = levels[-1].get(token, 0) + amount()
        else:
            return None
    if opened or not levels[0]:
        return None
    return tuple(sorted((symbol, value * scale) for symbol, value in levels[0].items()))


SPELLINGS = [
    lambda text: text.translate(str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉")),
    lambda text: f"  {text}\n",
    lambda text: f'"{text}"',
    lambda text: text.replace("·", "⋅"),
    lambda text: text.replace("·", " × "),
    lambda text: text.replace("·", "∗"),
    lambda text: text.replace("·", "･"),
    lambda text: text.replace("·", "··"),
    lambda text: text.replace("(", "[").replace(")", "]"),
    lambda text: text.replace("-", "–"),
    lambda text: f"β-{text}",
    lambda text: f"{text} (cubic)",
    lambda text: text if ":" in text else f"{text}:Eu3+",
    lambda text: "".join(f"\u200b{character}" for character in text),
    lambda text: re.sub(r"(?<![\d.₀-₉])0\.", ".", text),
    lambda text: re.sub(r"(?<![\d.₀-₉])0\.5(?!\d)", "1/2", text),
    lambda text: f"{text}/C",
    lambda text: re.sub(r"(?<=[a-z])(?=[A-Z])", " ", text),
    lambda text: f"{text}+{text}",
]
# Slips in real formulas, which must not give another material; in nonsense they may.
SLIPS = [
    *SPELLINGS,
    lambda text: text.replace("·", "."),
    lambda text: text.replace("O4", "04"),
    lambda text: text.replace("O3", "03"),
    lambda text: text.replace("O2", "02"),
    lambda text: text.replace("2O", "20"),
    lambda text: text.replace(".", ".."),
    lambda text: text.replace("0.", "O."),
    lambda text: text.replace("0.", "0"),
]


def check(seed, count):
    choose = random.Random(seed)
    accepted = compared = 0
    for _ in range(count):
        text, changes = choose.choice(FORMULAS), SLIPS
        if choose.random() < 0.9:
            text, changes = mutated(text, choose), SPELLINGS
        composition, notes = outcome(text)
        if composition is None:
            continue
        accepted += 1
        assert all(amount > 0 for _, amount in composition.amounts), text
        assert set(composition.elements) <= set(ELEMENTS), text
        if PLAIN.fullmatch(text) and not notes:
            expected = naive(text)
            stops = re.search(r"\.\d*(?:\.|[A-Z(\[{])|Ac|OPr|\.[A-Z(\[{]", text)
            if expected is not None and not stops:
                assert composition.amounts == expected, text
                compared += 1
        # another spelling of the same is read the same, refused, or brings a warning
        respelled = choose.choice(changes)(text)
        other, others_notes = outcome(respelled)
        if other is not None and not others_notes and not notes:
            assert other == composition, (text, respelled)
    assert accepted > count / 5 and compared > count / 50


def test_some_mutated_formulas():
    check(seed=0, count=6000)


@pytest.mark.slow
def test_many_mutated_formulas():
    check(1, 20_000)
