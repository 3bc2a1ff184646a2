"""Comparisons: which approach is named without looking, which difference is tested, and which are only described.

One test confirms: the approach that the training side named, against the best baseline, at the largest budget. Gains of
the approaches named at smaller budgets are corrected over these budgets, other pretrained approaches over themselves
within a budget (Holm. A simple sequentially rejective multiple test procedure. Scandinavian Journal of Statistics 6,
1979). Baselines among themselves are described, not tested.
"""

import math
from collections.abc import Mapping, Set
from typing import Any

from headstart.evaluation.outcomes import Outcomes
from headstart.evaluation.statistics import holm

Row = dict[str, Any]


def choose(selection: Mapping[str, float], baselines: Set[str]) -> tuple[str, str]:
    """The approach named and the best baseline: the highest training-side selection of all, and of the baselines.

    Where nothing has a selection (NaN), both are svm-pixels by convention, or else the first baseline but majority.
    """
    known = {name: value for name, value in selection.items() if not math.isnan(value)}
    among = {name: value for name, value in known.items() if name in baselines}
    if among:
        best = max(among, key=lambda name: among[name])
    else:
        usual = [name for name in selection if name in baselines]
        best = min(usual, key=lambda name: (name != "svm-pixels", name == "majority"))
    return max(known, key=lambda name: known[name]) if known else best, best


def compare(predicted: Mapping[str, Outcomes], *, budget: str, named: str, best: str, baselines: Set[str]) -> list[Row]:
    """Every approach against the best baseline at a budget: the difference, its interval, p, and its role."""
    rows = []
    for name in predicted:
        if name != best:
            d = predicted[name].minus(predicted[best])
            role = "named" if name == named else "baseline" if name in baselines else "other"
            rows.append(
                {"budget": budget, "a": name, "b": best, "difference": d.mean, "low": d.low, "high": d.high, "p": d.p,
                 "role": role, "about": d.about}
            )  # fmt: skip
    return rows


def corrected(rows: list[Row], last: str) -> list[Row]:
    """The rows with ``p_holm``: as it is for the one that confirms, None for baselines, otherwise Holm's."""
    families: dict[tuple[str, str], list[Row]] = {}
    for row in rows:
        row["p_holm"] = row["p"] if row["role"] == "named" else None
        if row["role"] == "other" or (row["role"] == "named" and row["budget"] != last):
            families.setdefault((row["role"], row["budget"] if row["role"] == "other" else ""), []).append(row)
    for family in families.values():
        for row, p in zip(family, holm([row["p"] for row in family]), strict=True):
            row["p_holm"] = float(p)
    return rows
