"""Comparisons: which approach is named without looking, which difference is tested, and which are only described.

One test confirms: the approach that the training side named, against the best baseline, at the largest budget. Gains of
the approaches named at smaller budgets are corrected over these budgets, other pretrained approaches over themselves
within a budget (Holm. A simple sequentially rejective multiple test procedure. Scandinavian Journal of Statistics 6,
1979). Baselines among themselves are described, not tested.
"""

import math
from collections.abc import Mapping, Sequence, Set
from dataclasses import replace

from headstart.evaluation.outcomes import Outcomes
from headstart.evaluation.statistics import Comparison, holm


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


def compare(
    predicted: Mapping[str, Outcomes], *, budget: str, named: str, best: str, baselines: Set[str]
) -> list[Comparison]:
    """Every approach against the best baseline at a budget: the difference, its interval, p, and its role."""
    found = []
    for name in predicted:
        if name != best:
            d = predicted[name].minus(predicted[best])
            role = "named" if name == named else "baseline" if name in baselines else "other"
            found.append(Comparison(budget, name, best, d.mean, d.low, d.high, d.p, None, role, d.about))
    return found


def corrected(found: Sequence[Comparison], last: str) -> tuple[Comparison, ...]:
    """The comparisons with ``p_holm``: p for the one that confirms, None for baselines, otherwise Holm's."""
    families: dict[tuple[str, str], list[int]] = {}
    counts = [c.p if c.role == "named" else None for c in found]
    for i, c in enumerate(found):
        if c.role == "other" or (c.role == "named" and c.budget != last):
            families.setdefault((c.role, c.budget if c.role == "other" else ""), []).append(i)
    for family in families.values():
        for i, p in zip(family, holm([found[i].p for i in family]), strict=True):
            counts[i] = float(p)
    return tuple(replace(c, p_holm=p) for c, p in zip(found, counts, strict=True))
