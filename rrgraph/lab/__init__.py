"""At the bench: what is in stock, what to weigh out, what to watch; no model and no torch.

`handling_notes` says what to know of a material, `set_notes` what of mixing and heating a precursor set, `weigh_out`
what to weigh for a `Batch`, `read_stock` what is at hand. A `PlannedSet` offers the same of its set: `handling`,
`weigh_out`, `grams`. `plan_sheet` reads the JSON of a plan for workbooks, pages and Markdown.
"""

from rrgraph.lab.compatibility import incompatibility
from rrgraph.lab.furnace import VOLATILE_ELEMENTS, Evaporation
from rrgraph.lab.handling import handling_notes, set_notes
from rrgraph.lab.markdown import plan_markdown
from rrgraph.lab.notes import DISCLAIMER, HandlingNote, Hazard, merged, summary
from rrgraph.lab.page import formula_html, page_body, page_head, page_tail, plan_page
from rrgraph.lab.sheets import PlanSheet, SheetNote, SheetSet, plan_sheet
from rrgraph.lab.stock import Stock, StockItem, read_candidates, read_materials, read_purity, read_stock
from rrgraph.lab.weighing import ANY, Batch, BatchSize, Portion, WeighOut, as_batch, weigh_out
from rrgraph.lab.workbook import add_plan_sheet, text_cell

__all__ = [
    "ANY",
    "DISCLAIMER",
    "VOLATILE_ELEMENTS",
    "Batch",
    "BatchSize",
    "Evaporation",
    "HandlingNote",
    "Hazard",
    "PlanSheet",
    "Portion",
    "SheetNote",
    "SheetSet",
    "Stock",
    "StockItem",
    "WeighOut",
    "add_plan_sheet",
    "as_batch",
    "formula_html",
    "handling_notes",
    "incompatibility",
    "merged",
    "page_body",
    "page_head",
    "page_tail",
    "plan_markdown",
    "plan_page",
    "plan_sheet",
    "read_candidates",
    "read_materials",
    "read_purity",
    "read_stock",
    "set_notes",
    "summary",
    "text_cell",
    "weigh_out",
]
