"""Small untrained models with everything in them that a model may have."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from scipy.sparse import csr_array

from rrgraph.data import LearnedReactions, ReactionTable
from rrgraph.graph import FrequencyFeatures, SetFrequencyFeatures
from rrgraph.links import LinkModel
from rrgraph.models import LinkCheckpoint, save_checkpoint
from rrgraph.nn import EncoderConfig, ModelConfig, TreeEnsemble, TreeSplit
from rrgraph.properties import (
    EnergyHead,
    PropertyCheckpoint,
    PropertyModel,
    PropertyTask,
    save_property_checkpoint,
)
from rrgraph.reranking import EnsembleReranker, ListwiseNetwork, ListwiseNetworkConfig, flat_columns

__all__ = ["make_models"]

REACTIONS = (
    ("BaTiO3", "BaCO3;TiO2"),
    ("SrTiO3", "SrCO3;TiO2"),
    ("LiCoO2", "Li2CO3;Co3O4"),
    ("BaZrO3", "BaCO3;ZrO2"),
    ("LiFePO4", "Li2CO3;FeC2O4;NH4H2PO4"),
    ("YBa2Cu3O7", "Y2O3;BaCO3;CuO"),
)

BITS = {"products": 2048, "reactants": 2048, "changes": 1024}


def make_models(place: Path) -> dict[str, Path]:
    """Write a model of each kind; return their folders by kind."""
    torch.manual_seed(0)
    found = {"links": _link_model(place / "links"), "encoder": _property_model(place / "encoder")}
    with suppress(ImportError):
        found["templates"] = _template_model(place / "templates")
    return found


def _link_model(folder: Path) -> Path:
    table = ReactionTable(pd.DataFrame(REACTIONS, columns=["target", "precursors"]))
    vocabulary = tuple(table.precursors().values())
    statistics = FrequencyFeatures.fit(table, vocabulary)
    trees = _drawn_trees(flat_columns())
    reranker = EnsembleReranker(
        ListwiseNetwork(ListwiseNetworkConfig(width=8, n_networks=2)).eval(),
        SetFrequencyFeatures.fit(table, vocabulary, statistics.systems),
        statistics,
        candidates=7,
        energy=EnergyHead(16, 24).eval(),
        trees=trees,
        tree_weight=0.5,
    )
    model = LinkModel(ModelConfig(width=16, layers=1, statistics=True, n_decoders=2)).eval()
    save_checkpoint(
        LinkCheckpoint(
            model=model,
            vocabulary=vocabulary,
            counts=np.arange(len(vocabulary)),
            statistics=statistics,
            metadata={"score_mode": "listwise"},
            reranker=reranker,
            systems=frozenset({"Ba-O-Ti"}),
            learned=LearnedReactions.of(table),
        ),
        folder,
    )
    return folder


def _drawn_trees(columns: int) -> TreeEnsemble:
    """Return three trees of different shapes."""
    draw = np.random.default_rng(0)

    def open_node(depth: int) -> TreeSplit | float:
        if depth == 0:
            return float(draw.normal())
        return TreeSplit(int(draw.integers(columns)), float(draw.normal()), depth - 1, 0)

    return TreeEnsemble.of([1, 2, 3], open_node)


def _property_model(folder: Path) -> Path:
    tasks = [
        PropertyTask(name="formation_energy", unit="eV/atom"),
        PropertyTask(name="gap", unit="eV", transform="asinh", lowest=0.0),
        PropertyTask(name="metal", kind="classification", classes=2),
    ]
    model = PropertyModel(EncoderConfig(width=16, layers=1), tasks).eval()
    save_property_checkpoint(PropertyCheckpoint(model=model), folder)
    return folder


def _template_model(folder: Path) -> Path:
    from rrgraph.organic import TemplateCheckpoint, TemplateModelConfig, TextEncoderConfig, save_template_checkpoint
    from rrgraph.organic.model import build_model
    from rrgraph.organic.reranking.features import SET_FEATURES, SetDescriber
    from rrgraph.organic.reranking.precedents import Precedents
    from rrgraph.organic.reranking.reranker import ReactantReranker

    templates = ("[C:1](=[O:2])-[O:3]>>[C:1](=[O:2])O.[O:3]", "[C:1]-[O:2]>>[C:1]Br.[O:2]")
    config = TemplateModelConfig(
        width=8,
        product=TextEncoderConfig(hidden=8, bits=32),
        template=TextEncoderConfig(encoder="transformer", hidden=8, heads=2),
    )
    states = {"product": {}, "template": {"vocabulary": ["C", "O", "Br", ">>", "(", ")", "="]}}
    fragments = {name: csr_array(np.eye(3, width, 1, dtype=np.float32)) for name, width in BITS.items()}
    precedents = Precedents(**fragments, template=np.array([0, 0, 1]))
    trees = [_drawn_trees(len(SET_FEATURES)) for _ in range(2)]
    checkpoint = TemplateCheckpoint(
        model=build_model(config, states).eval(),
        config=config,
        templates=templates,
        counts=np.array([5, 2]),
        embeddings=torch.randn(2, 8),
        reactants={"CCO": 3},
        metadata={"search": {"templates": 2}},
        reranker=ReactantReranker(SetDescriber(precedents, templates, {"CCO": 3}), trees, ["CCO"]),
    )
    save_template_checkpoint(checkpoint, folder)
    return folder
