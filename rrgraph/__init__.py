"""rrgraph: which precursors make this material? Inorganic retrosynthesis as link prediction on a bipartite graph.

One import is enough for planning (`plan`, `load_model`, `Constraints`), research (`train`, `evaluate`,
`load_reactions`, `build_graph`) and analysis (`networks`). Each name is loaded when it is first used, so the import
itself is instant:

>>> import rrgraph as rr
>>> rr.parse_formula("Ba(Zr0.2Ti0.8)O3") == rr.parse_formula("BaZr0.2Ti0.8O3")
True
>>> print(rr.balance("BaTiO3", ["BaCO3", "TiO2"]))
BaCO3 + TiO2 → BaTiO3 + CO2
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from rrgraph.version import __version__

if TYPE_CHECKING:
    from rrgraph import networks
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

_HOMES = {
    "networks": "rrgraph.networks",
    **dict.fromkeys(("build_graph", "evaluate", "load_reactions", "plan", "train"), "rrgraph.api"),
    **dict.fromkeys(("BalancedEquation", "Composition", "balance", "parse_formula"), "rrgraph.chem"),
    "ReactionTable": "rrgraph.data",
    **dict.fromkeys(("Model", "load_encoder", "load_model"), "rrgraph.models"),
    **dict.fromkeys(("Constraints", "PlannedSet", "SynthesisPlan"), "rrgraph.planning"),
}
"""The package that each name comes from."""

_NAMES = {"Constraints": "SetConstraints"}
"""What is called otherwise there."""


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'rrgraph' has no attribute '{name}'")
    home = import_module(_HOMES[name])
    value = home if name == "networks" else getattr(home, _NAMES.get(name, name))
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
