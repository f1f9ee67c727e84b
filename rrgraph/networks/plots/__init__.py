"""Print-quality figures of precursor networks."""

from rrgraph.networks.plots.figures import NETWORK_FIGURES, NetworkFigure, draw_network_figures

__all__ = ["NETWORK_FIGURES", "NetworkFigure", "draw_network_figures"]
