from __future__ import annotations

import numpy as np
import pytest
import torch

from rrgraph.baselines import RetrievalRetro
from rrgraph.baselines.retrieval.references import ReferenceFinder
from rrgraph.chem import VOLATILE, fraction_matrix, parse_formula
from rrgraph.errors import ConfigError


class Fractions:
    """Embeds by atomic fractions."""

    def embed(self, compositions):
        return torch.nn.functional.normalize(torch.from_numpy(fraction_matrix(compositions)), dim=1)


class Energies:
    """Formation energies, eV/atom; 0 where none is given."""

    def __init__(self, **energies):
        self.energies = {parse_formula(formula).key: energy for formula, energy in energies.items()}

    def formation_energies(self, compositions):
        found = np.array([self.energies.get(each.key, 0.0) for each in compositions])
        return found, np.zeros(len(found))


def found(finder, formulas, number=3):
    """Return the references as formulas: for each target those by completion and those by energy."""
    places = finder.find([parse_formula(formula) for formula in formulas], number)
    return [
        [[finder.materials[place].formula for place in line if place >= 0] for line in row] for row in places.tolist()
    ]


def test_a_training_row_never_meets_itself(small_table):
    finder = ReferenceFinder(small_table, Fractions(), Energies())
    places = finder.find(small_table.targets, 20)
    for target, row in zip(small_table.targets, places.tolist(), strict=True):
        assert target.key not in {finder.materials[place].key for line in row for place in line if place >= 0}
        assert all(sum(place >= 0 for place in line) == len(finder.materials) - 1 for line in row)


def test_what_a_fitted_system_learns_from_leaves_the_row_out(small_table):
    baseline = RetrievalRetro(width=32, encoder_layers=1, completion_epochs=1, epochs=1).fit(small_table)
    *_, references = baseline._inputs(small_table.targets)
    assert references.shape == (len(small_table), 2, 3)
    for target, places in zip(small_table.targets, references.flatten(1).tolist(), strict=True):
        assert target.key not in {baseline.finder.materials[place].key for place in places}


def test_completion_takes_the_largest_cosines(small_table):
    finder = ReferenceFinder(small_table, Fractions(), Energies())
    targets = [parse_formula(formula) for formula in ("BaTiO3", "Mg2Si", "ZnS")]
    bank = Fractions().embed(finder.materials).double()
    for target, row in zip(targets, finder.find(targets, 4)[:, 0].tolist(), strict=True):
        cosines = (bank @ Fractions().embed([target]).double()[0]).tolist()
        naive = sorted(range(len(bank)), key=lambda place: (-round(cosines[place], 6), place))
        assert row == [place for place in naive if finder.materials[place].key != target.key][:4]


ROUTES = [
    ("BaTiO3", "BaCO3;TiO2"),
    ("Ba2TiO4", "BaO;TiO2"),
    ("BaTi2O5", "Ba(NO3)2;Ti"),
    ("BaTiS3", "BaS;TiS2"),
    ("BaZrO3", "BaCO3;ZrO2"),
    ("TiO2", "Ti"),
]


def test_energy_takes_the_sets_that_release_most(make_table):
    """BaTi4O9 from BaO + 4 TiO2 (Ba share 1/14): what the oxides have lost already cannot be released."""
    table = make_table(ROUTES)
    stable = ReferenceFinder(table, Fractions(), Energies(BaTi4O9=-3.5, BaCO3=-2.5, TiO2=-3.3, BaO=-2.8))
    assert found(stable, ["BaTi4O9"])[0][1][0] == "BaTi2O5"
    unstable = ReferenceFinder(table, Fractions(), Energies(**{"BaTi4O9": -3.5, "Ba(NO3)2": -9.0, "Ti": -9.0}))
    assert found(unstable, ["BaTi4O9"])[0][1][-1] == "BaTi2O5"


def test_energy_asks_for_all_source_elements_and_no_others(make_table):
    finder = ReferenceFinder(make_table(ROUTES), Fractions(), Energies())
    ((alike, energetic),) = found(finder, ["BaTi4O9"])
    assert set(energetic) == {"BaTiO3", "Ba2TiO4", "BaTi2O5"}
    assert "TiO2" in alike
    for formula in ("BaTi4O9", "BaZrO4", "BaTiS4"):
        target = parse_formula(formula)
        places, _ = finder._by_energy([target])[0]
        for place in places:
            assert finder.materials[place].elements - VOLATILE == target.elements - VOLATILE


def test_sets_that_cannot_make_up_the_target_do_not_count(make_table):
    finder = ReferenceFinder(make_table([("LiTiO2", "LiTiO2"), ("BaTiO3", "BaTiO3")]), Fractions(), Energies())
    assert len(finder._by_energy([parse_formula("Li2Ti2O4")])[0][0]) == 1
    assert len(finder._by_energy([parse_formula("Li2TiO3")])[0][0]) == 0


def test_further_references_by_completion_fill_up(make_table):
    finder = ReferenceFinder(make_table(ROUTES), Fractions(), Energies())
    ((alike, energetic),) = found(finder, ["SrZrO3"], number=2)
    assert len(alike) == len(energetic) == 2
    assert not set(alike) & set(energetic)


def test_references_do_not_depend_on_the_batch(small_table):
    finder = ReferenceFinder(small_table, Fractions(), Energies())
    together = finder.find(small_table.targets, 3)
    alone = torch.cat([finder.find([target], 3) for target in small_table.targets])
    assert torch.equal(together, alone)
    assert finder.find([], 3).shape == (0, 2, 3)


def test_the_network_reads_its_references(small_table):
    """Other references, another answer; their order does not matter; none at all is an answer too."""
    baseline = RetrievalRetro(width=32, encoder_layers=1, completion_epochs=1, epochs=2).fit(small_table)
    elements, fractions, references = baseline._inputs(small_table.targets[:2])
    first = baseline._run((elements, fractions, references))
    torch.testing.assert_close(baseline._run((elements, fractions, references.flip(2))), first)
    others = (references + 1) % len(baseline.finder.materials)
    assert not torch.allclose(baseline._run((elements, fractions, others)), first)
    nothing = baseline._run((elements, fractions, torch.full_like(references, -1)))
    assert torch.isfinite(nothing).all() and not torch.allclose(nothing, first)


def test_no_references_at_all_is_refused():
    with pytest.raises(ConfigError, match="Option references"):
        RetrievalRetro(references=0)
