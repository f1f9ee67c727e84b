"""Keeps tensors that take long to compute in the user's cache, by a hash of the texts that they were computed from."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping
from importlib.metadata import version

from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from rrgraph.data import cache_folder
from rrgraph.util.files import atomic_path

__all__ = ["cached_tensors"]


def cached_tensors(name: str, texts: Iterable[str], compute: Callable[[], Mapping[str, Tensor]]) -> dict[str, Tensor]:
    """Return tensors by name, from the user's cache or computed and stored there, for the same version of RDKit.

    Args:
        name: of what is computed, with the version of its rules.
        texts: what it is computed from.
        compute: called where the cache does not have it; always returns the same names.

    Raises:
        DataError: the cache cannot be written.
    """
    key = hashlib.blake2b("\n".join(texts).encode(errors="backslashreplace"), digest_size=16).hexdigest()
    path = cache_folder() / "organic" / f"{name}-rdkit{version('rdkit')}-{key}.safetensors"
    try:
        return load_file(path)
    except (OSError, SafetensorError):
        found = dict(compute())
    with atomic_path(path) as temporary:
        save_file(found, temporary)
    return found
