import pickle
import sys
from importlib.util import find_spec

import pytest

from rrgraph.errors import ConfigError
from rrgraph.organic import (
    RawReaction,
    ReactionError,
    RxnMapper,
    TemplateApplier,
    clean_reaction,
    extract_template,
    extract_templates,
    template_key,
)

ESTER = "[CH3:1][C:2](=[O:3])O.[OH:4][CH3:5]>>[CH3:1][C:2](=[O:3])[O:4][CH3:5]"
UNMAPPED = "CCC(=O)O.OC>>CCC(=O)OC"
MAPS = {
    "CCC(=O)O.CO>>CCC(=O)OC": (
        "[CH3:9][CH2:1][C:2](=[O:3])O.[OH:4][CH3:5]>>[CH3:9][CH2:1][C:2](=[O:3])[O:4][CH3:5]",
        0.9,
    )
}


def mapper(reactions):
    return {text: MAPS[text] for text in reactions if text in MAPS}


def extract(*texts, mapper=mapper):
    raw = RawReaction.numbered(texts)
    return extract_templates(raw, mapper=mapper, applier=TemplateApplier())


def test_every_reaction_is_kept_or_lost_with_a_reason():
    found = extract(ESTER, UNMAPPED, ESTER, "nonsense", "CCO>>CC=O", "[CH3:1][OH:2]>>[CH3:1][OH:2]")
    assert [(row.line, row.product, row.reactants) for row in found.rows] == [
        (1, "COC(C)=O", "CC(=O)O.CO"),
        (2, "CCC(=O)OC", "CCC(=O)O.CO"),
    ]
    assert [row.confidence for row in found.rows] == [None, 0.9]
    assert found.counts["repeated"] == 1
    assert {raw.row.line: reason.partition(",")[0] for raw, reason in found.lost} == {
        4: "it is not a reaction SMILES",
        5: "its atoms are not mapped",
        6: "the product is among the reactants",
    }
    assert found.counts["read"] == len(found.lost) + found.counts["kept"] + found.counts["repeated"]
    assert "3 lost" in str(found) and found.to_dict()["reasons"]["its atoms are not mapped"] == 1


def test_the_same_rule_is_one_template_however_it_is_mapped():
    left = "[CH3:1][C:2](=[O:3])[OH:9].[OH:4][CH2:5][CH3:6]>>[CH3:1][C:2](=[O:3])[O:4][CH2:5][CH3:6]"
    right = "[CH3:7][CH2:6][OH:1].[CH3:4][C:3](=[O:2])O>>[CH3:4][C:3](=[O:2])[O:1][CH2:6][CH3:7]"
    assert len({template_key(extract_template(clean_reaction(text))) for text in (left, right)}) == 1
    assert extract(left, right).counts["templates"] == 1


def test_a_template_that_does_not_give_back_its_reactants_is_lost(monkeypatch):
    monkeypatch.setattr("rrgraph.organic.extraction.extract.extract_template", lambda _: "[C:1]-[O:2]>>[C:1].[O:2]")
    found = extract(ESTER)
    assert found.rows == ()
    assert found.reasons == {"its template does not give back its reactants": 1}


def ester_of_chain(carbons):
    """Return a mapped esterification of an acid with so many further carbons."""
    chain = "".join(f"[CH2:{number}]" for number in range(10, 10 + carbons))
    return ESTER.replace("[CH3:1]", f"[CH3:1]{chain}")


def test_products_are_divided_by_themselves_unless_the_file_says_how():
    raw = RawReaction.numbered(ester_of_chain(carbons) for carbons in range(12))
    found = extract_templates(raw, mapper=None, applier=TemplateApplier()).to_frame()
    assert found["split"].value_counts().to_dict() == {"train": 8, "validation": 2, "test": 2}
    given = [RawReaction(each.text, each.row, subset="test") for each in raw]
    assert set(extract_templates(given, mapper=None, applier=TemplateApplier()).to_frame()["split"]) == {"test"}


def test_reasons_survive_the_way_between_processes():
    error = pickle.loads(pickle.dumps(ReactionError("reason", "detail")))
    assert (error.reason, str(error)) == ("reason", "reason: detail")


def test_a_missing_mapper_is_named(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "rxnmapper", None)
    with pytest.raises(ConfigError, match=r"needs RXNMapper.*'rrgraph\[mapping\]'"):
        RxnMapper(cache=tmp_path)(["CO>>C=O"])


@pytest.mark.skipif(find_spec("rxnmapper") is None, reason="needs the extra 'mapping'")
def test_rxnmapper_maps_and_remembers(tmp_path, monkeypatch):
    text = clean_reaction(UNMAPPED).unmapped()
    first = RxnMapper(cache=tmp_path)([text])
    mapped, confidence = first[text]
    assert clean_reaction(mapped).is_mapped and 0 < confidence <= 1
    monkeypatch.setattr("rxnmapper.BatchedMapper.map_reactions_with_info", lambda *_: pytest.fail("mapped again"))
    assert RxnMapper(cache=tmp_path)([text]) == first
