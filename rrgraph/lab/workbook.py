"""Sheets of a workbook for the lab book: the grams follow from cells that can be changed."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING, Any, Final

from rrgraph.lab.sheets import LITERATURE_HEADER, PORTION_HEADER, PlanSheet, SheetSet
from rrgraph.util.sheets import neutral

if TYPE_CHECKING:
    from openpyxl import Workbook
    from openpyxl.cell import WriteOnlyCell
    from openpyxl.worksheet._write_only import WriteOnlyWorksheet

__all__ = ["add_plan_sheet", "sheet_title", "text_cell"]

_WIDTHS: Final = (22, 26, 15, 21, 12, 12, 14, 14, 14, 16)
_FONT: Final = "Calibri"  # that of all other cells
_TARGET_G, _BALANCE_G, _MOLAR_MASS = "$B$3", "$B$4", "$B$5"
_INPUT: Final = "FFF4CC"
_LONGEST_TITLE: Final = 31


def add_plan_sheet(workbook: Workbook, sheet: PlanSheet) -> None:
    """Add a sheet with a plan to a workbook that is only written.

    Grams of target, the balance, excess and purity are cells that can be changed; the masses follow by formulas.
    """
    from openpyxl.worksheet.properties import PageSetupProperties

    page = workbook.create_sheet(sheet_title(sheet.target, workbook.sheetnames))
    for column, width in zip("ABCDEFGHIJ", _WIDTHS, strict=True):
        page.column_dimensions[column].width = width
    page.page_setup.orientation, page.page_setup.paperSize, page.page_setup.fitToHeight = "landscape", 9, 0
    page.sheet_properties.pageSetUpPr = PageSetupProperties(fitToPage=True)
    weighed = next((each.weighed for each in sheet.sets if each.weighed), None)
    page.append([text_cell(page, sheet.target, bold=True, size=16)])
    page.append([text_cell(page, "Yellow cells can be changed; the grams follow.", grey=True)])
    if weighed is not None:
        balance = weighed["balance_g"]
        page.append([text_cell(page, "target (g)", bold=True), _input(page, weighed["target_g"])])
        page.append([text_cell(page, "balance reads (g)", bold=True), _input(page, balance)])
        page.append([text_cell(page, "molar mass (g/mol)", bold=True), weighed["target_molar_mass"]])
    row = 5 if weighed is not None else 2
    for each in sheet.sets:
        lines = _set_lines(page, each, first=row + 1)
        row += len(lines)
        for line in lines:
            page.append(line)
    for line in _closing_lines(page, sheet):
        page.append(line)


def sheet_title(target: str, taken: Collection[str]) -> str:
    """Return a name for a sheet that spreadsheets accept and that is not taken.

    >>> sheet_title("Ba(Zr0.2Ti0.8)O3:Eu", ["rrgraph"])
    'Ba(Zr0.2Ti0.8)O3 Eu'
    """
    plain = "".join(" " if letter in "[]:*?/\\'" or not letter.isprintable() else letter for letter in target)
    plain = plain.strip() or "plan"
    used, number, title = {name.lower() for name in taken}, 1, plain[:_LONGEST_TITLE].strip()
    while title.lower() in used:
        number += 1
        end = f" ({number})"
        title = plain[: _LONGEST_TITLE - len(end)].strip() + end
    return title


def text_cell(
    page: WriteOnlyWorksheet, value: str, *, bold: bool = False, size: int = 11, grey: bool = False
) -> WriteOnlyCell:
    """Return a cell of text, which stays text even if it looks like a formula of a spreadsheet."""
    from openpyxl.cell import WriteOnlyCell
    from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE
    from openpyxl.styles import Font

    cell = WriteOnlyCell(page, ILLEGAL_CHARACTERS_RE.sub("", value))
    cell.data_type = "s"
    cell.quotePrefix = neutral(value) != value
    if bold or grey or size != 11:
        cell.font = Font(name=_FONT, bold=bold, size=size, color="707070" if grey else None)
    return cell


def _input(page: WriteOnlyWorksheet, value: float | None) -> WriteOnlyCell:
    """Return a cell that is meant to be changed."""
    from openpyxl.cell import WriteOnlyCell
    from openpyxl.styles import PatternFill

    cell = WriteOnlyCell(page, value)
    cell.fill = PatternFill("solid", fgColor=_INPUT)
    return cell


def _grams(page: WriteOnlyWorksheet, formula: str, *, bold: bool = False) -> WriteOnlyCell:
    """Return a cell with a mass, which follows from others."""
    from openpyxl.cell import WriteOnlyCell
    from openpyxl.styles import Font

    cell = WriteOnlyCell(page, formula)
    cell.number_format = "0.0000"
    cell.font = Font(name=_FONT, size=11, bold=bold)
    return cell


def _set_lines(page: WriteOnlyWorksheet, each: SheetSet, *, first: int) -> list[list[Any]]:
    """Return the rows of a set, of which the first is row `first` of the sheet."""
    title = f"{each.rank}.  {each.precursors}   ({each.probability})"
    lines: list[list[Any]] = [[], [text_cell(page, title, bold=True, size=13)]]
    equation = each.equation or "cannot be balanced, so there are no masses"
    lines.append([text_cell(page, "equation", grey=True), text_cell(page, equation)])
    facts = [("atmosphere", each.atmosphere), ("reaction energy", each.energy)]
    facts += [("furnace", each.fired), ("in stages", each.stages)]
    facts += [("reported", text) for text in each.reported]
    facts += [("recipe like it", text) for text in each.recipes]
    for name, value in facts:
        if value:
            lines.append([text_cell(page, name, grey=True), text_cell(page, value)])
    if each.weighed is not None:
        lines.append([text_cell(page, name, bold=True) for name in PORTION_HEADER])
        top = first + len(lines)
        for row, portion in enumerate(each.weighed["portions"], start=top):
            lines.append(_portion_line(page, portion, row))
        total = f"=SUM(G{top}:G{top + len(each.weighed['portions']) - 1})"
        lines.append([text_cell(page, "together", grey=True), *[None] * 5, _grams(page, total)])
        lines += [[text_cell(page, "remark", grey=True), text_cell(page, text)] for text in each.weighed["remarks"]]
    for note in each.notes:
        lines.append(
            [text_cell(page, cell) for cell in (note.hazard, f"{note.materials}: {note.text}".removeprefix(": "))]
        )
    return lines


def _portion_line(page: WriteOnlyWorksheet, portion: dict[str, Any], row: int) -> list[Any]:
    exact = f"{_TARGET_G}/{_MOLAR_MASS}*C{row}*D{row}*(1+E{row}/100)/(F{row}/100)"
    return [
        text_cell(page, portion["formula"] + (" (dopant)" if portion["dopant"] else "")),
        text_cell(page, portion["name"]),
        portion["coefficient"],
        portion["molar_mass"],
        _input(page, portion["excess_percent"]),
        _input(page, float(f"{100 * (portion['purity'] or 1):.8g}")),
        _grams(page, f"=IF(N({_BALANCE_G})>0,ROUND({exact}/{_BALANCE_G},0)*{_BALANCE_G},{exact})", bold=True),
        portion["in_stock_g"],
        _input(page, None),
        _input(page, None),
    ]


def _closing_lines(page: WriteOnlyWorksheet, sheet: PlanSheet) -> list[list[Any]]:
    """Return the rows below the sets: what the probabilities leave, precedents, and what notes are not."""
    lines: list[list[Any]] = [[]]
    if sheet.other:
        lines.append([text_cell(page, f"Another set than these: {sheet.other}")])
    if sheet.message:
        lines.append([text_cell(page, sheet.message)])
    if sheet.literature:
        lines += [[], [text_cell(page, "Literature", bold=True, size=13)]]
        lines.append([text_cell(page, name, bold=True) for name in LITERATURE_HEADER])
        for *cells, doi in sheet.literature:
            line = [text_cell(page, cell) for cell in cells]
            line.append(text_cell(page, f"https://doi.org/{doi}" if doi else ""))
            lines.append(line)
    if sheet.disclaimer:
        lines += [[], [text_cell(page, sheet.disclaimer, grey=True)]]
    return lines
