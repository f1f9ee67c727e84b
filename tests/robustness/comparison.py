"""What commands leave in folders: whether it can be read, and is what an uninterrupted run leaves."""

from __future__ import annotations

import csv
import json
import sqlite3
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

__all__ = ["different_files", "different_studies", "temporaries", "unreadable"]

SECONDS: Final = {
    "history.csv": ("seconds",),
    "set_history.csv": ("seconds",),
    "contrastive_history.csv": ("seconds",),
    "ranking_history.csv": ("seconds",),
    "results.csv": ("seconds",),
    "runs.csv": ("seconds",),
    "metrics.json": ("seconds",),
    "seconds.json": (),
}
"""What is exempt from the comparison: these columns of tables and keys of JSON, or the whole file."""

WORKBOOKS: Final = "tmp/openpyxl."
"""What openpyxl keeps of a workbook in the system's folder of temporary files, and a killed process leaves there."""


def different_files(expected: Path, found: Path) -> list[str]:
    """Return how the files of two folders differ, apart from what is exempt."""
    names = [{str(p.relative_to(f)) for p in f.rglob("*") if not p.is_dir()} for f in (expected, found)]
    left = sorted(name for name in names[1] - names[0] if not name.startswith(WORKBOOKS))
    problems = [f"a file is left behind: {name}" for name in left]
    # How long a run took is not known where it was killed behind its last file.
    missing = sorted(name for name in names[0] - names[1] if not name.endswith("seconds.json"))
    problems += [f"a file is missing: {name}" for name in missing]
    for name in sorted(names[0] & names[1]):
        texts = [_plain(folder / name) for folder in (expected, found)]
        if texts[0] != texts[1]:
            problems.append(f"another result: {name}{_difference(*texts)}")
    return problems


def _plain(path: Path) -> object:
    """Return the content of a file without what is exempt."""
    exempt = SECONDS.get(path.name)
    if exempt == ():
        return None
    if exempt and path.suffix == ".csv":
        with path.open(newline="") as stream:
            return [{name: cell for name, cell in row.items() if name not in exempt} for row in csv.DictReader(stream)]
    if exempt and path.suffix == ".json":
        return _without(json.loads(path.read_text()), exempt)
    if path.suffix == ".xlsx":  # zipped, with the time
        from openpyxl import load_workbook

        return [[cell.value for cell in row] for row in load_workbook(path).worksheets[0].iter_rows()]
    return path.read_bytes()


def _without(value: Any, names: Sequence[str]) -> Any:
    if isinstance(value, dict):
        return {name: _without(each, names) for name, each in value.items() if name not in names}
    return [_without(each, names) for each in value] if isinstance(value, list) else value


def _difference(one: Any, other: Any) -> str:
    if isinstance(one, bytes) and isinstance(other, bytes):
        place = next((n for n, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other)))
        return f", from byte {place}: {one[place - 40 : place + 80]!r} is {other[place - 40 : place + 80]!r}"
    return f": {str(one)[:300]} is {str(other)[:300]}"


def different_studies(expected: Path, found: Path) -> list[str]:
    """Return what is wrong with a study that was interrupted.

    A trial that was interrupted is started again with another number, and those after it are drawn by theirs. So what
    must agree are trials with the same settings.
    """
    studies = [_trials(folder / "run" / "trials.csv") for folder in (expected, found)]
    finished = [{row["trial"]: row for row in study if row["state"] == "complete"} for study in studies]
    problems = []
    if len(finished[0]) != len(finished[1]):
        problems.append(f"another number of trials: {len(finished[1])} instead of {len(finished[0])}")
    settings = ("training.learning_rate", "model.heads")
    values = [{tuple(row[s] for s in settings): row["open.top_1"] for row in rows.values()} for rows in finished]
    problems += [
        f"another result: {key} {values[0][key]} is {values[1][key]}"
        for key in values[0].keys() & values[1].keys()
        if values[0][key] != values[1][key]
    ]
    if states := {row["state"] for row in studies[1]} - {"complete", "fail"}:
        problems.append(f"trials are left: {states}")
    names = {p.name for p in (expected / "run").iterdir()} ^ {p.name for p in (found / "run").iterdir()}
    problems += [f"a file is left behind: {name}" for name in sorted(names)]
    problems += [f"a file is left behind: {name}" for name in temporaries(found)]
    numbers = {int(row["again"] or row["trial"]) for row in studies[1] if row["state"] == "complete"}
    kept = {int(p.name) for p in (found / "run" / "trials").iterdir()}
    if not kept <= numbers:
        problems.append(f"a file is left behind: folders of trials {sorted(kept - numbers)}")
    return problems


def _trials(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as stream:
        return list(csv.DictReader(stream))


def temporaries(folder: Path) -> list[str]:
    """Return what a process that has ended must not leave in its folder."""
    inside = [path.relative_to(folder) for path in folder.rglob("*")]
    marks = [(path.name.startswith("."), "-journal" in path.name, path.parent.parts[:1] == ("tmp",)) for path in inside]
    return [str(path) for path, mark in zip(inside, marks, strict=True) if any(mark)]


def unreadable(folder: Path) -> Iterator[str]:
    """Yield the files in a folder that cannot be read, apart from hidden ones."""
    for path in sorted(folder.rglob("*")):
        inside = path.relative_to(folder)
        if path.is_dir() or any(part.startswith(".") for part in inside.parts) or inside.parts[0] == "tmp":
            continue
        try:
            _read(path)
        except Exception as error:
            yield f"{inside}: {type(error).__name__}: {error}"


def _read(path: Path) -> None:
    import gzip

    import pyarrow.parquet
    import yaml
    from safetensors import safe_open

    data = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    suffix = Path(path.stem).suffix if path.suffix == ".gz" else path.suffix
    if suffix == ".json":
        json.loads(data)
    elif suffix == ".jsonl":
        for line in data.splitlines():
            json.loads(line)
    elif suffix == ".csv":
        rows = list(csv.reader(data.decode().splitlines(keepends=True)))
        assert data.endswith(b"\n"), "the last line is cut"
        assert len({len(row) for row in rows}) == 1, "a row is cut"
    elif suffix == ".safetensors":
        with safe_open(path, framework="pt") as handle:
            for name in handle.keys():  # noqa: SIM118
                handle.get_tensor(name)
    elif suffix == ".parquet":
        pyarrow.parquet.read_table(path)
    elif suffix == ".xlsx":
        from openpyxl import load_workbook

        load_workbook(path)
    elif suffix == ".yaml":
        assert yaml.safe_load(data) is not None, "empty"
    elif suffix == ".db":
        with sqlite3.connect(path) as base:  # which takes back what a killed process had begun
            assert base.execute("pragma integrity_check").fetchone() == ("ok",)
