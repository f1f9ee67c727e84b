"""What `import rrgraph as rr` offers beside classes: planning, training, evaluation and tables in one call each."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, Any, cast, overload

from rrgraph.chem import Material
from rrgraph.data import ReactionTable, load_table
from rrgraph.models import DEFAULT_MODEL, Model, bundled_models, load_model
from rrgraph.planning import PRECEDENTS, Route, SetConstraints, SizeChoice, Stock, SynthesisPlan

if TYPE_CHECKING:
    from torch_geometric.data import HeteroData

    from rrgraph.evaluation import Metrics, Protocol
    from rrgraph.models import Energies, Literature
    from rrgraph.properties import PropertyPredictor
    from rrgraph.runs import BaselineConfig, RunConfig, RunResult

__all__ = ["build_graph", "evaluate", "load_reactions", "plan", "train"]


@overload
def plan(targets: Material, **options: Any) -> SynthesisPlan: ...
@overload
def plan(targets: Iterable[Material], **options: Any) -> list[SynthesisPlan]: ...
def plan(  # type: ignore[misc]  # the overloads leave the options to this signature
    targets: Material | Iterable[Material],
    *,
    model: str | os.PathLike[str] | Model = DEFAULT_MODEL,
    top_k: int = 10,
    exclude: Material | Iterable[Material] = (),
    require: Material | Iterable[Material] = (),
    stock: Stock | None = None,
    candidates: Stock = "all",
    max_candidates: int | None = None,
    set_size: SizeChoice | None = None,
    atmosphere: str | None = None,
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
    """Return the plan of one material, or those of several: precursor sets with equations, masses and precedents.

    Options have the meaning and the defaults of the flags of `rrgraph plan`.

    >>> import rrgraph as rr
    >>> plan = rr.plan("BaTiO3", exclude="BaCO3", top_k=3, literature=False)
    >>> print(plan.best.equation)
    TiO2 + BaO → BaTiO3

    Args:
        targets: formulas, compositions, or pymatgen `Composition`, `Structure` or `ComputedEntry` objects.
        model: name of a bundled model, a run folder, or a model.
        top_k: number of sets for each target.
        exclude: elements (by symbol), precursors and classes such as ``nitrates`` to avoid; `Al` is the element, `Al1`
            the precursor. `rrgraph.chem.REAGENT_CLASSES` lists the classes.
        require: elements, precursors and classes that every set must contain.
        stock: the only precursors that may be used, known to the model or not: a file, a list of materials or
            `rrgraph.planning.StockItem`, or text with commas; see `rrgraph.planning.read_stock`.
        candidates: `all` that the model knows and the bundled library of reagents, `vocabulary` (only those it knows),
            `train` (seen in training), `library`, `textbook`, a file or list, `generated` (plausible compounds of each
            target's elements), or these joined as in `train+textbook`.
        max_candidates: only so many most probable candidates.
        set_size: known number of precursors, or a range such as ``2-4``.
        atmosphere: in which the target is to be made, ``air``, ``oxygen``, ``inert``, ``reducing``, ``ammonia`` or
            ``vacuum``, or a text such as ``flowing N2``; None if it is not known. For models that learned from it.
        balanced: whether to leave out sets that cannot be balanced, and so cannot make the target.
        byproducts: solids that may remain beside the target, such as ``NaCl``; ``salts`` for any salt of the alkali and
            alkaline-earth metals among the precursors.
        mode: what sets are ranked by; None for what the model does best with.
        constraints: further rules, to which the options above are added.
        energies: True for reaction energies from measured formation energies, and predicted ones where there are none;
            a file or a mapping from canonical keys to (eV/atom, uncertainty) to use in place of either.
        temperature: K, or text such as ``900 °C``, for free energies with gases at 1 bar; None for enthalpies at
            298.15 K.
        literature: name or path of a reaction table, or a loaded one, where precedents are looked up; None for the
            text-mined literature that comes with the package, False for none.
        precedents: how many of them.
        conditions: whether tables and JSON show how recipes fire each set; or the model of conditions that predicts
            it, a name or a run folder. `PlannedSet.conditions` has it at any rate.
        routes: precursor sets such as ``BaCO3 + TiO2`` to compare, in place of the best ones; for one target.

    Raises:
        RRGraphError: a material cannot be read, or an option cannot be used; the message says which and why.
    """
    return _loaded(model).plan(
        targets,
        top_k=top_k,
        exclude=exclude,
        require=require,
        stock=stock,
        candidates=candidates,
        max_candidates=max_candidates,
        set_size=set_size,
        atmosphere=atmosphere,
        balanced=balanced,
        byproducts=byproducts,
        mode=mode,
        constraints=constraints,
        energies=energies,
        temperature=temperature,
        literature=literature,
        precedents=precedents,
        routes=routes,
        conditions=conditions,
    )


def load_reactions(name: str | os.PathLike[str], *, target: str | None = None) -> ReactionTable:
    """Return the reaction table of a catalogued name, or of a CSV, JSONL, Parquet or Excel file.

    `target` names the column of the targets, if it is called otherwise.

    >>> load_reactions("textbook")[0].target.formula
    'Ba3UO6'

    Raises:
        DataError: there is neither such a name nor such a file, or it is not a reaction table.
    """
    return load_table(os.fspath(name), target=target)


def build_graph(
    table: ReactionTable | str | os.PathLike[str], *, encoder: PropertyPredictor | str | os.PathLike[str] | None = None
) -> HeteroData:
    """Return the bipartite graph of the recorded links.

    Nodes are of type `target` and `precursor`, with `formula` (a list), `elements` and `fractions` (n, k). Edges
    ``('target', 'made_from', 'precursor')`` and their mirror images have a `count` of reactions. The recorded sets are
    kept beside them, see `rrgraph.graph.ReactionGraph`.

    Args:
        table: the reactions, or their catalogued name or file.
        encoder: one whose embeddings become `x` (n, width) float32 of the nodes, or its name, such as ``"encoder"``.

    >>> graph = build_graph("textbook", encoder="encoder")
    >>> graph["target"].num_nodes, graph["precursor"].num_nodes, tuple(graph["precursor"].x.shape)
    (1224, 375, (375, 256))

    Raises:
        DataError: the table cannot be read, or has no rows.
        ModelError: the encoder does not exist.
    """
    import torch

    from rrgraph.graph import build_graph as build
    from rrgraph.models import load_encoder

    found = build(_table(table))
    data = found.named()
    if encoder is not None:
        embed = (load_encoder(os.fspath(encoder)) if isinstance(encoder, str | os.PathLike) else encoder).embed
        for kind, nodes in (("target", found.targets), ("precursor", found.precursors)):
            data[kind].x = torch.from_numpy(embed(nodes))
    return data


def train(
    config: RunConfig | BaselineConfig | str | os.PathLike[str],
    overrides: Mapping[str, Any] | None = None,
    *,
    resume: bool = False,
) -> RunResult:
    """Train a model, or fit a baseline, and measure it; return the run with its model, history and metrics.

    >>> import tempfile
    >>> folder = tempfile.mkdtemp()
    >>> load_reactions("textbook").select(range(100)).write(f"{folder}/rows.csv")
    >>> small = {"data.table": f"{folder}/rows.csv", "model.width": 16, "training.epochs": 1, "evaluation.subsets": []}
    >>> run = train("quickstart", {**small, "output": f"{folder}/run"})
    >>> [row["epoch"] for row in run.history]
    [1]
    >>> len(run.model.plan("BaTiO3", top_k=3, literature=False))
    3

    Args:
        config: a configuration, a YAML file of one, or the name of a built-in one (`rrgraph config list`).
        overrides: values that replace those of the configuration, by dotted key such as ``training.epochs``.
        resume: continue an interrupted run.

    Raises:
        ConfigError: the configuration or the run folder is refused; nothing has been written then.
    """
    from rrgraph.runs import load_run, workflow_of
    from rrgraph.util.config import set_values
    from rrgraph.util.named_configs import find_config

    given: Any = load_run(find_config(config)) if isinstance(config, str | os.PathLike) else config
    workflow = workflow_of(given)
    values = {key: _plain(value) for key, value in (overrides or {}).items()}
    return cast("RunResult", workflow.run(set_values(given, values), resume=resume))


def evaluate(
    model: Model | str | os.PathLike[str],
    table: ReactionTable | str | os.PathLike[str],
    protocol: Protocol | str = "open",
    *,
    candidates: Stock = "all",
    mode: str | None = None,
) -> Metrics:
    """Return how high the sets that a table records stand in a model's rankings.

    Rows whose target the model learned from are also measured apart (`Metrics.overlap`).

    >>> rows = load_reactions("textbook").select(range(20))
    >>> found = evaluate("default", rows)
    >>> found.overall.rows, found.overlap.new.rows
    (20, 0)

    Args:
        model: a model, or the name or run folder of one.
        table: reactions that were not trained on.
        protocol: `paper`, `open`, or one of them with flags such as ``open,max_candidates=100``.
        candidates: see `plan`; `all` are those of the protocol, usually those of the model and of the table's rows.
        mode: what sets are ranked by; None for what the model does best with.

    Raises:
        ConfigError: the protocol is unknown.
        DataError: the table cannot be read.
    """
    from rrgraph.evaluation import Protocol, evaluate_planner, read_protocol
    from rrgraph.models import default_mode
    from rrgraph.planning import resolve_candidates
    from rrgraph.runs import protocol_candidates

    predictor, rows = _loaded(model), _table(table)
    rules = protocol if isinstance(protocol, Protocol) else read_protocol(str(protocol))
    known = protocol_candidates(rules, predictor.vocabulary, rows)
    return evaluate_planner(
        predictor,
        resolve_candidates(candidates, known, predictor.seen, targets=rows.targets),
        rows,
        rules,
        mode=mode or default_mode(predictor, known_size=rules.set_size == "known"),
        train_precursors={precursor.key for precursor in predictor.seen},
        learned=predictor.learned,
    )


def _plain(value: Any) -> Any:
    """Return a setting as YAML knows it: paths as text, numbers of numpy as those of Python."""
    if isinstance(value, os.PathLike):
        return os.fspath(value)
    return value.item() if hasattr(value, "item") else value


def _loaded(model: Model | str | os.PathLike[str]) -> Model:
    """Return a model; bundled ones are kept, run folders may change."""
    if isinstance(model, Model):
        return model
    name = os.fspath(model)
    return _bundled(name) if name in bundled_models() else load_model(name)


@lru_cache(maxsize=1)
def _bundled(name: str) -> Model:
    return load_model(name)


def _table(table: ReactionTable | str | os.PathLike[str]) -> ReactionTable:
    return table if isinstance(table, ReactionTable) else load_reactions(table)
