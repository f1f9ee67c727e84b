"""rrgraph: which precursors make this material? Inorganic retrosynthesis as link prediction."""

__version__ = "0.1.0"

__all__ = ["__version__"]
