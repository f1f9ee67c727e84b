"""Tests of plans as workbook, page and Markdown."""

import io
import json
import re
import shutil
import subprocess
from dataclasses import replace
from html.parser import HTMLParser

import pytest

from rrgraph.chem import Atmosphere, parse_formula
from rrgraph.data import KnownReaction, PrecursorSet
from rrgraph.lab import Batch, StockItem, add_plan_sheet, formula_html, plan_markdown, plan_page, plan_sheet
from rrgraph.lab.workbook import sheet_title
from rrgraph.planning import Conditions, Interval, PlannedSet, SynthesisPlan

BATCH = Batch(10, excess="Li=10", purity={"Li2CO3": 99.5}, balance=0.001)


def precedent(target, precursors, **options):
    missing = dict.fromkeys(("year", "first_year", "first_doi", "temperature_low_c", "temperature_high_c"))
    known = {"doi": "10.1000/<x>", "temperature_c": 1200.0, "time_h": 12.0, "atmosphere": "air", "similarity": 1.0}
    return KnownReaction(
        target=target,
        precursors=tuple(precursors.split()),
        reports=2,
        **{**missing, **known, "same_composition": True, **options},
    )


def make_plan(target="Li7La3Zr2O12", sets=("Li2CO3 La2O3 ZrO2", "LiOH La2O3 ZrO2"), **options):
    composition = parse_formula(target)
    found = tuple(
        PlannedSet(
            rank=rank,
            precursors=PrecursorSet(map(parse_formula, members.split())),
            probability=0.5 / rank,
            score=-float(rank),
            target=composition,
            stock=(StockItem(parse_formula("La2O3"), grams=1.0),),
        )
        for rank, members in enumerate(sets, start=1)
    )
    return SynthesisPlan(**{"target": target, "sets": found, "no_match": 0.25, **options})


def sheet_of(plan, batch=BATCH):
    # Through text, as from a file of an unfinished run or from another program.
    return plan_sheet(json.loads(json.dumps(plan.to_dict(grams=batch))))


PLAN = make_plan(
    literature=(
        precedent("Li7La3Zr2O12", "ZrO2 Li2CO3 La2O3"),
        precedent("Li6La3ZrTaO12", "Li2CO3 La2O3 ZrO2 Ta2O5", same_composition=False),
    )
)


def test_a_sheet_holds_the_numbers_of_the_plan():
    sheet = sheet_of(PLAN)
    first = sheet.sets[0]
    assert (first.rank, first.probability, sheet.other) == (1, "50 %", "25 %")
    assert first.equation == str(PLAN.best.equation)
    assert {each["formula"]: each["grams"] for each in first.weighed["portions"]} == PLAN.best.grams(BATCH)
    assert first.reported == ("1200 °C, 12 h, air (doi 10.1000/<x>)",)
    assert sheet.sets[1].reported == ()
    assert {note.hazard for note in first.notes} == {note.hazard.value for note in PLAN.best.handling}
    assert sheet.literature[1][0] == "Li6La3ZrTaO12"


def test_every_form_names_predicted_conditions():
    of_all = Conditions(
        temperatures={"highest": Interval(1100.0, 950.0, 1250.0), "calcination": Interval(812.0, 700.0, 950.0)},
        times={"highest": Interval(10.0, 4.0, 24.0), "calcination": Interval(6.0, 2.0, 18.0)},
        atmospheres={Atmosphere.AIR: 1.0},
        firings={1: 0.2, 2: 0.8},
        recipes=(PLAN.literature[0], precedent("Li5La3Ta2O12", "Li2CO3 La2O3 Ta2O5", same_composition=False)),
        note="a note",
    )
    assert " 124 h (3.1-2000), " in str(replace(of_all, times={"highest": Interval(124.4, 3.14, 2000.0)}))
    plan = replace(PLAN, sets=tuple(replace(each, predicted=lambda _: of_all) for each in PLAN.sets))
    sheet = plan_sheet(plan.to_dict(grams=BATCH, conditions=True))
    fired = "1100 °C (950-1250), 10 h (4-24), air, 2+ firings; a note"
    assert [each.fired for each in sheet.sets] == [fired, fired]
    stages = "calcination 800 °C (700-950), 6 h (2-18)"
    assert [each.stages for each in sheet.sets] == [stages, stages]
    assert replace(of_all, firings={1: 0.6, 2: 0.4}).stages == ""
    recipe = "Li2CO3 + La2O3 + Ta2O5 → Li5La3Ta2O12: 1200 °C, 12 h, air (doi 10.1000/<x>)"
    # Precedents of the plan are not named twice.
    assert [each.recipes for each in sheet.sets] == [(recipe,), (recipe,)]
    narrow = replace(of_all, temperatures={"highest": Interval(1235.0, 1230.0, 1240.0)})
    assert str(narrow).startswith("1240 °C (1230-1240)")  # not 1250
    for text in (fired, stages, "Recipe like it"):
        assert text in plan_page([sheet]) and text in plan_markdown(sheet)
    openpyxl = pytest.importorskip("openpyxl")
    book = openpyxl.Workbook(write_only=True)
    add_plan_sheet(book, sheet)
    written = io.BytesIO()
    book.save(written)
    cells = [cell for row in openpyxl.load_workbook(written).active.iter_rows(values_only=True) for cell in row]
    assert cells.count(fired) == cells.count(stages) == cells.count(recipe) == 2
    assert "conditions" not in PLAN.to_dict() and sheet_of(PLAN).sets[0].fired == ""


def test_a_plan_without_sets_says_why():
    sheet = sheet_of(make_plan(sets=(), message="No set covers <Xx>."))
    assert "No set covers" in plan_markdown(sheet)
    assert "No set covers &lt;Xx&gt;." in plan_page([sheet])


def test_what_cannot_be_balanced_has_no_masses():
    plan = make_plan(target="BaTiO3", sets=("BaCO3 ZrO2",))
    sheet = sheet_of(plan, Batch(1))
    assert sheet.sets[0].weighed is None and sheet.sets[0].equation == ""
    assert "cannot be balanced" in plan_page([sheet])


class _Tags(HTMLParser):
    def __init__(self):
        super().__init__()
        self.open, self.seen, self.addresses = [], [], []

    def handle_starttag(self, tag, attrs):
        self.seen.append(tag)
        self.addresses += [value for name, value in attrs if name in ("href", "src")]
        if tag not in ("meta", "br"):
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


def test_the_page_is_whole_and_asks_for_nothing_outside():
    page = plan_page([sheet_of(PLAN), sheet_of(make_plan("BaTiO3", ("BaCO3 TiO2",)))])
    parser = _Tags()
    parser.feed(page)
    assert parser.open == [] and parser.seen.count("article") == 2
    assert not {"script", "img", "link", "iframe"} & set(parser.seen)
    assert parser.addresses == ["https://doi.org/10.1000/%3Cx%3E"] * 2
    assert "url(" not in page and "@import" not in page
    assert "Li<sub>7</sub>La<sub>3</sub>Zr<sub>2</sub>O<sub>12</sub>" in page
    assert f"{PLAN.best.grams(BATCH)['Li2CO3']:.3f} g" in page
    assert "no safety data sheet" in page and "only 1 g in stock" in page


def test_names_cannot_become_markup():
    hostile = make_plan("BaTiO3", ("BaCO3 TiO2",), message="<script>x</script> | [a](b)")
    sheet = sheet_of(hostile)
    assert "<script>" not in plan_page([sheet])
    text = plan_markdown(sheet)
    assert "<script>" not in text and "\\[a\\](b)" in text and "\\|" in text


def test_markdown_has_a_table_of_sets_and_one_of_grams():
    text = plan_markdown(sheet_of(PLAN))
    assert text.startswith("# Li7La3Zr2O12\n")
    assert f"| {PLAN.best.grams(BATCH)['Li2CO3']:.6g} |" in text
    assert re.search(r"\| 1 \| 50 % \| .* \|", text) and "https://doi.org/10.1000/" in text
    for block in re.findall(r"(?:^\|.*\|\n)+", text, re.MULTILINE):
        assert len({len(re.findall(r"(?<!\\)\|", line)) for line in block.splitlines()}) == 1


def test_amounts_are_subscripts_and_coefficients_are_not():
    assert str(formula_html("3.5 Li2CO3 → Ni0.8Co0.2O2")) == (
        "3.5 Li<sub>2</sub>CO<sub>3</sub> → Ni<sub>0.8</sub>Co<sub>0.2</sub>O<sub>2</sub>"
    )
    assert str(formula_html("TiO2 (doi 10.1007/s10854-010-0120-0)")) == (
        "TiO<sub>2</sub> (doi 10.1007/s10854-010-0120-0)"
    )
    assert str(formula_html("(NH4)2CO3 & 1/3 <b>")) == (
        "(NH<sub>4</sub>)<sub>2</sub>CO<sub>3</sub> &amp; 1/3 &lt;b&gt;"
    )


def test_sheets_have_names_that_spreadsheets_take():
    taken = []
    for target in ("Ba/Ti:O*3?[x]", "A" * 40, "A" * 40, "a" * 31, "'", "", "rrgraph"):
        title = sheet_title(target, taken)
        assert 0 < len(title) <= 31 and not set(title) & set("[]:*?/\\'")
        assert title.lower() not in [each.lower() for each in taken]
        taken.append(title)


@pytest.fixture
def workbook(tmp_path):
    """Return a function that writes plans as a workbook."""
    openpyxl = pytest.importorskip("openpyxl", reason="needs the extra 'xlsx'")

    def write(*plans, batch=BATCH):
        book = openpyxl.Workbook(write_only=True)
        for plan in plans:
            add_plan_sheet(book, sheet_of(plan, batch))
        book.save(tmp_path / "plan.xlsx")
        return tmp_path / "plan.xlsx"

    return write


def portions(page):
    """The rows of a sheet with something to weigh."""
    return [row for row in page.iter_rows() if row[0].value and isinstance(row[3].value, int | float)]


def rows_of(page):
    """The rows of a sheet by the text in their first cell."""
    return {row[0].value: row for row in page.iter_rows() if row[0].value}


def test_the_workbook_computes_masses_from_cells_that_can_be_changed(workbook):
    import openpyxl

    book = openpyxl.load_workbook(workbook(PLAN, make_plan("BaTiO3", ("BaCO3 TiO2",), message="=1+1")))
    page = book["Li7La3Zr2O12"]
    assert (page["B3"].value, page["B4"].value) == (10, 0.001)
    row = rows_of(page)["LiOH"]
    assert row[4].value == 10 and row[4].fill.fgColor.rgb.endswith("FFF4CC")
    assert row[6].value.startswith("=") and f"E{row[0].row}" in row[6].value
    assert rows_of(book["BaTiO3"])["=1+1"][0].data_type == "s"


@pytest.mark.slow
def test_libreoffice_computes_the_same_grams(workbook, tmp_path):
    office = shutil.which("soffice") or shutil.which("libreoffice")
    if office is None:
        pytest.skip("needs LibreOffice Calc")
    import openpyxl

    plans = (PLAN, make_plan("BaTiO3", ("BaCO3 TiO2",)))
    fine = Batch(3, purity="98")
    workbook(*plans, batch=fine).rename(tmp_path / "fine.xlsx")
    book = openpyxl.load_workbook(workbook(*plans))
    for page in book:  # as if somebody changed them by hand
        page["B3"], page["B4"] = 12.5, 0.01
        for row in portions(page):
            row[4].value, row[5].value = 3, 97
    book.save(tmp_path / "changed.xlsx")
    by_hand = Batch(12.5, purity="97", balance=0.01)
    batches = {"plan.xlsx": BATCH, "fine.xlsx": fine, "changed.xlsx": by_hand}
    profile = f"-env:UserInstallation={(tmp_path / 'profile').as_uri()}"
    command = [office, "--headless", profile, "--convert-to", "xlsx", "--outdir", str(tmp_path / "out")]
    subprocess.run(
        [*command, *(str(tmp_path / name) for name in batches)], check=True, capture_output=True, timeout=120
    )
    for name, batch in batches.items():
        computed = openpyxl.load_workbook(tmp_path / "out" / name, data_only=True)
        for plan in plans:
            expected = []
            for found in plan:
                more = dict.fromkeys((str(each) for each in found.precursors), 3)
                own = replace(batch, excess=more) if batch is by_hand else batch
                expected += found.weigh_out(own).grams.items()
            rows = [(row[0].value, row[6].value) for row in portions(computed[plan.target])]
            assert [formula for formula, _ in rows] == [formula for formula, _ in expected]
            assert [grams for _, grams in rows] == pytest.approx(
                [grams for _, grams in expected], rel=6e-6
            )  # six digits


@pytest.mark.slow
def test_a_plan_prints_on_one_sheet_of_paper(tmp_path):
    browser = shutil.which("chromium") or shutil.which("google-chrome")
    if browser is None:
        pytest.skip("needs chromium")
    longest = make_plan(
        "Li7La3Zr2O12",
        ("LiNO3 La(NO3)3 ZrO(NO3)2", *["Li2CO3 La2O3 ZrO2", "LiOH La2O3 ZrO2", "Li2O La2O3 ZrO2"] * 3),
        literature=PLAN.literature * 3,
    )
    page, printed = tmp_path / "plan.html", tmp_path / "plan.pdf"
    page.write_text(plan_page([sheet_of(longest), sheet_of(PLAN)]), encoding="utf-8")
    browser_command = [browser, "--headless", "--no-sandbox", f"--user-data-dir={tmp_path / 'profile'}"]
    subprocess.run(
        [*browser_command, f"--print-to-pdf={printed}", page.as_uri()],
        check=True,
        capture_output=True,
        timeout=120,
    )
    assert len(re.findall(rb"/Type ?/Page\b", printed.read_bytes())) == 2
