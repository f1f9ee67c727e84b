"""A dual encoder of targets and precursors, contrasted and then ranked: ConRetroBert's two stages on this graph.

A reaction table flows in through `fit`; log-odds of links flow out of `logits`, which are a cosine and therefore can be
searched for among millions of candidates (`RetrievalIndex`).
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
from rrgraph.nn import DualEncoder, embed_all
from rrgraph.planning import CandidateFilter, SetConstraints
from rrgraph.training import ContrastiveConfig, ContrastiveTask, Links, RankingConfig, RankingTask, train

__all__ = ["DualEncoderBaseline"]

_PRECISION = "r_precision"


@BASELINES.register("dual_encoder")
class DualEncoderBaseline(LinkBaseline):
    """Contrastive dual encoder with listwise ranking after ConRetroBert (arXiv 2605.12736), for targets and precursors.

    A feed-forward tower on each side turns the embeddings of a pretrained encoder into directions; the score of a link
    is their cosine over a temperature. Stage 1 tells the precursors of a batch apart (`ContrastiveTask`); stage 2
    ranks, for each target, its recorded precursors among those that a bank of all precursors mines and random ones
    (`RankingTask`). Both stages are those of the model of products and templates.

    Departs from the paper: nodes are compositions, so the towers read the embeddings of the pretrained encoder, which
    stays as it is, in place of tokens. A target has several precursors, all of them positives. Competing candidates
    share an element with the target and bring none that is foreign to it. Since sets are ranked by products of
    probabilities, scale and offset that turn similarities into log-odds are fitted by logistic regression (Platt 1999)
    on the feasible links of the validation rows, of the training rows where there are none.

    Args:
        seed: of the weights and the shuffling.
        encoder: pretrained encoder, a bundled name or a run folder.
        hidden: width of the hidden layer of each tower.
        width: of the compared vectors.
        dropout: on the hidden layer.
        temperature: what the cosine is divided by.
        epochs: passes of stage 1.
        ranking_epochs: passes of stage 2; with a validation part the best of each is kept.
        learning_rate: of both stages, at its highest.
        right: what becomes of the tower of precursors in stage 2: `frozen`, `live` or `ema`.
        decay: of the moving average of `ema`.
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
    ) -> None:
        super().__init__()
        self.seed, self.encoder = seed, encoder
        self.hidden, self.width, self.dropout, self.temperature = hidden, width, dropout, temperature
        self.contrastive = ContrastiveConfig(
            epochs=epochs, batch_size=256, learning_rate=learning_rate, monitor=_PRECISION
        )
        self.ranking = RankingConfig(
            epochs=ranking_epochs,
            learning_rate=learning_rate,
            right=right,
            right_learning_rate=learning_rate,
            decay=decay,
            monitor=_PRECISION,
        )
        self._embed: Embedder | None = None
        self._model: DualEncoder | None = None
        self._scale, self._offset = 1.0, 0.0

    def _learn(self, table: ReactionTable, split: Split | None) -> None:
        self._embed = embed = Embedder(load_encoder(self.encoder))
        judged = split.validation if split is not None and len(split.validation) else None
        rows = _Rows(table)
        links = Links(
            left=(embed(rows.targets),),
            right=(embed(rows.precursors),),
            edges=rows.edges,
            count=rows.count,
            eligible=rows.eligible,
        )
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(self.seed)
            left, right = (
                _Tower(nodes, hidden=self.hidden, width=self.width, dropout=self.dropout)
                for (nodes,) in (links.left, links.right)
            )
            self._model = model = DualEncoder(left, right, temperature=self.temperature)
            known = _Rows(judged, rows.precursors) if judged is not None else None
            validate = self._validation(known) if known is not None else None
            train(ContrastiveTask(model, links, self.contrastive, validate=validate), self.contrastive, seed=self.seed)
            train(RankingTask(model, links, self.ranking, validate=validate), self.ranking, seed=self.seed)
        model.eval()
        self._calibrate(known or rows)

    def _validation(self, rows: _Rows) -> Callable[[], dict[str, float]]:
        """Return what measures how many of the recorded precursors are among as many nearest feasible ones."""

        def validate() -> dict[str, float]:
            scores, right = self._feasible_links(rows)
            found = [
                float(right[place][scores[place].argsort(descending=True)[: int(right[place].sum())]].float().mean())
                for place in range(len(scores))
                if right[place].any()
            ]
            return {_PRECISION: float(np.mean(found))} if found else {}

        return validate

    def _feasible_links(self, rows: _Rows) -> tuple[list[Tensor], list[Tensor]]:
        """Return for each target the similarities of its feasible links and which of these are recorded."""
        similarities = self._similarities(rows.targets, rows.precursors)
        recorded = torch.zeros(similarities.shape, dtype=torch.bool)
        recorded[rows.edges[0], rows.edges[1]] = True
        number = torch.bincount(rows.eligible[0], minlength=len(rows.targets)).tolist()
        columns = rows.eligible[1].split(number)
        each = list(zip(similarities, recorded, columns, strict=True))
        return [scores[among] for scores, _, among in each], [right[among] for _, right, among in each]

    def _calibrate(self, rows: _Rows) -> None:
        from sklearn.linear_model import LogisticRegression

        scores, right = (torch.cat(parts) for parts in self._feasible_links(rows))
        if len(right.unique()) < 2:
            return
        fitted = LogisticRegression(C=np.inf).fit(scores[:, None].double().numpy(), right.numpy())
        self._scale, self._offset = float(fitted.coef_[0, 0]), float(fitted.intercept_[0])

    def embed_targets(self, targets: Sequence[Composition]) -> Tensor:
        """Return the directions (n, width) of targets.

        Raises:
            ModelError: the baseline has not been fitted.
        """
        self._check_fitted()
        return self._directions("left", targets)

    def embed_precursors(self, precursors: Sequence[Composition]) -> Tensor:
        """Return the directions (n, width) of precursors, ready for an `RetrievalIndex`.

        Raises:
            ModelError: the baseline has not been fitted.
        """
        self._check_fitted()
        return self._directions("right", precursors)

    def _directions(self, side: str, compositions: Sequence[Composition]) -> Tensor:
        assert self._model is not None and self._embed is not None
        embed = self._model.embed_left if side == "left" else self._model.embed_right
        return embed_all(embed, (self._embed(compositions),))

    def _similarities(self, targets: Sequence[Composition], candidates: Sequence[Composition]) -> Tensor:
        assert self._model is not None
        return self._model.similarities(self._directions("left", targets), self._directions("right", candidates))

    def _logits(self, targets: Sequence[Composition], candidates: Sequence[Composition]) -> NDArray[np.float64]:
        logits: NDArray[np.float64] = self._similarities(targets, candidates).double().numpy()
        return self._scale * logits + self._offset


class _Rows:
    """Distinct targets and precursors of a table, its links, and those that would be feasible.

    Args:
        table: reactions.
        others: further precursors that could be linked.
    """

    def __init__(self, table: ReactionTable, others: Sequence[Composition] = ()) -> None:
        graph = build_graph(table, extra_precursors=others)
        self.targets, self.precursors = graph.targets, graph.precursors
        self.edges, self.count = graph.data[EDGE].edge_index, graph.data[EDGE].count
        usable = CandidateFilter(self.precursors, SetConstraints())
        pairs = set(zip(*self.edges.tolist(), strict=True))
        for place, target in enumerate(self.targets):
            pairs.update((place, index) for index in usable.feasible(target).indices.tolist())
        self.eligible = torch.tensor(sorted(pairs)).T.contiguous()


class _Tower(nn.Module):
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
