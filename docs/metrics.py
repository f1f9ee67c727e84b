"""Write the table of metrics in docs/protocols.md from the registry.

python docs/metrics.py            write it
python docs/metrics.py --check    exit with 1 if it is out of date
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path

from rrgraph.metrics import METRICS, SetMetric

PAGE = Path(__file__).with_name("protocols.md")
MARKS = ("<!-- metrics: python docs/metrics.py -->\n", "<!-- end of metrics -->\n")
"""Lines around the table."""


def main() -> int:
    """Write or check the page."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true", help="only say whether the page is up to date")
    found, wanted = PAGE.read_text(encoding="utf-8"), page()
    if parser.parse_args().check:
        print("up to date" if found == wanted else "docs/protocols.md is out of date: run python docs/metrics.py")
        return int(found != wanted)
    PAGE.write_text(wanted, encoding="utf-8")
    return 0


def page() -> str:
    """Return the text of docs/protocols.md."""
    before, rest = PAGE.read_text(encoding="utf-8").split(MARKS[0])
    return "".join((before, MARKS[0], *table(), MARKS[1], rest.split(MARKS[1])[1]))


def table() -> Iterator[str]:
    """Yield the lines of the table: the metrics of rrgraph itself, first those of sets."""
    yield "| metric | what it measures | range | better | equal scores | source |\n|---|---|---|---|---|---|\n"
    own = [name for name in METRICS if METRICS.origin(name).is_own]
    for name in sorted(own, key=lambda each: not issubclass(METRICS[each], SetMetric)):
        metric = METRICS[name]
        label = f"`{name}_k`" if "k" in METRICS.options(name) else f"`{name}`"
        high = f"{metric.high:g}" if metric.high < float("inf") else "no limit"
        better = "high" if metric.direction == "maximize" else "low"
        ties = "no effect" if metric.ties == "none" else metric.ties
        cells = (label, metric.description, f"{metric.low:g} to {high}", better, ties, metric.source)
        yield f"| {' | '.join(cells)} |\n"


if __name__ == "__main__":
    raise SystemExit(main())
