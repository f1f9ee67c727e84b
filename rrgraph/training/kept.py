"""What an unfinished run keeps to go on from: tensors as safetensors with a checksum, the rest as JSON beside them."""

from __future__ import annotations

import json
import zlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file, save_file
from torch import Tensor, uint8

from rrgraph.errors import ModelError, reason_of
from rrgraph.util.files import atomic_path
from rrgraph.util.json_files import parse_json

__all__ = ["keep_tensors", "kept_tensors", "made_once"]


def keep_tensors(path: Path, tensors: Mapping[str, Tensor], description: Mapping[str, Any]) -> None:
    """Write tensors and a description atomically into one file.

    Raises:
        DataError: the file cannot be written.
    """
    copies = {name: tensor.detach().cpu().clone().contiguous() for name, tensor in tensors.items()}
    text = json.dumps(description)
    with atomic_path(path) as temporary:
        save_file(copies, temporary, metadata={"state": text, "checksum": _checksum(copies, text)})


def kept_tensors(path: Path) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Read what `keep_tensors` wrote.

    Raises:
        ModelError: the file is damaged.
    """
    try:
        with safe_open(path, framework="pt") as handle:
            metadata = handle.metadata() or {}
        tensors, text = load_file(path), metadata["state"]
        # Earlier versions wrote none.
        if metadata.get("checksum", _checksum(tensors, text)) != _checksum(tensors, text):
            raise ValueError("its checksum does not fit")
        return tensors, parse_json(text, finite=False)
    except (SafetensorError, OSError, KeyError, ValueError) as error:
        raise ModelError(f"The training state '{path}' cannot be resumed: {reason_of(error)}.") from None


def made_once(path: Path | None, make: Callable[[], Mapping[str, Tensor]]) -> Mapping[str, Tensor]:
    """Return the tensors that a function makes, from a file if they have been made before, which keeps them otherwise.

    Args:
        path: of the file; None keeps nothing.
        make: gives the tensors.

    Raises:
        DataError: the file cannot be written.
        ModelError: the file is damaged.
    """
    if path is not None and path.is_file():
        return kept_tensors(path)[0]
    made = make()
    if path is not None:
        keep_tensors(path, made, {})
    return made


def _checksum(tensors: Mapping[str, Tensor], text: str) -> str:
    total = zlib.crc32(text.encode())
    for name, tensor in sorted(tensors.items()):
        total = zlib.crc32(name.encode(), total)
        if tensor.numel():
            total = zlib.crc32(tensor.reshape(-1).view(uint8).numpy().tobytes(), total)
    return f"{total:08x}"
