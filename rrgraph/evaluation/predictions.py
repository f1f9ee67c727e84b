"""Files of predictions from any system: ranked precursor sets as JSONL, one line for each input row, in order.

A line is ``{"target": "LiCoO2", "sets": [["Li2CO3", "Co3O4"], ...], "scores": [...]}``, best set first. Files are read
and written line by line.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Final

from rrgraph.chem import Composition, parse_formula
from rrgraph.data import PrecursorSet
from rrgraph.errors import DataError, FormulaError, RRGraphError, ScoreError
from rrgraph.util.files import atomic_path, open_text
from rrgraph.util.inputs import cell_fault, open_lines, unicode_text
from rrgraph.util.json_files import parse_json
from rrgraph.util.rows import Row

__all__ = ["Prediction", "parse_prediction", "read_predictions", "write_predictions"]


_MOST_FORMULAS: Final = 100_000
"""Formulas in the sets of a prediction."""


@dataclass(frozen=True, slots=True)
class Prediction:
    """The ranked precursor sets of one row.

    Attributes:
        target: the material to make.
        sets: distinct precursor sets, best first.
        scores: of each set, finite and never increasing; None if the system gives only an order.
    """

    target: Composition
    sets: tuple[PrecursorSet, ...]
    scores: tuple[float, ...] | None = None

    def to_json(self) -> str:
        """Return the line of the predictions file without the line break."""
        line: dict[str, Any] = {
            "target": self.target.formula,
            "sets": [[precursor.formula for precursor in precursors] for precursors in self.sets],
        }
        if self.scores is not None:
            line["scores"] = list(self.scores)
        return json.dumps(line, ensure_ascii=False, allow_nan=False)


def read_predictions(
    path: str | os.PathLike[str], *, instead: Callable[[Row], Prediction] | None = None
) -> Iterator[Prediction]:
    """Yield the predictions of a ``.jsonl`` file (also ``.gz``, ``.xz`` or ``.bz2``), line by line.

    Args:
        path: of the file.
        instead: returns what to yield for a line that cannot be read; without it such a line is an error.

    Raises:
        DataError: the file is missing or not text, or a line is malformed, cut off, or contains an invalid formula.
        ScoreError: the scores of a line are not finite, not as many as its sets, or not best first.
    """
    empty = range(0)  # lines, which are no predictions if nothing follows

    def refuse(number: int, error: RRGraphError, text: str) -> Prediction:
        if instead is None:
            raise error
        return instead(Row(number, error=str(error), text=unicode_text(text)))

    with open_lines(path, "predictions file") as lines:
        for number, line in enumerate(lines, start=1):
            if not line.strip():
                empty = range(empty.start or number, number + 1)
                continue
            for each in empty:
                message = f"Line {each} of '{path}' is empty, expected one prediction on each line."
                yield refuse(each, DataError(message), "")
            empty = range(0)
            try:
                prediction = _parse_line(line, f"Line {number} of '{path}'")
            except (DataError, ScoreError) as error:
                prediction = refuse(number, error, line.rstrip("\r\n"))
            yield prediction


def write_predictions(path: str | os.PathLike[str], predictions: Iterable[Prediction]) -> int:
    """Write predictions one by one and return their number; the file appears when the last one is written."""
    number = 0
    # The temporary name keeps the suffix, so that ``.gz`` is compressed.
    with atomic_path(path) as temporary, open_text(temporary) as handle:
        for prediction in predictions:
            handle.write(prediction.to_json() + "\n")
            number += 1
    return number


def parse_prediction(line: Any, *, where: str = "The prediction") -> Prediction:
    """Return the prediction of a decoded JSON line; keys other than target, sets and scores are ignored.

    A set that is listed twice, in any order or spelling, counts once, at its first index. Scores are optional: without
    them the order of the list is the ranking. Scores that are not in best-first order are an error rather than sorted,
    because they may be losses.

    Args:
        line: the decoded JSON value.
        where: name of the line in error messages.

    Raises:
        DataError: a key is missing, a value has the wrong type, or a formula cannot be parsed.
        ScoreError: the scores are not finite, not as many as the sets, or not best first.
    """
    if not isinstance(line, dict):
        raise DataError(f"{where} is not a JSON object with the keys target, sets and scores.")
    for key in ("target", "sets"):
        if key not in line:
            raise DataError(f"{where} has no '{key}'.")
    if not isinstance(line["target"], str):
        raise DataError(f"{where} has the target {line['target']!r:.80}, expected a formula.")
    if not isinstance(line["sets"], list):
        raise DataError(f"{where} has sets that are not a list, expected a list of lists of formulas.")
    formulas = sum(len(entry) for entry in line["sets"] if isinstance(entry, list))
    if formulas > _MOST_FORMULAS:
        raise DataError(f"{where} has {formulas:,} formulas in its sets, at most {_MOST_FORMULAS:,} are read.")
    scores = _scores(line.get("scores"), len(line["sets"]), where)
    distinct: dict[frozenset[str], int] = {}
    sets = [_precursor_set(entry, number, where) for number, entry in enumerate(line["sets"], start=1)]
    for index, precursors in enumerate(sets):
        distinct.setdefault(precursors.keys, index)
    return Prediction(
        target=_formula(line["target"], where),
        sets=tuple(sets[index] for index in distinct.values()),
        scores=None if scores is None else tuple(scores[index] for index in distinct.values()),
    )


def _parse_line(line: str, where: str) -> Prediction:
    try:
        # Infinity and NaN are not JSON, but Python decodes them; `_scores` rejects them by name.
        decoded = parse_json(line, finite=False)
    except ValueError as error:
        if not line.endswith(("\n", "\r")):
            raise DataError(f"{where}, the last one, is cut off: the file was not written completely.") from None
        raise DataError(f"{where} is {error}.") from None
    if fault := cell_fault(decoded):
        raise DataError(f"{where} {fault}")
    return parse_prediction(decoded, where=where)


def _scores(scores: Any, sets: int, where: str) -> list[float] | None:
    if scores is None:
        return None
    if not isinstance(scores, list) or any(isinstance(s, bool) or not isinstance(s, int | float) for s in scores):
        raise ScoreError(f"{where} has scores that are not a list of numbers.")
    if len(scores) != sets:
        raise ScoreError(f"{where} has {len(scores)} scores for {sets} sets.")
    for index, score in enumerate(scores):
        if not -sys.float_info.max <= score <= sys.float_info.max:  # whole numbers have no bounds
            raise ScoreError(f"{where} has the score {score!s:.40} for set {index + 1}, expected a finite number.")
        if index and score > scores[index - 1]:
            raise ScoreError(
                f"{where} is not ordered best first: set {index + 1} has the score {score!s:.40} "
                f"after set {index} with {scores[index - 1]!s:.40}."
            )
    return [float(score) for score in scores]


def _precursor_set(entry: Any, number: int, where: str) -> PrecursorSet:
    if not isinstance(entry, list) or not all(isinstance(formula, str) for formula in entry):
        raise DataError(f"{where} has {entry!r:.80} as set {number}, expected a list of formulas.")
    precursors = [_formula(formula, where) for formula in entry]
    try:
        return PrecursorSet(precursors)
    except RRGraphError as error:
        raise DataError(f"{where} has an impossible set {number}: {error}") from None


def _formula(text: str, where: str) -> Composition:
    try:
        return parse_formula(text, dopants=False)
    except FormulaError as error:
        raise DataError(f"{where} has an invalid formula: {error}") from None
