"""Language models as outside systems: reaction tables become prompts, raw answers become predictions.

Which model answers, and how it is called, is up to the user: prompts leave as JSONL, answers come back as JSONL, and
the predictions made of them are measured by `rrgraph score`.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from rrgraph.chem import Composition, parse_formula, source_elements
from rrgraph.data import PrecursorSet, ReactionTable
from rrgraph.errors import DataError, FormulaError
from rrgraph.evaluation import Prediction
from rrgraph.util.files import atomic_path, suggest_file

__all__ = ["Answers", "ParsedAnswer", "parse_answer", "prompt_text", "read_answers", "write_prompts"]

_PROMPT: Final = (
    "You are tasked with identifying precursors for synthesizing the target material {target}. {size}Generate {sets} "
    "possible precursor material combinations in descending order of probability. Each route should represent a unique "
    "combination of precursors likely to result in the target material. Use the chemical formulas for all precursors "
    "instead of their common names. Output them in a Python list format, where each precursor is a string, and each "
    "possible combination is a list. {length}The response should only include a list of lists where the smaller the "
    "index of the list, the higher the probability that the precursor combination has. Do not add any other sentences "
    "to the response, only print the list."
)
_QUOTES: Final = {'"': '"', "'": "'", "`": "`", "“": "”", "‘": "’"}
_BULLET: Final = re.compile(r"^\s*(?:[-*•–]\s+|(?:[A-Za-z]{3,} )?\(?\d+\s*[.):]\s*)?")
_ARROW: Final = re.compile(r"\s*(?:->|→|⟶|=+>?)\s*")
_BETWEEN: Final = re.compile(r"\s*[,;+&]\s*|\s+and\s+")
_AROUND: Final = " \t\n\"'`*“”‘’.:"


def prompt_text(target: Composition, *, sets: int = 20, size: int | None = None) -> str:
    """Return the prompt that Retro-Rank-In (appendix D.4) gave to Mistral 7B.

    Args:
        target: the material to make.
        sets: precursor sets to ask for; the paper asked for 20.
        size: number of precursors of each set, which the paper tells. Without it the two sentences about it are left
            out, and the model has to decide, as protocol `open` asks for.
    """
    return _PROMPT.format(
        target=target.formula,
        sets=sets,
        size="" if size is None else f"You should choose exactly {size} precursors. ",
        length="" if size is None else f"Each list should have a length of {size}. ",
    )


def write_prompts(path: str | os.PathLike[str], table: ReactionTable, *, sets: int = 20, told: bool = True) -> int:
    """Write one prompt a row, in order, as JSONL ``{"target": ..., "prompt": ...}``, and return their number.

    Args:
        path: where to; the file appears when it is complete.
        table: rows to ask for.
        sets: precursor sets to ask for.
        told: whether the prompt tells the number of precursors of the recorded set.
    """
    with atomic_path(path) as temporary, temporary.open("w", encoding="utf-8") as handle:
        for target, precursors in zip(table.targets, table.precursor_sets, strict=True):
            prompt = prompt_text(target, sets=sets, size=len(precursors) if told else None)
            handle.write(json.dumps({"target": target.formula, "prompt": prompt}, ensure_ascii=False) + "\n")
    return len(table)


@dataclass(frozen=True, slots=True)
class ParsedAnswer:
    """What an answer proposes.

    Attributes:
        sets: distinct precursor sets, in the order of the answer.
        unknown: sets that were dropped because a member is no formula.
    """

    sets: tuple[PrecursorSet, ...]
    unknown: int


def parse_answer(text: str) -> ParsedAnswer:
    """Read the precursor sets of a raw answer.

    Lists in square brackets are read wherever they stand, the innermost ones as sets; one that the answer breaks off in
    is left out. Without any, each line is read as a set, whatever numbering or bullet it begins with, its members
    joined by commas, plus signs, semicolons or "and"; of a reaction, what stands before the arrow. Lines without any
    formula are taken for talk. Remarks in brackets after a formula and amounts before it are left out.
    """
    lists = list(_bracketed(text))
    found = lists or [_members(line) for line in text.splitlines()]
    sets: dict[frozenset[str], PrecursorSet] = {}
    unknown = 0
    for members in found:
        compositions = [_composition(member) for member in members if member.strip(_AROUND)]
        known = [each for each in compositions if each is not None]
        if known and len(known) == len(compositions):
            precursors = PrecursorSet(known)
            sets.setdefault(precursors.keys, precursors)
        elif known or (lists and compositions):
            unknown += 1
    return ParsedAnswer(tuple(sets.values()), unknown)


@dataclass(frozen=True, slots=True)
class Answers:
    """The answers to the prompts of a table.

    Attributes:
        predictions: one for each row, in order; without scores, the order of the answer is the ranking.
        unknown: sets that were dropped because a member is no formula.
        incomplete: sets that were dropped because they lack an element of the target, C, H, O and N aside.
        empty: rows that no set is left for.
    """

    predictions: tuple[Prediction, ...]
    unknown: int
    incomplete: int
    empty: int


def read_answers(path: str | os.PathLike[str], table: ReactionTable) -> Answers:
    """Read answers, JSONL ``{"target": ..., "answer": ...}``, one a row of the table, in order.

    As in the paper, sets that do not bring the target's elements, and repeated ones, are dropped.

    Raises:
        DataError: the file is missing or malformed, an answer is of another target, or there are more or fewer answers
            than rows.
    """
    predictions, unknown, incomplete = [], 0, 0
    for number, line in enumerate(_lines(path), start=1):
        where = f"Line {number} of '{path}'"
        if number > len(table):
            raise DataError(f"'{path}' has more answers than the {len(table)} rows of the table.")
        target = table.targets[number - 1]
        answer = parse_answer(_answer(line, target, where))
        complete = [each for each in answer.sets if source_elements(target) <= each.elements]
        unknown += answer.unknown
        incomplete += len(answer.sets) - len(complete)
        predictions.append(Prediction(target=target, sets=tuple(complete)))
    if len(predictions) < len(table):
        raise DataError(f"'{path}' has {len(predictions)} answers for the {len(table)} rows of the table.")
    return Answers(tuple(predictions), unknown, incomplete, sum(not each.sets for each in predictions))


def _lines(path: str | os.PathLike[str]) -> Iterator[str]:
    try:
        with Path(path).open(encoding="utf-8") as handle:
            yield from handle
    except FileNotFoundError:
        raise DataError(f"There is no answers file '{path}'.{suggest_file(path)}") from None
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"Cannot read the answers file '{path}': {error}.") from None


def _answer(line: str, target: Composition, where: str) -> str:
    """Return the text of an answer, which has to be to the question about `target`."""
    try:
        decoded: Any = json.loads(line)
    except (json.JSONDecodeError, RecursionError):
        raise DataError(f"{where} is no valid JSON, expected an object with the keys target and answer.") from None
    if not isinstance(decoded, dict) or not all(isinstance(decoded.get(key), str) for key in ("target", "answer")):
        raise DataError(f"{where} is not a JSON object with the texts target and answer.")
    try:
        asked = parse_formula(decoded["target"])
    except FormulaError as error:
        raise DataError(f"{where} names no composition: {error}") from None
    if asked != target:
        raise DataError(f"{where} answers for {decoded['target']}, expected {target.formula} as in the table.")
    return decoded["answer"]


def _bracketed(text: str) -> Iterator[list[str]]:
    """Yield the members of each innermost list in square brackets; brackets in quoted formulas are not lists."""
    members: list[str] | None = None
    piece, until = "", ""
    for character in text:
        if until:
            if character in (until, "\n"):
                until = ""
            else:
                piece += character
        elif character == "[":
            members, piece = [], ""
        elif members is None:
            continue
        elif character == "]":
            yield [*members, piece]
            members = None
        elif character in ",;":
            members.append(piece)
            piece = ""
        elif character in _QUOTES:
            until = _QUOTES[character]
        else:
            piece += character


def _members(line: str) -> list[str]:
    return _BETWEEN.split(_ARROW.split(_BULLET.sub("", line))[0])


def _composition(text: str) -> Composition | None:
    """Return the composition that a piece of an answer names, None when it is none."""
    text = re.sub(r"\s+\(.*", "", text.strip(_AROUND))
    text = re.sub(r"^\d+(?:\.\d+)?\s+", "", text)
    try:
        return parse_formula(text)
    except FormulaError:
        return None
