from __future__ import annotations

import pytest

ROUTES = ("--route", "BaCO3 + TiO2", "--route", "BaO;TiO2", "--route", "Al2O3,TiO2")


def test_exactly_the_routes_that_are_asked_for(rrgraph, trained):
    argv = ("plan", "BaTiO3", "--model", trained, "--grams", 10)
    (line,) = rrgraph(*argv, *ROUTES, "--json").lines
    assert line["sets"] == [["BaCO3", "TiO2"], ["BaO", "TiO2"], ["Al2O3", "TiO2"]]
    assert line["probabilities"][2] is line["scores"][2] is line["equations"][2] is line["grams"][2] is None
    assert line["grams"][1] == pytest.approx({"BaO": 6.5755, "TiO2": 3.4249}, abs=1e-3)
    header, *rows = rrgraph(*argv, *ROUTES).out.strip().splitlines()[1:]
    assert "alternative" not in header
    assert [row.split()[0] for row in rows[:3]] == ["1", "2", "3"]
    assert rows[2].split()[1] == "-" and "does not balance" in rows[2]


def test_probabilities_are_those_of_the_plan(rrgraph, trained):
    (plan,) = rrgraph("plan", "BaTiO3", "--model", trained, "--json").lines
    (line,) = rrgraph("plan", "BaTiO3", "--model", trained, *ROUTES, "--json").lines
    ranked = {frozenset(names): p for names, p in zip(plan["sets"], plan["probabilities"], strict=True)}
    for names, probability in zip(line["sets"][:2], line["probabilities"], strict=False):
        assert probability == pytest.approx(ranked.get(frozenset(names), probability), rel=1e-6)
    assert frozenset(line["sets"][0]) in ranked


def test_unseen_precursors_and_files(rrgraph, trained, tmp_path):
    path = tmp_path / "routes.csv"
    rrgraph("plan", "BaTiO3", "--model", trained, "--route", "BaTi5O11 + TiO2", "--output", path)
    header, row = path.read_text().splitlines()
    cells = dict(zip(header.split(","), row.split(","), strict=True))
    assert (cells["precursors"], cells["unseen"].split(";")[0]) == ("BaTi5O11;TiO2", "BaTi5O11")


@pytest.mark.parametrize(
    ("argv", "words"),
    [
        (["BaTiO3", "SrTiO3", "--route", "BaO,TiO2"], ["--route", "one target"]),
        (["BaTiO3", "--route", " ; "], ["The route is ' ; '", "'BaCO3 + TiO2'"]),
        (["BaTiO3", "--route", "BaO,Xx2"], ["'Xx2'"]),
    ],
)
def test_bad_routes_are_refused_in_a_sentence(rrgraph, trained, argv, words):
    result = rrgraph("plan", *argv, "--model", trained)
    assert result.code == 2
    for word in words:
        assert word in result.err
