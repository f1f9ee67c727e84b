import torch

from rrgraph.chem import parse_formula
from rrgraph.graph import PADDING, featurise


def test_atomic_numbers_and_fractions():
    elements, fractions = featurise([parse_formula("Fe2O3"), parse_formula("Li7La3Zr2O12"), parse_formula("U")])
    assert elements.shape == fractions.shape == (3, 4)
    rows = [
        {int(e): round(float(f), 4) for e, f in zip(*row, strict=True) if e != PADDING}
        for row in zip(elements, fractions, strict=True)
    ]
    assert rows == [{26: 0.4, 8: 0.6}, {3: round(7 / 24, 4), 57: 0.125, 40: round(2 / 24, 4), 8: 0.5}, {92: 1.0}]
    assert torch.allclose(fractions.sum(1), torch.ones(3))


def test_nothing_gives_an_empty_batch():
    elements, fractions = featurise([])
    assert elements.shape == fractions.shape == (0, 1)
