"""Damaged model folders: refused, or with the answer that they gave before."""

from __future__ import annotations

import shutil
import warnings
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from rrgraph.errors import RRGraphError
from rrgraph.models import load_encoder, load_model

from .harness import Failure, Outcome, attack, choices, keep, numbers
from .make_models import make_models
from .mutate_models import damage_model, drop_checksums


@attack(
    "models",
    what="mutated model folders",
    allowed="0 tracebacks, 0 silent changes of an answer",
    full=1_000,
    quick=100,
    few=20,
)
def models(*, tries: int, seed: int, folder: Path) -> Outcome:
    """Damage files, headers, numbers and tensors of three kinds of model, and ask each for an answer.

    The note counts how they ended: `refused`, `same`, or `other` where there are no checksums.
    """
    failures, ends = [], Counter[str]()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        known = make_models(folder / "models")
        expected = {kind: ANSWERS[kind](place) for kind, place in known.items()}
        given = numbers(tries)
        for number in given:
            draw = choices("models", seed, number)
            kind = draw.choice(list(known))
            place = folder / f"models-{number}"
            shutil.copytree(known[kind], place)
            signed = draw.random() < 0.5
            what = f"{kind}, {damage_model(place, draw)}"
            if not signed:
                drop_checksums(place)
            ended = _end(kind, place, expected[kind], signed=signed)
            if ended in ("refused", "same", "other"):
                ends[ended] += 1
                shutil.rmtree(place)
            else:
                failures.append(Failure(ended.partition(":")[0], f"models {number}: {what}", ended))
                keep(folder, "models", number, failures[-1])
    return Outcome(len(given), failures, ", ".join(f"{count} {end}" for end, count in ends.most_common()))


def _end(kind: str, folder: Path, expected: Any, *, signed: bool) -> str:
    """Return how a damaged model ends: `refused`, `same`, `other`, or what went wrong.

    Args:
        kind: of the model.
        folder: where it is.
        expected: what it said before.
        signed: whether the damage came after the checksums, so that it may never change an answer.
    """
    try:
        given = ANSWERS[kind](folder)
    except RRGraphError as error:
        clean = "\n" not in str(error) and len(str(error)) < 1000 and str(error).isprintable()
        return "refused" if clean else f"message: {str(error)!a:.300}"
    except Exception as error:
        return f"{type(error).__name__}: {error!s:.200}"
    if given == expected:
        return "same"
    if signed:
        return "another answer in silence"
    return "other" if _is_finite(given) else f"not finite: {given}"


def _plan(folder: Path) -> Any:
    plan = load_model(folder).plan("BaTiO3", top_k=5, literature=False)
    return [(str(each.precursors), each.probability) for each in plan.sets]


def _predict(folder: Path) -> Any:
    found = load_encoder(folder).predict(["BaTiO3", "LiCoO2"]).values()
    return [
        [each.value.tolist(), (each.uncertainty if each.probabilities is None else each.probabilities).tolist()]
        for each in found
    ]


def _suggest(folder: Path) -> Any:
    from rrgraph.organic import load_template_checkpoint, template_planner

    planner = template_planner(load_template_checkpoint(folder))
    return [[(each.reactants, each.score) for each in found] for found in planner.plan(["CCOC(C)=O"], top_k=3)]


ANSWERS: dict[str, Callable[[Path], Any]] = {"links": _plan, "encoder": _predict, "templates": _suggest}


def _is_finite(value: Any) -> bool:
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list | tuple):
        return all(map(_is_finite, value))
    return not isinstance(value, float) or bool(np.isfinite(value))
