"""`rrgraph tune`: searches the settings of a configuration, and writes the best one."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING, Any

from rrgraph.cli.common.argparse_private import Commands
from rrgraph.cli.common.options import add_command, add_config, add_engine, chosen_engine, positive_int
from rrgraph.util.streams import print_problem

if TYPE_CHECKING:
    from rrgraph.tuning import Outcome, StudyResult, StudyStart

__all__ = ["add_parser", "run"]

_EXAMPLES = """\
  rrgraph tune quickstart --trials 20
  rrgraph tune default --trials 60 --study mine --jobs 2 data.split=nms
  rrgraph tune quickstart --trials 30 --objective open.top_1,planning_ms
  rrgraph tune default --trials 30 --study wider --space wider.yaml --from-study studies/mine data.split=nms
  rrgraph tune default --trials 60 --study mine --storage postgresql://me@host/studies data.split=nms

The folder is studies/STUDY, or what output=DIR says. The same command goes on after an interruption, and beside another
one that runs: a study never has two trials with the same settings. The exit code is 1 when a trial failed.
"""


def add_parser(name: str, commands: Commands) -> None:
    """Add the command and its arguments."""
    summary = "search the settings of a configuration on validation rows"
    parser = add_command(name, commands, summary=summary, examples=_EXAMPLES, rest="overrides")
    add_config(parser, help="YAML file or name, one that rrgraph train takes")
    parser.add_argument("overrides", nargs="*", metavar="key=value", help="values that replace those of the file")
    parser.add_argument(
        "--trials", type=positive_int, required=True, metavar="N", help="trials that the study is to have in all"
    )
    parser.add_argument("--study", default="", metavar="NAME", help="name of the study (default: the configuration's)")
    parser.add_argument(
        "--storage",
        default="",
        metavar="URL",
        help="sqlite:///FILE (default: in the study's folder), journal:FILE, postgresql://USER@HOST/DATABASE or "
        "grpc://HOST:PORT",
    )
    parser.add_argument("--jobs", type=positive_int, default=1, metavar="N", help="trials at a time, each a process")
    add_engine(parser)
    parser.add_argument(
        "--space", metavar="FILE", help="search space (default: tuning/NAME.yaml beside CONFIG, else the usual one)"
    )
    parser.add_argument(
        "--objective",
        metavar="LIST",
        help="validation metrics such as open.top_1; several joined by commas, such as open.top_1,planning_ms",
    )
    parser.add_argument(
        "--from-study",
        default="",
        metavar="STUDY",
        help="start from an earlier study, its folder or the URL of its storage, with ::NAME after it where that holds "
        "several: comparable trials count as known, and the best settings of others are tried first",
    )
    parser.add_argument("--pruner", metavar="NAME", help="hyperband, median or none")
    parser.add_argument("--no-figures", dest="figures", action="store_false", help="draw nothing at the end")
    parser.add_argument("--seed", type=int, metavar="N", help="of the study: what it tries (default: 0)")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Carry out the study, then show what it found; return 1 if a trial failed."""
    from rrgraph.runs import load_run
    from rrgraph.tuning import find_space, load_space, tune
    from rrgraph.util.named_configs import find_config

    arguments.config = find_config(arguments.config)
    config = load_run(arguments.config, arguments.overrides)
    space = arguments.space
    path = find_config(space, group="tuning") if space else find_space(arguments.config, config)
    teller = _Teller()
    try:
        result = tune(
            config,
            load_space(path),
            trials=arguments.trials,
            study=arguments.study,
            storage=arguments.storage,
            jobs=arguments.jobs,
            engine=chosen_engine(arguments),
            options=_options(arguments),
            figures=arguments.figures,
            from_study=arguments.from_study,
            on_start=teller.start,
            on_end=teller.end,
        )
    except KeyboardInterrupt:
        print("What is finished is kept; the same command goes on.", file=sys.stderr)
        raise
    _show(result)
    return 1 if result.failures else 0


def _options(arguments: argparse.Namespace) -> dict[str, Any]:
    """Return what the command sets in place of the search space."""
    options: dict[str, Any] = {}
    if arguments.objective is not None:
        options["objectives"] = [name.strip() for name in arguments.objective.split(",")]
    return options | {name: value for name in ("pruner", "seed") if (value := getattr(arguments, name)) is not None}


class _Teller:
    """Prints the course of a study."""

    def start(self, start: StudyStart) -> None:
        self.objectives = start.settings.objectives
        aims = " and ".join(f"{'highest' if o.direction == 'maximize' else 'lowest'} {o.name}" for o in self.objectives)
        print(
            f"study {start.study}: {start.parameters} parameters, {aims} on validation rows, pruner "
            f"{start.settings.pruner}; {start.trials} trials, {start.finished} of them finished before",
            flush=True,
        )
        if start.warm_start:
            print(start.warm_start, flush=True)

    def end(self, outcome: Outcome) -> None:
        from tqdm import tqdm

        from rrgraph.tuning import shown

        values = ", ".join(f"{o.name} {shown(o, v)}" for o, v in zip(self.objectives, outcome.values, strict=False))
        ended = {"complete": values, "pruned": f"pruned after epoch {outcome.epochs}"}.get(outcome.state, "failed")
        # A progress bar may stand on this line.
        tqdm.write(f"trial {outcome.number}: {ended}, {outcome.seconds:.0f} s")


def _show(result: StudyResult) -> None:
    from rrgraph.tuning import TAKEN_FROM, public_url, setting_lines, shown

    for trial in result.best:
        values = ", ".join(
            f"{o.name} {shown(o, v)}" for o, v in zip(result.settings.objectives, trial.values, strict=True)
        )
        taken = (
            f" (trial {trial.user_attrs[TAKEN_FROM]} of the earlier study)" if TAKEN_FROM in trial.user_attrs else ""
        )
        print(f"\nbest: trial {trial.number}{taken}, {values}\n  {' '.join(setting_lines(trial))}")
    if result.best:
        print(f"\nrrgraph train {result.folder / 'best.yaml'}    trains {_which(result)} again")
    print(f"Trials, configurations and figures are in {result.folder}")
    if result.undrawn:
        print(result.undrawn)
    if result.stopped:
        print_problem("tune", result.stopped)
    url = result.url.removeprefix("journal:")
    if not url.startswith("grpc:"):
        print(f"optuna-dashboard {public_url(url)}    shows the study in a browser (pip install optuna-dashboard)")
    for number, sentence in result.failures.items():
        where = f"trial {number}" if number >= 0 else "a process"
        print_problem("tune", f"failed: {where}: {sentence}")


def _which(result: StudyResult) -> str:
    return "the best model" if len(result.best) == 1 else f"the first of them; the others are in {result.folder}/pareto"
