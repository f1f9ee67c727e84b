"""The card of a model of products and templates, as Markdown."""

from __future__ import annotations

from collections.abc import Mapping

from rrgraph.organic.evaluation import TemplateMetrics
from rrgraph.organic.run.config import OrganicConfig
from rrgraph.organic.table import TemplateSplit
from rrgraph.util.markdown import markdown_code, markdown_text
from rrgraph.version import __version__

__all__ = ["frequency_table", "organic_card", "reactant_table"]

_MEANING = """\
## What the numbers mean

A set of reactants is found by applying templates, reaction rules taken from the training reactions, to the product.
{probability} Probabilities of sets need not add up to 1.

A high rank says that chemists tended to make such products in such a way. It is no evidence that the reaction works:
conditions, yields and competing groups elsewhere in the molecule are not considered, and patents do not report
failures.
"""

_SYSTEMS = {
    "by_template": "`by_template` keeps the order that templates give to sets. ",
    "popularity": "`popularity` takes the most frequent templates that match. ",
}
"""What systems beside the model are."""


def organic_card(
    config: OrganicConfig, split: TemplateSplit, comparison: Mapping[str, Mapping[str, TemplateMetrics]]
) -> str:
    """Return the card of a run."""
    sections = [
        f"# {markdown_text(config.name)}\n",
        f"Template-based single-step retrosynthesis, rrgraph {__version__}, seed {config.seed}.\n",
        f"## Data\n\n{markdown_code(config.data.table)}, split {config.data.split}: {split}\n",
        _MEANING.format(probability=_probability(config)),
    ]
    for part, systems in comparison.items():
        rows = next(iter(systems.values())).reactants.rows
        sections.append(
            f"## {part.capitalize()}, {rows:,} rows\n\nShare of rows in % whose recorded reactants are among the first "
            "k sets, with 95 % bootstrap intervals over products:\n\n"
            f"{_markdown(*reactant_table(systems))}\n\n{''.join(_SYSTEMS.get(name, '') for name in systems)}"
            "By training rows of the recorded template:\n\n"
            f"{_markdown(*frequency_table(systems))}\n"
        )
    return "\n".join(sections)


def _probability(config: OrganicConfig) -> str:
    if config.reranker.enabled:
        return (
            f"Its probability is that of being the recorded one, by gradient-boosted trees that compare all sets which "
            f"{config.search.templates} templates lead to. They learned from the validation rows; each of these is "
            "scored by trees that have not seen its product."
        )
    sites = config.model.sites.enabled
    where = " at the sites that give it" if sites else ""
    among = ", among the templates whose pattern is in the product" if config.search.applicable or sites else ""
    what = "the best template that leads" if config.search.merge == "best" else "all templates together that lead"
    return f"The probability of a set is that of {what} to it{where}{among}."


def reactant_table(systems: Mapping[str, TemplateMetrics]) -> tuple[list[str], list[list[str]]]:
    """Return header and rows of the accuracies of systems, for people."""
    depths = next(iter(systems.values())).reactants.top
    header = ["", *(f"top-{k}" for k in depths)]
    body = []
    for name, metrics in systems.items():
        body += [
            [f"{name}, reactants", *map(str, metrics.reactants.top.values())],
            [f"{name}, reactants, new reactions", *map(str, metrics.new.top.values())],
            [f"{name}, template", *map(str, metrics.templates.top.values())],
        ]
    return header, body


def frequency_table(systems: Mapping[str, TemplateMetrics]) -> tuple[list[str], list[list[str]]]:
    """Return header and rows of the accuracies by training rows of the recorded template."""
    shown = (1, 10, 50)
    header = ["training rows", "rows", *(f"{name} top-{k}" for name in systems for k in shown)]
    first = next(iter(systems.values())).frequency.accuracy
    body = [
        [
            name,
            str(top.rows),
            *(str(metrics.frequency.accuracy[name].top[k]) for metrics in systems.values() for k in shown),
        ]
        for name, top in first.items()
    ]
    return header, body


def _markdown(header: list[str], rows: list[list[str]]) -> str:
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
