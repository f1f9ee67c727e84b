"""Places where a command cannot write or read, streams that are closed, and two processes in one place.

A case is a command and a place. The command has to refuse in one sentence that names what was typed, or to work; what
was there before has to be there afterwards, and nothing else.
"""

from __future__ import annotations

import fcntl
import os
import random
import re
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from .commands import Call, Zygote
from .harness import Failure, Outcome, attack, options
from .kills import unreadable, write_inputs

RUN_SECONDS: Final = 300.0
BEFORE: Final = "what was there before\n"

ALSO_SAID: Final = re.compile(r": line \d+ of '|are kept in '")
"""Sentences beside the one that says why a command has ended: what became of the rows of a list."""

OTHER_FILES: Final = re.compile(r"'ok\.|'place/graph\.nodes\.csv'")
"""What commands write beside the file in the place, which may be what fails."""

MODEL: Final = ("--model", "INPUTS/model")
FILES: Final[Mapping[str, tuple[str, ...]]] = {
    **{
        f"plan .{suffix}": ("plan", "BaTiO3", *MODEL, "--output", f"PLACE/plans.{suffix}")
        for suffix in ("jsonl", "csv", "parquet", "xlsx")
    },
    "plan --rejects": (
        *("plan", "--input", "INPUTS/bad.csv", *MODEL, "--output", "ok.csv", "--rejects", "PLACE/rejects.csv"),
    ),
    "data clean": ("data", "clean", "INPUTS/reactions.csv", "--output", "PLACE/clean.csv.gz"),
    "data clean .parquet": ("data", "clean", "INPUTS/reactions.csv", "--output", "PLACE/clean.parquet"),
    "data clean --report": (
        *("data", "clean", "INPUTS/reactions.csv", "--output", "ok.csv", "--report", "PLACE/report.json"),
    ),
    "prompts": ("prompts", "INPUTS/reactions.csv", "--output", "PLACE/prompts.jsonl"),
    "evaluate": ("evaluate", "INPUTS/model", "--split", "test", "--predictions", "PLACE/predictions.jsonl"),
    "cooccur .graphml": ("cooccur", "INPUTS/reactions.csv", "--output", "PLACE/graph.graphml"),
    "cooccur .csv": ("cooccur", "INPUTS/reactions.csv", "--output", "PLACE/graph.csv"),
    "embed": ("embed", "--input", "INPUTS/targets.csv", *MODEL, "--output", "PLACE/vectors.csv"),
}
"""Commands that write a file; PLACE is the folder of that file."""

FOLDERS: Final[Mapping[str, tuple[str, ...]]] = {
    "data split": ("data", "split", "INPUTS/reactions.csv", "random", "--output", "PLACE/run"),
    "train": ("train", "INPUTS/links.yaml", "training.epochs=1", "output=PLACE/run"),
    "pretrain": ("pretrain", "INPUTS/pretraining.yaml", "training.epochs=1", "output=PLACE/run"),
    "tune": (
        *("tune", "INPUTS/links.yaml", "--space", "INPUTS/space.yaml", "--trials", "1", "--no-figures"),
        *("training.epochs=1", "output=PLACE/run"),
    ),
    "experiment": ("experiment", "INPUTS/experiment.yaml", "seeds=[0]", "output=PLACE/run"),
}
"""Commands that write a folder."""

PRINTING: Final[Mapping[str, tuple[str, ...]]] = {
    "plan": ("plan", "BaTiO3", *MODEL),
    "plan --json": ("plan", "BaTiO3", *MODEL, "--json"),
    "data stats": ("data", "stats", "INPUTS/reactions.csv"),
    "--help": ("--help",),
    "--version": ("--version",),
    "config list": ("config", "list"),
    "data split": ("data", "split", "INPUTS/reactions.csv", "random", "--output", "parts"),
}
"""Commands that print something."""

READING: Final[Mapping[str, tuple[str, ...]]] = {
    "plan --input": ("plan", "--input", "PLACE/targets.csv", *MODEL),
    "plan --stock": ("plan", "BaTiO3", *MODEL, "--stock", "PLACE/stock.csv"),
    "plan --table": ("plan", "BaTiO3", *MODEL, "--table", "PLACE/table.csv"),
    "plan --model": ("plan", "BaTiO3", "--model", "PLACE/model"),
    "data stats": ("data", "stats", "PLACE/table.csv"),
    "data clean": ("data", "clean", "PLACE/recipes.json", "--output", "clean.csv"),
    "score": ("score", "PLACE/predictions.jsonl", "--truth", "INPUTS/reactions.csv"),
    "train": ("train", "INPUTS/links.yaml", "data.table=PLACE/table.csv"),
    "train CONFIG": ("train", "PLACE/links.yaml"),
    "evaluate": ("evaluate", "PLACE/run", "--split", "test"),
}
"""Commands that read a file or folder."""


@dataclass(frozen=True)
class Case:
    """A command and where it is carried out.

    Attributes:
        title: of both.
        argv: of the command.
        codes: exit codes that are right.
        place: makes the place within a folder for a while; yields the streams and the limit of a file's size.
        partial: whether an unfinished run may stay, to be resumed.
        silent: whether nobody reads the messages.
        typed: what the sentence has to name, empty for nothing.
    """

    title: str
    argv: tuple[str, ...]
    codes: tuple[int, ...]
    place: Callable[[Path, str], object]
    partial: bool = False
    silent: bool = False
    typed: str = ""


Surroundings = tuple[Mapping[str, int | None], int | None]


@contextmanager
def full_disk(folder: Path, name: str) -> Iterator[Surroundings]:
    """A file system with room for what is there; without rights to make one, a limit to the size of a file."""
    kilobytes = 8 if name else 60
    with _mounted(folder / "place", f"size={kilobytes}k") as mounted:
        _put(folder, name)
        if not mounted:
            yield {}, 1024
            return
        with (folder / "place" / "filler").open("wb") as stream:
            stream.write(b"x" * (1 if name else 20_000))
        yield {}, None
        (folder / "place" / "filler").unlink()


@contextmanager
def small_files(folder: Path, name: str) -> Iterator[Surroundings]:
    _put(folder, name)
    yield {}, 100


@contextmanager
def device(folder: Path, name: str) -> Iterator[Surroundings]:
    """A link to a device on which there is no room."""
    (folder / "place").mkdir()
    (folder / "place" / name).symlink_to("/dev/full")
    yield {}, None


@contextmanager
def read_only_file(folder: Path, name: str) -> Iterator[Surroundings]:
    _put(folder, name)
    (folder / "place" / name).chmod(0o444)
    yield {}, None


@contextmanager
def read_only_folder(folder: Path, name: str) -> Iterator[Surroundings]:
    _put(folder, name)
    (folder / "place").chmod(0o555)
    yield {}, None
    (folder / "place").chmod(0o755)


@contextmanager
def read_only_disk(folder: Path, name: str) -> Iterator[Surroundings]:
    with _mounted(folder / "place", "ro") as mounted:
        if not mounted:
            (folder / "place").chmod(0o555)
        yield {}, None
    (folder / "place").chmod(0o755)


@contextmanager
def folder_for_file(folder: Path, name: str) -> Iterator[Surroundings]:
    (folder / "place" / name).mkdir(parents=True)
    yield {}, None


@contextmanager
def file_for_folder(folder: Path, name: str) -> Iterator[Surroundings]:
    (folder / "place").write_text(BEFORE)
    yield {}, None


@contextmanager
def file_at_folder(folder: Path, name: str) -> Iterator[Surroundings]:
    _put(folder, "run")
    yield {}, None


@contextmanager
def missing(folder: Path, name: str) -> Iterator[Surroundings]:
    yield {}, None


@contextmanager
def folder_for_input(folder: Path, name: str) -> Iterator[Surroundings]:
    (folder / "place" / name).mkdir(parents=True)
    yield {}, None


def closed(*streams: str) -> Callable[[Path, str], object]:
    @contextmanager
    def place(folder: Path, name: str) -> Iterator[Surroundings]:
        yield dict.fromkeys(streams), None

    return place


@contextmanager
def full_stdout(folder: Path, name: str) -> Iterator[Surroundings]:
    descriptor = os.open("/dev/full", os.O_WRONLY)
    yield {"stdout": descriptor}, None
    os.close(descriptor)


@contextmanager
def full_streams(folder: Path, name: str) -> Iterator[Surroundings]:
    descriptor = os.open("/dev/full", os.O_WRONLY)
    yield {"stdout": descriptor, "stderr": descriptor}, None
    os.close(descriptor)


@contextmanager
def closed_pipe(folder: Path, name: str) -> Iterator[Surroundings]:
    """A pipe whose reader is gone."""
    reader, writer = os.pipe()
    os.close(reader)
    yield {"stdout": writer}, None
    os.close(writer)


def cases() -> list[Case]:
    """Return all cases."""
    found = []
    for name, argv in FILES.items():
        typed = next(text for text in argv if text.startswith("PLACE/")).replace("PLACE", "place")
        for place in (
            full_disk,
            small_files,
            device,
            read_only_file,
            read_only_folder,
            read_only_disk,
            folder_for_file,
        ):
            found.append(Case(f"{name}, {place.__name__}", argv, (2,), place, typed=typed))
        found.append(Case(f"{name}, file_for_folder", argv, (2,), file_for_folder, typed=typed))
    for name, argv in FOLDERS.items():
        for place in (full_disk, small_files):
            # A command of several runs goes on with the others, and says 1.
            codes = (1, 2) if name in ("tune", "experiment") else (2,)
            found.append(Case(f"{name}, {place.__name__}", argv, codes, place, partial=True, typed="place/run"))
        for place in (read_only_folder, read_only_disk, file_for_folder, file_at_folder):
            found.append(Case(f"{name}, {place.__name__}", argv, (2,), place, typed="place/run"))
    for name, argv in PRINTING.items():
        found += [
            Case(f"{name}, full_stdout", argv, (1, 2), full_stdout, partial=True),
            Case(f"{name}, full_streams", argv, (1, 2), full_streams, partial=True, silent=True),
            Case(f"{name}, closed_pipe", argv, (0,), closed_pipe, partial=True),
            Case(f"{name}, closed stdin", argv, (0,), closed("stdin"), partial=True),
            Case(f"{name}, closed stdout", argv, (0, 2), closed("stdout"), partial=True),
            Case(f"{name}, closed stderr", argv, (0,), closed("stderr"), partial=True, silent=True),
            Case(f"{name}, all closed", argv, (0, 2), closed("stdin", "stdout", "stderr"), partial=True, silent=True),
        ]
    argv = ("plan", "--input", "-", *MODEL)
    found.append(Case("plan --input -, closed stdin", argv, (2,), closed("stdin")))
    found.append(Case("plan, bad, closed stderr", ("plan", "Xx", *MODEL), (2,), closed("stderr"), silent=True))
    for name, argv in READING.items():
        typed = next(text for text in argv if "PLACE" in text).partition("=")[2 * ("=PLACE" in " ".join(argv))]
        typed = typed.replace("PLACE", "place")
        for place in (missing, folder_for_input):
            found.append(Case(f"{name}, {place.__name__}", argv, (2,), place, typed=typed))
    return found


TWO: Final[Mapping[str, tuple[tuple[str, ...], tuple[tuple[int, int], ...]]]] = {
    "train": (FOLDERS["train"], ((0, 2),)),
    "pretrain": (FOLDERS["pretrain"], ((0, 2),)),
    # One that comes when the other is done has nothing left to do; a run that the other works on has failed for it.
    "experiment": (FOLDERS["experiment"], ((0, 0), (0, 1), (0, 2))),
    "tune": ((*FOLDERS["tune"], "--trials", "2"), ((0, 0),)),
    "plan": (("plan", "--input", "INPUTS/bad.csv", *MODEL, "--output", "PLACE/plans.csv"), ((2, 2),)),
    "data split": (FOLDERS["data split"], ((0, 0),)),
}
"""Commands of which two run in one place, and the exit codes that are right."""


@attack(
    "places",
    what="full disks, read-only places, closed streams, two processes",
    allowed="one sentence each",
    full=60,
    quick=16,
    few=3,
)
def places(*, tries: int, seed: int, folder: Path) -> Outcome:
    """Carry out commands where they cannot work."""
    folder = folder.resolve()
    inputs = folder / "inputs"
    with Zygote() as zygote:
        write_inputs(inputs)
        (inputs / "bad.csv").write_text("target\nBaTiO3\nXx2O3\n")
        argv = ["train", str(inputs / "links.yaml"), "training.epochs=1", f"output={inputs / 'model'}"]
        zygote.warm_up(folder / "warm", argv)
        try_one = _Try(folder, inputs, zygote)
        work: list[Callable[[int, random.Random], Iterator[tuple[str, str, str]]]] = []
        chosen = cases()
        # One of each command and each place comes first.
        random.Random(seed).shuffle(chosen)
        work += [lambda n, choose, case=case: try_one.alone(n, case) for case in chosen]
        doubles = [lambda n, choose, name=name: try_one.together(n, name, choose) for name in TWO]
        for number, double in enumerate(doubles):
            work.insert(5 * number + 1, double)
        numbers = range(tries) if options.case is None else [options.case]

        def one(number: int) -> list[Failure]:
            choose = random.Random(f"places {seed} {number}")
            try:
                found = list(work[number % len(work)](number, choose))
            except TimeoutError as error:
                found = [("hang", "", str(error))]
            return [Failure(kind, f"places {number}: {title}", detail) for kind, title, detail in found]

        with ThreadPoolExecutor(options.jobs) as pool:
            failures = [failure for found in pool.map(one, numbers) for failure in found]
    return Outcome(len(numbers), failures)


class _Try:
    """Carries out cases."""

    def __init__(self, folder: Path, inputs: Path, zygote: Zygote) -> None:
        self.folder, self.inputs, self.zygote = folder, inputs, zygote

    def _argv(self, argv: Sequence[str]) -> list[str]:
        return [text.replace("INPUTS", str(self.inputs)).replace("PLACE", "place") for text in argv]

    def alone(self, number: int, case: Case) -> Iterator[tuple[str, str, str]]:
        place = self.folder / f"try-{number}"
        files = place / "files"
        for name in ("tmp", "cache"):
            (files / name).mkdir(parents=True)
        name = case.typed.removeprefix("place/")
        with ExitStack() as stack:
            streams, most = stack.enter_context(case.place(files, "" if case.partial else name))  # type: ignore[arg-type]
            before = _snapshot(files)
            call = Call(self._argv(case.argv), files, place / "log", streams=streams, most_bytes=most)
            with _unlimited(call) as started:
                code = self.zygote.run(started, seconds=RUN_SECONDS)
            problems = list(_problems(case, code, call, before))
        for kind, detail in problems:
            yield f"{kind} ({case.title.rpartition(', ')[2]})", case.title, detail
        if not problems:
            shutil.rmtree(place)

    def together(self, number: int, name: str, choose: random.Random) -> Iterator[tuple[str, str, str]]:
        """Run a command twice at the same time."""
        argv, allowed = TWO[name]
        place = self.folder / f"try-{number}"
        calls = [Call(self._argv(argv), place / "files", place / f"log{n}") for n in range(2)]
        processes = []
        for call in calls:
            processes.append(self.zygote.start(call))
            time.sleep(choose.choice([0, 0, 0.01, 0.1, 0.3]))
        codes = tuple(process.wait(RUN_SECONDS) for process in processes)
        errors = [call.text("stderr") for call in calls]
        problems = []
        if tuple(sorted(codes)) not in allowed:
            problems.append(("exit codes", f"{codes}\n{errors[0]}\n{errors[1]}"))
        for text in errors:
            if "Traceback" in text:
                problems.append(("a traceback", text))
        for code, text in zip(codes, errors, strict=True):
            if code in (1, 2) and "place" not in text and name != "plan":
                problems.append(("the place is not named", text))
        problems += [("a damaged file", text) for text in unreadable(place / "files")]
        problems += [("a file is left behind", name) for name in _temporaries(place / "files")]
        for kind, detail in problems:
            yield f"{kind} (two processes)", f"two of {name}", detail
        if not problems:
            shutil.rmtree(place)


@contextmanager
def _unlimited(call: Call) -> Iterator[Call]:
    """Let what a command prints go through pipes if the size of its files is limited."""
    if call.most_bytes is None:
        yield call
        return
    pipes = {name: os.pipe() for name in ("stdout", "stderr")}
    for _, writer in pipes.values():
        fcntl.fcntl(writer, fcntl.F_SETPIPE_SZ, 1 << 20)
    yield replace(call, streams={name: writer for name, (_, writer) in pipes.items()})
    for name, (reader, writer) in pipes.items():
        os.close(writer)
        with os.fdopen(reader, "rb") as stream:
            (call.log / name).write_bytes(stream.read())


def _problems(case: Case, code: int, call: Call, before: Mapping[str, bytes | str]) -> Iterator[tuple[str, str]]:
    """Yield what is wrong with how a command ended."""
    errors = call.text("stderr")
    told = f"exit code {code}\n{errors[-2500:]}"
    if code not in case.codes:
        yield f"exit code {code}", told
    if "Traceback" in errors or "Exception ignored" in errors:
        yield "a traceback", told
    elif not case.silent and code != 0:
        said = [line for line in errors.splitlines() if line.startswith("rrgraph") and not ALSO_SAID.search(line)]
        if len(said) != 1:
            yield f"{len(said)} sentences", told
        elif case.typed and case.typed not in said[0] and not OTHER_FILES.search(said[0]):
            yield "what was typed is not named", told
        if re.search(r"/\.\w|\.tmp\b", errors):
            yield "a temporary file is named", told
    after = _snapshot(call.folder)
    for name, content in before.items():
        if after.get(name) != content:
            yield "what was there before is lost", f"{name}\n{told}"
    if left := _temporaries(call.folder):
        yield "a file is left behind", f"{left}\n{told}"
    new = sorted(name for name in after.keys() - before.keys() if not name.startswith("ok."))
    if not case.partial and code != 0 and new:
        yield "a file is left behind", f"{new}\n{told}"


def _snapshot(folder: Path) -> dict[str, bytes | str]:
    """Return the content of every file and the target of every link; folders are empty text."""
    found: dict[str, bytes | str] = {}
    for path in folder.rglob("*"):
        name = str(path.relative_to(folder))
        if path.is_symlink():
            found[name] = str(path.readlink())
        else:
            found[name] = path.read_bytes() if path.is_file() else ""
    return {name: content for name, content in found.items() if name.partition("/")[0] != "cache"}


def _temporaries(folder: Path) -> list[str]:
    """Return what a finished process must not leave."""
    names = [path.relative_to(folder) for path in folder.rglob("*")]
    return [
        str(n)
        for n in names
        if n.name.startswith(".") or (n.parts[0] == "tmp" and len(n.parts) > 1) or "-journal" in n.name
    ]


def _put(folder: Path, name: str) -> None:
    """Write what is there before."""
    (folder / "place").mkdir(exist_ok=True)
    if name:
        (folder / "place" / name).write_text(BEFORE)


@contextmanager
def _mounted(folder: Path, option: str) -> Iterator[bool]:
    """Mount a file system in memory for a while; yield whether that could be done."""
    folder.mkdir(parents=True, exist_ok=True)
    made = shutil.which("mount") and subprocess.run(
        ["mount", "-t", "tmpfs", "-o", option, "tmpfs", str(folder)], check=False, capture_output=True
    )
    if not made or made.returncode:
        yield False
        return
    try:
        yield True
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=False, capture_output=True)
