"""Tokens of SMILES and SMARTS."""

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
"""`atoms`: one token per atom, with map numbers as separate tokens; `characters`: one token per character."""

PAD, UNKNOWN, FIRST = 0, 1, 2
_SPECIAL: Final = 3
_ATOM = re.compile(r"\[[^\]:]*|:\d+\]|\]|Br|Cl|>>|%\d\d|.")


class Tokenizer:
    """Converts texts to token indices.

    Args:
        tokens: one of `TOKENS`.
        vocabulary: known tokens; all others become the unknown token.

    Raises:
        ConfigError: `tokens` is not one of `TOKENS`.
    """

    def __init__(self, tokens: str, vocabulary: Sequence[str]) -> None:
        check_choice("model.tokens", tokens, TOKENS)
        self.tokens = tokens
        self.vocabulary = tuple(vocabulary)
        self._index = {token: index for index, token in enumerate(self.vocabulary, start=_SPECIAL)}

    @classmethod
    def learn(cls, tokens: str, texts: Sequence[str]) -> list[str]:
        """Return the tokens that occur in texts, sorted."""
        check_choice("model.tokens", tokens, TOKENS)
        return sorted({token for text in set(texts) for token in _split(tokens, text)})

    def __len__(self) -> int:
        return len(self.vocabulary) + _SPECIAL

    def __call__(self, texts: Sequence[str], *, length: int) -> Tensor:
        """Return (n, at most `length`) int16: a start token, the tokens of the text, padding."""
        rows = [
            [FIRST, *(self._index.get(token, UNKNOWN) for token in _split(self.tokens, text)[: length - 1])]
            for text in texts
        ]
        table = np.zeros((len(rows), max(map(len, rows), default=1)), dtype=np.int16)
        for index, row in enumerate(rows):
            table[index, : len(row)] = row
        return torch.from_numpy(table)


def _split(tokens: str, text: str) -> list[str]:
    return list(text) if tokens == "characters" else _ATOM.findall(text)
