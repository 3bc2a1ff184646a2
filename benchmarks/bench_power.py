"""Does a study find a gain that is there, and none that is not? Selection and test drawn jointly, the truth known.

An image is right for an approach where a latent number is positive: the approach's level, plus the image's difficulty
(shared by all approaches, by inner and outer folds, by repeats), plus what is hard for this approach alone (shared by
its folds and repeats), plus chance for every model. Shares are fitted to out-of-fold predictions of digits and of the
real cells: how often an approach is right again in another repeat, how often two approaches are right together. The
study's own functions then choose, compare and correct. Power is set against the exact paired test by image (McNemar
1947), of the first repeat, of the same two approaches.

`OMP_NUM_THREADS=1 HEADSTART_DATA=… python benchmarks/bench_power.py [--studies 2000]` prints tables, then JSON.
"""

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")

import argparse
import json
import time
from dataclasses import dataclass
from itertools import combinations
from multiprocessing import Pool
from pathlib import Path

import numpy as np
from scipy.optimize import brentq
from scipy.stats import binom, multivariate_normal, norm

from headstart.data.load import load
from headstart.evaluation.outcomes import Outcomes
from headstart.evaluation.splits import make_splits
from headstart.reuse.heads import Head
from headstart.study.comparisons import choose, compare, corrected

CLASSES = 3
DESIGNS = {"1,000 labels, 4×1": (1000, 4, 1), "400 labels, 5×2": (400, 5, 2)}
FITTED = ("probe", "svm", "knn")


@dataclass(frozen=True)
class Setting:
    """levels: accuracy of every approach. baselines: how many of them, the first, are baselines."""

    design: str
    levels: tuple[float, ...]
    disagreement: float
    baselines: int = 1


def settings() -> list[Setting]:
    found = []
    for design in DESIGNS:
        found.append(Setting(design, (0.80, 0.85), 0.24))
        # With difficulties in common, two approaches that are right on 0.90 disagree on less than 0.18 of the images.
        for middle, disagreements in ((0.75, (0.10, 0.20, 0.30)), (0.90, (0.10, 0.17))):
            for disagreement in disagreements:
                found.append(Setting(design, (middle - 0.015, middle + 0.015), disagreement))
                found.append(Setting(design, (middle, middle), disagreement))
        found.append(Setting(design, (0.80,) * 6, 0.24, baselines=3))
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--studies", type=int, default=2000)
    count, started = parser.parse_args().studies, time.perf_counter()
    stable, rows = fit(), []
    asked = [(s, stable, count, seed) for seed, s in enumerate(settings())]
    with Pool(2) as pool:
        for setting, row in zip((s for s, *_ in asked), pool.imap(simulate, asked), strict=True):
            levels = " ".join(f"{level:.3f}" for level in setting.levels)
            rows.append({"design": setting.design, "levels": levels, "wanted": setting.disagreement, **row})
            print(" ".join(f"{key} {value}" for key, value in rows[-1].items()), flush=True)
        pool.close()
        pool.join()
    print(
        json.dumps({"stable": stable, "studies": count, "rows": rows, "seconds": round(time.perf_counter() - started)})
    )


def fit() -> float:
    """The latent correlation of an approach with itself in another repeat: the mean over data sets and approaches."""
    same = []
    for source in ("digits", str(Path(os.environ["HEADSTART_DATA"]) / "cells" / "data.npz")):
        data = load(source)
        rows = data.labelled[:400]
        h, y = data.images[rows].reshape(len(rows), -1).astype(float), data.labels[rows]
        splits = make_splits(y, folds=4, repeats=4, seed=0)
        right = {kind: out_of_fold(kind, h, y, splits) for kind in FITTED}
        own = [np.mean([correlation(r[i], r[j]) for i, j in combinations(range(4), 2)]) for r in right.values()]
        cross = [correlation(right[a].ravel(), right[b].ravel()) for a, b in combinations(FITTED, 2)]
        levels = [round(float(r.mean()), 3) for r in right.values()]
        found = f"latent correlation with itself {np.round(own, 2)}, with another {np.round(cross, 2)}"
        print(f"{data.source}: right {levels}, {found}")
        same += own
    return round(float(np.mean(same)), 3)


def out_of_fold(kind: str, h: np.ndarray, y: np.ndarray, splits: list) -> np.ndarray:
    """(repeats, n) whether an image was right when it was tested."""
    right = np.zeros((4, len(y)))
    for number, split in enumerate(splits):
        head = Head(kind).fit(h[split.train], y[split.train])
        right[number // 4, split.test] = head.predict(h[split.test]) == y[split.test]
    return right


def correlation(a: np.ndarray, b: np.ndarray) -> float:
    """The tetrachoric one: of two normal numbers that are positive as often as a and b, and together as often."""
    both = float(((a > 0.5) & (b > 0.5)).mean())
    return latent(float(a.mean()), float(b.mean()), both)


def latent(p: float, q: float, both: float) -> float:
    """The correlation of two normal numbers, below norm.ppf(p) and norm.ppf(q) together with probability ``both``."""

    def excess(r: float) -> float:
        return float(multivariate_normal([0, 0], [[1, r], [r, 1]]).cdf([norm.ppf(p), norm.ppf(q)])) - both

    if excess(0.999) < 0:
        return 0.999
    return brentq(excess, -0.999, 0.999, xtol=1e-5) if excess(-0.999) < 0 else -0.999


def simulate(asked: tuple[Setting, float, int, int]) -> dict:
    setting, stable, count, seed = asked
    n, folds, repeats = DESIGNS[setting.design]
    y = np.arange(n) % CLASSES
    splits, rng = make_splits(y, folds=folds, repeats=repeats, seed=0), np.random.default_rng(seed)
    low, high = min(setting.levels), max(setting.levels)
    shared = latent(low, high, (low + high - setting.disagreement) / 2)
    assert shared >= 0, "with difficulties in common two such approaches disagree less"
    stable = max(stable, shared)
    levels = norm.ppf(np.array(setting.levels))[:, None, None]
    names = [f"baseline {k}" if k < setting.baselines else f"pretrained {k}" for k in range(len(setting.levels))]
    baselines, claimed, exact, apart = set(names[: setting.baselines]), 0, 0, 0.0
    for _ in range(count):
        own = np.sqrt(shared) * rng.normal(size=n) + np.sqrt(stable - shared) * rng.normal(size=(len(names), 1, n))
        tested = levels + own + np.sqrt(1 - stable) * rng.normal(size=(len(names), repeats, n)) > 0
        inner = levels + own + np.sqrt(1 - stable) * rng.normal(size=(len(names), len(splits), n)) > 0
        selection = {a: float(np.mean([inner[k, j, s.train].mean() for j, s in enumerate(splits)]))
                     for k, a in enumerate(names)}  # fmt: skip
        named, best = choose(selection, baselines)
        used = {a: predicted(splits, y, tested[names.index(a)]) for a in {named, best}}
        rows = corrected(compare(used, budget="all", named=named, best=best, baselines=baselines), "all")
        claimed += any(row.is_gain for row in rows)
        if len(names) == 2:
            b, a = tested[:, 0]
            apart += (a != b).mean() / count
            exact += beyond(int((a & ~b).sum()), int((b & ~a).sum()))
    row = {"claimed": claimed / count, "shared": round(shared, 3)}
    return row | ({"exact": exact / count, "apart": round(apart, 3)} if len(names) == 2 else {})


def predicted(splits: list, y: np.ndarray, right: np.ndarray) -> Outcomes:
    folds = len(splits) // len(right)
    said = [np.where(right[j // folds, s.test], y[s.test], (y[s.test] + 1) % CLASSES) for j, s in enumerate(splits)]
    return Outcomes(splits, y, said)


def beyond(more: int, less: int) -> bool:
    """McNemar's exact test: are so many images for one only, against so many for the other, too many for chance?"""
    return more > less and 2 * binom.sf(more - 1, more + less, 0.5) < 0.05


if __name__ == "__main__":
    main()
