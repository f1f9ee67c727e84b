"""Model folders with seeded damage: bytes, numbers, keys, tensors; and what a small plan of each says.

Run as a script, it prints how many mutations were refused, gave the same answer, or failed:

    python tests/robustness/mutations_models.py [NUMBER] [SEED]
"""

from __future__ import annotations

import json
import random
import shutil
import struct
import sys
import tempfile
import warnings
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from safetensors.torch import load_file, save_file
from scipy.sparse import csr_array

from rrgraph.data import ReactionTable
from rrgraph.errors import RRGraphError
from rrgraph.graph import FrequencyFeatures, SetFrequencyFeatures
from rrgraph.links import LinkModel
from rrgraph.models import LinkCheckpoint, load_encoder, load_model, save_checkpoint
from rrgraph.nn import EncoderConfig, ModelConfig, TreeEnsemble
from rrgraph.properties import (
    EnergyHead,
    PropertyCheckpoint,
    PropertyModel,
    PropertyTask,
    save_property_checkpoint,
)
from rrgraph.reranking import FLAT_COLUMNS, EnsembleReranker, ListwiseNetwork, ListwiseNetworkConfig

__all__ = ["Mutated", "answer", "attack", "make_models", "mutated_model_folders"]

WEIGHTS, DESCRIPTION = "model.safetensors", "model.json"

ABSURD: tuple[Any, ...] = (
    *(0, -1, 10**9, 10**12, 10**300, 1e300, -1e300, 1e-300, float("nan"), float("inf"), 0.5, 1e999),
    *(None, True, "", "text", "\x1b[2J\x00", "\ud800", "${oc.env:HOME}", [], {}, [[[]]], {"a": 1}, "x; rm -rf /"),
)

REACTIONS = (
    ("BaTiO3", "BaCO3;TiO2"),
    ("SrTiO3", "SrCO3;TiO2"),
    ("LiCoO2", "Li2CO3;Co3O4"),
    ("BaZrO3", "BaCO3;ZrO2"),
    ("LiFePO4", "Li2CO3;FeC2O4;NH4H2PO4"),
    ("YBa2Cu3O7", "Y2O3;BaCO3;CuO"),
)

TARGET = "BaTiO3"

BITS = {"products": 2048, "reactants": 2048, "changes": 1024}


@dataclass(frozen=True)
class Mutated:
    """A damaged copy of a model.

    Attributes:
        kind: `links`, `encoder` or `templates`.
        folder: of the copy; it is there until the next one is asked for.
        what: what was done to it.
        signed: whether the damage came after the checksums, so that it may never change an answer.
        original: the undamaged model.
    """

    kind: str
    folder: Path
    what: str
    signed: bool
    original: Path


def mutated_model_folders(
    seed: int, number: int, *, models: dict[str, Path] | None = None, workplace: Path | None = None
) -> Iterator[Mutated]:
    """Yield damaged copies of small models, the same ones for the same seed.

    Args:
        seed: of every choice.
        number: of copies.
        models: folders by kind, see `make_models`; made here if not given.
        workplace: where copies are put; a temporary folder if not given.
    """
    with tempfile.TemporaryDirectory() as temporary:
        place = workplace or Path(temporary)
        known = models or make_models(place / "models")
        for index in range(number):
            draw = random.Random(f"{seed}/{index}")
            kind = draw.choice(list(known))
            folder = place / "mutated"
            shutil.rmtree(folder, ignore_errors=True)
            shutil.copytree(known[kind], folder)
            signed = draw.random() < 0.5
            what = draw.choice(MUTATIONS)(folder, draw)
            if not signed:
                _drop_checksums(folder)
            yield Mutated(kind, folder, what, signed, known[kind])


def attack(seed: int, number: int) -> Counter[str]:
    """Return how damaged models ended: `refused`, `same`, `other` (without checksums), or what went wrong.

    What must not be begins with `FAULT`.
    """
    found: Counter[str] = Counter()
    expected: dict[Path, Any] = {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for each in mutated_model_folders(seed, number):
            if each.original not in expected:
                expected[each.original] = answer(each.kind, each.original)
            try:
                given = answer(each.kind, each.folder)
            except RRGraphError as error:
                clean = "\n" not in str(error) and len(str(error)) < 1000 and str(error).isprintable()
                found["refused" if clean else f"FAULT {each.kind}, {each.what}: message {str(error)!a:.300}"] += 1
            except Exception as error:
                found[f"FAULT {each.kind}, {each.what}: {type(error).__name__}: {error!s:.200}"] += 1
            else:
                if given == expected[each.original]:
                    found["same"] += 1
                elif each.signed:
                    found[f"FAULT {each.kind}, {each.what}: another answer in silence"] += 1
                elif not _is_finite(given):
                    found[f"FAULT {each.kind}, {each.what}: no number: {given}"] += 1
                else:
                    found["other"] += 1
    return found


def answer(kind: str, folder: Path) -> Any:
    """Return what a model says of a few materials or molecules."""
    return ANSWERS[kind](folder)


def _plan(folder: Path) -> Any:
    plan = load_model(folder).plan(TARGET, top_k=5, literature=False)
    return [(str(each.precursors), each.probability) for each in plan.sets]


def _predict(folder: Path) -> Any:
    found = load_encoder(folder).predict([TARGET, "LiCoO2"]).values()
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


# Damage


def _flip_byte(folder: Path, draw: random.Random) -> str:
    path = folder / draw.choice([WEIGHTS, DESCRIPTION])
    content = bytearray(path.read_bytes())
    place = draw.randrange(len(content))
    content[place] ^= 1 << draw.randrange(8)
    path.write_bytes(content)
    return f"bit of byte {place} of {path.name}"


def _cut(folder: Path, draw: random.Random) -> str:
    path = folder / draw.choice([WEIGHTS, DESCRIPTION])
    content = path.read_bytes()
    keep = draw.randrange(len(content))
    path.write_bytes(content[:keep] + draw.choice([b"", b"", bytes(100), b"{" * 5000]))
    return f"{path.name} cut at {keep}"


def _header(folder: Path, draw: random.Random) -> str:
    """Let the header of the weights claim other sizes, types or places."""
    path = folder / WEIGHTS
    content = path.read_bytes()
    (length,) = struct.unpack("<Q", content[:8])
    header = json.loads(content[8 : 8 + length])
    name = draw.choice([name for name in header if name != "__metadata__"])
    key = draw.choice(["shape", "dtype", "data_offsets"])
    header[name][key] = draw.choice([[10**12], [2**62, 4], [-1], "F64", "I8", [0, 10**15], [0, 0], [4, 0], None])
    encoded = json.dumps(header).encode()
    claimed = draw.choice([len(encoded), len(encoded), 2**63, 10**9])
    path.write_bytes(struct.pack("<Q", claimed) + encoded + content[8 + length :])
    return f"{key} of {name} is {header[name][key]}"


def _value(folder: Path, draw: random.Random) -> str:
    """Replace a value of the description, or remove it."""
    return _edit(folder, draw, removed=draw.random() < 0.2)


def _edit(folder: Path, draw: random.Random, *, removed: bool) -> str:
    description = json.loads((folder / DESCRIPTION).read_text(encoding="utf-8"))
    places = list(_places(description))
    # Long lists would be chosen nearly always: take one of them in ten.
    short = [place for place in places if all(not isinstance(step, int) or step < 2 for step in place)]
    path = draw.choice(short if draw.random() < 0.9 else places)
    owner = description
    for step in path[:-1]:
        owner = owner[step]
    shown = "removed"
    if removed:
        del owner[path[-1]]
    else:
        old = owner[path[-1]]
        near = [old + 1, old * 2, -old, old / 3] if type(old) in (int, float) else []
        owner[path[-1]] = draw.choice([*ABSURD, *near])
        shown = f"is {owner[path[-1]]!a:.60}"
    (folder / DESCRIPTION).write_text(json.dumps(description), encoding="utf-8")
    return f"{'.'.join(map(str, path))} {shown}"


def _places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    steps: Any = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for step, inner in steps:
        yield (*path, step)
        yield from _places(inner, (*path, step))


def _text(folder: Path, draw: random.Random) -> str:
    """Write a description that is strange as a text."""
    path = folder / DESCRIPTION
    text = path.read_text(encoding="utf-8")
    new = draw.choice(
        [
            "[" * 100_000,
            "[]",
            "null",
            "",
            '{"a":' * 50_000,
            text.replace("1", "9" * 5000, 1),
            text.replace('"format"', '"format": "other", "format"', 1),
            text.replace('"width": ', '"width": 8, "width": ', 1),
            text.replace(": 0", ": NaN", 1),
            text.replace("0.", "-Infinity, 0.", 1),
            "\ufeff" + text,
        ]
    )
    path.write_text(new, encoding="utf-8")
    return f"the text {new[:30]!a}"


def _tensor(folder: Path, draw: random.Random) -> str:
    """Change, exchange, reshape, retype, add or remove a tensor."""
    path = folder / WEIGHTS
    tensors = load_file(path)
    name, other = draw.choice(list(tensors)), draw.choice(list(tensors))
    tensor = tensors[name].clone()
    flat = tensor.flatten()
    number = [float("nan"), float("inf"), -float("inf"), 0.0, -1.0, 1e30, 3e38]
    whole = [-1, 0, 120, 32_000]

    def one(value: Any) -> torch.Tensor:
        changed = flat.clone()
        if len(changed):
            changed[draw.randrange(len(changed))] = value
        return changed.reshape(tensor.shape)

    value = draw.choice(number if tensor.is_floating_point() else whole) if tensor.dtype != torch.bool else False
    how = draw.choice(["one", "all", "exchange", "reshape", "retype", "remove", "add", "shorten", "shuffle"])
    changes: dict[str, Callable[[], dict[str, torch.Tensor]]] = {
        "one": lambda: {**tensors, name: one(value)},
        "all": lambda: {**tensors, name: torch.full_like(tensor, value)},
        "exchange": lambda: {**tensors, name: tensors[other].clone(), other: tensor},
        "reshape": lambda: {**tensors, name: flat[None]},
        "retype": lambda: {**tensors, name: tensor.to(draw.choice([torch.float64, torch.int64, torch.bfloat16]))},
        "remove": lambda: {key: each for key, each in tensors.items() if key != name},
        "add": lambda: {**tensors, "further.weight": torch.ones(3)},
        "shorten": lambda: {**tensors, name: tensor[:-1].clone() if tensor.ndim and len(tensor) else tensor},
        "shuffle": lambda: {**tensors, name: flat.flip(0).reshape(tensor.shape)},
    }
    save_file(changes[how](), path)
    return f"{how} of {name} ({value})"


def _exchange(folder: Path, draw: random.Random) -> str:
    """Remove or empty a file, or put a folder in its place."""
    path = folder / draw.choice([WEIGHTS, DESCRIPTION])
    path.unlink()
    how = draw.choice(["removed", "empty", "folder"])
    if how == "empty":
        path.touch()
    elif how == "folder":
        path.mkdir()
    return f"{path.name} {how}"


MUTATIONS = (_flip_byte, _flip_byte, _cut, _header, _value, _value, _value, _value, _text, _tensor, _tensor, _exchange)


def _drop_checksums(folder: Path) -> None:
    path = folder / DESCRIPTION
    try:
        description = json.loads(path.read_text(encoding="utf-8"))
        description.pop("checksums")
        path.write_text(json.dumps(description), encoding="utf-8")
    except Exception:  # it is so damaged that there is nothing to drop
        return


# Models


def make_models(place: Path) -> dict[str, Path]:
    """Write small untrained models with everything in them; return their folders by kind."""
    torch.manual_seed(0)
    found = {"links": _link_model(place / "links"), "encoder": _property_model(place / "encoder")}
    with suppress(ImportError):
        found["templates"] = _template_model(place / "templates")
    return found


def _link_model(folder: Path) -> Path:
    table = ReactionTable(pd.DataFrame(REACTIONS, columns=["target", "precursors"]))
    vocabulary = tuple(table.precursors().values())
    statistics = FrequencyFeatures.fit(table, vocabulary)
    trees = TreeEnsemble(3, 2)
    trees.value.normal_()
    trees.feature.random_(FLAT_COLUMNS)
    reranker = EnsembleReranker(
        ListwiseNetwork(ListwiseNetworkConfig(width=8, n_networks=2)).eval(),
        SetFrequencyFeatures.fit(table, vocabulary, statistics.systems),
        statistics,
        candidates=7,
        energy=EnergyHead(16, 24).eval(),
        trees=trees,
        tree_weight=0.5,
    )
    model = LinkModel(ModelConfig(width=16, layers=1, statistics=True, n_decoders=2)).eval()
    save_checkpoint(
        LinkCheckpoint(
            model=model,
            vocabulary=vocabulary,
            counts=np.arange(len(vocabulary)),
            statistics=statistics,
            metadata={"score_mode": "listwise"},
            reranker=reranker,
            systems=frozenset({"Ba-O-Ti"}),
        ),
        folder,
    )
    return folder


def _property_model(folder: Path) -> Path:
    tasks = [
        PropertyTask(name="formation_energy", unit="eV/atom"),
        PropertyTask(name="gap", unit="eV", transform="asinh", lowest=0.0),
        PropertyTask(name="metal", kind="classification", classes=2),
    ]
    model = PropertyModel(EncoderConfig(width=16, layers=1), tasks).eval()
    save_property_checkpoint(PropertyCheckpoint(model=model), folder)
    return folder


def _template_model(folder: Path) -> Path:
    from rrgraph.organic import TemplateCheckpoint, TemplateModelConfig, TextEncoderConfig, save_template_checkpoint
    from rrgraph.organic.model import build_model
    from rrgraph.organic.reranking.features import SET_FEATURES, SetDescriber
    from rrgraph.organic.reranking.precedents import Precedents
    from rrgraph.organic.reranking.reranker import ReactantReranker

    templates = ("[C:1](=[O:2])-[O:3]>>[C:1](=[O:2])O.[O:3]", "[C:1]-[O:2]>>[C:1]Br.[O:2]")
    config = TemplateModelConfig(
        width=8,
        product=TextEncoderConfig(hidden=8, bits=32),
        template=TextEncoderConfig(encoder="transformer", hidden=8, heads=2),
    )
    states = {"product": {}, "template": {"vocabulary": ["C", "O", "Br", ">>", "(", ")", "="]}}
    fragments = {name: csr_array(np.eye(3, width, 1, dtype=np.float32)) for name, width in BITS.items()}
    precedents = Precedents(**fragments, template=np.array([0, 0, 1]))
    trees = [TreeEnsemble(3, 2) for _ in range(2)]
    for each in trees:
        each.value.normal_()
        each.feature.random_(len(SET_FEATURES))
    checkpoint = TemplateCheckpoint(
        model=build_model(config, states).eval(),
        config=config,
        templates=templates,
        counts=np.array([5, 2]),
        embeddings=torch.randn(2, 8),
        reactants={"CCO": 3},
        metadata={"search": {"templates": 2}},
        reranker=ReactantReranker(SetDescriber(precedents, templates, {"CCO": 3}), trees, ["CCO"]),
    )
    save_template_checkpoint(checkpoint, folder)
    return folder


def main() -> None:
    """Print what became of so many damaged models."""
    number, seed = [*map(int, sys.argv[1:]), *(300, 0)[len(sys.argv) - 1 :]]
    for what, count in attack(seed, number).most_common():
        print(f"{count:6} {what}")


if __name__ == "__main__":
    main()
