"""Write docs/configuration.md, the table of all settings, from the fields of the configurations.

python docs/configuration.py            write it
python docs/configuration.py --check    exit with 1 if it is out of date
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path

from rrgraph.conditions import ConditionsConfig
from rrgraph.experiments import ExperimentConfig
from rrgraph.organic.run import OrganicConfig
from rrgraph.properties.pretraining import PretrainConfig
from rrgraph.runs import BaselineConfig, RunConfig
from rrgraph.util.registry import Registry
from rrgraph.util.settings import Setting, settings

PAGE = Path(__file__).with_name("configuration.md")

CONFIGURATIONS = (
    ("Link models", "`rrgraph train` and `rrgraph tune`; the usual configuration.", RunConfig),
    ("Baselines", "`rrgraph train` and `rrgraph tune`, for a file with the key `baseline`.", BaselineConfig),
    ("Molecules", "`rrgraph train`, for a file with `domain: organic`.", OrganicConfig),
    ("Conditions", "`rrgraph train`, for a file with `domain: conditions`.", ConditionsConfig),
    ("Pretraining", "`rrgraph pretrain`.", PretrainConfig),
    ("Experiments", "`rrgraph experiment`.", ExperimentConfig),
)

HEAD = """\
# Configuration

<!-- Written by docs/configuration.py from the fields of the configurations; change those. -->

Every command that trains reads a YAML file; `key=value` on the command line replaces a value of it, as in
`rrgraph train quickstart training.epochs=5 data.split=nms`. A key that stands in no file has its default.
`rrgraph train CONFIG --explain KEY` shows one setting, a section such as `training`, or all of them, with their values
in that configuration; `rrgraph pretrain` does likewise.

Values are plain: text, numbers, true, false, null, lists and mappings. A setting that is text takes it as it is typed
(`name=007`). Nothing is filled in from elsewhere: `${...}` and tags such as `!!python/object` are refused. Numbers
without a range in the tables are finite and below 4,294,967,296.

A key that has been renamed is understood under its earlier name for one more release, with a warning.
"""


def main() -> int:
    """Write or check the page."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true", help="only say whether the page is up to date")
    stale = not PAGE.exists() or PAGE.read_text(encoding="utf-8") != page()
    if parser.parse_args().check:
        print("docs/configuration.md is out of date: run python docs/configuration.py" if stale else "up to date")
        return int(stale)
    PAGE.write_text(page(), encoding="utf-8")
    return 0


def page() -> str:
    """Return the text of docs/configuration.md."""
    return "\n".join([HEAD, *(line for entry in CONFIGURATIONS for line in _configuration(*entry))])


def _configuration(title: str, about: str, schema: type) -> Iterator[str]:
    yield f"## {title}\n\n{about}\n"
    for section, rows in groupby(settings(schema()), key=lambda each: each.key.rpartition(".")[0]):
        if section:
            yield f"### `{section}`\n"
        yield "| key | meaning | type | range or choices | default | earlier name |\n|---|---|---|---|---|---|"
        yield from map(_row, rows)
        yield ""


def _row(each: Setting) -> str:
    name, default = each.key.rpartition(".")[2], each.show(each.default)
    earlier = f"`{each.earlier}`" if each.earlier else ""
    cells = [f"`{name}`", each.meaning, each.type, _expected(each), f"`{default}`", earlier]
    return f"| {' | '.join(cell.replace('|', '&#124;') for cell in cells)} |"


def _expected(each: Setting) -> str:
    """Return range or choices; of registered names those of rrgraph itself."""
    names = each.limits.names()
    if names is None:
        return each.limits.range
    own = (name for name in names if not isinstance(names, Registry) or names.origin(name).is_own)
    return ", ".join(f"`{name}`" for name in own)


if __name__ == "__main__":
    raise SystemExit(main())
