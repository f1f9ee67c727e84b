"""A trained link model on disk: `model.safetensors` and `model.json`, all that prediction needs and no pickle."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Self

import numpy as np
import torch
from numpy.typing import NDArray

from rrgraph.chem import ELEMENTS, Composition, parse_formula
from rrgraph.data import LearnedReactions, preferred_spelling
from rrgraph.errors import check_choice
from rrgraph.graph import ContextGraph, FrequencyFeatures, GraphColumns, SetFrequencyFeatures
from rrgraph.links import LinkModel
from rrgraph.models.candidate_prior import CandidatePrior
from rrgraph.models.components import describe_parts, require_parts
from rrgraph.nn import (
    NO_PRIOR,
    ModelConfig,
    TreeEnsemble,
    checkpoint_mismatch,
    load_weights,
    read_model,
    weights,
    write_model,
)
from rrgraph.planning import RANKING_MODES
from rrgraph.properties import EnergyHead
from rrgraph.reranking import (
    LEAST_TEMPERATURE,
    MOST_CANDIDATES,
    MOST_TEMPERATURE,
    EnsembleReranker,
    ListwiseNetwork,
    ListwiseNetworkConfig,
    flat_columns,
)
from rrgraph.training import TREE_OBJECTIVES
from rrgraph.util.arguments import call_with, value_of
from rrgraph.util.settings import from_stored, setting, to_stored

__all__ = ["FORMAT", "LinkCheckpoint", "learned_tensors", "load_checkpoint", "save_checkpoint"]

FORMAT = "rrgraph-link-model/4"
"""Name and version of the file format, checked on loading."""

_MOST = 2**53
_STATISTICS, _SETS, _CONTEXT, _LEARNED = "statistics.", "sets.", "graph.", "learned."
_SCORER, _SET_STATISTICS, _ENERGY, _TREES = "scorer.", "statistics.", "energy.", "trees."


@dataclass(frozen=True)
class LinkCheckpoint:
    """A link model with everything that prediction needs.

    Attributes:
        model: weights, in evaluation mode.
        vocabulary: the precursors it knows by name, in node order.
        counts: (vocabulary,) int64, distinct training targets linked to each; 0 for a candidate never seen.
        statistics: counts behind the frequency features, None for a model without them.
        metadata: how it was trained and how its scores are best used (`score_mode`); plain JSON.
        reranker: ranks whole sets, None for a model without it.
        systems: element systems of the training targets (`Fe-O`), by which one tells how far a new target is from
            them; None for a model that does not record them.
        context: what is known and sends messages, None for a model without a context.
        learned: hashes of the training targets and reactions, by which rows that it learned are recognised;
            likewise.
        prior: what is added to the logits of links to candidates that the training reactions never use, None for a
            model without it.
    """

    model: LinkModel
    vocabulary: tuple[Composition, ...]
    counts: NDArray[np.int64]
    statistics: FrequencyFeatures | None = None
    reranker: EnsembleReranker | None = None
    metadata: Mapping[str, Any] = field(default_factory=dict)
    systems: frozenset[str] | None = None
    context: ContextGraph | None = None
    learned: LearnedReactions | None = None
    prior: CandidatePrior | None = None

    def to(self, device: torch.device) -> Self:
        """Move the networks to a device, on which the model then computes, and return the checkpoint itself."""
        reranker = self.reranker
        for part in (self.model, *(() if reranker is None else (reranker.network, reranker.energy))):
            if part is not None:
                part.to(device)
        return self


def save_checkpoint(checkpoint: LinkCheckpoint, folder: str | Path, *, half: bool = False) -> None:
    """Write `model.safetensors` and `model.json` into `folder`; `half` keeps the weights in 16 bits, counts exact."""
    tensors = weights(checkpoint.model, half=half)
    description: dict[str, Any] = {}
    if checkpoint.reranker is not None:
        tensors |= _reranker_tensors(checkpoint.reranker, half=half)
        description["sets"] = _describe_reranker(checkpoint.reranker)
    if checkpoint.statistics is not None:
        counted = checkpoint.statistics.to_arrays()
        tensors |= {_STATISTICS + name: torch.from_numpy(values) for name, values in counted.items()}
    if checkpoint.context is not None:
        arrays = checkpoint.model.with_inputs(checkpoint.context).to_arrays(systems=checkpoint.statistics is None)
        tensors |= {_CONTEXT + name: torch.from_numpy(values) for name, values in arrays.items()}
        if checkpoint.context.columns is not None:
            description["columns"] = checkpoint.context.columns.to_stored()
    if checkpoint.prior is not None:
        description["prior"] = checkpoint.prior.to_stored()
    if checkpoint.learned is not None:
        tensors |= learned_tensors(checkpoint.learned)
    description |= {
        "model": to_stored(checkpoint.model.config),
        "parts": describe_parts(checkpoint.model.config),
        "vocabulary": [
            {"formula": precursor.formula, "count": count}
            for precursor, count in zip(checkpoint.vocabulary, checkpoint.counts.tolist(), strict=True)
        ],
        "metadata": dict(checkpoint.metadata),
        "systems": None if checkpoint.systems is None else sorted(checkpoint.systems),
    }
    write_model(folder, FORMAT, tensors, description)


def load_checkpoint(folder: str | Path) -> LinkCheckpoint:
    """Read what `save_checkpoint` wrote.

    Raises:
        ModelError: a file is missing, cut off, of another format, or does not fit the other; or the package of its
            encoder, decoder or context is missing.
    """
    tensors, description = read_model(folder, FORMAT)
    require_parts(description.get("parts", {}), folder)
    with checkpoint_mismatch(folder):
        config = from_stored(ModelConfig, value_of(description, "model", dict), ignore_unknown=True)
        counted = _under(tensors, _STATISTICS)
        ranked = _under(tensors, _SETS)
        known = _under(tensors, _CONTEXT)
        hashes = _under(tensors, _LEARNED)
        stored = value_of(description, "columns", dict) if "columns" in description else None
        columns = None if stored is None else GraphColumns.from_stored(stored)
        sizes = None if columns is None else columns.sizes
        model = load_weights(partial(LinkModel, config, features=sizes), tensors)
        vocabulary, counts = _vocabulary(value_of(description, "vocabulary", list))
        if config.statistics != bool(counted):
            raise ValueError("it must have counts of reactions if its model reads frequency features, and only then")
        statistics = FrequencyFeatures.from_arrays(vocabulary, _arrays(counted)) if counted else None
        if model.uses_context != bool(known):
            raise ValueError("it must have a graph if its model passes messages, and only then")
        context = _context(known, vocabulary, statistics, config.width, columns) if known else None
        reranker = None
        if statistics is not None and "sets" in description:
            reranker = _reranker(value_of(description, "sets", dict), ranked, statistics, config.width)
        metadata = value_of(description, "metadata", dict)
        check_choice("metadata.score_mode", str(metadata.get("score_mode", "product")), RANKING_MODES)
        recorded = description.get("systems") is not None
        systems = _systems(value_of(description, "systems", list)) if recorded else None
        learned = call_with(LearnedReactions, _arrays(hashes)) if hashes else None
        if (config.candidate_prior == NO_PRIOR) != ("prior" not in description):
            raise ValueError("it must have a prior of candidates if its model uses one, and only then")
        prior = CandidatePrior.from_stored(value_of(description, "prior", dict)) if "prior" in description else None
    return LinkCheckpoint(
        model=model.eval(),
        vocabulary=vocabulary,
        counts=counts,
        statistics=statistics,
        metadata=metadata,
        reranker=reranker,
        systems=systems,
        context=context,
        learned=learned,
        prior=prior,
    )


def _context(
    tensors: dict[str, torch.Tensor],
    vocabulary: tuple[Composition, ...],
    statistics: FrequencyFeatures | None,
    width: int,
    columns: GraphColumns | None,
) -> ContextGraph:
    systems = None if statistics is None else statistics.systems
    return ContextGraph.from_arrays(vocabulary, _arrays(tensors), width=width, systems=systems, columns=columns)


def learned_tensors(learned: LearnedReactions) -> dict[str, torch.Tensor]:
    """Return hashes as they are stored among the weights."""
    return {_LEARNED + name: torch.from_numpy(hashes) for name, hashes in learned.arrays().items()}


def _vocabulary(entries: list[Any]) -> tuple[tuple[Composition, ...], NDArray[np.int64]]:
    """Return the precursors and their counts."""
    vocabulary = tuple(preferred_spelling(parse_formula(value_of(entry, "formula", str))) for entry in entries)
    if len({precursor.key for precursor in vocabulary}) < len(vocabulary):
        raise ValueError("the vocabulary names a precursor twice")
    counts = [value_of(entry, "count", int) for entry in entries]
    if not all(0 <= count <= _MOST for count in counts):
        raise ValueError(f"the vocabulary has the counts {min(counts)} to {max(counts)}, expected 0 to {_MOST}")
    return vocabulary, np.array(counts, dtype=np.int64)


def _systems(names: list[Any]) -> frozenset[str]:
    """Return the element systems of the training targets."""
    known = set(ELEMENTS)
    for name in names:
        if not isinstance(name, str) or not known.issuperset(name.split("-")):
            raise ValueError(f"{name!a:.80} is not an element system")
    return frozenset(names)


def _reranker_tensors(reranker: EnsembleReranker, *, half: bool) -> dict[str, torch.Tensor]:
    tensors = {_SCORER + name: tensor for name, tensor in reranker.network.state_dict().items()}
    tensors |= {_SET_STATISTICS + name: torch.from_numpy(a) for name, a in reranker.set_frequencies.to_arrays().items()}
    if reranker.energy is not None:
        tensors |= {_ENERGY + name: tensor for name, tensor in weights(reranker.energy, half=half).items()}
    if reranker.trees is not None:
        tensors |= {_TREES + name: tensor for name, tensor in reranker.trees.tensors().items()}
    return {_SETS + name: tensor for name, tensor in tensors.items()}


def _describe_reranker(reranker: EnsembleReranker) -> dict[str, Any]:
    return {
        "scorer": to_stored(reranker.network.config),
        "forms": list(reranker.set_frequencies.forms),
        "candidates": reranker.candidates,
        "energy_hidden": None if reranker.energy is None else reranker.energy.value.in_features,
        "trees": None if reranker.trees is None else {"trees": len(reranker.trees)},
        "tree_weight": reranker.tree_weight,
        "tree_objective": reranker.tree_objective,
        "temperature": reranker.temperature,
        "told_temperature": reranker.known_size_temperature,
        **({"features": list(reranker.network.groups)} if reranker.network.groups else {}),
    }


@dataclass
class _StoredReranker:
    """The description of a re-ranker in `model.json`, under today's names."""

    scorer: ListwiseNetworkConfig
    forms: list[str]
    candidates: int = setting(at_least=1, at_most=MOST_CANDIDATES)
    energy_hidden: int | None = setting(at_least=1)
    trees: dict[str, int] | None = setting()
    tree_weight: float = setting(at_least=0)
    temperature: float = setting(at_least=LEAST_TEMPERATURE, at_most=MOST_TEMPERATURE)
    known_size_temperature: float = setting(
        at_least=LEAST_TEMPERATURE, at_most=MOST_TEMPERATURE, alias="told_temperature"
    )
    tree_objective: str = setting("pointwise", choices=TREE_OBJECTIVES)
    features: list[str] = setting(factory=list, choices="rrgraph.reranking:FEATURE_GROUPS")


def _reranker(
    description: Mapping[str, Any], tensors: dict[str, torch.Tensor], statistics: FrequencyFeatures, width: int
) -> EnsembleReranker:
    stored = from_stored(_StoredReranker, description)
    if len(set(stored.forms)) < len(stored.forms):
        raise ValueError("'forms' names a form twice")
    network = load_weights(partial(ListwiseNetwork, stored.scorer, stored.features), _under(tensors, _SCORER))
    energy = None
    if stored.energy_hidden is not None:
        energy = load_weights(partial(EnergyHead, width, stored.energy_hidden), _under(tensors, _ENERGY)).eval()
    trees = None
    if stored.trees is not None:
        number = value_of(stored.trees, "trees", int)
        trees = TreeEnsemble.from_tensors(_under(tensors, _TREES), columns=flat_columns(stored.features), trees=number)
    counted = _arrays(_under(tensors, _SET_STATISTICS))
    return EnsembleReranker(
        network.eval(),
        SetFrequencyFeatures.from_arrays(statistics.vocabulary, statistics.systems, stored.forms, counted),
        statistics,
        candidates=stored.candidates,
        energy=energy,
        trees=trees,
        tree_weight=stored.tree_weight,
        tree_objective=stored.tree_objective,
        temperature=stored.temperature,
        known_size_temperature=stored.known_size_temperature,
    )


def _under(tensors: dict[str, torch.Tensor], prefix: str) -> dict[str, torch.Tensor]:
    """Take the tensors whose name begins with `prefix` out of all, and return them without it."""
    names = [name for name in tensors if name.startswith(prefix)]
    return {name.removeprefix(prefix): tensors.pop(name) for name in names}


def _arrays(tensors: Mapping[str, torch.Tensor]) -> dict[str, NDArray[Any]]:
    return {name: tensor.numpy() for name, tensor in tensors.items()}
