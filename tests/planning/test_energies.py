from __future__ import annotations

import json
import math
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rrgraph.chem import (
    GASES,
    KJ_PER_EV,
    BalancedEquation,
    balance,
    gas_uncertainty,
    parse_formula,
    solid_uncertainty,
    thermal_energy,
    thermal_uncertainty,
)
from rrgraph.errors import DataError, RRGraphError
from rrgraph.planning import energies_needed, reaction_energy, read_formation_energies

#: Enthalpies of formation, kJ/mol, from handbooks.
ENTHALPIES = {
    "BaCO3": -1216.3,
    "BaO": -553.5,
    "TiO2": -944.7,
    "BaTiO3": -1659.8,
    "CaCO3": -1206.9,
    "CaO": -635.1,
    "Li2CO3": -1215.9,
    "Co3O4": -910.0,
    "LiCoO2": -679.4,
    "Al2O3": -1675.7,
    "AlN": -318.0,
    "ZnS": -205.2,
    "ZnO": -350.5,
}


def atoms(formula: str) -> float:
    return float(sum(amount for _, amount in parse_formula(formula).amounts))


def table(deviation: float = 0.0) -> dict[str, tuple[float, float]]:
    return {parse_formula(name).key: (kj / KJ_PER_EV / atoms(name), deviation) for name, kj in ENTHALPIES.items()}


def equation(target: str, *precursors: str) -> BalancedEquation:
    return balance(parse_formula(target), [parse_formula(name) for name in precursors])


@pytest.mark.parametrize(
    ("target", "precursors", "kj", "size"),
    [
        ("BaTiO3", ("BaCO3", "TiO2"), -1659.8 - 393.522 + 1216.3 + 944.7, 8),
        ("BaTiO3", ("BaO", "TiO2"), -1659.8 + 553.5 + 944.7, 5),
        ("Ba2Ti2O6", ("BaO", "TiO2"), 2 * (-1659.8 + 553.5 + 944.7), 10),
        ("CaO", ("CaCO3",), 178.278, 5),
        # 1/2 Li2CO3 + 1/3 Co3O4 + 1/12 O2 -> LiCoO2 + 1/2 CO2
        ("LiCoO2", ("Li2CO3", "Co3O4"), -679.4 - 393.522 / 2 + 1215.9 / 2 + 910.0 / 3, 5.5),
        ("AlN", ("Al",), -318.0, 2),
        ("ZnS", ("Zn", "S"), -205.2, 2),
    ],
)
def test_enthalpies_by_hand(target, precursors, kj, size):
    found = reaction_energy(equation(target, *precursors), table())
    assert found.kj_per_mol == pytest.approx(kj, abs=0.01)
    assert found.ev_per_atom == pytest.approx(kj / KJ_PER_EV / size, abs=1e-4)
    assert (found.ev_per_atom_uncertainty, found.kj_per_mol_uncertainty, found.temperature) == (0, 0, None)


def test_sulfur_is_an_element_as_precursor_and_a_vapour_as_gas():
    made = equation("ZnS", "Zn", "S")
    given_off = BalancedEquation(
        target=parse_formula("Zn"),
        precursors=((parse_formula("ZnS"), 1),),
        byproducts=((parse_formula("S"), 1),),
    )
    assert reaction_energy(made, table()).kj_per_mol == pytest.approx(-205.2)
    assert reaction_energy(given_off, table()).kj_per_mol == pytest.approx(205.2 + 128.6 / 2)


def test_free_energies_of_gases_and_of_solids_with_measured_entropies():
    carbonate, oxide = equation("BaTiO3", "BaCO3", "TiO2"), equation("BaTiO3", "BaO", "TiO2")
    at = {t: reaction_energy(carbonate, table(), temperature=t).kj_per_mol for t in (298.15, 600.0, 1200.0)}
    assert at[298.15] > at[600.0] > 0 > at[1200.0]
    cold = reaction_energy(carbonate, table()).kj_per_mol
    # Third-law entropies, J/(mol K): BaTiO3 107.9, CO2 213.8, BaCO3 112.1, TiO2 50.6.
    assert 1000 * (cold - at[298.15]) / 298.15 == pytest.approx(107.9 + 213.8 - 112.1 - 50.6, abs=2)
    # BaO 72.1: the oxides hardly care.
    found = [reaction_energy(oxide, table(), temperature=t).kj_per_mol for t in (None, 298.15)]
    assert 1000 * (found[0] - found[1]) / 298.15 == pytest.approx(107.9 - 72.1 - 50.6, abs=2)


def test_solids_without_a_measured_entropy_count_as_average():
    known, unknown = parse_formula("BaO"), parse_formula("Ba2Ti9O20")
    made = equation("Ba2Ti9O20", "BaO", "TiO2")
    energies = table() | {unknown.key: (-3.4, 0.0)}
    cold, hot = (reaction_energy(made, energies, temperature=t) for t in (None, 1200.0))
    thermal = 4 * thermal_energy(known, 1200.0) + 27 * thermal_energy(parse_formula("TiO2"), 1200.0)
    assert hot.kj_per_mol - cold.kj_per_mol == pytest.approx(-KJ_PER_EV * thermal)
    assert thermal_energy(unknown, 1200.0) == 0 and thermal_uncertainty(unknown, 1200.0) is None
    assert hot.ev_per_atom_uncertainty > solid_uncertainty(1200.0)


def test_measured_entropies_leave_little_uncertainty():
    measured = reaction_energy(equation("BaTiO3", "BaCO3", "TiO2"), table(), temperature=1200.0)
    unknown = table() | {parse_formula("BaTi2O5").key: (-3.4, 0.0)}
    estimated = reaction_energy(equation("BaTi2O5", "BaCO3", "TiO2"), unknown, temperature=1200.0)
    assert 0 < measured.kj_per_mol_uncertainty < 6 < estimated.kj_per_mol_uncertainty


def test_origins_are_listed_by_formula_and_unnamed_ones_are_the_users():
    made = equation("BaTiO3", "BaCO3", "TiO2")
    origins = {"BaCO3": "measured", "BaO3Ti": "predicted"}
    found = reaction_energy(made, table(), origins=origins)
    assert (found.measured, found.predicted, found.given) == (("BaCO3",), ("BaTiO3",), ("TiO2",))
    nothing = reaction_energy(equation("AlN", "Al"), table())
    assert (nothing.measured, nothing.predicted, nothing.given) == ((), (), ("AlN",))


def test_taking_up_a_gas_costs_more_the_hotter_it_is():
    nitride = equation("AlN", "Al")
    assert reaction_energy(nitride, table(), temperature=1500.0).kj_per_mol > -318.0


deviations = st.floats(0.0, 0.5)


@settings(deadline=None, max_examples=50)
@given(st.lists(deviations, min_size=3, max_size=3), st.sampled_from([None, 300.0, 1500.0]))
def test_uncertainties_add_up_as_independent_errors(spread, temperature):
    made = equation("LiCoO2", "Li2CO3", "Co3O4")
    energies = table()
    for name, deviation in zip(("LiCoO2", "Li2CO3", "Co3O4"), spread, strict=True):
        key = parse_formula(name).key
        energies[key] = energies[key][0], deviation
    found = reaction_energy(made, energies, temperature=temperature)
    parts = [4 * spread[0], 6 / 2 * spread[1], 7 / 3 * spread[2]]
    for gas, count in (("CO2", 3 / 2), ("O2", 2 / 12)):
        parts.append(count * gas_uncertainty(parse_formula(gas), temperature=temperature))
    for solid, count in (("Li2CO3", 6 / 2), ("Co3O4", 7 / 3)):
        parts.append(count * thermal_uncertainty(parse_formula(solid), temperature))
    expected = math.hypot(*parts, 4 * solid_uncertainty(temperature))
    assert found.ev_per_atom_uncertainty == pytest.approx(expected / 5.5)
    assert found.kj_per_mol_uncertainty == pytest.approx(expected * KJ_PER_EV)


@settings(deadline=None, max_examples=50)
@given(st.lists(st.floats(-5, 5), min_size=3, max_size=3), st.floats(-3, 3))
def test_the_energy_is_linear_and_does_not_depend_on_the_spelling(values, shift):
    keys = [parse_formula(name).key for name in ("BaTiO3", "BaO", "TiO2")]
    energies = {key: (value, 0.1) for key, value in zip(keys, values, strict=True)}
    small, large = equation("BaTiO3", "BaO", "TiO2"), equation("Ba2Ti2O6", "Ba2O2", "Ti3O6")
    one, two = reaction_energy(small, energies), reaction_energy(large, energies)
    assert one.ev_per_atom == pytest.approx((5 * values[0] - 2 * values[1] - 3 * values[2]) / 5)
    assert two.ev_per_atom == pytest.approx(one.ev_per_atom)
    assert two.kj_per_mol == pytest.approx(2 * one.kj_per_mol)
    assert two.kj_per_mol_uncertainty == pytest.approx(2 * one.kj_per_mol_uncertainty)
    shifted = {key: (value + shift, 0.1) for key, (value, _) in energies.items()}  # atoms are conserved
    assert reaction_energy(small, shifted).ev_per_atom == pytest.approx(one.ev_per_atom, abs=1e-9)


def test_what_is_looked_up():
    needed = energies_needed(equation("LiCoO2", "Li2CO3", "Co3O4"))
    assert [composition.formula for composition in needed] == ["LiCoO2", "Li2CO3", "Co3O4"]
    assert [composition.formula for composition in energies_needed(equation("AlN", "Al"))] == ["AlN"]
    assert not {composition.key for composition in needed} & GASES.keys()
    fluoride = BalancedEquation(  # a solid beside the target is looked up like any other
        target=parse_formula("CaO"),
        precursors=((parse_formula("CaF2"), 1), (parse_formula("Li2O"), 1)),
        byproducts=((parse_formula("LiF"), 2),),
    )
    assert [composition.formula for composition in energies_needed(fluoride)] == ["CaO", "LiF", "CaF2", "Li2O"]


@pytest.mark.parametrize("energy", [None, (math.nan, 0.1), (math.inf, 0.1), (-1.0, math.nan), (-1.0, -0.1)])
def test_energies_that_are_missing_or_no_numbers_are_refused(energy):
    energies = table()
    energies.pop("O2Ti")
    if energy is not None:
        energies["O2Ti"] = energy
    with pytest.raises(DataError, match="formation energy of TiO2"):
        reaction_energy(equation("BaTiO3", "BaO", "TiO2"), energies)


def test_temperatures_without_data_are_refused():
    with pytest.raises(RRGraphError, match="2500 K"):
        reaction_energy(equation("BaTiO3", "BaCO3", "TiO2"), table(), temperature=3000.0)


ROWS = [("BaTiO3", -3.44, 0.02), ("O3BaTi", -3.45, None), ("Ba1Ti1O3", -3.40, 0.5), ("TiO2", -3, None)]


@pytest.mark.parametrize("suffix", ["csv", "csv.gz", "jsonl", "parquet"])
@pytest.mark.parametrize("known", [True, False])
def test_a_table_of_formation_energies(tmp_path: Path, suffix, known):
    frame = pd.DataFrame(ROWS, columns=["formula", "formation_energy", "uncertainty"])
    path = tmp_path / f"energies.{suffix}"
    if not known:
        frame = frame.drop(columns="uncertainty")
    if suffix.startswith("csv"):
        frame.to_csv(path, index=False)
    elif suffix == "jsonl":
        frame.to_json(path, orient="records", lines=True)
    else:
        frame.to_parquet(path)
    assert read_formation_energies(path) == {"BaO3Ti": (-3.45, 0.0), "O2Ti": (-3.0, 0.0)}


def test_the_uncertainty_of_the_lowest_row_holds(tmp_path: Path):
    path = tmp_path / "energies.jsonl"
    rows = [("TiO2", -3.2, 0.1), ("Ti2O4", -3.3, 0.03)]
    path.write_text(
        "".join(json.dumps({"formula": f, "formation_energy": e, "uncertainty": u}) + "\n" for f, e, u in rows)
    )
    assert read_formation_energies(path) == {"O2Ti": (-3.3, 0.03)}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("formula,energy\nTiO2,-3\n", ["'formation_energy'", "found formula, energy"]),
        ("formla,formation_energy\nTiO2,-3\n", ["'formula'", "Did you mean 'formla'?"]),
        ("formula,formation_energy\nTiO2,-3\nHello,-1\n", ["Row 2", "'formula'", "Hello"]),
        ("formula,formation_energy\nTiO2,-3\n,-1\n", ["Row 2", "'formula'"]),
        ("formula,formation_energy\nTiO2,\n", ["Row 1", "'formation_energy'", "blank", "eV/atom"]),
        ("formula,formation_energy\nTiO2,low\n", ["Row 1", "'formation_energy'", "'low'"]),
        ("formula,formation_energy\nTiO2,nan\n", ["Row 1", "'formation_energy'"]),
        ("formula,formation_energy\nTiO2,-944.7\n", ["Row 1", "'-944.7'", "eV/atom from -10 to 10"]),
        ("formula,formation_energy,uncertainty\nTiO2,-3,-0.1\n", ["Row 1", "'uncertainty'", "'-0.1'"]),
        ("formula,formation_energy,uncertainty\nTiO2,-3,small\n", ["Row 1", "'uncertainty'", "'small'"]),
    ],
)
def test_bad_cells_are_named(tmp_path: Path, text, words):
    path = tmp_path / "energies.csv"
    path.write_text(text)
    with pytest.raises(DataError) as caught:
        read_formation_energies(path)
    for word in [*words, str(path)]:
        assert word in str(caught.value)


def test_a_missing_file_is_named(tmp_path: Path):
    (tmp_path / "energies.csv").write_text("formula,formation_energy\n")
    with pytest.raises(DataError, match="Did you mean"):
        read_formation_energies(tmp_path / "energie.csv")
    assert read_formation_energies(tmp_path / "energies.csv") == {}
