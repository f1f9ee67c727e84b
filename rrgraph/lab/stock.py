"""Lists of formulas and what is in stock, read from files, comma-separated text or Python lists."""

from __future__ import annotations

import os
import re
import warnings
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, TypeAlias, cast

from rrgraph.chem import Composition, FormulaWarning, Material, as_compositions, is_material, parse_formula
from rrgraph.data import CATALOGUE, data_path, find_formula_column, separate_formulas
from rrgraph.errors import DataError, DataWarning, FormulaError, OptionError, suggestion
from rrgraph.util.files import suggest_file
from rrgraph.util.inputs import plain_name
from rrgraph.util.rows import Row, RowReader, column_name, open_rows

__all__ = ["Stock", "StockItem", "read_candidates", "read_materials", "read_purity", "read_stock"]


_UNKNOWN_WATER: Final = re.compile(r"\s*[·•∙⋅.*]\s*[nx]\s*\(?H2O\)?\s*$")


@dataclass(frozen=True)
class StockItem:
    """A precursor that is at hand.

    >>> item = read_stock("BaCO3")[0]
    >>> item.composition.formula, item.grams
    ('BaCO3', None)

    Attributes:
        composition: with the spelling of the list.
        name: what it is called.
        cas: its CAS number.
        purity: mass fraction, above 0 and at most 1; None if not known.
        grams: how much there is, None if not known.
        price: as written.
        hazard: as written.
    """

    composition: Composition
    name: str = ""
    cas: str = ""
    purity: float | None = None
    grams: float | None = None
    price: str = ""
    hazard: str = ""


Stock: TypeAlias = str | os.PathLike[str] | Material | Iterable[Material | StockItem]
"""Precursors: a file, the name of a catalogued one, formulas joined by commas, or a list of materials."""

_COLUMNS: Final = ("formula", "precursor", "chemical formula", "molecular formula", "composition", "compound")
_FORMULA_COLUMNS: Final = (*_COLUMNS, "reagent", "chemical", "material", "substance", "target")
_FIELDS: Final[Mapping[str, frozenset[str]]] = {
    "price": frozenset({"price", "cost"}),
    "purity": frozenset({"purity", "assay"}),
    "cas": frozenset({"cas", "casrn"}),
    "hazard": frozenset({"hazard", "hazards", "ghs", "safety"}),
    "unit": frozenset({"unit", "units"}),
    "grams": frozenset({"amount", "grams", "gram", "mass", "quantity", "qty", "weight"}),
    "name": frozenset({"name", "description", "chemical", "substance", "reagent"}),
}
"""Words in the names of columns, by what the column holds; the first that fits counts."""
_NO_AMOUNTS: Final = frozenset({"molecular", "molar", "mol", "formula", "mw", "per", "atomic", "percent"})
"""Words in the names of columns of weights and masses that are no amounts."""
_UNITS: Final = {
    **{"kg": 1e3, "g": 1.0, "gram": 1.0, "grams": 1.0, "gm": 1.0, "mg": 1e-3, "µg": 1e-6, "μg": 1e-6, "ug": 1e-6},
    **{"t": 1e6, "lb": 453.59237, "oz": 28.349523},
}
_NUMBER: Final = r"\d{1,3}(?:[ \u00a0\u202f]\d{3})+|\d+(?:[.,]\d+)?(?:[eE][+-]?\d+)?|\.\d+"
_AMOUNT: Final = re.compile(rf"[~≈<]?\s*(?:(\d+)\s*[x×*]\s*)?({_NUMBER})\s*([a-zµμ]*)\.?", re.IGNORECASE)
_AMOUNT_IN_NOTE: Final = re.compile(rf"(?<![\w.,])((?:\d+\s*[x×]\s*)?(?:{_NUMBER})\s*(?:kg|g|mg))(?!\w)")
_PERCENT: Final = re.compile(rf"({_NUMBER})\s*\+?\s*(?:wt\.?\s*)?%")
_NINES: Final = re.compile(r"(?<!\w)([1-9])N([1-9]?)(?!\w)")
_ONE_FORMULA: Final = re.compile(r"[A-Za-z0-9()]+")
"""Text that is one formula without a note, if it is any."""
_MOST_ENTRIES: Final = 40_000
"""Entries of a stock, all of which are candidates; reading and scoring them takes about ten seconds."""
_MOST_NOTES: Final = 10
"""Lines of a stock file that are reported one by one."""


def read_materials(option: str, source: Stock, *, words: Sequence[str] = ()) -> list[Composition]:
    """Return the precursors of a file, a catalogued file, a comma-separated list or a list, each once.

    Args:
        option: that the list is the value of, for messages.
        source: where they are.
        words: what else the option takes.

    Raises:
        PlanningError: the value is empty, or neither a file nor a formula nor one of `words`.
        DataError: a file cannot be read.
        FormulaError: a formula cannot be read.
    """
    return list(dict.fromkeys(item.composition for item in _read(option, source, words)))


def read_stock(source: Stock) -> list[StockItem]:
    """Return what is in stock, an item for each entry of a file, a comma-separated list or a list.

    A file is a plain list, where notes may follow a formula, or a table with the columns formula, name, CAS, purity
    (``99.9 %``, 0.999, ``4N``), amount (``250 g``, ``0.5 kg``, or a number in g or in the unit of its header), price
    and hazard. Entries that cannot be read are left out with a warning, and so is what has been used up.

    >>> [item.composition.formula for item in read_stock("BaCO3, TiO2")]
    ['BaCO3', 'TiO2']

    Raises:
        PlanningError: the value is empty, or neither a file nor a formula.
        DataError: a file cannot be read, or no entry of it, or it has more than 40,000.
        FormulaError: a typed formula cannot be read.
    """
    return list(_read("stock", source, ()))


def read_candidates(source: str | os.PathLike[str]) -> list[Composition]:
    """Read candidate precursors, each once, in the order they are written.

    Args:
        source: name of a catalogued list, formulas joined by commas (``"B,Cr,AlB2"``), or a file: a text with a formula
            a line (empty lines and lines that begin with # are skipped), or a table with a column of formulas.

    Raises:
        DataError: a catalogued list is not here; the file is not readable, lacks the column, has no formulas, or a
            line is not a valid formula.
        FormulaError: a formula of the comma-separated list is not a valid formula.
    """
    return list(dict.fromkeys(item.composition for item in _read_text("candidates", source)))


def _read(option: str, source: Stock, words: Sequence[str]) -> list[StockItem]:
    expected = f"expected a file, formulas joined by commas{''.join(f', {word!r}' for word in words)}"
    if not isinstance(source, str | os.PathLike):
        is_one = isinstance(source, StockItem) or is_material(source) or not isinstance(source, Iterable)
        listed: list[Any] = [source] if is_one else [*cast("Iterable[Any]", source)]
        items = [each for one in listed for each in _as_items(one)]
        if not items:
            raise OptionError(option, f" is empty, {expected}.")
        return items
    choice = os.fspath(source)
    if not choice.strip(" ,"):
        raise OptionError(option, f" is '{choice}', {expected}.")
    try:
        return _read_text(option, choice)
    except FormulaError as error:
        if "," in choice:
            raise
        beside = [str(other) for other in Path(choice).parent.glob("*") if other.is_file()]
        near = suggestion(choice, [*words, *beside])
        raise OptionError(option, f" is '{choice}', {expected}.{near}" if near else f": {error}") from None


def _as_items(material: Material | StockItem) -> list[StockItem]:
    return [material] if isinstance(material, StockItem) else [StockItem(each) for each in as_compositions(material)]


def _read_text(option: str, source: str | os.PathLike[str]) -> list[StockItem]:
    """Return the items of a catalogued list, a file or a text of formulas."""
    text = os.fspath(source)
    path = os.fspath(data_path(text)) if text in CATALOGUE else text
    if _is_file(path):
        return _read_file(option, path)
    if "," not in text and Path(plain_name(text)).suffix in _FILE_SUFFIXES:
        raise DataError(f"There is no {_WHAT[option]} file '{text}'.{suggest_file(text)}")
    return [StockItem(_precursor(piece)) for piece in text.split(",") if piece.strip() or "," not in text]


_FILE_SUFFIXES: Final = (".csv", ".txt", ".tsv", ".list", ".jsonl", ".parquet", ".xlsx")
_WHAT: Final = {"stock": "stock", "candidates": "candidate"}


def _is_file(path: str) -> bool:
    try:
        found = Path(re.sub(r"(\.xls[xm]):.+", r"\1", path))
        return found.exists() and not found.is_dir()
    except OSError:  # a long list of formulas is not a file name
        return False


def _read_file(option: str, path: str) -> list[StockItem]:
    """Return the items of a file; unreadable lines of a stock are reported and left out, others are an error."""
    what = f"the {_WHAT[option]} file '{path}'"
    items: list[StockItem] = []
    problems: list[str] = []
    with open_rows(path, names=_FORMULA_COLUMNS) as rows:
        rows.name = what
        column = find_formula_column(rows, names=_FORMULA_COLUMNS, hint=" Call it 'formula'.")
        fields = _fields(rows.columns, column)
        for row in rows:
            try:
                items += _items(row, column, fields, rows, problems)
            except (FormulaError, DataError) as error:
                if option != "stock":
                    raise DataError(f"Line {row.line} of {what}: {error}") from None
                problems.append(f"Line {row.line} of {what} is left out: {error}")
            if option == "stock" and len(items) > _MOST_ENTRIES:
                raise DataError(
                    f"{what[0].upper()}{what[1:]} has more than {_MOST_ENTRIES:,} entries, the most it may."
                )
    for problem in problems[:_MOST_NOTES]:
        warnings.warn(problem, DataWarning, stacklevel=2)
    if len(problems) > _MOST_NOTES:
        more = len(problems) - _MOST_NOTES
        warnings.warn(f"There are {more} more such lines in {what}.", DataWarning, stacklevel=2)
    if not items:
        raise DataError(f"{what[0].upper()}{what[1:]} has no formulas{' that can be read' if problems else ''}.")
    return items


def _fields(columns: Sequence[str], formula: str) -> dict[str, str]:
    """Return the column of each field of an item, those of which there is one."""
    found: dict[str, str] = {}
    for field, known in _FIELDS.items():
        for column in columns:
            words = re.findall(r"[a-zµμ]+", column_name(column))
            if column == formula or column in found.values() or (field == "grams" and _NO_AMOUNTS.intersection(words)):
                continue
            if known.intersection(words):
                found[field] = column
                break
    return found


def _items(
    row: Row, column: str, fields: Mapping[str, str], rows: RowReader, problems: list[str]
) -> Iterator[StockItem]:
    """Yield the item of a row, several where it lists formulas; none where it is blank.

    Raises:
        DataError: the row is malformed, or what it lists is used up.
        FormulaError: there is no formula.
    """
    if row.error is not None:
        raise DataError(row.error)
    text = "" if row.cells.get(column) is None else str(row.cells[column]).strip()
    if not text or text.startswith("#"):
        return
    where = f"Line {row.line} of {rows.name}"
    cells = {field: row.cells.get(name) for field, name in fields.items()}
    if cells.get("unit") and re.fullmatch(_NUMBER, str(cells.get("grams") or "").strip()):
        cells["grams"] = f"{cells['grams']} {cells['unit']}"
    plain: Composition | None = None
    if _ONE_FORMULA.fullmatch(text):
        with suppress(FormulaError):  # the message is that of the whole entry
            plain = _precursor(text)
    if plain is None:
        several = [piece for part in text.split(";") for piece in (separate_formulas(part) or [part]) if piece.strip()]
        if len(several) > 1 and _all_formulas(several):
            for piece in several:
                yield StockItem(_precursor(piece))
            return
    elif len(row.cells) == 1:
        yield StockItem(plain)
        return
    composition, note = _divided(text) if plain is None else (plain, "")
    if not fields:  # cells of a table without header are notes
        note = " ".join([note, *(str(cell) for name, cell in row.cells.items() if name != column and cell)])
    purity, grams = read_purity(cells.get("purity")), _grams(cells.get("grams"), fields.get("grams", ""))
    for what, cell, value, example in (
        ("purity", cells.get("purity"), purity, "99.9 %"),
        ("amount", cells.get("grams"), grams, "250 g"),
    ):
        if value is None and cell is not None and re.search(r"\d" if what == "purity" else r"\S", str(cell)):
            problems.append(f"{where}: the {what} '{cell}' is not read, expected one such as '{example}'.")
    if grams is None and (found := _AMOUNT_IN_NOTE.search(note)):
        grams = _grams(found[1], "")
    if grams == 0:
        raise DataError(f"0 g of {composition} are in stock.")
    yield StockItem(
        composition,
        purity=read_purity(note if "%" in note or _NINES.search(note) else None) if purity is None else purity,
        grams=grams,
        **{name: str(cells[name] or "").strip() for name in ("name", "cas", "price", "hazard") if name in cells},
    )


def _precursor(text: str) -> Composition:
    """Return a typed precursor; the salt stands for a hydrate whose water is not known.

    Raises:
        FormulaError: it cannot be read.
    """
    bare = _UNKNOWN_WATER.sub("", text)
    if bare != text:
        message = f"The water of '{text.strip()}' has no amount, so masses are those of '{bare.strip()}'."
        warnings.warn(message, FormulaWarning, stacklevel=2)
    return parse_formula(bare, dopants=False)


def _all_formulas(texts: Iterable[str]) -> bool:
    return all(_parsed(text) is not None for text in texts)


def _parsed(text: str) -> Composition | None:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FormulaWarning)
            return _precursor(text)
    except FormulaError:
        return None


def _divided(text: str) -> tuple[Composition, str]:
    """Return the formula at the beginning of an entry and the note that follows it.

    >>> _divided("TiO2 (Sigma, 99.8 %)")[1]
    '(Sigma, 99.8 %)'

    Raises:
        FormulaError: there is no formula.
    """
    text = re.split(r"(?:^|\s)#", text, maxsplit=1)[0].strip()
    is_label = re.search(r"\s\([A-Z][a-z]?\d{2,}\)$", text)  # TiO2 (P25)
    if not is_label and _parsed(text) is not None:
        return _precursor(text), ""
    for gap in reversed(list(re.finditer(r"\s*[\s,;]\s*|(?<=\S)(?=[(\[])", text))):
        found, note = _parsed(text[: gap.start()]), text[gap.end() :]
        if found is not None:
            if _is_note(found, note):
                return _precursor(text[: gap.start()]), note
            break
    return _precursor(text), ""


def _is_note(formula: Composition, note: str) -> bool:
    """Whether what follows a formula may be left out: no second formula, and no sentence that begins with a symbol."""
    other = _parsed(re.sub(r"[()\[\],;]", " ", note).strip() or "-")
    if other is not None and len(other.elements) > 1:
        return False
    is_sure = len(formula.elements) > 1 or any(character.isdigit() for character in formula.formula)
    first = re.match(r"[A-Za-z]*", note)
    return is_sure or first is None or not first[0]


def _number(text: str) -> float | None:
    """Return a number with a decimal point or comma; None where ``1,000`` may be a thousand or one."""
    text = re.sub(r"[ \u00a0\u202f]", "", text)
    return None if re.fullmatch(r"[1-9]\d{0,2},\d{3}", text) else float(text.replace(",", "."))


def _grams(cell: Any, header: str) -> float | None:
    """Return an amount in g; a number alone is in the unit of the header, or else in g."""
    words = re.findall(r"[a-zµμ]+", column_name(header))
    unit = next((_UNITS[word] for word in reversed(words) if word in _UNITS), 1.0)
    if isinstance(cell, int | float) and not isinstance(cell, bool):
        return float(cell) * unit if 0 <= cell < float("inf") else None
    found = _AMOUNT.fullmatch(str(cell).strip()) if cell is not None else None
    number = None if found is None else _number(found[2])
    if found is None or number is None or (found[3] and found[3].lower() not in _UNITS):
        return None
    return number * int(found[1] or 1) * (_UNITS[found[3].lower()] if found[3] else unit)


def read_purity(cell: Any) -> float | None:
    """Return a mass fraction from percents, a fraction or nines (``99.9 %``, 0.999, ``3N``); None if it is none."""
    if isinstance(cell, int | float) and not isinstance(cell, bool):
        value: float | None = float(cell)
    else:
        text = "" if cell is None else str(cell).strip()
        if nines := _NINES.search(text):
            value = float(f"0.{'9' * int(nines[1])}{nines[2]}")
        elif percent := _PERCENT.search(text):
            value = _number(percent[1])
            value = None if value is None else value / 100
            return value if value is not None and 0 < value <= 1 else None
        else:
            plain = re.fullmatch(rf"[>≥=~\s]*({_NUMBER})\+?", text)
            value = _number(plain[1]) if plain else None
    if value is None or not 0 < value <= 100:
        return None
    return value if value <= 1 else value / 100
