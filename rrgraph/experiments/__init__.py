"""Experiments: several systems on several splits with several seeds, and the tables that compare them."""

from rrgraph.experiments.comparison import Cell, Column, Difference, Panel, compare
from rrgraph.experiments.config import ExperimentConfig, QuickConfig, SearchConfig, SystemConfig, load_experiment
from rrgraph.experiments.experiment import ExperimentResult, Outcome, run_experiment
from rrgraph.experiments.grid import Run, expand
from rrgraph.experiments.search_cost import timed
from rrgraph.experiments.tables import csv_table, latex_table, legend, markdown_table, plain_rows

__all__ = [
    "Cell",
    "Column",
    "Difference",
    "ExperimentConfig",
    "ExperimentResult",
    "Outcome",
    "Panel",
    "QuickConfig",
    "Run",
    "SearchConfig",
    "SystemConfig",
    "compare",
    "csv_table",
    "expand",
    "latex_table",
    "legend",
    "load_experiment",
    "markdown_table",
    "plain_rows",
    "run_experiment",
    "timed",
]
