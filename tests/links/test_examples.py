from __future__ import annotations

import pytest
import torch

from rrgraph.links.examples import ExampleBatches, NodeInputs, split_distinct


@pytest.mark.parametrize("sizes", [[4, 4, 3], [1, 9, 1], [11]])
def test_the_distinct_nodes_of_each_batch_are_found_among_those_of_all(sizes):
    draw = torch.Generator().manual_seed(len(sizes))
    lengths = torch.randint(1, 6, (30,), generator=draw)
    elements = (torch.arange(1, 6) * (torch.arange(1, 6) <= lengths[:, None])).long()
    inputs = NodeInputs(elements, torch.rand(30, 5, generator=draw), torch.device("cpu"))
    nodes = torch.randint(30, (11, 3), generator=draw)
    batch = torch.repeat_interleave(torch.arange(len(sizes)), torch.tensor(sizes))
    found, index, table = inputs.distinct(nodes, batch, len(sizes))
    parts = list(split_distinct(found, index, table.tolist(), sizes))
    assert len(parts) == len(sizes)
    for own, part in zip(torch.split(nodes, sizes), parts, strict=True):
        assert torch.equal(part.nodes.sort().values, own.unique())
        assert torch.equal(part.nodes[part.index], own)
        assert (lengths[part.nodes].diff() >= 0).all()
        groups = torch.split(part.nodes, [size for size, _ in part.groups])
        assert [int(lengths[group].max()) for group in groups] == [used for _, used in part.groups]
        widths = inputs.encode(lambda given, _: given.new_full((len(given),), given.shape[1]), part)
        assert widths.tolist() == [used for size, used in part.groups for _ in range(size)]


def test_batches_are_prepared_together_and_each_group_has_its_seed(monkeypatch):
    monkeypatch.setattr("rrgraph.links.examples._BATCHES", 2)
    edges, calls = torch.arange(22).view(2, 11), []

    def prepare(links, sizes, seed):
        calls.append((tuple(sizes), seed))
        return list(torch.split(links, list(sizes), dim=1))

    batches = ExampleBatches(edges, [3, 3, 3, 2], torch.Generator().manual_seed(0), prepare)
    assert len(batches) == 4
    assert torch.equal(torch.cat(list(batches), dim=1), edges)
    assert [sizes for sizes, _ in calls] == [(3, 3), (3, 2)]
    assert calls[0][1] != calls[1][1]
    assert torch.equal(batches[2], edges[:, 6:9])  # as a resumed run asks for it
    batches[0]
    assert calls[2] == calls[0]
    with pytest.raises(IndexError):
        batches[4]
