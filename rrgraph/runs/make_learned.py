"""Add to a trained model the hashes of what it learned from; weights, description and answers stay as they are.

    RRGRAPH_DATA=FOLDER python -m rrgraph.runs.make_learned rrgraph/models/bundled/default

For models that were trained before these were recorded. The rows are those of `config.yaml` in the folder, read and
divided again; they are refused unless they are as many as the model records, of the same targets and element systems.
"""

from __future__ import annotations

import sys
from pathlib import Path

import torch
from safetensors.torch import load, save

from rrgraph.data import LearnedReactions
from rrgraph.errors import ModelError
from rrgraph.models import FORMAT, learned_tensors, load_checkpoint
from rrgraph.nn import sign_model
from rrgraph.runs.data import run_split
from rrgraph.util.files import atomic_path

__all__ = ["add_learned"]


def add_learned(folder: str | Path) -> LearnedReactions:
    """Write the hashes into `model.safetensors` and sign the model; return them.

    Raises:
        ConfigError: the folder holds no run.
        ModelError: it holds no model, or one of other rows.
    """
    checkpoint, rows = load_checkpoint(folder), run_split(folder).train
    learned = LearnedReactions.of(rows)
    recorded = [checkpoint.metadata.get(key) for key in ("training_reactions", "training_targets")]
    found = [len(rows), len(learned.targets)]
    if recorded != found or checkpoint.systems != frozenset(rows.element_systems.tolist()):
        raise ModelError(
            f"The model in '{folder}' learned other rows: it records {recorded} rows and targets, not {found}."
        )
    weights = Path(folder) / "model.safetensors"
    tensors: dict[str, torch.Tensor] = load(weights.read_bytes())
    with atomic_path(weights) as path:
        path.write_bytes(save(tensors | learned_tensors(learned), metadata={"format": FORMAT}))
    sign_model(folder)
    return learned


if __name__ == "__main__":
    done = add_learned(sys.argv[1])
    print(f"{len(done.targets):,} targets, {len(done.reactions):,} reactions")
