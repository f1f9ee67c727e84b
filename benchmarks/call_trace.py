"""Count what one call touches: the functions of rrgraph that run, and the files they stand in.

The fewer, the sooner a newcomer has read them. Two calls are traced, each in a process of its own: one formula through
``rrgraph plan``, and a row through training (a model of one layer, for one epoch). What merely runs on import (module
and class bodies) does not count. Run with the code of any checkout:

    python benchmarks/call_trace.py [CHECKOUT] [--list]
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path

PLAN = ("plan", "BaTiO3", "--no-evidence")
CONFIG = """\
data: {table: TABLE, split: random}
model: {width: 16, layers: 1, heads: 1}
training: {epochs: 1, batch_size: 8, validation_targets: 5}
evaluation: {parts: []}
"""
ROWS = 40
"""Rows of the table that a model is trained on, most of them to be left to the other parts of the split."""

#: Runs in a new process: calls `main` under a profiler, in all threads, and prints (file, function) pairs.
TRACER = """\
import json, sys, threading
from pathlib import Path
import rrgraph
from rrgraph.cli.main import main

root = str(Path(rrgraph.__file__).parent) + "/"
seen = set()

def note(frame, event, argument):
    if event == "call" and frame.f_code.co_filename.startswith(root):
        seen.add(frame.f_code)

threading.setprofile(note)
sys.setprofile(note)
code = main(sys.argv[2:])
sys.setprofile(None)
# Bodies of modules and classes take no arguments, return nothing and are not optimised: they run on import.
found = sorted({(c.co_filename[len(root):], c.co_qualname) for c in seen if c.co_flags & 1})
Path(sys.argv[1]).write_text(json.dumps({"code": code, "found": found}))
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("checkout", nargs="?", type=Path, default=Path(__file__).parent.parent)
    parser.add_argument("--list", action="store_true", help="also list the files with their number of functions")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        for name, command in (("plan", PLAN), ("train", train_command(arguments.checkout.resolve(), folder))):
            found = trace(arguments.checkout.resolve(), folder, *command)
            files = Counter(file for file, _ in found)
            print(f"{name}: {len(found)} functions in {len(files)} files")
            if arguments.list:
                for file, count in sorted(files.items()):
                    print(f"  {count:4d}  {file}")


def train_command(checkout: Path, folder: Path) -> list[str]:
    """Write a small table and a configuration, and return the command that trains with it."""
    rows = (checkout / "rrgraph" / "data" / "textbook.csv").read_text(encoding="utf-8").splitlines()
    (folder / "rows.csv").write_text("\n".join(rows[: ROWS + 1]) + "\n", encoding="utf-8")
    (folder / "small.yaml").write_text(CONFIG.replace("TABLE", str(folder / "rows.csv")), encoding="utf-8")
    return ["train", str(folder / "small.yaml"), f"output={folder / 'run'}"]


def trace(checkout: Path, folder: Path, *command: str) -> list[tuple[str, str]]:
    """Return the functions that a command of a checkout calls, each with its file."""
    environment = os.environ | {"PYTHONPATH": str(checkout)}
    report = folder / "trace.json"
    subprocess.run(
        [sys.executable, "-c", TRACER, str(report), *command],
        cwd=folder,
        env=environment,
        stdout=subprocess.DEVNULL,
        check=True,
    )
    return [(file, name) for file, name in json.loads(report.read_text())["found"]]


if __name__ == "__main__":
    main()
