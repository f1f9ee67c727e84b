from __future__ import annotations

from dataclasses import replace

import pytest
from pydantic import ValidationError
from starlette.datastructures import FormData, QueryParams

from rrgraph.app import Question
from rrgraph.app.forms import form_values, question_of_form, question_of_query
from rrgraph.app.questions import as_request_error
from rrgraph.app.shelf import shelf_text
from rrgraph.errors import RRGraphError
from rrgraph.lab import read_stock

FULL = {
    "targets": "BaTiO3\nLi7La3Zr2O12; LiFePO4",
    "exclude": "N, LiOH",
    "avoid": "toxic",
    "require": "TiO2",
    "stock": "BaCO3\nTiO2",
    "use_stock": "on",
    "grams": "10",
    "excess": "Li=10, Na=5",
    "purity": "99.5",
    "balance": "0.001",
    "set_size": "2-4",
    "top_k": "7",
    "unbalanced": "on",
}


def test_a_form_becomes_a_question_and_the_form_again():
    question = question_of_form(FormData(FULL))
    assert question.targets == ("BaTiO3", "Li7La3Zr2O12", "LiFePO4")
    assert question.exclude == ("N", "LiOH", "toxic")
    assert (question.grams, question.top_k, question.balanced, question.energies) == (10.0, 7, False, False)
    assert question.batch is not None and question.batch.percentages == {"Li": 10.0, "Na": 5.0}
    values = form_values({name: QueryParams(question.parameters()).getlist(name) for name, _ in question.parameters()})
    again = {name: value for name, value in values.items() if isinstance(value, str)}
    ticked = {name: "on" for name in ("use_stock", "unbalanced", "energies") if values[name]}
    assert (
        question_of_form(FormData([*again.items(), *ticked.items(), *(("avoid", each) for each in values["avoid"])]))
        == question
    )


def test_a_permalink_asks_the_same():
    question = question_of_form(FormData(FULL))
    assert question_of_query(QueryParams(question.parameters())) == question
    assert question_of_query(QueryParams("targets=BaTiO3")).parameters() == [("targets", "BaTiO3")]


def test_a_shelf_that_is_not_to_be_used_is_not_asked_for():
    assert question_of_form(FormData(FULL | {"use_stock": ""}.copy())).stock == "BaCO3\nTiO2"
    without = {name: value for name, value in FULL.items() if name != "use_stock"}
    assert question_of_form(FormData(without)).stock is None


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"targets": ()}, "targets: there is none, expected a formula such as 'BaTiO3'."),
        ({"targets": ("BaTiO3",), "grams": "-1"}, "grams: '-1' is not a number above 0."),
        ({"targets": ("BaTiO3",), "grams": "nan"}, "grams: 'nan' is not a number above 0."),
        ({"targets": ("BaTiO3",), "top_k": 1000}, "top_k is '1000': input should be less than or equal to 50."),
        ({"targets": ("x" * 301,)}, "targets is"),
        ({"targets": ("BaTiO3",) * 11}, "targets is"),
        ({"targets": ("BaTiO3",), "stock": "x" * 200_001}, "stock is"),
        ({"targets": ("BaTiO3",), "formation_energies": "/etc/passwd"}, "formation_energies is not an option"),
    ],
)
def test_what_is_wrong_with_a_question_is_one_sentence(values, sentence):
    with pytest.raises(ValidationError) as caught:
        Question.model_validate(values)
    said = str(as_request_error(caught.value))
    assert said.startswith(sentence) and "\n" not in said and len(said) < 400


def test_too_many_targets_of_a_form_are_counted():
    with pytest.raises(RRGraphError, match="there are 11, expected at most 10"):
        question_of_form(FormData({"targets": "\n".join(["BaTiO3"] * 11)}))


def test_a_shelf_is_read_from_its_own_text(tmp_path):
    path = tmp_path / "shelf.csv"
    path.write_text("formula,name,CAS,purity,amount\nBaCO3,witherite,513-77-9,99.5 %,250 g\nTiO2,,,4N,1 kg\n")
    items = read_stock(path)
    again = tmp_path / "again.txt"
    again.write_text(shelf_text(items))
    for found, item in zip(read_stock(again), items, strict=True):
        assert found == replace(item, purity=pytest.approx(item.purity))
