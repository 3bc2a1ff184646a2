"""Do 95 % intervals of a study hold their truth in 95 %, and are they as narrow as that allows?

A population of drawn cells stands for all inputs that there are; a replicate is a study of its own sample, by the
package's own splits, draws of labels and `Outcomes`. Two truths: (a) how well *these fitted models* do on the rest of
the population; (b) how well the approach does on average over samples, which a study claims where draws of labels
allow it. Coverage is the share of replicates whose interval holds its truth; sharpness is the mean half-width over 1.96
times the spread that the estimate really has about its truth.

`OMP_NUM_THREADS=1 python benchmarks/bench_intervals.py [--replicates 500]` prints rows, a summary a family, then JSON.
"""

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")

import argparse
import json
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from multiprocessing import Pool

import numpy as np
import torch
from scipy.stats import binomtest

from headstart.data.drawn_cells import make_cells
from headstart.evaluation.outcomes import Outcomes
from headstart.evaluation.splits import Split, label_draws, make_splits
from headstart.evaluation.statistics import score
from headstart.representation.frozen import represent
from headstart.reuse.heads import Head, inner_folds
from headstart.study.comparisons import choose
from headstart.training.fit import encoder_spec, fit_encoder
from headstart.training.method import Method
from headstart.training.recipe import Recipe
from headstart.training.training_set import TrainingSet
from headstart.views.presets import PRESETS

POPULATION, GROUP, SEEDS = 12_000, 5, 60
CLASSES = np.arange(3)
PAIRS = (("ridge-rings", "ridge-pixels"), ("means-pixels", "ridge-pixels"), ("septum", "neighbour-rings"))
Predict = Callable[[np.ndarray], np.ndarray]


@dataclass(frozen=True)
class Setting:
    labels: int
    folds: int
    repeats: int
    budgets: tuple[int | str, ...]
    grouped: bool = False
    tuned: bool = False

    def __str__(self) -> str:
        kind = ", groups" * self.grouped + ", tuned" * self.tuned
        return f"{self.labels} labels, {self.folds}×{self.repeats}{kind}"


SETTINGS = (
    Setting(1000, 4, 1, (5, 25, "all")),
    Setting(400, 5, 2, (5, 25, "all")),
    Setting(80, 4, 5, (5, "all")),
    Setting(400, 5, 2, (5, "all"), grouped=True),
    Setting(80, 4, 5, ("all",), tuned=True),
    Setting(400, 5, 2, (5,), tuned=True),
)
TUNED = 200  # replicates with tuned heads


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--replicates", type=int, default=500)
    count, started = parser.parse_args().replicates, time.perf_counter()
    population()
    rows: list[dict] = []
    with Pool(2) as pool:
        for setting in SETTINGS:
            n = min(count, TUNED) if setting.tuned else count
            told = pool.starmap(replicate, [(setting, seed) for seed in range(n)], chunksize=4)
            rows += report(tabulate(setting, told))
            print(f"{setting}: {time.perf_counter() - started:.0f} s", flush=True)
        seeds = pool.map(pretrained, range(SEEDS), chunksize=1)
        pool.close()
        pool.join()
    rows += report(over_seeds(np.array([h for h, _ in seeds]), seeds[0][1]))
    print(json.dumps({"families": summary(rows), "rows": rows, "seconds": round(time.perf_counter() - started)}))


def report(rows: Iterator[dict]) -> list[dict]:
    """The rows, each printed as it comes."""
    found = []
    for row in rows:
        print(" ".join(f"{key} {value}" for key, value in row.items()), flush=True)
        found.append(row)
    return found


@cache
def population() -> tuple[dict[str, np.ndarray], np.ndarray]:
    """Descriptions of every cell: pixels and rings on 24 principal axes, the septum's length as told; and labels."""
    drawn, rng = make_cells(0, POPULATION, seed=1), np.random.default_rng(0)
    images = drawn.images[..., 0].astype(np.float32) / 255
    pixels = images.reshape(-1, 10, 4, 10, 4).mean(axis=(2, 4)).reshape(len(images), -1)
    radius, turn = np.meshgrid(np.arange(1, 18, 2), np.linspace(0, 2 * np.pi, 32, endpoint=False), indexing="ij")
    row, column = (np.rint(19.5 + radius * wave(turn)).astype(int) for wave in (np.sin, np.cos))
    rings = np.abs(np.fft.rfft(images[:, row, column], axis=2))[:, :, :7].reshape(len(images), -1)
    septum = drawn.factors["fraction"][:, None] + rng.normal(0, 0.03, (len(images), 1))
    return {"pixels": axes(pixels), "rings": axes(rings), "septum": septum.astype(np.float32)}, drawn.labels


def axes(values: np.ndarray) -> np.ndarray:
    """(n, 24) scores on the principal axes, each of deviation one."""
    left = np.linalg.svd(values - values.mean(0), full_matrices=False)[0][:, :24]
    return (left * np.sqrt(len(left))).astype(np.float32)


@cache
def shifted() -> tuple[dict[str, np.ndarray], np.ndarray]:
    """The population in groups of five, each with a shift of its own in every description."""
    described, labels = population()
    shift = np.random.default_rng(1).normal(0, 0.5, (POPULATION // GROUP, 24)).repeat(GROUP, 0).astype(np.float32)
    return {name: v + shift[:, : v.shape[1]] * (0.1 if v.shape[1] == 1 else 1) for name, v in described.items()}, labels


def means(x: np.ndarray, y: np.ndarray) -> Predict:
    centres = np.array([x[y == k].mean(0) for k in CLASSES])
    return lambda new: (new @ centres.T - (centres**2).sum(1) / 2).argmax(1)


def ridge(x: np.ndarray, y: np.ndarray) -> Predict:
    middle, target = x.mean(0), np.eye(3, dtype=np.float32)[y]
    weights = np.linalg.solve((x - middle).T @ (x - middle) + 10 * np.eye(x.shape[1]), (x - middle).T @ target)
    return lambda new: ((new - middle) @ weights + target.mean(0)).argmax(1)


def neighbour(x: np.ndarray, y: np.ndarray) -> Predict:
    return lambda new: y[(new @ x.T - (x**2).sum(1) / 2).argmax(1)]


def majority(x: np.ndarray, y: np.ndarray) -> Predict:
    return lambda new: np.full(len(new), np.bincount(y).argmax())


def tuned(kind: str) -> Callable[[np.ndarray, np.ndarray], Predict]:
    return lambda x, y: Head(kind).fit(x, y).predict


APPROACHES = {
    "majority": ("pixels", majority),
    "means-pixels": ("pixels", means),
    "ridge-pixels": ("pixels", ridge),
    "ridge-rings": ("rings", ridge),
    "neighbour-rings": ("rings", neighbour),
    "septum": ("septum", means),
}
HEADS = {"probe": ("rings", tuned("probe")), "svm": ("rings", tuned("svm"))}


def replicate(setting: Setting, seed: int) -> dict:
    """(budget, approach) -> outcomes told, how good its models are on the population; and who is named."""
    described, labels = shifted() if setting.grouped else population()
    rows, groups = sample(setting, labels, np.random.default_rng([7, seed]))
    y, told = labels[rows], {}
    splits = make_splits(y, folds=setting.folds, repeats=setting.repeats, seed=seed, groups=groups)
    approaches = HEADS if setting.tuned else APPROACHES
    for budget in setting.budgets:
        found = {}
        for name, (view, learn) in approaches.items():
            said, truth = predictions(learn, described[view], labels, rows, splits, budget)
            found[name] = Outcomes(splits, y, said, groups=groups, budget=budget), truth  # pyright: ignore
        for name, (outcomes, truth) in found.items():
            told[budget, name] = (*ends(outcomes.interval()), truth)
        for a, b in () if setting.tuned else PAIRS:
            gap = found[a][0].minus(found[b][0])
            told[budget, f"{a} - {b}"] = (*ends(gap), found[a][1] - found[b][1])
        if not setting.tuned:
            chosen = {n: selection(f, described[v][rows], y, splits, budget) for n, (v, f) in approaches.items()}
            told[budget, "named"] = told[budget, choose(chosen, set(approaches))[0]]
    return told


def sample(setting: Setting, labels: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray | None]:
    """Rows of the population: of every class alike, or whole groups."""
    if setting.grouped:
        units = rng.choice(POPULATION // GROUP, setting.labels // GROUP, replace=False)
        return (units[:, None] * GROUP + np.arange(GROUP)).ravel(), np.repeat(np.arange(len(units)), GROUP)
    each = np.bincount(np.arange(setting.labels) % 3)
    return np.concatenate([rng.choice(np.flatnonzero(labels == k), each[k], replace=False) for k in CLASSES]), None


def predictions(
    learn: Callable, x: np.ndarray, labels: np.ndarray, rows: np.ndarray, splits: list[Split], budget
) -> tuple:
    """What is said of every split's tests, a draw a row, and the mean score of the models on the rest of the cells."""
    said, truths, y = [], [], labels[rows]
    others = np.setdiff1d(np.arange(len(labels)), rows)
    for split in splits:
        one = []
        for draw in range(label_draws(splits, y, budget)):
            train = rows[split.budget(y, budget, draw)]
            predict = learn(x[train], labels[train])
            one.append(predict(x[rows[split.test]]))
            truths.append(score("balanced_accuracy", labels[others], predict(x[others]), CLASSES))
        said.append(np.array(one))
    return said, float(np.mean(truths))


def selection(learn: Callable, x: np.ndarray, y: np.ndarray, splits: list[Split], budget) -> float:
    """The mean score on inner folds of the training side, as a study chooses by."""
    found = []
    for split in splits:
        train = split.budget(y, budget)
        for kept, held in inner_folds(y[train], None, 0):
            predict = learn(x[train[kept]], y[train[kept]])
            found.append(score("balanced_accuracy", y[train[held]], predict(x[train[held]]), CLASSES))
    return float(np.mean(found))


def ends(estimate) -> tuple[float, float, float, bool]:
    return (*estimate.as_tuple(), estimate.about != "models")


def tabulate(setting: Setting, told: list[dict]) -> Iterator[dict]:
    for budget, name in told[0]:
        mean, low, high, fresh, truth = np.array([one[budget, name] for one in told], float).T
        kind = "difference" if " - " in name else "named" if name == "named" else "score"
        group = "groups" if setting.grouped else "tuned" if setting.tuned else kind
        target = "b" if fresh.any() else "a"
        wanted = np.full(len(mean), truth.mean()) if target == "b" and name != "named" else truth
        if target == "b" and name == "named":  # the truth of the approach named in this replicate
            means_of = {n: np.mean([one[budget, n][4] for one in told]) for n in APPROACHES}
            wanted = np.array([
                next(means_of[n] for n in APPROACHES if one[budget, n] == one[budget, "named"]) for one in told
            ])  # fmt: skip
        yield row_of(f"{target} {group}", f"{setting}, {budget}", name, mean, low, high, wanted)


def row_of(family: str, setting: str, name: str, mean, low, high, truth) -> dict:
    held = int(((low - 1e-9 <= truth) & (truth <= high + 1e-9)).sum())
    upper = binomtest(held, len(mean)).proportion_ci(0.95, "wilson")
    spread = float((mean - truth).std(ddof=1))
    half = float(((high - low) / 2).mean())
    return {
        "family": family, "setting": setting, "name": name, "n": len(mean), "truth": round(float(np.mean(truth)), 3),
        "bias": round(float((mean - truth).mean()), 4), "covered": round(held / len(mean), 3),
        "low": round(upper.low, 3), "high": round(upper.high, 3),
        "half": round(half, 4), "sharp": round(half / (1.96 * spread), 2) if spread > 1e-9 else None,
    }  # fmt: skip


def pretrained(seed: int) -> tuple[np.ndarray, np.ndarray]:
    """SimCLR of one seed on 482 cells of 20 pixels: h of 6,000 others, of deviation one, and their labels."""
    torch.set_num_threads(1)
    drawn, views, method = make_cells(482, 6000, seed=2), PRESETS["microscopy"], Method("simclr")
    x = torch.from_numpy(drawn.images.astype(np.float32) / 255).permute(0, 3, 1, 2)
    x = torch.nn.functional.avg_pool2d(x, 2)
    unlabelled, labelled = x[drawn.labels < 0], x[drawn.labels >= 0]
    recipe = (
        Recipe(seed=int(np.random.SeedSequence([5, seed]).generate_state(1)[0])).resolve(method, 482).replace(epochs=25)
    )
    spec = encoder_spec("small", TrainingSet.of(unlabelled), symmetric=views.symmetric)
    fitted = fit_encoder(method, TrainingSet.of(unlabelled, views=views), spec=spec, recipe=recipe)
    h = represent(fitted.encoder, labelled, symmetric=spec.symmetric)
    return (h - h.mean(0)) / h.std(0).clip(1e-6), drawn.labels[drawn.labels >= 0]


def over_seeds(h: np.ndarray, labels: np.ndarray) -> Iterator[dict]:
    """One encoder against its own truth, and four encoders against that of any seed: a sample of labels for each seed.

    Where labels are not fresh, the truth of any seed is that of models of this sample's labels, over all seeds.
    """
    setting = Setting(400, 5, 2, (25, "all"))
    for budget in setting.budgets:
        one, four = [], []
        for seed in range(len(h)):
            rows, _ = sample(Setting(400, 5, 2, ()), labels, np.random.default_rng([9, seed]))
            y = labels[rows]
            splits = make_splits(y, folds=5, repeats=2, seed=seed)
            made = [predictions(ridge, each, labels, rows, splits, budget) for each in np.roll(h, -seed, 0)]
            every = float(np.mean([truth for _, truth in made]))
            said = [np.stack(of_split) for of_split in zip(*(said for said, _ in made[:4]), strict=True)]
            single = [of_split[0] for of_split in said]
            one.append((*ends(Outcomes(splits, y, single, budget=budget).interval()), made[0][1], every))
            four.append((*ends(Outcomes(splits, y, said, budget=budget).interval()), every, every))
        for name, told in (("simclr, this encoder", one), ("simclr, four encoders", four)):
            mean, low, high, _, truth, every = np.array(told, float).T
            truth = truth if budget == "all" else np.full(len(truth), every.mean())
            if budget == "all" or name.endswith("encoders"):
                yield row_of("seeds", f"{setting}, {budget}", name, mean, low, high, truth)


def summary(rows: list[dict]) -> list[dict]:
    families = defaultdict(list)
    for row in rows:
        families[row["family"]].append(row)
    found = []
    for family, its in families.items():
        covered, sharp = [r["covered"] for r in its], [r["sharp"] for r in its if r["sharp"]]
        below = [f"{r['name']}, {r['setting']}" for r in its if r["high"] < 0.92]
        means_of = {"covered": round(float(np.mean(covered)), 3), "sharp": round(float(np.mean(sharp)), 2)}
        found.append({"family": family, "rows": len(its), **means_of, "lowest": min(covered), "below 0.92": below})
    return found


if __name__ == "__main__":
    main()
