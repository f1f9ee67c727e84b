"""Screening: what further processes gain, and whether a long one stays small, knows its end, and survives being killed.

    python benchmarks/screening_workers.py speed [--rows 4000] [--engines local ray] [--workers 1 2]
    python benchmarks/screening_workers.py long FOLDER --rows 1000000 --stops TERM@600 TERM@300 --unfinished
    python benchmarks/screening_workers.py long FOLDER --input TABLE --stops KILL@600 KILL@1200 [--same-as OTHER]

`speed` screens the same rows with each engine and each number of processes in turn, compares their shards byte by byte,
and prints rows a second once all have answered, and ratios. `long` screens a table in FOLDER, sends the process
each signal so many seconds after it was started, resumes it, and prints rate, memory, how right the time left was that
the log showed, and the makeable systems; `--same-as` compares the shards with those of a folder that was filled without
stops; `--unfinished` ends with the last stop, and compares the time left with the rate of what followed. What was
seen every two seconds is in FOLDER.csv. The table is that of `--input`, or generated: formulas of two
to four metals with O, S, N or a halogen, one row in a hundred no formula. What follows `--` goes to `rrgraph screen`,
such as `-- --no-conditions --no-energies`.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

import numpy as np
from pyarrow import dataset

LOOK_SECONDS = 2.0
METALS = "Li Na K Mg Ca Sr Ba Sc Y La Ce Nd Ti Zr Nb Ta V Cr Mo W Mn Fe Co Ni Cu Zn Al Ga In Si Ge Sn Sb Pb Bi".split()  # noqa: SIM905
ANIONS = ("O", "O", "O", "O", "S", "N", "F", "Cl")


class Look(NamedTuple):
    """What was seen at a moment.

    Attributes:
        start: number of the process, from 1.
        seconds: since it was started.
        rows: that are done.
        main_mb: memory of the process that was called.
        worker_mb: memory of the largest other one.
        workers: number of the others.
        left: seconds that are left as the log says, None before it does.
    """

    start: int
    seconds: float
    rows: int
    main_mb: float
    worker_mb: float
    workers: int
    left: float | None


def main() -> None:
    """Measure what is asked."""
    given = sys.argv[1:]
    at = given.index("--") if "--" in given else len(given)
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["speed", "long"])
    parser.add_argument("folder", nargs="?", type=Path, help="of a long screening; not removed")
    parser.add_argument("--rows", type=int, default=4000, help="of the generated table")
    parser.add_argument("--input", type=Path, help="table to screen in its place")
    parser.add_argument("--engines", nargs="+", default=["local", "ray"])
    parser.add_argument("--workers", nargs="+", type=int, default=[1, 2])
    parser.add_argument("--shard-rows", type=int, default=250)
    parser.add_argument("--stops", nargs="+", default=[], metavar="SIGNAL@SECONDS")
    parser.add_argument("--unfinished", action="store_true", help="end with the last stop")
    parser.add_argument("--same-as", type=Path, metavar="FOLDER")
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args(given[:at])
    if arguments.what == "long" and arguments.folder is None:
        parser.error("long needs a FOLDER")
    options = ["--shard-rows", str(arguments.shard_rows), *given[at + 1 :]]
    with tempfile.TemporaryDirectory() as temporary:
        table = arguments.input or _beside(arguments.folder or Path(temporary, "speed"), ".table.csv")
        if not table.exists():
            table.parent.mkdir(parents=True, exist_ok=True)
            write_table(table, arguments.rows, arguments.seed)
        if arguments.what == "speed":
            speed(table, Path(temporary), arguments.engines, arguments.workers, options)
        else:
            options += ["--engine", arguments.engines[0], "--jobs", str(max(arguments.workers))]
            long(
                table,
                arguments.folder,
                arguments.stops,
                options,
                shard_rows=arguments.shard_rows,
                unfinished=arguments.unfinished,
            )
            if arguments.same_as:
                equal = shards(arguments.folder) == shards(arguments.same_as)
                print(f"shards {'equal' if equal else 'DIFFER FROM'} those of {arguments.same_as}")


def _beside(folder: Path, ending: str) -> Path:
    return folder.with_name(f"{folder.name}{ending}")


def write_table(path: Path, rows: int, seed: int) -> None:
    """Write a table of formulas."""
    with path.open("w", encoding="utf-8", newline="") as lines:
        writer = csv.writer(lines)
        writer.writerow(["formula"])
        writer.writerows([each] for each in _generated(rows, seed))


def _generated(rows: int, seed: int) -> Iterator[str]:
    random = np.random.default_rng(seed)
    for _ in range(rows):
        metals = random.choice(METALS, random.integers(2, 5), replace=False)
        amounts = random.integers(1, 5, size=len(metals))
        formula = "".join(f"{metal}{amount}" for metal, amount in zip(metals, amounts, strict=True))
        yield "Xx2" if random.random() < 0.01 else f"{formula}{random.choice(ANIONS)}{random.integers(2, 13)}"


def speed(table: Path, folder: Path, engines: Sequence[str], workers: Sequence[int], options: Sequence[str]) -> None:
    """Print what each engine does with each number of processes, beside its first number."""
    print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f} before")
    print("engine  processes  seconds  rows/s  ratio  main MB  worker MB  shards")
    first: dict[str, bytes] = {}
    for engine in engines:
        base = 0.0
        for number in workers:
            out = folder / f"{engine}-{number}"
            seen = list(watch(table, out, [*options, "--engine", engine, "--jobs", str(number)], 1))
            rate = _steady_rate(out, number)
            base, found = base or rate, shards(out)
            first = first or found
            main_mb, worker_mb = (max(getattr(look, name) for look in seen) for name in ("main_mb", "worker_mb"))
            print(
                f"{engine:6}  {number:9}  {seen[-1].seconds:7.1f}  {rate:6.1f}  {rate / base:5.2f}  {main_mb:7.0f}  "
                f"{worker_mb:9.0f}  {'equal' if found == first else 'DIFFERENT'}",
                flush=True,
            )


def long(
    table: Path,
    folder: Path,
    stops: Sequence[str],
    options: Sequence[str],
    *,
    shard_rows: int,
    unfinished: bool = False,
) -> None:
    """Screen a table with stops, and print what was measured; leave it unfinished after the last stop if asked to."""
    seen: list[Look] = []
    plan = [(getattr(signal, f"SIG{name}"), float(at)) for name, _, at in (each.partition("@") for each in stops)]
    started = time.monotonic()
    folder.parent.mkdir(parents=True, exist_ok=True)
    with _beside(folder, ".csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(Look._fields)
        for number, stop in enumerate(plan if unfinished else [*plan, None], start=1):
            resumed = ["--resume"] if folder.exists() else []
            for look in watch(table, folder, [*options, *resumed], number, stop=stop, shard_rows=shard_rows):
                seen.append(look)
                writer.writerow(look)
    print(f"\n{time.monotonic() - started:,.0f} s with {len(plan)} stops")
    for number in sorted({look.start for look in seen}):
        own = [look for look in seen if look.start == number]
        rows = f"{own[0].rows:,} to {own[-1].rows:,} rows"
        print(f"process {number}: {own[-1].seconds:,.0f} s, {rows}, {_rate(own):.1f} rows/s")
    for name in ("main_mb", "worker_mb"):
        quarters = np.array_split(np.array([getattr(look, name) for look in seen]), 4)
        sizes = ", ".join(f"{each.max():.0f}" for each in quarters if len(each))
        print(f"most memory of {name.removesuffix('_mb')} in each quarter: {sizes} MB")
    last = [look for look in seen if look.start == seen[-1].start]
    if unfinished:
        left = dataset.dataset(table, format=table.suffix[1:]).count_rows() - last[-1].rows
        _time_left(last, end=last[-1].seconds + left / max(_rate(last), 1e-9))
        return
    _time_left(last, end=last[-1].seconds)
    summary = json.loads((folder / "summary.json").read_text())
    rejected = sum(summary["rejects"].values())
    print(f"{rejected:,} of {summary['rows']:,} rows rejected, {summary['total']}")
    for which in ("most", "least"):
        named = ", ".join(f"{each['system']} {each['probability']:.2f}" for each in summary[which])
        print(f"{which} makeable systems: {named}")


def watch(
    table: Path,
    folder: Path,
    options: Sequence[str],
    number: int,
    *,
    stop: tuple[int, float] | None = None,
    shard_rows: int | None = None,
) -> Iterator[Look]:
    """Run a screening, and yield what is seen of it every two seconds and at its end; stop it when that is asked."""
    command = [sys.executable, "-m", "rrgraph", "--verbose", "screen", str(table), "--output", str(folder), *options]
    size = shard_rows or int(options[options.index("--shard-rows") + 1])
    log, sent = _beside(folder, f".{number}.log"), False
    started = time.monotonic()
    with log.open("w") as errors, subprocess.Popen(command, stdout=errors, stderr=errors) as process:
        while True:
            ended = process.poll() is not None
            rows = size * sum(1 for _ in (folder / "done").glob("[0-9]*.json"))
            others = sorted(filter(None, map(_memory, _below(process.pid))))
            yield Look(
                number,
                round(time.monotonic() - started, 1),
                rows,
                _memory(process.pid),
                others[-1] if others else 0.0,
                len(others),
                _left(log),
            )
            if ended:
                break
            if stop is not None and not sent and time.monotonic() - started >= stop[1]:
                process.send_signal(stop[0])
                sent = True
            with suppress(subprocess.TimeoutExpired):
                process.wait(LOOK_SECONDS)
    if process.returncode not in (0, *((-stop[0], 128 + stop[0]) if stop is not None else ())):
        raise SystemExit(f"exit code {process.returncode}: {log.read_text()[-2000:]}")


def _steady_rate(folder: Path, workers: int) -> float:
    """Return rows a second once every process has answered."""
    ends = sorted((path.stat().st_mtime, json.loads(path.read_text())["rows"]) for path in (folder / "done").iterdir())
    later = ends[workers:]
    return sum(rows for _, rows in later) / (later[-1][0] - ends[workers - 1][0]) if later else 0.0


def _rate(seen: Sequence[Look]) -> float:
    """Return rows a second from the first answers on."""
    there = [look for look in seen if look.rows > seen[0].rows]
    if not there or there[0].rows == there[-1].rows:
        return 0.0
    last = next(look for look in there if look.rows == there[-1].rows)
    return (last.rows - there[0].rows) / (last.seconds - there[0].seconds)


def _time_left(seen: Sequence[Look], *, end: float) -> None:
    """Print how far the shown time left was off at some moments."""
    for share in (0.1, 0.25, 0.5, 0.75):
        look = seen[int(share * len(seen))]
        if look.left is not None:
            true = max(end - look.seconds, 1e-9)
            shown = f"shown {look.left:,.0f} s, was {true:,.0f} s ({look.left / true - 1:+.0%})"
            print(f"time left after {100 * share:.0f} %: {shown}")


def _left(log: Path) -> float | None:
    """Return the seconds left that the log shows last."""
    found = re.findall(r"([\d.]+) (s|min|h) left", log.read_text())
    return float(found[-1][0]) * {"s": 1, "min": 60, "h": 3600}[found[-1][1]] if found else None


def _below(pid: int) -> list[int]:
    """Return the processes that a process has started, and those that they have."""
    found = []
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        with suppress(OSError):
            found += [int(each) for each in task.read_text().split()]
    return [*found, *(each for child in found for each in _below(child))]


def _memory(pid: int) -> float:
    """Return the memory of a process in MB, 0 if it has ended."""
    with suppress(OSError, IndexError):
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6
    return 0.0


def shards(folder: Path) -> dict[str, bytes]:
    """Return the bytes of all shards."""
    return {path.name: path.read_bytes() for path in (folder / "shards").glob("*.parquet")}


if __name__ == "__main__":
    main()
