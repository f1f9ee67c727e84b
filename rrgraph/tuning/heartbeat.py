"""Signs of life of running trials, by which other processes tell which have died.

Optuna keeps the base class of storages that have them, and the ids of trials, to itself; a test names the versions
this holds for.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Final

from optuna import Study
from optuna.exceptions import UpdateFinishedTrialError
from optuna.storages import GrpcStorageProxy, JournalStorage, RetryHeartbeatStaleTrialCallback
from optuna.storages._heartbeat import BaseHeartbeat
from optuna.trial import FrozenTrial, TrialState

__all__ = ["BEAT_SECONDS", "GRACE_SECONDS", "SignallingJournal", "SignallingProxy", "retry"]

BEAT_SECONDS: Final = 15
"""Time between the signs of life of a running trial."""

GRACE_SECONDS: Final = 60
"""Silence after which a running trial counts as dead."""

RETRIES: Final = 5
"""How often a trial that died is started again; an interruption is never refused, but counts."""

_BEAT: Final = "rrgraph:alive"


class _Signals(BaseHeartbeat):
    """Signs of life as an attribute of the trial, for storages that have none of their own.

    The time is that of each computer's clock, which should agree to within some seconds.
    """

    def record_heartbeat(self: Any, trial_id: int) -> None:
        # A trial that others took for dead finds out when it reports.
        with suppress(UpdateFinishedTrialError):
            # With the trial's own id, since a trial that is started again takes over the attributes of the first.
            self.set_trial_system_attr(trial_id, _BEAT, [trial_id, time.time()])

    def _get_stale_trial_ids(self: Any, study_id: int) -> list[int]:
        stale = []
        for trial in self.get_all_trials(study_id, deepcopy=False, states=(TrialState.RUNNING,)):
            owner, seen = trial.system_attrs.get(_BEAT, (None, 0.0))
            if owner == trial._trial_id and time.time() - seen > GRACE_SECONDS:
                stale.append(trial._trial_id)
        return stale

    def get_heartbeat_interval(self) -> int | None:
        return BEAT_SECONDS

    def get_heartbeat_stale_trial_callback(self) -> Callable[[Study, FrozenTrial], None] | None:
        return retry


class SignallingJournal(_Signals, JournalStorage):
    """A journal with signs of life."""


class SignallingProxy(_Signals, GrpcStorageProxy):
    """A served storage with signs of life."""


def retry(study: Study, trial: FrozenTrial, *, most: int | None = RETRIES) -> None:
    """Put a trial that died back into the queue, with its settings and what it reported.

    Args:
        study: of the trial.
        trial: the one that died.
        most: how often it may be started again; None for any number.
    """
    RetryHeartbeatStaleTrialCallback(max_retry=most, inherit_intermediate_values=True)(study, trial)
