"""Figures of a study: interactive pages and PNG files, drawn without network access."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Callable, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

from optuna import Study
from optuna.trial import FrozenTrial, TrialState

from rrgraph.tuning.objectives import PLANNING_TIME, Objective
from rrgraph.util.files import atomic_path, write_text

__all__ = ["draw_study"]

logger = logging.getLogger(__name__)

_EPOCH: Final = "epoch"
_BEST: Final = "best validation metric so far"

_LEAST: Final = 2
"""Complete trials below which there is nothing to compare."""


def draw_study(study: Study, objectives: Sequence[Objective], folder: Path) -> tuple[list[Path], str]:
    """Draw the history, slices, parallel coordinates and importances, learning curves or the Pareto front.

    Each figure is a page, which needs the file `plotly.min.js` beside it and nothing else, and a PNG file.

    Returns:
        The files, and a sentence about what could not be drawn, empty if everything was.
    """
    missing = [package for package in ("plotly", "matplotlib") if find_spec(package) is None]
    if missing:
        return [], f"Figures need {' and '.join(missing)}, which is not installed: pip install 'rrgraph[tuning]'."
    if len(study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))) < _LEAST:
        return [], f"Figures need at least {_LEAST} complete trials."
    written: list[Path] = []
    undrawn: list[str] = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for name, kind, options in _figures(study, objectives):
            try:
                written += _draw(study, kind, options, folder / name)
            except (RuntimeError, ValueError) as error:
                logger.info("figure %s: %s", name, error)
                undrawn.append(name)
    return written, f"These figures need more trials: {', '.join(undrawn)}." if undrawn else ""


def _figures(study: Study, objectives: Sequence[Objective]) -> list[tuple[str, str, dict[str, Any]]]:
    """Return name, function of `optuna.visualization` and options of each figure."""
    figures: list[tuple[str, str, dict[str, Any]]] = []
    for place, objective in enumerate(objectives):
        alone = len(objectives) == 1
        target: dict[str, Any] = {"target_name": _label(objective)}
        if not alone:
            target["target"] = _value(place)
        ending = "" if alone else f"_{objective.name.replace('.', '_')}"
        for name, kind in (
            ("history", "plot_optimization_history"),
            ("slice", "plot_slice"),
            ("parallel_coordinate", "plot_parallel_coordinate"),
            ("importance", "plot_param_importances"),
        ):
            figures.append((f"{name}{ending}", kind, target))
    if len(objectives) == 1:
        figures.append(("learning_curves", "plot_intermediate_values", {}))
    elif len(objectives) <= 3:
        figures.append(("pareto_front", "plot_pareto_front", {"target_names": [_label(each) for each in objectives]}))
    return figures


def _value(place: int) -> Callable[[FrozenTrial], float]:
    return lambda trial: trial.values[place]


def _label(objective: Objective) -> str:
    return "planning time per target (ms)" if objective.name == PLANNING_TIME else f"validation {objective.name}"


def _draw(study: Study, kind: str, options: dict[str, Any], path: Path) -> list[Path]:
    """Write one figure as a page and as a PNG file.

    Raises:
        RuntimeError: there are too few trials for it.
        ValueError: the same.
    """
    import matplotlib.pyplot as plt
    import numpy as np
    import optuna.visualization.matplotlib
    from optuna import visualization

    page, image = path.with_suffix(".html"), path.with_suffix(".png")
    figure = getattr(visualization, kind)(study, **options)
    # Optuna chooses a style for all figures to come.
    with plt.rc_context({"figure.figsize": _size(study, kind)}), plt.ioff():
        axes = np.ravel(getattr(optuna.visualization.matplotlib, kind)(study, **options))
        if kind == "plot_intermediate_values":
            figure.update_layout(title="Learning curves", xaxis_title=_EPOCH, yaxis_title=_BEST)
            axes[0].set(title="Learning curves", xlabel=_EPOCH, ylabel=_BEST)
            # Sixty names of trials say nothing beside the picture; the page shows them under the pointer.
            if (legend := axes[0].get_legend()) is not None:  # nothing is listed where no trial has an epoch
                legend.remove()
        if kind == "plot_slice":
            for panel in axes:
                panel.set_xlabel(panel.get_xlabel().rpartition(".")[2])
                panel.tick_params(axis="x", which="both", labelrotation=60, labelsize=8)
        try:
            with atomic_path(image) as temporary:
                axes[0].figure.savefig(temporary, dpi=150, bbox_inches="tight", metadata={"Software": None})
        finally:
            plt.close(axes[0].figure)
    # The library is written once and shared by the pages of the folder.
    script = path.with_name("plotly.min.js")
    if not script.is_file():
        from plotly.offline import get_plotlyjs

        write_text(script, get_plotlyjs())
    write_text(page, figure.to_html(include_plotlyjs="directory"))
    return [page, image]


def _size(study: Study, kind: str) -> tuple[float, float]:
    """Return the size of a figure in inches, with room for many parameters; a panel of slices has half the width."""
    if kind == "plot_slice":
        return 4.6, 4.2
    parameters = {name for trial in study.get_trials(deepcopy=False) for name in trial.params}
    width = 1.5 * (len(parameters) + 2) if kind == "plot_parallel_coordinate" else 7.0
    return max(7.0, width), max(4.4, 0.4 * len(parameters))
