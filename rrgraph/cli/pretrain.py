"""`rrgraph pretrain`: pretrains an encoder on properties as a configuration describes."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from rrgraph.cli.common.argparse_private import Commands
from rrgraph.cli.common.options import add_run_command

if TYPE_CHECKING:
    from rrgraph.properties import PropertyTable

__all__ = ["add_parser", "run"]

_EXAMPLES = """\
  rrgraph pretrain pretrain
  rrgraph pretrain pretrain training.epochs=5 output=runs/short
  rrgraph pretrain pretrain 'data.tables=[{path: alexandria.parquet}]'
  rrgraph pretrain pretrain --resume                  continue after an interruption

The run folder is runs/NAME, or the DIR of output=DIR. To use the encoder in link training, set model.pretrained=DIR.
"""


def add_parser(name: str, commands: Commands) -> None:
    """Add the command and its arguments."""
    parser = add_run_command(
        name, commands, summary="pretrain the composition encoder on properties", examples=_EXAMPLES
    )
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> None:
    """Pretrain, then show errors and accuracies on the test rows."""
    from rrgraph.cli.common.explain import show_settings
    from rrgraph.properties.pretraining import PretrainConfig, accuracy_table, comparison_table, pretrain_run
    from rrgraph.util.config import load_config
    from rrgraph.util.named_configs import find_config
    from rrgraph.util.settings import check

    config = load_config(find_config(arguments.config), arguments.overrides, schema=PretrainConfig)
    if arguments.explain is not None:
        check(config)
        show_settings(config, arguments.explain)
        return
    result = pretrain_run(config, resume=arguments.resume, on_data=_show_data)
    print("\nMean absolute errors on the test rows\n")
    print(comparison_table(result.metrics.properties))
    print(accuracy_table(result.metrics))
    print(f"The encoder is in {result.folder}")


def _show_data(table: PropertyTable) -> None:
    print(table.report, flush=True)
