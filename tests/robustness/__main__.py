"""Carries out the attacks and prints the table of docs/reliability.md: `python -m tests.robustness [--quick]`."""

from __future__ import annotations

import argparse
import json
import os
import platform
import signal
import sys
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path

from .attacks import ORDERED as ATTACKS
from .harness import Attack, Outcome, Unavailable, options

BEGIN, END = "<!-- begin: python -m tests.robustness -->", "<!-- end -->"


@dataclass(frozen=True)
class Row:
    """A line of the table."""

    name: str
    what: str
    tried: int
    allowed: str
    found: int
    hangs: int
    memory: int
    seconds: int
    kinds: dict[str, int]
    note: str


def main() -> int:
    """Return 0 if nothing was found, 1 otherwise."""
    parser = argparse.ArgumentParser(prog="python -m tests.robustness", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer tries, some minutes on two cores")
    parser.add_argument("--only", nargs="+", metavar="NAME", choices=ATTACKS, help=f"of {', '.join(ATTACKS)}")
    parser.add_argument("--tries", type=int, help="number of tries of each attack, instead of those of the table")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--jobs", type=int, default=os.cpu_count(), help="processes; default: one for each core")
    parser.add_argument("--case", type=int, metavar="NUMBER", help="only one case of --only, to see what it does")
    parser.add_argument("--folder", type=Path, help="where failures are kept; default: a temporary folder")
    parser.add_argument("--output", type=Path, help=".json, or .md: a page with the table between two markers, or new")
    arguments = parser.parse_args()
    options.jobs, options.case = arguments.jobs, arguments.case
    # Processes that are started inherit that it is ignored, as shells have it in the background.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    folder = arguments.folder or Path(tempfile.mkdtemp(prefix="robustness-"))
    rows = []
    for name in arguments.only or ATTACKS:
        chosen = ATTACKS[name]
        tries = arguments.tries or (chosen.quick if arguments.quick else chosen.full)
        print(f"{name}: {tries} tries ...", file=sys.stderr, flush=True)
        rows.append(_row(chosen, tries, arguments.seed, folder / name))
        print(_summary(rows[-1]), file=sys.stderr, flush=True)
    print(_table(rows))
    if arguments.output:
        _write(arguments.output, rows, arguments.seed, folder)
    found = any(row.found or row.hangs or row.memory for row in rows)
    if found:
        print(f"\nFailures are kept in {folder}.", file=sys.stderr)
    return int(found)


def _row(chosen: Attack, tries: int, seed: int, folder: Path) -> Row:
    begun = time.monotonic()
    folder.mkdir(parents=True, exist_ok=True)
    try:
        outcome = chosen.run(tries=tries, seed=seed, folder=folder)
    except Unavailable as error:
        outcome = Outcome(0, note=f"skipped: {error}")
    (folder / "failures.json").write_text(json.dumps([asdict(each) for each in outcome.failures], indent=1))
    return Row(
        name=chosen.name,
        what=chosen.what,
        tried=outcome.tried,
        allowed=chosen.allowed,
        found=outcome.found,
        hangs=outcome.count("hang"),
        memory=outcome.count("memory"),
        seconds=round(time.monotonic() - begun),
        kinds=dict(outcome.kinds().most_common()),
        note=outcome.note,
    )


def _summary(row: Row) -> str:
    lines = [f"{row.name}: {row.tried} tried in {row.seconds} s, {sum(row.kinds.values())} failures. {row.note}"]
    return "\n".join([*lines, *(f"    {count} x {kind}" for kind, count in row.kinds.items())])


def _table(rows: list[Row]) -> str:
    head = "| what | tried | allowed | found | hangs over 2 s | over 1 GB | seconds |\n|---|---|---|---|---|---|---|"
    lines = [
        f"| {row.what} | {row.tried:,} | {row.allowed} | {row.found} | {row.hangs} | {row.memory} | {row.seconds} |"
        + (f" {row.note}" if row.note.startswith("skipped") else "")
        for row in rows
    ]
    return "\n".join([head, *lines])


def _write(path: Path, rows: list[Row], seed: int, folder: Path) -> None:
    """Write the table as JSON, or as Markdown into its place on a page."""
    if path.suffix == ".json":
        path.write_text(json.dumps([asdict(row) for row in rows], indent=2) + "\n")
        return
    words = [word for word in sys.argv[1:] if word not in ("--output", str(path), "--folder", str(folder))]
    command = " ".join(["python -m tests.robustness", *words])
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    machine = (
        f"{os.cpu_count()} cores, {memory:.0f} GB of memory, {platform.system()}, Python {platform.python_version()}"
    )
    block = f"{BEGIN}\n{_table(rows)}\n\n`{command}`, seed {seed}, {machine}.\n{END}"
    page = path.read_text(encoding="utf-8") if path.is_file() else f"{BEGIN}\n{END}\n"
    before, _, rest = page.partition(BEGIN)
    after = rest.partition(END)[2]
    path.write_text(f"{before}{block}{after}", encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
