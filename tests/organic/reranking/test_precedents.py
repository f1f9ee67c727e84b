import numpy as np
import pytest
import torch
from rdkit import Chem
from rdkit.Chem import rdFingerprintGenerator
from rdkit.DataStructs import TanimotoSimilarity

from rrgraph.organic import Precedents

MORGAN = rdFingerprintGenerator.GetMorganGenerator(radius=2, fpSize=2048, includeChirality=True)
SMALL = rdFingerprintGenerator.GetMorganGenerator(radius=1, fpSize=1024, includeChirality=True)


def alike(first, second):
    return TanimotoSimilarity(*(MORGAN.GetFingerprint(Chem.MolFromSmiles(text)) for text in (first, second)))


@pytest.fixture(scope="module")
def train(split):
    return split["train"]


@pytest.fixture(scope="module")
def templates(train):
    return list(dict.fromkeys(train.templates))


@pytest.fixture(scope="module")
def precedents(train, templates):
    return Precedents.of(train, templates)


def test_numbers_are_those_of_a_slow_count(train, templates, precedents, split):
    test = split["test"]
    for product, reactants, template in list(zip(test.products, test.reactants, test.templates, strict=True))[:10]:
        places = [templates.index(template), (templates.index(template) + 1) % len(templates)]
        ((both, nearest, mean, near, *of_best, _, _, _, _, _),) = precedents.describe(product, [reactants], [places])
        rows = [[row for row, text in enumerate(train.templates) if text == templates[place]] for place in places]
        products = [[alike(product, train.products[row]) for row in of_template] for of_template in rows]
        together = [
            [alike(product, train.products[row]) * alike(reactants, train.reactants[row]) for row in of_template]
            for of_template in rows
        ]
        assert both == pytest.approx(max(map(max, together)), abs=1e-6)
        assert nearest == pytest.approx(max(map(max, products)), abs=1e-6)
        assert mean == pytest.approx(max(np.mean(sorted(each)[-3:]) for each in products), abs=1e-6)
        assert of_best[:2] == pytest.approx([max(together[0]), max(products[0])], abs=1e-6)
        if len(train) <= 64:
            assert near == pytest.approx(sum(map(sum, products)), abs=1e-5)
            assert of_best[2] == pytest.approx(sum(products[0]), abs=1e-5)


def change(product, reactants):
    counts = [SMALL.GetCountFingerprintAsNumPy(Chem.MolFromSmiles(text)) for text in (reactants, product)]
    return np.subtract(*(count.astype(float) for count in counts))


def cosine(first, second):
    lengths = np.linalg.norm(first) * np.linalg.norm(second)
    return max(first @ second / lengths, 0.0) if lengths else 0.0


def test_similarity_of_changes_is_that_of_a_slow_count(train, precedents, split):
    test = split["test"]
    known = [change(*pair) for pair in zip(train.products, train.reactants, strict=True)]
    for product, reactants in list(zip(test.products, test.reactants, strict=True))[:10]:
        (found,) = precedents.describe(product, [reactants], [[-1]])
        similarity = np.array([alike(product, text) for text in train.products])
        changes = np.array([cosine(change(product, reactants), each) for each in known])
        nearest = np.argsort(-similarity, kind="stable")[:64]
        together = changes**2 * similarity
        same = changes > 0.95
        assert found[7:] == pytest.approx(
            [
                changes.max(),
                np.log1p(same.sum()),
                together[nearest].sum(),
                together.max(),
                (same * similarity).max(),
            ],
            abs=1e-5,
        )


def test_nothing_changes_when_the_product_is_the_reactant(precedents, train):
    product = train.products[0]
    assert precedents.describe(product, [product], [[-1]]).tolist() == [[0.0] * 12]


def test_a_template_without_precedents_is_unlike_everything(precedents, train):
    assert precedents.describe(train.products[0], [train.reactants[0]], [[-1]])[0, :7].tolist() == [0.0] * 7


def test_a_training_reaction_is_its_own_precedent(precedents, train, templates):
    place = templates.index(train.templates[0])
    ((both, nearest, *_),) = precedents.describe(train.products[0], [train.reactants[0]], [[place]])
    assert (both, nearest) == (1.0, 1.0)


def test_tensors_bring_everything_back(precedents, split):
    stored = {name: tensor.clone() for name, tensor in precedents.tensors().items()}
    again = Precedents.from_tensors(stored, templates=len(split["train"].templates))
    product, reactants = split["test"].products[0], split["test"].reactants[0]
    first, second = (each.describe(product, [reactants], [[0, 1, 2]]) for each in (precedents, again))
    assert np.array_equal(first, second)
    assert all(tensor.dtype in (torch.int16, torch.int32) for tensor in precedents.tensors().values())


@pytest.mark.parametrize(
    ("name", "change", "words"),
    [
        ("template", lambda t: t + 1000, "'template' holds"),
        ("products.bits", lambda t: t + 3000, "'products.bits' holds"),
        ("changes.bits", lambda t: -t - 1, "'changes.bits' holds"),
        ("reactants.pointer", lambda t: t.flip(0), "'reactants.pointer' does not divide"),
        ("changes.counts", lambda t: t[:-1], "'changes.counts' has the shape"),
        ("products.pointer", lambda t: t[:-1], "'products.pointer' has the shape"),
    ],
)
def test_tensors_that_hold_what_they_cannot_are_refused(precedents, name, change, words):
    stored = precedents.tensors()
    with pytest.raises(ValueError, match=words):
        Precedents.from_tensors({**stored, name: change(stored[name])}, templates=4)
