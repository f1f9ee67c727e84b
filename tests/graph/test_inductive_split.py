from __future__ import annotations

import math
from collections import Counter

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch_geometric.transforms import Compose, ToUndirected

from rrgraph.chem import element_system, parse_formula
from rrgraph.data import SPLITS, TEST
from rrgraph.data.splitting import undivided
from rrgraph.data.subsets import NO_SUBSET
from rrgraph.errors import ConfigError, DataError
from rrgraph.graph import EDGE, REVERSE_EDGE, InductiveSplit, ReactionGraph, build_graph

TARGETS = ["LiCoO2", "Li2CoO3", "BaTiO3", "Ba2TiO4", "LaMnO3", "CuInSe2", "Mg2Si", "SrTiO3", "Y2O3"]
PRECURSORS = ["Li2CO3", "LiOH", "Co3O4", "BaCO3", "TiO2", "La2O3", "MnO2", "Cu"]

row = st.tuples(
    st.sampled_from(TARGETS),
    st.sets(st.sampled_from(PRECURSORS), min_size=1, max_size=3),
    st.sampled_from([1999, 2010, 2014, 2015, 2020, None]),
)
rows_of_tables = st.lists(row, min_size=1, max_size=25)
TOGETHER = {"target": lambda formula: parse_formula(formula).key, "system": lambda f: element_system(parse_formula(f))}


def key(formula: str) -> str:
    return parse_formula(formula).key


def make_graph(make_table, rows) -> ReactionGraph:
    table = make_table([(target, ";".join(sorted(used))) for target, used, _ in rows], year=[year for *_, year in rows])
    return build_graph(table, extra_precursors=[parse_formula("CrB")])


@given(
    rows_of_tables, st.sampled_from(["nms", "dr", "cra", "random"]), st.sampled_from(["target", "system"]), st.data()
)
def test_parts_are_the_reactions_of_targets_that_no_other_part_knows(make_table, rows, split, together, draw):
    """Each part, read back from its tensors, is what a naive look at the rows expects."""
    graph, seed = make_graph(make_table, rows), draw.draw(st.integers(0, 9))
    if split != "random" and not any(year for *_, year in rows):
        with pytest.raises(DataError, match="needs years, and the graph has none"):
            InductiveSplit(split)(graph.named())
        return
    parts = InductiveSplit(split, together=together, seed=seed, validation_fraction=0.4)(graph.named())
    read = [ReactionGraph.from_data(part) for part in parts]  # checks edges, mirror images and counts
    unit = TOGETHER[together]
    units = [{unit(formula) for formula in part["target"].formula} for part in parts]
    assert sum(map(len, units)) == len(set.union(*units))
    earliest: dict[str, float] = {}
    for target, _, year in rows:
        earliest[unit(target)] = min(earliest.get(unit(target), math.inf), year or math.inf)
    for part, mine, own in zip(parts, read, units, strict=True):
        inside = [(target, used, year) for target, used, year in rows if unit(target) in own]
        # All rows of a target, or none.
        expected = Counter((key(target), frozenset(map(key, used))) for target, used, _ in inside)
        found = {
            (mine.targets[target].key, frozenset(mine.precursors[member].key for member in members)): count
            for target, members, count in mine.recorded_sets()
        }
        assert found == expected
        if split != "random":
            assert all((earliest[each] > 2014) == (part is parts[2]) and earliest[each] < math.inf for each in own)
        assert part["target"].num_nodes == len({target for target, _ in expected})
        assert torch.equal(part["target"].fractions.sum(1).round(), torch.ones(len(mine.targets)))
        if "set_year" in part:
            years = {}
            for target, used, year in inside:
                reaction = key(target), frozenset(map(key, used))
                years[reaction] = min(years.get(reaction, math.inf), year or math.inf)
            assert part.set_year.nan_to_num(math.inf).tolist() == [years[each] for each in found]
    if split == "random":
        assert sum(map(len, units)) == len({unit(target) for target, *_ in rows})
    # Training knows its own precursors and those that nothing uses; the others add theirs behind.
    names = [[precursor.key for precursor in mine.precursors] for mine in read]
    used = {key(each) for target, members, _ in rows if unit(target) in units[0] for each in members}
    assert set(names[0]) == used | {key("CrB")}
    assert names[2][: len(names[1])] == names[1] and names[1][: len(names[0])] == names[0]
    assert all(len(set(each)) == len(each) for each in names)


def test_a_part_is_the_graph_of_its_rows(small_table):
    """But for precursors that come in another order."""
    data = build_graph(small_table).named()
    for part in InductiveSplit("random", validation_fraction=0.5, seed=1)(data):
        targets = {key(formula) for formula in part["target"].formula}
        rows = small_table.select([target in targets for target in small_table.target_keys])
        alone = build_graph(rows, extra_precursors=ReactionGraph.from_data(part).precursors)
        place = torch.tensor([alone.precursor_index[key(formula)] for formula in part["precursor"].formula])
        assert torch.equal(alone.data["precursor"].fractions[place][:, :3], part["precursor"].fractions[:, :3])
        ends = torch.stack([part[EDGE].edge_index[0], place[part[EDGE].edge_index[1]]])
        assert sorted(ends.t().tolist()) == sorted(alone.data[EDGE].edge_index.t().tolist())
        assert (part[EDGE].edge_index[0] * 1000 + part[EDGE].edge_index[1]).diff().gt(0).all()
        assert torch.equal(alone.data.set_target, part.set_target)
        assert torch.equal(alone.data.set_offsets, part.set_offsets)
        assert torch.equal(alone.data.set_count, part.set_count)


def test_columns_of_nodes_edges_and_sets_stay_with_theirs(small_table):
    data = build_graph(small_table).named()
    data["target"].x = data["target"].fractions.max(1, keepdim=True).values
    data["precursor"].name = [formula.lower() for formula in data["precursor"].formula]
    data[EDGE].weight = data[EDGE].edge_index[0] * 100.0
    data.set_length = data.set_offsets.diff()
    data.title = "mine"
    before = data.clone()
    for part in Compose([InductiveSplit("random", validation_fraction=0.5)])(data):
        assert torch.equal(part["target"].x, part["target"].fractions.max(1, keepdim=True).values)
        assert part["precursor"].name == [formula.lower() for formula in part["precursor"].formula]
        origin = torch.tensor([data["target"].formula.index(formula) for formula in part["target"].formula])
        assert torch.equal(part[EDGE].weight, origin[part[EDGE].edge_index[0]] * 100.0)
        assert torch.equal(part.set_length, part.set_offsets.diff())
        assert part.title == "mine"
    assert torch.equal(before[REVERSE_EDGE].edge_index, data[REVERSE_EDGE].edge_index)


def test_the_same_arguments_give_the_same_parts(small_table):
    data = build_graph(small_table).named()
    first, second = (InductiveSplit("random", seed=3)(data)[0]["target"].formula for _ in range(2))
    assert first == second
    assert repr(InductiveSplit("random", seed=3)) == (
        "InductiveSplit('random', together='target', seed=3, year=2014, validation_fraction=0.2)"
    )


def test_a_split_that_tears_targets_apart_is_refused(small_table, monkeypatch):
    """The splits of this package keep the rows of a group together; one of somebody else may not."""

    def every_second(table, options):
        divided = undivided(table)
        divided.labels[::2] = TEST
        return divided

    def without_the_first(table, options):
        divided = undivided(table)
        divided.labels[0] = NO_SUBSET
        return divided

    data = build_graph(small_table).named()
    monkeypatch.setitem(SPLITS._entries, "torn", every_second)
    with pytest.raises(DataError, match="The split 'torn' leaves 1 targets in both train and test"):
        InductiveSplit("torn")(data)
    monkeypatch.setitem(SPLITS._entries, "torn", without_the_first)
    with pytest.raises(DataError, match="leaves out a part of the recorded sets of a target"):
        InductiveSplit("torn")(data)


def test_what_cannot_be_divided_is_refused(small_table):
    data = build_graph(small_table).named()
    with pytest.raises(ConfigError, match="Did you mean 'random'"):
        InductiveSplit("randm")(data)
    with pytest.raises(ConfigError, match="together"):
        InductiveSplit(together="systems")
    with pytest.raises(DataError, match="have no formulas"):
        InductiveSplit("random")(build_graph(small_table).data)
    with pytest.raises(DataError, match="needs years, and the graph has none"):
        InductiveSplit()(data)
    data["precursor", "beside", "precursor"].edge_index = torch.zeros(2, 1, dtype=torch.int64)
    with pytest.raises(DataError, match="may tell of test targets"):
        InductiveSplit("random")(data)
    assert ToUndirected()(data) is not None
