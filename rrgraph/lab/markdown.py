"""Plans as Markdown, for notes and electronic lab books."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from html import escape

from rrgraph.lab.sheets import LITERATURE_HEADER, PORTION_HEADER, PlanSheet, SheetSet

__all__ = ["plan_markdown"]

_PORTION_COLUMNS = (0, 1, 4, 5, 6, 7)
"""Of `PORTION_HEADER`, those of the text."""


def plan_markdown(sheet: PlanSheet) -> str:
    """Return a plan as Markdown: a section for the target, with the weigh-out of each set."""
    return "\n".join([f"# {_text(sheet.target)}", "", *_body(sheet)]) + "\n"


def _body(sheet: PlanSheet) -> Iterator[str]:
    if sheet.sets:
        rows = [(str(each.rank), each.probability, each.precursors, each.equation or "-") for each in sheet.sets]
        yield from _table(("rank", "probability", "precursors", "equation"), rows)
        if sheet.other:
            yield f"Another set than these: {_text(sheet.other)}."
            yield ""
    if sheet.message:
        yield _text(sheet.message)
        yield ""
    for each in sheet.sets:
        yield from _set(each)
    if sheet.literature:
        yield from ["## Literature", ""]
        links = [(*cells, f"https://doi.org/{doi}" if doi else "") for *cells, doi in sheet.literature]
        yield from _table(LITERATURE_HEADER, links)
    if sheet.disclaimer:
        yield f"*{_text(sheet.disclaimer)}*"
        yield ""


def _set(each: SheetSet) -> Iterator[str]:
    yield from [f"## {each.rank}. {_text(each.precursors)}", ""]
    facts = [("Equation", each.equation), ("Atmosphere", each.atmosphere), ("Reaction energy", each.energy)]
    facts += [("Furnace, by recipes like it", each.fired), ("In stages", each.stages)]
    facts += [("Reported", text) for text in each.reported]
    facts += [("Recipe like it", text) for text in each.recipes]
    yield from [f"- {name}: {_text(value)}" for name, value in facts if value]
    yield ""
    if each.weighed is not None:
        yield f"For {each.weighed['target_g']:g} g:"
        yield ""
        rows = []
        for portion in each.weighed["portions"]:
            purity, stock = portion["purity"], portion["in_stock_g"]
            cells = [portion["formula"], portion["name"], f"{portion['excess_percent']:g}"]
            cells += ["" if purity is None else f"{100 * purity:.6g}", f"{portion['grams']:.6g}"]
            rows.append([*cells, "" if stock is None else f"{stock:g}"])
        yield from _table([PORTION_HEADER[column] for column in _PORTION_COLUMNS], rows)
        yield from [f"{_text(remark)}\n" for remark in each.weighed["remarks"]]
    yield from [f"- **{note.hazard}**{_of(note.materials)}: {_text(note.text)}" for note in each.notes]
    yield ""


def _of(materials: str) -> str:
    return f" ({_text(materials)})" if materials else ""


def _table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    lines = [header, ["---"] * len(header), *([_text(cell) for cell in row] for row in rows)]
    yield from ["| " + " | ".join(line) + " |" for line in lines]
    yield ""


def _text(text: str) -> str:
    """Return text in which nothing is markup, on one line."""
    plain = escape(" ".join(text.split()), quote=False)
    return "".join(f"\\{letter}" if letter in "\\`*_[]|~" else letter for letter in plain)
