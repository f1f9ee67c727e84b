"""Write the tables of README.md and of results.md, comparison.md and conditions.md in docs from docs/results/*.csv.

    python docs/results.py            write all
    python docs/results.py --check    exit with 1 where one of them is out of date

After an experiment: copy `table.csv` of its folder over the file named in docs/results/tables.yaml and run this script.
"""

from __future__ import annotations

import argparse
import csv
import sys
from operator import itemgetter
from pathlib import Path

import yaml

from rrgraph.metrics import ROW_GROUPS

ROOT = Path(__file__).resolve().parents[1]
TABLES = ROOT / "docs" / "results"
MARKS = ("<!-- results: python docs/results.py -->\n", "<!-- end of results -->\n")
"""Lines around the table of a page that people write."""

PUBLISHED = "retro_rank_in_table2.csv"
"""What table 2 of Retro-Rank-In reports: protocol `paper`, top-1 / 3 / 5 / 10 in %, by split."""

README_SPLIT, README_SYSTEMS = "nms", ("popularity", "retro_rank_in", "sequential", "ours")

CONDITIONS = {
    "sintering_mae": "last sintering, MAE, °C",
    "calcination_mae": "last calcination, MAE, °C",
    "sintering_single_mae": "last sintering, single-valued, MAE, °C",
    "calcination_single_mae": "last calcination, single-valued, MAE, °C",
    "highest_mae": "highest temperature, MAE, °C",
    "highest_known_atmosphere_mae": "highest temperature, atmosphere known, MAE, °C",
    "temperature_median": "all temperatures, median error, °C",
    "temperature_r2": "all temperatures, R2, %",
    "top_1": "all temperatures, within 50 °C, %",
    **{f"coverage_{level}": f"inside the {level} % interval, %" for level in (50, 80, 90)},
    **{f"width_{level}": f"median width of the {level} % interval, °C" for level in (50, 80, 90)},
    "sintering_coverage_80": "last sintering, inside the 80 % interval, %",
    "calcination_coverage_80": "last calcination, inside the 80 % interval, %",
    "time_mae": "dwell time, MAE of log10 h",
    "time_coverage_80": "dwell time, inside the 80 % interval, %",
    "atmosphere_accuracy": "atmosphere, accuracy, %",
    "atmosphere_macro_f1": "atmosphere, macro-F1, %",
    "atmosphere_ece": "atmosphere, calibration error",
    "firings_accuracy": "number of firings, accuracy, %",
    "firings_ece": "number of firings, calibration error",
}
"""What the metrics of conditions are called."""

VARIED = (
    *("sintering_mae", "calcination_mae", "sintering_single_mae", "calcination_single_mae"),
    *("coverage_80", "time_mae"),
)
"""Of these, what is shown of variants."""

Rows = list[dict[str, str]]


def main() -> int:
    """Write or check the pages."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true", help="only say whether the pages are up to date")
    check = parser.parse_args().check
    stale = [path for path, text in pages().items() if not path.exists() or path.read_text(encoding="utf-8") != text]
    for path in stale:
        if check:
            print(f"{path.relative_to(ROOT)} is out of date: run python docs/results.py")
        else:
            path.write_text(pages()[path], encoding="utf-8")
    return 1 if check and stale else 0


def pages() -> dict[Path, str]:
    """Return the text of each page that shows results."""
    shown = {ROOT / "docs" / "results.md": results_page()}
    for path, table in (
        (ROOT / "README.md", readme_table()),
        (ROOT / "docs" / "comparison.md", published_table()),
        (ROOT / "docs" / "conditions.md", conditions_tables()),
    ):
        before, rest = path.read_text(encoding="utf-8").split(MARKS[0])
        after = rest.split(MARKS[1])[1]
        shown[path] = "".join((before, MARKS[0], table, MARKS[1], after))
    return shown


def results_page() -> str:
    """Return docs/results.md."""
    parts = [
        "# Results",
        "This page is written by `python docs/results.py` from the CSV files in `docs/results`. Commands that name "
        "tables find them in the folder that `RRGRAPH_DATA` names ([data](data.md)). "
        "[Molecules](organic.md) have their own page.",
    ]
    for table in yaml.safe_load((TABLES / "tables.yaml").read_text(encoding="utf-8")):
        parts.append(f"## {table['title']}")
        parts.append(table["text"])
        parts.append(f"Seeds: {table['seeds']}. Machine: {table['machine']}. Command:")
        parts.append("\n".join(f"    {line.strip()}" for line in table["command"].split(";")))
        rows = read(TABLES / table["file"])
        parts += experiment_tables(rows) if table["layout"] == "experiment" else [plain_table(rows)]
    return "\n\n".join(parts) + "\n"


def read(path: Path) -> Rows:
    """Return the rows of a CSV file."""
    with path.open(encoding="utf-8", newline="") as lines:
        return list(csv.DictReader(lines))


def plain_table(rows: Rows) -> str:
    """Return a file as Markdown."""
    return markdown([list(rows[0]), *(list(row.values()) for row in rows)])


def experiment_tables(rows: Rows) -> list[str]:
    """Return a heading and a table for each split and group of rows of an experiment."""
    parts = []
    for split, group in dict.fromkeys((row["split"], row["rows"]) for row in rows):
        found = [row for row in rows if (row["split"], row["rows"]) == (split, group)]
        parts.append(f"### Split {split}, " + ("all rows" if group == "all" else f"rows{ROW_GROUPS[group]}"))
        columns = list(dict.fromkeys((row["protocol"], metric(row)) for row in found))
        cells = {(row["system"], candidates(row), row["protocol"], metric(row)): cell(row) for row in found}
        systems, offered = (list(dict.fromkeys(map(name, found))) for name in (itemgetter("system"), candidates))
        lines = [["system", *(["candidates"] if len(offered) > 1 else []), *map(", ".join, columns)]]
        for listed in offered:
            for system in systems:
                shown = [cells.get((system, listed, *column), "-") for column in columns]
                lines.append([system, *([listed] if len(offered) > 1 else []), *shown])
        parts.append(markdown(lines))
    return parts


def candidates(row: dict[str, str]) -> str:
    """What sets were formed from; files of earlier releases have only the pool."""
    return row.get("candidates") or "pool"


def metric(row: dict[str, str]) -> str:
    """``top-1``, or the name of another metric."""
    return f"top-{row['k']}" if row["k"] else row["metric"]


def cell(row: dict[str, str]) -> str:
    """``**74.3 ± 0.4**\\*†``."""
    digits = 3 if row.get("metric") in ("time_mae", "atmosphere_ece", "firings_ece") else 1
    text = f"{float(row['mean']):.{digits}f}"
    text += f" ± {float(row['deviation']):.{digits}f}" if row["deviation"] else ""
    shown = {"1": f"**{text}**", "2": f"<u>{text}</u>"}.get(row["place"], text)
    return shown + ("\\*" if significant(row["lead_p_value"]) else "") + ("†" if row["above"] == "True" else "")


def significant(p_value: str) -> bool:
    """Whether a p-value is below 0.05, as ``<0.05`` says too."""
    return p_value == "<0.05" or (bool(p_value) and float(p_value) < 0.05)


def readme_table() -> str:
    """Return the short table of the README."""
    rows = [
        row
        for row in read(TABLES / "table2.csv")
        if row["split"] == README_SPLIT and row["system"] in README_SYSTEMS and candidates(row) == "pool"
    ]
    columns = [("all", "paper"), ("all", "open"), ("unseen", "open")]
    titles = ["system", "`paper`, top-1 / top-10", "`open`, top-1 / top-10", "`open`, rows with an unseen precursor"]
    lines = [titles]
    for system in README_SYSTEMS:
        found = {
            (row["rows"], row["protocol"], row["k"]): f"{row['mean']} ± {row['deviation']}"
            for row in rows
            if row["system"] == system
        }
        lines.append([system, *(" / ".join(found[(*column, k)] for k in ("1", "10")) for column in columns)])
    return markdown(lines) + "\n"


def published_table() -> str:
    """Return the published figures of each system beside those of the same system here."""
    published = read(TABLES / PUBLISHED)
    splits = [name for name in published[0] if name != "system"]
    here: dict[tuple[str, str], list[str]] = {}
    for row in read(TABLES / "table2.csv"):
        if (row["rows"], row["protocol"], candidates(row)) == ("all", "paper", "pool"):
            here.setdefault((row["system"], row["split"]), []).append(f"{row['mean']} ± {row['deviation']}")
    lines = [["system", *(f"{split}, {where}" for split in splits for where in ("published", "here"))]]
    for row in published:
        pairs = ((row[split], " / ".join(here[row["system"], split])) for split in splits)
        lines.append([row["system"], *(cell for pair in pairs for cell in pair)])
    return markdown(lines) + "\n"


def conditions_tables() -> str:
    """Return a table for each split of the experiment on conditions, with a line for each metric, and one of variants.

    Variants are the systems that only one split has.
    """
    rows = read(TABLES / "conditions.csv")
    splits, systems = (list(dict.fromkeys(row[name] for row in rows)) for name in ("split", "system"))
    pairs = {(row["system"], row["split"]) for row in rows}
    variants = [system for system in systems if sum((system, split) in pairs for split in splits) == 1]
    systems = [system for system in systems if system not in variants]
    parts = []
    for split in splits:
        found = [row for row in rows if row["split"] == split]
        metrics = list(dict.fromkeys(row["metric"] for row in found))
        cells = {(row["metric"], row["system"]): cell(row) for row in found}
        lines = [["metric", *systems]]
        lines += [[CONDITIONS[each], *(cells.get((each, system), "-") for system in systems)] for each in metrics]
        parts.append(f"Split `{split}`:\n\n{markdown(lines)}\n")
        shown = [each for each in metrics if each in VARIED]
        lines = [["system", *(CONDITIONS[each] for each in shown)]]
        lines += [[system, *(cells[each, system] for each in shown)] for system in variants if (system, split) in pairs]
        if len(lines) > 1:
            parts.append(f"Variants, split `{split}`:\n\n{markdown(lines)}\n")
    return "\n".join(parts)


def markdown(rows: list[list[str]]) -> str:
    """Return rows, the first of them the header, as a Markdown table."""
    header, *body = (f"| {' | '.join(row)} |" for row in rows)
    return "\n".join([header, "|---" * len(rows[0]) + "|", *body])


if __name__ == "__main__":
    sys.exit(main())
