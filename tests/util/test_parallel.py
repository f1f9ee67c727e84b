from __future__ import annotations

import operator
import os
import signal
import subprocess
import sys
import threading
import time
from functools import partial
from multiprocessing import active_children
from pathlib import Path

import pytest

from rrgraph.util.interruption import interruptible
from rrgraph.util.parallel import WorkerDied, parallel_map

LONG = 600
"""Seconds that a test would take if what it tests did not end the work."""


def test_one_job_works_in_this_process_in_order():
    assert list(parallel_map(operator.neg, [3, 1, 2], jobs=1, threads=1)) == [(0, -3), (1, -1), (2, -2)]


def test_several_jobs_answer_for_every_item():
    assert dict(parallel_map(operator.neg, range(5), jobs=2, threads=1)) == {place: -place for place in range(5)}


def test_processes_get_their_threads(monkeypatch):
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    asked = ["OMP_NUM_THREADS"] * 2
    assert [answer for _, answer in parallel_map(os.getenv, asked, jobs=2, threads=3)] == ["3", "3"]
    assert "OMP_NUM_THREADS" not in os.environ
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    assert [answer for _, answer in parallel_map(os.getenv, asked, jobs=2, threads=3)] == ["1", "1"]


def test_a_dead_process_does_not_take_the_others_with_it():
    work = [partial(os._exit, 1), *(partial(abs, -number) for number in range(1, 6))]
    answers = dict(parallel_map(operator.call, work, jobs=2, threads=1))
    assert isinstance(answers.pop(0), WorkerDied)
    assert answers == {place: place for place in range(1, 6)}


def test_what_a_process_died_of_is_replaced_by_what_is_told():
    work = [partial(os._exit, 1), partial(abs, -1)]
    told = [partial(abs, -2), partial(abs, -3)]
    answers = sorted(parallel_map(operator.call, work, jobs=2, threads=1, again=lambda item: told))
    assert answers == [(0, 2), (0, 3), (1, 1)]
    ((_, died),) = parallel_map(operator.call, work[:1], jobs=2, threads=1, again=lambda item: [])
    assert isinstance(died, WorkerDied)


def test_items_are_taken_when_a_process_is_free():
    taken = []
    for _ in parallel_map(operator.neg, (taken.append(each) or each for each in range(9)), jobs=2, threads=1):
        assert len(taken) <= 3
        break


def test_what_the_function_raises_is_raised():
    with pytest.raises(ZeroDivisionError):
        list(parallel_map(partial(operator.truediv, 1), [1, 0], jobs=2, threads=1))


class Dropping:
    """Presses Ctrl-C where Python drops the exception."""

    def __del__(self):
        signal.raise_signal(signal.SIGINT)


@pytest.mark.usefixtures("heed_ctrl_c")
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize("jobs", [1, 2])
def test_an_interruption_that_python_drops_ends_the_work(jobs):
    answers = []
    with pytest.raises(KeyboardInterrupt):
        for index, _ in parallel_map(time.sleep, [0.0, LONG, LONG], jobs=jobs, threads=1):
            answers.append(index)
            Dropping()
    assert answers == [0]
    assert not active_children()
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


@pytest.mark.usefixtures("heed_ctrl_c")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interruption_while_processes_are_waited_for_ends_them_after_they_have_saved(tmp_path, number):
    """Both are at work when it comes, and are interrupted in their turn."""
    code = (
        "from pathlib import Path; import time\n"
        "place = Path({place!r})\n"
        "try:\n"
        "    place.touch()\n"
        f"    time.sleep({LONG})\n"
        "except KeyboardInterrupt:\n"
        "    place.write_text('saved')\n"
        "    raise\n"
    )
    places = [tmp_path / str(place) for place in range(2)]
    work = [partial(exec, code.format(place=str(place)), {}) for place in places]

    def interrupt():
        while not all(place.exists() for place in places):
            time.sleep(0.01)
        os.kill(os.getpid(), number)

    thread = threading.Thread(target=interrupt)
    thread.start()
    with pytest.raises(KeyboardInterrupt), interruptible():
        list(parallel_map(operator.call, work, jobs=2, threads=1))
    thread.join()
    assert not active_children()
    assert [place.read_text() for place in places] == ["saved", "saved"]


@pytest.mark.usefixtures("heed_ctrl_c")
@pytest.mark.skipif(not hasattr(signal, "pthread_sigmask"), reason="signals cannot be held back")
def test_processes_that_are_starting_leave_ctrl_c_to_the_one_that_started_them(tmp_path):
    script = tmp_path / "script.py"
    script.write_text(
        "import operator, os, signal\n"
        "from rrgraph.util.parallel import parallel_map\n"
        "if __name__ == '__main__':\n"
        "    print(sorted(parallel_map(operator.neg, [1, 2], jobs=2, threads=1)))\n"
        "else:\n"
        "    os.kill(os.getpid(), signal.SIGINT)\n"
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    done = subprocess.run([sys.executable, script], env=environment, timeout=LONG, capture_output=True, text=True)
    assert (done.stdout, done.stderr) == ("[(0, -1), (1, -2)]\n", "")


def test_a_script_that_every_process_would_begin_anew_is_told_so(tmp_path):
    script = tmp_path / "script.py"
    script.write_text(
        "import operator\n"
        "from rrgraph.util.parallel import parallel_map\n"
        "print(*[result for _, result in parallel_map(operator.neg, [1], jobs=2, threads=1)])\n"
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    done = subprocess.run([sys.executable, script], env=environment, timeout=LONG, capture_output=True, text=True)
    assert "died ('script.py' has to do this below 'if __name__ == \"__main__\":'" in done.stdout


def test_processes_end_with_the_one_that_started_them(tmp_path):
    """Even if that is killed while they work."""
    code = (
        "import os, sys, time\n"
        "from functools import partial\n"
        "from rrgraph.util.parallel import parallel_map\n"
        "from pathlib import Path\n"
        "import operator\n"
        "if __name__ == '__main__':\n"
        "    work = [partial(os.system, f'echo $PPID > {sys.argv[1]}/{n}') for n in range(2)]\n"
        f"    work += [partial(time.sleep, {LONG})] * 2\n"
        "    done = set()\n"
        "    for place, _ in parallel_map(operator.call, work, jobs=2, threads=1):\n"
        "        done.add(place)\n"
        "        if done == {0, 1}:\n"
        "            os.kill(os.getpid(), 9)\n"
    )
    script = tmp_path / "script.py"
    script.write_text(code)
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    assert subprocess.run([sys.executable, script, tmp_path], env=environment, timeout=LONG).returncode == -9
    children = {int((tmp_path / str(number)).read_text()) for number in range(2)}
    deadline = time.monotonic() + LONG
    while any(map(alive, children)) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not any(map(alive, children))


def alive(process):
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    try:  # an orphan that nobody waits for
        return "\nState:\tZ" not in Path(f"/proc/{process}/status").read_text()
    except OSError:
        return False


TASTES = """\
from rrgraph.util.registry import Registry

TASTES = Registry("taste")

def ask(name):
    return TASTES[name]()
"""

ASKED = """
import sour
from tastes import TASTES, ask
from rrgraph.util.parallel import parallel_map

@TASTES.register("sweet")
def sweet(): ...

print([answer for _, answer in parallel_map(ask, ["sour"], jobs=2, threads=1)])
print([answer for _, answer in parallel_map(ask, ["sweet"], jobs=2, threads=1)])
"""


def test_names_of_imported_modules_are_known_to_processes_and_those_of_a_session_explained(tmp_path):
    (tmp_path / "tastes.py").write_text(TASTES)
    (tmp_path / "sour.py").write_text("from tastes import TASTES\nTASTES.register('sour')(lambda: 'lemon')\n")
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(tmp_path), *filter(None, sys.path)])}
    command = [sys.executable, "-c", ASKED]
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert done.stdout.strip() == "['lemon']"
    assert "The taste 'sweet' is registered in a notebook or a session, which other processes cannot" in done.stderr
