"""How `reagents.csv` was made: `python -m rrgraph.chem.reagents.make_reagents SHARED_DATA`.

The formulas are those of `handwritten.txt`. Names follow from the formulas, unless they are given there or, for
compounds of several metals, in a list of facts. CAS numbers are facts from two lists of chemicals (README.md). Logs the
formulas whose groups cannot be read and those that usual charges do not make neutral; each of them was looked at.
"""

from __future__ import annotations

import argparse
import csv
import json
import logging
import re
import warnings
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from itertools import product
from pathlib import Path
from typing import Final, NamedTuple

from rrgraph.chem.charges import CHARGES, RARE_EARTHS, compound, neutral
from rrgraph.chem.composition import Composition
from rrgraph.chem.elements import ELEMENTS
from rrgraph.chem.formula import parse_formula
from rrgraph.chem.reagents.groups import GROUPS, WATER, read_groups
from rrgraph.errors import FormulaError

__all__ = ["Reagent", "main", "read_handwritten"]

_LOG = logging.getLogger(__name__)
_HERE: Final = Path(__file__).parent

_SETS: Final = {
    "ALKALI": ["Li", "Na", "K", "Rb", "Cs"],
    "EARTH": ["Mg", "Ca", "Sr", "Ba"],
    "RARE": [f"{symbol}3" for symbol in ELEMENTS if symbol in RARE_EARTHS - {"Pm", "Ac"}],
}
_SINGLE: Final = {
    "O": ("oxide", 2),
    "S": ("sulfide", 2),
    "Se": ("selenide", 2),
    "Te": ("telluride", 2),
    "N": ("nitride", 3),
    "P": ("phosphide", 3),
    "As": ("arsenide", 3),
    "Sb": ("antimonide", 3),
    "H": ("hydride", 1),
    "F": ("fluoride", 1),
    "Cl": ("chloride", 1),
    "Br": ("bromide", 1),
    "I": ("iodide", 1),
}
"""Anions of one element: their names and charges."""
_FURTHER_ANIONS: Final = {"B": "boride", "C": "carbide", "Si": "silicide", "Ge": "germanide"}
_BRITISH: Final = {"Aluminum": "aluminium", "Cesium": "caesium"}
_PREFIXES: Final[dict[float, str]] = dict(
    enumerate(
        ["mono", "di", "tri", "tetra", "penta", "hexa", "hepta", "octa", "nona", "deca", "undeca", "dodeca"], start=1
    )
)
_PREFIXES[16], _PREFIXES[18], _PREFIXES[0.5] = "hexadeca", "octadeca", "hemi"
_ROMAN: Final = dict(enumerate(["I", "II", "III", "IV", "V", "VI", "VII", "VIII"], start=1))
#: One charge is usual, so that names leave it out.
_USUAL: Final = {("Ag", 1), ("Ni", 2), ("Si", 4), ("B", 3), *((symbol, 3) for symbol in RARE_EARTHS - {"Ce", "Eu"})}
_PAIRED: Final = frozenset({"Mn", "Fe", "Co", "Ni", "Ru", "Os", "Rh", "Ir", "Pd"})
_LINE: Final = re.compile(r'([^\s"]+)(?:\s+"([^"]+)")?')
#: Compounds of these elements are expected to be neutral.
_CHECK: Final = frozenset({"O", "F", "Cl", "Br", "I"})


class Reagent(NamedTuple):
    """One line of the library."""

    composition: Composition
    name: str


def read_handwritten(text: str, known_names: Mapping[str, str]) -> dict[str, Reagent]:
    """Return the reagents of the hand-written list by canonical key.

    Args:
        text: of the file, whose head says how it is written.
        known_names: names by canonical key, for formulas that have none in the text.

    Raises:
        FormulaError: a formula is not valid.
    """
    found: dict[str, Reagent] = {}
    for line in text.splitlines():
        if not line.strip() or line.startswith("#"):
            continue
        anion, colon, cations = line.partition(": ")
        if colon and '"' not in anion:
            for formula, name in _salts(anion, cations.split()):
                composition = parse_formula(formula)
                found.setdefault(composition.key, Reagent(composition, name))
            continue
        for formula, given in _LINE.findall(line):
            composition = parse_formula(formula)
            if given or composition.key not in found:
                found[composition.key] = Reagent(composition, given)
    named = dict(found)
    for key, each in found.items():
        named[key] = each._replace(name=each.name or _name(each.composition, named, known_names.get(key, "")))
    return named


def _salts(anion: str, cations: Iterable[str]) -> Iterator[tuple[str, str]]:
    """Yield formula and name of the salts of an anion."""
    name, charge = _SINGLE[anion] if anion in _SINGLE else (GROUPS[anion].name, -GROUPS[anion].charge)
    for cation in (each for word in cations for each in _SETS.get(word, [word])):
        symbol = cation.rstrip("0123456789") if cation != "NH4" else cation
        positive = int(cation[len(symbol) :] or _usual_charge(symbol))
        if (symbol, positive) == ("Hg", 1):
            number, anions = neutral(2, charge)
            formula = compound(("Hg2", number), (anion, anions))
        else:
            number, anions = neutral(positive, charge)
            formula = compound((symbol, number), (anion, anions))
        yield formula, f"{_cation(symbol, positive)} {name}"


def _usual_charge(symbol: str) -> int:
    """Return the charge of a cation that is written without one."""
    if symbol in {"NH4", "Ni"}:
        return {"NH4": 1, "Ni": 2}[symbol]
    (charge,) = CHARGES[symbol]
    return charge


def _cation(symbol: str, charge: float | None = None) -> str:
    if symbol in GROUPS:
        return GROUPS[symbol].name
    plain = len(CHARGES.get(symbol, ())) < 2 or charge not in _ROMAN or (symbol, charge) in _USUAL
    return _element(symbol) + ("" if plain else f"({_ROMAN[int(charge or 0)]})")


def _element(symbol: str) -> str:
    from pymatgen.core.periodic_table import Element

    name = str(Element(symbol).long_name)
    return _BRITISH.get(name, name.lower())


def _name(composition: Composition, others: Mapping[str, Reagent], known: str = "") -> str:
    """Return a name that follows from the formula, or the known one of a compound of several metals."""
    dry, _, water = composition.formula.rpartition("·")
    if dry and water.endswith(WATER):
        number = float(water.removesuffix(WATER) or 1)
        of = others.get(parse_formula(dry).key)
        salt = of.name if of and of.name else _name(parse_formula(dry), others)
        return f"{salt} {_PREFIXES.get(number, f'{number:g}-')}hydrate"
    counts = read_groups(composition.formula) or {}
    if len(counts) == 1:
        return _element(next(iter(counts)))
    anions = {each for each in counts if each in _SINGLE or (each in GROUPS and GROUPS[each].charge < 0)}
    anions -= {next(iter(counts))}
    if anions & _CHECK:  # there these are cations
        anions -= {"N", "P", "As", "Sb"} if "O" in anions else {"P", "As", "Sb"}
    cations = [each for each in counts if each not in anions]
    if anions and len(cations) == 1 and cations[0] not in GROUPS:
        (cation,) = cations
        charge = sum(counts[each] * _charge(each) for each in anions) / counts[cation]
        if charge in CHARGES.get(cation, ()) and not _is_polyanionic(cation, charge, anions):
            return " ".join([_cation(cation, charge), *(_anion(each) for each in counts if each in anions)])
    *first, last = counts
    if len(counts) == 2 and first[0] not in GROUPS and last not in GROUPS:
        anion = _anion(last) if last in _SINGLE or last in _FURTHER_ANIONS else ""
        if anion and counts[first[0]] > max(_PREFIXES):
            return f"{_element(first[0])} {anion} ({counts[first[0]]:g}/{counts[last]:g})"
        if anion:
            return f"{_prefix(counts[first[0]])}{_element(first[0])} {_prefix(counts[last])}{anion}"
    if known and ";" not in known:
        return known[0].lower() + known[1:]
    if anions:
        return " ".join([*map(_cation, cations), *(_anion(each) for each in counts if each in anions)])
    if last in _FURTHER_ANIONS:
        return " ".join([*map(_element, first), _anion(last)])
    return f"{' '.join(map(_cation, counts))} ({'/'.join(f'{amount:g}' for amount in counts.values())})"


def _is_polyanionic(cation: str, charge: float, anions: Iterable[str]) -> bool:
    """Return whether anions are paired, as in FeS2, or the bond is metallic, so that no charge is to be named."""
    if {"P", "As", "Sb"} & set(anions):
        return len(CHARGES[cation]) > 1
    return bool({"S", "Se", "Te"} & set(anions)) and charge == 4 and cation in _PAIRED


def _charge(anion: str) -> int:
    return _SINGLE[anion][1] if anion in _SINGLE else -GROUPS[anion].charge


def _anion(text: str) -> str:
    if text in _SINGLE:
        return _SINGLE[text][0]
    return GROUPS[text].name if text in GROUPS else _FURTHER_ANIONS[text]


def _prefix(amount: float) -> str:
    return "" if amount == 1 else _PREFIXES.get(amount, f"{amount:g}-")


def _is_neutral(composition: Composition) -> bool:
    """Return whether some usual charges add up to zero, for compounds with oxygen or a halogen."""
    counts = dict(read_groups(composition.formula) or {})
    counts.pop(WATER, None)
    if not composition.elements & _CHECK or len(counts) < 2:
        return True
    anions = {each for each in counts if each in _SINGLE and each not in ("N", "P", "As", "Sb", "H", "S", "Se", "Te")}
    if not anions and not any(each in GROUPS for each in counts):
        anions = {each for each in counts if each in _SINGLE}
    choices = []
    for each in counts:
        if each in GROUPS:
            choices.append([GROUPS[each].charge])
        elif each in anions:
            choices.append([-_charge(each)])
        else:
            usual = set(CHARGES.get(each, (1,))) | ({-_charge(each)} if each in _SINGLE else set())
            choices.append(sorted(usual | {3} if each in ("Co", "Ni", "Cu") else usual))
    return any(sum(c * n for c, n in zip(taken, counts.values(), strict=True)) == 0 for taken in product(*choices))


def _is_cas(number: str) -> bool:
    """Return whether the check digit of a CAS number holds."""
    if not re.fullmatch(r"\d{2,7}-\d\d-\d", number):
        return False
    *digits, check = (int(digit) for digit in number if digit != "-")
    return sum(place * digit for place, digit in enumerate(reversed(digits), start=1)) % 10 == check


def _facts(folder: Path) -> tuple[dict[str, set[str]], dict[str, str]]:
    """Return CAS numbers and names by canonical key."""
    numbers: dict[str, set[str]] = {}
    names: dict[str, str] = {}
    rows = [(row["formula"], row["cas"], row["name"]) for row in _json(folder / "lab/cas_python_database.json")]
    with (folder / "lab/precursor_facts.csv").open(encoding="utf-8") as file:
        rows += [(row["formula"], row["cas_candidates"], row["name"]) for row in csv.DictReader(file)]
    for formula, cas, name in rows:
        try:
            key = parse_formula(formula).key
        except FormulaError:
            continue
        numbers.setdefault(key, set()).update(filter(_is_cas, re.split(r"[\s|;,]+", cas)))
        if name:
            names.setdefault(key, name)
    return numbers, names


def _json(path: Path) -> list[dict[str, str]]:
    found: list[dict[str, str]] = json.loads(path.read_text(encoding="utf-8"))
    return found


def main() -> None:
    """Write `reagents.csv`."""
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    warnings.simplefilter("ignore")
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path, help="folder with lab/cas_python_database.json and lab/precursor_facts.csv")
    folder = parser.parse_args().data
    numbers, names = _facts(folder)
    reagents = read_handwritten((_HERE / "handwritten.txt").read_text(encoding="utf-8"), names)
    for each in reagents.values():
        if read_groups(each.composition.formula) is None:
            _LOG.info("not read by groups: %s", each.composition)
        elif not _is_neutral(each.composition):
            _LOG.info("not neutral: %s", each.composition)
    with (_HERE / "reagents.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["formula", "name", "cas"])
        certain = {key: next(iter(found)) for key, found in numbers.items() if key in reagents and len(found) == 1}
        uses = Counter(certain.values())
        for key, each in reagents.items():
            number = certain.get(key, "")
            writer.writerow([each.composition.formula, each.name, number if uses[number] == 1 else ""])
    _LOG.info("%d reagents", len(reagents))


if __name__ == "__main__":
    main()
