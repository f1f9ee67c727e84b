"""The optimisers of a run, one or two, whose learning rates the loop sets."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch.optim import AdamW, Optimizer

from rrgraph.errors import ConfigError, check_choice
from rrgraph.training.config import LoopConfig

__all__ = ["OPTIMIZERS", "make_optimizers"]

OPTIMIZERS = ("adamw", "fused_adamw", "muon")
"""The values of `training.optimizer`, see `make_optimizers`."""


def make_optimizers(groups: Sequence[Mapping[str, Any]], config: LoopConfig) -> list[Optimizer]:
    """Return the optimisers of a task's parameter groups.

    `adamw` takes every group, and so does `fused_adamw`, the same in one pass over the weights: several times faster
    for large tables of embeddings, with other last digits. `muon` (Jordan 2024, with the rate scaled as Liu et al. 2025
    do, so that AdamW's rates serve) takes the matrices of groups marked `hidden`, AdamW the rest.

    Args:
        groups: `params` and `lr`, perhaps `hidden`, and more of AdamW's options.
        config: optimiser and weight decay, which vectors are spared.

    Raises:
        ConfigError: the optimiser is unknown, or this torch lacks it.
    """
    check_choice("training.optimizer", config.optimizer, OPTIMIZERS)
    if config.optimizer != "muon":
        return [
            AdamW(
                [{k: v for k, v in group.items() if k != "hidden"} for group in groups],
                weight_decay=config.weight_decay,
                fused=True if config.optimizer == "fused_adamw" else None,
            )
        ]
    if not hasattr(torch.optim, "Muon"):
        raise ConfigError(f"training.optimizer=muon needs torch 2.9 or newer, this is {torch.__version__}; take adamw.")
    matrices, rest = [], []
    for group in groups:
        options = {key: value for key, value in group.items() if key not in ("params", "hidden")}
        hidden = [p for p in group["params"] if p.ndim == 2 and group.get("hidden")]
        taken = {id(p) for p in hidden}
        matrices.append({**options, "params": hidden})
        rest.append({**options, "params": [p for p in group["params"] if id(p) not in taken], "weight_decay": 0.0})
    matrices, rest = ([group for group in groups if group["params"]] for groups in (matrices, rest))
    optimizers: list[Optimizer] = []
    if matrices:
        optimizers.append(torch.optim.Muon(matrices, weight_decay=config.weight_decay, adjust_lr_fn="match_rms_adamw"))
    if rest:
        optimizers.append(AdamW(rest, betas=(0.9, 0.98)))
    return optimizers
