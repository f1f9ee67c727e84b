from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from rrgraph.chem import Composition, parse_formula
from rrgraph.data import PrecursorSet
from rrgraph.planning import PlannedSet, SynthesisPlan
from rrgraph.screening import answers as answers_module
from rrgraph.screening import page
from rrgraph.screening.answers import _LAST

OXIDES = {"Ba": "BaO", "Sr": "SrO", "Ca": "CaO", "Ti": "TiO2", "Zr": "ZrO2", "Fe": "Fe2O3", "Li": "Li2O"}


class FakeModel:
    """Plans a set of oxides, and that of peroxides or nothing; remembers what it was asked.

    Attributes:
        asked: formulas of each call.
        before: called with the formulas of each call before it is answered.
    """

    systems = frozenset({"Ba-O-Ti", "Fe-O"})

    def __init__(self) -> None:
        self.asked: list[list[str]] = []
        self.before: Callable[[list[str]], None] = lambda formulas: None

    def plan(self, targets: Sequence[Composition], **options: Any) -> list[SynthesisPlan]:
        formulas = [target.formula for target in targets]
        self.before(formulas)
        self.asked.append(formulas)
        return [self._plan(target) for target in targets]

    def _plan(self, target: Composition) -> SynthesisPlan:
        members = [OXIDES[each] for each in sorted(target.elements - {"O"}) if each in OXIDES]
        if len(members) < len(target.elements - {"O"}):
            return SynthesisPlan(target=target.formula, message="There is no set.", no_match=1.0)
        sets = [
            PlannedSet(
                rank=rank,
                precursors=PrecursorSet(parse_formula(each) for each in chosen),
                probability=probability,
                score=probability,
                target=target,
            )
            for rank, (chosen, probability) in enumerate(((members, 0.5), ([*members, "O2Ba"], 0.25)), start=1)
        ]
        return SynthesisPlan(target=target.formula, sets=tuple(sets[:1] if rank_one(target) else sets), no_match=0.25)


def rank_one(target: Composition) -> bool:
    return "Ba" not in target.elements


@pytest.fixture
def model(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeModel]:
    """What plans in place of the model, in this process."""
    found = FakeModel()
    monkeypatch.setattr(answers_module, "load_model", lambda name, device: found)
    # The figures take a second; tests of the page draw them.
    monkeypatch.setattr(page, "write_page", lambda summary: None)
    yield found
    _LAST.clear()


@pytest.fixture
def table(tmp_path: Path) -> Path:
    """Twelve rows, two of which are no formulas, and one of which has no set."""
    path = tmp_path / "targets.csv"
    formulas = [
        "BaTiO3",
        "SrTiO3",
        "CaTiO3",
        "Xx2",
        "BaZrO3",
        "LiFeO2",
        "BaTiO3",
        "UO2",
        "",
        "SrZrO3",
        "Fe2O3",
        "Li2TiO3",
    ]
    path.write_text("id,formula\n" + "".join(f"m{number},{text}\n" for number, text in enumerate(formulas)))
    return path


def contents(folder: Path) -> dict[str, bytes]:
    """Return the bytes of all files of a screening."""
    files = (path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): path.read_bytes() for path in files}


@contextmanager
def interrupted_at(model: FakeModel, formula: str) -> Iterator[None]:
    """Press Ctrl-C within the block when a formula is planned."""

    def press(formulas: list[str]) -> None:
        if formula in formulas:
            raise KeyboardInterrupt

    model.before = press
    with pytest.raises(KeyboardInterrupt):
        yield
    model.before = lambda formulas: None
