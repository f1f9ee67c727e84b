"""At the bench: what is in stock, what to weigh out, what to watch; no model and no torch.

`handling_notes` and `set_notes` say what to know of a material and of a precursor set, `weigh_out` what to weigh for a
`Batch`, `read_stock` what is at hand. A `PlannedSet` offers the same of its set: `handling`, `weigh_out`, `grams`.
"""

from rrgraph.lab.compatibility import incompatibility
from rrgraph.lab.furnace import VOLATILE_ELEMENTS, Evaporation
from rrgraph.lab.handling import handling_notes, mixing_notes, set_notes
from rrgraph.lab.notes import DISCLAIMER, HandlingNote, Hazard
from rrgraph.lab.stock import Stock, StockItem, read_candidates, read_materials, read_purity, read_stock
from rrgraph.lab.weighing import ANY, Batch, BatchSize, Portion, WeighOut, as_batch, weigh_out

__all__ = [
    "ANY",
    "DISCLAIMER",
    "VOLATILE_ELEMENTS",
    "Batch",
    "BatchSize",
    "Evaporation",
    "HandlingNote",
    "Hazard",
    "Portion",
    "Stock",
    "StockItem",
    "WeighOut",
    "as_batch",
    "handling_notes",
    "incompatibility",
    "mixing_notes",
    "read_candidates",
    "read_materials",
    "read_purity",
    "read_stock",
    "set_notes",
    "weigh_out",
]
