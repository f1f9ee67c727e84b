"""The report on an experiment or a run, one self-contained HTML page.

The page works offline and without JavaScript; the same folder gives the same page.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

from rrgraph.baselines import BASELINES
from rrgraph.data import SPLITS
from rrgraph.evaluation import Protocol
from rrgraph.figures.catalogue import draw_figures
from rrgraph.figures.glossary import GLOSSARY, describe_flags
from rrgraph.figures.results import OnDamage, is_experiment, read_or_report, read_results
from rrgraph.figures.series import FigureOptions, Series, gather
from rrgraph.figures.tables import ResultTable, experiment_tables, run_tables
from rrgraph.util.config import read_plain
from rrgraph.util.figure_style import svg_text
from rrgraph.util.files import write_text
from rrgraph.util.json_files import read_json
from rrgraph.util.pages import inline_svg, page_template
from rrgraph.version import __version__

__all__ = ["flatten", "report_html", "write_report"]


@dataclass(frozen=True)
class _Figure:
    """A figure on the page."""

    name: str
    title: str
    caption: str
    svg: str


def write_report(
    folder: str | Path,
    output: str | Path,
    options: FigureOptions,
    *,
    only: Sequence[str] = (),
    on_damage: OnDamage = None,
) -> Path:
    """Write the report on a folder and return its path; arguments and errors are those of `report_html`."""
    write_text(output, report_html(folder, options, only=only, on_damage=on_damage))
    return Path(output)


def report_html(
    folder: str | Path,
    options: FigureOptions,
    *,
    only: Sequence[str] = (),
    on_damage: OnDamage = None,
) -> str:
    """Return the report on an experiment or a run.

    Args:
        folder: of an experiment or a run.
        options: what figures show.
        only: names of the figures, all by default.
        on_damage: called once with each sentence on what is left out because it is damaged: a run, a row of results,
            `table.csv`, a record of the data or the environment; by default, that is an error.

    Raises:
        ConfigError: the folder is neither, a file in it cannot be read, or matplotlib or Jinja2 is not installed.
    """
    template = page_template("rrgraph.figures", "report.html")
    folder, experiment = Path(folder), is_experiment(folder)
    damaged = None if on_damage is None else cache(on_damage)  # what is read twice is reported once
    series = gather([folder], subset=options.subset, refit=options.refit, on_damage=damaged)
    results = read_results(folder, damaged) if experiment else []
    tables = experiment_tables(folder, damaged) if experiment else run_tables(series, options.subset)
    page: str = template.render(
        name=_name(folder, series, experiment, damaged),
        experiment=experiment,
        subset=options.subset,
        systems=_systems(series, results),
        splits=_splits(series, results),
        seeds=sorted({row["seed"] for row in results}, key=lambda seed: (len(seed), seed)),
        runs=len(results) or 1,
        hours=sum(_seconds(row.get("seconds", "")) for row in results) / 3600,
        tables=tables,
        measured=_measured(series, options.subset),
        short=list(_in_short(tables)),
        results=results,
        figures=list(_figures(series, options, only)),
        protocols=[(name, describe_flags(protocol)) for name, protocol in _protocols(series, options.subset).items()],
        glossary=GLOSSARY,
        data=_recorded(folder / "data.json", damaged),
        environment=_recorded(folder / "environment.json", damaged),
        configs=list(_configs(folder, series, experiment)),
        version=__version__,
    )
    return page


def flatten(value: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[str, str]]:
    """Yield every value of nested JSON with its path; empty values (None, "", []) are left out."""
    if isinstance(value, Mapping):
        for name, inner in value.items():
            yield from flatten(inner, (*path, str(name)))
    elif isinstance(value, list) and any(isinstance(inner, Mapping | list) for inner in value):
        for number, inner in enumerate(value, start=1):
            yield from flatten(inner, (*path, str(number)))
    elif value not in (None, "", []):
        text = ", ".join(map(str, value)) if isinstance(value, list) else str(value)
        yield " / ".join(path), text


def _seconds(text: str) -> float:
    """Return how long a run took, 0 where that is not known."""
    try:
        return max(float(text), 0.0) if text else 0.0
    except ValueError:
        return 0.0


def _recorded(file: Path, on_damage: OnDamage) -> list[tuple[str, str]]:
    return list(flatten(read_or_report(lambda: read_json(file, missing={}), on_damage, {})))


def _name(folder: Path, series: Sequence[Series], experiment: bool, on_damage: OnDamage) -> str:
    if not experiment:
        return series[0].label
    file = folder / "experiment.yaml"
    config: dict[str, Any] = {}
    if file.is_file():
        config = read_or_report(lambda: read_plain(file), on_damage, config)
    return str(config.get("name") or folder.resolve().name)


def _in_short(tables: Sequence[ResultTable]) -> Iterator[str]:
    """Yield the best system on each split under each protocol, at the smallest and the largest k."""
    for table in tables:
        best: dict[str, list[str]] = {}
        for protocol, k, system, accuracy in table.best():
            best.setdefault(protocol, []).append(f"best at top-{k} {system} ({accuracy} %)")
        for protocol, found in best.items():
            yield f"{table.title}, protocol {protocol}: {', '.join(dict.fromkeys([found[0], found[-1]]))}."


def _measured(series: Sequence[Series], subset: str) -> dict[tuple[str, str], int]:
    """Return the largest number of evaluated rows by split, of all rows and of those with an unseen precursor."""
    found: dict[tuple[str, str], int] = {}
    for each in series:
        for metrics in (metrics for protocol in each.protocols(subset) for metrics in each.metrics(subset, protocol)):
            for group, top in (("all", metrics.overall), ("unseen", metrics.unseen)):
                key = each.split, group
                found[key] = max(found.get(key, 0), top.rows if top else 0)
    return found


def _figures(series: Sequence[Series], options: FigureOptions, only: Sequence[str]) -> Iterator[_Figure]:
    for drawn in draw_figures(series, options, only=only) if series else ():
        if drawn.figure is not None:
            svg = inline_svg(svg_text(drawn.figure), drawn.name, drawn.entry.title)
            yield _Figure(drawn.name, drawn.entry.title, drawn.entry.caption, svg)


def _systems(series: Sequence[Series], results: Sequence[Mapping[str, str]]) -> dict[str, str]:
    """Return a description of each system by name, empty for systems described only by their configuration."""
    systems = dict.fromkeys([row["system"] for row in results] or [each.label for each in series], "")
    for each in series:
        name = each.beside or each.first.config.get("baseline") or each.label
        if each.label in systems and name in BASELINES:
            systems[each.label] = _prose(inspect.getdoc(BASELINES[str(name)]) or "")
    return systems


def _prose(documentation: str) -> str:
    """Return a docstring up to its arguments, with a line for each paragraph and item."""
    text = documentation.partition("\n\nArgs:")[0].replace("`", "")
    return re.sub(r"(?<!\n)\n *(?![\n-])", " ", text)


def _splits(series: Sequence[Series], results: Sequence[Mapping[str, str]]) -> dict[str, str]:
    names = dict.fromkeys([row["split"] for row in results] or [each.split for each in series])
    return {name: _SPLITS.get(name, "") if name in SPLITS else "" for name in names}


def _protocols(series: Sequence[Series], subset: str) -> dict[str, Protocol]:
    """Return the protocols by name, with the flags of the evaluation."""
    return {
        metrics.protocol.name: metrics.protocol
        for each in series
        for protocol in each.protocols(subset)
        for metrics in each.metrics(subset, protocol)[:1]
    }


def _configs(folder: Path, series: Sequence[Series], experiment: bool) -> Iterator[tuple[str, str]]:
    """Yield title and text of each configuration; of the seeds of a system, which differ in nothing else, the first."""
    if (folder / "experiment.yaml").is_file():
        yield "the experiment", (folder / "experiment.yaml").read_text(encoding="utf-8", errors="replace")
    for each in series:
        if each.beside is None:
            title = f"{each.label}, split {each.split}" if experiment else each.label
            seeds = f" (first of {len(each.runs)} seeds)" if len(each.runs) > 1 else ""
            yield title + seeds, (each.first.folder / "config.yaml").read_text(encoding="utf-8")


_SPLITS: Final = {
    "cra": "Complete reaction archive: trains on rows up to a year, tests on later ones; repeated recipes are kept.",
    "dr": "Distinct reactions: as cra, with every target and precursor set once, dated by its first appearance.",
    "nms": "Novel material systems: as dr, and no set of elements occurs both in training and in the test.",
    "random": "Rows are assigned at random, so that targets of the test rows occur in training too.",
    "column": "A column of the table assigns each row to a subset.",
    "all": "All rows are used for training; there are no test rows.",
}
"""One sentence per split."""
