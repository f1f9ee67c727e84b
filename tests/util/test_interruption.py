from __future__ import annotations

import importlib
import signal
import threading
import time
from contextlib import suppress

import pytest

from rrgraph.util.interruption import exit_code, interruptible, lasting_interruption

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


def test_deferred_a_second_ctrl_c_comes_at_once_and_another_signal_does_not():
    """A batch system may ask the parent and its processes to end, which the parent asks too."""
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    done = []
    for number in (signal.SIGINT, signal.SIGTERM):
        with pytest.raises(KeyboardInterrupt), lasting_interruption(deferred=True):
            signal.raise_signal(number)
            done.append("first")
            signal.raise_signal(number)
            done.append("second")
    assert done == ["first", "first", "second"]
    signal.signal(signal.SIGTERM, before)


def test_a_part_of_a_deferred_block_is_interrupted_at_once(press):
    done = []
    with pytest.raises(KeyboardInterrupt), lasting_interruption(deferred=True) as interruption:
        with interruption.at_once():
            done.append("part")
        try:
            with interruption.at_once():
                press()
                done.append("went on")
        except KeyboardInterrupt:
            done.append("interrupted")
            assert interruption
            raise
    assert done == ["part", "interrupted"]
    with pytest.raises(KeyboardInterrupt), lasting_interruption(deferred=True) as interruption:
        press()
        with interruption.at_once():
            pytest.fail("went on")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_signals_that_ask_a_process_to_end_interrupt_it_once(number):
    before = signal.getsignal(number)
    with pytest.raises(KeyboardInterrupt) as ended, interruptible():
        try:
            signal.raise_signal(number)
        finally:
            signal.raise_signal(number)  # while it ends
    assert exit_code(ended.value) == 128 + number
    assert signal.getsignal(number) is before


def test_signals_that_are_ignored_or_handled_stay_as_they_are():
    for handler in (signal.SIG_IGN, signal.default_int_handler):
        before = signal.signal(signal.SIGHUP, handler)
        with interruptible():
            assert signal.getsignal(signal.SIGHUP) is handler
        assert signal.signal(signal.SIGHUP, before) is handler


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


@pytest.mark.parametrize("deferred", [False, True])
def test_what_is_raised_in_its_place_gives_way(press, deferred):
    with pytest.raises(KeyboardInterrupt), lasting_interruption(deferred=deferred):
        try:
            press()
            raise KeyboardInterrupt
        except KeyboardInterrupt:
            raise ImportError("cannot import what was interrupted") from None


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


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_import_is_not_cut(tmp_path, monkeypatch, number):
    name = f"imported_with_{number.name.lower()}"
    (tmp_path / f"{name}.py").write_text(f"import signal\nsignal.raise_signal({int(number)})\nwhole = True\n")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(KeyboardInterrupt) as ended, interruptible(), lasting_interruption(deferred=False):
        assert importlib.import_module(name).whole
        time.sleep(10)
    assert exit_code(ended.value) == 128 + number
    assert ended.traceback[-1].name != "<module>"
