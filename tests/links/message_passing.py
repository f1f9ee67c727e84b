"""A small link model and its targets, which the tests of message passing share."""

from __future__ import annotations

import numpy as np

from rrgraph.chem import parse_formula
from rrgraph.graph import ContextGraph
from rrgraph.links import CONTEXTS, NO_CONTEXT
from rrgraph.models import LinkCheckpoint
from rrgraph.nn import ModelConfig

MODEL = ModelConfig(width=16, layers=1, heads=2, dropout=0.0, decoder_dropout=0.0)
TARGETS = [parse_formula(text) for text in ("LiCoO2", "SrZrO3", "Cr2AlB2")]
PASSING = [name for name in CONTEXTS if name != NO_CONTEXT]


def checkpoint_of(module, table, columns=None):
    """Return the checkpoint of a link model on a table, with the graph of its context if it has one."""
    vocabulary = tuple(table.precursors().values())
    context = ContextGraph.fit(table, vocabulary, columns=columns) if module.uses_context else None
    return LinkCheckpoint(module, vocabulary, np.ones(len(vocabulary), dtype=np.int64), context=context)
