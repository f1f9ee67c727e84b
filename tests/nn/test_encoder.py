import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from rrgraph.chem import ELEMENTS, parse_formula
from rrgraph.errors import ConfigError
from rrgraph.graph import PADDING, featurise
from rrgraph.nn import MASK, CompositionEncoder, EncoderConfig, FractionEmbedding, ModelConfig, element_table

FORMULAS = ["Li7La3Zr2O12", "Fe2O3", "Y2.94Ce0.06Al5O12", "Mg", "La0.57Sr0.15Ca0.28MnO3"]

atoms = st.dictionaries(st.integers(1, len(ELEMENTS)), st.floats(0.001, 20), min_size=1, max_size=8)
"""Amounts of elements by atomic number."""


@pytest.fixture(scope="module", params=[False, True], ids=["alike", "weighed"])
def encoder(request) -> CompositionEncoder:
    """An encoder whose elements count alike or weigh by their fraction, in evaluation mode."""
    return build(weigh_fractions=request.param)


def build(**options: object) -> CompositionEncoder:
    torch.manual_seed(0)
    return CompositionEncoder(EncoderConfig(**{"width": 32, "layers": 3, "heads": 4, **options})).eval()


def padded(compositions: list[dict[int, float]]) -> tuple[torch.Tensor, torch.Tensor]:
    """Return elements and fractions (n, k) of amounts by atomic number, in the order given."""
    width = max(map(len, compositions))
    elements = torch.zeros(len(compositions), width, dtype=torch.int64)
    fractions = torch.zeros(len(compositions), width)
    for row, amounts in enumerate(compositions):
        elements[row, : len(amounts)] = torch.tensor(list(amounts))
        fractions[row, : len(amounts)] = torch.tensor(list(amounts.values())) / sum(amounts.values())
    return elements, fractions


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


@settings(deadline=None, max_examples=40)
@given(compositions=st.lists(atoms, min_size=1, max_size=5), data=st.data())
def test_neither_order_nor_padding_nor_company_matters(encoder, compositions, data):
    together = encode(encoder, *padded(compositions))
    for row, amounts in enumerate(compositions):
        order = data.draw(st.permutations(list(amounts)))
        alone = encode(encoder, *padded([{number: amounts[number] for number in order}]))
        assert torch.allclose(together[row], alone[0], atol=2e-5)


def test_states_of_elements_follow_their_elements(encoder):
    elements, fractions = featurise([parse_formula(f) for f in FORMULAS])
    order = torch.tensor([2, 0, 1, 4, 3])
    with torch.no_grad():
        straight = encoder.tokens(elements, fractions)
        turned = encoder.tokens(elements[:, order], fractions[:, order])
    present = (elements > PADDING)[:, order]
    assert straight.shape == (len(FORMULAS), 1 + elements.shape[1], 32)
    assert torch.allclose(straight[:, 1:][:, order][present], turned[:, 1:][present], atol=2e-5)


def test_wide_padding_does_not_matter_with_gradients_either(encoder):
    elements, fractions = featurise([parse_formula("Fe2O3"), parse_formula("SrTiO3")])
    gradients = []
    for extra in (0, 6):
        encoder.zero_grad()
        encoder(torch.nn.functional.pad(elements, (0, extra)), torch.nn.functional.pad(fractions, (0, extra))).square()[
            :, :5
        ].sum().backward()
        gradients.append([p.grad.clone() for p in encoder.parameters()])
    encoder.zero_grad()
    for narrow, wide in zip(*gradients, strict=True):
        assert torch.isfinite(wide).all()
        assert torch.allclose(narrow, wide, atol=1e-4, rtol=1e-3)


def test_a_hidden_element_is_a_token_of_its_own(encoder):
    assert MASK not in range(len(ELEMENTS) + 1)
    elements, fractions = featurise([parse_formula("SrTiO3"), parse_formula("BaTiO3")])
    hidden = elements.clone()
    hidden[elements == 38] = MASK
    hidden[elements == 56] = MASK
    with torch.no_grad():
        assert encoder.element.weight[MASK].abs().sum() == 0
    shown, masked = encode(encoder, elements, fractions), encode(encoder, hidden, fractions)
    assert (shown - masked).norm(dim=1).min() > 1e-2
    assert torch.allclose(masked[0], masked[1], atol=2e-5)  # nothing of the hidden element is left
    assert not torch.allclose(shown[0], shown[1], atol=1e-2)


def test_the_hidden_token_learns_and_padding_does_not():
    encoder = build()
    elements, fractions = featurise([parse_formula("SrTiO3"), parse_formula("NaCl")])
    elements[0, 1] = MASK
    encoder(elements, fractions)[:, 0].sum().backward()
    gradient = encoder.element.weight.grad.abs().sum(dim=1)
    assert gradient[MASK] > 0
    assert gradient[PADDING] == 0


def test_weighed_heads_start_between_alike_and_in_proportion():
    slopes = [block.slope.tolist() for block in build(weigh_fractions=True).blocks]
    assert slopes == [[0.25, 0.5, 0.75, 1.0]] * 3
    assert all(block.slope is None for block in build().blocks)


def test_weighed_attention_follows_the_fractions():
    """A head of slope 1 without content attends in proportion to the atomic fractions, [CPD] counting as 1."""
    encoder = build(weigh_fractions=True, width=8, heads=1, layers=1)
    block = encoder.blocks[0]
    with torch.no_grad():
        block.attention_in.weight[:16] = 0  # queries and keys
        block.attention_in.bias[:16] = 0
        block.attention_out.weight.copy_(torch.eye(8))
        block.attention_out.bias.zero_()
        for parameter in block.feedforward[3].parameters():
            parameter.zero_()
        states = torch.randn(1, 4, 8)
        fractions = torch.tensor([[0.2, 0.7, 0.1]])
        after = block(states, torch.nn.functional.pad(fractions.log(), (1, 0)), None)
        values = block.attention_in(block.attention_norm(states))[..., 16:]
    weights = torch.tensor([1.0, 0.2, 0.7, 0.1])
    expected = (weights[:, None] * values[0]).sum(dim=0) / weights.sum()
    assert torch.allclose(after - states, expected.expand(1, 4, 8), atol=1e-5)


def test_blocks_are_given_the_logarithms_of_the_fractions():
    encoder, seen = build(weigh_fractions=True), []
    encoder.blocks[0].register_forward_pre_hook(lambda block, given: seen.extend(given[1:]))
    encode(encoder, torch.tensor([[38, 22, 8, 0]]), torch.tensor([[0.2, 0.2, 0.6, 0.0]]))
    weights, hidden = seen
    assert weights[0, :4].exp().tolist() == pytest.approx([1.0, 0.2, 0.2, 0.6])  # [CPD] counts as a whole
    assert torch.isfinite(weights).all()
    assert hidden.tolist() == [[False, False, False, False, True]]


def test_dropout_acts_in_training_alone():
    encoder = build(dropout=0.5)
    given = featurise([parse_formula("SrTiO3")])
    assert torch.equal(encode(encoder, *given), encode(encoder, *given))
    encoder.train()
    assert not torch.equal(encode(encoder, *given), encode(encoder, *given))


def test_bfloat16_gives_nearly_the_same_embedding(encoder):
    given = featurise([parse_formula(f) for f in FORMULAS])
    full = encode(encoder, *given)
    with torch.autocast("cpu", torch.bfloat16):
        half = encode(encoder, *given)
    assert torch.nn.functional.cosine_similarity(full, half.float()).min() > 0.999


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
