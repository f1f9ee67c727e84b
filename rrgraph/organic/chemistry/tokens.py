"""Tokens of SMILES and SMARTS: texts flow in, padded numbers flow out."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

import numpy as np
import torch
from torch import Tensor

from rrgraph.errors import check_choice

__all__ = ["PAD", "TOKENS", "Tokenizer"]

TOKENS: Final = ("atoms", "characters")
"""`atoms`: one token a bracket atom, map numbers as tokens of their own; `characters`: one token a character."""

PAD, UNKNOWN, FIRST = 0, 1, 2
_SPECIAL: Final = 3
_ATOM = re.compile(r"\[[^\]:]*|:\d+\]|\]|Br|Cl|>>|%\d\d|.")


class Tokenizer:
    """Turn texts into numbers.

    Args:
        tokens: one of `TOKENS`.
        vocabulary: known tokens; others become one unknown token.

    Raises:
        ConfigError: there are no such tokens.
    """

    def __init__(self, tokens: str, vocabulary: Sequence[str]) -> None:
        check_choice("model.tokens", tokens, TOKENS)
        self.tokens = tokens
        self.vocabulary = tuple(vocabulary)
        self._number = {token: number for number, token in enumerate(self.vocabulary, start=_SPECIAL)}

    @classmethod
    def learn(cls, tokens: str, texts: Sequence[str]) -> list[str]:
        """Return the tokens that occur in texts, sorted."""
        check_choice("model.tokens", tokens, TOKENS)
        return sorted({token for text in set(texts) for token in _split(tokens, text)})

    def __len__(self) -> int:
        return len(self.vocabulary) + _SPECIAL

    def __call__(self, texts: Sequence[str], *, length: int) -> Tensor:
        """Return (n, at most `length`) int16: a first token, the tokens of the text, padding."""
        rows = [
            [FIRST, *(self._number.get(token, UNKNOWN) for token in _split(self.tokens, text)[: length - 1])]
            for text in texts
        ]
        table = np.zeros((len(rows), max(map(len, rows), default=1)), dtype=np.int16)
        for place, row in enumerate(rows):
            table[place, : len(row)] = row
        return torch.from_numpy(table)


def _split(tokens: str, text: str) -> list[str]:
    return list(text) if tokens == "characters" else _ATOM.findall(text)
