"""Mutated formulas and equations."""

from __future__ import annotations

import random
import warnings
from pathlib import Path

import rrgraph as rr
from rrgraph.data import load_table
from rrgraph.errors import RRGraphError

from ..chem.test_mutated_formulas import FORMULAS, SPELLINGS, mutated, outcome
from .harness import Outcome, attack, run_cases

ALLOWED = "0 crashes, 0 hangs over 2 s, 0 over 1 GB"
HOSTILE = [
    "\0",
    "\ud800",
    "\x1b[31m",
    "\u202e",
    "9" * 400,
    "(" * 300,
    "1e999",
    "𝟙",
    "\n",
    "%s",
    "{0}",
    "é" * 50,
    "0." + "1" * 60,
]


def _written(choose: random.Random, spellings: list[str]) -> str:
    """Return a formula of the literature, mutated, respelled, doubled or with something hostile in it."""
    text = choose.choice(spellings)
    kind = choose.random()
    if kind < 0.75:
        text = mutated(text, choose)
    if kind > 0.6:
        text = choose.choice(SPELLINGS)(text)
    if kind > 0.97:
        place = choose.randrange(len(text) + 1)
        text = text[:place] + choose.choice(HOSTILE) + text[place:]
    if kind > 0.99:
        text *= choose.randint(2, 60)
    return text


def _spellings() -> list[str]:
    table = load_table("textbook")
    return [*FORMULAS, *dict.fromkeys(table.frame["target"])]


@attack("formulas", what="mutated formulas", allowed=ALLOWED, full=1_000_000, quick=20_000, few=300)
def formulas(*, tries: int, seed: int, folder: Path) -> Outcome:
    """Read them in two spellings, of which neither may silently become another material."""
    spellings = _spellings()

    def case(choose: random.Random, _: Path) -> None:
        text = _written(choose, spellings)
        composition, notes = outcome(text)
        if composition is None:
            return
        assert all(amount > 0 for _, amount in composition.amounts), f"an amount is not positive\n{text!r}"
        other, others_notes = outcome(choose.choice(SPELLINGS)(text))
        same = other is None or notes or others_notes or other == composition
        assert same, f"another spelling is another material\n{text!r}"

    return run_cases("formulas", case, tries=tries, seed=seed, folder=folder, keep_files=False)


@attack("equations", what="mutated equations", allowed=ALLOWED, full=100_000, quick=2_000, few=50)
def equations(*, tries: int, seed: int, folder: Path) -> Outcome:
    """Balance precursors of the literature of which some are exchanged, missing, repeated or misspelt."""
    table = load_table("textbook")
    rows = list(zip(table.frame["target"], table.frame["precursors"].str.split(";"), strict=True))
    precursors = sorted({each for _, members in rows for each in members})
    spellings = [*_spellings(), *precursors]

    def case(choose: random.Random, _: Path) -> None:
        target, members = choose.choice(rows)
        members = list(members)
        for _ in range(choose.randint(0, 3)):
            place, kind = choose.randrange(len(members) + 1), choose.randrange(4)
            if kind == 0:
                members.insert(place, choose.choice(precursors))
            elif kind == 1:
                members.insert(place, _written(choose, spellings))
            elif kind == 2:
                members = members[:place] + members[place + 1 :]
            else:
                target = _written(choose, [target, *FORMULAS])
        if choose.random() < 0.02:
            members = [choose.choice(precursors) for _ in range(choose.randint(6, 40))]
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                equation = rr.balance(target, members)
            except RRGraphError as error:
                assert len(str(error)) < 2000, f"a sentence of {len(str(error))} characters\n{target!r} {members!r}"
                return
            assert equation is None or str(equation), f"an equation without text\n{target!r} {members!r}"

    return run_cases("equations", case, tries=tries, seed=seed, folder=folder, keep_files=False)
