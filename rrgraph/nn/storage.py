"""Models on disk: `model.safetensors` and `model.json`, written atomically, checked when read, never a pickle."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from rrgraph import __version__
from rrgraph.errors import ModelError
from rrgraph.util.files import atomic_path, write_json

__all__ = ["checkpoint_mismatch", "model_format", "read_model", "weights", "write_model"]

WEIGHTS, DESCRIPTION = "model.safetensors", "model.json"


def write_model(
    folder: str | Path,
    model_format: str,
    tensors: Mapping[str, Tensor],
    description: Mapping[str, Any],
) -> None:
    """Write weights and description into `folder`, each atomically.

    Args:
        folder: made if need be.
        model_format: name and version of the format, written into both files.
        tensors: weights by name; they must not share memory.
        description: everything else, JSON-ready.
    """
    folder = Path(folder)
    stored = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    with atomic_path(folder / WEIGHTS) as path:
        save_file(stored, path, metadata={"format": model_format})
    write_json(folder / DESCRIPTION, {"format": model_format, "rrgraph": __version__, **description})


def weights(module: nn.Module, *, half: bool) -> dict[str, Tensor]:
    """Return the weights of a module, in 16 bits if `half`: half the size, read back in 32 bits."""
    state = module.state_dict()
    return {name: t.half() if half and t.dtype == torch.float32 else t for name, t in state.items()}


def read_model(folder: str | Path, model_format: str) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Read the weights (32 bits) and the description that `write_model` wrote.

    Raises:
        ModelError: a file is missing, cut off or of another format.
    """
    description = _description(folder)
    if description.get("format") != model_format:
        raise ModelError(
            f"The model in '{folder}' has format '{description.get('format')}', expected '{model_format}'."
        )
    try:
        tensors = load_file(Path(folder) / WEIGHTS)
    except SafetensorError as error:
        raise ModelError(f"The model in '{folder}' is damaged: {error}.") from None
    widened = {name: tensor.float() if tensor.dtype == torch.float16 else tensor for name, tensor in tensors.items()}
    return widened, description


def model_format(folder: str | Path) -> str:
    """Return the name of the format of the model in `folder`.

    Raises:
        ModelError: there is no readable model.
    """
    return str(_description(folder).get("format"))


@contextmanager
def checkpoint_mismatch(folder: str | Path) -> Iterator[None]:
    """Turn what reading a description and loading weights raise into one sentence.

    That is a ValueError (also of `rrgraph.util.arguments`, by which a description is to be read), a KeyError of tensors
    by name, and the RuntimeError of `load_state_dict`. Errors of the code, such as TypeErrors, pass.

    Raises:
        ModelError: the weights and the description do not fit each other.
    """
    try:
        yield
    except (KeyError, ValueError, RuntimeError) as error:
        reason = " ".join(str(error).split()).rstrip(".")
        raise ModelError(f"The weights and the description in '{folder}' do not fit each other: {reason}.") from None


def _description(folder: str | Path) -> dict[str, Any]:
    for name in (DESCRIPTION, WEIGHTS):
        if not (Path(folder) / name).is_file():
            raise ModelError(f"'{folder}' is not a model folder: it has no {name}.")
    try:
        description = json.loads((Path(folder) / DESCRIPTION).read_text(encoding="utf-8"))
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise ModelError(f"The model in '{folder}' is damaged: {error}.") from None
    return description if isinstance(description, dict) else {}
