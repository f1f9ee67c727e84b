from __future__ import annotations

import csv
import io
import json
import re
from html.parser import HTMLParser

import pytest

import rrgraph as rr

PAGES = (
    "/",
    "/?targets=BaTiO3&exclude=N",
    "/plan?targets=BaTiO3&grams=10",
    "/set?target=BaTiO3&set=BaCO3+%2B+TiO2",
    "/compare",
    "/compare?target=BaTiO3&route=BaCO3%2BTiO2&route=BaO%2BTiO2",
    "/sheet?targets=BaTiO3&grams=10&set=BaCO3+%2B+TiO2",
    "/precursor?formula=ZrO2",
    "/elements",
    "/element/Zr",
    "/model",
    "/docs",
)
HOSTILE = "<script>alert(1)</script>\"'><img src=x onerror=alert(1)>"


class Page(HTMLParser):
    """What a page loads, and whether it is well formed enough to be used."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.loaded: list[str] = []
        self.handlers: list[str] = []
        self.styles: list[str] = []
        self.ids: list[str] = []
        self.labelled: set[str] = set()
        self.fields: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        given = dict(attributes)
        if tag in ("script", "img", "iframe", "link", "object"):
            self.loaded.append(given.get("src") or given.get("href") or "inline")
        self.handlers += [name for name in given if name.startswith("on")]
        self.styles += [name for name in given if name == "style"] + ["style"] * (tag == "style")
        if given.get("id"):
            self.ids.append(str(given["id"]))
        if tag == "label" and given.get("for"):
            self.labelled.add(str(given["for"]))
        if (
            tag in ("input", "textarea", "select")
            and given.get("type") not in ("hidden", "checkbox")
            and given.get("id")
        ):
            self.fields.append(str(given["id"]))


@pytest.mark.parametrize("address", PAGES)
def test_every_page_loads_from_this_server_alone_and_has_labels(client, address):
    answer = client.get(address)
    assert answer.status_code == 200
    page = Page(answer.text)
    assert page.loaded and all(each.startswith("/static/") for each in page.loaded)
    assert page.handlers == [] and page.styles == []
    assert len(set(page.ids)) == len(page.ids)
    assert set(page.fields) <= page.labelled
    for asset in page.loaded:
        assert client.get(asset).status_code == 200


def test_headers_let_nothing_in(client):
    policy = client.get("/").headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy and "unsafe" not in policy and "http" not in policy
    assert client.get("/static/page.js").headers["X-Content-Type-Options"] == "nosniff"
    for asset in ("page.js", "style.css"):
        assert "//" not in re.sub(r"^\s*//.*$", "", client.get(f"/static/{asset}").text, flags=re.MULTILINE)


@pytest.mark.parametrize(
    "address",
    [
        "/plan?targets={}",
        "/plan?targets=BaTiO3&exclude={}",
        "/plan?targets=BaTiO3&{}=1",
        "/?targets={}&grams={}&stock={}",
        "/set?target=BaTiO3&set={}",
        "/compare?target={}&route=BaO",
        "/compare?target=BaTiO3&route={}",
        "/precursor?formula={}",
        "/element/{}",
        "/download/{}?targets=BaTiO3",
        "/{}",
    ],
)
def test_hostile_text_stays_text(client, address):
    from urllib.parse import quote

    answer = client.get(address.replace("{}", quote(HOSTILE, safe="")))
    assert answer.status_code < 500
    assert "<script>alert" not in answer.text and "<img" not in answer.text


def test_a_form_leads_to_a_permalink_that_shows_the_form_again(client):
    form = {"targets": "BaTiO3", "avoid": ["toxic", "nitrates"], "exclude": "Pb", "grams": "10", "energies": "on"}
    answer = client.post("/ask", data=form)
    assert answer.status_code == 303
    assert answer.headers["location"] == ("/plan?targets=BaTiO3&exclude=Pb&exclude=toxic&exclude=nitrates&grams=10")
    page = client.get(answer.headers["location"])
    assert 'value="toxic" checked' in page.text and 'value="hydrides"' in page.text
    assert 'name="exclude" type="text" value="Pb"' in page.text


def test_an_answer_shows_what_the_plan_says(client):
    text = client.get("/plan?targets=Li7La3Zr2O12&grams=10&excess=Li%3D10&top_k=2").text
    plan = rr.plan("Li7La3Zr2O12", top_k=2)
    assert "Li<sub>7</sub>La<sub>3</sub>Zr<sub>2</sub>O<sub>12</sub>" in text
    masses = plan.best.grams(rr.lab.Batch(10, excess="Li=10"))
    assert all(f"{mass:.4f} g" in text for mass in masses.values())
    assert f"{100 * plan.best.probability:.0f} %" in text
    assert "lithium carbonate" in text and "hygroscopic" in text
    doi = plan.literature[0].doi
    assert f'href="https://doi.org/{doi}"' in text


def test_an_error_is_the_sentence_of_the_terminal_and_the_form_keeps_what_was_typed(client):
    answer = client.post("/ask", data={"targets": "BaTiO3", "grams": "-1", "exclude": "Pb"})
    assert answer.status_code == 422
    assert "grams: &#39;-1&#39; is not a number above 0." in answer.text
    assert ">BaTiO3</textarea>" in answer.text and 'value="Pb"' in answer.text and 'value="-1"' in answer.text
    assert "Did you mean &#39;nitrates&#39;?" in client.get("/plan?targets=BaTiO3&exclude=nitrats").text


def test_a_shelf_comes_from_a_file(client):
    content = b"formula;name;purity;amount\nBaCO3;witherite;99 %;1 g\nTiO2;;4N;1 kg\nQq;;;\n"
    found = client.post("/shelf", files={"shelf_file": ("mine.csv", content)}).json()
    assert found["text"] == content.decode() and "Line 4 of the shelf is left out" in found["notes"][0]
    answer = client.post("/ask", data={"targets": "BaTiO3", "grams": "10"}, files={"shelf_file": ("mine.csv", content)})
    page = client.get(answer.headers["location"]).text
    assert "too little" in page and "The shelf allows at most" in page and "99 %" in page
    assert "Line 4 of the shelf is left out" in page
    refused = client.post("/shelf", files={"shelf_file": ("mine.exe", b"MZ")}).json()
    assert "expected a name that ends with .csv" in refused["error"]
    broken = client.post("/shelf", files={"shelf_file": ("mine.xlsx", b"PK broken")}).json()
    assert broken["error"] and "/tmp" not in broken["error"]


def test_a_shelf_comes_from_a_workbook(client, tmp_path):
    openpyxl = pytest.importorskip("openpyxl")
    book = openpyxl.Workbook()
    for row in (("formula", "amount"), ("BaCO3", "50 g"), ("TiO2", "1 kg")):
        book.active.append(row)
    book.save(tmp_path / "mine.xlsx")
    found = client.post("/shelf", files={"shelf_file": ("mine.xlsx", (tmp_path / "mine.xlsx").read_bytes())}).json()
    assert found["text"] == "formula,amount\nBaCO3,50 g\nTiO2,1000 g\n"


def test_a_long_shelf_needs_no_link(client):
    shelf = "\n".join(["BaCO3", "TiO2", *(f"Ba{number}TiO{number + 2}" for number in range(1, 900))])
    answer = client.post("/ask", data={"targets": "BaTiO3", "stock": shelf, "use_stock": "on"})
    assert answer.status_code == 200 and "too long for a link" in answer.text
    fields = re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', answer.text.split("/download/csv")[1])
    half = fields[: len(fields) // 2] if fields.count(fields[0]) > 1 else fields
    assert client.post("/download/csv", data=dict(half)).status_code == 200


def test_downloads_are_what_the_command_writes(client, capsys):
    openpyxl = pytest.importorskip("openpyxl")
    from rrgraph.cli.main import main

    lines = client.get("/download/jsonl?targets=BaTiO3&top_k=2&energies=false&grams=10")
    assert client.get("/download/json?targets=BaTiO3&top_k=2&energies=false&grams=10").content == lines.content
    assert lines.headers["content-disposition"] == 'attachment; filename="plan.jsonl"'
    assert main(["plan", "BaTiO3", "--top-k", "2", "--grams", "10", "--conditions", "--json"]) == 0
    assert json.loads(lines.text) == json.loads(capsys.readouterr().out)
    book = openpyxl.load_workbook(
        io.BytesIO(client.get("/download/xlsx?targets=BaTiO3&targets=LiFePO4&grams=10").content)
    )
    assert book.sheetnames == ["BaTiO3", "LiFePO4"] and book["BaTiO3"]["B3"].value == 10
    assert "BaTiO" in client.get("/download/html?targets=BaTiO3&grams=10").text
    assert client.get("/download/md?targets=BaTiO3").text.startswith("#")
    rows = list(csv.DictReader(io.StringIO(client.get("/download/csv?targets=BaTiO3&top_k=2").text)))
    assert [row["rank"] for row in rows] == ["1", "2"] and rows[0]["precursors"] == "TiO2;BaCO3"


def test_why_a_set_is_probable(client):
    text = client.get("/set?target=BaTiO3&set=BaCO3+%2B+TiO2&fragment=true").text
    assert "Place 1 of the 64 sets" in text and "In place of BaCO<sub>3</sub>" in text and "<html" not in text
    assert text.count('<svg class="influence"') >= 7
    odd = client.get("/set?target=BaTiO3&set=SrCO3+%2B+TiO2").text
    assert "Why" not in odd.split("What could replace")[0]


def test_sets_are_compared_side_by_side(client):
    text = client.get("/compare?target=BaTiO3&route=BaCO3%2BTiO2&route=SrCO3%2BTiO2&grams=5").text
    assert "96 %" in text and "cannot be ranked" in text and "Cannot be balanced." in text


def test_typical_sources_of_an_element(client):
    text = client.get("/element/Zr").text
    assert text.index("ZrO<sub>2</sub>") < text.index("ZrF<sub>4</sub>")
    assert "No recorded reaction" in client.get("/element/Lr").text
    assert client.get("/element/Xx").status_code == 422


def test_the_card_and_the_sheet(client):
    assert "<h1>Model card: default</h1>" in client.get("/model").text
    sheet = client.get("/sheet?targets=Li7La3Zr2O12&grams=10&excess=Li%3D10&set=Li2CO3+%2B+La2O3+%2B+ZrO2").text
    assert "3.3877 g" in sheet and "lithium carbonate" in sheet and "no safety data sheet" in sheet


def test_what_is_not_there(client):
    for address in ("/nothing", "/static/nothing.js", "/static/../app/service.py", "/static/%2e%2e/service.py"):
        assert client.get(address).status_code == 404
    assert client.get("/ask").status_code == 405
