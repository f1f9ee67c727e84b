"""Figures (SVG and PNG) and HTML reports of finished runs and experiments."""

from rrgraph.figures.catalogue import FIGURES, Drawn, FigureSpec, draw_figures, write_figures
from rrgraph.figures.plan import PlanPicture, draw_plan, plan_picture
from rrgraph.figures.report import report_html, write_report
from rrgraph.figures.runs import TrainedRun
from rrgraph.figures.series import FigureOptions, Series, default_subset, gather

__all__ = [
    "FIGURES",
    "Drawn",
    "FigureOptions",
    "FigureSpec",
    "PlanPicture",
    "Series",
    "TrainedRun",
    "default_subset",
    "draw_figures",
    "draw_plan",
    "gather",
    "plan_picture",
    "report_html",
    "write_figures",
    "write_report",
]
