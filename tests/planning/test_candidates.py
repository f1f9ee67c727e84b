from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rrgraph.chem import VOLATILE, parse_formula, source_elements
from rrgraph.data import data_path
from rrgraph.errors import DataError, FormulaError, PlanningError
from rrgraph.planning import CandidateFilter, SetConstraints, read_candidates

POOL = [
    parse_formula(text)
    for text in (
        "Li2CO3", "LiOH", "La2O3", "ZrO2", "TiO2", "BaCO3", "BaTiO3", "BaCl2", "NaCl", "NH4Cl", "C", "CO(NH2)2", "H2O",
        "Ti", "TiC", "Al", "Li7La3Zr2O12", "UO2", "LrF3",
    )
]  # fmt: skip


def formulas(target, **rules):
    pool = CandidateFilter(POOL, SetConstraints(**rules))
    return [pool.candidates[index].formula for index in pool.feasible(parse_formula(target)).indices]


def test_members_share_an_element_and_bring_none_that_is_foreign():
    assert formulas("Li4Ti5O12") == ["Li2CO3", "LiOH", "TiO2", "Ti", "TiC"]
    assert formulas("LrF3O") == ["LrF3"]


def test_the_target_is_never_its_own_precursor():
    assert "BaTiO3" not in formulas("BaTiO3")
    assert "BaTiO3" in formulas("Ba2TiO4")
    assert formulas("Ti2Ba2O6") == formulas("BaTiO3")


def test_carbon_of_a_target_may_come_from_carbon():
    assert formulas("Ti3AlC2") == ["TiO2", "C", "CO(NH2)2", "Ti", "TiC", "Al"]


def test_carbon_of_a_carbide_is_supplied_and_that_of_a_carbonate_is_not():
    pool = CandidateFilter(POOL, SetConstraints())
    assert pool.feasible(parse_formula("Ti3AlC2")).need == 0b111
    assert pool.feasible(parse_formula("Li2TiO2CO3")).need == 0b11
    without = CandidateFilter([each for each in POOL if "C" not in each.elements], SetConstraints())
    assert without.feasible(parse_formula("Ti3AlC2")).missing == ("carbon",)
    assert pool.feasible(parse_formula("Ti(C8H4O4)2")).missing == ("organic carbon",)


def test_a_target_of_volatile_elements_is_covered_strictly():
    pool = CandidateFilter(POOL, SetConstraints())
    found = pool.feasible(parse_formula("C2H4N4"))
    assert found.need == 0b111
    assert [pool.candidates[index].formula for index in found.indices] == ["C", "CO(NH2)2", "H2O"]
    assert found.masks.tolist() == [0b001, 0b111, 0b010]


def test_foreign_candidates_and_fillers_on_request():
    assert formulas("BaTiO3", foreign=True) == [c.formula for c in POOL if c.formula != "BaTiO3"]


def test_required_elements_and_precursors_may_be_foreign():
    assert formulas("BaTiO3", required_elements={"Cl"})[:3] == ["TiO2", "BaCO3", "BaCl2"]
    assert "NH4Cl" in formulas("BaTiO3", required_elements={"Cl"})
    assert "NaCl" not in formulas("BaTiO3", required_elements={"Cl"})
    assert "NaCl" in formulas("BaTiO3", required={"NaCl"})


def test_stock_exclusions_and_excluded_elements():
    assert formulas("BaTiO3", stock=["TiO2", "BaCO3", "UO2"]) == ["TiO2", "BaCO3"]
    assert formulas("BaTiO3", excluded=["TiO2"]) == ["BaCO3", "Ti", "TiC"]
    assert formulas("BaTiO3", excluded_elements=["Ba"]) == []
    assert formulas("Li4Ti5O12", excluded_elements=["C"]) == ["LiOH", "TiO2", "Ti"]


def test_what_nobody_supplies_is_named():
    pool = CandidateFilter(POOL, SetConstraints())
    found = pool.feasible(parse_formula("KNbO3"))
    assert found.missing == ("K", "Nb")
    assert len(found.indices) == len(found.masks) == 0
    own = CandidateFilter(POOL, SetConstraints(required=["BaTiO3"])).feasible(parse_formula("BaTiO3"))
    assert own.missing == ("BaTiO3",)


@given(
    st.sampled_from(["Li7La3Zr2O12", "BaTiO3", "TiC", "C3N4", "LiUO4", "NaCl", "Ba2TiO3Cl2", "LrAlO3"]),
    st.sampled_from(["strict", "exempt"]),
    st.booleans(),
    st.booleans(),
    st.sets(st.sampled_from(["Cl", "Li", "F", "O"]), max_size=2),
)
def test_masks_agree_with_element_sets(formula, cover, foreign, one_per_element, required_elements):
    rules = SetConstraints(
        cover=cover, foreign=foreign, one_per_element=one_per_element, required_elements=required_elements
    )
    target, pool = parse_formula(formula), CandidateFilter(POOL, rules)
    found = pool.feasible(target)
    source = source_elements(target)
    carbide = formula == "TiC" and cover == "exempt"
    own = target.elements if cover == "strict" else source | ({"C"} if carbide else set())
    needed = sorted(own | required_elements)
    usable = [
        candidate
        for candidate in POOL
        if candidate != target
        and (foreign or not candidate.elements - target.elements - VOLATILE - required_elements)
        and (foreign or candidate.elements & ((target.elements - {"O", "H"}) | set(needed)))
    ]
    brought = frozenset().union(*[candidate.elements for candidate in usable])
    assert found.missing == tuple(symbol for symbol in needed if symbol not in brought)
    if not found.missing:
        assert [pool.candidates[index] for index in found.indices] == usable
        assert [{needed[bit] for bit in range(len(needed)) if mask >> bit & 1} for mask in found.masks.tolist()] == [
            candidate.elements & set(needed) - ({"C"} if carbide and candidate.elements & {"O"} else set())
            for candidate in usable
        ]
        assert {needed[bit] for bit in range(len(needed)) if found.exclusive >> bit & 1} == (
            source if one_per_element else set()
        )


def test_spellings_of_one_candidate_count_once():
    pool = CandidateFilter([parse_formula("Fe2O3"), parse_formula("Fe4O6"), parse_formula("FeO")], SetConstraints())
    assert [candidate.formula for candidate in pool.candidates] == ["Fe2O3", "FeO"]


@pytest.mark.parametrize(
    ("candidates", "rules", "message"),
    [
        ([], {}, "There are no candidates, expected at least one precursor."),
        (
            POOL,
            {"required": ["LaO"]},
            "The required precursor 'LaO' is not among the 19 candidates. Did you mean 'La2O3'?",
        ),
        (POOL, {"stock": ["KCl"]}, "None of the precursors in stock, such as 'ClK', is among the 19 candidates."),
    ],
)
def test_candidates_that_do_not_fit_the_constraints(candidates, rules, message):
    with pytest.raises(PlanningError) as caught:
        CandidateFilter(candidates, SetConstraints(**rules))
    assert str(caught.value) == message


def test_reads_a_list():
    found = read_candidates("B, Cr,AlB2,B,Cr2B4,")
    assert [candidate.formula for candidate in found] == ["B", "Cr", "AlB2", "Cr2B4"]
    assert [candidate.formula for candidate in read_candidates("TiO2")] == ["TiO2"]


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("stock.txt", "# my shelf\nLi2CO3\n\nCo3O4\nCO3Li2\n"),
        ("stock.csv", "grams,formula\n3,Li2CO3\n1,Co3O4\n"),
        ("stock.csv", "\ufeff precursor ,grams\nLi2CO3,2\n,\nCo3O4,\n"),
        ("stock", "Li2CO3\r\nCo3O4"),
    ],
)
def test_reads_files(tmp_path, name, content):
    path = tmp_path / name
    path.write_text(content, encoding="utf-8")
    assert [candidate.formula for candidate in read_candidates(path)] == ["Li2CO3", "Co3O4"]
    assert read_candidates(str(path)) == read_candidates(path)


def test_long_lists_are_no_file_names():
    assert len(read_candidates(",".join(f"LiTi{n}O" for n in range(1, 100)))) == 99


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.txt", "Li2CO3\nHello\n", "Line 2 of the candidate file"),
        ("a.txt", "# nothing\n", "has no formulas"),
        ("a.csv", "salt,price\nlithium carbonate,3\n", "has no column of formulas, .* found salt, price"),
        ("a.csv", "formula,price\n7,3\n", r"has no column of formulas, .* found formula \(numbers\), price"),
        ("a.csv", "", "is empty"),
    ],
)
def test_says_what_is_wrong_with_a_file(tmp_path, name, content, message):
    path = tmp_path / name
    path.write_text(content, encoding="utf-8")
    with pytest.raises(DataError, match=message):
        read_candidates(path)


def test_a_missing_file_and_a_bad_list(tmp_path):
    with pytest.raises(DataError, match=r"There is no candidate file 'nowhere\.txt'"):
        read_candidates("nowhere.txt")
    with pytest.raises(FormulaError, match="Hello"):
        read_candidates("TiO2,Hello")


@pytest.mark.data
def test_a_catalogued_list_is_read_by_its_name():
    assert read_candidates("precursor_pool") == read_candidates(data_path("precursor_pool"))


def test_excluded_and_required_classes():
    assert formulas("Li4Ti5O12", excluded_classes=["carbonates", "metals"]) == ["LiOH", "TiO2", "TiC"]
    pool = CandidateFilter(POOL, SetConstraints(required_classes=["carbonates"]))
    found = pool.feasible(parse_formula("Li4Ti5O12"))
    classed = {pool.candidates[i].formula for i, mask in zip(found.indices, found.masks, strict=True) if mask >> 2}
    assert found.need == 0b111
    assert classed == {"Li2CO3"}
    none = CandidateFilter(POOL, SetConstraints(required_classes=["azides"]))
    assert none.feasible(parse_formula("Li4Ti5O12")).missing == ("azides",)
