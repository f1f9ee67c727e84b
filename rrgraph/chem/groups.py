"""Organic groups that have a symbol of their own: `Zn(OAc)2`, `Ti(OiPr)4`, `Fe(acac)3`, `Me4NOH`.

Some symbols are also those of elements: `Ac` is actinium in `Ac2O3` and acetate in `Zn(Ac)2`, `Pr` is praseodymium in
`PrCl3` and propyl in `Ti(OPr)4`. What could be either is refused.
"""

from __future__ import annotations

import re
from typing import Final

from rrgraph.chem.charges import salt_charges
from rrgraph.chem.elements import ATOMIC_NUMBERS
from rrgraph.chem.terms import Problem

__all__ = ["HIDDEN", "Expansion", "expand_groups"]

Expansion = tuple[str, tuple[str, ...]]
"""A term with its groups written as atoms, and remarks on how symbols were read."""

#: Groups whose letters could be those of elements, so that a term with them may be parsed and yet mean another thing.
HIDDEN: Final = r"Ac|OPr|^\d*Pr4N"

_ALKYLS: Final = {"Me": "CH3", "Et": "C2H5", "Pr": "C3H7", "Bu": "C4H9", "Ph": "C6H5", "Bn": "C7H7"}
_LIGANDS: Final = {
    "acac": "C5H7O2",
    "hfac": "C5HF6O2",
    "tfac": "C5H4F3O2",
    "thd": "C11H19O2",
    "tmhd": "C11H19O2",
    "dpm": "C11H19O2",
    "en": "C2H8N2",
    "ox": "C2O4",
    "py": "C5H5N",
    "bpy": "C10H8N2",
    "bipy": "C10H8N2",
    "phen": "C12H8N2",
    "cod": "C8H12",
    "edta": "C10H12N2O8",
    "EDTA": "C10H12N2O8",
    "THF": "C4H8O",
    "thf": "C4H8O",
    "DMF": "C3H7NO",
    "dmf": "C3H7NO",
    "DMSO": "C2H6SO",
    "dmso": "C2H6SO",
    "OTf": "CF3SO3",
    "OTs": "C7H7SO3",
    "Cp": "C5H5",
    "En": "C2H8N2",
    "Py": "C5H5N",
    "NTf2": "C2F6NO4S2",
    "TFSI": "C2F6NO4S2",
    "FSI": "F2NO4S2",
}
_ACETATE: Final = "(C2H3O2)"
#: Abbreviated organic cations of halide perovskites, which are refused by name.
_CATIONS: Final = {
    "MA": "methylammonium, CH3NH3",
    "FA": "formamidinium, CH(NH2)2",
    "PEA": "phenethylammonium, C8H9NH3",
    "BA": "butylammonium, C4H9NH3",
    "DMA": "dimethylammonium, (CH3)2NH2",
    "GA": "guanidinium, C(NH2)3",
}
_CATION: Final = re.compile(
    rf"(?<![a-zA-Z])(?:Cs[\d.]*|\()?({'|'.join(_CATIONS)})(?=[\d.)A-Z])(?=.*(?:Pb|Sn|Ge|Bi|Sb|Cu|Mn))"
)

_ISOMER: Final = r"(?:-?(?:iso|tert|sec|[inst])-?)"
_FIRST_ISOMER: Final = rf"(?<![A-Za-z]){_ISOMER}"  # not the n of SnBu4
_ALKOXIDE: Final = re.compile(
    rf"(?:(?P<outer>{_FIRST_ISOMER})O|O(?P<inner>{_ISOMER})?)(?P<alkyl>Me|Et|Pr|Bu|Ph|Bn)(?:-?[inst](?![a-z\d]))?(?![a-z])"
)
_ALKYL: Final = re.compile(rf"(?P<isomer>{_FIRST_ISOMER})?(?P<alkyl>Me|Et|Pr|Bu|Ph|Bn)(?P<oxy>O(?![a-z]))?(?![a-z])")
_LIGAND: Final = re.compile(
    rf"(?<=[(\[{{])(?:{'|'.join(_LIGANDS)})(?=[)\]}}])|(?:acac|OTf|OTs|NTf2|TFSI|THF|DMF|DMSO|EDTA)(?![a-z])|Cp(?=[\d)A-Z]|$)"
)
_OAC: Final = re.compile(r"OAc(?![a-z])")
_BRACKETED_AC: Final = re.compile(r"(?<=[A-Za-z\d)\]}])[(\[{]Ac[)\]}]|^[(\[{]Ac[)\]}](?!\d*O)")
_ACETIC: Final = re.compile(r"(?:H|(?<=NH4)|(?<=[(\[{]NH4[)\]}]))Ac$|^AcOH$|^AcO(?=(?:Na|K|Li|Cs|Ag|NH4)$)")
_SALT: Final = re.compile(r"\d*([A-Z][a-z]?)Ac(\d*)")
_REVERSED_SALT: Final = re.compile(r"\d*Ac2(Mg|Mn|Co|Ni|Cu|Zn|Cd|Pb)")
_BARE_PROPOXIDE: Final = re.compile(r"\d*(Li|Na|K|Rb|Cs)OPr")
#: What a methyl or ethyl group is bound to, so that `Me` is not the M of a metal.
_BOUND: Final = re.compile(r"(?:N|P|As|Sb|Bi|S|Se|Te|Si|Ge|Sn|Pb|B|Al|Ga|In|Tl|Zn|Cd|Hg|Mg|Li|C|O?H)(?![a-z])")


def expand_groups(term: str) -> Expansion:
    """Return a term with its groups written as atoms.

    >>> expand_groups("Zn(OAc)2")
    ('Zn((C2H3O2))2', ())

    Raises:
        Problem: a symbol could stand for a group or for an element, or is the abbreviation of an organic cation.
    """
    cation = _CATION.search(term)
    if cation:
        name, formula = _CATIONS[cation[1]].split(", ")
        raise Problem(f"{cation[1]!r} is an abbreviation of {name}; write {formula}")
    _refuse_ambiguous(term)
    expanded = _OAC.sub(_ACETATE, term)
    expanded = _ACETIC.sub(lambda match: ("H" if "H" in match[0] else "") + _ACETATE, expanded)
    found = _BRACKETED_AC.sub(_ACETATE, expanded)
    remarks = ("'Ac' is read as acetate, CH3COO",) if found != expanded else ()
    reversed_salt = _REVERSED_SALT.fullmatch(term)
    if reversed_salt:
        remarks = (f"'Ac' is read as actinium; the acetate is {reversed_salt[1]}(CH3COO)2",)
    if "OPr" not in found or re.search(r"[(\[{](?:[in]-?)?OPr|O[in]", found):
        found = _ALKOXIDE.sub(_alkoxide, found)
    found = _LIGAND.sub(lambda match: f"({_LIGANDS[match[0]]})", found)
    return _ALKYL.sub(lambda match: _alkyl(match, found), found), remarks


def _refuse_ambiguous(term: str) -> None:
    salt = _SALT.fullmatch(term)
    if salt:
        symbol, amount = salt[1], int(salt[2] or 1)
        if symbol in ATOMIC_NUMBERS and symbol != "H" and amount in salt_charges(symbol):
            acetate = f"(CH3COO){amount}" if amount > 1 else "CH3COO"
            raise Problem(
                f"'Ac' could be acetate or actinium; write {symbol}{acetate} for the acetate, "
                f"or {symbol}1Ac{amount} for actinium"
            )
    if re.fullmatch(r"\d*Ac2O", term):
        raise Problem("'Ac' could be acetyl or actinium; write (CH3CO)2O for acetic anhydride")
    propoxide = _BARE_PROPOXIDE.fullmatch(term)
    if propoxide:
        raise Problem(
            f"'OPr' could be propoxide or oxygen and praseodymium; write {propoxide[1]}OC3H7 or {propoxide[1]}PrO"
        )
    if re.match(r"\d*Pr4N(?![a-z\d])", term):
        raise Problem("'Pr4N' could be tetrapropylammonium or praseodymium; write N(C3H7)4 for the cation")


def _alkoxide(match: re.Match[str]) -> str:
    return f"(O{_ALKYLS[match['alkyl']]})"


def _alkyl(match: re.Match[str], term: str) -> str:
    """Return an alkyl group as atoms, unless its letters are elements.

    Raises:
        Problem: `Me` stands beside nothing that methyl is bound to, so that it may be the M of any metal.
    """
    name = match["alkyl"]
    if name == "Pr" and not match["isomer"]:
        return match[0]
    if name == "Me" and not _is_bound(match, term):
        raise Problem("'Me' could be methyl or any metal; write CH3 or the metal")
    group = f"({_ALKYLS[name]})"
    return f"(O{_ALKYLS[name]})" if match["oxy"] and match["isomer"] else group + (match["oxy"] or "")


def _is_bound(match: re.Match[str], term: str) -> bool:
    before, after = term[: match.start()], term[match.end() :]
    amount = re.match(r"\d?", after)
    if before:
        return (
            re.search(r"(?:^|[A-Za-z\d)])(?:N|P|As|Sb|S|Si|Ge|Sn|B|Al|Ga|In|Tl|Zn|Cd|Hg|Mg|Li|C|\()$", before)
            is not None
        )
    if match["oxy"]:
        return after == "H"
    return amount is not None and amount[0] not in ("", "1") and _BOUND.match(after[1:]) is not None
