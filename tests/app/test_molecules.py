from __future__ import annotations

import re

import pytest
from starlette.testclient import TestClient

pytest.importorskip("rdchiral", reason="needs the extra 'organic'")

from rrgraph.app import Busy, Service, Worker
from rrgraph.app.asking import Desk
from rrgraph.app.web import create_app
from rrgraph.organic import ReactantPlanner, SearchConfig, TemplateApplier, TemplatePopularity, plan_products

from ..conftest import ALCOHOL, AMIDE, ESTER, ETHER
from .test_pages import HOSTILE, Page

ADDRESS = "/molecules?products=CCOC(C)%3DO&products=CNC(C)%3DO&top_k=3"


@pytest.fixture(scope="module")
def planner():
    popularity = TemplatePopularity({AMIDE: 6, ESTER: 3, ETHER: 2, ALCOHOL: 1})
    return ReactantPlanner(popularity, TemplateApplier(), SearchConfig(templates=4), reactants={})


@pytest.fixture(scope="module")
def molecules(planner):
    service = Service(device="cpu", molecules=planner)
    with TestClient(create_app(service, worker=Worker(seconds=60)), follow_redirects=False) as client:
        yield client


def post(client, **values):
    return client.post("/api/molecules", json=values)


def test_sets_of_reactants_are_those_of_the_planner(molecules, planner):
    products = ["CCOC(C)=O", "CNC(C)=O"]
    plans = post(molecules, products=products, top_k=3).json()["plans"]
    for found, plan in zip(plans, plan_products(planner, products, top_k=3).values(), strict=True):
        assert found["product"] == plan.product
        assert [(tuple(each["reactants"]), each["probability"], each["template"]) for each in found["sets"]] == [
            (each.reactants, each.probability, each.template) for each in plan.suggestions
        ]
        assert all(each["drawing"] is None for each in found["sets"])
    assert plans[0]["sets"][0] == {
        "reactants": ["CC(=O)O", "CCO"],
        "probability": pytest.approx(3 / 12),
        "template": ESTER,
        "training_rows": 3,
        "templates": 1,
        "drawing": None,
    }


def test_the_answer_is_kept(molecules, planner, monkeypatch):
    first = post(molecules, products=["CCOC(=O)CC"]).json()
    monkeypatch.delattr(type(planner), "_batch")
    with_drawings = post(molecules, products=["CCOC(=O)CC"], drawings=True).json()
    assert all(each.pop("drawing").startswith("<svg") for each in with_drawings["plans"][0]["sets"])
    assert with_drawings["plans"][0]["sets"] == [
        {name: value for name, value in each.items() if name != "drawing"} for each in first["plans"][0]["sets"]
    ]


def test_a_bad_molecule_does_not_stop_the_others(molecules):
    bad, none, good = post(molecules, products=["not_a_molecule", "C", "OCC"]).json()["plans"]
    assert bad["sets"] == [] and bad["message"].startswith("'not_a_molecule' is not a valid molecule")
    assert none["message"] == "No template of the model makes 'C'."
    assert good["product"] == "CCO" and good["sets"][0]["reactants"] == ["CC=O"] and good["message"] == ""


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({}, "products: there is none, expected SMILES such as 'CC(=O)Nc1ccc(O)cc1'."),
        ({"products": [" ", ""]}, "products: there is none, expected SMILES"),
        ({"products": "C\n" * 11}, "products: there are 11, expected at most 10 at once."),
        ({"products": ["C"], "top_k": 51}, "top_k is '51': input should be less than or equal to 50."),
        ({"products": ["C"], "topk": 5}, "topk is not an option, expected one of products, top_k, drawings."),
        ({"products": [1]}, "products"),
        ({"products": 1}, "products is '1'"),
        ({"products": ["C" * 1001]}, "at most 1000 characters"),
    ],
)
def test_errors_are_one_sentence_that_keeps_the_form(molecules, values, sentence):
    answer = post(molecules, **values)
    assert answer.status_code == 422 and sentence in answer.json()["error"]["message"]
    if values and isinstance(values["products"], str):
        page = molecules.get("/molecules", params=values)
        assert page.status_code == 422 and sentence in page.text and 'id="products"' in page.text


def test_the_page_shows_sets_and_drawings_that_its_policy_allows(molecules):
    assert molecules.get("/molecules").status_code == 200
    answer = molecules.get(ADDRESS)
    assert answer.status_code == 200
    page = Page(answer.text)
    assert page.styles == page.handlers == [] and all(each.startswith("/static/") for each in page.loaded)
    assert len(set(page.ids)) == len(page.ids) and set(page.fields) <= page.labelled
    drawings = re.findall(r'role="img" tabindex="0" aria-label="([^"]+)"><svg.*?</svg>', answer.text, re.DOTALL)
    assert drawings == ["CC(=O)O + CCO → CCOC(C)=O", "CC(=O)O + CN → CNC(C)=O"]
    assert f'href="{ADDRESS.replace("(", "%28").replace(")", "%29").replace("&", "&amp;")}"' in answer.text
    assert "fill='#FFFFFF'" in answer.text and "CCOC(C)=O\nCNC(C)=O</textarea>" in answer.text
    assert '<a href="/molecules" aria-current="page">' in answer.text


def test_hostile_text_stays_text(molecules):
    for name in ("products", "top_k", HOSTILE):
        answer = molecules.get("/molecules", params={"products": "C", name: HOSTILE})
        assert answer.status_code < 500 and "<script>alert" not in answer.text and "<img" not in answer.text


def test_a_full_queue_says_so_on_the_page_of_molecules(molecules, monkeypatch):
    async def refuse(*_):
        raise Busy("Too many.")

    monkeypatch.setattr(Desk, "plan_molecules", refuse)
    assert post(molecules, products=["C"]).status_code == 429
    page = molecules.get("/molecules?products=C")
    assert page.status_code == 429 and "Too many." in page.text and ">C</textarea>" in page.text


def test_without_a_model_one_sentence_says_how_to_start_it(client):
    assert 'href="/molecules"' not in client.get("/elements").text
    page = client.get("/molecules?products=C")
    assert page.status_code == 422 and "rrgraph serve --molecules FOLDER" in page.text and "<form" not in page.text
    answer = post(client, products=["C"])
    assert answer.status_code == 422
    assert answer.json()["error"]["message"].startswith("Molecules need a model of their own: start the page with")
    assert "/api/molecules" in client.get("/openapi.json").json()["paths"]
