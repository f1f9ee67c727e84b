"""The model card: what a model was trained on, how well it does, and what it cannot know."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rrgraph import __version__
from rrgraph.data import Split
from rrgraph.runs.config import RunConfig
from rrgraph.runs.prepare import Prepared

if TYPE_CHECKING:
    from rrgraph.runs.measure import Comparison

__all__ = ["comparison_table", "model_card"]

_LIMITS = """\
- It ranks what the literature tends to do. A high rank is not evidence that a synthesis works, and failed syntheses
  are not in the data.
- Temperatures, times, atmospheres, polymorphs and particle sizes are not considered; a composition is all it sees.
- Recorded sets extracted from text by machine contain errors.
- Precursors never seen in training are judged by their composition alone, and less reliably.
- Link probabilities are relative to the negatives of training; compare them within one target.
"""


def model_card(config: RunConfig, prepared: Prepared, comparison: Comparison) -> str:
    """Return the card as Markdown."""
    split, graph = prepared.split, prepared.graph
    measured = comparison_table(comparison) or _unmeasured(split)
    return f"""\
# Model card: {config.name}

Link model of rrgraph {__version__}: a composition encoder and the `{config.model.decoder}` decoder
{"with" if config.model.statistics else "without"} link statistics, seed {config.seed}.

## Data

Table `{config.data.table}`, split `{config.data.split}`: {len(split.train)} training,
{len(split.validation)} validation and {len(split.test)} test rows.
Distinct training targets: {len(graph.targets)}; precursors: {len(prepared.seen)}.
{_licence(config.data.table)}

## Metrics

{measured}
## Limits

{_LIMITS}"""


def comparison_table(comparison: Comparison) -> str:
    """Return accuracies in %, with 95 % intervals, as a Markdown table; empty when nothing was measured."""
    lines: list[str] = []
    for part, protocols in comparison.items():
        for protocol, systems in protocols.items():
            for system, metrics in systems.items():
                shares = " | ".join(str(interval) for interval in metrics.overall.top.values())
                lines.append(f"| {part} | {protocol} | {system} | {shares} | {metrics.overall.rows} |")
    if not lines:
        return ""
    header = "| part | protocol | system | top-1 | top-3 | top-5 | top-10 | rows |\n|---|---|---|---|---|---|---|---|\n"
    return header + "\n".join(lines) + "\n"


def _unmeasured(split: Split) -> str:
    if len(split.validation) or len(split.test):
        return "Not measured: evaluation.parts names no part of the split that has rows.\n"
    return "Every row was used for training, so nothing is left to measure it on.\n"


def _licence(table: str) -> str:
    return {
        "textbook": "Written for rrgraph from general chemical knowledge; MIT licence.",
        "text_mined": "Text-mined by Kononova et al. 2019 and He et al. 2023; CC BY 4.0.",
    }.get(table, "See the source of the table for its licence.")
