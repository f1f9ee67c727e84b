import sqlite3

import pytest

from rrgraph.errors import DataError
from rrgraph.organic import TemplateApplier, apply_template, canonical_smiles

from ...conftest import ALCOHOL, AMIDE, ESTER, ETHER

CYCLE = "([C:1]-[C:2].[C:3])>>[C:1]=[C:2].[C:3]"


def test_recorded_templates_lead_to_recorded_reactants(split):
    for rows in split.parts.values():
        for product, reactants, template in zip(rows.products, rows.reactants, rows.templates, strict=True):
            assert reactants in apply_template(template, product)


def test_a_template_that_does_not_match_leads_nowhere():
    assert apply_template(ETHER, canonical_smiles("CCO")) == ()


def test_a_template_that_cannot_be_read_leads_nowhere(capfd):
    assert apply_template("[C:1>>[C:1]", "CCO") == ()
    assert apply_template("nonsense", "CCO") == ()
    assert capfd.readouterr().out == ""


def test_outcomes_are_distinct():
    both = apply_template(AMIDE, canonical_smiles("CC(=O)NCCNC(=O)CC"))
    assert len(both) == len(set(both)) == 2


@pytest.mark.parametrize("jobs", [1, pytest.param(2, marks=pytest.mark.slow)])
def test_cache_and_processes_change_nothing(tmp_path, split, jobs):
    wanted = dict.fromkeys(split["train"].products, (AMIDE, ESTER, ETHER, ALCOHOL))
    plain = TemplateApplier()(wanted)
    applier = TemplateApplier(cache=tmp_path / "outcomes.sqlite", jobs=jobs)
    assert applier(wanted) == plain
    assert applier(wanted) == plain


def test_cached_outcomes_are_not_computed_again(tmp_path, monkeypatch):
    wanted = {"CCOC(C)=O": (ESTER,)}
    applier = TemplateApplier(cache=tmp_path / "outcomes.sqlite")
    first = applier(wanted)
    monkeypatch.setattr("rrgraph.organic.chemistry.application._apply", lambda *_: pytest.fail("computed again"))
    assert applier(wanted) == first == {"CCOC(C)=O": {ESTER: ("CC(=O)O.CCO",)}}


def test_a_cache_that_is_no_cache_is_named(tmp_path):
    (tmp_path / "outcomes.sqlite").write_text("text" * 1000)
    with pytest.raises(DataError, match=r"outcomes\.sqlite"):
        TemplateApplier(cache=tmp_path / "outcomes.sqlite")
    with sqlite3.connect(tmp_path / "other.sqlite") as connection:
        connection.execute("CREATE TABLE outcomes (something)")
    with pytest.raises(DataError, match=r"other\.sqlite"):
        TemplateApplier(cache=tmp_path / "other.sqlite")
