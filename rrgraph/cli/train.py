"""`rrgraph train`: trains what a configuration describes, and writes its run folder."""

from __future__ import annotations

import argparse
from collections.abc import Callable

from rrgraph.cli.common.argparse_private import Commands
from rrgraph.cli.common.options import add_run_command

__all__ = ["add_parser", "run"]

_EXAMPLES = """\
  rrgraph train quickstart
  rrgraph train mine.yaml data.holdout=holdout.csv model.width=512
  rrgraph train quickstart seed=1 output=runs/seed1
  rrgraph train baselines/popularity data.table=textbook data.split=random
  rrgraph train quickstart --resume                     continue after an interruption
  rrgraph train organic/conretrobert                    templates for organic molecules
  rrgraph train conditions data.split=cra               temperatures, times and atmospheres
  rrgraph train quickstart --explain training.epochs    what a setting means and may be

The run folder is runs/NAME, or what output=DIR says.
"""


def add_parser(name: str, commands: Commands) -> None:
    """Add the command and its arguments."""
    parser = add_run_command(
        name, commands, summary="train a link model, or fit a baseline, from a configuration", examples=_EXAMPLES
    )
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> None:
    """Train, then show the metrics beside the baselines'; or explain settings."""
    from rrgraph.cli.common.explain import show_settings
    from rrgraph.cli.common.show import report_overlap, show_conditions, show_metrics
    from rrgraph.cli.organic.show import show_reactions
    from rrgraph.runs import load_run, workflow_of
    from rrgraph.util.config import MODEL
    from rrgraph.util.named_configs import find_config
    from rrgraph.util.settings import check

    config = load_run(find_config(arguments.config), arguments.overrides)
    if arguments.explain is not None:
        check(config)
        show_settings(config, arguments.explain)
        return
    workflow = workflow_of(config)
    result = workflow.run(config, resume=arguments.resume, on_data=lambda data: print(data, flush=True))
    show: dict[str, Callable[..., None]] = {
        "materials": show_metrics,
        "molecules": show_reactions,
        "conditions": show_conditions,
    }
    for title, systems in result.sections():
        print()
        show[workflow.domain](systems, title=title)
    if workflow.domain == "materials":
        for subset, protocols in result.comparison.items():
            for systems in [*protocols.values()][:1]:  # the same under each protocol
                report_overlap("train", systems[MODEL], subset=subset)
    kept = "model" if (result.folder / "model.json").is_file() else "run"
    print(f"\nThe {kept} is in {result.folder}")
