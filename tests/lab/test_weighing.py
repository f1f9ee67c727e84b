"""Tests of rrgraph.lab.weighing: excess, purity, rounding, stock."""

import pytest

from rrgraph.chem import balance, batch_masses, molar_mass, parse_formula
from rrgraph.data import PrecursorSet
from rrgraph.errors import OptionError, RRGraphError
from rrgraph.lab import ANY, Batch, StockItem, as_batch, weigh_out
from rrgraph.planning import PlannedSet, SynthesisPlan

LLZO = balance("Li7La3Zr2O12", ["Li2CO3", "La2O3", "ZrO2"])
PLAIN = {each.formula: mass for each, mass in batch_masses(LLZO, 10).items()}


def planned(target, precursors, **options):
    members = PrecursorSet(map(parse_formula, precursors.split()))
    return PlannedSet(rank=1, precursors=members, probability=0.5, score=-0.7, target=parse_formula(target), **options)


def test_plain_grams_are_those_of_the_equation():
    assert weigh_out(LLZO, 10).grams == pytest.approx(PLAIN, rel=1e-5)
    assert planned("Li7La3Zr2O12", "Li2CO3 La2O3 ZrO2").grams(10) == weigh_out(LLZO, 10).grams


def test_an_excess_of_an_element_is_weighed_with_what_brings_it_alone():
    found = weigh_out(LLZO, Batch(10, excess="Li=10")).grams
    assert found["Li2CO3"] == pytest.approx(PLAIN["Li2CO3"] * 1.1, rel=1e-5)
    assert [found[name] for name in ("La2O3", "ZrO2")] == pytest.approx([PLAIN["La2O3"], PLAIN["ZrO2"]], rel=1e-5)


def test_an_excess_counts_all_of_the_element_and_not_only_that_of_its_source():
    equation = balance("Li7La3Zr2O12", ["LiOH", "La2O3", "Li2ZrO3"])
    out = weigh_out(equation, Batch(10, excess={"Li": 10}))
    excess = {each.material.formula: each.excess for each in out.portions}
    # Of 7 Li 3 come from LiOH, which brings all of the 0.7 more.
    assert excess == {"LiOH": pytest.approx(100 * 0.7 / 3, rel=1e-5), "La2O3": 0, "Li2ZrO3": 0}


@pytest.mark.parametrize(
    ("target", "precursors", "excess", "words"),
    [
        ("LiFePO4", "Li3PO4 Fe3(PO4)2", "Li=5", "Li3PO4 would bring more than Li"),
        ("BaTiO3", "BaCO3 TiO2", "Pb=5", "holds no Pb"),
    ],
)
def test_an_excess_that_cannot_be_added_is_told(target, precursors, excess, words):
    found = planned(target, precursors)
    out = found.weigh_out(Batch(10, excess=excess))
    assert out.grams == found.grams(10)
    assert [words in remark for remark in out.remarks] == [True]


def test_a_precursor_can_have_an_excess_of_its_own():
    equation = balance("MgB2", ["Mg", "B"])
    plain, found = weigh_out(equation, 5).grams, weigh_out(equation, Batch(5, excess="Mg1=20")).grams
    assert found == pytest.approx({"Mg": plain["Mg"] * 1.2, "B": plain["B"]}, rel=1e-5)


def test_purity_comes_from_the_batch_before_the_stock():
    stock = [
        StockItem(parse_formula("Li2CO3"), purity=0.9, name="in the jar"),
        StockItem(parse_formula("ZrO2"), purity=0.8),
    ]
    batch = Batch(10, purity=["Li2CO3=99.5", "3N"])
    out = weigh_out(LLZO, batch, stock=stock)
    assert {each.material.formula: each.purity for each in out.portions} == {
        "Li2CO3": 0.995,
        "La2O3": 0.999,
        "ZrO2": 0.999,
    }
    assert out.grams["Li2CO3"] == pytest.approx(PLAIN["Li2CO3"] / 0.995, rel=1e-5)
    assert out.portions[0].name == "in the jar"
    assert weigh_out(LLZO, 10, stock=stock).grams["ZrO2"] == pytest.approx(PLAIN["ZrO2"] / 0.8, rel=1e-5)


def test_masses_are_rounded_to_what_the_balance_reads():
    for step in (1, 0.5, 0.01, 0.001, 0.0002):
        for name, mass in weigh_out(LLZO, Batch(10, balance=step)).grams.items():
            assert mass / step == pytest.approx(round(mass / step), abs=1e-6)
            assert abs(mass - PLAIN[name]) <= step / 2 + 1e-9


def test_a_portion_that_is_little_for_the_balance_is_told():
    out = weigh_out(balance("Li7La3Zr2O12", ["Li2CO3", "La2O3", "ZrO2"]), Batch(0.1, balance=0.01))
    assert len(out.remarks) == 3 and "a larger batch helps" in out.remarks[0]
    assert not weigh_out(LLZO, Batch(10, balance=0.001)).remarks


def test_the_stock_limits_a_batch_with_its_excess():
    jars = (StockItem(parse_formula("BaCO3"), grams=3), StockItem(parse_formula("BaCO3"), grams=2))
    found = planned("BaTiO3", "BaCO3 TiO2", stock=jars)
    most = found.most_of(Batch(1, excess="Ba=10"))
    assert most == pytest.approx(found.most_grams / 1.1, rel=1e-3)
    assert found.shortages(Batch(most, excess="Ba=10")) == {}
    assert set(found.shortages(Batch(most * 1.01, excess="Ba=10"))) == {"BaCO3"}


def test_every_door_weighs_the_same():
    batch = Batch(10, excess="Li=10", purity="99", balance=0.001)
    found = planned("Li7La3Zr2O12", "Li2CO3 La2O3 ZrO2")
    plan = SynthesisPlan(target="Li7La3Zr2O12", sets=(found,))
    line = plan.to_dict(grams=batch)
    assert line["grams"] == [found.grams(batch)]
    assert {each["formula"]: each["grams"] for each in line["weigh_out"][0]["portions"]} == found.grams(batch)
    assert plan.to_frame(grams=batch)["grams"].tolist() == [
        ";".join(f"{mass:.5g}" for mass in found.grams(batch).values())
    ]
    portion = line["weigh_out"][0]["portions"][0]
    exact = 10 / line["weigh_out"][0]["target_molar_mass"] * portion["coefficient"] * portion["molar_mass"] * 1.1 / 0.99
    assert portion["grams"] == pytest.approx(exact, abs=5e-4)
    assert line["weigh_out"][0]["target_molar_mass"] == pytest.approx(molar_mass(parse_formula("Li7La3Zr2O12")))


def test_the_same_is_read_from_texts_lists_and_mappings():
    expected = {"Li": 10.0, "Na2CO3": 2.5}
    for given in ("Li=10,Na2CO3=2.5", ["Li=10 %", "Na2CO3=2,5"], {"Li": 10, "Na2CO3": "2.5"}):
        assert Batch(1, excess=given).excess == expected
    for given in (99.5, "99.5", "99,5 %", ["0.995"], {ANY: 99.5}):
        assert Batch(1, purity=given).purity == {ANY: pytest.approx(0.995)}
    assert as_batch(Batch(3)) == as_batch(3)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"excess": "Li"}, "expected an element or precursor and percent"),
        ({"excess": "Li="}, "expected a name and a value"),
        ({"excess": "Li=ten"}, "'ten', expected percent from 0 to 1000"),
        ({"excess": "Li=-5"}, "expected percent"),
        ({"excess": "Li=nan"}, "expected percent"),
        ({"excess": "Li=5,Li=10"}, "of Li is given more than once"),
        ({"purity": ["99", "98"]}, "is given more than once"),
        ({"excess": "Lx=5"}, "neither an element nor a formula"),
        ({"purity": "BaCO3=0"}, "expected percent"),
        ({"purity": "101"}, "expected percent"),
        ({"balance": 0}, "expected a positive number"),
        ({"balance": float("nan")}, "expected a positive number"),
        ({"grams": True}, "expected a positive number of grams"),
        ({"grams": float("inf")}, "expected a positive number of grams"),
    ],
)
def test_bad_values_are_refused_in_a_sentence(options, words):
    with pytest.raises(OptionError) as refusal:
        Batch(**{"grams": 1.0, **options})
    assert words in str(refusal.value)
    with pytest.raises(RRGraphError):
        weigh_out(LLZO, -1)
