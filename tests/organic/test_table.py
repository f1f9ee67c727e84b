import pandas as pd
import pytest

from rrgraph.errors import DataError
from rrgraph.organic import load_template_table


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
