"""What a configuration may say: every name and range is checked before a folder is made or a row is read."""

from __future__ import annotations

from rrgraph.baselines import BASELINES
from rrgraph.data import SPLITS
from rrgraph.errors import ConfigError, check_choice
from rrgraph.evaluation import PROTOCOLS, read_protocol
from rrgraph.links import DECODERS, SAMPLERS
from rrgraph.metrics import TOP_K
from rrgraph.models import link_model
from rrgraph.nn import ENCODERS, TRANSFORMER
from rrgraph.planning import LISTWISE, RANKING_MODES
from rrgraph.runs.cards.external_metrics import measured_runs
from rrgraph.runs.config import DataConfig, MeasuredConfig, RunConfig
from rrgraph.runs.trial import try_parts
from rrgraph.training import LOSSES
from rrgraph.training.range_checks import check_loop, check_ranges, check_shared
from rrgraph.util.registry_options import check_entry

__all__ = ["check_config", "check_measured"]


def check_config(config: RunConfig) -> None:
    """Refuse a configuration that names something unknown or has a value out of range.

    Raises:
        ConfigError: naming the key, the value and what was expected.
    """
    check_measured(config.data, config.evaluation)
    _check_names(config)
    check_shared(config)
    check_ranges(
        config,
        positive=(
            "model.decoder_layers",
            "model.members",
            "training.negatives",
            "sets.model.width",
            "sets.model.members",
            "sets.training.candidates",
            "sets.trees.depth",
            "sets.trees.leaves",
            "sets.trees.least",
        ),
        not_negative=(
            "sets.trees.number",
            "sets.trees.learning_rate",
            "sets.trees.weight",
            "sets.trees.regularisation",
            "sets.training.temperature",
            "sets.training.told_temperature",
            "training.encoder_learning_rate",
            "training.hardness",
            "training.validation_targets",
        ),
        below_one=("model.decoder_dropout", "sets.model.dropout"),
    )
    check_loop(config, "sets.training")
    _check_sets(config)
    # Runs that the card could not show.
    measured_runs(config)
    try_parts(config.model, config.training)
    # Sizes that do not fit each other, an unknown element embedding, a pretrained encoder that is not there.
    link_model(config.model)


def check_measured(data: DataConfig, evaluation: MeasuredConfig) -> None:
    """Check what every kind of run on reactions names: the split, parts and protocols.

    Raises:
        ConfigError: naming the key, the value and what was expected.
    """
    check_choice("data.split", data.split, SPLITS)
    for part in evaluation.parts:
        check_choice("evaluation.parts", part, ("validation", "test"))
    for protocol in evaluation.protocols:
        check_choice("evaluation.protocols", protocol.partition(",")[0].strip(), PROTOCOLS)
        read_protocol(protocol)


def _check_sets(config: RunConfig) -> None:
    """The second stage learns from decoders that did not see a target, and reads link statistics."""
    if config.sets.enabled and (config.model.members < 2 or not config.model.statistics):
        raise ConfigError("sets.enabled=true needs model.statistics=true and model.members of at least 2.")
    if config.evaluation.mode == LISTWISE and not config.sets.enabled:
        raise ConfigError(f"evaluation.mode={LISTWISE} needs sets.enabled=true.")


def _check_names(config: RunConfig) -> None:
    training, evaluation = config.training, config.evaluation
    model = config.model
    check_entry("model.encoder", model.encoder, ENCODERS, ("model.encoder_options", model.encoder_options))
    if model.pretrained and model.encoder != TRANSFORMER:
        raise ConfigError(f"model.pretrained needs model.encoder={TRANSFORMER}, not {model.encoder}.")
    check_entry("model.decoder", model.decoder, DECODERS, ("model.decoder_options", model.decoder_options))
    check_entry("training.sampler", training.sampler, SAMPLERS, ("training.sampler_options", training.sampler_options))
    check_entry("training.loss", training.loss, LOSSES, ("training.loss_options", training.loss_options))
    check_choice("training.monitor", training.monitor, [f"top_{k}" for k in TOP_K])
    check_choice("evaluation.mode", evaluation.mode, RANKING_MODES)
    check_choice("evaluation.validation_protocol", evaluation.validation_protocol, PROTOCOLS)
    for baseline in evaluation.baselines:
        check_entry("evaluation.baselines", baseline, BASELINES, ("options", {}))
