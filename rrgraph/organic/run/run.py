"""The run of a template model: trains it, measures it and writes its run folder."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, Final

from rrgraph.data import TRAIN, VALIDATION
from rrgraph.nn import choose_device
from rrgraph.organic.alternatives import alternative_links
from rrgraph.organic.chemistry.application import TemplateApplier
from rrgraph.organic.chemistry.matching import known_matches
from rrgraph.organic.evaluation import TemplateMetrics, applied_templates, compare_systems, evaluate_reactions
from rrgraph.organic.graph import build_template_graph
from rrgraph.organic.learning import TemplateLearner
from rrgraph.organic.model import (
    TemplateCheckpoint,
    load_template_checkpoint,
    save_template_checkpoint,
)
from rrgraph.organic.popularity import TemplatePopularity
from rrgraph.organic.predictor import template_planner, template_predictor
from rrgraph.organic.reranking.features import SetDescriber
from rrgraph.organic.reranking.precedents import Precedents
from rrgraph.organic.reranking.reranker import fit_reranker
from rrgraph.organic.run.card import organic_card
from rrgraph.organic.run.config import OrganicConfig, OrganicEvaluationConfig, check_organic_config
from rrgraph.organic.sites.learning import SiteLearner
from rrgraph.organic.sites.recorded import recorded_sites
from rrgraph.organic.table import TemplateReactions, TemplateSplit, load_template_table
from rrgraph.training import checksum, in_own_folder, is_finished, record_run, remove_state, write_history
from rrgraph.util.config import MODEL
from rrgraph.util.environment import processors
from rrgraph.util.files import write_json, write_text

__all__ = ["BY_TEMPLATE", "RANKS", "OrganicResult", "load_organic_split", "measure_organic", "organic_run"]

RANKS: Final = ("reactants", "by_template", "template")
"""What `ranks.json` has of each row: the rank of its reactants, the same by templates alone, and of its template."""

BY_TEMPLATE: Final = "by_template"
"""The system that keeps the order of templates, beside a model that re-ranks sets."""

_CONTRASTED, _RANKED = "contrasted", "ranked"
"""Folders of the model after the first stage and after the second, to go on from there or to compare."""


@dataclass(frozen=True)
class OrganicResult:
    """What a run leaves behind.

    Attributes:
        folder: the run folder.
        split: the data it used.
        comparison: metrics by subset and system.
    """

    folder: Path
    split: TemplateSplit
    comparison: Mapping[str, Mapping[str, TemplateMetrics]]

    def sections(self) -> Iterator[tuple[str, Mapping[str, TemplateMetrics]]]:
        """Yield titles and metrics by system, to be shown one after the other."""
        for subset, systems in self.comparison.items():
            yield f"{subset}, {next(iter(systems.values())).reactants.rows:,} rows", systems


@in_own_folder(check_organic_config)
def organic_run(
    config: OrganicConfig,
    *,
    resume: bool = False,
    jobs: int | None = None,
    on_data: Callable[[TemplateSplit], None] | None = None,
) -> OrganicResult:
    """Train the model of a configuration and measure it.

    Args:
        config: every choice; recorded in the run folder.
        resume: continue an interrupted run; a finished one is only measured again.
        jobs: processes that match and apply templates, one a processor core unless given.
        on_data: called with the data before training starts.

    Raises:
        ConfigError: the configuration or the run folder is refused, or RDKit or rdchiral-plus is missing; nothing has
            been written then.
        DataError: the table cannot be read.
    """
    TemplateApplier()
    jobs = jobs or processors()
    split = load_organic_split(config)
    if on_data is not None:
        on_data(split)
    folder = config.folder
    contents = {
        f"{'training' if name == TRAIN.word else name} rows": checksum(
            map("|".join, zip(rows.products, rows.reactants, rows.templates, strict=True))
        )
        for name, rows in split.parts.items()
    }
    record_run(config, {"reactions": dict(split.report)}, contents, resume=resume)
    if not (resume and is_finished(folder)):
        save_template_checkpoint(_fit(config, split, folder, resume=resume, jobs=jobs), folder)
        for each in (folder, folder / _CONTRASTED):
            remove_state(each)
    # As a resumed run has it: last digits depend on how the tensors lie in memory.
    checkpoint = load_template_checkpoint(folder, device=config.device)
    comparison = measure_organic(checkpoint, split, config, jobs=jobs)
    write_json(folder / "ranks.json", {subset: _ranks(systems) for subset, systems in comparison.items()})
    write_text(folder / "card.md", organic_card(config, split, comparison))
    described = {
        subset: {name: metrics.to_dict() for name, metrics in systems.items()} for subset, systems in comparison.items()
    }
    write_json(folder / "metrics.json", described)
    return OrganicResult(folder=folder, split=split, comparison=comparison)


def load_organic_split(config: OrganicConfig) -> TemplateSplit:
    """Return the rows of a configuration, see `load_template_table`."""
    given = config.data
    return load_template_table(given.table, split=given.split, rows=given.rows, general=given.general)


def _ranks(systems: Mapping[str, TemplateMetrics]) -> dict[str, Any]:
    model = systems[MODEL]
    return {
        "reactants": model.rows.to_dict(),
        "by_template": systems.get(BY_TEMPLATE, model).rows.to_dict(),
        "template": model.template_rows.to_dict(),
        "training_rows": model.training_rows.tolist(),
    }


def _fit(config: OrganicConfig, split: TemplateSplit, folder: Path, *, resume: bool, jobs: int) -> TemplateCheckpoint:
    """Return the trained model; what each stage but the last leaves is kept in a folder of its own."""
    second = folder / _RANKED
    if not (resume and _has_model(second)):
        checkpoint = _learn(config, split, folder, resume=resume, jobs=jobs)
        if not config.reranker.enabled:
            return checkpoint
        save_template_checkpoint(checkpoint, second)
    return _with_reranker(load_template_checkpoint(second, device=config.device), split, config, jobs=jobs)


def _learn(config: OrganicConfig, split: TemplateSplit, folder: Path, *, resume: bool, jobs: int) -> TemplateCheckpoint:
    """Return the model that ranks templates."""
    train = split[TRAIN.word]
    graph = build_template_graph(train)
    device = choose_device(config.device)
    learner: TemplateLearner
    if config.model.sites.enabled:
        sites = recorded_sites(graph, train, jobs=jobs)
        learner = SiteLearner(graph, split[VALIDATION.word], config.model, sites, seed=config.seed, device=device)
    else:
        eligible = known_matches(graph.products, graph.templates, jobs=jobs) if config.search.applicable else None
        learner = TemplateLearner(
            graph, split[VALIDATION.word], config.model, seed=config.seed, eligible=eligible, device=device
        )
    metadata = {
        "name": config.name,
        "seed": config.seed,
        "search": asdict(config.search),
        "device": str(device),
    }
    first = folder / _CONTRASTED
    if resume and _has_model(first):
        learner.model.load_state_dict(load_template_checkpoint(first).model.state_dict())
    else:
        write_history(folder, learner.contrast(config.contrastive, folder=folder, resume=resume))
    if config.ranking.enabled:
        if not _has_model(first):
            save_template_checkpoint(learner.checkpoint(train, metadata), first)
        if config.data.alternatives:
            alternatives = _alternatives(learner.checkpoint(train, metadata), train, config, jobs=jobs)
            learner.learn_from(build_template_graph(train, extra_links=alternatives))
        write_history(folder, learner.rank(config.ranking, folder=first, resume=resume), name="ranking_history.csv")
    return learner.checkpoint(train, metadata)


def _alternatives(
    checkpoint: TemplateCheckpoint, train: TemplateReactions, config: OrganicConfig, *, jobs: int
) -> list[tuple[str, str]]:
    """Return the links that the model after stage 1 finds beside the recorded ones."""
    search = replace(config.search, templates=config.data.alternatives)
    return alternative_links(template_planner(checkpoint, search=search, jobs=jobs), train)


def _has_model(folder: Path) -> bool:
    return (folder / "model.json").is_file()


def _with_reranker(
    checkpoint: TemplateCheckpoint, split: TemplateSplit, config: OrganicConfig, *, jobs: int
) -> TemplateCheckpoint:
    """Return the model with a re-ranker of sets that has learned from the validation rows."""
    precedents = Precedents.of(split[TRAIN.word], checkpoint.templates)
    reranker = fit_reranker(
        SetDescriber(precedents, checkpoint.templates, checkpoint.reactants),
        template_planner(checkpoint, search=config.search, jobs=jobs),
        split[VALIDATION.word],
        config.reranker,
        seed=config.seed,
    )
    return replace(checkpoint, reranker=reranker)


def measure_organic(
    checkpoint: TemplateCheckpoint, split: TemplateSplit, config: OrganicConfig, *, jobs: int | None = None
) -> dict[str, dict[str, TemplateMetrics]]:
    """Return metrics by subset and system.

    They are those of the model; of its templates alone (`by_template`) if it re-ranks sets; and of the most frequent
    templates (`popularity`) if that is asked for.

    Args:
        checkpoint: the trained model.
        split: the data of the run.
        config: subsets, rows, index and search.
        jobs: processes that apply templates, one a processor core unless given.
    """
    given: OrganicEvaluationConfig = config.evaluation
    train = split[TRAIN.word]
    counts = train.template_counts()
    everything = dict.fromkeys(text for rows in split.parts.values() for text in rows.templates)
    bank = list(dict.fromkeys([*checkpoint.templates, *everything])) if given.index == "all" else None
    planner = partial(template_planner, jobs=jobs or processors())
    scorer, plain = template_predictor(checkpoint, templates=bank), replace(checkpoint, reranker=None)
    systems = {MODEL: planner(checkpoint, scorer=scorer, search=config.search)}
    if checkpoint.reranker is not None:
        systems[BY_TEMPLATE] = planner(plain, scorer=scorer, search=config.search)
    if given.popularity:
        # Most of the frequent templates do not apply to a product; only those that do are worth comparing.
        search = replace(config.search, applicable=True)
        frequent = TemplatePopularity(counts)
        systems["popularity"] = planner(plain, scorer=frequent, search=search)
    recorded = frozenset(zip(train.products, train.reactants, strict=True))
    comparison = {}
    for subset in given.subsets:
        rows = split[subset].head(given.rows)
        shared = applied_templates(systems[MODEL], rows)
        measured = {
            name: evaluate_reactions(
                each,
                rows,
                train_templates=counts,
                train_reactions=recorded,
                applied=shared if each.scorer is scorer else None,
            )
            for name, each in systems.items()
        }
        comparison[subset] = compare_systems(measured, MODEL)
    return comparison
