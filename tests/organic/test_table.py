import pandas as pd
import pytest

from rrgraph.errors import ConfigError, DataError
from rrgraph.organic import load_template_table
from rrgraph.organic.make_standard_split import standard_letters


def test_rows_are_canonical_and_in_their_parts(split):
    assert [len(split[part]) for part in ("train", "validation", "test")] == [43, 14, 14] or sum(
        map(len, split.parts.values())
    ) == split.report["rows"]
    train = split["train"]
    assert train.template_counts().total() == len(train)
    assert all("." not in product and ":" not in product for product in train.products)


def test_public_column_names_are_understood(organic_table, tmp_path, split):
    frame = pd.read_csv(organic_table).rename(
        columns={"product": "prod_smiles", "reactants": "reactants_can", "template": "reaction_smarts"}
    )
    frame.to_csv(tmp_path / "public.csv", index=False)
    assert load_template_table(tmp_path / "public.csv").parts == split.parts


def test_unreadable_molecules_are_counted_not_fatal(organic_table, tmp_path, split):
    frame = pd.read_csv(organic_table)
    frame.loc[0, "product"] = "not a molecule"
    frame.to_csv(tmp_path / "broken.csv", index=False)
    found = load_template_table(tmp_path / "broken.csv")
    assert found.report["left_out"] == 1
    assert found.report["rows"] == split.report["rows"] - 1
    assert "left out: 1" in str(found)


def test_first_rows_of_each_part(organic_table, split):
    found = load_template_table(organic_table, rows=3)
    assert [len(rows) for rows in found.parts.values()] == [3, 3, 3]
    assert found["test"].products == split["test"].products[:3]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda frame: frame.drop(columns="template"), "has no column 'template'"),
        (lambda frame: frame.assign(split="tset"), "has split 'tset', expected train, validation or test"),
        (lambda frame: frame.assign(split="train"), "has no validation rows"),
    ],
)
def test_what_is_wrong_with_a_table_is_said(organic_table, tmp_path, change, message):
    change(pd.read_csv(organic_table)).to_csv(tmp_path / "bad.csv", index=False)
    with pytest.raises(DataError, match=message):
        load_template_table(tmp_path / "bad.csv")


def test_the_report_counts_what_test_rows_share_with_training(split):
    train, test = split["train"], split["test"]
    known = sum(template in train.templates for template in test.templates) / len(test)
    assert split.report["test_templates_in_train"] == pytest.approx(known)
    assert split.report["test_rows_in_train"] == sum(
        (product, reactants) in set(zip(train.products, train.reactants, strict=True))
        for product, reactants in zip(test.products, test.reactants, strict=True)
    )


@pytest.mark.parametrize("split", ["standard", "mhn"])
def test_published_splits_are_those_of_the_published_table(organic_table, split):
    with pytest.raises(ConfigError, match=r"which is a split of uspto_50k.*: give data\.split=column"):
        load_template_table(organic_table, split=split)


def test_the_standard_split_is_refused_to_another_file_of_that_name(organic_table, tmp_path, monkeypatch):
    monkeypatch.setattr("rrgraph.organic.table.data_path", lambda name: organic_table)
    assert len(load_template_table("uspto_50k", split="mhn", rows=2)["train"]) == 2
    with pytest.raises(DataError, match="is not the published file that the standard split is for"):
        load_template_table("uspto_50k", split="standard")


def test_published_reactions_find_their_rows_whatever_else_the_patent_has():
    table = pd.DataFrame(
        [
            ("A", "CCO", "CC=O"),
            ("A", "CCO", "CCBr.O"),
            ("A", "CCN", "CC=N"),
            ("B", "CCO", "CC=O"),
        ],
        columns=["id", "prod_smiles", "reactants_can"],
    )

    def part(*rows):
        return pd.DataFrame(rows, columns=["id", "reactants>reagents>production"])

    ethanol = "[CH3:1][CH2:2][OH:3]"
    parts = {
        "v": part(("A", f"[OH2:3].Br[CH2:2][CH3:1]>>{ethanol}")),
        "t": part(("A", f"CO.[CH3:1][CH:2]=[O:3]>>{ethanol}")),
    }
    assert standard_letters(table, parts) == "tv--"
    with pytest.raises(DataError, match="reaction C has no row"):
        standard_letters(table, {"t": part(("C", f"CC=O>>{ethanol}"))})
