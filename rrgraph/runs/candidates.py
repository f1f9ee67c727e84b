"""Candidates that no training reaction uses, beside those of the training table, and the prior that is fitted on them.

A prediction meets the library of reagents, and compounds that are made up for a target. To learn what they are worth,
training targets have to meet them too, as if the targets were new.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from rrgraph.chem import VOLATILE, Composition, anhydrous, plausible_precursors
from rrgraph.data import LinkBatch, load_table
from rrgraph.graph import (
    EDGE,
    FREQUENCY_FEATURES,
    TrainingFeatures,
    TrainingFolds,
    build_graph,
    element_presence,
    source_presence,
)
from rrgraph.links import is_unseen
from rrgraph.models import (
    CANDIDATE_CLASSES,
    CandidatePrior,
    LinkCheckpoint,
    Model,
    candidate_classes,
    discounts,
)
from rrgraph.nn import CLASS_PRIOR
from rrgraph.planning import library_candidates
from rrgraph.reranking import held_out_logits
from rrgraph.runs.data import Prepared

__all__ = ["fit_prior", "prior_logits", "with_library"]

_FOREIGN: Final = FREQUENCY_FEATURES.index("foreign")
_DRAWN: Final = 400
"""Targets that compounds are made up for, beside those that were made from one."""
_BATCH_SIZE: Final = 256
_LISTED: Final = 0.5
"""Share of the number fitted for `listed` that is kept: it is fitted among candidates all of which the rows use, and in
most pools many others stand beside them. Chosen on nms_validation."""


def fit_prior(prepared: Prepared, checkpoint: LinkCheckpoint) -> CandidatePrior:
    """Return the prior of a link model's unseen candidates that `model.candidate_prior` asks for.

    A precursor that only one fold uses is unseen to the decoder that did not learn from this fold, so its links say how
    often such candidates are used. With a prior by class it is of the class that it would be of if it were new, and
    beside it stand candidates that no row uses: the library, and what is made up for some of the targets.
    """
    model = Model(checkpoint)
    targets = model.embeddings(prepared.graph.targets)
    # Further candidates of the pool, which no training row uses, have no place here.
    used = prepared.counts[_features(prepared).precursors.numpy()] > 0
    links = _Links.of(prepared, model, targets).select(used)
    one = CandidatePrior.fit(links.logits, np.minimum(links.classes, 0), links.recorded).offsets[0]
    if checkpoint.model.config.candidate_prior != CLASS_PRIOR:
        return CandidatePrior(np.full(len(CANDIDATE_CLASSES), one))
    library = with_library(prepared)
    links = _Links.of(library, model, targets).select(_is_considered(library))
    # What is in no list is a candidate of those targets alone that it can be made up for.
    drawn, weights = _draw(len(targets), np.unique(links.targets[links.recorded & links.generated]))
    made_up = _with_generated(prepared, drawn)
    others = _Links.of(made_up, model, targets).select(_is_considered(made_up))
    listed, generated = links.select(~links.generated), others.select(others.generated)
    prior = CandidatePrior.fit(
        np.concatenate([listed.logits, generated.logits]),
        np.concatenate([listed.classes, generated.classes]),
        np.concatenate([listed.recorded, generated.recorded]),
        np.concatenate([np.ones(len(listed.targets)), weights[generated.targets]]),
    )
    return CandidatePrior(np.array([_LISTED * one, *prior.offsets[1:]]))


def prior_logits(
    prepared: Prepared, checkpoint: LinkCheckpoint, targets: Tensor, precursors: Tensor, *, library: bool = False
) -> NDArray[np.float64]:
    """Return the logits (links,) of training links as a planner gets them, by decoders that did not learn the target.

    Args:
        prepared: data of the run.
        checkpoint: the link model, with its prior.
        targets: (targets, width) embeddings.
        precursors: (precursors, width) embeddings.
        library: whether the precursors are default candidates, some of which `DiscountedLinks` discounts.
    """
    logits = _held_out(prepared, checkpoint, targets, precursors)
    if checkpoint.prior is not None:
        classes = _classes(prepared)
        # What is neither of the library nor used elsewhere is a candidate because a list has it.
        listed = (classes == len(CANDIDATE_CLASSES) - 1) | (not library)
        logits += checkpoint.prior.of(np.where(listed, np.minimum(classes, 0), classes))
    if library and checkpoint.model.config.candidate_prior != CLASS_PRIOR:
        unseen = is_unseen(_features(prepared).features).numpy()
        for links, places in _batches(prepared):
            logits[places] += discounts(links, unseen[places])
    return logits


def with_library(prepared: Prepared) -> Prepared:
    """Return the data with the library of reagents as further candidates of the training targets.

    Further links lead from a target to the reagents that supply one of its source elements and bring no other element.
    """
    known = {anhydrous(each).key for each in prepared.graph.precursors}
    further = [each for each in dict.fromkeys(map(anhydrous, library_candidates())) if each.key not in known]
    graph = build_graph(prepared.split.train, extra_precursors=[*prepared.pool, *further])
    targets, candidates = _usable(graph.targets, further)
    new = TrainingFeatures.of(graph, _folds(prepared), targets, candidates + len(prepared.graph.precursors))
    return replace(prepared, graph=graph, link_statistics=_features(prepared).joined(new))


def _with_generated(prepared: Prepared, drawn: Sequence[int]) -> Prepared:
    """Return the data with only the links from some targets to what is made up for them."""
    made = {target: plausible_precursors(prepared.graph.targets[target]) for target in drawn}
    graph = build_graph(prepared.split.train, extra_precursors=chain(prepared.pool, *made.values()))
    index = graph.precursor_index
    found = [(target, node) for target, own in made.items() for node in sorted(index[each.key] for each in own)]
    targets, precursors = np.array(found, dtype=np.int64).reshape(-1, 2).T
    features = TrainingFeatures.of(graph, _folds(prepared), targets, precursors)
    return replace(prepared, graph=graph, link_statistics=features)


def _draw(number: int, given: NDArray[np.int64]) -> tuple[list[int], NDArray[np.float64]]:
    """Draw some of a number of targets beside given ones; return these, and how many each stands for, (targets,)."""
    others = np.setdiff1d(np.arange(number), given)
    drawn = np.random.default_rng(0).permutation(others)[:_DRAWN]
    weights = np.ones(number)
    weights[drawn] = len(others) / max(len(drawn), 1)
    return np.union1d(given, drawn).tolist(), weights


@dataclass(frozen=True, eq=False)
class _Links:
    """Training links, scored as if their targets were new.

    Attributes:
        targets: (links,) nodes.
        logits: (links,) by the decoders that did not learn from the target.
        classes: (links,) see `_classes`.
        recorded: (links,) whether a row has the link.
    """

    targets: NDArray[np.int64]
    logits: NDArray[np.float64]
    classes: NDArray[np.int64]
    recorded: NDArray[np.bool_]

    @classmethod
    def of(cls, prepared: Prepared, model: Model, targets: Tensor) -> _Links:
        """Score the links of the data, of whose targets the embeddings are given."""
        features, graph = _features(prepared), prepared.graph
        logits = _held_out(prepared, model.checkpoint, targets, model.embeddings(graph.precursors))
        recorded = np.zeros(len(logits), dtype=bool)
        sources, members = graph.data[EDGE].edge_index
        found, places = features.find(sources, members[:, None])
        recorded[places[found].numpy()] = True
        return cls(_targets_of(features), logits, _classes(prepared), recorded)

    @property
    def generated(self) -> NDArray[np.bool_]:
        """Whether the candidate of each link is unseen and in no list."""
        generated: NDArray[np.bool_] = self.classes == len(CANDIDATE_CLASSES) - 1
        return generated

    def select(self, links: NDArray[np.bool_]) -> _Links:
        """Return the links of a mask."""
        return _Links(self.targets[links], self.logits[links], self.classes[links], self.recorded[links])


def _classes(prepared: Prepared) -> NDArray[np.int64]:
    """Return the class of the candidate of each link (links,) as if the target were new; -1 for a seen candidate.

    To a fold the textbook has no reactions of its element systems, which say what its targets are made from.
    """
    features, folds = _features(prepared), _folds(prepared)
    textbook, systems = load_table("textbook"), folds.table.element_systems
    uses: dict[str, set[str]] = {}
    for system, precursors in zip(textbook.element_systems, textbook.set_keys, strict=True):
        for key in precursors:
            uses.setdefault(key, set()).add(system)
    of_folds = []
    for fold in range(folds.count):
        own = set(systems[folds.rows == fold])
        keys = {key for key, of_key in uses.items() if not of_key <= own}
        of_folds.append(candidate_classes(prepared.graph.precursors, textbook=keys))
    classes = np.stack(of_folds)[folds.targets[_targets_of(features)], features.precursors.numpy()]
    return np.where(is_unseen(features.features).numpy(), classes, -1)


def _is_considered(prepared: Prepared) -> NDArray[np.bool_]:
    """Return which links a planner considers: no element is foreign to the target, which is not made from itself."""
    features, graph = _features(prepared), prepared.graph
    itself = np.array([graph.precursor_index.get(target.key, -1) for target in graph.targets])
    foreign: NDArray[np.float16] = features.features[:, _FOREIGN].numpy()
    considered: NDArray[np.bool_] = (foreign == 0) & (features.precursors.numpy() != itself[_targets_of(features)])
    return considered


def _usable(
    targets: Sequence[Composition], candidates: Sequence[Composition]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return targets and candidates (links,) where one supplies a source element of the other and no foreign one."""
    supplies = source_presence(candidates).astype(np.float32).T
    brought = element_presence([each.elements - VOLATILE for each in candidates]).astype(np.float32).T
    found = []
    for start in range(0, len(targets), _BATCH_SIZE):
        batch = targets[start : start + _BATCH_SIZE]
        lacking = 1 - element_presence([each.elements for each in batch]).astype(np.float32)
        usable = (source_presence(batch).astype(np.float32) @ supplies > 0) & (lacking @ brought == 0)
        found.append(np.argwhere(usable) + np.array([start, 0]))
    rows, columns = np.concatenate(found).T
    return rows, columns


def _batches(prepared: Prepared) -> Iterator[tuple[LinkBatch, NDArray[np.int64]]]:
    """Yield the links of some targets at a time, and their places among all."""
    features, graph = _features(prepared), prepared.graph
    targets, precursors = _targets_of(features), features.precursors.numpy()
    nodes = np.unique(targets)
    for start in range(0, len(nodes), _BATCH_SIZE):
        batch = nodes[start : start + _BATCH_SIZE]
        places = np.arange(*np.searchsorted(targets, (batch[0], batch[-1] + 1)))
        rows = np.searchsorted(batch, targets[places])
        yield LinkBatch([graph.targets[node] for node in batch], graph.precursors, rows, precursors[places]), places


def _held_out(
    prepared: Prepared, checkpoint: LinkCheckpoint, targets: Tensor, precursors: Tensor
) -> NDArray[np.float64]:
    """Return the logits of the links by the decoders that did not learn from their targets."""
    model, features = checkpoint.model.eval(), _features(prepared)
    return held_out_logits(model, _folds(prepared), features, targets, precursors, contexts=prepared.contexts)


def _targets_of(features: TrainingFeatures) -> NDArray[np.int64]:
    """Return the target (links,) of each link."""
    of_links: NDArray[np.int64] = torch.repeat_interleave(features.offsets.diff()).numpy()
    return of_links


def _features(prepared: Prepared) -> TrainingFeatures:
    assert isinstance(prepared.link_statistics, TrainingFeatures)
    return prepared.link_statistics


def _folds(prepared: Prepared) -> TrainingFolds:
    assert prepared.folds is not None
    return prepared.folds
