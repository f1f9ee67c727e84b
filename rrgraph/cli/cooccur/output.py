"""What `rrgraph cooccur` prints: tables or JSON of pairs, substitutes and forecasts."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from rrgraph.cli.common.show import show_table
from rrgraph.networks import FORECASTS, EdgeForecast, PairStatistics, Substitution

__all__ = ["show_summary"]

_SIGNIFICANT: Final = 0.05
_PAIR: Final = ("pair", "together", "expected", "q")


def show_summary(
    pairs: PairStatistics,
    substitutions: Sequence[Substitution],
    forecasts: Sequence[EdgeForecast],
    *,
    top: int,
    as_json: bool,
) -> None:
    """Print counts and the most notable pairs."""
    counts = _counts(pairs, substitutions)
    chosen = {name: list(pairs.select(order[:top]).rows()) for name, order in _chosen(pairs).items()}
    if as_json:
        listed = [_substitution(each) for each in substitutions[:top]]
        predicted = [each.to_dict() for each in forecasts]
        found = {**counts, "pairs": chosen, "substitutions": listed, "forecasts": predicted}
        print(json.dumps(found, indent=2, ensure_ascii=False, allow_nan=False))
        return
    print(
        f"{counts['table']}: {counts['reactions']:,} {pairs.records.unit}, {counts['precursors']:,} precursors, "
        f"{counts['pairs_together']:,} pairs used together\n"
        f"compared with random sets: {counts['above']:,} pairs more often, {counts['below']:,} less often (q < 0.05)\n"
        f"given the elements and the anion class of the target: {counts['context_above']:,} more often, "
        f"{counts['context_below']:,} less often"
    )
    _show_pairs("most often used together", chosen["frequent"], context=False)
    _show_pairs("more often than by chance, given the elements of the target", chosen["above"], context=True)
    _show_pairs("less often than by chance, although they supply different elements", chosen["below"], context=True)
    _show_substitutions(substitutions[:top])
    for forecast in forecasts:
        _show_forecast(forecast)


def _counts(pairs: PairStatistics, substitutions: Sequence[Substitution]) -> dict[str, Any]:
    sure, given = pairs.q_value < _SIGNIFICANT, pairs.context_q_value < _SIGNIFICANT
    more, more_given = pairs.z > 0, pairs.context_count > pairs.context_expected
    return {
        "table": pairs.records.table,
        "reactions": len(pairs.records),
        "precursors": len(pairs.records.precursors),
        "pairs_together": int((pairs.count > 0).sum()),
        "above": int((sure & more).sum()),
        "below": int((sure & ~more).sum()),
        "context_above": int((given & more_given).sum()),
        "context_below": int((given & ~more_given).sum()),
        "substitution_pairs": len(substitutions),
    }


def _chosen(pairs: PairStatistics) -> dict[str, NDArray[np.int64]]:
    """Return the pairs of each printed table, sorted by the difference from expectation, the largest first."""
    excess = pairs.context_count - pairs.context_expected
    sure = pairs.context_q_value < _SIGNIFICANT
    above = np.flatnonzero(sure & (excess > 0))
    below = np.flatnonzero(sure & (excess < 0) & ~pairs.same_element)
    return {
        "frequent": np.argsort(-pairs.count, kind="stable"),
        "above": above[np.argsort(-excess[above], kind="stable")],
        "below": below[np.argsort(excess[below], kind="stable")],
    }


def _show_pairs(title: str, rows: Sequence[dict[str, Any]], *, context: bool) -> None:
    prefix = "context_" if context else ""
    shown = [
        [
            f"{row['first']} + {row['second']}",
            f"{row[f'{prefix}count']:,}",
            f"{row[f'{prefix}expected']:,.1f}",
            f"{row[f'{prefix}q_value']:.1g}",
        ]
        for row in rows
    ]
    if shown:
        show_table(_PAIR, shown, title=f"\n{title}", numbers=_PAIR[1:])


def _show_substitutions(substitutions: Sequence[Substitution]) -> None:
    header = ["element", "precursor", "instead of", "odds", "95 %", "together", "trend"]
    rows = []
    for each in substitutions:
        whole = each.odds[0]
        trend = "" if each.trend is None else f"{each.trend:+.1f}"
        interval = f"{whole.low:.3g} to {whole.high:.3g}"
        rows.append([each.element, each.first, each.second, f"{whole.odds:.3g}", interval, str(each.together), trend])
    if rows:
        title = "\nsubstitutes (odds of the first over the second; trend: change of ln odds per decade)"
        show_table(header, rows, title=title, numbers=("odds", "together", "trend"))


def _substitution(each: Substitution) -> dict[str, Any]:
    whole = each.odds[0]
    values = {name: getattr(each, name) for name in ("element", "first", "second", "similarity", "together", "trend")}
    return {**values, "odds": whole.odds, "first_reactions": whole.first, "second_reactions": whole.second}


def _show_forecast(forecast: EdgeForecast) -> None:
    header = ["heuristic", "AUROC %", "average precision %", *(f"Hits@{k} %" for k in (100, 1000))]
    rows = [
        [name.replace("_", " "), str(score.auroc), str(score.average_precision), *map(str, score.hits.values())]
        for name, score in forecast.scores.items()
    ]
    title = (
        f"\nafter {forecast.year}: {FORECASTS[forecast.task]}, {forecast.appeared:,} of {forecast.candidates:,} pairs "
        f"(and {forecast.outside:,} that no heuristic can rank)"
    )
    if rows:
        show_table(header, rows, title=title, numbers=header[1:])
    else:
        print(f"{title}: no pair to rank")
