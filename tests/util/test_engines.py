from __future__ import annotations

import operator
import os
import socket
import sys
from concurrent.futures import Future
from contextlib import contextmanager
from functools import partial
from types import SimpleNamespace

import pytest

from rrgraph.errors import ConfigError, OptionError
from rrgraph.util.engines import RayEngine, choose_engine
from rrgraph.util.parallel import LocalEngine, parallel_map


def test_engines_by_name():
    assert isinstance(choose_engine("local"), LocalEngine)
    assert choose_engine("serial") is None


def test_bad_choices_are_named():
    with pytest.raises(OptionError, match=r"'rays', expected one of local, ray, serial\. Did you mean 'ray'\?"):
        choose_engine("rays")
    with pytest.raises(OptionError, match="address is that of a Ray cluster"):
        choose_engine("local", "auto")


def test_without_ray_a_sentence_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(ConfigError, match=r"not installed: pip install 'rrgraph\[ray\]'"):
        choose_engine("ray")


@pytest.mark.parametrize("address", ["127.0.0.1:{port}", "ray://127.0.0.1:{port}", "auto"])
def test_a_cluster_that_does_not_answer_is_said_at_once(address, monkeypatch):
    """Ray itself would try for minutes."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]  # free again when the server is closed
    monkeypatch.setenv("RAY_ADDRESS", f"127.0.0.1:{port}")
    monkeypatch.setattr("rrgraph.util.engines._ray", lambda: SimpleNamespace(is_initialized=lambda: False))
    engine = RayEngine(address.format(port=port))
    with pytest.raises(ConfigError, match=r"^A Ray cluster at '.*' cannot be reached \(.*refused\)\.$"):
        list(parallel_map(abs, [1], jobs=1, threads=1, engine=engine))


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("nonsense", r"at 'nonsense' cannot be reached \(What 'nonsense' is\)\."),
        (None, r"cannot be started here \(What 'local' is\)\."),
    ],
)
def test_what_ray_says_is_one_sentence(address, said, monkeypatch):
    def init(**options):
        raise Exception(f"What '{options['address']}' is.\nAnd more.")  # what it raises when it starts too slowly

    monkeypatch.delenv("RAY_ADDRESS", raising=False)
    ray = SimpleNamespace(is_initialized=lambda: False, init=init)
    monkeypatch.setattr("rrgraph.util.engines._ray", lambda: ray)
    with pytest.raises(ConfigError, match=f"^A Ray cluster {said}$"):
        list(parallel_map(abs, [1], jobs=1, threads=1, engine=RayEngine(address)))


class Crowded:
    """An engine with room for one process: the others wait until it is let go of, as actors of a small cluster do."""

    def __init__(self):
        self.inside, self.waiting = [], []

    @contextmanager
    def workers(self, jobs, threads):
        yield lambda: CrowdedWorker(self)


class CrowdedWorker:
    def __init__(self, engine):
        self.engine, self.work = engine, None
        (engine.waiting if engine.inside else engine.inside).append(self)

    def submit(self, function, item):
        self.work = Future(), function, item
        if self in self.engine.inside:
            self.run()
        return self.work[0]

    def run(self):
        future, function, item = self.work
        future.set_result(function(item))

    def result(self, future):
        return future.result()

    def close(self):
        self.engine.inside.remove(self)
        if self.engine.waiting:
            self.engine.inside.append(self.engine.waiting.pop())
            self.engine.inside[0].run()


def test_more_processes_than_there_is_room_for_end_all_the_same():
    answers = parallel_map(abs, [-1, -2, -3, -4], jobs=3, threads=1, engine=Crowded())
    assert sorted(answers) == [(0, 1), (1, 2), (2, 3), (3, 4)]


@pytest.mark.slow
def test_processes_of_ray_answer_and_are_replaced_when_they_die():
    pytest.importorskip("ray")
    tries = []

    def again(item):
        tries.append(item)
        return [item] if len(tries) < 3 else [partial(abs, -100)]

    work = [partial(os._exit, 1), partial(abs, -1), partial(os.getenv, "OMP_NUM_THREADS")]
    engine = RayEngine()
    answers = dict(parallel_map(operator.call, work, jobs=2, threads=1, again=again, engine=engine))
    assert answers == {0: 100, 1: 1, 2: "1"}
    assert len(tries) == 3
    with pytest.raises(ZeroDivisionError, match="division by zero"):
        list(parallel_map(partial(operator.truediv, 1), [0], jobs=1, threads=1, engine=engine))
