"""Tables of single-step reactions with their templates, read from a file and made canonical."""

from __future__ import annotations

import gzip
import os
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from importlib import resources
from typing import Any, Final
from zlib import crc32

import pandas as pd

from rrgraph.data import CATALOGUE, SUBSET_NAMES, SUBSET_WORDS, TEST, TRAIN, VALIDATION, data_path
from rrgraph.errors import ConfigError, DataError, check_choice, suggestion
from rrgraph.organic.chemistry.general_templates import general_templates
from rrgraph.organic.chemistry.molecules import MoleculeError, canonical_reactants, canonical_smiles
from rrgraph.util.progress import track
from rrgraph.util.tabular import read_frame

__all__ = [
    "SPLITS",
    "STANDARD_LETTERS",
    "STANDARD_SPLIT",
    "TemplateReactions",
    "TemplateSplit",
    "check_template_split",
    "count_reactions",
    "load_template_table",
    "products_checksum",
]

SPLITS: Final = ("column", "standard", "mhn")
"""How a table is divided: by its column `split`; `uspto_50k` also as in published tables, or as MHNreact divides it."""

STANDARD_SPLIT: Final = "standard_split.txt.gz"
"""A file of this package: a checksum of the products of `uspto_50k`, then a letter for each row."""

STANDARD_LETTERS: Final = {"-": TRAIN, "v": VALIDATION, "t": TEST}

_USPTO: Final = "uspto_50k"

_COLUMNS: Final = {
    "product": ("product", "prod_smiles", "products"),
    "reactants": ("reactants", "reactants_can", "precursors"),
    "template": ("template", "reaction_smarts", "retro_template"),
    "split": ("split", "part", "dataset"),
}
"""Accepted names of each column: our own, then those of public files."""


@dataclass(frozen=True)
class TemplateReactions:
    """Reactions, one per row.

    Attributes:
        products: canonical SMILES without atom maps.
        reactants: canonical SMILES, sorted and joined by dots.
        templates: retrosynthetic templates, product side first, as reaction SMARTS.
    """

    products: tuple[str, ...]
    reactants: tuple[str, ...]
    templates: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.products)

    def template_counts(self) -> Counter[str]:
        """Return the number of rows of each template."""
        return Counter(self.templates)

    def head(self, rows: int) -> TemplateReactions:
        """Return the first rows, all if `rows` is 0."""
        end = rows or len(self)
        return TemplateReactions(self.products[:end], self.reactants[:end], self.templates[:end])


@dataclass(frozen=True)
class TemplateSplit:
    """The training, validation and test rows of a table.

    Attributes:
        parts: rows by subset, one of `SUBSET_NAMES`.
        report: numbers of rows that were read and left out, JSON-ready.
    """

    parts: Mapping[str, TemplateReactions]
    report: Mapping[str, Any]

    def __getitem__(self, part: str) -> TemplateReactions:
        return self.parts[part]

    def __str__(self) -> str:
        lines = [f"{self.report['rows']:,} reactions, {self.report['templates']:,} templates"]
        lines += [f"  {part}: {self.report['parts'][part]:,}" for part in SUBSET_NAMES]
        if self.report["left_out"]:
            lines.append(f"  left out: {self.report['left_out']:,} rows whose molecules cannot be read")
        lines.append(f"  test rows whose template is in train: {100 * self.report['test_templates_in_train']:.1f} %")
        lines.append(f"  test rows that are also in train: {self.report['test_rows_in_train']:,}")
        return "\n".join(lines)


def load_template_table(
    table: str | os.PathLike[str], *, split: str = "column", rows: int = 0, general: bool = False
) -> TemplateSplit:
    """Read a table of reactions by its name in the catalogue or from a file.

    Products and reactants are made canonical and lose their atom maps, which would leak the reaction centre.

    Args:
        table: `uspto_50k`, or a CSV, JSONL or Parquet file with the columns product, reactants, template and split
            (train, validation or test).
        split: one of `SPLITS`.
        rows: number of first rows of each subset to use; 0 uses all.
        general: take the general form of each template, see `general_template`.

    Raises:
        ConfigError: there is no such split, or the table does not have it.
        DataError: the file is missing or malformed, a column is missing, or a subset has no rows.
    """
    check_template_split(table, split)
    path = _path(table)
    frame = _columns(read_frame(path), path)
    if split == "standard":
        frame["split"] = _standard_split(frame, path)
    frame = frame.dropna().astype(str).reset_index(drop=True)
    part = frame["split"].map({word: subset.word for word, subset in SUBSET_WORDS.items()})
    if part.isna().any():
        row = int(part.isna().to_numpy().argmax())
        raise DataError(
            f"Row {row + 1} of '{path}' has split '{frame['split'].iloc[row]}', expected train, validation or test."
        )
    kept: dict[str, list[tuple[str, str, str]]] = {name: [] for name in SUBSET_NAMES}
    left_out = 0
    if rows:
        frame = frame[part.groupby(part).cumcount() < rows]
    texts = zip(part[frame.index], frame["product"], frame["reactants"], frame["template"], strict=True)
    for name, product, reactants, template in track(texts, "reading molecules", total=len(frame)):
        try:
            kept[name].append((canonical_smiles(product), canonical_reactants(reactants), template.strip()))
        except MoleculeError:
            left_out += 1
    for name, found in kept.items():
        if not found:
            raise DataError(f"'{path}' has no {name} rows.")
    parts = {name: TemplateReactions(*map(tuple, zip(*found, strict=True))) for name, found in kept.items()}
    if general:
        forms = general_templates(Counter(text for found in parts.values() for text in found.templates))
        parts = {
            name: replace(found, templates=tuple(forms[text] for text in found.templates))
            for name, found in parts.items()
        }
    return TemplateSplit(parts=parts, report=_report(parts, left_out))


def count_reactions(table: str | os.PathLike[str]) -> int:
    """Return the number of rows with values in all four columns, without reading molecules.

    Arguments and errors are those of `load_template_table`.
    """
    path = _path(table)
    return len(_columns(read_frame(path), path).dropna())


def check_template_split(table: str | os.PathLike[str], split: str) -> None:
    """Refuse a split that a table does not have by a `ConfigError`."""
    check_choice("data.split", split, SPLITS)
    if split != "column" and str(table) != _USPTO:
        raise ConfigError(
            f"data.split is '{split}', which is a split of {_USPTO}; '{table}' is divided by its column 'split': "
            "give data.split=column."
        )


def products_checksum(products: pd.Series) -> str:
    """Return a checksum of the products of a table as they are written, in their order."""
    return f"{crc32(chr(10).join(products.astype(str)).encode()):08x}"


def _standard_split(frame: pd.DataFrame, path: str | os.PathLike[str]) -> list[str]:
    """Return the subset of each row of `uspto_50k` in the split of published tables."""
    packed = resources.files("rrgraph.organic").joinpath(STANDARD_SPLIT).read_bytes()
    checksum, letters = gzip.decompress(packed).decode("ascii").split()
    if products_checksum(frame["product"]) != checksum:
        raise DataError(
            f"'{path}' is not the published file that the standard split is for: run `rrgraph data fetch {_USPTO}`, or "
            "give data.split=mhn for the split in its column."
        )
    return [STANDARD_LETTERS[letter].word for letter in letters]


def _path(table: str | os.PathLike[str]) -> str | os.PathLike[str]:
    return data_path(str(table)) if str(table) in CATALOGUE else table


def _columns(frame: pd.DataFrame, path: str | os.PathLike[str]) -> pd.DataFrame:
    """Return the four columns under our names, values as in the file."""
    found = {}
    for name, spellings in _COLUMNS.items():
        present = [spelling for spelling in spellings if spelling in frame.columns]
        if not present:
            columns = [str(column) for column in frame.columns]
            raise DataError(f"'{path}' has no column '{name}'.{suggestion(name, columns)}")
        found[name] = frame[present[0]]
    return pd.DataFrame(found)


def _report(parts: Mapping[str, TemplateReactions], left_out: int) -> dict[str, Any]:
    train, test = parts["train"], parts["test"]
    known = set(train.templates)
    recorded = set(zip(train.products, train.reactants, strict=True))
    test_rows: Sequence[tuple[str, str]] = list(zip(test.products, test.reactants, strict=True))
    return {
        "rows": sum(map(len, parts.values())),
        "left_out": left_out,
        "parts": {name: len(rows) for name, rows in parts.items()},
        "templates": len({template for rows in parts.values() for template in rows.templates}),
        "train_templates": len(known),
        "test_templates_in_train": sum(template in known for template in test.templates) / len(test),
        "test_products_in_train": len(set(test.products) & set(train.products)),
        "test_rows_in_train": sum(row in recorded for row in test_rows),
    }
