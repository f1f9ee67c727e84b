"""Searches routes to molecules in stock by Retro* or Monte Carlo tree search, both of syntheseus (extra `routes`)."""

from __future__ import annotations

import math
import random
import warnings
from collections.abc import Collection, Iterator
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from rrgraph.errors import ConfigError, check_choice
from rrgraph.organic.chemistry.application import cache_file
from rrgraph.organic.chemistry.molecules import canonical_product
from rrgraph.organic.routes.route import Route, RouteSearch, RouteStep

if TYPE_CHECKING:
    from rrgraph.organic.routes.single_step import Expander, SingleStepModel

__all__ = ["ALGORITHMS", "RouteFinder", "default_expansions", "single_step_model"]

#: Names of the searches: Retro* (Chen et al., ICML 2020) and Monte Carlo tree search over sets of molecules.
ALGORITHMS: Final = ("retro_star", "mcts")

_EXTRACTION_SECONDS: Final = 20.0
_REPEATED: Final = 20
"""Orders in which the steps of one route may be found, which count as one route."""


def default_expansions() -> Path:
    """Return the file in the user's cache of what molecules were expanded to, see `cache_file`."""
    return cache_file("expansions")


def single_step_model(planner: Expander, **options: Any) -> SingleStepModel:
    """Return a model of templates behind syntheseus's interface, for its own searches and benchmarks.

    Args:
        planner: of a trained model, such as `template_planner(load_template_checkpoint("runs/conretrobert"))`.
        options: `cache` (a file) and `identity` of the model in it; others are those of syntheseus's models.

    Raises:
        ConfigError: syntheseus is not installed.
    """
    try:
        from rrgraph.organic.routes.single_step import SingleStepModel
    except ImportError as error:
        if not str(error.name).startswith("syntheseus"):
            raise
        raise ConfigError("Routes need syntheseus; install it with: pip install 'rrgraph[routes]'.") from None
    return SingleStepModel(planner, **options)


class RouteFinder:
    """Finds routes of several steps.

    Args:
        planner: proposes reactants, such as a `ReactantPlanner`.
        stock: canonical SMILES of the molecules that need not be made.
        algorithm: one of `ALGORITHMS`.
        seconds: of a search; the molecule that is being expanded then is finished.
        reactions: tried for each molecule.
        steps: longest sequence of reactions.
        routes: number of routes that are returned.
        cache: file of what was expanded before, by which a search that is repeated soon reaches where it ended.
        identity: of the model in that file.

    Raises:
        ConfigError: there is no such algorithm, or syntheseus is not installed.
    """

    def __init__(
        self,
        planner: Expander,
        stock: Collection[str],
        *,
        algorithm: str = "retro_star",
        seconds: float = 60.0,
        reactions: int = 25,
        steps: int = 8,
        routes: int = 5,
        cache: Path | None = None,
        identity: str = "",
    ) -> None:
        check_choice("algorithm", algorithm, ALGORITHMS)
        self.model = single_step_model(
            planner, cache=cache, identity=identity, use_cache=True, default_num_results=reactions
        )
        self.stock, self.algorithm, self.seconds = frozenset(stock), algorithm, seconds
        self.steps, self.routes = steps, routes

    def find(self, product: str) -> RouteSearch:
        """Return the routes to a product, given as SMILES, also if it is in stock itself.

        Raises:
            MoleculeError: it cannot be read, or is not one molecule.
        """
        from syntheseus import Molecule

        product = canonical_product(product)
        self.model.reset()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            graph, _ = self._search().run_from_mol(Molecule(product, canonicalize=False, make_rdkit_mol=False))
        routes = sorted(self._extracted(graph, product), key=lambda route: (-route.probability, len(route.steps)))
        return RouteSearch(product, tuple(routes[: self.routes]), expanded=self.model.num_calls(count_cache=False))

    def _search(self) -> Any:
        from syntheseus.search.algorithms.best_first.retro_star import RetroStarSearch
        from syntheseus.search.algorithms.mcts.base import pucb_bound
        from syntheseus.search.algorithms.mcts.molset import MolSetMCTS
        from syntheseus.search.node_evaluation import common

        evaluators: Any = common  # partly without types
        shared = {
            "reaction_model": self.model,
            "mol_inventory": _inventory(self.stock),
            "time_limit_s": self.seconds,
            "limit_iterations": 1_000_000,
            "expand_purchasable_target": True,
            "prevent_repeat_mol_in_trees": True,
            "random_state": random.Random(0),
        }
        if self.algorithm == "retro_star":
            return RetroStarSearch(
                **shared,
                max_expansion_depth=2 * self.steps,  # molecules and reactions alternate
                value_function=evaluators.ConstantNodeEvaluator(0.0),
                and_node_cost_fn=evaluators.ReactionModelLogProbCost(normalize=False),
            )
        return MolSetMCTS(
            **shared,
            max_expansion_depth=self.steps,
            value_function=evaluators.ConstantNodeEvaluator(0.5),
            reward_function=evaluators.HasSolutionValueFunction(),
            policy=evaluators.ReactionModelProbPolicy(),
            bound_function=pucb_bound,
            bound_constant=1.0,
        )

    def _extracted(self, graph: Any, product: str) -> Iterator[Route]:
        """Yield distinct routes of a search graph, at least the most probable ones."""
        from syntheseus.search.analysis.route_extraction import iter_routes_cost_order

        for node in graph.nodes():
            node.data["route_cost"] = sum(-math.log(each.metadata["probability"]) for each in _reactions(graph, node))
        found = iter_routes_cost_order(graph, self.routes * _REPEATED, max_time_s=_EXTRACTION_SECONDS)
        seen: set[frozenset[Any]] = set()
        for nodes in islice(found, self.routes * _REPEATED):
            distinct = frozenset(each for node in nodes for each in _reactions(graph, node))
            reactions = {each.product.smiles: each for each in distinct}
            # A route makes each molecule in one way; that in another way is a route of its own, or a loop.
            if distinct and distinct not in seen and len(reactions) == len(distinct):
                seen.add(distinct)
                yield Route(product, tuple(_steps(product, reactions)))


def _inventory(stock: Collection[str]) -> Any:
    from syntheseus.search.mol_inventory import SmilesListInventory

    return SmilesListInventory(list(stock), canonicalize=False)


def _reactions(graph: Any, node: Any) -> list[Any]:
    """Return the reaction of a node of reactions, or that which leads to a node of several molecules."""
    if hasattr(node, "reaction"):
        return [node.reaction]
    if hasattr(node, "mols"):
        return [graph._graph.edges[parent, node]["reaction"] for parent in graph.predecessors(node)]
    return []


def _steps(product: str, reactions: dict[str, Any]) -> Iterator[RouteStep]:
    """Yield the reactions that are needed for a product, it first."""
    waiting, done = [product], set()
    while waiting:
        molecule = waiting.pop(0)
        reaction = reactions.get(molecule)
        if reaction is None or molecule in done:
            continue
        done.add(molecule)
        reactants = tuple(each.smiles for each in reaction.reactants)
        waiting += reactants
        yield RouteStep(molecule, reactants, reaction.metadata["probability"], reaction.metadata["template"])
