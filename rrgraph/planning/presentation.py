"""How a plan looks: tables of text for people, HTML for notebooks, rows and columns for files."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from html import escape
from math import floor, log
from typing import TYPE_CHECKING, Any, Final

from rrgraph.chem import Atmosphere
from rrgraph.lab import Batch, BatchSize, Hazard, as_batch, summary
from rrgraph.planning.energies import ReactionEnergy
from rrgraph.util.text import escaped, percent, plain_table

if TYPE_CHECKING:
    from rrgraph.data import KnownReaction
    from rrgraph.planning.synthesis import PlannedSet, SynthesisPlan

__all__ = [
    "HANDLING_TITLE",
    "PLAN_KEYS",
    "PRECEDENT_HEADER",
    "RIGHT_ALIGNED",
    "SAME",
    "plan_columns",
    "plan_html",
    "plan_notes",
    "plan_rows",
    "plan_table",
    "plan_text",
    "precedent_notes",
    "precedent_table",
    "precedent_title",
]

_PROBABILITY: Final = "probability"
_PRODUCT: Final = "link product"

RIGHT_ALIGNED: Final = ("rank", _PROBABILITY, _PRODUCT, "papers")
"""Columns whose cells are numbers."""

SAME: Final = "recorded"
"""What stands in place of the similarity of a precedent with the very composition of the target."""

HANDLING_TITLE: Final = "handling, by general rules; no safety data sheet"
"""What stands above handling notes."""

PRECEDENT_HEADER: Final = ["similarity", "target", "precursors", "conditions", "papers", "year", "doi"]
"""Columns of the table of literature precedents."""


def plan_text(plan: SynthesisPlan) -> str:
    """Return the tables of sets and of literature precedents as plain text."""
    blocks = [plan.target]
    if plan.sets:
        header, rows = plan_table(plan)
        blocks += [plain_table(header, rows, numbers=RIGHT_ALIGNED), *plan_notes(plan)]
    elif plan.message:
        blocks.append(plan.message)
    if plan.literature:
        precedents = plain_table(PRECEDENT_HEADER, precedent_table(plan.literature), numbers=RIGHT_ALIGNED)
        blocks += [f"\n{precedent_title(plan)}", precedents, *precedent_notes(plan.literature)]
    return escaped("\n".join(blocks), keep="\n")


def plan_html(plan: SynthesisPlan) -> str:
    """Return the same as HTML."""
    blocks = [f"<p><b>{escape(plan.target)}</b></p>"]
    if plan.sets:
        blocks += [_html_table(*plan_table(plan)), _html_notes(plan_notes(plan))]
    elif plan.message:
        blocks.append(_html_notes([plan.message]))
    if plan.literature:
        blocks.append(f"<p>{escape(precedent_title(plan))}</p>")
        blocks.append(_html_table(PRECEDENT_HEADER, precedent_table(plan.literature)))
        blocks.append(_html_notes(precedent_notes(plan.literature)))
    return "\n".join(blocks)


def plan_table(
    plan: SynthesisPlan, *, equations: bool = True, grams: BatchSize | None = None
) -> tuple[list[str], list[list[str]]]:
    """Return header and rows of the table of sets; arguments as for `SynthesisPlan.to_frame`."""
    measure, write = (_PRODUCT, "{:.3g}".format) if plan.no_match is None else (_PROBABILITY, percent)
    # Other scores than the product of probabilities order the sets differently, so they are shown.
    scored = any(_score_differs(found) for found in plan)
    weighed = grams is not None and any(found.equation for found in plan)
    header = ["rank", f"{measure} (score)" if scored else measure, "precursors"]
    if not plan.is_comparison:
        header.append(f"alternative ({measure})")
    if equations:
        header.append("balanced equation")
    if plan.has_energies:
        header.append("reaction energy" + (f" at {plan.temperature:g} K" if plan.temperature is not None else ""))
    if weighed:
        header.append("grams")
    if plan.has_conditions:
        header.append("conditions")
    rows = []
    for found in plan:
        names = " + ".join(f"{member}*" if member in found.unseen else f"{member}" for member in found.precursors)
        probability = "-" if found.probability is None else write(found.probability)
        probability += f" ({found.score:.3g})" if scored and found.score is not None else ""
        cells = [str(found.rank), probability, names]
        if not plan.is_comparison:
            cells.append(_exchange(found, write))
        if equations:
            cells.append(_equation(found))
        if plan.has_energies:
            cells.append("-" if found.energy is None else _energy(found.energy))
        if weighed and grams is not None:
            masses = found.grams(grams).items() if found.equation else ()
            weighed_out = ", ".join(f"{mass:.4g} g {name}" for name, mass in masses) or "-"
            shortage = _shortage(found, grams)
            cells.append(f"{weighed_out} ({shortage})" if shortage else weighed_out)
        if plan.has_conditions:
            cells.append(str(found.conditions or "-"))
        rows.append(cells)
    return header, rows


def plan_notes(
    plan: SynthesisPlan, *, equations: bool = True, grams: BatchSize | None = None, handling: bool = True
) -> list[str]:
    """Return the lines below the table: what the sets leave for others, what numbers and marks mean, what to watch."""
    if plan.no_match is None:
        notes = [f"{_PRODUCT}: of link probabilities, to compare sets"]
    else:
        given = ", given its size" if plan.known_size else ""
        notes = [
            f"another set: {percent(plan.no_match)}",
            f"{_PROBABILITY}: chance that this is the set reported in the literature{given}",
        ]
    if plan.atmosphere is not None:
        notes.append(f"ranked for synthesis in this atmosphere: {plan.atmosphere.value}")
    if any(found.unseen or (found.alternative is not None and found.alternative.unseen) for found in plan):
        notes.append("* never seen in training")
    notes += [f"dopant: {added}" for added in plan.dopants]
    if plan.hidden:
        sets = "1 better set" if plan.hidden == 1 else f"{plan.hidden} better sets"
        chance = "" if plan.hidden_probability is None else f" (together {percent(plan.hidden_probability)})"
        notes.append(f"{sets}{chance} cannot be balanced or must not be mixed; --unbalanced shows such sets")
    notes += [f"{found}: {found.warning}" for found in plan if found.warning]
    made = [found.equation for found in plan if equations and found.equation is not None]
    if any(equation.atmosphere is not Atmosphere.AIR for equation in made):
        notes.append("[ ]: atmosphere that the equation implies, where it is not air")
    solids = dict.fromkeys(str(solid) for equation in made for solid, _ in equation.solid_byproducts)
    if solids:
        notes.append(f"solid by-products: {', '.join(solids)}")
    unbalanced = sum(found.equation is None for found in plan) if equations else 0
    if unbalanced:
        hint = "" if plan.is_comparison else "; --balanced leaves such sets out"
        notes.append(f"{unbalanced} of {len(plan)} sets cannot be balanced{hint}")
    if grams is not None:
        notes += _weighing_notes(plan, as_batch(grams))
    if any(found.energy for found in plan):
        notes.append("reaction energy: per atom of the equation and per mole of target; negative releases energy")
        notes.append(f"formation energies {_origins(plan) or 'of elements and gases alone'}")
    if plan.has_conditions:
        notes.append("conditions: highest temperature and dwell time of recipes, with intervals that hold 80 % of them")
        noted = [(found, found.conditions) for found in plan]
        notes += [f"{found}: {each.note}" for found, each in noted if each is not None and each.note]
    if handling and plan.sets:
        notes.append(f"{HANDLING_TITLE}:")
        crucibles = [note for note in plan.sets[0].set_handling if note.hazard is Hazard.CRUCIBLE]
        listed = [note for note in plan.handling if note.hazard is not Hazard.CRUCIBLE]
        notes += [f"  {line}" for line in summary([*listed, *crucibles])]
    return [*notes, *([plan.message] if plan.message else [])]


def _weighing_notes(plan: SynthesisPlan, batch: Batch) -> list[str]:
    """Return what the grams hold beside the equation: excess and purity, and what could not be added."""
    weighed = [found.weigh_out(batch) for found in plan if found.equation is not None]
    portions = {each.material: each for out in weighed for each in out.portions}.values()
    impure = ", ".join(
        f"{each.material} {100 * (each.purity or 1):.6g} %" for each in portions if (each.purity or 1) < 1
    )
    notes = [f"grams: divided by the purity ({impure})"] if impure else []
    if batch.percentages:
        added = ", ".join(f"{name} {percent:g} %" for name, percent in batch.percentages.items())
        notes.append(f"grams: with an excess ({added})")
    return [*notes, *dict.fromkeys(remark for out in weighed for remark in out.remarks)]


def precedent_title(plan: SynthesisPlan) -> str:
    """Return the line above the table of literature precedents."""
    return f"known reactions nearest to {plan.target} in {plan.literature_table}"


def precedent_table(precedents: Sequence[KnownReaction]) -> list[list[str]]:
    """Return the rows of literature precedents, with the columns of `PRECEDENT_HEADER`."""
    return [[escaped(cell) for cell in _precedent(reaction)] for reaction in precedents]


def precedent_notes(precedents: Sequence[KnownReaction]) -> list[str]:
    """Return the lines below their table."""
    same = any(reaction.same_composition for reaction in precedents)
    return [f"{SAME}: for this very composition"] if same else []


_COLUMNS: Final[dict[str, type]] = {
    "target": str,
    "rank": int,
    "precursors": str,
    "score": float,
    "probability": float,
    "none_of_these": float,
    "unseen": str,
    "alternative": str,
    "alternative_replaces": str,
    "alternative_by": str,
    "alternative_probability": float,
    "equation": str,
    "atmosphere": str,
    "grams": str,
}
_AMOUNTS: Final[dict[str, type]] = {"stock_shortage": str, "most_target_g": float}
_PREFIX: Final = "reaction_energy_"
_ENERGIES: Final[dict[str, type]] = {
    _PREFIX + "ev_per_atom": float,
    _PREFIX + "ev_per_atom_uncertainty": float,
    _PREFIX + "kj_per_mol": float,
    _PREFIX + "kj_per_mol_uncertainty": float,
    _PREFIX + "measured": str,
    _PREFIX + "predicted": str,
    _PREFIX + "given": str,
    "temperature_k": float,
}


PLAN_KEYS: Final = (
    *("target", "sets", "scores", "probabilities", "none_of_these", "hidden", "unseen", "alternatives", "dopants"),
    "asked_atmosphere",
    "search_stopped",
    *("equations", "atmospheres", "grams", "shortages", "most_target_g", "reaction_energies", "temperature_k"),
    "conditions",
    *("evidence", "evidence_table", "weigh_out", "handling", "message"),
)
"""All keys of `SynthesisPlan.to_dict`."""


def plan_columns(
    *,
    energies: bool,
    literature: bool,
    dopants: bool = False,
    asked_atmosphere: bool = False,
    amounts: bool = False,
    conditions: bool = False,
    handling: bool = False,
) -> dict[str, type]:
    """Return the columns of `plan_rows`, those of energies, precedents and the like only where there are any."""
    more = {
        **({"dopants": str} if dopants else {}),
        **({"asked_atmosphere": str} if asked_atmosphere else {}),
        **(_AMOUNTS if amounts else {}),
        **(_ENERGIES if energies else {}),
        **({"conditions": str} if conditions else {}),
        **({"handling": str} if handling else {}),
        **({"evidence": str} if literature else {}),
    }
    return {**_COLUMNS, **more, "message": str}


def plan_rows(
    plan: SynthesisPlan, *, equations: bool = True, grams: BatchSize | None = None, handling: bool = False
) -> Iterator[dict[str, Any]]:
    """Yield a row for each set, or one with the message where there is none; missing columns are empty.

    Lists are joined by semicolons; literature precedents are JSON in the first row.
    """
    line = plan.to_dict(equations=equations, grams=grams, handling=False)
    shared = {name: line.get(name) for name in ("target", "none_of_these", "asked_atmosphere", "message")}
    if plan.dopants:
        shared["dopants"] = "; ".join(map(str, plan.dopants))
    first = dict(shared)
    if "evidence" in line:
        first["evidence"] = json.dumps(line["evidence"], ensure_ascii=False)
    if not plan.sets:
        yield first
    for place, found in enumerate(plan.sets):
        masses = line["grams"][place] if "grams" in line else None
        yield (first if place == 0 else shared) | {
            "rank": found.rank,
            "precursors": ";".join(line["sets"][place]),
            "score": found.score,
            "probability": found.probability,
            "unseen": ";".join(line["unseen"][place]),
            "equation": line["equations"][place] if "equations" in line else None,
            "atmosphere": line["atmospheres"][place] if "atmospheres" in line else None,
            "grams": None if masses is None else ";".join(f"{mass:.5g}" for mass in masses.values()),
            **_amount_cells(line, place, found, grams),
            **_energy_cells(line, place),
            **({"conditions": found.conditions.with_note} if "conditions" in line and found.conditions else {}),
            **_alternative_cells(line["alternatives"][place]),
            **({"handling": "; ".join(map(str, found.handling))} if handling else {}),
        }


def _amount_cells(line: Mapping[str, Any], place: int, found: PlannedSet, grams: BatchSize | None) -> dict[str, Any]:
    if grams is None or "most_target_g" not in line:
        return {}
    return {"stock_shortage": _shortage(found, grams) or None, "most_target_g": line["most_target_g"][place]}


def _shortage(found: PlannedSet, grams: BatchSize) -> str:
    """``needs 12 g of 5 g BaCO3; at most 4.1 g of target``, or nothing where the stock suffices."""
    short, most = found.shortages(grams), found.most_of(grams)
    if not short or most is None:
        return ""
    needs = ", ".join(f"{need:.4g} g of {there:.4g} g {name}" for name, (need, there) in short.items())
    return f"needs {needs}; at most {most:.4g} g of target"


def _energy_cells(line: Mapping[str, Any], place: int) -> dict[str, Any]:
    energy = line["reaction_energies"][place] if "reaction_energies" in line else None
    if energy is None:
        return {}
    cells = {name: ";".join(value) if isinstance(value, list) else value for name, value in energy.items()}
    return {_PREFIX + name: value for name, value in cells.items()} | {"temperature_k": line["temperature_k"]}


def _alternative_cells(alternative: Mapping[str, Any] | None) -> dict[str, Any]:
    if alternative is None:
        return {}
    return {
        "alternative": ";".join(alternative["precursors"]),
        **{f"alternative_{name}": alternative[name] for name in ("replaces", "by", "probability")},
    }


def _score_differs(found: PlannedSet) -> bool:
    """Whether the score is another number than the logarithm of the probability."""
    if found.score is None or found.probability is None:
        return False
    return abs(found.score - log(max(found.probability, 1e-300))) > 1e-6


def _origins(plan: SynthesisPlan) -> str:
    """``measured: BaCO3, TiO2; predicted: BaTi2O5``, of all sets together."""
    energies = [found.energy for found in plan if found.energy]
    lists = {
        "measured": [energy.measured for energy in energies],
        "predicted": [energy.predicted for energy in energies],
        "given": [energy.given for energy in energies],
    }
    names = {origin: dict.fromkeys(name for each in groups for name in each) for origin, groups in lists.items()}
    return "; ".join(f"{origin}: {', '.join(found)}" for origin, found in names.items() if found)


def _equation(found: PlannedSet) -> str:
    """``MoO3 + H2 → MoO2 + H2O [reducing]``; air goes without saying."""
    if found.equation is None:
        return "does not balance"
    atmosphere = found.equation.atmosphere
    return f"{found.equation}" + (f" [{atmosphere.value}]" if atmosphere is not Atmosphere.AIR else "")


def _exchange(found: PlannedSet, write: Callable[[float], str]) -> str:
    """``LiOH for Li2CO3 (21 %)``."""
    if found.alternative is None or found.exchange is None:
        return "-"
    replaced, by = found.exchange
    probability = found.alternative.probability
    star = "*" if by in found.alternative.unseen else ""
    return f"{by}{star} for {replaced} ({'-' if probability is None else write(probability)})"


def _energy(energy: ReactionEnergy) -> str:
    """``-0.056 ± 0.021 eV/atom (-32 ± 12 kJ/mol)``."""
    per_atom = _with_uncertainty(energy.ev_per_atom, energy.ev_per_atom_uncertainty, digits=3)
    per_mole = _with_uncertainty(energy.kj_per_mol, energy.kj_per_mol_uncertainty, digits=0)
    return f"{per_atom} eV/atom ({per_mole} kJ/mol)"


def _with_uncertainty(value: float, deviation: float, *, digits: int) -> str:
    text = f"{value:z.{digits}f}"
    return f"{text} ± {deviation:.{digits}f}" if deviation else text


def _precedent(reaction: KnownReaction) -> list[str]:
    years = [str(year) for year in dict.fromkeys((reaction.first_year, reaction.year)) if year is not None]
    return [
        # Rounded down: only the composition itself is as similar as can be.
        SAME if reaction.same_composition else f"{min(floor(reaction.similarity * 1000) / 1000, 0.999):.3f}",
        reaction.target,
        " + ".join(reaction.precursors),
        reaction.conditions or "-",
        str(reaction.reports),
        "-".join(years) or "-",
        reaction.doi or "-",
    ]


def _html_table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    def line(cells: Sequence[str], tag: str) -> str:
        aligned = zip(cells, header, strict=True)
        return "".join(
            f'<{tag} style="text-align: {"right" if name in RIGHT_ALIGNED else "left"}">{escape(cell)}</{tag}>'
            for cell, name in aligned
        )

    body = "\n".join(f"<tr>{line(row, 'td')}</tr>" for row in rows)
    return f"<table>\n<thead><tr>{line(header, 'th')}</tr></thead>\n<tbody>\n{body}\n</tbody>\n</table>"


def _html_notes(notes: Sequence[str]) -> str:
    return f"<p>{'<br>'.join(escape(note) for note in notes)}</p>"
