"""Prompts for language models from reaction tables, and predictions from their answers.

The user chooses and calls the language model: prompts are written and answers are read as JSONL files, and
`rrgraph score` measures the predictions.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from rrgraph.chem import Composition, parse_formula, source_elements
from rrgraph.data import PrecursorSet, ReactionTable
from rrgraph.errors import DataError, FormulaError
from rrgraph.evaluation import Prediction
from rrgraph.util.files import atomic_path, open_text
from rrgraph.util.inputs import open_lines
from rrgraph.util.json_files import parse_json

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
    """Return the prompt of Retro-Rank-In (appendix D.4), which was used with Mistral 7B.

    Args:
        target: the material to make.
        sets: number of precursor sets to ask for; 20 in the paper.
        size: number of precursors of each set, which is known in the paper. Without it, its two sentences are omitted
            and the model has to choose the size, as in protocol `open`.
    """
    return _PROMPT.format(
        target=target.formula,
        sets=sets,
        size="" if size is None else f"You should choose exactly {size} precursors. ",
        length="" if size is None else f"Each list should have a length of {size}. ",
    )


def write_prompts(
    path: str | os.PathLike[str], table: ReactionTable, *, sets: int = 20, known_size: bool = True
) -> int:
    """Write one prompt for each row, in order, as JSONL ``{"target": ..., "prompt": ...}``, and return their number.

    Args:
        path: of the file, which appears when it is complete.
        table: reactions whose targets are asked for.
        sets: number of precursor sets to ask for.
        known_size: whether the prompt states the number of precursors of the recorded set.
    """
    with atomic_path(path) as temporary, open_text(temporary) as handle:
        for target, precursors in zip(table.targets, table.precursor_sets, strict=True):
            prompt = prompt_text(target, sets=sets, size=len(precursors) if known_size else None)
            handle.write(json.dumps({"target": target.formula, "prompt": prompt}, ensure_ascii=False) + "\n")
    return len(table)


@dataclass(frozen=True, slots=True)
class ParsedAnswer:
    """The precursor sets of an answer.

    Attributes:
        sets: distinct precursor sets, in the order of the answer.
        invalid: number of sets dropped because a member is not a valid formula.
    """

    sets: tuple[PrecursorSet, ...]
    invalid: int


def parse_answer(text: str) -> ParsedAnswer:
    """Parse the precursor sets of a raw answer.

    The innermost lists in square brackets are the sets, wherever they are in the text; an unfinished list at the end is
    ignored. If there are none, each line is a set, with any numbering or bullet, its members joined by commas, plus
    signs, semicolons or "and"; of a reaction, only the side before the arrow is used. Lines without a valid formula are
    ignored, and so are remarks in brackets after a formula and amounts before it.
    """
    lists = list(_bracketed(text))
    found = lists or [_members(line) for line in text.splitlines()]
    sets: dict[frozenset[str], PrecursorSet] = {}
    invalid = 0
    for members in found:
        compositions = [_composition(member) for member in members if member.strip(_AROUND)]
        known = [each for each in compositions if each is not None]
        if known and len(known) == len(compositions):
            precursors = PrecursorSet(known)
            sets.setdefault(precursors.keys, precursors)
        elif known or (lists and compositions):
            invalid += 1
    return ParsedAnswer(tuple(sets.values()), invalid)


@dataclass(frozen=True, slots=True)
class Answers:
    """The answers to the prompts of a table.

    Attributes:
        predictions: one for each row, in order; without scores, the order of the answer is the ranking.
        invalid: number of sets dropped because a member is not a valid formula.
        incomplete: number of sets dropped because they lack an element of the target other than C, H, O and N.
        empty: number of rows without any remaining set.
    """

    predictions: tuple[Prediction, ...]
    invalid: int
    incomplete: int
    empty: int


def read_answers(path: str | os.PathLike[str], table: ReactionTable, *, problems: list[str] | None = None) -> Answers:
    """Read answers, JSONL ``{"target": ..., "answer": ...}``, one for each row of the table, in order.

    As in the paper, sets that do not supply the target's elements, and repeated ones, are dropped.

    Args:
        path: of the file.
        table: reactions whose targets were asked for.
        problems: takes a sentence on each line that cannot be read, which counts as an answer without sets; without it
            such a line is an error.

    Raises:
        DataError: the file is missing or malformed, an answer is for another target, or there are more or fewer answers
            than rows.
    """
    predictions, invalid, incomplete = [], 0, 0
    for number, line in enumerate(_lines(path), start=1):
        where = f"Line {number} of '{path}'"
        if number > len(table):
            if not line.strip():
                continue
            raise DataError(f"'{path}' has more answers than the {len(table)} rows of the table.")
        target = table.targets[number - 1]
        try:
            answer = parse_answer(_answer(line, target, where))
        except _UnreadableError as error:
            if problems is None:
                raise
            problems.append(str(error))
            answer = ParsedAnswer((), 0)
        complete = [each for each in answer.sets if source_elements(target) <= each.elements]
        invalid += answer.invalid
        incomplete += len(answer.sets) - len(complete)
        predictions.append(Prediction(target=target, sets=tuple(complete)))
    if len(predictions) < len(table):
        raise DataError(f"'{path}' has {len(predictions)} answers for the {len(table)} rows of the table.")
    return Answers(tuple(predictions), invalid, incomplete, sum(not each.sets for each in predictions))


def _lines(path: str | os.PathLike[str]) -> Iterator[str]:
    with open_lines(path, "answers file") as lines:
        yield from lines


class _UnreadableError(DataError):
    """A line does not hold an answer, and does not say for which target."""


def _answer(line: str, target: Composition, where: str) -> str:
    """Return the text of an answer, which has to be for `target`."""
    try:
        decoded: Any = parse_json(line, finite=False)
    except ValueError as error:
        raise _UnreadableError(f"{where} is {error}, expected an object with the keys target and answer.") from None
    if not isinstance(decoded, dict) or not all(isinstance(decoded.get(key), str) for key in ("target", "answer")):
        raise _UnreadableError(f"{where} is not a JSON object with the keys target and answer.")
    try:
        asked = parse_formula(decoded["target"])
    except FormulaError as error:
        raise _UnreadableError(f"{where} has an invalid formula: {error}") from None
    if asked != target:
        raise DataError(f"{where} is for {decoded['target']}, expected {target.formula} as in the table.")
    answer: str = decoded["answer"]
    return answer


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
    """Return the composition in a piece of an answer, None if there is none."""
    text = re.sub(r"\s+\(.*", "", text.strip(_AROUND))
    text = re.sub(r"^\d+(?:\.\d+)?\s+", "", text)
    try:
        return parse_formula(text, dopants=False)
    except FormulaError:
        return None
