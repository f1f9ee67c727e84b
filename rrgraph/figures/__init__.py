"""Figures and pages: finished runs, experiments and networks flow in; SVG, PNG and HTML pages flow out."""

from rrgraph.figures.catalogue import FIGURES, Drawn, FigureKind, draw_figures, write_figures
from rrgraph.figures.network_figures import NETWORK_FIGURES, NetworkFigure, draw_network_figures
from rrgraph.figures.network_view import network_html
from rrgraph.figures.report import report_html, write_report
from rrgraph.figures.runs import TrainedRun
from rrgraph.figures.series import Series, Wishes, gather, usual_part

__all__ = [
    "FIGURES",
    "NETWORK_FIGURES",
    "Drawn",
    "FigureKind",
    "NetworkFigure",
    "Series",
    "TrainedRun",
    "Wishes",
    "draw_figures",
    "draw_network_figures",
    "gather",
    "network_html",
    "report_html",
    "usual_part",
    "write_figures",
    "write_report",
]
