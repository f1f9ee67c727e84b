import pytest

from rrgraph.organic import MoleculeError, canonical_product, canonical_reactants, canonical_smiles
from rrgraph.organic.chemistry.application import apply_template
from rrgraph.organic.chemistry.molecules import import_rdchiral


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


@pytest.mark.parametrize("text", ["", "  ", "C1CC", "xx", "C(C)(C)(C)(C)C", "C\0", "C\udcff", "é", "()", ".", "CC~C"])
def test_what_is_no_molecule_is_named(text, capfd):
    with pytest.raises(MoleculeError, match="is not a valid molecule"):
        canonical_smiles(text)
    assert capfd.readouterr() == ("", "")


def _ring_of_all(atoms):
    """Return uranium atoms of which each is bound to each."""
    opened, text = {}, ""
    for first in range(atoms):
        closed = [opened.pop((other, first)) for other in range(first - 1)]
        text += "[U]" + "".join(f"%{number}" for number in closed)
        free = (number for number in range(10, 100) if number not in (*opened.values(), *closed))
        for other in range(first + 2, atoms):
            opened[first, other] = next(free)
            text += f"%{opened[first, other]}"
    return text


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("C" * 6000, "has 6,000 characters, at most 5,000"),
        ("C" * 300, "has 300 atoms, at most 250"),
        ("C(" * 1000 + "C" + ")" * 1000, "has 1,001 atoms"),
        (_ring_of_all(12), "has 55 rings, at most 50"),
        ("[U]" + "([U])" * 11, "has 11 bonds of one atom"),
        ("CC>>CO", "is a reaction, expected one molecule"),
    ],
)
def test_what_is_too_large_or_no_molecule_is_refused_at_once(text, words, capfd):
    with pytest.raises(MoleculeError, match=words) as caught:
        canonical_smiles(text)
    assert len(str(caught.value)) < 250
    assert capfd.readouterr() == ("", "")


def test_large_molecules_are_read():
    fullerene = (
        "c12c3c4c5c1c1c6c7c2c2c8c3c3c9c4c4c%10c5c5c1c1c6c6c%11c7c2c2c7c8c3c3c8c9c4c4c9c%10c5c5c1c1c6c6c%11c2c2c7c3c3c8"
        "c4c4c9c5c1c1c6c2c3c41"
    )
    assert canonical_product(fullerene)
    assert canonical_product("[NH3]->[Fe]")
    assert canonical_smiles("N[C@@H](C)C(=O)" * 40 + "O")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("CCO.CC", "is 2 molecules, expected one"),
        ("[Na+].[Cl-]", "is 2 molecules, expected one"),
        ("C*", "has an atom of no element"),
    ],
)
def test_a_product_is_one_molecule(text, words):
    assert canonical_smiles(text)
    with pytest.raises(MoleculeError, match=words):
        canonical_product(text)


def test_rdchiral_does_not_write_to_the_terminal(capfd):
    main = import_rdchiral()
    assert main.rdchiralRunText("[C:1][O:2]>>[C:1].[O:2]", "CCO.CC") == []
    assert capfd.readouterr() == ("", "")


def test_a_template_that_matches_a_large_molecule_everywhere_gives_no_outcomes():
    template = "[C:1]-[C:2]>>[C:1].[C:2]"
    assert len(apply_template(template, "C" * 30)) == 15
    assert apply_template(template, "C" * 240) == ()
    assert len(apply_template("[C:1]-[O;H1:2]>>[C:1].[O:2]", "C" * 240 + "O")) == 1
