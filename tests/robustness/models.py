"""Damaged model folders: refused, or with the answer that they gave before."""

from __future__ import annotations

from pathlib import Path

from .harness import Failure, Outcome, attack


@attack(
    "models",
    what="mutated model folders",
    allowed="0 tracebacks, 0 silent changes of an answer",
    full=1_000,
    quick=100,
    few=20,
)
def models(*, tries: int, seed: int, folder: Path) -> Outcome:
    """Damage files, headers, numbers and tensors of three kinds of model, and ask each for an answer."""
    from .mutations_models import attack as damage

    found = damage(seed, tries)
    faults = {what: count for what, count in found.items() if what.startswith("FAULT")}
    failures = [Failure(what[:120], what) for what, count in faults.items() for _ in range(count)]
    (folder / "found.txt").write_text("\n".join(f"{count} x {what}" for what, count in found.items()))
    ended = ", ".join(f"{count} {what}" for what, count in found.items() if what not in faults)
    return Outcome(sum(found.values()), failures, note=ended)
