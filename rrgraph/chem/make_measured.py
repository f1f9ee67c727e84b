"""Make `measured.csv` (formation enthalpy, entropy, heat capacity of solids) from three compilations.

python -m rrgraph.chem.make_measured RRGRAPH_DATA OUTPUT [--report FILE]

FREED and JANAF give free energies of formation against temperature. Added to the free energies of the elements they
are smooth as long as a phase lasts, so that enthalpy, entropy and heat capacity follow by least squares. CRC gives them
at 298.15 K. docs/energies.md states the rules by which an entry is taken or dropped; `--report` writes what became of
each.
"""

from __future__ import annotations

import argparse
import csv
import gzip
import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import chain, combinations
from math import log
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rrgraph.chem.composition import Composition
from rrgraph.chem.elements import ATOMIC_NUMBERS
from rrgraph.chem.formula import parse_formula
from rrgraph.chem.mass import molar_mass
from rrgraph.chem.thermo import KJ_PER_EV, REFERENCE_TEMPERATURE
from rrgraph.errors import FormulaError

__all__ = ["Entry", "choose", "fit_phase", "solid_range"]

#: The best first: JANAF is evaluated, FREED a compilation with some errors of transcription, CRC is for 298.15 K.
_RANKS = {"JANAF": 0, "FREED": 1, "CRC": 2}
#: Enthalpies that are as close agree (as close as the first, if any are), those that are farther apart than the last
#: need an arbiter, kJ/mol for each atom.
_CLOSE, _AGREE, _CONFLICT = 1.0, 3.0, 10.0
#: A calculated energy decides between two sources if it is that near to one, and rejects a lone source so far off.
_NEAR, _FAR = 10.0, 0.75 * KJ_PER_EV
#: Entropy beyond that of a solid by Latimer's rule by which liquids and gases are distinguished from solids, J/(mol K).
_EXCESS = 30.0
#: Entropy below that rule that no solid has, J/(mol K) for each atom.
_LEAST = -30.0
#: A step of the entropy that ends a solid, J/(mol K) for each atom: melting or another strong transition.
_STEP = 5.0
#: A step that ends what enthalpy and entropy are fitted to: any transition.
_SMALL_STEP = 1.5
#: Mean and spread of the heat capacities a + b 1e-3 T + c 1e5/T^2 of solids, J/(mol K) for each atom.
_USUAL, _SPREAD = np.array([22.5, 5.0, -4.0]), np.array([2.0, 4.0, 3.0])
_NOISE, _WORST = 0.1, 2.0  # kJ/mol
#: Temperatures from which enthalpy and entropy follow.
_LOW_POINTS = 4
#: Free energy at 400 K below the usual by which an element is known to have molten, kJ/mol.
_MOLTEN = 0.15
#: No fit needs to end below this temperature, K: the spread above keeps its heat capacity in bounds up to there.
_LEAST_RANGE = 1000.0
_NON_METALS = frozenset(["H", "B", "C", "N", "O", "F", "Si", "P", "S", "Cl", "Se", "Br", "I", "D", "Xe"])
#: Solids without a metal.
_MOLECULAR_SOLIDS = [
    "B2O3",
    "B4C",
    "BN",
    "BP",
    "HBO2",
    "H3BO3",
    "P2O5",
    "P3N5",
    "P2S5",
    "SiO2",
    "SiC",
    "Si3N4",
    "Si2N2O",
    "SiS2",
    "SeO2",
    "I2O5",
    "B2S3",
    "H3PO4",
    "NH4F",
    "NH4Cl",
    "NH4Br",
    "NH4I",
    "NH4NO3",
    "NH4ClO4",
    "(NH4)2SO4",
    "NH4HF2",
    "NH4HCO3",
    "NH4HSO4",
    "(NH4)2HPO4",
    "NH4H2PO4",
    "(NH4)3PO4",
    "(NH4)2SiF6",
]
#: Liquids and gases that the entropy does not tell from solids.
_NOT_SOLID = ["Fe(CO)5", "Ni(CO)4", "MoF6", "TiCl4", "VCl4", "SnCl4", "PuF6", "UF6", "WF6", "HPb"]
#: Entries that related compounds, calculations or later measurements contradict by more than 0.5 eV/atom.
_WRONG = ["Co100S89", "NaMnO4", "NbCl3", "InN", "Si2N2O"]
#: Formulas of CRC names that the list of CAS numbers lacks or has wrong, "" for none that can be used.
_NAMES = {
    "Cobalt(II) carbonate": "CoCO3", "Magnesium oxalate": "MgC2O4", "Rubidium carbonate": "Rb2CO3",
    "Cobalt(II,III) oxide": "Co3O4", "Iron disulfide": "FeS2", "Titanium(IV) oxide (rutile)": "TiO2",
    "Cerium(III) oxide": "Ce2O3", "Rubidium sulfate": "Rb2SO4", "Sodium hydrogen phosphate": "Na2HPO4",
    "Phosphoric acid": "H3PO4", "Sodium hydrogen sulfate": "NaHSO4", "Manganese(II) metasilicate": "MnSiO3",
    "Strontium sulfate": "SrSO4", "Sodium metaborate": "NaBO2", "Ammonium hydrogen phosphate": "(NH4)2HPO4",
    "Aluminum hydride": "AlH3", "Cesium hydrogen sulfate": "CsHSO4", "Ammonium perchlorate": "NH4ClO4",
    "Uranyl chloride": "UO2Cl2", "Ammonium hydrogen sulfate": "NH4HSO4", "Ammonium phosphate": "(NH4)3PO4",
    "Manganese(II) nitrate": "Mn(NO3)2", "Silver(III) oxide": "Ag2O3", "Iron carbide": "Fe3C",
    "Tin(II) hydroxide": "Sn(OH)2", "Ammonium iodide": "NH4I", "Lanthanum monosulfide": "LaS",
    "Zirconium titanate": "ZrTiO4", "Chromium iron oxide": "FeCr2O4", "Ammonium bromide": "NH4Br",
    "Ammonium fluoride": "NH4F", "Rubidium amide": "RbNH2", "Cesium hydrogen fluoride": "CsHF2",
    "Rubidium hydrogen fluoride": "RbHF2", "Beryllium carbonate": "BeCO3", "Strontium metasilicate": "SrSiO3",
    "Metaboric acid (β form)": "HBO2", "Rubidium perchlorate": "RbClO4", "Manganese(II) orthosilicate": "Mn2SiO4",
    "Lithium nitrite": "LiNO2", "Strontium orthosilicate": "Sr2SiO4", "Rubidium metaborate": "RbBO2",
    "Potassium metaborate": "KBO2", "Sodium aluminum hydride": "NaAlH4", "Rubidium nitrite": "RbNO2",
    "Indium(I) iodide": "InI", "Cerium(III) bromide": "CeBr3", "Magnesium selenate": "MgSeO4",
    "Rubidium hydrogen sulfate": "RbHSO4", "Sodium permanganate": "NaMnO4", "Potassium aluminum hydride": "KAlH4",
    "Ammonium hexafluorosilicate": "(NH4)2SiF6", "Potassium amide": "KNH2", "Cesium sulfite": "Cs2SO3",
    "Magnesium orthosilicate": "Mg2SiO4", "Mercury(I) carbonate": "Hg2CO3", "Mercury(I) sulfate": "Hg2SO4",
    "Mercury(I) chloride": "Hg2Cl2", "Mercury(I) bromide": "Hg2Br2", "Mercury(I) iodide": "Hg2I2",
    "Lithium perchlorate": "LiClO4", "Bismuth sulfate": "Bi2(SO4)3", "Iridium(IV) oxide": "IrO2",
    "Radium nitrate": "", "Platinum(II) chloride": "PtCl2", "Niobium(V) fluoride": "NbF5",
    "Uranium(III) hydride": "UH3", "Indium(I) chloride": "InCl", "Cerium(IV) oxide": "CeO2",
}  # fmt: skip
_FLUID_ELEMENTS = frozenset(["H", "N", "O", "F", "Cl", "Br", "Hg", "Rn", "He", "Ne", "Ar", "Kr", "Xe"])
_LARGEST = 60  # atoms of a formula unit; larger ones are non-stoichiometric

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Entry:
    """A solid as one source has it, or as it is written to the table.

    Attributes:
        composition: a formula unit, to which the values refer.
        enthalpy: of formation at 298.15 K, kJ/mol.
        entropy: at 298.15 K, J/(mol K), or None.
        heat_capacity: (a, b, c) of a + b 1e-3 T + c 1e5/T^2, J/(mol K); meaningless without an entropy.
        highest: temperature up to which that holds, K.
        source: a key of `_RANKS`.
        uncertainty: of the enthalpy, kJ/mol.
    """

    composition: Composition
    enthalpy: float
    entropy: float | None
    heat_capacity: tuple[float, float, float]
    highest: float
    source: str
    uncertainty: float = 0.0

    @property
    def atoms(self) -> float:
        return float(self.composition.atoms)

    @property
    def per_atom(self) -> float:
        return self.enthalpy / self.atoms


def fit_phase(temperatures: Array, energies: Array, atoms: float) -> tuple[Array, float]:
    """Fit H(T) - T S(T) by enthalpy, entropy and heat capacity, whose usual values for solids take part in the fit.

    Enthalpy and entropy follow from the lowest temperatures, so that transitions at higher ones do not shift them; the
    heat capacity takes up what transitions there are.

    Args:
        temperatures: K, (n,).
        energies: free energies relative to the elements at 298.15 K, kJ/mol, (n,).
        atoms: of a formula unit.

    Returns:
        (enthalpy, entropy, a, b, c) and the largest deviation in kJ/mol.
    """
    low = slice(max(2, min(_LOW_POINTS, solid_range(temperatures, energies, atoms, step=_SMALL_STEP))))
    ones = np.stack([np.ones_like(temperatures), -temperatures / 1000], axis=1)
    start = _with_usual(ones[low], temperatures[low], energies[low], atoms)[:2]
    return _with_capacity(start, temperatures, energies, atoms)


def _with_capacity(start: Array, temperatures: Array, energies: Array, atoms: float) -> tuple[Array, float]:
    """Fit the heat capacity where enthalpy and entropy, `start`, are known."""
    rest = energies - start[0] + temperatures * start[1] / 1000
    capacity = _with_usual(np.empty((len(temperatures), 0)), temperatures, rest, atoms)
    worst = float(np.abs(_capacity_columns(temperatures) @ capacity - rest).max())
    return np.concatenate([start, capacity]), worst


def _with_usual(columns: Array, temperatures: Array, energies: Array, atoms: float) -> Array:
    """Solve for the factors of some columns and of the heat capacity, of which the usual values are known."""
    weights = np.diag(_NOISE / (_SPREAD * atoms))
    upper = np.hstack([columns, _capacity_columns(temperatures)])
    lower = np.hstack([np.zeros((3, columns.shape[1])), weights])
    right = np.concatenate([energies, weights @ (_USUAL * atoms)])
    return np.asarray(np.linalg.lstsq(np.vstack([upper, lower]), right, rcond=None)[0])


def _capacity_columns(t: Array) -> Array:
    """Return what a, b and c of a heat capacity in J/(mol K) add to H(T) - T S(T) in kJ/mol, (n, 3)."""
    t0 = REFERENCE_TEMPERATURE
    a = (t - t0) - t * np.log(t / t0)
    b = 1e-3 * ((t**2 - t0**2) / 2 - t * (t - t0))
    c = 1e5 * (-(1 / t - 1 / t0) + t * (1 / t**2 - 1 / t0**2) / 2)
    return np.stack([a, b, c], axis=1) / 1000


def solid_range(temperatures: Array, energies: Array, atoms: float, *, step: float = _STEP) -> int:
    """Return how many of the first values belong to one phase: up to a step in the entropy, J/(mol K) for each atom.

    Arrays are those of `fit_phase`.
    """
    entropies = -1000 * np.diff(energies) / np.diff(temperatures)
    middles = (temperatures[1:] + temperatures[:-1]) / 2
    usual = _USUAL[0] + _USUAL[1] * middles / 1000
    steps = np.diff(entropies) / atoms - usual[:-1] * np.diff(np.log(middles))
    # A step within an interval shows in the differences to both neighbours.
    pairs = np.convolve(steps, [1.0, 1.0])[1:] if len(steps) else steps
    found = np.flatnonzero((steps > step / 4) & (pairs > step) | (pairs < -3 * step))
    return int(found[0]) + 2 if len(found) else len(temperatures)


def choose(entries: list[Entry], calculated: float | None) -> tuple[Entry | None, str]:
    """Return the entry of a composition that goes into the table, and by which rule.

    Args:
        entries: one of each source.
        calculated: energy by density functional theory, kJ/mol for each atom, if known.
    """
    entries = sorted(entries, key=lambda entry: _RANKS[entry.source])
    size = entries[0].atoms
    if len(entries) == 1:
        if calculated is not None and abs(entries[0].per_atom - calculated) > _FAR:
            return None, "dropped: one source, far from the calculated energy"
        return replace(entries[0], uncertainty=max(4.0, 0.4 * size)), "one source"
    gaps = {pair: abs(pair[0].per_atom - pair[1].per_atom) for pair in combinations(entries, 2)}
    agreeing = [pair for pair, gap in gaps.items() if gap <= (_CLOSE if min(gaps.values()) <= _CLOSE else _AGREE)]
    if agreeing:
        first, second = min(agreeing, key=lambda pair: (_RANKS[pair[0].source], _RANKS[pair[1].source]))
        known = sorted((first, second), key=lambda entry: entry.entropy is None)[0]
        # FREED copies from JANAF, so that the two are one witness.
        independent = "CRC" in (first.source, second.source)
        least = max(1.0, 0.1 * size) if independent else max(2.0, 0.2 * size)
        rule = "sources agree" if len(agreeing) == len(gaps) else "two of three agree"
        return replace(known, uncertainty=max(least, gaps[first, second] * size / 2)), rule
    (first, second), gap = min(gaps.items(), key=lambda item: item[1])
    if gap <= _CONFLICT:
        return replace(first, uncertainty=gap * size), "sources differ slightly: the better one"
    if calculated is None:
        return None, "dropped: sources contradict each other"
    nearest = min(entries, key=lambda entry: abs(entry.per_atom - calculated))
    if abs(nearest.per_atom - calculated) > _NEAR:
        return None, "dropped: sources contradict each other"
    return replace(nearest, uncertainty=_NEAR * size / 2), "sources contradict each other: near the calculated energy"


def _series(data: Path, name: str, source: str, dropped: Counter[str]) -> Iterator[Entry]:
    """Yield the solids of FREED or JANAF."""
    elements: dict[str, dict[str, float]] = _json(data / "mu_elements.json")
    for formula, values in _json(data / name).items():
        composition = _readable(formula)
        if composition is None or not composition.elements <= elements["300"].keys():
            dropped[f"{source}: formula not readable, too large, or of an element without data"] += 1
            continue
        texts = [text for text in values if text in elements]
        scale = float(composition.atoms) / float(parse_formula(formula).atoms)
        energies = [
            scale * values[text] + sum(float(n) * elements[text][symbol] for symbol, n in composition.amounts)
            for text in texts
        ]
        entry = _fitted(composition, np.array([float(text) for text in texts]), KJ_PER_EV * np.array(energies), source)
        if entry is None:
            dropped[f"{source}: fewer than two temperatures"] += 1
        elif not _is_solid(entry):
            dropped[f"{source}: not a solid at 298 K"] += 1
        else:
            yield entry


def _elements(data: Path) -> Iterator[Entry]:
    """Yield the elements that are solid at 298.15 K, with an enthalpy of zero."""
    table: dict[str, dict[str, float]] = _json(data / "mu_elements.json")
    temperatures = np.array([float(text) for text in table])
    for symbol in table["300"]:
        if symbol in _FLUID_ELEMENTS:
            continue
        energies = KJ_PER_EV * np.array([row[symbol] for row in table.values()])
        count = solid_range(temperatures, energies, 1.0)
        start = np.array([0.0, -1000 * energies[0] / temperatures[0]])
        usual = start[1] * -temperatures[1] / 1000 + (_capacity_columns(temperatures[1:2]) @ _USUAL).item()
        if energies[1] < usual - _MOLTEN:  # molten at 400 K
            count = 1
        (_, entropy, a, b, c), _ = _with_capacity(start, temperatures[:count], energies[:count], 1.0)
        highest = max(float(temperatures[count - 1]), _LEAST_RANGE)
        yield Entry(parse_formula(symbol), 0.0, float(entropy), (float(a), float(b), float(c)), highest, "elements")


def _fitted(composition: Composition, t: Array, g: Array, source: str) -> Entry | None:
    atoms = float(composition.atoms)
    count = solid_range(t, g, atoms) if len(t) >= 2 else 0
    if count < 2:
        return None
    found, worst = fit_phase(t[:count], g[:count], atoms)
    while worst > _WORST and count > 4:
        count -= 1
        found, worst = fit_phase(t[:count], g[:count], atoms)
    capacity = (float(found[2]), float(found[3]), float(found[4]))
    highest = max(float(t[count - 1]), _LEAST_RANGE)
    return Entry(composition, float(found[0]), float(found[1]), capacity, highest, source)


def _handbook(data: Path, dropped: Counter[str]) -> Iterator[Entry]:
    """Yield the solids of CRC."""
    formulas = {row["cas"]: row["formula"] for row in _json(data.parent / "lab" / "cas_python_database.json")}
    with (data / "chemicals_crc_standard_thermo.tsv").open(encoding="utf-8", newline="") as lines:
        rows = [row for row in csv.DictReader(lines, delimiter="\t") if row["Hfs"]]
    for row in rows:
        composition = _readable(_NAMES.get(row["Chemical"], formulas.get(row["CAS"], "")))
        if composition is None:
            dropped["CRC: organic, or formula not known"] += 1
        elif len(composition.amounts) > 1 and _is_material(composition):
            atoms = float(composition.atoms)
            entropy = float(row["S0s"]) if row["S0s"] else None
            usual = _USUAL * atoms
            at_reference = usual @ [1.0, REFERENCE_TEMPERATURE * 1e-3, 1e5 / REFERENCE_TEMPERATURE**2]
            capacity = usual * (float(row["Cps"]) / at_reference if row["Cps"] else 1.0)
            cp = (float(capacity[0]), float(capacity[1]), float(capacity[2]))
            yield Entry(composition, float(row["Hfs"]) / 1000, entropy, cp, _LEAST_RANGE, "CRC")


def _readable(formula: str) -> Composition | None:
    """Return a composition of known elements; of a large binary one, such as Fe947O1000, Fe0.947O."""
    try:
        composition = parse_formula(formula)
    except FormulaError:
        return None
    if not composition.elements <= ATOMIC_NUMBERS.keys():
        return None
    if float(composition.atoms) <= _LARGEST:
        return composition
    if len(composition.amounts) != 2:
        return None
    amounts, largest = dict(composition.amounts), max(amount for _, amount in composition.amounts)
    symbols = re.findall("[A-Z][a-z]?", formula)
    shares = {symbol: amounts[symbol] / largest for symbol in symbols}
    return parse_formula("".join(symbol if n == 1 else f"{symbol}{float(n):.5g}" for symbol, n in shares.items()))


def _is_solid(entry: Entry) -> bool:
    """Whether it is a solid at 298 K by its entropy, which Latimer's rule gives within 30 J/(mol K)."""
    if not _is_material(entry.composition) or entry.entropy is None:
        return False
    usual = sum(
        float(amount) * max(12.47 * log(molar_mass(parse_formula(symbol))) - 3.9, 4.0)
        for symbol, amount in entry.composition.amounts
    )
    return _LEAST * entry.atoms < entry.entropy - usual < _EXCESS + 0.5 * entry.atoms


def _is_material(composition: Composition) -> bool:
    """Whether it has a metal or is one of the solids without, and is in no list of what is left out."""
    if composition in _compositions(_NOT_SOLID + _WRONG):
        return False
    return not composition.elements <= _NON_METALS or composition in _compositions(_MOLECULAR_SOLIDS)


def _compositions(formulas: list[str]) -> frozenset[Composition]:
    return frozenset(parse_formula(formula) for formula in formulas)


def _calculated(path: Path, wanted: frozenset[Composition]) -> dict[Composition, float]:
    """Return the lowest energy that Materials Project has for each composition, kJ/mol for each atom."""
    signatures = {_signature({symbol: float(n) for symbol, n in each.amounts}): each for each in wanted}
    lowest: dict[Composition, float] = {}
    with gzip.open(path, "rt", encoding="utf-8", newline="") as lines:
        for row in csv.DictReader(lines):
            # Counted here: a hundred thousand formulas would keep the parser busy for minutes.
            counts: Counter[str] = Counter()
            for symbol, number in re.findall(r"([A-Z][a-z]?)(\d*)", row["reduced_formula"]):
                counts[symbol] += int(number or 1)
            found = signatures.get(_signature(counts))
            if found is not None and row["formation_energy_per_atom"]:
                energy = KJ_PER_EV * float(row["formation_energy_per_atom"])
                lowest[found] = min(energy, lowest.get(found, energy))
    return lowest


def _signature(counts: Mapping[str, float]) -> frozenset[tuple[str, float]]:
    total = sum(counts.values())
    return frozenset((symbol, round(n / total, 4)) for symbol, n in counts.items())


def _json(path: Path) -> Any:
    content = path.read_bytes()
    return json.loads(gzip.decompress(content) if path.suffix == ".gz" else content)


def _write(path: Path, entries: list[Entry]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["formula", "enthalpy", "entropy", "cp_a", "cp_b", "cp_c", "highest", "uncertainty", "source"])
        for entry in sorted(entries, key=lambda entry: entry.composition.formula):
            thermal = [""] * 5
            if entry.entropy is not None:
                numbers = (entry.entropy, *entry.heat_capacity)
                thermal = [*(f"{number:.2f}" for number in numbers), f"{entry.highest:.0f}"]
            enthalpy, uncertainty = f"{entry.enthalpy:.2f}", f"{entry.uncertainty:.1f}"
            writer.writerow([entry.composition.formula, enthalpy, *thermal, uncertainty, entry.source])


def main() -> None:
    """Write the table, and print how many entries each rule took or dropped."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path)
    parser.add_argument("output", type=Path)
    parser.add_argument("--report", type=Path)
    arguments = parser.parse_args()
    folder, counts = arguments.data / "thermochemistry", Counter[str]()
    found: dict[Composition, list[Entry]] = {}
    for entry in chain(
        _series(folder, "nist_janaf_compounds.json.gz", "JANAF", counts),
        _series(folder, "freed_compounds.json.gz", "FREED", counts),
        _handbook(folder, counts),
    ):
        known = found.setdefault(entry.composition, [])
        if all(each.source != entry.source for each in known):
            known.append(entry)
    energies = _calculated(arguments.data / "properties" / "mp_merged.csv.gz", frozenset(found))
    table, report = list(_elements(folder)), []
    for composition, entries in found.items():
        chosen, rule = choose(entries, energies.get(composition))
        counts[rule] += 1
        report.append([composition.formula, rule, *(f"{each.source} {each.enthalpy:.1f}" for each in entries)])
        table += [] if chosen is None else [chosen]
    _write(arguments.output, table)
    print(*(f"{count:5d}  {rule}" for rule, count in sorted(counts.items())), f"{len(table):5d}  written", sep="\n")
    if arguments.report:
        arguments.report.write_text("\n".join(map(";".join, sorted(report, key=lambda row: row[1]))) + "\n")


if __name__ == "__main__":
    main()
