import json

import pytest

from rrgraph.errors import DataError
from rrgraph.organic import ReactionError, clean_reaction, read_reactions

MAPPED = "[CH3:1][C:2](=[O:3])O.[OH:4][CH3:5]>>[CH3:1][C:2](=[O:3])[O:4][CH3:5]"


@pytest.mark.parametrize(
    ("text", "reactants", "product"),
    [
        ("CC(=O)O.OC>>CC(=O)OC", ("CC(=O)O", "OC"), "CC(=O)OC"),
        ("CC(=O)O.OC>Cl.C1CCOC1>CC(=O)OC", ("CC(=O)O", "OC", "Cl", "C1CCOC1"), "CC(=O)OC"),
        ("CC(=O)O.OC>>CC(=O)OC.O an ester |f:0.1|", ("CC(=O)O", "OC"), "CC(=O)OC"),
        ("CC(=O)O.OC>>COC(C)=O.CO", ("CC(=O)O", "OC"), "COC(C)=O"),
        ("[Cl-].[Na+].N>>[Cl-].[NH4+]", ("[Cl-]", "[Na+]", "N"), "[NH4+]"),
    ],
)
def test_one_product_is_left(text, reactants, product):
    found = clean_reaction(text)
    assert (found.reactants, found.product) == (reactants, product)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "it is not a reaction SMILES"),
        ("CCO", "it is not a reaction SMILES"),
        ("CCO>>CC=O>>C", "it is not a reaction SMILES"),
        (">>CCO", "it has no reactants"),
        ("CCO>>", "it has no product"),
        ("CCX>>CCO", "a molecule cannot be read"),
        ("CC=O>>*CO", "a molecule cannot be read"),
        ("CCO>>OCC", "the product is among the reactants"),
        ("CCOC(C)=O>>CCO.CC(=O)O", "it has several products"),
    ],
)
def test_what_is_wrong_with_a_reaction_is_said(text, reason):
    with pytest.raises(ReactionError, match=reason) as caught:
        clean_reaction(text)
    assert caught.value.reason.startswith(reason)


@pytest.mark.parametrize(
    ("text", "mapped"),
    [
        (MAPPED, True),
        ("[CH3:1][C:2](=[O:3])[OH:9].[OH:4][CH3:5]>>[CH3:1][C:2](=[O:3])[O:4][CH3:5]", True),
        ("CC(=O)O.OC>>CC(=O)OC", False),
        ("[CH3:1][C:2](=[O:3])O.[OH:4][CH3:5]>>[CH3:1][C:2](=[O:3])O[CH3:5]", False),
        ("[CH3:1][C:2](=[O:3])O.[OH:4][CH3:1]>>[CH3:1][C:2](=[O:3])[O:4][CH3:1]", False),
        ("[CH3:1][C:2](=[O:3])O.[NH2:4][CH3:5]>>[CH3:1][C:2](=[O:3])[O:4][CH3:5]", False),
        ("[CH3:1][C:2](=[O:3])O.[CH3:1]C>>[CH3:1][CH2:2][OH:3]", False),
    ],
)
def test_maps_count_only_if_they_are_whole(text, mapped):
    assert clean_reaction(text).is_mapped is mapped


def test_molecules_without_atoms_of_the_product_are_left_out():
    found = clean_reaction(MAPPED.replace(">>", ">Cl.[CH4:8]>"))
    assert found.recorded() == ("COC(C)=O", "CC(=O)O.CO")
    assert found.unmapped() == "C.CC(=O)O.CO.Cl>>COC(C)=O"


def test_lists_and_tables_are_read(tmp_path):
    (tmp_path / "list.smi").write_text("CCO>>CC=O first\n\nCO>>C=O\n")
    (tmp_path / "pairs.csv").write_text("id,Product,reactants,split\n1,CC=O,CCO,Valid\n2,C=O,CO,\n3,C=O,CO,later\n")
    (tmp_path / "lines.jsonl").write_text(json.dumps({"rxn_smiles": "CCO>>CC=O"}) + "\n{broken\n")
    (tmp_path / "named.csv").write_text("My Reaction\nCCO>>CC=O\n")
    _, rows = read_reactions(tmp_path / "list.smi")
    assert [row.text.split()[0] for row in rows] == ["CCO>>CC=O", "CO>>C=O"]
    columns, rows = read_reactions(tmp_path / "pairs.csv")
    assert columns == ("id", "Product", "reactants", "split")
    assert [(row.text, row.subset) for row in rows[:2]] == [("CCO>>CC=O", "validation"), ("CO>>C=O", None)]
    assert rows[2].error == "its split is 'later', expected train, validation or test"
    _, rows = read_reactions(tmp_path / "lines.jsonl")
    assert rows[0].text == "CCO>>CC=O" and rows[1].error
    assert read_reactions(tmp_path / "named.csv", column="my reaction")[1][0].text == "CCO>>CC=O"


def test_a_table_without_reactions_is_refused(tmp_path):
    (tmp_path / "other.csv").write_text("product,template\nCCO,x\n")
    with pytest.raises(DataError, match="has no column 'reaction', nor both 'product' and 'reactants', found product"):
        read_reactions(tmp_path / "other.csv")
