"""Labels of phases and forms beside a formula, which say nothing about its composition: `α-RuCl3`, `TiO2 (anatase)`."""

from __future__ import annotations

import re
from typing import Final

__all__ = ["BRACKETED_LETTER", "without_labels"]

_GREEK: Final = "αβγδεζηθικλμνξπρσςτυφχψω"
_GREEK_NAMES: Final = (
    "alpha beta gamma delta epsilon zeta eta theta iota kappa lambda mu nu xi pi rho sigma tau phi chi psi omega"
)
_SYSTEMS: Final = "cubic tetragonal orthorhombic hexagonal rhombohedral trigonal monoclinic triclinic pseudocubic"
_STRUCTURES: Final = """
    amorphous crystalline glass glassy vitreous anatase rutile brookite bronze quartz cristobalite tridymite coesite
    stishovite wurtzite zincblende sphalerite rocksalt halite spinel perovskite antiperovskite garnet olivine layered
    fluorite bixbyite corundum hematite haematite maghemite magnetite wustite wüstite ilmenite scheelite wolframite
    pyrochlore delafossite apatite hydroxyapatite calcite aragonite vaterite dolomite graphite graphitic diamond
    kesterite stannite chalcopyrite pyrite marcasite zircon baddeleyite ramsdellite pyrolusite birnessite hollandite
    cuprite tenorite zincite periclase lime baria massicot litharge boehmite gibbsite bayerite brucite goethite
    lepidocrocite nasicon argyrodite elpasolite fcc bcc hcp ccp dhcp
"""
_FORMS: Final = """
    powder powders nanopowder nanopowders nanoparticle nanoparticles nanorod nanorods nanowire nanowires nanosheet
    nanosheets nanotube nanotubes nanocrystal nanocrystals microsphere microspheres ceramic ceramics bulk film films
    crystal crystals pellet pellets monolayer aerogel nano micro polycrystalline
"""
_BESIDE: Final = "phase phases type polymorph form structure structured single thin"

_WORDS: Final = {*_SYSTEMS.split(), *_STRUCTURES.split(), *_FORMS.split()}
_BESIDE_WORDS: Final = frozenset(_BESIDE.split())
_SHORT: Final = "c|g|h|t|m|o|r|a|w|wz|zb|rs|nc|nano|fcc|bcc|hcp|HT|LT|RT|HP"
_GREEK_LABEL: Final = rf"(?:[{_GREEK}]|(?:{'|'.join(_GREEK_NAMES.split())})(?![a-z]))(?:['′″\"]|'')?(?:[\s-]*phase)?"
_START: Final = r"(?=[A-Z\d(\[{])"

#: Letters in brackets that end a formula and name a polymorph: `TiO2(B)`, `VO2(M)`.
BRACKETED_LETTER: Final = r"(?<=[A-Za-z\d])\((?:A|B|M|R|T)\)$"

_BEFORE: Final = (
    re.compile(rf"{_GREEK_LABEL}[\s-]*{_START}"),
    re.compile(rf"(?:{_SHORT})-{_START}(?!Bu|Pr)"),
    re.compile(rf"\d{{1,2}}[HTRC]['′]?(?:-|\s+){_START}"),  # polytypes: 4H-SiC, 1T'-MoTe2
    re.compile(r"[POT][1-4]['′]?-(?=(?:Li|Na|K|Cs)[\d.(A-Z\[])"),  # layered oxides: P2-Na0.67MnO2
    re.compile(r"[THMBRO]-(?=Nb2O5|VO2|V2O5|TiO2|LiMnO2|MnO2)"),
)
_SPACE_GROUP: Final = r"(?![A-Z][a-z][\d.]*[)\]]?$)(?=[^)\]]{3})[PIFRABC]-?\d?[\d/mnabcd-]*[mnabcd-][\d/mnabcd-]*"
_AFTER: Final = (
    re.compile(rf"\s*[(\[](?:{_GREEK_LABEL})[)\]]$"),
    re.compile(rf"(?<![+\-±\s])[\s,]+{_GREEK_LABEL}(?:\s+phase)?$"),
    re.compile(r"-[αβγκλ](?:['′″]|'')?$"),  # δ and ε are amounts there
    re.compile(r"[\s-]\(?\d{1,2}[HTR]['′]?\)?$"),
    re.compile(r"(?<=TiO2)[\s(-]+P25\)?$"),
    re.compile(rf"\s*[(\[]{_SPACE_GROUP}[)\]]$"),
    re.compile(rf"[\s,]+{_SPACE_GROUP}$"),
    re.compile(r"\s*\((?:s|l|g|c|h|t|m|o|r|aq|cr|am|amorph\.?|solid|liquid|gas)\)$"),
    re.compile(BRACKETED_LETTER),
)
_BRACKETED: Final = re.compile(r"\s*[(\[]([^()\[\]]{3,})[)\]]$|^[(\[]([^()\[\]]{3,})[)\]]\s*")
_WORDS_BEFORE: Final = re.compile(r"((?:[A-Za-zü]?[a-zü]{2,}[\s,-]+)+)" + _START)
_WORDS_AFTER: Final = re.compile(r"(?<=[A-Za-z\d)\]}])((?:[\s,-]+[a-zü]{3,})+)$")
_MOST: Final = 4


def without_labels(text: str) -> tuple[str, tuple[str, ...]]:
    """Return a text without the labels at its ends, and the labels.

    >>> without_labels("α-Al2O3 (corundum)")
    ('Al2O3', ('(corundum)', 'α-'))
    """
    labels: list[str] = []
    while len(labels) < _MOST:
        found = _label(text)
        if found is None or not (rest := (text[: found[0]] + text[found[1] :]).strip(" ,")):
            break
        labels.append(text[found[0] : found[1]].strip(" ,"))
        text = rest
    return text, tuple(labels)


def _label(text: str) -> tuple[int, int] | None:
    """Return where a label stands, None if there is none."""
    for pattern in _AFTER:
        match = pattern.search(text)
        if match:
            return match.span()
    for pattern in (_BRACKETED, _WORDS_AFTER):
        match = pattern.search(text)
        if match and _are_labels(match[1] or match[2] if pattern is _BRACKETED else match[1]):
            return match.span()
    for pattern in _BEFORE:
        match = pattern.match(text)
        if match:
            return match.span()
    match = _WORDS_BEFORE.match(text)
    return match.span() if match and _are_labels(match[1]) else None


def _are_labels(words: str) -> bool:
    """Whether all words are labels, at least one by itself."""
    listed = [word.lower() for word in re.split(r"[\s,]+|-(?=[a-z]{3})", words) if not re.fullmatch(_SPACE_GROUP, word)]
    listed = [bare for word in listed if (bare := word.strip("-"))]
    return all(word in _WORDS or word in _BESIDE_WORDS for word in listed) and any(word in _WORDS for word in listed)
