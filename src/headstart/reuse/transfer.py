"""Transfer: a trained encoder learns another task, by a new head, with as much of it frozen as one likes.

Yosinski, Clune, Bengio, Lipson. How transferable are features in deep neural networks? NIPS 2014, arXiv 1411.1792.
Howard, Ruder. Universal language model fine-tuning for text classification. ACL 2018, arXiv 1801.06146 (section 3.2,
layer-wise rates; section 3.3, gradual unfreezing). Kumar, Raghunathan, Jones, Ma, Liang. Fine-tuning can distort
pretrained features and underperform out-of-distribution. ICLR 2022, arXiv 2202.10054 (the linear probe first).
"""

import copy
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, Int
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils.validation import check_is_fitted
from torch import Tensor, nn

from headstart.encoders.device import find_device
from headstart.encoders.encoder import Encoder
from headstart.encoders.networks import PixelVector
from headstart.errors import UserError
from headstart.objectives.supervised import Supervised
from headstart.representation.bundle import Bundle, load_bundle
from headstart.representation.frozen import represent
from headstart.reuse.cut import Cut
from headstart.reuse.inputs import fitted_pixels, prepared
from headstart.reuse.phases import make_phases, stage_rates
from headstart.reuse.summary import summarise
from headstart.training.log import Row
from headstart.training.loop import train
from headstart.training.recipe import Recipe
from headstart.training.run import Progress, Run
from headstart.training.training_set import TrainingSet
from headstart.views.views import Views

Head = Callable[[int, int], nn.Module]
Shape = tuple[int, int, int]


def lecture_head(dim: int, classes: int) -> nn.Sequential:
    """The lecture's head: dense 512, ReLU, batch-norm, dropout ½, dense."""
    return nn.Sequential(nn.Linear(dim, 512), nn.ReLU(), nn.BatchNorm1d(512), nn.Dropout(0.5), nn.Linear(512, classes))


class Transfer(ClassifierMixin, BaseEstimator):
    """A classifier of images: a copy of an encoder, and a head on one of its layers; the original is left alone.

    Images are given as they are stored, (n, h, w) or (n, h, w, c) of numpy, or as a tensor (n, c, h, w) in [0, 1].

    Args:
        encoder: An encoder, a bundle, or a bundle's folder.
        layer: The layer under the head, such as "features", whose output is flattened; None is the encoder's h.
        head: Makes the head of (width of the layer, number of classes), such as ``lecture_head``; or a trained head,
            of which a copy goes on, an output a class in sorted order; None is a linear layer.
        frozen: "all", or names of parts of the encoder, such as ["stages.0"], and "head": each with everything beneath
            it stays as it is, bit for bit, in inference mode. () freezes nothing; ["stages.2", "stages.3", "head"]
            trains the bottom only.
        recipe: How long and how fast; None is the default for labelled images.
        probe: A recipe by which the head alone trains first.
        unfreeze_every: Epochs after which one more stage trains, the last first; before, the head alone does.
        stage_factor: Each stage learns so many times more slowly than what is above it.
        views: Random views of the training images; None is none.
        faithful: Frozen dropouts stay random while the head trains, as in Keras.
        cache: Where everything before the head is frozen and each image always looks the same, the layer's outputs are
            computed once; they are the same, but for rounding.
        device: auto, cpu or cuda.

    After ``fit``: ``classes_``, ``encoder_``, ``head_``, ``pixels_`` (how stored images are prepared, or None),
    ``log_`` (a row a step) and ``cached_`` (whether any outputs were computed once).
    """

    def __init__(
        self,
        encoder: Encoder | Bundle | str | Path,
        *,
        layer: str | None = None,
        head: nn.Module | Head | None = None,
        frozen: str | Sequence[str] = "all",
        recipe: Recipe | None = None,
        probe: Recipe | None = None,
        unfreeze_every: int | None = None,
        stage_factor: float = 1.0,
        views: Views | None = None,
        faithful: bool = False,
        cache: bool = True,
        device: str = "auto",
    ) -> None:
        self.encoder, self.layer, self.head, self.frozen = encoder, layer, head, frozen
        self.recipe, self.probe, self.unfreeze_every, self.stage_factor = recipe, probe, unfreeze_every, stage_factor
        self.views, self.faithful, self.cache, self.device = views, faithful, cache, device

    def fit(
        self,
        x: Float[Tensor, "n c h w"] | np.ndarray,
        y: np.ndarray | Sequence[Any],
        *,
        index: np.ndarray | None = None,
        folder: Path | None = None,
        resume: bool = False,
        progress: Progress | None = None,
    ) -> "Transfer":
        """Train on images and their labels.

        Args:
            x: Images. y: a label each, of any kind.
            index: Each image's place in its data set, by which views are drawn; default 0..n-1.
            folder: Where each phase's log and checkpoint go; none are written without it.
            resume: Go on from the folder's checkpoints.
            progress: Called with the share done, in [0, 1].

        Raises:
            UserError: images that do not match the encoder, parts that it does not have, or nothing left to train.
        """
        encoder, bundle = self._opened()
        self.pixels_ = bundle.pixels if bundle else None if isinstance(x, Tensor) else fitted_pixels(x, encoder)
        self._symmetric = bundle is not None and bundle.spec.symmetric
        images = prepared(x, encoder, self.pixels_)
        self.classes_, coded = np.unique(np.asarray(y), return_inverse=True)
        if len(coded) != len(images):
            raise UserError(f"{len(coded)} labels for {len(images)} images were given, wanted one each")
        labels = torch.from_numpy(coded.astype(np.int64))
        recipe = (self.recipe or Recipe()).resolve(Supervised, len(images))
        objective, cut = self._network(encoder, _shape(images), len(self.classes_), seed=recipe.seed)
        probe = None if self.probe is None else self.probe.resolve(Supervised, len(images))
        phases = make_phases(
            cut, frozen=self.frozen, recipe=recipe, probe=probe, unfreeze_every=self.unfreeze_every,
            faithful=self.faithful,
        )  # fmt: skip
        self.log_: list[Row] = []
        outputs: Tensor | None = None
        done, total = 0, sum(phase.recipe.epochs for phase in phases)
        for k, phase in enumerate(phases):
            # Only what is trained on changes: the order, the head's dropouts and the loop are the same either way.
            cached = phase.whole and self.views is None and not self.faithful and self.cache
            if cached and outputs is None:
                outputs = self._outputs(cut, images)
            held = tuple(name for name in phase.frozen if not cached or name.startswith("head"))
            rates = None if cached else stage_rates(cut, self.stage_factor)
            seen = outputs if cached and outputs is not None else images
            rows = train(
                _on_outputs(objective, cut) if cached else objective,
                TrainingSet.of(seen, labels, views=self.views, index=index),
                recipe=replace(phase.recipe, frozen=held, rates=rates),
                run=Run(
                    folder / f"phase{k + 1}" if folder else None, resume, device=find_device(self.device),
                    progress=_part(progress, done / total, phase.recipe.epochs / total),
                ),
            )  # fmt: skip
            self.log_ += [{**row, "step": len(self.log_) + i + 1} for i, row in enumerate(rows)]
            done += phase.recipe.epochs
        self.cached_ = outputs is not None
        self.encoder_, self.head_, self._cut = cut.encoder.eval(), objective.head.eval(), cut.eval()
        return self

    def predict_proba(self, x: Float[Tensor, "n c h w"] | np.ndarray) -> Float[np.ndarray, "n k"]:
        """Probabilities of ``classes_``."""
        check_is_fitted(self)
        h = self._outputs(self._cut, prepared(x, self.encoder_, self.pixels_)).flatten(1)
        parameter = next(self.head_.parameters())
        with torch.inference_mode():
            logits = self.head_.to(find_device(self.device))(h.to(find_device(self.device), parameter.dtype))
        return logits.double().softmax(1).cpu().numpy()

    def predict(self, x: Float[Tensor, "n c h w"] | np.ndarray) -> Int[np.ndarray, " n"] | np.ndarray:
        """The most probable class of each image."""
        return self.classes_[self.predict_proba(x).argmax(1)]

    def summary(self, shape: Shape | None = None, classes: int | None = None) -> str:
        """A table of the layers, their output shapes and parameters, and how many of them train at last.

        Args:
            shape: (channels, height, width) of an image; needed before ``fit`` only; default: the encoder's.
            classes: How many; needed before ``fit`` only.
        """
        if hasattr(self, "head_"):
            cut, head = self._cut, self.head_
        elif classes is None:
            raise UserError("summary() before fit wants the number of classes: summary(classes=10)")
        else:
            encoder, _ = self._opened()
            objective, cut = self._network(encoder, shape or encoder.input_shape, classes, seed=0)
            head = objective.head
        last = make_phases(
            cut, frozen=self.frozen, recipe=Recipe().resolve(Supervised, 1), probe=None, unfreeze_every=None,
            faithful=self.faithful,
        )[-1]  # fmt: skip
        return summarise(cut, head, last.frozen)

    def _opened(self) -> tuple[Encoder, Bundle | None]:
        given = load_bundle(self.encoder) if isinstance(self.encoder, str | Path) else self.encoder
        return (given.encoder, given) if isinstance(given, Bundle) else (given, None)

    def _network(self, encoder: Encoder, shape: Shape, classes: int, *, seed: int) -> tuple[Supervised, Cut]:
        if classes < 2:
            raise UserError("the labels name one class, wanted two or more")
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed + 2)
            cut = Cut(copy.deepcopy(encoder), self.layer, shape)
            objective = Supervised(cut, classes=classes)
            torch.manual_seed(seed + 2)
            if isinstance(self.head, nn.Module):
                objective.head = copy.deepcopy(self.head)
            elif self.head is not None:
                objective.head = self.head(cut.dim, classes)
        _check_head(objective.head, cut.dim, classes)
        return objective, cut

    def _outputs(self, cut: Cut, images: Tensor) -> Float[Tensor, "n d 1 1"]:
        h = represent(cut, images, symmetric=self._symmetric, device=find_device(self.device))
        return torch.from_numpy(h)[:, :, None, None]


def _on_outputs(objective: Supervised, cut: Cut) -> Supervised:
    """The same head on the layer's outputs, each an image of one pixel."""
    with torch.random.fork_rng(devices=[]):
        cached = Supervised(PixelVector(cut.dim, (1, 1)), classes=1)
    cached.head = objective.head
    return cached


def _shape(images: Tensor) -> Shape:
    return int(images.shape[1]), int(images.shape[2]), int(images.shape[3])


def _part(progress: Progress | None, start: float, share: float) -> Progress | None:
    return None if progress is None else (lambda done: progress(start + done * share))


def _check_head(head: nn.Module, dim: int, classes: int) -> None:
    modes = [(module, module.training) for module in head.modules()]
    parameter = next(head.parameters(), torch.zeros(0))
    try:
        with torch.no_grad():
            shape = tuple(head.eval()(torch.zeros(2, dim, dtype=parameter.dtype, device=parameter.device)).shape)
    except RuntimeError:
        shape = None
    for module, training in modes:
        module.training = training
    if shape != (2, classes):
        made = "does not take them" if shape is None else f"makes {shape[1:]} of them"
        raise UserError(f"the layer puts out {dim} numbers and there are {classes} classes: this head {made}")
