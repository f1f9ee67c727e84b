from __future__ import annotations

import time

from rrgraph.screening.progress import watched


def test_the_rate_is_that_of_this_run_since_the_first_answers(monkeypatch, caplog):
    now = [0.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    with watched(1_800) as progress, caplog.at_level("INFO"):
        progress.add(500, before=True)
        assert progress.rate is None
        now[0] = 100.0  # models were loaded until now
        progress.add(100)
        now[0] = 130.0
        progress.add(300)
        assert str(progress) == "900 of 1,800 rows, 10 rows/s, 90 s left"
    assert caplog.messages == ["600 of 1,800 rows", "900 of 1,800 rows, 10 rows/s, 90 s left"]


def test_without_a_total_there_is_no_end():
    with watched(None) as progress:
        progress.add(10)
        assert str(progress) == "10 rows"
