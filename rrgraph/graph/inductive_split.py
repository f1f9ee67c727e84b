"""A transform of PyTorch Geometric that divides a reaction graph by targets, by the splits of reaction tables."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import pandas as pd
import torch
from torch import Tensor
from torch_geometric.data import HeteroData
from torch_geometric.transforms import BaseTransform

from rrgraph.data import ReactionTable, Split, split_table
from rrgraph.errors import DataError, check_choice
from rrgraph.graph.build import EDGE, REVERSE_EDGE, ReactionGraph

__all__ = ["InductiveSplit"]

_TARGET, _, _PRECURSOR = EDGE
_ROW = "row"


class InductiveSplit(BaseTransform):  # type: ignore[misc]  # PyG has no types
    """Divides a reaction graph into training, validation and test graphs that share no target.

    Where PyG's `RandomLinkSplit` hides some links of each target, here a target is in one part with all its links and
    recorded sets, or in none. The rows of a split are the recorded sets of the graph, so `cra` is like `dr`.

    The training graph has the precursors of its own reactions, and those that no reaction of the whole graph uses.
    The validation graph adds those of its reactions, the test graph further ones. A precursor has the same number in
    all three, so that what is known of the training nodes can be used in the others.

    Columns of nodes and edges are kept. Recipes (the column `group` of a table) are not in a graph: divide a table of
    expanded recipes with `split_table`, and build a graph of each part.

    >>> import rrgraph as rr
    >>> train, validation, test = InductiveSplit("random", together="system")(rr.build_graph("textbook"))
    >>> set(train["target"].formula) & set(test["target"].formula)
    set()

    Args:
        split: one of `rrgraph.data.SPLITS`: `nms` and `dr` go by the year, `random` does not.
        together: what is never in two parts: `target`, or element `system` with all its targets.
        seed: of every random choice.
        year: last year before the test targets, for the splits by year; a target, or system, has its earliest year.
        validation_fraction: see `split_table`.
    """

    def __init__(
        self,
        split: str = "nms",
        *,
        together: Literal["target", "system"] = "target",
        seed: int = 0,
        year: int = 2014,
        validation_fraction: float = 0.2,
    ) -> None:
        check_choice("together", together, ("target", "system"))
        self.split = split
        self.together = together
        self.options: dict[str, Any] = {"seed": seed, "year": year, "validation_fraction": validation_fraction}

    def forward(self, data: HeteroData) -> tuple[HeteroData, HeteroData, HeteroData]:
        """Return the training, validation and test graphs of data with formulas, see `rrgraph.build_graph`.

        Raises:
            ConfigError: there is no such split, or an option is out of range.
            DataError: the data is not a reaction graph, has edges that may reveal test targets, or lacks what the split
                needs; or the split has left a target, or system, in two parts.
        """
        others = [edge for edge in data.edge_types if edge not in (EDGE, REVERSE_EDGE)]
        if others:
            raise DataError(
                f"The graph has edges {others[0]}, which may tell of test targets: divide it first, then add them to "
                "each part."
            )
        graph = ReactionGraph.from_data(data)
        table = _table(graph)
        group = table.target_keys if self.together == "target" else table.element_systems
        split = split_table(table.with_columns(group=group), self.split, **self.options)
        self._check_apart(split)
        chosen = [
            torch.tensor(part.frame[_ROW].tolist(), dtype=torch.int64)
            for part in (split.train, split.validation, split.test)
        ]
        train, validation, test = _parts(data, chosen)
        return train, validation, test

    def _check_apart(self, split: Split) -> None:
        kinds = {"targets": "targets"} | ({"element_systems": "element systems"} if self.together == "system" else {})
        for pair, overlaps in split.report.overlaps.items():
            for kind, words in kinds.items():
                if shared := overlaps[kind].shared:
                    raise DataError(
                        f"The split '{self.split}' leaves {shared} {words} in both {pair.replace('/', ' and ')}, so it "
                        "does not keep the rows of a column 'group' together."
                    )

    def __repr__(self) -> str:
        options = ", ".join(f"{name}={value!r}" for name, value in {"together": self.together, **self.options}.items())
        return f"{type(self).__name__}({self.split!r}, {options})"


def _table(graph: ReactionGraph) -> ReactionTable:
    """Return the recorded sets of a graph, one a row, with the number of the set."""
    sets = graph.recorded_sets()
    frame = {
        "target": [graph.targets[target].formula for target, _, _ in sets],
        "precursors": [[graph.precursors[member].formula for member in members] for _, members, _ in sets],
        "count": [count for _, _, count in sets],
        _ROW: range(len(sets)),
    }
    if "set_year" in graph.data:
        frame["year"] = [None if year != year else int(year) for year in graph.data.set_year.tolist()]
    return ReactionTable(pd.DataFrame(frame), source="the graph")


def _parts(data: HeteroData, chosen: Sequence[Tensor]) -> list[HeteroData]:
    """Return the graphs of some recorded sets each, which hold all sets of their targets."""
    number = data[_PRECURSOR].num_nodes
    used = torch.zeros(number, dtype=torch.bool)
    used[data.set_precursor] = True
    precursors = [(~used).nonzero().flatten()]
    found: list[HeteroData] = []
    for sets in chosen:
        kept = torch.zeros(len(data.set_target), dtype=torch.bool)
        kept[sets] = True
        targets = data.set_target[kept].unique()
        if not bool(kept[torch.isin(data.set_target, targets)].all()):
            raise DataError("The split leaves out a part of the recorded sets of a target.")
        members = data.set_precursor[kept.repeat_interleave(data.set_offsets.diff())]
        known = torch.cat(precursors)
        precursors.append(members.unique()[~torch.isin(members.unique(), known)])
        order = torch.cat(precursors)
        if not found:  # the training graph, whose nodes keep their order
            precursors = [order.sort().values]
        found.append(_part(data, kept, {_TARGET: targets, _PRECURSOR: torch.cat(precursors)}))
    return found


def _part(data: HeteroData, kept: Tensor, nodes: dict[str, Tensor]) -> HeteroData:
    """Return the graph of some sets (sets,) bool, with these nodes in this order."""
    part, place = HeteroData(), {}
    for kind, index in nodes.items():
        size = data[kind].num_nodes
        place[kind] = torch.full((size,), -1).index_put((index,), torch.arange(len(index)))
        for name, values in data[kind].items():
            part[kind][name] = len(index) if name == "num_nodes" else _rows(values, index, size)
        part[kind].num_nodes = len(index)
    for edge in data.edge_types:
        ends = torch.stack([place[kind][row] for kind, row in zip(edge[::2], data[edge].edge_index, strict=True)])
        target, precursor = ends if edge == EDGE else ends.flip(0)
        inside = (ends >= 0).all(0).nonzero().flatten()
        order = inside[(target[inside] * len(nodes[_PRECURSOR]) + precursor[inside]).argsort()]
        for name, values in data[edge].items():
            part[edge][name] = ends[:, order] if name == "edge_index" else _rows(values, order, ends.shape[1])
    sizes = data.set_offsets.diff()
    owner = torch.arange(len(sizes)).repeat_interleave(sizes)
    members = place[_PRECURSOR][data.set_precursor]
    order = (owner * data[_PRECURSOR].num_nodes + members).argsort()
    for name, values in data._global_store.items():
        part[name] = _rows(values, kept.nonzero().flatten(), len(sizes)) if name.startswith("set_") else values
    part.set_target = place[_TARGET][data.set_target[kept]]
    part.set_precursor = members[order][kept[owner[order]]]
    part.set_offsets = torch.cat([torch.zeros(1, dtype=torch.int64), sizes[kept].cumsum(0)])
    return part


def _rows(values: Any, index: Tensor, size: int) -> Any:
    """Return the rows of what has one for each of `size` nodes, edges or sets, anything else as it is."""
    if isinstance(values, Tensor):
        return values[index] if values.dim() and len(values) == size else values
    return [values[row] for row in index.tolist()] if isinstance(values, list) and len(values) == size else values
