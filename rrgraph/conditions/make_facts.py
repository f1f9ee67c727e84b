"""Make `elements.csv` and `melting_points.csv`, facts that conditions are predicted from.

python -m rrgraph.conditions.make_facts RRGRAPH_DATA

Properties of the elements are those of pymatgen (MIT licence), without a value where it has none. Melting points in °C
are those of the CRC Handbook as in the package chemicals (MIT licence), or else those of Wikipedia as in the package s4
(MIT licence); of several for one composition the first in alphabetical order of the formulas counts.
"""

from __future__ import annotations

import argparse
import csv
import gzip
import json
from collections.abc import Iterator
from pathlib import Path
from statistics import fmean
from typing import Any

from rrgraph.chem import ELEMENTS, parse_formula
from rrgraph.errors import FormulaError
from rrgraph.util.files import write_text
from rrgraph.util.sheets import csv_text

__all__ = ["main"]

_ZERO_C = 273.15
_PROPERTIES = {
    "mass": "atomic_mass",
    "electronegativity": "X",
    "radius": "atomic_radius",
    "ionic_radius": "average_ionic_radius",
    "melting_point": "melting_point",
    "boiling_point": "boiling_point",
    "row": "row",
    "group": "group",
    "mendeleev_number": "mendeleev_no",
    "electron_affinity": "electron_affinity",
    "ionization_energy": "ionization_energy",
}


def main() -> None:
    """Write both files beside this one."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path)
    data, folder = parser.parse_args().data, Path(__file__).parent
    write_text(folder / "elements.csv", csv_text(list(_elements())))
    found = dict(sorted(dict(_melting_points(data)).items()))
    write_text(folder / "melting_points.csv", csv_text([{"key": k, "celsius": f"{v:.0f}"} for k, v in found.items()]))


def _elements() -> Iterator[dict[str, Any]]:
    from pymatgen.core.periodic_table import Element

    for symbol in ELEMENTS:
        element: Any = Element(symbol)
        values = {name: getattr(element, attribute, None) for name, attribute in _PROPERTIES.items()}
        values["oxidation_state"] = max(element.common_oxidation_states, default=None)
        yield {"symbol": symbol} | {k: "" if v is None or v != v else f"{float(v):.5g}" for k, v in values.items()}


def _melting_points(data: Path) -> Iterator[tuple[str, float]]:
    """Yield keys and melting points, those that count last."""
    with gzip.open(data / "thermochemistry" / "s4_melting_points.json.gz", "rt", encoding="utf-8") as file:
        entries = sorted(json.load(file), key=lambda each: str(each["composition"]), reverse=True)
    stated = [(each["composition"], each["value"], each["range_value"]) for each in entries]
    found = {
        formula: fmean(span) if value is None and span else value for formula, value, span in stated if value or span
    }
    with (data / "lab" / "precursor_facts.csv").open(encoding="utf-8") as lines:
        found |= {row["formula"]: float(row["Tm_K"]) - _ZERO_C for row in csv.DictReader(lines) if row["Tm_K"]}
    for formula, value in found.items():
        try:
            composition = parse_formula(formula)
        except FormulaError:
            continue
        if not {"C", "H"} <= composition.elements:  # molecules have no part in firing, and are most of Wikipedia's
            yield composition.key, value


if __name__ == "__main__":
    main()
