"""The data of a run on materials: the split, the training graph and its frequency features."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from rrgraph.chem import Composition
from rrgraph.data import (
    HOLDOUT,
    CleaningReport,
    LearnedReactions,
    PrecursorTable,
    ReactionTable,
    Split,
    clean_table,
    leakage_report,
    load_table,
    resembling_rows,
    split_table,
)
from rrgraph.errors import ConfigError, DataError
from rrgraph.graph import (
    EDGE,
    ContextGraph,
    FrequencyFeatures,
    GraphColumns,
    LinkFeatures,
    ReactionGraph,
    TrainingContexts,
    TrainingFeatures,
    TrainingFolds,
    build_graph,
    training_features,
)
from rrgraph.links import NO_CONTEXT
from rrgraph.nn import NO_PRIOR
from rrgraph.planning import CandidateList, generated_candidates, library_candidates, read_candidates
from rrgraph.runs.config import BaselineConfig, DataConfig, MeasuredConfig, RunConfig
from rrgraph.runs.workflow import load_run, workflow_of
from rrgraph.training import checksum

if TYPE_CHECKING:
    from rrgraph.evaluation import Protocol

__all__ = [
    "Prepared",
    "RunData",
    "candidate_pool",
    "check_measured_tables",
    "prepare",
    "prepare_data",
    "protocol_candidates",
    "run_split",
    "split_data",
]


@dataclass(frozen=True)
class RunData:
    """Data of any run on materials.

    Attributes:
        split: training, validation and test tables with the leakage report.
        cleaning: what cleaning dropped and changed, None when the table was taken as it is.
        pool: further candidate precursors.
    """

    split: Split
    cleaning: CleaningReport | None
    pool: tuple[Composition, ...]

    @cached_property
    def seen(self) -> tuple[Composition, ...]:
        """Precursors that occur in the training table."""
        return tuple(self.split.train.precursors().values())

    @property
    def known(self) -> list[Composition]:
        """Precursors of the training table, then the pool's further ones."""
        return candidate_pool([*self.seen, *self.pool])

    @property
    def systems(self) -> frozenset[str]:
        """Element systems of the training targets."""
        return frozenset(self.split.train.element_systems.tolist())

    @cached_property
    def learned(self) -> LearnedReactions:
        """Hashes of the training targets and reactions."""
        return LearnedReactions.of(self.split.train)

    def __str__(self) -> str:
        return "\n".join(str(report) for report in (self.cleaning, self.split.report) if report is not None)

    def reports(self) -> dict[str, object]:
        """Return what cleaning and splitting report, as JSON values."""
        cleaning = self.cleaning
        return {"cleaning": cleaning.to_dict() if cleaning else None, "leakage": self.split.report.to_dict()}

    def contents(self) -> dict[str, str]:
        """Return the checksums of the rows of each subset, in order, and of the pool."""
        parts = {"training": self.split.train, "validation": self.split.validation, "test": self.split.test}
        return {f"{name} rows": checksum(_lines(table)) for name, table in parts.items()} | {
            "candidates of the pool": checksum(each.formula for each in self.pool)
        }


@dataclass(frozen=True)
class FurtherTable:
    """A table from which only the re-ranker learns.

    Attributes:
        name: as it was asked for.
        table: its rows, without those that resemble a held-out row.
        weight: of a list of candidate sets, beside 1 for those of the training rows.
        left_out: number of rows that are left out.
    """

    name: str
    table: ReactionTable
    weight: float
    left_out: int

    def __str__(self) -> str:
        return f"{self.name}: {len(self.table)} rows for the re-ranker, {self.left_out} left out"


@dataclass(frozen=True)
class Prepared(RunData):
    """Data of the run of a link model.

    Attributes:
        graph: of the training table, with the pool's further precursors as nodes without links.
        statistics: counts of the training table over the graph's precursors, when the model takes them.
        folds: the training element systems divided, when statistics, several decoders or a context need it.
        link_statistics: those of the training links, each from the other folds, when the model takes them.
        context: what is known and sends messages, when the model passes any.
        further: tables from which the re-ranker learns too.
    """

    graph: ReactionGraph
    statistics: FrequencyFeatures | None
    folds: TrainingFolds | None
    link_statistics: LinkFeatures | None
    context: ContextGraph | None = None
    further: tuple[FurtherTable, ...] = ()

    def __str__(self) -> str:
        parts = (super().__str__(), *(() if self.context is None else (self.context,)), *self.further)
        return "\n".join(map(str, parts))

    @cached_property
    def learned(self) -> LearnedReactions:
        """Hashes of the targets and reactions of the training rows and of further tables."""
        return LearnedReactions.of(self.split.train, *(further.table for further in self.further))

    @property
    def counts(self) -> NDArray[np.int64]:
        """Number of training targets that link to each precursor of the graph."""
        return np.bincount(self.graph.data[EDGE].edge_index[1].numpy(), minlength=len(self.graph.precursors))

    @property
    def columns(self) -> GraphColumns | None:
        """The columns that describe nodes and edges, None without any."""
        return None if self.context is None else self.context.columns

    @cached_property
    def contexts(self) -> TrainingContexts | None:
        """What the training targets of each fold receive messages from, when the model passes any."""
        if self.context is None or self.folds is None:
            return None
        return TrainingContexts.fit(self.graph, self.folds, columns=self.columns)

    def contents(self) -> dict[str, str]:
        """Return also the checksums of further tables, and of what columns say of nodes and edges, if any do."""
        of_further = {f"rows of {each.name}": checksum(_lines(each.table, "atmosphere")) for each in self.further}
        if self.context is None or self.columns is None:
            return super().contents() | of_further
        values = [self.columns.values, *(each.numpy() for each in self.context.features.values())]
        found = [repr(self.columns.to_stored()), *map(checksum, values)]
        return super().contents() | of_further | {"columns of features": checksum(found)}


def _lines(table: ReactionTable, *columns: str) -> Iterator[str]:
    """Yield what is learned from each row: its formulas, and the paper, by which rows are weighted and divided."""
    frame = table.frame.reindex(columns=["target", "precursors", "doi", *columns])
    for row in frame.itertuples(index=False):
        yield "|".join(map(str, row))


def split_data(config: DataConfig, *, seed: int) -> tuple[Split, CleaningReport | None]:
    """Load, clean and split the table of a configuration; the report is None when nothing was cleaned.

    Raises:
        DataError: the table or the holdout cannot be read.
        ConfigError: the split leaves nothing to train on.
    """
    table = load_table(config.table)
    report = None
    if config.clean:
        table, report = clean_table(table)
    split = split_table(
        table,
        config.split,
        seed=seed,
        year=config.year,
        validation_fraction=config.validation_fraction,
        holdout=load_table(config.holdout) if config.holdout else None,
    )
    if not len(split.train):
        raise ConfigError(f"Split '{config.split}' of '{config.table}' leaves no training rows.")
    return _with_further_rows(split, config), report


def _with_further_rows(split: Split, config: DataConfig) -> Split:
    """Return a split whose training rows are joined by those of further tables."""
    if not config.further_tables:
        return split
    usable, held_out = _usable_rows(config.further_tables, config, split), _held_out_tables(split)
    subsets = {"train": ReactionTable.concat([split.train, *(table for table, _ in usable)])} | held_out
    removed = {"further row that resembles a held-out one": sum(left_out for _, left_out in usable)}
    report = leakage_report(config.split, subsets, removed={**split.report.removed, **removed})
    return replace(split, train=subsets["train"], report=report)


def _held_out_tables(split: Split) -> dict[str, ReactionTable]:
    """Return the rows that are not learned from, by what they are."""
    found = {"validation": split.validation, "test": split.test}
    return found if split.holdout is None else found | {HOLDOUT: split.holdout}


def _usable_rows(names: Iterable[str], config: DataConfig, split: Split) -> list[tuple[ReactionTable, int]]:
    """Return of each further table the rows that resemble no held-out one, and the number of the others.

    Raises:
        DataError: a table cannot be read.
        ConfigError: it has no such rows.
    """
    held_out, found = _held_out_tables(split).values(), []
    for name in names:
        table = load_table(name)
        resembles = np.zeros(len(table), dtype=bool)
        for other in held_out if config.held_out_by != "nothing" else ():
            resembles |= resembling_rows(table, other, system=config.held_out_by == "system")
        if resembles.all():
            raise ConfigError(f"Further table '{name}' has no rows that may be learned from.")
        found.append((table.select(~resembles), int(resembles.sum())))
    return found


def prepare_data(config: DataConfig, *, seed: int) -> RunData:
    """Return the data of any run on materials; errors are those of `split_data`."""
    split, cleaning = split_data(config, seed=seed)
    return RunData(split, cleaning, tuple(read_candidates(config.pool)) if config.pool else ())


def prepare(config: RunConfig) -> Prepared:
    """Return the data of the run of a link model.

    Raises:
        DataError: the table cannot be read or divided.
        ConfigError: the split leaves nothing to train on, or too many pairs to score them all.
    """
    data = prepare_data(config.data, seed=config.seed)
    split = data.split
    graph = build_graph(split.train, extra_precursors=data.pool)
    folds = statistics = link_statistics = context = None
    if config.model.statistics or config.model.n_decoders > 1 or config.model.context != NO_CONTEXT:
        folds = TrainingFolds.divide(split.train, graph, seed=config.seed)
    if config.model.statistics and folds is not None:
        statistics = FrequencyFeatures.fit(split.train, graph.precursors)
        link_statistics = training_features(graph, folds)
        needed = {
            "reranker.enabled=false": config.reranker.enabled,
            f"model.candidate_prior={NO_PRIOR}": config.model.candidate_prior != NO_PRIOR,
        }
        refused = [name for name, used in needed.items() if used]
        if refused and not isinstance(link_statistics, TrainingFeatures):
            raise ConfigError(
                f"{len(graph.targets):,} targets and {len(graph.precursors):,} precursors make too many pairs for the "
                f"re-ranker and the prior of candidates, which score them all: set {', '.join(refused)}."
            )
    if config.model.context != NO_CONTEXT:
        systems = None if statistics is None else statistics.systems
        columns = feature_columns(config.data, split.train)
        context = ContextGraph.fit(split.train, graph.precursors, systems=systems, columns=columns)
    further = further_tables(config, split) if config.reranker.enabled else ()
    return Prepared(split, data.cleaning, data.pool, graph, statistics, folds, link_statistics, context, further)


def further_tables(config: RunConfig, split: Split) -> tuple[FurtherTable, ...]:
    """Return the tables from which only the re-ranker learns; errors are those of `split_data`."""
    named = config.reranker.further_tables
    try:
        usable = _usable_rows(named, config.data, split)
    except DataError as error:
        raise DataError(f"{error} Or leave it out of reranker.further_tables.") from None
    return tuple(
        FurtherTable(name, table, weight, left_out)
        for (name, weight), (table, left_out) in zip(named.items(), usable, strict=True)
    )


def feature_columns(config: DataConfig, table: ReactionTable) -> GraphColumns | None:
    """Return the columns that describe nodes and edges, as the training rows have them; None without any.

    Raises:
        DataError: there is no such column, or the table of precursors cannot be read.
    """
    if not config.has_features:
        return None
    precursors = PrecursorTable.read(config.precursors) if config.precursors else None
    return GraphColumns.fit(table, config.node_features, config.edge_features, precursors=precursors)


def candidate_pool(known: Sequence[Composition], *tables: ReactionTable) -> list[Composition]:
    """Return the pool of an evaluation: known precursors and those of the measured rows, as the papers do."""
    pool = {precursor.key: precursor for precursor in known}
    for table in tables:
        for key, precursor in table.precursors().items():
            pool.setdefault(key, precursor)
    return list(pool.values())


def protocol_candidates(
    protocol: Protocol, known: Sequence[Composition], table: ReactionTable
) -> Sequence[Composition]:
    """Return the candidates of a protocol for the measured rows, beside which `known` are those of the system."""
    if protocol.candidates == "pool":
        return candidate_pool(known, table)
    if protocol.candidates == "library":
        return CandidateList.of(candidate_pool([*known, *library_candidates()]), listed=known)
    return generated_candidates(table.targets)


def check_measured_tables(config: MeasuredConfig) -> None:
    """Read the tables that a run will be measured on, whose errors would else come when it has been trained.

    Raises:
        DataError: one of them cannot be read.
    """
    for name in config.tables:
        load_table(name)


def run_split(folder: str | Path) -> Split:
    """Return the split that the run in `folder` was trained on, computed again from its configuration.

    Raises:
        ConfigError: the folder holds no run.
    """
    recorded = Path(folder) / "config.yaml"
    if not recorded.is_file():
        raise ConfigError(f"'{folder}' is not a run folder: it has no config.yaml.")
    config = load_run(recorded, recorded=True)
    if not isinstance(config, RunConfig | BaselineConfig):
        raise ConfigError(f"The run in '{folder}' is about {workflow_of(config).domain}, expected one on materials.")
    return split_data(config.data, seed=config.seed)[0]
