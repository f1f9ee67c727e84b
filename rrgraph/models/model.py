"""A trained model: it plans, scores links, embeds compositions and re-ranks sets."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final, overload

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from torch import Tensor

from rrgraph.chem import Composition, Material, as_compositions, is_material
from rrgraph.data import ReactionTable
from rrgraph.errors import ModelError
from rrgraph.graph import build_graph, element_presence, featurise
from rrgraph.models.checkpoint import LinkCheckpoint
from rrgraph.models.planner import candidate_list, constrained_planner
from rrgraph.models.sources import Energies, Literature, energy_source, literature_source
from rrgraph.nn import encode_by_length
from rrgraph.planning import (
    PRECEDENTS,
    SetConstraints,
    SizeChoice,
    Stock,
    SynthesisPlan,
    TargetLinks,
    plan_syntheses,
)
from rrgraph.properties import EnergyHead
from rrgraph.reranking import EnsembleReranker

if TYPE_CHECKING:  # PyG takes a second to import and planning does not need it
    from torch_geometric.data import HeteroData

__all__ = ["UNRELATED_LOG_ODDS", "Model"]

_ENCODER_BATCH = 2048
_PAIR_BATCH = 65536

UNRELATED_LOG_ODDS: Final = -30.0
"""Log-odds of a candidate that could not be meant."""


class Model:
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
        self._counts = {
            precursor.key: int(count) for precursor, count in zip(checkpoint.vocabulary, checkpoint.counts, strict=True)
        }
        self._embeddings: dict[str, Tensor] = {}
        self._last_targets: tuple[list[str], Tensor] = [], torch.empty(0)

    def count(self, precursor: Composition) -> int:
        """Return how many distinct training targets link to `precursor`; 0 means never seen."""
        return self._counts.get(precursor.key, 0)

    @property
    def seen(self) -> tuple[Composition, ...]:
        """The precursors that occur in the training reactions."""
        return tuple(precursor for precursor in self.vocabulary if self.count(precursor))

    @property
    def systems(self) -> frozenset[str] | None:
        """The element systems of the training targets, None where the model does not record them."""
        return self.checkpoint.systems

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
        balanced: bool = False,
        mode: str | None = None,
        constraints: SetConstraints | None = None,
        energies: Energies = False,
        temperature: float | None = None,
        literature: Literature | None = None,
        precedents: int = PRECEDENTS,
    ) -> SynthesisPlan | list[SynthesisPlan]:
        """Return the plan of one material, or those of several; see `rrgraph.plan` for the arguments.

        >>> import rrgraph as rr
        >>> plans = rr.load_model().plan(["BaTiO3", "LiFePO4"], top_k=3, literature=False)
        >>> [len(plan) for plan in plans]
        [3, 3]

        Args:
            targets: what is made.
            sizes: known set size of each target, None where it is not known.

        Raises:
            RRGraphError: a material cannot be read, or an option cannot be used.
        """
        wanted = (constraints or SetConstraints()).narrowed(
            exclude=exclude, require=require, stock=stock, set_size=set_size, balanced=balanced
        )
        known_size = sizes is not None or (set_size is not None and len(wanted.sizes) == 1)
        compositions = as_compositions(targets)
        planner = constrained_planner(
            self,
            wanted,
            candidates=candidate_list(self, candidates, wanted, compositions),
            mode=mode,
            max_candidates=max_candidates,
            told=known_size,
        )
        plans = plan_syntheses(
            planner,
            compositions,
            is_seen=lambda precursor: self.count(precursor) > 0,
            top_k=top_k,
            sizes=sizes,
            known_size=known_size,
            energies=energy_source(energies, temperature=temperature),
            literature=literature_source(literature),
            precedents=precedents,
        )
        return plans[0] if is_material(targets) else plans

    def link_probabilities(
        self, targets: Material | Iterable[Material], precursors: Material | Iterable[Material]
    ) -> pd.DataFrame:
        """Return the probability of every link, a row for each target and a column for each precursor.

        >>> import rrgraph as rr
        >>> links = rr.load_model().link_probabilities(["BaTiO3", "SrTiO3"], ["BaCO3", "SrCO3", "TiO2"])
        >>> links.idxmax(axis=1).tolist()
        ['TiO2', 'TiO2']

        Raises:
            FormulaError: a material cannot be read.
        """
        rows, columns = as_compositions(targets), as_compositions(precursors)
        probabilities = 1 / (1 + np.exp(-self.logits(rows, columns)))
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

    def graph(self, table: ReactionTable) -> HeteroData:
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
        return build_graph(table, extra_precursors=self.vocabulary).named()

    @torch.inference_mode()
    def embeddings(self, compositions: Sequence[Composition]) -> Tensor:
        """Return the embeddings (n, width) of any compositions."""
        self.checkpoint.model.eval()
        batches = [
            encode_by_length(self.checkpoint.model.encoder, *featurise(compositions[start : start + _ENCODER_BATCH]))
            for start in range(0, len(compositions), _ENCODER_BATCH)
        ]
        return torch.cat(batches) if batches else torch.empty(0, self.checkpoint.model.config.width)

    def logits(self, targets: Sequence[Composition], candidates: Sequence[Composition]) -> NDArray[np.float64]:
        """Return the log-odds (targets, candidates) of every link."""
        rows, columns = np.divmod(np.arange(len(targets) * len(candidates)), max(len(candidates), 1))
        return self.pair_logits(targets, candidates, rows, columns).reshape(len(targets), len(candidates))

    def pair_logits(
        self,
        targets: Sequence[Composition],
        candidates: Sequence[Composition],
        target_index: NDArray[np.int64],
        candidate_index: NDArray[np.int64],
    ) -> NDArray[np.float64]:
        """Return the log-odds (pairs,) of the links `targets[target_index]` to `candidates[candidate_index]`.

        A model with link statistics gives `UNRELATED_LOG_ODDS` to a candidate that shares nothing but oxygen or
        hydrogen with the target.
        """
        if self.checkpoint.statistics is None:
            return self._decode(targets, candidates, target_index, candidate_index)
        values = np.full(len(target_index), UNRELATED_LOG_ODDS)
        meant = np.flatnonzero(_share_elements(targets, candidates)[target_index, candidate_index])
        values[meant] = self._decode(targets, candidates, target_index[meant], candidate_index[meant])
        return values

    @torch.inference_mode()
    def _decode(
        self,
        targets: Sequence[Composition],
        candidates: Sequence[Composition],
        target_index: NDArray[np.int64],
        candidate_index: NDArray[np.int64],
    ) -> NDArray[np.float64]:
        target_embeddings = self._of_targets(targets)
        candidate_embeddings = self._cached(candidates)
        counted = self.checkpoint.statistics
        statistics = None if counted is None else counted.features(targets, candidates, target_index, candidate_index)
        pieces = []
        for start in range(0, len(target_index), _PAIR_BATCH):
            part = slice(start, start + _PAIR_BATCH)
            rows, columns = torch.from_numpy(target_index[part]), torch.from_numpy(candidate_index[part])
            given = None if statistics is None else torch.from_numpy(statistics[part])
            pieces.append(self.checkpoint.model(target_embeddings[rows], candidate_embeddings[columns], given))
        return torch.cat(pieces).double().numpy() if pieces else np.empty(0)

    @property
    def ranks_sets(self) -> bool:
        """Whether the model has a second stage that ranks whole sets."""
        return self.checkpoint.ranker is not None

    @property
    def set_candidates(self) -> int:
        """Number of candidate sets that the second stage reads for each target."""
        return self._ranker.candidates

    def set_log_probabilities(
        self,
        targets: Sequence[Composition],
        candidates: Sequence[Composition],
        links: TargetLinks,
        sets: Sequence[Sequence[Sequence[int]]],
        told: Sequence[bool],
    ) -> tuple[list[NDArray[np.float64]], NDArray[np.float64]]:
        """Return calibrated log probabilities of the candidate sets of each target, and of none of them.

        Args:
            targets: t materials.
            candidates: c precursors.
            links: every link that competes.
            sets: for each target its sets, as positions among the candidates.
            told: of which targets the set size is told.

        Raises:
            ModelError: the model has no second stage.
        """
        ranker, statistics = self._ranker, self.checkpoint.statistics
        assert statistics is not None

        def describe(rows: NDArray[np.int64], columns: NDArray[np.int64]) -> NDArray[np.float32]:
            return statistics.features(targets, candidates, rows, columns)

        if ranker.energy is not None:
            links = replace(links, energies=self._energies(ranker.energy, targets, candidates))
        return ranker.log_probabilities(targets, candidates, links, describe, sets, told)

    @torch.inference_mode()
    def _energies(
        self, head: EnergyHead, targets: Sequence[Composition], candidates: Sequence[Composition]
    ) -> tuple[NDArray[np.floating], NDArray[np.floating]]:
        return head(self._of_targets(targets)).numpy(), head(self._cached(candidates)).numpy()

    @property
    def _ranker(self) -> EnsembleReranker:
        if self.checkpoint.ranker is None:
            raise ModelError("The model has no set scorer: it ranks sets by their links alone.")
        return self.checkpoint.ranker

    def _of_targets(self, targets: Sequence[Composition]) -> Tensor:
        """Return the embeddings of targets; both stages ask for the same ones, one after the other."""
        keys = [target.key for target in targets]
        if self._last_targets[0] != keys:
            self._last_targets = keys, self.embeddings(targets)
        return self._last_targets[1]

    def _cached(self, candidates: Sequence[Composition]) -> Tensor:
        missing = [candidate for candidate in candidates if candidate.key not in self._embeddings]
        if missing:
            self._embeddings.update(zip((m.key for m in missing), self.embeddings(missing), strict=True))
        found = [self._embeddings[candidate.key] for candidate in candidates]
        return torch.stack(found) if found else self.embeddings([])


def _formulas(compositions: Sequence[Composition], name: str) -> pd.Index:
    return pd.Index([each.formula for each in compositions], name=name)


def _share_elements(targets: Sequence[Composition], candidates: Sequence[Composition]) -> NDArray[np.bool_]:
    """Return which targets and candidates (targets, candidates) share an element other than oxygen and hydrogen."""
    own, others = (
        element_presence([each.elements - {"O", "H"} or each.elements for each in side]).astype(np.float32)
        for side in (targets, candidates)
    )
    return own @ others.T > 0
