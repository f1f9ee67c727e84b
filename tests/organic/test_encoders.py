import pytest
import torch

from rrgraph.errors import ConfigError
from rrgraph.organic import FRAGMENTS, TEXT_ENCODERS, TextEncoderConfig
from rrgraph.organic.chemistry.fingerprints import product_fragments, sparse_rows, template_fragments, template_tokens
from rrgraph.organic.chemistry.molecular_graphs import molecular_graphs
from rrgraph.organic.chemistry.tokens import PAD, Tokenizer

from ..conftest import AMIDE, ESTER, ETHER

SMALL = {"hidden": 16, "layers": 2, "bits": 96, "heads": 2, "length": 64}
TEXTS = {"product": ["CCOC(C)=O", "CNC(C)=O", "C"], "template": [AMIDE, ESTER, ETHER]}
ONE_SIDED = {"table": "template", "graph": "product", "graph_fingerprint": "product"}
SIDES = [(name, side) for name in TEXT_ENCODERS for side in TEXTS if ONE_SIDED.get(name, side) == side]


def build(name, side, texts=None):
    torch.manual_seed(0)
    config = TextEncoderConfig(encoder=name, **SMALL)
    state = TEXT_ENCODERS[name].learn_state(side, config, texts or TEXTS[side])
    return TEXT_ENCODERS[name](side, config, state, width=8).eval()


@pytest.mark.parametrize(("name", "side"), SIDES)
class TestContract:
    def test_every_text_gets_a_vector_of_its_own(self, name, side):
        encoder = build(name, side)
        inputs = encoder.inputs(TEXTS[side])
        assert {len(tensor) for tensor in inputs} == {3}
        vectors = encoder(*inputs)
        assert vectors.shape == (3, 8)
        assert len({tuple(row) for row in vectors.tolist()}) == 3

    def test_a_vector_does_not_depend_on_its_neighbours(self, name, side):
        encoder = build(name, side)
        together = encoder(*encoder.inputs(TEXTS[side]))
        for place, text in enumerate(TEXTS[side]):
            torch.testing.assert_close(encoder(*encoder.inputs([text]))[0], together[place], atol=1e-5, rtol=1e-4)

    def test_an_encoder_is_rebuilt_from_its_state(self, name, side):
        encoder = build(name, side)
        again = TEXT_ENCODERS[name](side, encoder.config, encoder.state, width=8).eval()
        again.load_state_dict(encoder.state_dict())
        assert torch.equal(again(*again.inputs(TEXTS[side])), encoder(*encoder.inputs(TEXTS[side])))

    def test_upper_parameters_belong_to_the_encoder_and_learn(self, name, side):
        encoder = build(name, side).train()
        upper = list(encoder.upper_parameters())
        own = {id(parameter) for parameter in encoder.parameters()}
        assert upper and {id(parameter) for parameter in upper} <= own
        encoder(*encoder.inputs(TEXTS[side])).square().sum().backward()
        assert any(parameter.grad is not None and bool(parameter.grad.any()) for parameter in upper)

    def test_text_that_was_never_seen_gets_a_vector(self, name, side):
        encoder = build(name, side)
        text = {"product": "Clc1ccccc1", "template": "[c:1]-[Cl]>>[c:1]-[Br]"}[side]
        assert bool(torch.isfinite(encoder(*encoder.inputs([text]))).all())


def test_a_table_knows_templates_only():
    with pytest.raises(ConfigError, match="is for templates only"):
        build("table", "product")


def test_heads_must_divide_the_width():
    config = TextEncoderConfig(encoder="transformer", hidden=10, heads=4)
    with pytest.raises(ConfigError, match=r"model.hidden=10 must be a multiple of model.heads=4"):
        TEXT_ENCODERS["transformer"]("product", config, {"vocabulary": ["C"]}, width=8)


def test_fragments_count_what_occurs():
    single, double = (product_fragments(text, bits=2048, radius=0) for text in ("CC", "CCC"))
    assert sum(single.values()) == 2 and sum(double.values()) == 3


@pytest.mark.parametrize("name", FRAGMENTS)
def test_fragments_of_every_type_distinguish_molecules_however_they_are_written(name):
    ring, written_otherwise, chain = (
        product_fragments(text, bits=256, radius=2, fragments=[name]) for text in ("c1ccccc1CO", "OCc1ccccc1", "CCCCCO")
    )
    assert ring == written_otherwise != chain
    assert min(ring) >= 0 and max(ring) < 256


def test_fragment_types_have_separate_bits():
    both = product_fragments("CC(=O)NCc1ccccc1", bits=512, radius=2, fragments=["circular", "torsions"])
    first, second = (
        product_fragments("CC(=O)NCc1ccccc1", bits=256, radius=2, fragments=[name]) for name in ("circular", "torsions")
    )
    assert both == first | {256 + bit: count for bit, count in second.items()}


def test_templates_differ_by_either_side_and_not_by_their_map_numbers():
    assert template_fragments("[C:1]>>[C:1]-O", bits=96, radius=1) == template_fragments(
        "[C:7]>>[C:7]-O", bits=96, radius=1
    )
    assert template_fragments("[C:1]>>[C:1]-O", bits=96, radius=1) != template_fragments(
        "[C:1]-O>>[C:1]", bits=96, radius=1
    )
    assert max(template_fragments(AMIDE, bits=96, radius=2)) < 96
    assert template_tokens("[CH3;+0:12]-Br") == ["[CH3;+0]", "-", "Br"]


def test_rows_are_padded_and_have_norm_one():
    numbers, weights = sparse_rows([{0: 1, 5: 3}, {2: 1}, {}], total=3, label="rows")
    assert numbers.tolist() == [[1, 6], [3, 0], [0, 0]]
    assert weights.square().sum(1).tolist() == pytest.approx([1, 1, 0])
    assert weights[1].tolist() == [1, 0]


@pytest.mark.parametrize("tokens", ["atoms", "characters"])
def test_tokens_of_a_text_in_order(tokens):
    tokenizer = Tokenizer(tokens, Tokenizer.learn(tokens, ["[CH3:1]Br", "CC"]))
    table = tokenizer(["[CH3:1]Br", "CC", "CF"], length=50)
    lengths = (table != PAD).sum(1).tolist()
    assert lengths == ([4, 3, 3] if tokens == "atoms" else [10, 3, 3])
    assert table[1, 1] == table[1, 2] == table[2, 1] != table[2, 2]
    assert tokenizer(["CCCCCC"], length=4).shape == (1, 4)


def test_unknown_tokens_are_refused():
    with pytest.raises(ConfigError, match=r"model\.tokens is 'atom'"):
        Tokenizer("atom", [])


def test_graphs_know_products_only():
    with pytest.raises(ConfigError, match="is for products only"):
        build("graph", "template")


def test_atoms_may_come_in_any_order():
    encoder = build("graph", "product")
    one, other = (encoder(*encoder.inputs([text])) for text in ("C[C@H](N)C(=O)Oc1ccccc1", "c1ccccc1OC(=O)[C@@H](N)C"))
    torch.testing.assert_close(one, other, atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize(
    ("one", "other"),
    [("C[C@H](N)C(=O)O", "C[C@@H](N)C(=O)O"), ("F/C=C/F", "F/C=C\\F"), ("CCCC=C", "CCC=CC"), ("CC[O-]", "CCO")],
)
def test_stereochemistry_and_charges_are_seen(one, other):
    encoder = build("graph", "product")
    vectors = encoder(*encoder.inputs([one, other]))
    assert not torch.allclose(vectors[0], vectors[1], atol=1e-5)


def test_graphs_have_every_atom_and_bond():
    atoms, atom_counts, bonds, bond_counts = molecular_graphs(["CCO", "C", "c1ccccc1"])
    assert atom_counts.tolist() == [3, 1, 6] and bond_counts.tolist() == [2, 0, 6]
    assert atoms[0, :, 0].tolist()[:3] == [6, 6, 8] and atoms.shape[:2] == (3, 6)
    assert bonds[0, :2, :3].tolist() == [[0, 1, 0], [1, 2, 0]]
    assert set(bonds[2, :, 2].tolist()) == {3}
