from __future__ import annotations

import json

import pytest

import rrgraph as rr
from rrgraph.app import Busy, TooSlow
from rrgraph.app.security import MOST_BYTES


def post(client, address, **values):
    return client.post(address, json=values)


def test_a_plan_is_that_of_the_library(client):
    answer = post(client, "/api/plan", targets=["BaTiO3", "LiFePO4"], top_k=3, energies=False, grams=10)
    assert answer.status_code == 200
    plans = rr.plan(["BaTiO3", "LiFePO4"], top_k=3)
    for found, plan in zip(answer.json()["plans"], plans, strict=True):
        assert found["target"] == plan.target
        assert [[each["formula"] for each in own["precursors"]] for own in found["sets"]] == [
            [each.formula for each in own.precursors] for own in plan
        ]
        assert [own["probability"] for own in found["sets"]] == pytest.approx([own.probability for own in plan])
        assert found["another_set"] == pytest.approx(plan.no_match)
        weighed = {each["formula"]: each["grams"] for each in found["sets"][0]["weighed"]["portions"]}
        assert weighed == plan.best.grams(10)
        assert found["sets"][0]["equation"]["equation"] == str(plan.best.equation)
        assert [each["doi"] for each in found["literature"]] == [each.doi for each in plan.literature]


def test_options_mean_what_they_mean_on_the_command_line(client):
    answer = post(
        client, "/api/plan", targets=["BaTiO3"], exclude=["BaCO3", "nitrates"], stock="BaO, BaO2, TiO2", top_k=5
    ).json()["plans"][0]
    sets = [{each["formula"] for each in found["precursors"]} for found in answer["sets"]]
    assert sets and all(found <= {"BaO", "BaO2", "TiO2"} for found in sets)


def test_one_bad_formula_does_not_stop_the_others(client):
    bad, good = post(client, "/api/plan", targets=["Qq", "BaTiO3"], top_k=1).json()["plans"]
    assert bad["sets"] == [] and bad["message"] == "'Qq' is not a valid formula: 'Qq' is not an element."
    assert len(good["sets"]) == 1


@pytest.mark.parametrize(
    ("values", "option", "sentence"),
    [
        ({"targets": ["BaTiO3"], "exclude": ["nitrats"]}, "exclude", "Did you mean 'nitrates'?"),
        ({"targets": ["BaTiO3"], "set_size": "many"}, "set_size", "set_size is 'many', expected a number such as 3"),
        ({"targets": ["BaTiO3"], "temperature": "hot"}, "temperature", "The temperature is 'hot', expected K or"),
        ({"targets": ["BaTiO3"], "excess": "Ba=1"}, "excess", "excess changes what is weighed out, which grams asks"),
        ({"targets": ["BaTiO3"], "balance": 0.1}, "balance", "balance changes what is weighed out"),
        ({"targets": ["BaTiO3"], "exclud": ["N"]}, "exclud", "Did you mean 'exclude'?"),
        ({"targets": ["BaTiO3"], "grams": 1, "excess": ["Li"]}, "excess", "expected an element or precursor"),
        ({"targets": ["BaTiO3"], "stock": "Qq"}, "stock", "stock: the shelf has no formulas that can be read"),
        ({"targets": ["BaTiO3"], "exclude": ["POSCAR"]}, "exclude", "'POSCAR' is not a valid formula."),
        ({"targets": ["BaTiO3"], "byproducts": ["x.cif"]}, "byproducts", "'x.cif' is not a valid formula."),
        ({"targets": ["BaTiO3", "LiFePO4"], "routes": ["BaO+TiO2"]}, None, "Routes are compared for one target"),
        ({"targets": ["BaTiO3"], "atmosphere": "inrt"}, "atmosphere", "atmosphere is 'inrt', expected one of air"),
        ({}, "targets", "targets: there is none"),
        ({"targets": ["BaTiO3"], "model": "/tmp"}, "model", "model is not an option"),
    ],
)
def test_errors_are_one_sentence(client, values, option, sentence):
    answer = client.post("/api/plan", json=values)
    assert answer.status_code == 422
    error = answer.json()["error"]
    assert sentence in error["message"] and error["option"] == option and "/tmp/" not in error["message"]


def test_no_file_of_this_machine_is_read(client, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "stock.csv").write_text("formula\nBaCO3\nTiO2\n")
    answer = post(client, "/api/plan", targets=["BaTiO3"], stock="stock.csv")
    assert answer.status_code == 422 and answer.json()["error"]["option"] == "stock"
    (tmp_path / "POSCAR").write_text("x")
    answer = post(client, "/api/plan", targets=["POSCAR"]).json()["plans"][0]
    assert answer["sets"] == [] and "not a valid formula" in answer["message"]


def test_an_equation_is_balanced_and_weighed(client):
    answer = post(
        client, "/api/balance", target="LiCoO2", precursors=["Li2CO3", "Co3O4"], grams=5, excess=["Li=5"], balance=0.001
    ).json()
    assert answer["whole_numbers"] == "6 Li2CO3 + 4 Co3O4 + O2 → 12 LiCoO2 + 6 CO2"
    assert {each["formula"]: each["grams"] for each in answer["weighed"]["portions"]} == {
        "Li2CO3": 1.982,
        "Co3O4": 4.101,
    }
    refused = post(client, "/api/balance", target="BaO", precursors=["BaO"], purity=["BaO=90"])
    assert refused.json()["error"]["option"] == "purity"
    refused = post(client, "/api/balance", target="BaO", precursors=["BaO"], gram=1)
    assert "Did you mean 'grams'?" in refused.json()["error"]["message"]
    refused = post(client, "/api/balance", target="BaTiO3", precursors=["SrCO3", "TiO2"])
    assert refused.status_code == 422 and "does not balance" in refused.json()["error"]["message"]


def test_a_precursor_that_is_not_weighed_is_told(client):
    def notes(purity: str) -> list[str]:
        values = {"targets": ["BaTiO3", "LiFePO4"], "grams": 5, "purity": purity, "top_k": 2, "energies": False}
        return [note for plan in post(client, "/api/plan", **values).json()["plans"] for note in plan["notes"]]

    told = "BaCo3 is none of the precursors, so its purity is not used. Did you mean 'BaCO3'?"
    assert notes("BaCo3=90") == [told, told] and notes("BaCO3=90") == []
    weighed = post(
        client, "/api/balance", target="BaTiO3", precursors=["BaCO3", "TiO2"], grams=5, purity=["BaCo3=90"]
    ).json()["weighed"]
    assert weighed["remarks"] == [told]


def test_how_a_formula_is_read(client):
    found = client.get("/api/formula", params={"text": "LiNi0.8Co0.2O2-δ"}).json()
    assert found["amounts"] == {"Li": 1, "Ni": 0.8, "Co": 0.2, "O": 2} and found["notes"]
    assert client.get("/api/formula", params={"text": "Qq"}).status_code == 422
    assert client.get("/reading", params={"text": "Qq"}).json() == {
        "error": "'Qq' is not a valid formula: 'Qq' is not an element."
    }


def test_what_is_known_of_a_precursor(client):
    found = client.get("/api/precursor", params={"formula": "ZrO2"}).json()
    assert found["name"] == "zirconium oxide" and found["reactions"] > 1000
    assert "ZrO(NO3)2" in found["replaced_by"] and "ZrO2" not in found["replaced_by"]
    lead = client.get("/api/precursor", params={"formula": "PbO"}).json()
    assert "toxic" in {each["hazard"] for each in lead["handling"]}
    unknown = client.get("/api/precursor", params={"formula": "Og2O7Xe"})
    assert unknown.status_code in (200, 422)


def test_predicted_properties(client):
    found = client.get("/api/properties", params={"formula": "BaTiO3"}).json()["properties"]
    energy = found["formation_energy_mp20"]
    assert -4 < energy["value"] < -3 and energy["uncertainty"] > 0 and energy["unit"] == "eV/atom"


def test_substitutes_cost_probability(client):
    answer = post(client, "/api/substitutes", target="BaTiO3", precursors="BaCO3 + TiO2").json()
    assert {each["replaced"] for each in answer["substitutes"]} == {"BaCO3", "TiO2"}
    assert post(client, "/api/substitutes", target="BaTiO3", precursors=["BaCO3", "TiO2"]).json() == answer
    for wrong in ([], "", 1, [1]):
        refused = post(client, "/api/substitutes", target="BaTiO3", precursors=wrong)
        assert refused.status_code == 422 and refused.json()["error"]["message"]
    assert all(each["probability"] < answer["probability"] for each in answer["substitutes"])
    one = next(each for each in answer["substitutes"] if each["by"] == "BaO")
    chosen = post(client, "/api/plan", targets=["BaTiO3"], routes=["BaO + TiO2"]).json()["plans"][0]["sets"][0]
    assert one["probability"] == pytest.approx(chosen["probability"])


def test_recorded_reactions(client):
    found = client.get("/api/literature", params={"formula": "BaTiO3", "count": 5}).json()
    assert len(found) == 5 and found[0]["same_composition"] and found[0]["doi"].startswith("10.")


def test_the_schema_is_served_and_nothing_from_elsewhere(client):
    schema = client.get("/openapi.json").json()
    assert {"/api/plan", "/api/balance", "/api/precursor", "/api/properties"} <= set(schema["paths"])
    page = client.get("/docs").text
    assert "/api/plan" in page and 'src="http' not in page and 'href="http' not in page


def test_a_body_that_is_too_large_is_refused(client):
    answer = client.post("/api/plan", content=b"x" * (MOST_BYTES + 1))
    assert answer.status_code == 413 and "more than 2,000,000 bytes" in answer.json()["error"]["message"]
    assert client.post("/ask", content=b"x" * (MOST_BYTES + 1)).text.startswith("The request has more than")
    chunks = (b"x" * 100_000 for _ in range(MOST_BYTES // 100_000 + 1))
    assert client.post("/api/plan", content=chunks).status_code == 413


@pytest.mark.parametrize(
    "content", [b"", b"{", b"[]", b"null", b"\xff", b'{"targets": 1}', b'{"targets": [1]}', b"[" * 20_000]
)
def test_what_is_no_question_is_refused(client, content):
    answer = client.post("/api/plan", content=content, headers={"Content-Type": "application/json"})
    assert answer.status_code == 422 and answer.json()["error"]["message"]


def test_other_names_of_the_server_are_refused(client):
    for host in ("evil.example", "evil.example:80", "localhost.evil.example", "", "[::2]", "localhost:1@evil"):
        answer = client.get("/api/formula?text=BaO", headers={"Host": host})
        assert answer.status_code == 400 and "This server is not called" in answer.json()["error"]["message"]
    assert client.get("/", headers={"Host": "evil.example"}).status_code == 400
    for host in ("localhost", "LOCALHOST:8000", "[::1]:8000", "127.0.0.1:80"):
        assert client.get("/api/formula?text=BaO", headers={"Host": host}).status_code == 200


def test_who_comes_too_late_or_waits_too_long_is_told_when_to_try_again(client, monkeypatch):
    from rrgraph.app.asking import Desk

    for error, status in ((Busy("Too many."), 429), (TooSlow("Too slow."), 503)):

        async def refuse(*_, _error=error, **__):
            raise _error

        monkeypatch.setattr(Desk, "plan", refuse)
        answer = post(client, "/api/plan", targets=["BaTiO3"])
        assert answer.status_code == status and answer.headers["Retry-After"]
        assert json.loads(answer.text)["error"]["message"] == str(error)
        assert client.get("/plan?targets=BaTiO3").status_code == status
