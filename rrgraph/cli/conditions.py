"""`rrgraph evaluate` on a model of conditions: measures temperatures, times, atmospheres and firings."""

from __future__ import annotations

import argparse
import json
from collections import Counter
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rrgraph.cli.common.options import refuse_options
from rrgraph.errors import ConfigError, DataError, check_choice
from rrgraph.util.streams import print_problem

if TYPE_CHECKING:
    from rrgraph.conditions import ConditionRows, ConditionsModel

__all__ = ["evaluate_conditions"]

_NEW = "new targets"
_OPTIONS = ("test", "split", "output", "json")


def evaluate_conditions(arguments: argparse.Namespace) -> None:
    """Measure a model of conditions on a subset of its own split, or on a table.

    Raises:
        ConfigError: there is no such subset, the folder holds no run, or an option means nothing for conditions.
        DataError: the table cannot be read, or states nothing that can be measured.
    """
    from rrgraph.cli.common.show import show_conditions, show_notes
    from rrgraph.conditions import ConditionsConfig, measured_rows, split_conditions
    from rrgraph.conditions.run import measure_conditions
    from rrgraph.data import SUBSET_NAMES
    from rrgraph.models import load_conditions
    from rrgraph.util.config import MODEL, load_config
    from rrgraph.util.files import write_json

    refuse_options(arguments, _OPTIONS, "means nothing for a model of conditions")
    folder = Path(arguments.model)
    model = load_conditions(arguments.model)
    dropped: Counter[str] = Counter()
    if arguments.test:
        rows = measured_rows(arguments.test, dropped)
        systems = _measured(model, rows, arguments)
    else:
        check_choice("--split", arguments.split, SUBSET_NAMES[1:])
        if not (folder / "config.yaml").is_file():
            raise ConfigError(f"--split needs the data of a run, and '{folder}' is not a run folder.")
        config = load_config(folder / "config.yaml", schema=ConditionsConfig, recorded=True)
        split = split_conditions(seed=config.seed, **asdict(config.data))
        rows, systems = split[arguments.split], {MODEL: measure_conditions(model, split, arguments.split)}
    report = {
        "model": arguments.model,
        "rows": arguments.test or arguments.split,
        "metrics": systems,
        "left_out": dict(+dropped),
    }
    if arguments.output:
        write_json(arguments.output, report)
    if arguments.json:
        print(json.dumps(report, indent=2, ensure_ascii=False, allow_nan=False))
        return
    show_conditions(systems, title=f"{arguments.test or arguments.split}, {len(rows):,} rows")
    show_notes(f"left out: {count:,}: {reason}" for reason, count in (+dropped).most_common())


def _measured(model: ConditionsModel, rows: ConditionRows, arguments: argparse.Namespace) -> dict[str, dict[str, Any]]:
    """Return the metrics on all rows of a table, and on those with new targets where the model knows only others."""
    from rrgraph.cli.common.show import UNRECORDED
    from rrgraph.conditions.run import measure_rows
    from rrgraph.data import memory_note
    from rrgraph.util.config import MODEL

    systems = {MODEL: measure_rows(model, rows)}
    if not any(systems[MODEL].values()):
        raise DataError(f"No row of '{arguments.test}' states a temperature, a time, an atmosphere or firings.")
    if model.learned is None:
        print_problem(arguments.command, UNRECORDED)
        return systems
    known = model.learned.has_targets(rows.table)
    new = len(rows) - int(known.sum())
    if new < len(rows):
        print_problem(arguments.command, memory_note(len(rows) - new, new, measure="errors there are"))
    if 0 < new < len(rows) and any((found := measure_rows(model, rows.select(~known))).values()):
        systems[_NEW] = found
    return systems
