"""A run's configuration: YAML and `key=value` overrides flow in, checked dataclasses flow out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, fields, is_dataclass
from pathlib import Path
from typing import Any, TypeVar, overload

from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException
from yaml import YAMLError

from rrgraph.errors import ConfigError, near_match
from rrgraph.files import near_file, write_text
from rrgraph.model import ModelConfig, SetScorerConfig
from rrgraph.training import SetTrainingConfig, TrainingConfig, TreesConfig

__all__ = [
    "MODEL",
    "BaseConfig",
    "DataConfig",
    "EvaluationConfig",
    "RunConfig",
    "SetsConfig",
    "load_config",
    "save_config",
]

MODEL = "model"
"""What the model is called among the systems that are measured."""


@dataclass
class DataConfig:
    """Where reactions come from and how they are divided.

    Attributes:
        table: name of a catalogued table (`textbook`, `text_mined`) or path of a file.
        clean: apply the cleaning rules of `rrgraph data clean` first.
        split: name of the split.
        year: last year of the training and validation rows, for the splits by year.
        validation_fraction: share of the rows before the test part that chooses the model.
        holdout: table whose targets (or element systems, for split `nms`) are removed from training.
        pool: further candidate precursors, a catalogued name or a file with one formula a line; known but never seen.
    """

    table: str = "textbook"
    clean: bool = False
    split: str = "nms"
    year: int = 2014
    validation_fraction: float = 0.2
    holdout: str | None = None
    pool: str | None = None


@dataclass
class EvaluationConfig:
    """How the trained model is measured at the end of a run, and how its links become sets.

    Attributes:
        protocols: evaluation protocols that are reported.
        parts: parts of the split that are measured, of `validation` and `test`.
        validation_protocol: protocol of the validation at each epoch.
        mode: what sets are ranked by: `listwise`, or, when the size is open, `product`, `log_odds` or `geometric`.
        baselines: comparison systems fitted to the same training rows.
        card_from: run folders of the same configuration trained on other splits, whose metrics the card shows; for a
            model that leaves no rows to measure it on.
    """

    protocols: list[str] = field(default_factory=lambda: ["paper", "open"])
    parts: list[str] = field(default_factory=lambda: ["validation"])
    validation_protocol: str = "paper"
    mode: str = "product"
    baselines: list[str] = field(default_factory=lambda: ["popularity"])
    card_from: list[str] = field(default_factory=list)


@dataclass
class SetsConfig:
    """The second stage, which ranks whole sets.

    Attributes:
        enabled: whether there is one; it needs a model with statistics and several decoders.
        trees: boosted trees whose log-odds are added to the scores of sets.
        model: the set scorer.
        training: how it learns.
    """

    enabled: bool = False
    trees: TreesConfig = field(default_factory=TreesConfig)
    model: SetScorerConfig = field(default_factory=SetScorerConfig)
    training: SetTrainingConfig = field(default_factory=SetTrainingConfig)


@dataclass
class BaseConfig:
    """What the configurations of all kinds of run have.

    Attributes:
        name: of the run; its folder is `output`, or `runs/<name>` when that is empty.
        seed: of everything that is drawn.
        output: the run folder.
    """

    name: str = "run"
    seed: int = 0
    output: str = ""

    @property
    def folder(self) -> Path:
        """The run folder."""
        return Path(self.output) if self.output else Path("runs") / self.name


@dataclass
class RunConfig(BaseConfig):
    """Everything that defines a training run.

    The seed is that of splitting, initial weights, shuffling, sampling and dropout.
    """

    data: DataConfig = field(default_factory=DataConfig)
    model: ModelConfig = field(default_factory=ModelConfig)
    training: TrainingConfig = field(default_factory=TrainingConfig)
    sets: SetsConfig = field(default_factory=SetsConfig)
    evaluation: EvaluationConfig = field(default_factory=EvaluationConfig)


C = TypeVar("C", bound=BaseConfig)


@overload
def load_config(path: str | Path, overrides: Sequence[str] = ()) -> RunConfig: ...
@overload
def load_config(path: str | Path, overrides: Sequence[str] = (), *, schema: type[C]) -> C: ...
def load_config(path: str | Path, overrides: Sequence[str] = (), *, schema: type[Any] = RunConfig) -> Any:
    """Read a configuration file and apply overrides such as `training.epochs=5`.

    Args:
        path: a YAML file.
        overrides: `key=value`, later ones win.
        schema: the dataclass of the run.

    Raises:
        ConfigError: the file is missing or not YAML, or a key or value does not fit the schema.
    """
    path = Path(path)
    if not path.is_file():
        raise ConfigError(f"There is no configuration file '{path}'.{near_file(path)}")
    for override in overrides:
        if "=" not in override.lstrip("="):
            raise ConfigError(f"The override '{override}' is not of the form key=value, such as training.epochs=5.")
    try:
        given = OmegaConf.load(path)
    except (YAMLError, OSError, UnicodeDecodeError) as error:
        raise ConfigError(
            f"The configuration file '{path}' is not valid YAML: {' '.join(str(error).split())}"
        ) from None
    if not isinstance(given, DictConfig):
        raise ConfigError(f"The configuration file '{path}' is not a mapping, expected lines such as 'seed: 0'.")
    try:
        defaults = OmegaConf.structured(schema(name=path.stem))
        merged = OmegaConf.merge(defaults, given, OmegaConf.from_dotlist(list(overrides)))
        config = OmegaConf.to_object(merged)
    except OmegaConfBaseException as error:
        raise ConfigError(_explain(error, schema)) from None
    except (YAMLError, TypeError, ValueError) as error:
        raise ConfigError(f"The overrides cannot be read: {' '.join(str(error).split())}.") from None
    assert isinstance(config, schema)
    return config


def save_config(config: BaseConfig, path: str | Path) -> None:
    """Write the resolved configuration as YAML."""
    write_text(path, OmegaConf.to_yaml(OmegaConf.structured(config)))


def _explain(error: OmegaConfBaseException, schema: type) -> str:
    key = str(error.full_key or "")
    reason = (error.msg or str(error)).splitlines()[0]
    known = _keys(schema)
    if key and key not in known and not any(name.startswith(f"{key}.") for name in known):
        # People leave out the section, so the last part of each key is compared too; the first section wins.
        last = {name.rpartition(".")[2]: name for name in reversed(known)}
        close = near_match(key, known) or near_match(key, last)
        for name, full in last.items():
            close = close.replace(f"'{name}'", f"'{full}'")
        return f"Unknown configuration key '{key[:80]}'.{close}"
    return f"The configuration value of '{key}' does not fit: {reason}." if key else f"Bad configuration: {reason}."


def _keys(schema: type, prefix: str = "") -> list[str]:
    keys = []
    for option in fields(schema):
        nested = option.default_factory if isinstance(option.default_factory, type) else None
        if nested is not None and is_dataclass(nested):
            keys += _keys(nested, f"{prefix}{option.name}.")
        else:
            keys.append(f"{prefix}{option.name}")
    return keys
