"""Metrics of single-step retrosynthesis, for people."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from rrgraph.cli.common.show import show_table

if TYPE_CHECKING:
    from rrgraph.organic import TemplateMetrics

__all__ = ["show_reactions"]


def show_reactions(systems: Mapping[str, TemplateMetrics], *, title: str) -> None:
    """Print the accuracies of systems on the same rows, in % with 95 % intervals."""
    from rrgraph.organic.run import frequency_table, reactant_table

    print(f"{title}: accuracy in % [95 % interval over products]")
    header, rows = reactant_table(systems)
    show_table(header, rows, numbers=header[1:])
    header, rows = frequency_table(systems)
    show_table(header, rows, numbers=header[1:], title="\nreactants, by training rows of the recorded template")
    for name, metrics in systems.items():
        applicable = ", ".join(f"{100 * share:.1f} % of the first {k}" for k, share in metrics.applicable.items())
        print(f"\n{name}: templates that apply: {applicable}; {metrics.sets:.1f} sets a product")
        print(f"  {100 * metrics.other_template:.1f} % of the hits in the first 10 come by another template")
        for k, lead in metrics.lead.items():
            if k in (1, 10):
                print(f"  lead of the model at top-{k} in points: {lead}")
