"""Word vectors of the elements, learned from the abstracts of papers: elements with similar roles are close."""

from __future__ import annotations

from functools import cache
from importlib.resources import as_file, files

import numpy as np
from numpy.typing import NDArray

__all__ = ["element_vectors"]


@cache
def element_vectors() -> NDArray[np.float32]:
    """Return the mat2vec word vectors (elements, 200) of Tshitoyan et al. 2019, read-only."""
    from safetensors.numpy import load_file

    with as_file(files("rrgraph.chem") / "mat2vec.safetensors") as path:
        vectors = load_file(path)["mat2vec"][1:]
    vectors.flags.writeable = False
    return vectors
