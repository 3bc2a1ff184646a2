"""A network that learned ten digits reads alphabets that it never saw, from a few drawings of each character.

The lecture's network learns MNIST. Its filters are frozen, and for each alphabet a new head (dense 512, ReLU,
batch-norm, dropout, dense) learns the characters of Omniglot: the Latin letters over several draws, and every other
alphabet once, twenty drawings of a character in all. The people who drew are parted: half of them are only tested on,
and 1, 3 or 10 drawings of a character by the others are learned from.

It is compared with the same head on a frozen network that never learned anything, and with the whole network trained
from scratch. All three take about 100 steps of SGD (rate 0.01, momentum 0.9, batches of up to 64) on the same drawings.
The intervals of the Latin letters are over draws, and as the same twenty people are drawn again, they are widened
(Nadeau and Bengio 2003); those of the other alphabets are over alphabets.

--letters PATH takes letters of your own instead: a folder, an IDX file, or whatever else headstart data reads. White
paper is made black, and at most 200 images a letter are used. What to expect is about Omniglot only.

Lake, Salakhutdinov, Tenenbaum. Human-level concept learning through probabilistic program induction. Science 350, 2015.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from headstart.errors import UserError
from headstart.recipes.work import Found, Ranges, Work

if TYPE_CHECKING:
    from torch import Tensor

    from headstart.data.dataset import Dataset
    from headstart.encoders.encoder import Encoder
    from headstart.recipes.given import Given
    from headstart.report.elements import Html

TOPIC = "Transfer learning"
EXPECTED: Ranges = {
    "frozen_accuracy": (0.78, 0.88),
    "untrained_accuracy": (0.66, 0.77),
    "scratch_accuracy": (0.72, 0.84),
    "gain": (0.05, 0.15),
    "gain_elsewhere_low": (0.05, 0.16),
}
QUICK: Ranges = {
    "frozen_accuracy": (0.75, 0.87),
    "untrained_accuracy": (0.64, 0.78),
    "scratch_accuracy": (0.7, 0.85),
    "gain": (0.04, 0.16),
    "gain_elsewhere_low": (0.0, 0.16),
}
FROZEN, UNTRAINED, SCRATCH = "frozen, of digits", "frozen, untrained", "all from scratch"
NAMES = {"frozen": FROZEN, "untrained": UNTRAINED, "scratch": SCRATCH}
FILE, OWN = "omniglot/omniglot28.npz", "Latin"
STEPS, BATCH, MOST, SHOWN = 100, 64, 200, 14


@dataclass(frozen=True)
class Plan:
    """MNIST images (None: all) and epochs, labels a character, draws of the first alphabet, and others (None: all)."""

    train: int | None
    epochs: int
    budgets: tuple[int, ...]
    draws: int
    others: tuple[str, ...] | None


FULL = Plan(None, 3, (1, 3, 10), 10, None)
BRIEF = Plan(4000, 4, (1, 10), 3, ("Greek", "Hebrew", "Korean", "Tibetan"))


@dataclass(frozen=True, eq=False)
class Alphabet:
    """Characters to tell apart: images (n, 1, h, w), white on black, and labels 0..k-1.

    groups: who drew each, or None. tested: whether each is for testing, where the source says so, or None.
    """

    name: str
    x: "Tensor"
    y: np.ndarray
    groups: np.ndarray | None
    tested: np.ndarray | None

    def part(self, seed: int) -> tuple[np.ndarray, np.ndarray]:
        """Rows to learn from, in a drawn order, and rows to test on: half of those who drew, or of each character."""
        rng = np.random.default_rng(seed)
        if self.tested is not None:
            test = self.tested
        elif self.groups is not None:
            people = rng.permutation(np.unique(self.groups))
            test = np.isin(self.groups, people[: len(people) // 2])
        else:
            test = np.zeros(len(self.y), bool)
            for k in np.unique(self.y):
                rows = rng.permutation(np.flatnonzero(self.y == k))
                test[rows[: len(rows) // 2]] = True
        return rng.permutation(np.flatnonzero(~test)), np.flatnonzero(test)

    @property
    def ratio(self) -> float:
        """Test images to training images where both are drawn anew each time, for the interval over draws."""
        return 1.0 if self.tested is None else 0.0


def run(work: Work, *, letters: Path | None = None) -> Found:
    """Learn digits, freeze, and learn one alphabet after the other from few drawings."""
    from headstart.recipes.given import given
    from headstart.recipes.reused import LECTURE, nth, taught

    plan = BRIEF if work.quick else FULL
    digits = given(work, "mnist", train=plan.train, test=SHOWN)
    side = digits.shape[1]
    alphabets = [own(work, letters, side)] if letters else omniglot(work, plan, side)
    recipe = LECTURE.replace(epochs=plan.epochs, batch_size=128, seed=nth(work.seed, 0))
    encoder, _ = taught(work, "digits", digits.x, digits.y, recipe, (0.0, 0.15))
    first, *others = alphabets
    done = 0.15 + 0.85 * plan.draws / (plan.draws + len(others))
    scores = compared(work, plan, encoder, first, range(plan.draws), (0.15, done))
    elsewhere = [
        compared(work, plan, encoder, other, [0], tuple(done + (1 - done) * (i + np.arange(2)) / len(others)))
        for i, other in enumerate(others)
    ]
    return _found(work, alphabets, digits, scores, _joined(elsewhere))


def omniglot(work: Work, plan: Plan, side: int) -> list[Alphabet]:
    """The Latin letters, and the other alphabets of the plan.

    Raises:
        UserError: Omniglot is in no data root.
    """
    from headstart.data.fetch import roots

    path = next((file for root in roots(work.data_root) if (file := root / FILE).is_file()), None)
    if path is None:
        raise UserError(
            f"there is no {FILE} in a data root: name the folder that has it with --data-root or HEADSTART_DATA, "
            "or give letters of your own with --letters PATH"
        )
    with np.load(path, allow_pickle=False) as kept:
        alphabet, names = kept["alphabet"], [str(name) for name in kept["alphabet_names"]]
        groups = alphabet.astype(np.int64) * 100 + kept["drawer"]
        labels = kept["character_names"][kept["character"]]
        dataset = work.load({"images": kept["images"], "labels": labels, "groups": groups})
    chosen = [name for name in names if name != OWN] if plan.others is None else plan.others
    return [_alphabet(name, dataset, np.flatnonzero(alphabet == names.index(name)), side) for name in (OWN, *chosen)]


def own(work: Work, letters: Path, side: int) -> Alphabet:
    """Letters that the user brings, at most 200 a class.

    Raises:
        UserError: fewer than two classes, or too few images of one to part.
    """
    dataset = work.load(letters)
    kinds, counts = np.unique(dataset.labels[dataset.labelled], return_counts=True)
    if len(kinds) < 2 or counts.min() < 4:
        found = f"{len(kinds)} labelled classes" + (f", one of {counts.min()} images" if len(kinds) > 1 else "")
        raise UserError(f"{letters} has {found}: give two letters or more, each with at least 4 labelled images")
    rng = np.random.default_rng(work.seed)
    rows = [rng.permutation(np.flatnonzero(dataset.labels == k))[:MOST] for k in kinds]
    return _alphabet(letters.name, dataset, np.sort(np.concatenate(rows)), side)


def _alphabet(name: str, dataset: "Dataset", rows: np.ndarray, side: int) -> Alphabet:
    import torch

    from headstart.data.pixels import Pixels

    pixels = Pixels.fit(dataset.inputs, image_size=side, per_image=dataset.per_image)
    x = torch.from_numpy(pixels(dataset.inputs.read(rows))).mean(1, keepdim=True)
    border = torch.cat([x[:, :, 0], x[:, :, -1], x[..., 0], x[..., -1]], 2)
    groups = None if dataset.groups is None else dataset.groups[rows]
    tested = None if dataset.splits is None else dataset.splits[rows] == "test"
    y = np.unique(dataset.labels[rows], return_inverse=True)[1]
    return Alphabet(name.replace("_", " "), 1 - x if border.median() > 0.5 else x, y, groups, tested)


def compared(
    work: Work, plan: Plan, encoder: "Encoder", alphabet: Alphabet, which: Sequence[int], shares: tuple[float, float],
) -> dict[str, dict[int, list[float]]]:  # fmt: skip
    """Way -> labels a character -> accuracy a draw, for as many labels as every character has."""
    from headstart.recipes.reused import nth

    found: dict[str, dict[int, list[float]]] = {way: {} for way in NAMES.values()}
    for place, k in enumerate(which):
        now = shares[0] + (shares[1] - shares[0]) * place / len(which)
        work.say(f"{alphabet.name}, draw {place + 1} of {len(which)}", now)
        name = f"{alphabet.name.replace(' ', '-')}-{k}"
        part = work.part(name, lambda k=k: one_draw(plan, encoder, alphabet, nth(work.seed, k)))
        for budget, *accuracies in zip(part["budget"], *(part[key] for key in NAMES), strict=True):
            for way, accuracy in zip(NAMES.values(), accuracies, strict=True):
                found[way].setdefault(int(budget), []).append(float(accuracy))
    return found


def one_draw(plan: Plan, encoder: "Encoder", alphabet: Alphabet, seed: int) -> dict[str, list[float]]:
    """The three accuracies at every number of labels, on the same parting of those who drew."""
    import torch

    from headstart.recipes.reused import features, for_steps, head_score, untrained, whole

    x, y = alphabet.x, alphabet.y
    order, test = alphabet.part(seed)
    random = untrained(x, seed)
    learned, unlearned = features(encoder, x), features(random, x)
    fewest = np.bincount(y[order], minlength=y.max() + 1).min()
    found: dict[str, list[float]] = {"budget": [], **{name: [] for name in NAMES}}
    at = torch.from_numpy(test)
    for budget in (b for b in plan.budgets if b <= fewest):
        rows = np.sort(np.concatenate([order[y[order] == k][:budget] for k in np.unique(y)]))
        recipe, taken = for_steps(len(rows), STEPS, batch_size=BATCH, seed=seed), torch.from_numpy(rows)
        found["budget"].append(budget)
        found["frozen"].append(head_score(learned[taken], y[rows], learned[at], y[test], recipe))
        found["untrained"].append(head_score(unlearned[taken], y[rows], unlearned[at], y[test], recipe))
        found["scratch"].append(float(whole(random, recipe).fit(x[taken], y[rows]).score(x[at], y[test])))
    return found


def _joined(elsewhere: Sequence[dict[str, dict[int, list[float]]]]) -> dict[str, dict[int, list[float]]]:
    """The same over alphabets, an alphabet for a draw."""
    budgets = sorted({budget for scores in elsewhere for budget in scores[FROZEN]})
    return {
        way: {b: [float(np.mean(scores[way][b])) for scores in elsewhere if b in scores[way]] for b in budgets}
        for way in NAMES.values()
    }


def _found(
    work: Work, alphabets: list[Alphabet], digits: "Given", scores: Mapping[str, Mapping[int, list[float]]],
    elsewhere: Mapping[str, Mapping[int, list[float]]],
) -> Found:  # fmt: skip
    from headstart.recipes.reused import gain, named, points

    first, most = alphabets[0], max(scores[FROZEN])
    metrics = {f"{name}_accuracy": float(np.mean(scores[way][most])) for name, way in NAMES.items()}
    over = {
        other: gain(scores[FROZEN][most], scores[way][most], ratio=first.ratio)
        for other, way in (("gain", UNTRAINED), ("gain_over_scratch", SCRATCH))
    }
    for name, difference in over.items():
        metrics |= named(name, difference)
    says = (
        f"{first.name}, {most} labels a character: a new head on the frozen filters of digits is right in "
        f"{metrics['frozen_accuracy']:.1%}, {points(over['gain'])} points over untrained filters and "
        f"{points(over['gain_over_scratch'])} over training everything."
    )
    if elsewhere[FROZEN]:
        both = {name: gain(elsewhere[FROZEN][most], elsewhere[way][most])
                for name, way in (("gain_elsewhere", UNTRAINED), ("gain_over_scratch_elsewhere", SCRATCH))}  # fmt: skip
        for name, difference in both.items():
            metrics |= named(name, difference)
        says += (
            f" Over {len(alphabets) - 1} other alphabets: {points(both['gain_elsewhere'])} and "
            f"{points(both['gain_over_scratch_elsewhere'])}."
        )
    expected = None if elsewhere[FROZEN] else {}
    return Found(metrics, says, _sections(work, alphabets, digits, scores, elsewhere), expected)


def _sections(
    work: Work, alphabets: list[Alphabet], digits: "Given", scores: Mapping[str, Mapping[int, list[float]]],
    elsewhere: Mapping[str, Mapping[int, list[float]]],
) -> "list[Html]":  # fmt: skip
    """The images, and a chart and a table for the first alphabet and for the others."""
    from headstart.recipes.reused import curve_points, note, score_table
    from headstart.report.elements import section
    from headstart.report.plots import curves

    parts: list[Html] = []
    for anchor, title, found, ratio, over in (
        ("first", alphabets[0].name, scores, alphabets[0].ratio, "draws"),
        ("others", f"{len(alphabets) - 1} other alphabets", elsewhere, 0.0, "alphabets"),
    ):
        if not found[FROZEN]:
            continue
        drawn = curves(curve_points(found, ratio=ratio), across="labels a character", up="test accuracy", log=True)
        parts.append(
            section(
                anchor, title,
                work.chart(anchor, drawn, f"Test accuracy against labels a character: {title}",
                           f"Means, with 95 % intervals over {over}."),
                score_table(found, FROZEN, (UNTRAINED, SCRATCH), unit="labels a character", ratio=ratio),
                note(f"In brackets: how many {over}. Differences are in points, on the same drawings."),
            )
        )  # fmt: skip
    rows = np.stack([_row(digits.test_x), *(_row(alphabet.x, alphabet.y) for alphabet in alphabets[:6])])
    named = ", ".join(alphabet.name for alphabet in alphabets[:6])
    sheet = work.images("images", rows, "Digits, and characters of alphabets", f"MNIST; then {named}.")
    return [*parts, section("images", "From digits to these", sheet)]


def _row(x: "Tensor", y: np.ndarray | None = None) -> np.ndarray:
    """So many images, of one class after another where classes are given, (columns, h, w, 1)."""
    rows = np.arange(len(x)) if y is None else np.unique(y, return_index=True)[1]
    return x[np.resize(rows, SHOWN)].numpy().transpose(0, 2, 3, 1)
