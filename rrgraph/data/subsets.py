"""The three subsets of a split: their codes, names and the words for them in files."""

from __future__ import annotations

from enum import IntEnum
from typing import Final

__all__ = ["HOLDOUT", "NO_SUBSET", "SUBSET_NAMES", "SUBSET_WORDS", "TEST", "TRAIN", "VALIDATION", "Subset"]


class Subset(IntEnum):
    """A subset by its code in arrays, where 0 (`NO_SUBSET`) stands for none; it prints as its code, see `word`.

    Where a composition is in several subsets, the larger code wins.
    """

    TRAIN = 1
    VALIDATION = 2
    TEST = 3

    @property
    def word(self) -> str:
        """The name in commands, configurations and files that are written."""
        return self.name.lower()


#: Code of training rows and labels.
TRAIN: Final = Subset.TRAIN
#: Code of validation rows and labels.
VALIDATION: Final = Subset.VALIDATION
#: Code of test rows and labels.
TEST: Final = Subset.TEST

NO_SUBSET: Final = 0
"""Code of rows and labels that are in no subset."""

SUBSET_NAMES: Final = tuple(subset.word for subset in Subset)
"""Names of the subsets, in the order of their codes."""

HOLDOUT: Final = "holdout"
"""Name of rows of another table, which training and validation rows must not resemble."""

SUBSET_WORDS: Final = {
    **dict.fromkeys(("train", "training"), TRAIN),
    **dict.fromkeys(("val", "valid", "validation", "dev"), VALIDATION),
    **dict.fromkeys(("test", "testing"), TEST),
}
"""Words for the subsets in files, in lower case."""
