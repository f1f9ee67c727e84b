from __future__ import annotations

import pytest

from rrgraph.chem import parse_formula
from rrgraph.data import load_table
from rrgraph.errors import PlanningError
from rrgraph.planning import CANDIDATE_WORDS, TargetCandidates, library_candidates, resolve_candidates

KNOWN = [parse_formula(text) for text in ("BaCO3", "TiO2", "BaO")]
SEEN = KNOWN[:2]


def keys(candidates):
    return [each.key for each in candidates]


def resolved(choice, **options):
    return resolve_candidates(choice, KNOWN, SEEN, **options)


def test_each_word_means_a_list():
    assert keys(resolved("vocabulary")) == keys(resolved("all")) == keys(KNOWN)
    assert keys(resolved("train")) == keys(SEEN)
    assert keys(resolved("library")) == keys(library_candidates())
    assert keys(resolved("textbook")) == list(load_table("textbook").precursors())


def test_all_is_what_the_caller_says():
    every = [*KNOWN, parse_formula("KO2")]
    assert keys(resolved("all", every=every)) == keys(every)
    assert keys(resolved("all+textbook", every=every))[:4] == keys(every)
    assert keys(resolved("vocabulary", every=every)) == keys(KNOWN)


def test_plus_signs_join_words_and_lists(tmp_path):
    joined = keys(resolved("train+library"))
    assert joined[:2] == keys(SEEN)
    assert set(joined) == set(keys(SEEN)) | set(keys(library_candidates()))
    assert len(joined) == len(set(joined))
    listed = tmp_path / "mine.txt"
    listed.write_text("CrB\nCrB2\n")
    assert keys(resolved(f"train+{listed}")) == [*keys(SEEN), "BCr", "B2Cr"]
    assert keys(resolved("train+CrB,CrB2")) == [*keys(SEEN), "BCr", "B2Cr"]


def test_required_precursors_join_a_joined_list():
    required = [parse_formula("BaZrO3")]
    assert keys(resolved("train+vocabulary", required=required)) == [*keys(KNOWN), "BaO3Zr"]


def test_generated_candidates_belong_to_their_target():
    target = parse_formula("Cr2AlB2")
    found = resolved("train+generated", targets=[target])
    assert isinstance(found, TargetCandidates)
    assert found.shared == 2
    assert isinstance(resolved("generated", targets=[target]), TargetCandidates)


def test_a_file_with_a_plus_sign_in_its_name(tmp_path):
    listed = tmp_path / "a+b.txt"
    listed.write_text("CrB\n")
    assert keys(resolved(str(listed))) == ["BCr"]


def test_the_library_leaves_hydrates_to_their_dry_salts():
    formulas = {each.formula for each in library_candidates()}
    assert "FeC2O4" in formulas
    assert not any(formula.endswith("H2O") for formula in formulas)


@pytest.mark.parametrize("choice", ["libary", "train+libary", "textbok", ""])
def test_what_is_no_list_is_refused(choice):
    with pytest.raises(ValueError, match=r"candidates|formula") as caught:
        resolved(choice)
    if choice == "libary":
        assert isinstance(caught.value, PlanningError)
        assert "'library'" in str(caught.value)


def test_words_are_listed():
    assert all(len(resolved(word, targets=[parse_formula("BaTiO3")])) for word in CANDIDATE_WORDS)
