"""Health: what a representation makes of two views of the same images, measured without a label while it is trained."""

import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.nn import functional

from headstart.data.duplicates import duplicate_groups
from headstart.data.inputs import Subset, evenly
from headstart.encoders.encoder import Encoder
from headstart.objectives.objective import Objective
from headstart.representation.doctor import Look, diagnose
from headstart.training.checkpoint import read_facts, read_tensors, write_tensors
from headstart.training.log import Log, Row
from headstart.training.training_set import Augmentation, TrainingSet
from headstart.views.measures import light, top1
from headstart.views.random import image_keys

SAMPLE = 512  # images that are looked at
LARGEST_SET = 100_000  # images among which copies are searched
LOOKS = 25  # times a run, evenly spaced over its epochs
NEIGHBOURS = 10
_CHUNK = 64

Rows = Float[Tensor, "n d"]


def spread(z: Rows) -> float:
    """√d · the mean deviation of a column of z / |z|: 1 on all of the sphere, 0 where all images become one.

    Chen and He 2021 (arXiv 2011.10566), section 4.1.
    """
    return float(functional.normalize(z, dim=1).std(0, correction=0).mean() * math.sqrt(z.shape[1]))


def effective_rank(h: Rows) -> float:
    """exp of the entropy of the singular values' shares: 1 for a line, d where all directions count alike.

    Roy and Vetterli. The effective rank. EUSIPCO 2007; as a measure of representations: Garrido et al. 2023
    (arXiv 2210.02885), equation 2. Differs: h is centred first, as a common mean says nothing about any image.
    """
    values = torch.linalg.svdvals(h.double() - h.double().mean(0))
    if float(values.sum()) <= 0:
        return 1.0
    share = values / values.sum()
    return float(torch.special.entr(share).sum().exp())


def alignment(z1: Rows, z2: Rows) -> float:
    """Mean squared distance of two views on the unit sphere, 0 to 4 (Wang and Isola, arXiv 2005.10242, section 4.1)."""
    return float((functional.normalize(z1, dim=1) - functional.normalize(z2, dim=1)).square().sum(1).mean())


def uniformity(z: Rows) -> float:
    """log of the mean Gaussian potential of two images on the unit sphere: 0 where all are one, −4 at best for large d.

    Wang and Isola 2020 (arXiv 2005.10242), section 4.1, with t = 2.
    """
    distances = torch.pdist(functional.normalize(z, dim=1).double())
    return float(distances.square().mul(-2).exp().mean().log())


def neighbours_right(h: Rows, y: Int[Tensor, " n"], *, k: int = NEIGHBOURS) -> float:
    """Accuracy of the k nearest other images by cosine, each image left out in turn; needs more than k images."""
    unit = functional.normalize(h, dim=1)
    similarity = (unit @ unit.T).fill_diagonal_(-math.inf)
    votes = functional.one_hot(y[similarity.topk(min(k, len(h) - 1), dim=1).indices]).sum(1)
    return float((votes.argmax(1) == y).float().mean())


def dead_units(h: Rows) -> float:
    """Share of the units that say the same of every image, to a thousandth of the most lively one's deviation."""
    deviation = h.std(0, correction=0)
    return float((deviation <= 1e-3 * deviation.max()).float().mean())


def flatness(z1: Rows, z2: Rows, *, temperature: float) -> float:
    """Entropy of softmax(z1·z2 / temperature) over the images as a share of log n: 1 where no image stands out."""
    similarity = functional.normalize(z1, dim=1) @ functional.normalize(z2, dim=1).T / temperature
    return float(torch.special.entr(similarity.softmax(1)).sum(1).mean() / math.log(len(z1)))


@dataclass(frozen=True)
class Best:
    """Of an encoder that was kept: the step after which it was looked at."""

    step: int


class Monitor:
    """Looks at a run from time to time, as ``train``'s ``watch``; a row a look, in ``health.csv`` with a folder.

    A row holds the step, the share of the schedule done, the measures above by their names and, the same in every row,
    the share of images that are copies; for methods that compare views also how often these find each other by their
    pixels, and by brightness, contrast and colour alone (``light``); where there are labels, ``knn`` by h and
    ``knn_pixels`` by pixels.
    """

    def __init__(
        self, data: TrainingSet, *, views: Augmentation, epochs: int, folder: Path | None = None, resume: bool = False,
        best: Path | None = None,
    ) -> None:  # fmt: skip
        """Choose what to look at. best: a file for the encoder of the look that found most other views."""
        chosen = evenly(len(data), SAMPLE)
        self.x = data.rows(chosen)
        keys = (image_keys(torch.from_numpy(chosen), seed=0, epoch=0, stream=s) for s in (201, 202))
        self.v1, self.v2 = (views(self.x, key) for key in keys)
        known = np.empty(0, np.int64) if data.y is None else np.flatnonzero(data.y >= 0)
        labelled = known[evenly(len(known), SAMPLE)]
        self.labelled = None
        if data.y is not None and len(labelled) > NEIGHBOURS:
            self.labelled = data.rows(labelled), torch.from_numpy(data.y[labelled])
        self.same_always: Row = {"copies": _copies(data)}
        if self.labelled:
            self.same_always["knn_pixels"] = neighbours_right(_centred(self.labelled[0]), self.labelled[1])
        self.epochs, self.every = epochs, -(-epochs // LOOKS)
        self.views_alone: Row = {
            "pixels": top1(_centred(self.v1), _centred(self.v2)), "light": light(self.v1, self.v2),
        }  # fmt: skip
        self.best = best
        self.log = Log(folder / "health.csv" if folder else None, keep_until=10**12 if resume else 0)

    @property
    def rows(self) -> list[Row]:
        """A row a look."""
        return self.log.rows

    @property
    def now(self) -> str:
        """The last look in three lines, for the panel below a progress bar: the measures, and what the doctor says."""
        if not self.rows:
            return ""
        look = Look.of(self.rows[-1])
        known = f" · k-NN {look.knn:.2f} (pixels {look.knn_pixels:.2f})" if look.knn is not None else ""
        said = [v.sentence for v in diagnose(self.rows, finished=False) if v.code != "D003"]  # the bar says how far
        return (
            f"other view found {look.top1:.2f} · rank {look.rank:.0f} · spread {look.spread:.2f}{known}\n"
            f"alignment {look.alignment:.2f} · uniformity {look.uniformity:.2f} · dead units {look.dead:.0%} · "
            f"copies {look.copies:.0%}\n{' '.join(said)}"
        )

    def __call__(self, objective: Objective, rows: list[Row]) -> None:
        """Look, if it is time to."""
        step, epoch = (int(rows[-1]["step"]), int(rows[-1]["epoch"]) + 1) if rows else (0, 0)
        seen = self.rows[-1]["step"] if self.rows else -1
        if step <= seen or (epoch % self.every and epoch < self.epochs):
            return
        training = objective.training
        objective.eval()
        self._look(objective.encoder, objective, step=step, done=epoch / self.epochs)
        objective.train(training)

    def finish(self, encoder: Encoder, step: int, objective: Objective | None = None, *, again: bool = False) -> int:
        """Look at the end of a run that was cut short or could not be watched; go back to the best, if asked.

        again: the encoder is another one than at the last look, as its weights were averaged since.

        Returns:
            The step at which the encoder now stands.
        """
        if again and self.rows and self.rows[-1]["step"] == step:
            self.log.drop()
        if not self.rows or self.rows[-1]["step"] < step:
            self._look(encoder, objective, step=step, done=1.0)
        if self.best and self.best.is_file():
            encoder.load_state_dict(read_tensors(self.best))
            return read_facts(self.best, Best).step
        return step

    def _look(self, encoder: Encoder, objective: Objective | None, *, step: int, done: float) -> None:
        """Measure h, and what the loss compares: z, where the method has a projector."""
        projector, temperature = (getattr(objective, name, None) for name in ("projector", "temperature"))
        h, h1, h2 = (_through(encoder, x) for x in (self.x, self.v1, self.v2))
        z, z1, z2 = (h, h1, h2) if projector is None else (_through(projector, part) for part in (h, h1, h2))
        found: Row = {
            "step": step, "done": done, "top1": top1(z1, z2), "spread": spread(z), "rank": effective_rank(h),
            "rank_z": effective_rank(z),
            "alignment": alignment(z1, z2), "uniformity": uniformity(z), "dead": dead_units(h),
        }  # fmt: skip
        if objective is not None and objective.n_views > 1:
            found |= self.views_alone
        if projector is not None and temperature is not None:
            found["temperature"] = temperature
            found["flatness"] = flatness(z1, z2, temperature=temperature)
        if self.labelled:
            found["knn"] = neighbours_right(_through(encoder, self.labelled[0]), self.labelled[1])
        if self.best and step and found["top1"] >= max((row["top1"] for row in self.rows[1:]), default=0.0):
            write_tensors(self.best, encoder.state_dict(), Best(step))
        self.log.add([{k: round(v, 6) for k, v in (found | self.same_always).items()}])


def _copies(data: TrainingSet) -> float:
    """The share of images that are copies of earlier ones, of all of them or of 100,000 evenly spaced."""
    some = Subset(data.inputs, evenly(len(data), LARGEST_SET))
    return 1 - len(np.unique(duplicate_groups(some))) / len(some)


def _centred(x: Float[Tensor, "n c h w"]) -> Rows:
    return (x - x.mean(0)).flatten(1)


@torch.inference_mode()
def _through(network: nn.Module, x: Float[Tensor, "n ..."]) -> Rows:
    weight = next(iter(network.state_dict().values()))
    return torch.cat([network(part.to(weight.device, weight.dtype)).float().cpu() for part in x.split(_CHUNK)])
