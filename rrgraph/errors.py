"""Errors that a person can act on.

Every error raised for bad input derives from `RRGraphError` and its message is one clear sentence that names
the offending thing and what was expected. The command line prints that sentence and exits with code 2.
"""

from __future__ import annotations

from collections.abc import Container, Iterable
from difflib import get_close_matches
from typing import Final

__all__ = [
    "ConfigError",
    "DataError",
    "DataWarning",
    "FormulaError",
    "ModelError",
    "OptionError",
    "PlanningError",
    "RRGraphError",
    "ScoreError",
    "StudyError",
    "check_choice",
    "reason_of",
    "shortened",
    "suggestion",
]


_LONGEST: Final = 1500
"""Characters of a message; the input that it quotes can be longer."""


class RRGraphError(ValueError):
    """Bad input; the message is one sentence written for a person, without the middle of what would fill a screen.

    Attributes:
        option: the option that it is about, empty where it is not known.
    """

    option: str = ""

    def __str__(self) -> str:
        return shortened(super().__str__())


class FormulaError(RRGraphError):
    """The text is not a valid formula."""


class DataError(RRGraphError):
    """A file or table is missing, malformed or changed."""


class DataWarning(UserWarning):
    """What was assumed or left out when a file was read; the message is written for a person."""


class ConfigError(RRGraphError):
    """A configuration names something unknown or a value that is out of range."""


class ModelError(RRGraphError):
    """A checkpoint is missing, incomplete or of another version."""


class PlanningError(RRGraphError):
    """The planning constraints contradict each other or the target."""


class OptionError(PlanningError):
    """The value of an option cannot be used.

    Args:
        option: its name as a keyword argument; the command line shows it as a flag.
        problem: what follows the name in the sentence, with the space or colon between.
    """

    def __init__(self, option: str, problem: str) -> None:
        super().__init__(f"{option}{problem}")
        self.option, self.problem = option, problem

    def __reduce__(self) -> tuple[type[OptionError], tuple[str, str]]:
        return type(self), (self.option, self.problem)  # worker processes send it

    def on_command_line(self) -> str:
        """Return the sentence with the option as a flag."""
        return shortened(f"--{self.option.replace('_', '-')}{self.problem}")


class ScoreError(RRGraphError):
    """Scores are NaN, infinite or do not fit the rows they belong to."""


class StudyError(RRGraphError):
    """A search space does not fit, or a study cannot be opened, resumed or carried out."""


def shortened(text: str, *, most: int = _LONGEST) -> str:
    """Return a text without its middle if it has more characters than that."""
    return text if len(text) <= most else f"{text[: most * 2 // 3]} ... {text[-most // 3 :]}"


def reason_of(error: Exception, *, most: int = _LONGEST) -> str:
    """Return what an error says on one line, for the middle of a sentence: without a full stop, shortened.

    Args:
        error: of the system, which says the reason alone; of any other its message, or its kind if there is none.
        most: characters at most.

    >>> reason_of(ValueError("It is\\n  not so."))
    'It is not so'
    """
    said = (error.strerror if isinstance(error, OSError) else None) or str(error)
    return shortened(" ".join(said.split()).rstrip(".!"), most=most) or type(error).__name__


def suggestion(name: str, choices: Iterable[str]) -> str:
    """Return ``" Did you mean 'x'?"`` for the closest of `choices`, or an empty string."""
    matches = get_close_matches(name, list(choices), n=1)
    return f" Did you mean '{matches[0]}'?" if matches else ""


def check_choice(key: str, value: str, choices: Iterable[str]) -> None:
    """Refuse the value of a configuration key, or of an option such as ``--split``, that is not among the choices.

    Choices may contain more than they list, as names of metrics that end in a number do.

    Raises:
        ConfigError: naming the key, the value, the choices and the nearest of them.
    """
    known = list(choices)
    if value not in known and not (isinstance(choices, Container) and value in choices):
        what = key if key.startswith(("--", "The ")) else f"Configuration value {key}"
        raise ConfigError(f"{what} is '{value}', expected one of {', '.join(known)}.{suggestion(value, known)}")
