"""Make `mat2vec.safetensors` from the element embeddings of the package elementembeddings (MIT).

pip install --no-deps elementembeddings && python -m rrgraph.chem.make_mat2vec OUTPUT
"""

from __future__ import annotations

import argparse
import csv
from importlib.resources import files
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from rrgraph.chem.elements import ATOMIC_NUMBERS

__all__ = ["read_vectors"]

_TABLE = "data/element_representations/mat2vec.csv"
_SOURCE = (
    "mat2vec (Tshitoyan et al., Nature 571, 95, 2019), MIT licence; rows are atomic numbers 1-103, row 0 is padding"
)
_LAST = 103


def read_vectors(path: Path) -> NDArray[np.float32]:
    """Return the vectors (104, 200) of a CSV file with a column `element` and 200 numbers a row; row 0 is zero."""
    vectors = np.zeros((_LAST + 1, 200), dtype=np.float32)
    with path.open(encoding="utf-8", newline="") as lines:
        for symbol, *numbers in list(csv.reader(lines))[1:]:
            if ATOMIC_NUMBERS.get(symbol, _LAST + 1) <= _LAST:
                vectors[ATOMIC_NUMBERS[symbol]] = [float(number) for number in numbers]
    return vectors


def main() -> None:
    """Write the file."""
    from safetensors.numpy import save_file

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("output", type=Path)
    output = parser.parse_args().output
    table = Path(str(files("elementembeddings") / _TABLE))
    save_file({"mat2vec": read_vectors(table)}, output, metadata={"source": _SOURCE})


if __name__ == "__main__":
    main()
