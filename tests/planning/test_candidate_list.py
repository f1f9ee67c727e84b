from __future__ import annotations

from rrgraph.chem import anhydrous, parse_formula
from rrgraph.planning import (
    CandidateList,
    TargetCandidates,
    library_candidates,
    offered,
    offered_keys,
    resolve_candidates,
)


def keys(text):
    return {parse_formula(each).key for each in text.split()}


def read(text):
    return [parse_formula(each) for each in text.split()]


def resolve(choice, **options):
    return resolve_candidates(choice, read("BaCO3 TiO2"), read("BaCO3"), targets=read("BaTiO3"), **options)


def test_listed_candidates_are_not_offered_in_any_spelling():
    found = CandidateList.of(read("BaO BaCl2 TiO2"), listed=read("BaCl2·2H2O Ti2O4"))
    assert found.offered == keys("BaO") and list(found) == read("BaO BaCl2 TiO2")
    assert offered_keys(read("BaO")) == frozenset()
    assert offered(found).offered == keys("BaO BaCl2 TiO2")


def test_compounds_made_up_for_a_target_are_offered_unless_they_are_listed():
    shared = CandidateList.of(read("BaO BaTe TiO2"), listed=read("TiO2"))
    found = TargetCandidates(shared, {"BaO3Ti": read("TiO2 BaTi4O9 BaO")})
    assert (found.offered, found.made_up) == (keys("BaO BaTe BaTi4O9"), keys("BaTi4O9"))
    everything = offered(found)
    assert (everything.offered, everything.made_up) == (keys("BaO BaTe BaTi4O9 TiO2"), found.made_up)
    assert list(everything) == list(found) and found.offered != everything.offered
    assert TargetCandidates(read("BaO"), {"BaO3Ti": read("BaO BaO2")}).offered == keys("BaO2")


def test_words_say_what_is_offered():
    library = {anhydrous(each).key for each in library_candidates()}
    assert offered_keys(resolve("library")) == library
    assert offered_keys(resolve("vocabulary")) == offered_keys(resolve("BaO,TiO2")) == frozenset()
    assert offered_keys(resolve("train+library")) == library - keys("BaCO3")
    assert offered_keys(resolve("library+BaO,SrO", required=read("BaTe"))) == library - keys("BaO SrO BaTe")
    both = offered_keys(resolve("vocabulary+generated"))
    assert keys("BaTi4O9") <= both and not keys("BaCO3 TiO2") & both
    every = CandidateList.of(read("BaCO3 BaTe"), listed=read("BaCO3"))
    assert offered_keys(resolve("all+generated", every=every)) > keys("BaTe")
    assert not keys("BaCO3") & offered_keys(resolve("all+generated", every=every))
