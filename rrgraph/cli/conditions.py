"""`rrgraph evaluate` on a model of conditions: measures temperatures, times, atmospheres and firings."""

from __future__ import annotations

import argparse
import json
from collections import Counter
from dataclasses import asdict
from pathlib import Path

from rrgraph.cli.common.options import refuse_options
from rrgraph.errors import ConfigError, DataError, check_choice

__all__ = ["evaluate_conditions"]

_OPTIONS = ("test", "split", "output", "json")


def evaluate_conditions(arguments: argparse.Namespace) -> None:
    """Measure a model of conditions on a subset of its own split, or on a table.

    Raises:
        ConfigError: there is no such subset, the folder holds no run, or an option means nothing for conditions.
        DataError: the table cannot be read, or states nothing that can be measured.
    """
    from rrgraph.cli.common.show import show_conditions
    from rrgraph.conditions import ConditionsConfig, measured_rows, split_conditions
    from rrgraph.conditions.run import measure_conditions, measure_rows
    from rrgraph.data import SUBSET_NAMES
    from rrgraph.models import load_conditions
    from rrgraph.util.config import MODEL, load_config
    from rrgraph.util.files import write_json

    refuse_options(arguments, _OPTIONS, "means nothing for a model of conditions")
    folder = Path(arguments.model)
    model = load_conditions(arguments.model)
    if arguments.test:
        rows = measured_rows(arguments.test, Counter())
        measured, count = measure_rows(model, rows), len(rows)
        if not any(measured.values()):
            raise DataError(f"No row of '{arguments.test}' states a temperature, a time, an atmosphere or firings.")
    else:
        check_choice("--split", arguments.split, SUBSET_NAMES[1:])
        if not (folder / "config.yaml").is_file():
            raise ConfigError(f"--split needs the data of a run, and '{folder}' is not a run folder.")
        config = load_config(folder / "config.yaml", schema=ConditionsConfig, recorded=True)
        split = split_conditions(seed=config.seed, **asdict(config.data))
        measured, count = measure_conditions(model, split, arguments.split), len(split[arguments.split])
    report = {
        "model": arguments.model,
        "rows": arguments.test or arguments.split,
        "metrics": {MODEL: measured},
    }
    if arguments.output:
        write_json(arguments.output, report)
    if arguments.json:
        print(json.dumps(report, indent=2, ensure_ascii=False, allow_nan=False))
        return
    show_conditions({MODEL: measured}, title=f"{arguments.test or arguments.split}, {count:,} rows")
