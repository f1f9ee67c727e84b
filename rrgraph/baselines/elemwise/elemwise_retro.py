"""ElemwiseRetro: an anion template is predicted for each source element of a target independently."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice
from typing import TYPE_CHECKING

from rrgraph.baselines.base import BASELINES, SetBaseline, SetRequest
from rrgraph.baselines.elemwise.templates import AnionTemplates, elementwise_sources
from rrgraph.chem import ATOMIC_NUMBERS, ELEMENTS, Composition
from rrgraph.data import PrecursorSet, ReactionTable, Split
from rrgraph.planning import SCALE, CandidateFilter, Proposal, SetSearch

if TYPE_CHECKING:
    from torch import Tensor

    from rrgraph.baselines.elemwise.network import TemplateNetwork

__all__ = ["ElemwiseRetro"]


@BASELINES.register("elemwise_retro")
class ElemwiseRetro(SetBaseline):
    """ElemwiseRetro (Kim et al., Chemical Communications 2022, "Element-wise formulation of inorganic retrosynthesis").

    Each source element of the target (all but C, H, N, O and the halogens) gets a template: the rest of its precursor.
    A table of the most frequent stoichiometries gives the formula for an element and a template. A network that passes
    messages between the target's elements predicts the template of each. The probability of a set is the product of
    the probabilities of its templates, and sets are enumerated exactly in that order. So the number of precursors
    equals the number of source elements, whatever set size is known, and precursors with several source elements do
    not exist.

    As in the paper, the model is trained on the reactions whose precursors supply one source element each, and every
    source element of the target once.

    Departs from the paper: templates and stoichiometries are counted over the training rows alone, whereas the paper's
    code counts over all rows, including the test rows. An element has only the templates that it has in training,
    because no other template has a formula. The network is a small one of the same type (`TemplateNetwork`), with
    mat2vec vectors of the elements. Sets that the planner's constraints exclude are skipped in the enumeration;
    probabilities are not changed.

    Args:
        width: of the element states.
        layers: rounds of messages.
        dropout: probability in training.
        epochs: passes over the training reactions.
        learning_rate: at its highest.
        seed: of weights, order and dropout.
        device: where it learns and predicts: `auto` takes a CUDA GPU when there is one; or cpu, cuda or mps.
    """

    name = "elemwise_retro"
    probabilistic = True

    def __init__(
        self,
        *,
        width: int = 64,
        layers: int = 3,
        dropout: float = 0.1,
        epochs: int = 30,
        learning_rate: float = 1e-3,
        seed: int = 0,
        device: str = "auto",
    ) -> None:
        super().__init__()
        self.width = width
        self.layers = layers
        self.dropout = dropout
        self.epochs = epochs
        self.learning_rate = learning_rate
        self.seed, self.device = seed, device
        self.templates: AnionTemplates | None = None
        self._network: TemplateNetwork | None = None

    def _learn(self, table: ReactionTable, split: Split | None) -> None:
        import torch

        from rrgraph.baselines.elemwise.network import TemplateNetwork, TemplateTask
        from rrgraph.graph import featurise
        from rrgraph.nn import choose_device
        from rrgraph.training import LoopConfig, train

        self.templates = AnionTemplates.of(table)
        self._network = None
        if not self.templates.examples:
            return
        config = LoopConfig(
            epochs=self.epochs, patience=0, learning_rate=self.learning_rate, schedule="cosine", warmup=0.05
        )
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(self.seed)
            self._network = TemplateNetwork(
                _possible(self.templates), width=self.width, layers=self.layers, dropout=self.dropout
            ).to(choose_device(self.device))
            targets = [target for target, _ in self.templates.examples]
            task = TemplateTask(self._network, *featurise(targets), _labels(self.templates), config)
            train(task, config, seed=self.seed)

    def _propose(self, request: SetRequest) -> list[list[Proposal]]:
        rules = CandidateFilter(request.candidates, request.constraints)
        found = []
        for target, sizes, options in zip(request.targets, request.sizes, self.options(request.targets), strict=True):
            search = _search(target, options, rules, sizes)
            members = [precursor for choices in options.values() for precursor, _ in choices]
            found.append(
                [
                    Proposal(PrecursorSet([members[index] for index in indices]), score / SCALE)
                    for score, indices in islice(search or (), request.number)
                ]
            )
        return found

    def options(self, targets: Sequence[Composition]) -> list[dict[str, list[tuple[Composition, float]]]]:
        """Return for each target its source elements, and for each its precursors with their log probabilities."""
        import torch

        from rrgraph.graph import featurise
        from rrgraph.nn import device_of

        self._check_fitted()
        if self._network is None or self.templates is None or not targets:
            return [{} for _ in targets]
        with torch.no_grad():
            device = device_of(self._network)
            found = self._network(*(each.to(device) for each in featurise(targets))).cpu().double().tolist()
        formulas, templates = self.templates.formulas, range(len(self.templates.templates))
        return [
            {
                symbol: [
                    (formulas[symbol, template], logs[template])
                    for template in templates
                    if (symbol, template) in formulas
                ]
                for (symbol, _), logs in zip(target.amounts, rows, strict=False)
                if symbol in elementwise_sources(target)
            }
            for target, rows in zip(targets, found, strict=True)
        ]


def _search(
    target: Composition,
    options: dict[str, list[tuple[Composition, float]]],
    rules: CandidateFilter,
    sizes: Sequence[int],
) -> SetSearch | None:
    """Return the search over one precursor for each source element, None if no allowed set size fits."""
    feasible = rules.feasible(target)
    if not options or len(options) not in sizes or feasible.missing:
        return None
    covers = {int(index): int(mask) for index, mask in zip(feasible.indices, feasible.masks, strict=True)}
    every = (1 << len(options)) - 1
    scores, masks = [], []
    for bit, choices in enumerate(options.values()):
        for precursor, log_probability in choices:
            cover = covers.get(rules.position.get(precursor.key, -1))
            scores.append(round(log_probability * SCALE))
            # A precursor that may not be used has no bit, so that it is in no set.
            masks.append(0 if cover is None else 1 << bit | cover << len(options))
    return SetSearch(scores, masks, need=every | feasible.need << len(options), sizes=[len(options)], exclusive=every)


def _possible(templates: AnionTemplates) -> Tensor:
    """Return which templates each element has, (elements + 2, templates)."""
    import torch

    possible = torch.zeros(len(ELEMENTS) + 2, len(templates.templates), dtype=torch.bool)
    for symbol, template in templates.formulas:
        possible[ATOMIC_NUMBERS[symbol], template] = True
    return possible


def _labels(templates: AnionTemplates) -> Tensor:
    """Return the indices of the templates of the examples, (examples, k), `NO_TEMPLATE` for other elements."""
    import torch

    from rrgraph.baselines.elemwise.network import NO_TEMPLATE

    widest = max(len(target.amounts) for target, _ in templates.examples)
    labels = torch.full((len(templates.examples), widest), NO_TEMPLATE)
    for row, (target, chosen) in enumerate(templates.examples):
        for column, (symbol, _) in enumerate(target.amounts):
            if symbol in chosen:
                labels[row, column] = chosen[symbol]
    return labels
