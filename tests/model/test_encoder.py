import pytest
import torch

from rrgraph.chem import parse_formula
from rrgraph.errors import ConfigError
from rrgraph.graph import featurise
from rrgraph.model import CompositionEncoder, FractionEmbedding, ModelConfig, element_table

FORMULAS = ["Li7La3Zr2O12", "Fe2O3", "Y2.94Ce0.06Al5O12", "Mg", "La0.57Sr0.15Ca0.28MnO3"]


@pytest.fixture(scope="module")
def encoder() -> CompositionEncoder:
    torch.manual_seed(0)
    return CompositionEncoder(ModelConfig(width=32, layers=3, heads=4)).eval()


def encode(encoder: CompositionEncoder, elements: torch.Tensor, fractions: torch.Tensor) -> torch.Tensor:
    with torch.no_grad():
        return encoder(elements, fractions)


def test_shape_and_distinct_embeddings(encoder):
    embeddings = encode(encoder, *featurise([parse_formula(f) for f in FORMULAS]))
    assert embeddings.shape == (len(FORMULAS), 32)
    assert torch.cdist(embeddings, embeddings).fill_diagonal_(1.0).min() > 1e-2


def test_order_of_elements_does_not_matter(encoder):
    elements, fractions = featurise([parse_formula("La0.57Sr0.15Ca0.28MnO3")])
    order = torch.tensor([4, 2, 0, 3, 1])
    assert torch.allclose(
        encode(encoder, elements, fractions), encode(encoder, elements[:, order], fractions[:, order]), atol=1e-5
    )


def test_padding_does_not_matter(encoder):
    alone = encode(encoder, *featurise([parse_formula("Fe2O3")]))
    padded = encode(encoder, *featurise([parse_formula(f) for f in FORMULAS]))[1:2]
    assert torch.allclose(alone, padded, atol=1e-5)


def test_amounts_matter_down_to_dopants(encoder):
    a, b = encode(encoder, *featurise([parse_formula("Y2.99Ce0.01Al5O12"), parse_formula("Y2.97Ce0.03Al5O12")]))
    assert (a - b).norm() > 1e-2


def test_spellings_of_one_material_agree(encoder):
    a, b = encode(encoder, *featurise([parse_formula("Fe2O3"), parse_formula("Fe4O6")]))
    assert torch.allclose(a, b, atol=1e-5)


def test_fraction_embedding_resolves_both_ends():
    embed = FractionEmbedding(64)
    near_zero = embed(torch.tensor([0.0005, 0.001]))
    near_one = embed(torch.tensor([0.95, 0.96]))
    assert (near_zero[0] - near_zero[1]).norm() > 0.5
    assert (near_one[0] - near_one[1]).norm() > 0.5


def test_mat2vec_table_groups_similar_elements():
    table = torch.nn.functional.normalize(element_table("mat2vec"), dim=1)
    lithium, sodium, oxygen = table[3], table[11], table[8]
    assert lithium @ sodium > lithium @ oxygen
    assert torch.equal(element_table("mat2vec")[0], torch.zeros(200))


def test_refuses_unknown_table_and_bad_width():
    with pytest.raises(ConfigError, match="mat2vec"):
        element_table("mat2vek")
    with pytest.raises(ConfigError, match=r"model\.width=30"):
        CompositionEncoder(ModelConfig(width=30, heads=4))
