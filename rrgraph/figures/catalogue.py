"""Every figure by name, and drawing those that are asked for: series flow in, SVG and PNG files flow out."""

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
from rrgraph.figures.series import Series, Wishes
from rrgraph.figures.subgroups import collect_kinds, draw_kinds
from rrgraph.figures.top_k import collect_top_k, draw_top_k
from rrgraph.util.figure_style import same_looks, save
from rrgraph.util.registry import Registry

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["FIGURES", "Drawn", "FigureKind", "draw_figures", "write_figures"]


@dataclass(frozen=True)
class FigureKind:
    """A figure that can be drawn.

    Attributes:
        title: a few words.
        caption: what is shown and how to read it.
        needs: what series must have for it, in words.
        collect: return the data, empty when the series have not got them.
        draw: return the figure of the data.
    """

    title: str
    caption: str
    needs: str
    collect: Callable[[Sequence[Series], Wishes], Sequence[Any]]
    draw: Callable[..., Figure]


@dataclass(frozen=True, eq=False)
class Drawn:
    """A figure by name, None where the series have not got what it needs."""

    name: str
    kind: FigureKind
    figure: Figure | None


FIGURES: Final[Registry[FigureKind]] = Registry("figure")
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


def draw_figures(series: Sequence[Series], wishes: Wishes, *, only: Sequence[str] = ()) -> Iterator[Drawn]:
    """Yield the figures of some series, in the order asked for; all of them by default.

    Raises:
        ConfigError: there is no figure of that name, matplotlib is not installed, or a run cannot be read.
    """
    kinds = {name: FIGURES[name] for name in dict.fromkeys(only or [*_ORDER, *FIGURES])}
    for name, kind in kinds.items():
        data = kind.collect(series, wishes)
        with same_looks([each.label for each in series]):
            figure = kind.draw(data) if data else None
        yield Drawn(name, kind, figure)


def write_figures(
    series: Sequence[Series], folder: str | os.PathLike[str], wishes: Wishes, *, only: Sequence[str] = ()
) -> Iterator[tuple[Drawn, tuple[Path, ...]]]:
    """Draw figures into a folder as SVG and PNG and yield each with the files written, as they are made.

    Errors are those of `draw_figures`.
    """
    for drawn in draw_figures(series, wishes, only=only):
        yield drawn, () if drawn.figure is None else save(drawn.figure, folder, drawn.name)


_MEASURED: Final = "a run that measured this part"
_MODEL: Final = "a run with a trained model and rows in this part"
_AGAIN: Final = "a run with a trained model, or of a baseline that can be fitted again, and rows in this part"
_REFITTED: Final = "Baselines keep no model and were fitted again, with the same rows and seed."
_INTERVAL: Final = (
    "Bars are 95 % bootstrap intervals over targets; of several seeds the means of values and ends are shown."
)


def _register(name: str, *entries: Any) -> None:
    FIGURES.register(name)(FigureKind(*entries))


_register(
    "top_k",
    "Top-K accuracy",
    "Share of rows whose recorded precursor set is among the first K that a system lists (Retro-Rank-In figure 3). "
    "Bands are 95 % bootstrap intervals over targets, left out of panels with more than five systems. Systems with "
    "marks at 1, 3, 5 and 10 alone did not record more.",
    _MEASURED,
    collect_top_k,
    draw_top_k,
)
_register(
    "target_embeddings",
    "Where in the space of compositions targets are hard",
    "First two principal components of the model's embeddings of the measured targets, coloured by the rank of the "
    "recorded set: warm for high ranks, dark blue where it is not among the first 10 (Retro-Rank-In figure 6).",
    _MODEL,
    collect_target_maps,
    draw_target_maps,
)
_register(
    "precursor_pairs",
    "Which precursors go together",
    "Every pair of precursors used together in a training reaction, by the logarithm of how much more often that "
    "happens than if the two were independent; below, the number of distinct reactions with the same pair "
    "(Retro-Rank-In figure 7). Strong correlations belong to rare pairs.",
    "a run whose training rows can be read again",
    collect_pairs,
    draw_pairs,
)
_register(
    "distinct_sets",
    "Diversity of proposals",
    "Number of different precursor sets among the first 50 and 100 proposed for every target (Retro-Rank-In figure 8), "
    "beside the number proposed. Where few sets are valid, lists are shorter than K; a system that proposes whole sets "
    f"stops when it has no more. {_REFITTED}",
    _AGAIN,
    collect_diversity,
    draw_diversity,
)
_register(
    "precursors_of_target",
    "Precursors around a target",
    "First two principal components of the model's embeddings of one target and all candidate precursors; a cross is "
    "as opaque as the link is probable, and the most probable are named (Retro-Rank-In figure 9). Baselines have no "
    "embeddings of precursors: those that give link probabilities are shown on the map of the first trained model of "
    f"their split. {_REFITTED}",
    _MODEL,
    collect_precursor_maps,
    draw_precursor_maps,
)
_register(
    "link_probabilities",
    "How sure a model is of links",
    "Distribution of the 60 highest link probabilities of each target (Retro-Rank-In figure 10). The vertical axis is "
    "logarithmic. Systems that propose whole sets (retrieval, templates, generation) give no link probabilities and "
    f"are left out. {_REFITTED}",
    _AGAIN,
    collect_probabilities,
    draw_probabilities,
)
_register(
    "reliability",
    "Do probabilities come true?",
    "How often the first set of a row is recorded, by the probability the system gave it, in ten bins; on the dashed "
    "line a probability of 80 % comes true eight times in ten. Bars are 95 % Wilson intervals of the share in a bin. "
    "Steps show how many rows are in each bin (all seeds together): their number below or, where each system has a "
    "panel of its own, their share within it.",
    "a system that gives probabilities and measured this part",
    collect_reliability,
    draw_reliability,
)
for _by, _words in (
    ("year", "year of publication"),
    ("anion_class", "chemical family of the target"),
    ("source_elements", "number of elements of the target that precursors have to bring"),
):
    _register(
        f"by_{_by}",
        f"Accuracy by {_words}",
        f"Share of rows whose recorded set is the first, or among the first ten, by {_words}; under each kind the "
        f"number of rows. Kinds of less than five rows are left out. {_INTERVAL}",
        f"a run whose rows in this part were told apart by {_by}",
        partial(collect_kinds, by=_by),
        draw_kinds,
    )
