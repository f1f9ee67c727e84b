"""Maps of embeddings: targets coloured by rank (Retro-Rank-In figure 6), precursors around a target (figure 9)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from rrgraph.errors import ConfigError
from rrgraph.figures.series import FigureOptions, Series, by_split
from rrgraph.util.figure_style import GREY, PALETTE, panels, styled, subscripts

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from rrgraph.chem import Composition

__all__ = [
    "PrecursorMap",
    "TargetMap",
    "collect_precursor_maps",
    "collect_target_maps",
    "draw_precursor_maps",
    "draw_target_maps",
    "principal_components",
]

_RANKS: Final = ((1, "1", "#D7191C"), (3, "2-3", "#FDAE61"), (5, "4-5", "#C9B36B"), (10, "6-10", "#74B3D8"))
_WORSE: Final = ("beyond 10", "#2B3F8C")
_COLUMNS: Final = 3
_NAMED: Final = 8
_MIN_PROBABILITY: Final = 0.005


@dataclass(frozen=True, eq=False)
class TargetMap:
    """Targets of one model.

    Attributes:
        title: which model and rows.
        points: (targets, 2) principal components of the embeddings.
        ranks: (targets,) best rank of a recorded set, infinite for a miss.
        explained: share of the variance of each component.
    """

    title: str
    points: NDArray[np.float64]
    ranks: NDArray[np.float64]
    explained: tuple[float, float]


@dataclass(frozen=True, eq=False)
class PrecursorMap:
    """Candidates around a target, for one system.

    Attributes:
        title: which system, and whose embeddings if it has none.
        target: formula of the target.
        origin: (2,) principal components of the target.
        points: (candidates, 2) principal components of the candidates.
        formulas: of the candidates.
        probabilities: (candidates,) of their links to the target.
        explained: share of the variance of each component.
    """

    title: str
    target: str
    origin: NDArray[np.float64]
    points: NDArray[np.float64]
    formulas: tuple[str, ...]
    probabilities: NDArray[np.float64]
    explained: tuple[float, float]


def principal_components(vectors: NDArray[np.floating]) -> tuple[NDArray[np.float64], tuple[float, float]]:
    """Return the first two principal components (n, 2) of n vectors, and the share of the variance of each.

    The sign of a component, which is arbitrary, is chosen so that its largest loading is positive.
    """
    centred = vectors.astype(np.float64) - vectors.mean(0, dtype=np.float64)
    values, axes = np.linalg.eigh(centred.T @ centred)
    axes = axes[:, ::-1][:, :2]
    axes = axes * np.sign(axes[np.abs(axes).argmax(0), [0, 1]])
    shares = values[::-1][:2] / max(float(values.sum()), np.finfo(float).tiny)
    return centred @ axes, (float(shares[0]), float(shares[1]))


def collect_target_maps(series: Sequence[Series], options: FigureOptions) -> list[TargetMap]:
    """Return the map of each trained model whose rows have ranks.

    Raises:
        ConfigError: the recorded ranks are not those of the rows.
    """
    found = []
    for each in series:
        if not each.embeds:
            continue
        run, protocol = each.first, options.chosen(each)
        outcome, table = run.ranks(options.subset, protocol), run.table(options.subset)
        if outcome is None or not len(table):
            continue
        if list(outcome.targets) != table.target_keys.tolist():
            raise ConfigError(f"The ranks of the run in '{run.folder}' are not those of the rows of its split.")
        best: dict[str, float] = {}
        targets: dict[str, Composition] = {}
        for target, rank in zip(table.targets, outcome.ranks.tolist(), strict=True):
            targets.setdefault(target.key, target)
            best[target.key] = min(rank, best.get(target.key, np.inf))
        points, explained = principal_components(run.predictor.embeddings(list(targets.values())).numpy())
        title = f"{each.label}: {each.split}, protocol {protocol}"
        found.append(TargetMap(title, points, np.array([best[key] for key in targets]), explained))
    return found


@styled
def draw_target_maps(data: Sequence[TargetMap]) -> Figure:
    """Draw a panel for each model, in warm colours where the recorded set ranks high, as in the paper."""
    figure, axes = _grid(len(data), width=4.6, height=4.0)
    for panel, axis in zip(data, axes, strict=True):
        classes = np.searchsorted([last for last, _, _ in _RANKS], panel.ranks)
        colors = np.array([*(color for _, _, color in _RANKS), _WORSE[1]])
        # In random order, so that no class covers another.
        order = np.random.default_rng(0).permutation(len(classes))
        size = float(np.clip(9000 / max(len(order), 1), 3, 22))
        axis.scatter(
            panel.points[order, 0],
            panel.points[order, 1],
            c=colors[classes[order]],
            s=size,
            linewidths=0,
            rasterized=True,
        )
        for index, name in enumerate([*(name for _, name, _ in _RANKS), _WORSE[0]]):
            share = 100 * float(np.mean(classes == index))
            axis.scatter([], [], c=colors[index], s=22, linewidths=0, label=f"{name} ({share:.0f} %)")
        axis.legend(title="rank of the recorded set\n(share of targets)", loc="upper left", bbox_to_anchor=(1, 1))
        _label(axis, panel.title, panel.explained)
    return figure


def collect_precursor_maps(series: Sequence[Series], options: FigureOptions) -> list[PrecursorMap]:
    """Return the candidates of each system around the target of the options, by default the first of the subset.

    Baselines have no embeddings of precursors: those that give link probabilities are shown on the map of the first
    trained model of their split, so that positions are comparable, and are left out if there is none.
    """
    models = {split: systems[0] for split, systems in by_split(each for each in series if each.embeds).items()}
    found = []
    for each in series:
        if not each.gives_links or each.split not in models:
            continue
        run, mapper = each.first, each if each.embeds else models[each.split]
        table = run.table(options.subset)
        target = options.target or (table.targets[0] if len(table) else None)
        if target is None:
            continue
        candidates = run.pool(options.subset)
        pool = [candidate for candidate in candidates if candidate.key != target.key]
        logits = run.links.among(candidates).logits([target], pool)[0]
        points, explained = principal_components(mapper.first.predictor.embeddings([target, *pool]).numpy())
        found.append(
            PrecursorMap(
                title=f"{each.label}, {each.split}" + ("" if mapper is each else f"\non the map of {mapper.label}"),
                target=target.formula,
                origin=points[0],
                points=points[1:],
                formulas=tuple(candidate.formula for candidate in pool),
                probabilities=1 / (1 + np.exp(-logits)),
                explained=explained,
            )
        )
    return found


@styled
def draw_precursor_maps(data: Sequence[PrecursorMap]) -> Figure:
    """Draw a panel for each system: the target, and candidates as grey dots with crosses as opaque as probable."""
    figure, axes = _grid(len(data), width=5.0, height=4.4)
    for panel, axis in zip(data, axes, strict=True):
        x, y = panel.points.T
        axis.scatter(x, y, s=4, color="#C8C8C8", linewidths=0, rasterized=True)
        axis.scatter(x, y, s=46, marker="X", c=_opaque(panel.probabilities), linewidths=0, rasterized=True)
        axis.scatter(
            panel.origin[:1],
            panel.origin[1:],
            s=110,
            marker="*",
            color=PALETTE[1],
            label=f"target {subscripts(panel.target)}",
            zorder=3,
        )
        for probability in (0.9, 0.5, 0.1):
            axis.scatter(
                [],
                [],
                s=46,
                marker="X",
                color=PALETTE[0],
                alpha=probability,
                linewidths=0,
                label=f"link of {100 * probability:.0f} %",
            )
        axis.scatter([], [], s=6, color="#C8C8C8", linewidths=0, label="other candidates")
        _name(axis, panel)
        axis.legend(loc="upper center", bbox_to_anchor=(0.5, -0.14), ncols=3)
        _label(axis, panel.title, panel.explained)
    return figure


def _opaque(probabilities: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the colour of each cross, (n, 4), with the probability as opacity."""
    from matplotlib.colors import to_rgb

    return np.column_stack([np.tile(to_rgb(PALETTE[0]), (len(probabilities), 1)), np.clip(probabilities, 0, 1)])


def _name(axis: Axes, panel: PrecursorMap) -> None:
    """Write the formulas of the most probable candidates beside the map, with a line to each mark.

    Precursors of the same element have similar embeddings, so labels at the marks would overlap.
    """
    best = np.argsort(-panel.probabilities, kind="stable")[:_NAMED].tolist()
    best = [index for index in best if panel.probabilities[index] >= _MIN_PROBABILITY]
    low, high = panel.points.min(0), panel.points.max(0)
    span = np.maximum(high - low, 1e-9)
    axis.set_xlim(low[0] - 0.06 * span[0], high[0] + 0.42 * span[0])
    best.sort(key=lambda index: -panel.points[index, 1])
    heights = np.linspace(high[1], low[1], max(len(best), 2))
    for index, height in zip(best, heights, strict=False):
        axis.annotate(
            f"{subscripts(panel.formulas[index])}  {100 * panel.probabilities[index]:.0f} %",
            panel.points[index],
            xytext=(high[0] + 0.1 * span[0], height),
            fontsize=7.5,
            va="center",
            arrowprops={"arrowstyle": "-", "color": GREY, "linewidth": 0.5, "shrinkA": 1, "shrinkB": 3},
        )


def _grid(number: int, *, width: float, height: float) -> tuple[Figure, list[Axes]]:
    columns = min(number, _COLUMNS)
    rows = -(-number // columns)
    figure, axes = panels(rows, columns, width=width, height=height)
    flat = [axis for row in axes for axis in row]
    for axis in flat[number:]:
        axis.set_visible(False)
    return figure, flat[:number]


def _label(axis: Axes, title: str, explained: tuple[float, float]) -> None:
    axis.set_title(title)
    axis.set_xlabel(f"principal component 1 ({100 * explained[0]:.0f} % of the variance)")
    axis.set_ylabel(f"principal component 2 ({100 * explained[1]:.0f} %)")
