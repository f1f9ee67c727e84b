"""What a chemist expects of plans: sets that can make the target, for ordinary targets of ten classes."""

import pytest

import rrgraph as rr

TARGETS = {
    "perovskites": "BaTiO3 SrTiO3 LaMnO3 NaNbO3 KNbO3 PbZrO3 BiFeO3 La0.7Sr0.3MnO3 Ba(Zr0.2Ti0.8)O3",
    "battery materials": "LiCoO2 LiFePO4 LiMn2O4 LiNi0.8Co0.1Mn0.1O2 Li4Ti5O12 Na3V2(PO4)3 Li7La3Zr2O12 Li2FeSiO4",
    "oxides": "MgAl2O4 ZnFe2O4 YBa2Cu3O7 Y3Al5O12 CaMoO4 Bi2WO6 La2Zr2O7 Ca3Al2O6 Mg2SiO4 Na2ZnSiO4",
    "phosphors": "Sr2MgSi2O7 BaMgAl10O17 Ca2Si5N8 CaAlSiN3 Y2O2S Zn2SiO4 SrAl2O4",
    "fluorides": "KMgF3 K2SiF6 NaYF4 LiBaF3 Na3AlF6 BaMgF4 K2NiF4",
    "halides": "CsPbBr3 CsPbI3 Cs2AgBiBr6 CH3NH3PbI3 Li3YCl6 BaFCl",
    "chalcogenides": "CuInS2 Cu2ZnSnS4 Bi2Te3 MoS2 Li3PS4 LaCuOS Na3SbS4",
    "nitrides": "GaN Si3N4 TiN AlN BN Li3N Ta3N5",
    "carbides": "WC TiC SiC B4C Ti3AlC2 Mo2C TaC",
    "borides, silicides, intermetallics": "MgB2 TiB2 LaB6 MoSi2 Mg2Si FeSb2 ZrNiSn",
}
"""Ten classes of targets."""


@pytest.fixture(scope="module")
def plans():
    names = [name for text in TARGETS.values() for name in text.split()]
    assert len(names) == len(set(names)) == 75
    shown = rr.plan(names, literature=False)
    every = rr.plan(names, literature=False, balanced=False)
    return dict(zip(names, zip(shown, every, strict=True), strict=True))


def test_every_target_has_a_first_set_that_can_make_it(plans):
    for name, (plan, _) in plans.items():
        assert plan.best.equation is not None, name
        assert plan.best.warning is None, name


def test_all_listed_sets_can_make_their_target(plans):
    listed = [found for plan, _ in plans.values() for found in plan]
    assert len(listed) > 600
    assert all(found.equation is not None and found.warning is None for found in listed)


def test_what_is_hidden_is_counted_with_its_probability(plans):
    for name, (plan, every) in plans.items():
        bad = [found for found in every if found.equation is None or found.warning]
        kept = [found.precursors for found in every if found not in bad]
        assert [found.precursors for found in plan][: len(kept)] == kept, name
        assert plan.hidden >= len([found for found in bad if found.probability > plan[-1].probability]), name
        assert plan.no_match == pytest.approx(1 - sum(found.probability for found in plan), abs=1e-9), name


@pytest.mark.parametrize(
    ("target", "top_k", "expected"),
    [
        ("WC", 3, ["W C", "WO3 C"]),
        ("TiC", 3, ["Ti C", "TiO2 C"]),
        ("Ti3AlC2", 3, ["Ti Al C", "Ti Al TiC"]),
        ("SiC", 3, ["Si C", "SiO2 C"]),
        ("B4C", 3, ["B C", "B2O3 C", "H3BO3 C"]),
        ("Mo2C", 3, ["Mo C", "MoO3 C"]),
        ("KMgF3", 1, ["KF MgF2"]),
        ("K2NiF4", 1, ["KF NiF2"]),
        ("CH3NH3PbI3", 3, ["CH3NH3I PbI2"]),
        ("CH3NH3PbBr3", 3, ["CH3NH3Br PbBr2"]),
    ],
)
def test_the_usual_set_is_among_the_first(target, top_k, expected):
    found = [frozenset(each.precursors) for each in rr.plan(target, top_k=top_k, literature=False)]
    assert any(frozenset(map(rr.parse_formula, names.split())) in found for names in expected)


def test_alkali_metals_and_acids_are_not_listed_together():
    for plan in rr.plan(["K2SiF6", "Na2SiF6", "Rb2SiF6", "NaH2PO4"], top_k=5, literature=False):
        assert len(plan) == 5
        assert not [str(found) for found in plan if found.warning]


@pytest.mark.parametrize("target", ["Zn4O(C8H4O4)3", "Cu3(C9H3O6)2"])
def test_organic_carbon_without_a_source_is_refused(target):
    plan = rr.plan(target, literature=False)
    assert len(plan) == 0
    assert plan.message == f"No candidate that may be used for {target} supplies organic carbon."


@pytest.mark.parametrize(
    ("target", "hydrates"),
    [
        ("LiFePO4", "Li2CO3,FeC2O4·2H2O,NH4H2PO4,Fe2O3"),
        ("LiNiO2", "Ni(NO3)2·6H2O,LiNO3,LiOH·H2O,NiO"),
        ("LaMnO3", "La(NO3)3·6H2O,Mn(CH3COO)2·4H2O,La2O3"),
    ],
)
def test_a_stock_of_hydrates_gives_the_plan_of_the_salts(target, hydrates):
    salts = ",".join(name.split("·")[0] for name in hydrates.split(","))
    wet, dry = (rr.plan(target, stock=stock, literature=False) for stock in (hydrates, salts))
    assert len(wet) == len(dry) > 0
    for one, other in zip(wet, dry, strict=True):
        assert [str(each) for each in one.precursors] == [
            next(name for name in hydrates.split(",") if name.split("·")[0] == str(each)) for each in other.precursors
        ]
        assert one.precursors == other.precursors
        assert one.probability == other.probability
        for (name, grams), dry_grams in zip(one.grams(10).items(), other.grams(10).values(), strict=True):
            assert (grams > dry_grams * 1.05) if "·" in name else (grams == pytest.approx(dry_grams, rel=1e-5))


def test_excluding_a_hydrate_excludes_its_salt():
    for name in ("FeC2O4·2H2O", "FeC2O4"):
        plan = rr.plan("LiFePO4", exclude=name, literature=False)
        assert len(plan) == 10
        assert not any("FeC2O4" in str(found) for found in plan)
