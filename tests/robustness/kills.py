"""Commands that are killed at random moments, and what the next run makes of what they left.

A try runs a command, ends it by a signal, looks at the files, runs it again until it is done, and compares what is
there with what an uninterrupted run has written, byte for byte. Some tries end the second run as well. Moments are
uniform over the time that the command takes, or just before one of its file operations.
"""

from __future__ import annotations

import csv
import json
import os
import random
import shutil
import signal
import sqlite3
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from functools import partial
from itertools import combinations
from pathlib import Path
from typing import Any, Final

from .commands import Call, Fork, Process, Real, Zygote
from .harness import Failure, Outcome, attack, options

SIGNALS: Final = (signal.SIGKILL, signal.SIGKILL, signal.SIGTERM, signal.SIGINT)
PATIENCE: Final = 60.0
"""Seconds in which an interrupted command has to end, and what it started with it."""
RUN_SECONDS: Final = 300.0
"""Seconds that a command may take."""
MOST_LOST: Final = 60.0
"""Seconds of training that may have to be repeated."""
FEW: Final = 1
"""Tries as a test."""

SECONDS: Final = {
    "history.csv": ("seconds",),
    "set_history.csv": ("seconds",),
    "contrastive_history.csv": ("seconds",),
    "ranking_history.csv": ("seconds",),
    "results.csv": ("seconds",),
    "runs.csv": ("seconds",),
    "metrics.json": ("seconds",),
    "seconds.json": (),
}
"""What is exempt from the comparison: these columns of tables and keys of JSON, or the whole file."""

WORKBOOKS: Final = "tmp/openpyxl."
"""What openpyxl keeps of a workbook in the system's folder of temporary files, and a killed process leaves there."""

LINKS = """\
name: tiny
output: run
data: {table: INPUTS/reactions.csv, split: random}
model: {width: 16, layers: 1, heads: 1, feedforward: 1, statistics: true}
training: {epochs: 4, batch_size: 128, sampler: element_matched, negatives_per_positive: 4, validation_targets: 10,
           learning_rate: 1.0e-2, encoder_learning_rate: 1.0e-2, ema_decay: 0.9}
evaluation: {subsets: [test]}
"""

RERANKED = """\
model: {n_decoders: 2}
training: {epochs: 2, encoder_learning_rate: 0.0}
reranker:
  enabled: true
  trees: {n_trees: 3, depth: 2, max_leaves: 4, min_samples_leaf: 2}
  model: {width: 8}
  training: {epochs: 4, batch_size: 16, candidates: 8, ema_decay: 0.5}
evaluation: {subsets: [test], mode: listwise}
"""

ORGANIC = """\
name: tiny
output: run
domain: organic
data: {table: INPUTS/organic.csv}
model: {width: 16, product: {hidden: 32, bits: 512}, template: {hidden: 32, bits: 512}}
contrastive: {epochs: 4, batch_size: 16, learning_rate: 1.0e-2}
ranking: {epochs: 2, batch_size: 16, candidates: 4, hard: 2}
search: {templates: 4, applicable: true}
evaluation: {subsets: [validation], rows: 5}
"""

PRETRAINING = """\
name: small
output: run
data:
  built_in: []
  validation_fraction: 0.2
  tables:
    - path: INPUTS/properties.csv
      columns: {negativity: {unit: eV}, anion: {kind: classification, classes: 3}}
model: {width: 16, layers: 1, heads: 2, feedforward: 2, weigh_fractions: true}
training: {epochs: 5, batch_size: 16, learning_rate: 3.0e-2, ema_decay: 0.9}
"""

SPACE = """\
parameters:
  training.learning_rate: {range: [0.001, 0.1], log: true}
  model.heads: {choices: [1, 2, 8]}
pruner: none
"""

EXPERIMENT = """\
systems:
  links: {config: links.yaml, overrides: [training.epochs=1]}
  popular: {config: popular.yaml}
splits: [random]
seeds: [0]
protocols: [open]
overrides: [data.table=INPUTS/reactions.csv]
output: run
"""


@dataclass(frozen=True)
class Work:
    """A command that is killed.

    Attributes:
        argv: of the first run; INPUTS stands for the folder of inputs.
        again: of those after it, the same by default.
        before: see `Call`.
        share: how often it is tried.
        same: returns how the folder of a resumed run differs from that of an uninterrupted one.
        workers: whether it starts processes, which are killed too.
    """

    argv: tuple[str, ...]
    again: tuple[str, ...] = ()
    before: tuple[tuple[str, Mapping[str, Any]], ...] = ()
    share: int = 1
    same: Callable[[Path, Path], list[str]] = field(default_factory=lambda: different_files)
    workers: bool = False


def works() -> dict[str, Work]:
    """Return the commands by name."""
    resume = ("--resume",)
    trees = ("tests.robustness.kills:coarse_trees", {})
    # A trial of a process that is gone is started again at once.
    impatient = {"rrgraph.tuning.heartbeat:GRACE_SECONDS": 1, "rrgraph.tuning.storage:GRACE_SECONDS": 1}
    impatient |= {"rrgraph.tuning.trial:GRACE_SECONDS": 1, "rrgraph.tuning.study:_WAIT_SECONDS": 0.2}
    studies = ("tests.robustness.commands:set_values", {"values": impatient})
    found = {}
    for name, share in (("links", 3), ("reranked", 3), ("organic", 3)):
        argv = ("train", f"INPUTS/{name}.yaml")
        found[f"train {name}"] = Work(argv, argv + resume, (trees,), share)
    argv = ("pretrain", "INPUTS/pretraining.yaml")
    found["pretrain"] = Work(argv, argv + resume, share=3)
    argv = ("tune", "INPUTS/links.yaml", "--space", "INPUTS/space.yaml", "--trials", "3", "--no-figures")
    argv += ("training.epochs=2", "output=run")
    found["tune"] = Work(argv, before=(studies,), share=3, same=different_studies)
    found["tune --jobs 2"] = Work((*argv, "--jobs", "2"), before=(studies,), same=different_studies, workers=True)
    for suffix in ("jsonl", "csv", "parquet", "xlsx"):
        argv = ("plan", "--input", "INPUTS/targets.csv", "--model", "INPUTS/model", "--top-k", "3")
        argv += ("--output", f"plans.{suffix}", "--rejects", "rejects.csv")
        found[f"plan .{suffix}"] = Work(argv, argv + (resume if _plan_resumes() else ()), share=2)
    found["experiment"] = Work(("experiment", "INPUTS/experiment.yaml"), share=2)
    for suffix in ("csv.gz", "jsonl", "parquet"):
        argv = ("data", "clean", "INPUTS/reactions.csv", "--output", f"clean.{suffix}", "--report", "report.json")
        found[f"data clean .{suffix}"] = Work(argv)
    found["data split"] = Work(("data", "split", "INPUTS/reactions.csv", "random", "--output", "parts"))
    return found


def _plan_resumes() -> bool:
    from rrgraph.cli.main import build_parser

    _, unknown = build_parser(["plan"]).parse_known_args(["plan", "--resume"])
    return not unknown


@attack(
    "kills",
    what="kill -9, SIGTERM, Ctrl-C at random moments in train, pretrain, tune, plan, experiment, data",
    allowed="0 corrupt, resumed equals uninterrupted, under 1 minute lost, 0 files left behind after the next run",
    full=200,
    quick=6,
    few=FEW,
)
def kills(*, tries: int, seed: int, folder: Path) -> Outcome:
    """Kill commands, the number of tries shared among them; for few tries the cheapest, in one process to fork."""
    chosen = works() if tries > FEW else {name: work for name, work in works().items() if name == "data split"}
    with Zygote(0) as first, Zygote(1) if tries > FEW else nullcontext(first) as second:
        attempt = _Attempt(folder, first, second)
        if tries > FEW:
            attempt.warm_up()
        order = [
            name
            for share in range(max(w.share for w in chosen.values()))
            for name in chosen
            if chosen[name].share > share
        ]
        random.Random(seed).shuffle(order)
        numbers = range(tries) if options.case is None else [options.case]
        names = [order[number % len(order)] for number in numbers]
        with _slow_runs(attempt, many=tries >= 100) as lost, ThreadPoolExecutor(options.jobs) as pool:
            tried = [pool.submit(attempt, name, chosen[name], seed, n) for n, name in zip(numbers, names, strict=True)]
            failures = [failure for each in tried for failure in each.result()]
        return Outcome(len(numbers) + lost.tried, failures + lost.failures, attempt.note())


class _Attempt:
    """What tries share: processes to fork, inputs, and what uninterrupted runs have left."""

    def __init__(self, folder: Path, first: Zygote, second: Zygote) -> None:
        self.folder, self.zygotes = folder.resolve(), (first, second)
        self.inputs = self.folder / "inputs"
        self.lock, self.references = threading.Lock(), dict[str, _Reference]()
        self.counts: dict[str, int] = {}
        self.told: dict[Path, list[str]] = {}
        write_inputs(self.inputs)

    def warm_up(self) -> None:
        """Let the processes that are forked load what commands load, and write a model."""
        argv = ["train", str(self.inputs / "reranked.yaml"), "training.epochs=1", f"output={self.inputs / 'model'}"]
        for number, zygote in enumerate(self.zygotes):
            zygote.warm_up(self.folder / f"warm-{number}", *([argv] if number == 0 else [[*argv, "output=run"]]))

    def call(self, work: Work, argv: Sequence[str], place: Path, *before: tuple[str, Mapping[str, Any]]) -> Call:
        given = [text.replace("INPUTS", str(self.inputs)) for text in argv]
        environment = {"OMP_NUM_THREADS": "1"}
        return Call(given, place / "files", place / "log", environment=environment, before=(*work.before, *before))

    def reference(self, name: str, work: Work) -> _Reference:
        with self.lock:
            if name not in self.references:
                self.references[name] = self._uninterrupted(name, work)
            return self.references[name]

    def _uninterrupted(self, name: str, work: Work) -> _Reference:
        place = self.folder / name.replace(" ", "_")
        log = place / "operations"
        call = self.call(work, work.argv, place, ("tests.robustness.kills:at_operation", {"path": str(log)}))
        begun = time.monotonic()
        if self.zygotes[0].run(call, seconds=RUN_SECONDS) != 0:
            raise RuntimeError(f"{name} fails: {call.text('stderr')}")
        return _Reference(place / "files", time.monotonic() - begun, len(log.read_text().splitlines()))

    def __call__(self, name: str, work: Work, seed: int, number: int) -> list[Failure]:
        choose = random.Random(f"kills {seed} {number}")
        place = self.folder / f"try-{number}"
        title = f"kills {number}: {name}"
        try:
            reference = self.reference(name, work)
            problems = list(self._killed(work, reference, place, choose))
        except TimeoutError as error:
            problems = [("hang", str(error))]
        except RuntimeError as error:
            problems = [("fails without being killed", str(error))]
        told = "\n".join(self.told.pop(place, []))
        failures = [Failure(f"{kind} ({name})", title, f"{text}\n{told}") for kind, text in problems]
        if failures and place.is_dir():
            kept = self.folder / "failures" / f"kills-{number}"
            shutil.copytree(place, kept, dirs_exist_ok=True)
            (kept / "failure.txt").write_text("\n\n".join(f"{f.kind}\n{f.case}\n{f.detail}" for f in failures))
        shutil.rmtree(place, ignore_errors=True)
        return failures

    def _killed(
        self, work: Work, reference: _Reference, place: Path, choose: random.Random
    ) -> Iterator[tuple[str, str]]:
        """Kill the command once or twice and run it to the end; yield kinds of problems with what they are."""
        told = self.told.setdefault(place, [])
        files = place / "files"
        kills = 1 + (choose.random() < 0.3)
        argv, hits = work.argv, 0
        for _ in range(4 * kills):
            number = choose.choice(SIGNALS)
            early = choose.random() < 0.08
            at_operation = choose.random() < 0.4 and reference.operations and not early
            operation, fraction = choose.randrange(max(reference.operations, 1)), choose.random()
            group = number == signal.SIGINT or choose.random() < 0.5
            hook = ("tests.robustness.kills:at_operation", {"number": operation, "signal": int(number)})
            call = self.call(work, argv, place, *([hook] if at_operation else []))
            process: Process = Real(call) if early else self.zygotes[0].start(call)
            if early:  # while it imports
                time.sleep(3 * fraction)
                process.send(number, group=group)
            elif not at_operation:
                time.sleep(reference.seconds * fraction)
                process.send(number, group=group)
            what = f"{number.name} {'at operation ' + str(operation) if at_operation else f'at {fraction:.2f}'}"
            what += f"{', a new process' if early else ''}{', group' if group else ''}"
            try:
                code = process.wait(RUN_SECONDS if at_operation else PATIENCE)
            except TimeoutError:
                yield "does not end when told to", what
                return
            told.append(f"{what}: exit code {code}")
            yield from self._after(process, code, what)
            argv = work.again or work.argv
            if code != 0:
                hits += 1
                with self.lock:
                    self.counts[number.name] = self.counts.get(number.name, 0) + 1
                if hits == kills:
                    break
            elif not hits:  # it was done before
                shutil.rmtree(place)
                argv = work.argv
        call = self.call(work, argv, place)
        last = self.zygotes[1].start(call)
        code = last.wait(RUN_SECONDS)
        if code != 0:
            yield "the next run fails", f"exit code {code}: {call.text('stderr')[-3000:]}"
            return
        if others := _lasting(last):
            yield "processes are left", f"{others}"
        for text in work.same(reference.folder, files):
            yield text.partition(":")[0], text

    def _after(self, process: Process, code: int, what: str) -> Iterator[tuple[str, str]]:
        """Look at a command that was interrupted."""
        errors = process.call.text("stderr")
        if "Traceback" in errors:
            yield "a traceback", f"{what}\n{errors[-3000:]}"
        # Python ends by the signal itself where it has passed through `exec`; a shell shows 130 for either.
        if code not in (0, 130, 143, -signal.SIGTERM, -signal.SIGKILL, -signal.SIGINT):
            yield f"exit code {code}", f"{what}\n{errors[-3000:]}"
        if _lasting(process):
            yield "processes outlive it", what
            process.send(signal.SIGKILL, group=True)
        for text in unreadable(process.call.folder):
            yield "a damaged file", f"{what}: {text}"

    def note(self) -> str:
        return ", ".join(f"{count} x {name}" for name, count in sorted(self.counts.items()))


@dataclass(frozen=True)
class _Reference:
    """What an uninterrupted run has left: files, seconds, number of file operations."""

    folder: Path
    seconds: float
    operations: int


def _lasting(process: Process) -> list[int]:
    """The processes of a command that has ended which stay; those that multiprocessing keeps end a little later."""
    end = time.monotonic() + PATIENCE
    while (others := process.others()) and time.monotonic() < end:
        time.sleep(0.02)
    return others


# What is compared


def different_files(expected: Path, found: Path) -> list[str]:
    """Return how the files of two folders differ, apart from what is exempt."""
    names = [{str(p.relative_to(f)) for p in f.rglob("*") if not p.is_dir()} for f in (expected, found)]
    left = sorted(name for name in names[1] - names[0] if not name.startswith(WORKBOOKS))
    problems = [f"a file is left behind: {name}" for name in left]
    problems += [f"a file is missing: {name}" for name in sorted(names[0] - names[1])]
    for name in sorted(names[0] & names[1]):
        texts = [_plain(folder / name) for folder in (expected, found)]
        if texts[0] != texts[1]:
            problems.append(f"another result: {name}{_difference(*texts)}")
    return problems


def _plain(path: Path) -> object:
    """Return the content of a file without what is exempt."""
    exempt = SECONDS.get(path.name)
    if exempt == ():
        return None
    if exempt and path.suffix == ".csv":
        with path.open(newline="") as stream:
            return [{name: cell for name, cell in row.items() if name not in exempt} for row in csv.DictReader(stream)]
    if exempt and path.suffix == ".json":
        return _without(json.loads(path.read_text()), exempt)
    if path.suffix == ".xlsx":  # zipped, with the time
        from openpyxl import load_workbook

        return [[cell.value for cell in row] for row in load_workbook(path).worksheets[0].iter_rows()]
    return path.read_bytes()


def _without(value: Any, names: Sequence[str]) -> Any:
    if isinstance(value, dict):
        return {name: _without(each, names) for name, each in value.items() if name not in names}
    return [_without(each, names) for each in value] if isinstance(value, list) else value


def _difference(one: Any, other: Any) -> str:
    if isinstance(one, bytes) and isinstance(other, bytes):
        place = next((n for n, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other)))
        return f", from byte {place}: {one[place - 40 : place + 80]!r} is {other[place - 40 : place + 80]!r}"
    return f": {str(one)[:300]} is {str(other)[:300]}"


def different_studies(expected: Path, found: Path) -> list[str]:
    """Return what is wrong with a study that was interrupted.

    A trial that was interrupted is started again with another number, and those after it are drawn by theirs. So what
    must agree are trials with the same settings.
    """
    studies = [_trials(folder / "run" / "trials.csv") for folder in (expected, found)]
    finished = [{row["trial"]: row for row in study if row["state"] == "complete"} for study in studies]
    problems = []
    if len(finished[0]) != len(finished[1]):
        problems.append(f"another number of trials: {len(finished[1])} instead of {len(finished[0])}")
    settings = ("training.learning_rate", "model.heads")
    values = [{tuple(row[s] for s in settings): row["open.top_1"] for row in rows.values()} for rows in finished]
    problems += [
        f"another result: {key} {values[0][key]} is {values[1][key]}"
        for key in values[0].keys() & values[1].keys()
        if values[0][key] != values[1][key]
    ]
    if states := {row["state"] for row in studies[1]} - {"complete", "fail"}:
        problems.append(f"trials are left: {states}")
    names = {p.name for p in (expected / "run").iterdir()} ^ {p.name for p in (found / "run").iterdir()}
    problems += [f"a file is left behind: {name}" for name in sorted(names)]
    hidden = [p for p in found.rglob("*") if p.name.startswith(".") or p.parent.name == "tmp" or "-journal" in p.name]
    problems += [f"a file is left behind: {p.relative_to(found)}" for p in hidden]
    numbers = {int(row["again"] or row["trial"]) for row in studies[1] if row["state"] == "complete"}
    kept = {int(p.name) for p in (found / "run" / "trials").iterdir()}
    if not kept <= numbers:
        problems.append(f"a file is left behind: folders of trials {sorted(kept - numbers)}")
    return problems


def _trials(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as stream:
        return list(csv.DictReader(stream))


def unreadable(folder: Path) -> Iterator[str]:
    """Yield the files in a folder that cannot be read, apart from hidden ones."""
    for path in sorted(folder.rglob("*")):
        inside = path.relative_to(folder)
        if path.is_dir() or any(part.startswith(".") for part in inside.parts) or inside.parts[0] == "tmp":
            continue
        try:
            _read(path)
        except Exception as error:
            yield f"{inside}: {type(error).__name__}: {error}"


def _read(path: Path) -> None:
    import gzip

    import pyarrow.parquet
    import yaml
    from safetensors import safe_open

    data = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    suffix = Path(path.stem).suffix if path.suffix == ".gz" else path.suffix
    if suffix == ".json":
        json.loads(data)
    elif suffix == ".jsonl":
        for line in data.splitlines():
            json.loads(line)
    elif suffix == ".csv":
        rows = list(csv.reader(data.decode().splitlines(keepends=True)))
        assert data.endswith(b"\n"), "the last line is cut"
        assert len({len(row) for row in rows}) == 1, "a row is cut"
    elif suffix == ".safetensors":
        with safe_open(path, framework="pt") as handle:
            for name in handle.keys():  # noqa: SIM118
                handle.get_tensor(name)
    elif suffix == ".parquet":
        pyarrow.parquet.read_table(path)
    elif suffix == ".xlsx":
        from openpyxl import load_workbook

        load_workbook(path)
    elif suffix == ".yaml":
        assert yaml.safe_load(data) is not None, "empty"
    elif suffix == ".db":
        with sqlite3.connect(f"file:{path}?mode=ro", uri=True) as base:
            assert base.execute("pragma integrity_check").fetchone() == ("ok",)


# Time that is lost

STEP_SECONDS: Final = 1.5
"""What a step of a slow training takes; an epoch has about ninety."""
SLOW: Final = (
    *(("train links", number, seconds) for number, seconds in ((signal.SIGKILL, 75), (signal.SIGINT, 8))),
    *(("pretrain", number, seconds) for number, seconds in ((signal.SIGKILL, 85), (signal.SIGTERM, 11))),
)
"""Trainings that are killed so many seconds after their first step: work, signal, seconds."""


@dataclass
class _Lost:
    """What became of slow trainings."""

    tried: int = 0
    failures: list[Failure] = field(default_factory=list)


@contextmanager
def _slow_runs(attempt: _Attempt, *, many: bool) -> Iterator[_Lost]:
    """Let trainings with long epochs run beside the block, kill them, and see how much is lost.

    It takes more than a minute to find out what kill -9 loses, so that few tries leave it out.
    """
    lost, chosen = _Lost(), works()
    with ThreadPoolExecutor(len(SLOW)) as pool:
        running = []
        for name, number, seconds in SLOW if many else ():
            place = attempt.folder / f"slow-{name.replace(' ', '_')}-{number.name}"
            before = ("tests.robustness.kills:slow_steps", {"seconds": STEP_SECONDS, "path": str(place / "steps")})
            argv = (*chosen[name].argv, "training.batch_size=1", "training.epochs=2")
            call = attempt.call(chosen[name], argv, place, before)
            process = attempt.zygotes[0].start(call)
            running.append((f"slow {name}, {number.name}", pool.submit(_loss, process, place, number, seconds)))
        yield lost
        for title, found in running:
            lost.tried += 1
            kind, detail = found.result()
            if kind:
                lost.failures.append(Failure(kind, title, detail))


def _loss(process: Fork, place: Path, number: int, seconds: float) -> tuple[str, str]:
    """Kill a slow training; return what is wrong, or empty text, and how much is lost."""
    from safetensors import safe_open

    log, end = place / "steps", time.monotonic() + RUN_SECONDS
    while not log.exists() and process.poll() is None and time.monotonic() < end:
        time.sleep(0.1)
    time.sleep(seconds)
    killed = time.time()
    process.send(number)
    try:
        code = process.wait(PATIENCE)
    except TimeoutError:
        return "does not end when told to", ""
    if code == 0 or not log.exists():
        return "was not killed", process.call.text("stderr")
    steps = [float(line) for line in log.read_text().splitlines()]
    saved = 0
    for path in process.call.folder.rglob("training_state.safetensors"):
        with safe_open(path, framework="pt") as handle:
            saved = json.loads(handle.metadata()["state"])["step"]
    lost = killed - (steps[saved - 1] if saved else steps[0] - STEP_SECONDS)
    told = f"{len(steps)} steps, {saved} of them saved, {lost:.1f} s lost"
    # An interruption waits for the step.
    return ("too much is lost" if lost > (MOST_LOST if number == signal.SIGKILL else 0.5) else "", told)


# What forks do before their command


def at_operation(number: int = -1, signal: int = 0, path: str = "") -> None:
    """Send this process a signal just before a file operation within its folder, or list these in a file."""
    folder, count = str(Path.cwd()), 0
    log = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND) if path else None

    def hook(event: str, arguments: tuple[Any, ...]) -> None:
        nonlocal count
        if event not in ("open", "os.rename", "os.remove", "os.mkdir", "os.rmdir", "os.truncate"):
            return
        name = arguments[0]
        if event == "open" and not arguments[2] & (os.O_WRONLY | os.O_RDWR):
            return
        if not isinstance(name, str | os.PathLike) or not str(Path(folder, name)).startswith(folder):
            return
        if log is not None:
            os.write(log, f"{event} {name}\n".encode())
        if count == number:
            os.kill(os.getpid(), signal)
        count += 1

    sys.addaudithook(hook)


def slow_steps(seconds: float, path: str) -> None:
    """Let each step of a training wait, and note when it was done."""
    from rrgraph.training import loop

    step = loop._Run._step

    def slowed(self: Any, *arguments: Any) -> float:
        loss = step(self, *arguments)
        time.sleep(seconds)
        with Path(path).open("a") as stream:
            stream.write(f"{time.time()}\n")
        return loss

    loop._Run._step = slowed  # type: ignore[method-assign]


def coarse_trees() -> None:
    """Let boosted trees choose among few thresholds; many take scikit-learn seconds."""
    from sklearn import ensemble

    ensemble.HistGradientBoostingClassifier = partial(ensemble.HistGradientBoostingClassifier, max_bins=32)


# Inputs


def write_inputs(folder: Path) -> None:
    """Write tables and configurations of commands that take about a second."""
    from omegaconf import OmegaConf

    from rrgraph.data import load_table

    folder.mkdir(parents=True)
    textbook = load_table("textbook")
    textbook.select(range(0, len(textbook), 6)).write(folder / "reactions.csv")
    targets = [str(target) for target in textbook.frame["target"].head(60)]
    lines = ["target,note", *(f"{target},row {number}" for number, target in enumerate(targets))]
    (folder / "targets.csv").write_text("\n".join(lines) + "\n")
    _write_organic(folder / "organic.csv")
    _write_properties(folder / "properties.csv")
    written = {"links": LINKS, "organic": ORGANIC, "pretraining": PRETRAINING, "space": SPACE, "experiment": EXPERIMENT}
    written["popular"] = "baseline: popularity\n"
    merged = OmegaConf.merge(OmegaConf.create(LINKS), OmegaConf.create(RERANKED))
    written["reranked"] = OmegaConf.to_yaml(merged)
    for name, text in written.items():
        (folder / f"{name}.yaml").write_text(text.replace("INPUTS", str(folder)))


def _write_organic(path: Path) -> None:
    from tests.conftest import organic_reactions

    with path.open("w", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(["product", "reactants", "template", "split"])
        for number, row in enumerate(organic_reactions()):
            writer.writerow([*row, {3: "valid", 4: "test"}.get(number % 5, "train")])


def _write_properties(path: Path) -> None:
    from rrgraph.chem import ELEMENTS

    lines, numbers = ["formula,negativity,anion"], list(ELEMENTS)
    for number, (one, other) in enumerate(combinations(["Li", "Na", "K", "Mg", "Ca", "Al", "Si", "Ti", "Zr", "Fe"], 2)):
        for kind, anion in enumerate(("N", "O", "S")):
            amounts = 1 + number % 3, 1 + number // 3 % 2, 1 + (number + kind) % 4
            value = sum(n * numbers.index(e) for n, e in zip(amounts, (one, other, anion), strict=True)) / sum(amounts)
            lines.append(f"{one}{amounts[0]}{other}{amounts[1]}{anion}{amounts[2]},{value:.4f},{kind}")
    path.write_text("\n".join(lines) + "\n")
