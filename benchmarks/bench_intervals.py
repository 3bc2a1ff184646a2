"""Do nominal 95 % intervals of a study hold the truth on drawn cells, where fresh draws tell the truth?

Each replicate is a study of its own draw: labels, splits, approaches, intervals of scores and of paired differences
(floors included), and the extrapolation to twice the labels. The truth is the expected score of the approach when
trained on a pool as large as the fold's: the mean, over all replicates, of its models on 1,000 images drawn for that
replicate alone. Coverage is the share of replicates whose interval holds it.
`OMP_NUM_THREADS=1 python benchmarks/bench_intervals.py [--replicates 120]` prints tables and then JSON.
"""

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")

import argparse
import json
import platform
import resource
import time
from collections import defaultdict
from itertools import combinations
from multiprocessing import Pool

import numpy as np
from sklearn.linear_model import RidgeClassifier
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

from headstart.data.drawn_cells import make_cells
from headstart.representation.splits import fold_ratio, make_splits
from headstart.representation.statistics import interval, paired, sampling_variance, score
from headstart.study.curve import extrapolate

CLASSES = range(3)
FRESH = 1000
MODELS = 3  # splits a replicate whose models are tested on the fresh images
SETTINGS = [  # labels, folds, repeats, budgets a class
    (80, 4, 5, (5, "all")),
    (80, 4, 2, ("all",)),
    (80, 5, 1, ("all",)),
    (200, 4, 5, ("all",)),
    (200, 4, 2, (5, 10, 25, "all")),
    (200, 5, 1, ("all",)),
    (400, 4, 5, ("all",)),
    (400, 4, 2, (25, "all")),
    (400, 5, 1, ("all",)),
]
CURVES = (200, 4, 2)
APPROACHES = {  # name: features, classifier
    "majority": ("pixels", None),
    "knn-pixels": ("pixels", lambda: KNeighborsClassifier(5)),
    "linear-pixels": ("pixels", lambda: RidgeClassifier(10.0)),
    "svm-pixels": ("pixels", lambda: SVC(C=3.0)),
    "svm-rings": ("rings", lambda: make_pipeline(StandardScaler(), SVC(C=3.0))),
    "near-perfect": ("septum", lambda: KNeighborsClassifier(5)),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--replicates", type=int, default=120)
    count, start = parser.parse_args().replicates, time.perf_counter()
    with Pool(2) as pool:
        studies = pool.map(replicate, range(count), chunksize=1)
        pool.close()
        pool.join()
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    scores, differences, curves = tables(studies)
    show("scores", scores)
    show("paired differences", differences)
    show("twice the labels", curves)
    summary = {
        "replicates": count,
        "scores": overall(scores),
        "scores_without_floor": overall(scores, "no floor"),
        "scores_without_correction": overall(scores, "naive"),
        "floor_widens_by": round(widening(scores), 3),
        "differences": overall(differences),
        "twice_the_labels": overall(curves),
        "seconds": round(time.perf_counter() - start),
        "cpu_seconds": round(used.ru_utime + used.ru_stime),
        "cpu": f"{platform.machine()}, {os.cpu_count()} cores",
    }
    print("\n" + json.dumps({"rows": {"scores": scores, "differences": differences, "curves": curves}}))
    print(json.dumps(summary))


def replicate(seed: int) -> dict:
    """One study of every setting: setting, budget and approach -> what it says, and its models' scores when fresh."""
    drawn = make_cells(0, 400 + FRESH, seed=10_000 + seed)
    features, labels = describe(drawn, np.random.default_rng(seed)), drawn.labels
    told = {}
    for n, folds, repeats, budgets in SETTINGS:
        splits = make_splits(labels[:n], folds=folds, repeats=repeats, seed=seed)
        for budget in budgets:
            if budget == "all" or min(np.bincount(labels[split.train]).min() for split in splits) >= budget:
                told[n, folds, repeats, budget] = study(features, labels, n, splits, repeats, budget)
    grown = {name: fresh_score(name, features, labels, np.arange(2 * CURVES[0])) for name in APPROACHES}
    return {"told": told, "curves": {name: curve(told, name, seed) for name in APPROACHES}, "grown": grown}


def describe(drawn, rng: np.random.Generator) -> dict[str, np.ndarray]:
    """Pixels of 4×4 means; rings: Fourier magnitudes along circles, blind to rotation; septum: its length, told."""
    images = drawn.images[..., 0].astype(np.float32) / 255
    pixels = images.reshape(-1, 10, 4, 10, 4).mean(axis=(2, 4)).reshape(len(images), -1)
    radius, turn = np.meshgrid(np.arange(1, 18, 2), np.linspace(0, 2 * np.pi, 32, endpoint=False), indexing="ij")
    row, column = (np.rint(19.5 + radius * wave(turn)).astype(int) for wave in (np.sin, np.cos))
    rings = np.abs(np.fft.rfft(images[:, row, column], axis=2))[:, :, :7].reshape(len(images), -1)
    septum = drawn.factors["fraction"][:, None] + rng.normal(0, 0.03, (len(images), 1))
    return {"pixels": pixels, "rings": rings, "septum": septum}


def predict(name: str, features: dict, labels: np.ndarray, train: np.ndarray, *tests: np.ndarray) -> list[np.ndarray]:
    kind, make = APPROACHES[name]
    if make is None:
        return [np.full(len(test), np.bincount(labels[train]).argmax()) for test in tests]
    fitted = make().fit(features[kind][train], labels[train])
    return [fitted.predict(features[kind][test]) for test in tests]


def fresh_score(name: str, features: dict, labels: np.ndarray, train: np.ndarray) -> float:
    fresh = np.arange(400, 400 + FRESH)
    return judge(labels[fresh], predict(name, features, labels, train, fresh)[0])


def judge(y: np.ndarray, predicted: np.ndarray) -> float:
    return score("balanced_accuracy", y, predicted, CLASSES)


def study(features: dict, labels: np.ndarray, n: int, splits: list, repeats: int, budget) -> dict:
    ratio, truth, tested = fold_ratio(splits), [labels[split.test] for split in splits], np.arange(n)
    right, scores, fresh = {}, {}, {}
    for name in APPROACHES:
        train = [tested[split.budget(labels[:n], budget)] for split in splits]
        guesses = [predict(name, features, labels, rows, s.test)[0] for rows, s in zip(train, splits, strict=True)]
        scores[name] = np.array([judge(y, guess) for y, guess in zip(truth, guesses, strict=True)])
        right[name] = [(y == guess).astype(int) for y, guess in zip(truth, guesses, strict=True)]
        fresh[name] = np.mean([fresh_score(name, features, labels, rows) for rows in train[:: len(train) // MODELS]])
    floors = {name: sampling_variance(right[name], truth, repeats=repeats) for name in APPROACHES}
    gaps = {}
    for a, b in combinations(APPROACHES, 2):
        floor = sampling_variance([i - j for i, j in zip(right[a], right[b], strict=True)], truth, repeats=repeats)
        gap = paired(scores[a], scores[b], ratio=ratio, floor=floor)
        gaps[a, b] = (gap.difference, gap.low, gap.high)
    return {
        "scores": {name: interval(scores[name], ratio=ratio, floor=floors[name]) for name in APPROACHES},
        "no floor": {name: interval(scores[name], ratio=ratio) for name in APPROACHES},
        "naive": {name: interval(scores[name], ratio=0.0) for name in APPROACHES},
        "differences": gaps,
        "fresh": fresh,
        "folds": scores,
        "n_labels": int(np.mean([len(rows) for rows in train])),
    }


def curve(told: dict, name: str, seed: int) -> dict | None:
    points = [(said["n_labels"], said["folds"][name]) for key, said in told.items() if key[:3] == CURVES]
    return extrapolate(points, n_all=CURVES[0], seed=seed, ratio=1 / (CURVES[1] - 1))


def tables(studies: list[dict]) -> tuple[list[dict], list[dict], list[dict]]:
    """Rows of coverage: setting, approach or pair, truth, its standard error, bias, mean width, shares covered."""
    scores, differences = [], []
    by_setting = defaultdict(list)
    for one in studies:
        for key, said in one["told"].items():
            by_setting[key].append(said)
    for key, said in by_setting.items():
        fresh = {name: np.array([one["fresh"][name] for one in said]) for name in APPROACHES}
        for name, values in fresh.items():
            row = coverage(key, name, values, [one["scores"][name] for one in said])
            for rival in ("no floor", "naive"):
                other = coverage(key, name, values, [one[rival][name] for one in said])
                row |= {rival: other["covered"], f"width, {rival}": other["width"]}
            scores.append(row)
        for a, b in combinations(APPROACHES, 2):
            told = [one["differences"][a, b] for one in said]
            differences.append(coverage(key, f"{a} - {b}", fresh[a] - fresh[b], told))
    curves = []
    for name in APPROACHES:
        found = [one["curves"][name]["doubled"] for one in studies if one["curves"][name]]
        told = [(one["mean"], one["low"], one["high"]) for one in found]
        curves.append(coverage((*CURVES, "doubled"), name, np.array([one["grown"][name] for one in studies]), told))
    return scores, differences, curves


def coverage(key: tuple, name: str, fresh: np.ndarray, told: list[tuple[float, float, float]]) -> dict:
    truth, (mean, low, high) = float(fresh.mean()), np.array(told).T
    return {
        "setting": f"{key[0]} labels, {key[1]}x{key[2]}, {key[3]}",
        "name": name,
        "n": len(told),
        "truth": truth,
        "truth_error": float(fresh.std(ddof=1) / np.sqrt(len(fresh))),
        "bias": float(mean.mean() - truth),
        "width": float((high - low).mean()),
        "covered": float(((low - 1e-9 <= truth) & (truth <= high + 1e-9)).mean()),
    }


def show(title: str, rows: list[dict]) -> None:
    """A line a setting: over its approaches or pairs, the widest bias, the mean width, mean and lowest coverage."""
    print(f"\n{title:<28}{'rows':>6}{'bias':>8}{'width':>8}{'covered':>9}{'lowest':>8}  of")
    settings = defaultdict(list)
    for row in rows:
        settings[row["setting"]].append(row)
    for setting, its in settings.items():
        worst = min(its, key=lambda row: row["covered"])
        bias, width = max(abs(row["bias"]) for row in its), np.mean([row["width"] for row in its])
        covered, lowest = np.mean([row["covered"] for row in its]), worst["covered"]
        print(f"{setting:<28}{len(its):>6}{bias:>8.3f}{width:>8.3f}{covered:>9.3f}{lowest:>8.3f}  {worst['name']}")


def widening(scores: list[dict]) -> float:
    """By what share the floor widens the interval of an approach that is neither constant nor near perfect."""
    ordinary = [row for row in scores if row["name"] not in ("majority", "near-perfect")]
    return float(np.mean([row["width"] / row["width, no floor"] for row in ordinary])) - 1


def overall(rows: list[dict], column: str = "covered") -> dict[str, float]:
    """Mean and lowest coverage over rows, with the simulation's standard error of one row at 95 %."""
    covered = [row[column] for row in rows]
    n = min(row["n"] for row in rows)
    return {
        "rows": len(rows),
        "mean": round(float(np.mean(covered)), 3),
        "lowest": round(min(covered), 3),
        "rows_below_90": sum(value < 0.9 for value in covered),
        "error_of_a_row": round(float(np.sqrt(0.95 * 0.05 / n)), 3),
    }


if __name__ == "__main__":
    main()
