"""The card of a pretrained encoder: what it was trained on, how well it does, and what it cannot know."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rrgraph.properties.pretraining.config import PretrainConfig
from rrgraph.properties.tables.table import PropertyTable
from rrgraph.util.markdown import markdown_text
from rrgraph.version import __version__

if TYPE_CHECKING:
    from rrgraph.properties.pretraining.measure import EncoderMetrics

__all__ = ["encoder_card"]

_LIMITS = """\
- It sees a composition, not a structure: polymorphs share one prediction, that of the ground state where it is known.
- Labels are computed (density functional theory at 0 K), with the errors of their functionals and corrections.
- Uncertainties were calibrated on validation compositions; unusual chemistry can be further off than they say.
"""


def encoder_card(config: PretrainConfig, table: PropertyTable, metrics: EncoderMetrics) -> str:
    """Return the card as Markdown."""
    from rrgraph.properties.pretraining.scores import comparison_table

    withheld = ", ".join(map(markdown_text, config.data.withhold)) or "none"
    lines = [
        f"# Encoder card: {markdown_text(config.name)}\n",
        f"Composition encoder of rrgraph {__version__} with heads for {len(table.tasks)} properties, width "
        f"{config.model.width}, {config.model.layers} layers, seed {config.seed}.\n",
        f"## Data\n\n{len(table):,} compositions. Labels by task and part:\n",
        "| task | training | validation | test | withheld |\n|---|---:|---:|---:|---:|",
        *(
            f"| {markdown_text(task)} | {parts['train']:,} | {parts['validation']:,} | {parts['test']:,} "
            f"| {table.report.withheld.get(task, 0):,} |"
            for task, parts in table.report.labels.items()
        ),
        f"\nTest compositions of these have no training label in any property of the same family: {withheld}.\n",
        "## Mean absolute errors on the test parts\n",
        comparison_table(metrics.properties),
        "The same over test compositions without a training label in any task:\n",
        comparison_table(metrics.unlabelled),
        "## Uncertainties: share of test errors within one and two standard deviations, in %\n",
        coverage_table(metrics),
        "## Classes and hidden elements: accuracy in %, 95 % interval\n",
        accuracy_table(metrics),
        f"## Limits\n\n{_LIMITS}",
    ]
    return "\n".join(lines)


def coverage_table(metrics: EncoderMetrics) -> str:
    """Return how often test errors lie within one and two standard deviations, as a Markdown table."""
    lines = ["| task | within one | within two |", "|---|---:|---:|"]
    for item in metrics.properties:
        if (uncertainty := item.score.uncertainty) is not None:
            lines.append(f"| {markdown_text(item.score.task)} | {uncertainty.within_one} | {uncertainty.within_two} |")
    return "\n".join(lines) + "\n"


def accuracy_table(metrics: EncoderMetrics) -> str:
    """Return the accuracies as a Markdown table; hidden fractions below it."""
    lines = ["| task | system | top-1 | top-5 | rows |", "|---|---|---:|---:|---:|"]
    for task, systems in [*metrics.classes.items(), ("hidden element", metrics.hidden_elements)]:
        for system, top in systems.items():
            lines.append(f"| {markdown_text(task)} | {system} | {top.top[1]} | {top.top[5]} | {top.rows:,} |")
    text = "\n".join(lines) + "\n"
    if metrics.hidden_fractions:
        errors = ", ".join(f"{error:.3f} ({system})" for system, error in metrics.hidden_fractions.items())
        text += f"\nMean absolute error of how two hidden fractions share their sum: {errors}.\n"
    return text
