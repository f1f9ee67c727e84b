import pytest

from rrgraph.organic import MoleculeError, canonical_reactants, canonical_smiles


def test_spellings_of_one_molecule_meet():
    assert canonical_smiles("OCC") == canonical_smiles("C(O)C") == "CCO"


def test_stereochemistry_is_kept():
    assert canonical_smiles("C[C@H](N)C(=O)O") != canonical_smiles("C[C@@H](N)C(=O)O")


def test_atom_maps_leave_no_trace():
    # The map numbers would otherwise decide the order of the atoms.
    assert canonical_smiles("[CH3:7][CH2:1][OH:3]") == "CCO"
    assert canonical_smiles("[CH3:1][C@H:2]([NH2:3])[C:4](=[O:5])[OH:6]") == canonical_smiles("C[C@H](N)C(=O)O")


def test_reactants_are_a_set_without_order():
    assert canonical_reactants("Nc1ccccc1.CC(O)=O") == canonical_reactants("CC(=O)O.c1ccccc1N") == "CC(=O)O.Nc1ccccc1"


@pytest.mark.parametrize("text", ["", "  ", "C1CC", "xx", "C(C)(C)(C)(C)C"])
def test_what_is_no_molecule_is_named(text, capfd):
    with pytest.raises(MoleculeError, match="is not a valid molecule"):
        canonical_smiles(text)
    assert capfd.readouterr() == ("", "")
