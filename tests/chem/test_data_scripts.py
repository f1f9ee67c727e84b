"""The scripts beside data files: what they read, and what the shipped values are worth."""

from __future__ import annotations

import numpy as np
import pytest

from rrgraph.chem import ELEMENTS, GASES, element_vectors
from rrgraph.chem.check_gases import CAS, free_energy_error, shomate
from rrgraph.chem.make_mat2vec import read_vectors

STEAM = [(298.0, 1700.0, 30.092, 6.832514e-3, 6.793435e-6, -2.53448e-9, 82139.0)]
"""Shomate equation of steam, NIST WebBook (Chase 1998)."""


def test_vectors_stand_at_their_atomic_numbers(tmp_path):
    shipped = element_vectors()
    header = ",".join(["element", *map(str, range(200))])
    rows = [",".join([symbol, *map(repr, shipped[z - 1].tolist())]) for z, symbol in ((26, "Fe"), (3, "Li"))]
    path = tmp_path / "vectors.csv"
    path.write_text("\n".join([header, *rows, "Og," + ",".join(["1"] * 200)]))
    read = read_vectors(path)
    assert read.shape == (104, 200)
    assert np.array_equal(read[26], shipped[25]) and np.array_equal(read[3], shipped[2])
    assert not read[[0, 1, 103]].any()
    assert {"Fe", "Li"} <= set(ELEMENTS)


def test_every_gas_has_a_cas_number_with_a_right_check_digit():
    assert set(CAS) == {gas.composition.formula for gas in GASES.values()}
    for number in CAS.values():
        *digits, check = (int(digit) for digit in number.replace("-", ""))
        assert sum(place * digit for place, digit in enumerate(reversed(digits), start=1)) % 10 == check


def test_the_heat_capacity_of_steam():
    # NIST-JANAF: 36.325 J/(mol K) at 600 K, 41.268 at 1000 K.
    assert shomate(STEAM, np.array([600.0, 1000.0])) == pytest.approx([36.325, 41.268], abs=0.03)
    assert np.isnan(shomate(STEAM, np.array([2000.0]))).all()


def test_the_fit_of_steam_keeps_the_free_energy():
    steam = next(gas for gas in GASES.values() if gas.composition.formula == "H2O")
    assert 0 < free_energy_error(steam, STEAM) < 0.3
