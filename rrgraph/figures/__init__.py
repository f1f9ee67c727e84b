"""Figures and pages: finished runs, experiments and networks flow in; SVG, PNG and HTML pages flow out."""

from rrgraph.figures.catalogue import FIGURES, Drawn, FigureKind, draw_figures, write_figures
from rrgraph.figures.plan import PlanPicture, draw_plan
from rrgraph.figures.report import report_html, write_report
from rrgraph.figures.runs import TrainedRun
from rrgraph.figures.series import Series, Wishes, gather, usual_part

__all__ = [
    "FIGURES",
    "Drawn",
    "FigureKind",
    "PlanPicture",
    "Series",
    "TrainedRun",
    "Wishes",
    "draw_figures",
    "draw_plan",
    "gather",
    "report_html",
    "usual_part",
    "write_figures",
    "write_report",
]
