import pytest
import torch

pytest.importorskip("rdchiral", reason="needs the extra 'organic'")

from rrgraph.organic import SiteConfig, SiteEncoder, build_template_graph, match_templates
from rrgraph.organic.sites.model import log_partition
from rrgraph.organic.sites.outcomes import site_outcomes, without_stereo
from rrgraph.organic.sites.recorded import recorded_sites
from rrgraph.organic.sites.sites import POSITIONS, SitePatterns

METHYL_ETHER = "[OH;D1;+0:1]>>C-[O;H0;D2;+0:1]"
ALLYL_ETHER = "[OH;D1;+0:1]>>C=C-C-[O;H0;D2;+0:1]"
REDUCTION = "[CH2;D2;+0:2]-[OH;D1;+0:1]>>[CH;D2;+0:2]=[O;H0;D1;+0:1]"
COUPLING = "[c;H0;D3;+0:1]-[c;H0;D3;+0:2]>>Br-[c;H0;D3;+0:1].O-B(-O)-[c;H0;D3;+0:2]"
TEMPLATES = (METHYL_ETHER, REDUCTION, ALLYL_ETHER, COUPLING, "(((")
PRODUCTS = ("OCCC(C)O", "CCO", "Cc1ccc(-c2ccccc2)cc1", "CC")


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


def test_every_match_of_a_pattern_is_a_site():
    patterns = SitePatterns(TEMPLATES)
    assert patterns.pattern.tolist() == [0, 1, 0, 2, 3]
    sites = patterns.find(PRODUCTS)
    assert sites.atoms.shape[1] == POSITIONS
    found = {
        (owner, pattern, tuple(atom for atom in atoms if atom >= 0))
        for owner, pattern, atoms in zip(
            sites.owner.tolist(), sites.pattern.tolist(), sites.atoms.tolist(), strict=True
        )
    }
    assert found == {
        (0, 0, (0,)),
        (0, 0, (5,)),
        (0, 1, (1, 0)),
        (1, 0, (2,)),
        (1, 1, (1, 2)),
        (2, 2, (4, 5)),
        (2, 2, (5, 4)),
    }


def test_pairs_are_what_matching_finds():
    patterns = SitePatterns(TEMPLATES)
    sites = patterns.find(PRODUCTS)
    site, template = patterns.pairs(sites)
    found = {(sites.owner[one].item(), other) for one, other in zip(site.tolist(), template.tolist(), strict=True)}
    assert found == set(map(tuple, match_templates(PRODUCTS, TEMPLATES).T.tolist()))
    assert len(site) == 3 * 2 + 2 + 2


def test_sites_of_some_products():
    patterns = SitePatterns(TEMPLATES)
    everything = patterns.find(PRODUCTS)
    for order in ([2, 0], [3], [3, 1, 3]):
        some, chosen = everything.select(torch.tensor(order))
        alone = patterns.find([PRODUCTS[product] for product in order])
        for each, other in ((some.atoms, alone.atoms), (some.pattern, alone.pattern), (some.offsets, alone.offsets)):
            assert torch.equal(each, other)
        assert torch.equal(everything.atoms[chosen], some.atoms)


def test_batches_of_products_are_joined_in_order():
    products = [*PRODUCTS, *(f"{'C' * one}C(O){'C' * other}" for one in range(1, 18) for other in range(1, 18))]
    patterns = SitePatterns(TEMPLATES)
    sites = patterns.find(products)
    for place in (0, 249, 250, len(products) - 1):
        own, _ = sites.select(torch.tensor([place]))
        assert torch.equal(own.atoms, patterns.find([products[place]]).atoms)


def test_outcomes_are_told_apart_by_their_sites():
    found = dict(site_outcomes(METHYL_ETHER, "OCCC(C)O"))
    assert {outcome: site[0] for outcome, site in found.items()} == {"COCCC(C)O": 0, "COC(C)CCO": 5}
    ends = dict(site_outcomes(COUPLING, PRODUCTS[2]))
    assert {site[:2] for site in ends.values()} == {(4, 5), (5, 4)}
    assert len(ends) == 2


def test_a_template_that_cannot_be_read_gives_nothing():
    assert list(site_outcomes("(((", "CCO")) == []


def test_outcomes_have_no_stereochemistry():
    assert without_stereo("C[C@H](O)F.F/C=C/F") == without_stereo("CC(O)F.FC=CF")


def test_recorded_sites_are_those_that_give_the_recorded_reactants(split):
    train = split["train"]
    graph = build_template_graph(train)
    recorded = recorded_sites(graph, train)
    patterns = SitePatterns(graph.templates)
    site, template = patterns.pairs(recorded.sites)
    known = recorded.contains(site, template)
    owner = recorded.sites.owner
    by_product = {}
    for product, reactants, text in zip(train.products, train.reactants, train.templates, strict=True):
        by_product.setdefault(product, set()).add((without_stereo(reactants), text))
    for node, text in enumerate(graph.products):
        expected = {
            (outcome, at)
            for wanted, rule in by_product[text]
            for outcome, at in site_outcomes(rule, text)
            if outcome == wanted
        }
        chosen = known & (owner[site] == node)
        assert {tuple(recorded.sites.atoms[one].tolist()) for one in site[chosen].tolist()} == {
            at for _, at in expected
        }
    again = recorded_sites(graph, train)
    assert torch.equal(again.keys, recorded.keys) and torch.equal(again.sites.atoms, recorded.sites.atoms)


def test_the_two_ends_of_a_bond_have_vectors_of_their_own():
    torch.manual_seed(0)
    encoder = SiteEncoder(SiteConfig(enabled=True, hidden=16, layers=4), width=8).eval()
    sites = SitePatterns([COUPLING]).find([PRODUCTS[2]])
    vectors = encoder(encoder.inputs([PRODUCTS[2]]), sites)
    assert vectors.shape == (2, 8) and not torch.allclose(vectors[0], vectors[1])


def test_a_site_does_not_depend_on_other_products():
    torch.manual_seed(0)
    encoder, patterns = (
        SiteEncoder(SiteConfig(enabled=True, hidden=16, layers=2), width=8).eval(),
        SitePatterns(TEMPLATES),
    )
    together = encoder(encoder.inputs(PRODUCTS), patterns.find(PRODUCTS))
    alone = [encoder(encoder.inputs([product]), patterns.find([product])) for product in PRODUCTS]
    torch.testing.assert_close(torch.cat(alone), together, atol=1e-5, rtol=1e-4)


def test_log_partition_is_logsumexp_of_each_owner():
    generator = torch.Generator().manual_seed(0)
    scores = (20 * torch.randn(30, generator=generator)).requires_grad_()
    owner = torch.randint(5, (30,), generator=generator)
    found = log_partition(scores, owner, 6)
    expected = [torch.logsumexp(scores[owner == each], 0) for each in range(5)]
    torch.testing.assert_close(found[:5], torch.stack(expected))
    assert found[5] == -torch.inf
    found[:5].sum().backward()
    torch.testing.assert_close(scores.grad, (scores - torch.stack(expected)[owner]).exp().detach())
