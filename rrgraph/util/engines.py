"""Which processes work is spread over: those of this computer, or of a Ray cluster."""

from __future__ import annotations

import logging
import os
import signal
import socket
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Any, Final, TypeVar
from urllib.parse import urlsplit

from rrgraph.errors import ConfigError, OptionError, suggestion
from rrgraph.util.interruption import TERMINAL_SIGNALS
from rrgraph.util.parallel import Engine, LocalEngine, Worker, WorkerDied
from rrgraph.util.registry import import_entries, session_entries

__all__ = ["ENGINES", "SERIAL", "RayEngine", "choose_engine"]

SERIAL: Final = "serial"
"""The engine that works in this process, one item after the other."""

ENGINES: Final = ("local", "ray", SERIAL)
"""Names of engines."""

_REACH_SECONDS: Final = 5.0
"""Time in which the computer of an address has to answer; Ray itself tries for minutes."""

_STORE: Final = 100_000_000
"""Bytes of memory that results of processes share; Ray takes a third of the computer unless told otherwise."""

T = TypeVar("T")
R = TypeVar("R")


def choose_engine(name: str, address: str | None = None, *, among: Sequence[str] = ENGINES) -> Engine | None:
    """Return the engine of a name, None for `SERIAL`.

    Args:
        name: of the engine.
        address: of a Ray cluster that is running; None to start one here.
        among: names that may be chosen.

    Raises:
        OptionError: there is no such engine, or it takes no address.
        ConfigError: Ray is not installed.
    """
    if name not in among:
        raise OptionError("engine", f" is '{name}', expected one of {', '.join(among)}.{suggestion(name, among)}")
    if name == "ray":
        return RayEngine(address)
    if address is not None:
        raise OptionError("address", f" is that of a Ray cluster, which the engine '{name}' has no use for.")
    return LocalEngine() if name == "local" else None


class RayEngine:
    """Processes of a Ray cluster, each an actor that takes one processor core.

    All computers of the cluster need the same versions of rrgraph and torch, and the files that the work names.

    Args:
        address: of the cluster, such as ``auto`` or ``ray://host:10001``; None to start one on this computer, which
            ends with the work.

    Raises:
        ConfigError: Ray is not installed.
    """

    def __init__(self, address: str | None = None) -> None:
        self.ray = _ray()
        self.address = address

    @contextmanager
    def workers(self, jobs: int, threads: int) -> Iterator[Callable[[], Worker]]:
        """See `Engine`.

        Raises:
            ConfigError: the cluster cannot be reached.
        """
        ray = self.ray
        own = not ray.is_initialized()
        if own:
            self._connect(jobs * threads)
        # An actor that asks for more than the largest computer has would wait for ever.
        most = max((node["Resources"].get("CPU", 0) for node in ray.nodes() if node["Alive"]), default=0)
        remote = ray.remote(_Actor).options(num_cpus=min(threads, int(most) or threads), max_restarts=0)
        started: list[_RayWorker] = []
        given = {name: value for name, value in os.environ.items() if name.startswith("RRGRAPH_")}
        here = partial(remote.remote, session_entries(), folder=str(Path.cwd()), variables=given)

        def start() -> Worker:
            started.append(_RayWorker(ray, here()))
            return started[-1]

        try:
            yield start
        finally:
            for worker in started:
                worker.close()
            if own:
                ray.shutdown()

    def _connect(self, cores: int) -> None:
        # Ray ends the process on SIGTERM at once.
        before = {number: signal.getsignal(number) for number in (signal.SIGTERM, *TERMINAL_SIGNALS)}
        options: dict[str, Any] = (
            {}
            if self.address
            else {
                "num_cpus": cores,
                "object_store_memory": _STORE,
                "include_dashboard": False,
            }
        )
        os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")  # leaves CUDA_VISIBLE_DEVICES alone
        os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
        os.environ.setdefault("RAY_worker_niceness", "0")  # 15 otherwise, at which they starve beside other programs
        try:
            if self.address:
                _reach(self.address)
            self.ray.init(address=self.address or "local", logging_level=logging.ERROR, log_to_driver=False, **options)
        except Exception as error:  # Ray raises plain ones, such as of a busy computer on which it starts too slowly
            reason = str(error).strip().splitlines()[0].rstrip(".") if str(error).strip() else type(error).__name__
            where = f"at '{self.address}' cannot be reached" if self.address else "cannot be started here"
            raise ConfigError(f"A Ray cluster {where} ({reason}).") from None
        finally:
            with suppress(ValueError):  # not the main thread
                for number, handler in before.items():
                    signal.signal(number, handler)


class _Actor:
    """What works in a process of Ray, with the folder and the variables of the one that was called.

    A cluster that was started from elsewhere has others.
    """

    def __init__(self, entries: Mapping[tuple[str, str], str], *, folder: str, variables: Mapping[str, str]) -> None:
        with suppress(OSError):  # a computer that has no such folder
            os.chdir(folder)
        os.environ.update(variables)
        import_entries(entries)

    def work(self, function: Callable[[T], R], item: T) -> R:
        return function(item)


class _RayWorker:
    """An actor of Ray."""

    def __init__(self, ray: Any, actor: Any) -> None:
        self.ray, self.actor = ray, actor

    def submit(self, function: Callable[[T], R], item: T) -> Future[Any]:
        future: Future[Any] = self.actor.work.remote(function, item).future()
        return future

    def result(self, future: Future[Any]) -> Any:
        errors = self.ray.exceptions
        lost = (errors.RayActorError, errors.WorkerCrashedError, errors.NodeDiedError, errors.ObjectLostError)
        try:
            return future.result()
        except (*lost, errors.OutOfMemoryError):
            raise WorkerDied("a worker process died (out of memory?)") from None
        except errors.RayTaskError as error:  # its message is a traceback
            raise error.cause from None

    def close(self) -> None:
        with suppress(Exception):  # it may be dead, and so may its cluster
            self.ray.kill(self.actor)


def _reach(address: str) -> None:
    """See whether somebody answers at the address of a cluster.

    Raises:
        OSError: nobody does.
        ValueError: it is not an address.
    """
    if address == "auto":
        address = os.environ.get("RAY_ADDRESS") or _last_started()
    parts = urlsplit(address if "://" in address else f"//{address}")
    if parts.hostname and parts.port:  # Ray knows what is wrong with others
        socket.create_connection((parts.hostname, parts.port), timeout=_REACH_SECONDS).close()


def _last_started() -> str:
    """Return the address of the cluster that was started last on this computer, empty if there is none."""
    try:
        return Path(os.environ.get("RAY_TMPDIR", "/tmp"), "ray", "ray_current_cluster").read_text().strip()
    except OSError:
        return ""


def _ray() -> Any:
    """Return the package.

    Raises:
        ConfigError: it is not installed.
    """
    try:
        import ray
    except ImportError:
        raise ConfigError("The engine 'ray' needs Ray, which is not installed: pip install 'rrgraph[ray]'.") from None
    return ray
