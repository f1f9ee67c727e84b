from __future__ import annotations

import signal
import threading
from contextlib import suppress

import pytest

from rrgraph.util.interruption import lasting_interruption

pytestmark = pytest.mark.usefixtures("heed_ctrl_c")


@pytest.fixture(params=[signal.SIGINT, signal.SIGTERM])
def press(request, monkeypatch):
    """Interrupts this process by a signal that has a handler."""
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    yield lambda: signal.raise_signal(request.param)
    assert signal.getsignal(request.param) is signal.default_int_handler
    signal.signal(signal.SIGTERM, before)


def test_deferred_it_comes_where_it_is_asked_for(press):
    done = []
    with pytest.raises(KeyboardInterrupt), lasting_interruption(deferred=True) as interrupt_if_asked:
        interrupt_if_asked()
        press()
        done.append("before")
        interrupt_if_asked()
        done.append("after")
    assert done == ["before"]


def test_deferred_it_comes_at_the_end_at_the_latest(press):
    done = []
    with pytest.raises(KeyboardInterrupt):
        with lasting_interruption(deferred=True):
            press()
            done.append("within")
        done.append("after")
    assert done == ["within"]


def test_deferred_a_second_one_comes_at_once(press):
    done = []
    with pytest.raises(KeyboardInterrupt), lasting_interruption(deferred=True):
        press()
        done.append("first")
        press()
        done.append("second")
    assert done == ["first"]


def test_undeferred_it_comes_at_once_and_again_where_it_was_dropped(press):
    done = []
    with pytest.raises(KeyboardInterrupt), lasting_interruption(deferred=False) as interrupt_if_asked:
        with suppress(KeyboardInterrupt):
            press()
            done.append("went on")
        done.append("dropped")
        interrupt_if_asked()
        done.append("went on")
    assert done == ["dropped"]


def test_blocks_within_blocks(press):
    with pytest.raises(KeyboardInterrupt), lasting_interruption(deferred=False):
        with lasting_interruption(deferred=True):
            press()
        pytest.fail("went on")


def test_signals_that_end_the_process_or_are_ignored_stay_as_they_are():
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with lasting_interruption(deferred=True):
        assert signal.getsignal(signal.SIGINT) == signal.SIG_IGN
        assert signal.getsignal(signal.SIGTERM) == signal.SIG_DFL


def test_a_handler_that_was_set_meanwhile_stays(press):
    with lasting_interruption(deferred=True):
        signal.signal(signal.SIGTERM, signal.default_int_handler)


def test_other_threads_have_no_interruptions():
    def work():
        with lasting_interruption(deferred=True) as interrupt_if_asked:
            seen.append(signal.getsignal(signal.SIGINT))
            interrupt_if_asked()

    seen: list[object] = []
    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert seen == [signal.default_int_handler]
