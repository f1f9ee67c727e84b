"""What the configuration of a link model may say, checked before a folder is made or a row is read."""

from __future__ import annotations

from rrgraph.models import link_model
from rrgraph.nn import choose_device
from rrgraph.runs.cards.external_metrics import measured_runs
from rrgraph.runs.config import RunConfig
from rrgraph.runs.data import check_measured_tables
from rrgraph.runs.trial import try_components
from rrgraph.training import LAMBDARANK, require_lightgbm
from rrgraph.util.settings import check

__all__ = ["check_config"]


def check_config(config: RunConfig) -> None:
    """Refuse a configuration that names something unknown or has a value out of range.

    Raises:
        ConfigError: naming the key, the value and what was expected.
        DataError: a table that is to be measured cannot be read.
    """
    check(config)
    choose_device(config.training.device)
    if config.reranker.enabled and config.reranker.trees.n_trees and config.reranker.trees.objective == LAMBDARANK:
        require_lightgbm()
    check_measured_tables(config.evaluation)
    # Runs that the card could not show.
    measured_runs(config)
    try_components(config.model, config.training)
    # Sizes that do not fit each other, a pretrained encoder that is not there.
    link_model(config.model)
