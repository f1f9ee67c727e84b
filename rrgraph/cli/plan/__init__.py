"""`rrgraph plan`: ranks precursor sets for formulas."""

from rrgraph.cli.plan.command import add_parser, run

__all__ = ["add_parser", "run"]
