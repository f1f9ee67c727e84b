"""Show that two checkouts give the same numbers, to the last digit: plans, an evaluation and a small experiment.

    python benchmarks/same_numbers.py OLD_CHECKOUT NEW_CHECKOUT [--keep FOLDER]

Each command runs in an empty folder with the code of one checkout; what it writes is compared value by value, durations
and places aside. `RRGRAPH_DATA` must name the folder of third-party tables.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

FORMULAS = """
    BaTiO3 Li7La3Zr2O12 LiNi0.8Co0.1Mn0.1O2 YBa2Cu3O7-x La0.7Sr0.3MnO3 CuInSe2 Cr2AlB2 LiFePO4 K2NiF4 Na3V2(PO4)3
    Ca3Co4O9 Mg2Si ZnFe2O4 Li6PS5Cl Si3N4 Bi2Te3 KTaO3 Sr2MgSi2O7
""".split()  # noqa: SIM905 - shorter than a list

EVALUATE = ("evaluate", "default", "--test", "nms_validation", "--candidates", "precursor_pool")

COMMANDS = {
    "plans.jsonl": ["plan", *FORMULAS, "--top-k", "5", "--equations", "--grams", "10", "--energies", "--no-evidence"],
    "product.jsonl": ["plan", *FORMULAS, "--top-k", "5", "--mode", "product", "--set-size", "2-3", "--exclude", "N"],
    "open.json": [*EVALUATE, "--protocol", "open"],
    "paper.json": [*EVALUATE, "--protocol", "paper"],
}

#: Words that have another name now, by key.
RENAMED = {"set_size": {"told": "known", "open": "unknown"}}

#: Columns and keys that record durations or places, not results.
TIMES = ("seconds", "duration", "time", "output", "folder", "rrgraph")


def main() -> int:
    """Run every command with both checkouts and report what differs."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("checkouts", nargs=2, type=Path, metavar="CHECKOUT")
    parser.add_argument("--keep", type=Path, help="folder for what the commands write; what is there is not run again")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        keep = arguments.keep or Path(temporary)
        old, new = (capture(path.resolve(), keep / f"{index}") for index, path in enumerate(arguments.checkouts))
        differences = [f"{name}: {line}" for name in old for line in compare(read(old[name]), read(new[name]))]
    for line in differences[:50]:
        print(line)
    print(f"{len(old)} files, {len(differences)} differences")
    return 1 if differences else 0


def capture(checkout: Path, folder: Path) -> dict[str, Path]:
    """Run every command with the code of a checkout; return the files it writes."""
    folder.mkdir(parents=True, exist_ok=True)
    found = {name: folder / name for name in COMMANDS}
    for name, command in COMMANDS.items():
        if not found[name].exists():
            run(checkout, folder, *command, "--output", str(found[name]))
    experiment = folder / "table2-quick"
    if not (experiment / "results.csv").exists():
        table = checkout / "configs" / "experiments" / "table2.yaml"
        run(checkout, checkout, "experiment", str(table), "--quick", "--jobs", "2", f"output={folder / 'table2'}")
    return found | {f"table2/{path.name}": path for path in sorted(experiment.glob("*.csv"))}


def run(checkout: Path, folder: Path, *command: str) -> None:
    """Run `rrgraph` with the code of a checkout."""
    environment = os.environ | {"PYTHONPATH": str(checkout), "OMP_NUM_THREADS": "1"}
    subprocess.run([sys.executable, "-m", "rrgraph", *command], cwd=folder, env=environment, check=True)


def read(path: Path) -> Any:
    """Return what a file of results holds."""
    if path.suffix == ".csv":
        with path.open(encoding="utf-8", newline="") as lines:
            return list(csv.DictReader(lines))
    text = path.read_text(encoding="utf-8")
    return [json.loads(line) for line in text.splitlines()] if path.suffix == ".jsonl" else json.loads(text)


def compare(old: Any, new: Any, path: str = "") -> Iterator[str]:
    """Yield a line for each value that differs."""
    if isinstance(old, dict) and isinstance(new, dict):
        for key in dict.fromkeys((*old, *new)):
            if not any(word in key for word in TIMES):
                yield from compare(old.get(key, "missing"), new.get(key, "missing"), f"{path}.{key}")
    elif isinstance(old, list) and isinstance(new, list) and len(old) == len(new):
        for index, (left, right) in enumerate(zip(old, new, strict=True)):
            yield from compare(left, right, f"{path}[{index}]")
    elif old != new and RENAMED.get(path.rpartition(".")[2], {}).get(old) != new:
        yield f"{path}: {old!r} != {new!r}"


if __name__ == "__main__":
    sys.exit(main())
