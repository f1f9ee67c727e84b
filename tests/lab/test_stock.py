from __future__ import annotations

import warnings

import pytest

from rrgraph.chem import FormulaWarning, parse_formula
from rrgraph.errors import DataError, DataWarning, FormulaError, PlanningError
from rrgraph.lab import StockItem, read_candidates, read_purity, read_stock
from rrgraph.lab.stock import _grams
from rrgraph.planning import SetConstraints

CUPBOARD = """\
# my cupboard
Formula;Chemical name;CAS No.;Purity (%);Amount;Price (EUR);GHS hazard
BaCO3;barium carbonate;513-77-9;99,8;5 g;20;GHS07
TiO2 (Sigma, 99.5 %);titania;;;0.5 kg;;

# in the other room
SrCO3  # opened 2021;;;4N;2 x 250 g;;
"""


def stock(tmp_path, text, name="stock.csv"):
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        return read_stock(path), [str(warning.message) for warning in caught]


def formulas(items):
    return [item.composition.formula for item in items]


def test_a_stock_table_keeps_what_it_says_of_each_entry(tmp_path):
    items, notes = stock(tmp_path, CUPBOARD)
    assert items == [
        StockItem(parse_formula("BaCO3"), "barium carbonate", "513-77-9", pytest.approx(0.998), 5.0, "20", "GHS07"),
        StockItem(parse_formula("TiO2"), "titania", "", pytest.approx(0.995), 500.0),
        StockItem(parse_formula("SrCO3"), "", "", pytest.approx(0.9999), 500.0),
    ]
    assert notes == []


def test_entries_that_cannot_be_read_are_reported_and_left_out(tmp_path):
    text = 'formula,amount,purity\nBaCO3,5 g,\nHello,1 g,\n"TiO2,2 g,\nLa2O3,0,\nSrO,some,200 %\n'
    items, notes = stock(tmp_path, text)
    assert formulas(items) == ["BaCO3", "SrO"]
    assert (items[1].grams, items[1].purity) == (None, None)
    for note, words in zip(
        notes,
        [
            "Line 3 of the stock file",
            "Line 4 of the stock file",
            "0 g of La2O3",
            "the purity '200 %' is not read",
            "the amount 'some' is not read, expected one such as '250 g'",
        ],
        strict=True,
    ):
        assert words in note
    with pytest.raises(DataError, match=r"The stock file '.*' has no formulas that can be read"):
        stock(tmp_path, "formula\nHello\n")
    many, notes = stock(tmp_path, "BaO\n" + "Hello\n" * 15, "stock.txt")
    assert (formulas(many), len(notes), "5 more such lines" in notes[-1]) == (["BaO"], 11, True)


@pytest.mark.parametrize(
    ("line", "formula"),
    [
        ("BaCO3  # opened 2021", "BaCO3"),
        ("TiO2 (Sigma, 99.8 %)", "TiO2"),
        ("TiO2 (P25)", "TiO2"),
        ("TiO2, anatase", "TiO2"),
        ("BaCO3 Sigma-Aldrich 99 %", "BaCO3"),
        ("Co powder", "Co"),
        ("Fe (99.9 %)", "Fe"),
        ("La(NO3)3 · 6H2O (99.9 %)", "La(NO3)3 · 6H2O"),
        ("CuSO4·5H2O - old", "CuSO4·5H2O"),
        ("BaCO3 250 g", "BaCO3"),
    ],
)
def test_a_note_may_follow_a_formula(tmp_path, line, formula):
    items, notes = stock(tmp_path, f"{line}\nMgO\n", "stock.txt")
    assert formulas(items) == [formula, "MgO"]
    assert all("tells the phase or form" in note for note in notes)


@pytest.mark.parametrize("line", ["In progress", "No longer there", "Barium carbonate", "I need more"])
def test_a_sentence_is_no_formula(tmp_path, line):
    items, notes = stock(tmp_path, f"{line}\nMgO\n", "stock.txt")
    assert (formulas(items), len(notes)) == (["MgO"], 1)


def test_notes_tell_purity_and_amount(tmp_path):
    items, _ = stock(tmp_path, "TiO2 (Sigma, 99.8 %)\nBaCO3, 4N, 250 g\nCo powder\n", "stock.txt")
    assert [(item.purity, item.grams) for item in items] == [(0.998, None), (0.9999, 250.0), (None, None)]
    with pytest.warns(DataWarning, match="'column 1'"):
        (tmp_path / "bare.csv").write_text("BaCO3,250 g,99.5 %\nTiO2,1 kg,\n")
        items = read_stock(tmp_path / "bare.csv")
    assert [(item.purity, item.grams) for item in items] == [(0.995, 250.0), (None, 1000.0)]


@pytest.mark.parametrize("line", ["BaCO3, TiO2, La2O3", "BaCO3;TiO2;La2O3", "BaCO3 TiO2 La2O3", "BaCO3 + TiO2 + La2O3"])
def test_several_formulas_on_a_line(tmp_path, line):
    assert formulas(stock(tmp_path, line, "stock.txt")[0]) == ["BaCO3", "TiO2", "La2O3"]


@pytest.mark.parametrize(
    ("cell", "header", "grams"),
    [
        ("250 g", "amount", 250),
        ("0.5 kg", "amount", 500),
        ("0,5kg", "amount", 500),
        ("500 mg", "amount_kg", 0.5),
        ("3", "amount_g", 3),
        ("3", "Amount (kg)", 3000),
        (3, "mass / mg", 0.003),
        ("2 x 250 g", "amount", 500),
        ("1 000 g", "amount", 1000),
        ("0", "grams", 0),
        ("1,000 g", "amount", None),
        ("250 ml", "amount", None),
        ("half a jar", "amount", None),
        (-1, "amount", None),
        ("", "amount", None),
        (None, "amount", None),
    ],
)
def test_amounts(cell, header, grams):
    assert _grams(cell, header) == (grams if grams is None else pytest.approx(grams))


@pytest.mark.parametrize(
    ("cell", "purity"),
    [
        ("99.9%", 0.999),
        ("99.9 % (metals basis)", 0.999),
        (">= 99,5 %", 0.995),
        ("99.99+%", 0.9999),
        ("99.5", 0.995),
        ("0.995", 0.995),
        (99, 0.99),
        (0.99, 0.99),
        ("4N", 0.9999),
        ("3N5", 0.9995),
        ("p.a.", None),
        ("0", None),
        ("120 %", None),
        (None, None),
    ],
)
def test_purities(cell, purity):
    assert read_purity(cell) == (purity if purity is None else pytest.approx(purity))


def test_columns_that_only_look_like_amounts(tmp_path):
    text = "formula,Molecular weight (g/mol),Price per g,amount,unit\nBaCO3,197.3,2,0.5,kg\nTiO2,79.9,3,,\n"
    items, notes = stock(tmp_path, text)
    assert [(item.grams, item.price) for item in items] == [(500.0, "2"), (None, "3")]
    assert notes == []


def test_stock_as_a_workbook(tmp_path):
    openpyxl = pytest.importorskip("openpyxl", reason="needs the extra 'xlsx'")
    book = openpyxl.Workbook()
    for row in (["Formula", "amount_g", "Purity"], ["BaCO3", 5, 0.998], ["TiO2", None, "99.5 %"]):
        book.active.append(row)
    book.save(tmp_path / "stock.xlsx")
    items = read_stock(tmp_path / "stock.xlsx")
    assert [(item.grams, item.purity) for item in items] == [(5.0, 0.998), (None, 0.995)]


def test_messages_say_which_list_is_meant(tmp_path):
    with pytest.raises(DataError, match=r"There is no stock file 'nowhere\.xlsx'"):
        read_stock("nowhere.xlsx")
    with pytest.raises(DataError, match=r"There is no candidate file 'nowhere\.csv'"):
        read_candidates("nowhere.csv")
    path = tmp_path / "list.txt"
    path.write_text("BaO\nHello\n")
    with pytest.raises(DataError, match="Line 2 of the candidate file"):
        read_candidates(path)
    with pytest.raises(FormulaError, match="'Hello'"):
        read_stock("BaO,Hello")
    with pytest.raises(PlanningError, match="stock is empty"):
        read_stock([])


def test_constraints_keep_what_is_known_of_the_stock(tmp_path):
    (tmp_path / "stock.csv").write_text(CUPBOARD)
    constraints = SetConstraints().narrowed(stock=tmp_path / "stock.csv")
    assert constraints.stock == {parse_formula(text).key for text in ("BaCO3", "TiO2", "SrCO3")}
    narrowed = constraints.narrowed(exclude="Pb", balanced=True)
    assert narrowed.stock_items == constraints.stock_items
    assert [item.grams for item in narrowed.in_stock([parse_formula("CO3Ba")])] == [5.0]
    mixed = SetConstraints(stock=[StockItem(parse_formula("BaO"), grams=1.0), "TiO2"])
    assert (len(mixed.stock or ()), len(mixed.stock_items)) == (2, 1)
    assert mixed == SetConstraints(stock="BaO,TiO2")
    assert constraints.narrowed(stock="MgO").stock_items == (StockItem(parse_formula("MgO")),)


@pytest.mark.parametrize("text", ["La(NO3)3·xH2O", "La(NO3)3 · nH2O", "La(NO3)3*x(H2O)"])
def test_the_salt_stands_for_a_hydrate_whose_water_is_not_known(text):
    with pytest.warns(FormulaWarning, match="has no amount, so masses are those of"):
        (item,) = read_stock(text)
    assert item.composition.formula == "La(NO3)3"


def test_a_stock_has_only_so_many_entries(tmp_path, monkeypatch):
    monkeypatch.setattr("rrgraph.lab.stock._MOST_ENTRIES", 2)
    path = tmp_path / "stock.txt"
    path.write_text("BaO\nTiO2\n")
    assert len(read_stock(path)) == 2
    path.write_text("BaO\nTiO2\nSrO\n")
    with pytest.raises(DataError, match=r"stock file '.*' has more than 2 entries"):
        read_stock(path)
    assert len(read_candidates(path)) == 3
