"""A trained model: it plans, scores links, embeds compositions and re-ranks sets."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from copy import copy
from dataclasses import replace
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any, overload

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from torch import Tensor

from rrgraph.chem import Atmosphere, Composition, Material, anhydrous, as_atmosphere, as_compositions, is_material
from rrgraph.data import LearnedReactions, LinkBatch, ReactionTable, load_table
from rrgraph.errors import OptionError, PlanningError
from rrgraph.graph import (
    UNRELATED_LOGIT,
    ContextGraph,
    Edges,
    EdgeType,
    build_graph,
    element_presence,
    featurise,
    select_edges,
)
from rrgraph.links import is_unseen
from rrgraph.models.candidate_prior import candidate_classes
from rrgraph.models.checkpoint import LinkCheckpoint
from rrgraph.models.conditions import condition_source
from rrgraph.models.planner import candidate_list, constrained_planner, default_mode
from rrgraph.models.sources import Energies, Literature, energy_source, literature_source
from rrgraph.nn import CLASS_PRIOR, device_of, encode_by_length, encode_equally
from rrgraph.planning import (
    LISTWISE,
    PRECEDENTS,
    CandidateList,
    LinkScorer,
    Route,
    SetConstraints,
    SizeChoice,
    Stock,
    SynthesisPlan,
    TargetCandidates,
    plan_syntheses,
    read_routes,
)
from rrgraph.reranking import ATMOSPHERE, EnsembleReranker

if TYPE_CHECKING:  # PyG takes a second to import and planning does not need it
    from torch_geometric.data import HeteroData

__all__ = ["Model"]

_ENCODER_BATCH_SIZE = 2048
_LINK_BATCH_SIZE = 256
_GPU_BATCH_SIZE = 16_384  # of links, of which a GPU takes more at a time
_CONTEXT_BATCH_SIZE = 128
_MOST_EMBEDDINGS = 2**17  # of candidates that are kept


class Model(LinkScorer):
    """A trained model: it plans, and scores links between any targets and any candidates, seen in training or not.

    >>> import rrgraph as rr
    >>> model = rr.load_model()
    >>> model.plan("BaTiO3", constraints=rr.Constraints(excluded_elements="C"), literature=False).best.precursors
    PrecursorSet(TiO2 + BaO)

    Args:
        checkpoint: what was trained.
    """

    def __init__(self, checkpoint: LinkCheckpoint) -> None:
        self.checkpoint = checkpoint
        self.vocabulary = checkpoint.vocabulary
        self._counts: dict[str, int] = {}
        for precursor, count in zip(checkpoint.vocabulary, checkpoint.counts, strict=True):
            key = anhydrous(precursor).key
            self._counts[key] = max(int(count), self._counts.get(key, 0))
        self._embeddings: dict[str, Tensor] = {}
        self._candidate_sides: dict[str, Tensor] = {}
        if checkpoint.reranker is not None:
            self.reranker = replace(checkpoint.reranker, embed=self._embed_both)
        self._last_targets: tuple[list[str], Tensor] = [], torch.empty(0)
        self._offered: frozenset[str] = frozenset()
        self._made_up: frozenset[str] = frozenset()

    @property
    def device(self) -> torch.device:
        """Where it computes; results come back to the processor."""
        return device_of(self.checkpoint.model)

    def count(self, precursor: Composition) -> int:
        """Return how many distinct training targets link to `precursor`; 0 means never seen."""
        return self._counts.get(anhydrous(precursor).key, 0)

    @property
    def seen(self) -> tuple[Composition, ...]:
        """The precursors that occur in the training reactions, hydrates as their salts."""
        return tuple(dict.fromkeys(anhydrous(each) for each in self.vocabulary if self.count(each)))

    @property
    def systems(self) -> frozenset[str] | None:
        """The element systems of the training targets, None where the model does not record them."""
        return self.checkpoint.systems

    @property
    def learned(self) -> LearnedReactions | None:
        """Hashes of what it learned from, None where the model does not record them."""
        return self.checkpoint.learned

    @property
    def knows_classes(self) -> bool:
        """Whether it has learned what candidates of each class are worth that no training reaction uses."""
        return self.checkpoint.model.config.candidate_prior == CLASS_PRIOR

    @overload
    def plan(self, targets: Material, **options: Any) -> SynthesisPlan: ...
    @overload
    def plan(self, targets: Iterable[Material], **options: Any) -> list[SynthesisPlan]: ...
    def plan(  # type: ignore[misc]  # the overloads leave the options to this signature
        self,
        targets: Material | Iterable[Material],
        *,
        top_k: int = 10,
        exclude: Material | Iterable[Material] = (),
        require: Material | Iterable[Material] = (),
        stock: Stock | None = None,
        candidates: Stock = "all",
        max_candidates: int | None = None,
        set_size: SizeChoice | None = None,
        sizes: Sequence[int | None] | None = None,
        atmosphere: str | None = None,
        atmospheres: Sequence[str | None] | None = None,
        balanced: bool = True,
        byproducts: Material | Iterable[Material] = (),
        mode: str | None = None,
        constraints: SetConstraints | None = None,
        energies: Energies = False,
        temperature: float | str | None = None,
        literature: Literature | None = None,
        precedents: int = PRECEDENTS,
        routes: str | Iterable[Route] = (),
        conditions: bool | str | os.PathLike[str] = False,
    ) -> SynthesisPlan | list[SynthesisPlan]:
        """Return the plan of one material, or those of several; see `rrgraph.plan` for the arguments.

        >>> import rrgraph as rr
        >>> plans = rr.load_model().plan(["BaTiO3", "LiFePO4"], top_k=3, literature=False)
        >>> [len(plan) for plan in plans]
        [3, 3]

        Args:
            targets: what is made.
            sizes: known set size of each target, None where it is not known.
            atmospheres: that of each target, None where it is not known.

        Raises:
            RRGraphError: a material cannot be read, or an option cannot be used.
        """
        if not isinstance(constraints, SetConstraints | None):
            raise PlanningError(f"constraints is {constraints!r}, expected `rrgraph.Constraints` or None.")
        wanted = (constraints or SetConstraints()).narrowed(
            exclude=exclude,
            require=require,
            stock=stock,
            set_size=set_size,
            balanced=balanced,
            byproducts=byproducts,
        )
        known_size = sizes is not None or (set_size is not None and len(wanted.sizes) == 1)
        compositions = as_compositions(targets, dopants=True)
        if atmospheres is not None and len(atmospheres) != len(compositions):
            raise PlanningError(
                f"Got {len(atmospheres)} atmospheres for {len(compositions)} targets, expected one each."
            )
        wanted.allowed_sizes(len(compositions), sizes)
        given = [as_atmosphere(each) for each in atmospheres or [atmosphere] * len(compositions)]
        for known in filter(None, dict.fromkeys(given)):
            self.require_atmosphere(mode or default_mode(self, known_size=known_size), known)
        compared = read_routes(routes)
        if compared and len(compositions) != 1:
            raise PlanningError(f"Routes are compared for one target, and there are {len(compositions)}.")
        if compared and wanted.stock is None:  # so that what else is known competes for probability
            wanted = wanted.narrowed(stock=[member for route in compared for member in route])
        source, records = energy_source(energies, temperature=temperature), literature_source(literature)
        fired = condition_source(conditions)
        available = candidate_list(self, candidates, wanted, compositions)
        plans: dict[int, SynthesisPlan] = {}
        for each in dict.fromkeys(given) or [None]:  # one planner an atmosphere
            rows = [row for row, own in enumerate(given) if own is each]
            planner = constrained_planner(
                self if each is None else self.in_atmosphere(each),
                wanted,
                candidates=available,
                mode=mode,
                max_candidates=max_candidates,
                known_size=known_size,
            )
            found = plan_syntheses(
                planner,
                [compositions[row] for row in rows],
                is_seen=lambda precursor: self.count(precursor) > 0,
                top_k=top_k,
                sizes=None if sizes is None else [sizes[row] for row in rows],
                known_size=known_size,
                energies=source,
                literature=records,
                precedents=precedents,
                routes=compared,
                atmosphere=each,
                conditions=fired,
                show_conditions=bool(conditions),
                usage=[(precursor, self.count(precursor)) for precursor in self.seen],
            )
            plans.update(zip(rows, found, strict=True))
        ordered = [plans[row] for row in range(len(given))]
        return ordered[0] if is_material(targets) else ordered

    def require_atmosphere(self, mode: str = LISTWISE, atmosphere: Atmosphere | None = None) -> None:
        """Refuse to plan in a known atmosphere where nothing reads it.

        Args:
            mode: what sets are ranked by.
            atmosphere: in which they are made; None for any.

        Raises:
            PlanningError: the re-ranker did not learn from atmospheres or not from this one, or sets are ranked without
                it.
        """
        if not isinstance(self.reranker, EnsembleReranker) or ATMOSPHERE not in self.reranker.network.groups:
            raise PlanningError("This model takes no atmosphere: it was trained without reranker.atmosphere=true.")
        if mode != LISTWISE:
            raise PlanningError(f"An atmosphere goes with the ranking mode '{LISTWISE}', not with '{mode}'.")
        known = self.reranker.network.atmospheres
        if atmosphere is not None and atmosphere not in known:
            names = ", ".join(each.value for each in known)
            raise OptionError(
                "atmosphere", f" is '{atmosphere.value}', from which the model learned nothing; it knows {names}."
            )

    def in_atmosphere(self, atmosphere: Atmosphere | str | None) -> Model:
        """Return the same model, for which all targets are made in one atmosphere, for example to evaluate it.

        Raises:
            PlanningError: the model takes no atmosphere, or there is none of this name.
        """
        given = as_atmosphere(atmosphere)
        self.require_atmosphere(atmosphere=given)
        assert isinstance(self.reranker, EnsembleReranker)
        model = copy(self)
        model.reranker = replace(self.reranker, atmosphere=given)
        return model

    def link_probabilities(
        self, targets: Material | Iterable[Material], precursors: Material | Iterable[Material]
    ) -> pd.DataFrame:
        """Return the probability of every link, a row for each target and a column for each precursor.

        Hydrates are scored as their salts.

        >>> import rrgraph as rr
        >>> links = rr.load_model().link_probabilities(["BaTiO3", "SrTiO3"], ["BaCO3", "SrCO3", "TiO2"])
        >>> links.idxmax(axis=1).tolist()
        ['BaCO3', 'TiO2']

        Raises:
            FormulaError: a material cannot be read.
        """
        rows, columns = as_compositions(targets), as_compositions(precursors)
        probabilities = 1 / (1 + np.exp(-self.logits(rows, [anhydrous(each) for each in columns])))
        return pd.DataFrame(probabilities, index=_formulas(rows, "target"), columns=_formulas(columns, "precursor"))

    def embed(self, materials: Material | Iterable[Material]) -> pd.DataFrame:
        """Return the embedding of each material, a row with the columns ``e0``, ``e1``, ...

        >>> import rrgraph as rr
        >>> rr.load_model().embed(["BaTiO3", "SrTiO3"]).index.tolist()
        ['BaTiO3', 'SrTiO3']

        Raises:
            FormulaError: a material cannot be read.
        """
        compositions = as_compositions(materials)
        embeddings = self.embeddings(compositions).numpy()
        names = [f"e{number}" for number in range(embeddings.shape[1])]
        return pd.DataFrame(embeddings, index=_formulas(compositions, "formula"), columns=names)

    def graph(self, table: ReactionTable | str) -> HeteroData:
        """Return the graph of the links that a table records, with this model's whole vocabulary among the precursors.

        A model keeps counts of its training reactions and not the links themselves, so the table has to be given: of a
        run, `run.split.train`. Nodes and edges are as `rrgraph.build_graph` describes them.

        >>> import rrgraph as rr
        >>> graph = rr.load_model().graph(rr.load_reactions("textbook"))
        >>> graph.edge_types[0]
        ('target', 'made_from', 'precursor')

        Raises:
            DataError: the table has no rows.
        """
        rows = table if isinstance(table, ReactionTable) else load_table(table)
        return build_graph(rows, extra_precursors=self.vocabulary).named()

    @torch.inference_mode()
    def embeddings(self, compositions: Sequence[Composition]) -> Tensor:
        """Return the embeddings (n, width) of any compositions."""
        return self._embedded(compositions).cpu()

    def _embedded(self, compositions: Sequence[Composition]) -> Tensor:
        """Return the embeddings (n, width) of any compositions on the device of the model."""
        batches = [
            self._encode(compositions[start : start + _ENCODER_BATCH_SIZE], groups=4)
            for start in range(0, len(compositions), _ENCODER_BATCH_SIZE)
        ]
        width = self.checkpoint.model.config.width
        return torch.cat(batches) if batches else torch.empty(0, width, device=self.device)

    @torch.inference_mode()
    def _encode(self, compositions: Sequence[Composition], *, groups: int) -> Tensor:
        """Return the embeddings (n, width) of compositions, in groups of similar length, on the device of the model."""
        encoder = self.checkpoint.model.eval().encoder
        return encode_by_length(encoder, *featurise(compositions), groups=groups, device=self.device)

    def logits(self, targets: Sequence[Composition], candidates: Sequence[Composition]) -> NDArray[np.float64]:
        """Return the logits (targets, candidates) of every link."""
        return self.link_logits(LinkBatch.grid(targets, candidates)).reshape(len(targets), len(candidates))

    def among(self, candidates: Sequence[Composition]) -> Model:
        """Return the model where these are the candidates: one with a prior by class asks which are merely offered."""
        if not (self.knows_classes and isinstance(candidates, CandidateList | TargetCandidates)):
            return self
        found = copy(self)
        found._offered, found._made_up = candidates.offered, candidates.made_up
        return found

    def link_logits(self, links: LinkBatch) -> NDArray[np.float64]:
        """Return the logits (links,) of some links, with the prior of unseen candidates if the model has one.

        A model with frequency features gives `UNRELATED_LOGIT` to a candidate that shares nothing but oxygen or
        hydrogen with the target.
        """
        if self.checkpoint.statistics is None:
            return self._decode(links)
        values = np.full(len(links), UNRELATED_LOGIT)
        related = np.flatnonzero(links.take(_share_elements(links.targets, links.candidates)))
        values[related] = self._decode(links.select(related))
        return values

    @torch.inference_mode()
    def _decode(self, links: LinkBatch) -> NDArray[np.float64]:
        model = self.checkpoint.model
        targets, candidates = self._sides(links)
        counts = self.checkpoint.statistics
        features = None if counts is None else torch.from_numpy(counts.features(links)).to(self.device)
        rows, columns = (torch.from_numpy(each).to(self.device) for each in (links.target_index, links.candidate_index))
        pieces = []
        # Batches of one size, the last one filled up: the last digits of a product depend on its number of rows.
        size = _LINK_BATCH_SIZE if self.device.type == "cpu" else _GPU_BATCH_SIZE
        for start in range(0, len(links), size):
            batch = torch.arange(start, start + size, device=self.device).clamp_max(len(links) - 1)
            given = None if features is None else features[batch]
            pieces.append(model.pair_logits(targets, candidates, rows[batch], columns[batch], given).mean(0))
        logits = torch.cat(pieces)[: len(links)].cpu().double().numpy() if pieces else np.empty(0)
        if self.checkpoint.prior is not None and features is not None:
            classes = candidate_classes(links.candidates, offered=self._offered, made_up=self._made_up)
            classes = classes[links.candidate_index]
            logits += self.checkpoint.prior.of(np.where(is_unseen(features).cpu().numpy(), classes, -1))
        return logits

    def _embed_both(self, links: LinkBatch) -> tuple[Tensor, Tensor]:
        """Return the embeddings of the targets and of the candidates of links."""
        return self._of_targets(links.targets), self._cached(links.candidates)

    @cached_property
    def _graph(self) -> ContextGraph:
        """What is known and sends messages, with the inputs of these."""
        assert self.checkpoint.context is not None
        return self.checkpoint.model.eval().with_inputs(self.checkpoint.context)

    @cached_property
    def _known(self) -> list[Mapping[str, Tensor]]:
        """The states of what is known, for each context, which no target and no candidate changes."""
        assert self._graph.x is not None
        x = {kind: values.to(self.device) for kind, values in self._graph.x.items()}
        features = {kind: values.to(self.device) for kind, values in self._graph.features.items()}
        return self.checkpoint.model.known_states(self._graph.known_messages(self.device), x, features)

    def _sides(self, links: LinkBatch) -> tuple[Tensor, Tensor]:
        """Return what the decoders need (decoders, n, width) of the targets and of the candidates of links."""
        missing = [candidate for candidate in links.candidates if candidate.key not in self._candidate_sides]
        if len(missing) + len(self._candidate_sides) > _MOST_EMBEDDINGS // self.checkpoint.model.config.n_decoders:
            self._candidate_sides.clear()
            missing = [*links.candidates]
        targets, found = self._of_targets(links.targets), self._cached(missing)
        if self.checkpoint.context is not None:
            targets = self._received("target", links.targets, targets)
            found = self._received("candidate", missing, found)
        targets, found = self.checkpoint.model.of_sides(targets, found)
        # Copies, since a part of a tensor keeps all of it in memory.
        self._candidate_sides.update(
            zip((each.key for each in missing), (e.clone() for e in found.unbind(1)), strict=True)
        )
        own = [self._candidate_sides[each.key] for each in links.candidates]
        return targets, torch.stack(own, dim=1) if own else targets[:, :0]

    def _received(self, side: str, compositions: Sequence[Composition], embeddings: Tensor) -> Tensor:
        """Return the states (contexts, n, width) of targets or of candidates, in batches of one size."""
        find: Callable[[Sequence[Composition]], Mapping[EdgeType, Edges]]
        find = self._graph.to_targets if side == "target" else self._graph.to_candidates
        nothing, pieces, columns = embeddings[:0], [], self._graph.columns if side == "candidate" else None
        for start in range(0, len(compositions), _CONTEXT_BATCH_SIZE):
            batch = torch.arange(start, start + _CONTEXT_BATCH_SIZE).clamp_max(len(compositions) - 1)
            asked = [compositions[place] for place in batch.tolist()]
            edges, features = find(asked), None
            if columns is not None and columns.candidate:
                features = columns.of_candidates(asked).to(self.device)
            received = select_edges(edges, {side: torch.arange(len(batch), device=self.device)})
            own = embeddings[batch.to(self.device)]
            both = (own, nothing) if side == "target" else (nothing, own)
            states = self.checkpoint.model.states(self._known, received, *both, features=features)
            pieces.append(states[side == "candidate"])
        if not pieces:
            return embeddings.new_empty(len(self._known), *embeddings.shape)
        return torch.cat(pieces, dim=1)[:, : len(compositions)]

    def _of_targets(self, targets: Sequence[Composition]) -> Tensor:
        """Return the embeddings of targets; links and re-ranker ask for the same ones, one after the other."""
        keys = [target.key for target in targets]
        if self._last_targets[0] != keys:
            self._last_targets = keys, self._embedded(targets)
        return self._last_targets[1]

    def _cached(self, candidates: Sequence[Composition]) -> Tensor:
        """Return the embeddings of candidates, whose digits do not depend on what was planned before."""
        missing = [candidate for candidate in candidates if candidate.key not in self._embeddings]
        if len(missing) + len(self._embeddings) > _MOST_EMBEDDINGS:
            self._embeddings.clear()
            missing = [*candidates]
        self._embeddings |= encode_equally(partial(self._encode, groups=1), missing)
        found = [self._embeddings[candidate.key] for candidate in candidates]
        return torch.stack(found) if found else self._embedded([])


def _formulas(compositions: Sequence[Composition], name: str) -> pd.Index:
    return pd.Index([each.formula for each in compositions], name=name)


def _share_elements(targets: Sequence[Composition], candidates: Sequence[Composition]) -> NDArray[np.bool_]:
    """Return which targets and candidates (targets, candidates) share an element other than oxygen and hydrogen."""
    own, others = (
        element_presence([each.elements - {"O", "H"} or each.elements for each in side]).astype(np.float32)
        for side in (targets, candidates)
    )
    return own @ others.T > 0
