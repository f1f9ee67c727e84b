"""What figures compare: a series is one system on one split, with the runs of its seeds."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from rrgraph.errors import ConfigError, suggestion
from rrgraph.evaluation import Metrics, read_protocol
from rrgraph.figures.results import OnDamage, is_experiment, read_or_tell, read_results, run_name, unlisted_runs
from rrgraph.figures.runs import TrainedRun

if TYPE_CHECKING:
    from rrgraph.chem import Composition

__all__ = [
    "FigureOptions",
    "Series",
    "by_split",
    "default_subset",
    "gather",
]


@dataclass(frozen=True, kw_only=True)
class FigureOptions:
    """What figures show.

    Attributes:
        subset: part of the split, `validation` or `test`.
        protocol: protocol (with or without flags) of figures that show one; None for `open` if it was evaluated.
        target: whose precursors are shown, None for the first of the subset.
        targets: largest number of targets, drawn at random, to compute proposals for; None for all.
        refit: whether baselines, which are not saved, are refitted for figures that need a model.

    Raises:
        ConfigError: there is no such subset or protocol.
    """

    subset: str = "test"
    protocol: str | None = None
    target: Composition | None = None
    targets: int | None = 500
    refit: bool = True

    def __post_init__(self) -> None:
        subsets = ("validation", "test")
        if self.subset not in subsets:
            raise ConfigError(
                f"--part is '{self.subset}', expected validation or test.{suggestion(self.subset, subsets)}"
            )
        if self.protocol is not None:
            read_protocol(self.protocol)

    def chosen(self, series: Series) -> str:
        """Return the protocol that a figure of a single protocol shows."""
        known = series.protocols(self.subset)
        if self.protocol is None:
            return "open" if "open" in known or not known else known[0]
        asked = read_protocol(self.protocol)
        # Flags can be spelled in several ways.
        return next((name for name in known if read_protocol(name) == asked), self.protocol)


@dataclass(frozen=True, eq=False)
class Series:
    """One system on one split.

    Attributes:
        label: name in legends.
        split: name of the split.
        runs: one per seed.
        beside: name of a baseline in the metrics of the runs, None for their own system.
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
        """Whether the first run has a model, or a baseline that can be refitted."""
        return self.beside is None and self.first.has_model

    @property
    def embeds(self) -> bool:
        """Whether it has embeddings, as trained models do."""
        return self.beside is None and self.first.embeds

    @property
    def gives_links(self) -> bool:
        """Whether it gives link probabilities."""
        return self.beside is None and self.first.gives_links

    def metrics(self, subset: str, protocol: str) -> list[Metrics]:
        """Return the metrics of each run that has them."""
        found = (run.metrics(subset, protocol, system=self.beside) for run in self.runs)
        return [metrics for metrics in found if metrics is not None and metrics.overall.rows]

    def protocols(self, subset: str) -> list[str]:
        """Return the protocols of all runs."""
        return list(dict.fromkeys(name for run in self.runs for name in run.protocols(subset)))


def gather(
    paths: Sequence[str | Path],
    *,
    subset: str = "test",
    refit: bool = True,
    on_damage: OnDamage = None,
) -> tuple[Series, ...]:
    """Return the series of run folders and experiment folders, in the order given.

    The runs of a system and split of an experiment are one series. A single run is a series as well, and so is each
    baseline evaluated with it.

    Args:
        paths: the folders.
        subset: part of the split.
        refit: whether baselines are refitted when a figure needs a model.
        on_damage: called with a sentence on each run, or row of results, that is left out because it is damaged; by
            default, that is an error.

    Raises:
        ConfigError: a folder is neither, or its files cannot be read and nothing is left.
    """
    series: list[Series] = []
    single: list[TrainedRun] = []
    left_out: list[str] = []
    open_run = partial(TrainedRun, refit=refit, splits={})
    damaged: OnDamage = None if on_damage is None else left_out.append
    for path in paths:
        if is_experiment(path):
            series += _experiment_series(path, open_run, damaged)
        elif run := read_or_tell(
            partial(open_run, path), damaged if Path(path, "config.yaml").is_file() else None, None
        ):
            single.append(run)
    if left_out and not series and not single:
        raise ConfigError(left_out[0])
    if on_damage is not None:
        for sentence in left_out:
            on_damage(sentence)
    labels = _labels(single)
    series += [Series(label, run.split, (run,)) for label, run in zip(labels, single, strict=True)]
    return (*series, *_baselines(single, labels, subset))


def default_subset(paths: Sequence[str | Path]) -> str:
    """Return the subset that figures show by default: `test`, if any run was evaluated on it.

    Raises:
        ConfigError: see `gather`; damaged runs are left out.
    """
    runs = [run for each in gather(paths, on_damage=lambda _: None) for run in each.runs]
    measured = list(dict.fromkeys(subset for run in runs for subset in run.subsets))
    return measured[0] if measured and "test" not in measured else "test"


def by_split(series: Iterable[Series]) -> dict[str, list[Series]]:
    """Return the series of each split, in order of appearance."""
    found: dict[str, list[Series]] = {}
    for each in series:
        found.setdefault(each.split, []).append(each)
    return found


def _experiment_series(path: str | Path, open_run: Callable[..., TrainedRun], on_damage: OnDamage) -> list[Series]:
    found: dict[tuple[str, str], list[TrainedRun]] = {}
    for row in read_results(path, on_damage):
        folder = Path(path) / "runs" / run_name(row)
        if folder.is_dir() and (run := read_or_tell(partial(open_run, folder, system=row["system"]), on_damage, None)):
            found.setdefault((row["system"], row["split"]), []).append(run)
    for folder in unlisted_runs(path):
        read_or_tell(partial(_refuse_unlisted, folder, open_run), on_damage, None)
    return [Series(system, split, tuple(runs)) for (system, split), runs in found.items()]


def _refuse_unlisted(folder: Path, open_run: Callable[..., TrainedRun]) -> None:
    open_run(folder)
    raise ConfigError(f"The run in '{folder}' is not among the results; rrgraph experiment measures it again.")


def _labels(runs: Sequence[TrainedRun]) -> list[str]:
    """Return distinct labels of runs: their names, or else their folders, or else the full paths."""
    for labels in (
        [run.name for run in runs],
        [run.folder.resolve().name for run in runs],
        [str(run.folder) for run in runs],
    ):
        if len(set(labels)) == len(labels):
            return labels
    twice = next(label for label in labels if labels.count(label) > 1)
    raise ConfigError(f"The run folder '{twice}' is given twice.")


def _baselines(runs: Sequence[TrainedRun], labels: Sequence[str], subset: str) -> list[Series]:
    """Return the baselines evaluated with the runs; those with equal metrics on a split are one series."""
    found: dict[tuple[str, str, str], Series] = {}
    for run, label in zip(runs, labels, strict=True):
        for name in run.baselines(subset):
            measured = [run.metrics(subset, protocol, system=name) for protocol in run.protocols(subset)]
            overall = str([metrics.overall for metrics in measured if metrics is not None])
            if (name, run.split, overall) not in found:
                shown = name if (name, run.split) not in {(b, s) for b, s, _ in found} else f"{name} beside {label}"
                found[name, run.split, overall] = Series(shown, run.split, (run,), beside=name)
    return list(found.values())
