"""Networks as recipes reuse them: the lecture's network taught, heads on frozen features, and what came of both."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from headstart.encoders.device import find_device
from headstart.encoders.encoder import Encoder
from headstart.encoders.networks import PixelVector
from headstart.evaluation.statistics import Difference, interval, paired
from headstart.objectives.supervised import Supervised
from headstart.recipes.work import Work
from headstart.report.elements import Html, table, tag
from headstart.representation.frozen import represent
from headstart.reuse.transfer import Transfer, lecture_head
from headstart.training.fit import encoder_spec, untrained_encoder
from headstart.training.loop import train
from headstart.training.recipe import ResolvedRecipe, steps_an_epoch
from headstart.training.run import Progress, Run
from headstart.training.training_set import TrainingSet

Images = Float[Tensor, "n c h w"]
Labels = Int[np.ndarray, " n"]
Features = Float[Tensor, "n d 1 1"]
Scores = Mapping[str, Mapping[int, Sequence[float]]]  # way -> labels a class -> accuracy a draw; draws are paired
LAYER = "features"
LECTURE = ResolvedRecipe(
    epochs=5, batch_size=512, learning_rate=1e-2, weight_decay=0.0, warmup_fraction=0.0, optimiser="sgd",
    schedule="constant",
)  # fmt: skip


def for_steps(n: int, steps: int, *, batch_size: int, seed: int) -> ResolvedRecipe:
    """The lecture's recipe over n images: the whole epochs, one at least, that are nearest to so many steps."""
    epochs = max(1, round(steps / steps_an_epoch(n, batch_size)))
    return LECTURE.replace(epochs=epochs, batch_size=batch_size, seed=seed)


def nth(seed: int, k: int) -> int:
    """The seed of the k-th of fewer than 1,000 repeats."""
    return (1000 * seed + k) % 2**32


def untrained(x: Images, seed: int) -> Encoder:
    """The lecture's network as far as ``features``, with random weights, standardising as these images ask for."""
    return untrained_encoder(encoder_spec("lecture_flat", TrainingSet.of(x)), seed=seed)


def taught(
    work: Work, name: str, x: Images, y: Labels, recipe: ResolvedRecipe, shares: tuple[float, float],
) -> tuple[Encoder, nn.Module]:  # fmt: skip
    """The lecture's network and its head, taught on all of the images; ``shares`` of the whole work, from and to."""
    encoder = untrained(x, recipe.seed)
    head = lecture_head(encoder.dim, len(np.unique(y)))

    def teach(folder: Path) -> None:
        made = whole(encoder, recipe)
        made.fit(x, y, folder=folder, resume=True, progress=heard(work, f"{name} is taught", shares))
        encoder.load_state_dict(made.encoder_.state_dict())
        head.load_state_dict(made.head_.state_dict())

    work.network(name, nn.ModuleDict({"encoder": encoder, "head": head}), teach)
    return encoder, head


def heard(work: Work, words: str, shares: tuple[float, float]) -> Progress:
    """The progress of a part that takes the work from one share done to another."""
    return lambda done: work.say(words, shares[0] + done * (shares[1] - shares[0]))


def whole(encoder: Encoder, recipe: ResolvedRecipe) -> Transfer:
    """A transfer in which everything trains; from an untrained encoder that is training from scratch."""
    return Transfer(encoder, layer=LAYER, head=lecture_head, frozen=(), recipe=recipe)


@dataclass(eq=False)
class Backbone:
    """A frozen encoder, and what its layer ``features`` makes of images: once, when it is first asked for.

    faithful: its dropouts stay random while a head trains, so nothing can be kept of the training images.
    """

    encoder: Encoder
    x: Images
    test_x: Float[Tensor, "m c h w"]
    faithful: bool = False

    @cached_property
    def features(self) -> Features:
        """Of the training images, (n, d, 1, 1)."""
        return features(self.encoder, self.x)

    @cached_property
    def test_features(self) -> Features:
        """Of the test images, (m, d, 1, 1)."""
        return features(self.encoder, self.test_x)

    def score(
        self,
        rows: Int[np.ndarray, " k"],
        y: Int[np.ndarray, " k"],
        test_y: Int[np.ndarray, " m"],
        recipe: ResolvedRecipe,
    ) -> float:
        """The test accuracy of a new head, trained on these rows of the training images and their labels.

        Args:
            rows: Of x. y: their labels. test_y: of the test images. recipe: of the head.
        """
        if self.faithful:
            made = Transfer(self.encoder, layer=LAYER, head=lecture_head, faithful=True, recipe=recipe)
            return float(made.fit(self.x[torch.from_numpy(rows)], y).score(self.test_x, test_y))
        given = self.features if len(rows) == len(self.x) else self.features[torch.from_numpy(rows)]
        return head_score(given, y, self.test_features, test_y, recipe)


def features(encoder: Encoder, x: Images) -> Features:
    """What the frozen encoder puts out, each an image of one pixel."""
    return torch.from_numpy(represent(encoder, x, device=find_device("auto")))[:, :, None, None]


def head_score(
    h: Features, y: Labels, test_h: Float[Tensor, "m d 1 1"], test_y: Int[np.ndarray, " m"], recipe: ResolvedRecipe
) -> float:
    """The test accuracy of the lecture's head, trained on features as ``Transfer`` trains it on those it keeps."""
    classes, coded = np.unique(y, return_inverse=True)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(recipe.seed + 2)
        network = Supervised(PixelVector(int(h.shape[1]), (1, 1)), classes=1)
        torch.manual_seed(recipe.seed + 2)
        network.head = lecture_head(int(h.shape[1]), len(classes))
    device = find_device("auto")
    train(network, TrainingSet.of(h, coded), recipe=recipe, run=Run(device=device))
    return float((classes[said(network.head, test_h.flatten(1).to(device))] == test_y).mean())


def said(head: nn.Module, h: Float[Tensor, "n d"]) -> Int[np.ndarray, " n"]:
    """The number of the class that the head finds most probable."""
    with torch.inference_mode():
        return torch.cat([head(part).argmax(1) for part in h.split(1024)]).cpu().numpy()


def draws(work: Work, name: str, which: Iterable[int], score: Callable[[int], float]) -> dict[int, float]:
    """Number of a draw -> accuracy; each is kept, so that a kill loses one."""
    return {k: float(work.part(f"{name}-{k}", lambda k=k: {"accuracy": score(k)})["accuracy"]) for k in which}


def gain(a: Sequence[float], b: Sequence[float], *, ratio: float = 0.0) -> Difference:
    """a − b over the draws that both have, paired."""
    both = min(len(a), len(b))
    return paired(a[:both], b[:both], ratio=ratio)


def named(name: str, found: Difference) -> dict[str, float]:
    """A difference as three numbers: its mean, and the ends of its interval."""
    return {name: found.difference, f"{name}_low": found.low, f"{name}_high": found.high}


def curve_points(scores: Scores, *, ratio: float = 0.0) -> dict[str, list[tuple[float, float, float, float]]]:
    """(labels a class, mean, low, high) a point, for ``report.plots.curves``."""
    return {
        way: [(float(budget), *bar_ends(found, ratio)) for budget, found in by_budget.items() if len(found)]
        for way, by_budget in scores.items()
    }


def bar_ends(found: Sequence[float], ratio: float = 0.0) -> tuple[float, float, float]:
    """Mean, low and high of the draws; one draw alone has no interval."""
    return interval(found, ratio=ratio) if len(found) > 1 else (found[0], found[0], found[0])


def score_table(scores: Scores, best: str, others: Sequence[str], *, unit: str, ratio: float = 0.0) -> Html:
    """A row a number of labels: every way's mean and draws, and by how much ``best`` is ahead of the others."""
    head = [unit, *(f"{way}" for way in scores), *(f"{best} − {other}" for other in others)]
    rows = [
        [
            f"{budget:,}",
            *(_told(scores[way].get(budget, ())) for way in scores),
            *_gaps(scores, best, others, budget, ratio),
        ]
        for budget in _budgets(scores)
    ]
    return table(head, rows, "Test accuracy, and differences on the same draws with their 95 % intervals, in points")


def _budgets(scores: Scores) -> list[int]:
    return sorted({budget for by_budget in scores.values() for budget in by_budget})


def _told(found: Sequence[float]) -> str:
    return f"{np.mean(found):.3f} ({len(found)})" if len(found) else ""


def _gaps(scores: Scores, best: str, others: Sequence[str], budget: int, ratio: float) -> Iterator[str]:
    for other in others:
        both = min(len(scores[way].get(budget, ())) for way in (best, other))
        yield points(gain(scores[best][budget], scores[other][budget], ratio=ratio)) if both > 1 else ""


def points(found: Difference) -> str:
    """A difference of shares in points, with its interval: "+1.9 [0.8, 3.0]"."""
    return f"{100 * found.difference:+.1f} [{100 * found.low:.1f}, {100 * found.high:.1f}]"


def note(text: str) -> Html:
    """A small paragraph below a table."""
    return tag("p", text, class_="note")
