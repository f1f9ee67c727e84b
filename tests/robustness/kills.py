"""Commands that are killed at random moments, and what the next run makes of what they left.

A try runs a command, ends it by a signal, looks at the files, runs it again until it is done, and compares what is
there with what an uninterrupted run has written, byte for byte. Some tries end the second run as well. Moments are
uniform over the time that the command takes, or just before one of its file operations.
"""

from __future__ import annotations

import os
import random
import shutil
import signal
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from .commands import PATIENCE, RUN_SECONDS, Call, Fork, Process, Real, Zygote
from .comparison import unreadable
from .harness import Failure, Outcome, attack, choices, keep, numbers, options
from .slow_trainings import slow_trainings
from .works import Work, works, write_inputs

SIGNALS: Final = (signal.SIGKILL, signal.SIGKILL, signal.SIGTERM, signal.SIGINT)
FEW: Final = 1
"""Tries as a test."""


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
        try_one = _Tries(folder, first, second)
        if tries > FEW:
            try_one.warm_up()
        order = [
            name
            for share in range(max(w.share for w in chosen.values()))
            for name in chosen
            if chosen[name].share > share
        ]
        random.Random(seed).shuffle(order)
        given = numbers(tries)
        names = [order[number % len(order)] for number in given]
        # It takes more than a minute to find out what kill -9 loses, so that few tries leave it out.
        slow = slow_trainings(try_one.start_slow, folder) if tries >= 100 else nullcontext(Outcome(0))
        with slow as lost, ThreadPoolExecutor(options.jobs) as pool:
            tried = [pool.submit(try_one, name, chosen[name], seed, n) for n, name in zip(given, names, strict=True)]
            failures = [failure for each in tried for failure in each.result()]
        return Outcome(len(given) + lost.tried, failures + lost.failures, try_one.note())


class _Tries:
    """Carries out tries, which share processes to fork, inputs, and what uninterrupted runs have left."""

    def __init__(self, folder: Path, first: Zygote, second: Zygote) -> None:
        self.folder, self.zygotes = folder.resolve(), (first, second)
        self.inputs = self.folder / "inputs"
        self.lock, self.references = threading.Lock(), dict[str, _Reference]()
        self.counts: dict[str, int] = {}
        self.ends: dict[Path, list[str]] = {}
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

    def start_slow(
        self, name: str, overrides: Sequence[str], place: Path, before: tuple[str, Mapping[str, Any]]
    ) -> Fork:
        """Start a training with other settings."""
        work = works()[name]
        return self.zygotes[0].start(self.call(work, (*work.argv, *overrides), place, before))

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
        if self.zygotes[0].run(call) != 0:
            raise RuntimeError(f"{name} fails: {call.text('stderr')}")
        return _Reference(place / "files", time.monotonic() - begun, len(log.read_text().splitlines()))

    def __call__(self, name: str, work: Work, seed: int, number: int) -> list[Failure]:
        choose = choices("kills", seed, number)
        place = self.folder / f"kills-{number}"
        title = f"kills {number}: {name}"
        try:
            reference = self.reference(name, work)
            problems = list(self._killed(work, reference, place, choose))
        except TimeoutError as error:
            problems = [("hang", str(error))]
        except RuntimeError as error:
            problems = [("fails without being killed", str(error))]
        ends = "\n".join(self.ends.pop(place, []))
        failures = [Failure(f"{kind} ({name})", title, f"{text}\n{ends}") for kind, text in problems]
        if failures:
            keep(self.folder, "kills", number, *failures)
        shutil.rmtree(place, ignore_errors=True)
        return failures

    def _killed(
        self, work: Work, reference: _Reference, place: Path, choose: random.Random
    ) -> Iterator[tuple[str, str]]:
        """Kill the command once or twice and run it to the end; yield kinds of problems with what they are."""
        ends = self.ends.setdefault(place, [])
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
                yield "does not end when interrupted", what
                return
            ends.append(f"{what}: exit code {code}")
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
        if others := last.lasting():
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
        if process.lasting():
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
