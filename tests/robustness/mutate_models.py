"""Damage of model folders: bytes, numbers, keys, tensors."""

from __future__ import annotations

import json
import random
import struct
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file

__all__ = ["damage_model", "drop_checksums"]

WEIGHTS, DESCRIPTION = "model.safetensors", "model.json"

ABSURD: tuple[Any, ...] = (
    *(0, -1, 10**9, 10**12, 10**300, 1e300, -1e300, 1e-300, float("nan"), float("inf"), 0.5, 1e999),
    *(None, True, "", "text", "\x1b[2J\x00", "\ud800", "${oc.env:HOME}", [], {}, [[[]]], {"a": 1}, "x; rm -rf /"),
)


def damage_model(folder: Path, draw: random.Random) -> str:
    """Damage a model and return what was done to it."""
    return draw.choice(MUTATIONS)(folder, draw)


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


def drop_checksums(folder: Path) -> None:
    """Make of a model one that has been saved without checksums, so that what it says may change."""
    path = folder / DESCRIPTION
    try:
        description = json.loads(path.read_text(encoding="utf-8"))
        description.pop("checksums")
        path.write_text(json.dumps(description), encoding="utf-8")
    except Exception:  # it is so damaged that there is nothing to drop
        return
