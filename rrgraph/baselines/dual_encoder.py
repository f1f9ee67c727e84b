"""A dual encoder of targets and precursors, trained in the two stages of ConRetroBert: contrastive, then listwise.

Its logits are scaled cosines, so that millions of candidates can be searched (`RetrievalIndex`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from rrgraph.baselines.base import BASELINES, LinkBaseline
from rrgraph.baselines.embeddings import Embedder
from rrgraph.chem import Composition
from rrgraph.data import ReactionTable, Split
from rrgraph.graph import EDGE, build_graph
from rrgraph.models import DEFAULT_ENCODER, load_encoder
from rrgraph.nn import DualEncoder, choose_device, embed_all
from rrgraph.planning import CandidateFilter, SetConstraints
from rrgraph.training import ContrastiveConfig, ContrastiveTask, Links, RankingConfig, RankingTask, train

__all__ = ["DualEncoderBaseline"]

_PRECISION = "r_precision"


@BASELINES.register("dual_encoder")
class DualEncoderBaseline(LinkBaseline):
    """Contrastive dual encoder with listwise ranking after ConRetroBert (arXiv 2605.12736), for targets and precursors.

    A query encoder and a candidate encoder, both feed-forward, turn the embeddings of a pretrained encoder into
    directions; the score of a link is their cosine divided by a temperature. Stage 1 contrasts the precursors of a
    batch (`ContrastiveTask`); stage 2 ranks, for each target, its recorded precursors among hard negatives from an
    index of all precursors and random ones (`RankingTask`). Both stages are those of the model of products and
    templates.

    Departs from the paper: nodes are compositions, so the inputs are embeddings of the frozen pretrained encoder
    instead of tokens. A target has several precursors, all of them positives. Competing candidates share an element
    with the target and contain none that is foreign to it. Since sets are ranked by products of probabilities, the
    scale and offset that turn similarities into logits are fitted by logistic regression (Platt 1999) on the feasible
    links of the validation rows, or of the training rows if there are none.

    Args:
        seed: of the weights and the shuffling.
        encoder: pretrained encoder, a bundled name or a run folder.
        hidden: width of the hidden layer of each encoder.
        width: of the compared vectors.
        dropout: of the hidden layer.
        temperature: by which the cosine is divided.
        epochs: passes of stage 1.
        ranking_epochs: passes of stage 2; with validation rows the best epoch of each stage is kept.
        learning_rate: of both stages, at its highest.
        right: the candidate encoder in stage 2: `frozen`, `live` or `ema`.
        decay: of the moving average of `ema`.
        device: where it learns and predicts: `auto` takes a CUDA GPU when there is one; or cpu, cuda or mps.
    """

    name = "dual_encoder"

    def __init__(
        self,
        *,
        seed: int = 0,
        encoder: str = DEFAULT_ENCODER,
        hidden: int = 512,
        width: int = 128,
        dropout: float = 0.1,
        temperature: float = 0.07,
        epochs: int = 10,
        ranking_epochs: int = 10,
        learning_rate: float = 1e-3,
        right: str = "ema",
        decay: float = 0.99,
        device: str = "auto",
    ) -> None:
        super().__init__()
        self.seed, self.encoder, self.device = seed, encoder, choose_device(device)
        self.hidden, self.width, self.dropout, self.temperature = hidden, width, dropout, temperature
        self.contrastive = ContrastiveConfig(
            epochs=epochs, batch_size=256, learning_rate=learning_rate, monitor=_PRECISION
        )
        self.ranking = RankingConfig(
            epochs=ranking_epochs,
            learning_rate=learning_rate,
            candidate_encoder=right,
            candidate_learning_rate=learning_rate,
            decay=decay,
            monitor=_PRECISION,
        )
        self._embed: Embedder | None = None
        self._model: DualEncoder | None = None
        self._scale, self._offset = 1.0, 0.0

    def _learn(self, table: ReactionTable, split: Split | None) -> None:
        self._embed = embed = Embedder(load_encoder(self.encoder, device=str(self.device)))
        validation = split.validation if split is not None and len(split.validation) else None
        rows = _Rows(table)
        links = Links(
            queries=(embed(rows.targets),),
            candidates=(embed(rows.precursors),),
            edges=rows.edges,
            count=rows.count,
            eligible=rows.eligible,
        )
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(self.seed)
            left, right = (
                _Encoder(nodes, hidden=self.hidden, width=self.width, dropout=self.dropout)
                for (nodes,) in (links.queries, links.candidates)
            )
            self._model = model = DualEncoder(left, right, temperature=self.temperature).to(self.device)
            held_out = _Rows(validation, rows.precursors) if validation is not None else None
            validate = self._validation(held_out) if held_out is not None else None
            train(ContrastiveTask(model, links, self.contrastive, validate=validate), self.contrastive, seed=self.seed)
            train(RankingTask(model, links, self.ranking, validate=validate), self.ranking, seed=self.seed)
        model.eval()
        self._calibrate(held_out or rows)

    def _validation(self, rows: _Rows) -> Callable[[], dict[str, float]]:
        """Return a function that measures the R-precision of the recorded precursors among the feasible ones."""

        def validate() -> dict[str, float]:
            found = [
                float(recorded[scores.argsort(descending=True)[: int(recorded.sum())]].float().mean())
                for scores, recorded in zip(*self._feasible_links(rows), strict=True)
                if recorded.any()
            ]
            return {_PRECISION: float(np.mean(found))} if found else {}

        return validate

    def _feasible_links(self, rows: _Rows) -> tuple[list[Tensor], list[Tensor]]:
        """Return for each target the similarities of its feasible links and which of these are recorded."""
        similarities = self._similarities(rows.targets, rows.precursors)
        recorded = torch.zeros(similarities.shape, dtype=torch.bool)
        recorded[rows.edges[0], rows.edges[1]] = True
        counts = torch.bincount(rows.eligible[0], minlength=len(rows.targets)).tolist()
        columns = torch.split(rows.eligible[1], counts)
        return (
            [row[feasible] for row, feasible in zip(similarities, columns, strict=True)],
            [row[feasible] for row, feasible in zip(recorded, columns, strict=True)],
        )

    def _calibrate(self, rows: _Rows) -> None:
        from sklearn.linear_model import LogisticRegression

        scores, recorded = (torch.cat(rows) for rows in self._feasible_links(rows))
        if len(torch.unique(recorded)) < 2:
            return
        fitted = LogisticRegression(C=np.inf).fit(scores[:, None].double().numpy(), recorded.numpy())
        self._scale, self._offset = float(fitted.coef_[0, 0]), float(fitted.intercept_[0])

    def embed_targets(self, targets: Sequence[Composition]) -> Tensor:
        """Return the directions (n, width) of targets.

        Raises:
            ModelError: the baseline has not been fitted.
        """
        self._check_fitted()
        return self._directions(targets)

    def embed_precursors(self, precursors: Sequence[Composition]) -> Tensor:
        """Return the directions (n, width) of precursors, ready for an `RetrievalIndex`.

        Raises:
            ModelError: the baseline has not been fitted.
        """
        self._check_fitted()
        return self._directions(precursors, candidates=True)

    def _directions(self, compositions: Sequence[Composition], *, candidates: bool = False) -> Tensor:
        assert self._model is not None and self._embed is not None
        embed = self._model.embed_candidates if candidates else self._model.embed_queries
        return embed_all(embed, (self._embed(compositions),)).cpu()

    def _similarities(self, targets: Sequence[Composition], precursors: Sequence[Composition]) -> Tensor:
        assert self._model is not None
        return self._model.similarities(self._directions(targets), self._directions(precursors, candidates=True))

    def _logits(self, targets: Sequence[Composition], candidates: Sequence[Composition]) -> NDArray[np.float64]:
        logits: NDArray[np.float64] = self._similarities(targets, candidates).double().numpy()
        return self._scale * logits + self._offset


class _Rows:
    """Distinct targets and precursors of a table, its recorded links, and all feasible links.

    Args:
        table: reactions.
        others: further precursors that may be linked.
    """

    def __init__(self, table: ReactionTable, others: Sequence[Composition] = ()) -> None:
        graph = build_graph(table, extra_precursors=others)
        self.targets, self.precursors = graph.targets, graph.precursors
        self.edges, self.count = graph.data[EDGE].edge_index, graph.data[EDGE].count
        usable = CandidateFilter(self.precursors, SetConstraints())
        pairs = set(zip(*self.edges.tolist(), strict=True))
        for row, target in enumerate(self.targets):
            pairs.update((row, column) for column in usable.feasible(target).indices.tolist())
        self.eligible = torch.tensor(sorted(pairs)).T.contiguous()


class _Encoder(nn.Module):
    """A feed-forward network over standardised embeddings."""

    def __init__(self, embeddings: Tensor, *, hidden: int, width: int, dropout: float) -> None:
        super().__init__()
        self.center = nn.Buffer(embeddings.mean(0))
        self.scale = nn.Buffer(embeddings.std(0, correction=0).clamp(min=1e-3))
        self.layers = nn.Sequential(
            nn.Linear(embeddings.shape[1], hidden), nn.GELU(), nn.Dropout(dropout), nn.Linear(hidden, width)
        )

    def forward(self, embeddings: Tensor) -> Tensor:
        """Return (n, width)."""
        vectors: Tensor = self.layers((embeddings - self.center) / self.scale)
        return vectors
