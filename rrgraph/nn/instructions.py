"""Instructions of the processor, which torch tells privately; a test names the versions this holds for."""

from __future__ import annotations

import torch

__all__ = ["computes_bfloat16"]


def computes_bfloat16() -> bool:
    """Whether the processor multiplies in bfloat16; without, it is emulated, slower than 32 bits."""
    return torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported()
