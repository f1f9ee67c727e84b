"""A trained model of products and templates, and its files."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from rrgraph.nn import (
    DualEncoder,
    TreeEnsemble,
    checkpoint_mismatch,
    choose_device,
    embed_all,
    load_weights,
    read_model,
    weights,
    write_model,
)
from rrgraph.organic.config import SearchConfig, TemplateModelConfig
from rrgraph.organic.encoders import TEXT_ENCODERS, TextEncoder, text_encoder
from rrgraph.organic.reranking.features import SET_FEATURES, SetDescriber
from rrgraph.organic.reranking.precedents import Precedents
from rrgraph.organic.reranking.reranker import ReactantReranker
from rrgraph.organic.sites.model import SiteEncoder
from rrgraph.util.arguments import value_of
from rrgraph.util.arrays import check_array
from rrgraph.util.settings import from_stored, to_stored

__all__ = [
    "TEMPLATE_FORMAT",
    "TemplateCheckpoint",
    "build_model",
    "load_template_checkpoint",
    "save_template_checkpoint",
    "template_embeddings",
]

TEMPLATE_FORMAT: Final = "rrgraph-template-model/2"
"""Name and version of the file format, checked on loading."""

_MOST_ROWS: Final = 2**53
_SIDES: Final = ("product", "template")

_MODEL, _BANK, _SITES, _PRECEDENTS, _FOREST = "model.", "bank", "sites.", "precedents.", "forest{}."


@dataclass(frozen=True)
class TemplateCheckpoint:
    """A dual encoder with everything that prediction needs.

    Attributes:
        model: weights, in evaluation mode, on any device.
        config: of the model.
        templates: the training templates, in node order.
        counts: (templates,) int64, training rows of each.
        embeddings: (templates, width) of the templates, on the CPU.
        reactants: training rows of each single reactant.
        metadata: how it was trained; plain JSON.
        reranker: re-ranker of sets of reactants, if there is one.
        sites: encoder of sites, in evaluation mode where `model` is, if templates are scored at each site.
    """

    model: DualEncoder
    config: TemplateModelConfig
    templates: tuple[str, ...]
    counts: NDArray[np.int64]
    embeddings: Tensor
    reactants: Mapping[str, int] = field(default_factory=dict)
    metadata: Mapping[str, Any] = field(default_factory=dict)
    reranker: ReactantReranker | None = None
    sites: SiteEncoder | None = None


def build_model(config: TemplateModelConfig, states: Mapping[str, Mapping[str, Any]]) -> DualEncoder:
    """Return a dual encoder with initial weights.

    Args:
        config: of both encoders.
        states: what each encoder learned from the training texts, by side.

    Raises:
        ConfigError: an encoder is unknown or its sizes do not fit.
    """
    product, template = (
        TEXT_ENCODERS[each.encoder](side, each, states[side], width=config.width)
        for side, each in (("product", config.product), ("template", config.template))
    )
    return DualEncoder(product, template, temperature=config.temperature, normalise=config.normalise)


def template_embeddings(model: DualEncoder, templates: Sequence[str]) -> Tensor:
    """Return the embeddings (templates, width) of templates, on the processor."""
    return embed_all(model.embed_candidates, text_encoder(model.right).inputs(templates)).cpu()


def save_template_checkpoint(checkpoint: TemplateCheckpoint, folder: str | Path) -> None:
    """Write `model.safetensors` and `model.json` into `folder`."""
    tensors = _prefixed(_MODEL, weights(checkpoint.model, half=False))
    description = {
        "model": to_stored(checkpoint.config),
        "states": {side: encoder.state for side, encoder in _encoders(checkpoint.model).items()},
        "templates": [
            [text, count] for text, count in zip(checkpoint.templates, checkpoint.counts.tolist(), strict=True)
        ],
        "reactants": dict(checkpoint.reactants),
        "metadata": dict(checkpoint.metadata),
        "ranker": None,
    }
    if checkpoint.sites is not None:
        tensors |= _prefixed(_SITES, weights(checkpoint.sites, half=False))
    if checkpoint.reranker is not None:
        tensors |= _reranker_tensors(checkpoint.reranker)
        description["ranker"] = _describe_reranker(checkpoint.reranker)
    write_model(folder, TEMPLATE_FORMAT, {**tensors, _BANK: checkpoint.embeddings}, description)


def load_template_checkpoint(folder: str | Path, *, device: str = "cpu") -> TemplateCheckpoint:
    """Read a checkpoint written by `save_template_checkpoint`.

    Args:
        folder: where it lies.
        device: where its model computes, see `rrgraph.nn.choose_device`.

    Raises:
        ConfigError: the device cannot be used.
        ModelError: a file is missing, truncated, of another format, or does not match the other.
    """
    place = choose_device(device)
    tensors, description = read_model(folder, TEMPLATE_FORMAT)
    with checkpoint_mismatch(folder):
        config = _read_config(value_of(description, "model", dict))
        states = {side: _read_state(value_of(description, "states", dict), side) for side in _SIDES}
        embeddings = tensors.pop(_BANK)
        model = load_weights(partial(build_model, config, states), _taken(_MODEL, tensors))
        texts, counts = _read_templates(value_of(description, "templates", list))
        sites = None
        if config.sites.enabled:
            sites = load_weights(partial(SiteEncoder, config.sites, width=config.width), _taken(_SITES, tensors))
        check_array(_BANK, embeddings.numpy(), np.float32, (len(texts), config.width))
        reactants = Counter(_read_counts(value_of(description, "reactants", dict)))
        reranker = _read_reranker(tensors, description["ranker"], texts, reactants)
        metadata = value_of(description, "metadata", dict)
        from_stored(SearchConfig, metadata.get("search", {}))
    return TemplateCheckpoint(
        model=model.eval().to(place),
        config=config,
        templates=texts,
        counts=np.array(counts, dtype=np.int64),
        embeddings=embeddings,
        reactants=reactants,
        metadata=metadata,
        reranker=reranker,
        sites=None if sites is None else sites.eval().to(place),
    )


def _encoders(model: DualEncoder) -> dict[str, TextEncoder]:
    return {"product": text_encoder(model.left), "template": text_encoder(model.right)}


def _prefixed(prefix: str, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {prefix + name: tensor for name, tensor in tensors.items()}


def _taken(prefix: str, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return the tensors with a prefix, named without it."""
    return {name.removeprefix(prefix): tensor for name, tensor in tensors.items() if name.startswith(prefix)}


def _reranker_tensors(reranker: ReactantReranker) -> dict[str, Tensor]:
    tensors = _prefixed(_PRECEDENTS, reranker.describe.precedents.tensors())
    for number, forest in enumerate(reranker.forests):
        tensors |= _prefixed(_FOREST.format(number), forest.tensors())
    return tensors


def _describe_reranker(reranker: ReactantReranker) -> dict[str, Any]:
    forests = [{"trees": len(forest)} for forest in reranker.forests]
    return {"numbers": SET_FEATURES, "forests": forests, "products": sorted(reranker.products)}


def _read_reranker(
    tensors: Mapping[str, Tensor],
    description: Mapping[str, Any] | None,
    templates: Sequence[str],
    reactants: Mapping[str, int],
) -> ReactantReranker | None:
    if description is None:
        return None
    if tuple(value_of(description, "numbers", list)) != SET_FEATURES:
        raise ValueError("its trees use other features than this version")
    forests = [
        TreeEnsemble.from_tensors(
            _taken(_FOREST.format(number), tensors), columns=len(SET_FEATURES), trees=value_of(size, "trees", int)
        )
        for number, size in enumerate(value_of(description, "forests", list))
    ]
    if not forests:
        raise ValueError("its re-ranker has no trees")
    precedents = Precedents.from_tensors(_taken(_PRECEDENTS, tensors), templates=len(templates))
    products = _texts("products", value_of(description, "products", list))
    return ReactantReranker(SetDescriber(precedents, templates, reactants), forests, products)


def _read_config(values: Mapping[str, Any]) -> TemplateModelConfig:
    for name, kind in {"width": int, "temperature": float, "normalise": bool, **dict.fromkeys(_SIDES, dict)}.items():
        value_of(values, name, kind)
    return from_stored(TemplateModelConfig, values, ignore_unknown=True)


def _read_state(states: Mapping[str, Any], side: str) -> dict[str, list[str]]:
    """Return what the encoder of a side learned from the training texts."""
    return {name: _texts(name, value) for name, value in value_of(states, side, dict).items()}


def _texts(name: str, value: object) -> list[str]:
    """Return distinct texts."""
    if not isinstance(value, list) or not all(isinstance(text, str) for text in value) or len(set(value)) < len(value):
        raise ValueError(f"'{name}' is not a list of distinct texts")
    return value


def _read_templates(entries: Sequence[Any]) -> tuple[tuple[str, ...], tuple[int, ...]]:
    """Return the templates and how many rows each has."""
    for entry in entries:
        if not isinstance(entry, list) or [type(each) for each in entry] != [str, int]:
            raise ValueError(f"{entry!a:.80} is not a template and its number of rows")
    texts = _texts("templates", [text for text, _ in entries])
    return tuple(texts), tuple(_read_counts(dict(entries)).values())


def _read_counts(counts: Mapping[str, Any]) -> Mapping[str, int]:
    """Return numbers of training rows, by text."""
    for text, count in counts.items():
        if type(count) is not int or not 0 <= count <= _MOST_ROWS:
            raise ValueError(f"{count!a:.40} is not a number of rows, of {text!a:.80}")
    return counts
