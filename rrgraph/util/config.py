"""Configurations: reads YAML and `key=value` overrides into checked dataclasses."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from difflib import get_close_matches
from pathlib import Path
from typing import Any, ClassVar, TypeVar, cast

from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException
from yaml import YAMLError

from rrgraph.errors import ConfigError
from rrgraph.util.files import suggest_file, write_text
from rrgraph.util.settings import current_key, rename_keys, setting, settings, warn_renamed

__all__ = [
    "MODEL",
    "BaseConfig",
    "NamedConfig",
    "config_keys",
    "load_config",
    "read_mapping",
    "read_plain",
    "save_config",
    "set_values",
    "suggest_key",
]


@dataclass
class NamedConfig:
    """What everything that a configuration file describes has: a name and a folder.

    Attributes:
        name: name of the run or experiment, by default that of the file.
        output: its folder; empty for a folder of that name in `runs`, or in `experiments` for an experiment.
    """

    parent: ClassVar[str] = "runs"
    """Where folders lie that are not named."""

    name: str = "run"
    output: str = ""

    @property
    def folder(self) -> Path:
        """The folder of what is described."""
        return Path(self.output) if self.output else Path(self.parent) / self.name


@dataclass
class BaseConfig(NamedConfig):
    """What the configurations of all runs have.

    Attributes:
        seed: seed of every random choice.
    """

    untrained: ClassVar[tuple[str, ...]] = ()
    """Dotted keys that do not change what is trained, such as what is measured at the end."""

    seed: int = setting(0, at_least=0)

    def trains_like(self, other: BaseConfig) -> bool:
        """Whether both configurations train the same model; only the keys of `untrained` may differ."""
        aligned = self
        for key in self.untrained:
            aligned = _with_value_of(aligned, other, key.split("."))
        return aligned == other


def _with_value_of(config: Any, other: Any, path: Sequence[str]) -> Any:
    """Return the configuration with the value that another one has under a path of names."""
    name, *rest = path
    value = getattr(other, name)
    return replace(config, **{name: _with_value_of(getattr(config, name), value, rest) if rest else value})


C = TypeVar("C", bound=NamedConfig)

MODEL = "model"
"""What the system of a run is called among those that are measured: its model, or the baseline it is about."""


def load_config(
    path: str | Path,
    overrides: Sequence[str] = (),
    *,
    schema: type[C],
    recorded: bool = False,
    given: DictConfig | None = None,
) -> C:
    """Read a configuration file and apply overrides such as `training.epochs=5`.

    Earlier names of keys are understood, with one warning.

    Args:
        path: a YAML file.
        overrides: `key=value`, later ones win.
        schema: the dataclass of the run.
        recorded: the file was written by a run, so nobody has to be warned of the names in it.
        given: what the file holds, if it has been read already.

    Raises:
        ConfigError: the file is missing or not YAML, or a key or value does not fit the schema.
    """
    path = Path(path)
    for override in overrides:
        if "=" not in override.lstrip("="):
            raise ConfigError(f"The override '{override}' is not of the form key=value, such as training.epochs=5.")
    source = f"configuration file '{path}'"
    values, renamed = _current(read_mapping(path) if given is None else given, schema)
    try:
        merged = OmegaConf.merge(OmegaConf.structured(schema(name=path.stem)), values)
        if recorded:
            renamed = {}
        for override in overrides:
            source = f"override '{override}'"
            values, found = _current(OmegaConf.from_dotlist([override]), schema)
            renamed |= found
            merged = OmegaConf.merge(merged, values)
        config = OmegaConf.to_object(merged)
    except OmegaConfBaseException as error:
        raise ConfigError(_explain(error, schema, source)) from None
    except ConfigError:
        raise
    except (YAMLError, TypeError, ValueError) as error:
        raise ConfigError(f"The {source} cannot be read: {' '.join(str(error).split())}.") from None
    assert isinstance(config, schema)
    warn_renamed(renamed, f"the configuration '{path}'")
    return config


def _current(given: DictConfig, schema: type) -> tuple[DictConfig, dict[str, str]]:
    """Return what was given under today's names, and these by the earlier ones that were found."""
    values, renamed = rename_keys(OmegaConf.to_container(given), schema)
    return OmegaConf.create(values) if renamed else given, renamed


def save_config(config: NamedConfig, path: str | Path) -> None:
    """Write the resolved configuration as YAML."""
    write_text(path, OmegaConf.to_yaml(OmegaConf.structured(config)))


def set_values(config: C, values: Mapping[str, Any]) -> C:
    """Return the configuration with other values of some dotted keys such as `training.epochs`.

    Raises:
        ConfigError: a key is unknown, or its value does not fit the schema.
    """
    changed = OmegaConf.structured(config)
    try:
        renamed = {key: current_key(key, type(config)) for key in values}
        warn_renamed({old: new for old, new in renamed.items() if old != new}, "the given values")
        for key, value in values.items():
            OmegaConf.update(changed, renamed[key], value)
        return cast(C, OmegaConf.to_object(changed))
    except OmegaConfBaseException as error:
        raise ConfigError(_explain(error, type(config), "configuration")) from None


def read_mapping(path: Path) -> DictConfig:
    """Return what a YAML file holds.

    Raises:
        ConfigError: the file is missing, not YAML, or no mapping.
    """
    if not path.is_file():
        raise ConfigError(f"There is no configuration file '{path}'.{suggest_file(path)}")
    try:
        given = OmegaConf.load(path)
    except (YAMLError, OSError, UnicodeDecodeError) as error:
        raise ConfigError(
            f"The configuration file '{path}' is not valid YAML: {' '.join(str(error).split())}"
        ) from None
    if not isinstance(given, DictConfig):
        raise ConfigError(f"The configuration file '{path}' is not a mapping, expected lines such as 'seed: 0'.")
    return given


def read_plain(path: Path) -> dict[str, Any]:
    """Return what a YAML file holds as plain dictionaries and lists; errors are those of `read_mapping`."""
    return cast(dict[str, Any], OmegaConf.to_container(read_mapping(path)))


def _explain(error: OmegaConfBaseException, schema: type, source: str) -> str:
    key = str(error.full_key or "")
    reason = (error.msg or str(error)).splitlines()[0]
    known = config_keys(schema)
    if key and key not in known and not any(name.startswith(f"{key}.") for name in known):
        return f"Unknown configuration key '{key[:80]}'.{suggest_key(key, schema)}"
    what = f"configuration value of '{key}'" if key else source
    return f"The {what} does not fit: {reason}."


def suggest_key(key: str, schema: type, further: Sequence[str] = ()) -> str:
    """Return ``" Did you mean 'training.epochs'?"`` for the closest key of a configuration, or an empty string.

    Args:
        key: what was given; it may be close to today's name of a key or to its earlier one.
        schema: class of the configuration.
        further: keys that the class does not list, such as those of free options.
    """
    known = {name: each.key for each in settings(schema()) for name in (each.key, each.earlier) if name}
    known |= {name: name for name in further}
    # People leave out the section, so the last part of each key is compared too; the first section wins.
    last = {name.rpartition(".")[2]: full for name, full in reversed(known.items())}
    for names in (known, last):
        for close in get_close_matches(key, names, n=1):
            return f" Did you mean '{names[close]}'?"
    return ""


def config_keys(schema: type) -> list[str]:
    """Return the dotted keys of a configuration, such as `training.epochs`."""
    return [each.key for each in settings(schema())]
