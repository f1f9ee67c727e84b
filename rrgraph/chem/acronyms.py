"""Abbreviations of materials that are not formulas: `PZT`, `LLZO`, `BSCF`; `abbreviations.csv` has their formulas."""

from __future__ import annotations

import csv
import re
from functools import cache
from importlib.resources import files
from typing import Final

from rrgraph.chem.charges import charge_fit
from rrgraph.chem.terms import read_term

__all__ = ["LOOKS_LIKE_ONE", "explain_abbreviation", "is_abbreviation"]

#: What an abbreviation that is made of element symbols alone looks like.
LOOKS_LIKE_ONE: Final = re.compile(r"[BCFHIKNOPSUVWY]{3,}|Li(?:FSI|BOB|PON)|Na(?:FSI|BOB)")
_DECORATED: Final = re.compile(r"\d{0,3}[- ]?([A-Za-z]+?)[- ]?\d*")
#: Letters in a row of which none stands for an abbreviation: compounds of three elements without amounts.
_COMPOUNDS: Final = frozenset(
    """
    HCN HNO HNC HOF HFO HIO HOI KCN KNC KOH KHO KSH KHS KOF KIO HCO CHO CHN NOF NSF SNF VOF VOI YOF YOI YSF YSI YIO
    FNO COS CSO OCS SCO COF PNO PON PSN PSI BCN BNC BON BNO BPO BOF BOH UON UNO UOS USO UNS USN WOS WON WNO NOW VON
    VNO YCI YPS PSY ISY IOY FOY FOV FSY CIN CNO CIY OSU PSU INU UIN UPS UBC UBN BNU BCU BCV VBC YBC BCO KBH KCP KPS
    NOP FNS HNS HSN FHO HCNO HNCO HOCN CHNO KCNO KOCN KNCO CKN CKNO CKNS KSCN KNCS KCSN BOP BOS BSO
    """.split()  # noqa: SIM905
)


def explain_abbreviation(text: str) -> str | None:
    """Return what an abbreviation stands for, as a clause for a message; None for what is none.

    >>> explain_abbreviation("YAG")
    "'YAG' is an abbreviation; write Y3Al5O12"
    """
    match = _DECORATED.fullmatch(text)
    if match is None:
        return None
    for name in (text, match[1]):
        if name in _table():
            formula, varies = _table()[name]
            of = " of a composition that varies; write it, such as" if varies else "; write"
            return f"{name!r} is an abbreviation{of} {formula}"
    return None


def is_abbreviation(text: str) -> bool:
    """Whether a text that parses as element symbols is likely to be an abbreviation, such as `BSCF`.

    >>> is_abbreviation("BSCF"), is_abbreviation("KSCN")
    (True, False)
    """
    if text in _COMPOUNDS or not LOOKS_LIKE_ONE.fullmatch(text):
        return False
    if explain_abbreviation(text):
        return True
    return (len(text) > 3 or len(set(text)) < len(text)) and not charge_fit(read_term(text).amounts)


@cache
def _table() -> dict[str, tuple[str, bool]]:
    """Return the usual formula of each abbreviation, and whether it stands for others as well."""
    text = files("rrgraph.chem").joinpath("abbreviations.csv").read_text(encoding="utf-8")
    return {row["abbreviation"]: (row["formula"], bool(row["varies"])) for row in csv.DictReader(text.splitlines())}
