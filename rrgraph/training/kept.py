"""Files from which an unfinished run goes on: tensors as safetensors with a checksum, the rest as JSON beside them."""

from __future__ import annotations

import json
import time
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file, save_file
from torch import Tensor, uint8

from rrgraph.errors import ModelError, reason_of
from rrgraph.util.files import atomic_path
from rrgraph.util.interruption import lasting_interruption
from rrgraph.util.json_files import parse_json

__all__ = ["keep_tensors", "keeping", "kept_tensors", "made_once"]

_SECONDS: Final = 30.0
"""Time between two states of an unfinished computation on disk."""


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
        if metadata.get("checksum") not in (None, _checksum(tensors, text)):
            raise ValueError("its checksum does not fit")
        return tensors, parse_json(text, finite=False)
    except (SafetensorError, OSError, KeyError, ValueError) as error:
        raise ModelError(f"The training state '{path}' cannot be resumed: {reason_of(error)}.") from None


@contextmanager
def keeping(save: Callable[[], None] | None) -> Iterator[Callable[[], None]]:
    """Save what a long computation has done every half minute, and when it is interrupted.

    Args:
        save: writes it; None keeps nothing.

    Yields:
        What to call between two steps; it raises KeyboardInterrupt once that has been asked for.
    """
    saved = time.monotonic()
    with lasting_interruption(deferred=False) as interrupt_if_asked:

        def after_step() -> None:
            nonlocal saved
            if save is not None and time.monotonic() - saved > _SECONDS:
                save()
                saved = time.monotonic()
            interrupt_if_asked()

        try:
            yield after_step
        except KeyboardInterrupt:
            if save is not None:
                save()
            raise


def made_once(folder: Path | None, name: str, make: Callable[[], Mapping[str, Tensor]]) -> Mapping[str, Tensor]:
    """Return the tensors that a function makes, from a file that keeps them if they have been made before.

    Args:
        folder: of the file; None keeps nothing.
        name: of the file, without suffix.
        make: gives the tensors.

    Raises:
        DataError: the file cannot be written.
        ModelError: the file is damaged.
    """
    if folder is None:
        return make()
    path = folder / f"{name}.safetensors"
    if path.is_file():
        return kept_tensors(path)[0]
    made = make()
    keep_tensors(path, made, {})
    return made


def _checksum(tensors: Mapping[str, Tensor], text: str) -> str:
    """Return a CRC, which finds damage in a third of the time of SHA-256: states are written every half minute."""
    total = zlib.crc32(text.encode())
    for name, tensor in sorted(tensors.items()):
        total = zlib.crc32(name.encode(), total)
        if tensor.numel():
            total = zlib.crc32(tensor.reshape(-1).view(uint8).numpy().tobytes(), total)
    return f"{total:08x}"
