"""The configuration of an experiment: which systems are compared on which splits with which seeds."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import ClassVar, Final

from rrgraph.data import SUBSET_NAMES, TEST, VALIDATION
from rrgraph.errors import ConfigError, check_choice
from rrgraph.metrics import TOP_K, find_metric
from rrgraph.util.config import NamedConfig, load_config
from rrgraph.util.named_configs import find_config
from rrgraph.util.names import is_plain_name
from rrgraph.util.settings import check, setting

__all__ = ["ExperimentConfig", "QuickConfig", "SearchConfig", "SystemConfig", "load_experiment", "measured_protocol"]

TOP_METRICS: Final = tuple([f"top_{k}" for k in TOP_K])
"""Columns of tables unless others are asked for."""


@dataclass
class SystemConfig:
    """A system of the comparison.

    Attributes:
        config: configuration of a link model, a baseline or a model of templates: a file, relative to that of the
            experiment, or the name of a built-in one.
        overrides: `key=value` on top of the file and of the overrides of the experiment.
    """

    config: str = ""
    overrides: list[str] = setting(factory=list)


@dataclass
class QuickConfig:
    """What `--quick` changes: less of everything, and data that are always there or a few rows.

    Validation rows take the place of a table, which may not be there.

    Attributes:
        systems: the systems that take part, all when empty, each with further overrides.
        overrides: further overrides of all systems.
        splits: splits in place of those of the experiment, unless empty.
        seeds: seeds in place of those of the experiment, unless empty.
        candidates: candidates in place of those of the experiment, unless empty.
    """

    systems: dict[str, list[str]] = setting(factory=dict)
    overrides: list[str] = setting(factory=list)
    splits: list[str] = setting(factory=list)
    seeds: list[int] = setting(factory=list, at_least=0)
    candidates: list[str] = setting(factory=list, choices="rrgraph.evaluation:CANDIDATES")


@dataclass
class SearchConfig:
    """What the search for sets costs by the number of candidates (Retro-Rank-In table 11).

    Attributes:
        candidates: numbers of most probable candidates, 0 for all; empty measures nothing.
        targets: rows of each split that are timed, drawn once.
        most_sets: largest number of sets that is enumerated for a row, to compare with the search.
    """

    candidates: list[int] = setting(factory=list, at_least=0)
    targets: int = setting(200, at_least=1)
    most_sets: int = setting(200_000, at_least=0)


@dataclass
class ExperimentConfig(NamedConfig):
    """Everything that defines an experiment: each system on each split with each seed.

    Attributes:
        title: what is compared, one sentence.
        systems: the systems by the name that tables use, each with the keys `config` and `overrides`.
        overrides: settings as `key=value` for the configurations of all systems, before their own.
        splits: splits of the table; `column` for molecules.
        seeds: seeds of the runs.
        protocols: evaluation protocols, also with flags: `paper,max_candidates=20`; for molecules `reactants`,
            `by_template` or `template`.
        candidates: what sets are formed from, each in turn: `pool` (precursors of the training and the measured rows),
            `library` (those of the training rows and the bundled reagents), `generated` (for each target).
        metrics: columns of the tables by name, see `rrgraph.metrics.METRICS`.
        subset: what is measured: a subset of each split, `holdout` (the rows of `data.holdout`), or a table.
        compare_with: a system that tables compare every other with; empty for none.
        search: what the search costs.
        quick: what `--quick` changes.
    """

    parent: ClassVar[str] = "experiments"

    name: str = setting("experiment", file_name=True)
    title: str = ""
    systems: dict[str, SystemConfig] = setting(factory=dict)
    overrides: list[str] = setting(factory=list)
    splits: list[str] = setting(factory=lambda: ["nms"])
    seeds: list[int] = setting(factory=lambda: [0, 1, 2], at_least=0)
    protocols: list[str] = setting(factory=lambda: ["paper", "open"])
    candidates: list[str] = setting(factory=lambda: ["pool"], choices="rrgraph.evaluation:CANDIDATES")
    metrics: list[str] = setting(factory=lambda: [*TOP_METRICS])
    subset: str = setting(TEST.word, choices="rrgraph.data:MEASURED_ROWS", alias="part")
    compare_with: str = ""
    search: SearchConfig = setting(factory=SearchConfig)
    quick: QuickConfig = setting(factory=QuickConfig)

    @property
    def measured_protocols(self) -> list[str]:
        """The protocols of its runs: each with each of the candidates."""
        return [measured_protocol(protocol, chosen) for chosen in self.candidates for protocol in self.protocols]

    def cross_check(self, prefix: str) -> None:
        """Refuse an empty grid, a grid with something twice, and unknown systems, by a `ConfigError`."""
        for key in ("systems", "splits", "seeds", "protocols", "candidates", "metrics"):
            values = getattr(self, key)
            if not values:
                raise ConfigError(f"Configuration value {key} is empty, expected at least one.")
            if len(set(values)) < len(values):
                raise ConfigError(f"Configuration value {key} is {values}, expected each one once.")
        for name in self.systems:
            if not re.fullmatch(r"[\w.+-]+", name) or not is_plain_name(name):
                raise ConfigError(f"The system {name!a:.80} needs a name of letters, digits, '_', '.', '+' and '-'.")
        for metric in self.metrics:
            find_metric(metric)
        if self.candidates != ["pool"] and any(re.search(r",\s*candidates\s*=", each) for each in self.protocols):
            raise ConfigError(
                f"candidates is {self.candidates} and also a flag of protocols {self.protocols}, expected in one place."
            )
        if self.compare_with:
            check_choice("compare_with", self.compare_with, self.systems)
        for name in self.quick.systems:
            check_choice("quick.systems", name, self.systems)


def measured_protocol(protocol: str, candidates: str) -> str:
    """Return the protocol under which runs measure some candidates.

    >>> measured_protocol("open", "pool"), measured_protocol("open", "library")
    ('open', 'open,candidates=library')
    """
    return protocol if candidates == "pool" else f"{protocol},candidates={candidates}"


def load_experiment(path: str | Path, overrides: Sequence[str] = (), *, quick: bool = False) -> ExperimentConfig:
    """Read the file of an experiment; paths of system configurations become relative to the working directory.

    Args:
        path: a YAML file.
        overrides: `key=value`, later ones win.
        quick: take the variant that the section `quick` describes, in a folder of its own.

    Raises:
        ConfigError: a file is missing or not YAML, a key or value does not fit, or there is no quick variant.
    """
    config = load_config(path, overrides, schema=ExperimentConfig)
    folder = Path(path).parent
    systems = {
        name: replace(system, config=_find_system(system.config, folder)) for name, system in config.systems.items()
    }
    config = replace(config, systems=systems)
    check(config)
    return _quick(config) if quick else replace(config, quick=QuickConfig())


def _find_system(config: str, folder: Path) -> str:
    """Return the path of a system's configuration, a file beside the experiment or a built-in one by name."""
    beside = os.path.normpath(folder / config)
    with suppress(OSError):  # a name that is too long for a file
        if Path(beside).is_file() or Path(config).suffix == ".yaml":
            return beside
    return str(find_config(config))


def _quick(config: ExperimentConfig) -> ExperimentConfig:
    quick = config.quick
    if quick == QuickConfig():
        raise ConfigError(f"The experiment '{config.name}' has no section quick.")
    chosen = quick.systems or {name: [] for name in config.systems}
    return replace(
        config,
        name=f"{config.name}-quick",
        output=f"{config.output}-quick" if config.output else "",
        systems={
            name: replace(config.systems[name], overrides=[*config.systems[name].overrides, *further])
            for name, further in chosen.items()
        },
        overrides=[*config.overrides, *quick.overrides],
        splits=quick.splits or config.splits,
        seeds=quick.seeds or config.seeds,
        candidates=quick.candidates or config.candidates,
        subset=config.subset if config.subset in SUBSET_NAMES else VALIDATION.word,
        compare_with=config.compare_with if config.compare_with in chosen else "",
        quick=QuickConfig(),
    )
