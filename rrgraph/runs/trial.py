"""A trial of what other packages and notebooks offer, on a few materials before a run begins.

A mistake in it is one sentence, before a folder is made or a table is read, and names whose it is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pandas as pd
import torch
from torch import Tensor

from rrgraph.chem import parse_formula
from rrgraph.data import ReactionTable
from rrgraph.errors import ConfigError, RRGraphError, reason_of
from rrgraph.graph import FREQUENCY_FEATURES, ContextGraph, GraphColumns, build_graph, featurise, select_edges
from rrgraph.links import (
    CONTEXTS,
    DECODERS,
    SAMPLERS,
    TrainingConfig,
    has_edge_features,
    make_context,
    make_sampler,
    send_messages,
)
from rrgraph.nn import ENCODERS, ModelConfig
from rrgraph.training import LOSSES
from rrgraph.util.registry import Registry

__all__ = ["blaming", "try_components"]

_ROWS = (("BaTiO3", "BaCO3;TiO2", 1945), ("LiCoO2", "Li2CO3;Co3O4", 1980), ("NaCl", "Na;Cl2", 1810))


def try_components(model: ModelConfig, training: TrainingConfig) -> None:
    """Try the encoder, context, decoder, sampler and loss of a configuration that are not part of rrgraph.

    Raises:
        ConfigError: one of them fails, or gives something else than it should.
    """
    components: tuple[tuple[Registry[Any], str, Callable[[], None]], ...] = (
        (ENCODERS, model.encoder, lambda: _try_encoder(model)),
        (CONTEXTS, model.context, lambda: _try_context(model)),
        (DECODERS, model.decoder, lambda: _try_decoder(model)),
        (SAMPLERS, training.sampler, lambda: _try_sampler(training)),
        (LOSSES, training.loss, lambda: _try_loss(training)),
    )
    for registry, name, attempt in components:
        if not registry.origin(name).is_own:
            # Random weights of a trial must not change those of the run.
            with torch.random.fork_rng(devices=[]), blaming(registry, name):
                attempt()


@contextmanager
def blaming(registry: Registry[Any], name: str) -> Iterator[None]:
    """Turn whatever an entry of another package raises into a sentence that says whose it is.

    Raises:
        ConfigError: with the reason.
    """
    try:
        yield
    except RRGraphError:
        raise
    except Exception as error:
        origin = registry.origin(name)
        if origin.is_own:
            raise
        name_of_error = "" if isinstance(error, _Unexpected) else f"{type(error).__name__}: "
        raise ConfigError(
            f"The {registry.kind} '{name}' of {origin} fails on a trial: {name_of_error}{reason_of(error)}."
        ) from error


class _Unexpected(Exception):
    """What came out is not what should; the message says what."""


def _try_encoder(config: ModelConfig) -> None:
    encoder = ENCODERS[config.encoder](config, **config.encoder_options).eval()
    elements, fractions = featurise([parse_formula(text) for text in ("NaCl", "Li7La3Zr2O12", "BaTiO3")])
    found = encoder(elements, fractions)
    _expect(found, (3, config.width))
    used = int((elements[0] > 0).sum())
    if not torch.allclose(encoder(elements[:1, :used], fractions[:1, :used]), found[:1], atol=1e-3, rtol=1e-3):
        raise _Unexpected("the embedding of a material depends on the padding after its elements")
    if not torch.allclose(encoder(elements.flip(1), fractions.flip(1)), found, atol=1e-3, rtol=1e-3):
        raise _Unexpected("the embedding of a material depends on the order of its elements")


def _try_context(config: ModelConfig) -> None:
    _try_messages(config, None)
    if has_edge_features(CONTEXTS[config.context].forward):
        _try_messages(config, GraphColumns.fit(_table(), {}, ["year"]))


def _try_messages(config: ModelConfig, columns: GraphColumns | None) -> None:
    context = make_context(config, edge_features=0 if columns is None else columns.sizes["edge"]).eval()
    table = _table()
    graph = ContextGraph.fit(table, list(table.precursors().values()), columns=columns)
    asked = {"target": table.targets, "candidate": graph.vocabulary}
    edges = graph.to_targets(asked["target"]) | graph.to_candidates(asked["candidate"])
    known = {"system": torch.randn(len(graph.systems.vectors), config.width)}
    known["precursor"] = torch.randn(len(graph.vocabulary), config.width)
    x = {kind: torch.randn(len(of), config.width) for kind, of in asked.items()}
    sent = send_messages(context, known, graph.known_messages(), known=True)
    nodes = {kind: torch.arange(len(of)) for kind, of in asked.items()}
    found = send_messages(context, {**x, **sent}, select_edges(edges, nodes))
    for kind, of in asked.items():
        _expect(found[kind], (len(of), config.width))
    first = select_edges(edges, {**nodes, "target": nodes["target"][:1]})
    alone = send_messages(context, {**x, **sent, "target": x["target"][:1]}, first)
    if not torch.allclose(alone["target"], found["target"][:1], atol=1e-3, rtol=1e-3):
        raise _Unexpected("the state of a target depends on the other targets")


def _table() -> ReactionTable:
    return ReactionTable(pd.DataFrame(_ROWS, columns=["target", "precursors", "year"]))


def _try_decoder(config: ModelConfig) -> None:
    known = len(FREQUENCY_FEATURES) if config.statistics else 0
    decoder = DECODERS[config.decoder](config, statistics=known, **config.decoder_options).eval()
    pairs = torch.randn(2, 3, config.width)
    _expect(decoder(pairs[0], pairs[1], torch.randn(3, known) if known else None), (3,))


def _try_sampler(config: TrainingConfig) -> None:
    graph = build_graph(_table())
    sampler = make_sampler(config, graph)
    if sampler.needs_embeddings:
        sampler.start_epoch(torch.randn(len(graph.precursors), 8))
    targets = torch.arange(len(graph.targets))
    weights = sampler.weights(targets)
    _expect(weights, (len(graph.targets), len(graph.precursors)))
    if bool((weights < 0).any()):
        raise _Unexpected("a weight is negative")
    sampler.sample(targets, 2, torch.Generator().manual_seed(0))


def _try_loss(config: TrainingConfig) -> None:
    logits = torch.randn(5, 1 + config.negatives_per_positive, requires_grad=True)
    found = LOSSES[config.loss](logits, **config.loss_options)
    _expect(found, ())
    if not found.requires_grad:
        raise _Unexpected("the loss has no gradient")


def _expect(found: object, shape: tuple[int, ...]) -> None:
    """Refuse what is not a finite tensor of a shape."""
    if not isinstance(found, Tensor):
        raise _Unexpected(f"it gives a {type(found).__name__}, expected a tensor of shape {shape}")
    if tuple(found.shape) != shape:
        raise _Unexpected(f"it gives a tensor of shape {tuple(found.shape)}, expected {shape}")
    if not bool(torch.isfinite(found).all()):
        raise _Unexpected("it gives a number that is not finite")
