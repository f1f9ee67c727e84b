"""`rrgraph evaluate` on a model of templates: measures the ranks of reactants and of templates."""

from __future__ import annotations

import argparse
import json
from dataclasses import replace
from pathlib import Path

from rrgraph.cli.common.options import refuse_options
from rrgraph.cli.organic.show import show_reactions
from rrgraph.errors import ConfigError, check_choice

__all__ = ["evaluate_organic"]

_OPTIONS = ("split", "device", "output", "json")


def evaluate_organic(arguments: argparse.Namespace) -> None:
    """Measure a model of templates on a subset of its own table.

    Raises:
        ConfigError: no subset is named, the folder holds no run, or an option means nothing for molecules.
    """
    from rrgraph.data import SUBSET_NAMES
    from rrgraph.organic import load_template_checkpoint
    from rrgraph.organic.run import OrganicConfig, load_organic_split, measure_organic
    from rrgraph.util.config import load_config
    from rrgraph.util.files import write_json

    if arguments.split is None:
        raise ConfigError(
            "A model of templates is measured on a subset of its own table: give --split validation or test."
        )
    check_choice("--split", arguments.split, SUBSET_NAMES[1:])
    refuse_options(arguments, _OPTIONS, "means nothing for a model of molecules")
    folder = Path(arguments.model)
    # The models after each stage lie in folders of the run.
    home = next((place for place in (folder, folder.parent) if (place / "config.yaml").is_file()), None)
    if home is None:
        raise ConfigError(f"'{folder}' holds no run: it has no config.yaml.")
    config = load_config(home / "config.yaml", schema=OrganicConfig, recorded=True)
    config = replace(config, evaluation=replace(config.evaluation, subsets=[arguments.split], rows=0))
    split = load_organic_split(config)
    checkpoint = load_template_checkpoint(folder, device=arguments.device)
    measured = measure_organic(checkpoint, split, config)[arguments.split]
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
