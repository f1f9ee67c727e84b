"""`rrgraph evaluate` on a model of templates: a run folder flows in, metrics of reactants and templates flow out."""

from __future__ import annotations

import argparse
import json
from dataclasses import replace
from pathlib import Path

from rrgraph.cli.organic.show import show_reactions
from rrgraph.errors import ConfigError, check_choice

__all__ = ["evaluate_organic"]


def evaluate_organic(arguments: argparse.Namespace) -> None:
    """Measure a model of templates on a part of its own table.

    Raises:
        ConfigError: no part is named, or the folder holds no run.
    """
    from rrgraph.organic import PARTS, load_template_checkpoint, load_template_table
    from rrgraph.organic.run import OrganicConfig, measure_organic
    from rrgraph.util.config import load_config
    from rrgraph.util.files import write_json

    if arguments.split is None:
        raise ConfigError(
            "A model of templates is measured on a part of its own table: give --split validation or test."
        )
    check_choice("--split", arguments.split, PARTS[1:])
    folder = Path(arguments.model)
    # The model after the first stage lies in a folder of the run.
    home = next((place for place in (folder, folder.parent) if (place / "config.yaml").is_file()), None)
    if home is None:
        raise ConfigError(f"'{folder}' holds no run: it has no config.yaml.")
    config = load_config(home / "config.yaml", schema=OrganicConfig)
    config = replace(config, evaluation=replace(config.evaluation, parts=[arguments.split], rows=0))
    split = load_template_table(config.data.table, rows=config.data.rows)
    measured = measure_organic(load_template_checkpoint(folder), split, config)[arguments.split]
    report = {
        "model": arguments.model,
        "rows": arguments.split,
        "metrics": {name: metrics.to_dict() for name, metrics in measured.items()},
    }
    if arguments.output:
        write_json(arguments.output, report)
    if arguments.json:
        print(json.dumps(report, indent=2, ensure_ascii=False, allow_nan=False))
        return
    show_reactions(measured, title=f"{arguments.split}, {len(split[arguments.split]):,} rows")
