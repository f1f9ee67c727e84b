"""`rrgraph train`: a configuration flows in, a run folder flows out."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from rrgraph.cli.common.options import add_run_command

if TYPE_CHECKING:
    from rrgraph.runs import RunData

__all__ = ["add_parser", "run"]

_EXAMPLES = """\
  rrgraph train quickstart
  rrgraph train mine.yaml data.holdout=holdout.csv model.width=512
  rrgraph train quickstart seed=1 output=runs/seed1
  rrgraph train baselines/popularity data.table=textbook data.split=random
  rrgraph train quickstart --resume                   continue after an interruption
  rrgraph train organic/conretrobert                  templates for organic molecules

The run folder is runs/NAME, or what output=DIR says.
"""


def add_parser(name: str, commands: argparse._SubParsersAction) -> None:
    """Add the command and its arguments."""
    parser = add_run_command(
        name, commands, summary="train a link model, or fit a baseline, from a configuration", examples=_EXAMPLES
    )
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> None:
    """Train, then show the metrics beside the baselines'."""
    from rrgraph.cli.common.show import show_metrics
    from rrgraph.runs import BaselineConfig, carry_out, load_run
    from rrgraph.util.config import domain_of
    from rrgraph.util.named_configs import find_config

    arguments.config = find_config(arguments.config)
    if domain_of(arguments.config) is not None:
        _run_organic(arguments)
        return
    config = load_run(arguments.config, arguments.overrides)
    result = carry_out(config, resume=arguments.resume, on_data=_show_data)
    baseline = config.baseline if isinstance(config, BaselineConfig) else None
    for part, protocols in result.comparison.items():
        for protocol, systems in protocols.items():
            print()
            named = systems if baseline is None else dict(zip([baseline], systems.values(), strict=True))
            show_metrics(named, title=f"{part}, protocol {protocol}")
    print(f"\nThe {'model' if baseline is None else 'run'} is in {result.folder}")


def _run_organic(arguments: argparse.Namespace) -> None:
    """Train a model of products and templates."""
    from rrgraph.cli.organic.show import show_reactions
    from rrgraph.organic.run import OrganicConfig, organic_run
    from rrgraph.util.config import load_config

    config = load_config(arguments.config, arguments.overrides, schema=OrganicConfig)
    result = organic_run(config, resume=arguments.resume, on_data=lambda split: print(split, flush=True))
    for part, systems in result.comparison.items():
        print()
        show_reactions(systems, title=f"{part}, {next(iter(systems.values())).reactants.rows:,} rows")
    print(f"\nThe model is in {result.folder}")


def _show_data(data: RunData) -> None:
    if data.cleaning is not None:
        print(data.cleaning)
    print(data.split.report, flush=True)
