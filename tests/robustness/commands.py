"""The `rrgraph` command many times a minute: forks of a process that has imported everything.

A fork starts in a session of its own with the signals, streams and exit of a process that was started by a shell, so
that what ends one ends the other. What happens while a process imports is tested with real processes.
"""

from __future__ import annotations

import gc
import importlib
import io
import json
import logging
import os
import pkgutil
import resource
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, redirect_stdout, suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any

ROOT = Path(__file__).parents[2]
STREAMS = ("stdin", "stdout", "stderr")
RUN_SECONDS = 300.0
"""Seconds that a command may take."""
PATIENCE = 60.0
"""Seconds in which an interrupted command has to end, and what it started with it."""


@dataclass(frozen=True)
class Call:
    """One command and its surroundings.

    Attributes:
        argv: behind `rrgraph`.
        folder: where it runs; `TMPDIR` and `XDG_CACHE_HOME` are in it.
        streams: file descriptors by name, None for a closed one; without an entry stdin is empty and the others are
            files in `log`.
        log: folder of the streams.
        environment: variables beside those of this process; None removes one.
        before: functions, as 'module:name', with arguments, which the process calls first.
        most_bytes: of a file, as on a disk that is full.
    """

    argv: Sequence[str]
    folder: Path
    log: Path
    streams: Mapping[str, int | None] = field(default_factory=dict)
    environment: Mapping[str, str | None] = field(default_factory=dict)
    before: Sequence[tuple[str, Mapping[str, Any]]] = ()
    most_bytes: int | None = None

    def variables(self) -> dict[str, str | None]:
        """The environment of the process, as changes of this one's."""
        own = {"TMPDIR": str(self.folder / "tmp"), "XDG_CACHE_HOME": str(self.folder / "cache"), "RRGRAPH_DATA": None}
        return {**own, **self.environment}

    @contextmanager
    def opened(self) -> Iterator[list[int | None]]:
        """Yield the descriptors of its streams, opened for a while."""
        (self.folder / "tmp").mkdir(parents=True, exist_ok=True)
        self.log.mkdir(parents=True, exist_ok=True)
        opened = []
        try:
            for name in STREAMS:
                if name not in self.streams:
                    path, flags = (os.devnull, os.O_RDONLY) if name == "stdin" else (self.log / name, os.O_WRONLY)
                    opened.append(os.open(path, flags | os.O_CREAT | os.O_TRUNC, 0o666))
            own = iter(opened)
            yield [self.streams[name] if name in self.streams else next(own) for name in STREAMS]
        finally:
            for descriptor in opened:
                os.close(descriptor)

    def text(self, name: str) -> str:
        """What it wrote to a stream."""
        path = self.log / name
        return path.read_text("utf-8", errors="replace") if path.is_file() else ""


class Process:
    """A command that runs: a fork, or a process of its own."""

    pid: int
    call: Call

    def poll(self) -> int | None:
        """Return its exit code, negative for a signal, or None while it runs."""
        raise NotImplementedError

    def wait(self, seconds: float) -> int:
        """Return its exit code.

        Raises:
            TimeoutError: it ran for longer, and was killed with all it had started.
        """
        end = time.monotonic() + seconds
        while (code := self.poll()) is None:
            if time.monotonic() > end:
                self.send(signal.SIGKILL, group=True)
                raise TimeoutError(f"{' '.join(self.call.argv)} ran for more than {seconds:.0f} s")
            time.sleep(0.002)
        return code

    def send(self, number: int, *, group: bool = False) -> None:
        """Send a signal to the process, or to all of its group as a terminal does."""
        with suppress(ProcessLookupError):
            (os.killpg if group else os.kill)(self.pid, number)

    def lasting(self) -> list[int]:
        """Return what outlives a command that has ended; what multiprocessing keeps ends a little later."""
        end = time.monotonic() + PATIENCE
        while (others := self._others()) and time.monotonic() < end:
            time.sleep(0.02)
        return others

    def _others(self) -> list[int]:
        """The processes of its session that still run, itself included."""
        found = []
        for entry in Path("/proc").glob("[0-9]*/stat"):
            with suppress(OSError):
                state, _, _, session = entry.read_text().rpartition(") ")[2].split()[:4]
                if int(session) == self.pid and state != "Z":
                    found.append(int(entry.parent.name))
        return found


class Fork(Process):
    """A fork of the zygote; the process that watches over it reports how it ended."""

    def __init__(self, call: Call, answers: socket.socket) -> None:
        self.call, self.answers = call, answers
        self.pid = int(answers.recv(100))
        answers.setblocking(False)
        self.code: int | None = None

    def poll(self) -> int | None:
        if self.code is None:
            with suppress(BlockingIOError):
                self.code = int(self.answers.recv(100))
                self.answers.close()
        return self.code


class Real(Process):
    """A process that starts as any other."""

    def __init__(self, call: Call) -> None:
        self.call = call
        changes = call.variables()
        kept = {name: value for name, value in os.environ.items() if name not in changes}
        environment = kept | {name: value for name, value in changes.items() if value is not None}
        with call.opened() as streams:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "rrgraph", *call.argv],
                cwd=call.folder,
                env={**environment, "PYTHONPATH": str(ROOT)},
                start_new_session=True,
                **dict(zip(STREAMS, streams, strict=True)),
            )
        self.pid = self.process.pid

    def poll(self) -> int | None:
        return self.process.poll()


class Zygote:
    """The process that is forked.

    Args:
        hash_seed: of Python, the same in each fork. Results must not depend on it.
    """

    def __init__(self, hash_seed: int = 0) -> None:
        self.socket, other = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with other:
            other.set_inheritable(True)
            code = f"from tests.robustness.commands import serve; serve({other.fileno()})"
            environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONHASHSEED": str(hash_seed), "MPLBACKEND": "agg"}
            environment |= {"OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": ""}
            self.process = subprocess.Popen(
                [sys.executable, "-c", code],
                cwd=ROOT,
                env=environment,
                pass_fds=[other.fileno()],
                start_new_session=True,
                stdin=subprocess.DEVNULL,
            )

    def __enter__(self) -> Zygote:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None):
        self.socket.close()
        self.process.wait()

    def start(self, call: Call) -> Fork:
        """Fork, and let the fork run the command."""
        mine, answers = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with call.opened() as streams, answers:
            asked = asdict(call) | {"folder": str(call.folder), "log": "", "environment": call.variables()}
            asked["streams"] = [stream is not None for stream in streams]
            given = [answers.fileno(), *(stream for stream in streams if stream is not None)]
            socket.send_fds(self.socket, [json.dumps(asked).encode()], given)
        return Fork(call, mine)

    def warm_up(self, folder: Path, *commands: Sequence[str]) -> None:
        """Run commands in the zygote itself, so that the forks find loaded what is loaded at first use."""
        for argv in commands:
            folder.mkdir(parents=True, exist_ok=True)
            self.socket.send(json.dumps({"here": list(argv), "folder": str(folder)}).encode())
            code = self.socket.recv(100)
            assert code == b"0", f"{argv}: exit code {code!r}"

    def run(self, call: Call) -> int:
        """Run the command and return its exit code."""
        return self.start(call).wait(RUN_SECONDS)


def serve(descriptor: int) -> None:
    """Fork for each message of a socket; returns in the forks and at the end."""
    _import_everything()
    with socket.socket(fileno=descriptor) as requests:
        while True:
            message, given, _, _ = socket.recv_fds(requests, 1 << 20, 4)
            if not message:
                return
            if not given:
                requests.send(_warm_up(json.loads(message)))
                continue
            if os.fork() == 0:
                break
            for each in given:
                os.close(each)
            with suppress(ChildProcessError):  # those that have ended
                while os.waitpid(-1, os.WNOHANG)[0]:
                    pass
    asked = json.loads(message)
    with socket.socket(fileno=given[0]) as answers:
        child = os.fork()
        if child:
            answers.send(str(child).encode())
            for each in given[1:]:
                os.close(each)
            _, status = os.waitpid(child, 0)
            with suppress(OSError):  # nobody waits for it
                answers.send(str(os.waitstatus_to_exitcode(status)).encode())
            os._exit(0)
    _become(asked, given[1:])
    from rrgraph.__main__ import main

    sys.exit(main())


def _import_everything() -> None:
    import rrgraph

    for module in pkgutil.walk_packages(rrgraph.__path__, "rrgraph."):
        if ".make_" not in module.name and not module.name.endswith("__main__"):
            with suppress(ImportError):
                importlib.import_module(module.name)
    for name in ("sklearn.ensemble", "optuna.samplers", "pyarrow.parquet", "openpyxl", "rdchiral.main", "lightgbm"):
        with suppress(ImportError):
            importlib.import_module(name)


def _warm_up(asked: Mapping[str, Any]) -> bytes:
    from rrgraph.cli import main

    os.chdir(asked["folder"])
    with Path(os.devnull).open("w") as nothing, redirect_stdout(nothing):
        code = main(asked["here"])
    os.chdir(ROOT)
    gc.collect()
    gc.freeze()  # else the first collection of each fork copies all of it
    return str(code).encode()


def _become(asked: Mapping[str, Any], streams: Sequence[int]) -> None:
    """Make this fork what a process is that a shell has started."""
    os.setsid()
    logging.root.handlers.clear()
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    given = iter(streams)
    for number, present in enumerate(asked["streams"]):
        if present:
            os.dup2(next(given), number)
        else:
            with suppress(OSError):
                os.close(number)
    for each in streams:
        os.close(each)
    for number, (name, present) in enumerate(zip(STREAMS, asked["streams"], strict=True)):
        stream = None
        if present:
            raw = io.open(number, "rb" if number == 0 else "wb", closefd=False)  # noqa: SIM115, UP020
            errors = "backslashreplace" if name == "stderr" else "strict"
            stream = io.TextIOWrapper(raw, "utf-8", errors=errors, line_buffering=name == "stderr")
        setattr(sys, name, stream)
        setattr(sys, f"__{name}__", stream)
    os.chdir(asked["folder"])
    for name, value in asked["environment"].items():
        os.environ.pop(name, None) if value is None else os.environ.__setitem__(name, value)
    importlib.import_module("tempfile").tempdir = None
    sys.argv = ["rrgraph", *asked["argv"]]
    if asked["most_bytes"] is not None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (asked["most_bytes"], resource.RLIM_INFINITY))
    for function, arguments in asked["before"]:
        module, _, name = function.partition(":")
        getattr(importlib.import_module(module), name)(**arguments)


def set_values(values: Mapping[str, Any]) -> None:
    """Set variables of modules, given as 'module:name'."""
    for place, value in values.items():
        module, _, name = place.partition(":")
        setattr(importlib.import_module(module), name, value)
