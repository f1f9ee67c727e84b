import pytest
import torch

from rrgraph.errors import ConfigError
from rrgraph.nn import RetrievalIndex


def vectors(number, width=8, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return torch.nn.functional.normalize(torch.randn(number, width, generator=generator), dim=1)


def naive(queries, bank, count):
    return [sorted(range(len(bank)), key=lambda place: -float(query @ bank[place]))[:count] for query in queries]


@pytest.mark.parametrize("size", [10, 10_000])
def test_an_exact_search_is_that_of_a_sort(size, monkeypatch):
    monkeypatch.setattr("rrgraph.nn.retrieval_index._SCORES_IN_BATCH", size)
    bank, queries = vectors(30), vectors(7, seed=1)
    scores, found = RetrievalIndex(bank).search(queries, 5)
    assert found.tolist() == naive(queries, bank, 5)
    torch.testing.assert_close(scores, torch.gather(queries @ bank.T, 1, found))


def test_there_are_no_more_candidates_than_the_bank_has():
    assert RetrievalIndex(vectors(3)).search(vectors(2), 10)[1].shape == (2, 3)


def test_candidates_that_are_not_allowed_are_left_out():
    bank, queries = vectors(12), vectors(4, seed=1)
    allowed = torch.rand(4, 12, generator=torch.Generator().manual_seed(2)) < 0.5
    scores, found = RetrievalIndex(bank).search(queries, 12, allowed=allowed)
    for row in range(4):
        listed = found[row][scores[row] > -torch.inf].tolist()
        assert sorted(listed) == allowed[row].nonzero().flatten().tolist()


def test_the_partition_function_is_that_of_a_softmax():
    bank, queries = vectors(12), vectors(4, seed=1)
    allowed = torch.ones(4, 12, dtype=torch.bool)
    allowed[:, 3] = False
    total = RetrievalIndex(bank).log_partition(queries, temperature=0.1, allowed=allowed)
    kept = bank[[place for place in range(12) if place != 3]]
    torch.testing.assert_close(total[:, 0], (queries @ kept.T / 0.1).exp().sum(1).log())


class TestLargeBanks:
    @pytest.fixture(autouse=True)
    def faiss(self):
        pytest.importorskip("faiss", reason="needs the extra 'retrieval'")

    def test_nearly_all_of_the_best_are_found(self):
        bank, queries = vectors(3000), vectors(40, seed=1)
        exact = RetrievalIndex(bank).search(queries, 10)[1]
        near = RetrievalIndex(bank, exact_limit=100).search(queries, 10)[1]
        shared = sum(len(set(a) & set(b)) for a, b in zip(exact.tolist(), near.tolist(), strict=True))
        assert shared >= 0.95 * exact.numel()

    def test_leaving_some_out_is_refused(self):
        bank = RetrievalIndex(vectors(200), exact_limit=100)
        with pytest.raises(ConfigError, match="too large to leave some out"):
            bank.search(vectors(2), 3, allowed=torch.ones(2, 200, dtype=torch.bool))


def test_faiss_is_asked_for_by_name(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "faiss", None)
    with pytest.raises(ConfigError, match=r"rrgraph\[retrieval\]"):
        RetrievalIndex(vectors(200), exact_limit=100)
