from __future__ import annotations

import asyncio
import threading
import time

import pytest

from rrgraph.app import Busy, TooSlow, Worker


@pytest.fixture
def worker():
    worker = Worker(waiting=3, seconds=5)
    yield worker
    worker.close()


def held(worker: Worker) -> threading.Event:
    """Keep the worker busy until the event is set."""
    started, go_on = threading.Event(), threading.Event()

    def work(items):
        started.set()
        go_on.wait(5)
        return items

    worker.submit("held", [0], work)
    assert started.wait(5)
    return go_on


def test_jobs_of_a_kind_that_wait_are_done_in_one_call(worker):
    calls = []

    def work(items):
        calls.append(list(items))
        return [each * 10 for each in items]

    go_on = held(worker)
    first, other, second = (worker.submit(kind, items, work) for kind, items in (("a", [1, 2]), ("b", [3]), ("a", [4])))
    go_on.set()
    assert (first.result(5), other.result(5), second.result(5)) == ([10, 20], [30], [40])
    assert calls == [[1, 2, 4], [3]]


def test_an_error_of_one_does_not_reach_the_others(worker):
    def work(items):
        if "bad" in items:
            raise ValueError("bad")
        return items

    go_on = held(worker)
    good, bad = worker.submit("a", ["good"], work), worker.submit("a", ["bad"], work)
    go_on.set()
    assert good.result(5) == ["good"]
    with pytest.raises(ValueError, match="bad"):
        bad.result(5)


def test_a_full_queue_refuses_and_goes_on(worker):
    go_on = held(worker)
    waiting = [worker.submit(number, [number], list) for number in range(3)]
    with pytest.raises(Busy, match="3 requests are waiting"):
        worker.submit("one more", [1], list)
    go_on.set()
    assert [each.result(5) for each in waiting] == [[0], [1], [2]]
    assert worker.submit("again", [1], list).result(5) == [1]


def test_what_takes_no_time_goes_first(worker):
    order = []
    go_on = held(worker)
    slow = worker.submit("slow", ["slow"], lambda items: [order.append(each) for each in items])
    quick = worker.submit("quick", ["quick"], lambda items: [order.append(each) for each in items], first=True)
    go_on.set()
    slow.result(5), quick.result(5)
    assert order == ["quick", "slow"]


def test_who_waits_too_long_is_told_and_dropped():
    worker = Worker(seconds=0.05)
    go_on = held(worker)
    done = []
    with pytest.raises(TooSlow, match=r"takes longer than 0\.05 s"):
        asyncio.run(worker.do(lambda: done.append(1)))
    go_on.set()
    assert worker.submit("after", [1], list).result(5) == [1]
    time.sleep(0.05)
    assert done == []
    worker.close()
