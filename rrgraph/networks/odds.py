"""Odds of one precursor over another, with confidence intervals and trends over time."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.special import betaincinv

__all__ = ["log_odds_trend", "odds", "odds_interval"]


def odds(first: NDArray[np.int64], second: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return the odds of the first choice, half a count added to both (Haldane, Ann. Hum. Genet. 20, 309 (1956))."""
    return (first + 0.5) / (second + 0.5)


def odds_interval(
    first: NDArray[np.int64], second: NDArray[np.int64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the ends of the 95 % interval of the odds: Jeffreys' interval of the share, transformed.

    Where all choices are the same, that end is 0 or infinity (Brown, Cai & DasGupta, Statist. Sci. 16, 101 (2001)).
    """
    low = np.where(first > 0, betaincinv(first + 0.5, second + 0.5, 0.025), 0.0)
    high = np.where(second > 0, betaincinv(first + 0.5, second + 0.5, 0.975), 1.0)
    with np.errstate(divide="ignore"):
        return low / (1 - low), np.where(high < 1, high / np.maximum(1 - high, 1e-300), np.inf)


def log_odds_trend(first: NDArray[np.int64], second: NDArray[np.int64], years: NDArray[np.int64]) -> float | None:
    """Return the change of ln(odds) per decade, None where fewer than two years have a count.

    It is the weighted least-squares slope of the empirical log-odds ln((a + 1/2) / (b + 1/2)) over years, with the
    inverse of their variance 1/(a + 1/2) + 1/(b + 1/2) as weight (Cox, Analysis of Binary Data, 1970).

    Args:
        first, second: (years,) counts of the choices.
        years: (years,).
    """
    counted = first + second > 0
    if counted.sum() < 2:
        return None
    a, b, x = first[counted] + 0.5, second[counted] + 0.5, years[counted].astype(np.float64)
    weight = 1 / (1 / a + 1 / b)
    value = np.log(a / b)
    centre = x - np.average(x, weights=weight)
    return float(10 * (weight * centre * value).sum() / (weight * centre**2).sum())
