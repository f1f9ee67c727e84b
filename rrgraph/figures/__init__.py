"""Figures and the report: finished runs and experiments flow in; SVG, PNG and one HTML page flow out."""

from rrgraph.figures.catalogue import FIGURES, Drawn, FigureKind, draw_figures, write_figures
from rrgraph.figures.runs import TrainedRun
from rrgraph.figures.series import Series, Wishes, gather

__all__ = [
    "FIGURES",
    "Drawn",
    "FigureKind",
    "Series",
    "TrainedRun",
    "Wishes",
    "draw_figures",
    "gather",
    "write_figures",
]
