"""What a figure compares: run folders or an experiment flow in, one series a system and split flows out."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from rrgraph.errors import ConfigError, suggestion
from rrgraph.evaluation import Metrics, read_protocol
from rrgraph.figures.runs import TrainedRun

if TYPE_CHECKING:
    from rrgraph.chem import Composition

__all__ = ["Series", "Wishes", "by_split", "experiment_runs", "gather", "is_experiment", "read_results", "usual_part"]


@dataclass(frozen=True, kw_only=True)
class Wishes:
    """What figures are to show.

    Attributes:
        part: of the split, `validation` or `test`.
        protocol: of the figures that show one, with flags or without; None for `open` where it was measured.
        target: whose precursors are shown, None for the first of the part.
        targets: most targets that are planned anew, drawn at random; None for all.
        refit: whether baselines, which keep no model, are fitted again for the figures that ask them anew.

    Raises:
        ConfigError: there is no such part or protocol.
    """

    part: str = "test"
    protocol: str | None = None
    target: Composition | None = None
    targets: int | None = 500
    refit: bool = True

    def __post_init__(self) -> None:
        parts = ("validation", "test")
        if self.part not in parts:
            raise ConfigError(f"--part is '{self.part}', expected validation or test.{suggestion(self.part, parts)}")
        if self.protocol is not None:
            read_protocol(self.protocol)

    def chosen(self, series: Series) -> str:
        """Return the protocol of a figure that shows one."""
        known = series.protocols(self.part)
        if self.protocol is None:
            return "open" if "open" in known or not known else known[0]
        asked = read_protocol(self.protocol)
        # Flags can be spelled in several ways.
        return next((name for name in known if read_protocol(name) == asked), self.protocol)


@dataclass(frozen=True, eq=False)
class Series:
    """One system on one split.

    Attributes:
        label: what legends call it.
        split: name of the split.
        runs: one a seed.
        beside: name of the baseline in the runs' metrics that is meant, None for their own system.
    """

    label: str
    split: str
    runs: tuple[TrainedRun, ...]
    beside: str | None = None

    @property
    def first(self) -> TrainedRun:
        """The run of the first seed, for what is shown of one model."""
        return self.runs[0]

    @property
    def has_model(self) -> bool:
        """Whether the first run has a system that can be asked anew."""
        return self.beside is None and self.first.has_model

    @property
    def embeds(self) -> bool:
        """Whether it has embeddings, which trained models have."""
        return self.beside is None and self.first.embeds

    @property
    def gives_links(self) -> bool:
        """Whether it gives probabilities of links."""
        return self.beside is None and self.first.gives_links

    def metrics(self, part: str, protocol: str) -> list[Metrics]:
        """Return what each run measured, without those that did not."""
        found = (run.metrics(part, protocol, system=self.beside) for run in self.runs)
        return [metrics for metrics in found if metrics is not None and metrics.overall.rows]

    def protocols(self, part: str) -> list[str]:
        """Return the protocols that any of the runs knows."""
        return list(dict.fromkeys(name for run in self.runs for name in run.protocols(part)))


def gather(paths: Sequence[str | Path], *, part: str = "test", refit: bool = True) -> tuple[Series, ...]:
    """Return the series of run folders and experiment folders, in the order given.

    The seeds of an experiment's system and split are one series. A run by itself is a series too, and so is each
    baseline that was measured beside it.

    Args:
        paths: the folders.
        part: of the split.
        refit: whether the baselines of runs are fitted again when a figure asks them anew.

    Raises:
        ConfigError: a folder is neither, or a file in it cannot be read.
    """
    series: list[Series] = []
    alone: list[TrainedRun] = []
    open_run = partial(TrainedRun, refit=refit, splits={})
    for path in paths:
        if is_experiment(path):
            series += _experiment_series(path, open_run)
        else:
            alone.append(open_run(path))
    labels = _labels(alone)
    series += [Series(label, run.split, (run,)) for label, run in zip(labels, alone, strict=True)]
    return (*series, *_baselines(alone, labels, part))


def usual_part(paths: Sequence[str | Path]) -> str:
    """Return the part of the split that figures show where none is asked for: `test`, if any run measured it.

    Raises:
        ConfigError: see `gather`.
    """
    runs = [
        run
        for path in paths
        for run in (
            [run for each in _experiment_series(path, TrainedRun) for run in each.runs]
            if is_experiment(path)
            else [TrainedRun(path)]
        )
    ]
    measured = list(dict.fromkeys(part for run in runs for part in run.parts))
    return measured[0] if measured and "test" not in measured else "test"


def by_split(series: Iterable[Series]) -> dict[str, list[Series]]:
    """Return the series of each split, in order of appearance."""
    found: dict[str, list[Series]] = {}
    for each in series:
        found.setdefault(each.split, []).append(each)
    return found


def is_experiment(path: str | Path) -> bool:
    """Return whether a folder is that of an experiment."""
    return (Path(path) / "experiment.yaml").is_file() or (Path(path) / "results.csv").is_file()


def read_results(path: str | Path) -> list[dict[str, str]]:
    """Return the rows of an experiment's `results.csv`, one a run.

    Raises:
        ConfigError: it is missing, empty, or lacks a column that names the run.
    """
    file = Path(path) / "results.csv"
    if not file.is_file():
        raise ConfigError(f"The experiment in '{path}' has no results.csv: none of its runs is finished.")
    with file.open(encoding="utf-8", newline="") as handle:
        rows = list(csv.DictReader(handle))
    for column in ("system", "split", "seed"):
        if not rows or column not in rows[0]:
            raise ConfigError(f"'{file}' has no {f'column {column!r}' if rows else 'rows'}, expected one row a run.")
    return rows


def experiment_runs(path: str | Path) -> dict[tuple[str, str], list[Path]]:
    """Return the run folders of each system and split of an experiment, in the order of its results."""
    found: dict[tuple[str, str], list[Path]] = {}
    for row in read_results(path):
        folder = Path(path) / "runs" / f"{row['system']}-{row['split']}-{row['seed']}"
        if folder.is_dir():
            found.setdefault((row["system"], row["split"]), []).append(folder)
    return found


def _experiment_series(path: str | Path, open_run: Callable[..., TrainedRun]) -> list[Series]:
    return [
        Series(system, split, tuple(open_run(folder, system=system) for folder in folders))
        for (system, split), folders in experiment_runs(path).items()
    ]


def _labels(runs: Sequence[TrainedRun]) -> list[str]:
    """Return the names of runs, or what else tells them apart: the folder, or its whole path."""
    for labels in (
        [run.name for run in runs],
        [run.folder.resolve().name for run in runs],
        [str(run.folder) for run in runs],
    ):
        if len(set(labels)) == len(labels):
            return labels
    twice = next(label for label in labels if labels.count(label) > 1)
    raise ConfigError(f"The run folder '{twice}' is named twice.")


def _baselines(runs: Sequence[TrainedRun], labels: Sequence[str], part: str) -> list[Series]:
    """Return the baselines measured beside the runs; those measured alike on one split are one."""
    found: dict[tuple[str, str, str], Series] = {}
    for run, label in zip(runs, labels, strict=True):
        for name in run.baselines(part):
            measured = [run.metrics(part, protocol, system=name) for protocol in run.protocols(part)]
            overall = str([metrics.overall for metrics in measured if metrics is not None])
            if (name, run.split, overall) not in found:
                shown = name if (name, run.split) not in {(b, s) for b, s, _ in found} else f"{name} beside {label}"
                found[name, run.split, overall] = Series(shown, run.split, (run,), beside=name)
    return list(found.values())
