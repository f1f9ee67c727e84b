"""rrgraph: which precursors make this material? Inorganic retrosynthesis as link prediction on a bipartite graph.

One import is enough for planning (`plan`, `load_model`, `Constraints`), research (`train`, `evaluate`,
`load_reactions`, `build_graph`) and analysis (`networks`). Each name is loaded when it is first used, so the import
itself is instant. So are the packages behind these names, which bring what research extends or takes apart:
`rr.links.DECODERS`, `rr.planning.SetSearch`, `rr.metrics.top_k_accuracy`.

>>> import rrgraph as rr
>>> rr.parse_formula("Ba(Zr0.2Ti0.8)O3") == rr.parse_formula("BaZr0.2Ti0.8O3")
True
>>> print(rr.balance("BaTiO3", ["BaCO3", "TiO2"]))
BaCO3 + TiO2 → BaTiO3 + CO2
>>> sorted(rr.links.SAMPLERS)[:3]
['element_matched', 'hard', 'mixed']
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from rrgraph.version import __version__

if TYPE_CHECKING:
    from rrgraph import app as app
    from rrgraph import baselines as baselines
    from rrgraph import chem as chem
    from rrgraph import conditions as conditions
    from rrgraph import data as data
    from rrgraph import errors as errors
    from rrgraph import evaluation as evaluation
    from rrgraph import experiments as experiments
    from rrgraph import figures as figures
    from rrgraph import graph as graph
    from rrgraph import lab as lab
    from rrgraph import links as links
    from rrgraph import metrics as metrics
    from rrgraph import models as models
    from rrgraph import networks
    from rrgraph import nn as nn
    from rrgraph import organic as organic
    from rrgraph import planning as planning
    from rrgraph import properties as properties
    from rrgraph import reranking as reranking
    from rrgraph import runs as runs
    from rrgraph import screening as screening
    from rrgraph import training as training
    from rrgraph import tuning as tuning
    from rrgraph.api import build_graph, evaluate, load_reactions, plan, train
    from rrgraph.chem import BalancedEquation, Composition, balance, parse_formula
    from rrgraph.data import ReactionTable
    from rrgraph.models import Model, load_encoder, load_model
    from rrgraph.planning import PlannedSet, SynthesisPlan
    from rrgraph.planning import SetConstraints as Constraints

__all__ = [
    "BalancedEquation",
    "Composition",
    "Constraints",
    "Model",
    "PlannedSet",
    "ReactionTable",
    "SynthesisPlan",
    "__version__",
    "balance",
    "build_graph",
    "evaluate",
    "load_encoder",
    "load_model",
    "load_reactions",
    "networks",
    "parse_formula",
    "plan",
    "train",
]

_PACKAGES = (
    "app",
    "baselines",
    "chem",
    "conditions",
    "data",
    "errors",
    "evaluation",
    "experiments",
    "figures",
    "graph",
    "lab",
    "links",
    "metrics",
    "models",
    "networks",
    "nn",
    "organic",
    "planning",
    "properties",
    "reranking",
    "runs",
    "screening",
    "training",
    "tuning",
)

_HOMES = {
    **{name: f"rrgraph.{name}" for name in _PACKAGES},
    **dict.fromkeys(("build_graph", "evaluate", "load_reactions", "plan", "train"), "rrgraph.api"),
    **dict.fromkeys(("BalancedEquation", "Composition", "balance", "parse_formula"), "rrgraph.chem"),
    "ReactionTable": "rrgraph.data",
    **dict.fromkeys(("Model", "load_encoder", "load_model"), "rrgraph.models"),
    **dict.fromkeys(("Constraints", "PlannedSet", "SynthesisPlan"), "rrgraph.planning"),
}
"""The module that each name comes from, or is."""

_NAMES = {"Constraints": "SetConstraints"}
"""What is called otherwise there."""


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'rrgraph' has no attribute '{name}'")
    home = import_module(_HOMES[name])
    value = home if name in _PACKAGES else getattr(home, _NAMES.get(name, name))
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__, *_PACKAGES})
