"""Trainings with long epochs that are killed, and the time that is lost."""

from __future__ import annotations

import json
import signal
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from .commands import PATIENCE, RUN_SECONDS, Fork
from .harness import Failure, Outcome

__all__ = ["slow_trainings"]

MOST_LOST: Final = 60.0
"""Seconds of training that may have to be repeated."""

STEP_SECONDS: Final = 1.5
"""What a step of a slow training takes; an epoch has about ninety."""
SLOW: Final = (
    *(("train links", number, seconds) for number, seconds in ((signal.SIGKILL, 75), (signal.SIGINT, 8))),
    *(("pretrain", number, seconds) for number, seconds in ((signal.SIGKILL, 85), (signal.SIGTERM, 11))),
)
"""Trainings that are killed so many seconds after their first step: work, signal, seconds."""


@contextmanager
def slow_trainings(start: Callable[..., Fork], folder: Path) -> Iterator[Outcome]:
    """Let trainings with long epochs run beside the block and kill them; afterwards the outcome says what was lost.

    Args:
        start: starts a training: its name, overrides, its place, and what the process calls first.
        folder: for their places.
    """
    outcome = Outcome(len(SLOW))
    with ThreadPoolExecutor(len(SLOW)) as pool:
        running = []
        for name, number, seconds in SLOW:
            place = folder.resolve() / f"slow-{name.replace(' ', '_')}-{number.name}"
            slowed = {"seconds": STEP_SECONDS, "path": str(place / "steps")}
            before = ("tests.robustness.slow_trainings:slow_steps", slowed)
            process = start(name, ("training.batch_size=1", "training.epochs=2"), place, before)
            running.append((f"slow {name}, {number.name}", pool.submit(_loss, process, place, number, seconds)))
        yield outcome
        for title, found in running:
            kind, detail = found.result()
            if kind:
                outcome.failures.append(Failure(kind, title, detail))


def _loss(process: Fork, place: Path, number: int, seconds: float) -> tuple[str, str]:
    """Kill a slow training; return what is wrong, or empty text, and how much is lost."""
    from safetensors import safe_open

    log, end = place / "steps", time.monotonic() + RUN_SECONDS
    while not log.exists() and process.poll() is None and time.monotonic() < end:
        time.sleep(0.1)
    time.sleep(seconds)
    killed = time.time()
    process.send(number)
    try:
        code = process.wait(PATIENCE)
    except TimeoutError:
        return "does not end when interrupted", ""
    if code == 0 or not log.exists():
        return "was not killed", process.call.text("stderr")
    steps = [float(line) for line in log.read_text().splitlines()]
    saved = 0
    for path in process.call.folder.rglob("training_state.safetensors"):
        with safe_open(path, framework="pt") as handle:
            saved = json.loads(handle.metadata()["state"])["step"]
    lost = killed - (steps[saved - 1] if saved else steps[0] - STEP_SECONDS)
    counted = f"{len(steps)} steps, {saved} of them saved, {lost:.1f} s lost"
    # An interruption waits for the step.
    return ("too much is lost" if lost > (MOST_LOST if number == signal.SIGKILL else 0.5) else "", counted)


def slow_steps(seconds: float, path: str) -> None:
    """Let each step of a training wait, and note when it was done."""
    from rrgraph.training import loop

    step = loop._Run._step

    def slowed(self: Any, *arguments: Any) -> float:
        loss = step(self, *arguments)
        time.sleep(seconds)
        with Path(path).open("a") as stream:
            stream.write(f"{time.time()}\n")
        return loss

    loop._Run._step = slowed  # type: ignore[method-assign]
