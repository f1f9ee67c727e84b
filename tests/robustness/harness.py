"""Attacks: their registry, and processes in which a crash, a hang or a memory bomb of one case is counted and survived.

An attack is a function `attack(*, tries, seed, folder) -> Outcome` that is registered by the decorator `attack`. Most
give `run_cases` a function of one case, which raises if the case is a failure.
"""

from __future__ import annotations

import io
import multiprocessing
import os
import random
import re
import resource
import shutil
import signal
import sys
import time
import traceback
import warnings
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import Any, NoReturn, Protocol

import pytest

from rrgraph.cli.main import main
from rrgraph.errors import RRGraphError

__all__ = [
    "ATTACKS",
    "Attack",
    "Failure",
    "Outcome",
    "Unavailable",
    "assert_survives",
    "attack",
    "command",
    "one_sentence",
    "options",
    "refusals",
    "run_cases",
]

ROOT = Path(__file__).parents[2]
KEPT = 200
"""Failing cases of an attack whose files are kept."""
PATIENCE = 5
"""Times its limit by the clock, plus ten seconds, after which a process that does not heed its alarm is killed."""
HEADROOM = 4 * 2**30
"""Address space (bytes) beyond the limit of memory, for libraries that are loaded on the way."""


class Unavailable(Exception):
    """The attack needs something that this machine lacks; the text says what."""


class Hang(BaseException):
    """A case has used up its time; no `except Exception` catches it."""


@dataclass(frozen=True, slots=True)
class Failure:
    """What went wrong.

    Attributes:
        kind: ``hang``, ``memory``, ``crash``, or what happened where: ``TypeError in rrgraph/util/rows.py:_plain``.
        case: the case in a few words, or its number.
        detail: traceback or output.
    """

    kind: str
    case: str
    detail: str = ""


@dataclass
class Outcome:
    """What an attack found."""

    tried: int
    failures: list[Failure] = field(default_factory=list)
    note: str = ""

    def count(self, *kinds: str) -> int:
        return sum(failure.kind in kinds for failure in self.failures)

    @property
    def found(self) -> int:
        """Failures besides hangs and excessive memory."""
        return len(self.failures) - self.count("hang", "memory")

    def kinds(self) -> Counter[str]:
        return Counter(failure.kind for failure in self.failures)


class Run(Protocol):
    def __call__(self, *, tries: int, seed: int, folder: Path) -> Outcome: ...


@dataclass(frozen=True, slots=True)
class Attack:
    """An attack and how often it is tried in full, in a few minutes of the whole, and as a test."""

    name: str
    what: str
    allowed: str
    full: int
    quick: int
    few: int
    run: Run


@dataclass
class Options:
    """Set by the command line.

    Attributes:
        jobs: processes of `run_cases`.
        case: the only one to be carried out, in this process and without catching anything.
    """

    jobs: int = os.cpu_count() or 1
    case: int | None = None


options = Options()
ATTACKS: dict[str, Attack] = {}


def attack(name: str, *, what: str, allowed: str, full: int, quick: int, few: int) -> Callable[[Run], Run]:
    """Register a function under a name."""

    def register(run: Run) -> Run:
        ATTACKS[name] = Attack(name, what, allowed, full, quick, few, run)
        return run

    return register


def assert_survives(name: str, folder: Path, *, seed: int = 0) -> None:
    """Carry out few tries of an attack; for tests."""
    chosen = ATTACKS[name]
    try:
        outcome = chosen.run(tries=chosen.few, seed=seed, folder=folder)
    except Unavailable as error:
        pytest.skip(str(error))
    assert outcome.tried >= chosen.few
    shown = "\n\n".join(f"{failure.kind}\n{failure.case}\n{failure.detail}" for failure in outcome.failures[:5])
    assert not outcome.failures, f"{dict(outcome.kinds())}\n{shown}"


Case = Callable[[random.Random, Path], object]
"""One case: takes what chooses and an empty folder, raises if something is wrong."""


def run_cases(
    name: str,
    case: Case,
    *,
    tries: int,
    seed: int,
    folder: Path,
    seconds: float = 2.0,
    gigabytes: float = 1.0,
    keep_files: bool = True,
) -> Outcome:
    """Carry out cases in processes, in which each has a limit of time and of memory.

    A failing case leaves its files and its traceback in ``folder/failures/NAME-NUMBER``.

    Args:
        name: of the attack; together with the seed and its number it determines the choices of a case.
        case: what is done; any exception is a failure.
        tries: number of cases.
        seed: of the choices.
        folder: for temporary files and failures.
        seconds: of the processor for one case, so that a busy machine is no hang.
        gigabytes: by which a process may grow.
        keep_files: give every case an empty folder; otherwise all of a process share one and nothing is kept.
    """
    folder.mkdir(parents=True, exist_ok=True)
    if options.case is not None:
        place = folder / f"{name}-{options.case}"
        place.mkdir(exist_ok=True)
        case(_choices(name, seed, options.case), place)
        return Outcome(1, note=f"case {options.case} in {place}")
    start = partial(_Worker, name, case, tries, seed, folder, seconds, gigabytes, keep_files)
    failures: list[Failure] = []
    workers = [start(number) for number in range(min(options.jobs, tries))]
    try:
        while workers:
            wait([pipe for worker in workers for pipe in (worker.pipe, worker.process.sentinel)], timeout=0.5)
            for worker in list(workers):
                failures += worker.received()
                if not worker.has_ended():
                    continue
                failures += worker.received()
                workers.remove(worker)
                if (lost := worker.lost()) is not None:
                    failures.append(lost)
                if worker.next < tries:
                    workers.append(start(worker.next))
    finally:
        for worker in workers:
            worker.process.kill()
    return Outcome(tries, failures)


class _Worker:
    """A process that carries out the cases of one residue class of numbers."""

    def __init__(
        self,
        name: str,
        case: Case,
        tries: int,
        seed: int,
        folder: Path,
        seconds: float,
        gigabytes: float,
        keep_files: bool,
        first: int,
    ) -> None:
        context = multiprocessing.get_context("fork")
        self.name, self.folder, self.seconds, self.step = name, folder, seconds, min(options.jobs, tries)
        self.current = context.RawValue("q", first)
        self.done = context.RawValue("q", first)  # the next number that nobody has begun
        self.pipe, there = context.Pipe(duplex=False)
        self._seen, self._since, self._killed = first, time.monotonic(), False
        self._tries = tries
        work = partial(_work, self, there, case, seed, gigabytes, keep_files)
        self.process = context.Process(target=work, daemon=True)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # Python warns of threads when it forks
            self.process.start()
        there.close()

    @property
    def next(self) -> int:
        """The first number that is left to do."""
        return self.done.value

    def received(self) -> list[Failure]:
        failures = []
        try:
            while self.pipe.poll():
                failures.append(self.pipe.recv())
        except (EOFError, OSError):
            pass
        return failures

    def has_ended(self) -> bool:
        """Whether the process has ended; one that hangs is killed."""
        if self.process.exitcode is not None:
            return True
        now = time.monotonic()
        if self.current.value != self._seen:
            self._seen, self._since = self.current.value, now
        elif now - self._since > PATIENCE * self.seconds + 10 and self.next < self._tries:
            self._killed = True
            self.process.kill()
            self.process.join()
            return True
        return False

    def lost(self) -> Failure | None:
        """Return the failure of the case during which the process died, if it did."""
        self.process.join()
        number = self.current.value
        if self.next > number:
            return None
        self.done.value = number + self.step
        kind = "hang" if self._killed else "crash"
        detail = "no answer" if self._killed else f"exit code {self.process.exitcode}"
        _keep(self.folder, self.name, number, detail)
        shutil.rmtree(self.folder / f"{self.name}-{number}", ignore_errors=True)
        return Failure(kind, f"{self.name} {number}", detail)


def _choices(name: str, seed: int, number: int) -> random.Random:
    return random.Random(f"{name} {seed} {number}")


def _work(worker: _Worker, pipe: Connection, case: Case, seed: int, gigabytes: float, keep_files: bool) -> None:
    """Carry out cases until all are done, or until one has made the process grow too much."""
    signal.signal(signal.SIGPROF, _raise_hang)
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    if "torch" in sys.modules:
        sys.modules["torch"].set_num_threads(1)
    most = _resident() + int(gigabytes * 2**30)
    space = _address_space() + int(gigabytes * 2**30) + HEADROOM
    resource.setrlimit(resource.RLIMIT_AS, (space, resource.RLIM_INFINITY))
    shared = worker.folder / f"{worker.name}-process-{worker.done.value}"
    if not keep_files:
        shared.mkdir(exist_ok=True)
    kept = 0
    for number in range(worker.next, worker._tries, worker.step):
        worker.current.value = number
        place = shared
        if keep_files:
            place = worker.folder / f"{worker.name}-{number}"
            place.mkdir(exist_ok=True)
        failure = _try(case, worker, seed, number, place)
        if failure is None and _peak() > most:
            failure = Failure("memory", f"{worker.name} {number}", f"grew by more than {gigabytes:g} GB")
        worker.done.value = number + worker.step
        if failure is not None:
            pipe.send(failure)
            kept += 1
            if kept < KEPT:
                _keep(worker.folder, worker.name, number, f"{failure.kind}\n{failure.case}\n{failure.detail}")
        if keep_files:
            shutil.rmtree(place, ignore_errors=True)
        if failure is not None and (failure.kind == "memory" or _peak() > most):
            break
    if not keep_files:
        shutil.rmtree(shared, ignore_errors=True)
    sys.stdout.flush()
    os._exit(0)


def _try(case: Case, worker: _Worker, seed: int, number: int, place: Path) -> Failure | None:
    try:
        signal.setitimer(signal.ITIMER_PROF, worker.seconds)
        try:
            case(_choices(worker.name, seed, number), place)
        finally:
            signal.setitimer(signal.ITIMER_PROF, 0)
    except BaseException as error:
        kind = "hang" if isinstance(error, Hang) else "memory" if isinstance(error, MemoryError) else _kind(error)
        return Failure(kind, f"{worker.name} {number}", "".join(traceback.format_exception(error)))
    return None


def _raise_hang(*_: object) -> NoReturn:
    raise Hang


def _kind(error: BaseException) -> str:
    """Return the type of an error and the last function of rrgraph that it went through, or what was asserted."""
    if isinstance(error, AssertionError) and error.args:
        return re.sub(r"\d+", "N", str(error.args[0]).split("\n")[0][:100])
    frames = traceback.extract_tb(error.__traceback__)
    last = next((frame for frame in reversed(frames) if f"{ROOT}/rrgraph/" in frame.filename), frames[-1])
    return f"{type(error).__name__} in {last.filename.removeprefix(f'{ROOT}/')}:{last.name}"


def _keep(folder: Path, name: str, number: int, text: str) -> None:
    """Keep the files of a failing case beside a text about it."""
    place, kept = folder / f"{name}-{number}", folder / "failures" / f"{name}-{number}"
    try:
        if place.is_dir():
            shutil.copytree(place, kept, dirs_exist_ok=True, symlinks=True, ignore_dangling_symlinks=True)
        kept.mkdir(parents=True, exist_ok=True)
        (kept / "failure.txt").write_text(text, encoding="utf-8", errors="backslashreplace")
    except (OSError, shutil.Error) as error:
        print(f"{name} {number} is not kept: {error}", file=sys.stderr)


def _peak() -> int:
    """Return the largest resident memory of this process so far (bytes)."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def _resident() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()


def _address_space() -> int:
    return int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()


@contextmanager
def _streams(given: bytes) -> Iterator[tuple[io.TextIOWrapper, io.TextIOWrapper]]:
    """Replace the standard streams by such that encode as those of a terminal do."""
    before = sys.stdin, sys.stdout, sys.stderr
    out, err = (io.TextIOWrapper(io.BytesIO(), encoding="utf-8", newline="") for _ in range(2))
    sys.stdin, sys.stdout, sys.stderr = (
        io.TextIOWrapper(io.BufferedReader(io.BytesIO(given)), encoding="utf-8"),
        out,
        err,
    )
    try:
        yield out, err
    finally:
        sys.stdin, sys.stdout, sys.stderr = before


def command(*arguments: Any, stdin: bytes = b"") -> tuple[int, str, str]:
    """Run a command line in this process and return its exit code, output and messages.

    What is no exit code, such as a TypeError, is raised; see `one_sentence` for the rest.
    """
    with _streams(stdin) as (out, err):
        try:
            code = main([str(argument) for argument in arguments])
        except SystemExit as error:
            code = error.code if isinstance(error.code, int) else 0 if error.code is None else 1
        out.flush()
        err.flush()
    texts = [stream.buffer.getvalue().decode("utf-8", "replace") for stream in (out, err)]  # type: ignore[attr-defined]
    return code, texts[0], texts[1]


def one_sentence(code: int, out: str, err: str, *, codes: tuple[int, ...] = (0, 2)) -> None:
    """Assert that a command ended well, or with one sentence for each thing that it refused."""
    assert code in codes, f"exit code {code}\n{err[-2000:]}"
    assert "Traceback (most recent call last)" not in out + err, f"a traceback is shown\n{err[-4000:]}"
    odd = next(
        (mark for mark in out + err if not mark.isprintable() and mark not in "\n\t\r " and ord(mark) < 160), None
    )
    assert odd is None, f"a control character is shown\n{odd!r} in {(out + err)!r:.4000}"
    if code == 0:
        return
    said = [line for line in err.splitlines() if line.startswith("rrgraph")]
    assert said, f"a refusal says nothing\n{err!r:.2000}"
    assert all(len(line) < 2000 for line in said), f"a sentence of {max(map(len, said))} characters\n{err!r:.2000}"


@contextmanager
def refusals() -> Iterator[None]:
    """Let the block refuse its input in one sentence, of which the command line escapes what a terminal would obey."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            yield
        except RRGraphError as error:
            said = str(error)
            assert said.strip(), "a refusal says nothing"
            assert len(said) < 2000, f"a sentence of {len(said)} characters\n{said!r:.4000}"
