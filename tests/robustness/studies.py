"""Damaged storages of studies, from which another study is to start."""

from __future__ import annotations

import json
import random
import shutil
import sqlite3
from contextlib import closing, suppress
from pathlib import Path

import optuna

from rrgraph.errors import RRGraphError
from rrgraph.runs import DataConfig, RunConfig
from rrgraph.tuning import SearchSpace, opened_storage, read_settings
from rrgraph.tuning.messages import quietly
from rrgraph.tuning.record import claim_study, describe_study
from rrgraph.tuning.space import read_parameter
from rrgraph.tuning.warm_start import read_earlier, warm_start

from .harness import NO_TRACEBACKS, Outcome, attack, run_cases
from .mutate import damaged_bytes, damaged_value

CONFIG = RunConfig(name="study", data=DataConfig(table="textbook", split="random"))
SPACE = SearchSpace(
    (
        read_parameter("training.learning_rate", {"range": [1e-4, 1e-1]}),
        read_parameter("training.sampler", {"choices": ["uniform", "hard"]}),
    )
)
SETTINGS = read_settings(SPACE, CONFIG, {})

COLUMNS = (
    *(("trial_params", name) for name in ("distribution_json", "param_value", "param_name")),
    *(("trial_values", "value"), ("trial_values", "value_type"), ("trial_intermediate_values", "intermediate_value")),
    *(("trials", "datetime_start"), ("trials", "number"), ("trials", "state"), ("study_directions", "direction")),
)
HOSTILE = ("", "x", None, "{}", 1e400, -1, 7, "null", '{"name": "FloatDistribution"}', "COMPLETE")


def make_studies(folder: Path) -> dict[str, Path]:
    """Write the same study into a database and into a journal."""
    made = {"sqlite:///": folder / "study.db", "journal:": folder / "study.log"}
    about = describe_study(CONFIG, SPACE, SETTINGS)
    for form, path in made.items():
        with quietly(), opened_storage(f"{form}{path}") as storage:
            study, _ = claim_study(storage, "study", about, SETTINGS.objectives)
            for number in range(4):
                fixed = optuna.trial.FixedTrial(
                    {"training.learning_rate": 0.01 * number + 0.01, "training.sampler": "hard"}
                )
                params = SPACE.suggest(fixed, CONFIG)
                study.add_trial(
                    optuna.create_trial(
                        value=number / 4,
                        params=params,
                        distributions=fixed.distributions,
                        intermediate_values={1: 0.5},
                    )
                )
    return made


def damage_rows(path: Path, choose: random.Random) -> None:
    """Change the record of the study, or a column of its trials."""
    with closing(sqlite3.connect(path)) as database, suppress(sqlite3.Error), database:
        if choose.random() < 0.5:
            about = damaged_value(json.loads(json.dumps(describe_study(CONFIG, SPACE, SETTINGS))), choose)
            change = "UPDATE study_user_attributes SET value_json = ? WHERE key = 'rrgraph'"
            database.execute(change, (json.dumps(about).replace("\\ud", "\\uf"),))
        else:
            table, column = choose.choice(COLUMNS)
            database.execute(f"UPDATE {table} SET {column} = ?", (choose.choice(HOSTILE),))


@attack("studies", what="mutated storages of earlier studies", allowed=NO_TRACEBACKS, full=300, quick=60, few=6)
def studies(*, tries: int, seed: int, folder: Path) -> Outcome:
    """Damage the storage of a study and take over what it holds."""
    made = make_studies(folder.resolve())
    about = describe_study(CONFIG, SPACE, SETTINGS)

    def case(choose: random.Random, place: Path) -> None:
        form = choose.choice([*made])
        copy = place / made[form].name
        shutil.copy(made[form], copy)
        if form == "sqlite:///" and choose.random() < 0.7:
            damage_rows(copy, choose)
        else:
            copy.write_bytes(damaged_bytes(copy.read_bytes(), choose))
        try:
            json.dumps(warm_start(read_earlier(f"{form}{copy}"), CONFIG, SPACE, SETTINGS, about).to_dict())
        except RRGraphError as error:
            assert str(error).isprintable() and len(str(error)) < 1000, ascii(str(error))

    return run_cases("studies", case, tries=tries, seed=seed, folder=folder)
