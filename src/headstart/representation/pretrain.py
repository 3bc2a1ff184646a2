"""Pretraining as one call: images in, a bundle on disk out."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from headstart.errors import UserError

if TYPE_CHECKING:
    import numpy as np
    from torch import Tensor

    from headstart.data.dataset import Dataset
    from headstart.data.pixels import Pixels
    from headstart.representation.bundle import Bundle
    from headstart.training.fit import Method


def pretrain(
    source: Any,
    *,
    method: str = "simclr",
    out: Path | None = None,
    encoder: str | None = None,
    views: str | None = None,
    saw: Literal["unlabelled", "all"] = "all",
    epochs: int | None = None,
    batch_size: int | None = None,
    learning_rate: float | None = None,
    image_size: int | None = None,
    precision: Literal["float32", "float64", "bf16"] = "float32",
    accumulate: int = 1,
    ema: float = 0.0,
    seed: int = 0,
    time_budget: str | None = None,
    device: str = "auto",
    data_root: str | None = None,
    resume: bool = False,
) -> "Bundle":
    """Train an encoder on a source's images and save it as a bundle, with its log.csv.

    Args:
        source: What to learn from: a name (digits, cells, mnist, …), an .npz file, a folder, a Parquet file.
        method: simclr, autoencoder, denoising, supervised, greedy or greedy:METHOD; see `headstart methods`.
        out: Folder of the bundle; default: runs/SOURCE-METHOD.
        encoder: small, lecture, mlp, resnet18, timm:NAME[@hub|@FILE] (docs/backbones.md); default: the method's own.
        views: digits, natural or microscopy; default by the rule in docs/views.md.
        saw: Learn from the unlabelled inputs only, or from all inputs.
        epochs: Passes over the images; default by the rule in docs/protocol.md.
        batch_size: Images a step; default by the rule in docs/protocol.md.
        learning_rate: Peak of the cosine schedule; default by the rule in docs/protocol.md.
        image_size: Side in pixels that images are brought to; default: their own, at most 64.
        precision: Numbers to compute in.
        accumulate: Split each batch in so many parts, where the result stays the same.
        ema: Decay of an exponential moving average of the weights, which is then what is saved; 0 is none.
        seed: Seed of views and weights.
        time_budget: Wall time such as 90s or 10m; the schedule is shortened to fit.
        device: auto, cpu or cuda.
        data_root: Folder of downloaded data sets; default: the variable HEADSTART_DATA.
        resume: Continue an interrupted run, or start a new one.

    Returns:
        The bundle, as ``load_bundle(out)`` would give it.
    """
    from headstart.data.load import load
    from headstart.encoders.device import find_device
    from headstart.objectives.catalogue import hyperparameters
    from headstart.representation.bundle import Bundle, load_bundle
    from headstart.training.clock import parse_seconds, progress_bar
    from headstart.training.fit import Method, encoder_spec, fit_encoder
    from headstart.training.log import Log
    from headstart.training.workplace import claim, discard, publish
    from headstart.views.presets import resolve

    chosen, target, seconds = Method.parse(method), find_device(device), parse_seconds(time_budget)
    dataset = load(source, data_root=data_root)
    folder = Path(out) if out else Path("runs") / f"{Path(dataset.source).stem}-{method.replace(':', '-')}"
    data = gather(dataset, chosen, saw=saw, image_size=image_size)
    views_name, drawn, _ = resolve(views, dataset)
    recipe = chosen.recipe(len(data.x), seed=seed).but(
        epochs=epochs, batch_size=batch_size, learning_rate=learning_rate,
        precision=precision, accumulate=accumulate, ema=ema,
    )  # fmt: skip
    spec = encoder_spec(encoder or chosen.default_encoder(), data.x, drawn)
    working = claim(folder, marker="card.json", resume=resume)
    if working is None:
        if resume:
            return load_bundle(folder)
        raise UserError(f"{folder} holds a finished bundle: choose another --out")
    try:
        with progress_bar(f"{method} on {dataset.source}") as show:
            fitted = fit_encoder(
                chosen, data.x, data.y, spec=spec, recipe=recipe, views=drawn, classes=len(dataset.class_names),
                index=data.index, device=target, folder=working / "run", resume=resume, seconds=seconds,
                progress=lambda done: show(done, ""),
            )  # fmt: skip
    except UserError:
        if not any(working.rglob("checkpoint.safetensors")):
            discard(working)  # nothing was begun that resuming could continue
        raise
    facts = {
        "method": {
            "name": method,
            "recipe": recipe.card(),
            "hyperparameters": hyperparameters(chosen.learner),
            "views": views_name,
            "steps": len(fitted.rows),
        },
        "data": {"source": dataset.source, "hash": dataset.content_hash, "n": len(data.x)},
        "saw": saw,
    }
    Log(working / "log.csv").add(fitted.rows)
    Bundle(fitted.encoder.float(), spec, data.pixels, facts).save(working)
    publish(working, folder, without="run")
    return load_bundle(folder)


@dataclass(frozen=True)
class TrainingData:
    """What an encoder learns from: images (n, c, h, w) in [0, 1], labels, and each one's place in its data set."""

    x: "Tensor"
    y: "Tensor"
    index: "np.ndarray"
    pixels: "Pixels"


def gather(
    dataset: "Dataset", method: "Method", *, saw: Literal["unlabelled", "all"], image_size: int | None
) -> TrainingData:
    """The images that a method may see, as the encoder will see them.

    Raises:
        UserError: there are no such images.
    """
    import numpy as np
    import torch

    from headstart.data.pixels import Pixels
    from headstart.objectives.catalogue import method_class

    index = dataset.unlabelled if saw == "unlabelled" else np.arange(len(dataset))
    if method_class(method.learner).supervised:
        index = dataset.labelled
    if not len(index):
        kind = "labelled" if method_class(method.learner).supervised else saw
        raise UserError(
            f"{dataset.source} has no {kind} images for {method.name} to learn from: try --saw all, or another method"
        )
    pixels = Pixels.fit(dataset.images[index], image_size=image_size, per_image=dataset.per_image)
    x, y = torch.from_numpy(pixels(dataset.images[index])), torch.from_numpy(dataset.labels[index])
    return TrainingData(x, y, index, pixels)
