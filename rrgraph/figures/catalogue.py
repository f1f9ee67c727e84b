"""The registered figures with their captions, and functions that draw and write them."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from rrgraph.figures.maps import collect_precursor_maps, collect_target_maps, draw_precursor_maps, draw_target_maps
from rrgraph.figures.pairs import collect_pairs, draw_pairs
from rrgraph.figures.probabilities import collect_diversity, collect_probabilities, draw_diversity, draw_probabilities
from rrgraph.figures.reliability import collect_reliability, draw_reliability
from rrgraph.figures.series import FigureOptions, Series
from rrgraph.figures.subgroups import collect_subgroups, draw_subgroups
from rrgraph.figures.top_k import collect_top_k, draw_top_k
from rrgraph.util.figure_style import same_looks, save
from rrgraph.util.registry import Registry

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["FIGURES", "Drawn", "FigureSpec", "draw_figures", "write_figures"]


@dataclass(frozen=True)
class FigureSpec:
    """A registered figure.

    Attributes:
        title: a few words.
        caption: what is shown and how to read it.
        needs: what it needs of the series, in words.
        collect: return the data, empty if the series lack them.
        draw: return the figure of the data.
    """

    title: str
    caption: str
    needs: str
    collect: Callable[[Sequence[Series], FigureOptions], Sequence[Any]]
    draw: Callable[..., Figure]


@dataclass(frozen=True, eq=False)
class Drawn:
    """A figure by name, None if the series lack what it needs."""

    name: str
    entry: FigureSpec
    figure: Figure | None


FIGURES: Final[Registry[FigureSpec]] = Registry("figure")
"""Every figure by the name of its file and of `rrgraph figures --only`."""


_ORDER: Final = (
    "top_k",
    "by_year",
    "by_anion_class",
    "by_source_elements",
    "reliability",
    "link_probabilities",
    "distinct_sets",
    "target_embeddings",
    "precursors_of_target",
    "precursor_pairs",
)
"""From results to explanations; figures registered elsewhere follow."""


def draw_figures(series: Sequence[Series], options: FigureOptions, *, only: Sequence[str] = ()) -> Iterator[Drawn]:
    """Yield the figures of some series in the order given by `only`, all of them by default.

    Raises:
        ConfigError: there is no figure of that name, matplotlib is not installed, or a run cannot be read.
    """
    entries = {name: FIGURES[name] for name in dict.fromkeys(only or [*_ORDER, *FIGURES])}
    for name, entry in entries.items():
        data = entry.collect(series, options)
        with same_looks([each.label for each in series]):
            figure = entry.draw(data) if data else None
        yield Drawn(name, entry, figure)


def write_figures(
    series: Sequence[Series], folder: str | os.PathLike[str], options: FigureOptions, *, only: Sequence[str] = ()
) -> Iterator[tuple[Drawn, tuple[Path, ...]]]:
    """Draw figures into a folder as SVG and PNG, and yield each with its files as soon as they are written.

    Errors are those of `draw_figures`.
    """
    for drawn in draw_figures(series, options, only=only):
        yield drawn, () if drawn.figure is None else save(drawn.figure, folder, drawn.name)


_MEASURED: Final = "a run evaluated on this subset"
_MODEL: Final = "a run with a trained model and rows in this subset"
_REFITTABLE: Final = "a run with a trained model, or of a baseline that can be refitted, and rows in this subset"
_REFITTED: Final = "Baselines are not saved and were refitted to the same rows with the same seed."
_INTERVAL: Final = (
    "Bars are 95 % bootstrap intervals over targets; for several seeds, means of values and interval ends are shown."
)


def _register(name: str, *entries: Any) -> None:
    FIGURES.register(name)(FigureSpec(*entries))


_register(
    "top_k",
    "Top-K accuracy",
    "Share of rows whose recorded precursor set is among the first K sets of a system (Retro-Rank-In figure 3). "
    "Bands are 95 % bootstrap intervals over targets, omitted in panels with more than five systems. Systems with "
    "marks only at 1, 3, 5 and 10 have no ranks of individual rows.",
    _MEASURED,
    collect_top_k,
    draw_top_k,
)
_register(
    "target_embeddings",
    "Where in composition space targets are difficult",
    "First two principal components of the model's embeddings of the evaluated targets, coloured by the rank of the "
    "recorded set: warm colours for the top ranks, dark blue where it is not among the first 10 (Retro-Rank-In figure "
    "6).",
    _MODEL,
    collect_target_maps,
    draw_target_maps,
)
_register(
    "precursor_pairs",
    "Which precursors are used together",
    "Every pair of precursors used together in a training reaction, by the logarithm of how much more often that "
    "happens than if the two were independent; below, the number of distinct reactions with the same pair "
    "(Retro-Rank-In figure 7). The strongest correlations belong to rare pairs.",
    "a run whose training rows can be read",
    collect_pairs,
    draw_pairs,
)
_register(
    "distinct_sets",
    "Diversity of proposals",
    "Number of distinct precursor sets among the first 50 and 100 proposed for all targets (Retro-Rank-In figure 8), "
    "with the number proposed. Where few sets are valid, lists are shorter than K; a system that proposes whole sets "
    f"stops when it has no more. {_REFITTED}",
    _REFITTABLE,
    collect_diversity,
    draw_diversity,
)
_register(
    "precursors_of_target",
    "Precursors around a target",
    "First two principal components of the model's embeddings of one target and all candidate precursors; the opacity "
    "of a cross is the probability of the link, and the most probable precursors are named (Retro-Rank-In figure 9). "
    "Baselines have no embeddings of precursors: those that give link probabilities are shown on the map of the first "
    f"trained model of their split. {_REFITTED}",
    _MODEL,
    collect_precursor_maps,
    draw_precursor_maps,
)
_register(
    "link_probabilities",
    "How confident a model is of links",
    "Distribution of the 60 highest link probabilities of each target (Retro-Rank-In figure 10). The vertical axis is "
    "logarithmic. Systems that propose whole sets (retrieval, templates, generation) give no link probabilities and "
    f"are omitted. {_REFITTED}",
    _REFITTABLE,
    collect_probabilities,
    draw_probabilities,
)
_register(
    "reliability",
    "Are probabilities calibrated?",
    "How often the first set of a row is the recorded one, by the probability the system gave it, in ten bins; on the "
    "dashed line, sets with a probability of 80 % are recorded eight times in ten. Bars are 95 % Wilson intervals. "
    "Steps show the number of rows in each bin (all seeds together) below the diagram or, if each system has its own "
    "panel, their share within it.",
    "a system that gives probabilities and was evaluated on this subset",
    collect_reliability,
    draw_reliability,
)
for _by, _words in (
    ("year", "year of publication"),
    ("anion_class", "chemical family of the target"),
    ("source_elements", "number of elements that precursors must supply"),
):
    _register(
        f"by_{_by}",
        f"Accuracy by {_words}",
        f"Share of rows whose recorded set is the first, or among the first ten, by {_words}; the number of rows is "
        f"given below each subgroup. Subgroups of fewer than five rows are omitted. {_INTERVAL}",
        f"a run evaluated on this subset by {_by}",
        partial(collect_subgroups, by=_by),
        draw_subgroups,
    )
